"""The signing key's file."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jwt

from services.identity.signing import SigningKey, published, signed, signing_key


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
    assert signing_key(tmp_path / "identity") is signing_key(tmp_path / "identity")
    signing_key(tmp_path / "identity").load()
    assert (tmp_path / "identity-keys" / "signing.pem").is_file()


def test_what_is_signed_is_verified_by_what_is_published(file):
    """And by nothing else."""
    key = SigningKey(file).load()
    token = signed(key, {"sub": "kota-app"})
    assert jwt.decode(token, published(key), algorithms=["RS256"]).claims == {"sub": "kota-app"}
    assert all(public.as_dict().keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi"}) for public in published(key).keys)
