"""Words of `faceparse train`: what they come to, and what is said of mistakes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.torch
pytest.importorskip("pytorch_lightning")

from faceparse.errors import ConfigError  # noqa: E402
from faceparse.train.settings import configuration, help_page, read_settings, recipes, run_options  # noqa: E402


def read(*words: str) -> object:
    return read_settings(["--data.root", "x", *words])


def fault(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(*words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "many"], "--epochs: expected a whole number; got 'many'"),
        (["--epochs", "1.5"], "--epochs: expected a whole number; got 1.5"),
        (["--loss.dice", "a"], "--loss.dice: expected a number; got 'a'"),
        (["--profile", "perhaps"], "--profile: expected true or false; got 'perhaps'"),
        (["--sizes", "3"], "--sizes: expected a list, each a list of 2"),
        (
            ["--trainer.gradient_clip_val", "a"],
            "--trainer.gradient_clip_val: expected a whole number, a number or null; got 'a'",
        ),
        (["--trainer.strategy", "3"], ""),
        (["--epochs"], "--epochs needs a value: a whole number"),
        (
            ["--teachers.big", "{model: a, size: 10000000}"],
            "--teachers.big.size: expected a whole number, 32 to 32,768",
        ),
        (["--optimizer", "{name: 3}"], "--optimizer.name: expected adamw or sgd; got 3"),
    ],
)
def test_wrong_kinds(words: list[str], message: str) -> None:
    if message:
        assert fault(*words).startswith(message)
    else:
        read(*words)


def test_choices_are_listed_once() -> None:
    said = fault("--trainer.precision", "foo")
    assert said.startswith("--trainer.precision: expected 64, 32 or 16, ")
    assert said.count("bf16-mixed") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trainer.max_step", "3"], "no option --trainer.max_step; is it --trainer.max_steps"),
        (["--data-root", "3"], "no option --data_root; is it --data.root?"),
        (["--batch_siz", "3"], "no option --batch_siz; is it --batch_size?"),
        (["--workers", "3"], "no option --workers; is it --data.workers?"),
        (["--quite_another", "3"], "no option --quite_another: `faceparse train --help` lists"),
        (["stray"], "expected an option, as --epochs 10; got 'stray': `faceparse train --help` lists"),
        (["--trainer.callbacks", "x"], "no option --trainer.callbacks"),
    ],
)
def test_unrun_options_offer_the_nearest(words: list[str], message: str) -> None:
    assert fault(*words).startswith(message)


def test_hyphens_count_as_underscores() -> None:
    assert read("--batch-size", "3", "--trainer.max-steps=7") == read(
        "--batch_size", "3", "--trainer.max_steps=7"
    )


def test_yes_needs_no_value() -> None:
    settings = read_settings(["--data.root", "x", "--profile", "--data.crop", "--tensorboard", "false",
                              "--trainer.deterministic"])  # fmt: skip
    assert settings.profile
    assert settings.data.crop
    assert not settings.tensorboard
    assert settings.trainer == {"deterministic": True}


def test_values_as_a_person_types_them() -> None:
    settings = read_settings(
        ["--data.root", "my #dir", "--output", "1e5", "--optimizer.learning_rate", "1e-4", "--backbone", "null",
         "--sizes", "[[0, 64], [1, 96]]", "--parts.dinov3", "d.pth", "--optimizer", "{momentum: 0.5}",
         "--trainer.devices", "2", "--trainer.limit_train_batches", "1.0", "--seed=-0"]
    )  # fmt: skip
    assert settings.data.root == Path("my #dir")
    assert settings.output == Path("1e5")
    assert (settings.optimizer.learning_rate, settings.optimizer.momentum) == (1e-4, 0.5)
    assert settings.backbone is None
    assert settings.sizes == [(0, 64), (1, 96)]
    assert settings.parts == {"dinov3": Path("d.pth")}
    assert settings.trainer == {"devices": 2, "limit_train_batches": 1.0}
    assert type(settings.trainer["limit_train_batches"]) is float


def test_what_comes_later_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("teachers: {a: {model: default, weight: 2}}\nloss: {dice: 0.5, focal: 1}")
    second.write_text("teachers: {a: {model: other}, b: {model: default}}\nloss: {focal: 2}")
    settings = read_settings(["--data.root", "x", "--recipe", str(first), "--recipe", str(second)])
    assert {n: (t.model, t.weight) for n, t in settings.teachers.items()} == {
        "a": ("other", 2),
        "b": ("default", 1),
    }
    assert (settings.loss.dice, settings.loss.focal) == (0.5, 2)
    again = read_settings(["--data.root", "x", "--recipe", str(second), "--recipe", str(first)])
    assert again.teachers["a"].model == "default"


@pytest.mark.parametrize("name", recipes())
def test_a_configuration_is_a_recipe_of_the_same_run(name: str, tmp_path: Path) -> None:
    words = ["--recipe", name, "--loss.dice", "0.25"]
    whole = tmp_path / "whole.yaml"
    whole.write_text(configuration(words))
    assert yaml.safe_load(whole.read_text())["loss"]["dice"] == 0.25
    assert read("--recipe", str(whole)) == read(*words)


def test_the_help_has_every_option() -> None:
    page = help_page()
    for name, option in run_options().by_name.items():
        assert option.about, name
        assert f"--{name}\n" in page or f"\n{name}: " in page


def test_members_of_a_table_have_names_of_ones_own(tmp_path: Path) -> None:
    recipe = tmp_path / "a.yaml"
    recipe.write_text("data: {also: {hair: {share: 0.14, scheme: hair2}}}")
    words = ["--data.also.hair.root", "figaro", "--data.also.b", "{root: c, share: 0.5}"]
    settings = read_settings(["--data.root", "x", "--recipe", str(recipe), *words])
    hair = settings.data.also["hair"]
    assert (hair.root, hair.share, hair.scheme, hair.train) == (Path("figaro"), 0.14, "hair2", "train")
    assert settings.data.also["b"].share == 0.5
    assert "--teachers.NAME.model" in help_page()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.also.hair.share", "0.1"], "data.also.hair.root: missing"),
        (["--data.also.hair.root", "x", "--data.also.hair.share", "1"], "above 0, below 1; got 1"),
        (["--data.also.hair.rot", "x"], "no option --data.also.hair.rot"),
        (["--data.also.hair", "x"], "--data.also.hair: expected a table"),
        (
            ["--data.also.a", "{root: x, share: 0.5}", "--data.also.b", "{root: y, share: 0.5}"],
            "less than 1",
        ),
        (["--agree", "0.5"], "agree needs a teacher"),
        (
            ["--teachers.a.model", "x", "--teachers.a.weight", "-1"],
            "--teachers.a.weight: expected a number, 0 or",
        ),
    ],
)
def test_mistakes_in_members_are_one_line(words: list[str], message: str) -> None:
    assert message in fault(*words)


CLASS = "{class_path: unwanted.Class, init_args: {}}"


@pytest.mark.parametrize(
    "text",
    [
        "class_path: unwanted.Class",
        *(
            f"{key}: {CLASS}"
            for key in ("network", "data", "optimizer", "schedule", "loss", "augmentation", "parts")
        ),
        *(f"teachers: {{one: {inner}}}" for inner in (CLASS, "unwanted.Class")),
        *(
            f"trainer: {{{key}: {CLASS}}}"
            for key in ("strategy", "accelerator", "logger", "callbacks", "plugins")
        ),
        "trainer: {callbacks: [unwanted.Class]}",
        "trainer: {profiler: unwanted.Class}",
        "loss: {unknown: 1}",
        "recipe: other.yaml",
        "network: !!python/name:unwanted.Class",
        "!!python/object/apply:unwanted.Class []",
    ],
)
def test_a_recipe_imports_nothing(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unwanted.py").write_text("class Class: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.yaml").write_text(text)
    assert fault("--recipe", str(tmp_path / "mine.yaml"))
    assert "unwanted" not in sys.modules


@pytest.mark.parametrize(("devices", "refused"), [("auto", False), ("1", False), ("2", False), ("3", True)])
def test_processes_on_the_cpu_are_bounded(
    devices: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer is made, and nothing is started."""
    from faceparse.train import fit

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    words = ["--data.root", "x", "--output", str(tmp_path), "--trainer.accelerator", "cpu"]
    settings = read_settings([*words, "--trainer.devices", devices])
    if refused:
        with pytest.raises(ConfigError, match=r"--trainer\.devices .*1 to 2; got 3"):
            fit._trainer(settings, 1)
    else:
        assert fit._trainer(settings, 1).num_devices == (1 if devices == "auto" else int(devices))
