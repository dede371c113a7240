"""Every output form from the command line, with options."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.results import Parsing
from faceparse.writers import WRITERS
from tests.cli.conftest import Ran


def test_every_form(
    faceparse: Callable[..., Ran], collins_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    flags = ["--alpha", "0.2", "--bits", "16", "--classes", "hair,lips", "--option", "quality=80"]
    ran = faceparse(
        "parse", collins_path, "-o", tmp_path, "--model", tiny_path, "--save", ",".join(WRITERS), *flags
    )
    assert ran.code == 0, ran.err
    names = {p.name for p in tmp_path.iterdir()}
    for name, kind in WRITERS.items():
        if len(kind.endings) == 1:
            assert f"collins{kind.endings[0]}" in names, name
    assert {n for n in names if "_soft_" in n} == {"collins_soft_hair.png", "collins_soft_lips.png"}
    with Image.open(tmp_path / "collins_soft_hair.png") as soft:
        assert soft.mode == "I;16"
    with Image.open(tmp_path / "collins_mask.png") as mask:
        np.testing.assert_array_equal(Parsing.load(tmp_path / "collins_parsing.npz").labels, np.asarray(mask))
