"""A short share of the fuzzing; `.ci/slow` runs a longer one, of other seeds."""

import sys

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.target import TARGETS

COUNTS = {"pictures": 2000, "datasets": 400, "manifests": 200, "recipes": 60}


@pytest.mark.skipif(sys.platform == "win32", reason="limits processes as Unix does")
@pytest.mark.parametrize("target", TARGETS)
def test_damaged_input_is_read_or_refused_in_one_line(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if target == "recipes":
        pytest.importorskip("pytorch_lightning")
    if target == "videos":
        pytest.importorskip("av")
    status = main(["--target", target, "--count", str(COUNTS.get(target, 500)), "--seed", "5"])
    said = capsys.readouterr().out
    assert status == 0, said
    assert " read" in said  # not everything is refused
    assert " refused" in said or target == "manifests"
