"""jsonargparse's errors, said plainly: through the reader of settings, whose words they are."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch
pytest.importorskip("jsonargparse")

from faceparse.errors import ConfigError  # noqa: E402
from faceparse.train.settings import read_settings  # noqa: E402


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "many"], "epochs: expected a whole number, got 'many'"),
        (["--epochs", "1.5"], "epochs: expected a whole number, got '1.5'"),
        (["--loss.dice", "a"], "loss.dice: expected a number, got 'a'"),
        (["--profile", "perhaps"], "profile: expected true or false, got 'perhaps'"),
        (["--sizes", "3"], "sizes: expected a list, got '3'"),
        (
            ["--trainer.gradient_clip_val", "a"],
            "trainer.gradient_clip_val: expected a whole number, a number or null, got 'a'",
        ),
    ],
)
def test_wrong_kinds(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(["--data.root", "x", *words])
    assert str(caught.value) == message


def test_choices_are_listed_once() -> None:
    with pytest.raises(ConfigError, match=r"expected 64, 32, .*bf16-mixed.*, got 'foo'") as caught:
        read_settings(["--data.root", "x", "--trainer.precision", "foo"])
    assert str(caught.value).count("bf16-mixed") == 1
    assert "class" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trainer.max_step", "3"], "no option --trainer.max_step; is it --trainer.max_steps"),
        (
            ["--quite_another", "3"],
            "unrecognized arguments: --quite_another 3: `faceparse train --help` lists",
        ),
        (["stray"], "unrecognized arguments: stray: `faceparse train --help` lists"),
    ],
)
def test_unknown_options_offer_the_nearest(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(["--data.root", "x", *words])
    assert str(caught.value).startswith(message)
