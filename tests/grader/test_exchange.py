"""Exchanges as evidence: masked, readable, and repeatable in a shell."""

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.exchange import KEPT_EXCHANGES, MASK, Exchange, read_evidence, write_evidence
from grader.plaintext import cells, sanitise
from grader.strictjson import NotStrictJson

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJrZHMxLWFwcCJ9.c2lnbmF0dXJl"
ENTRY: dict[str, Any] = {
    "seq": 7,
    "service": "population",
    "at": "2026-11-22T09:00:00+08:00",
    "started": 100.0,
    "ended": 100.25,
    "method": "GET",
    "path": "/v1/residents",
    "query": "limit=2&cursor=abc",
    "request_headers": {"authorization": f"Bearer {JWT}", "accept": "application/json"},
    "request_body": None,
    "response_headers": {"content-type": "application/json", "set-cookie": "s=1"},
    "response_body": '{"data": []}',
    "status": 200,
    "client_id": "kds1-app",
    "token_id": "jti-1",
    "scopes": ["population:read"],
    "request_id": "r1",
    "trace_id": "t1",
    "idempotency_key": None,
    "fault": None,
    "committed": False,
}

SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh") if shutil.which(shell)]
# Stands in for curl: shows its words and its input, each ended by NUL, so that nothing can hide.
STAND_IN = """
curl() {
    printf '%s\\0' "$@"
    case "$*" in *@-) printf '\\1'; cat ;; esac
}
TOKEN=the-token CLIENT_ID=the-id CLIENT_SECRET=the-secret POPULATION_URL=http://127.0.0.1:8102
"""
ODD_TEXT = st.text(
    st.one_of(
        st.sampled_from("'\"\\$`!;&|<>(){}[]*?~#%\n\r\t\x00\x07\x1b\x7f\x9b\u202e\u2028 @=-"),
        st.characters(),
        st.characters(categories=("Cs",)),
    ),
    max_size=60,
)


def run_in_shell(line: str, shell: str = "sh") -> tuple[list[str], bytes | None]:
    """Run a curl line and return the words that curl got, and what it was fed if it asked."""
    done = subprocess.run([shell, "-c", f"{STAND_IN}\n{line}\n"], capture_output=True, check=True, cwd="/", timeout=30)
    assert done.stderr == b""
    words, _, fed = done.stdout.partition(b"\x01") if b"@-" in done.stdout else (done.stdout, b"", b"")
    return words.decode("utf-8", "surrogateescape").split("\0")[:-1], fed if b"@-" in done.stdout else None


def exchange(**changes: Any) -> Exchange:
    return Exchange.from_entry(ENTRY | changes)


def test_read_with_a_token_becomes_a_line_with_a_placeholder() -> None:
    assert exchange().curl() == (
        'curl -i "$POPULATION_URL/v1/residents?limit=2&cursor=abc" -H "Authorization: Bearer $TOKEN"'
        " -H 'Accept: application/json'"
    )


def test_known_address_stands_in_the_line() -> None:
    assert '"http://127.0.0.1:8102/v1/residents?' in Exchange.from_entry(ENTRY, base_url="http://127.0.0.1:8102").curl()


@pytest.mark.parametrize("shell", SHELLS)
def test_line_repeats_a_write_word_for_word(shell: str) -> None:
    body = '{"reason": "Nama \'tidak\' sesuai; $HOME `id`"}'
    line = exchange(
        method="POST",
        path="/v1/applications/12/decision",
        query="",
        request_headers={
            "Authorization": f"Bearer {JWT}",
            "Content-Type": "application/json",
            "Idempotency-Key": "k'1",
        },
        request_body=body,
    ).curl()
    words, fed = run_in_shell(line, shell)
    assert words == [
        "-i", "-X", "POST", "http://127.0.0.1:8102/v1/applications/12/decision",
        "-H", "Authorization: Bearer the-token", "-H", "Content-Type: application/json", "-H", "Idempotency-Key: k'1",
        "--data-raw", body,
    ]  # fmt: skip
    assert fed is None


@pytest.mark.parametrize("shell", SHELLS)
def test_token_request_is_repeated_with_variables_for_its_secrets(shell: str) -> None:
    line = exchange(
        method="POST",
        path="/oauth2/token",
        query="",
        request_headers={"content-type": "application/x-www-form-urlencoded"},
        request_body="grant_type=client_credentials&scope=population%3Aread&client_id=kds1-app&client_secret=s3cr3t",
    ).curl()
    assert "s3cr3t" not in line
    words, _fed = run_in_shell(line, shell)
    assert words[-6:] == [
        "-d", "grant_type=client_credentials&scope=population%3Aread",
        "--data-urlencode", "client_id=the-id", "--data-urlencode", "client_secret=the-secret",
    ]  # fmt: skip


def test_basic_credentials_become_variables() -> None:
    line = exchange(request_headers={"Authorization": "Basic a2RzMTpzM2NyM3Q="}).curl()
    assert '-u "$CLIENT_ID:$CLIENT_SECRET"' in line
    assert "a2Rz" not in line


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(method=ODD_TEXT, path=ODD_TEXT, query=ODD_TEXT, key=ODD_TEXT, authorization=ODD_TEXT, body=ODD_TEXT)
def test_line_runs_curl_once_and_nothing_else_whatever_the_learner_sent(
    method: str, path: str, query: str, key: str, authorization: str, body: str
) -> None:
    line = exchange(
        method=method,
        path="/" + path,
        query=query,
        request_headers={"Authorization": authorization, "Idempotency-Key": key, "Content-Type": key},
        request_body=body,
        service=path,
    ).curl()
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} and character != "\n" for character in line)
    words, fed = run_in_shell(line)
    assert words[0] == "-i"
    assert words.count("-i") == 1 + [sanitise(method), key, body].count("-i")
    if fed is not None:
        assert fed == body.encode("utf-8", "replace")
    elif body and "x-www-form-urlencoded" not in key:
        assert words[-1] == body


@pytest.mark.parametrize("shell", SHELLS)
def test_odd_bytes_of_a_body_reach_curl_unchanged_and_the_line_shows_none(shell: str) -> None:
    body = "\x00\x1b[201~\\0101%s\t\r\n'é市\\"
    line = exchange(method="PUT", request_body=body, request_headers={}).curl()
    assert line.startswith("printf '%b' ")
    assert line.isascii()
    assert line.isprintable()
    assert run_in_shell(line, shell)[1] == body.encode()


def test_long_body_is_named_and_not_pasted() -> None:
    line = exchange(method="POST", request_body="x" * 1_000_000, request_headers={}).curl()
    assert line.endswith("--data-binary @body.json")
    assert len(line) < 300


SECRET = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=40)


@settings(deadline=None)
@given(SECRET, st.sampled_from(["client_secret", "access_token", "refresh_token", "password", "CLIENT_SECRET"]))
def test_secret_is_masked_wherever_it_goes_by_its_name(secret: str, name: str) -> None:
    shown = Exchange.from_entry(
        ENTRY
        | {
            "query": f"a=1&{name}={secret}",
            "request_headers": {
                "Authorization": f"Bearer {secret}",
                "Cookie": secret,
                "X-Api-Key": secret,
                "X-Note": f"{name}={secret}",
            },
            "response_headers": {"Set-Cookie": f"x={secret}", "Location": f"/x?{name}={secret}"},
            "request_body": f"grant_type=x&{name}={secret}",
            "response_body": json.dumps({"data": [{name: secret}], "note": f"Bearer {secret}"}),
        }
    )  # fmt: skip
    everything = json.dumps(shown.to_entry()) + shown.curl() + shown.short(200) + repr(shown)
    assert secret not in everything
    assert MASK in everything


@settings(deadline=None)
@given(SECRET)
def test_secret_known_by_value_is_masked_wherever_it_stands(secret: str) -> None:
    shown = Exchange.from_entry(
        ENTRY | {"path": f"/{secret}", "request_body": f"x{secret}y", "request_headers": {"X": secret}},
        secrets=["", secret],
    )
    assert secret not in repr(shown) + shown.curl() + shown.short(200)


@pytest.mark.parametrize("place", ["path", "query", "request_body", "response_body"])
def test_access_token_is_known_by_its_shape(place: str) -> None:
    assert JWT not in repr(exchange(**{place: f"/x?t={JWT}"}))


def test_broken_json_does_not_show_its_secret() -> None:
    assert exchange(response_body='{"access_token": "abc\\"abc').response_body == '{"access_token": "***'


def test_what_is_no_secret_stays_exactly_as_it_was() -> None:
    headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="permits:write"'}
    kept = exchange(response_headers=headers, request_body='{"nik": "7679900000000001", "token_type": "Bearer"}')
    assert kept.response_headers == headers
    assert kept.request_body == '{"nik": "7679900000000001", "token_type": "Bearer"}'
    assert kept.query == ENTRY["query"]
    assert kept.path == ENTRY["path"]


def test_query_given_as_values_is_written_as_sent() -> None:
    assert exchange(query={"page": ["1"], "size": ["20"]}).target == "/v1/residents?page=1&size=20"


def test_entry_with_nothing_in_it_is_still_an_exchange() -> None:
    bare = Exchange.from_entry({})
    assert bare.curl() == 'curl -i "$BASE_URL/"'
    assert "GET /" in bare.short()


def test_short_form_shows_what_was_sent_and_what_came_back() -> None:
    shown = exchange(
        method="POST",
        path="/v1/applications/12/decision",
        query="",
        status=503,
        request_body='{"status": "45"}',
        response_headers={"Retry-After": "2"},
        response_body='{"code": "service_unavailable"}',
    ).short(80, "en")
    assert shown.splitlines() == [
        "POST /v1/applications/12/decision → 503 Service Unavailable",
        "> Authorization: Bearer ***",
        '> {"status": "45"}',
        "< Retry-After: 2",
        '< {"code": "service_unavailable"}',
    ]


def test_connection_closed_without_an_answer_says_so() -> None:
    assert exchange(status=None).summary(80, "en").endswith("→ connection closed without an answer")
    assert exchange(status=799).summary(80, "en").endswith("→ 799")


@settings(deadline=None)
@given(ODD_TEXT, ODD_TEXT, st.integers(20, 100))
def test_short_form_keeps_to_its_width_and_shows_no_control(path: str, body: str, width: int) -> None:
    shown = exchange(path=path, request_body=body, response_body=body * 50, request_headers={"If-Match": path}).short(
        width
    )
    for line in shown.split("\n"):
        assert cells(line) <= width
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in line)


def test_evidence_comes_back_equal_and_holds_no_secret(tmp_path: Path) -> None:
    kept = [exchange(), exchange(status=None, path="/\ud800\x1b", request_body="x" * 100_000)]
    write_evidence(tmp_path / "evidence.json", "run-1", kept)
    assert JWT not in (tmp_path / "evidence.json").read_text()
    back = read_evidence(tmp_path / "evidence.json")
    assert back[0] == kept[0]
    assert back[1].path == "/\ud800\x1b"
    assert len(back[1].request_body or "") <= 2_000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 99, "entries": []}', '{"a": NaN}'])
def test_file_that_is_not_evidence_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "evidence.json").write_text(text)
    with pytest.raises(NotStrictJson):
        read_evidence(tmp_path / "evidence.json")


def test_evidence_of_a_runaway_program_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    many = [exchange(seq=number, response_body=None) for number in range(KEPT_EXCHANGES + 500)]
    write_evidence(tmp_path / "evidence.json", "run-1", many)
    kept = [one.seq for one in read_evidence(tmp_path / "evidence.json")]
    assert len(kept) == KEPT_EXCHANGES
    assert (kept[0], kept[-1]) == (0, KEPT_EXCHANGES + 499)
    assert json.loads((tmp_path / "evidence.json").read_text())["left_out"] == 500
