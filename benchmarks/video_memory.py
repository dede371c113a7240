"""Memory over a long video: resident memory at each minute, with a network that costs nothing.

python benchmarks/video_memory.py [--minutes 10] [--faces auto] [--edit anonymise]

Makes a video of 320 × 180 at 25 frames a second with sound from the sample portrait, and writes its overlay, or an edit.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from memory import resident

from faceparse.cli.process import tune_process
from faceparse.edits import edit
from faceparse.engines import FakeEngine
from faceparse.frames import Reader, Writer, ahead, cover, video
from faceparse.parser import Parser
from faceparse.pictures import read_picture
from faceparse.weights import card

RATE, SIZE = 25, (320, 180)


def make_video(path: Path, frames: int) -> None:
    """Write the sample portrait, which sways, with a tone."""
    photo = read_picture(Path(__file__).parents[1] / "examples" / "collins.jpg")
    scale = SIZE[1] / len(photo)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        for i in range(frames):
            move = np.array([[scale, 0, 70 + 40 * np.sin(i / 20)], [0, scale, 0]])
            image = cv2.warpAffine(photo, move, SIZE, borderMode=cv2.BORDER_REFLECT)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
        for i in range(frames * 48000 // RATE // 1024):
            tone = np.sin(np.arange(1024 * i, 1024 * (i + 1)) / 20).astype(np.float32)[None] / 4
            heard = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            heard.sample_rate, heard.pts, heard.time_base = 48000, 1024 * i, Fraction(1, 48000)
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--faces", default="auto")
    parser.add_argument("--edit")
    chosen = parser.parse_args(arguments)
    logits = np.zeros((19, 64, 64), np.float32)
    logits[1, 10:54, 10:54] = 8  # skin: the network sees a face
    tune_process()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        make_video(path, chosen.minutes * 60 * RATE)
        reader = Reader(path)
        fake = Parser(FakeEngine(card("bisenet-resnet18-zllrunning"), logits), faces=chosen.faces)
        parsed = video(reader, fake)
        frames = ahead(cover(parsed) if chosen.edit else parsed)
        print(f"before      {resident():7.1f} MB")
        with Writer(Path(folder, "out.mp4"), like=reader) as writer, closing(frames):
            for i, frame in enumerate(frames, 1):
                drawn = edit(frame.parsing, [chosen.edit]) if chosen.edit else frame.parsing.overlay()
                writer.write(np.asarray(drawn, np.uint8), frame.time)
                if i % (60 * RATE) == 0:
                    print(
                        f"minute {i // (60 * RATE):4} {resident():7.1f} MB, {len(frame.faces)} faces",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
