"""`faceparse evaluate` from end to end on a tiny made set."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    rows = list(csv.reader(files["csv"].read_text().splitlines()))
    assert rows[0][:3] == ["class", "F1", "95 %"]
    assert rows[1][0] == "skin"
    assert float(rows[1][1]) == pytest.approx(figures["f1"]["skin"], abs=0.05)
    for name in ("confusion", "worst"):
        with Image.open(files[name]) as picture:
            assert min(picture.size) > 100


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
    assert "all is l_eye and nothing r_eye in the 10 pictures" in err
