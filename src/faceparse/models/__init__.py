"""Networks (torch), one file per family.

>>> from faceparse import models
>>> network = models.load("bisenet-zllrunning", "79999_iter.pth")  # doctest: +SKIP
>>> network(image).shape  # doctest: +SKIP
torch.Size([1, 19, 512, 512])
"""

from importlib.util import find_spec

from faceparse.errors import MissingExtraError

for _package in ("torch", "torchvision", "timm", "safetensors"):
    if find_spec(_package) is None:
        raise MissingExtraError(_package, "torch", "faceparse.models")

from faceparse.models.decoder_only import write_decoder_only  # noqa: E402
from faceparse.models.fitting import fits  # noqa: E402
from faceparse.models.importing import import_checkpoint, make_model_file, training_card  # noqa: E402
from faceparse.models.loading import load, load_checkpoint, load_part  # noqa: E402
from faceparse.models.registry import Entry, Network, Part, build, network, networks, register  # noqa: E402

__all__ = [
    "Entry",
    "Network",
    "Part",
    "build",
    "fits",
    "import_checkpoint",
    "load",
    "load_checkpoint",
    "load_part",
    "make_model_file",
    "network",
    "networks",
    "register",
    "training_card",
    "write_decoder_only",
]
