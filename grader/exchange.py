"""One HTTP exchange as evidence: masked, short enough to read, and repeatable with `curl`.

An `Exchange` is built from a journal entry (docs/architecture.md, "Back door") and masks secrets while it is built, so
that no unmasked one exists. Its other values stay as they were, for checks to compare; whatever is shown is cleaned on
the way out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from json import dumps
from pathlib import Path
from shlex import quote as quoted
from textwrap import wrap
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from grader import filing, strictjson
from grader.language import Language, catalogue
from grader.plaintext import clip, fit, sanitise

__all__ = ["MASK", "Exchange", "masked", "read_evidence", "sanitise", "write_evidence"]

_ = catalogue(__file__)

MASK: Final = "***"
EVIDENCE_VERSION: Final = 1
KEPT_EXCHANGES: Final = 5_000
"""Exchanges kept as evidence; of more, the first and the last are."""
_SECRET_HEADERS: Final = frozenset({"cookie", "set-cookie", "x-api-key", "x-authorization", "proxy-authorization"})
_MASKED_NAMES: Final = "client_secret|client_assertion|access_token|refresh_token|id_token|token|password|secret"
_IN_JSON: Final = re.compile(rf'("(?:{_MASKED_NAMES})"\s*:\s*")(?:\\.|[^"\\])*', re.IGNORECASE)
_IN_FORM: Final = re.compile(rf"((?:^|[?&;\s])(?:{_MASKED_NAMES})=)[^&;\s\"']*", re.IGNORECASE)
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?", re.ASCII)
_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic)(\s+)[\w.~+/-]{16,}=*", re.ASCII | re.IGNORECASE)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z-]{0,19})\s+\S", re.ASCII)

_REPEATED_HEADERS: Final = (
    "Accept", "Accept-Language", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
)  # fmt: skip
_SHOWN_REQUEST: Final = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match")
_SHOWN_RESPONSE: Final = (
    "Content-Type", "Retry-After", "WWW-Authenticate", "ETag", "Link", "Location", "RateLimit",
)  # fmt: skip
_LONGEST_REPEATED_BODY: Final = 2_000
_LONGEST_KEPT_BODY: Final = 2_000
_BODY_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of the participant's program and the answer it got. The fields are those of a journal entry.

    Attributes:
        at: sandbox clock (RFC 3339). `started`, `ended`: real clock, epoch seconds.
        status: None where the connection was closed without an answer.
        base_url: where the service stands, without a trailing slash; empty if it is not to be shown.
        run: which run of the program made it, where a grading runs it more than once.
    """

    service: str = ""
    method: str = "GET"
    path: str = "/"
    query: str = ""
    status: int | None = None
    seq: int = 0
    at: str = ""
    started: float = 0.0
    ended: float = 0.0
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str | None = None
    client_id: str = ""
    token_id: str = ""
    scopes: tuple[str, ...] = ()
    request_id: str = ""
    trace_id: str = ""
    idempotency_key: str = ""
    fault: str | None = None
    committed: bool = False
    base_url: str = ""
    run: int = 1

    @classmethod
    def from_entry(
        cls, entry: Mapping[str, Any], *, base_url: str = "", secrets: Sequence[str] = (), run: int = 1
    ) -> "Exchange":
        """Return the masked exchange of a journal entry.

        Args:
            entry: as the journal gives it; what is missing keeps its default.
            base_url: where the service stands, for `curl`.
            secrets: values to mask wherever they appear, such as the run's client secret.
            run: which run of the program made it; an entry read back from the evidence knows it itself.
        """
        hide = _mask(tuple(secrets))
        query = entry.get("query") or ""
        return cls(
            service=str(entry.get("service") or ""),
            method=str(entry.get("method") or "GET"),
            path=hide.text(entry.get("path")) or "/",
            query=hide.text(urlencode(query, doseq=True) if isinstance(query, Mapping) else query) or "",
            status=entry.get("status"),
            seq=int(entry.get("seq") or 0),
            at=str(entry.get("at") or ""),
            started=float(entry.get("started") or 0.0),
            ended=float(entry.get("ended") or 0.0),
            request_headers=hide.headers(entry.get("request_headers")),
            request_body=hide.text(entry.get("request_body")),
            response_headers=hide.headers(entry.get("response_headers")),
            response_body=hide.text(entry.get("response_body")),
            client_id=str(entry.get("client_id") or ""),
            token_id=str(entry.get("token_id") or ""),
            scopes=tuple(entry.get("scopes") or ()),
            request_id=str(entry.get("request_id") or ""),
            trace_id=str(entry.get("trace_id") or ""),
            idempotency_key=str(entry.get("idempotency_key") or ""),
            fault=entry.get("fault"),
            committed=bool(entry.get("committed")),
            base_url=base_url or str(entry.get("base_url") or ""),
            run=int(entry.get("run") or run),
        )

    @property
    def target(self) -> str:
        """The path and query as they were sent, not cleaned."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def to_entry(self) -> dict[str, Any]:
        """Return this exchange as a journal entry again: masked, its bodies cut."""
        entry: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("request_body", "response_body"):
            if entry[name] is not None:
                entry[name] = clip(entry[name], _LONGEST_KEPT_BODY)
        return entry

    def curl(self) -> str:
        """Return a command that repeats the request in a POSIX shell, with placeholders where secrets were.

        `$TOKEN`, `$CLIENT_ID` and `$CLIENT_SECRET` are for the person to set; `$<SERVICE>_URL` stands for an unknown
        address. Whatever bytes the request held, the line runs curl (fed by printf where the body holds odd bytes)
        and nothing else, and has no control characters but line ends inside a quoted body.
        """
        words = ["curl", "-i", *self._curl_method(), self._curl_url(), *self._curl_headers()]
        body, feed = self._curl_body()
        return feed + " ".join([*words, *body])

    def summary(self, width: int = 80, language: Language | None = None) -> str:
        """Return one line: the request and what came of it, at most `width` columns."""
        outcome = self._outcome(language)
        asked = fit(sanitise(f"{self.method} {self.target}", limit=4 * width), max(width - len(outcome) - 3, 8))
        return fit(f"{asked} → {outcome}", width)

    def short(self, width: int = 80, language: Language | None = None) -> str:
        """Return the exchange in a few lines of at most `width` columns; ">" marks what was sent, "<" the answer."""
        lines = [self.summary(width, language)]
        lines += _part("> ", self.request_headers, _SHOWN_REQUEST, self.request_body, width)
        lines += _part("< ", self.response_headers, _SHOWN_RESPONSE, self.response_body, width)
        return "\n".join(lines)

    def _outcome(self, language: Language | None) -> str:
        if self.status is None:
            return _("connection closed without an answer").render(language)
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def _curl_method(self) -> list[str]:
        if self.method == "HEAD":
            return ["-I"]
        return [] if self.method == "GET" and not self.request_body else ["-X", quoted(sanitise(self.method, limit=40))]

    def _curl_url(self) -> str:
        # Every character that a shell or curl's globbing could take for itself is percent-encoded, so plain double
        # quotes hold, and the variable inside them is expanded.
        base = _url_quoted(self.base_url) if self.base_url else f"${_variable(self.service)}_URL"
        return f'"{base}{_url_quoted(self.target)}"'

    def _curl_headers(self) -> list[str]:
        words = []
        given = {name.lower(): value for name, value in self.request_headers.items()}
        authorization = given.get("authorization", "")
        if authorization == f"Bearer {MASK}":
            words += ["-H", '"Authorization: Bearer $TOKEN"']
        elif authorization == f"Basic {MASK}":
            words += ["-u", '"$CLIENT_ID:$CLIENT_SECRET"']
        elif authorization:
            words += ["-H", quoted(f"Authorization: {sanitise(authorization, limit=80)}")]
        for name in _REPEATED_HEADERS:
            value = sanitise(given.get(name.lower(), ""), limit=400)
            if value and value != "*/*":  # what curl sends by itself
                words += ["-H", quoted(f"{name}: {value}")]
        return words

    def _curl_body(self) -> tuple[list[str], str]:
        """Return the words that send the body, and what has to stand before `curl` for them to work."""
        body = self.request_body
        if not body:
            return [], ""
        if "x-www-form-urlencoded" in self._request_header("content-type"):
            return _form_words(body), ""
        if len(body) > _LONGEST_REPEATED_BODY:
            return ["--data-binary", "@body.json"], ""
        if sanitise(body, lines=True) == body and "\t" not in body:
            return ["--data-raw", quoted(body)], ""
        return ["--data-binary", "@-"], f"printf '%b' {quoted(_octal(body))} | "

    def _request_header(self, name: str) -> str:
        return next((value for key, value in self.request_headers.items() if key.lower() == name), "")


def masked(text: str, secrets: Sequence[str] = ()) -> str:
    """Return `text` with the secrets in it masked: those given, and those known by their names or their shape."""
    return _mask(tuple(secrets)).text(text) or ""


def write_evidence(path: Path, run_id: str, exchanges: Sequence[Exchange]) -> None:
    """Keep `exchanges` at `path` (`evidence.json`, beside `results.json`), masked and cut, in the order given."""
    left_out = max(len(exchanges) - KEPT_EXCHANGES, 0)
    tail = KEPT_EXCHANGES // 5
    shown = [*exchanges[: KEPT_EXCHANGES - tail], *exchanges[-tail:]] if left_out else exchanges
    entries = [exchange.to_entry() for exchange in shown]
    kept = {"format_version": EVIDENCE_VERSION, "run_id": run_id, "left_out": left_out, "entries": entries}
    # ASCII on purpose: a lone surrogate in a learner's request must not stop the file from being written.
    filing.replace(path, dumps(kept, allow_nan=False), durable=False)


def read_evidence(path: Path) -> list[Exchange]:
    """Return the exchanges kept at `path`.

    Raises:
        OSError: there is no such file.
        strictjson.NotStrictJson: it is not a file of evidence.
    """
    kept = strictjson.parse(path.read_bytes(), limit=256 * 1024 * 1024)
    if not isinstance(kept, dict) or kept.get("format_version") != EVIDENCE_VERSION:
        raise strictjson.NotStrictJson("not a file of evidence, or of another version")
    return [Exchange.from_entry(entry) for entry in kept.get("entries", [])]


@dataclass(frozen=True, eq=False, slots=True)
class _Mask:
    """Takes secrets out: by the names they go by, by their shape, and those known by value."""

    values: tuple[str, ...]

    def text(self, text: str | None) -> str | None:
        if not text:
            return text
        for value in self.values:
            text = text.replace(value, MASK)
        # A page of residents holds no secret; plain searches find that out a hundred times faster than the patterns.
        lowered = text.lower()
        if any(part in lowered for part in ("secret", "token", "password", "assertion")):
            text = _IN_FORM.sub(rf"\g<1>{MASK}", _IN_JSON.sub(rf"\g<1>{MASK}", text))
        if "eyj" in lowered or "bearer" in lowered or "basic" in lowered:
            text = _CREDENTIALS.sub(rf"\1\2{MASK}", _JWT.sub(MASK, text))
        return text

    def headers(self, headers: Mapping[str, object] | None) -> dict[str, str]:
        return {str(name): _header(self, str(name).lower(), str(value)) for name, value in (headers or {}).items()}


@lru_cache(maxsize=8)
def _mask(secrets: tuple[str, ...]) -> _Mask:
    """Give the one mask for these secrets, so that what it has masked before is remembered."""
    return _Mask(tuple(secret for secret in secrets if secret))


@lru_cache(maxsize=1024)
def _header(hide: _Mask, name: str, value: str) -> str:
    """Mask one header; a program and an agency send the same ones again and again."""
    if name == "authorization":
        scheme = _SCHEME.match(value)
        return f"{scheme[1]} {MASK}" if scheme else MASK
    return MASK if name in _SECRET_HEADERS else hide.text(value) or ""


def _part(mark: str, headers: Mapping[str, str], shown: Sequence[str], body: str | None, width: int) -> list[str]:
    given = {name.lower(): value for name, value in headers.items()}
    lines = [f"{name}: {given[name.lower()]}" for name in shown if given.get(name.lower())]
    lines = [fit(mark + sanitise(line, limit=4 * width), width) for line in lines]
    if body:
        room = max(width - len(mark), 8)
        text = sanitise(body, limit=room * _BODY_LINES)
        folded = wrap(text, room, max_lines=_BODY_LINES, placeholder=" …", break_on_hyphens=False)
        lines += [fit(mark + line, width) for line in folded]
    return lines


def _variable(service: str) -> str:
    return re.sub(r"\W", "_", service.upper(), flags=re.ASCII) or "BASE"


def _url_quoted(text: str) -> str:
    return quote(text, safe="/%?&=+,:@-._~", errors="replace")


def _form_words(body: str) -> list[str]:
    """Return curl words for a form body: secrets as variables, the rest encoded by us, so nothing is left to quote."""
    known = {"client_id": "$CLIENT_ID", "client_secret": "$CLIENT_SECRET"}
    pairs = parse_qsl(clip(body, _LONGEST_REPEATED_BODY), keep_blank_values=True, errors="replace")
    rest = [(name, value) for name, value in pairs if name not in known]
    words = ["-d", quoted(urlencode(rest, errors="replace"))] if rest else []
    for name, variable in known.items():
        if any(name == given for given, _value in pairs):
            words += ["--data-urlencode", f'"{name}={variable}"']
    return words


def _octal(text: str) -> str:
    r"""Return `text` as the argument of `printf %b` (POSIX): printable ASCII as it is, every other byte as \0ooo."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\0{byte:03o}"
        for byte in text.encode("utf-8", "replace")
    )
