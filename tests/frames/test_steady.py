"""Parsings made steady, and streams of frames."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse import Parser, Parsing
from faceparse.errors import ConfigError, NoFaceError
from faceparse.frames import Frame, Steady, video
from faceparse.frames.motion import flow
from faceparse.frames.steady import fill_background
from faceparse.frames.stream import Stream
from faceparse.labels import scheme as find_scheme
from faceparse.results import View

Image = NDArray[np.uint8]
TO_GRID = np.array([[1 / 4, 0, -0.5], [0, 1 / 4, -0.5]])


@lru_cache
def default() -> Parser:
    """The default model."""
    return Parser()


def small(collins: Image, side: int = 256) -> Image:
    """The portrait in fewer pixels."""
    return np.asarray(cv2.resize(collins, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def noisy(image: Image, seed: int, sigma: float = 10) -> Image:
    """A picture with sensor noise."""
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def shifted(image: Image, x: float, y: float = 0) -> Image:
    """A picture moved by pixels, mirrored beyond its border."""
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return np.asarray(
        cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def parsing(image: Image, logits: NDArray[np.floating]) -> Parsing:
    """A parsing of one view without a face."""
    return Parsing(image, (View(logits.astype(np.float32), TO_GRID),), find_scheme("celebamask19"))


def logits_of(labels: NDArray[np.integer], margin: float) -> NDArray[np.float64]:
    return np.asarray(margin * np.eye(19)[labels].transpose(2, 0, 1), np.float64)


def run(stream: Stream, images: list[Image]) -> Iterator[Frame]:
    for i, image in enumerate(images):
        yield stream(image, i / 25)


def changes(labels: list[NDArray[np.uint8]]) -> float:
    """The mean share of pixels that change from frame to frame."""
    return float(np.mean([(a != b).mean() for a, b in pairwise(labels)]))


@pytest.mark.parametrize("smooth", [-0.1, 1.1, float("nan"), "much"])
def test_smooth_is_a_share(smooth: float) -> None:
    with pytest.raises(ConfigError, match="smooth"):
        Steady(smooth)


def test_nothing_is_smoothed_at_0(collins: Image) -> None:
    parser, stream = default(), Stream(default(), smooth=0)
    for i, frame in enumerate(run(stream, [small(collins), noisy(small(collins), 1)])):
        alone = parser.parse(frame.image)
        assert np.array_equal(frame.parsing.labels, alone.labels)
        assert [face.box for face in frame.faces] == [face.box for face in alone.faces]
        assert np.array_equal(frame.faces[0].landmarks, alone.faces[0].landmarks)
        assert [face.id for face in frame.faces] == [1]
        assert frame.time == i / 25


def test_the_first_frame_is_as_parse_sees_it(collins: Image) -> None:
    frame = Stream(default())(collins, 0.0)
    assert np.array_equal(frame.parsing.labels, default().parse(collins).labels)


def test_the_labels_of_a_noisy_still_change_less_and_the_network_runs_less(collins: Image) -> None:
    images = [noisy(small(collins), seed) for seed in range(7)]
    plain, steady = (list(run(Stream(default(), smooth), images)) for smooth in (0, 0.5))
    assert changes([f.parsing.labels for f in steady]) < 0.5 * changes([f.parsing.labels for f in plain])
    assert sum(f.parsing.looks for f in steady) < sum(f.parsing.looks for f in plain)
    kept = [
        a.logits is b.logits
        for f, g in pairwise(steady)
        for a, b in zip(f.parsing.views, g.parsing.views, strict=True)
    ]
    assert sum(kept) == sum(len(f.parsing.views) - f.parsing.looks for f in steady)
    assert {face.id for frame in steady for face in frame.faces} == {1}


@pytest.mark.parametrize("smooth", [0, 0.5])
def test_frames_parsed_at_the_same_time_are_as_one_after_another(collins: Image, smooth: float) -> None:
    images = [shifted(noisy(small(collins), i), 2 * i, 0) for i in range(8)]
    expected = list(run(Stream(default(), smooth), images))
    frames = list(video([(image, i / 25) for i, image in enumerate(images)], default(), smooth=smooth))
    for frame, other in zip(frames, expected, strict=True):
        assert np.array_equal(frame.parsing.labels, other.parsing.labels)
        assert (frame.time, frame.parsing.looks) == (other.time, other.parsing.looks)
        assert [face.id for face in frame.faces] == [1]


def test_a_video_may_be_left_early_and_an_error_names_the_time(collins: Image) -> None:
    before = threading.active_count()
    with closing(video([(small(collins), i / 25) for i in range(20)], default())) as frames:
        assert next(frames).time == 0
    assert threading.active_count() == before
    parser = Parser(no_face="fail")
    pictures = [(small(collins), 0.0), (np.zeros((90, 120, 3), np.uint8), 0.5)]
    with pytest.raises(NoFaceError, match=r"at 0\.50 s"):
        list(video(pictures, parser))


def test_a_moving_face_keeps_its_id_its_landmarks_and_its_mask(collins: Image) -> None:
    images = [shifted(small(collins), 3 * i, i) for i in range(-3, 4)]
    for frame in run(Stream(default()), images):
        (face,) = frame.faces
        alone = default().parse(frame.image)
        assert face.id == 1
        assert np.abs(face.landmarks - alone.faces[0].landmarks).max() < 0.08 * max(face.size)
        mask, other = frame.parsing.mask("face"), alone.mask("face")
        assert (mask & other).sum() > 0.93 * (mask | other).sum()
        assert face.parsing is not None
        assert (face.parsing.labels == frame.parsing.labels).mean() > 0.5


def test_no_ghost_after_a_cut(collins: Image) -> None:
    stream = Stream(default())
    other = 255 - small(collins)[:, ::-1]
    after = [*run(stream, [small(collins)] * 3 + [np.ascontiguousarray(other)])][-1]
    assert np.array_equal(after.parsing.labels, default().parse(after.image).labels)


def test_steady_makes_unsure_cells_of_frames_from_anywhere_stay() -> None:
    image, rng = np.full((64, 64, 3), 128, np.uint8), np.random.default_rng(0)
    labels = (np.indices((16, 16))[1] > 7).astype(int)
    steady, plain, smoothed = Steady(), [], []
    for i in range(8):
        raw = parsing(image, logits_of(labels, 1.0) + rng.normal(0, 1, (19, 16, 16)))
        plain.append(raw.labels)
        smoothed.append(steady(raw, i / 25).labels)
    assert changes(smoothed) < changes(plain) / 3


def test_where_the_network_is_sure_the_new_frame_wins_at_once() -> None:
    image = np.full((64, 64, 3), 128, np.uint8)
    before, after = np.zeros((16, 16), int), np.full((16, 16), 5)
    steady = Steady(1.0)
    for i in range(3):
        steady(parsing(image, logits_of(before, 12.0)), i / 25)
    assert (steady(parsing(image, logits_of(after, 12.0)), 0.12).labels == 5).all()


def test_a_gap_in_time_ends_the_past() -> None:
    image, labels = np.full((64, 64, 3), 128, np.uint8), np.indices((16, 16))[1] % 2
    first, second = parsing(image, logits_of(labels, 1.0)), parsing(image, logits_of(1 - labels, 0.5))
    for gap, kept in ((0.04, True), (30.0, False)):
        steady = Steady(0.5)
        steady(first, 0.0)
        assert np.array_equal(steady(second, gap).labels, second.labels) is not kept


def test_a_video_in_a_mirror_is_the_mirrored_video() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (64, 64, 3), np.uint8)
    there, here = Steady(), Steady()
    for i in range(4):
        logits = rng.normal(0, 2, (19, 16, 16))
        labels = here(parsing(image, logits), i / 25).labels
        mirrored = there(parsing(image[:, ::-1].copy(), logits[..., ::-1]), i / 25).labels
        assert np.array_equal(labels, mirrored[:, ::-1])


def test_steady_gives_ids_and_takes_the_frame_apart_from_the_parsing(collins: Image) -> None:
    image = small(collins)
    alone = default().parse(image)
    steady = Steady()
    for time in (0.0, 0.04):
        blind = replace(alone, image=np.zeros_like(image))
        assert [face.id for face in steady(blind, time, image).faces] == [1]


def test_a_face_s_view_leaves_another_face_to_that_one_s_view() -> None:
    rng = np.random.default_rng(2)
    own, other = rng.normal(0, 3, (2, 19, 16, 16)).astype(np.float32)
    own[0, :, 8:] = 30  # background, where the other view has a person
    other[1:, :, 8:] += 30
    own[0, :, :8] -= 60
    filled = fill_background(View(own, TO_GRID), [View(other, TO_GRID)]).logits
    assert np.array_equal(filled[:, :, 8:].argmax(0), other[:, :, 8:].argmax(0))
    assert np.array_equal(filled[:, :, :8].argmax(0), own[:, :, :8].argmax(0))
    assert fill_background(view := View(own, TO_GRID), []) is view


def test_flow_without_a_box_is_that_of_the_rest(collins: Image) -> None:
    (face,) = default().parse(collins).faces
    x0, y0, x1, y1 = face.box
    front = (int((x0 + x1) / 2), int(y0) - 40, int(x1) + 60, int(y1) + 40)
    after = shifted(collins, 4, 0)
    part = (slice(front[1], front[3]), slice(front[0], front[2]))
    after[part] = shifted(collins, -4, 0)[part]
    motion = flow(collins, after, face.box, without=tuple(map(float, front)))
    assert motion is not None
    assert motion[0] @ [x0, y0, 1] - x0 == pytest.approx(4, abs=0.5)


def test_flow_is_the_motion_of_the_face_and_none_over_a_cut(collins: Image) -> None:
    (face,) = default().parse(collins).faces
    motion = flow(collins, shifted(collins, 5.5, -3), face.box)
    assert motion is not None
    assert np.allclose(motion, np.array([[1, 0, 5.5], [0, 1, -3]]), atol=0.3)
    assert abs(motion[0, 0] - 1) < 0.005
    assert flow(collins, np.ascontiguousarray(np.rot90(collins, 2)), face.box) is None
