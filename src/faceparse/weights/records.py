"""The records of the files on a shelf of the cache: `records.json` beside them.

A file whose SHA-256 no card states is recorded when it is first downloaded. Later downloads must have the
same: the record stays when the file is deleted.
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
    """One file as it first came, or as it was made here.

    Attributes:
        sha256: Full SHA-256.
        size: Bytes.
        origin: Address or file that it came from.
        revision: Commit, where it came from a Hub.
    """

    sha256: str
    size: int
    origin: str
    revision: str = ""


@dataclass(frozen=True)
class FileCheck:
    """Whether a file is what it should be.

    Attributes:
        path: The file.
        expected: The SHA-256 that its card states or its record has; empty where neither does.
        actual: The SHA-256 that it has; empty where there is no file.
    """

    path: Path
    expected: str
    actual: str

    @property
    def status(self) -> str:
        """`ok`, `missing`, `unknown` where there is no SHA-256 to compare with, or `CHANGED`."""
        if not self.actual:
            return "missing"
        return "ok" if self.actual == self.expected else "CHANGED" if self.expected else "unknown"


def read_records(folder: Path) -> dict[str, Record]:
    """The records of a shelf by file name; empty where there are none.

    Raises:
        WeightsError: records that are damaged.
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
    """The SHA-256 of a file on a card's shelf, as the card states it, or as it was recorded; empty where neither is."""
    record = read_records(path.parent).get(path.name)
    stated = card.source.sha256 if path.name == card.source.name else ""
    return stated or (record.sha256 if record else "")


def check(card: Published, path: Path, *, again: bool = False) -> FileCheck:
    """Hold a file on a card's shelf to its card or record; `again` is as for `noted_sha256`."""
    actual = noted_sha256(path, again=again) if path.is_file() else ""
    return FileCheck(path, expected_sha256(card, path), actual)


def checked(card: Published, path: Path) -> Path:
    """The path of a file on a card's shelf, which is what the card or its record says.

    Raises:
        WeightsError: there is none, it is another file, or nothing says what it should be.
    """
    state = check(card, path)
    if state.status != "ok":
        raise WeightsError(
            f"{path} is {state.status} (SHA-256 {state.actual or 'none'}, not {state.expected or 'recorded'}) and not used: "
            f"faceparse weights get {card.id} checks it, or gets it again"
        )
    return path


def write_record(folder: Path, name: str, record: Record) -> None:
    """Note one file; the others' records stay.

    Raises:
        OutputError: the cache cannot be written.
    """
    records = {**read_records(folder), name: record}
    text = json.dumps({key: asdict(value) for key, value in sorted(records.items())}, indent=1)
    with atomic(folder / FILE, overwrite=True, make_folder=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
