"""Small pictures, and a parser that needs no network."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.folder import Jobs, find_jobs
from faceparse.pictures import read_picture
from faceparse.pictures.reader import PictureSource
from faceparse.results import Parsing
from faceparse.writers import WRITERS

ENDINGS = [e for w in WRITERS.values() for e in w.endings]


def pictures(root: Path, *names: str) -> Path:
    """Pictures that differ, by name below a folder."""
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (i, 2 * i % 256, 0)).save(root / name)
    return root


def parse(picture: PictureSource) -> Parsing:
    """All skin."""
    image = read_picture(picture)
    return Parsing.from_labels(image, np.full(image.shape[:2], 1, np.uint8), "celebamask19")


def find(inputs: Iterable[str | Path], output: Path, **options: object) -> Jobs:
    return find_jobs(inputs, output, ENDINGS, **options)  # type: ignore[arg-type]


def stems(jobs: Jobs) -> dict[str, str]:
    """File name → stem below the output folder."""
    return {j.source.name: j.stem.relative_to(jobs.output).as_posix() for j in jobs}


def tree(root: Path) -> dict[str, bytes]:
    """All files below a folder but the manifest and the lock."""
    files = (p for p in root.rglob("*") if p.is_file() and ".faceparse" not in p.parts)
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


@pytest.fixture
def linked() -> Callable[[Path, Path], None]:
    """Makes a symbolic link; skips where the system has none."""

    def link(path: Path, target: Path) -> None:
        try:
            path.symlink_to(target)
        except OSError:
            pytest.skip("no symbolic links here")

    return link
