"""Simulated participants: each works in a sandbox of their own as exercises 1 to 3 ask, and looks at every answer.

Locust runs it (`make load`, or the `load` profile of docker-compose.yml). Between two runs of a program a participant
thinks; within one, calls follow each other as fast as they are answered, as those of a real program do.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from itertools import count
from math import log
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import ErrorResponse, FastResponse
from locust.env import Environment
from locust.exception import RescheduleTask
from locust.runners import WorkerRunner

from load import expectations
from load.expectations import WrongAnswer, own, right
from load.town import Application, Room, Town

THINK_SECONDS = 10.0
"""Median of the pause between two runs of a participant's program."""

_THINK_SPREAD = 0.6
_TOKEN_AGE_SECONDS = 5.0
"""A run asks for a token of its own, as a fresh process does, unless the last one is younger than this: nobody may ask
for more than 60 in a minute."""

_DISTRICTS = tuple(f"76.79.{number}" for number in range(90, 96))
_SEXES = {"L": "Laki-Laki", "P": "Perempuan"}
_SKPD = "3.30.3.31.0.00.01.0000"
_ACCOUNT = "4.1.02.01.04.0001"

Check = Callable[[Any], object]


class Participant(FastHttpUser):
    """One participant."""

    host = "http://127.0.0.1"  # never used: every address is whole
    network_timeout = 30.0
    connection_timeout = 30.0
    services: Mapping[str, str] = {}
    towns: tuple[Town, ...] = ()
    rush = False
    turns = count()

    def on_start(self) -> None:
        """Takes the next city that nobody has, and leaves a mark in it: who shares it is then found for certain."""
        self.town = self.towns[next(self.turns)]
        self.random = Random(self.town.client_id)  # noqa: S311 - a script, not a secret
        self.headers: dict[str, str] = {}
        self.token_at = 0.0
        self.calls = count(1)
        self.tag = ""
        self.made = 0
        with suppress(RescheduleTask):
            self.sign_in()
            self.bill()

    def wait_time(self) -> float:
        """Returns how long the participant thinks, in seconds."""
        return 0.0 if self.rush else self.random.lognormvariate(log(THINK_SECONDS), _THINK_SPREAD)

    @task(3)
    def meet_the_api(self) -> None:
        """Exercise 1: all pages of a district, then some residents by NIK, one of whom lives elsewhere."""
        self.sign_in()
        district = self.random.choice(_DISTRICTS)
        ids: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get("population", "/v1/residents", {"region": district, "limit": "50", **cursor}, self._page)
            ids += [row["id"] for row in page["data"]]
            if not page["meta"]["has_more"]:
                break
            cursor = {"cursor": page["meta"]["cursor"]}
        self.note(lambda: expectations.check_district(self.town, district, ids), "GET", "all pages of a district")
        for resident in self.random.sample(self.town.plain, 4):
            self.get("population", f"/v1/residents/{resident.nik}", {}, self._resident, name="/v1/residents/{nik}")
        stranger = self.random.choice(self.town.strangers)
        self.get("population", f"/v1/residents/{stranger}", {}, name="/v1/residents/{stranger}", expected=(404,))

    @task(3)
    def verify_registrants(self) -> None:
        """Exercise 2: registrants through the Dukcapil dialect, one of whom lives elsewhere."""
        self.sign_in()
        for resident in self.random.sample(self.town.plain, 10):
            elements = (resident.nik, resident.name, resident.birth_on, resident.sex)
            self.verify(*elements, partial(expectations.check_match, resident))
        self.verify(self.random.choice(self.town.strangers), "SITI", "1990-01-31", "P", expectations.check_stranger)

    @task(3)
    def work_off_the_queue(self) -> None:
        """Exercise 3: some applications of the queue; once it is empty, a second run that must change nothing."""
        self.sign_in()
        query = {"status": "20", "limit": "50"}
        waiting = [row["id"] for row in self.get("permits", "/v1/applications", query)["data"]]
        for number in self.random.sample(waiting, min(8, len(waiting))):
            self.decide(number, (201,))
        if not waiting:
            for one in self.random.sample(self.town.queue, 8):
                self.decide(one.id, (200,))

    @task(1)
    def bill_and_budget(self) -> None:
        """Finance: budget lines, the month's spending, a bill that is made once, read and paid."""
        self.sign_in()
        page = {"page": str(self.random.randrange(5)), "size": "20"}
        self.get("finance", "/v1/dpa", page, lambda found: expectations.check_budget(self.town, found["content"]))
        month = {"year": "2026", "month": str(self.random.randint(1, 10)), "skpd": _SKPD}
        self.get("finance", "/v1/realisation", month)
        bill = self.bill()
        amount = {"amount_idr": bill["total_idr"], "reference": self.town.participant}
        path, key = f"/v1/bills/{bill['id']}/payments", {"Idempotency-Key": f"pay-{bill['id']}"}
        self.post("finance", path, amount, key, self._bill, name="/v1/bills/{id}/payments", expected=(200, 201))
        pages = (len(self.town.bills) + self.made) // 50 + 1
        some = {"page": str(self.random.randrange(pages)), "size": "50"}
        self.get("finance", "/v1/bills", some, lambda found: expectations.check_bills(self.town, found["content"]))

    def bill(self) -> dict[str, Any]:
        """Makes a bill, now and then twice with one key; keys are alike for all participants on purpose."""
        self.made += 1
        resident = self.random.choice(self.town.plain)
        body = {
            "skpd_code": _SKPD,
            "account_code": _ACCOUNT,
            "description": f"{self.town.participant} #{self.made}",
            "payer_name": resident.name,
            "payer_nik": resident.nik,
            "amount_idr": 1000 * self.made,
        }
        key = {"Idempotency-Key": f"bill-{self.made}"}
        made: dict[str, Any] = self.post(
            "finance", "/v1/bills", body, key, self._bill, name="/v1/bills", expected=(201,)
        )
        if self.random.random() < 0.25:
            again = self.post("finance", "/v1/bills", body, key, self._bill, name="/v1/bills (again)", expected=(201,))
            self.note(lambda: right(again["id"] == made["id"], "a repeated key made another bill"), "POST", "/v1/bills")
        return made

    def decide(self, number: str, expected: tuple[int, ...]) -> None:
        """Judges one application as the office's rules say, and writes the decision."""
        path = f"/v1/applications/{number}"
        known = self.town.application.get(number)
        self.note(lambda: own(known, "an application of another city"), "GET", "/v1/applications")
        if known is None:
            raise RescheduleTask
        found = self.get("permits", path, {}, lambda one: expectations.check_applicant(known, one["applicant"]), "")
        tag = self.tag
        items = self.get("permits", f"{path}/checklist", {}, name="/v1/applications/{id}/checklist")["data"]
        judged = expectations.decision(items) or self.ask_the_register(found["applicant"])
        self.note(lambda: right(judged == (known.status, known.reason_code), "another right decision"), "POST", _DECIDE)
        body = {"status": judged[0], "reason_code": judged[1]}
        key = f"decide-{number}" if 201 in expected else f"again-{number}-{next(self.calls)}"
        headers = {"If-Match": tag, "Idempotency-Key": key}
        for _attempt in range(2 if self.random.random() < 0.1 else 1):
            self.post("permits", f"{path}/decisions", body, headers, self._decision(known), _DECIDE, expected)
        if self.random.random() < 0.1:
            check = self._history
            self.get("permits", f"{path}/history", {}, check, name="/v1/applications/{id}/history")

    def ask_the_register(self, applicant: Mapping[str, Any]) -> tuple[str, str]:
        """Verifies an applicant; returns the decision that follows."""
        content = self.verify(applicant["nik"], applicant["name"], applicant["birth_on"], applicant["sex"])
        return expectations.decision_by_register(content)

    def verify(self, nik: str, name: str, birth_on: str, sex: str, check: Check = bool) -> dict[str, Any]:
        """Asks the Dukcapil dialect; returns what stands in `content[0]`."""
        elements = {
            "TRESHOLD": "90",
            "NIK": nik,
            "NAMA_LGKP": name,
            "TGL_LHR": date.fromisoformat(birth_on).strftime("%d-%m-%Y"),
            "JENIS_KLMIN": _SEXES[sex],
        }
        path = "/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN"
        answer = self.post("population", path, elements, {}, lambda found: check(found["content"][0]), _VERIFY, (200,))
        content: dict[str, Any] = answer["content"][0]
        return content

    def sign_in(self) -> None:
        """Gets the token of this run."""
        if time.monotonic() - self.token_at < _TOKEN_AGE_SECONDS:
            return
        form = {"grant_type": "client_credentials"}
        options = {
            "data": urlencode(form),
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "auth": (self.town.client_id, self.town.client_secret),
        }
        check: Check = lambda answer: expectations.check_token(self.town, answer)  # noqa: E731 - as all checks here
        answer = self.call("POST", "identity", "/oauth2/token", check, "/oauth2/token", (200,), options)
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}
        self.token_at = time.monotonic()

    def get(
        self,
        service: str,
        path: str,
        query: Mapping[str, str],
        check: Check = bool,
        name: str | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Any:  # noqa: ANN401 - JSON
        """Reads; `name` is what the figures call it, the path where it is None."""
        url = f"{path}?{urlencode(query)}" if query else path
        return self.call("GET", service, url, check, path if name is None else name or _ONE, expected, {})

    def post(
        self,
        service: str,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        check: Check,
        name: str,
        expected: tuple[int, ...],
    ) -> Any:  # noqa: ANN401 - JSON
        """Writes."""
        return self.call("POST", service, path, check, name, expected, {"json": body, "headers": headers})

    def call(
        self,
        method: str,
        service: str,
        url: str,
        check: Check,
        name: str,
        expected: tuple[int, ...],
        options: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401 - JSON
        """Calls an agency and looks at the answer, whatever its status.

        Raises:
            RescheduleTask: it was not as it must be, which Locust has counted; this run of the program ends.
        """
        request = f"{self.town.participant}-{next(self.calls)}"
        headers = {**self.headers, **options.get("headers", {}), "X-Request-ID": request}
        address = self.services[service] + url
        told = {**options, "headers": headers, "catch_response": True, "name": f"{service} {name}"}
        with self.client.request(method, address, **told) as response:
            try:
                right(response.status_code in expected, _unexpected(response))
                own(response.headers.get("x-request-id") == request, "the answer to another request")
                self.tag = response.headers.get("etag", "")
                answer = json.loads(response.text or "null")
                check(answer)
            except WrongAnswer as wrong:
                response.failure(wrong)
            except (ValueError, KeyError, TypeError) as odd:
                response.failure(WrongAnswer(f"an answer of another shape: {type(odd).__name__}"))
            else:
                response.success()
                return answer
        raise RescheduleTask

    def note(self, check: Callable[[], object], method: str, name: str) -> None:
        """Counts a failure that no single answer shows.

        Raises:
            RescheduleTask: after it was counted.
        """
        try:
            check()
        except WrongAnswer as wrong:
            facts = {"response_time": 0, "response_length": 0, "exception": wrong, "context": {}}
            self.environment.events.request.fire(request_type=method, name=name, **facts)
            raise RescheduleTask from wrong

    def _page(self, page: Mapping[str, Any]) -> None:
        for row in page["data"]:
            expectations.check_resident(self.town, row)

    def _resident(self, row: Mapping[str, Any]) -> None:
        expectations.check_resident(self.town, row)

    def _bill(self, bill: Mapping[str, Any]) -> None:
        own(expectations.is_marked(self.town, bill), "another participant's bill")

    def _history(self, answer: Mapping[str, Any]) -> None:
        expectations.check_history(self.town, answer["data"])

    def _decision(self, known: Application) -> Check:
        return lambda answer: expectations.check_decision(self.town, known, answer)


_ONE = "/v1/applications/{id}"
_VERIFY = "/dukcapil/…/CALL_VERIFY_BY_ELEMEN"
_DECIDE = "/v1/applications/{id}/decisions"


def _unexpected(response: FastResponse) -> str:
    """Puts an answer that nobody expected into words: what broke, or its status and the problem's code."""
    if isinstance(response, ErrorResponse):
        return f"no answer: {type(response.error).__name__}"
    try:
        return f"status {response.status_code} {json.loads(response.text or '')['code']}"
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator] # Locust's own has no types
def add_options(parser: LocustArgumentParser) -> None:
    """Adds what a load needs to Locust's own options."""
    parser.add_argument("--room", env_var="LAB_LOAD_ROOM", help="file of the participants, which `make load` writes")
    parser.add_argument("--rush", action="store_true", env_var="LAB_LOAD_RUSH", help="participants do not think")
    parser.add_argument("--summary", env_var="LAB_LOAD_SUMMARY", help="file for the figures, as JSON")
    parser.add_argument(
        "--workers", type=int, default=1, env_var="LAB_LOAD_WORKERS", help="how many workers share them"
    )


@events.init.add_listener  # type: ignore[untyped-decorator] # Locust's own has no types
def seat(environment: Environment, **_facts: object) -> None:
    """Gives the participants their cities; of several workers each has its own share."""
    options, runner = environment.parsed_options, environment.runner
    if options is None or not options.room:
        logging.getLogger("load").error("Name the file of the participants with --room; make load writes it.")
        raise SystemExit(2)
    room = Room.read(Path(options.room))
    first = runner.worker_index if isinstance(runner, WorkerRunner) else 0
    Participant.services = room.services
    Participant.towns = tuple(room.towns[first :: options.workers])
    Participant.rush = options.rush
    Participant.turns = count()


@events.quitting.add_listener  # type: ignore[untyped-decorator] # Locust's own has no types
def sum_up(environment: Environment, **_facts: object) -> None:
    """Writes what Locust counted, for `make load` to show."""
    options = environment.parsed_options
    if options is None or not options.summary:
        return
    stats = environment.stats
    rows = [
        {
            "call": f"{entry.method} {entry.name}",
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            "per_second": entry.total_rps,
            **{f"p{part}": entry.get_response_time_percentile(part / 100) for part in (50, 95, 99)},
        }
        for entry in [*(stats.entries[key] for key in sorted(stats.entries)), stats.total]
    ]
    errors = [{"call": one.name, "error": str(one.error), "times": one.occurrences} for one in stats.errors.values()]
    Path(options.summary).write_text(json.dumps({"rows": rows, "errors": errors}), encoding="utf-8")
