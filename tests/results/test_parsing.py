import copy
import dataclasses
import io
import pickle
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import LabelError, OutputError, ResultError
from faceparse.labels import IGNORE, Scheme, conversion, scheme, schemes
from faceparse.results import Face, Parsing, View, parsing, render_labels
from tests.results.reference import probabilities
from tests.results.strategies import Size, random_logits, square, whole

SIZE = (30, 40)
POINTS = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], float)


def picture(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)


def views(classes: int = 19) -> tuple[View, ...]:
    values = random_logits(5, classes, (7, 8), "smooth")
    return whole(values, SIZE), square(values, (20, 15), 20, 0.3)


def made(name: str = "celebamask19") -> Parsing:
    return Parsing(picture(), views(len(scheme(name))), scheme(name))


def labelled(labels: list[list[int]], name: str | Scheme = "celebamask19") -> Parsing:
    array = np.array(labels, np.uint8)
    return Parsing.from_labels(picture(array.shape), array, name)


def test_labels_are_the_most_probable_classes() -> None:
    one = made()
    assert one.size == SIZE
    assert one.labels.dtype == np.uint8
    assert one.labels is one.labels, "computed once"
    np.testing.assert_array_equal(one.labels, probabilities(one.views, SIZE, 19).argmax(0))
    np.testing.assert_allclose(one.confidence, probabilities(one.views, SIZE, 19).max(0), atol=1e-5)
    assert one.confidence is one.confidence


def test_labels_are_computed_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Size] = []

    def counted(views: Sequence[View], size: Size) -> NDArray[np.uint8]:
        calls.append(size)
        return render_labels(views, size)

    monkeypatch.setattr(parsing, "render_labels", counted)
    one = made()
    threads = [threading.Thread(target=lambda: one.labels) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_masks_by_class_alias_and_group() -> None:
    one = labelled([[0, 1, 12], [6, 13, 17]])
    np.testing.assert_array_equal(one.mask("hair"), [[0, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(one.mask("glasses"), [[0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(one.mask("lips"), [[0, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(one.mask("face"), [[0, 1, 1], [1, 1, 0]])
    assert one.mask("face").dtype == np.bool_
    soft = one.mask("lips", soft=True)
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft, one.mask("lips"))
    assert (one.confidence == 1).all()


def test_soft_masks_are_probabilities() -> None:
    one, expected = made(), probabilities(views(), SIZE, 19)
    np.testing.assert_allclose(one.mask("hair", soft=True, edges=False), expected[17], atol=1e-5)
    lips = one.mask("lips", soft=True, edges=False)
    np.testing.assert_allclose(lips, expected[[12, 13]].sum(0), atol=1e-5)
    every = [one.mask(c, soft=True, edges=False) for c in one.scheme.classes]
    np.testing.assert_allclose(np.sum(every, axis=0), 1, atol=1e-5)


def test_unknown_class_is_named() -> None:
    for soft in (False, True):
        with pytest.raises(LabelError, match=r"no class or group 'hairs'\. Did you mean 'hair'"):
            made().mask("hairs", soft=soft)
    for empty in ("", (), list[str]()):
        with pytest.raises(LabelError, match="class"):
            made().mask(empty)
    with pytest.raises(LabelError, match="beard"):
        made().box("beard")
    for odd in (None, 17, ("hair", None)):
        with pytest.raises(LabelError, match="a class or group is a name"):
            made().mask(odd)  # type: ignore[arg-type]


class TestTo:
    def test_labels_follow_the_table_and_soft_masks_add_up(self) -> None:
        one = made()
        other = one.to("lapa11")
        np.testing.assert_array_equal(other.labels, conversion("celebamask19", "lapa11")(one.labels))
        expected = probabilities(views(), SIZE, 19)
        skin = [scheme("celebamask19").id(c) for c in ("skin", "l_ear", "r_ear")]
        found = other.mask("skin", soft=True, edges=False)
        np.testing.assert_allclose(found, expected[skin].sum(0), atol=1e-5)
        np.testing.assert_array_equal(other.confidence, one.confidence)
        assert other.scheme is scheme("lapa11")

    def test_ignored_classes_become_255(self) -> None:
        one = labelled([[0, 6]]).to("lapa11")
        np.testing.assert_array_equal(one.labels, [[0, IGNORE]])
        assert dict(one.areas) == {"background": 0.5}
        other = made().to("lapa11")
        np.testing.assert_array_equal(other.labels == IGNORE, made().labels == 6)
        assert sum(other.areas.values()) == pytest.approx(1 - np.mean(made().labels == 6))

    @pytest.mark.parametrize("name", ["maskgan19", "segface-celeb19"])
    def test_there_and_back(self, name: str) -> None:
        one = made()
        back = one.to(name).to("celebamask19")
        np.testing.assert_array_equal(back.labels, one.labels)
        for c in ("background", "hair", "l_eye", "lips", "face"):
            np.testing.assert_array_equal(one.to(name).mask(c), one.mask(c))
            np.testing.assert_allclose(back.mask(c, soft=True), one.mask(c, soft=True), atol=1e-6)

    def test_an_eye_stays_the_same_eye(self) -> None:
        one = labelled([[0, scheme("celebamask19").id("l_eye")]])
        assert one.to("helen11").areas["r_eye"] == 0.5  # the viewer's right eye

    def test_one_after_another_is_the_tables_in_turn(self) -> None:
        one = made().to("lapa11").to("face2")
        tables = conversion("lapa11", "face2"), conversion("celebamask19", "lapa11")
        np.testing.assert_array_equal(one.labels, tables[0](tables[1](made().labels)))
        total = sum(one.mask(c, soft=True, edges=False) for c in one.scheme.classes)
        np.testing.assert_allclose(total, 1 - made().mask("glasses", soft=True, edges=False), atol=1e-5)

    def test_parts_of_faces_go_along(self) -> None:
        part = made()
        one = Parsing(picture(), views(), part.scheme, (Face((1, 1, 9, 9), 0.5, POINTS, part),))
        other = one.to("maskgan19").faces[0]
        assert other.parsing is not None
        assert other.parsing.scheme.name == "maskgan19"
        assert other.score == 0.5
        np.testing.assert_array_equal(other.parsing.mask("hair"), part.mask("hair"))
        bare = Parsing(picture(), (), part.scheme, (Face((1, 1, 9, 9), 0.5, POINTS),))
        assert bare.to("maskgan19").faces[0].parsing is None

    def test_same_scheme_is_the_same_parsing(self) -> None:
        one = made()
        assert one.to("celebamask19") is one

    def test_what_cannot_be_split_is_an_error(self) -> None:
        with pytest.raises(LabelError, match="eyes"):
            made("ourface11").to("celebamask19")


@given(st.sampled_from(sorted(schemes())), st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_areas_and_boxes_describe_the_labels(name: str, seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, len(scheme(name)) - 1], (height, width)).astype(np.uint8)
    one = Parsing.from_labels(picture((height, width)), labels, name)
    assert sum(one.areas.values()) == pytest.approx(1)
    assert list(one.areas) == [scheme(name).classes[i] for i in np.unique(labels)]
    assert list(one.boxes) == list(one.areas)
    for found, (x0, y0, x1, y1) in one.boxes.items():
        mask = one.mask(found)
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any()
        assert mask[y1 - 1].any()
        assert mask[:, x0].any()
        assert mask[:, x1 - 1].any()


def test_box_of_what_is_absent_is_none() -> None:
    one = labelled([[0, 0, 0], [0, 1, 12]])
    assert one.box("hair") is None
    assert one.box("face") == (1, 1, 3, 2)
    assert dict(one.boxes) == {"background": (0, 0, 3, 2), "skin": (1, 1, 2, 2), "u_lip": (2, 1, 3, 2)}


def test_no_views_is_background() -> None:
    one = Parsing(picture(), (), scheme("celebamask19"))
    assert dict(one.areas) == {"background": 1.0}
    assert (one.mask("background", soft=True) == 1).all()
    assert (one.to("ourface11").mask("background", soft=True) == 1).all()
    assert not one.mask("hair", soft=True).any()


class TestCutout:
    @pytest.mark.parametrize("edges", [True, False])
    def test_opacity_is_the_soft_mask(self, edges: bool) -> None:
        one = made()
        cut = one.cutout("hair", edges=edges)
        assert cut.shape == (*SIZE, 4)
        assert cut.dtype == np.uint8
        opacity = one.mask("hair", soft=True, edges=edges)
        np.testing.assert_array_equal(cut[..., 3], np.rint(opacity * np.float32(255)))
        own = np.isin(cut[..., 3], (0, 255)) if edges else np.full(SIZE, True)
        np.testing.assert_array_equal(cut[own, :3], one.image[own])

    def test_hard_on_demand(self) -> None:
        one = made()
        np.testing.assert_array_equal(one.cutout("hair", soft=False)[..., 3], one.mask("hair") * 255)


class TestFrozen:
    @pytest.mark.parametrize("name", ["image", "views", "scheme", "faces", "labels"])
    def test_attributes_cannot_be_set(self, name: str) -> None:
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(made(), name, None)

    def test_arrays_cannot_be_written_to(self) -> None:
        given_labels = np.zeros(SIZE, np.uint8)
        for one in (made(), made().to("lapa11"), Parsing.from_labels(picture(), given_labels, "face2")):
            for again in (one, pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
                for array in (again.image, again.labels, again.confidence):
                    with pytest.raises(ValueError, match="read-only"):
                        array[0, 0] = 1
        assert given_labels.flags.writeable, "the caller's array stays as it was"


@pytest.mark.parametrize("how", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy, copy.copy])
def test_pickles_and_copies(how: Any) -> None:
    face = Face((1, 1, 9, 9), 0.5, POINTS, made())
    for one in (
        Parsing(picture(), views(), scheme("celebamask19"), (face,)),
        made().to("face2"),
        labelled([[0, 17]]),
        Parsing.from_labels(picture((1, 2)), np.array([[0, 1]], np.uint8), Scheme("own", ("none", "some"))),
    ):
        again = how(one)
        np.testing.assert_array_equal(again.labels, one.labels)
        np.testing.assert_array_equal(again.image, one.image)
        assert again.scheme == one.scheme
        assert len(again.faces) == len(one.faces)


def test_repr_is_short() -> None:
    assert repr(made()) == "<Parsing: 40×30 px, celebamask19, 2 views, 0 faces>"
    assert repr(labelled([[0, 1]])) == "<Parsing: 2×1 px, celebamask19, label map, 0 faces>"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"image": picture()[..., 0]}, ResultError, "RGB picture"),
        ({"image": picture().astype(float)}, ResultError, "RGB picture.*float64"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, ResultError, "RGB picture"),
        ({"views": views(11)}, ResultError, "11 classes, but scheme 'celebamask19' has 19"),
        ({"views": (*views(11), *views(19))}, ResultError, "same classes"),
        ({"scheme": "celebamask"}, LabelError, "no label scheme"),
        ({"table": np.zeros(19, np.uint8)}, ResultError, "table is 256 uint8"),
        ({"table": np.full(256, 19, np.uint8)}, LabelError, "table holds 19"),
        ({"label_map": np.zeros(SIZE, np.uint8)}, ResultError, "not of both"),
        ({"label_map": np.zeros((2, 2), np.uint8), "views": ()}, ResultError, "picture's size"),
        ({"label_map": np.zeros(SIZE, int), "views": ()}, ResultError, "uint8 of the picture's size"),
        ({"label_map": np.full(SIZE, 19, np.uint8), "views": ()}, LabelError, "label map holds 19"),
    ],
)
def test_checks_itself(change: dict[str, Any], error: type[Exception], message: str) -> None:
    good: dict[str, Any] = {"image": picture(), "views": views(), "scheme": "celebamask19"}
    with pytest.raises(error, match=message) as caught:
        Parsing(**(good | change))
    assert "\n" not in str(caught.value)


def test_takes_arrays_of_any_layout() -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    one = Parsing.from_labels(picture((3, 4))[::-1, ::-1], labels.T[::-1].T[::-1], "celebamask19")
    assert one.mask("background")[2, 3]
    assert one.overlay().shape == (3, 4, 3)
    assert one.to("face2").labels.shape == (3, 4)


class TestSave:
    def test_reads_back(self, tmp_path: Path) -> None:
        one = made()
        one.save(tmp_path / "mask.png")
        with Image.open(tmp_path / "mask.png") as file:
            assert file.mode == "P"
            np.testing.assert_array_equal(np.asarray(file), one.labels)
            np.testing.assert_array_equal(np.asarray(file.convert("RGB")), one.scheme.palette[one.labels])
        assert [p.name for p in tmp_path.iterdir()] == ["mask.png"]

    def test_keeps_ignored_pixels(self, tmp_path: Path) -> None:
        labelled([[0, 255]]).save(str(tmp_path / "mask.PNG"))
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.PNG")), [[0, 255]])

    def test_replaces_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "mask.png"
        path.write_bytes(b"before")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", full)
            with pytest.raises(OutputError, match=r"cannot write .*mask\.png: No space left"):
                made().save(path)
        assert path.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [path]
        made().save(path)
        assert path.read_bytes() != b"before"

    def test_others_may_read_it(self, tmp_path: Path) -> None:
        (tmp_path / "plain").touch()
        made().save(tmp_path / "mask.png")
        assert (tmp_path / "mask.png").stat().st_mode == (tmp_path / "plain").stat().st_mode

    @pytest.mark.parametrize("name", ["mask.jpg", "mask", "mask.png.jpg"])
    def test_takes_no_other_suffix(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OutputError, match=r"saved as .*\.npz"):
            made().save(tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_makes_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="No such file or directory"):
            made().save(tmp_path / "new" / "mask.png")

    def test_a_folder_in_the_way_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "mask.png").mkdir()
        with pytest.raises(OutputError, match="is a folder"):
            made().save(tmp_path / "mask.png")
        assert [p.name for p in tmp_path.iterdir()] == ["mask.png"]


def test_notebooks_show_the_overlay_at_a_handy_size() -> None:
    wide = np.zeros((20, 2000, 3), np.uint8)
    for one, size in (
        (made(), SIZE[::-1]),
        (Parsing.from_labels(wide, wide[..., 0], "face2"), (1024, 10)),
    ):
        with Image.open(io.BytesIO(one._repr_png_())) as shown:
            assert shown.size == size
