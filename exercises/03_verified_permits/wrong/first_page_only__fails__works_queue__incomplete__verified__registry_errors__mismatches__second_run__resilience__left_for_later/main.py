"""Wrong: works off the first page of the queue only."""

import os
import sys
import time
from datetime import date

import httpx

POPULATION_URL = os.environ["POPULATION_URL"]
PERMITS_URL = os.environ["PERMITS_URL"]
ATTEMPTS = 4
BY_CODE = {
    "15": ("93", "nik_malformed"),
    "13": ("93", "nik_unknown"),
    "11": ("93", "nik_deceased"),
    "12": ("41", "nik_duplicate"),
    "14": ("41", "nik_inactive"),
}
BY_ELEMENT = {
    "NAMA_LGKP": "name_mismatch",
    "TGL_LHR": "birth_date_mismatch",
    "JENIS_KLMIN": "sex_mismatch",
}
SEXES = {"L": "Laki-Laki", "P": "Perempuan"}


class Unavailable(Exception):
    """A service went on failing."""


class City:
    def __init__(self, http):
        self.http = http
        self.sign_in()

    def sign_in(self):
        response = self.http.post(
            os.environ["IDENTITY_URL"] + "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
        )
        response.raise_for_status()
        self.http.headers["Authorization"] = "Bearer " + response.json()["access_token"]

    def call(self, method, url, **options):
        for _attempt in range(ATTEMPTS):
            response = self.http.request(method, url, **options)
            if response.status_code == 401:
                self.sign_in()
            elif response.status_code == 503:
                time.sleep(float(response.headers.get("Retry-After", "1")))
            else:
                response.raise_for_status()
                return response
        raise Unavailable(url)

    def queue(self):
        params, numbers = {"status": "20"}, []
        while True:
            page = self.call("GET", f"{PERMITS_URL}/v1/applications", params=params).json()
            numbers += [row["id"] for row in page["data"]]
            return numbers

    def verify(self, applicant):
        elements = {
            "TRESHOLD": "90",
            "NIK": applicant["nik"],
            "NAMA_LGKP": applicant["name"],
            "TGL_LHR": date.fromisoformat(applicant["birth_on"]).strftime("%d-%m-%Y"),
            "JENIS_KLMIN": SEXES[applicant["sex"]],
        }
        url = f"{POPULATION_URL}/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN"
        return self.call("POST", url, json=elements).json()["content"][0]

    def decide(self, number):
        address = f"{PERMITS_URL}/v1/applications/{number}"
        application = self.call("GET", address)
        checklist = self.call("GET", f"{address}/checklist").json()["data"]
        if any(item["required"] and not item["fulfilled"] for item in checklist):
            decision = ("11", "documents_incomplete")
        else:
            decision = rule(self.verify(application.json()["applicant"]))
        status, reason = decision
        self.call(
            "POST",
            f"{address}/decisions",
            json={"status": status, "reason_code": reason},
            headers={"If-Match": application.headers["ETag"]},
        )


def rule(answer):
    if "RESPONSE_CODE" in answer:
        return BY_CODE[str(answer["RESPONSE_CODE"])]
    for element, reason in BY_ELEMENT.items():
        if not answer[element].startswith("Sesuai"):
            return "41", reason
    return "45", "verified"


def main():
    with httpx.Client(timeout=10) as http:
        city = City(http)
        for number in city.queue():
            try:
                city.decide(number)
            except Unavailable as error:
                print(f"{number} ditinggalkan: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
