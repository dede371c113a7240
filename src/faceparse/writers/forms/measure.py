"""Measures of each face, and a table of the measures of a whole run."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from faceparse.errors import OutputError
from faceparse.files import atomic, json_bytes, write_atomic
from faceparse.results import Parsing
from faceparse.results.measures import measure
from faceparse.tables import one_of
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter

TABLE = "measures"
"""Name, without suffix, of the table that covers a whole folder."""
OURS = {"csv": b"picture,face,", "json": b'[\n{"picture":'}
"""First bytes of every table by faceparse: the writer overwrites no other file."""


@register
@dataclass(frozen=True)
class Measure(FileWriter):
    """Areas, openings of eyes and mouth, tilt, size and colours of each face, JSON; `measures.csv` or `.json` for all.

    Args:
        format: Format of the table for a whole run: csv or json.
    """

    name: ClassVar[str] = "measure"
    endings: ClassVar[tuple[str, ...]] = ("_measure.json",)
    format: Annotated[str, one_of(OURS)] = "csv"

    def save(self, parsing: Parsing, path: Path) -> None:
        rows = [
            {"score": round(face.score, 4), "trust": face.trust, **measure(face)}
            for face in parsing.faces
            if face.parsing is not None
        ]
        rounded = [{k: v if v is None else round(v, 4) for k, v in row.items()} for row in rows]
        file = Path(parsing.source).name or path.name.removesuffix(self.endings[0])
        write_atomic(path, json_bytes({"picture": file, "faces": rounded}) + b"\n")

    def finish(self, folder: Path, stems: Iterable[Path]) -> tuple[Path, ...]:
        path = folder / f"{TABLE}.{self.format}"
        rows = self._rows(folder, stems)
        first = next(rows, None)
        if first is None:
            return ()
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(OURS[self.format])) != OURS[self.format]:
                    raise OutputError(
                        f"{path} exists and is not by faceparse: move it, or choose another output folder"
                    )
        with (
            atomic(path, overwrite=True) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as out,
        ):
            if self.format == "csv":
                table = csv.DictWriter(out, list(first), extrasaction="ignore", lineterminator="\n")
                table.writeheader()
                table.writerow(first)
                table.writerows(rows)
            else:
                out.write("[\n" + json.dumps(first, separators=(",", ":")))
                out.writelines(",\n" + json.dumps(row, separators=(",", ":")) for row in rows)
                out.write("\n]\n")
        return (path,)

    def _rows(self, folder: Path, stems: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """Yield a row for each face: its picture's path in the folder, the face's number, its measures."""
        for stem in stems:
            piece = self.beside(stem, self.endings[0])
            try:
                content = json.loads(piece.read_bytes())
                name = Path(os.path.relpath(piece.parent, folder), content["picture"]).as_posix()
                yield from (
                    {"picture": name, "face": i, **dict(face)} for i, face in enumerate(content["faces"], 1)
                )
            except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
                raise OutputError(
                    f"{piece} is damaged ({type(error).__name__}): redo it with --overwrite"
                ) from error
