"""Right, with the standard library only, and the look-ups before the list."""

import base64
import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

token = None


def fetch_token():
    pair = f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()
    request = Request(
        os.environ["IDENTITY_URL"] + "/oauth2/token",
        data=urlencode({"grant_type": "client_credentials", "scope": "population:read"}).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
    )
    with urlopen(request, timeout=10) as response:
        return json.load(response)["access_token"]


def get(path):
    global token
    for attempt in (1, 2):
        if token is None:
            token = fetch_token()
        request = Request(os.environ["POPULATION_URL"] + path, headers={"Authorization": "Bearer " + token})
        try:
            with urlopen(request, timeout=10) as response:
                return json.load(response)
        except HTTPError as error:
            if error.code == 404:
                return None
            if error.code != 401 or attempt == 2:
                raise
            token = None


found, missing, ids = {}, [], []
for nik in os.environ["NIKS"].split(","):
    resident = get("/v1/residents/" + nik)
    if resident is None:
        missing.append(nik)
    else:
        found[nik] = resident["name"]
cursor = ""
while True:
    query = {"region": os.environ["DISTRICT"], "limit": 20}
    if cursor:
        query["cursor"] = cursor
    page = get("/v1/residents?" + urlencode(query))
    ids.extend(row["id"] for row in page["data"])
    cursor = page["meta"]["cursor"]
    if not page["meta"]["has_more"]:
        break
ids.reverse()
print(json.dumps({"tidak_ditemukan": missing, "ditemukan": found, "penduduk": ids, "jumlah": len(ids)}, indent=2))
