"""Parse pictures: detect faces, look at each, run the network, gather the views into a result.

>>> import faceparse
>>> parser = faceparse.Parser()  # doctest: +SKIP
>>> parser.parse("photo.jpg").mask("hair").mean()  # doctest: +SKIP
0.21
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from faceparse.errors import ConfigError
from faceparse.labels import Scheme, conversion
from faceparse.labels import scheme as find_scheme
from faceparse.results import Face, Parsing, View
from faceparse.runtime.engines import Engine, open_engine
from faceparse.runtime.faces.detector import Detector
from faceparse.runtime.faces.plan import MODES, plan
from faceparse.runtime.faces.yunet import YuNet
from faceparse.runtime.picture import LARGEST, PictureSource, read_picture
from faceparse.runtime.reading import read_logits, scheme_of_results
from faceparse.weights import Card
from faceparse.weights.terms import announce

BATCH = 8
"""Looks a run at most: bounds memory on pictures of crowds."""


class Parser:
    """A model, kept ready for many pictures. Thread-safe.

    Args:
        model: `default`, the id of a model card, or a model file (.onnx, .safetensors), or an `Engine`.
        engine: `auto` (by the file's kind), `onnx` or `torch`.
        device: `cpu`, `cuda`, or another provider of the engine.
        faces: `auto` takes a picture that already is an aligned portrait as a whole, else each face, and the
            whole picture where no face is found; `whole`; `each` face; the `largest` face.
        scheme: Scheme of the results, by name or as a `Scheme`; None for the model's own.
        card: Card id or TOML file of a model file that carries none.
        threads: Threads of one network run; the engine's choice when None.
        detector: Another face detector.
        max_pixels: Width times height of the largest picture to decode; see `read_picture`.

    Raises:
        WeightsError: unknown model, or a file that is not a model.
        EngineError: unknown engine or device, or one that is not installed.
        LabelError: unknown scheme, or one that the model's does not convert to.
        ConfigError: unknown `faces`.
    """

    def __init__(
        self,
        model: str | Path | Engine = "default",
        *,
        engine: str = "auto",
        device: str = "cpu",
        faces: str = "auto",
        scheme: str | Scheme | None = "celebamask19",
        card: str | None = None,
        threads: int | None = None,
        detector: Detector | None = None,
        max_pixels: int = LARGEST,
    ) -> None:
        if faces not in MODES:
            raise ConfigError(f"faces is {', '.join(MODES)}; got {faces!r}")
        wanted = None if scheme is None else find_scheme(scheme)
        self._engine = (
            open_engine(model, engine=engine, device=device, card=card, threads=threads)
            if isinstance(model, str | Path)
            else model
        )
        announce(self.card)
        own = scheme_of_results(self.card)
        if wanted is not None:
            conversion(own, wanted)
        self.scheme = wanted or own
        self._faces = faces
        self._detector = detector or YuNet()
        self._max_pixels = max_pixels

    @property
    def card(self) -> Card:
        """The model's card."""
        return self._engine.card

    def parse(self, picture: PictureSource) -> Parsing:
        """Parse one picture: path, encoded bytes, binary stream, Pillow image or RGB uint8 array.

        Raises:
            ImageError: not a picture.
            NoFaceError: no face found, with `faces` `each` or `largest`, or a model that needs landmarks.
        """
        image = read_picture(picture, max_pixels=self._max_pixels)
        size = image.shape[:2]
        warp = self.card.input.size if self.card.input.warp else None
        detections = self._detector.detect(image) if self._faces != "whole" or warp else ()
        planned = plan(detections, size, self._faces, warp)
        own = scheme_of_results(self.card)
        views: list[View] = []
        for start in range(0, len(planned.looks), BATCH):
            looks = planned.looks[start : start + BATCH]
            inputs = [self.card.input.normalise(look.crop(image, self.card.input)) for look in looks]
            logits = read_logits(self._engine.run({"image": np.concatenate(inputs)})["logits"], self.card)
            views += [look.view(one, self.card, size) for look, one in zip(looks, logits, strict=True)]
        faces = []
        for index, found in enumerate(planned.faces):
            of_face = [v for v, look in zip(views, planned.looks, strict=True) if look.face == index]
            part = Parsing(image, tuple(of_face or views), own)
            faces.append(Face(found.box, found.score, found.landmarks, part))
        return Parsing(image, tuple(views), own, tuple(faces)).to(self.scheme)

    def map(self, pictures: Iterable[PictureSource], *, workers: int | None = None) -> Iterator[Parsing]:
        """Parse many pictures in order, several at a time; reads ahead by no more than `workers`.

        A picture that fails raises its error at its place in the order.
        """
        count = workers or os.cpu_count() or 1
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


@lru_cache(maxsize=2)
def _parser(model: str, faces: str, scheme: str | None) -> Parser:
    return Parser(model, faces=faces, scheme=scheme)


def parse(
    picture: PictureSource,
    *,
    model: str = "default",
    faces: str = "auto",
    scheme: str | None = "celebamask19",
) -> Parsing:
    """Parse one picture with a model that stays loaded; see `Parser` for the arguments.

    >>> import faceparse
    >>> faceparse.parse("photo.jpg").mask("hair")  # doctest: +SKIP

    Returns:
        A `Parsing`: label map, masks, faces, overlay.
    """
    return _parser(model, faces, scheme).parse(picture)
