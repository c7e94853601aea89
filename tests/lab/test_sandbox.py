"""The participant's own sandbox, as it is kept."""

import re
import stat

import pytest

from lab.sandbox import Sandbox


def test_a_sandbox_is_kept_for_this_user_only_and_comes_back_as_it_was(tmp_path):
    """Its secret is in a file of mode 0600, and not in its repr."""
    file = tmp_path / "new" / "sandbox.json"
    sandbox = Sandbox.invent(["b:read", "a:read"])
    sandbox.write(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Sandbox.read(file) == sandbox
    assert sandbox.client_secret not in repr(sandbox)
    assert sandbox.scopes == ("a:read", "b:read")


def test_no_two_sandboxes_are_alike():
    """Id, seed and secret are random; the id fits what services accept."""
    one, other = Sandbox.invent([]), Sandbox.invent([])
    assert not {one.id, one.seed, one.client_secret} & {other.id, other.seed, other.client_secret}
    assert re.fullmatch(r"[a-z][a-z0-9]{3,31}", one.id)
    assert re.fullmatch(rf"{one.id}-[a-z0-9]{{1,32}}", one.client_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16,128}", one.client_secret)
    assert 0 <= one.seed < 2**63


def test_the_specification_is_what_every_service_gets():
    """One client with all scopes; no other secret."""
    sandbox = Sandbox.invent(["a:read"])
    assert sandbox.spec() == {
        "seed": sandbox.seed,
        "size": "small",
        "reference_date": "2026-11-02",
        "clients": [
            {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret, "scopes": ["a:read"]},
        ],
    }


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format_version": 1}', '{"format_version": 99, "id": "x"}'])
def test_a_file_that_makes_no_sense_is_no_sandbox(tmp_path, content):
    """A torn file, or one of another version, counts as none."""
    file = tmp_path / "sandbox.json"
    file.write_text(content, encoding="utf-8")
    assert Sandbox.read(file) is None
