"""A model's score on a labelled data set: F1 with intervals, also on degraded pictures and against another model.

>>> from faceparse.data import open_dataset
>>> from faceparse.evaluate import score
>>> result = score("default", open_dataset("folder", "faces", "val"), degrade=["blur4", "dark"])  # doctest: +SKIP
>>> result.report.mean_f1, result.degraded["blur4"].mean_f1  # doctest: +SKIP
(83.7, 66.9)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data import Dataset, Sample
from faceparse.data.landmarks import five_points
from faceparse.errors import ConfigError, DataError, ImageError, NoFaceError
from faceparse.evaluate.degrade import Picture, degradation
from faceparse.evaluate.intervals import DRAWS, Interval, differences, intervals
from faceparse.evaluate.report import Predict, Report, evaluate, mirror_agreement, number
from faceparse.parser import Parser
from faceparse.results.sides import SideCounter
from faceparse.tables import between, convert
from faceparse.weights.merging import scheme_of_results

PROTOCOLS = ("label", "input")
"""Resolutions at which a prediction is compared with the label map.

`label`: logits are resized to the label map's size (FaRL). `input`: the label map is resized to the network's
input size by nearest neighbour (SegFace). Scores of the two protocols are not comparable, nor are scores of
`input` at different input sizes.
"""

Progress = Callable[[str, int, int], None]
"""Function that takes the name of the measurement, the number of pictures done, and the number of all pictures."""


@dataclass(frozen=True)
class Score:
    """The result of `score`.

    Attributes:
        report: Report of the model on the unchanged pictures.
        intervals: Class or `mean` → 95 % interval of its F1; empty without draws.
        degraded: Degradation → report of the model on pictures with this degradation.
        mirrored: Class → F1 between pictures and their mirror images; None without `mirror`.
        against: Report of the other model on the unchanged pictures; None without another model.
        differences: Class or `mean` → how much higher the model's F1 is than the other model's.
        notes: Warnings about unusual predictions, one line each.
    """

    report: Report
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    degraded: Mapping[str, Report] = field(default_factory=dict)
    mirrored: Mapping[str, float] | None = None
    against: Report | None = None
    differences: Mapping[str, Interval] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the score as plain data for JSON; the F1 of a class that does not occur is None."""
        figures = self.report.as_dict()
        figures["interval"] = {k: [number(v.low), number(v.high)] for k, v in self.intervals.items()}
        if self.degraded:
            figures["degraded"] = {name: report.as_dict() for name, report in self.degraded.items()}
        if self.mirrored is not None:
            figures["mirror_agreement"] = dict(self.mirrored)
        if self.against is not None:
            ends = {k: [number(n) for n in (v.value, v.low, v.high)] for k, v in self.differences.items()}
            figures["against"] = {**self.against.as_dict(), "difference": ends}
        return figures


def score(
    model: str | Path | Parser,
    data: Dataset,
    *,
    against: str | Path | Parser | None = None,
    degrade: Sequence[str] = (),
    mirror: bool = False,
    landmarks: str = "detector",
    sides: str = "subject",
    protocol: str = "label",
    draws: int = DRAWS,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Score:
    """Score a model on a labelled data set.

    >>> score("default", dataset, against="mine.onnx").differences["mean"].value  # doctest: +SKIP
    0.4

    Args:
        model: A `Parser`, or a model's id or file, which then parses whole pictures in its own scheme.
        data: A data set, from `open_dataset` for example.
        against: A second model, measured on the same pictures and in the scheme of the first model.
        degrade: Degradations to measure too, such as `blur4`; see `evaluate.degrade`.
        mirror: Whether to compare pictures with their mirror images too.
        landmarks: Source of the landmarks: the `detector` or the `data` set.
        sides: How left and right classes are converted; see `faceparse.labels.conversion`.
        protocol: Size at which labels are compared: the `label` map's or the network's `input` size; see
            `PROTOCOLS`.
        draws: Number of bootstrap draws for the intervals, at most 10,000; 0: no intervals.
        seed: Seed of the degradations' noise.
        workers: Number of pictures worked on at a time, in threads; the score does not depend on it. With several
            workers, a parser with `threads=1` is faster.
        progress: Function that is called after each picture.

    Raises:
        ConfigError: an unknown degradation, protocol or `landmarks`; `draws` or `workers` out of range;
            protocol `input` with a parser that does not parse whole pictures, or with two models of different
            input sizes.
        DataError, ImageError, LabelError, NoFaceError: as `evaluate` and `Parser.parse` say.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"--protocol is {' or '.join(PROTOCOLS)}; got {protocol!r}")
    if landmarks not in ("detector", "data"):
        raise ConfigError(f"--landmarks is detector or data; got {landmarks}")
    convert(Annotated[int, between(0, 10_000)], draws, "draws")  # each draw needs memory for every picture
    convert(Annotated[int, between(1, 1024)], workers, "workers")
    changes = {name: degradation(name, seed) for name in degrade}
    parser = model if isinstance(model, Parser) else Parser(model, faces="whole", scheme=None)
    other = against
    if isinstance(other, str | Path):
        other = Parser(other, faces=parser.faces, no_face=parser.no_face, scheme=parser.scheme)
    if protocol == "input":
        if parser.faces != "whole":
            raise ConfigError(f"--protocol input needs whole pictures: --faces whole, not {parser.faces}")
        if other is not None and other.card.input.size != parser.card.input.size:
            raise ConfigError("--protocol input needs models of the same input size: give --protocol label")
    notes: list[str] = []

    def report(parser: Parser, change: Callable[[Picture], Picture] | None, what: str) -> Report:
        def prepare(sample: Sample) -> Sample:
            image = sample.image if change is None else change(sample.image)
            if protocol == "input":
                return at_input(sample, parser.card.input.resize(image))
            return replace(sample, image=image)

        counter = SideCounter(scheme_of_results(parser.card))
        result = evaluate(
            predictor(parser, landmarks, counter),
            map(prepare, track(data, what, progress)),
            data.scheme,
            parser.scheme,
            sides,
            protocol,
            workers,
        )
        if change is None and counter.note():
            notes.append(f"{parser.card.name}: {counter.note()}")
        return replace(result, model=parser.card.name)

    clean = report(parser, None, parser.card.name)
    rival = None if other is None else report(other, None, other.card.name)
    return Score(
        clean,
        intervals(clean, draws) if draws else {},
        {name: report(parser, change, name) for name, change in changes.items()},
        mirror_agreement(
            predictor(parser, landmarks), track(data, "mirrored", progress), parser.scheme, workers
        )
        if mirror
        else None,
        rival,
        {} if rival is None else differences(clean, rival, draws),
        tuple(notes),
    )


def at_input(sample: Sample, image: NDArray[np.uint8]) -> Sample:
    """Resize a sample's labels and landmarks to the network's input size.

    Args:
        sample: The sample, as the data set gives it.
        image: The sample's picture, resized as the model's card says: RGB uint8 h × w × 3.
    """
    size = image.shape[1::-1]
    labels = cv2.resize(sample.labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    points = sample.landmarks
    if points is not None:
        points = points * np.array(size) / np.array(sample.image.shape[1::-1])
    return Sample(sample.name, image, np.asarray(labels, np.uint8), points)


def track(data: Dataset, what: str, progress: Progress | None) -> Iterator[Sample]:
    """Yield the samples; call `progress` for a sample when the next one is taken."""
    for done, sample in enumerate(data, 1):
        yield sample
        if progress is not None:
            progress(what, done, len(data))


def predictor(parser: Parser, landmarks: str = "detector", counter: SideCounter | None = None) -> Predict:
    """Return a function from a sample to the parser's labels; errors of the function name the sample.

    >>> predictor(Parser(faces="whole"))(dataset[0]).shape  # doctest: +SKIP
    (512, 512)

    Args:
        parser: The parser.
        landmarks: Source of the landmarks, as in `score`.
        counter: Counter of left and right classes to which each parsing is added.
    """

    def predict(sample: Sample) -> NDArray[np.uint8]:
        points = None
        if landmarks == "data":
            if sample.landmarks is None:
                raise DataError(f"{sample.name} has no landmarks: give --landmarks detector")
            points = five_points(sample.landmarks)
        try:
            parsing = parser.parse(sample.image, landmarks=points)
        except (ImageError, NoFaceError) as error:  # the parser's errors do not name the file
            raise type(error)(f"{sample.name}: {error}") from None
        if counter is not None:
            counter.add(parsing.views)
        return parsing.labels

    return predict
