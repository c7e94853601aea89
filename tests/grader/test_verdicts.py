"""Four verdicts: their order, their words, and the exceptions that become them."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.exchange import Exchange
from grader.language import verbatim
from grader.verdicts import ExitCode, LabFault, Mismatch, Outcome, Verdict, Waiting, exit_code, roll_up, verdict_of

VERDICTS = st.lists(st.sampled_from(Verdict))


def test_fail_and_error_share_no_value_and_no_exit_code() -> None:
    assert len({verdict.value for verdict in Verdict}) == 4
    assert verdict_of(Mismatch(verbatim("x"))) != verdict_of(LabFault(verbatim("x")))
    assert exit_code(Verdict.FAIL, passed=False) != exit_code(Verdict.ERROR, passed=False)


@settings(deadline=None)
@given(VERDICTS)
def test_rolled_up_verdict_is_the_most_severe_of_all(verdicts: list[Verdict]) -> None:
    rolled = roll_up(verdicts)
    assert rolled is Verdict.ERROR if not verdicts else rolled in verdicts
    assert all(verdict.severity <= rolled.severity for verdict in verdicts)


@settings(deadline=None)
@given(VERDICTS, st.randoms())
def test_order_of_the_tasks_does_not_change_the_rolled_up_verdict(verdicts: list[Verdict], random: object) -> None:
    shuffled = sorted(verdicts, key=lambda _: random.random())  # type: ignore[attr-defined]  # Random is not generic
    assert roll_up(shuffled) is roll_up(verdicts)


@settings(deadline=None)
@given(VERDICTS, VERDICTS)
def test_rolling_up_in_parts_gives_the_same_as_at_once(left: list[Verdict], right: list[Verdict]) -> None:
    if left and right:
        assert roll_up([roll_up(left), roll_up(right)]) is roll_up(left + right)


def test_severity_runs_from_pass_over_skip_and_fail_to_error() -> None:
    assert sorted(Verdict, key=lambda verdict: verdict.severity) == [
        Verdict.PASS, Verdict.SKIP, Verdict.FAIL, Verdict.ERROR,
    ]  # fmt: skip


def test_run_that_judged_nothing_is_an_error_and_never_a_pass() -> None:
    assert roll_up([]) is Verdict.ERROR


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.ERROR])
@pytest.mark.parametrize("passed", [True, False])
def test_exit_code_of_a_judged_run_follows_the_pass_mark(verdict: Verdict, passed: bool) -> None:
    assert exit_code(verdict, passed=passed) == (0 if passed else 1)


@pytest.mark.parametrize("passed", [True, False])
def test_exit_code_of_a_lab_failure_is_3_whatever_the_score(passed: bool) -> None:
    assert exit_code(Verdict.ERROR, passed=passed) == 3


def test_exit_codes_are_those_of_the_design() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 130]


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (None, Verdict.PASS),
        (Mismatch(verbatim("x")), Verdict.FAIL),
        (Waiting(verbatim("x"), waits_for=["a"]), Verdict.SKIP),
        (LabFault(verbatim("x")), Verdict.ERROR),
        (Outcome(verbatim("x")), Verdict.ERROR),
        (AssertionError("a plain assert in a check"), Verdict.ERROR),
        (KeyError("a slip in a check"), Verdict.ERROR),
        (SystemExit(0), Verdict.ERROR),
    ],
)
def test_whatever_is_not_a_mismatch_is_never_the_participants_fault(
    ending: BaseException | None, verdict: Verdict
) -> None:
    assert verdict_of(ending) is verdict


def test_mismatch_takes_one_exchange_or_several() -> None:
    one = Exchange(path="/a")
    assert Mismatch(verbatim("x"), exchange=one).exchange == [one]
    assert Mismatch(verbatim("x"), exchange=(one, one)).exchange == [one, one]
    assert Mismatch(verbatim("x")).exchange == []


def test_logged_outcome_reads_as_its_sentence() -> None:
    assert str(Mismatch(verbatim("The token was fetched 3 times."))) == "The token was fetched 3 times."


@pytest.mark.parametrize("outcome", [Mismatch(verbatim("x"), expected="1"), Waiting(verbatim("x"), waits_for=["a"])])
def test_outcome_survives_the_way_from_another_process(outcome: Outcome) -> None:
    back = pickle.loads(pickle.dumps(outcome))  # noqa: S301 - our own bytes
    assert back.__dict__ == outcome.__dict__
    assert back.verdict is outcome.verdict
