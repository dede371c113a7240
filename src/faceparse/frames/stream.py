"""Parse the frames of a video one after another; each frame uses what the frames before it showed.

>>> stream = Stream(faceparse.Parser())  # doctest: +SKIP
>>> for image, time in camera:  # doctest: +SKIP
...     frame = stream(image, time)
...     print([face.id for face in frame.faces])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.faces.looks import is_portrait
from faceparse.faces.turn import Turn
from faceparse.frames.finder import Finder, Step
from faceparse.frames.frame import Frame
from faceparse.frames.kept import KeptLooks
from faceparse.frames.steady import Steady
from faceparse.frames.track import Track
from faceparse.parser import Parser, Prior
from faceparse.pictures import read_picture
from faceparse.results import Face, Parsing

SLACK = 1.1
"""Factor by which a portrait's limits widen once a video is parsed as a portrait."""
LARGER = 1.25
"""Factor by which another face must be larger to take over as the largest."""

Run = Callable[..., "Future[Parsing]"]
"""Calls a function with arguments, here or in another thread: `ThreadPoolExecutor.submit`."""


class Task(NamedTuple):
    """A frame that is being parsed."""

    step: Step
    tracks: Sequence[Track]
    parsing: Future[Parsing]


class Stream:
    """A parser for the frames of one video, in order.

    Faces are detected every few frames and followed in between. Each frame is parsed with these faces, then steadied.
    While a face moves little, the network's looks at its surroundings are used again for a few frames, to save time.

    Args:
        parser: The parser.
        smooth: Weight of the past, 0 to 1; 0 parses each frame by itself, as `Parser.parse` does.

    Raises:
        ConfigError: `smooth` out of range.
    """

    def __init__(self, parser: Parser, smooth: float = 0.5) -> None:
        self.parser = parser
        self._steady = Steady(smooth)
        whole = parser.faces == "whole" and not parser.card.input.warp
        self._finder = Finder(None if whole else parser.detector, self._steady.follower)
        self._kept = KeptLooks()
        self._turn: Turn | None = None
        self._portrait = False
        self._largest: int | None = None
        self._confirmed: set[int] = set()
        self._false: set[int] = set()

    def __call__(self, image: NDArray[np.uint8], time: float) -> Frame:
        """Parse the next frame.

        Args:
            image: The frame, RGB uint8, H × W × 3.
            time: Its time in seconds, greater than that of the frame before.

        Raises:
            ImageError: not an RGB uint8 picture.
            NoFaceError: no face, with the parser's `no_face` `fail` or a model that needs landmarks.
        """
        return self.finish(self.begin(self.find(image, time), _run))

    def find(self, image: NDArray[np.uint8], time: float) -> Step:
        """Find the faces of the next frame, while other threads may parse the frames before."""
        image = read_picture(image)
        if not self._steady.smooth:
            return Step(image, time, Turn(0, image.shape[:2]), False, None)
        return self._finder(image, time)

    def begin(self, step: Step, run: Run) -> Task:
        """Begin to parse the frame of the next step; `run` calls the network, here or in another thread.

        If a face is new, this waits for the network, which decides whether it is one.
        """
        if (frame := step.snapshot) is None:
            return Task(step, (), run(self.parser.parse, step.image))
        if step.turn != self._turn:
            self._kept.clear()
        self._turn = step.turn
        tracks = self._chosen(frame.tracks, step.detected)
        faces = {track: step.turn.face(track.face) for track in tracks}
        size = step.turn.apply(step.image).shape[:2]
        prior = Prior(
            step.turn,
            tuple(faces.values()),
            tuple(face for track, face in faces.items() if track.id not in self._confirmed),
            self._is_portrait(list(faces.values()), size, frame.cut),
            self._kept.logits(faces, frame),
        )
        parsing = run(self.parser.look, step.image, prior)
        if prior.doubted:
            false = {_nearest(face, tracks) for face in parsing.result().false_faces}
            self._false.update(track.id for track in false)
            faces = {track: face for track, face in faces.items() if track not in false}
            self._confirmed.update(track.id for track in faces)
        looks = self.parser.plan(prior._replace(faces=tuple(faces.values())), size).looks if faces else ()
        self._kept.keep(looks, faces, parsing.result)
        return Task(step, tracks, parsing)

    def finish(self, task: Task) -> Frame:
        """Wait for the network, and return the steadied frame; tasks come in the order in which they began."""
        step, parsing = task.step, task.parsing.result()
        if step.snapshot is None:
            return Frame(self._steady(parsing, step.time), step.time)
        shown = [_nearest(face, task.tracks) for face in parsing.faces]
        return Frame(self._steady.average(parsing, shown, step.snapshot), step.time)

    def _chosen(self, tracks: Sequence[Track], detected: bool) -> list[Track]:
        """Return the tracks to parse; those that the network takes for no faces only if `detected`."""
        tracks = [track for track in tracks if detected or track.id not in self._false - self._confirmed]
        if self.parser.faces != "largest" or not tracks:
            return tracks
        largest = max(tracks, key=lambda track: track.face.size)
        before = next((track for track in tracks if track.id == self._largest), largest)
        if largest.face.size <= LARGER * before.face.size:
            largest = before
        self._largest = largest.id
        return [largest]

    def _is_portrait(self, faces: list[Detection], size: tuple[int, int], cut: bool) -> bool | None:
        if not faces:
            self._portrait = False
            return None
        slack = SLACK if self._portrait and not cut else 1.0
        self._portrait = is_portrait(max(faces, key=lambda face: face.size), size, slack)
        return self._portrait


def _run(function: Callable[..., Parsing], *arguments: object) -> Future[Parsing]:
    """Call a function, and return its result as a future."""
    future: Future[Parsing] = Future()
    future.set_result(function(*arguments))
    return future


def _nearest(face: Face, tracks: Sequence[Track]) -> Track:
    return min(tracks, key=lambda track: float(np.abs(track.face.landmarks - face.landmarks).max()))
