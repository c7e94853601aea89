"""Keeps every message catalogue in step with the code: `python -m lab.authoring.catalogues [--check] [FOLDER...]`.

Without `--check` it collects the sentences of each folder, puts new ones into `locale/id/LC_MESSAGES/messages.po` with
an empty translation, drops those that are gone, and compiles `messages.mo`. With `--check` it changes nothing, lists
what is wrong and exits 1 if anything is. Needs Babel (a development dependency).

Which catalogue a source file belongs to is decided as at run time: the nearest folder above it that is a catalogue's
home. Of an exercise only `checks/` is read: the other folders are not ours to translate.
"""

import argparse
import ast
import io
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("grader", "lab", "load", "services")
"""The packages that have words for people."""

PO = Path("locale/id/LC_MESSAGES/messages.po")
MEND = "python -m lab.authoring.catalogues"

# No dates and no tool versions: the file changes when a sentence does, and only then.
_HEADER = """\
msgid ""
msgstr ""
"Language: id\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One `_("…", field=…)` in a source file.

    Attributes:
        message: the English sentence; None where it is not written out and so cannot be collected.
        fields: the names given with it; None where they cannot be seen (`**values`).
        path: of the source file, relative to the root.
        line: in that file.
    """

    message: str | None
    fields: frozenset[str] | None
    path: Path
    line: int

    def problem(self) -> str | None:
        """Return what is wrong with the call itself, or None."""
        place = f"{self.path.as_posix()}:{self.line}"
        if self.message is None:
            return f"{place}: the sentence in _() must be written out as one plain string"
        wanted = fields_of(self.message)
        if wanted is None:
            return f"{place}: braces of {self.message!r} cannot be read as {{fields}}"
        if self.fields is not None and wanted != self.fields:
            return f"{place}: {self.message!r} has places {sorted(wanted)} but is given {sorted(self.fields)}"
        return None


def fields_of(message: str) -> frozenset[str] | None:
    """Return the names of the `{places}` in `message`, or None where its braces are wrong."""
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(message) if name is not None)
    except ValueError:
        return None


def homes(root: Path) -> list[Path]:
    """Return every folder that has, or would have, a catalogue of its own, the innermost first."""
    found = {root / top for top in TOPS}
    found |= {folder for folder in root.glob("services/*") if any(folder.glob("*.py"))}
    found |= {folder for folder in root.glob("exercises/*") if (folder / "checks").is_dir()}
    for top in (*TOPS, "exercises"):
        found |= {po.parents[2].parent for po in (root / top).rglob(PO.as_posix())}
    return sorted((folder for folder in found if folder.is_dir()), key=lambda folder: (-len(folder.parts), folder))


def sources(home: Path, root: Path) -> Iterator[Path]:
    """Yield the source files whose nearest home is `home`."""
    inner = [other for other in homes(root) if other != home and other.is_relative_to(home)]
    within = home / "checks" if home.parent == root / "exercises" else home
    for path in sorted([*within.rglob("*.py"), *within.rglob("templates/*.html")]):
        if not any(path.is_relative_to(other) for other in inner):
            yield path


def sentences(path: Path, root: Path) -> Iterator[Sentence]:
    """Yield the sentences of one Python module or Jinja template."""
    text, shown = path.read_text("utf-8"), path.relative_to(root)
    if path.suffix == ".html":
        yield from _of_template(text, shown)
    elif "_(" in text:
        tree = ast.parse(text)
        if _speaks(tree):
            yield from _of_module(tree, shown)


def _speaks(tree: ast.Module) -> bool:
    """Say whether `_` is a catalogue in this module: `_ = catalogue(__file__)`, or imported from one where it is."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if any(isinstance(target, ast.Name) and target.id == "_" for target in node.targets):
                return True
        elif isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == "_" for alias in node.names):
            return True
    return False


def _of_module(tree: ast.Module, path: Path) -> Iterator[Sentence]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            first = node.args[0] if node.args else None
            written = isinstance(first, ast.Constant) and isinstance(first.value, str)
            names = [keyword.arg for keyword in node.keywords]
            yield Sentence(
                str(first.value) if written and isinstance(first, ast.Constant) else None,
                None if None in names else frozenset(name for name in names if name),
                path,
                node.lineno,
            )


def _of_template(text: str, path: Path) -> Iterator[Sentence]:
    for node in Environment(autoescape=True).parse(text).find_all(nodes.Call):
        if isinstance(node.node, nodes.Name) and node.node.name == "_":
            first = node.args[0] if node.args else None
            written = isinstance(first, nodes.Const) and isinstance(first.value, str)
            yield Sentence(
                first.value if written and isinstance(first, nodes.Const) else None,
                frozenset(keyword.key for keyword in node.kwargs),
                path,
                node.lineno,
            )


def collected(home: Path, root: Path) -> tuple[Catalog, list[str]]:
    """Return the sentences of `home` as a catalogue without translations, and what is wrong with the calls."""
    catalog, wrong = Catalog(fuzzy=False), []
    for path in sources(home, root):
        for sentence in sentences(path, root):
            problem = sentence.problem()
            if problem or sentence.message is None:
                wrong.append(problem or "")
            elif sentence.message:
                catalog.add(sentence.message, locations=[(sentence.path.as_posix(), 0)])
    return catalog, wrong


def stored(home: Path) -> Catalog:
    """Return the catalogue of `home` as it stands on disk, an empty one where there is none."""
    if not (home / PO).exists():
        return Catalog(fuzzy=False)
    with (home / PO).open("rb") as file:
        return read_po(file, abort_invalid=True)


def update(home: Path, root: Path) -> str | None:
    """Bring the catalogue of `home` in step with its code; return one line about it, None where it has no sentences."""
    fresh, wrong = collected(home, root)
    catalog = stored(home)
    if not len(fresh) and not (home / PO).exists():
        return None
    catalog.update(fresh, no_fuzzy_matching=True)
    for entry in catalog:
        entry.flags &= {"fuzzy"}  # Babel's guesses at the format are noise: a per cent sign is a per cent sign
    _write_po(home / PO, catalog)
    _write_mo((home / PO).with_suffix(".mo"), catalog)
    left = sum(1 for entry in catalog if entry.id and not entry.string)
    name = home.relative_to(root).as_posix()
    return "\n".join([f"{name}: {len(catalog)} sentences, {left} without Indonesian", *wrong])


def problems(home: Path, root: Path) -> list[str]:
    """Return what is wrong with the catalogue of `home`, one line each; nothing is written."""
    fresh, found = collected(home, root)
    catalog, shown = stored(home), (home / PO).relative_to(root).as_posix()
    known = {entry.id: entry for entry in catalog if entry.id}
    wanted = {entry.id for entry in fresh if entry.id}
    found += [
        f"{shown}: not collected yet: {message!r}; run {MEND}" for message in sorted(wanted - set(known), key=str)
    ]
    found += [
        f"{shown}: no longer in the code: {message!r}; run {MEND}" for message in sorted(set(known) - wanted, key=str)
    ]
    found += [f"{shown}: {problem}" for message in known if message in wanted for problem in _faults_of(known[message])]
    if _compiled(home) != {
        entry.id: entry.string for entry in catalog if entry.id and entry.string and not entry.fuzzy
    }:
        found.append(f"{shown}: messages.mo is stale; run {MEND}")
    return found


def _faults_of(entry: Entry) -> Iterator[str]:
    if not entry.string:
        yield f"no Indonesian for {entry.id!r}"
        return
    if entry.fuzzy:
        yield f"fuzzy: {entry.id!r}"
    if fields_of(str(entry.string)) != fields_of(str(entry.id)):
        yield f"other {{fields}} in the Indonesian of {entry.id!r}"


def _finished(catalog: Catalog) -> dict[str, str]:
    """Return what may be shown: the translations that are there and not in doubt."""
    return {str(entry.id): str(entry.string) for entry in catalog if entry.id and entry.string and not entry.fuzzy}


def _compiled(home: Path) -> dict[str, str]:
    path = (home / PO).with_suffix(".mo")
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return _finished(read_mo(file))


def _write_po(path: Path, catalog: Catalog) -> None:
    body = io.BytesIO()
    write_po(body, catalog, width=110, omit_header=True, sort_output=True, ignore_obsolete=True, include_lineno=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _HEADER + body.getvalue().decode("utf-8").strip("\n") + "\n"
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8", newline="\n")


def _write_mo(path: Path, catalog: Catalog) -> None:
    finished = _finished(catalog)
    if path.exists() and _compiled(path.parents[3]) == finished:
        return  # another version of Babel would write another header, which is not a change
    compiled = Catalog("id", project="spbe-lab", version="1", creation_date=_NO_DATE, revision_date=_NO_DATE)
    for message, translation in finished.items():
        compiled.add(message, translation)
    with path.open("wb") as file:
        write_mo(file, compiled)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Update the catalogues, or with `--check` list what is wrong; return the exit code (0 in order, 1 not)."""
    parser = argparse.ArgumentParser(prog=MEND, description="Keep the message catalogues in step with the code.")
    parser.add_argument("--check", action="store_true", help="change nothing, list what is wrong")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="only these, such as services/permits")
    chosen = parser.parse_args(arguments)
    only = {(root / folder).resolve() for folder in chosen.folders}
    lines: list[str] = []
    for home in homes(root):
        if not only or home in only:
            lines += problems(home, root) if chosen.check else [line for line in [update(home, root)] if line]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if chosen.check and lines else 0


if __name__ == "__main__":
    sys.exit(main())
