"""Parsings as other programs' objects: the same pixels, and one line where a program is not installed."""

import sys
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from faceparse.errors import ConfigError, LabelError, MissingExtraError
from faceparse.results import Face, Parsing
from tests.writers.samples import PARSINGS, POINTS, seen

CASES = pytest.mark.parametrize("parsing", PARSINGS.values(), ids=list(PARSINGS))

KINDS: tuple[Literal["labels", "probabilities", "one_hot"], ...] = ("labels", "probabilities", "one_hot")


def two_faces() -> Parsing:
    parsing = seen(60, 80)
    boxes = (2, 10, 30, 50), (40, 5, 78, 55)
    return replace(parsing, faces=tuple(Face(box, 0.9, POINTS, None) for box in boxes))


@CASES
def test_pillow_has_the_labels_and_their_colours(parsing: Parsing) -> None:
    image = parsing.to_pil()
    np.testing.assert_array_equal(np.asarray(image), parsing.labels)
    assert image.size == parsing.size[::-1]
    colours = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(colours, parsing.scheme.palette[parsing.labels])


@CASES
def test_torch_has_labels_probabilities_and_masks(parsing: Parsing) -> None:
    torch = pytest.importorskip("torch")
    labels, likely, masks = (parsing.to_torch(kind) for kind in KINDS)
    assert (labels.dtype, likely.dtype, masks.dtype) == (torch.int64, torch.float32, torch.bool)
    np.testing.assert_array_equal(labels, parsing.labels)
    assert likely.shape == masks.shape == (len(parsing.scheme), *parsing.size)
    for name, soft, mask in zip(parsing.scheme.classes, likely.numpy(), masks.numpy(), strict=True):
        np.testing.assert_allclose(soft, parsing.mask(name, soft=True), atol=1e-6)
        np.testing.assert_array_equal(mask, parsing.mask(name))
    if parsing.table is None and parsing.views:
        total = parsing.to_torch("probabilities", edges=False).sum(0)
        np.testing.assert_allclose(total, 1, atol=1e-5)
    labels[:] = 0  # its own memory
    assert parsing.labels is parsing.labels


def test_torch_of_an_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="to_torch makes labels, probabilities, one_hot; got 'mask'"):
        seen().to_torch("mask")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@CASES
def test_coco_masks_are_the_classes(parsing: Parsing) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    coco = parsing.to_coco(file="a.jpg")
    names = {c["id"]: c["name"] for c in coco["categories"]}
    assert coco["images"][0]["file_name"] == "a.jpg"
    assert {names[a["category_id"]] for a in coco["annotations"]} == {*parsing.areas} - {"background"}
    for annotation in coco["annotations"]:
        decoded = mask.decode(annotation["segmentation"])
        np.testing.assert_array_equal(decoded, parsing.mask(names[annotation["category_id"]]))


def test_coco_of_chosen_classes() -> None:
    parsing = seen()
    assert [c["name"] for c in parsing.to_coco("hair")["categories"]] == ["hair"]
    assert [c["name"] for c in parsing.to_coco(("hair", "lips"))["categories"]] == ["hair", "lips"]
    assert parsing.to_coco()["images"][0]["file_name"] == "photo.jpg"
    with pytest.raises(LabelError, match="tail"):
        parsing.to_coco("tail")


@CASES
def test_supervision_has_each_labelled_pixel_once(parsing: Parsing) -> None:
    pytest.importorskip("supervision")
    detections = parsing.to_supervision()
    total = np.full(parsing.size, 255)
    for box, mask, sure, label, _, data in detections:
        assert mask is not None
        assert label is not None
        assert (total[mask] == 255).all()
        total[mask] = label
        assert data["class_name"] == parsing.scheme.classes[int(label)]
        rows, columns = np.nonzero(mask)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert sure == pytest.approx(parsing.confidence[mask].mean(), abs=1e-5)
    background = [i for i, name in enumerate(parsing.scheme.classes) if name == "background"]
    np.testing.assert_array_equal(total, np.where(np.isin(parsing.labels, background), 255, parsing.labels))
    assert detections.mask is not None
    assert detections.mask.shape[1:] == parsing.size
    assert set(detections.data["face"]) <= {0 if parsing.faces else -1}


def test_supervision_knows_whose_a_pixel_is() -> None:
    pytest.importorskip("supervision")
    parsing = two_faces()
    detections = parsing.to_supervision()
    masks = np.asarray(detections.mask)
    assert masks.sum(0).max() == 1
    for name in ("skin", "hair"):
        np.testing.assert_array_equal(masks[detections.data["class_name"] == name].any(0), parsing.mask(name))
    left, right = (masks[detections.data["face"] == face].any(0) for face in (0, 1))
    assert left[:, :30].sum() > right[:, :30].sum() == 0
    assert right[:, 45:].sum() > left[:, 45:].sum() == 0


@pytest.mark.parametrize("name", ["torch", "supervision"])
def test_without_the_program_one_line_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'faceparse\[{name}\]'") as caught:
        getattr(seen(), f"to_{name}")()
    assert "\n" not in str(caught.value)
