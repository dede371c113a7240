"""A face that is missed for a moment stays covered; with `strict`, one that stays away is an error."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from faceparse.edits import edit
from faceparse.errors import NoFaceError
from faceparse.frames import Frame
from faceparse.frames.cover import cover
from faceparse.results import Face, Parsing

SIZE = (90, 160)


def face(x: float, number: int | None = 1, y: float = 30) -> Face:
    points = np.array(
        [[x + 8, y + 10], [x + 22, y + 10], [x + 15, y + 18], [x + 9, y + 24], [x + 21, y + 24]]
    )
    return Face((x, y, x + 30, y + 36), 0.9, points, id=number)


def frames(
    places: Sequence[Sequence[Face]], rate: float = 10, grounds: Sequence[int] = ()
) -> Iterator[Frame]:
    for i, faces in enumerate(places):
        image = np.full((*SIZE, 3), grounds[i] if grounds else 128, np.uint8)
        labels = np.zeros(SIZE, np.uint8)
        yield Frame(Parsing.from_labels(image, labels, "celebamask19", faces), i / rate)


def ids(result: Iterator[Frame]) -> list[list[int | None]]:
    return [[face.id for face in frame.faces] for frame in result]


def centres(result: Iterator[Frame]) -> list[float]:
    return [(f.box[0] + f.box[2]) / 2 for frame in result for f in frame.faces]


def test_nothing_missed_is_nothing_changed() -> None:
    given = list(frames([[face(40 + i)] for i in range(12)]))
    assert all(a is b for a, b in zip(cover(given), given, strict=True))


def test_a_gap_lies_between_its_ends() -> None:
    places = [[face(40.0 + 4 * i)] if i not in (3, 4, 5) else [] for i in range(12)]
    assert centres(cover(frames(places))) == pytest.approx([55 + 4 * i for i in range(12)])
    assert ids(cover(frames(places), strict=True)) == [[1]] * 12
    larger = list(cover(frames(places)))[4].faces[0]
    assert larger.size > (30, 36)
    assert larger.parsing is not None


def test_half_a_second_before_and_after() -> None:
    places = [[face(60)] if 20 <= i < 30 else [] for i in range(50)]
    shown = [i for i, present in enumerate(ids(cover(frames(places)))) if present]
    assert shown == list(range(15, 35))


def test_not_beyond_a_cut() -> None:
    places = [[face(60)] if i < 5 else [face(20, 2)] if i >= 8 else [] for i in range(12)]
    grounds = [30] * 5 + [220] * 7
    assert ids(cover(frames(places, grounds=grounds), strict=True)) == [[1]] * 5 + [[2]] * 7


def test_strict_ends_before_the_first_uncovered_frame() -> None:
    places = [[face(60)] if i < 5 else [] for i in range(30)]
    result = cover(frames(places), strict=True)
    assert [next(result).time for _ in range(10)] == pytest.approx([i / 10 for i in range(10)])
    with pytest.raises(NoFaceError, match=r"face 1, last seen at 0.40 s, is not covered at 1.00 s"):
        next(result)


def test_strict_lets_a_face_leave() -> None:
    places = [[face(60 + 13 * i)] if i < 6 else [] for i in range(30)]
    assert len(list(cover(frames(places), strict=True))) == 30


def test_the_edit_hides_what_is_missed() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    labels = np.zeros(SIZE, np.uint8)
    given = [
        Frame(Parsing.from_labels(image, labels, "celebamask19", [face(60)] if i != 4 else []), i / 10)
        for i in range(9)
    ]
    plain, hidden = (
        [np.abs(edit(f.parsing, ["anonymise"]).astype(int) - image)[35:60, 65:85].mean() for f in result]
        for result in (given, cover(given))
    )
    assert plain[4] == 0
    assert min(hidden) > 20


def test_several_faces_and_faces_without_a_number() -> None:
    places = [[face(20), face(100, 2)], [face(100, 2), face(60, None)], [face(20), face(100, 2)]]
    assert [set(found) for found in ids(cover(frames(places)))] == [{1, 2}, {1, 2, None}, {1, 2}]
