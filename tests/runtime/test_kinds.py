"""Every kind of picture is read as its maker says, and the docs list these kinds and no other."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import features

from faceparse.runtime import read_picture
from faceparse.runtime.formats import FORMATS, HEAD
from tests.runtime.kinds import KINDS, Kind

DOCS = Path(__file__).parents[2] / "docs" / "inputs.md"


def made(kind: Kind) -> bytes:
    if kind.needs == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if kind.needs and kind.needs != "avif" and importlib.util.find_spec(kind.needs) is None:
        pytest.skip(f"{kind.needs} is not installed")
    return kind.make()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kind_is_read(kind: Kind, capfd: pytest.CaptureFixture[str]) -> None:
    picture = read_picture(made(kind))
    assert picture.dtype == np.uint8
    assert picture.shape == kind.seen.shape
    assert np.abs(picture.astype(float) - kind.seen).mean() <= kind.error
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_one_format_recognises_it(kind: Kind) -> None:
    head = made(kind)[:HEAD]
    assert [f.name for f in FORMATS if f.recognises(head)].__len__() == 1


def test_the_docs_list_these_kinds() -> None:
    table = DOCS.read_text(encoding="utf-8").split("## Kinds of files")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?!file |---)(.+?) \|", table, re.MULTILINE)
    assert rows == [kind.name for kind in KINDS]
