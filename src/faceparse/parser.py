"""The parser: it detects faces, runs the network on parts of the picture, and combines the logits into a `Parsing`.

>>> import faceparse
>>> parser = faceparse.Parser()  # doctest: +SKIP
>>> parser.parse("photo.jpg").mask("hair").mean()  # doctest: +SKIP
0.21
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from faceparse.engines import Engine, open_engine
from faceparse.engines.batching import Batched
from faceparse.errors import (
    ConfigError,
    EngineError,
    ImageError,
    LabelError,
    NoFaceError,
    ResultError,
    WeightsError,
    display_name,
)
from faceparse.faces.detector import Detection, Detector
from faceparse.faces.looks import MODES, Look, Plan, plan
from faceparse.faces.trust import assess
from faceparse.faces.turn import Turn, detect_upright
from faceparse.faces.yunet import YuNet
from faceparse.labels import Scheme, conversion
from faceparse.labels import scheme as find_scheme
from faceparse.pictures.reader import LARGEST, PictureSource, read_picture
from faceparse.results import Face, Parsing, View
from faceparse.results.parsing import check_threshold
from faceparse.tables import at_least, between, convert
from faceparse.weights import Card
from faceparse.weights.hashing import sha256
from faceparse.weights.inputsize import InputSize
from faceparse.weights.merging import read_logits, scheme_of_results
from faceparse.weights.modelfile import find_model
from faceparse.weights.onnxfile import external_files
from faceparse.weights.terms import announce

T = TypeVar("T")
R = TypeVar("R")

AUTO, USUAL = "auto", "celebamask19"
"""The default scheme of results, `auto`, means `celebamask19` if the model's classes convert to it."""

NO_FACE = ("whole", "background", "fail")
"""Ways to handle a picture without a face, values of `Parser.no_face`."""

Pictures = list[Any] | tuple[Any, ...]
"""Several pictures, each a `PictureSource`."""

BATCH = 8
"""Default number of looks in a run of the network on other devices than the CPU."""


class Prior(NamedTuple):
    """What is known of a picture before the network looks at it.

    Attributes:
        turn: The turn in which the network gets the picture.
        faces: Its faces, in points of the turned picture.
        doubted: Those of `faces` that count only if the network confirms them.
        portrait: Whether the picture is a portrait of its largest face; None: judged by its framing.
        logits: (face or None, layer) of a look → function that returns the logits that stand in for a run of the
            network; in a video, those of an earlier frame, on which the network may still run.
    """

    turn: Turn
    faces: tuple[Detection, ...]
    doubted: tuple[Detection, ...] = ()
    portrait: bool | None = None
    logits: Mapping[tuple[Detection | None, int], Callable[[], NDArray[np.float32]]] = MappingProxyType({})


class Scene(NamedTuple):
    """The network's output for one picture.

    Attributes:
        turn: The turn in which the network got the picture.
        views: Look → view with the network's logits.
        faces: Detected faces with their `Face.trust`.
        false_faces: Detections that the network does not confirm as faces, with their trust.
        looks: Number of parts of the picture on which the network ran.
    """

    turn: Turn
    views: dict[Look, View]
    faces: list[tuple[Detection, float]]
    false_faces: list[tuple[Detection, float]]
    looks: int


class Parser:
    """A thread-safe parser of pictures, which keeps a model loaded.

    Args:
        model: `default`, the id of a model card, a model file (.onnx, .safetensors), or an `Engine`.
        engine: `auto` (by the file's kind), `onnx` or `torch`.
        device: `auto`: CUDA if present, else Apple's GPU, else the CPU; `cpu`, `cuda`, or another device of
            the engine. `Parsing.engine` names the device.
        faces: `auto`: a face that fills the picture as an aligned portrait is parsed in the whole picture,
            every other face in crops around it; `whole`: the whole picture is parsed without detecting faces;
            `each`: every face is parsed in crops around it; `largest`: only the largest face.
        no_face: What to do with a picture without a face. `whole`: parse the whole picture (hair, hats, necks
            and clothes; a face only where skin, an eye and a mouth are present); `background`: label all
            pixels background; `fail`: raise a `NoFaceError`. None: `fail` with `each` and `largest`, else
            `whole`. A detection counts only if the network confirms the face.
        scheme: Scheme of the results, by name or as a `Scheme`; None for the model's own scheme; `auto` for
            `celebamask19` if the model's classes convert to it, else the model's own.
        threshold: For results of two classes: the least probability of the second class, 0 to 1; see
            `Parsing.thresholded`.
        card: Card id or TOML file, for a model file without a card.
        threads: Number of threads of one network run; None: the engine chooses.
        batch: Maximal number of looks in one run of the network, from one picture or from several that are
            parsed at the same time. None: 1 on the CPU, where batches gain nothing, and 8 elsewhere. Results
            do not depend on `batch`, except for a GPU's rounding.
        detector: Face detector in place of YuNet.
        max_pixels: Largest width × height of a picture; None for 201,326,592, the default of `read_picture`.
        input_size: Input size of the network in place of the card's: one side for every look; or, with
            `faces` `whole`, `HxW`, or `native` for each picture's own size up to 1,048,576 pixels.

    Raises:
        WeightsError: an unknown model, or a file that is not a model.
        EngineError: an unknown engine or device, or one that is not installed; `threads` below 1 or above
            1024.
        LabelError: an unknown scheme, or a scheme to which the model's scheme does not convert.
        ConfigError: an unknown `faces` or `no_face`; `batch` or `max_pixels` below 1; a threshold out of
            range or for a scheme without exactly two classes.
    """

    def __init__(
        self,
        model: str | Path | Engine = "default",
        *,
        engine: str = "auto",
        device: str = "auto",
        faces: str = "auto",
        no_face: str | None = None,
        scheme: str | Scheme | None = AUTO,
        threshold: float | None = None,
        card: str | None = None,
        threads: int | None = None,
        batch: int | None = None,
        detector: Detector | None = None,
        max_pixels: int | None = None,
        input_size: int | str | None = None,
    ) -> None:
        if faces not in MODES:
            raise ConfigError(f"faces is {', '.join(MODES)}; got {faces!r}")
        if no_face not in (None, *NO_FACE):
            raise ConfigError(f"no_face is {', '.join(NO_FACE)}; got {no_face!r}")
        if not isinstance(model, str | Path | Engine):
            raise WeightsError(f"a model is an id, a model file or an Engine; got {model!r}")
        convert(str, device, "device", error=EngineError)
        for name, number in (("batch", batch), ("max_pixels", max_pixels)):
            convert(Annotated[int, at_least(1)] | None, number, name)
        convert(float | None, threshold, "threshold")
        target = None if scheme in (None, AUTO) else find_scheme(scheme)
        self._model, self._card_name = model, card
        runner = (
            open_engine(model, engine=engine, device=device, card=card, threads=threads)
            if isinstance(model, str | Path)
            else model
        )
        computes_on = runner.description.split()[1:2]
        self.batch = batch or (1 if computes_on in ([], ["cpu"]) else BATCH)
        self._engine = (
            runner if self.batch == 1 or isinstance(runner, Batched) else Batched(runner, self.batch)
        )
        self._input_size = None if input_size is None else InputSize.of(input_size)
        if self._input_size is not None:
            self._input_size.check(runner.card, faces, getattr(runner, "fixed_size", None))
        announce(self.card)
        native = scheme_of_results(self.card)
        if target is not None:
            conversion(native, target)
        self.scheme = target or (_usual(native) if scheme == AUTO else native)
        if threshold is not None:
            try:
                check_threshold(threshold, self.scheme)
            except ResultError as error:
                raise ConfigError(str(error)) from None
        self._threshold = threshold
        self.faces = faces
        self.no_face = no_face or ("fail" if faces in ("each", "largest") else "whole")
        self.detector = detector or YuNet()
        self._max_pixels = LARGEST if max_pixels is None else max_pixels

    @property
    def card(self) -> Card:
        """The model's card, with the input size that was asked for."""
        return self._card_for(self._engine.card.input.size)

    def _card_for(self, picture_size: tuple[int, ...]) -> Card:
        card = self._engine.card
        return card if self._input_size is None else self._input_size.sized(card, picture_size)

    @property
    def workers(self) -> int:
        """Default number of pictures parsed at the same time: one per core, and enough to fill the batches of a GPU."""
        cores = os.cpu_count() or 1
        return cores if self.batch == 1 else max(cores, 2 * self.batch)

    @property
    def identity(self) -> dict[str, str]:
        """Model, options and version on which results depend, to decide whether a picture must be parsed again.

        >>> parser.identity["model"]  # doctest: +SKIP
        'default'

        Device and engine are left out, because they change only the rounding.
        """
        from faceparse.version import __version__

        identity = {"version": __version__, "model": self.card.id, "scheme": self.scheme.name}
        identity |= {"faces": self.faces, "no_face": self.no_face}
        if self._input_size is not None:
            identity["input_size"] = str(self._input_size)
        if self._threshold is not None:
            identity["threshold"] = str(self._threshold)
        scheme = self.card.label_scheme, self.scheme  # a user's scheme may change under the same name
        identity["labels"] = hashlib.sha256(repr(scheme).encode()).hexdigest()
        identity["card"] = hashlib.sha256(self.card.to_json().encode()).hexdigest()
        if isinstance(self._model, str | Path):
            path = find_model(self._model, self._card_name).path
            parts = external_files(path) if path.suffix.lower() == ".onnx" else ()
            identity["sha256"] = " ".join(map(sha256, (path, *parts)))
        return identity

    @overload
    def parse(self, picture: PictureSource, *, landmarks: NDArray[np.float64] | None = None) -> Parsing: ...

    @overload
    def parse(self, picture: Pictures) -> list[Parsing]: ...

    def parse(
        self,
        picture: PictureSource | Pictures,
        *,
        landmarks: NDArray[np.float64] | None = None,
    ) -> Parsing | list[Parsing]:
        """Parse a picture: path, encoded bytes, binary stream, Pillow image, RGB uint8 array or tensor.

        Args:
            picture: The picture, or a list of pictures, which returns a list of parsings; `map` keeps fewer
                in memory.
            landmarks: Five points of the only face, 5 × 2, in the order of `Detection.landmarks`; None: the
                detector detects faces.

        Raises:
            ImageError: not a picture, or landmarks that are not five finite points in the picture.
            NoFaceError: no face, with `no_face` `fail` or a model that needs landmarks.
        """
        if isinstance(picture, list | tuple) and landmarks is None:
            return list(self.map(picture))
        return self._parse(cast(PictureSource, picture), landmarks)

    def _parse(self, picture: PictureSource, landmarks: NDArray[np.float64] | None = None) -> Parsing:
        """Parse one picture; see `parse`."""
        source = os.fspath(picture) if isinstance(picture, str | os.PathLike) else ""
        seconds: dict[str, float] = {}
        with _timed(seconds, "read"):
            image = read_picture(picture, max_pixels=self._max_pixels)
        with _timed(seconds, "detect"):
            prior = self.detect(image, landmarks)
        try:
            return self.look(image, prior, source, seconds)
        except NoFaceError as error:
            raise NoFaceError(f"{display_name(source)}: {error}" if source else str(error)) from None

    def look(
        self,
        image: NDArray[np.uint8],
        prior: Prior,
        source: str = "",
        seconds: dict[str, float] | None = None,
    ) -> Parsing:
        """Parse an RGB picture whose faces are known; `seconds` has the steps already measured.

        Raises:
            NoFaceError: no face, with `no_face` `fail` or a model that needs landmarks.
        """
        seconds = {} if seconds is None else seconds
        scene = self._look(image, prior, seconds)
        result = partial(
            Parsing,
            image,
            scheme=scheme_of_results(self.card),
            model=self.card.id,
            engine=self._engine.description,
        )
        views = {look: scene.turn.view_back(view) for look, view in scene.views.items()}
        faces = []
        for detection, trust in scene.faces:
            of_face = tuple(view for look, view in views.items() if look.face is detection)
            face = _face(scene.turn.face_back(detection), trust)
            part = result(views=of_face or tuple(views.values()), faces=(face,))
            faces.append(replace(face, parsing=part))
        parsing = result(
            views=tuple(views.values()),
            faces=tuple(faces),
            false_faces=tuple(
                _face(prior.turn.face_back(detection), trust) for detection, trust in scene.false_faces
            ),
            looks=scene.looks,
            seconds=seconds,
            source=source,
        ).to(self.scheme)
        return parsing if self._threshold is None else parsing.thresholded(self._threshold)

    def detect(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64] | None = None) -> Prior:
        """Detect the faces of an RGB picture, or take the landmarks of its only face."""
        if landmarks is not None:
            face = Detection.from_landmarks(landmarks)
            if min(*face.box[2:], *np.subtract(image.shape[1::-1], face.box[:2])) <= 0:
                raise ImageError("the landmarks lie outside the picture: they are x and y in its pixels")
            turn = Turn.of(face, image.shape[:2])
            return Prior(turn, (turn.face(face),))
        if self.faces == "whole" and not self.card.input.warp:
            return Prior(Turn(0, image.shape[:2]), ())
        turn, faces = detect_upright(self.detector, image)
        return Prior(turn, faces, doubted=faces)

    def plan(self, prior: Prior, size: tuple[int, int]) -> Plan:
        """Return the looks at a picture whose faces are known; `size` is the turned picture's height and width."""
        card = self.card
        return plan(
            prior.faces, size, self.faces, card.input.size if card.input.warp else None, prior.portrait
        )

    def _look(self, image: NDArray[np.uint8], prior: Prior, seconds: dict[str, float]) -> Scene:
        """Run the network on a picture; drop doubted faces that it does not confirm, and look again."""
        scheme, looks = scheme_of_results(self.card), 0
        turn, detections = prior.turn, prior.faces
        false_faces: list[tuple[Detection, float]] = []
        logits: dict[object, NDArray[np.float32]] = {}
        while True:
            picture = turn.apply(image)
            chosen = self.plan(prior._replace(faces=detections), picture.shape[:2])
            if not chosen.faces and (self.card.input.warp or self.faces != "whole"):
                chosen = self._without_a_face(chosen, picture.shape[:2], len(false_faces))
            card = self._card_for(picture.shape[:2])
            kept = {
                look.part: prior.logits[look.face, look.layer]
                for look in chosen.looks
                if (look.face, look.layer) in prior.logits
            }
            new = [look for look in chosen.looks if look.part not in logits.keys() | kept.keys()]
            answers = self._logits(picture, card, new, seconds)
            logits.update(zip([look.part for look in new], answers, strict=True))
            for part in kept.keys() - logits.keys():
                logits[part] = kept[part]()
            looks += len(new)
            views = {
                look: (look.plain if look.part in kept else look).view(
                    logits[look.part], card, picture.shape[:2], chosen.faces
                )
                for look in chosen.looks
            }
            evidence = [
                (face, *assess(views[chosen.closest(face)], face.landmarks, scheme)) for face in chosen.faces
            ]
            false = [(face, trust) for face, trust, real in evidence if face in prior.doubted and not real]
            if not false:
                return Scene(turn, views, [(face, trust) for face, trust, _ in evidence], false_faces, looks)
            false_faces += false
            detections = tuple(face for face in detections if all(face is not other for other, _ in false))
            if not detections and turn.quarters:
                turn, logits, prior = Turn(0, image.shape[:2]), {}, prior._replace(logits={})

    def _without_a_face(self, whole: Plan, size: tuple[int, int], false_faces: int) -> Plan:
        """Return the looks at a picture without a face, as `no_face` says."""
        if self.no_face == "background":
            return Plan((), ())
        if self.no_face == "whole" and whole.looks:
            return whole
        detected = f" ({false_faces} detected, in which the network sees none)" if false_faces else ""
        mend = (
            "choose no_face 'whole' or 'background' (--no-face) to go on without one"
            if whole.looks
            else "this model warps pictures by a face's landmarks: choose a model that takes whole pictures"
        )
        raise NoFaceError(f"no face found in a picture of {size[1]}×{size[0]} pixels{detected}: {mend}")

    def _logits(
        self, image: NDArray[np.uint8], card: Card, looks: Sequence[Look], seconds: dict[str, float]
    ) -> list[NDArray[np.float32]]:
        """Run the network, and return the logits of each look; only the crops of one run are in memory."""
        logits: list[NDArray[np.float32]] = []
        for start in range(0, len(looks), self.batch):
            some = looks[start : start + self.batch]
            with _timed(seconds, "crop"):
                inputs = [card.input.normalise(look.crop(image, card.input)) for look in some]
                together = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
            with _timed(seconds, "network"):
                logits += list(read_logits(self._engine.run({"image": together})["logits"], card))
        return logits

    def map(self, pictures: Iterable[PictureSource], *, workers: int | None = None) -> Iterator[Parsing]:
        """Yield the parsings of many pictures in order; at most `workers` pictures are parsed ahead.

        A picture that fails raises an error when its parsing is due.

        Raises:
            ConfigError: one path in place of several pictures, or `workers` not from 1 to 1024.
        """
        if isinstance(pictures, str | bytes | os.PathLike):
            raise ConfigError(f"map takes a list of pictures; parse takes one; got {pictures!r:.100}")
        convert(Annotated[int, between(1, 1024)] | None, workers, "workers")
        return in_order(self._ready, pictures, workers or self.workers)

    def _ready(self, picture: PictureSource) -> Parsing:
        parsing = self._parse(picture)
        _ = parsing.labels  # render in the worker, not later in the caller
        return parsing


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Yield `work(item)` for each item, in order, computed in `workers` threads; one worker is the caller's thread.

    The items are always taken in the caller's thread.

    >>> list(in_order(abs, [-1, 2], workers=2))
    [1, 2]
    """
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _usual(native: Scheme) -> Scheme:
    """Return `celebamask19` if the scheme `native` converts to it, else `native`."""
    usual = find_scheme(USUAL)
    try:
        conversion(native, usual)
    except LabelError:
        return native
    return usual


def _face(detection: Detection, trust: float) -> Face:
    return Face(detection.box, detection.score, detection.landmarks, trust=trust)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Add the duration of the block to `seconds[step]`."""
    began = time.perf_counter()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - began


@lru_cache(maxsize=2)
def _parser(model: str, **options: Any) -> Parser:
    return Parser(model, **options)


class _Options(TypedDict, total=False):
    model: str
    device: str
    faces: str
    no_face: str | None
    scheme: str | None
    input_size: int | str | None


@overload
def parse(picture: PictureSource, **options: Unpack[_Options]) -> Parsing: ...


@overload
def parse(picture: Pictures, **options: Unpack[_Options]) -> list[Parsing]: ...


def parse(
    picture: PictureSource | Pictures,
    *,
    model: str = "default",
    device: str = "auto",
    faces: str = "auto",
    no_face: str | None = None,
    scheme: str | None = AUTO,
    input_size: int | str | None = None,
) -> Parsing | list[Parsing]:
    """Parse a picture or a list of pictures with a model that stays loaded; see `Parser` for the arguments.

    >>> import faceparse
    >>> faceparse.parse("photo.jpg").mask("hair")  # doctest: +SKIP

    Returns:
        A `Parsing` with label map, masks, faces and overlay; for a list of pictures, a list of parsings.
    """
    return _parser(
        model, device=device, faces=faces, no_face=no_face, scheme=scheme, input_size=input_size
    ).parse(picture)
