"""A parsing as an NPZ file: all of it but the picture.

NumPy reads it without this package: `labels` (H × W uint8), `scheme`, `classes` (names in label order),
`face_boxes`, `face_scores`, `face_landmarks`; and per view of the networks its logits (exact, float32) and maps,
from which soft masks are drawn at full size: they take far less room than the masks would. `record` is JSON
that says how the parts fit together.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError, FaceparseError, ResultError
from faceparse.files import atomic
from faceparse.labels import plain, scheme
from faceparse.results import Face, Parsing, View
from faceparse.results.view import frozen
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter

FORMAT = 1
"""Raised when older versions could not read a file."""

DAMAGE = (
    *(OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What NumPy, zipfile, json and our own checks raise over files that are not whole or not ours."""

Arrays = dict[str, NDArray[Any]]


@register
@dataclass(frozen=True)
class Npz(FileWriter):
    """All but the picture, without loss: labels, scheme, faces, and the logits that soft masks come from.

    Args:
        soft: Whether the logits go in; without them it is labels and faces alone, and far smaller.
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
            "whole": whole,
            "parts": parts,
        }
        arrays["record"] = np.array(json.dumps(about, ensure_ascii=False))
        with atomic(path, overwrite=True) as temporary, zipfile.ZipFile(temporary, "w") as file:
            for name, array in arrays.items():
                # A date of its own would make equal parsings unequal files. Logits hardly get smaller by packing.
                entry = zipfile.ZipInfo(f"{name}.npy")
                packed = array.dtype == np.uint8
                entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                entry.external_attr = 0o644 << 16
                with file.open(entry, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)

    @staticmethod
    def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
        with _damage_named(path), path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays["record"]))
            newer, size = about["format"] > FORMAT, arrays["labels"].shape
        if newer:
            raise DataError(f"{path} was written by a newer faceparse: update to read it")
        if image is None:
            image = np.zeros((*size, 3), np.uint8)
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ResultError(
                f"image is an RGB picture, H × W × 3 uint8, got shape {image.shape} of {image.dtype}"
            )
        if image.shape[:2] != size:
            raise ResultError(
                f"the picture is {image.shape[1]} × {image.shape[0]}, its parsing in {path} {size[1]} × {size[0]}: "
                "give the picture that was parsed"
            )
        with _damage_named(path):
            return _put_together(about, arrays, image)


def _take_apart(parsing: Parsing, arrays: Arrays, soft: bool) -> dict[str, object]:
    """Put a parsing's arrays beside the others, each once, and say where they are."""
    views = [_put_view(view, arrays) for view in parsing.views] if soft else []
    label_map = parsing.label_map if soft else parsing.labels
    return {
        "scheme": plain(parsing.scheme),
        "views": views,
        "table": None if parsing.table is None or not soft else _put("table", parsing.table, arrays),
        "given": None if label_map is None else _put("labels", label_map, arrays),
        "threshold": parsing.threshold,
    }


def _put_view(view: View, arrays: Arrays) -> dict[str, object]:
    return {
        "logits": _put("logits", view.logits, arrays),
        "to_grid": _put("to_grid", view.to_grid, arrays),
        "frame": None if view.frame is None else _put("frame", view.frame, arrays),
        "feather": view.feather,
        "layer": view.layer,
        "before": None if view.before is None else _put("before", view.before, arrays),
    }


def _put(kind: str, array: NDArray[Any], arrays: Arrays) -> str:
    """The name under which an array is, or now is."""
    name = next((name for name, other in arrays.items() if other is array), None)
    if name is None:
        name = kind if kind not in arrays else f"{kind}_{len(arrays)}"
        arrays[name] = array
    return name


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Whatever a file that is none of ours raises becomes one line."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"no such file: {path}") from None
    except DAMAGE as error:
        reason = str(error) if isinstance(error, FaceparseError) else type(error).__name__
        raise DataError(f"{path} is no parsing as faceparse saves it, or a damaged one ({reason})") from error


def _put_together(about: Mapping[str, Any], arrays: Arrays, image: NDArray[np.uint8]) -> Parsing:
    labels = arrays["labels"]
    views: dict[str, View] = {}
    faces = tuple(
        Face(box, score, points, _parsing(part, about, arrays, image, views) if part else None)
        for box, score, points, part in zip(
            arrays["face_boxes"].tolist(),
            arrays["face_scores"].tolist(),
            arrays["face_landmarks"],
            about["parts"],
            strict=True,
        )
    )
    whole = replace(
        _parsing(about["whole"], about, arrays, image, views),
        faces=faces,
        seconds=about["seconds"],
        source=about["source"],
    )
    whole.scheme.check(labels)
    whole._computed["labels"] = frozen(labels)
    return whole


def _parsing(
    part: Mapping[str, Any],
    about: Mapping[str, Any],
    arrays: Arrays,
    image: NDArray[np.uint8],
    views: dict[str, View],
) -> Parsing:
    table, label_map = (arrays[part[key]] if part[key] else None for key in ("table", "given"))
    return Parsing(
        image,
        tuple(_view(view, arrays, views) for view in part["views"]),
        scheme(part["scheme"]),
        table=table,
        label_map=label_map,
        model=about["model"],
        engine=about.get("engine", ""),
        threshold=part.get("threshold"),
    )


def _view(about: Mapping[str, Any], arrays: Arrays, views: dict[str, View]) -> View:
    """The view of these parts, one object wherever it is shared."""
    key = json.dumps(about)
    if key not in views:
        frame, before = (arrays[about[k]] if about.get(k) else None for k in ("frame", "before"))
        logits, to_grid = arrays[about["logits"]], arrays[about["to_grid"]]
        views[key] = View(logits, to_grid, frame, about["feather"], about["layer"], before)
    return views[key]
