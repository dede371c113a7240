"""The pictures of README and docs, from the sample portrait and the model in the box.

python docs/images/make.py [FOLDER]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import faceparse
from faceparse import Parsing
from faceparse.draw import colours, panel
from faceparse.edits import read_edit
from faceparse.evaluate import degradation
from faceparse.frames import Writer
from faceparse.pictures import read_picture
from faceparse.results.regions import REGIONS

HERE = Path(__file__).parent
COLLINS = HERE.parents[1] / "examples" / "collins.jpg"
PORTRAIT = (80, 0, 360, 280)
"""Head and shoulders in the photo: left, top, right, bottom."""
LIGHT = ((1, 1, 1), (0.7, 0.72, 0.8), (1.05, 0.98, 0.88))
"""Red, green and blue of each head in the group."""
HEAD = (140, 40, 300, 200)
"""Likewise the head."""

EDITS = (
    ("hair=#e8cf9a",), ("hair=#141414",), ("hair=#6a1fb0",), ("lips=#b0103a", "brows=#201008"),
    ("shadow=#3050b0,strength=0.8", "blush=#e04060,strength=0.6"), ("soften,strength=1",),
    ("background=#2f6f8f",), ("background=blur,strength=1",), ("anonymise",), ("anonymise=blur,part=head",),
    ("anonymise=fill,part=eyes",),
)  # fmt: skip
"""What the sheet of edits shows, after the photo."""

STRIP = ("hair=#e8cf9a",), ("hair=#8c1c13", "lips=#8c1c13"), ("background=#2f6f8f",), ("anonymise",)
"""What the strip of edits shows, after the photo."""


def main() -> None:
    """Write collins.jpg (photo, labels, overlay, legend), regions.jpg, two.jpg (two tilted faces), edits.jpg and strip.jpg (one portrait, edited), edges.jpg (hair cut out), video.jpg (frames of a video's forms), samples.jpg (what training shows), failures.jpg; composites of the photo beside it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    photo = read_picture(COLLINS)
    parser = faceparse.Parser()

    portrait = Image.fromarray(photo).crop(PORTRAIT).resize((420, 420), Image.Resampling.LANCZOS)
    one = parser.parse(portrait)
    Image.fromarray(panel(one.image, one.labels, one.scheme)).save(folder / "collins.jpg", quality=92)

    near = parser.parse(Image.fromarray(photo).crop(HEAD).resize((400, 400), Image.Resampling.LANCZOS))
    names = [name for name, parts in REGIONS.items() if parts == (name,)]
    labels = np.zeros(near.size, np.uint8)
    for label, name in enumerate(names, 1):
        labels[near.faces[0].region(name)] = label
    drawn = panel(near.image, labels, faceparse.Scheme("regions", ("background", *names)))
    Image.fromarray(drawn).save(folder / "regions.jpg", quality=92)

    two = np.hstack([tilted(photo, 22, 1.7), tilted(photo[:, ::-1], -25, 1.8)])
    pair = Image.fromarray(np.hstack([two, parser.parse(two).overlay()]))
    pair.resize((1400, 350), Image.Resampling.LANCZOS).save(folder / "two.jpg", quality=90)

    composites(photo, folder if folder != HERE else COLLINS.parent)

    edges(parser.parse(photo)).save(folder / "edges.jpg", quality=90)

    edited_sheet(one).save(folder / "edits.jpg", quality=88)
    edited_strip(one).save(folder / "strip.jpg", quality=90)

    video_sheet(photo).save(folder / "video.jpg", quality=88)

    failures = [np.vstack([p, parser.parse(p).overlay(0.6)]) for p in too_poor(np.asarray(portrait))]
    Image.fromarray(np.hstack(failures)).resize((1120, 560), Image.Resampling.LANCZOS).save(
        folder / "failures.jpg", quality=88
    )

    head = folder / "head.png"
    Image.fromarray(photo).crop(PORTRAIT).resize((512, 512), Image.Resampling.LANCZOS).save(head)
    script = COLLINS.with_name("training_samples.py")
    subprocess.run([sys.executable, script, head, folder / "samples.jpg", "default-tune"], check=True)
    head.unlink()


def composites(photo: NDArray[np.uint8], folder: Path) -> None:
    """group.jpg, turned.jpg, soft.jpg, small.jpg: what parsing meets, of the one photo that is public domain."""
    heads = [tilted(photo, 8, 1.5), tilted(photo[:, ::-1], -6, 1.1), tilted(photo, -3, 1.9)]
    light = [np.clip(head * np.array(tone), 0, 255) for head, tone in zip(heads, LIGHT, strict=True)]
    portrait = Image.fromarray(photo).crop(PORTRAIT).resize((512, 512), Image.Resampling.LANCZOS)
    pictures = {
        "group": np.hstack([head[:, 60:420] for head in light]),
        "turned": tilted(photo, 140, 1.5),
        "soft": degradation("blur4")(np.asarray(portrait)),
        "small": np.asarray(portrait.resize((96, 96), Image.Resampling.BOX)),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{name}.jpg", quality=88)


def edges(parsing: faceparse.Parsing) -> Image.Image:
    """Hair cut out, over blue and over white: above without edges, below with them."""
    rows = []
    for follow in (False, True):
        cut = Image.fromarray(parsing.cutout("hair", edges=follow)).crop((150, 10, 300, 140))
        sheets = [Image.new("RGBA", cut.size, colour) for colour in ("#1e3cc8", "white")]
        rows.append(np.hstack([np.asarray(Image.alpha_composite(sheet, cut)) for sheet in sheets]))
    both = Image.fromarray(np.vstack(rows)).convert("RGB")
    return both.resize((3 * both.width, 3 * both.height), Image.Resampling.BICUBIC)


def video_sheet(photo: NDArray[np.uint8]) -> Image.Image:
    """Two frames of a video of the portrait that turns, and of what the command writes of it: overlay, label map, cut-out, edit."""
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder, "clip.mp4"), Path(folder, "out")
        with Writer(clip, rate=10) as writer:
            for degrees in np.linspace(-18, 18, 12):
                writer.write(tilted(photo, float(degrees), 1.6))
        forms = ["--save", "overlay,mask,cutout", "--edit", "hair=#6a1fb0"]
        subprocess.run([sys.executable, "-m", "faceparse", "video", clip, "-o", out, *forms], check=True)
        files = [
            clip,
            *(out / f"clip_{name}" for name in ("overlay.mp4", "mask.mkv", "cutout.mov", "edit.mp4")),
        ]
        return Image.fromarray(np.vstack([np.hstack([shown(file, n) for file in files]) for n in (1, 10)]))


def shown(path: Path, number: int) -> NDArray[np.uint8]:
    """A frame of a video at half its size, in colour and over blue where it is a label map or transparent."""
    with av.open(str(path)) as container:
        frame = next(f for n, f in enumerate(container.decode(video=0)) if n == number)
    if path.suffix == ".mkv":
        image = Image.fromarray(colours(frame.to_ndarray(format="gray"), "celebamask19"))
    else:
        image = Image.fromarray(frame.to_ndarray(format="rgba" if path.suffix == ".mov" else "rgb24"))
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "#1e3cc8"), image).convert("RGB")
    return np.asarray(image.resize((240, 240), Image.Resampling.BOX))


def too_poor(portrait: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """A portrait at 24 px, blurred by 12 px and at 2 % of its light; and a page of text."""
    yield degradation("down24")(portrait)
    yield degradation("blur12")(portrait)
    noise = np.random.default_rng(0).normal(0, 4, portrait.shape)
    yield (0.02 * portrait + noise).clip(0, 255).astype(np.uint8)
    page = np.full(portrait.shape, 245, np.uint8)
    for line in range(40, len(page) - 20, 24):
        cv2.putText(page, "the quick brown fox jumps over", (16, line), 0, 0.7, (20, 20, 20), 2, cv2.LINE_AA)
    yield page


def tilted(image: NDArray[np.uint8], degrees: float, zoom: float) -> NDArray[np.uint8]:
    """A 480 × 480 crop around the face, turned; the photo's border is repeated beyond its edge."""
    height, width = image.shape[:2]
    middle = (width * (0.46 if degrees > 0 else 0.54), height * 0.265)
    turn = cv2.getRotationMatrix2D(middle, degrees, zoom)
    turn[:, 2] += 240 - np.array(middle)
    image = np.ascontiguousarray(image)
    return cv2.warpAffine(image, turn, (480, 480), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def edited_sheet(parsing: Parsing) -> Image.Image:
    """The portrait, and under each edit what to type for it."""
    font = ImageFont.load_default(12)
    sheet = Image.new("RGB", (4 * 260, 3 * 296), "white")
    for i, words in enumerate((("photo",), *EDITS)):
        steps = [read_edit(word) for word in words if i]
        x, y = 260 * (i % 4), 296 * (i // 4)
        picture = Image.fromarray(faceparse.edit(parsing, steps))
        sheet.paste(picture.resize((252, 252), Image.Resampling.LANCZOS), (x + 4, y + 4))
        ImageDraw.Draw(sheet).text((x + 6, y + 260), "\n".join(words), "black", font)
    return sheet


def edited_strip(parsing: Parsing) -> Image.Image:
    """The portrait and some edits, side by side."""
    pictures = [faceparse.edit(parsing, [read_edit(word) for word in words]) for words in ((), *STRIP)]
    small = [Image.fromarray(p).resize((210, 210), Image.Resampling.LANCZOS) for p in pictures]
    return Image.fromarray(np.hstack([np.asarray(p) for p in small]))


if __name__ == "__main__":
    main()
