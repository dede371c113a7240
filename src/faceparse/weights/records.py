"""Records of the files in a card's cache folder, in `records.json` beside them.

If no card states a file's SHA-256, the first download records it. Later downloads must have the same SHA-256:
the record stays even if the file is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.files import atomic
from faceparse.tables import convert, read_file
from faceparse.weights.backbone import Published
from faceparse.weights.hashing import noted_sha256

FILE = "records.json"


@dataclass(frozen=True)
class Record:
    """The record of one file, from its first download or from when faceparse made it.

    Attributes:
        sha256: Full SHA-256.
        size: Bytes.
        origin: Address or file that the file came from.
        revision: Commit of the Hub repository; else empty.
    """

    sha256: str
    size: int
    origin: str
    revision: str = ""


@dataclass(frozen=True)
class FileCheck:
    """The result of comparing a file with its expected SHA-256.

    Attributes:
        path: The file.
        expected: SHA-256 from the card or the record; empty if neither states one.
        actual: SHA-256 of the file; empty if the file is missing.
    """

    path: Path
    expected: str
    actual: str

    @property
    def status(self) -> str:
        """`ok`, `missing`, `unknown` (no SHA-256 to compare with) or `CHANGED`."""
        if not self.actual:
            return "missing"
        return "ok" if self.actual == self.expected else "CHANGED" if self.expected else "unknown"


def read_records(folder: Path) -> dict[str, Record]:
    """Return the records of a cache folder by file name; empty if there are none.

    Raises:
        WeightsError: damaged records.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        raw = read_file(path, "records", WeightsError)
        return dict(convert(Mapping[str, Record], raw, where=f"records {path}", error=WeightsError))
    except WeightsError as error:
        raise WeightsError(f"{error}: delete it; the files beside it are then recorded anew") from None


def expected_sha256(card: Published, path: Path) -> str:
    """Return the SHA-256 that the card or the record states for a file in the cache; empty if neither does."""
    record = read_records(path.parent).get(path.name)
    stated = card.source.sha256 if path.name == card.source.name else ""
    return stated or (record.sha256 if record else "")


def check(card: Published, path: Path, *, again: bool = False) -> FileCheck:
    """Compare a file in the cache with its card or record; `again` is as in `noted_sha256`."""
    actual = noted_sha256(path, again=again) if path.is_file() else ""
    return FileCheck(path, expected_sha256(card, path), actual)


def checked(card: Published, path: Path) -> Path:
    """Return the path of a file in the cache after checking it against its card or record.

    Raises:
        WeightsError: the file is missing, has changed, or has no SHA-256 to compare with.
    """
    state = check(card, path)
    if state.status != "ok":
        raise WeightsError(
            f"{path} is {state.status} (SHA-256 {state.actual or 'none'}, not {state.expected or 'recorded'}) and not used: "
            f"faceparse weights get {card.id} checks it, or gets it again"
        )
    return path


def write_record(folder: Path, name: str, record: Record) -> None:
    """Record one file; other files' records stay.

    Raises:
        OutputError: the cache cannot be written.
    """
    records = {**read_records(folder), name: record}
    text = json.dumps({key: asdict(value) for key, value in sorted(records.items())}, indent=1)
    with atomic(folder / FILE, overwrite=True, make_folder=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
