"""What single layouts promise beyond the contract: points, crops, shares, user schemes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import FolderDataset, open_dataset, part_masks
from faceparse.data.derived import Cropped
from faceparse.data.facesynthetics import FaceSynthetics
from faceparse.data.helen import Helen
from faceparse.data.landmarks import five_points, helen_box
from faceparse.data.lapa import LaPa
from faceparse.data.prepare import prepare
from faceparse.data.splits import is_share, take_share
from faceparse.errors import ConfigError, DataError
from faceparse.labels import conversion, scheme
from tests.data import made


def test_lapas_points(tmp_path: Path) -> None:
    sample = LaPa(made.lapa(tmp_path / "lapa"), "train")[1]
    assert sample.landmarks is not None
    assert sample.landmarks[:3].tolist() == [[0.125, 1.0], [0.375, 1.25], [0.625, 1.5]]
    five = five_points(sample.landmarks)
    assert (4 * five[:, 0]).tolist() == [(74.5 + 104.5) / 2, (83.5 + 105.5) / 2, 54.5, 84.5, 90.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("105\n1 2\n", "has 3 numbers; expected 212"),
        ("106\n1 2\n", "has 2 numbers; expected 212"),
        ("106\n" + "1 x\n" * 106, "holds a word that is not a number"),
        ("106\n" + "1 nan\n" * 106, "a landmark that is not within 1,000,000 pixels"),
        ("106\n" + "1 1e300\n" * 106, "a landmark that is not within 1,000,000 pixels"),
        ("", "has 0 numbers"),
    ],
)
def test_bad_landmarks_are_one_line_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    root = made.lapa(tmp_path / "lapa")
    file = next((root / "test" / "landmarks").iterdir())
    file.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        LaPa(root, "test")[0]
    assert str(file) in str(caught.value)


def test_five_of_68_and_of_others() -> None:
    points = np.arange(140.0).reshape(70, 2)
    five = five_points(points[:68])
    assert (five == five_points(points)).all()
    assert five[:, 0].tolist() == [2 * 38.5, 2 * 44.5, 60, 96, 108]
    assert (five_points(five) == five).all()
    with pytest.raises(DataError, match="106, 70, 68 or 5"):
        five_points(points[:6])


def test_helens_landmarks_are_at_twice_the_scale(tmp_path: Path) -> None:
    whole = Helen(made.helen(tmp_path / "helen"), "train")
    sample = whole[0]
    assert sample.landmarks is not None
    assert sample.landmarks[0] == pytest.approx([10, 8])
    assert sample.landmarks[-1] == pytest.approx([22, 16])


def test_helens_crop(tmp_path: Path) -> None:
    root = made.helen(tmp_path / "helen")
    whole, cropped = Helen(root, "train")[0], Cropped(Helen(root, "train"))[0]
    # 13 wide × 1.2 = 15; middle int(10 + 13 / 2), int(8 + 9 / 2): columns 9 to 24, rows 5 to 20.
    assert (cropped.image == whole.image[5:20, 9:24]).all()
    assert (cropped.labels == whole.labels[5:20, 9:24]).all()
    assert whole.landmarks is not None
    assert cropped.landmarks is not None
    assert (cropped.landmarks == whole.landmarks - [9, 5]).all()


def test_the_crop_ends_at_the_picture() -> None:
    points = np.array([[0.0, 0.0], [30.0, 10.0]])
    assert helen_box(points, (28, 20)) == (0, 0, 28, 20)
    with pytest.raises(DataError, match="outside the picture"):
        helen_box(points + 500, (28, 20))


def test_helen_without_landmarks(tmp_path: Path) -> None:
    root = made.helen(tmp_path / "helen")
    lines = (root / "landmarks.txt").read_text().splitlines()
    (root / "landmarks.txt").write_text("\n".join(lines[1:]))
    with pytest.raises(DataError, match=r"100032540_1_image\.jpg has no line '100032540_1'"):
        Helen(root, "train")[0]
    (root / "landmarks.txt").write_text("1 2 3 name\n")
    with pytest.raises(DataError, match=r"landmarks\.txt, line 1, has 3 numbers; expected 136"):
        Helen(root, "train")
    (root / "landmarks.txt").unlink()
    assert Helen(root, "train")[0].landmarks is None
    assert Helen(root, "test_resize")[0].image.shape == (16, 16, 3)
    for split in ("train", "test_resize"):
        with pytest.raises(DataError, match=r"_image\.jpg has no landmarks to crop by"):
            Cropped(Helen(root, split))[0]


def test_shares_of_helen_are_of_its_train(tmp_path: Path) -> None:
    root = made.helen(tmp_path / "helen")
    shares = [list(Helen(root, split).names) for split in ("0-50%", "50-100%")]
    assert [len(s) for s in shares] == [1, 1]
    assert sorted(shares[0] + shares[1]) == list(Helen(root, "train").names)
    with pytest.raises(DataError, match=r"train: split '0-1%' .*is empty"):
        Helen(root, "0-1%")


def test_face_synthetics_becomes_ourface11(tmp_path: Path) -> None:
    data = FaceSynthetics(made.facesynthetics(tmp_path / "s"), "0-50%")
    assert len(data) == 2
    convert = conversion(data.scheme, "ourface11")
    for sample in data:
        ours = convert(sample.labels)
        scheme("ourface11").check(ours)
        assert (ours[:2] == 255).all()
        for name, goal in (
            ("nose", "skin"),
            ("l_eye", "eyes"),
            ("cloth", "background"),
            ("hat", "accessory"),
        ):
            assert (ours[sample.labels == data.scheme.id(name)] == scheme("ourface11").id(goal)).all()


def test_shares_of_a_set_do_not_overlap_and_make_up_all() -> None:
    names = [str(i) for i in range(101)]
    pieces = [take_share(names, p) for p in ("0-80%", "80-90%", "90-100%")]
    assert sorted((n for p in pieces for n in p), key=int) == names
    assert [len(p) for p in pieces] == [81, 10, 10]
    assert pieces[0] == sorted(pieces[0], key=int) == take_share(names, "0-80%")
    assert set(take_share(names, "0-80%@1")) != set(pieces[0])
    assert not is_share("train")
    for bad in ("0-80%@" + "9" * 5000, "80-20%", "0-101%", "5-5%"):
        with pytest.raises(DataError, match="LOW-HIGH%"):
            take_share(names, bad)


def test_a_folder_in_shares_with_a_users_scheme(tmp_path: Path) -> None:
    root = made.folder(tmp_path / "f", 5, classes=2)
    own = tmp_path / "mine.yaml"
    own.write_text("classes: [background, spot]\n")
    train, val = (open_dataset("folder", root, p, own) for p in ("0-60%", "60-100%"))
    assert (len(train), len(val)) == (3, 2)
    assert not set(train.names) & set(val.names)
    assert train.scheme.classes == ("background", "spot")
    train.scheme.check(train[0].labels)


def test_other_faults_of_a_folder(tmp_path: Path) -> None:
    root = made.folder(tmp_path / "f")
    (root / "labels" / "0.png").unlink()
    with pytest.raises(DataError, match=r"names '0', which has no label map 0\.png"):
        FolderDataset(root, "train", "celebamask19")
    made.picture(1).save(root / "images" / "1.webp")
    with pytest.raises(DataError, match=r"1\.webp share one label map|1\.jpg and 1\.webp share"):
        FolderDataset(root, "all", "celebamask19")
    jpegs = made.folder(tmp_path / "j")
    for path in (jpegs / "labels").iterdir():
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(DataError, match="label maps are PNG, the JPEG ones lose values"):
        FolderDataset(jpegs, "all", "celebamask19")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", r"dataset\.json is not JSON"),
        ('{"scheme": "lapa11"}', "in scheme lapa11, not celebamask19"),
        ('{"scheme": "nope"}', "no label scheme 'nope'"),
        ('{"scheme": 7}', "got 7"),
        ("[]", "expected a JSON object"),
    ],
)
def test_records_that_do_not_fit(tmp_path: Path, record: str, message: str) -> None:
    root = made.folder(tmp_path / "f")
    (root / "dataset.json").write_text(record)
    with pytest.raises(DataError, match=message):
        FolderDataset(root, "all", "celebamask19")


def test_binary_and_palette_label_maps_and_turned_pictures(tmp_path: Path) -> None:
    root = made.folder(tmp_path / "f", 2, classes=2)
    Image.new("1", (32, 24), 1).save(root / "labels" / "0.png")
    made.picture(0, (24, 32)).save(root / "images" / "0.jpg", exif=turned())
    sample = FolderDataset(root, "all", "face2")[0]
    assert sample.image.shape == (24, 32, 3)
    assert (sample.labels == 1).all()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_a_flat_folder_of_parts(tmp_path: Path) -> None:
    """As `faceparse parse --save parts` writes them; names may hold what looks like a part."""
    (tmp_path / "photos").mkdir()
    for stem in ("me_l", "a", "bare"):
        made.picture(1, (16, 16)).save(tmp_path / "photos" / f"{stem}.png")
    for stem in ("me_l", "a", "gone"):
        for name, mask in made.part_masks(len(stem)).items():
            path = tmp_path / "out" / f"{stem}_{name}.png"
            made.write_part(path, mask, "L")
    made.picture(1).save(tmp_path / "out" / "a_panel.png")
    order = scheme("maskgan19")
    pictures, stray = part_masks.find_pictures(tmp_path / "out", tmp_path / "photos", order)
    assert [(p.name, len(p.masks)) for p in pictures] == [("a", 18), ("gone", 18), ("me_l", 18)]
    assert [finding.text for finding in stray] == ["a_panel.png"]
    counts, record = prepare("parts", tmp_path / "out", tmp_path / "dst", order, images=tmp_path / "photos")
    assert counts == {"written": 2, "left out": 1}
    assert record["findings"]["unknown file"]["first"] == ["a_panel.png"]
    data = FolderDataset(tmp_path / "dst", "all")
    expected = np.zeros((16, 16), np.uint8)
    for label, name in enumerate(order.classes[1:], 1):
        expected[made.part_masks(4)[name]] = label
    assert (data[1].labels == expected).all()
    assert data.names[1].name == "me_l.png"
    with pytest.raises(DataError, match="no such folder"):
        part_masks.find_pictures(tmp_path / "none", tmp_path, order)
    with pytest.raises(DataError, match="no masks named STEM_PART"):
        part_masks.find_pictures(tmp_path / "photos", tmp_path, scheme("face2"))


def test_prepare_in_one_call(tmp_path: Path) -> None:
    source, steps = made.celebamask_hq(tmp_path / "src"), list[tuple[int, int]]()
    counts, record = prepare(
        "celebamask-hq", source, tmp_path / "dst", "maskgan19", progress=lambda *step: steps.append(step)
    )
    assert counts == {"written": 3}
    assert record["splits"] == {"train": 1, "val": 1, "test": 1}
    assert steps == [(1, 3), (2, 3), (3, 3)]
    counts, record = prepare("celebamask-hq", source, tmp_path / "whole", splits=False, size=64)
    assert record["splits"] == {}
    with pytest.raises(ConfigError, match="no preparation of 'lapa'"):
        prepare("lapa", source, tmp_path / "other")
    with pytest.raises(ConfigError, match="--images"):
        prepare("parts", source, tmp_path / "other")
    with pytest.raises(DataError, match="only read"):
        prepare("celebamask-hq", source, source / "dst")
