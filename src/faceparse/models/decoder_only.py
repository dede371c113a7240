"""A checkpoint without its frozen part, which everybody gets elsewhere: small, and nobody else's to license.

>>> write_decoder_only("last.ckpt", "vgg19-dinov3-vitl16", "decoder.ckpt")  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from faceparse.errors import ConfigError, WeightsError
from faceparse.files import atomic
from faceparse.models.fitting import missing_parts, nearest, shapes_of, without
from faceparse.models.importing import check_target
from faceparse.models.loading import with_classes
from faceparse.models.registry import network as find_network
from faceparse.weights.checkpoint import read_checkpoint


@dataclass(frozen=True)
class DecoderOnly:
    """What `write_decoder_only` wrote.

    Attributes:
        path: The file.
        tensors: Number of tensors in it.
        parts: What it leaves out, as `load` calls it.
    """

    path: Path
    tensors: int
    parts: tuple[str, ...]


def write_decoder_only(
    checkpoint: str | Path, network: str, output: str | Path, *, overwrite: bool = False
) -> DecoderOnly:
    """Write a checkpoint without its DINOv3, under the published names, as the published project's script does.

    The file has `state_dict` and, of a Lightning checkpoint, epoch, step and hyperparameters; not the
    optimiser's state. `load(network, output, dinov3=FILE)` reads it, and so does the published project.

    Args:
        checkpoint: As for `load`; never written to.
        network: A registered network that has such a part, `vgg19-dinov3-vitl16`.
        output: A `.ckpt` file; written whole or not at all.
        overwrite: Whether an existing `output` may be replaced.

    Raises:
        WeightsError: as for `load`.
        ConfigError: a network without such a part, or `output` does not end in `.ckpt`.
        OutputError: `output` exists, is the checkpoint itself, or cannot be written.
    """
    source, target = Path(checkpoint), Path(output)
    entry = find_network(network)
    if not entry.parts:
        raise ConfigError(f"{network} has no part with a file of its own: --decoder-only is not for it")
    check_target(source, target, overwrite, ".ckpt")
    file = read_checkpoint(source)
    shapes = shapes_of(entry, with_classes(file, {}))
    fault = nearest(entry, shapes, missing_parts(entry, shapes, file.tensors), file.tensors)
    if fault:
        raise WeightsError(f"{source} does not fit {network}: {fault}")
    rest = without(entry.parts, shapes)
    own = fault.form(file.tensors)
    state = {
        published: own[key].clone() for key, published in zip(rest, entry.forms[0].expects(rest), strict=True)
    }
    with atomic(target, overwrite=overwrite, make_folder=True) as temporary:
        torch.save({"state_dict": state, **file.progress}, temporary)
    return DecoderOnly(target, len(state), tuple(entry.parts))
