"""Nothing that is done in one sandbox is ever visible in another: a machine that does everything in two of them."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from joserfc.jwk import RSAKey
from sample.lab import InProcess, bearer

CITIES = ("east", "west")
cities = st.sampled_from(CITIES)
letters = st.sampled_from(["s0001", "s0002", "n1", "n2"])


def view(lab: InProcess, city: str) -> dict[str, Any]:
    """All there is to be seen of a sandbox."""
    return {
        "letters": lab.letters(city),
        "journal": lab.journal(city),
        "faults": lab.back("GET", f"{city}/faults").json(),
        "shown": lab.back("GET", city).json(),
    }


class TwoCities(RuleBasedStateMachine):
    """Each rule works in one city; what is seen of the other stays the same to the byte."""

    key: RSAKey
    open_sandboxes: int

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cities-"))
        self.lab = InProcess(self.folder, self.key, open_sandboxes=self.open_sandboxes).__enter__()

    def teardown(self) -> None:
        self.lab.__exit__()
        shutil.rmtree(self.folder)

    @initialize()
    def found(self) -> None:
        for number, city in enumerate(CITIES):
            self.lab.made(city, seed=number, requests_per_minute=100, durable=number == 0)
        self.expected = {city: view(self.lab, city) for city in CITIES}
        self.tokens = {city: self.lab.token(city) for city in CITIES}

    def _in(self, city: str, work: Callable[[], object]) -> None:
        work()
        self.expected[city] = view(self.lab, city)

    def _call(self, city: str, method: str, path: str, **more: Any) -> None:
        headers = bearer(self.tokens[city]) | more.pop("headers", {})
        self._in(city, lambda: self.lab.call(method, path, city, headers=headers, **more))

    @rule(city=cities, letter=letters)
    def read(self, city: str, letter: str) -> None:
        self._call(city, "GET", f"/v1/letters/{letter}")

    @rule(city=cities, letter=letters, text=st.sampled_from(["one", "refuse me", "break on me"]), key=letters)
    def write(self, city: str, letter: str, text: str, key: str) -> None:
        self._call(city, "POST", "/v1/letters", json={"id": letter, "text": text}, headers={"idempotency-key": key})

    @rule(city=cities, letter=letters)
    def discard(self, city: str, letter: str) -> None:
        self._call(city, "DELETE", f"/v1/letters/{letter}")

    @rule(
        city=cities, kind=st.sampled_from(["status", "expire_token", "exhaust_quota", "stale_read", "malformed_body"])
    )
    def trouble(self, city: str, kind: str) -> None:
        self._in(city, lambda: self.lab.fault(kind, city, times=2))

    @rule(city=cities)
    def sign_in_again(self, city: str) -> None:
        self.tokens[city] = self.lab.token(city)

    @rule(city=cities)
    def calm(self, city: str) -> None:
        self._in(city, lambda: self.lab.back("DELETE", f"{city}/faults"))

    @rule(city=cities, seconds=st.integers(-1000, 1000))
    def move_clock(self, city: str, seconds: int) -> None:
        self._in(city, lambda: self.lab.back("PATCH", f"{city}/clock", json={"advance_seconds": seconds}))

    @rule(city=cities)
    def reset(self, city: str) -> None:
        self._in(city, lambda: self.lab.back("POST", f"{city}/reset"))

    @rule(city=cities, name=st.sampled_from(["a", "b"]))
    def keep(self, city: str, name: str) -> None:
        self._in(city, lambda: self.lab.back("POST", f"{city}/checkpoints", json={"name": name}))

    @rule(city=cities, name=st.sampled_from(["a", "b"]))
    def go_back(self, city: str, name: str) -> None:
        self._in(city, lambda: self.lab.back("POST", f"{city}/checkpoints/{name}/restore"))

    @rule(city=cities, door=st.sampled_from(["freeze", "thaw"]))
    def close_or_open(self, city: str, door: str) -> None:
        self._in(city, lambda: self.lab.back("POST", f"{city}/{door}"))

    @rule(city=cities)
    def remove_and_found_again(self, city: str) -> None:
        number = CITIES.index(city)

        def work() -> None:
            self.lab.back("DELETE", city)
            self.lab.made(city, seed=number, requests_per_minute=100, durable=number == 0)

        self._in(city, work)

    @invariant()
    def nothing_else_has_changed(self) -> None:
        for city in CITIES:
            assert view(self.lab, city) == self.expected[city]


@pytest.mark.parametrize(("open_sandboxes", "examples"), [(1, 6), (128, 4)])
def test_nothing_done_in_one_sandbox_is_visible_in_the_other(key: RSAKey, open_sandboxes: int, examples: int) -> None:
    machine = type("Cities", (TwoCities,), {"key": key, "open_sandboxes": open_sandboxes})
    test = machine.TestCase
    test.settings = settings(max_examples=examples, stateful_step_count=20)
    test("runTest").debug()


def test_a_token_of_one_sandbox_opens_no_other(lab: InProcess) -> None:
    """Two sandboxes with the same client names and the same letters; each token sees its own."""
    lab.made("east", seed=1)
    lab.made("west", seed=2)
    for city, text in (("east", "1/3"), ("west", "2/3")):
        token = lab.token(city, client_id="the-same-app", sub="the-same-app")
        for names in ({}, {"x-sandbox": "west"}, {"host": "west"}):
            answer = lab.call("GET", "/v1/letters/s0003", headers=bearer(token, **names))
            assert answer.json()["text"] == text
