"""The published projects' own command lines: what people type who come from them, and the line that says what to give."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparse.cli.main import app
from faceparse.cli.words import replacements
from tests.cli.conftest import Ran

SCRIPTS = {
    ("yakhyo inference.py", "parse"): "--model --weight --input --output",
    ("yakhyo onnx_inference.py", "parse"): "--model --input --output",
    ("yakhyo onnx_export.py", "export"): "--model --weight",
    ("yakhyo train.py", "train"): "--num-classes --batch-size --num-workers --image-size --data-root --momentum --weight-decay "
    "--lr-start --max-iter --power --lr-warmup-epochs --warmup-start-lr --score-thres --epochs --backbone --print-freq --resume",
    ("SegFace train.py", "train"): "--ckpt_path --expt_name --dataset --backbone --model --lr --lr_schedule --input_resolution "
    "--train_bs --val_bs --test_bs --num_workers --epochs",
    ("SegFace test.py", "evaluate"): "--ckpt_path --expt_name --dataset --backbone --model --input_resolution --test_bs --model_path",
    ("jseobyun inference.py", "parse"): "--input_dir --output_dir --checkpoint --dinov3_checkpoint --device --image_size "
    "--num_classes --save_overlay --alpha",
    ("jseobyun extract_decoder_weights.py", "import"): "--checkpoint --output",
    ("jseobyun train.py", "train"): "--data_dir --batch_size --max_epochs --gpus",
    ("face_segmentation_pytorch", "parse"): "MODEL_PARAMS_DIR=x IMGS_DIR=x MASK_THRESHOLD=0.5",
}  # fmt: skip
VALUES = {"--device": "cpu", "--alpha": "0.5", "--epochs": "3", "--backbone": "resnet18"}
EVERY = [(command, option) for (_, command), text in SCRIPTS.items() for option in text.split()]


@pytest.mark.parametrize(("command", "option"), EVERY)
def test_every_published_option_has_an_answer(
    command: str, option: str, faceparse: Callable[..., Ran]
) -> None:
    if command == "train":
        pytest.importorskip("pytorch_lightning")
    words = [option] if "=" in option else [option, VALUES.get(option, "2")]
    ran = faceparse(command, *words)
    assert ran.code in (1, 2)
    assert ran.err.count("\n") == 1
    assert "no option" not in ran.err or ": give " in ran.err, ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "parse --model resnet18 --weight ./weights/resnet18.pt --input ./assets/images/1.jpg --output ./results",
            ["--weight: give --model FILE", "--input: give pictures and folders without an option"],
        ),
        (
            "train --data-root /path/to/dataset --backbone resnet34 --batch-size 8 --epochs 200",
            ["--data.root", "--recipe bisenet-resnet34"],
        ),
        ("train --num-workers 4", ["--data.workers"]),
        ("train --data-root x", ["--data.root"]),
        ("train --batch_siz 4", ["--batch_size"]),
        ("evaluate --backbone segface_celeb --input_resolution 512", ["--model ID"]),
        ("parse x.jpg --output_dir out --save_overlay", ["-o FOLDER", "--save mask,overlay"]),
        ("parse x.jpg --max_pixels 0", ["--max-pixels"]),
        ("parse x.jpg --no_face=nothing -o out", ["no_face is whole"]),
        ("weights get x --acept_terms", ["--accept-terms"]),
        ("train --resume --epochs 3", ["--resume needs a value"]),
        ("parse MODEL_PARAMS_DIR=ws IMGS_DIR=faces MASK_THRESHOLD=0.5", ["--model FILE", "parse FOLDER -o OUT", "--threshold"]),
    ],
)  # fmt: skip
def test_published_command_lines_say_what_to_type(
    words: str,
    said: list[str],
    faceparse: Callable[..., Ran],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jpg").touch()
    if words.startswith("train"):
        pytest.importorskip("pytorch_lightning")
    ran = faceparse(*words.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
    for part in said:
        assert part in ran.err


def test_answers_name_options_that_there_are() -> None:
    """Those of the command itself, or of the command that the answer begins with."""
    import typer

    pytest.importorskip("pytorch_lightning")
    from faceparse.train.settings import run_options

    root: object = typer.main.get_command(app)
    options: dict[str, set[str]] = {"train": {f"--{name}" for name in run_options().by_name}}
    for name in ("parse", "evaluate", "export", "import"):
        parameters = root.get_command(None, name).params  # type: ignore[attr-defined]
        options[name] = {option for parameter in parameters for option in parameter.opts}
    for command in options:
        for option, answer in replacements(command).items():
            allowed = options[command] | (options["import"] if "faceparse import" in answer else set())
            for word in re.findall(r"--[\w.-]*\w", answer):
                assert word in allowed, f"{command} {option}: {answer}"
