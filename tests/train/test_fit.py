"""A training run end to end on a tiny made set: checkpoints, resume, figures."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.errors import ConfigError, DataError, FaceparseError, LabelError, WeightsError  # noqa: E402
from faceparse.train.fit import fit  # noqa: E402
from faceparse.train.module import ParsingModule  # noqa: E402
from faceparse.train.settings import read_settings  # noqa: E402

# Lightning speaks of few workers, short epochs, missing loggers and its own deprecations.
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def words(root: Path, output: Path, *more: str) -> list[str]:
    """A run of the default recipe at a size that takes a second."""
    return [
        "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(output), "--batch_size", "2", "--sizes", "[[0, 64], [1, 96]]", "--ema", "0.5", *more,
    ]  # fmt: skip


def test_run_leaves_best_last_settings_and_log(made_faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    best = fit(read_settings(words(made_faces, out, "--epochs", "2")))
    assert best == out / "best.ckpt"
    assert (out / "last.ckpt").is_file()
    saved = torch.load(best, weights_only=True)
    assert saved["faceparse"]["network"] == "fpn-efficientnet_lite0"
    assert saved["faceparse"]["size"] == 96
    assert json.loads((out / "settings.json").read_text()) == saved["faceparse"]
    assert "val/mean_f1" in (out / "log" / "metrics.csv").read_text()


def test_pictures_reach_tensorboard(made_faces: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing import event_accumulator

    out = tmp_path / "run"
    fit(read_settings(words(made_faces, out, "--epochs", "1")))
    reader: Any = event_accumulator
    events = reader.EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    assert len(events.Tags()["images"]) == 2
    assert "val/mean_f1" in events.Tags()["scalars"]


def test_profile_says_where_time_goes(
    made_faces: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(
        "faceparse.train.callbacks.profile.time", SimpleNamespace(perf_counter=lambda: clock[0])
    )
    for hook, seconds in (("training_step", 1), ("backward", 2), ("on_train_batch_start", 4)):
        original: Any = getattr(ParsingModule, hook)

        def slow(*arguments: Any, original: Any = original, seconds: int = seconds) -> Any:
            clock[0] += seconds
            return original(*arguments)

        monkeypatch.setattr(ParsingModule, hook, slow)
    fit(
        read_settings(
            words(made_faces, tmp_path / "run", "--profile", "true", "--epochs", "6", "--batch_size", "1")
        )
    )
    # A hook of the module's that runs before the step counts as its forward pass.
    for part, ms in (("data", 0), ("forward", 5000), ("backward", 2000), ("optimiser", 0), ("step", 7000)):
        assert f"{part:<10} {ms:9.1f} ms" in caplog.text


def test_the_profile_says_whether_samples_are_made_fast_enough(
    made_faces: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = ["--profile", "true", "--epochs", "2", "--batch_size", "1", "--data.workers", "1"]
    fit(read_settings(words(made_faces, tmp_path / "run", *options)))
    assert re.search(r"queue +\d\.\d of 2 batches ready, none at \d+ % of the steps", caplog.text)


def test_accumulated_and_clipped_steps_run(made_faces: Path, tmp_path: Path) -> None:
    options = [
        "--trainer.accumulate_grad_batches",
        "2",
        "--trainer.gradient_clip_val",
        "1",
        "--batch_size",
        "1",
    ]
    fit(read_settings(words(made_faces, tmp_path / "run", "--epochs", "2", *options)))
    saved = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == 4  # five draws an epoch, the hat twice


def test_a_number_of_steps_ends_a_run_which_is_validated_then(made_faces: Path, tmp_path: Path) -> None:
    best = fit(
        read_settings(words(made_faces, tmp_path / "run", "--trainer.max_steps", "2", "--batch_size", "1"))
    )
    for file in (best, best.parent / "last.ckpt"):
        assert torch.load(file, weights_only=True)["global_step"] == 2


def test_the_progress_bar_counts_from_one(
    made_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    fit(read_settings(words(made_faces, tmp_path / "run", "--epochs", "2")))
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "Epoch 0" not in printed


@pytest.mark.parametrize(
    "more", [["--trainer.precision", "64"], ["--data.scheme", "nothing"], ["--backbone", "x"]]
)
def test_a_run_that_does_not_start_leaves_no_folder(
    made_faces: Path, tmp_path: Path, more: list[str]
) -> None:
    with pytest.raises(FaceparseError):
        fit(read_settings(words(made_faces, tmp_path / "run", "--trainer.accelerator", "nothing", *more)))
    assert not (tmp_path / "run").exists()


def test_patience_ends_a_run(made_faces: Path, tmp_path: Path) -> None:
    options = ["--epochs", "9", "--patience", "1", "--optimizer.learning_rate", "1e-12", "--rare", "0"]
    fit(read_settings(words(made_faces, tmp_path / "run", *options)))
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["epoch"] < 8


def test_weights_of_a_model_file_start_a_run(made_faces: Path, tmp_path: Path) -> None:
    from faceparse.models.loading import load

    first = fit(read_settings(words(made_faces, tmp_path / "a", "--epochs", "1")))
    options = ["--epochs", "1", "--weights", str(first), "--optimizer.learning_rate", "1e-20", "--ema", "0"]
    again = fit(read_settings(words(made_faces, tmp_path / "b", *options)))
    a, b = (load("fpn-efficientnet_lite0", p) for p in (first, again))
    for key, value in dict(a.named_parameters()).items():
        torch.testing.assert_close(dict(b.named_parameters())[key], value, msg=key)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--recipe", "nope"], "no recipe 'nope'"),
        (["--no_such_option", "1"], "no_such_option"),
        (["--epochs", "many"], "epochs"),
        (["--epochs", "0"], "--epochs: expected a whole number, 1 to 1,000,000; got 0"),
        (["--sizes", "[[1, 64]]"], "ascending from epoch 0"),
        (["--trainer.precision", "rough"], "precision"),
        (["--trainer.nope", "1"], "nope"),
        (["--ema", "1"], "--ema: expected a number, 0 to below 1; got 1"),
        (["--loss.dice", "-1"], "--loss.dice: expected a number, 0 or more; got -1"),
        (["--loss.class_weights", "[]"], r"class_weights needs a factor above 0; got \[\]"),
        (["--seed=-1"], "--seed: expected a whole number, 0 to"),
        (["--rare", "5"], "--rare: expected a number, 0 to 1"),
        (["--optimizer.momentum", "5"], "--optimizer.momentum: expected a number, 0 to below 1"),
        (["--schedule.power=-3"], "--schedule.power: expected a number, above 0"),
        (
            ["--augmentation.scale", "[1e-9, 1e9]"],
            r"--augmentation\.scale\[0\]: expected a number, 0\.1 to 10",
        ),
        (
            ["--trainer.accumulate_grad_batches", "0"],
            "accumulate_grad_batches: expected a whole number, 1 or more; got 0",
        ),
        (["--trainer.limit_val_batches", "0"], "limit_val_batches: expected .* above 0; got 0"),
        (["--trainer.max_epochs", "3"], "no option --trainer.max_epochs: give --epochs"),
        (
            ["--trainer.fast_dev_run", "true"],
            "no option --trainer.fast_dev_run: give --epochs 1 --trainer.limit_",
        ),
        (["--teachers.a.weight", "2"], "teachers.a.model: missing; expected text"),
        (
            ["--teachers.a.model", "default", "--teachers.a.temperature", "0"],
            "--teachers.a.temperature: expected a number, above 0; got 0",
        ),
    ],
)
def test_bad_settings_are_one_line(more: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_settings(["--data.root", str(tmp_path), *more])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "own.yaml: expected a table; got null"),
        (b"- a", "own.yaml: expected a table; got ['a']"),
        (b"a: [1", "expected ',' or ']'"),
        (b"\xff\xfe\x00", "can't decode"),
        (b"epochs: null", "own.yaml: epochs: expected a whole number; got null"),
        (b"loss: {dicee: 1}", "own.yaml: no option loss.dicee; is it loss.dice?"),
        (b"trainer: {max_epochs: 1}", "own.yaml: no option trainer.max_epochs: give --epochs"),
        (b"a: &b [1]\nc: *b", "an alias"),
        (b"data: {class_path: os.system}", "own.yaml: no option data.class_path"),
        (
            b"sizes: [[0, 10000000]]",
            "own.yaml: sizes[0][1]: expected a whole number, 32 to 32,768 or a list of 2",
        ),
    ],
)
def test_bad_recipes_are_one_line(text: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_settings(["--data.root", "x", "--recipe", str(tmp_path / "own.yaml")])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_override_a_recipe_wherever_it_stands() -> None:
    for words in (["--epochs", "3", "--recipe", "default"], ["--recipe=default", "--epochs", "3"]):
        assert read_settings(["--data.root", "x", *words]).epochs == 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--trainer.val_check_interval", "100"], "`val_check_interval`"),
        (["--trainer.limit_train_batches", "0.01"], "limit_train_batches"),
        (["--batch_size", "1", "--network", "bisenet-resnet18"], "raise --batch_size to 2 or more"),
        (
            ["--augmentation.scene", "1", "--scheme", "two.yaml", "--data.scheme", "two.yaml"],
            "set augmentation.scene to 0",
        ),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    made_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.yaml").write_text("classes: [background, spot]")
    with pytest.raises(ConfigError) as caught:
        fit(read_settings(words(made_faces, tmp_path / "run", "--sizes", "[[0, 32]]", *more)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("precision", ["bf16-true", "64-true"])
def test_weights_in_other_numbers(made_faces: Path, tmp_path: Path, precision: str) -> None:
    best = fit(
        read_settings(words(made_faces, tmp_path / "run", "--epochs", "1", "--trainer.precision", precision))
    )
    kept = torch.load(best, weights_only=True)
    run, average = ({v.dtype for v in kept[k].values()} for k in ("current_model_state", "state_dict"))
    assert (torch.bfloat16 if precision == "bf16-true" else torch.float64) in run
    assert torch.float32 in average


def test_labels_of_which_nothing_counts_stop_the_run(made_faces: Path, tmp_path: Path) -> None:
    for path in (made_faces / "labels").iterdir():
        Image.fromarray(np.full((64, 64), 255, np.uint8)).save(path)
    with pytest.raises(DataError, match="every label is 255") as caught:
        fit(read_settings(words(made_faces, tmp_path / "run")))
    assert "\n" not in str(caught.value)


def test_missing_data_and_backbone_are_named(made_faces: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        fit(read_settings(words(tmp_path / "none", tmp_path / "run")))


@pytest.mark.parametrize(
    ("option", "message"),
    [("--backbone", "none.pth"), ("--resume", "none.ckpt"), ("--backbone", "text"), ("--resume", "text")],
)
def test_bad_checkpoints_are_one_line(made_faces: Path, tmp_path: Path, option: str, message: str) -> None:
    (tmp_path / "text").write_text("no checkpoint, but long enough to be looked at" * 9)
    with pytest.raises(WeightsError, match=message) as caught:
        fit(read_settings(words(made_faces, tmp_path / "run", option, str(tmp_path / message))))
    assert "\n" not in str(caught.value)


def test_a_backbone_of_another_network_is_refused(made_faces: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "small.pth")
    with pytest.raises(WeightsError, match="expected timm's"):
        fit(read_settings(words(made_faces, tmp_path / "run", "--backbone", str(tmp_path / "small.pth"))))


@pytest.mark.parametrize("workers", ["0", "1"])
def test_labels_outside_the_scheme_are_one_line(made_faces: Path, tmp_path: Path, workers: str) -> None:
    with pytest.raises(LabelError, match="is it another scheme's") as caught:
        fit(
            read_settings(
                words(made_faces, tmp_path / "run", "--data.scheme", "lapa11", "--data.workers", workers)
            )
        )
    assert "\n" not in str(caught.value)
