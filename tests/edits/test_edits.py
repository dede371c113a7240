"""What edits do to arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import faceparse
from faceparse import Parsing
from faceparse.edits import EDITS, Canvas, Edit, make_edit, make_edits, read_edit, register
from faceparse.edits.canvas import UNSURE, firm
from faceparse.edits.colour import from_oklab, to_linear, to_oklab, to_srgb
from faceparse.errors import ConfigError, LabelError, ResultError
from faceparse.faces import YuNet
from tests.conftest import ROOT

VALUES: dict[str, tuple[Any, ...]] = {
    "hair": ("#a0522d",),
    "lips": ("crimson",),
    "brows": ("black",),
    "background": ("#208040",),
}


@pytest.fixture(scope="module")
def portrait() -> Parsing:
    image = np.asarray(Image.open(ROOT / "examples" / "collins.jpg").convert("RGB"))
    return faceparse.parse(np.ascontiguousarray(image))


def difference(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.abs(a.astype(np.int64) - b.astype(np.int64)).max(-1))


@pytest.mark.parametrize("name", sorted(EDITS))
def test_every_edit_changes_its_own_region_alone(portrait: Parsing, name: str) -> None:
    edited = faceparse.edit(portrait, [(name, *VALUES.get(name, ()))])
    changed = difference(edited, portrait.image) > 0
    assert changed.any()
    assert edited.dtype == np.uint8
    assert not np.shares_memory(edited, portrait.image)
    if name == "background":
        assert not changed[portrait.mask("background", soft=True) == 0].any()
    elif name == "anonymise":
        x0, y0, x1, y1 = (round(v) for v in portrait.faces[0].box)
        changed[y0 : y1 + 1, x0 : x1 + 1] = False
        assert not (changed & ~portrait.mask("face")).any()
    else:
        groups = {"blush": ["skin"], "shadow": ["skin"], "soften": ["skin", "nose", "neck"]}.get(name, [name])
        assert not changed[portrait.mask(groups, soft=True) == 0].any()


@pytest.mark.parametrize("name", sorted(EDITS))
def test_sixteen_bits_and_opacity_stay(portrait: Parsing, name: str) -> None:
    deep = np.dstack([portrait.image.astype(np.uint16) * 257, np.full(portrait.size, 40_000, np.uint16)])
    edited = faceparse.edit(portrait, [(name, *VALUES.get(name, ()))], deep)
    assert edited.dtype == np.uint16
    assert edited.shape == deep.shape
    shallow = faceparse.edit(portrait, [(name, *VALUES.get(name, ()))])
    assert difference(np.rint(edited[..., :3] / 257).astype(np.uint8), shallow).max() <= 2
    if name != "background":
        assert (edited[..., 3] == 40_000).all()


@pytest.mark.parametrize("colour", ["#101010", "#6b4423", "#e6c88a", "#b8b8b8", "#c02030", "#f0e6d2"])
@pytest.mark.parametrize("start", [0.15, 1.0, 1.9])
def test_hair_gets_the_colour_and_keeps_its_light_and_shade(
    portrait: Parsing, colour: str, start: float
) -> None:
    hair = portrait.mask("hair", soft=True) > 0.95
    image = np.clip(portrait.image * start, 0, 255).astype(np.uint8)
    before = Parsing(image, portrait.views, portrait.scheme, portrait.faces)
    edited = faceparse.edit(before, [("hair", colour)])
    wanted = cv2.cvtColor(np.array([[make_rgb(colour)]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    means = cv2.cvtColor(edited.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[hair].mean(0)
    assert np.linalg.norm(means - wanted) <= 5
    old, new = (to_oklab(to_linear(v[hair]))[:, 0] for v in (image, edited))
    assert rank_correlation(old, new) >= 0.95


def make_rgb(colour: str) -> tuple[int, ...]:
    from PIL import ImageColor

    return ImageColor.getrgb(colour)


def rank_correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Spearman's, ties at their mean rank."""

    def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
        _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
        ends = np.cumsum(count)
        return (ends - (count - 1) / 2)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


@pytest.mark.parametrize("name", ["lips", "brows", "hair", "skin", "background"])
def test_masks_are_those_of_the_parsing_but_for_traces(portrait: Parsing, name: str) -> None:
    canvas = Canvas(portrait)
    canvas.prepare([[name], ["hair"], ["beard"]])
    for _ in range(2):
        mask = canvas.soft(name)
        expected, inside = portrait.mask(name, soft=True), mask > 0
        np.testing.assert_allclose(mask[inside], expected[inside], rtol=0, atol=1e-5)
        assert expected[~inside].max(initial=0) <= UNSURE
        mask[:] = 0.5


def test_strength_is_a_part_of_the_way(portrait: Parsing) -> None:
    half, whole = (
        difference(faceparse.edit(portrait, [("lips", "#b0103a", {"strength": s})]), portrait.image).sum()
        for s in (0.4, 1)
    )
    assert 0 < half < whole
    same = faceparse.edit(portrait, [("hair", "white", {"strength": 0})])
    np.testing.assert_array_equal(same, portrait.image)


def test_edits_are_done_in_their_order(portrait: Parsing) -> None:
    one, other = ("background", "white"), ("background", "black")
    behind = portrait.mask("background", soft=True) == 1
    assert (faceparse.edit(portrait, [one, other])[behind] == 0).all()
    assert (faceparse.edit(portrait, [other, one])[behind] == 255).all()


@pytest.mark.parametrize("mode", ["pixelate", "blur", "fill"])
def test_an_anonymous_face_is_found_no_more(portrait: Parsing, mode: str) -> None:
    for part in ("face", "head"):
        edited = faceparse.edit(portrait, [("anonymise", mode, {"part": part})])
        assert YuNet().detect(edited) == ()


@pytest.mark.parametrize("mode", ["pixelate", "blur", "fill"])
def test_nothing_of_hidden_eyes_is_left(portrait: Parsing, mode: str) -> None:
    edited = faceparse.edit(portrait, [("anonymise", mode, {"part": "eyes"})])
    left, right = portrait.faces[0].landmarks[:2]
    eye = 0.35 * float(np.linalg.norm(right - left))
    box = [slice(int(v - eye / 3), int(v + eye / 3)) for v in left[::-1]]
    fine = []
    for image in (portrait.image, edited):
        gray = image.mean(-1)
        fine.append((gray - cv2.GaussianBlur(gray, (0, 0), eye / 4))[box[0], box[1]].ravel())
    assert fine[1].std() < 0.5 or abs(np.corrcoef(*fine)[0, 1]) <= 0.2


def test_a_transparent_background_is_opacity(portrait: Parsing) -> None:
    edited = faceparse.edit(portrait, [("background", "transparent")])
    assert edited.shape == (*portrait.size, 4)
    np.testing.assert_allclose(
        edited[..., 3] / 255, firm(1 - portrait.mask("background", soft=True)), atol=0.01
    )


def test_edits_are_texts_and_backgrounds_paths_too() -> None:
    assert make_edits(["hair=red,strength=0.5", ("background", Path("beach.jpg"))]) == make_edits(
        [("hair", "red", {"strength": 0.5}), ("background", "beach.jpg")]
    )


def test_what_is_nearly_sure_is_sure() -> None:
    np.testing.assert_allclose(
        firm(np.array([0, 0.05, 0.5, 0.95, 1], np.float32)), [0, 0, 0.5, 1, 1], atol=1e-6
    )


def test_a_hidden_portrait_has_no_faces_behind_it(portrait: Parsing) -> None:
    """The detector ends its search at a portrait, and would find the small face once the portrait is hidden."""
    image = portrait.image.copy()
    image[:120, :120] = cv2.resize(image[40:300, 110:370], (120, 120), interpolation=cv2.INTER_AREA)
    parsing = faceparse.parse(image)
    for part in ("face", "eyes"):
        edited = faceparse.edit(parsing, [("anonymise", "fill", {"part": part})])
        assert difference(edited, image)[:120, :120].max() > 50
    assert YuNet().detect(faceparse.edit(parsing, ["anonymise"])) == ()


def test_a_picture_stands_behind(portrait: Parsing, tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 30, 3), (10, 200, 30), np.uint8)).save(tmp_path / "a,b.png")
    edited = faceparse.edit(portrait, [read_edit(f"background={tmp_path / 'a,b.png'}")])
    assert (edited[portrait.mask("background", soft=True) == 1] == [10, 200, 30]).all()


def test_a_blurred_background_is_smooth_and_leaves_the_face(portrait: Parsing) -> None:
    edited = faceparse.edit(portrait, [("background", "blur", {"strength": 1})])
    face = portrait.mask("background", soft=True) == 0
    np.testing.assert_array_equal(edited[face], portrait.image[face])
    assert cv2.Laplacian(edited, cv2.CV_64F)[:60].std() < cv2.Laplacian(portrait.image, cv2.CV_64F)[:60].std()


def test_skin_gets_softer(portrait: Parsing) -> None:
    cheeks = portrait.faces[0].region("cheeks")
    rough = [
        cv2.Laplacian(v, cv2.CV_64F)[cheeks].std()
        for v in (portrait.image, faceparse.edit(portrait, ["soften"]))
    ]
    assert rough[1] < 0.8 * rough[0]


@pytest.fixture(scope="module")
def crowd(portrait: Parsing) -> Parsing:
    face = cv2.resize(portrait.image[30:330, 90:390], (64, 64), interpolation=cv2.INTER_AREA)
    return faceparse.parse(np.tile(face, (10, 10, 1)))


@pytest.mark.parametrize("name", sorted(EDITS))
def test_a_hundred_faces(crowd: Parsing, name: str) -> None:
    assert len(crowd.faces) >= 90
    changed = difference(faceparse.edit(crowd, [(name, *VALUES.get(name, ()))]), crowd.image) > 0
    cells = changed.reshape(10, 64, 10, 64).any((1, 3))
    assert cells.mean() > 0.9


@pytest.mark.parametrize("name", sorted(EDITS))
def test_eleven_classes_and_two(portrait: Parsing, name: str) -> None:
    step = (name, *VALUES.get(name, ()))
    assert difference(faceparse.edit(portrait.to("lapa11"), [step]), portrait.image).any()
    if name in ("hair", "lips", "brows"):
        with pytest.raises(LabelError, match=name) as caught:
            faceparse.edit(portrait.to("face2"), [step])
        assert "\n" not in str(caught.value)
    else:
        assert faceparse.edit(portrait.to("face2"), [step]).shape == portrait.image.shape


@pytest.mark.parametrize("name", sorted(EDITS))
@pytest.mark.parametrize("size", [(1, 1), (7, 40)])
def test_tiny_pictures_without_a_face_stay_sane(name: str, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    for label in (0, 17):
        parsing = Parsing.from_labels(image, np.full(size, label, np.uint8), "celebamask19")
        assert faceparse.edit(parsing, [(name, *VALUES.get(name, ()))]).shape == image.shape


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("hair", "hair: colour: missing"),
        ("hair=#zz", "colour: expected a colour, such as #a0522d or sienna; got '#zz'"),
        ("hair=red,strength=3", "strength: expected a number, 0 to 1; got 3"),
        ("hair=red,strengh=1", "'strengh'.*strength"),
        ("hair=red,strength=1,strength=0", "each once"),
        ("anonymise=hide", "pixelate, blur or fill"),
        ("beard=red", "no edit 'beard'"),
        ("", "no edit ''"),
    ],
)
def test_bad_words_are_one_line(words: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_edit(words)
    assert "\n" not in str(caught.value)


def test_bad_lists_and_pictures_are_one_line(portrait: Parsing) -> None:
    no_parsing: Any = "photo.jpg"
    with pytest.raises(ConfigError, match="edit takes a parsing"):
        faceparse.edit(no_parsing, ["soften"])
    no_lists: Any = ("hair", ("hair", "red"), ("hair", "red", 0.5), ("soften", 0.5), None)
    for steps in no_lists:
        with pytest.raises(ConfigError, match="edits are a list"):
            faceparse.edit(portrait, steps)
    no_edits: Any = (3, ("hair", "red", 0.5), ("hair", "red", {}, 1))
    for step in no_edits:
        with pytest.raises(ConfigError, match="an edit is"):
            faceparse.edit(portrait, [step])
    assert len(make_edits(("soften", "anonymise=blur"))) == 2
    with pytest.raises(ConfigError, match=r"a picture.s path.* got an array of shape"):
        make_edit("background", portrait.image)
    with pytest.raises(ResultError, match="parsing is of a picture"):
        faceparse.edit(portrait, ["soften"], np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(LabelError, match="hair"):
        make_edit("hair", "red").apply(Canvas(portrait.to("face2")))


def test_colours_there_and_back() -> None:
    values = np.random.default_rng(0).integers(0, 256, (500, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_srgb(from_oklab(to_oklab(to_linear(values))), values.dtype), values)
    np.testing.assert_allclose(
        to_oklab(to_linear(np.array([[255, 0, 0]], np.uint8)))[0], [0.628, 0.2249, 0.1258], atol=1e-3
    )


@dataclass(frozen=True)
class Grey(Edit):
    name: ClassVar[str] = "grey"

    def apply(self, canvas: Canvas) -> None:
        canvas.blend(canvas.soft("hair"), lambda light: light.mean(-1, keepdims=True).repeat(3, -1))


def test_an_edit_of_ones_own(portrait: Parsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EDITS, "_things", EDITS.all())
    register(Grey)
    edited = faceparse.edit(portrait, ["grey", Grey()])
    hair = portrait.mask("hair", soft=True) > 0.95
    assert np.ptp(edited[hair].astype(int), axis=-1).max() <= 1
    with pytest.raises(ConfigError, match="takes no value"):
        read_edit("grey=1")
