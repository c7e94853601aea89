"""Cities apart: a reset gives back every byte, the same seed the same city, and nobody sees another's."""

import re
import shutil
import subprocess

import pytest
from towns import SECRET, SERVICES, Guide, Operation, Town, readme_of

from grader.city import City

TOOLS = ("bash", "curl", "python3")
NUMBERS = re.compile(rb"(?<![0-9])[0-9]{13,18}(?![0-9])")
"""What identifies a person, a family, a business or a bill."""
OTHERS = {"seed": 6}


def follow_readme(town: Town, service: str) -> subprocess.CompletedProcess[str]:
    """Type in every example of a service's README, one after the other."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"the READMEs' examples need {', '.join(missing)}")
    urls = {f"{name.upper()}_URL": town.url(name) for name in SERVICES}
    tools = {"PATH": "/usr/local/bin:/usr/bin:/bin", "CLIENT_ID": town.client_id, "CLIENT_SECRET": SECRET}
    script = "\n".join(re.findall(r"```sh\n(.+?)```", readme_of(service), re.S))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=urls | tools, capture_output=True, text=True, check=False
    )


def test_the_readmes_examples_work_and_change_the_city(service, new_town):
    """Typed in as they stand, in a fresh city, not one of them is refused, and at least one changes something."""
    town = new_town()
    before = town.truth(service)
    done = follow_readme(town, service)
    assert done.returncode == 0, done.stderr
    entries = town.city.journal(town.name)
    assert [(entry["path"], entry["response_body"]) for entry in entries if (entry["status"] or 500) >= 400] == []
    assert [entry for entry in entries if entry["service"] == service and entry["committed"]]
    assert town.truth(service) != before


def test_a_reset_gives_every_byte_back(service, new_town):
    """Whatever was changed: every truth view is as it was seeded, in this service and in all others."""
    town = new_town()
    seeded = town.truths()
    assert follow_readme(town, service).returncode == 0
    assert town.truths() != seeded
    town.city.restore(town.name)
    assert town.truths() == seeded


def test_a_checkpoint_gives_every_byte_back(service, new_town):
    """What was changed before it stays, what was changed after it goes."""
    town = new_town()
    assert follow_readme(town, service).returncode == 0
    town.city.save(town.name, "tengah")
    kept = town.truths()
    assert follow_readme(town, service).returncode == 0
    assert town.truths() != kept
    town.city.restore(town.name, "tengah")
    assert town.truths() == kept


def test_an_equal_seed_gives_an_equal_city_in_another_process(agencies, mortal_agencies):
    """Every truth view of every service is the same, byte for byte, on the other side of the machine."""
    name, truths = "kembar", []
    for process in (agencies, mortal_agencies):
        with City(process.addresses, process.token) as city:
            truths.append(Town(city, name).truths())
            city.delete(name)
    assert truths[0] == truths[1]
    assert any(len(view) > 10_000 for views in truths[0].values() for view in views.values())


def test_another_seed_gives_another_city(new_town):
    """Services that show anything of the world show another one; none holds a number for this to be by chance."""
    here, there = new_town().truths(), new_town(**OTHERS).truths()
    same = {service for service in SERVICES if here[service] == there[service]}
    assert same <= {service for service in SERVICES if not numbers(here[service])}


def numbers(truth: dict[str, bytes]) -> set[bytes]:
    return {number for view in truth.values() for number in NUMBERS.findall(view)}


def test_what_happens_in_one_city_does_not_happen_in_another(service, new_town):
    """Its neighbour's state and journal are untouched, though they share seed, process and disk."""
    here, there = new_town(), new_town()
    before = there.truth(service)
    assert follow_readme(here, service).returncode == 0
    assert there.truth(service) == before
    assert there.city.journal(there.name) == []


@pytest.fixture
def neighbours(new_town, service):
    """Two cities of different seeds, and the way to everything in the second."""
    here, there = new_town(), new_town(**OTHERS)
    return here, Guide(there, service)


def test_a_token_reads_its_own_city_only(service, neighbours):
    """No number that is only in the other city is ever shown, wherever this token reads what the other reads there."""
    here, guide = neighbours
    theirs = numbers(guide.town.truth(service)) - numbers(here.truth(service))
    seen = set()
    for operation in reads(guide):
        target, there = guide.found[operation.path]
        seen |= theirs & set(NUMBERS.findall(there.body))
        answer = here.read(service, target)
        assert theirs & set(NUMBERS.findall(answer.body.replace(target.encode(), b""))) == set(), target
    assert bool(seen) == bool(theirs), "the other city shows nothing that this one could have shown"


def test_what_is_only_in_the_other_city_is_not_found(service, neighbours):
    """Named by its number, it is unknown; what both cities have is this one's."""
    here, guide = neighbours
    theirs = {number.decode() for number in numbers(guide.town.truth(service)) - numbers(here.truth(service))}
    for operation in (one for one in reads(guide) if one.parameters("path")):
        name = operation.parameters("path")[0]["name"]
        for value in [value for value in guide.candidates(operation) if value in theirs][:20]:
            answer = here.read(service, operation.at(**{name: value}))
            assert 400 <= answer.status < 500, f"{operation} {value}"


def test_an_entity_tag_or_a_page_of_another_city_shows_nothing_of_it(service, neighbours):
    """A cursor from there is refused, or points into this city; a tag from there at most spares this one's body."""
    here, guide = neighbours
    theirs = numbers(guide.town.truth(service)) - numbers(here.truth(service))
    for operation in reads(guide):
        target, there = guide.found[operation.path]
        if "etag" in there.headers:
            answer = here.ask(service, "GET", target, {**here.bearer, "if-none-match": there.headers["etag"]})
            assert theirs & set(NUMBERS.findall(answer.body.replace(target.encode(), b""))) == set(), target
        if "cursor" in {parameter["name"] for parameter in operation.parameters("query")}:
            cursor = guide.town.read(service, f"{target}?limit=2").json["meta"]["cursor"]
            answer = here.read(service, f"{target}?limit=2&cursor={cursor}")
            assert theirs & set(NUMBERS.findall(answer.body)) == set(), target


def test_a_token_dies_with_its_city(service, new_town):
    """It opens nothing once the city is gone."""
    town = new_town()
    guarded = [operation for operation in town.operations(service) if operation.schemes == {"bearer"}]
    token = town.bearer
    town.city.delete(town.name)
    for operation in guarded:
        assert town.ask(service, operation.method, operation.at(), token).status == 401, operation


def reads(guide: Guide) -> list[Operation]:
    return [one for one in guide.operations if one.is_safe and one.schemes and one.path in guide.found]
