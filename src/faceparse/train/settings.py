"""Settings of a training run, from a recipe and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonargparse

from faceparse.errors import ConfigError
from faceparse.train.augment import Augmentation

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "64-true")


@dataclass(frozen=True)
class DataSettings:
    """Where the labelled pictures are.

    Attributes:
        root: Folder with `images/` and `labels/` or `masks/`.
        scheme: Scheme of the label maps there.
        train: Split to train on.
        val: Split that chooses the checkpoint.
        workers: Processes that read and augment.
    """

    root: Path
    scheme: str = "celebamask19"
    train: str = "train"
    val: str = "val"
    workers: int = 2


@dataclass(frozen=True)
class Settings:
    """One training run.

    Attributes:
        data: Where the labelled pictures are.
        output: Folder for checkpoints and logs.
        network: A registered network.
        scheme: Scheme of the network's output.
        trunk: Checkpoint file that the trunk starts from.
        weights: Checkpoint or model file of the same network that all of it starts from.
        resume: Checkpoint of this recipe to go on from.
        epochs: Passes over the (repeat-sampled) training split.
        batch_size: Pictures a step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: AdamW's.
        warmup: Part of the steps in which the rate rises.
        dice: Weight of the Dice loss beside cross-entropy.
        ema: Decay of the weights' moving average, which is what is validated and saved.
        rare: A class in fewer pictures than this share is shown more often; 0 for never.
        precision: Lightning's precision, one of `PRECISIONS`.
        sizes: (first epoch, input size) rows; the last size is the model's.
        mean: Per RGB channel on the 0–1 range.
        std: Per RGB channel on the 0–1 range.
        augmentation: Ranges of the random views.
        seed: Fixes initial weights, order and views.
        limit: Steps an epoch at most, for a trial run.
    """

    data: DataSettings
    output: Path = Path("runs/default")
    network: str = "fpn-efficientnet_lite0"
    scheme: str = "celebamask19"
    trunk: Path | None = None
    weights: Path | None = None
    resume: Path | None = None
    epochs: int = 15
    batch_size: int = 16
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.02
    warmup: float = 0.15
    dice: float = 0.5
    ema: float = 0.999
    rare: float = 0.0
    precision: str = "32-true"
    sizes: list[tuple[int, int]] = field(default_factory=lambda: [(0, 256)])
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        rows = list(self.sizes)
        if not rows or rows[0][0] != 0 or rows != sorted(rows):
            raise ConfigError(f"sizes are [first epoch, size] rows, ascending from epoch 0; got {rows}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ConfigError(f"epochs and batch_size are 1 or more; got {self.epochs} and {self.batch_size}")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision is {', '.join(PRECISIONS)}; got {self.precision!r}")

    @property
    def size(self) -> int:
        """Input size of the finished model."""
        return self.sizes[-1][1]


def recipes() -> dict[str, Path]:
    """Recipes in the package by name."""
    folder = Path(str(files("faceparse.train").joinpath("recipes")))
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


def parser() -> jsonargparse.ArgumentParser:
    """The command line of a training run: `--recipe`, then any field of `Settings`."""
    made = jsonargparse.ArgumentParser(
        prog="faceparse train", description="Train a face parsing network.", exit_on_error=False
    )
    made.add_argument("--recipe", action="config", help=f"{', '.join(recipes())}, or a YAML file")
    made.add_class_arguments(Settings)
    return made


def read_settings(arguments: Sequence[str]) -> Settings:
    """`Settings` from command-line words: a recipe name or YAML file, overridden option by option.

    Raises:
        ConfigError: an unknown recipe, key or value.
    """
    words = list(arguments)
    known = recipes()
    for i, word in enumerate(words):
        name = word.removeprefix("--recipe=") if word.startswith("--recipe=") else None
        if word == "--recipe" and i + 1 < len(words):
            i, name = i + 1, words[i + 1]
        if name is None:
            continue
        if name not in known and not Path(name).is_file():
            raise ConfigError(f"no recipe {name!r}; there are {', '.join(known)}, or give a YAML file")
        words[i] = ("--recipe=" if words[i].startswith("--recipe=") else "") + str(known.get(name, name))
    made = parser()
    try:
        config: Any = made.parse_args(words)
        ready: Any = made.instantiate_classes(config)
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from error
    values = {k: v for k, v in vars(ready).items() if k != "recipe"}
    return Settings(**values)
