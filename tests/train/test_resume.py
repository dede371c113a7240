"""A run that is broken off, anywhere and by anything, and resumed ends where an uninterrupted one does."""

import csv
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pl = pytest.importorskip("pytorch_lightning")

from faceparse.errors import FaceparseError, OutputError, WeightsError  # noqa: E402
from faceparse.train.callbacks.keep import WholeFiles  # noqa: E402
from faceparse.train.fit import fit  # noqa: E402
from faceparse.train.settings import read_settings  # noqa: E402
from tests.train.conftest import make_faces  # noqa: E402

# Lightning speaks of few workers, short epochs and its own deprecations.
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def words(root: Path, output: Path, *more: str) -> list[str]:
    """Two epochs of three steps of a tiny run."""
    return [
        "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(output), "--batch_size", "1", "--sizes", "[[0, 64]]", "--ema", "0.5", "--epochs", "2",
        "--rare", "0", "--trainer.precision", "32-true", "--tensorboard", "false", *more,
    ]  # fmt: skip


def at(hook: str, step: int, act: Callable[[], None]) -> Any:
    """A module whose hook acts when that many steps are done, once."""
    from faceparse.train.module import ParsingModule

    done: list[bool] = []
    original = getattr(ParsingModule, hook)

    def changed(self: Any, *arguments: Any) -> Any:
        if self.global_step == step and not done:
            done.append(True)
            act()
        return original(self, *arguments)

    return hook, changed


def fault() -> None:
    raise RuntimeError("broken off")


def interrupt() -> None:
    raise KeyboardInterrupt


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The data, and the last checkpoint of the uninterrupted run."""
    root = make_faces(tmp_path_factory.mktemp("resume") / "faces")
    out = root.parent / "whole"
    fit(read_settings(words(root, out)))
    return root, torch.load(out / "last.ckpt", weights_only=True)


@pytest.mark.parametrize(
    ("hook", "step", "act"),
    [
        ("training_step", 2, fault),
        ("training_step", 4, terminate),
        ("validation_step", 3, interrupt),
        *(
            pytest.param(*moment, marks=pytest.mark.slow)
            for moment in (
                ("training_step", 4, interrupt),
                ("training_step", 1, terminate),
                ("loss", 3, press),
                ("validation_step", 6, press),
                ("on_validation_epoch_start", 3, fault),
            )
        ),
    ],
)
def test_broken_off_and_resumed_equals_uninterrupted(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, hook: str, step: int, act: Callable[[], None]
) -> None:
    root, expected = whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"faceparse.train.module.ParsingModule.{hook}", at(hook, step, act)[1])
        with pytest.raises((RuntimeError, SystemExit, KeyboardInterrupt)):
            fit(read_settings(words(root, tmp_path)))
    fit(read_settings(words(root, tmp_path, "--resume", str(tmp_path / "last.ckpt"))))
    got = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert got["global_step"] == expected["global_step"] == 6
    for kept in ("state_dict", "current_model_state"):
        for key, value in expected[kept].items():
            torch.testing.assert_close(got[kept][key], value, rtol=0, atol=0, msg=f"{kept} {key}")


@pytest.mark.parametrize(
    ("batch", "act"),
    [
        (3, press),
        *(pytest.param(*m, marks=pytest.mark.slow) for m in ((4, fault), (3, terminate), (4, terminate))),
    ],
)
def test_broken_off_between_the_batches_of_a_step(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, batch: int, act: Callable[[], None]
) -> None:
    root, _ = whole
    more = ["--trainer.accumulate_grad_batches", "2"]  # the third batch of an epoch is a step of its own
    fit(read_settings(words(root, tmp_path / "whole", *more)))
    from faceparse.train.module import ParsingModule

    done: list[int] = []
    original = ParsingModule.training_step

    def changed(self: Any, *arguments: Any) -> Any:
        done.append(1)
        if len(done) == batch + 1:
            act()
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParsingModule, "training_step", changed)
        with pytest.raises((RuntimeError, SystemExit)):
            fit(read_settings(words(root, tmp_path / "cut", *more)))
    last = tmp_path / "cut" / "last.ckpt"
    fit(read_settings(words(root, tmp_path / "cut", *more, "--resume", str(last))))
    got, expected = (torch.load(tmp_path / n / "last.ckpt", weights_only=True) for n in ("cut", "whole"))
    assert "gradients" not in got
    for key, value in expected["current_model_state"].items():
        torch.testing.assert_close(got["current_model_state"][key], value, rtol=0, atol=0, msg=key)


@pytest.mark.parametrize(("times", "steps"), [(1, 3), (2, 2)])
def test_ctrl_c_lets_the_step_end_and_a_second_one_does_not(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, times: int, steps: int
) -> None:
    def pressed() -> None:
        for _ in range(times):
            press()

    before = signal.getsignal(signal.SIGINT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("faceparse.train.module.ParsingModule.loss", at("loss", 2, pressed)[1])
        with pytest.raises(SystemExit):
            fit(read_settings(words(whole[0], tmp_path)))
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == steps
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("moved", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_best_goes_along_into_another_folder(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, moved: bool
) -> None:
    root, _ = whole
    first, other = tmp_path / "first", tmp_path / "other"
    best = fit(read_settings(words(root, first, "--epochs", "1")))
    if moved:
        first = first.rename(other)
        best = first / best.name
    file = torch.load(first / "last.ckpt", weights_only=True)
    for key, state in file["callbacks"].items():  # as if the first epoch had been very good
        if key.startswith("KeepBest"):
            state["best_model_score"] = torch.tensor(99.0)
            state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(99.0))
            state["kth_value"] = torch.tensor(99.0)
    torch.save(file, first / "last.ckpt")
    kept = best.read_bytes()
    more = ["--epochs", "2", "--resume", str(first / "last.ckpt")]
    assert fit(read_settings(words(root, other, *more))) == other / "best.ckpt"
    assert (other / "best.ckpt").read_bytes() == kept


def rows_of(log: Path) -> list[dict[str, str]]:
    """Rows of a CSV log without their empty fields."""
    with log.open(newline="") as file:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]


def test_a_resumed_run_goes_on_with_its_log(made_faces: Path, tmp_path: Path) -> None:
    log = tmp_path / "log" / "metrics.csv"
    quick = ["--trainer.log_every_n_steps", "1"]
    fit(read_settings(words(made_faces, tmp_path, "--epochs", "1", *quick)))
    before = rows_of(log)
    with log.open("a") as file:
        file.write("0.5,2,\n\n,\0")  # half a line of a run that was killed
    more = ["--epochs", "2", "--resume", str(tmp_path / "last.ckpt"), *quick]
    fit(read_settings(words(made_faces, tmp_path, *more)))
    rows = rows_of(log)
    assert rows[: len(before)] == before
    assert [r["epoch"] for r in rows if "val/mean_f1" in r] == ["0", "1"]
    losses = [r["step"] for r in rows if "train/loss" in r]
    assert losses == sorted(set(losses), key=int), "no step twice"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--network", "bisenet-resnet18"],
            r"other settings \(network fpn-efficientnet_lite0, now bisenet-resnet18\)",
        ),
        (["--scheme", "lapa11"], "scheme celebamask19, now lapa11"),
        (["--optimizer.name", "sgd"], "optimizer.name adamw, now sgd"),
        (["--recipe", "default-finish", "--rare", "0.1"], "other settings .* more.: give the same ones"),
    ],
)
def test_another_recipe_s_file_is_refused(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, more: list[str], message: str
) -> None:
    root, _ = whole
    last = root.parent / "whole" / "last.ckpt"
    with pytest.raises(WeightsError, match=message) as caught:
        fit(read_settings(words(root, tmp_path, "--resume", str(last), *more)))
    assert "\n" not in str(caught.value)


def test_a_scheme_file_that_changed_is_refused(made_faces: Path, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("classes: [background, skin]\nmerges: {background: rest}\n")
    more = ["--scheme", str(file), "--epochs", "1"]
    last = fit(read_settings(words(made_faces, tmp_path / "run", *more))).with_name("last.ckpt")
    file.write_text("classes: [background, hair]\nmerges: {background: rest}\n")
    with pytest.raises(WeightsError, match=r"scheme\.classes"):
        fit(read_settings(words(made_faces, tmp_path / "run", *more, "--epochs", "2", "--resume", str(last))))


def test_a_run_that_is_over_does_not_go_on_with_fewer_epochs(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, _ = whole
    last = str(root.parent / "whole" / "last.ckpt")
    with pytest.raises(WeightsError, match="is in epoch 2 of 1"):
        fit(read_settings(words(root, tmp_path, "--epochs", "1", "--resume", last)))


def test_a_run_does_not_write_over_another(whole: tuple[Path, dict[str, Any]]) -> None:
    root, _ = whole
    with pytest.raises(OutputError, match="holds a run already"):
        fit(read_settings(words(root, root.parent / "whole")))


def test_a_loss_that_is_not_finite_names_step_and_pictures(made_faces: Path, tmp_path: Path) -> None:
    with pytest.raises(
        FaceparseError, match=r"the loss is (nan|inf) at step \d of epoch 0, on .*\.png"
    ) as caught:
        fit(
            read_settings(
                words(made_faces, tmp_path, "--optimizer.learning_rate", "1e30", "--schedule.warmup", "0")
            )
        )
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "best.ckpt"
    WholeFiles().save_checkpoint({"a": torch.ones(3)}, path)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed\nmore")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(
        OutputError, match="MB are free there; torch says PytorchStreamWriter failed"
    ) as caught:
        WholeFiles().save_checkpoint({"a": torch.zeros(3)}, path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["best.ckpt"]
