"""Right, with asyncio: several applications at once, newest first."""

import asyncio
import os

import httpx

PERMITS = os.environ["PERMITS_URL"]
POPULATION = os.environ["POPULATION_URL"]
REASONS = {
    "11": ("93", "nik_deceased"),
    "12": ("41", "nik_duplicate"),
    "13": ("93", "nik_unknown"),
    "14": ("41", "nik_inactive"),
    "15": ("93", "nik_malformed"),
}


class Office:
    def __init__(self, http):
        self.http = http
        self.token = None
        self.signing_in = asyncio.Lock()
        self.gate = asyncio.Semaphore(6)

    async def bearer(self, refused=None):
        async with self.signing_in:
            if self.token == refused:
                answer = await self.http.post(
                    os.environ["IDENTITY_URL"] + "/oauth2/token",
                    data={
                        "grant_type": "client_credentials",
                        "client_id": os.environ["CLIENT_ID"],
                        "client_secret": os.environ["CLIENT_SECRET"],
                    },
                )
                self.token = answer.raise_for_status().json()["access_token"]
            return self.token

    async def call(self, method, url, headers=None, **options):
        for _attempt in range(6):
            token = self.token or await self.bearer()
            answer = await self.http.request(
                method, url, headers={**(headers or {}), "Authorization": f"Bearer {token}"}, **options
            )
            if answer.status_code == 401:
                await self.bearer(refused=token)
            elif answer.status_code in {429, 500, 502, 503, 504}:
                await asyncio.sleep(int(answer.headers.get("Retry-After", 1)) + 0.05)
            else:
                return answer.raise_for_status()
        return None

    async def decide(self, number):
        async with self.gate:
            url = f"{PERMITS}/v1/applications/{number}"
            checklist = await self.call("GET", url + "/checklist")
            application = await self.call("GET", url)
            if checklist is None or application is None:
                return
            status, reason = "11", "documents_incomplete"
            if all(item["fulfilled"] for item in checklist.json()["data"] if item["required"]):
                status, reason = await self.judged(application.json()["applicant"])
            if status is None:
                return
            await self.call(
                "POST",
                url + "/decisions",
                headers={"If-Match": application.headers["etag"], "Idempotency-Key": f"{number}-{status}"},
                json={"status": status, "reason_code": reason, "reason": "Diputuskan oleh program integrasi."},
            )

    async def judged(self, applicant):
        year, month, day = applicant["birth_on"].split("-")
        answer = await self.call(
            "POST",
            POPULATION + "/dukcapil/get_json/PTSP/CALL_VERIFY_BY_ELEMEN",
            json={
                "NIK": applicant["nik"],
                "NAMA_LGKP": applicant["name"],
                "JENIS_KLMIN": "Laki-Laki" if applicant["sex"] == "L" else "Perempuan",
                "TGL_LHR": f"{day}-{month}-{year}",
                "TRESHOLD": "90",
            },
        )
        if answer is None:
            return None, None
        row = answer.json()["content"][0]
        if row.get("RESPONSE_CODE"):
            return REASONS[row["RESPONSE_CODE"]]
        for element, reason in (
            ("NAMA_LGKP", "name_mismatch"),
            ("TGL_LHR", "birth_date_mismatch"),
            ("JENIS_KLMIN", "sex_mismatch"),
        ):
            if row[element].startswith("Tidak"):
                return "41", reason
        return "45", "verified"

    async def work(self):
        numbers, url = [], f"{PERMITS}/v1/applications?status=20&limit=30"
        while url:
            page = await self.call("GET", url)
            numbers += [row["id"] for row in page.json()["data"]]
            following = page.links.get("next")
            url = PERMITS + following["url"] if following else None
        await asyncio.gather(*(self.decide(number) for number in reversed(numbers)))


async def main():
    async with httpx.AsyncClient(timeout=30) as http:
        await Office(http).work()


asyncio.run(main())
