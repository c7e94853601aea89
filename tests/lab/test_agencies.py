"""What the agencies' service.toml files say."""

from itertools import combinations

from lab.agencies import agencies, fingerprint
from lab.settings import ROOT


def test_agencies_come_in_the_order_of_their_ports(settings):
    """Each has a title in both languages and a URL of its own."""
    alpha, beta = agencies(settings.root)
    assert (alpha.name, alpha.port_offset, beta.name, beta.port_offset) == ("alpha", 1, "beta", 2)
    assert (alpha.title("id"), alpha.title("en")) == ("Dinas alpha", "Office alpha")
    assert alpha.url(8100) == "http://127.0.0.1:8101"
    assert list(alpha.scopes) == ["alpha:read"]


def test_no_two_agencies_of_this_lab_share_a_port():
    """Otherwise the lab could never start."""
    assert not [pair for pair in combinations(agencies(ROOT), 2) if pair[0].port_offset == pair[1].port_offset]


def test_the_fingerprint_changes_with_the_code_and_only_then(settings):
    """A new file and a changed one are noticed."""
    before = fingerprint(settings.root)
    assert fingerprint(settings.root) == before
    code = settings.root / "services" / "alpha" / "rules.py"
    code.write_text("A = 1\n", encoding="utf-8")
    added = fingerprint(settings.root)
    code.write_text("A = 10\n", encoding="utf-8")
    assert len({before, added, fingerprint(settings.root)}) == 3
    (settings.root / "services" / "alpha" / "README.md").write_text("words", encoding="utf-8")
    assert fingerprint(settings.root) == fingerprint(settings.root)
