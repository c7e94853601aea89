"""The signing key's file."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jwt

from services.identity.signing import SigningKey, published, signed, signing_key
from services.kit.settings import Settings, WrongSettingError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "identity-keys" / "signing.pem"


def test_the_key_is_made_once_and_only_when_needed(file):
    """Nothing is written before the first use; then a second reader finds the same key."""
    key = SigningKey(file)
    assert not file.parent.exists()
    made = key.load()
    assert key.load() is made
    assert SigningKey(file).load().kid == made.kid
    assert made.raw_value.key_size == 2048


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_only_the_owner_may_read_it(file):
    """Whatever the process's mask says."""
    mask = os.umask(0)
    try:
        SigningKey(file).load()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_left_beside_it(file):
    """The file was written whole under another name."""
    SigningKey(file).load()
    assert [path.name for path in file.parent.iterdir()] == ["signing.pem"]


def test_half_a_key_left_by_a_crash_is_not_read(file):
    """What was being written when the power went counts for nothing."""
    file.parent.mkdir()
    (file.parent / ".signing.pem-0badc0de").write_bytes(b"-----BEGIN PRIV")
    key = SigningKey(file).load()
    assert SigningKey(file).load().kid == key.kid


def test_threads_get_the_same_key(file):
    """Whoever comes first makes it."""
    key = SigningKey(file)
    with ThreadPoolExecutor(8) as pool:
        kids = {made.kid for made in pool.map(lambda _: key.load(), range(16))}
    assert len(kids) == 1


def test_one_folder_has_one_key(tmp_path):
    """Routes and verifier of a process share it; it lies beside the sandboxes, where the store does not clear."""
    settings = Settings(tmp_path / "identity", "http://identity", "lab")
    assert signing_key(settings) is signing_key(settings)
    signing_key(settings).load()
    assert (tmp_path / "identity-keys" / "signing.pem").is_file()


def test_replicas_that_are_given_one_key_sign_alike_and_never_make_one(tmp_path):
    """The key is a secret of the lab then, and no sandbox folder is needed."""
    given = tmp_path / "secret" / "signing_key"
    kid = SigningKey(given).load().kid
    one, other = (
        SigningKey(given, is_given=True),
        signing_key(Settings(tmp_path / "no" / "identity", "http://identity", "lab", signing_key=given)),
    )
    assert one.load().kid == other.load().kid == kid
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("content", [None, b"", b"no key at all", "public"])
def test_a_given_key_that_is_none_is_told_without_showing_it(tmp_path, content):
    """Neither half a key nor the public half of one signs anything."""
    given = tmp_path / "signing_key"
    if content == "public":
        content = SigningKey(tmp_path / "other").load().as_pem(private=False)
    if content is not None:
        given.write_bytes(content)
    with pytest.raises(WrongSettingError, match="signing_key") as wrong:
        SigningKey(given, is_given=True).load()
    assert "no key at all" not in str(wrong.value)


def test_what_is_signed_is_verified_by_what_is_published(file):
    """And by nothing else."""
    key = SigningKey(file).load()
    token = signed(key, {"sub": "kota-app"})
    assert jwt.decode(token, published(key), algorithms=["RS256"]).claims == {"sub": "kota-app"}
    assert all(public.as_dict().keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi"}) for public in published(key).keys)
