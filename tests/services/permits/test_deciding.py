"""Decisions: legal steps, entity tags, history, who and when."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.access import Call
from services.kit.problems import Problem
from services.kit.tokens import Caller
from services.permits import records, rules
from services.permits.deadlines import WORKING_DAYS
from services.permits.views import RIGHT_REASON
from services.world.layout import APPLICATION_SHARES


def test_the_office_rule_covers_every_planted_trouble():
    """Each kind of trouble in the queue has exactly one right status and reason, legal from the queue."""
    assert set(RIGHT_REASON) == set(APPLICATION_SHARES)
    for code in RIGHT_REASON.values():
        reason = rules.REASONS[code]
        assert reason.order is not None
        rules.require_legal(reason.status, code, present="20", overdue=False)


def test_the_whole_queue_can_be_worked_off(office):
    """Writing each right decision empties the queue, and the grader sees that all are right."""
    for seen in office.truth("applications"):
        if seen["expected"]:
            answer = office.decide(seen["id"], seen["expected"]["status"], seen["expected"]["reason_code"])
            assert answer.status_code == 201, answer.text
    assert office.truth("queue") == []
    assert office.read("/v1/applications", params={"status": "20"})["data"] == []
    for seen in office.truth("applications"):
        if seen["expected"]:
            assert {"status": seen["status"], "reason_code": seen["reason_code"]} == seen["expected"]
            assert seen["decisions"] == 1
        else:
            assert (seen["trouble"], seen["decisions"]) == (None, 0)


def test_a_decision_writes_who_when_and_why(office):
    """The history gains one step with client, sandbox time, reason and sentence; the version goes up by one."""
    application = office.waiting("deceased")
    before = office.read(f"/v1/applications/{application}")
    assert office.back("PATCH", "/clock", json={"now": "2026-11-04T10:15:30+08:00"}).status_code == 200
    answer = office.decide(application, "93", "nik_deceased", client="loket", body={"reason": "Sudah dicek dua kali."})
    assert answer.status_code == 201
    body = answer.json()
    assert body["at"].startswith("2026-11-04T10:15:3")
    assert body["at"].endswith("+08:00")
    assert (body["actor"], body["note"]) == ("uji1-loket", "Sudah dicek dua kali.")
    assert body["version"] == before["version"] + 1 == body["seq"]
    after = office.get(f"/v1/applications/{application}")
    assert after.json() == {
        **before,
        "status": "93",
        "status_name": "Penolakan Persyaratan",
        "version": body["version"],
    }
    assert after.headers["etag"] == answer.headers["etag"]
    steps = office.read(answer.headers["location"])["data"]
    kept = {name: body[name] for name in steps[-1]}
    assert steps[-1] == kept
    assert len(steps) == body["version"]
    seen = next(seen for seen in office.truth("applications") if seen["id"] == application)
    assert (seen["decided_by"], seen["reason_code"]) == (["uji1-loket"], "nik_deceased")


def test_a_decision_without_a_sentence_gets_the_published_one(office):
    """The applicant always reads why."""
    answer = office.decide(office.waiting("unknown_nik"), "93", "nik_unknown")
    assert answer.json()["note"] == rules.REASONS["nik_unknown"].title


def test_an_empty_sentence_is_none(office):
    """An empty `reason` is answered like one left out."""
    answer = office.decide(office.waiting("unknown_nik"), "93", "nik_unknown", body={"reason": ""})
    assert answer.status_code == 201
    assert answer.json()["note"] == rules.REASONS["nik_unknown"].title


def test_a_decision_needs_if_match(office):
    """Without the tag last read, nothing is decided."""
    application = office.waiting("ok")
    answer = office.decide(application, "45", "verified", headers={"accept-language": "id"})
    office.problem(answer, 428, "precondition_required")
    assert application in office.truth("queue")


@pytest.mark.parametrize("tag", ['"v1"', "v3", '"v3"', 'W/"v3-PMH"', '"v99-PMH-000001"', ""])
def test_a_foreign_tag_is_refused(office, tag):
    """A tag that is not the application's present one changes nothing."""
    application = office.waiting("ok")
    answer = office.decide(application, "45", "verified", headers={"if-match": tag})
    assert answer.status_code in {412, 428}
    assert application in office.truth("queue")


def test_another_applications_tag_is_refused(office):
    """The tag of a neighbour at the same version does not fit."""
    first, second = office.truth("queue")[:2]
    answer = office.decide(first, "45", "verified", headers={"if-match": office.tag(second)})
    problem = office.problem(answer, 412, "precondition_failed")
    assert answer.headers["etag"] == office.tag(first)
    assert problem["source"] == "provider"


def test_a_tag_is_good_once(office):
    """After a change the old tag is outdated: no update is lost."""
    application = office.waiting("ok")
    tag = office.tag(application)
    assert office.decide(application, "41", "name_mismatch", headers={"if-match": tag}).status_code == 201
    late = office.decide(application, "45", "verified", headers={"if-match": tag})
    office.problem(late, 412, "precondition_failed")
    assert office.read(f"/v1/applications/{application}")["status"] == "41"


def test_of_many_writers_with_one_tag_one_wins(office):
    """Eight decisions at once with the same tag: one is written, seven are told to read again."""
    application = office.waiting("ok")
    tag = office.tag(application)
    outcomes = [("45", "verified"), ("93", "nik_unknown"), ("41", "name_mismatch"), ("11", "documents_incomplete")] * 2

    async def at_once():
        path = f"/v1/applications/{application}/decisions"
        calls = [
            office.asking(
                "POST",
                path,
                client=f"w{number}",
                json={"status": status, "reason_code": reason},
                headers={"if-match": tag},
            )
            for number, (status, reason) in enumerate(outcomes)
        ]
        return await asyncio.gather(*calls)

    answers = office.run(at_once())
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 7
    winner = next(answer.json() for answer in answers if answer.status_code == 201)
    shown = office.read(f"/v1/applications/{application}")
    assert (shown["status"], shown["version"]) == (winner["status"], winner["version"])
    assert len(office.read(f"/v1/applications/{application}/history")["data"]) == winner["version"]


def test_saying_it_again_changes_nothing(office):
    """The present status for the present reason answers 200, with the same version, tag and history."""
    application = office.waiting("deceased")
    first = office.decide(application, "93", "nik_deceased")
    again = office.decide(application, "93", "nik_deceased", body={"reason": "Kalimat lain."}, client="lain")
    assert again.status_code == 200
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert len(office.read(f"/v1/applications/{application}/history")["data"]) == first.json()["version"]


def test_another_reason_for_the_same_status_is_no_repetition(office):
    """93 is final: another reason for it is an illegal step."""
    application = office.waiting("deceased")
    office.decide(application, "93", "nik_deceased")
    office.problem(office.decide(application, "93", "nik_unknown"), 409, "transition_not_allowed")


def test_an_illegal_jump_names_what_is_allowed(office):
    """From 20 straight to 50 is 409, and the sentence lists the four ways on, in the language asked for."""
    application = office.waiting("ok")
    headers = {"if-match": office.tag(application)}
    problem = office.problem(office.decide(application, "50", headers=headers), 409, "transition_not_allowed")
    assert "11, 41, 45, 93" in problem["detail"]
    assert "Tidak ada yang berubah" in problem["detail"]
    english = office.decide(application, "50", headers={**headers, "accept-language": "en"})
    assert "It may become: 11, 41, 45, 93." in english.json()["detail"]
    assert application in office.truth("queue")


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("93", None, "reason_required"),
        ("45", None, "reason_required"),
        ("93", "verified", "reason_not_for_status"),
        ("41", "nik_deceased", "reason_not_for_status"),
        ("93", "because", "reason_not_for_status"),
    ],
)
def test_a_reason_belongs_to_its_status(office, status, reason, code):
    """A rejection needs a published reason, and one of its own."""
    problem = office.problem(office.decide(office.waiting("ok"), status, reason), 422, code)
    assert problem["errors"] == [{"pointer": "#/reason_code", "code": code, "detail": problem["detail"]}]


def test_a_step_without_reasons_takes_none(office):
    """Where no reasons are published, a reason is refused and none is needed."""
    application = office.at_status("45")
    office.problem(office.decide(application, "40", "verified"), 422, "reason_not_for_status")
    assert office.decide(application, "40").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": 45},
        {"status": "99"},
        {"status": "45", "reason_code": "verified", "extra": 1},
        {"status": "45", "reason_code": "VERIFIED"},
        {"status": "45", "reason_code": "verified", "reason": "x" * 501},
        {"status": "45", "reason_code": ["verified"]},
        [],
        "45",
        None,
    ],
)
def test_a_malformed_decision_is_refused(office, body):
    """What is no decision gets 422 and changes nothing."""
    application = office.waiting("ok")
    headers = {"if-match": office.tag(application)}
    path = f"/v1/applications/{application}/decisions"
    office.problem(office.ask("POST", path, json=body, headers=headers), 422, "validation_failed")
    assert application in office.truth("queue")


def test_a_status_without_its_quotes_is_told_so(office):
    """45 is no code of Lampiran 10, "45" is."""
    application = office.waiting("ok")
    answer = office.decide(application, 45, "verified")
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("#/status", "wrong_type")]


def test_odd_text_is_kept_as_it_is(office):
    """Whatever the sentence holds, it comes back unchanged."""
    text = "Ma'ruf <b>\"; DROP TABLE history; --</b> \u202e ünï 🏛 {0} %s"
    answer = office.decide(office.waiting("ok"), "45", "verified", body={"reason": text})
    assert answer.status_code == 201
    assert answer.json()["note"] == text


def test_deciding_needs_its_scope(office):
    """`permits:read` alone decides nothing."""
    application = office.waiting("ok")
    headers = {"if-match": office.tag(application)}
    answer = office.decide(application, "45", "verified", headers=headers, scope="permits:read")
    problem = office.problem(answer, 403, "insufficient_scope")
    assert "permits:decide" in problem["detail"]
    assert application in office.truth("queue")


def test_an_unknown_application_cannot_be_decided(office):
    """404 comes before any question of tags."""
    answer = office.decide("PMH-999999", "45", "verified", headers={"if-match": "*"})
    office.problem(answer, 404, "application_not_found")


def test_a_retry_with_its_idempotency_key_gets_the_first_answer(office):
    """The same key, tag and body: the stored answer, and one step in the history."""
    application = office.waiting("ok")
    headers = {"if-match": office.tag(application), "idempotency-key": "kunci-1"}
    first = office.decide(application, "45", "verified", headers=headers)
    again = office.decide(application, "45", "verified", headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["version"] == office.read(f"/v1/applications/{application}")["version"]


def test_granting_gives_the_permit_its_number(office):
    """On the way 45, 49, 50 the permit gets a number and a last day, once, and keeps both."""
    application = office.waiting("ok")
    assert office.decide(application, "45", "verified").status_code == 201
    assert office.decide(application, "49").status_code == 201
    assert office.read(f"/v1/applications/{application}")["decision_number"] is None
    assert office.decide(application, "50").status_code == 201
    granted = office.read(f"/v1/applications/{application}")
    assert granted["decision_number"]
    is_permit = granted["permit_kind"] == "permit"
    assert (granted["valid_until"] or "") > "2026-11-02" if is_permit else granted["valid_until"] is None
    office.back("PATCH", "/clock", json={"now": "2027-01-05T10:00:00+08:00"})
    assert office.decide(application, "60", "obligation_breached").status_code == 201
    assert office.decide(application, "50").status_code == 201
    restored = office.read(f"/v1/applications/{application}")
    assert (restored["decision_number"], restored["valid_until"]) == (
        granted["decision_number"],
        granted["valid_until"],
    )


def test_numbers_of_permits_are_unique(office):
    """No permit given here has the number of one that was seeded, or of another."""
    for application in office.truth("queue")[:5]:
        for status, reason in (("45", "verified"), ("49", None), ("50", None)):
            assert office.decide(application, status, reason).status_code == 201
    shown = [office.read(f"/v1/applications/{seen['id']}") for seen in office.truth("applications")]
    numbers = [row["decision_number"] for row in shown if row["decision_number"]]
    assert len(numbers) == len(set(numbers))
    assert len(numbers) > 5


def test_silence_grants_the_permit_only_when_the_time_is_up(office):
    """57 is refused in time and open one day after the service time."""
    application = office.waiting("ok")
    risk = office.read(f"/v1/applications/{application}")["risk"]
    office.problem(office.decide(application, "57"), 409, "transition_not_allowed")
    office.back("PATCH", "/clock", json={"advance_seconds": 86_400 * (WORKING_DAYS[risk] * 2 + 4)})
    assert office.read(f"/v1/applications/{application}/sla")["overdue"] is True
    assert office.decide(application, "57").status_code == 201
    assert office.read(f"/v1/applications/{application}/sla")["state"] == "ended"
    assert office.read(f"/v1/applications/{application}")["decision_number"]


def test_asking_the_applicant_stops_the_clock(office):
    """41 pauses, 42 resumes: the days between cost the office nothing."""
    application = office.waiting("name_major")
    path = f"/v1/applications/{application}/sla"
    used = office.read(path)["used_working_days"]
    assert office.decide(application, "41", "name_mismatch").status_code == 201
    office.back("PATCH", "/clock", json={"advance_seconds": 30 * 86_400})
    paused = office.read(path)
    assert (paused["state"], paused["used_working_days"], paused["due_on"]) == ("paused", used, None)
    assert office.decide(application, "42").status_code == 201
    assert office.read(path)["used_working_days"] == used
    assert office.read(path)["state"] == "running"


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(rules.STATUS_CODES), st.sampled_from([None, *rules.REASONS])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, guided=st.data())
def test_no_sequence_of_calls_reaches_an_illegal_state(office, steps, guided):
    """Whatever is attempted, history stays a legal path, its last step is the status, its length the version."""
    assert office.back("POST", "/reset").status_code == 204
    queue = office.truth("queue")[:3]
    for which, status, reason in steps:
        present = office.read(f"/v1/applications/{queue[which]}")["status"]
        if guided.draw(st.booleans()):  # half of the attempts are legal ones, so that paths get long
            following = rules.allowed(present, overdue=False)
            status = guided.draw(st.sampled_from(following)) if following else status  # noqa: PLW2901
            reason = guided.draw(st.sampled_from(rules.reasons_for(status) or [None]))  # noqa: PLW2901
        assert office.decide(queue[which], status, reason).status_code in {200, 201, 409, 422}
    for application in queue:
        shown = office.read(f"/v1/applications/{application}")
        history = office.read(f"/v1/applications/{application}/history")["data"]
        path = [step["status"] for step in history]
        assert all(after in rules.STATUSES[before].following for before, after in pairwise(path))
        assert path[-1] == shown["status"]
        assert [step["seq"] for step in history] == list(range(1, shown["version"] + 1))
        assert all(
            step["reason_code"] in rules.reasons_for(step["status"]) for step in history[3:] if step["reason_code"]
        )


def test_a_reset_takes_decisions_back(office):
    """State, history and stored answers are as they were."""
    before = office.truth("applications")
    application = office.waiting("ok")
    headers = {"if-match": office.tag(application), "idempotency-key": "kunci-2"}
    assert office.decide(application, "45", "verified", headers=headers).status_code == 201
    assert office.truth("applications") != before
    assert office.back("POST", "/reset").status_code == 204
    assert office.truth("applications") == before
    assert "idempotent-replayed" not in office.decide(application, "45", "verified", headers=headers).headers


def test_the_journal_tells_changes_from_calls_that_changed_nothing(office):
    """A new decision is marked as a change; a repeated one, a refused one and an inquiry of the dialect are not."""
    application = office.waiting("unknown_nik")
    assert office.decide(application, "93", "nik_unknown").status_code == 201
    assert office.decide(application, "93", "nik_unknown").status_code == 200
    assert office.decide(application, "45", "verified").status_code == 409
    assert office.ask("POST", "/oss/inqueryNIB", json={"INQUERYNIB": {"nib": "0000000000000"}}).status_code == 200
    entries = office.back("GET", "/journal").json()["data"]
    posts = [(entry["status"], entry["committed"]) for entry in entries if entry["method"] == "POST"]
    assert posts == [(201, True), (200, False), (409, False), (200, False)]


def test_a_writer_whose_record_is_outdated_changes_nothing(office):
    """On a store that lets two transactions read at once, the later one is told to read again."""
    application = office.waiting("ok")

    async def late() -> None:
        sandbox = await office.service.sandboxes.get("uji1")
        caller = Caller("uji1", "uji1-app", "t", ("permits:decide",), 0.0)

        async def decide(session: Any) -> None:
            call = Call(caller, sandbox, session, {}, 0.0, "r", "t")
            seen = dict(await records.application_of(session, application))
            await records.decide(
                call, seen | {"version": seen["version"] - 1}, records.Decision("45", "verified", None)
            )

        await sandbox.database.write(decide, lambda: None)

    with pytest.raises(Problem) as refused:
        office.run(late())
    assert (refused.value.status, refused.value.code) == (412, "precondition_failed")
    assert application in office.truth("queue")
