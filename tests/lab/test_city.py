"""The background process, started and stopped for real, over real ports."""

import errno
import os
import signal
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

from lab import city
from lab.city import Begun, Condition
from lab.filelock import held
from lab.outcomes import LabFailedError
from lab.ports import is_free, is_ready
from lab.record import Record


def start(background):
    return background.start(lambda ready, total: None, lambda: None)


def test_a_lab_that_was_never_started_is_stopped(background):
    """Before the first start there is no record, no log, and nothing to stop."""
    lab = background()
    assert lab.condition() is Condition.STOPPED
    assert lab.record() is None
    assert lab.log_tail() == ""
    assert lab.stop(lambda: None) is False


def test_start_serves_every_agency_and_says_how_to_reach_it(background, port_base):
    """After start every agency answers, and progress went from none to all."""
    seen = []
    started = background().start(lambda ready, total: seen.append((ready, total)), lambda: None)
    assert started.how is Begun.STARTED
    assert dict(started.record.services) == {
        "alpha": f"http://127.0.0.1:{port_base + 1}",
        "beta": f"http://127.0.0.1:{port_base + 2}",
    }
    assert all(is_ready(url) for url in started.record.services.values())
    assert seen[0] == (0, 2)
    assert seen[-1] == (2, 2)


def test_the_run_directory_is_private(background):
    """Only this user may read the token of the back doors or enter their folder."""
    record = start(background()).record
    assert stat.S_IMODE(record.run.stat().st_mode) == 0o700
    assert stat.S_IMODE((record.run / "token").stat().st_mode) == 0o600
    assert len(record.token()) >= 32
    assert record.token() not in " ".join(psutil.Process(record.pid).cmdline())


def test_start_again_keeps_the_process(background):
    """A second start finds the first one's process."""
    lab = background()
    first, second = start(lab), start(lab)
    assert second.how is Begun.ALREADY
    assert second.record == first.record


def test_two_starts_at_once_make_one_process(background):
    """Whoever comes second waits for the first and uses its process."""
    labs = [background() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(start, labs))
    assert len({one.record.pid for one in started}) == 1
    assert sorted(one.how.value for one in started) == ["already"] * 3 + ["started"]


def test_the_process_outlives_the_session_of_the_command(background):
    """It has a session of its own, so that closing the terminal does not end it."""
    record = start(background()).record
    assert os.getsid(record.pid) == record.pid


def test_stop_ends_the_process_and_leaves_nothing(background, settings):
    """After stop the ports are free and the record and run directory are gone."""
    lab = background()
    record = start(lab).record
    assert lab.stop(lambda: None) is True
    assert not psutil.pid_exists(record.pid)
    assert all(is_free(settings.port_base + offset) for offset in (1, 2))
    assert not record.run.exists()
    assert lab.condition() is Condition.STOPPED


def test_a_process_that_ignores_the_polite_request_is_killed(background, monkeypatch):
    """Stop does not wait for ever."""
    monkeypatch.setattr(city, "STOP_TIMEOUT_SECONDS", 0.2)
    lab = background("stubborn")
    record = start(lab).record
    assert lab.stop(lambda: None) is True
    assert not psutil.pid_exists(record.pid)


def test_a_killed_lab_is_seen_and_mended(background):
    """After kill -9 the lab counts as crashed, and start makes a new process."""
    lab = background()
    record = start(lab).record
    os.kill(record.pid, signal.SIGKILL)
    psutil.Process(record.pid).wait(5)
    assert lab.condition() is Condition.CRASHED
    mended = start(lab)
    assert mended.how is Begun.MENDED
    assert mended.record.pid != record.pid
    assert not record.run.exists()


def test_a_pid_that_now_belongs_to_another_program_is_not_taken_for_the_lab(background, settings):
    """A record from before a restart of the computer may name the pid of anything: it is neither used nor killed."""
    lab = background()
    record = start(lab).record
    lab.stop(lambda: None)
    record.run.mkdir()
    replace(record, pid=os.getpid()).write(settings.state / "lab.json")
    assert lab.condition() is Condition.CRASHED
    assert start(lab).how is Begun.MENDED


def test_changed_code_means_a_new_process(background, settings):
    """When the services' files changed, start replaces the process, on the same ports."""
    lab = background()
    before = start(lab).record
    (settings.root / "services" / "alpha" / "rules.py").write_text("NEW = True\n", encoding="utf-8")
    after = start(lab)
    assert after.how is Begun.RENEWED
    assert after.record.pid != before.pid
    assert after.record.port_base == before.port_base


def test_a_lab_whose_run_directory_was_swept_away_is_started_again(background):
    """A cleaner of temporary files may take the token; nobody can reach the back doors then."""
    lab = background()
    record = start(lab).record
    (record.run / "token").unlink()
    after = start(lab)
    assert after.how is Begun.RENEWED
    assert after.record.token()


def test_without_a_wish_for_ports_the_running_ones_stay(background, settings):
    """LAB_PORT_BASE given once counts until the lab is stopped."""
    before = start(background()).record
    after = start(background(of=replace(settings, port_base=None)))
    assert after.how is Begun.ALREADY
    assert after.record.port_base == before.port_base


def test_a_taken_port_is_told_with_its_holder_and_a_way_out(background, settings):
    """The sentence names the port, the program and the process, and ports that are free."""
    with socket.create_server(("127.0.0.1", settings.port_base + 2)), pytest.raises(LabFailedError) as caught:
        start(background())
    told = f"{caught.value.problem} {caught.value.advice}"
    assert f"Port {settings.port_base + 2} " in told
    assert f"process {os.getpid()}" in told
    assert "LAB_PORT_BASE=" in told
    assert background().condition() is Condition.STOPPED


def test_a_process_that_ends_while_starting_shows_its_last_words(background, settings):
    """The end of the log is in the error, and the next start begins afresh."""
    with pytest.raises(LabFailedError) as caught:
        start(background("crash"))
    assert "made of cheese" in caught.value.detail
    assert str(settings.state / "services.log") in str(caught.value.advice)
    assert start(background()).how is Begun.STARTED


def test_agencies_that_are_never_ready_are_given_up(background, monkeypatch, settings):
    """After the time is over the process is stopped and the sentence says so."""
    monkeypatch.setattr(city, "READY_TIMEOUT_SECONDS", 0.3)
    with pytest.raises(LabFailedError, match="not ready"):
        start(background("never"))
    assert all(is_free(settings.port_base + offset) for offset in (1, 2))


def test_a_command_that_holds_the_lab_for_too_long_is_not_waited_for(background, monkeypatch, settings):
    """The second command says what keeps it, instead of waiting for ever."""
    monkeypatch.setattr(city, "LOCK_TIMEOUT_SECONDS", 0.1)
    settings.state.mkdir(parents=True)
    told = []
    with held(settings.state / "city.lock", 1), pytest.raises(LabFailedError, match="Another lab command"):
        background().start(lambda ready, total: None, lambda: told.append(True))
    assert told == [True]


def test_the_environment_of_a_person_does_not_reach_the_services(background, settings):
    """A URL or secret exported in the shell is not passed on; the port base is."""
    environment = psutil.Process(start(background()).record.pid).environ()
    assert environment["LAB_PORT_BASE"] == str(settings.port_base)
    assert set(environment) <= {"LAB_PORT_BASE", "PYTHONUTF8", "LC_CTYPE"}


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_process_whose_record_cannot_be_written_does_not_live_on(background, settings, monkeypatch, problem):
    """No command could find it; its folder goes with it, and the error is told as it is."""
    pids, runs = [], []

    def fail(record, _file):
        pids.append(record.pid)
        runs.append(record.run)
        raise problem

    monkeypatch.setattr(Record, "write", fail)
    with pytest.raises(type(problem)):
        start(background())
    assert not psutil.pid_exists(pids[0])
    assert not runs[0].exists()
    assert all(is_free(settings.port_base + offset) for offset in (1, 2))


def test_a_fingerprint_that_cannot_be_taken_starts_nothing(background, settings, monkeypatch):
    """Everything that can fail is done before the process is there."""

    def fail(_root):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(city, "fingerprint", fail)
    with pytest.raises(OSError, match="Input/output"):
        start(background())
    assert not (settings.state / "services.log").exists()


def test_a_lab_that_was_moved_while_it_ran_is_started_again_where_it_is(background, settings, tmp_path):
    """The process that came along in lab.json writes into a folder that is gone."""
    before = start(background()).record
    settings.root.rename(tmp_path / "moved")
    moved = replace(settings, root=tmp_path / "moved", home=tmp_path / "moved")
    after = start(background(of=moved))
    assert after.how is Begun.RENEWED
    assert str(moved.data) in psutil.Process(after.record.pid).cmdline()
    assert not psutil.pid_exists(before.pid)
