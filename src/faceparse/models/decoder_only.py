"""Writing a checkpoint without the frozen backbone, which has its own publisher, file and licence.

>>> write_decoder_only("last.ckpt", "vgg19-dinov3-vitl16", "decoder.ckpt")  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path

import torch

from faceparse.errors import ConfigError, WeightsError
from faceparse.files import atomic
from faceparse.models.fitting import compare_best, shapes_of, without
from faceparse.models.importing import check_target
from faceparse.models.loading import with_classes
from faceparse.models.registry import network as find_network
from faceparse.weights.checkpoint import read_checkpoint


def write_decoder_only(
    checkpoint: str | Path, network: str, output: str | Path, *, overwrite: bool = False
) -> None:
    """Write a checkpoint without DINOv3's tensors and with the published tensor names, as the published script does.

    The file has `state_dict` and, from a Lightning checkpoint, epoch, step and hyperparameters, but not the
    optimiser's state. `load(network, output, dinov3=FILE)` reads the file, and so does the published project.

    Args:
        checkpoint: A checkpoint, as for `load`; it is never written to.
        network: A registered network with a DINOv3 part, such as `vgg19-dinov3-vitl16`.
        output: A `.ckpt` file; written completely or not at all.
        overwrite: Whether an existing `output` may be replaced.

    Raises:
        WeightsError: as for `load`.
        ConfigError: a network without such a part, or `output` does not end in `.ckpt`.
        OutputError: `output` exists, is the checkpoint itself, or cannot be written.
    """
    source, target = Path(checkpoint), Path(output)
    entry = find_network(network)
    if not entry.parts:
        raise ConfigError(f"{network} has no part that comes in a separate file: leave out --decoder-only")
    check_target(source, target, overwrite, ".ckpt")
    file = read_checkpoint(source)
    options = with_classes(file, {})
    mismatch, _ = compare_best(entry, options, file.tensors)
    if mismatch:
        raise WeightsError(f"{source} does not fit {network}: {mismatch}")
    shapes = without(entry.parts, shapes_of(entry, options))
    tensors = mismatch.form(file.tensors)
    published = entry.forms[0].expects(shapes)
    state = {name: tensors[key].clone() for key, name in zip(shapes, published, strict=True)}
    with atomic(target, overwrite=overwrite, make_folder=True) as temporary:
        torch.save({"state_dict": state, **file.progress}, temporary)
