"""The initial weights of a run: random, or from a backbone, a part, a whole network or an interrupted run."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from faceparse.errors import ConfigError, WeightsError
from faceparse.labels import scheme as find_scheme
from faceparse.models.backbones.imagenet import fetch_imagenet
from faceparse.models.loading import load, load_part
from faceparse.models.registry import Network
from faceparse.models.registry import network as find_network
from faceparse.train.depthwise import float32_depthwise
from faceparse.train.resume import check_resume
from faceparse.train.settings import Settings, height_width
from faceparse.weights.checkpoint import read_checkpoint

log = logging.getLogger(__name__)


def starting_network(settings: Settings) -> Network:
    """Return the network that a run trains, with the initial weights that the settings name.

    Raises:
        WeightsError: a file that is not a checkpoint, or is one of another network; or a missing part.
        DownloadError: ImageNet weights that cannot be downloaded.
        ConfigError: sizes that the network does not support, or a part that the network lacks.
    """
    name = settings.network
    network = find_network(name).build(num_classes=len(find_scheme(settings.scheme)))
    for _, size in settings.sizes:
        if any(side % network.multiple for side in height_width(size)):
            raise ConfigError(f"{name} takes sizes that are multiples of {network.multiple}; got {size}")
    if settings.resume is not None:
        check_resume(settings.resume, settings)
    elif settings.weights is not None:
        classes = len(find_scheme(settings.scheme))
        loaded = load(name, settings.weights, num_classes=classes, **settings.parts)
        network.load_state_dict(loaded.state_dict())
    else:
        _start_backbone(network, settings)
        _start_parts(network, settings)
    float32_depthwise(network)
    return network.to(memory_format=torch.channels_last)


def _start_backbone(network: Network, settings: Settings) -> None:
    published = network.pretrained
    if settings.backbone is None:
        if published is not None:
            log.warning(
                "%s starts from random weights: --backbone imagenet takes %s, --backbone FILE a file",
                settings.network,
                published.title,
            )
        return
    if settings.backbone != "imagenet":
        file = Path(settings.backbone)
    elif published is None:
        raise ConfigError(
            f"no address of ImageNet weights is known for {settings.network}: give --backbone FILE"
        )
    else:
        file = fetch_imagenet(published)
    network.load_backbone(read_checkpoint(file).tensors)
    log.info("the backbone starts from %s", file)


def _start_parts(network: Network, settings: Settings) -> None:
    for option, part in find_network(settings.network).parts.items():
        if option not in settings.parts:
            raise WeightsError(
                f"{settings.network} contains a frozen {option}: give its weights with --parts.{option} FILE, "
                f"{part.file}"
            )
    for option, file in settings.parts.items():
        load_part(network, settings.network, option, file)
