"""2,000 damaged pictures of every kind give 2,000 clear answers; `benchmarks/fuzz.py` makes more."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


@pytest.mark.skipif(sys.platform == "win32", reason="limits processes as Unix does")
def test_damaged_pictures_give_clear_answers() -> None:
    done = subprocess.run(
        [sys.executable, str(FUZZ), "--count", "2000", "--seed", "5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    read, refused = (int(part.split()[0]) for part in done.stdout.splitlines()[1].split(", "))
    assert read + refused == 2000
    assert min(read, refused) > 400  # neither is all broken, nor all whole
