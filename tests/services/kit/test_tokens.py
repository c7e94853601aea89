"""Who calls: tokens verified by the issuer's keys, then remembered; scopes."""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from free_ports import free_port
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import KeySet, RSAKey
from sample.lab import ISSUER, InProcess, bearer, token

from services.kit.problems import Problem
from services.kit.tokens import REFETCH_SECONDS, Verifier, published_keys

NOW = 1_800_000_000.0


def refused_as(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]


def encoded(part: object) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


INVALID = (401, "invalid_token", 'Bearer error="invalid_token"')


def test_a_call_with_a_good_token_is_let_in(lab: InProcess) -> None:
    lab.made()
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "Bearer\t"])
def test_a_call_without_a_bearer_token_is_asked_for_one(lab: InProcess, header: str) -> None:
    lab.made()
    answer = lab.call("GET", "/v1/letters/s0001", headers={"authorization": header})
    assert refused_as(answer) == (401, "token_missing", "Bearer")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://elsewhere"},
        {"iss": None},
        {"aud": "another-city"},
        {"aud": None},
        {"exp": NOW - 1},
        {"exp": None},
        {"sandbox": None},
        {"client_id": None},
        {"jti": None},
        {"scope": None},
        {"sandbox": "nowhere"},
        {"sandbox": "../city"},
    ],
)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(lab: InProcess, changes: dict[str, object]) -> None:
    lab.made()
    answer = lab.call("GET", "/v1/letters/s0001", headers=bearer(lab.token(**changes)))
    assert refused_as(answer) == INVALID


def test_a_token_signed_with_another_key_is_refused(lab: InProcess) -> None:
    lab.made()
    other = RSAKey.generate_key(2048, {"kid": "tests", "use": "sig"})
    answer = lab.call("GET", "/v1/letters/s0001", headers=bearer(token(other, "city", now=lab.clock())))
    assert refused_as(answer) == INVALID


def test_the_public_key_is_no_secret_to_sign_with(lab: InProcess) -> None:
    """The old trick: HS256 with the published key as its secret."""
    lab.made()
    _head, body, _signature = lab.token().split(".")
    signed = f"{encoded({'alg': 'HS256', 'kid': 'tests', 'typ': 'at+jwt'})}.{body}"
    signature = hmac.digest(lab.key.as_pem(private=False), signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    assert refused_as(lab.call("GET", "/v1/letters/s0001", headers=bearer(forged))) == INVALID


def test_an_unsigned_token_is_refused(lab: InProcess) -> None:
    lab.made()
    _head, body, _signature = lab.token().split(".")
    forged = f"{encoded({'alg': 'none'})}.{body}."
    assert refused_as(lab.call("GET", "/v1/letters/s0001", headers=bearer(forged))) == INVALID


@pytest.mark.parametrize("critical", [1, [1], None, True])
def test_a_token_with_a_nonsensical_header_is_refused(lab: InProcess, critical: object) -> None:
    lab.made()
    _head, body, signature = lab.token().split(".")
    forged = f"{encoded({'alg': 'RS256', 'crit': critical})}.{body}.{signature}"
    assert refused_as(lab.call("GET", "/v1/letters/s0001", headers=bearer(forged))) == INVALID


def test_a_changed_token_is_refused(lab: InProcess) -> None:
    lab.made()
    head, body, signature = lab.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["scope"] = "letters:write everything:write"
    answer = lab.call("GET", "/v1/letters/s0001", headers=bearer(f"{head}.{encoded(claims)}.{signature}"))
    assert refused_as(answer) == INVALID


def test_a_remembered_token_still_expires(lab: InProcess) -> None:
    lab.made()
    headers = bearer(lab.token(exp=int(lab.clock()) + 60))
    assert lab.call("GET", "/v1/letters/s0001", headers=headers).status_code == 200
    lab.clock.seconds += 59
    assert lab.call("GET", "/v1/letters/s0001", headers=headers).status_code == 200
    lab.clock.seconds += 2
    assert refused_as(lab.call("GET", "/v1/letters/s0001", headers=headers)) == INVALID


def test_a_token_outlives_its_sandbox_for_nothing(lab: InProcess) -> None:
    lab.made()
    headers = bearer(lab.token())
    assert lab.call("GET", "/v1/letters/s0001", headers=headers).status_code == 200
    lab.back("DELETE", "city")
    assert refused_as(lab.call("GET", "/v1/letters/s0001", headers=headers)) == INVALID


def test_a_call_beyond_its_scopes_is_told_which_one_it_lacks(lab: InProcess) -> None:
    lab.made()
    headers = bearer(lab.token(scope="letters:read"))
    answer = lab.call("DELETE", "/v1/letters/s0001", headers=headers)
    lacking = 'Bearer error="insufficient_scope", scope="letters:write"'
    assert refused_as(answer) == (403, "insufficient_scope", lacking)
    assert len(lab.letters()) == 45


@pytest.mark.parametrize("scope", ["", "letters:reader", "letters", "LETTERS:READ", "letters:write"])
def test_a_scope_counts_only_in_full(lab: InProcess, scope: str) -> None:
    lab.made()
    assert lab.call("GET", "/v1/letters/s0001", headers=bearer(lab.token(scope=scope))).status_code == 403


async def _no_keys() -> KeySet:
    return KeySet([RSAKey.generate_key(2048, {"kid": "k"})])


@given(st.binary(max_size=300) | st.from_regex(rb"(?i)bearer [\w.=-]{0,200}", fullmatch=True))
def test_no_authorization_header_is_too_odd(header: bytes) -> None:
    verifier = Verifier(ISSUER, _keys, lambda: NOW)
    with pytest.raises(Problem) as refused:
        asyncio.run(verifier.caller(header))
    assert refused.value.status == 401


_KEYS = asyncio.run(_no_keys())


async def _keys() -> KeySet:
    return _KEYS


class _Issuer:
    """Publishes keys, which change, and counts how often it is asked."""

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys
        self.asked = 0

    async def __call__(self) -> KeySet:
        self.asked += 1
        return self.keys


def test_new_keys_of_the_issuer_are_found_without_asking_for_each_bad_token(key: RSAKey) -> None:
    old = RSAKey.generate_key(2048, {"kid": "old", "use": "sig"})
    issuer = _Issuer(KeySet([old]))
    now = NOW

    async def play() -> None:
        nonlocal now
        verifier = Verifier(ISSUER, issuer, lambda: now)
        await verifier.caller(f"Bearer {token(old, 'city', now=NOW)}".encode())
        assert issuer.asked == 1
        for _again in range(5):
            with pytest.raises(Problem):
                await verifier.caller(f"Bearer {token(key, 'city', now=NOW)}".encode())
        assert issuer.asked == 1
        issuer.keys = KeySet([old, key])
        now += REFETCH_SECONDS + 1
        caller = await verifier.caller(f"Bearer {token(key, 'city', now=NOW)}".encode())
        assert (caller.sandbox, caller.client_id, issuer.asked) == ("city", "city-app", 2)

    asyncio.run(play())


def test_a_token_is_verified_once(key: RSAKey) -> None:
    """A remembered token needs no key at all."""
    issuer = _Issuer(KeySet([key]))
    header = f"Bearer {token(key, 'city', now=NOW)}".encode()

    async def play() -> None:
        verifier = Verifier(ISSUER, issuer, lambda: NOW)
        first = await verifier.caller(header)
        issuer.keys = KeySet([])
        verifier._keys = None
        assert await verifier.caller(header) is first

    asyncio.run(play())
    assert issuer.asked == 1


def test_an_issuer_that_does_not_answer_is_the_gateways_trouble() -> None:
    fetch: Callable[[], Awaitable[KeySet]] = published_keys(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Problem) as unreachable:
        asyncio.run(fetch())
    assert (unreachable.value.status, unreachable.value.code) == (503, "issuer_unreachable")
    assert unreachable.value.headers["retry-after"] == "1"


def test_published_keys_are_read_over_http(key: RSAKey) -> None:
    async def play() -> KeySet:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = await reader.readuntil(b"\r\n\r\n")
            assert asked.startswith(b"GET /.well-known/jwks.json ")
            body = json.dumps(KeySet([key]).as_dict(private=False)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await published_keys(f"http://127.0.0.1:{port}")()

    found = asyncio.run(play())
    assert [known.kid for known in found.keys] == ["tests"]
