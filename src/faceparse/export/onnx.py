"""A network to one ONNX file: one head, its card inside, compared with what it was made from."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from faceparse.engines import Engine
from faceparse.engines.onnx import OnnxEngine
from faceparse.errors import ConfigError, WeightsError
from faceparse.export.calibration import calibration_inputs
from faceparse.export.graph import OPSET, check_opset, graph_of, shapes, takes_any_size
from faceparse.export.parity import LEAST_EQUAL, Parity, compare, compare_labels, trial_inputs, trial_pictures
from faceparse.export.phone import for_phone
from faceparse.export.picture import OLDEST_OPSET, PictureGraph, with_picture
from faceparse.export.precision import to_half, to_int8
from faceparse.export.reference import NetworkEngine
from faceparse.files import atomic
from faceparse.models import Network
from faceparse.parser import Parser
from faceparse.pictures.reader import PictureSource, read_picture
from faceparse.weights import Card, Variant
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.variant import FORMS, PRECISIONS

LEAST_OF_PICTURES = 0.995
"""What is asked at least of the picture form, which resizes logits once more than the parser does."""

COMPARED = 8
"""Calibration pictures on which an int8 graph is compared."""


@dataclass(frozen=True)
class Exported:
    """What `export_onnx` wrote.

    Attributes:
        path: The file.
        card: The card inside it.
        parity: How near it comes to what it was made from.
        size: Bytes.
        inputs: Name → shape with names for what is free, `{"image": ("batch", 3, "height", "width")}`.
        outputs: Likewise.
    """

    path: Path
    card: Card
    parity: Parity
    size: int
    inputs: dict[str, tuple[int | str, ...]]
    outputs: dict[str, tuple[int | str, ...]]


def export_onnx(
    origin: Network | str | os.PathLike[str],
    card: Card,
    path: str | os.PathLike[str],
    *,
    precision: str = "fp32",
    form: str = "network",
    opset: int = OPSET,
    calibration: Sequence[PictureSource] = (),
    keep_float: Sequence[str] = (),
    weight_bits: int = 8,
    overwrite: bool = False,
) -> Exported:
    """Write a network as ONNX, and compare the file with it.

    >>> export_onnx(network, card, "model.onnx").parity.equal  # doctest: +SKIP
    1.0
    >>> export_onnx("model.onnx", card, "small.onnx", precision="int8", calibration=photos)  # doctest: +SKIP

    The plain graph takes `image`, float32 (batch, 3, height, width), normalised as the card says, and gives
    `logits` at the network's own resolution (`Network.grid_logits`): upsampling belongs to whoever
    knows the size that is wanted. Weights are inside the file; the card is in the metadata under
    `faceparse.card`, and says what was changed. A network whose graph holds for one size only
    (`Network.any_size`, Swin's windows) is exported for the card's; an engine then says so where it is given another.

    Args:
        origin: A network, left as it is (a copy on the CPU in eval mode is exported); or a plain ONNX file.
        card: Its card.
        path: An .onnx file, written whole or not at all.
        precision: `fp32`; `fp16`, see `to_half`; `int8`, see `to_int8`.
        form: `network` as above; `phone`, see `for_phone`; `picture`, see `with_picture`.
        opset: ONNX operator set, see `check_opset`; 18 or later for `picture`.
        calibration: Pictures for `int8`: paths, or whatever the parser takes.
        keep_float: For `int8`, see `to_int8`.
        weight_bits: Likewise.
        overwrite: Replace a file that exists.

    Raises:
        ConfigError: `path` does not end in .onnx; an unknown precision or form; an opset out of range; `int8`
            without pictures, with an unknown node to keep, or with other bits.
        ImageError: a calibration picture that cannot be read.
        WeightsError: the card is another network's; a network that has no phone form; or fewer pixels come
            out equal than `LEAST_EQUAL` asks.
        OutputError: `path` exists and `overwrite` is False, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise ConfigError(f"the output is an .onnx file, got {path.name}")
    _check_wishes(precision, form, opset, calibration)
    if form == "picture" and card.input.warp:
        raise ConfigError(
            f"{card.id} sees pictures warped around a face that is found first: it has no graph with preprocessing inside"
        )
    if isinstance(origin, Network) and origin.grid != card.output:
        raise WeightsError(
            f"card {card.id} says of its logits {card.output}, and network {card.network} has {origin.grid}: "
            "correct the card's [output] table"
        )
    with atomic(path, overwrite=overwrite, make_folder=True) as temporary:
        ready = copy.deepcopy(origin).cpu().float().eval() if isinstance(origin, Network) else Path(origin)
        model, its_card = graph_of(ready, card.input.size, opset), card
        if form == "phone":
            model, its_card = for_phone(model, card)
        if precision == "fp16":
            model = to_half(model)
        elif precision == "int8":
            model = to_int8(model, calibration_inputs(card, calibration), keep_float, weight_bits)
        if form == "picture":
            model = with_picture(model, its_card)
        if (precision, form) != ("fp32", "network"):
            its_card = replace(its_card, variant=Variant(precision, form))
        _finish(model, its_card, opset)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, temporary)
        source = ready if isinstance(ready, Network) else OnnxEngine(ready, card)
        least = LEAST_EQUAL[precision]
        if form == "picture":
            pictures = [read_picture(p) for p in calibration[:COMPARED]] or trial_pictures(card)
            parity = _compare_pictures(source, card, temporary, pictures, min(least, LEAST_OF_PICTURES))
        else:
            images = list(islice(calibration_inputs(card, calibration), COMPARED))
            images = images or trial_inputs(card, any_size=takes_any_size(model))
            parity = compare(source, OnnxEngine(temporary, its_card), images, least)
        if not parity.holds:
            raise WeightsError(
                f"the ONNX file differs from the network: {parity}, at least {100 * parity.least:.1f} % is asked; "
                "nothing was written"
            )
    size = path.stat().st_size
    return Exported(path, its_card, parity, size, shapes(model.graph.input), shapes(model.graph.output))


def _check_wishes(precision: str, form: str, opset: int, calibration: Sequence[PictureSource]) -> None:
    if precision not in PRECISIONS or form not in FORMS:
        raise ConfigError(
            f"precision is {', '.join(PRECISIONS)} and form {', '.join(FORMS)}; got {precision!r} and {form!r}"
        )
    check_opset(opset)
    if form == "picture" and opset < OLDEST_OPSET:
        raise ConfigError(
            f"a graph with preprocessing inside needs opset {OLDEST_OPSET} or later, got {opset}"
        )
    if precision == "int8" and not calibration:
        raise ConfigError(
            "int8 needs pictures like those it will see, to measure its scales on: --calibrate FOLDER"
        )


def _finish(model: Any, card: Card, opset: int) -> None:
    """The file's formalities: the card, the operator sets in use, the format of their time."""
    used = {node.domain for node in model.graph.node} | {""}
    kept = [o for o in model.opset_import if o.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.ir_version = onnx.helper.find_min_ir_version_for(kept, ignore_unknown=True)
    model.producer_name, model.producer_version = "faceparse", ""
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})


def _compare_pictures(
    source: Network | Engine, card: Card, path: Path, pictures: Sequence[NDArray[np.uint8]], least: float
) -> Parity:
    engine = NetworkEngine(source, card) if isinstance(source, Network) else source
    parser = Parser(engine, faces="whole", scheme=None)
    return compare_labels(lambda picture: parser.parse(picture).labels, PictureGraph(path), pictures, least)
