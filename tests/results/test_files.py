"""A parsing as .npz and .json: what comes back, and what is said of files that are none."""

import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from faceparse.errors import DataError, OutputError, ResultError
from faceparse.labels import Scheme, scheme
from faceparse.results import Face, Parsing
from tests.results.strategies import warped
from tests.writers.samples import OWN, POINTS, labelled, picture, seen


def stored(one: Parsing, folder: Path) -> Path:
    one.save(folder / "a.npz")
    return folder / "a.npz"


def assert_equal(one: Parsing, other: Parsing) -> None:
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.confidence, other.confidence)
    for name in ("scheme", "model", "engine", "source"):
        assert getattr(one, name) == getattr(other, name)
    assert one.scheme.tables_to == other.scheme.tables_to
    assert dict(one.seconds) == dict(other.seconds)
    assert len(one.faces) == len(other.faces)
    for mine, yours in zip(one.faces, other.faces, strict=True):
        assert (mine.box, mine.score) == (yours.box, yours.score)
        np.testing.assert_array_equal(mine.landmarks, yours.landmarks)
        assert (mine.parsing is None) == (yours.parsing is None)
        if mine.parsing and yours.parsing:
            assert_equal(mine.parsing, yours.parsing)


@pytest.mark.parametrize("name", ["celebamask19", "lapa11", "face2"])
def test_npz_is_without_loss(name: str, tmp_path: Path) -> None:
    one = seen().to(name)
    again = Parsing.load(stored(one, tmp_path), one.image)
    assert_equal(one, again)
    np.testing.assert_array_equal(one.mask("face", soft=True), again.mask("face", soft=True))
    np.testing.assert_array_equal(one.cutout("face"), again.cutout("face"))
    assert (
        again.views[1].logits is again.faces[0].parsing.views[0].logits if again.faces[0].parsing else False
    )
    assert_equal(again.to("face2"), one.to("face2"))


def test_npz_keeps_trust_ids_false_faces_and_looks(tmp_path: Path) -> None:
    points = np.array([[3.0, 4], [7, 4], [5, 6], [4, 8], [6, 8]])
    face, false = Face((1, 1, 9, 9), 0.9, points, None, 0.75, 3), Face((2, 2, 9, 9), 0.7, points, None, 0.0)
    Parsing(picture(20, 20), (), scheme("celebamask19"), (face,), false_faces=(false,), looks=4).save(
        tmp_path / "a.npz"
    )
    again = Parsing.load(tmp_path / "a.npz")
    assert again.faces[0].id == 3
    assert [f.record() for f in (*again.faces, *again.false_faces)] == [face.record(), false.record()]
    assert again.looks == 4


def test_npz_keeps_a_warp(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((11, 9, 9)).astype(np.float32)
    one = Parsing(picture(26, 37), (warped(values, (20, 12), 15, 0.3, framed=True),), scheme("lapa11"))
    again = Parsing.load(stored(one, tmp_path), one.image)
    assert_equal(one, again)
    np.testing.assert_array_equal(one.mask("face", soft=True), again.mask("face", soft=True))


def test_npz_of_given_labels_and_an_own_scheme(tmp_path: Path) -> None:
    to = {"face2": {"scalp": "face", "rest": "background"}}
    own = Scheme("mine", ("rest", "scalp"), "Mine", "viewer", to, {"scalp": (1, 2, 3)}, (("rest", "scalp"),))
    part = labelled(np.ones((3, 4), np.uint8), own)
    faces = (Face((0, 0, 2, 2), 0.5, POINTS, part), Face((0, 0, 2, 2), 0.5, POINTS))
    one = Parsing.from_labels(part.image, np.array([[0, 1, 255, 0]] * 3, np.uint8), own, faces)
    again = Parsing.load(stored(one, tmp_path), one.image)
    assert_equal(one, again)
    np.testing.assert_array_equal(again.to("face2").labels, one.to("face2").labels)
    np.testing.assert_array_equal(again.scheme.palette, own.palette)
    assert again.scheme.pairs == own.pairs


def test_numpy_reads_it_alone(tmp_path: Path) -> None:
    one = seen()
    with np.load(stored(one, tmp_path), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["labels"], one.labels)
        assert str(file["scheme"]) == "celebamask19"
        assert tuple(file["classes"].tolist()) == one.scheme.classes
        np.testing.assert_array_equal(file["face_boxes"], [one.faces[0].box])
        assert file["face_landmarks"].shape == (1, 5, 2)
        assert json.loads(str(file["record"]))["model"] == "default"


def test_the_stored_labels_count(tmp_path: Path) -> None:
    """Should drawing ever change by a pixel, a file keeps what was written."""
    path = stored(seen(), tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["labels"] = np.full_like(arrays["labels"], 3)
    np.savez(path, **arrays)
    assert (Parsing.load(path).labels == 3).all()


def test_without_the_picture_it_is_black(tmp_path: Path) -> None:
    again = Parsing.load(str(stored(seen(), tmp_path)))
    assert again.size == seen().size
    assert not again.image.any()
    with pytest.raises(
        ResultError, match=r"a\.npz is the parsing of an RGB picture of 26 × 37; got shape \(8, 9, 3\)"
    ):
        Parsing.load(tmp_path / "a.npz", picture(8, 9))


def test_what_is_no_parsing_is_one_line(tmp_path: Path) -> None:
    path = stored(seen(), tmp_path)
    whole = path.read_bytes()
    for bad in (b"", b"text", whole[:1000], whole[:-30], whole[200:]):
        path.write_bytes(bad)
        with pytest.raises(
            DataError, match=r"a\.npz is no parsing as faceparse saves it, or a damaged one"
        ) as caught:
            Parsing.load(path)
        assert "\n" not in str(caught.value)
    np.savez(path, labels=np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match="damaged one"):
        Parsing.load(path)
    np.save(tmp_path / "b.npy", np.zeros(3))
    with pytest.raises(DataError, match="no parsing"):
        Parsing.load(tmp_path / "b.npy")
    with pytest.raises(DataError, match="no such file"):
        Parsing.load(tmp_path / "nowhere.npz")


def test_a_file_that_unpacks_to_very_much_is_not_unpacked(tmp_path: Path) -> None:
    path = stored(seen(), tmp_path)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1 << 31).to_bytes(4, "little")  # what the directory says of its size
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"it would unpack to 2,147,\d+,\d+ bytes"):
        Parsing.load(path)


def test_labels_too_large_for_the_memory_are_one_line(tmp_path: Path) -> None:
    path = stored(seen(), tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|V0", "fortran_order": False, "shape": (1 << 40, 1 << 10)}
    )
    del arrays["labels"]
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.npy", header.getvalue())
    with pytest.raises(DataError, match="damaged one"):
        Parsing.load(path)


def test_flipped_bits_never_escape(tmp_path: Path) -> None:
    path = stored(seen(8, 9), tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 100):
        bad = bytearray(whole)
        bad[place] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        with suppress(DataError):
            Parsing.load(path).mask("hair", soft=True)


def test_a_newer_files_version_is_said(tmp_path: Path) -> None:
    path = stored(seen(), tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    record = json.loads(str(arrays["record"]))
    arrays["record"] = np.array(json.dumps(record | {"format": 99}))
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="newer faceparse"):
        Parsing.load(path)


def test_record() -> None:
    labels = np.zeros((10, 20), np.uint8)
    labels[2:4, 5:10] = 17
    labels[9, 0] = 255
    face = Face((1.234, 2, 9, 9.5), 0.98765, POINTS)
    one = Parsing.from_labels(picture(10, 20), labels, "celebamask19", (face,))
    assert one.record() == {
        "picture": {"file": "", "width": 20, "height": 10},
        "model": "",
        "engine": "",
        "scheme": {"name": "celebamask19", "left_means": "subject"},
        "classes": {
            "background": {"label": 0, "pixels": 189, "area": 0.945, "box": [0, 0, 20, 10]},
            "hair": {"label": 17, "pixels": 10, "area": 0.05, "box": [5, 2, 10, 4]},
        },
        "ignored_pixels": 1,
        "faces": [
            {
                "box": [1.23, 2.0, 9.0, 9.5],
                "score": 0.9877,
                "trust": None,
                "landmarks": {
                    "image_left_eye": [8.0, 9.0],
                    "image_right_eye": [17.0, 9.0],
                    "nose_tip": [12.0, 14.0],
                    "image_left_mouth_corner": [9.0, 19.0],
                    "image_right_mouth_corner": [16.0, 19.0],
                },
            }
        ],
        "false_faces": [],
        "looks": 0,
        "seconds": {},
    }
    as_parsed = seen().record()
    assert as_parsed["picture"] == {"file": "photo.jpg", "width": 26, "height": 37}
    assert (as_parsed["model"], as_parsed["seconds"]) == ("default", {"network": 0.25})


def test_save_json(tmp_path: Path) -> None:
    seen().save(tmp_path / "a.JSON")
    assert json.loads((tmp_path / "a.JSON").read_text(encoding="utf-8")) == seen().record()
    with pytest.raises(OutputError, match="No such file"):
        seen().save(tmp_path / "nowhere" / "a.json")


def test_several_names_at_once() -> None:
    one = seen()
    both = one.mask("hair", soft=True, edges=False) + one.mask("hat", soft=True, edges=False)
    np.testing.assert_allclose(one.mask(("hair", "hat"), soft=True, edges=False), both, atol=1e-6)
    np.testing.assert_array_equal(one.mask(["hair", "hat", "hair"]), one.mask("hair") | one.mask("hat"))
    assert labelled(np.eye(3, dtype=np.uint8), OWN).box(("skin", "rest")) == (0, 0, 3, 3)
