"""`faceparse train` as a person runs it: what it says, and its exit codes."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.cli.main import main  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def run(root: Path, output: Path, *more: str) -> int:
    words = [
        "train", "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(output), "--batch_size", "1", "--sizes", "[[0, 64]]", "--epochs", "1", "--rare", "0",
        "--tensorboard", "false", "--trainer.enable_progress_bar", "false", *more,
    ]  # fmt: skip
    try:
        main(words)
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_a_run_says_where_its_best_checkpoint_is_and_what_comes_next(
    made_faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (made_faces / "val.txt").write_text("2\n")  # no training picture
    assert run(made_faces, tmp_path / "run") == 0
    printed = capsys.readouterr()
    best = tmp_path / "run" / "best.ckpt"
    assert printed.out == f"best checkpoint: {best}\nnext: faceparse export --model {best} -o model.onnx\n"
    assert not printed.err, "nothing of Lightning's"


def at_second_step(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    from faceparse.train.module import ParsingModule

    original: Any = ParsingModule.training_step

    def acting(self: Any, *arguments: Any) -> Any:
        if self.global_step == 1:
            act()
        return original(self, *arguments)

    monkeypatch.setattr(ParsingModule, "training_step", acting)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("act", "code"), [(terminate, 143), (interrupt, 130)])
def test_a_stopped_run_says_how_to_go_on(
    act: Callable[[], None],
    code: int,
    made_faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_second_step(monkeypatch, act)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert run(made_faces, tmp_path / "run") == code
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning ignores it from then on
    assert f"stopped; continue with --resume {tmp_path / 'run' / 'last.ckpt'}" in capsys.readouterr().err


def kill_workers(number: int) -> None:
    workers = multiprocessing.active_children()
    assert workers
    for worker in workers:
        os.kill(worker.pid or 0, number)
    for worker in workers:
        worker.join()


def kill_all() -> None:
    terminate()
    kill_workers(signal.SIGTERM)


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        (kill_all, 143, "stopped; continue with --resume"),
        (
            lambda: kill_workers(signal.SIGKILL),
            1,
            "a process that reads pictures ended (DataLoader worker",
        ),
    ],
)
def test_killed_workers(
    act: Callable[[], None],
    code: int,
    message: str,
    made_faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_second_step(monkeypatch, act)
    assert run(made_faces, tmp_path / "run", "--data.workers", "1") == code
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert (tmp_path / "run" / "last.ckpt").is_file()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--augmentation.scale", "[2, 1]"], "augmentation.scale is [smallest zoom, largest zoom]"),
        (["--augmentation.flip", "2"], "--augmentation.flip: expected a number, 0 to 1; got 2"),
        (
            ["--augmentation.rotate", "-1"],
            "--augmentation.rotate: expected a number, 0 or more or a list of 2",
        ),
        (["--augmentation.hue", "1"], "--augmentation.hue: expected a number, 0 to 0.5; got 1"),
        (["--data.workers", "-1"], "--data.workers: expected a whole number, 0 to 1,024; got -1"),
        (["--sizes", "[[0, 0]]"], "--sizes[0][1]: expected a whole number, 32 to 32,768 or a list of 2"),
        (["--std", "[0, 0, 0]"], "--std[0]: expected a number"),
        (["--trainer.accelerator", "tpu"], "--trainer: Requirement"),
        (["--teachers.a.model", "x", "--teachers.a.size", "1000000"], "32 to 32,768 or null; got 1000000"),
        (["--patience", "0"], "--patience: expected a whole number, 1 or more or null; got 0"),
        (["--loss.class_weights", "[-1]"], "--loss.class_weights[0]: expected a number, 0 or more"),
        (["--loss.class_weights", "[1, 2]"], "2 factors for 19 classes"),
        (["--loss.focal_gamma", "-1"], "loss.focal_gamma"),
        (["--loss.nope", "1"], "`faceparse train --help` lists every option"),
        (["--recipe", "{broken}"], "broken.yaml is not"),
        (["--recipe", "{unknown}"], "unknown.yaml: no option loss.nope"),
        (["--network", "fpn-nothing"], "no network 'fpn-nothing'"),
        (["--scheme", "nothing"], "no label scheme 'nothing'"),
        (["--data.kind", "nothing"], "no kind of data set 'nothing'"),
        (["--output", "{broken}"], "cannot make output folder"),
        (["--trainer.limit_train_batches", "0"], "no epoch was trained and validated"),
    ],
)
def test_what_is_wrong_is_one_line(
    more: list[str],
    message: str,
    made_faces: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (made_faces / "val.txt").write_text("2\n")
    files = {"broken": "a: [1, 2\n b: {", "unknown": "loss: {nope: 1}\n"}
    paths = {name: tmp_path / f"{name}.yaml" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    assert run(made_faces, tmp_path / "run", *(w.format(**paths) if w[0] == "{" else w for w in more)) in (
        1,
        2,
    )
    said = capsys.readouterr().err.strip()
    assert message in said
    assert said.startswith("faceparse: ")
    assert "\n" not in said


def test_a_compiled_network_trains_and_is_kept_under_its_own_names(
    made_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    compile_: Any = torch.compile

    def compiled(function: Any) -> Any:
        made.append(function)
        return compile_(function, backend="eager")  # traced, but no compiler of C++ called

    monkeypatch.setattr(torch, "compile", compiled)
    assert run(made_faces, tmp_path / "run", "--compile", "true", "--trainer.precision", "32-true") == 0
    assert len(made) == 1
    names = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(name.startswith("network.") for name in names)
    assert not any("_orig_mod" in name for name in names)


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_lower_precisions_train(precision: str, made_faces: Path, tmp_path: Path) -> None:
    assert run(made_faces, tmp_path / "run", "--trainer.precision", precision) == 0
    weights = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.isfinite(v).all() for v in weights.values())


def test_validation_on_training_pictures_is_said(
    made_faces: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(made_faces, tmp_path / "run") == 0  # val.txt names one of train.txt
    assert "1 of 2 validation pictures are training pictures too" in caplog.text
