"""Writes one .zip, the same to the byte for the same content: sorted, one time for all, nobody's user or folder names.

A .zip, because Windows opens it by a double click and `python -m zipfile` everywhere else; nothing in it needs what
only a .tar can keep. Wheels and images are compressed already and are stored as they are, which makes packing fast.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

Content: TypeAlias = "bytes | Path"

_PACKED = {".whl", ".gz", ".png", ".zip"}
_UNIX = 3
_CHUNK = 1 << 20


def write(
    file: Path,
    top: str,
    members: Mapping[str, tuple[Content, bool]],
    at: datetime,
    on_progress: Callable[[int], None],
) -> None:
    """Writes the archive whole or not at all, with a list of checksums in it.

    Args:
        file: the archive.
        top: the folder that everything is in.
        members: by path in that folder: the content, and whether it can be run.
        at: the time that every member bears.
        on_progress: called with the bytes that are packed so far.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    draft = file.with_suffix(".new")
    packed = 0
    try:
        with zipfile.ZipFile(draft, "w") as archive:
            sums = []
            for path in sorted(members):
                content, is_program = members[path]
                sums.append(f"{_store(archive, f'{top}/{path}', content, at, is_program=is_program)}  {path}\n")
                packed += len(content) if isinstance(content, bytes) else content.stat().st_size
                on_progress(packed)
            _store(archive, f"{top}/{SUMS}", "".join(sums).encode(), at, is_program=False)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


SUMS = "kit/SHA256SUMS"
"""Where the checksums of everything else in the kit are; `sha256sum -c kit/SHA256SUMS` reads them."""


def checksum(file: Path) -> str:
    """Returns the SHA-256 of a big file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _store(archive: zipfile.ZipFile, name: str, content: Content, at: datetime, *, is_program: bool) -> str:
    """Adds one member; returns its SHA-256."""
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.create_system = _UNIX
    info.external_attr = (0o100755 if is_program else 0o100644) << 16
    info.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _PACKED else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        archive.writestr(info, content)
        return hashlib.sha256(content).hexdigest()
    info.file_size = content.stat().st_size
    counted = hashlib.sha256()
    with archive.open(info, "w", force_zip64=info.file_size >= zipfile.ZIP64_LIMIT) as to:
        for chunk in _chunks(content):
            counted.update(chunk)
            to.write(chunk)
    return counted.hexdigest()


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            yield chunk
