"""The parsing of one picture.

>>> import numpy as np
>>> from faceparse.results import Parsing
>>> picture, labels = np.zeros((2, 3, 3), np.uint8), np.array([[0, 1, 1], [0, 17, 1]], np.uint8)
>>> parsing = Parsing.from_labels(picture, labels, "celebamask19")
>>> parsing.mask("hair").tolist()
[[False, False, False], [False, True, False]]
>>> parsing.box("skin")
(1, 0, 3, 2)
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError, LabelError, MissingExtraError, ResultError
from faceparse.labels import IGNORE, Scheme, conversion, count
from faceparse.labels import scheme as find_scheme
from faceparse.registry import room
from faceparse.results.foreground import cutout_strips
from faceparse.results.label_map import render_labels
from faceparse.results.lookup import look_up, members
from faceparse.results.margins import Length, Margins
from faceparse.results.nearest import nearest_box
from faceparse.results.regions import region
from faceparse.results.render import (
    render_confidence,
    render_probabilities,
    render_probability,
)
from faceparse.results.view import View, frozen

if TYPE_CHECKING:
    import supervision
    import torch
    from PIL import Image

Box = tuple[int, int, int, int]
Names = str | Sequence[str]
"""One name of a class, an alias or a group, or several such names."""


class MaskOptions(TypedDict, total=False):
    """The keyword arguments of `Parsing.mask`."""

    edges: bool
    grow: Length
    shrink: Length
    feather: Length


DISPLAY_SIDE = 1024
"""Maximal longer side, in pixels, of the picture that a notebook shows."""

LANDMARKS = (
    "image_left_eye",
    "image_right_eye",
    "nose_tip",
    "image_left_mouth_corner",
    "image_right_mouth_corner",
)
"""Names of the landmarks, in the order of `Face.landmarks`; image-left is the subject's right."""


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A face: its box and landmarks, the detector's score, and the parsing of the face alone.

    >>> import numpy as np
    >>> from faceparse.results import Face
    >>> points = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])
    >>> Face((10, 10, 90, 100), 0.9, points).size
    (80.0, 90.0)

    Args:
        box: x0, y0, x1, y1 in picture points; may reach beyond the picture.
        score: The detector's score, 0 to 1.
        landmarks: 5 × 2 picture points (x, y): image-left eye, image-right eye, nose tip, image-left and
            image-right mouth corner, as seen with the face upright. Image-left is the subject's right:
            the eye that YuNet calls the right eye comes first.
        parsing: The parsing made from the views of this face alone, or None.
        trust: Mean probability of the winning class over the pixels of the group `face`, in the look at this
            face, 0 to 1; 0 if the network labels no skin; None if no network looked at the face.
        id: Number of the face's track in a video, from 1, the same from frame to frame; None in a photo.

    Raises:
        ResultError: an empty box, a score outside 0 to 1, landmarks not 5 × 2, a value not finite.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64]
    parsing: Parsing | None = None
    trust: float | None = None
    id: int | None = None

    def __post_init__(self) -> None:
        box = tuple(float(v) for v in self.box)
        if len(box) != 4 or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise ResultError(f"a face's box is x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {box}")
        if not 0 <= self.score <= 1:
            raise ResultError(f"a face's score is 0 to 1, got {self.score}")
        landmarks = np.array(self.landmarks, np.float64)
        if landmarks.shape != (5, 2) or not np.isfinite(landmarks).all():
            raise ResultError(f"a face's landmarks are 5 finite points (x, y), got shape {landmarks.shape}")
        object.__setattr__(self, "box", box)
        object.__setattr__(self, "score", float(self.score))
        object.__setattr__(self, "landmarks", frozen(landmarks))

    def __reduce__(self) -> tuple[object, ...]:
        return (Face, tuple(getattr(self, f.name) for f in fields(self)))

    def __repr__(self) -> str:
        box = ", ".join(f"{v:.0f}" for v in self.box)
        return f"<Face: box ({box}), score {self.score:.2f}>"

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box in pixels."""
        x0, y0, x1, y1 = self.box
        return x1 - x0, y1 - y0

    @overload
    def region(self, name: str, soft: Literal[False] = False) -> NDArray[np.bool_]: ...

    @overload
    def region(self, name: str, soft: Literal[True]) -> NDArray[np.float32]: ...

    def region(self, name: str, soft: bool = False) -> NDArray[np.bool_] | NDArray[np.float32]:
        """Return the mask of `forehead`, `cheeks`, `eyelids`, `under_eyes` or `chin`, or of one side: `region("l_cheek")`.

        The landmarks give the region's outline; only skin inside it counts, so brows, eyes, glasses and hair
        are left out. `l_` is the side of `l_eye`.

        Returns:
            H × W bool, in the picture's size; with `soft`, the probability of skin inside the outline,
            float32, 0 to 1.

        Raises:
            LabelError: no such region, or a scheme without `skin`.
            ResultError: a face without a parsing.
        """
        if self.parsing is None:
            raise ResultError("regions need the face's parsing: dataclasses.replace(face, parsing=parsing)")
        inside = region(name, self.landmarks, self.parsing.labels, self.parsing.scheme)
        return self.parsing.mask("skin", soft) * inside

    def record(self) -> dict[str, object]:
        """Return box, score, trust and landmarks as JSON values; points are in pixels from the picture's upper left corner."""
        return {
            **({} if self.id is None else {"id": self.id}),
            "box": [round(v, 2) for v in self.box],
            "score": round(self.score, 4),
            "trust": None if self.trust is None else round(self.trust, 4),
            "landmarks": dict(zip(LANDMARKS, self.landmarks.round(2).tolist(), strict=True)),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Parsing:
    """The class of each pixel of a picture: frozen, thread-safe, checked when made; masks are computed on demand.

    Args:
        image: The picture, RGB uint8, H × W × 3. It is not copied, so do not change it afterwards.
        views: The networks' logits with their places on the picture; without any, every pixel is background.
        scheme: The scheme of the labels, by name or as a `Scheme`.
        faces: The faces, in the detector's order.
        false_faces: The detections that the network does not confirm as faces: cats, hands, backs of heads.
        looks: How many times a network ran on the picture; 0 without a network.
        table: Set by `to`: 256 uint8, label of the views → label of `scheme`; None if both have the same
            labels.
        label_map: Set by `from_labels`: the label map, in place of views.
        model: Id of the model's card; empty without a model.
        engine: The engine that ran the model, as `Engine.description` gives it, such as `onnx cpu fp32`.
        source: Name or path of the picture's file; empty without a file.
        seconds: Duration of each measured step (`read`, `detect`, `network`, …).
        threshold: Set by `thresholded`: the least probability of the second of two classes, 0 to 1.

    Raises:
        ResultError: arguments that do not fit together.
        LabelError: an unknown scheme, or labels outside the scheme.
    """

    image: NDArray[np.uint8]
    views: tuple[View, ...]
    scheme: Scheme
    faces: tuple[Face, ...] = ()
    table: NDArray[np.uint8] | None = None
    label_map: NDArray[np.uint8] | None = None
    model: str = ""
    engine: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    threshold: float | None = None
    false_faces: tuple[Face, ...] = ()
    looks: int = 0
    _lock: Lock = field(default_factory=Lock, init=False)
    _computed: dict[str, NDArray[np.generic]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scheme", find_scheme(self.scheme))
        object.__setattr__(self, "views", tuple(self.views))
        object.__setattr__(self, "faces", tuple(self.faces))
        image = np.asarray(self.image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ResultError(f"image is an RGB picture, H × W × 3 uint8; got {image.shape} {image.dtype}")
        object.__setattr__(self, "image", frozen(image))
        self._check_classes()
        if self.label_map is not None:
            self._check_label_map(np.asarray(self.label_map))
        if self.threshold is not None:
            check_threshold(self.threshold, self.scheme)

    def _check_classes(self) -> None:
        counts = {view.classes for view in self.views}
        if len(counts) > 1:
            raise ResultError(f"views of one parsing have the same classes, got {sorted(counts)} of them")
        if self.table is not None:
            table = np.asarray(self.table)
            if table.shape != (256,) or table.dtype != np.uint8:
                raise ResultError(f"table is 256 uint8, got shape {table.shape} of {table.dtype}")
            self.scheme.check(table, "table")
            object.__setattr__(self, "table", frozen(table))
        elif counts - {len(self.scheme)}:
            fault = (
                f"views have {counts.pop()} classes, but scheme {self.scheme.name!r} has {len(self.scheme)}"
            )
            raise ResultError(f"{fault}: give the scheme that the network was trained with")

    def _check_label_map(self, labels: NDArray[np.uint8]) -> None:
        if self.views or self.table is not None:
            raise ResultError("a parsing is made of views or of a label map, not of both")
        if labels.dtype != np.uint8 or labels.shape != self.size:
            fault = f"got shape {labels.shape} of {labels.dtype}"
            raise ResultError(f"labels are uint8 of the picture's size {self.size}, {fault}")
        self.scheme.check(labels)
        object.__setattr__(self, "label_map", frozen(labels))

    @classmethod
    def from_labels(
        cls,
        image: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        scheme: str | Scheme,
        faces: Sequence[Face] = (),
    ) -> Parsing:
        """Make a parsing from a label map (H × W uint8, 255 for ignore); its soft masks are 0 or 1.

        Raises:
            ResultError: the label map is not uint8 of the picture's size.
            LabelError: an unknown scheme, or labels outside the scheme.
        """
        return cls(image, (), find_scheme(scheme), tuple(faces), label_map=labels)

    def __reduce__(self) -> tuple[object, ...]:  # a lock does not pickle; the copy computes its masks again
        return (Parsing, tuple(getattr(self, f.name) for f in fields(self) if f.init))

    def __repr__(self) -> str:
        height, width = self.size
        origin = f"{len(self.views)} views" if self.label_map is None else "label map"
        return f"<Parsing: {width}×{height} px, {self.scheme.name}, {origin}, {len(self.faces)} faces>"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def face_side(self) -> float:
        """Longer side of the largest face's box, in pixels; 0 without a face."""
        return max((max(face.size) for face in self.faces), default=0.0)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label of every pixel, H × W uint8, read-only; computed once.

        Each pixel gets the label of its most probable class; in a tie, the lowest label. In a parsing that
        `to` made, a class that the scheme ignores has label 255. `thresholded` sets another threshold
        between two classes.
        """
        if self.label_map is not None:
            return self.label_map
        with self._lock:
            if "labels" not in self._computed:
                self._computed["labels"] = frozen(self._rendered())
            return cast(NDArray[np.uint8], self._computed["labels"])

    def _rendered(self) -> NDArray[np.uint8]:
        labels = render_labels(self.views, self.size)
        labels = labels if self.table is None else look_up(self.table, labels)
        if self.threshold is None:
            return labels
        likely = render_probability(self.views, self.size, self._sources((1,))) > self.threshold
        return np.where(likely, np.uint8(1), np.where(labels == IGNORE, labels, np.uint8(0)))

    def thresholded(self, threshold: float) -> Parsing:
        """Return a parsing in which the second of two classes wins where its probability is above `threshold`, 0 to 1.

        >>> parsing.to("face2").thresholded(0.7).mask("face")  # doctest: +SKIP

        The threshold changes labels, masks and overlays; soft masks stay the same, and so does a parsing made
        from a label map.

        Raises:
            ResultError: a scheme without exactly two classes, or a threshold out of range.
        """
        check_threshold(threshold, self.scheme)
        faces = tuple(replace(f, parsing=f.parsing and f.parsing.thresholded(threshold)) for f in self.faces)
        return replace(self, faces=faces, threshold=threshold)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of each pixel's most probable class, H × W float32, 0 to 1, read-only; computed once.

        The class is from the network's own scheme, even after `parsing.to(...)`. A parsing made from a
        label map has confidence 1.
        """
        with self._lock:
            if "confidence" not in self._computed:
                sure = self.label_map is not None
                values = np.ones(self.size, np.float32) if sure else render_confidence(self.views, self.size)
                self._computed["confidence"] = frozen(values)
            return cast(NDArray[np.float32], self._computed["confidence"])

    @overload
    def mask(
        self, name: Names, soft: Literal[False] = False, **options: Unpack[MaskOptions]
    ) -> NDArray[np.bool_]: ...

    @overload
    def mask(
        self, name: Names, soft: Literal[True], **options: Unpack[MaskOptions]
    ) -> NDArray[np.float32]: ...

    @overload
    def mask(
        self, name: Names, soft: bool, **options: Unpack[MaskOptions]
    ) -> NDArray[np.bool_] | NDArray[np.float32]: ...

    def mask(
        self,
        name: Names,
        soft: bool = False,
        *,
        edges: bool = True,
        grow: Length = 0,
        shrink: Length = 0,
        feather: Length = 0,
    ) -> NDArray[np.bool_] | NDArray[np.float32]:
        """Return the mask of a class, alias or group, or of several together: `mask("hair")`, `mask(["hair", "hat"])`.

        Args:
            name: The class, alias or group, or a sequence of several.
            soft: Whether to return probabilities in place of True and False.
            edges: Whether a soft mask follows the picture's edges, at most two cells of the network's grid
                away from the network's own edges; else the network's probability is interpolated. Without
                effect on a label map.
            grow: How far the mask's edge moves outwards: pixels, or per cent of the longer side of the
                largest face's box as text, `"2%"`, which is 0 pixels without a face.
            shrink: How far the mask's edge then moves inwards, as `grow`.
            feather: Width over which a soft mask fades, as `grow`: a Gaussian blur with σ half this width.

        Returns:
            H × W bool; with `soft`, float32 probabilities, 0 to 1: for several classes, the sum of their
            probabilities.

        Raises:
            LabelError: no class or group is named, or the scheme has none of that name.
            ConfigError: a length that is not a number or out of range, or `feather` without `soft`.
        """
        ids = self._ids(name)
        margins = Margins(grow, shrink, feather).in_pixels(self.face_side)
        if margins.feather and not soft:
            raise ConfigError("feather makes a soft mask: say soft=True, or feather=0")
        if soft and self.label_map is None:
            image = self.image if edges else None
            return margins.applied(render_probability(self.views, self.size, self._sources(ids), image))
        mask = look_up(members(ids), self.labels)
        return margins.applied(mask.astype(np.float32)) if soft else margins.applied(mask).view(np.bool_)

    def _ids(self, names: Names) -> tuple[int, ...]:
        """Return the labels of one name or of several, ascending."""
        several = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else (names,)
        if not several:
            raise LabelError(f"expected a class, alias or group, or several, such as 'hair'; got {names!r}")
        return tuple(sorted({i for name in several for i in self.scheme.ids(name)}))

    def _sources(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Return the labels of the views that `table` turns into one of `ids`."""
        if self.table is None:
            return tuple(ids)
        classes = self.views[0].classes if self.views else IGNORE
        return tuple(np.flatnonzero(np.isin(self.table[:classes], ids)).tolist())

    def to(self, scheme: str | Scheme) -> Parsing:
        """Convert this parsing, and the faces' own parsings, to another scheme.

        The winning class is chosen in the network's own scheme and then converted; a soft mask adds up the
        probabilities of the classes that become one class. A class that the other scheme ignores becomes 255.
        An eye stays the same eye: if left is the viewer's left in one scheme and the subject's in the other
        (`Scheme.left_means`), left and right classes swap names.

        Raises:
            LabelError: an unknown scheme, or a class without a counterpart by name or in a declared table.
        """
        target = find_scheme(scheme)
        if target == self.scheme:
            return self
        change = conversion(self.scheme, target)
        faces = tuple(replace(f, parsing=f.parsing and f.parsing.to(target)) for f in self.faces)
        if self.label_map is not None:
            labels = look_up(change.table, self.label_map)
            return replace(self, scheme=target, faces=faces, label_map=labels)
        table = change.table if self.table is None else change.table[self.table]
        return replace(self, scheme=target, faces=faces, table=table)

    @property
    def areas(self) -> Mapping[str, float]:
        """Fraction of the picture that each present class covers, 0 to 1, in label order.

        The fractions add up to 1 minus the fraction of ignored pixels (255).
        """
        parts = count(self.labels)[: len(self.scheme)] / self.labels.size
        return {self.scheme.classes[i]: float(parts[i]) for i in np.flatnonzero(parts)}

    @property
    def boxes(self) -> Mapping[str, Box]:
        """Box of each present class, as `box` returns it, in label order."""
        return {name: box for name in self.areas if (box := self.box(name))}

    def box(self, name: Names) -> Box | None:
        """Return the smallest box around a class, alias or group, or around several together.

        The box is x0, y0, x1, y1 in pixels, x1 and y1 excluded; None if no pixel has one of the classes.

        Raises:
            LabelError: no class or group is named, or the scheme has none of that name.
        """
        mask = self.mask(name)
        columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
        if not rows.size:
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def overlay(self, alpha: float = 0.5) -> NDArray[np.uint8]:
        """Return the picture with each class but the background tinted, RGB uint8; see `draw.overlay`."""
        from faceparse.draw.overlay import overlay

        return overlay(self.image, self.labels, self.scheme, alpha)

    def cutout(
        self,
        name: Names,
        soft: bool = True,
        *,
        edges: bool = True,
        grow: Length = 0,
        shrink: Length = 0,
        feather: Length = 0,
    ) -> NDArray[np.uint8]:
        """Cut out a class, alias or group, or several together: RGBA uint8, H × W × 4, transparent elsewhere.

        The soft mask is the opacity, so hair keeps its soft rim; `soft=False` cuts along the labels. Partly
        transparent pixels get the estimated colour of the foreground alone, so that no rim of the old
        background stays; `edges=False` turns this estimate off too. The other arguments are those of `mask`,
        but `feather` also works with `soft=False`.

        Raises:
            LabelError: no class or group is named, or the scheme has none of that name.
            ConfigError: a length that is not a number or out of range.
        """
        mask = self.mask(name, soft, edges=edges, grow=grow, shrink=shrink) * np.float32(255)
        alpha = np.rint(mask, out=mask).astype(np.uint8)
        del mask  # four times as large
        opacity = Margins(feather=feather).in_pixels(self.face_side).applied(alpha)
        out = np.empty((*self.size, 4), np.uint8)
        for rows, strip in cutout_strips(self.image, alpha, opacity, estimate=edges):
            out[rows] = strip
        return out

    def save(self, path: str | Path) -> None:
        """Write one file to an existing folder, completely or not at all; the suffix sets the form.

        `.png`: the labels as a palette PNG, pixel value = label. `.npz`: everything but the picture, for
        `load`. `.json`: faces, areas, boxes, timing (`record`). `faceparse.writers.write` writes the other
        forms.

        Raises:
            OutputError: another suffix, or a path that cannot be written to.
        """
        room("writers").save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, image: NDArray[np.uint8] | None = None) -> Parsing:
        """Read the parsing that `save` wrote to an .npz file, with the same labels, soft masks and faces.

        >>> Parsing.load("photo_parsing.npz", read_picture("photo.jpg")).cutout("hair")  # doctest: +SKIP

        Args:
            path: The .npz file.
            image: The picture, RGB uint8, which the file does not hold; by default a black picture.

        Raises:
            DataError: no such file, another kind of file, or a damaged file.
            ResultError: a picture of another size.
        """
        return cast(Parsing, room("writers").load(Path(path), image))

    def record(self) -> dict[str, object]:
        """Return picture, model, engine, scheme, classes with areas and boxes, faces and timing as JSON values.

        >>> parsing.record()["classes"]["hair"]  # doctest: +SKIP
        {'label': 17, 'pixels': 5120, 'area': 0.019531, 'box': [10, 4, 90, 83]}

        Boxes are x0, y0, x1, y1 and landmarks x, y, in pixels from the picture's upper left corner; areas are
        fractions of the picture, 0 to 1. Classes without pixels and steps without a measured time are left
        out.
        """
        height, width = self.size
        pixels = count(self.labels).tolist()
        classes = {}
        for label, name in enumerate(self.scheme.classes):
            if box := pixels[label] and self.box(name):
                area = round(pixels[label] / self.labels.size, 6)
                classes[name] = {"label": label, "pixels": pixels[label], "area": area, "box": list(box)}
        return {
            "picture": {"file": Path(self.source).name, "width": width, "height": height},
            "model": self.model,
            "engine": self.engine,
            "scheme": {"name": self.scheme.name, "left_means": self.scheme.left_means},
            "classes": classes,
            "ignored_pixels": pixels[IGNORE],
            "faces": [face.record() for face in self.faces],
            "false_faces": [face.record() for face in self.false_faces],
            "looks": self.looks,
            "seconds": {step: round(seconds, 4) for step, seconds in self.seconds.items()},
            **({} if self.threshold is None else {"threshold": self.threshold}),
        }

    def to_pil(self) -> Image.Image:
        """Return the label map as a Pillow image with a palette: pixel value = label, shown in the scheme's colours.

        >>> parsing = Parsing.from_labels(np.zeros((2, 3, 3), np.uint8), np.full((2, 3), 17, np.uint8), "celebamask19")
        >>> image = parsing.to_pil()
        >>> image.mode, image.size, image.getpixel((0, 0))
        ('P', (3, 2), 17)

        Pillow's size is width, height. `image.convert("RGB")` paints the colours; ignored pixels have value 255.
        """
        from PIL import Image

        image = Image.fromarray(self.labels)
        image.putpalette(self.scheme.palette.tobytes())
        return image

    def to_torch(
        self, kind: Literal["labels", "probabilities", "one_hot"] = "labels", *, edges: bool = True
    ) -> torch.Tensor:
        """Return labels, probabilities or a mask of each class as a new tensor on the CPU.

        >>> parsing = Parsing.from_labels(np.zeros((2, 3, 3), np.uint8), np.full((2, 3), 17, np.uint8), "celebamask19")
        >>> parsing.to_torch().shape, parsing.to_torch("one_hot").shape
        (torch.Size([2, 3]), torch.Size([19, 2, 3]))

        Args:
            kind: `labels`: H × W int64, 255 where ignored, as torch's losses take it (`ignore_index=255`);
                `probabilities`: classes × H × W float32, 0 to 1, as `mask(name, soft=True)` gives them;
                `one_hot`: classes × H × W bool, all False where ignored.
            edges: Whether probabilities follow the picture's edges; with `edges=False`, they add up to one.

        Raises:
            ConfigError: another kind.
            MissingExtraError: torch is not installed.
        """
        if kind not in (kinds := ("labels", "probabilities", "one_hot")):
            raise ConfigError(f"to_torch makes {', '.join(kinds)}; got {kind!r}")
        try:
            import torch
        except ModuleNotFoundError:
            raise MissingExtraError("torch", "torch", "Parsing.to_torch") from None
        if kind == "labels":
            return torch.from_numpy(self.labels.astype(np.int64))
        classes = range(len(self.scheme))
        masks = np.stack([self.labels == label for label in classes])
        if kind == "one_hot":
            return torch.from_numpy(masks)
        likely = masks.astype(np.float32)
        if self.label_map is None:
            groups, image = [self._sources((label,)) for label in classes], self.image if edges else None
            for rows, columns, values in render_probabilities(self.views, self.size, groups, image):
                likely[:, rows, columns] = values
        return torch.from_numpy(likely)

    def to_coco(self, classes: Names = (), file: str = "") -> dict[str, Any]:
        """Return a COCO data set of this picture: a mask per class that occurs, in compressed run lengths.

        >>> parsing = Parsing.from_labels(np.zeros((2, 3, 3), np.uint8), np.full((2, 3), 17, np.uint8), "celebamask19")
        >>> parsing.to_coco()["annotations"][0]["segmentation"]
        {'size': [2, 3], 'counts': '06'}

        The keys are `info`, `licenses`, `categories`, `images` and `annotations`, as in the file that `--save rle`
        writes; `pycocotools.mask.decode(annotation["segmentation"])` gives the mask, H × W uint8.

        Args:
            classes: Classes and groups; by default all but the background. A class's category id is its label; groups
                count from 256.
            file: Name of the picture's file, which its id comes from; by default the name in `source`.

        Raises:
            LabelError: the scheme has no such class or group.
        """
        names = (classes,) if isinstance(classes, str) else tuple(classes)
        rle = room("writers").WRITERS["rle"](classes=names)
        return cast(dict[str, Any], rle.record(self, file or Path(self.source).name))

    def to_supervision(self) -> supervision.Detections:
        """Return a detection for each class of each face, for supervision's annotators, filters and metrics.

        >>> parsing = Parsing.from_labels(np.zeros((2, 3, 3), np.uint8), np.full((2, 3), 17, np.uint8), "celebamask19")
        >>> detections = parsing.to_supervision()
        >>> detections.mask.shape, detections.xyxy.tolist(), detections.data["class_name"].tolist()
        ((1, 2, 3), [[0.0, 0.0, 3.0, 2.0]], ['hair'])

        Of several faces, each labelled pixel belongs to the nearest one, by the distance from its box's centre in
        sides of its box: the masks of one class are disjoint, and together the class's mask in the picture.

        Returns:
            N detections, without background and ignored pixels: `xyxy` is the box of the mask, `mask` N × H × W bool,
            `class_id` the label, `confidence` the mean of `Parsing.confidence` in the mask; `data["class_name"]`, and
            `data["face"]`, the index in `faces`, −1 without a face.

        Raises:
            MissingExtraError: supervision is not installed.
        """
        try:
            from supervision import Detections
        except ModuleNotFoundError:
            raise MissingExtraError("supervision", "supervision", "Parsing.to_supervision") from None
        height, width = self.size
        shown = np.array([name != "background" for name in self.scheme.classes])
        several = len(self.faces) > 1
        if several:
            y, x = np.ogrid[0.5:height, 0.5:width]
            owner = nearest_box([face.box for face in self.faces], x, y)
        boxes, masks, labels, faces, likely = [], [], [], [], []
        for face in range(len(self.faces)) if self.faces else (-1,):
            here = np.where(owner == face, self.labels, np.uint8(IGNORE)) if several else self.labels
            for label in np.flatnonzero(count(here)[: len(shown)] * shown).tolist():
                mask = here == label
                columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
                boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
                masks.append(mask)
                labels.append(label)
                faces.append(face)
                likely.append(self.confidence[mask].mean())
        names = [self.scheme.classes[label] for label in labels]
        return Detections(
            xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            mask=np.array(masks, np.bool_).reshape(-1, height, width),
            class_id=np.array(labels, np.int64),
            confidence=np.array(likely, np.float32),
            data={"class_name": np.array(names, np.str_), "face": np.array(faces, np.int64)},
        )

    def _repr_png_(self) -> bytes:
        from PIL import Image

        picture = Image.fromarray(self.overlay())
        picture.thumbnail((DISPLAY_SIDE, DISPLAY_SIDE))
        coded = io.BytesIO()
        picture.save(coded, "PNG", compress_level=1)
        return coded.getvalue()


def check_threshold(threshold: float, scheme: Scheme) -> None:
    """Refuse a threshold that is out of range, or a scheme without exactly two classes.

    Raises:
        ResultError: a scheme without exactly two classes, or a threshold out of range.
    """
    if not 0 <= threshold <= 1:
        raise ResultError(f"a threshold is a probability, 0 to 1, got {threshold}")
    if len(scheme) != 2:
        fault = f"a threshold tells two classes apart, and scheme {scheme.name!r} has {len(scheme)}"
        hint = "take scheme face2 (--scheme face2), or compare mask(name, soft=True) with it"
        raise ResultError(f"{fault}: {hint}")
