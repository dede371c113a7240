"""Settings of a training run, from a recipe and the command line."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, field, make_dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import yaml
from pytorch_lightning import Trainer

from faceparse.errors import ConfigError
from faceparse.registry import mend
from faceparse.tables import Rule, above, at_least, between, build, check, convert, read_file
from faceparse.train.augment import Augmentation
from faceparse.train.losses import LossSettings
from faceparse.train.optimise import OptimizerSettings, ScheduleSettings
from faceparse.train.options import Option, Options, Pairs, members, nested
from faceparse.train.teacher import TeacherSettings
from faceparse.weights.preprocessing import Channels, Factor, Interpolation, Mean, Preprocessing

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
    "fast_dev_run": "--epochs 1 --trainer.limit_train_batches 1 --trainer.limit_val_batches 1",
}
"""Arguments of Lightning's Trainer that faceparse sets itself → what to use instead."""

_TRAINER_RULES = {
    "accumulate_grad_batches": at_least(1),
    "check_val_every_n_epoch": at_least(1),
    "limit_val_batches": above(0),  # validation chooses the best checkpoint
}


Side = Annotated[int, between(32, 1 << 15)]


def height_width(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return a size as height and width; a single number is the side of a square."""
    return (size, size) if isinstance(size, int) else size


@dataclass(frozen=True)
class FurtherData:
    """An additional data set to learn from.

    Attributes:
        root: Folder of the data set.
        share: Share of all samples that come from this data set.
        kind: Layout of the data set, as in `data`.
        scheme: Scheme of the label maps. A label that stands for several classes (`merges`), as in `hair2`,
            accepts any of them.
        train: Split to train on.
        portraits: Whether the pictures are framed as in `data`; only then `augmentation.paste` and `scene`
            apply to them.
    """

    root: Path
    share: Annotated[float, Rule("above 0, below 1", lambda share: 0 < share < 1)]
    kind: str = "folder"
    scheme: str | None = None
    train: str = "train"
    portraits: bool = False


@dataclass(frozen=True)
class DataSettings:
    """The labelled pictures.

    Attributes:
        root: Folder of the data set.
        kind: folder (`images/` and `labels/` or `masks/`), celebamask-hq, lapa, helen, facesynthetics, webdataset or parquet.
        scheme: Scheme of the label maps, or a YAML file; null if the data set states its scheme.
        train: Split to train on.
        val: Split on which the best checkpoint is chosen.
        workers: Number of processes that read and augment.
        also: Additional data sets, under names you choose: `--data.also.hair.root DIR --data.also.hair.share
            0.14`.
        unlabelled: Folder of additional pictures that only the teachers label.
        crop: Whether pictures are cropped to the face by the data set's landmarks, as SegFace does with Helen
            (`faceparse.data.derived.Cropped`).
        cache: `memory`, or a folder that stores decoded samples; null decodes pictures in every epoch.
    """

    root: Path
    kind: str = "folder"
    scheme: str | None = None
    train: str = "train"
    val: str = "val"
    workers: Annotated[int, between(0, 1024)] = 2
    also: dict[str, FurtherData] = field(default_factory=dict)
    unlabelled: Path | None = None
    crop: bool = False
    cache: str | None = None

    def __post_init__(self) -> None:
        if (total := sum(further.share for further in self.also.values())) >= 1:
            raise ConfigError(f"the shares of data.also must add up to less than 1; got {total:g}")


@dataclass(frozen=True)
class Settings:
    """The settings of one training run.

    Attributes:
        data: The labelled pictures.
        output: Folder for checkpoints and logs.
        network: Name of a registered network.
        scheme: Scheme of the network's output.
        backbone: Checkpoint file of the backbone's initial weights, or `imagenet` for torchvision's,
            downloaded if absent; null for random weights.
        parts: Files of a network's pretrained parts: `--parts.dinov3 FILE`.
        weights: Checkpoint or model file of the same network with initial weights for all of it.
        resume: Checkpoint of the same recipe to resume from.
        epochs: Passes over the (repeat-sampled) training split.
        batch_size: Pictures per step and process.
        optimizer: The optimiser and its learning rates.
        schedule: The learning rate as a function of the step.
        loss: The terms of the loss.
        teachers: Trained models for distillation, under names you choose: `--teachers.big.model FILE`.
        agree: Smallest probability with which all teachers must give the same class to replace a label that
            stands for several classes; null for never.
        ema: Decay of the weights' moving average, which is validated and saved; 0 for none.
        rare: A class in fewer pictures than this share is shown more often; 0 for never.
        sizes: (first epoch, input size) rows; a size is a side or [height, width]; the last size is the
            model's.
        mean: Mean of each channel, in the order of `channels`, on the range of `scale`.
        std: Standard deviation of each channel, in the order of `channels`, on the range of `scale`.
        channels: `RGB` or `BGR`, the channel order of the network's input.
        scale: Value that stands for 255 before mean and std: 1, or 255 for Caffe's networks.
        interpolation: How pictures are resized to the input size in validation and in use: `bilinear` or
            `bicubic`.
        augmentation: Ranges of the random samples.
        seed: Seed of initial weights, order and samples.
        patience: Epochs without a better validation metric after which the run stops; null for never.
        tensorboard: Whether to log for TensorBoard, with pictures of predictions.
        compile: Whether to run the network through torch.compile.
        profile: Whether to print how a step's time is spent.
        trainer: Options of Lightning's Trainer: devices, strategy, precision, gradient_clip_val, …
    """

    data: DataSettings
    output: Path = Path("runs/default")
    network: str = "fpn-efficientnet_lite0"
    scheme: str = "celebamask19"
    backbone: str | None = None
    parts: dict[str, Path] = field(default_factory=dict)
    weights: Path | None = None
    resume: Path | None = None
    epochs: Annotated[int, between(1, 1_000_000)] = 15
    batch_size: Annotated[int, between(1, 1_000_000)] = 16
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    teachers: dict[str, TeacherSettings] = field(default_factory=dict)
    agree: Annotated[float, between(0, 1)] | None = None
    ema: Annotated[float, Rule("0 to below 1", lambda decay: 0 <= decay < 1)] = 0.999
    rare: Annotated[float, between(0, 1)] = 0.0
    sizes: list[tuple[Annotated[int, at_least(0)], Side | tuple[Side, Side]]] = field(
        default_factory=lambda: [(0, 256)]
    )
    mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    std: tuple[Factor, Factor, Factor] = (0.229, 0.224, 0.225)
    channels: Channels = "RGB"
    scale: Factor = 1.0
    interpolation: Interpolation = "bilinear"
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: Annotated[int, between(0, 2**32 - 1)] = 0
    patience: Annotated[int, at_least(1)] | None = None
    tensorboard: bool = True
    compile: bool = False
    profile: bool = False
    trainer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        rows = self.sizes
        if not rows or rows[0][0] != 0 or rows != sorted(rows, key=lambda row: row[0]):
            raise ConfigError(f"sizes are [first epoch, size] rows, ascending from epoch 0; got {rows}")
        if self.agree is not None and not self.teachers:
            raise ConfigError("agree needs a teacher: give --teachers.NAME.model")
        if self.data.unlabelled is not None and not self.teachers:
            raise ConfigError("data.unlabelled needs a teacher for its pictures: give --teachers.NAME.model")
        if not all(0 <= m <= self.scale for m in self.mean):
            raise ConfigError(f"mean is 0 to scale ({self.scale}) in each channel; got {self.mean}")

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing from a picture to the finished model's input."""
        return Preprocessing(
            height_width(self.size), self.mean, self.std, self.interpolation, self.channels, self.scale
        )

    @property
    def size(self) -> int | tuple[int, int]:
        """Input size of the finished model: a side, or height and width."""
        return self.sizes[-1][1]

    def plain(self) -> dict[str, Any]:
        """Return the settings as a recipe holds them: tables, lists, texts and numbers."""
        return json.loads(json.dumps(asdict(self), default=str))  # type: ignore[no-any-return]


def recipes() -> dict[str, Path]:
    """Return the package's recipes by name."""
    folder = Path(str(files("faceparse.train").joinpath("recipes")))
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


@cache
def run_options() -> Options:
    """Return every option of a run: the fields of `Settings`, and the Trainer's options that faceparse leaves open."""
    types = get_type_hints(Trainer.__init__)
    for name, rule in _TRAINER_RULES.items():
        types[name] = Annotated[types[name], rule]
    parameters = inspect.signature(Trainer.__init__).parameters.values()
    rows = [(p.name, types[p.name], p.default) for p in parameters if p.name not in {"self", *OURS}]
    kind = make_dataclass("TrainerOptions", rows, namespace={"__doc__": inspect.getdoc(Trainer.__init__)})
    options = {
        "recipe": Option(str, "", f"A YAML file of these options, or one of {', '.join(recipes())}."),
        "print_config": Option(bool, False, "Print the whole configuration as a recipe, and stop."),
        **members(Settings),
        "trainer": Option(kind, MISSING, "Lightning's Trainer, in its own words."),
        **members(kind, "trainer."),
    }
    return Options(options, {f"trainer.{name}": other for name, other in OURS.items() if other})


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return `Settings` from command-line words: a recipe name or YAML file, overridden option by option.

    Raises:
        ConfigError: an unknown recipe, key or value.
    """
    return build(Settings, nested(_pairs(arguments)))


def configuration(arguments: Sequence[str]) -> str:
    """Return all settings of a run, including defaults, as a recipe."""
    settings = build(Settings, nested([("data.root", "DIR"), *_pairs(arguments)]))
    return str(yaml.safe_dump(settings.plain(), sort_keys=False, allow_unicode=True))


def help_page() -> str:
    """Return the text of `faceparse train --help`."""
    return (
        "usage: faceparse train --data.root DIR [--recipe NAME] [--OPTION VALUE ...]\n\nTrain a network.\n\n"
        f"{run_options().help_text()}\n"
    )


def _pairs(arguments: Sequence[str]) -> Pairs:
    """Yield names and values: the recipe's first, so that command-line options override them in any order."""
    words = list(run_options().from_words(arguments))
    for name in [value for option, value in words if option == "recipe"]:
        path = recipes().get(name, Path(name))
        if not path.is_file():
            raise ConfigError(f"no recipe {name!r}{mend(name, recipes(), ', or give a YAML file')}")
        table = convert(dict[str, Any], read_file(path, "recipe"), where=f"recipe {path}")
        yield from run_options().from_table(table, f"recipe {path}")
    yield from (pair for pair in words if pair[0] != "recipe")
