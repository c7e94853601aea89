"""What the README and the OpenAPI page promise."""

import re
import tomllib

from services.identity import rules
from services.identity.app import SERVICE
from services.identity.schemas import TokenRefusal

FOLDER = SERVICE.folder
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def listed(title: str) -> set[str]:
    """The codes in the table whose first column has this title."""
    table = README.split(f"| `{title}` |", 1)[1].split("\n\n", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}


def raised(pattern: str, *folders, but: str = "") -> set[str]:
    files = [file for folder in folders for file in folder.glob("*.py") if file.name != but]
    return {code for file in files for code in re.findall(pattern, file.read_text(encoding="utf-8"))}


def test_the_readme_lists_exactly_the_oauth_errors_there_are():
    """And so does the OpenAPI document."""
    errors = raised(r'OAuthError\("([a-z_]+)"', FOLDER)
    assert listed("error") == errors == set(TokenRefusal.model_fields["error"].annotation.__args__)


def test_the_readme_states_the_ration():
    """The number is the rule's."""
    assert f"{rules.TOKENS_PER_MINUTE} token per menit" in README
    assert f"{rules.TOKENS_PER_MINUTE} token requests a minute" in README


def test_the_readme_names_every_call(desk):
    """What is in the OpenAPI document is in the README, and the other way round."""
    in_readme = set(re.findall(r"\| `(GET|POST) (/[^`]+)` \|", README))
    document = desk.ask("GET", "/openapi.json").json()
    in_document = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert in_document == in_readme


def test_the_token_call_is_described_well_enough_to_try_it(desk):
    """Form, client by Basic, and both shapes of errors."""
    document = desk.ask("GET", "/openapi.json").json()
    call = document["paths"]["/oauth2/token"]["post"]
    assert call["requestBody"]["content"].keys() == {"application/x-www-form-urlencoded"}
    assert document["components"]["securitySchemes"]["client"]["scheme"] == "basic"
    assert call["security"] == [{"client": []}]
    assert call["responses"]["401"]["content"]["application/json"]["schema"]["$ref"].endswith("/TokenRefusal")
    assert {"200", "400", "401", "405", "429", "503"} <= call["responses"].keys()


def test_answers_fit_the_document(desk):
    """What is sent has exactly the members that the document states."""
    document = desk.ask("GET", "/openapi.json").json()
    shown = {
        "Token": desk.token().json(),
        "TokenRefusal": desk.token(secret="wrong").json(),
        "PublicKeys": desk.ask("GET", "/.well-known/jwks.json").json(),
        "ServerMetadata": desk.ask("GET", "/.well-known/oauth-authorization-server").json(),
    }
    for name, answer in shown.items():
        assert answer.keys() == document["components"]["schemas"][name]["properties"].keys(), name


def test_the_service_asks_for_nothing():
    """Identity starts first: it needs no other agency, and offers no scope of its own."""
    facts = tomllib.loads((FOLDER / "service.toml").read_text(encoding="utf-8"))
    assert (facts["port_offset"], facts["needs"], facts["scopes"]) == (1, [], {})
