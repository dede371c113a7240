"""Export of a network as one ONNX file with the card inside, and comparison of the file with the network."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import onnx

from faceparse.engines.onnx import OnnxEngine
from faceparse.errors import ConfigError, WeightsError
from faceparse.export.calibration import calibration_inputs
from faceparse.export.graph import OPSET, graph_of, shapes, takes_any_size
from faceparse.export.parity import LEAST_EQUAL, Parity, compare, compare_labels, trial_inputs, trial_pictures
from faceparse.export.phone import for_phone
from faceparse.export.picture import OLDEST_OPSET, PictureGraph, with_picture
from faceparse.export.precision import to_half, to_int8
from faceparse.export.published import NAMES, for_published
from faceparse.export.reference import reference_engine, whole_labels
from faceparse.files import atomic
from faceparse.models import Network
from faceparse.pictures.reader import PictureSource, read_picture
from faceparse.weights import Card, Variant
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.variant import FORMS, PRECISIONS

LEAST_EQUAL_PICTURES = 0.995
"""Least fraction of pixels with the same label for the picture form, which resizes logits once more than the parser."""

MAX_COMPARED = 8
"""Maximal number of calibration pictures on which a graph is compared with the network."""


@dataclass(frozen=True)
class ExportResult:
    """The file that `export_onnx` wrote.

    Attributes:
        path: The ONNX file.
        card: The card inside the file.
        parity: How closely the file agrees with the network.
        size: Size of the file in bytes.
        inputs: Name → shape of each input, free sizes by name: `{"image": ("batch", 3, "height", "width")}`.
        outputs: Name → shape of each output, in the same form.
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
    names: tuple[str, str] = NAMES,
    opset: int = OPSET,
    calibration: Sequence[PictureSource] = (),
    degradations: Sequence[str] = (),
    keep_float: Sequence[str] = (),
    weight_bits: int = 8,
    overwrite: bool = False,
) -> ExportResult:
    """Write a network to an ONNX file and compare the file with the network.

    >>> export_onnx(network, card, "model.onnx").parity.equal  # doctest: +SKIP
    1.0
    >>> export_onnx("model.onnx", card, "small.onnx", precision="int8", calibration=photos)  # doctest: +SKIP

    The plain graph takes `image`, float32 (batch, 3, height, width), normalised as the card says, and returns
    `logits` at the network's own resolution (`Network.grid_logits`), which the caller upsamples. The file
    contains the weights, and the card in the metadata under `faceparse.card`; the card names the precision
    and form. A network whose graph works for one input size only (`Network.any_size` is False, as with Swin)
    is exported for the card's input size.

    Args:
        origin: A network, of which a copy on the CPU in eval mode is exported; or a plain ONNX file.
        card: The network's card.
        path: An .onnx file, written completely or not at all.
        precision: `fp32`; `fp16`, see `to_half`; `int8`, see `to_int8`.
        form: `network` as above; `phone`, see `for_phone`; `picture`, see `with_picture`; `published`, see
            `for_published`.
        names: Names of input and output for the form `published`.
        opset: ONNX operator set, 15 or later; 18 or later for `picture`.
        calibration: Pictures for `int8`, in any form that `Parser.parse` takes.
        degradations: Degradations of these pictures; see `calibration_inputs`.
        keep_float: Nodes that stay float32 with `int8`; see `to_int8`.
        weight_bits: Bits of the weights with `int8`; see `to_int8`.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: `path` does not end in .onnx; an unknown precision or form; an opset out of range; `int8`
            without pictures, with an unknown node in `keep_float`, or with other `weight_bits`; `names` that
            the graph already uses.
        ImageError: a calibration picture that cannot be read.
        WeightsError: the card describes another network; a network that has no phone form; or fewer pixels
            have equal labels than `LEAST_EQUAL` requires.
        OutputError: `path` exists and `overwrite` is False, or `path` cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise ConfigError(f"the output is an .onnx file, got {path.name}")
    _check_options(precision, form, opset, calibration)
    if form in ("picture", "published") and card.input.warp:
        raise ConfigError(
            f"{card.id} needs pictures warped around a face: it has no graph for whole pictures"
        )
    if isinstance(origin, Network) and origin.grid != card.output:
        raise WeightsError(
            f"card {card.id} describes its logits as {card.output}, but network {card.network} has {origin.grid}: "
            "correct the card's [output] table"
        )
    with atomic(path, overwrite=overwrite, make_folder=True) as temporary:
        source = copy.deepcopy(origin).cpu().float().eval() if isinstance(origin, Network) else Path(origin)
        model, its_card = graph_of(source, card.input.size, opset), card
        if form == "phone":
            model, its_card = for_phone(model, card)
        if precision == "fp16":
            model = to_half(model)
        elif precision == "int8":
            model = to_int8(
                model,
                calibration_inputs(card, calibration, degradations=degradations),
                keep_float,
                weight_bits,
            )
        if form == "picture":
            model = with_picture(model, its_card)
        elif form == "published":
            model, its_card = for_published(model, card, names)
        if (precision, form) != ("fp32", "network"):
            its_card = replace(its_card, variant=Variant(precision, form))
        _add_metadata(model, its_card)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, temporary)
        reference, least = reference_engine(source, card), LEAST_EQUAL[precision]
        if form == "picture":
            pictures = [read_picture(p) for p in calibration[:MAX_COMPARED]] or trial_pictures(card)
            least = min(least, LEAST_EQUAL_PICTURES)
            parity = compare_labels(whole_labels(reference), PictureGraph(temporary), pictures, least)
        else:
            images = list(
                islice(calibration_inputs(card, calibration, degradations=degradations), MAX_COMPARED)
            )
            images = images or trial_inputs(card, any_size=takes_any_size(model))
            parity = compare(reference, OnnxEngine(temporary, its_card), images, least)
        if not parity.holds:
            raise WeightsError(
                f"the ONNX file differs from the network: {parity}, at least {100 * parity.least:.1f} % is required; "
                "nothing was written"
            )
    size = path.stat().st_size
    return ExportResult(path, its_card, parity, size, shapes(model.graph.input), shapes(model.graph.output))


def _check_options(precision: str, form: str, opset: int, calibration: Sequence[PictureSource]) -> None:
    if precision not in PRECISIONS or form not in FORMS:
        raise ConfigError(
            f"precision is {', '.join(PRECISIONS)} and form {', '.join(FORMS)}; got {precision!r} and {form!r}"
        )
    if form == "picture" and opset < OLDEST_OPSET:
        raise ConfigError(f"a graph with preprocessing needs opset {OLDEST_OPSET} or later, got {opset}")
    if precision == "int8" and not calibration:
        raise ConfigError(
            "int8 needs pictures to measure its scales on: name a folder with --calibrate FOLDER"
        )


def _add_metadata(model: Any, card: Card) -> None:
    """Add the card, list the operator sets in use, and set the oldest file format that supports them."""
    used = {node.domain for node in model.graph.node} | {""}
    opsets = [o for o in model.opset_import if o.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.ir_version = onnx.helper.find_min_ir_version_for(opsets, ignore_unknown=True)
    model.producer_name, model.producer_version = "faceparse", ""
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
