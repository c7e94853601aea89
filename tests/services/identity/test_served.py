"""The identity service as a process of its own, with a well-known OAuth2 library and the README's own commands."""

import os
import shutil
import stat
import warnings

import httpx
import pytest
from city_process import SECRET, json_values, shell_blocks

from services.identity.app import SERVICE

with warnings.catch_warnings(record=True):  # Authlib announces its move to another HTTP library when it is imported
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata


def library(city, client_id, **options):
    return OAuth2Client(
        client_id,
        SECRET,
        token_endpoint=f"{city.identity_url}/oauth2/token",
        grant_type="client_credentials",
        **options,
    )


def granted(city, sandbox):
    return [entry for entry in city.journal("identity", sandbox) if entry["status"] == 200]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_works_unchanged(city, method):
    """It fetches a token either way, and the token opens another agency."""
    client_id = city.made(f"lib{method[-4:]}")
    with library(city, client_id, token_endpoint_auth_method=method) as client:
        token = client.fetch_token(scope="population:read")
        assert token["scope"] == "population:read"
        page = client.get(f"{city.population_url}/v1/residents", params={"limit": 3})
    assert page.status_code == 200
    assert len(page.json()["data"]) == 3


def test_authlib_keeps_a_token_that_is_still_good(city):
    """Ten calls, one token."""
    client_id = city.made("hemat")
    with library(city, client_id) as client:
        client.fetch_token()
        for _ in range(10):
            assert client.get(f"{city.population_url}/v1/regions/76").status_code == 200
    assert len(granted(city, "hemat")) == 1


def test_authlib_renews_a_token_by_itself(city):
    """By client credentials, when the lifetime it was told is nearly over."""
    client_id = city.made("singkat", token_seconds=2)
    with library(city, client_id) as client:
        first = client.fetch_token()["access_token"]
        assert client.get(f"{city.population_url}/v1/regions/76").status_code == 200
        assert client.token["access_token"] != first
    assert len(granted(city, "singkat")) == 2


def test_authlib_understands_refusals(city):
    """The error code reaches the program as the library's own exception."""
    client_id = city.made("tolak")
    with library(city, client_id) as client, pytest.raises(OAuthError) as caught:
        client.fetch_token(scope="finance:write")
    assert caught.value.error == "invalid_scope"


@pytest.mark.anyio
async def test_authlib_works_unchanged_without_blocking(city, anyio_backend):
    """The asynchronous client too."""
    client_id = city.made("asinkron")
    url = f"{city.identity_url}/oauth2/token"
    async with AsyncOAuth2Client(client_id, SECRET, token_endpoint=url, grant_type="client_credentials") as client:
        await client.fetch_token()
        answer = await client.get(f"{city.population_url}/v1/regions/76")
    assert answer.json()["name"] == "Sulawesi Barat"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_metadata_are_valid_by_authlib(city, monkeypatch):
    """But for the lab's plain HTTP on one's own machine, which the library is told to accept."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    shown = httpx.get(f"{city.identity_url}/.well-known/oauth-authorization-server").json()
    AuthorizationServerMetadata(shown).validate()
    assert shown["issuer"] == city.identity_url


def test_the_key_outlives_the_process(city):
    """A token from before a restart opens the agencies after it; the key is its owner's alone."""
    client_id = city.made("awet", durable=True)
    with library(city, client_id) as client:
        client.fetch_token()
        city.stop()
        city.start()
        assert client.get(f"{city.population_url}/v1/regions/76").status_code == 200
    file = city.data / "identity-keys" / "signing.pem"
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl")
def test_the_readmes_commands_do_what_it_says(city):
    """Each is run as it stands there."""
    client_id = city.made("contoh")
    readme = (SERVICE.folder / "README.md").read_text(encoding="utf-8")
    token, residents = json_values(city.shell(shell_blocks(readme), client_id))
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 300
    assert len(residents["data"]) == 2
