"""Options that several commands have."""

from __future__ import annotations

from typing import Any

from typer import Argument, Option

from faceparse.cli import words

INPUTS: Any = Argument(
    None,
    metavar="PHOTO|FOLDER|PATTERN|-...",
    help="Pictures, folders, quoted patterns (`'in/**/*.jpg'`); `-` is one picture from stdin.",
)
MODEL: Any = Option("default", help="Model id or file (.onnx, .safetensors, .pt, .pth, .ckpt, .caffemodel).")
CARD: Any = Option(None, help="Card id or TOML file of a foreign model.")
ENGINE: Any = Option("auto", help="Program that runs the model: auto, onnx or torch.")
DEVICE: Any = Option("auto", help="auto (CUDA, else Apple's, else the CPU), cpu, cuda, mps, …")
INPUT_SIZE: Any = Option(None, metavar="N|HxW|native", help="Network input size, in place of its card's.")
BATCH: Any = Option(None, min=1, help="Most crops in one run of the network. [default: 1 on the CPU, else 8]")
MAX_PIXELS: Any = Option(None, min=1, help="Largest width × height of a picture. [default: 201326592]")
FACES: Any = Option("auto", help="What to parse: auto, whole (picture), each (face) or largest (face).")
SCHEME: Any = Option("auto", help="Label scheme; auto: celebamask19, else the model's own.")
THRESHOLD: Any = Option(None, help="With two classes: least probability of the second, 0 to 1.")
ALPHA: Any = Option(None, help="Strength of colour in overlay and panel, 0 to 1.")
CLASSES: Any = Option(None, help="Classes and groups to write in soft, cutout, rle, polygons, parts.")
OPTION: Any = Option(None, metavar="NAME=VALUE", help="Any option of a form: quality=95.")
ROOT: Any = Option(None, help="Results of single pictures keep their paths below this folder.")
RECURSIVE: Any = Option(False, "--recursive", help="Look into subfolders.")
JOBS: Any = Option(None, min=1, max=1024, help="Number of pictures processed at a time.")
OVERWRITE: Any = Option(False, "--overwrite", help="Redo pictures whose results exist.")
SHARD: Any = Option(
    None, metavar="I/N", help="Take part I of N of the pictures: several processes or machines share one OUT."
)
GRACE: Any = Option(10, min=0, max=86400, help="Seconds to finish begun pictures after Ctrl-C.")
FAIL_FAST: Any = Option(False, "--fail-fast", help="Stop after the first failure.")
LOG: Any = Option(None, parser=words.path, help="Add JSON lines to this file; `-` is stdout.")
QUIET: Any = Option(False, "--quiet", help="Print only failures.")


def no_face(default: str = "") -> Any:
    """Return the option `--no-face`; `default` says in words what a command does without it."""
    text = "How to treat a picture without a face: whole, background or fail."
    return Option(None, "--no-face", help=f"{text} [default: {default}]" if default else text)
