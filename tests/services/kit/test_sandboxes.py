"""Sandboxes: made, opened on demand, reset, checkpointed, frozen, removed."""

import asyncio
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import RSAKey
from sample.lab import InProcess, Served, spec

from services.kit.layout import LAYOUT

SPECIFICATION = f"spec-{LAYOUT}.json"


def change(lab: InProcess, sandbox: str = "city") -> None:
    """Leave a trace of every kind: a change, a journal, a key, a fault, a dead token, a moved clock."""
    assert lab.call("DELETE", "/v1/letters/s0001", sandbox).status_code == 204
    assert lab.call("POST", "/v1/letters", sandbox, json={"id": "new", "text": "t"}).status_code == 201
    lab.fault("expire_token", sandbox)
    assert lab.call("GET", "/v1/letters/s0002", sandbox).status_code == 401
    lab.fault("status", sandbox, times=50, path="/nowhere")
    lab.back("PATCH", f"{sandbox}/clock", json={"advance_seconds": 99})


def test_a_new_sandbox_has_the_seeded_state(lab: InProcess) -> None:
    lab.made(seed=12)
    letters = lab.letters()
    assert len(letters) == 45
    assert letters[3]["text"] == "12/3"
    shown = lab.back("GET", "city").json()
    assert (shown["id"], shown["frozen"], shown["requests"], shown["checkpoints"]) == ("city", False, 0, [])


def test_asking_twice_for_the_same_sandbox_is_no_error_and_for_another_one_is(lab: InProcess) -> None:
    lab.made()
    change(lab)
    assert lab.back("PUT", "city", json=spec()).status_code == 200
    assert len(lab.journal()) == 3
    differs = lab.back("PUT", "city", json=spec(seed=8))
    assert (differs.status_code, differs.json()["code"]) == (409, "sandbox_differs")
    assert lab.letters()[-1]["text"] == "7/44"


@pytest.mark.parametrize(
    "name", ["abc", "1city", "City", "city-1", "c" * 33, "city.x", "city%20", "c%2F..%2Fx", "città"]
)
def test_a_sandboxs_name_must_be_a_plain_word(lab: InProcess, name: str) -> None:
    assert lab.back("PUT", name, json=spec()).status_code in {404, 422}
    assert lab.back("GET").json() == {"data": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 1.5},
        {"size": "huge"},
        {"reference_date": "2026-02-30"},
        {"requests_per_minute": 0},
        {"token_seconds": 0},
        {"durable": "perhaps"},
        {"clients": [{"client_id": "x", "client_secret": "y", "scopes": []}]},
        {"unknown": 1},
    ],
)
def test_a_specification_that_makes_no_sense_makes_no_sandbox(lab: InProcess, wrong: dict[str, object]) -> None:
    assert lab.back("PUT", "city", json=spec(**wrong)).status_code == 422
    assert lab.back("GET").json() == {"data": []}


def test_secrets_of_clients_are_not_shown(lab: InProcess) -> None:
    client = {"client_id": "city-app", "client_secret": "s3cret-" * 4, "scopes": ["letters:read"]}
    lab.made(clients=[client])
    shown = lab.back("GET", "city")
    assert "s3cret" not in shown.text
    assert shown.json()["spec"]["clients"] == [{"client_id": "city-app", "scopes": ["letters:read"]}]


def test_a_removed_sandbox_is_gone_with_all_its_files(lab: InProcess) -> None:
    lab.made()
    change(lab)
    for _ in range(2):
        assert lab.back("DELETE", "city").status_code == 204
    assert lab.back("GET").json() == {"data": []}
    assert list(lab.data.iterdir()) == []
    gone = lab.back("GET", "city")
    assert (gone.status_code, gone.json()["code"]) == (404, "sandbox_not_found")
    lab.made()
    assert len(lab.letters()) == 45


def test_a_reset_puts_everything_back(lab: InProcess) -> None:
    lab.made()
    seeded = lab.letters()
    before = lab.back("GET", "city").json()
    change(lab)
    assert lab.letters() != seeded
    assert lab.back("POST", "city/reset").status_code == 204
    assert lab.letters() == seeded
    assert lab.back("GET", "city").json() == before
    assert lab.journal() == []
    assert lab.back("GET", "city/faults").json() == {"rules": [], "struck": {}}
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_a_reset_leaves_no_old_files(lab: InProcess) -> None:
    lab.made()
    for _ in range(5):
        change(lab)
        lab.back("POST", "city/reset")
    assert sorted(path.name for path in (lab.data / "city").iterdir()) == [
        *["checkpoints", "epoch", SPECIFICATION, "state-5.db", "state-5.db-shm", "state-5.db-wal"]
    ]


def test_a_checkpoint_is_come_back_to_as_often_as_wanted(lab: InProcess) -> None:
    lab.made()
    change(lab)
    assert lab.back("POST", "city/checkpoints", json={"name": "after"}).status_code == 201
    kept, entries, faults = lab.letters(), lab.journal(), lab.back("GET", "city/faults").json()
    for _ in range(2):
        lab.call("DELETE", "/v1/letters/s0009")
        lab.back("DELETE", "city/faults")
        assert lab.back("POST", "city/checkpoints/after/restore").status_code == 204
        assert lab.letters() == kept
        assert lab.journal() == entries
        assert lab.back("GET", "city/faults").json() == faults
    lab.back("POST", "city/reset")
    assert len(lab.letters()) == 45
    assert lab.back("GET", "city/checkpoints").json() == {"data": [{"name": "after"}]}
    lab.back("POST", "city/checkpoints/after/restore")
    assert lab.letters() == kept


def test_a_checkpoint_can_be_replaced_and_removed_but_never_the_seeded_city(lab: InProcess) -> None:
    lab.made()
    lab.back("POST", "city/checkpoints", json={"name": "one"})
    change(lab)
    lab.back("POST", "city/checkpoints", json={"name": "one"})
    kept = lab.letters()
    lab.back("POST", "city/reset")
    lab.back("POST", "city/checkpoints/one/restore")
    assert lab.letters() == kept
    assert lab.back("DELETE", "city/checkpoints/one").status_code == 204
    assert lab.back("DELETE", "city/checkpoints/one").status_code == 404
    missing = lab.back("POST", "city/checkpoints/one/restore")
    assert (missing.status_code, missing.json()["code"]) == (404, "checkpoint_not_found")
    assert lab.back("DELETE", "city/checkpoints/initial").status_code == 404
    assert lab.back("POST", "city/checkpoints", json={"name": "initial"}).status_code == 409


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "x" * 41, ".hidden", "a b", "initial.db"])
def test_a_checkpoints_name_must_be_a_plain_word(lab: InProcess, name: str) -> None:
    lab.made()
    assert lab.back("POST", "city/checkpoints", json={"name": name}).status_code == 422
    assert sorted(path.name for path in (lab.data / "city/checkpoints").iterdir()) == ["initial.db"]


def test_between_prepare_and_commit_nobody_is_let_in_and_nothing_has_changed(lab: InProcess) -> None:
    lab.made()
    change(lab)
    kept = lab.letters()
    assert lab.back("POST", "city/reset", json={"phase": "prepare"}).status_code == 204
    refused = lab.call("GET", "/v1/letters/s0001")
    assert (refused.status_code, refused.json()["code"]) == (503, "sandbox_busy")
    assert refused.headers["retry-after"] == "1"
    assert lab.letters() == kept
    assert lab.back("POST", "city/reset", json={"phase": "commit"}).status_code == 204
    assert len(lab.letters()) == 45
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_a_reset_that_is_called_off_changes_nothing(lab: InProcess) -> None:
    lab.made()
    change(lab)
    kept = lab.letters()
    lab.back("POST", "city/reset", json={"phase": "prepare"})
    assert lab.back("POST", "city/reset", json={"phase": "abort"}).status_code == 204
    assert lab.letters() == kept
    assert lab.call("GET", "/v1/letters/s0002").status_code == 200
    assert lab.back("POST", "city/reset", json={"phase": "commit"}).status_code == 409


def test_nothing_is_committed_that_was_not_prepared(lab: InProcess) -> None:
    lab.made()
    change(lab)
    answer = lab.back("POST", "city/reset", json={"phase": "commit"})
    assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_busy")
    assert len(lab.letters()) == 45
    assert "new" in {letter["id"] for letter in lab.letters()}


def test_a_reset_may_be_prepared_again_by_who_rolls_it_forward(lab: InProcess) -> None:
    lab.made()
    change(lab)
    for phase in ("prepare", "prepare", "commit"):
        assert lab.back("POST", "city/reset", json={"phase": phase}).status_code == 204
    assert len(lab.letters()) == 45
    assert "new" not in {letter["id"] for letter in lab.letters()}


def test_while_a_reset_is_prepared_a_checkpoint_and_a_freeze_have_to_wait(lab: InProcess) -> None:
    """Either would open the sandbox again behind the reset's back."""
    lab.made()
    change(lab)
    lab.back("POST", "city/reset", json={"phase": "prepare"})
    assert lab.back("POST", "city/checkpoints", json={"name": "x"}).status_code == 409
    assert lab.back("POST", "city/freeze").status_code == 409
    assert lab.call("GET", "/v1/letters/s0001").status_code == 503
    assert lab.back("POST", "city/reset", json={"phase": "commit"}).status_code == 204


def test_what_is_prepared_does_not_outlive_a_restart(lab: InProcess) -> None:
    lab.made(durable=True)
    change(lab)
    kept = lab.letters()
    lab.back("POST", "city/reset", json={"phase": "prepare"})
    lab.restarted()
    assert lab.letters() == kept
    assert lab.back("POST", "city/reset", json={"phase": "commit"}).status_code == 409
    assert [path.name for path in (lab.data / "city").glob("state-1*")] == []
    assert lab.back("POST", "city/reset").status_code == 204
    assert len(lab.letters()) == 45


def test_a_reset_waits_for_the_calls_inside(lab: InProcess) -> None:
    lab.made()

    async def play() -> tuple[int, int]:
        slow = asyncio.create_task(lab.calling("POST", "/v1/letters", json={"id": "slow", "text": "t", "pause_ms": 60}))
        sandbox = await lab.agency.sandboxes.get("city")
        while not sandbox.occupied:  # noqa: ASYNC110 - nothing tells when a call is inside, and one turn is enough
            await asyncio.sleep(0)
        reset = await lab.back_client.post("/_lab/sandboxes/city/reset")
        return (await slow).status_code, reset.status_code

    assert lab.run(play()) == (201, 204)
    assert "slow" not in {letter["id"] for letter in lab.letters()}
    assert lab.journal() == []


def test_of_many_resets_at_once_each_ends_in_order_or_is_told_to_wait(lab: InProcess) -> None:
    lab.made()
    change(lab)

    async def all_at_once() -> list[int]:
        asked = (lab.back_client.post("/_lab/sandboxes/city/reset") for _ in range(5))
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    statuses = lab.run(all_at_once())
    assert set(statuses) <= {204, 409}
    assert 204 in statuses
    assert len(lab.letters()) == 45
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_a_frozen_sandbox_takes_no_calls_until_it_is_thawed(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.call("GET", "/v1/letters/s0001")
    assert lab.back("POST", "city/freeze").status_code == 200
    for _ in range(2):
        refused = lab.call("DELETE", "/v1/letters/s0001")
        assert (refused.status_code, refused.json()["code"]) == (403, "sandbox_frozen")
        assert len(lab.journal()) == 1
        lab.restarted()
    assert lab.back("GET", "city").json()["frozen"] is True
    assert lab.back("POST", "city/thaw").status_code == 204
    assert lab.call("DELETE", "/v1/letters/s0001").status_code == 204


def test_of_makers_and_removers_of_one_sandbox_at_once_none_meets_a_defect(lab: InProcess) -> None:
    async def all_at_once() -> list[int]:
        path = "/_lab/sandboxes/city"
        asked = [
            lab.back_client.put(path, json=spec()) if turn % 2 else lab.back_client.delete(path) for turn in range(12)
        ]
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    statuses = lab.run(all_at_once())
    assert set(statuses) <= {200, 201, 204}
    lab.back("DELETE", "city")
    assert list(lab.data.iterdir()) == []


@pytest.fixture
def narrow(tmp_path: Path, key: RSAKey) -> object:
    """The sample agency that keeps only two sandboxes open."""
    with InProcess(tmp_path / "narrow", key, open_sandboxes=2) as opened:
        yield opened


def test_no_more_sandboxes_are_open_than_may_be_and_none_loses_anything(narrow: InProcess) -> None:
    names = [narrow.made(f"city{number}", durable=True) for number in range(5)]
    for turn in range(3):
        for name in names:
            answer = narrow.call("POST", "/v1/letters", name, json={"id": f"new{turn}", "text": name})
            assert answer.status_code == 201
            assert narrow.call("GET", "/v1/letters/s0001", name).status_code == 200
            assert len(narrow.agency.sandboxes._open) <= 2
    for name in names:
        assert [letter["text"] for letter in narrow.letters(name) if letter["id"] >= "t" or letter["id"] < "s"] == [
            name
        ] * 3
        assert [entry["seq"] for entry in narrow.journal(name)] == list(range(1, 7))


def test_calls_in_many_sandboxes_at_once_lose_no_journal_while_they_are_opened_and_closed(narrow: InProcess) -> None:
    names = [narrow.made(f"city{number}", durable=True) for number in range(6)]

    async def storm() -> list[int]:
        calls = [
            narrow.calling("GET" if turn % 3 else "DELETE", f"/v1/letters/s{turn:04}", name)
            for turn in range(12)
            for name in names
        ]
        return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert set(narrow.run(storm())) == {200, 204}
    for name in names:
        entries = narrow.journal(name)
        assert [entry["seq"] for entry in entries] == list(range(1, 13))
        assert sorted(entry["path"] for entry in entries) == [f"/v1/letters/s{turn:04}" for turn in range(12)]
        assert len(narrow.letters(name)) == 45 - 4


def test_throw_away_sandboxes_are_cleared_at_the_start_and_others_stay(lab: InProcess) -> None:
    lab.made("brief", durable=False)
    lab.made("lasting", durable=True)
    lab.restarted()
    assert lab.back("GET").json() == {"data": [{"id": "lasting"}]}
    assert [path.name for path in lab.data.iterdir()] == ["lasting"]


def test_a_half_made_sandbox_is_never_seen_and_is_cleared_away(lab: InProcess) -> None:
    """Killed before and after the specification was written under the temporary name, and while it was removed."""
    lab.made("whole", durable=True)
    shutil.copytree(lab.data / "whole", lab.data / ".early", ignore=shutil.ignore_patterns(SPECIFICATION))
    shutil.copytree(lab.data / "whole", lab.data / ".late")
    shutil.copytree(lab.data / "whole", lab.data / "removed", ignore=shutil.ignore_patterns(SPECIFICATION))
    assert lab.back("GET").json() == {"data": [{"id": "whole"}]}
    assert lab.back("PUT", "removed", json=spec()).status_code == 201
    assert lab.back("PUT", "late", json=spec()).status_code == 201
    lab.restarted()
    assert [path.name for path in lab.data.iterdir()] == ["whole"]


@pytest.mark.parametrize("written", [b"", b"\x00" * 200])
def test_a_specification_that_a_power_cut_emptied_does_not_keep_the_service_from_starting(
    lab: InProcess, written: bytes
) -> None:
    lab.made("whole", durable=True)
    lab.made("brief", durable=False)
    (lab.data / "brief" / SPECIFICATION).write_bytes(written)
    lab.restarted()
    assert lab.back("GET").json() == {"data": [{"id": "whole"}]}


def test_a_specification_of_another_version_is_left_to_its_owner(lab: InProcess) -> None:
    lab.made("older", durable=True)
    lab.made("whole", durable=True)
    (lab.data / "older" / SPECIFICATION).write_text(json.dumps({"format": 0}))
    lab.restarted()
    assert (lab.data / "older/state-0.db").exists()
    assert lab.back("GET", "whole").status_code == 200


def test_the_same_seed_gives_the_same_state_in_another_process(lab: InProcess, served: Served) -> None:
    lab.made(seed=5)
    assert served.letters(served.made(seed=5)) == lab.letters()


def test_sandboxes_can_be_made_while_another_answers(served: Served) -> None:
    city = served.made()

    def ask() -> httpx.Response:
        return served.call("GET", "/v1/letters/s0001", city)

    with ThreadPoolExecutor(4) as threads:
        making = [threads.submit(served.made) for _ in range(6)]
        asking = [threads.submit(ask) for _ in range(30)]
        assert {asked.result().status_code for asked in asking} == {200}
        assert all(re.fullmatch("c[0-9a-f]{8}", made.result()) for made in making)
