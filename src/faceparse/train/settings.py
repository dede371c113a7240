"""Settings of a training run, from a recipe and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonargparse
import yaml
from jsonargparse import ActionConfigFile
from pytorch_lightning import Trainer

from faceparse.errors import ConfigError
from faceparse.train.augment import Augmentation
from faceparse.train.losses import LossSettings
from faceparse.train.mistakes import plainly
from faceparse.train.optimise import OptimizerSettings, ScheduleSettings
from faceparse.train.teacher import TeacherSettings
from faceparse.weights.preprocessing import RESAMPLING, Preprocessing

OURS = {
    "max_epochs": "--epochs",
    "logger": "--tensorboard",
    "profiler": "--profile",
    "default_root_dir": "--output",
    "overfit_batches": "--trainer.limit_train_batches",
    "callbacks": None,
    "plugins": None,
    "use_distributed_sampler": None,
    "reload_dataloaders_every_n_epochs": None,
    "enable_checkpointing": None,
}
"""Arguments of Lightning's Trainer that are set here, and what there is in their place."""


@dataclass(frozen=True)
class DataSettings:
    """Where the labelled pictures are.

    Attributes:
        root: Its folder.
        kind: folder (`images/` and `labels/` or `masks/`), celebamask-hq, lapa, helen or facesynthetics.
        scheme: Scheme of the label maps there, or a YAML file; none where the data set says it.
        train: Split to train on.
        val: Split that chooses the checkpoint.
        workers: Processes that read and augment.
        unlabelled: Folder of further pictures that only the teacher labels.
        crop: Whether pictures are cut out about the face by the landmarks that come with them, as SegFace does
            with Helen (`faceparse.data.cropped`).
        cache: `memory`, or a folder that keeps decoded samples; null decodes at every epoch.
    """

    root: Path
    kind: str = "folder"
    scheme: str | None = None
    train: str = "train"
    val: str = "val"
    workers: int = 2
    unlabelled: Path | None = None
    crop: bool = False
    cache: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ConfigError(f"data.workers is 0 (none but the run itself) or more; got {self.workers}")


@dataclass(frozen=True)
class Settings:
    """One training run.

    Attributes:
        data: Where the labelled pictures are.
        output: Folder for checkpoints and logs.
        network: A registered network.
        scheme: Scheme of the network's output.
        trunk: Checkpoint file that the trunk starts from, or `imagenet` for torchvision's, which is downloaded
            where it is not there yet; null for random weights.
        parts: Files of parts that a network takes as they are: `--parts.dinov3 FILE`.
        weights: Checkpoint or model file of the same network that all of it starts from.
        resume: Checkpoint of this recipe to go on from.
        epochs: Passes over the (repeat-sampled) training split.
        batch_size: Pictures a step and process.
        optimizer: How weights are changed.
        schedule: How the learning rate goes.
        loss: What is minimised.
        teacher: A trained model whose soft labels are learned too.
        ema: Decay of the weights' moving average, which is what is validated and saved; 0 for none.
        rare: A class in fewer pictures than this share is shown more often; 0 for never.
        sizes: (first epoch, input size) rows; the last size is the model's.
        mean: Per channel, in the order of `channels`, on the range of `scale`.
        std: Likewise.
        channels: `RGB` or `BGR`, the order that the network takes.
        scale: What 255 becomes before mean and std: 1, or 255 as Caffe's networks have it.
        interpolation: How pictures are brought to the input's size in validation and in use: `bilinear` or `bicubic`.
        augmentation: Ranges of the random samples.
        seed: Fixes initial weights, order and views.
        patience: Epochs without a better validation figure after which the run stops; null for never.
        tensorboard: Whether to log for TensorBoard, with pictures of predictions.
        compile: Whether the network runs through torch.compile.
        profile: Whether to print where a step's time goes.
        trainer: Options of Lightning's Trainer: devices, strategy, precision, gradient_clip_val, …
    """

    data: DataSettings
    output: Path = Path("runs/default")
    network: str = "fpn-efficientnet_lite0"
    scheme: str = "celebamask19"
    trunk: str | None = None
    parts: dict[str, Path] = field(default_factory=dict)
    weights: Path | None = None
    resume: Path | None = None
    epochs: int = 15
    batch_size: int = 16
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    teacher: TeacherSettings | None = None
    ema: float = 0.999
    rare: float = 0.0
    sizes: list[tuple[int, int]] = field(default_factory=lambda: [(0, 256)])
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    channels: str = "RGB"
    scale: float = 1.0
    interpolation: str = "bilinear"
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    patience: int | None = None
    tensorboard: bool = True
    compile: bool = False
    profile: bool = False
    trainer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = list(self.sizes)
        if not rows or rows[0][0] != 0 or rows != sorted(rows) or min(size for _, size in rows) < 32:
            raise ConfigError(
                f"sizes are [first epoch, size] rows, ascending from epoch 0, of 32 px or more; got {rows}"
            )
        if self.epochs < 1 or self.batch_size < 1:
            raise ConfigError(f"epochs and batch_size are 1 or more; got {self.epochs} and {self.batch_size}")
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema is a decay from 0 (none) to below 1; got {self.ema}")
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience is 1 epoch or more, or null for none; got {self.patience}")
        if not all(0 <= m <= self.scale for m in self.mean) or not all(s > 0 for s in self.std):
            raise ConfigError(
                f"mean is 0 to scale ({self.scale}) and std above 0 in each channel; got {self.mean} and {self.std}"
            )
        if not 0 <= self.seed < 2**32 or not 0 <= self.rare <= 1:
            raise ConfigError(
                f"seed is 0 to {2**32 - 1:,} and rare a share from 0 to 1; got {self.seed} and {self.rare}"
            )
        if self.teacher is not None and not (self.teacher.weight > 0 and self.teacher.temperature > 0):
            raise ConfigError(
                "teacher.weight and teacher.temperature are above 0; "
                f"got {self.teacher.weight} and {self.teacher.temperature}"
            )
        for name in ("accumulate_grad_batches", "check_val_every_n_epoch"):
            value = self.trainer.get(name)
            if value is not None and value < 1:
                raise ConfigError(f"trainer.{name} is 1 or more; got {value}")
        if self.trainer.get("limit_val_batches") == 0:
            raise ConfigError("validation chooses the best checkpoint: trainer.limit_val_batches is above 0")
        if self.channels not in ("RGB", "BGR") or self.interpolation not in RESAMPLING:
            raise ConfigError(
                f"channels is RGB or BGR and interpolation {' or '.join(RESAMPLING)}; "
                f"got {self.channels} and {self.interpolation}"
            )

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture to the finished model's input."""
        return Preprocessing(
            (self.size, self.size), self.mean, self.std, self.interpolation, self.channels, self.scale
        )

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
        prog="faceparse train",
        description="Train a face parsing network.",
        exit_on_error=False,
        allow_abbrev=False,
        print_config="--print_config",
    )
    made.add_argument("--recipe", action=ActionConfigFile, help=f"{', '.join(recipes())}, or a YAML file")
    made.add_class_arguments(Settings, skip={"trainer"})
    made.add_class_arguments(Trainer, "trainer", skip=set(OURS), instantiate=False)
    return made


def read_settings(arguments: Sequence[str]) -> Settings:
    """`Settings` from command-line words: a recipe name or YAML file, overridden option by option.

    Raises:
        ConfigError: an unknown recipe, key or value.
    """
    words = _recipes_first(arguments)
    made = parser()
    try:
        config: Any = made.parse_args(words)
        defaults = made.get_defaults().items()
        ours = [k for k, v in defaults if v is not None and not k.startswith("trainer.")]
        if empty := [k for k in ours if config.get(k, ...) is None]:
            raise ConfigError(f"{empty[0]} is null: leave it out for its default, or give a value")
        ready: Any = made.instantiate_classes(config)
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        instead = {f"trainer.{name}": other for name, other in OURS.items() if other}
        raise ConfigError(plainly(str(error), made.get_defaults().keys(), instead)) from error
    values = {k: v for k, v in vars(ready).items() if k not in ("recipe", "print_config")}
    untouched = vars(made.get_defaults().trainer)
    asked = {k: v for k, v in vars(config.trainer).items() if v != untouched[k]}
    return Settings(**{**values, "trainer": asked})


def _recipes_first(arguments: Sequence[str]) -> list[str]:
    """The words with recipes, by their files, before all else, which override them wherever they stand."""
    recipe, other = list[str](), list[str]()
    words = iter(arguments)
    for word in words:
        if word == "--recipe" and (name := next(words, None)) is not None:
            recipe += [word, str(_recipe_file(name))]
        elif word.startswith("--recipe="):
            recipe.append(f"--recipe={_recipe_file(word.removeprefix('--recipe='))}")
        else:
            other.append(word)
    return recipe + other


def _recipe_file(name: str) -> Path:
    """The file of a recipe, looked at: a YAML table of options."""
    known = recipes()
    path = known.get(name, Path(name))
    if not path.is_file():
        raise ConfigError(f"no recipe {name!r}; there are {', '.join(known)}, or give a YAML file")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"a recipe is a YAML file of options, and {path} is not: {reason}") from None
    if not isinstance(found, dict):
        what = "empty" if found is None else f"a {type(found).__name__}"
        raise ConfigError(f"a recipe is a YAML file of options, as `epochs: 10`, and {path} is {what}")
    return path
