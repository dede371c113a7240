"""`faceparse labels`: what a scheme holds, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path

from faceparse.labels import scheme, schemes
from tests.cli.conftest import Ran


def test_every_scheme_is_listed(faceparse: Callable[..., Ran]) -> None:
    ran = faceparse("labels")
    assert ran.code == 0
    for one in schemes().values():
        assert one.name in ran.out
        assert one.title in ran.out


def test_a_scheme_with_names_groups_and_colours(faceparse: Callable[..., Ran]) -> None:
    ran = faceparse("labels", "celebamask19")
    assert "default" in ran.out
    rows = {line.split()[1]: line for line in ran.out.splitlines() if line.split()[0].isdigit()}
    assert [*rows] == list(scheme("celebamask19").classes)
    assert rows["eye_g"].split()[2:] == ["glasses,", "eyeglasses", "face", "#cccc00", "#cccc00"]
    assert rows["r_ear"].split()[2:5] == ["right_ear", "ears", "#ff0000"], "the overlay's is another"


def test_json(faceparse: Callable[..., Ran]) -> None:
    every = json.loads(faceparse("labels", "--json").out)
    assert {record["name"]: [c["name"] for c in record["classes"]] for record in every} == {
        name: list(one.classes) for name, one in schemes().items()
    }
    celeb = json.loads(faceparse("labels", "celebamask19", "--json").out)
    assert celeb == next(record for record in every if record["name"] == "celebamask19")
    assert celeb["left_means"] == "subject"
    assert "default" in celeb["models"]
    hair = celeb["classes"][17]
    assert (hair["label"], hair["name"], hair["colour"]) == (17, "hair", [0, 0, 204])


def test_a_file(faceparse: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("classes: [background, '[red]spot']\n")
    ran = faceparse("labels", tmp_path / "own.yaml")
    assert "[red]spot" in ran.out, ran.err


def test_an_unknown_one_is_one_line(faceparse: Callable[..., Ran]) -> None:
    ran = faceparse("labels", "lapa")
    assert (ran.code, ran.err) == (2, "faceparse: no label scheme 'lapa'; did you mean 'lapa11'?\n")


def test_a_class_of_another_scheme_names_it_and_its_model(
    faceparse: Callable[..., Ran], collins_path: Path, tmp_path: Path
) -> None:
    ran = faceparse("parse", collins_path, "-o", tmp_path, "--save", "soft", "--classes", "beard")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "has no class or group 'beard'. Scheme ourface11 has it: --model vgg19-dinov3-vitl16." in ran.err
