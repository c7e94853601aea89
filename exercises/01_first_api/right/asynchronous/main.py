"""Right, with asyncio: the look-ups run side by side; the first to be refused gets the new token for all."""

import asyncio
import json
import os

import httpx


class Client:
    def __init__(self, http):
        self.http = http
        self.token = None
        self.lock = asyncio.Lock()

    async def valid_token(self, refused=None):
        async with self.lock:
            if self.token is None or self.token == refused:
                response = await self.http.post(
                    os.environ["IDENTITY_URL"] + "/oauth2/token",
                    data={
                        "grant_type": "client_credentials",
                        "client_id": os.environ["CLIENT_ID"],
                        "client_secret": os.environ["CLIENT_SECRET"],
                    },
                )
                response.raise_for_status()
                self.token = response.json()["access_token"]
            return self.token

    async def get(self, path, params=None):
        token = await self.valid_token()
        url = os.environ["POPULATION_URL"] + path
        response = await self.http.get(url, params=params, headers={"Authorization": f"Bearer {token}"})
        if response.status_code == 401:
            token = await self.valid_token(refused=token)
            response = await self.http.get(url, params=params, headers={"Authorization": f"Bearer {token}"})
        return response

    async def residents(self):
        ids, params = [], {"region": os.environ["DISTRICT"], "limit": "50"}
        more = True
        while more:
            page = (await self.get("/v1/residents", params)).raise_for_status().json()
            ids += [row["id"] for row in page["data"]]
            more = page["meta"]["has_more"]
            params["cursor"] = page["meta"]["cursor"]
        return ids


async def main():
    niks = os.environ["NIKS"].split(",")
    async with httpx.AsyncClient(timeout=10) as http:
        client = Client(http)
        ids, *answers = await asyncio.gather(client.residents(), *(client.get(f"/v1/residents/{nik}") for nik in niks))
    found = {nik: answer.json()["name"] for nik, answer in zip(niks, answers) if answer.status_code == 200}
    report = {
        "jumlah": len(ids),
        "penduduk": sorted(ids),
        "ditemukan": found,
        "tidak_ditemukan": [nik for nik in niks if nik not in found],
    }
    print(json.dumps(report))


asyncio.run(main())
