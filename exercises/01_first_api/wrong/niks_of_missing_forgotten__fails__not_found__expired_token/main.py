"""Wrong: leaves the NIKs that do not exist out of the report."""

import json
import os

import httpx

IDENTITY_URL = os.environ["IDENTITY_URL"]
POPULATION_URL = os.environ["POPULATION_URL"]


def new_token(client):
    response = client.post(
        f"{IDENTITY_URL}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
    )
    response.raise_for_status()
    client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


def get(client, path, **params):
    response = client.get(f"{POPULATION_URL}{path}", params=params)
    if response.status_code == 401:
        new_token(client)
        response = client.get(f"{POPULATION_URL}{path}", params=params)
    return response


def residents(client, district):
    params = {"region": district, "limit": 50}
    while True:
        response = get(client, "/v1/residents", **params)
        response.raise_for_status()
        page = response.json()
        yield from (row["id"] for row in page["data"])
        if not page["meta"]["has_more"]:
            return
        params["cursor"] = page["meta"]["cursor"]


def main():
    with httpx.Client(timeout=10) as client:
        new_token(client)
        ids = list(residents(client, os.environ["DISTRICT"]))
        found, missing = {}, []
        for nik in os.environ["NIKS"].split(","):
            response = get(client, f"/v1/residents/{nik}")
            if response.status_code == 404:
                continue
            else:
                response.raise_for_status()
                found[nik] = response.json()["name"]
    print(json.dumps({"jumlah": len(ids), "penduduk": ids, "ditemukan": found, "tidak_ditemukan": missing}))


if __name__ == "__main__":
    main()
