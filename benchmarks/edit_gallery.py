"""Edits to look at: a page with a sheet an edit; a row has a photo as it was, and in each colour.

    python benchmarks/edit_gallery.py examples/collins.jpg examples/group.jpg -o gallery
    python benchmarks/edit_gallery.py photos -o gallery --edits hair,lips --side 512

`gallery/index.html` shows the sheets, which are PNG files beside it. Photos are cut to the largest face, for hair and backgrounds with
room around it.
"""

from __future__ import annotations

import argparse
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import faceparse
from faceparse.edits import read_edit
from faceparse.folder import find_jobs
from faceparse.pictures import read_picture
from faceparse.results import Parsing

SHEETS = {
    "hair": ("hair=#e6c88a", "hair=#141414", "hair=#8c1c13", "hair=#c8c8c8", "hair=#3050b0", "hair=#a0522d,strength=0.6"),
    "lips": ("lips=#b0103a", "lips=#5a1020", "lips=#e8a090", "lips=#b0103a,strength=1", "lips=#203080,strength=1"),
    "brows": ("brows=#201008", "brows=#8a6030", "brows=#b0b0b0", "brows=#8c1c13,strength=1"),
    "shadow": ("shadow", "shadow=#3050b0,strength=0.8", "shadow=#1a1a1a", "shadow=#d0a060,strength=0.8"),
    "blush": ("blush", "blush=#e04060,strength=0.7", "blush=#c06040,strength=0.6", "blush,strength=1"),
    "soften": ("soften,strength=0.3", "soften", "soften,strength=1"),
    "background": (
        "background=#2f6f8f", "background=white", "background=black", "background=blur", "background=blur,strength=1",
    ),
    "anonymise": (
        "anonymise", "anonymise=blur", "anonymise=fill", "anonymise,part=head", "anonymise,part=eyes",
        "anonymise=blur,part=eyes",
    ),
}  # fmt: skip
"""Name of a sheet → what its columns show, after the photo."""
ROOM = {"hair": 0.8, "background": 0.8, "anonymise": 0.6}
"""Around the face, in its sides; 0.1 for other sheets."""
LINE = 18


def crop(one: Parsing, room: float) -> tuple[int, int, int, int]:
    """A square around the largest face, left, top, right, bottom; the middle of a picture without one."""
    height, width = one.size
    x0, y0, x1, y1 = max(
        (face.box for face in one.faces), key=lambda b: b[2] - b[0], default=(0, 0, width, height)
    )
    half = min((0.5 + room) * max(x1 - x0, y1 - y0), width / 2, height / 2)
    x, y = (np.clip((a + b) / 2, half, n - half) for a, b, n in ((x0, x1, width), (y0, y1, height)))
    return round(x - half), round(y - half), round(x + half), round(y + half)


def sheet(parsings: list[Parsing], steps: tuple[str, ...], room: float, side: int) -> Image.Image:
    drawn = Image.new("RGB", ((len(steps) + 1) * side, len(parsings) * side + LINE), "white")
    for column, words in enumerate(("", *steps)):
        ImageDraw.Draw(drawn).text((column * side + 4, 2), words, "black", ImageFont.load_default(12))
    for row, one in enumerate(parsings):
        box = crop(one, room)
        for column, words in enumerate(("", *steps)):
            pixels = faceparse.edit(one, [read_edit(words)] if words else [])
            cell = Image.fromarray(pixels).crop(box).resize((side, side), Image.Resampling.LANCZOS)
            drawn.paste(cell, (column * side, row * side + LINE))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path, help="photos and folders")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the page and its sheets")
    parser.add_argument("--edits", default=",".join(SHEETS), help="sheets, comma between")
    parser.add_argument("--side", type=int, default=320, help="of a cell, in pixels")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    parse = faceparse.Parser(no_face="whole").parse
    jobs = find_jobs(options.photos, options.output, [".png"])
    parsings = [parse(read_picture(job.source)) for job in jobs]
    page = ["<!doctype html><meta charset=utf-8><title>Edits</title>"]
    for name in options.edits.split(","):
        sheet(parsings, SHEETS[name], ROOM.get(name, 0.1), options.side).save(options.output / f"{name}.png")
        page.append(f"<h2>{escape(name)}</h2><img src={name}.png style='max-width:100%'>")
    (options.output / "index.html").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
