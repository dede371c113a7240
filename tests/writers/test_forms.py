"""What is in the files of each form."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.draw import colours, panel
from faceparse.errors import ConfigError, LabelError, OutputError
from faceparse.results import Parsing
from faceparse.results.parsing import MaskOptions
from faceparse.writers import write
from tests.writers.samples import OWN, PARSINGS, blocks, labelled, picture, seen


def read(path: Path, mode: str) -> NDArray[np.uint8]:
    with Image.open(path) as file:
        assert file.mode == mode
        return np.asarray(file)


def drawn(mode: str, one: Parsing, name: str, stem: Path, **options: object) -> NDArray[np.uint8]:
    """The one picture that a form writes."""
    (path,) = write(one, name, stem, **options)
    return read(path, mode)


@pytest.fixture(params=PARSINGS)
def one(request: pytest.FixtureRequest) -> Parsing:
    return PARSINGS[request.param]


def test_mask_and_color(one: Parsing, tmp_path: Path) -> None:
    np.testing.assert_array_equal(drawn("P", one, "mask", tmp_path / "a"), one.labels)
    np.testing.assert_array_equal(drawn("RGB", one, "color", tmp_path / "a"), colours(one.labels, one.scheme))


def test_overlay_and_panel_are_the_drawings(tmp_path: Path) -> None:
    one = seen(200, 150)
    for picture_, name in (
        (one.overlay(0.3), "overlay"),
        (panel(one.image, one.labels, one.scheme, alpha=0.3), "panel"),
    ):
        rough = drawn("RGB", one, name, tmp_path / "rough", alpha=0.3, quality=5)
        fine = drawn("RGB", one, name, tmp_path / "fine", alpha=0.3, quality=100)
        assert fine.shape == rough.shape == picture_.shape
        away = [np.abs(shown.astype(int) - picture_).mean() for shown in (fine, rough)]
        assert away[0] < away[1]
        assert np.abs(fine[..., 0].mean() - picture_[..., 0].mean()) < 2, "red is red"
        assert np.abs(fine[..., 2].mean() - picture_[..., 2].mean()) < 2


def test_jpeg_says_what_it_cannot_hold(tmp_path: Path) -> None:
    one = labelled(np.zeros((1, 65_501), np.uint8))
    with pytest.raises(OutputError, match="sides of up to 65500 pixels, the picture is 65501 × 1"):
        write(one, "overlay", tmp_path / "a")
    assert write(one, "panel", tmp_path / "a")
    assert write(one, "color", tmp_path / "a")


@pytest.mark.parametrize(("bits", "mode"), [(8, "L"), (16, "I;16")])
def test_soft_is_the_soft_mask(one: Parsing, bits: int, mode: str, tmp_path: Path) -> None:
    full = 2**bits - 1
    for path, name in zip(write(one, "soft", tmp_path / "a", bits=bits), one.scheme.classes, strict=True):
        np.testing.assert_allclose(read(path, mode), full * one.mask(name, soft=True), atol=0.5001)
    paths = write(one, "soft", tmp_path / "a", bits=bits, edges=False)
    assert [p.name for p in paths] == [f"a_soft_{c}.png" for c in one.scheme.classes]
    total = np.zeros(one.size)
    for path, name in zip(paths, one.scheme.classes, strict=True):
        shown = read(path, mode).astype(float)
        total += shown
        np.testing.assert_allclose(shown, full * one.mask(name, soft=True, edges=False), atol=0.5001)
    if one.scheme.name == "celebamask19":
        known = one.labels != 255
        assert (np.abs(total - full)[known] <= 0.5 * len(paths)).all()


def test_soft_groups_under_their_own_names(tmp_path: Path) -> None:
    one = seen()
    paths = write(one, "soft", tmp_path / "a", classes=("lips", "glasses"))
    assert [p.name for p in paths] == ["a_soft_lips.png", "a_soft_eye_g.png"]
    shown = read(paths[0], "L").astype(float)
    np.testing.assert_allclose(shown, 255 * one.mask("lips", soft=True), atol=0.5001)


def test_cutout(one: Parsing, tmp_path: Path) -> None:
    cut = drawn("RGBA", one, "cutout", tmp_path / "a")
    person = [c for c in one.scheme.classes if c != "background"]
    expected = one.cutout(person)
    expected[expected[..., 3] == 0] = 0
    np.testing.assert_array_equal(cut, expected)


def test_cutout_of_chosen_classes(tmp_path: Path) -> None:
    one = labelled(blocks(30, 40))
    cut = drawn("RGBA", one, "cutout", tmp_path / "a", classes=("hair", "skin"))
    kept = one.mask(("hair", "skin"))
    np.testing.assert_array_equal(cut[..., 3], kept * 255)
    np.testing.assert_array_equal(cut[kept][:, :3], one.image[kept])
    assert not cut[~kept].any(), "nothing of what is cut off"


@pytest.mark.parametrize("edges", [True, False])
def test_margins_are_those_of_the_masks(one: Parsing, edges: bool, tmp_path: Path) -> None:
    name = one.scheme.classes[-1]
    options: MaskOptions = {"edges": edges, "grow": 3, "shrink": "10%", "feather": 2.5}
    soft = drawn("L", one, "soft", tmp_path / "a", classes=(name,), **options)
    mask = one.mask(name, soft=True, **options)
    np.testing.assert_allclose(soft, 255 * mask, atol=2)  # rounded before and after
    cut = drawn("RGBA", one, "cutout", tmp_path / "a", classes=(name,), **options)
    expected = one.cutout(name, **options)
    expected[expected[..., 3] == 0] = 0
    np.testing.assert_array_equal(cut, expected)


def test_parts_with_margins(tmp_path: Path) -> None:
    one = labelled(blocks(30, 40))
    grown = drawn("L", one, "parts", tmp_path / "a", classes=("hair",), grow=2)
    np.testing.assert_array_equal(grown, 255 * one.mask("hair", grow=2))
    faded = drawn("L", one, "parts", tmp_path / "b", classes=("hair",), feather=4)
    np.testing.assert_allclose(faded, 255 * one.mask("hair", soft=True, feather=4), atol=2)


def test_parts_paint_back_to_the_labels(one: Parsing, tmp_path: Path) -> None:
    paths = write(one, "parts", tmp_path / "00001")
    back = np.zeros(one.size, np.uint8)
    seen_twice = np.zeros(one.size, int)
    for path in paths:
        part = read(path, "L")
        assert set(np.unique(part)) <= {0, 255}
        assert part.any()
        name = path.name.removeprefix("00001_").removesuffix(".png")
        back[part == 255] = one.scheme.id(name)
        seen_twice += part == 255
    assert seen_twice.max(initial=0) <= 1
    known = one.labels != 255
    np.testing.assert_array_equal(back[known], one.labels[known])
    assert not back[~known].any()


def test_parts_have_celebamask_hqs_names(tmp_path: Path) -> None:
    labels = np.arange(19, dtype=np.uint8).repeat(2).reshape(2, 19)
    names = {p.name for p in write(labelled(labels), "parts", tmp_path / "00000")}
    original = "skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l neck cloth"
    assert names == {f"00000_{name}.png" for name in original.split()}


def test_npz_reads_back(one: Parsing, tmp_path: Path) -> None:
    (path,) = write(one, "npz", tmp_path / "a")
    again = Parsing.load(path, one.image)
    np.testing.assert_array_equal(again.labels, one.labels)
    assert again.scheme == one.scheme
    name = one.scheme.classes[-1]
    np.testing.assert_array_equal(again.mask(name, soft=True), one.mask(name, soft=True))


def test_npz_without_logits(tmp_path: Path) -> None:
    one = seen()
    (full,) = write(one, "npz", tmp_path / "a")
    (bare,) = write(one, "npz", tmp_path / "b", soft=False)
    assert bare.stat().st_size < full.stat().st_size
    again = Parsing.load(bare)
    np.testing.assert_array_equal(again.labels, one.labels)
    assert again.faces[0].box == one.faces[0].box
    assert again.faces[0].parsing is None


def test_json_is_the_record(one: Parsing, tmp_path: Path) -> None:
    (path,) = write(one, "json", tmp_path / "a")
    assert json.loads(path.read_text(encoding="utf-8")) == one.record()


def test_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="'hair'"):
        write(
            Parsing.from_labels(picture(2, 2), np.zeros((2, 2), np.uint8), OWN),
            "parts",
            tmp_path / "a",
            classes=("hair",),
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("colour", "tint"), [("red", (255, 0, 0)), ("#0000ff", (0, 0, 255))])
def test_a_heat_map_over_the_picture(colour: str, tint: tuple[int, int, int], tmp_path: Path) -> None:
    one = seen()
    shown = drawn("RGB", one, "heatmap", tmp_path / "a", blend=0.5, colour=colour)
    opacity = 0.5 * one.mask("face", soft=True, edges=False)[..., None]
    np.testing.assert_allclose(shown, one.image * (1 - opacity) + np.array(tint) * opacity, atol=0.51)


def test_the_colour_of_a_heat_map_is_checked(tmp_path: Path) -> None:
    for wrong in ({"blend": 2}, {"blend": 0.5, "colour": "reddish"}, {"blend": 0.5, "bits": 16}):
        with pytest.raises(ConfigError, match=r"0 to 1|or #rrggbb|has 8 bits"):
            write(seen(), "heatmap", tmp_path / "a", **wrong)
