"""Options reach the forms that have them, and are read as what they are."""

import pytest

from faceparse.errors import ConfigError, LabelError
from faceparse.labels import scheme
from faceparse.writers import read_options, writers
from faceparse.writers.forms.cutout import Cutout
from faceparse.writers.forms.npz import Npz
from faceparse.writers.forms.overlay import Overlay
from faceparse.writers.forms.panel import Panel
from faceparse.writers.forms.soft import Soft


def test_each_goes_to_all_that_have_it() -> None:
    made = writers(
        ["overlay", "panel", "soft", "cutout", "mask"],
        {"alpha": 0.3, "classes": "hair, lips,", "outline": "2"},
    )
    assert made["overlay"] == Overlay(alpha=0.3, outline=2)
    assert made["panel"] == Panel(alpha=0.3)
    assert made["soft"] == Soft(classes=("hair", "lips"))
    assert made["cutout"] == Cutout(classes=("hair", "lips"))


@pytest.mark.parametrize(("word", "value"), [("no", False), ("TRUE", True), ("off", False)])
def test_yes_and_no(word: str, value: bool) -> None:
    assert writers(["npz"], {"soft": word})["npz"] == Npz(soft=value)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (
            ["mask"],
            {"alpha": 1},
            r"no chosen output form \(mask\) has an option 'alpha'; overlay, panel have it$",
        ),
        (
            ["soft", "mask"],
            {"x": 1},
            r"\(soft, mask\) has an option 'x'; there are grow, shrink, feather, bits, classes, edges$",
        ),
        (["soft", "mask"], {"bitts": 16}, "has an option 'bitts'; did you mean 'bits'"),
        (["overlay"], {"alpha": "much"}, "--save overlay: alpha: expected a number; got 'much'"),
        (["overlay"], {"outline": "1.5"}, "--save overlay: outline: expected a whole number; got 1.5"),
        (["npz"], {"soft": "maybe"}, "--save npz: soft: expected true or false; got 'maybe'"),
        (["overlay"], {"alpha": "nan"}, "alpha: expected a number; got 'nan'"),
        (["overlay"], {"outline": -1}, "outline: expected a whole number, 0 to 1,000; got -1"),
        (["overlay"], {"outline": "99999999999"}, "outline: expected a whole number, 0 to 1,000"),
        (["panel"], {"quality": 101}, "quality: expected a whole number, 1 to 100; got 101"),
        (["soft"], {"bits": 1}, "bits: expected a whole number, 8 or 16; got 1"),
        (["parts"], {"grow": "much"}, "grow: expected .*pixels .*such as 3 or 2%; got 'much'"),
        (["soft"], {"feather": "-1"}, "feather: expected .*; got -1"),
        (["cutout"], {"shrink": "26%"}, "shrink: expected .*0% to 25%.*; got '26%'"),
        (["mask", "rle"], {"grow": "3"}, "has an option 'grow'; cutout, parts, soft, swap have it$"),
        (["polygons"], {"tolerance": -1}, "tolerance: expected a number, 0 to 1,000; got -1"),
        (["polygons"], {"tolerance": "1e31"}, "tolerance: expected a number, 0 to 1,000; got 1e"),
        (["polygons"], {"tolerance": ".inf"}, "tolerance: expected a number; got"),
        (["polygons"], {"tolerance": "nan"}, "tolerance: expected a number; got 'nan'"),
    ],
)
def test_what_does_not_fit_is_one_line(names: list[str], options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        writers(names, options)
    assert "\n" not in str(caught.value)


def test_options_are_checked_in_python_too() -> None:
    for kind, options in ((Soft, {"bits": 9}), (Panel, {"alpha": 2.0}), (Npz, {"soft": "maybe"})):
        with pytest.raises(ConfigError, match="expected"):
            kind(**options)


def test_command_line_words() -> None:
    assert read_options(["quality=95", "out-line=a=b"], alpha=0.5, bits=None) == {
        "alpha": 0.5,
        "quality": "95",
        "out_line": "a=b",
    }
    for words in (["quality"], ["=3"]):
        with pytest.raises(ConfigError, match="NAME=VALUE"):
            read_options(words)
    with pytest.raises(ConfigError, match="alpha is given twice"):
        read_options(["alpha=1"], alpha=0.5)


@pytest.mark.parametrize("name", ["soft", "cutout", "rle", "polygons", "parts"])
def test_classes_are_checked_before_the_first_picture(name: str) -> None:
    writers([name], {"classes": "hair,glasses,lips"})[name].check(scheme("celebamask19"))
    with pytest.raises(LabelError, match="no class or group 'beak'"):
        writers([name], {"classes": "hair,beak"})[name].check(scheme("celebamask19"))
    with pytest.raises(LabelError, match="'neck'"):
        writers([name], {"classes": "neck"})[name].check(scheme("lapa11"))


def test_names() -> None:
    assert list(writers([" mask", "mask", "", "json"])) == ["mask", "json"]
    for names in ([], ["", " "]):
        with pytest.raises(ConfigError, match=r"--save takes .*mask.*; got nothing"):
            writers(names)
