"""What is published: a wheel of the package and nothing else, and the licence of each part by its SPDX name."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from faceparse.weights import cards
from faceparse.weights.backbone import backbones
from faceparse.weights.modelfile import packaged
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGE = (ROOT / "docs" / "licences.md").read_text("utf-8")
NAMED = set(re.findall(r"`([^`]+)`", PAGE))


@pytest.mark.slow
def test_the_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)  # the wheel from the source archive
    (wheel,), (_,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        files = set(archive.namelist())
        (about,) = {name.split("/")[0] for name in files if ".dist-info/" in name}
        metadata = archive.read(f"{about}/METADATA").decode()
        points = archive.read(f"{about}/entry_points.txt").decode()
    source = ROOT / "src"
    package = {p.relative_to(source).as_posix() for p in source.glob("faceparse/**/*") if p.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    licences = {f"{about}/licenses/{name}" for name in PROJECT["license-files"]}
    needed = {"py.typed", "weights/files/default.onnx", "serve/page/index.html"}
    assert {f"faceparse/{name}" for name in needed} <= package
    assert files == package | licences | {
        f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")
    }
    assert f"License-Expression: {PROJECT['license']}\n" in metadata
    assert "faceparse = faceparse.cli.main:main" in points


def test_every_licence_is_named() -> None:
    extras = PROJECT["optional-dependencies"]
    groups = [
        PROJECT["dependencies"],
        *(extras[name] for name in ("torch", "export", "train", "heic", "serve", "supervision", "video")),
    ]
    packages = {re.split("[>=\\[]", words)[0] for group in groups for words in group} - {"faceparse"}
    inside = {f"weights/files/{path.name}" for path in packaged().values()}
    assert packages | inside | {*cards(), *backbones()} - {*packaged()} | {PROJECT["license"]} <= NAMED


def test_licences_are_spdx_expressions() -> None:
    licenses = pytest.importorskip("packaging.licenses")
    expressions = re.findall(r"^\|.*?\| `((?!faces|weights|src)[^`]+)`[^|]*\|$", PAGE, re.M)
    assert len(expressions) > 15
    for expression in {*expressions, PROJECT["license"]} - {"NOASSERTION"}:
        canonical = licenses.canonicalize_license_expression(expression.replace("NOASSERTION AND ", ""))
        assert canonical.replace("LicenseRef", "") == expression.replace("NOASSERTION AND ", "").replace(
            "LicenseRef", ""
        )
