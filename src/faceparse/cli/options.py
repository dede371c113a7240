"""Options that several commands have."""

from __future__ import annotations

from typing import Any

from typer import Option

MODEL: Any = Option("default", help="Model id or file (.onnx, .safetensors, .pt, .pth, .ckpt, .caffemodel).")
CARD: Any = Option(None, help="Card id or TOML file of a foreign model.")
ENGINE: Any = Option("auto", help="auto, onnx or torch.")
DEVICE: Any = Option("auto", help="auto (CUDA, else Apple's, else the CPU), cpu, cuda, mps, …")
INPUT_SIZE: Any = Option(None, metavar="N|HxW|native", help="Of the network, in place of its card's.")
BATCH: Any = Option(None, min=1, help="Looks in a network run. [default: 1 on the CPU, else 8]")
MAX_PIXELS: Any = Option(None, min=1, help="Most pixels of a picture. [default: 201326592]")
FACES: Any = Option("auto", help="auto, whole, each or largest.")
SCHEME: Any = Option("auto", help="Label scheme; auto: celebamask19, else the model's own.")
THRESHOLD: Any = Option(None, help="Of two classes: how likely the second must be, 0 to 1.")
ALPHA: Any = Option(None, help="Strength of colour in overlay and panel, 0 to 1.")
CLASSES: Any = Option(None, help="Classes and groups in soft, cutout, rle, polygons, parts.")
OPTION: Any = Option(None, metavar="NAME=VALUE", help="Any option of a form: quality=95.")
OVERWRITE: Any = Option(False, "--overwrite", help="Redo pictures whose results exist.")
QUIET: Any = Option(False, "--quiet", help="Print failures alone.")
