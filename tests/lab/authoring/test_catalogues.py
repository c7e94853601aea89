"""The author's tool that keeps the message catalogues in step with the code."""

from pathlib import Path

import pytest

from grader.language import Text
from lab.authoring.catalogues import PO, main

MODULE = """
from grader.language import catalogue
_ = catalogue(__file__)
HELLO = _("Hello {name}, "
          "welcome.", name="x")
BYE = _("100 % done.")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree with a package, a service, the kit and an exercise."""
    for path in (
        "grader/reports/words.py",
        "services/kit/words.py",
        "services/permits/words.py",
        "exercises/01_x/checks/test_x.py",
        "exercises/01_x/solution/main.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(MODULE)
    return tmp_path


def translate(po: Path, **translations: str) -> None:
    text = po.read_text("utf-8")
    for message, translation in translations.items():
        text = text.replace(f'msgid "{message}', f'msgid "{message}', 1)
        head, _, tail = text.partition(f'msgid "{message}')
        text = head + f'msgid "{message}' + tail.replace('msgstr ""', f'msgstr "{translation}"', 1)
    po.write_text(text, "utf-8")


def translate_all(root: Path, *folders: str) -> None:
    for folder in folders:
        translate(root / folder / PO, Hello="Halo {name}, selamat datang.", **{"100": "100 % selesai."})


HOMES = ("grader", "services/kit", "services/permits", "exercises/01_x")


def test_each_folder_gets_its_own_catalogue_and_the_words_reach_the_reader(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], root) == 0
    assert "grader: 2 sentences, 2 without Indonesian" in capsys.readouterr().out
    translate_all(root, *HOMES)
    assert main([], root) == 0
    assert main(["--check"], root) == 0
    for home in HOMES:
        text = Text("Hello {name}, welcome.", {"name": "Ani"}, root / home)
        assert text.render("id") == "Halo Ani, selamat datang."
    assert not (root / "exercises/01_x/solution/locale").exists()
    assert not (root / "services/locale").exists()


def test_a_second_update_changes_no_byte(root: Path) -> None:
    main([], root)
    translate_all(root, *HOMES)
    main([], root)
    before = {path: path.read_bytes() for path in root.rglob("messages.*")}
    assert len(before) == 2 * len(HOMES)
    main([], root)
    assert {path: path.read_bytes() for path in root.rglob("messages.*")} == before
    assert not any(b"POT-Creation-Date" in data for path, data in before.items() if path.suffix == ".po")


def test_moving_a_sentence_to_another_line_changes_no_byte(root: Path) -> None:
    main([], root)
    before = (root / "grader" / PO).read_bytes()
    source = root / "grader/reports/words.py"
    source.write_text("\n" * 50 + source.read_text())
    main([], root)
    assert (root / "grader" / PO).read_bytes() == before


def test_update_keeps_translations_and_drops_what_left_the_code(root: Path) -> None:
    main([], root)
    translate_all(root, *HOMES)
    source = root / "grader/reports/words.py"
    source.write_text(source.read_text().replace('BYE = _("100 % done.")', 'NEW = _("New.")'))
    main(["grader"], root)
    text = (root / "grader" / PO).read_text()
    assert "Halo {name}" in text
    assert "New." in text
    assert "100 %" not in text


def test_only_the_named_folder_is_touched(root: Path) -> None:
    main(["services/kit"], root)
    assert [path.parents[3].name for path in root.rglob("messages.po")] == ["kit"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("Halo {name}", "Halo {nama}"), "other {fields}"),
        (("Halo {name}, selamat datang.", ""), "no Indonesian for"),
        (('msgid "100', '#, fuzzy\nmsgid "100'), "fuzzy"),
        (("selamat datang", "selamat sore"), "messages.mo is stale"),
        (('msgid "100 % done."', 'msgid "Gone."'), "no longer in the code"),
        (('msgid "100 % done."', 'msgid "Gone."'), "not collected yet"),
    ],
)
def test_check_names_what_is_wrong_in_a_catalogue(
    root: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], complaint: str
) -> None:
    main([], root)
    translate_all(root, *HOMES)
    main([], root)
    po = root / "grader" / PO
    po.write_text(po.read_text().replace(*change))
    capsys.readouterr()
    assert main(["--check"], root) == 1
    assert complaint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("_(name)", "written out as one plain string"),
        ('_(f"Hello {name}")', "written out as one plain string"),
        ('_("Hello {name}.")', "has places ['name'] but is given []"),
        ('_("Hello.", name=1)', "has places [] but is given ['name']"),
        ('_("Hello {.")', "cannot be read"),
    ],
)
def test_check_names_a_call_that_cannot_be_translated(
    root: Path, capsys: pytest.CaptureFixture[str], call: str, complaint: str
) -> None:
    (root / "grader/wrong.py").write_text(f"_ = catalogue(__file__)\n{call}\n")
    assert main(["--check", "grader"], root) == 1
    assert complaint in capsys.readouterr().out


def test_templates_are_read_too(root: Path) -> None:
    template = root / "grader/reports/templates/report.html"
    template.parent.mkdir()
    template.write_text('<h1>{{ _("Result of {name}", name=x) }}</h1>')
    main([], root)
    assert "Result of {name}" in (root / "grader" / PO).read_text()


def test_an_underscore_that_is_no_catalogue_is_left_alone(root: Path) -> None:
    (root / "grader/other.py").write_text('def each(_):\n    return _("not a sentence")\n')
    main([], root)
    assert "not a sentence" not in (root / "grader" / PO).read_text()
