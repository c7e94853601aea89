"""The pure rules of token requests."""

import base64
from contextlib import suppress
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity import rules
from services.identity.refusals import OAuthError, invalid_client, permitted, slow_down
from services.kit.language import Text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FILLED = TEXT.filter(bool)


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def form(**parameters: str) -> bytes:
    return urlencode(parameters).encode()


def error_of(*given: object) -> str:
    with pytest.raises(OAuthError) as caught:
        rules.read_request(*given)
    return caught.value.code


def test_client_ids_name_their_sandbox():
    """The part before the hyphen is the sandbox."""
    assert rules.sandbox_of("kota12-app") == "kota12"


@pytest.mark.parametrize(
    "text", ["", "kota", "-app", "kota-", "Kota-app", "kot-app", "kota-a_b", "../x-app", "kota-app\n"]
)
def test_other_texts_name_no_sandbox(text):
    """Nothing that could leave the store's folder passes for a sandbox."""
    assert rules.sandbox_of(text) is None


@given(FILLED, FILLED)
def test_basic_credentials_are_percent_decoded(client_id, secret):
    """Whatever a client encodes as RFC 6749 wants comes out again."""
    assert rules.basic_credentials(basic(client_id, secret)) == (client_id, secret)


@pytest.mark.parametrize("header", ["", "Bearer abc", "Digest x", "basics abc"])
def test_other_schemes_name_no_client(header):
    """A bearer token left in the headers is no client authentication."""
    assert rules.basic_credentials(header) is None


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ???", "Basic " + base64.b64encode(b"no colon").decode(), "basic //8="]
)
def test_unreadable_basic_credentials_are_invalid_client(header):
    """Basic that cannot be read is a failed authentication."""
    with pytest.raises(OAuthError, match="invalid_client"):
        rules.basic_credentials(header)


@given(st.dictionaries(FILLED, FILLED, max_size=8))
def test_forms_are_read_as_they_were_written(parameters):
    """Any parameters survive, in any script."""
    assert rules.form_parameters(rules.FORM, urlencode(parameters).encode()) == parameters


def test_parameters_without_a_value_count_as_omitted():
    """RFC 6749 §3.2."""
    assert rules.form_parameters(rules.FORM, b"scope=&grant_type=x&state") == {"grant_type": "x"}


def test_media_types_may_carry_a_charset():
    """As many libraries send it."""
    assert rules.form_parameters("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"a=b") == {"a": "b"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b"grant_type=client_credentials"),
        (rules.FORM, b"a=1&a=2"),
        (rules.FORM, b"a=%ff"),
        (rules.FORM, b"a=\xff"),
        (rules.FORM, b"a=" + b"x" * 20_000),
        (rules.FORM, b"&".join(b"a%d=1" % number for number in range(60))),
    ],
)
def test_bodies_that_are_no_form_are_invalid_request(content_type, body):
    """Other media types, repeated parameters, broken text, endless forms."""
    with pytest.raises(OAuthError, match="invalid_request"):
        rules.form_parameters(content_type, body)


def test_a_request_by_basic_is_read():
    """Client by HTTP Basic, scopes each once and in their order."""
    body = form(grant_type="client_credentials", scope="b:read  a:read b:read")
    expected = rules.TokenRequest("kota-app", "s", "client_credentials", ("b:read", "a:read"))
    assert rules.read_request(basic("kota-app", "s"), rules.FORM, "", body) == expected


def test_a_request_by_body_is_read():
    """Client in the body; a leftover bearer token does no harm."""
    body = form(grant_type="client_credentials", client_id="kota-app", client_secret="s")
    expected = rules.TokenRequest("kota-app", "s", "client_credentials", None)
    assert rules.read_request("Bearer old", rules.FORM, "", body) == expected


def test_the_same_client_id_beside_basic_is_no_second_method():
    """Some libraries send it, and only a secret authenticates."""
    body = form(grant_type="client_credentials", client_id="kota-app")
    assert rules.read_request(basic("kota-app", "s"), rules.FORM, "", body).client_id == "kota-app"


@pytest.mark.parametrize(
    ("authorization", "query", "body", "error"),
    [
        (basic("a", "s"), "", form(grant_type="client_credentials", client_secret="s"), "invalid_request"),
        (basic("a", "s"), "", form(grant_type="client_credentials", client_id="b"), "invalid_request"),
        (basic("a", "s"), "", form(scope="x:y"), "invalid_request"),
        (basic("a", "s"), "grant_type=client_credentials", form(grant_type="client_credentials"), "invalid_request"),
        ("", "", form(grant_type="client_credentials"), "invalid_client"),
        ("", "", form(grant_type="client_credentials", client_id="a"), "invalid_client"),
        ("", "", form(grant_type="client_credentials", client_id="a", client_secret=""), "invalid_client"),
    ],
)
def test_requests_that_lack_or_repeat_something_are_refused(authorization, query, body, error):
    """Two methods, two clients, no grant, parameters in the address, no secret."""
    assert error_of(authorization, rules.FORM, query, body) == error


@given(TEXT, st.sampled_from([rules.FORM, "", "application/json", "text/plain"]), TEXT, st.binary(max_size=60))
def test_no_request_breaks_the_reader(authorization, content_type, query, body):
    """Whatever comes is read or refused in OAuth's words."""
    with suppress(OAuthError):
        rules.read_request(authorization, content_type, query, body)
    claimed = rules.claimed_client(authorization, content_type, query, body)
    assert claimed is None or isinstance(claimed, str)


@pytest.mark.parametrize(
    ("authorization", "content_type", "query", "body"),
    [
        (basic("kota-app", "s"), rules.FORM, "", b""),
        (basic("kota-app", "s"), "application/json", "", b'{"grant_type": "client_credentials"}'),
        ("", rules.FORM, "", b"client_id=kota-app"),
        ("", "application/json", "", b'{"client_id": "kota-app"}'),
        ("", "", "client_id=kota-app", b""),
        (basic("kota-app", "s"), "application/json", "", b"[" * 5000),
    ],
)
def test_a_client_is_recognised_even_in_a_mistaken_request(authorization, content_type, query, body):
    """So that its mistake can be shown in its own journal."""
    assert rules.claimed_client(authorization, content_type, query, body) == "kota-app"


@pytest.mark.parametrize(
    ("content_type", "query", "body"),
    [
        ("multipart/form-data; boundary=x", "", b"--x"),
        (rules.FORM, "", b"client_id=kota-app&client%5Fsecret=s"),
        (rules.FORM, "client%5Fsecret=s", b"client_id=kota-app"),
        ("application/json", "", b'{"client_id": "kota-app", "client\\u005fsecret": "s"}'),
        (rules.FORM, "&".join(f"a{number}=1" for number in range(60)), b"client_id=kota-app"),
        (rules.FORM, "", b"client_id=kota-app&" + b"x" * 20_000),
    ],
)
def test_no_client_is_recognised_where_a_secret_could_hide(content_type, query, body):
    """Such requests stay out of every journal."""
    assert rules.claimed_client(basic("kota-app", "s"), content_type, query, body) is None


def test_no_client_is_recognised_by_broken_credentials():
    """They name nobody, even where the body does."""
    assert rules.claimed_client("Basic ???", rules.FORM, "", b"client_id=kota-app") is None


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.none() | st.lists(st.sampled_from("abcdef"), min_size=1))
def test_scopes_are_never_widened(allowed, asked):
    """A token has what was asked and allowed, or is refused; asked for none it has all."""
    if asked is not None and not set(asked) <= set(allowed):
        with pytest.raises(OAuthError, match="invalid_scope"):
            rules.granted_scopes(asked, allowed)
    else:
        assert rules.granted_scopes(asked, allowed) == tuple(allowed if asked is None else asked)


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", ""])
def test_other_grants_are_unsupported(grant):
    """There are no people and no refresh tokens among machines."""
    with pytest.raises(OAuthError, match="unsupported_grant_type"):
        rules.require_client_credentials(grant)


@given(FILLED, FILLED)
def test_only_the_right_secret_passes(secret, other):
    """Compared by what is stored of it."""
    stored = rules.secret_hash(secret)
    assert rules.is_secret(secret, stored)
    assert rules.is_secret(other, stored) == (other == secret)


@given(TEXT)
def test_descriptions_keep_to_the_permitted_characters(text):
    """RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E."""
    assert all(letter in " !" or "#" <= letter <= "[" or "]" <= letter <= "~" for letter in permitted(text))


def test_no_sentence_loses_anything_to_the_permitted_characters():
    """Both languages of a description are plain as they are, but for quotation marks."""
    for error in (invalid_client(), slow_down({}, "7")):
        assert isinstance(error.detail, Text)
        for language in ("id", "en"):
            sentence = error.detail.render(language)
            assert permitted(sentence) == sentence


@given(st.floats(min_value=1e9, max_value=4e9), st.integers(1, 86_400))
def test_a_token_lives_at_least_as_long_as_it_promises(now, seconds):
    """Even where fractions of the second are cut off, and not two seconds longer."""
    grant = rules.Grant("http://i", "city", "kota-app", "kota", ("a:b",), seconds)
    claims = grant.claims("id", now)
    assert now + seconds <= claims["exp"] <= now + seconds + 1
    assert claims["iat"] <= now
