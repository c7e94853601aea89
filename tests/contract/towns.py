"""A sandbox in every agency as one client sees it that may do everything, asked byte for byte as the test says."""

import json
import tomllib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from grader.city import City

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {path.parent.name: path.parent for path in sorted((ROOT / "services").glob("*/service.toml"))}
SERVICES = list(FOLDERS)
SECRET = "not-a-secret-at-all"
METHODS = ("get", "put", "post", "delete", "patch")
SAFE = "GET"


def facts_of(service: str) -> dict[str, Any]:
    """What its service.toml says."""
    return tomllib.loads((FOLDERS[service] / "service.toml").read_text(encoding="utf-8"))


def readme_of(service: str) -> str:
    return (FOLDERS[service] / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


@dataclass(frozen=True)
class Operation:
    """One operation of an OpenAPI document."""

    method: str
    path: str
    details: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_safe(self) -> bool:
        return self.method == SAFE

    @property
    def schemes(self) -> set[str]:
        """Names of the security schemes, any of which opens it; none: it is open to everyone."""
        return {name for one in self.details.get("security", ()) for name in one}

    @property
    def body_kinds(self) -> Mapping[str, Any]:
        """Schemas of the body by media type."""
        content = self.details.get("requestBody", {}).get("content", {})
        return {kind: media["schema"] for kind, media in content.items()}

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        return [parameter for parameter in self.details.get("parameters", ()) if parameter["in"] == place]

    def at(self, **values: object) -> str:
        """Its path with these values, percent-encoded; what is not given is `11`."""
        path = self.path
        for parameter in self.parameters("path"):
            value = quote(str(values.get(parameter["name"], 11)), safe="")
            path = path.replace(f"{{{parameter['name']}}}", value)
        return path


@dataclass
class Town:
    """A city of its own, made as this object is; `spec` changes what it is made from."""

    city: City
    name: str
    spec: dict[str, Any] = field(default_factory=dict)

    def __init__(self, city: City, name: str, **spec: Any) -> None:
        self.city = city
        self.name = name
        scopes = [scope for service in SERVICES for scope in facts_of(service)["scopes"]]
        client = {"client_id": self.client_id, "client_secret": SECRET, "scopes": scopes}
        self.spec = {"seed": 5, "reference_date": "2026-11-02", "durable": False, "requests_per_minute": 10_000_000}
        self.spec |= {"token_seconds": 86_400, "clients": [client], **spec}
        city.create(name, self.spec)

    @property
    def client_id(self) -> str:
        return f"{self.name}-app"

    def url(self, service: str) -> str:
        return self.city.services[service].url

    @property
    def basic(self) -> dict[str, str]:
        return {"authorization": f"Basic {b64encode(f'{self.client_id}:{SECRET}'.encode()).decode()}"}

    @cached_property
    def bearer(self) -> dict[str, str]:
        """A token with every scope there is, fetched once."""
        headers = {**self.basic, "content-type": "application/x-www-form-urlencoded"}
        answer = self.ask("identity", "POST", "/oauth2/token", headers, b"grant_type=client_credentials")
        assert answer.status == 200, answer.body
        return {"authorization": f"Bearer {answer.json['access_token']}"}

    def credentials(self, operation: Operation) -> dict[str, str]:
        """The header by which this town's client may call an operation."""
        if not operation.schemes:
            return {}
        return self.bearer if "bearer" in operation.schemes else self.basic

    def ask(
        self,
        service: str,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request as it is: nothing is normalised, encoded or added but Host and Content-Length."""
        connection = HTTPConnection(urlsplit(self.url(service)).netloc, timeout=30)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def read(self, service: str, target: str) -> Answer:
        return self.ask(service, "GET", target, self.bearer)

    def document(self, service: str) -> dict[str, Any]:
        """The service's OpenAPI document."""
        answer = self.ask(service, "GET", "/openapi.json")
        assert answer.status == 200
        return dict(answer.json)

    def operations(self, service: str) -> list[Operation]:
        paths = self.document(service)["paths"]
        return [Operation(m.upper(), path, paths[path][m]) for path in paths for m in METHODS if m in paths[path]]

    def truth(self, service: str, *but: str) -> dict[str, bytes]:
        """Every truth view of a service, byte for byte."""
        views = self.city.describe(service)["views"]
        return {v: json.dumps(self.city.truth(self.name, service, v)).encode() for v in views if v not in but}

    def truths(self) -> dict[str, dict[str, bytes]]:
        return {service: self.truth(service) for service in SERVICES}


class Guide:
    """Finds a way to an answer for every safe operation of a service, by what its lists show."""

    def __init__(self, town: Town, service: str) -> None:
        self.town = town
        self.service = service
        self.operations = town.operations(service)
        self._safe = sorted((one for one in self.operations if one.is_safe), key=lambda one: one.path.count("{"))
        self._shown: dict[str, dict[str, list[str]]] = {}
        self.found: dict[str, tuple[str, Answer]] = {}
        for operation in self._safe:
            self._follow(operation)

    def _follow(self, operation: Operation) -> None:
        for target in self._targets(operation):
            answer = self.town.ask(self.service, "GET", target, self.town.credentials(operation))
            if answer.status == 200:
                self.found[operation.path] = target, answer
                if operation.schemes:
                    self._shown[operation.path] = _scalars(answer.json)
                return

    def _targets(self, operation: Operation) -> Iterator[str]:
        query = self._query(operation)
        if not operation.parameters("path"):
            yield operation.at() + query
            return
        name = operation.parameters("path")[0]["name"]
        for value in self.candidates(operation):
            yield operation.at(**{name: value}) + query

    def _query(self, operation: Operation) -> str:
        """The parameters without which it does not answer, each with a value seen under its name."""
        wanted = [one["name"] for one in operation.parameters("query") if one.get("required")]
        seen = {name: values[0] for shown in self._shown.values() for name, values in shown.items()}
        return "?" + urlencode({name: seen.get(name, "") for name in wanted}) if wanted else ""

    def candidates(self, operation: Operation) -> list[str]:
        """Values for its path parameter: what the list shows whose address is the longest beginning of its own."""
        lists = [path for path in self._shown if "{" not in path and operation.path.startswith(f"{path}/")]
        lists = lists or [path for path in self._shown if "{" not in path and _is_above(path, operation.path)]
        shown = self._shown[max(lists, key=len)] if lists else {}
        return list(dict.fromkeys(value for values in shown.values() for value in values))[:400]

    def real(self, operation: Operation) -> tuple[str, str]:
        """A path of an operation that names something real, where there is one, and the entity tag of that."""
        item = operation.path[: operation.path.find("}") + 1]
        if item in self.found:
            target, answer = self.found[item]
            return target + operation.path[len(item) :], answer.headers.get("etag", "")
        return operation.at(), ""


def _is_above(path: str, below: str) -> bool:
    return below.startswith(path.rpartition("/")[0] + "/")


def _scalars(value: Any) -> dict[str, list[str]]:
    """Texts and numbers by the name of their member, in order."""
    found: dict[str, list[str]] = {}

    def collect(one: Any, name: str) -> None:
        if isinstance(one, dict):
            for key, inner in one.items():
                collect(inner, key)
        elif isinstance(one, list):
            for inner in one:
                collect(inner, name)
        elif isinstance(one, str | int) and not isinstance(one, bool) and str(one):
            found.setdefault(name, []).append(str(one))

    collect(value, "")
    return found
