"""Parse pictures: detect faces, look at each, run the network, gather the views into a result.

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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.engines import Engine, open_engine
from faceparse.engines.batching import Batched
from faceparse.errors import (
    ConfigError,
    EngineError,
    LabelError,
    NoFaceError,
    ResultError,
    WeightsError,
    display_name,
)
from faceparse.faces.detector import Detection, Detector
from faceparse.faces.looks import MODES, Look, Plan, plan
from faceparse.faces.yunet import YuNet
from faceparse.labels import Scheme, conversion
from faceparse.labels import scheme as find_scheme
from faceparse.pictures.reader import LARGEST, PictureSource, read_picture
from faceparse.results import Face, Parsing, View
from faceparse.results.parsing import check_threshold
from faceparse.weights import Card
from faceparse.weights.hashing import sha256
from faceparse.weights.merging import read_logits, scheme_of_results
from faceparse.weights.modelfile import find_model
from faceparse.weights.terms import announce

AUTO, USUAL = "auto", "celebamask19"
"""The scheme of results where none is named: the usual one, if the model's classes convert to it."""

BATCH = 8
"""Looks in a run of the network on a device that is not the CPU, where not asked for otherwise."""


class Parser:
    """A model, kept ready for many pictures. Thread-safe.

    Args:
        model: `default`, the id of a model card, or a model file (.onnx, .safetensors), or an `Engine`.
        engine: `auto` (by the file's kind), `onnx` or `torch`.
        device: `cpu`, `cuda`, or another provider of the engine.
        faces: `auto` takes a picture that already is an aligned portrait as a whole, else each face, and the
            whole picture where no face is found; `whole`; `each` face; the `largest` face.
        scheme: Scheme of the results, by name or as a `Scheme`; None for the model's own; `auto` for
            `celebamask19` where the model's classes convert to it, else its own.
        threshold: For results of two classes: how likely the second must be, 0 to 1, see `Parsing.thresholded`.
        card: Card id or TOML file of a model file that carries none.
        threads: Threads of one network run; the engine's choice when None.
        batch: Looks in a run of the network at most, of one picture or of several that are parsed at a time;
            None for 1 on the CPU, where more gain nothing, and 8 elsewhere. Results do not depend on it,
            but for a GPU's rounding.
        detector: Another face detector.
        max_pixels: Width times height of the largest picture to decode; None for 201,326,592, the default of `read_picture`.

    Raises:
        WeightsError: unknown model, or a file that is not a model.
        EngineError: unknown engine or device, or one that is not installed.
        LabelError: unknown scheme, or one that the model's does not convert to.
        ConfigError: unknown `faces`; `batch`, `threads` or `max_pixels` below 1; a threshold out of range or for
            more than two classes.
    """

    def __init__(
        self,
        model: str | Path | Engine = "default",
        *,
        engine: str = "auto",
        device: str = "cpu",
        faces: str = "auto",
        scheme: str | Scheme | None = AUTO,
        threshold: float | None = None,
        card: str | None = None,
        threads: int | None = None,
        batch: int | None = None,
        detector: Detector | None = None,
        max_pixels: int | None = None,
    ) -> None:
        if faces not in MODES:
            raise ConfigError(f"faces is {', '.join(MODES)}; got {faces!r}")
        if not isinstance(model, str | Path | Engine):
            raise WeightsError(f"a model is an id, a model file or an Engine; got {model!r}")
        if not isinstance(device, str):
            raise EngineError(f"a device is a name, such as 'cpu' or 'cuda:1'; got {device!r}")
        for name, number in (("batch", batch), ("threads", threads), ("max_pixels", max_pixels)):
            if number is not None and (not isinstance(number, int) or number < 1):
                raise ConfigError(f"{name} is a whole number, 1 or more; got {number!r}")
        target = None if scheme in (None, AUTO) else find_scheme(scheme)
        self._model, self._card_name = model, card
        runner = (
            open_engine(model, engine=engine, device=device, card=card, threads=threads)
            if isinstance(model, str | Path)
            else model
        )
        self.batch = batch or (1 if device.partition(":")[0] == "cpu" else BATCH)
        self._engine = runner if self.batch == 1 else Batched(runner, self.batch)
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
        self._detector = detector or YuNet()
        self._max_pixels = LARGEST if max_pixels is None else max_pixels

    @property
    def card(self) -> Card:
        """The model's card."""
        return self._engine.card

    @property
    def workers(self) -> int:
        """Pictures to work on at a time: one for each core, and enough to fill the batches of a GPU."""
        cores = os.cpu_count() or 1
        return cores if self.batch == 1 else max(cores, 2 * self.batch)

    @property
    def identity(self) -> dict[str, str]:
        """What results depend on besides the picture: model, options, version; for rerunning what changed.

        >>> parser.identity["model"]  # doctest: +SKIP
        'default'

        The device and the engine are not in it: they change rounding alone.
        """
        from faceparse.version import __version__

        identity = {"version": __version__, "model": self.card.id, "scheme": self.scheme.name}
        identity["faces"] = self.faces
        if self._threshold is not None:
            identity["threshold"] = str(self._threshold)
        scheme = self.card.label_scheme, self.scheme  # a user's own may change under the same name
        identity["labels"] = hashlib.sha256(repr(scheme).encode()).hexdigest()
        identity["card"] = hashlib.sha256(self.card.to_json().encode()).hexdigest()
        if isinstance(self._model, str | Path):
            identity["sha256"] = sha256(find_model(self._model, self._card_name).path)
        return identity

    def parse(self, picture: PictureSource, *, landmarks: NDArray[np.float64] | None = None) -> Parsing:
        """Parse one picture: path, encoded bytes, binary stream, Pillow image or RGB uint8 array.

        Args:
            picture: The picture.
            landmarks: Five points of its one face, 5 × 2, in the order of `Detection.landmarks`, where they are
                known: the detector is not asked.

        Raises:
            ImageError: not a picture, or not five finite landmarks.
            NoFaceError: no face found, with `faces` `each` or `largest`, or a model that needs landmarks.
        """
        source = os.fspath(picture) if isinstance(picture, str | os.PathLike) else ""
        seconds: dict[str, float] = {}
        with _timed(seconds, "read"):
            image = read_picture(picture, max_pixels=self._max_pixels)
        with _timed(seconds, "detect"):
            try:
                chosen = self._plan(image, landmarks)
            except NoFaceError as error:
                raise NoFaceError(f"{display_name(source)}: {error}" if source else str(error)) from None
        looks = chosen.looks
        views = self._views(image, looks, seconds)
        result = partial(
            Parsing,
            image,
            scheme=scheme_of_results(self.card),
            model=self.card.id,
            engine=self._engine.description,
        )
        faces = []
        for index, detection in enumerate(chosen.faces):
            of_face = tuple(v for v, look in zip(views, looks, strict=True) if look.face == index)
            part = result(views=of_face or views)
            faces.append(Face(detection.box, detection.score, detection.landmarks, part))
        parsing = result(views=views, faces=tuple(faces), seconds=seconds, source=source).to(self.scheme)
        return parsing if self._threshold is None else parsing.thresholded(self._threshold)

    def _plan(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64] | None) -> Plan:
        """The faces of a picture, and the looks at it."""
        warp = self.card.input.size if self.card.input.warp else None
        detections: tuple[Detection, ...] = ()
        if landmarks is not None:
            detections = (Detection.from_landmarks(landmarks),)
        elif self.faces != "whole" or warp:
            detections = self._detector.detect(image)
        return plan(detections, image.shape[:2], self.faces, warp)

    def _views(
        self, image: NDArray[np.uint8], looks: Sequence[Look], seconds: dict[str, float]
    ) -> tuple[View, ...]:
        """What the network says, look by look; crops of one run at a time are in memory."""
        views: list[View] = []
        for start in range(0, len(looks), self.batch):
            some = looks[start : start + self.batch]
            with _timed(seconds, "crop"):
                inputs = [self.card.input.normalise(look.crop(image, self.card.input)) for look in some]
                together = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
            with _timed(seconds, "network"):
                logits = read_logits(self._engine.run({"image": together})["logits"], self.card)
            size = image.shape[:2]
            views += [look.view(one, self.card, size) for look, one in zip(some, logits, strict=True)]
        return tuple(views)

    def map(self, pictures: Iterable[PictureSource], *, workers: int | None = None) -> Iterator[Parsing]:
        """Parse many pictures in order, several at a time; reads ahead by no more than `workers`.

        A picture that fails raises its error at its place in the order.

        Raises:
            ConfigError: one path in place of several pictures, or `workers` below 1.
        """
        if isinstance(pictures, str | bytes | os.PathLike):
            raise ConfigError(f"map takes several pictures, parse one; got {pictures!r:.100}")
        if workers is not None and workers < 1:
            raise ConfigError(f"workers is 1 or more, got {workers}")
        return self._mapped(pictures, workers or self.workers)

    def _mapped(self, pictures: Iterable[PictureSource], count: int) -> Iterator[Parsing]:
        with ThreadPoolExecutor(count) as pool:
            waiting: deque[Future[Parsing]] = deque()
            try:
                for picture in pictures:
                    waiting.append(pool.submit(self._ready, picture))
                    if len(waiting) > count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _ready(self, picture: PictureSource) -> Parsing:
        parsing = self.parse(picture)
        _ = parsing.labels  # rendered in the worker, not when the caller asks
        return parsing


def _usual(native: Scheme) -> Scheme:
    """`celebamask19` where that scheme converts to it, else that scheme."""
    usual = find_scheme(USUAL)
    try:
        conversion(native, usual)
    except LabelError:
        return native
    return usual


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Add the time that the block takes."""
    began = time.perf_counter()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - began


@lru_cache(maxsize=2)
def _parser(model: str, faces: str, scheme: str | None) -> Parser:
    return Parser(model, faces=faces, scheme=scheme)


def parse(
    picture: PictureSource,
    *,
    model: str = "default",
    faces: str = "auto",
    scheme: str | None = AUTO,
) -> Parsing:
    """Parse one picture with a model that stays loaded; see `Parser` for the arguments.

    >>> import faceparse
    >>> faceparse.parse("photo.jpg").mask("hair")  # doctest: +SKIP

    Returns:
        A `Parsing`: label map, masks, faces, overlay.
    """
    return _parser(model, faces, scheme).parse(picture)
