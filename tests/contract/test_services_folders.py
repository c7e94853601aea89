"""Learn one service, know all: the same rooms in each folder, and facts, README and routes that agree."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from problem_codes import UnreadableCodeError, codes_raised
from towns import FOLDERS, ROOT, SERVICES, facts_of, readme_of

from services.__main__ import load
from services.kit.access import Allow

KIT = ROOT / "services" / "kit"
SHARED = {"kit", "world"}
ROOMS = {"__init__", "app", "routes", "rules", "schemas", "seed", "tables", "views"}
PAPERS = ("README.md", "scenarios.md", "locale/id/LC_MESSAGES/messages.po", "locale/id/LC_MESSAGES/messages.mo")
FACTS = {"title", "port_offset", "scopes", "needs"}
ALWAYS = {
    "internal_error",
    "temporarily_unavailable",
    "sandbox_busy",
    "sandbox_frozen",
    "rate_limited",
    "store_unavailable",
}
"""What the gateway may answer to any call in any city."""


def test_every_folder_is_a_service_or_shared():
    """A folder without a service.toml would be served by nobody and tested by nothing."""
    folders = {path.name for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists()}
    assert folders == SHARED | set(SERVICES)
    assert len(SERVICES) >= 4


def test_every_service_has_the_same_rooms(service):
    """The modules that architecture.md names; one may be a package."""
    folder = FOLDERS[service]
    modules = {path.stem for path in folder.glob("*.py")}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert modules | packages >= ROOMS
    assert [name for name in PAPERS if not (folder / name).is_file()] == []


def test_the_facts_are_complete(service):
    """Titles in both languages, a port of its own, every scope explained, needs that exist, and nothing else."""
    facts = facts_of(service)
    assert facts.keys() == FACTS
    assert facts["title"].keys() == {"id", "en"}
    assert all(text.strip() for text in facts["title"].values())
    assert facts["title"]["id"] != facts["title"]["en"]
    assert isinstance(facts["port_offset"], int)
    assert facts["port_offset"] >= 1
    assert all(
        re.fullmatch(r"[a-z_]+:[a-z_]+", scope) and meaning.strip() for scope, meaning in facts["scopes"].items()
    )
    assert {scope.partition(":")[0] for scope in facts["scopes"]} <= {service}
    assert set(facts["needs"]) <= set(SERVICES) - {service}


def test_no_two_services_share_a_port():
    """Offsets differ, and so do titles."""
    facts = [facts_of(service) for service in SERVICES]
    assert len({one["port_offset"] for one in facts}) == len(facts)
    assert len({one["title"]["id"] for one in facts}) == len(facts)


def test_no_service_needs_itself_in_a_circle():
    """There is an order in which each finds what it needs already started."""
    waiting = {service: set(facts_of(service)["needs"]) for service in SERVICES}
    while waiting:
        ready = {service for service, needs in waiting.items() if not needs}
        assert ready, waiting
        waiting = {service: needs - ready for service, needs in waiting.items() if service not in ready}


def test_the_readme_and_the_scenarios_say_something(service):
    """A README in Bahasa Indonesia with its title, examples for a shell and a section in English."""
    readme = readme_of(service)
    assert readme.startswith(f"# {facts_of(service)['title']['id']}\n")
    assert "```sh\ncurl " in readme or "\ncurl " in readme
    assert "\n## In English\n" in readme
    assert (FOLDERS[service] / "scenarios.md").read_text(encoding="utf-8").startswith("# ")


def listed_codes(readme: str) -> Iterator[str]:
    """The first column of every table whose first title is `code` or `error`."""
    for table in re.findall(r"^\| `(?:code|error)` \|.*\n\|[-| ]+\|\n((?:\|.*\n?)+)", readme, re.M):
        for row in table.splitlines():
            yield from re.findall(r"`([a-z0-9_]+)`", row.split("|")[1])


def test_the_readme_lists_the_problem_codes_that_the_code_raises(service):
    """Every code of the service's own, what the gateway may always say, and none that nothing raises."""
    listed = list(listed_codes(readme_of(service)))
    own = codes_raised(FOLDERS[service])
    assert sorted(set(listed)) == sorted(listed), "a code is listed twice"
    assert own - set(listed) == set(), "raised, but not in the README"
    assert ALWAYS - set(listed) == set()
    assert set(listed) - own - codes_raised(KIT, "backdoor.py") == set(), "in the README, but never raised"


def test_codes_are_read_from_every_way_of_making_a_problem(tmp_path):
    """The reader finds literals, names, subclasses and makers, and says what it cannot read."""
    source = Path(tmp_path / "rules.py")
    source.write_text(
        "class Refusal(Problem):\n"
        "    def __init__(self, word, text, *, status=400):\n"
        "        super().__init__(status, word, text)\n"
        "TABLE = {1: 'in_table'}\n"
        "def made(number, name, text): return Problem(number, name, text)\n"
        "def a(): raise problems.Problem(409, 'literal', _('x'))\n"
        "def b(x):\n"
        "    code = 'one' if x else 'other'\n"
        "    raise Problem(422, code, _('x'), errors=[FieldError('#', 'inner', _('x'))])\n"
        "def c(): raise Refusal('word', _('x'))\n"
        "def d(): raise made(404, 'by_maker', _('x'))\n",
        encoding="utf-8",
    )
    assert codes_raised(tmp_path) == {"literal", "one", "other", "word", "by_maker"}
    source.write_text("def a(): raise Problem(409, f'{1}', _('x'))\n", encoding="utf-8")
    with pytest.raises(UnreadableCodeError, match=r"rules\.py:1"):
        codes_raised(tmp_path)


def guards(dependant: Dependant) -> Iterator[Allow]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Allow):
            yield inner.call
        yield from guards(inner)


def test_routes_use_the_scopes_that_are_declared(service):
    """No route asks for a scope that cannot be granted, and no scope is granted that opens nothing."""
    routes = [route for router in load(service).routers for route in router.routes]
    assert {guard.scope for route in routes for guard in guards(route.dependant)} == facts_of(service)["scopes"].keys()


def test_every_route_is_guarded_open_or_recognised(service):
    """A route without a guard is one that `app.py` opens to everyone or whose caller it recognises otherwise."""
    loaded = load(service)
    unguarded = {
        route.path for router in loaded.routers for route in router.routes if not list(guards(route.dependant))
    }
    assert unguarded == loaded.open_paths | loaded.identify.keys()


def test_handlers_never_block_the_loop(service):
    """Every handler is `async def`: a plain one would run in a thread, where no city may be touched."""
    routes = [route for router in load(service).routers for route in router.routes]
    assert [route.path for route in routes if not inspect.iscoroutinefunction(route.endpoint)] == []
