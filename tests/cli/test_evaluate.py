"""`faceparse evaluate` from end to end on a tiny made set."""

import csv
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse import __version__
from faceparse.cli.main import main
from faceparse.labels import scheme

CELEB = scheme("celebamask19")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for i in range(3):
        labels = np.zeros((96, 80), np.uint8)
        labels[20:80, 10 + i : 70] = CELEB.id("skin")
        labels[30:36, 20:30], labels[30:36, 50:60] = CELEB.id("r_eye"), CELEB.id("l_eye")
        Image.fromarray(CELEB.palette[labels]).save(root / "images" / f"{i}.png")
        Image.fromarray(labels).save(root / "labels" / f"{i}.png")
    (root / "val.txt").write_text("0\n1\n2\n")
    return root


def run(*words: str) -> int:
    try:
        main(["evaluate", *words])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_every_figure_is_written(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {k: tmp_path / f"out.{k}" for k in ("json", "csv")} | {
        k: tmp_path / f"{k}.png" for k in ("confusion", "worst")
    }
    code = run(
        "--data.root", str(faces), "--data.scheme", "celebamask19", "--draws", "50", "--mirror", "--against", "default",
        *(w for k, f in files.items() for w in (f"--{k}", str(f))),
    )  # fmt: skip
    assert code == 0
    shown = capsys.readouterr().out
    assert "mean F1" in shown
    figures = json.loads(files["json"].read_text())
    assert figures["pictures"] == 3
    assert figures["protocol"] == "label"
    assert figures["against"]["difference"]["mean"] == [0, 0, 0]
    assert set(figures["mirror_agreement"]) <= {"l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"}
    low, high = figures["interval"]["skin"]
    assert low <= figures["f1"]["skin"] <= high
    assert (figures["model"], figures["model_given"]) == ("default", "default")
    assert figures["against"]["model_given"] == "default"
    assert (figures["data_root"], figures["data_scheme"]) == (str(faces), "celebamask19")
    assert (figures["draws"], figures["version"]) == (50, __version__)
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    skin, mean = rows[0], next(row for row in rows if row["class"] == "mean F1")
    assert skin["class"] == "skin"
    assert [float(skin[k]) for k in ("f1", "f1_low", "f1_high")] == [figures["f1"]["skin"], low, high]
    assert float(mean["f1"]) == float(mean["against_f1"]) == figures["mean_f1"]
    assert [skin[k] for k in ("difference", "difference_low", "difference_high")] == ["0.0"] * 3
    assert [row["class"] for row in rows[-2:]] == ["mean IoU", "pixel accuracy"]
    assert {v for row in rows for k, v in row.items() if k != "class" and v in ("nan", "–")} == set()
    for name in ("confusion", "worst"):
        with Image.open(files[name]) as picture:
            assert min(picture.size) > 100


def test_batch_and_jobs_change_no_figure(faces: Path, tmp_path: Path) -> None:
    written = []
    for number in ("1", "8"):
        files = [tmp_path / f"{number}.{kind}" for kind in ("json", "csv", "png")]
        names = [
            w
            for option, f in zip(("--json", "--csv", "--confusion"), files, strict=True)
            for w in (option, str(f))
        ]
        data = ["--data.root", str(faces), "--data.scheme", "celebamask19", "--draws", "50"]
        assert run(*data, "--batch", number, "--jobs", number, *names) == 0
        written.append([f.read_bytes() for f in files])
    assert written[0] == written[1]


def test_protocol_input_compares_at_the_network_s_size(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ["--data.root", str(faces), "--data.scheme", "celebamask19", "--draws", "0"]
    assert run(*words, "--protocol", "input", "--json", str(out)) == 0
    assert json.loads(out.read_text())["protocol"] == "input"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--protocol", "both"], "protocol is label or input"),
        (["--protocol", "input", "--faces", "each"], "--faces whole"),
        (["--split", "none"], "no split 'none'"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_bad_words_are_one_line(
    faces: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--data.root", str(faces), "--data.scheme", "celebamask19", *more) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--json", "{t}/file/e.json"), "cannot make output folder"),
        (("--json", "{t}/file/deep/e.json"), "cannot make output folder"),
        (("--csv", "{t}/folder"), "folder is a folder: name a file"),
        (("--confusion", "{t}/x.jpg"), "--confusion writes a PNG: name it .png, not"),
        (("--worst", "{t}/x.tiff"), "--worst writes a PNG: name it .png, not"),
        (("--json", "{f}"), "would replace a file of the data set"),
        (("--csv", "{t}/x.csv", "--json", "{t}/./x.csv"), "or of another option"),
    ],
)
def test_places_are_looked_at_before_the_first_picture(
    faces: Path, tmp_path: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for picture in (faces / "images").iterdir():
        picture.write_bytes(b"")  # the first to be read would be complained about
    picture = next((faces / "images").iterdir())
    given = [word.format(t=tmp_path, f=picture) for word in words]
    assert run("--data.root", str(faces), "--data.scheme", "celebamask19", *given) in (1, 2)
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faces", "file", "folder"]


def test_degraded_pictures_have_a_column_each(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["blur4", "noise25", "dark"]
    files = [tmp_path / "a.json", tmp_path / "a.csv"]
    words = ["--data.root", str(faces), "--data.scheme", "celebamask19", "--draws", "0", "--pictures", "2"]
    words += ["--json", str(files[0]), "--csv", str(files[1])]
    assert run(*words, "--degrade", ",".join(names)) == 0
    header = next(line for line in capsys.readouterr().out.splitlines() if "clean" in line)
    assert header.split()[1::2] == ["class", "clean", *names]
    figures = json.loads(files[0].read_text())
    assert figures["pictures"] == 2
    assert list(figures["degraded"]) == names
    mean = next(r for r in csv.DictReader(files[1].read_text().splitlines()) if r["class"] == "mean F1")
    assert float(mean["f1"]) == figures["mean_f1"]
    assert [float(mean[name]) for name in names] == [figures["degraded"][n]["mean_f1"] for n in names]
    assert run(*words, "--degrade", "blur4,fog") == 2
    assert "got 'fog'" in capsys.readouterr().err


def test_missing_folders_are_made(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "deep" / "out.csv"
    assert (
        run("--data.root", str(faces), "--data.scheme", "celebamask19", "--draws", "0", "--csv", str(out))
        == 0
    )
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["class", "f1", "f1_low", "f1_high"]
    assert rows[0]["f1_low"] == rows[0]["f1_high"] == ""


@pytest.mark.filterwarnings("error")
def test_labels_without_a_pixel_to_count(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (faces / "labels").iterdir():
        Image.fromarray(np.full((96, 80), 255, np.uint8)).save(file)
    out = tmp_path / "out.json"
    assert run("--data.root", str(faces), "--data.scheme", "celebamask19", "--json", str(out)) == 2
    said = capsys.readouterr().err.strip()
    assert "every label of 3 pictures is 255" in said
    assert "\n" not in said
    assert not out.exists()


@pytest.mark.filterwarnings("error")
def test_undefined_figures_are_null(tiny_path: Path, tmp_path: Path) -> None:
    """Background alone, and a model of its own that says so: no class occurs."""
    root, out = tmp_path / "faces", tmp_path / "out.json"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
        Image.new("L", (64, 64)).save(root / folder / "0.png")
    words = (
        "--data.root",
        str(root),
        "--data.scheme",
        "celebamask19",
        "--split",
        "all",
        "--against",
        str(tiny_path),
    )
    assert run(*words, "--model", str(tiny_path), "--json", str(out), "--draws", "20") == 0

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    figures = json.loads(out.read_text(), parse_constant=no_constant)
    absent = [name for name, value in figures["f1"].items() if value is None]
    assert absent
    assert all(figures["interval"][name] == [None, None] for name in absent)
    assert all(figures["against"]["difference"][name] == [None] * 3 for name in absent)


def test_names_are_no_markup(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = faces.rename(tmp_path / "[bold]faces")
    own = tmp_path / "own.yaml"
    own.write_text(json.dumps({"classes": [*CELEB.classes, "[red]spot"]}))
    words = ("--data.root", str(root), "--data.scheme", str(own), "--scheme", str(own), "--draws", "0")
    assert run(*words) == 0
    shown = capsys.readouterr().out
    assert "[red]spot" in shown
    assert "[bold]faces" in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"faceparse": {"network": "x"}}, "{} is cut short or damaged"),
        ({"state_dict": {"faceparse.weight": 1}}, "{} is cut short or damaged"),
    ],
)
def test_a_checkpoint_without_tensors_is_told(
    faces: Path, tmp_path: Path, content: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    best = tmp_path / "best.ckpt"
    with zipfile.ZipFile(best, "w") as archive:  # as torch.save has it
        archive.writestr("best/data.pkl", pickle.dumps(content, 2))
    assert run("--data.root", str(faces), "--data.scheme", "celebamask19", "--model", str(best)) == 2
    assert message.format(best) in capsys.readouterr().err


def test_what_becomes_of_pictures_without_a_face(
    faces: Path, tmp_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    words = (
        "--data.root",
        str(faces),
        "--data.scheme",
        "celebamask19",
        "--draws",
        "0",
        "--model",
        str(tiny_path),
    )
    assert run(*words, "--faces", "each", "--no-face", "background", "--json", str(out)) == 0
    figures = json.loads(out.read_text())
    assert figures["no_face"] == "background"
    assert figures["f1"]["skin"] == 0
    capsys.readouterr()
    assert run(*words, "--faces", "auto", "--no-face", "fail") == 1
    assert "0.png: no face found" in capsys.readouterr().err
    assert run(*words, "--no-face", "skip") == 2
    assert "got 'skip'" in capsys.readouterr().err


def test_a_picture_that_is_too_small_is_named(faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("images", "labels"):
        Image.new("L", (1, 1)).save(faces / folder / "1.png")
    assert run("--data.root", str(faces), "--data.scheme", "celebamask19") == 2
    said = capsys.readouterr().err.strip()
    assert "1.png: it is 1×1 px" in said
    assert "\n" not in said


def test_a_model_that_never_says_right_is_told(
    tmp_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "faces"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    labels = np.zeros((64, 64), np.uint8)
    labels[8:24, 8:24] = labels[8:24, 40:56] = CELEB.id("l_eye")
    for i in range(10):
        Image.fromarray(CELEB.palette[labels]).save(root / "images" / f"{i}.png")
        Image.fromarray(labels).save(root / "labels" / f"{i}.png")
    words = ("--data.root", str(root), "--data.scheme", "celebamask19", "--split", "all", "--draws", "0")
    assert run(*words, "--model", str(tiny_path)) == 0
    err = capsys.readouterr().err
    assert err.count("note: ") == 1
    assert "in 10 pictures the model labels l_eye and no r_eye" in err


def test_the_second_model_answers_in_the_first_one_s_scheme(
    faces: Path, tmp_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny_path)
    names = ["background", *(f"own_{c}" for c in CELEB.classes[1:])]
    table = dict(zip(CELEB.classes[1:], names[1:], strict=True))
    (entry,) = (p for p in model.metadata_props if p.key == "faceparse.card")
    own = {"name": "own", "classes": names, "from": {"celebamask19": table}}
    entry.value = json.dumps(json.loads(entry.value) | {"scheme": own})
    onnx.save(model, tmp_path / "own.onnx")
    words = ["--data.root", str(faces), "--data.scheme", "celebamask19", "--json", str(tmp_path / "a.json")]
    assert run("--model", str(tmp_path / "own.onnx"), "--against", str(tiny_path), *words) == 0
    figures = json.loads((tmp_path / "a.json").read_text())
    assert figures["scheme"] == figures["against"]["scheme"] == "own"
    assert figures["against"]["difference"]["mean"] == [0, 0, 0]
    capsys.readouterr()
    assert run("--model", str(tiny_path), "--against", str(tmp_path / "own.onnx"), *words) == 2
    assert "cannot convert own to celebamask19: own_skin" in capsys.readouterr().err
