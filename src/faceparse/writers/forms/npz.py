"""A parsing as an NPZ file: everything but the picture.

NumPy alone can read the file: `labels` (H × W uint8), `scheme`, `classes` (names in label order),
`face_boxes`, `face_scores`, `face_landmarks`, and for each view of a network its exact float32 logits and
affine maps. Soft masks are drawn from the logits at full size, because the logits take far less room than the
masks. `record` is JSON that says how the parts fit together.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError, FaceparseError, ResultError
from faceparse.files import atomic, open_regular
from faceparse.labels import plain
from faceparse.labels.registry import scheme_inside
from faceparse.results import Face, Parsing, View
from faceparse.results.view import frozen
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter

LARGEST = 1 << 30
"""Bytes that a file's arrays may unpack to beyond the file's own size: label maps compress well."""

FORMAT = 1
"""Version of the file format; increased when older versions of faceparse cannot read a new file."""

Arrays = dict[str, NDArray[Any]]


@register
@dataclass(frozen=True)
class Npz(FileWriter):
    """All but the picture, without loss: labels, scheme, faces, and the logits that soft masks come from.

    Args:
        soft: Whether to store the logits; without them the file holds labels and faces, and is far smaller.
    """

    name: ClassVar[str] = "npz"
    endings: ClassVar[tuple[str, ...]] = ("_parsing.npz",)
    suffix: ClassVar[str] = ".npz"
    soft: bool = True

    def save(self, parsing: Parsing, path: Path) -> None:
        arrays: Arrays = {
            "labels": parsing.labels,
            "scheme": np.array(parsing.scheme.name),
            "classes": np.array(parsing.scheme.classes),
            "face_boxes": np.array([f.box for f in parsing.faces], np.float64).reshape(-1, 4),
            "face_scores": np.array([f.score for f in parsing.faces], np.float64),
            "face_landmarks": np.array([f.landmarks for f in parsing.faces], np.float64).reshape(-1, 5, 2),
        }
        whole = _take_apart(parsing, arrays, self.soft)
        parts = [
            _take_apart(f.parsing, arrays, self.soft) if f.parsing and self.soft else None
            for f in parsing.faces
        ]
        about = {
            "format": FORMAT,
            "model": parsing.model,
            "engine": parsing.engine,
            "source": parsing.source,
            "seconds": dict(parsing.seconds),
            "looks": parsing.looks,
            "trust": [face.trust for face in parsing.faces],
            "ids": [face.id for face in parsing.faces],
            "false_faces": [(f.box, f.score, f.landmarks.tolist(), f.trust) for f in parsing.false_faces],
            "whole": whole,
            "parts": parts,
        }
        arrays["record"] = np.array(json.dumps(about, ensure_ascii=False))
        with atomic(path, overwrite=True) as temporary, zipfile.ZipFile(temporary, "w") as file:
            for name, array in arrays.items():
                # ZipInfo has a fixed date, so that equal parsings give equal files. Logits hardly compress.
                entry = zipfile.ZipInfo(f"{name}.npy")
                packed = array.dtype == np.uint8
                entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                entry.external_attr = 0o644 << 16
                with file.open(entry, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)

    @staticmethod
    def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
        with _faults_named(path), open_regular(path) as opened, np.load(opened, allow_pickle=False) as file:
            total = sum(entry.file_size for entry in file.zip.infolist())
            if total > LARGEST + path.stat().st_size:
                raise DataError(f"it would unpack to {total:,} bytes")
            arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays["record"]))
            newer, size = about["format"] > FORMAT, arrays["labels"].shape
            black = np.zeros((*size, 3), np.uint8) if image is None else image
        if newer:
            raise DataError(f"{path} was written by a newer faceparse: update to read it")
        if np.shape(black) != (*size, 3):
            raise ResultError(
                f"{path} is the parsing of an RGB picture of {size[1]} × {size[0]}; got shape {np.shape(black)}: "
                "give the picture that was parsed"
            )
        with _faults_named(path):
            return _put_together(about, arrays, black)


def _take_apart(parsing: Parsing, arrays: Arrays, soft: bool) -> dict[str, object]:
    """Add a parsing's arrays to `arrays`, each once, and return a record of their names."""
    views = [
        {f.name: _put(f.name, getattr(view, f.name), arrays) for f in fields(View)}
        for view in (parsing.views if soft else ())
    ]
    return {
        "scheme": plain(parsing.scheme),
        "views": views,
        "table": _put("table", parsing.table if soft else None, arrays),
        "given": _put("labels", parsing.label_map if soft else parsing.labels, arrays),
        "threshold": parsing.threshold,
    }


def _put(kind: str, value: object, arrays: Arrays) -> object:
    """Return the name of a stored array, after storing it if it is new; return other values unchanged."""
    if not isinstance(value, np.ndarray):
        return value
    name = next((name for name, other in arrays.items() if other is value), None)
    if name is None:
        name = kind if kind not in arrays else f"{kind}_{len(arrays)}"
        arrays[name] = value
    return name


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Turn any exception of a foreign or damaged file into one line."""
    try:
        yield
    except Exception as error:  # from NumPy, zipfile, zlib, json or our own checks
        reason = str(error) if isinstance(error, FaceparseError | MemoryError) else type(error).__name__
        raise DataError(f"{path} is no parsing as faceparse saves it, or a damaged one ({reason})") from error


def _put_together(about: Mapping[str, Any], arrays: Arrays, image: NDArray[np.uint8]) -> Parsing:
    views: dict[str, View] = {}  # views that parsings share stay one object

    def view(values: Mapping[str, Any]) -> View:
        key = json.dumps(values)
        if key not in views:
            arguments: dict[str, Any] = {k: arrays[v] if isinstance(v, str) else v for k, v in values.items()}
            views[key] = View(**arguments)
        return views[key]

    def parsing(part: Mapping[str, Any], **values: Any) -> Parsing:
        return Parsing(
            image,
            tuple(map(view, part["views"])),
            scheme_inside(part["scheme"]),
            table=arrays[part["table"]] if part["table"] else None,
            label_map=arrays[part["given"]] if part["given"] else None,
            model=about["model"],
            engine=about.get("engine", ""),
            threshold=part.get("threshold"),
            **values,
        )

    boxes, scores, points = (arrays[f"face_{kind}"] for kind in ("boxes", "scores", "landmarks"))
    none = [None] * len(boxes)  # older files lack trust, or ids
    faces = tuple(
        Face(box, score, five, parsing(part) if part else None, trust, number)
        for box, score, five, part, trust, number in zip(
            boxes,
            scores,
            points,
            about["parts"],
            about.get("trust", none),
            about.get("ids", none),
            strict=True,
        )
    )
    whole = parsing(
        about["whole"],
        faces=faces,
        seconds=about["seconds"],
        source=about["source"],
        false_faces=tuple(
            Face(box, score, five, None, trust) for box, score, five, trust in about.get("false_faces", ())
        ),
        looks=about.get("looks", 0),
    )
    whole.scheme.check(arrays["labels"])
    whole._computed["labels"] = frozen(arrays["labels"])
    return whole
