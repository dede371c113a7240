"""A face aligned and pasted back: the picture's own pixels, its own sides, nothing of what covers it."""

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ConfigError, LabelError, OutputError
from faceparse.parser import parse
from faceparse.results import Face, Parsing
from faceparse.results.aligned import aligned
from faceparse.results.square import Square
from faceparse.writers import write, writers
from faceparse.writers.forms.swap import MOST, TEMPLATES
from tests.conftest import ROOT
from tests.writers.samples import labelled, seen

Points = NDArray[np.float64]


def waves(height: int, width: int) -> NDArray[np.uint8]:
    """A picture without detail finer than 16 pixels, of which every place differs: half a pixel's shift shows by up to 20 of 255."""
    y, x = np.mgrid[:height, :width].astype(float)
    three = [np.sin(2 * np.pi * (x * a + y * b) / 16) for a, b in ((1, 0), (0, 1), (0.6, -0.5))]
    return np.rint(127.5 + 100 * np.stack(three, -1)).astype(np.uint8)


def face_at(centre: tuple[float, float], side: float, degrees: float, align: str = "ffhq") -> Points:
    """Landmarks that lie as a template's in a square."""
    angle = math.radians(degrees)
    turn = side * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray((TEMPLATES[align] - 0.5) @ turn.T + np.array(centre))


def portrait(points: Points, size: tuple[int, int] = (240, 200)) -> Parsing:
    """A disk of skin with the right and left eye in it, as the landmarks say."""
    image, labels = waves(*size), np.zeros(size, np.uint8)
    middle, radius = points.mean(0), 1.2 * float(np.linalg.norm(points[1] - points[0]))
    discs = [(middle, radius, 1), (points[0], radius / 8, 5), (points[1], radius / 8, 4)]
    for place, length, label in discs:
        cv2.circle(
            labels, (round(place[0] - 0.5), round(place[1] - 0.5)), max(1, round(length)), label, cv2.FILLED
        )
    box = (*(middle - radius), *(middle + radius))
    alone = Parsing.from_labels(image, labels, "celebamask19")
    return replace(alone, faces=(Face(box, 0.9, points, alone),), source="in/photo.png")


def saved(
    parsing: Parsing, folder: Path, **options: object
) -> list[tuple[NDArray[np.uint8], dict[str, Any]]]:
    paths = write(parsing, "swap", folder / "photo", **options)
    return [
        (np.asarray(Image.open(png)), json.loads(about.read_text()))
        for png, about in zip(paths[::2], paths[1::2], strict=True)
    ]


@given(
    centre=st.tuples(st.floats(60, 140), st.floats(80, 160)),
    side=st.floats(60, 250),
    degrees=st.floats(-180, 180),
    align=st.sampled_from(sorted(TEMPLATES)),
)
def test_pasting_back_gives_the_picture(
    tmp_path_factory: pytest.TempPathFactory,
    centre: tuple[float, float],
    side: float,
    degrees: float,
    align: str,
) -> None:
    parsing = portrait(face_at(centre, side, degrees, align))
    ((crop, about),) = saved(parsing, tmp_path_factory.mktemp("swap"), size=512, align=align)
    back = cv2.warpAffine(crop, np.array(about["to_picture"]), parsing.size[::-1])
    inside = back[..., 3] > 127
    assert inside.any()
    error = np.abs(back[..., :3].astype(int) - parsing.image)[inside]
    assert error.max() <= 4, "of 255, by interpolation; a tenth of a pixel is as much"
    # The mask is the face's, but for the width of its edge.
    edge = 2 + round(0.03 * max(parsing.faces[0].size))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1, 2 * edge + 1))
    face = parsing.mask("face").view(np.uint8)
    assert not (inside & (cv2.dilate(face, disk) == 0)).any()
    assert (inside | (cv2.erode(face, disk) == 0)).all()


@pytest.mark.parametrize("degrees", [0, 40, 180])
def test_left_and_right_stay(degrees: float, tmp_path: Path) -> None:
    parsing = portrait(face_at((100, 120), 150, degrees))
    ((_, about),) = saved(parsing, tmp_path)
    eyes = about["landmarks_in_crop"]
    assert eyes["image_left_eye"] == pytest.approx([192.98, 239.95], abs=0.1)
    assert eyes["image_right_eye"] == pytest.approx([318.9, 240.19], abs=0.1)
    part = aligned(parsing, Square.from_template(parsing.faces[0].landmarks, TEMPLATES["ffhq"]), 512)
    for name, x in (("r_eye", 193), ("l_eye", 319)):
        columns = np.flatnonzero(part.mask(name).any(0))
        assert columns.mean() == pytest.approx(x, abs=4), name
    points = np.array(list(about["face"]["landmarks"].values()))
    matrix = np.array(about["to_crop"])
    mapped = (points - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5  # OpenCV's places are half a pixel less
    np.testing.assert_allclose(mapped, list(eyes.values()), atol=0.05)


def test_views_are_drawn_as_in_the_picture() -> None:
    """Labels of an unturned square at the picture's own scale are the picture's, rounding aside."""
    parsing = seen(40, 40)
    part = aligned(parsing, Square((20, 20), (20, 0), (0, 20)), 40)
    assert (part.labels == parsing.labels).mean() > 0.999
    soft = part.mask("hair", soft=True, edges=False) - parsing.mask("hair", soft=True, edges=False)
    assert np.abs(soft).max() < 1e-4
    turned = aligned(parsing, Square((20, 20), (0, 20), (-20, 0)), 40)
    assert (np.rot90(turned.labels, -1) == parsing.labels).mean() > 0.99


def test_what_covers_the_face_is_left_out(tmp_path: Path) -> None:
    parsing = portrait(face_at((100, 120), 150, 0))
    labels = parsing.labels.copy()
    labels[100:120] = np.where(labels[100:120], 6, 0)
    labels[150:] = 17
    alone = Parsing.from_labels(parsing.image, labels, "celebamask19")
    covered = replace(alone, faces=(replace(parsing.faces[0], parsing=alone),))

    def opacity(**options: object) -> NDArray[np.uint8]:
        ((crop, about),) = saved(covered, tmp_path, **options)
        back = cv2.warpAffine(crop, np.array(about["to_picture"]), parsing.size[::-1])
        return np.asarray(back[..., 3], np.uint8)

    plain = opacity()
    assert plain[108:112].max() == plain[160:].max() == 0
    assert plain[130, 100] == 255
    assert opacity(glasses=True)[110, 100] == 255


def test_a_neighbour_is_left_out(tmp_path: Path) -> None:
    points = face_at((70, 100), 90, 0), face_at((170, 100), 90, 0)
    image, labels = waves(200, 240), np.ones((200, 240), np.uint8)
    alone = Parsing.from_labels(image, labels, "celebamask19")
    faces = tuple(Face((*(p.mean(0) - 40), *(p.mean(0) + 40)), 0.9, p, alone) for p in points)
    pasted = [
        cv2.warpAffine(crop, np.array(about["to_picture"]), (240, 200))[..., 3]
        for crop, about in saved(replace(alone, faces=faces), tmp_path, shrink=0, feather=0)
    ]
    left, right = (mask > 127 for mask in pasted)
    assert not left[:, 122:].any()
    assert not right[:, :118].any()
    assert left[100, 70]
    assert right[100, 170]


def test_beyond_the_picture_nothing_is_opaque(tmp_path: Path) -> None:
    ((crop, about),) = saved(portrait(face_at((10, 10), 150, 30)), tmp_path, feather=0)
    rows, columns = np.nonzero(crop[..., 3])
    x, y = np.array(about["to_picture"]) @ np.stack([columns, rows, np.ones_like(rows)])
    assert rows.size
    assert min(x.min(), y.min()) >= -1
    back = cv2.warpAffine(crop, np.array(about["to_picture"]), (200, 240))
    assert back[:30, 0, 3].min() == 255, "up to the border"


def test_faces_without_a_parsing_and_too_many_faces(tmp_path: Path) -> None:
    parsing = portrait(face_at((100, 120), 150, 0))
    face = parsing.faces[0]
    assert saved(replace(parsing, faces=(replace(face, parsing=None),)), tmp_path) == []
    with pytest.raises(OutputError, match=f"up to {MOST} faces of a picture, got {MOST + 1}"):
        saved(replace(parsing, faces=(face,) * (MOST + 1)), tmp_path)


def test_schemes_and_options(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="face"):
        write(labelled(np.zeros((4, 4), np.uint8), "hair2"), "swap", tmp_path / "a")
    with pytest.raises(ConfigError, match="align: expected ffhq or arcface"):
        writers(["swap"], {"align": "eyes"})
    ((crop, about),) = saved(seen().to("face2"), tmp_path, size=64)
    assert crop.shape == (64, 64, 4)
    assert about["classes"] == ["face"]


def test_the_documented_program_pastes_back(
    collins_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(collins_path, "photo.jpg")
    parsing = parse("photo.jpg")
    write(parsing, "swap", "out/photo")
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(import json.*?)^```", page, re.M | re.S)
    exec(compile(program, "outputs.md", "exec"), {})
    swapped = np.asarray(Image.open("swapped.png"))
    assert np.abs(swapped.astype(int) - parsing.image).mean() < 0.5, "of 255, by interpolation"
