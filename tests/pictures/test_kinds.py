"""Every kind of picture is read as its maker says, and the docs list these kinds and no other."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from faceparse.errors import ImageError
from faceparse.pictures import read_picture
from tests.pictures.kinds import KINDS, Kind, decodes

DOCS = Path(__file__).parents[2] / "docs" / "inputs.md"


def made(kind: Kind) -> bytes:
    if not decodes(kind.needs):
        pytest.skip(f"{kind.needs} is not installed")
    return kind.make()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kind_is_read(kind: Kind, capfd: pytest.CaptureFixture[str]) -> None:
    picture = read_picture(made(kind))
    assert picture.dtype == np.uint8
    assert picture.shape == kind.seen.shape
    assert np.abs(picture.astype(float) - kind.seen).mean() <= kind.error
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "module", "hint"),
    [
        ("AVIF", "PIL.AvifImagePlugin", r"pip install -U 'pillow>=11.3'"),
        ("HEIC", "pillow_heif", r"pip install 'faceparse\[heic\]'"),
    ],
)
def test_a_missing_decoder_names_its_install_command(
    kind: str, module: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brand = {"AVIF": b"avif", "HEIC": b"heic"}[kind]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError, match=hint):
        read_picture(b"\0\0\0\x18ftyp" + brand + bytes(60))


def test_the_docs_list_these_kinds() -> None:
    table = DOCS.read_text(encoding="utf-8").split("## Kinds of files")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?!file |---)(.+?) \|", table, re.MULTILINE)
    assert rows == [kind.name for kind in KINDS]
