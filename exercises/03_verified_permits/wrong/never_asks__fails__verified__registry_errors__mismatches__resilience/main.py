"""Wrong: lets every complete application through, without asking the population service."""

import os
import sys
import time

import httpx

PERMITS_URL = os.environ["PERMITS_URL"]
ATTEMPTS = 4


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
        params, numbers = {"status": "20", "limit": 50}, []
        while True:
            page = self.call("GET", f"{PERMITS_URL}/v1/applications", params=params).json()
            numbers += [row["id"] for row in page["data"]]
            if not page["meta"]["has_more"]:
                return numbers
            params["cursor"] = page["meta"]["cursor"]

    def decide(self, number):
        address = f"{PERMITS_URL}/v1/applications/{number}"
        application = self.call("GET", address)
        checklist = self.call("GET", f"{address}/checklist").json()["data"]
        if any(item["required"] and not item["fulfilled"] for item in checklist):
            decision = ("11", "documents_incomplete")
        else:
            decision = ("45", "verified")
        status, reason = decision
        self.call(
            "POST",
            f"{address}/decisions",
            json={"status": status, "reason_code": reason},
            headers={"If-Match": application.headers["ETag"]},
        )


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
