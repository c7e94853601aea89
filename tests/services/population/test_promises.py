"""What the README, the trainer's page and the OpenAPI page promise."""

import re
import shutil

import pytest
from city_process import json_values, shell_blocks
from jsonschema import Draft202012Validator

from services.population.app import SERVICE
from services.population.rules import DAILY_VERIFICATIONS, Obstacle
from services.world.layout import REGISTRY_SHARES
from services.world.names import similarity

FOLDER = SERVICE.folder
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_readme_states_the_order_of_business_errors():
    """Codes and sentences are the rule's, in its order."""
    rows = re.findall(r"^\| (\d) \| `(\d\d)` \| (.+) \|$", section("Dialek Dukcapil"), re.MULTILINE)
    order = [Obstacle.MALFORMED, Obstacle.UNKNOWN, Obstacle.DUPLICATE, Obstacle.DECEASED, Obstacle.NON_ACTIVE]
    assert rows == [(str(number), one.code, one.sentence) for number, one in enumerate(order, 1)]
    assert Obstacle.QUOTA_EXHAUSTED.sentence in README


def test_the_readmes_scores_are_right():
    """Each line of the table, by the rule."""
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| (\d+) \|$", section("Skor kemiripan"), re.MULTILINE)
    assert len(rows) == 4
    assert [similarity(typed, known) for typed, known, _score in rows] == [int(score) for _, _, score in rows]


def test_the_readme_states_the_quota():
    """The number is the rule's."""
    assert f"**{DAILY_VERIFICATIONS} verifikasi per hari**" in README


def test_the_trainers_page_lists_exactly_the_planted_trouble():
    """With the shares of the world."""
    text = (FOLDER / "scenarios.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| ([0-9,]+) % \|", text, re.MULTILINE)
    assert {kind: float(share.replace(",", ".")) / 100 for kind, share in rows} == REGISTRY_SHARES


@pytest.fixture
def document(registry):
    return registry.read("/openapi.json")


def test_the_readme_names_every_call(document):
    """What is in the OpenAPI document is in the README with its scope, and the other way round."""
    in_readme = set(re.findall(r"^\| `(GET|POST) (/[^`]+)` \|", section("Yang tersedia"), re.MULTILINE))
    assert in_readme == {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def test_every_call_is_described(document):
    """A summary, a description, and problems for what can go wrong."""
    for path, methods in document["paths"].items():
        for call in methods.values():
            assert call["summary"], path
            assert call["description"], path
            for status in ("401", "403", "422", "429", "503"):
                assert "application/problem+json" in call["responses"][status]["content"], (path, status)


def test_answers_fit_the_document(registry, document):
    """What is sent is what the document states, member by member."""
    one = registry.plain()
    dialect = "/dukcapil/get_json/{lembaga}/"
    answers = {
        "/v1/residents": registry.read("/v1/residents?limit=3"),
        "/v1/residents/{nik}": registry.read(f"/v1/residents/{one.nik}"),
        "/v1/families": registry.read("/v1/families?limit=3"),
        "/v1/families/{kk}": registry.read(f"/v1/families/{one.kk}"),
        "/v1/regions": registry.read("/v1/regions"),
        "/v1/regions/{code}": registry.read("/v1/regions/76"),
        "/v1/verifications": registry.verify(one.nik, name="X", sex="L").json(),
        f"{dialect}CALL_VERIFY_BY_ELEMEN": registry.dialect(one.nik, NAMA_LGKP="X"),
        f"{dialect}CALL_NIK": registry.dialect(
            one.nik, path=dialect.replace("{lembaga}", "UJI") + "CALL_NIK", scope="population:read"
        ),
    }
    assert answers.keys() == document["paths"].keys()
    for path, answer in answers.items():
        (call,) = document["paths"][path].values()
        schema = call["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer)
        stated = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
        assert answer.keys() == stated.keys(), path


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl")
def test_the_readmes_commands_do_what_it_says(city):
    """Each is run as it stands there, against real agencies."""
    client_id = city.made("contoh")
    shown = json_values(city.shell(shell_blocks(README), client_id))
    assert len(shown[0]["data"]) == 2
    assert {row["status"] for row in shown[1]["data"]} == {"active"}
    assert all(row["name"].startswith("MUHAMMAD") for row in shown[2]["data"])
    assert len(shown[3]["data"]) == 6
    assert shown[4]["name"].startswith("SITI")
    assert [result["element"] for result in shown[5]["results"]] == ["name", "sex", "birth_on"]
    assert shown[6]["content"][0].keys() == {"NIK", "NAMA_LGKP", "TGL_LHR", "JENIS_KLMIN"}
    assert shown[6]["quotaLimiter"] == DAILY_VERIFICATIONS - 2
