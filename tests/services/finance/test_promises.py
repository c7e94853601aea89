"""What the README and the OpenAPI page promise."""

import ast
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from finance_process import CLIENT, SECRET, Process
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.finance.app import SERVICE
from services.finance.sipd_schemas import PushIn
from services.finance.spellings import rupiah

README = (SERVICE.folder / "README.md").read_text(encoding="utf-8")
KIT_CODES = {"missing", "wrong_type"}


def raised_codes() -> set[str]:
    """Every code that the service's own source gives to a `Problem` or to one wrong member."""
    found = set()
    for path in SERVICE.folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node.func) in {"Problem", "FieldError", "invalid"}:
                code = node.args[1]
                if isinstance(code, ast.Constant):
                    found.add(code.value)
    return found


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_code_is_in_the_readme_and_no_other():
    documented = set(
        re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", README.split("\n## Kode galat\n")[1].split("\n## In Eng")[0])
    )
    documented |= {"amount_unreadable", "date_unreadable", "date_not_today"} & set(re.findall(r"`(\w+)`", README))
    own = raised_codes()
    assert len(own) > 30
    assert own <= documented
    kit = Path(SERVICE.folder.parent / "kit")
    shared = set()
    for path in kit.glob("*.py"):
        shared |= set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', path.read_text(encoding="utf-8")))
    assert documented - own - KIT_CODES <= shared


def test_the_readme_names_every_route_and_no_other(served: Process):
    document = served.client.get("/openapi.json").json()
    routes = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    table = set(re.findall(r"`(GET|POST) (/(?:v1|sipd)/[^`?…]+)`", README))
    assert table == routes


def test_every_route_speaks_indonesian_to_people(served: Process):
    document = served.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert len(operation["description"]) > 15, path
            assert operation["tags"], path


def test_the_commands_of_the_readme_work(restored: Process, tmp_path):
    blocks = re.findall(r"```sh\n(.+?)```", README, re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "readme.sh"
    script.write_text("set -eu\n" + "\necho ---\n".join(blocks))
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "FINANCE_URL": restored.url, "IDENTITY_URL": restored.identity,
        "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET,
    }  # fmt: skip
    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    listed, numbered, chain, billed, pushed = done.stdout.split("---\n")
    assert '"totalElements"' in listed
    assert '"kind":"UP"' in numbered
    assert '"status":"approved"' in chain
    assert '"net_idr":133500' in chain
    assert '"status":"paid"' in billed
    shown = re.search(r"^# (\{\"kode\".+\})$", README, re.MULTILINE)
    assert shown is not None
    assert pushed.strip() == shown[1]


def test_the_example_of_the_push_has_the_shape_of_the_push():
    for name in ("nomor_spm", "tanggal_sp2d", "nilai_bruto", "nilai_potongan"):
        assert f'"{name}"' in README
        assert name in PushIn.model_json_schema()["$defs"]["PushRow"]["properties"]
    assert any(rupiah(1_062_961_500, str(turn)) in README for turn in range(9))


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_openapi_document_holds_under_fire(restored: Process, mode: GenerationMode):
    """Whatever schemathesis sends, the answer is one that the document promises, and never a 5xx."""
    schema = schemathesis.openapi.from_url(f"{restored.url}/openapi.json")
    headers, keys = restored.bearer(), itertools.count()
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        fire(operation.as_strategy(generation_mode=mode), headers, keys)


def fire(cases: SearchStrategy[schemathesis.Case], headers: dict[str, str], keys: Iterator[int]) -> None:
    """Send some of `cases` and check the answers."""

    @settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def sent(case: schemathesis.Case) -> None:
        own = {"idempotency-key": f"fire-{next(keys)}"} if case.method == "POST" else {}
        case.call_and_validate(headers=headers | own, checks=CHECKS)

    sent()
