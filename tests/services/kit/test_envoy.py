"""A call finds its sandbox's home, wherever that moves meanwhile, and is carried out at most once."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit import envoy as subject
from services.kit.answers import Answer
from services.kit.envoy import Envoy, veto_of
from services.kit.homes import ElsewhereError, SoleHome
from services.kit.incoming import Incoming
from services.kit.metrics import Metrics
from services.kit.peers import LostError, Outcome, Passed, Peers, UnreachedError
from services.kit.problems import Problem
from services.kit.tokens import Caller

FINE = Answer(200, {"content-type": "text/plain"}, b"fine")
THERE = "10.0.0.7:9000"
CALLER = Caller("city", "city-app", "t-1", (), 0.0)


def incoming(method: str, *, keyed: bool = False) -> Incoming:
    headers = [(b"idempotency-key", b"k-1")] if keyed else []
    return Incoming(method, "/v1/x", "", dict(headers), headers, b"", "r-1", "t-1", 1.0)


class Neighbours(Peers):
    """Other replicas that answer as a test says, one call after the other."""

    def __init__(self, *outcomes: Answer | Exception | None) -> None:
        super().__init__("token")
        self.outcomes = list(outcomes)
        self.heard: list[tuple[str, bool, str]] = []

    async def visit(self, address: str, passed: Passed) -> Outcome:
        self.heard.append((address, passed.again, passed.visit))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Outcome(outcome, {"ratelimit": "r"}, "/v1/{x}", "latency")


class Here:
    """This process's own way in, that answers as a test says; it goes on saying the last."""

    def __init__(self, *outcomes: Answer | Exception) -> None:
        self.outcomes = list(outcomes)
        self.vetoes: list[bool] = []

    async def __call__(self, scope, incoming, caller, extra, veto=None) -> Answer | None:
        self.vetoes.append(veto is not None)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


AWAY = ElsewhereError(THERE)
UNKNOWN = ElsewhereError(None)
DOUBTFUL = ElsewhereError(None, is_doubtful=True)


def answered(neighbours: Neighbours, here: Here, call: Incoming, away: ElsewhereError = AWAY) -> Answer | None:
    metrics = Metrics("sample")
    return asyncio.run(Envoy(neighbours, SoleHome(), here, metrics).answer({}, call, CALLER, {}, away))


def test_a_call_is_answered_by_its_home() -> None:
    call, extra = incoming("POST"), {}
    neighbours = Neighbours(FINE)
    asked = Envoy(neighbours, SoleHome(), Here(UNKNOWN), Metrics("sample")).answer({}, call, CALLER, extra, AWAY)
    assert asyncio.run(asked) == FINE
    assert [(address, again) for address, again, _visit in neighbours.heard] == [(THERE, False)]
    assert (call.route, call.fault, extra) == ("/v1/{x}", "latency", {"ratelimit": "r"})


def test_a_line_that_its_home_closes_without_an_answer_is_closed_here_too() -> None:
    assert answered(Neighbours(None), Here(UNKNOWN), incoming("POST")) is None


def test_a_call_that_never_arrived_is_let_in_here_once_this_is_its_home() -> None:
    here = Here(FINE)
    assert answered(Neighbours(UnreachedError()), here, incoming("DELETE")) == FINE
    assert here.vetoes == [False]


def test_a_call_whose_answer_was_lost_is_let_in_only_if_it_was_not_carried_out() -> None:
    here = Here(FINE)
    assert answered(Neighbours(LostError()), here, incoming("DELETE")) == FINE
    assert here.vetoes == [True]


@pytest.mark.parametrize("call", [incoming("GET"), incoming("POST", keyed=True)], ids=["safe", "keyed"])
def test_what_can_do_no_harm_is_simply_let_in_again(call: Incoming) -> None:
    here = Here(FINE)
    assert answered(Neighbours(LostError()), here, call) == FINE
    assert here.vetoes == [False]


def test_a_home_that_is_asked_again_is_told_so_and_knows_the_call_by_its_name() -> None:
    neighbours = Neighbours(LostError(), ElsewhereError(None), FINE)
    assert answered(neighbours, Here(AWAY, AWAY, AWAY), incoming("DELETE")) == FINE
    assert [again for _address, again, _visit in neighbours.heard] == [False, True, True]
    assert len({visit for _address, _again, visit in neighbours.heard}) == 1


def test_what_may_have_been_carried_out_here_is_sent_on_with_that_doubt() -> None:
    neighbours = Neighbours(FINE)
    assert answered(neighbours, Here(AWAY), incoming("DELETE"), DOUBTFUL) == FINE
    assert [again for _address, again, _visit in neighbours.heard] == [True]


REFUSED = Problem(503, "store_unavailable", subject.moving().detail)


@pytest.mark.parametrize(
    ("call", "outcomes", "told"),
    [
        (incoming("DELETE"), [UnreachedError()], True),
        (incoming("GET"), [LostError()], True),
        (incoming("POST", keyed=True), [LostError()], True),
        (incoming("DELETE"), [LostError()], False),
    ],
    ids=["never arrived", "safe", "keyed", "may have happened"],
)
def test_a_refusal_is_told_only_where_nothing_can_have_happened(
    call: Incoming, outcomes: Sequence[Exception], told: bool
) -> None:
    if told:
        with pytest.raises(Problem) as refused:
            answered(Neighbours(*outcomes), Here(REFUSED), call)
        assert refused.value is REFUSED
    else:
        assert answered(Neighbours(*outcomes), Here(REFUSED), call) is None


@pytest.mark.parametrize("away", [UNKNOWN, DOUBTFUL], ids=["untouched", "doubtful"])
def test_a_search_ends(monkeypatch: pytest.MonkeyPatch, away: ElsewhereError) -> None:
    monkeypatch.setattr(subject, "SEARCH_SECONDS", 0.1)
    if away.is_doubtful:
        assert answered(Neighbours(), Here(UNKNOWN), incoming("DELETE"), away) is None
    else:
        with pytest.raises(Problem) as given_up:
            answered(Neighbours(), Here(UNKNOWN), incoming("DELETE"), away)
        assert (given_up.value.status, given_up.value.code) == (503, "sandbox_busy")
        assert given_up.value.headers["retry-after"] == "1"


def test_a_key_of_who_shows_no_token_keeps_nothing_from_happening_twice() -> None:
    nobody = Caller("city", "city-app", None, (), 0.0)
    assert veto_of(incoming("POST", keyed=True), nobody) is not None
    assert veto_of(incoming("POST", keyed=True), CALLER) is None
    assert veto_of(incoming("PUT", keyed=True), CALLER) is not None
    assert veto_of(incoming("HEAD"), nobody) is None
