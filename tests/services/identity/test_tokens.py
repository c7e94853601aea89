"""The token endpoint and what stands beside it, through the real application."""

import asyncio
import json

import pytest
from joserfc.jwk import KeySet

from services.identity.rules import FORM, TOKENS_PER_MINUTE

TOKEN = "/oauth2/token"
GRANT = {"grant_type": "client_credentials"}


def test_a_client_gets_a_token_by_basic(desk):
    """The answer has all that RFC 6749 §5.1 wants, and the token all that RFC 9068 wants."""
    answer = desk.token()
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"] == "population:read population:verify permits:read"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    token = desk.claims(answer)
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "RS256"
    claims = dict(token.claims)
    assert isinstance(claims.pop("jti"), str)
    assert claims == {
        "iss": "http://127.0.0.1:8101",
        "sub": "kota-app",
        "client_id": "kota-app",
        "aud": "kota-digital-sejahtera",
        "iat": int(desk.now),
        "exp": int(desk.now) + 301,
        "scope": body["scope"],
        "sandbox": "kota",
    }


def test_a_client_gets_a_token_by_body(desk):
    """The other way that RFC 6749 §2.3.1 knows."""
    answer = desk.ask("POST", TOKEN, data=GRANT | {"client_id": desk.client_id, "client_secret": desk.secret})
    assert desk.claims(answer).claims["sub"] == desk.client_id


def test_a_client_may_ask_for_less(desk):
    """The token has only the scopes that were asked for."""
    answer = desk.token(form=GRANT | {"scope": "permits:read"})
    assert answer.json()["scope"] == "permits:read"
    assert desk.claims(answer).claims["scope"] == "permits:read"


def test_every_token_has_an_id_of_its_own(desk):
    """The journal tells tokens apart by it."""
    ids = {desk.claims(desk.token()).claims["jti"] for _ in range(3)}
    assert len(ids) == 3
    assert {token["token_id"] for token in desk.back("GET", "kota/truth/tokens").json()["data"]} == ids


def test_token_lifetime_is_the_sandboxes(desk):
    """`token_seconds` of the specification decides."""
    desk.made("singkat", token_seconds=5)
    answer = desk.token("singkat-app")
    assert answer.json()["expires_in"] == 5
    assert desk.claims(answer).claims["exp"] == int(desk.now) + 6


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"data": {}}, 400, "invalid_request"),
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": GRANT | {"scope": "finance:write"}}, 400, "invalid_scope"),
        ({"data": GRANT | {"client_secret": "s3cret_-" * 4}}, 400, "invalid_request"),
        ({"data": GRANT | {"client_id": "kota-other"}}, 400, "invalid_request"),
        ({"data": GRANT, "auth": ("kota-app", "wrong")}, 401, "invalid_client"),
        ({"json": GRANT}, 400, "invalid_request"),
        ({"params": GRANT}, 400, "invalid_request"),
        ({"content": b"grant_type=client_credentials"}, 400, "invalid_request"),
    ],
)
def test_refusals_speak_oauth(desk, more, status, error):
    """Each mistake has RFC 6749's code, no problem details, and is never stored by caches."""
    answer = desk.ask("POST", TOKEN, **{"auth": (desk.client_id, desk.secret), **more})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_unknown_client_and_unknown_sandbox_look_the_same(desk):
    """Nobody learns which sandboxes there are."""
    answers = [desk.token(client_id) for client_id in ("kota-nobody", "none-app", "no client id")]
    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    shown = [(answer.content, sorted(answer.headers.keys())) for answer in answers]
    assert shown[0] == shown[1] == shown[2]
    wrong = desk.token(secret="wrong")
    assert wrong.content == answers[0].content


def test_clients_cannot_use_each_others_secrets(desk):
    """Two clients of one sandbox are as strange to each other as any."""
    assert desk.token("kota-other").status_code == 401
    assert desk.token("kota-other", desk.secret[::-1]).json()["scope"] == "permits:read"


def test_descriptions_come_in_the_readers_language(desk):
    """Indonesian unless English is asked for."""
    indonesian = desk.token(secret="wrong").json()["error_description"]
    english = desk.token(secret="wrong", headers={"accept-language": "en"}).json()["error_description"]
    assert indonesian.startswith("Klien tidak dikenal")
    assert english.startswith("No such client")


def test_tokens_are_rationed(desk):
    """A client that asks without end is told to slow down, until the minute is over."""
    answers = [desk.token() for _ in range(TOKENS_PER_MINUTE)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["ratelimit-policy"] == '"token";q=60;w=60'
    assert answers[0].headers["ratelimit"] == '"token";r=59;t=60'
    refused = desk.token()
    assert refused.status_code == 429
    assert refused.json()["error"] == "slow_down"
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit"] == '"token";r=0;t=60'
    assert desk.token("kota-other", desk.secret[::-1]).status_code == 200
    desk.now += 60
    assert desk.token().status_code == 200


def test_nobody_uses_up_another_clients_ration(desk):
    """Only requests with the right secret count."""
    for _ in range(TOKENS_PER_MINUTE + 5):
        assert desk.token(secret="guess").status_code == 401
    assert desk.token().status_code == 200


def test_a_reset_gives_the_ration_back_and_keeps_tokens_valid(desk):
    """The city is new, the keys are not."""
    token = desk.token()
    for _ in range(TOKENS_PER_MINUTE - 1):
        desk.token()
    assert desk.token().status_code == 429
    assert desk.back("POST", "kota/reset").status_code == 204
    assert desk.back("GET", "kota/truth/tokens").json()["data"] == []
    assert desk.token().status_code == 200
    assert desk.claims(token).claims["sandbox"] == "kota"


def test_the_journal_shows_every_request_and_no_secret(desk):
    """Good and mistaken requests of a known client are kept, with secrets and tokens masked."""
    identity = {"client_id": desk.client_id, "client_secret": desk.secret}
    good = desk.token()
    desk.ask("POST", TOKEN, data=GRANT | identity)
    desk.ask("POST", TOKEN, json=GRANT | identity)
    desk.ask("POST", TOKEN, params=GRANT | identity)
    desk.token(secret="wrong-wrong-wrong-wrong")
    entries = desk.journal()
    assert [(entry["status"], entry["committed"]) for entry in entries] == [
        (200, True),
        (200, True),
        (400, False),
        (400, False),
        (401, False),
    ]
    assert {entry["client_id"] for entry in entries} == {desk.client_id}
    written = json.dumps(entries)
    assert desk.secret not in written
    assert "wrong-wrong" not in written
    assert good.json()["access_token"] not in written


@pytest.mark.parametrize(
    "more",
    [
        {
            "content": b"grant_type=client_credentials&client_id=kota-app&client%5Fsecret=hidden",
            "headers": {"content-type": FORM},
        },
        {"files": {"client_secret": b"hidden"}, "data": {"client_id": "kota-app"}},
        {
            "content": b'{"client_id": "kota-app", "client\\u005fsecret": "hidden"}',
            "headers": {"content-type": "application/json"},
        },
    ],
)
def test_secrets_in_disguise_are_not_journaled(desk, more):
    """Where masking could not see the secret, the request is refused before the journal."""
    answer = desk.ask("POST", TOKEN, **more)
    assert answer.json()["error"] == "invalid_request"
    assert desk.journal() == []


def test_a_stored_answer_is_never_given_to_who_only_claims_to_be_the_client(desk):
    """An Idempotency-Key does not replay a token, least of all without the secret."""
    headers = {"idempotency-key": "1"}
    first = desk.token(headers=headers)
    second = desk.token(headers=headers)
    assert first.json()["access_token"] != second.json()["access_token"]
    assert desk.token(secret="wrong", headers=headers).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_tokens_are_asked_for_by_post_alone(desk, method):
    """Other methods are told so."""
    answer = desk.ask(method, TOKEN, auth=(desk.client_id, desk.secret))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_who_names_no_client_is_told_to_post_as_well(desk, method, headers):
    """Browsers and curious people ask without credentials."""
    answer = desk.ask(method, TOKEN, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"
    if method != "HEAD":
        assert answer.json()["code"] == "method_not_allowed"


def test_a_token_that_came_late_lasts_as_long_as_any(desk):
    """`expires_in` counts from the answer, not from the arrival of a request that was held up."""
    rule = {"id": "slow", "path": TOKEN, "kind": "latency", "median_ms": 100, "sigma": 0, "times": 1}
    desk.back("PUT", "kota/faults", json={"rules": [rule]})

    async def play():
        auth = (desk.client_id, desk.secret)
        late = asyncio.create_task(desk.front.post(TOKEN, data=GRANT, auth=auth))
        sandbox = await desk.service.sandboxes.get("kota")
        while not sandbox.occupied:  # noqa: ASYNC110 - nothing tells when a call is inside, and one turn is enough
            await asyncio.sleep(0)
        desk.now += 400
        return await late

    answer = desk.run(play())
    assert desk.claims(answer).claims["exp"] >= desk.now + answer.json()["expires_in"]


def test_a_frozen_sandbox_gives_no_tokens(desk):
    """After a grading run nothing more is handed out."""
    desk.back("POST", "kota/freeze")
    answer = desk.token()
    assert answer.status_code == 403
    assert answer.json()["code"] == "sandbox_frozen"


def test_faults_strike_the_token_endpoint_too(desk):
    """A token service that is down answers 503 with Retry-After."""
    rule = {"id": "down", "path": TOKEN, "kind": "status", "retry_after": 1, "times": 1}
    desk.back("PUT", "kota/faults", json={"rules": [rule]})
    down = desk.token()
    assert (down.status_code, down.headers["retry-after"]) == (503, "1")
    assert desk.token().status_code == 200


def test_nonsense_changes_nothing(desk):
    """Huge, binary and hostile bodies are refused, and no token is given."""
    for body in (b"\x00", b"\xff" * 100, b"{" * 500, b"x" * 2_000_000, b"grant_type=client_credentials\r\n\r\nX: y"):
        answer = desk.ask("POST", TOKEN, content=body, headers={"content-type": FORM})
        assert 400 <= answer.status_code < 500
    for client_id in ("../../etc/passwd", "kota-app'--", "kota-app\u202e", "a" * 5000):
        assert desk.token(client_id).status_code == 401
    assert desk.back("GET", "kota/truth/tokens").json()["data"] == []


def test_clients_are_told_to_the_grader_without_their_secrets(desk):
    """The view has ids and scopes."""
    assert desk.back("GET", "kota/truth/clients").json()["data"] == [
        {"client_id": "kota-app", "scopes": ["population:read", "population:verify", "permits:read"]},
        {"client_id": "kota-other", "scopes": ["permits:read"]},
    ]


def test_secrets_are_stored_hashed(desk):
    """The state file does not hold them."""
    for file in (desk.folder / "identity" / "kota").rglob("*.db"):
        assert desk.secret.encode() not in file.read_bytes()


def test_metadata_lead_a_library_everywhere(desk):
    """RFC 8414: the addresses are right, and the scopes are those that services declare."""
    shown = desk.ask("GET", "/.well-known/oauth-authorization-server").json()
    assert shown["issuer"] == "http://127.0.0.1:8101"
    assert shown["token_endpoint"] == f"{shown['issuer']}/oauth2/token"
    assert shown["jwks_uri"] == f"{shown['issuer']}/.well-known/jwks.json"
    assert {"population:read", "population:verify"} <= set(shown["scopes_supported"])
    assert all(shown.values())
    assert desk.ask("GET", shown["jwks_uri"].removeprefix(shown["issuer"])).status_code == 200


def test_published_keys_are_public_halves(desk):
    """Not one private number is in them."""
    (key,) = desk.ask("GET", "/.well-known/jwks.json").json()["keys"]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}


def test_the_key_survives_a_restart(desk):
    """Tokens given before are good after."""
    before = desk.token()
    keys = desk.ask("GET", "/.well-known/jwks.json").json()
    desk.restart()
    assert desk.ask("GET", "/.well-known/jwks.json").json() == keys
    assert desk.claims(before).claims["sub"] == desk.client_id


def test_many_may_ask_at_once(desk):
    """The key is made once, and everybody's token fits it."""

    async def rush():
        return await asyncio.gather(
            *(desk.front.post(TOKEN, data=GRANT, auth=(desk.client_id, desk.secret)) for _ in range(20))
        )

    answers = desk.run(rush())
    assert len({desk.claims(answer).claims["jti"] for answer in answers}) == 20


def test_other_addresses_need_a_token_of_this_issuer(desk):
    """Its own keys are at hand: nothing is asked over the network."""
    bearer = {"authorization": f"Bearer {desk.token().json()['access_token']}"}
    assert desk.ask("GET", "/nothing").status_code == 401
    assert desk.ask("GET", "/nothing", headers=bearer).json()["code"] == "route_not_found"


def test_a_library_finds_the_key_by_its_id(desk):
    """`kid` of the token stands in the key set."""
    answer = desk.token()
    keys = KeySet.import_key_set(desk.ask("GET", "/.well-known/jwks.json").json())
    assert desk.claims(answer).header["kid"] in {key.kid for key in keys.keys}
