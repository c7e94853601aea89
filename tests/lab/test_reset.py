"""A reset is done in all services or done again: also when somebody pulls the plug in the middle."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from grader.language import verbatim
from grader.verdicts import LabFault
from lab.console import Console
from lab.reset import own_sandbox, reset
from lab.sandbox import Sandbox
from lab.session import Session


class FakeCity:
    """Remembers what it was asked; breaks at the call that it is told to break at."""

    def __init__(self):
        self.calls = []
        self.breaks_at = None
        self.meanwhile = lambda: None

    def _call(self, name, *facts):
        if self.breaks_at == name:
            raise LabFault(verbatim(f"{name} broke"))
        self.calls.append((name, *facts))

    def create(self, sandbox, spec):
        self._call("create", sandbox, spec)

    def restore(self, sandbox):
        self.meanwhile()
        self._call("restore", sandbox)

    def delete(self, sandbox):
        self._call("delete", sandbox)


@pytest.fixture
def city():
    """A city that remembers."""
    return FakeCity()


@pytest.fixture
def session(settings):
    """A session in a lab that was never used."""
    return Session(settings, Console(colour=False))


def names(city):
    return [call[0] for call in city.calls]


def test_the_first_time_a_sandbox_is_invented_with_all_scopes_and_kept(city, session):
    """The next time the same one is made again, which changes nothing."""
    first = own_sandbox(city, session)
    second = own_sandbox(city, session)
    assert first == second == Sandbox.read(session.settings.sandbox)
    assert first.scopes == ("alpha:read", "beta:read")
    assert city.calls == [("create", first.id, first.spec())] * 2


def test_a_reset_restores_the_seeded_city(city, session):
    """Sandbox, client and secret stay the same, and no intent is left."""
    sandbox = own_sandbox(city, session)
    assert reset(city, session, sandbox) == sandbox
    assert names(city) == ["create", "restore"]
    assert own_sandbox(city, session) == sandbox
    assert names(city) == ["create", "restore", "create"]


def test_a_reset_that_broke_is_done_again_by_the_next_command(city, session):
    """The intent is written before the first service is told, and stays until the last one agreed."""
    sandbox = own_sandbox(city, session)
    city.breaks_at = "restore"
    with pytest.raises(LabFault):
        reset(city, session, sandbox)
    city.breaks_at, city.calls = None, []
    own_sandbox(city, session)
    assert names(city) == ["create", "restore"]
    city.calls.clear()
    own_sandbox(city, session)
    assert names(city) == ["create"]


def test_a_command_waits_for_a_reset_that_another_one_is_doing(city, session):
    """Its intent is there, but it was not interrupted: nobody joins in, lest the one undo what the other prepared."""
    sandbox = own_sandbox(city, session)
    city.calls.clear()
    with ThreadPoolExecutor(2) as terminals:
        opening = []

        def meanwhile():
            opening.append(terminals.submit(own_sandbox, city, session))
            assert not wait(opening, 0.3).done

        city.meanwhile = meanwhile
        terminals.submit(reset, city, session, sandbox).result()
        assert opening[0].result() == sandbox
    assert names(city) == ["restore", "create"]


def test_a_reset_brings_the_scopes_of_agencies_that_came_later(city, session):
    """The sandbox is made anew, from the same seed and with the same secret, for the scopes that there are now."""
    before = own_sandbox(city, session)
    toml = session.settings.root / "services" / "beta" / "service.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '\nscopes."beta:write" = "write"\n', encoding="utf-8")
    assert own_sandbox(city, session).scopes == before.scopes
    city.calls.clear()
    after = reset(city, session, before)
    assert names(city) == ["delete", "create"]
    assert after.scopes == ("alpha:read", "beta:read", "beta:write")
    assert (after.id, after.seed, after.client_secret) == (before.id, before.seed, before.client_secret)
    assert Sandbox.read(session.settings.sandbox) == after


@pytest.mark.parametrize("step", ["delete", "create"])
def test_new_scopes_survive_a_break_at_any_step(city, session, step):
    """Whatever was reached, the next command ends with the new scopes everywhere."""
    before = own_sandbox(city, session)
    toml = session.settings.root / "services" / "beta" / "service.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '\nscopes."beta:write" = "write"\n', encoding="utf-8")
    city.breaks_at = step
    with pytest.raises(LabFault):
        reset(city, session, before)
    city.breaks_at = None
    own_sandbox(city, session)
    assert Sandbox.read(session.settings.sandbox).scopes == ("alpha:read", "beta:read", "beta:write")
