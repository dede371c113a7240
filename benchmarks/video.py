"""Whether a video's label maps flicker, lag or lose faces: steadied against frame by frame.

    python benchmarks/video.py [--model default] [--smooth 0.5] [--portraits 1] [--data.root ../shared/data/celebamask5k]
    python benchmarks/video.py --speed [--model default]

Clips of 40 frames are made from portraits of the data set's validation part by known motion; the truth is the human
label map, moved the same way. Without the data set: the sample portrait, with its parsing as the truth.

Flicker is the share of a person's pixels, in sight in both frames, whose label changes from one frame to the next once
the motion is undone. Two kinds of change are no flicker, frame by frame as well as steadied:

- Changes within the raster. A label map has whole pixels, so even an edge that stays on the face moves to and fro on it
  by half a pixel. In one turning clip, a frame's logits, moved exactly along with the face, change 0.44 % of the labels a frame
  (frame by frame: 1.48 %). So a label counts as the same if one of the four pixels around the place has it in the other
  frame, which leaves 0.03 % of these.
- Corrections: a label that was wrong and becomes right, as when a face is found that comes into the picture. A pixel that
  flickers counts each time it becomes wrong.

In brackets stand the ratio of the two, and the same ratio with corrections. Mean F1 is over the classes of the truth.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from throughput import CORES, bare, machine, rate

from faceparse import Parser
from faceparse.cli.process import tune_process
from faceparse.data import open_dataset
from faceparse.data.derived import Subset
from faceparse.evaluate import Confusion
from faceparse.frames import Frame, Reader, Stream, Writer, ahead, video
from faceparse.labels import Scheme, conversion
from faceparse.pictures import read_picture

ROOT = Path(__file__).parents[1]
FRAMES, RATE, SIDE = 40, 25, 512
NOISE = 4
SPEED_FRAMES, BARE_RUNS, ROUNDS = 400, 200, 3
Image, Labels, Map = NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]


@dataclass
class Portrait:
    """A picture of `SIDE`² with its labels, and the place of its nose."""

    image: Image
    labels: Labels
    scheme: Scheme

    @property
    def nose(self) -> tuple[int, int]:
        rows, columns = np.nonzero(self.labels == self.scheme.ids("nose")[0])
        return (int(rows.mean()), int(columns.mean())) if rows.size else (SIDE // 2, SIDE // 2)


@dataclass
class Shot:
    """A frame with its true labels, and where each portrait's pixels lie on it; unseen pixels lie outside."""

    image: Image
    truth: Labels
    places: dict[int, Map]
    noses: dict[int, tuple[float, float]] = field(default_factory=dict)


Clip = Callable[[list[Portrait], np.random.Generator], Iterator[Shot]]


def grid() -> Map:
    """The pixels' own places, x and y, `SIDE` × `SIDE` × 2."""
    return np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(np.float32)


def noisy(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def projected(portrait: Portrait, matrix: NDArray[np.float64]) -> tuple[Image, Labels, Map]:
    """A portrait seen through a projective map, 3 × 3; 255 where it does not reach."""
    size = (SIDE, SIDE)
    image = cv2.warpPerspective(
        portrait.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    labels = cv2.warpPerspective(
        portrait.labels,
        matrix,
        size,
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )
    places = cv2.perspectiveTransform(grid().reshape(1, -1, 2), matrix).reshape(SIDE, SIDE, 2)
    return np.asarray(image, np.uint8), np.asarray(labels, np.uint8), np.asarray(places, np.float32)


def around(angle: float, scale: float, x: float = 0, y: float = 0, tilt: float = 0) -> NDArray[np.float64]:
    """A turn in degrees and a zoom around the picture's middle, a shift, and a perspective tilt."""
    turn = np.vstack([cv2.getRotationMatrix2D((0, 0), angle, scale), [0, 0, 1]])
    to, back, shift = np.eye(3), np.eye(3), np.eye(3)
    to[:2, 2], back[:2, 2], shift[:2, 2] = -SIDE / 2, SIDE / 2, (x, y)
    perspective = np.array([[1, 0, 0], [0, 1, 0], [tilt, 0, 1]])
    return shift @ back @ turn @ perspective @ to


def still(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    (portrait, *_) = portraits
    for _ in range(FRAMES):
        yield Shot(noisy(portrait.image, 12, rng), portrait.labels, {0: grid()})


def turning(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    for i in range(FRAMES):
        t = i / FRAMES
        wave = np.sin(np.pi * t)
        image, labels, places = projected(
            portraits[0], around(10 * wave, 1.05 + 0.15 * t, 10 * wave, 0, 1e-4 * wave)
        )
        yield Shot(noisy(image, NOISE, rng), labels, {0: places})


def shaking(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    """Hand-held: a smooth random path, and the blur of the motion during the exposure."""
    path = cv2.GaussianBlur(rng.normal(0, 1, (FRAMES + 1, 3)), (1, 0), 0, sigmaY=1.5)
    path *= np.array([14, 14, 2]) / path.std(0)
    for i in range(FRAMES):
        x, y, angle = path[i]
        image, labels, places = projected(portraits[0], around(angle, 1.1, x, y))
        dx, dy = path[i + 1, :2] - path[i, :2]
        steps = max(3, int(np.hypot(dx, dy)))
        kernel = np.zeros((41, 41), np.float32)
        for s in np.linspace(-0.5, 0.5, 4 * steps):
            kernel[int(np.clip(round(20 + s * dy), 0, 40)), int(np.clip(round(20 + s * dx), 0, 40))] += 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.uint8)
        yield Shot(noisy(image, 5, rng), labels, {0: places})


def speaking(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    """Speech and blinking: the mouth is stretched and the eyes are squeezed, by smooth local maps."""
    (portrait, *_) = portraits
    parts = {
        name: np.nonzero(np.isin(portrait.labels, portrait.scheme.ids(name)))
        for name in ("eyes", "mouth", "lips")
    }
    rows, columns = (np.concatenate([parts["mouth"][k], parts["lips"][k]]) for k in (0, 1))
    mouth = (columns.mean(), rows.mean(), max(20.0, columns.std() * 1.5), max(16.0, rows.std() * 2.5))
    eyes = []
    for half in (parts["eyes"][1] < SIDE / 2, parts["eyes"][1] >= SIDE / 2):
        if half.any():
            r, c = parts["eyes"][0][half], parts["eyes"][1][half]
            eyes.append((c.mean(), r.mean(), max(14.0, c.std() * 2), max(9.0, r.std() * 2.5)))
    for i in range(FRAMES):
        opening = 0.45 * max(0.0, np.sin(2 * np.pi * 3 * i / RATE)) * np.sin(np.pi * i / FRAMES)
        blink = max(0.0, 1 - abs((i % 18) - 9) / 2.5)
        source = grid()
        for x, y, wide, tall, amount in [(*mouth, -opening), *((*eye, 2.0 * blink) for eye in eyes)]:
            near = np.exp(
                -((source[..., 0] - x) ** 2) / (2 * wide**2) - (source[..., 1] - y) ** 2 / (2 * tall**2)
            )
            source[..., 1] += (source[..., 1] - y) * amount * near
        places = grid()
        for _ in range(12):  # the map's inverse, by fixed-point iteration
            places += 0.7 * (
                grid() - cv2.remap(source, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            )
        image = cv2.remap(portrait.image, source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        labels = cv2.remap(portrait.labels, source, None, cv2.INTER_NEAREST)
        yield Shot(noisy(np.asarray(image), NOISE, rng), np.asarray(labels), {0: places})


def cutting(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    """A cut from one portrait to the other at half of the clip."""
    for i in range(FRAMES):
        who = int(i >= FRAMES // 2)
        image, labels, places = projected(portraits[who], around(0, 1.05, 6 * np.sin(i / 6), 0))
        yield Shot(noisy(image, NOISE, rng), labels, {who: places})


def staged(
    portraits: list[Portrait], at: list[tuple[float, float]], scale: float, rng: np.random.Generator
) -> Shot:
    """People cut out along their labels, the later ones in front, on a wide scene; `at` are their left upper corners."""
    height, width = 432, 768
    scene = np.linspace((70, 90, 110), (150, 140, 120), height)[:, None].repeat(width, 1).astype(np.float32)
    truth, owner = np.zeros((height, width), np.uint8), np.full((height, width), -1, np.int16)
    places = {}
    for who, (portrait, (x, y)) in enumerate(zip(portraits, at, strict=True)):
        matrix = np.array([[scale, 0, x], [0, scale, y]], np.float64)
        centred = matrix.copy()
        centred[:, 2] += 0.5 * scale - 0.5
        flags = {"dsize": (width, height), "borderMode": cv2.BORDER_CONSTANT, "borderValue": 0}
        blurred = cv2.GaussianBlur(portrait.image, (0, 0), 0.4 / scale)
        image = cv2.warpAffine(blurred, centred, flags=cv2.INTER_LINEAR, **flags)
        cover = cv2.GaussianBlur((portrait.labels > 0).astype(np.float32), (0, 0), 1.0)
        alpha = cv2.warpAffine(cover, centred, flags=cv2.INTER_LINEAR, **flags)[..., None]
        labels = cv2.warpAffine(portrait.labels, centred, flags=cv2.INTER_NEAREST, **flags)
        scene += (image - scene) * alpha
        truth[labels > 0], owner[labels > 0] = labels[labels > 0], who
        places[who] = (grid() @ centred[:, :2].T + centred[:, 2]).astype(np.float32)
    for who, place in places.items():  # what others cover is unseen
        seen = cv2.remap((owner == who).astype(np.uint8), place, None, cv2.INTER_NEAREST)
        place[cv2.erode(seen, np.ones((7, 7), np.uint8)) == 0] = -1e4
    return Shot(noisy(scene.clip(0, 255).astype(np.uint8), NOISE, rng), truth, places)


def crossing(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    for i in range(FRAMES):
        t = i / (FRAMES - 1)
        yield staged(portraits[:2], [(20 + 440 * t, 100), (460 - 440 * t, 140)], 0.55, rng)


def returning(portraits: list[Portrait], rng: np.random.Generator) -> Iterator[Shot]:
    """A face that leaves on the right, is away for half a second, and returns on the left."""
    away = range(12, 25)
    for i in range(FRAMES):
        x = 420 + 28 * i if i < away.start else -280 + 24 * (i - away.stop)
        yield staged(portraits[:1], [(2000 if i in away else x, 110)], 0.6, rng)


CLIPS: dict[str, Clip] = {
    "still, noise": still,
    "turn, zoom": turning,
    "speech, blink": speaking,
    "hand-held": shaking,
    "crossing": crossing,
    "cut": cutting,
    "return": returning,
}


@dataclass
class Figures:
    """What is measured on one clip, one way of parsing it.

    Attributes:
        changed, corrected, compared: Number of a portrait's pixels whose label changed from frame to frame; of those among
            them that became right; and of all in sight.
        confusion: Of all frames.
        runs: Network runs of each frame.
        ids: Portrait → the id of the face at its visible nose in each frame, 0 without one.
        first: Mean F1 of the first frame after the cut.
    """

    confusion: Confusion
    changed: int = 0
    corrected: int = 0
    compared: int = 0
    runs: list[int] = field(default_factory=list)
    ids: dict[int, list[int]] = field(default_factory=dict)
    first: float = np.nan

    def add(
        self, shot: Shot, before: tuple[Shot, Labels] | None, frame: Frame, portraits: list[Portrait]
    ) -> None:
        labels = frame.parsing.labels
        matrix = self.confusion.update(labels, shot.truth)
        self.runs.append(frame.parsing.looks)
        for who, place in shot.places.items():
            if before is None or who not in before[0].places:
                if before is not None and self.ids.get(1 - who):
                    self.first = 100 * Confusion(self.confusion.scheme, matrix).mean_f1
            else:
                old, new = undone(before[1], before[0].places[who]), undone(labels, place)
                was, truth = undone(before[0].truth, before[0].places[who])[0], undone(shot.truth, place)[0]
                different = changed(old, new)
                self.compared += np.count_nonzero((old[0] != 255) & (new[0] != 255))
                self.changed += np.count_nonzero(different)
                self.corrected += np.count_nonzero(different & (new[0] == truth) & (old[0] != was))
            nose = place[portraits[who].nose]
            if (nose > 0).all() and (nose < shot.truth.shape[::-1]).all():
                far = {
                    float(np.linalg.norm(f.landmarks[2] - nose)) / max(f.size): f.id or 0 for f in frame.faces
                }
                nearest = min(far, default=np.inf)
                self.ids.setdefault(who, []).append(far[nearest] if nearest < 0.4 else 0)

    @property
    def flicker(self) -> float:
        """Share of the pixels whose label changes, corrections apart, in %."""
        return 100 * (self.changed - self.corrected) / max(self.compared, 1)

    @property
    def mean_f1(self) -> float:
        """Mean F1 of the classes that the truth shows, the background apart, in %."""
        shown = self.confusion.matrix.sum(1)[1:] > 0
        return 100 * float(self.confusion.f1[1:][shown].mean())

    @property
    def numbers(self) -> str:
        """The ids of each portrait, and in how many frames it has none."""
        return "; ".join(
            ",".join(str(i) for i in sorted({*ids} - {0})) + (f" ({ids.count(0)} none)" if 0 in ids else "")
            for _, ids in sorted(self.ids.items())
        )


def undone(labels: Labels, place: Map) -> Labels:
    """Every second of a portrait's pixels, both ways: the labels of the frame's pixels around it, 5 × H/2 × W/2.

    The nearest pixel comes first, then the four around the place; all are 255 out of sight.
    """
    points = place[::2, ::2]
    low = np.floor(points)
    around = np.stack([np.rint(points), *(low + corner for corner in ((0, 0), (1, 0), (0, 1), (1, 1)))])
    last = np.array(labels.shape[::-1]) - 1
    x, y = np.moveaxis(around.clip(0, last).astype(np.intp), -1, 0)
    return np.where(((points >= 0) & (points <= last)).all(-1), labels[y, x], np.uint8(255))


def changed(before: Labels, now: Labels) -> NDArray[np.bool_]:
    """Which pixels of a portrait in sight have another label than before (both from `undone`), by more than the raster."""
    same = (before[0] == now[1:]).any(0) & (now[0] == before[1:]).any(0)
    return ~same & (before[0] != 255) & (now[0] != 255)


def measure(
    clip: Clip, portraits: list[Portrait], seed: int, streams: dict[str, Stream], figures: dict[str, Figures]
) -> None:
    """Parse a clip in each way, and add what is measured to its figures."""
    before: dict[str, tuple[Shot, Labels]] = {}
    for i, shot in enumerate(clip(portraits, np.random.default_rng(seed))):
        for name, stream in streams.items():
            frame = stream(shot.image, i / RATE)
            figures[name].add(shot, before.get(name), frame, portraits)
            before[name] = shot, frame.parsing.labels


def speed(models: list[str], smooth: float) -> None:
    """Print how fast each model makes overlays in H.264 of a 720p clip with one face, and how fast it runs by itself.

    Each round measures all of it side by side; medians of the rounds count.
    """
    tune_process()
    image, fastest = read_picture(ROOT / "examples" / "collins.jpg"), []
    print(f"{machine()}, {CORES} cores, {ROUNDS} rounds of {SPEED_FRAMES} frames, 1280 × 720, overlay, H.264")
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder, "clip.mp4"), Path(folder, "overlay.mp4")
        with Writer(clip, rate=RATE) as writer:
            for i in range(SPEED_FRAMES):
                matrix = np.array([[1.4, 0, 280 + 10 * np.sin(i / 8)], [0, 1.4, 2]])
                frame = cv2.warpAffine(image, matrix, (1280, 720), borderMode=cv2.BORDER_REPLICATE)
                writer.write(np.asarray(frame, np.uint8))
        for model in models:
            parser, whole = Parser(model, threads=1), Parser(model)  # one thread a run, as the command does
            square = cv2.resize(image, parser.card.input.size[::-1])
            inputs = [parser.card.input.normalise(np.asarray(square, np.uint8))]
            list(islice(video(clip, parser, smooth=smooth), 3))
            rounds = []
            for _ in range(ROUNDS):
                together = rate(BARE_RUNS, partial(bare, whole, inputs, BARE_RUNS, 1))
                apart = rate(BARE_RUNS, partial(bare, parser, inputs, BARE_RUNS, CORES))
                began = time.perf_counter()
                runs = overlays(clip, out, parser, smooth)
                taken = time.perf_counter() - began
                rounds.append(
                    (SPEED_FRAMES / taken, together, apart, runs / taken / together, runs / taken / apart)
                )
            frames, together, apart, of_one, of_each = np.median(rounds, 0)
            low, high = np.min(rounds, 0), np.max(rounds, 0)
            fastest.append(max(together, apart))
            print(
                f"{model}: {frames:.1f} ({low[0]:.1f} to {high[0]:.1f}) frames a second, {runs / SPEED_FRAMES:.2f} runs "
                "of the network a frame\n"
                f"  bare network, one run on {CORES} threads: {together:.1f} ({low[1]:.1f} to {high[1]:.1f}) runs a "
                f"second; ratio {of_one:.2f} ({low[3]:.2f} to {high[3]:.2f})\n"
                f"  bare network, {CORES} runs of one thread: {apart:.1f} ({low[2]:.1f} to {high[2]:.1f}) runs a "
                f"second; ratio {of_each:.2f} ({low[4]:.2f} to {high[4]:.2f})",
                flush=True,
            )
    if len(fastest) > 1:
        print(f"{models[1]} runs {fastest[1] / fastest[0]:.2f} times as fast as {models[0]}")


def overlays(clip: Path, out: Path, parser: Parser, smooth: float) -> int:
    """Write the overlays of a clip as the command does; return the number of runs of the network."""
    runs = 0
    with (
        Writer(out, like=Reader(clip), overwrite=True) as writer,
        closing(ahead(video(clip, parser, smooth=smooth))) as frames,
    ):
        for frame in frames:
            runs += frame.parsing.looks
            writer.write(frame.parsing.overlay(), frame.time)
    return runs


def strip(parser: Parser, smooth: float, path: Path) -> None:
    """Save two clips of the sample portrait: a frame, and how often each pixel's label changes, before and after."""
    image = read_picture(ROOT / "examples" / "collins.jpg")
    portrait, head = Portrait(image, parser.parse(image).labels, parser.scheme), (slice(280), slice(80, 360))
    rows = []
    for clip in (still, shaking):
        streams = Stream(parser, 0), Stream(parser, smooth)
        counts, before = [np.zeros((SIDE // 2, SIDE // 2)) for _ in streams], None
        for i, shot in enumerate(clip([portrait], np.random.default_rng(0))):
            now = [undone(stream(shot.image, i / RATE).parsing.labels, shot.places[0]) for stream in streams]
            for count, old, new in zip(counts, before or now, now, strict=True):
                count += changed(old, new)
            before = now
        heat = [
            np.uint8(255 * np.minimum(count / 20, 1))[..., None].repeat(2, 0).repeat(2, 1).repeat(3, -1)
            for count in counts
        ]
        rows.append(np.hstack([one[head] for one in (shot.image, *heat)]))
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def portraits_of(root: Path, count: int, parser: Parser) -> list[Portrait]:
    if root.is_dir():
        dataset = open_dataset("folder", root, "val", "maskgan19")
        table = conversion(dataset.scheme, parser.scheme).table
        return [Portrait(one.image, table[one.labels], parser.scheme) for one in Subset(dataset, count)]
    image = read_picture(ROOT / "examples" / "collins.jpg")
    labels = parser.parse(image).labels
    # The second person is the first one in a mirror and in other colours: left and right of the labels change places.
    return [Portrait(image, labels, parser.scheme), Portrait(image[..., ::-1].copy(), labels, parser.scheme)]


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--model", default="default")
    options.add_argument("--smooth", type=float, default=0.5)
    options.add_argument("--portraits", type=int, default=1, help="clips of each kind")
    options.add_argument("--clips", default="", help="only these kinds, with commas")
    options.add_argument(
        "--data.root", dest="root", type=Path, default=ROOT.parent / "shared/data/celebamask5k"
    )
    options.add_argument("--speed", action="store_true", help="measure frames a second in place of flicker")
    options.add_argument(
        "--strip", type=Path, help="save a picture of what changes from frame to frame, and end"
    )
    given = options.parse_args(arguments)
    if given.speed:
        speed(["default", "default-int8"] if given.model == "default" else [given.model], given.smooth)
        return
    parser = Parser(given.model)
    if given.strip:
        strip(parser, given.smooth, given.strip)
        return
    portraits = portraits_of(given.root, 2 * given.portraits, parser)
    print(f"{parser.card.id}, smooth {given.smooth}: frame by frame → steadied")
    print(f"{'clip':14} flicker, %            mean F1         runs a frame  first frame after the cut  ids")
    for name, clip in CLIPS.items():
        if given.clips and name.split(",")[0] not in given.clips.split(","):
            continue
        plain, steady = (Figures(Confusion(parser.scheme)) for _ in range(2))
        for k in range(given.portraits):
            streams = {"plain": Stream(parser, 0), "steady": Stream(parser, given.smooth)}
            pair = [portraits[k % len(portraits)], portraits[(k + given.portraits) % len(portraits)]]
            measure(clip, pair, k, streams, {"plain": plain, "steady": steady})
        flicker, every = [f.flicker for f in (plain, steady)], steady.changed / plain.changed
        f1 = [f.mean_f1 for f in (plain, steady)]
        first = f"{plain.first:5.1f} → {steady.first:5.1f}" if plain.first == plain.first else ""
        print(
            f"{name:14} {flicker[0]:.3f} → {flicker[1]:.3f} ({flicker[1] / flicker[0]:.3f}; {every:.3f})"
            f"  {f1[0]:.2f} → {f1[1]:.2f} ({f1[1] - f1[0]:+.2f})"
            f"  {np.mean(plain.runs):.2f} → {np.mean(steady.runs):.2f}  {first:25}  {steady.numbers}",
            flush=True,
        )


if __name__ == "__main__":
    main()
