"""Model cards: everything needed to run, judge and lawfully use one set of weights.

A card is a TOML file in `weights/cards`, or JSON inside a model file that faceparse wrote (ONNX and
safetensors metadata). Nothing about a model is guessed: for a file without a card, the user must name one.

>>> from faceparse.weights import card
>>> card("bisenet-resnet18-zllrunning").scheme
'celebamask19'
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from faceparse.errors import LabelError, WeightsError
from faceparse.labels import Scheme
from faceparse.labels.registry import PACKAGED, scheme_inside
from faceparse.registry import either, nearest
from faceparse.tables import between, build, matching, one_of, parse, read_file
from faceparse.weights.preprocessing import Preprocessing
from faceparse.weights.variant import Variant

HUB = "https://huggingface.co"
_Address = Annotated[str, matching(r"https?://\S+", "an http or https address")]


@dataclass(frozen=True)
class Grid:
    """The position of a network's logits on its input.

    Attributes:
        stride: Input pixels per grid cell.
        align_corners: True if the outermost grid points lie on the centres of the outermost input pixels;
            False if the cells tile the input (half-pixel centres).
    """

    stride: Annotated[int, between(1, 4096)]
    align_corners: bool


@dataclass(frozen=True)
class Source:
    """The origin of the weights: a `url`, a `hub`, or only a `page` for a person to visit.

    Attributes:
        file: Published file name; on a Hub, the path in the repository.
        url: Address of the file itself; empty if there is none.
        sha256: Full SHA-256 of the published file; empty if unknown.
        project: The project that published the file.
        page: Page where a person gets the file, if it differs from `url`.
        hub: Repository on the Hugging Face Hub, `organisation/name`.
        revision: Branch, tag or commit of the Hub repository.
        size: Size of the published file in bytes; 0 if unknown.
    """

    file: str
    url: _Address = ""
    sha256: Annotated[str, matching(r"[0-9a-f]{64}", "64 hexadecimal digits in lower case")] = ""
    project: str = ""
    page: _Address = ""
    hub: Annotated[str, matching(r"[\w.-]+/[\w.-]+", "organisation/name")] = ""
    revision: str = ""
    size: Annotated[int, between(0, 1 << 40)] = 0

    def __post_init__(self) -> None:
        if self.url and self.hub:
            raise WeightsError("a file comes from a url or from a hub, not from both")

    @property
    def name(self) -> str:
        """File name without the folders of a Hub."""
        return self.file.rsplit("/", 1)[-1]

    @property
    def origin(self) -> str:
        """Where a person looks for the file."""
        hub = f"{HUB}/{self.hub}" if self.hub else ""
        return self.page or self.url or hub or self.project

    @property
    def address(self) -> str:
        """Address for downloading the file; `HF_ENDPOINT` replaces the Hub's address. Empty if there is none."""
        if not self.hub:
            return self.url
        endpoint = os.environ.get("HF_ENDPOINT") or HUB
        return f"{endpoint}/{self.hub}/resolve/{self.revision or 'main'}/{self.file}"


@dataclass(frozen=True)
class Licence:
    """Terms of the weights.

    Attributes:
        weights: Licence of the published file.
        terms: What a user must know, in one line; above all, whether commercial use is barred.
        url: Address of the full text.
        consent: Whether a person must accept the terms before the download.
    """

    weights: str
    terms: str
    url: str = ""
    consent: bool = False


@dataclass(frozen=True)
class Figure:
    """One measured or published score, in percent.

    Attributes:
        data: Data set and split.
        metric: `mean F1`, `F1 hair` and so on.
        value: Percent.
        protocol: Resolution of the comparison: `label` (the label map's) or `input` (the network input's).
        origin: `measured` by faceparse, or `published`.
    """

    data: str
    metric: str
    value: Annotated[float, between(0, 100)]
    protocol: Annotated[str, one_of(("label", "input"))] = "label"
    origin: Annotated[str, one_of(("measured", "published"))] = "measured"


@dataclass(frozen=True)
class Card:
    """One set of weights; see the module's docstring.

    Attributes:
        id: Name for `--model`.
        title: One-line title.
        network: Name of a registered network.
        scheme: Label scheme of the logits: its name, or the full scheme if it is not in the package.
        input: Preprocessing.
        output: Position of the logits on the input.
        source: Where the file comes from.
        licence: Terms of the weights.
        training: Training data, one line: the data set's name, and after a colon any details.
        limits: Known weaknesses of the model, one line.
        figures: Measured and published scores.
        parameters: Number of the network's parameters, backbone included; 0 if unknown.
        backbone: Id of a separately published backbone that these weights need; empty for none.
        variant: How an export differs from the network; None for the network itself.
    """

    id: str
    title: str
    network: str
    scheme: str | Mapping[str, Any]
    input: Preprocessing
    output: Grid
    source: Source
    licence: Licence
    training: str
    limits: str = ""
    figures: tuple[Figure, ...] = ()
    parameters: Annotated[int, between(0, 10**13)] = 0
    backbone: str = ""
    variant: Variant | None = None

    def __post_init__(self) -> None:
        try:
            scheme = scheme_inside(self.scheme)
        except LabelError as error:
            raise WeightsError(str(error)) from None
        if PACKAGED.get(scheme.name, scheme) != scheme:
            raise WeightsError(f"scheme: faceparse has another scheme {scheme.name!r}: choose another name")

    def to_json(self) -> str:
        """Return the card as JSON text, the form inside model files."""
        plain = {key: value for key, value in asdict(self).items() if value is not None}
        return json.dumps(plain, ensure_ascii=False)

    @property
    def name(self) -> str:
        """The id, followed by the variant of an export: `default (int8)`."""
        return self.id if self.variant is None else f"{self.id} ({self.variant})"

    @property
    def data(self) -> str:
        """Name of the training data set."""
        return self.training.split(":")[0]

    @property
    def headline(self) -> Figure | None:
        """The mean F1 to quote: a published one, else one measured on test pictures."""
        means = [f for f in self.figures if f.metric == "mean F1"]
        return max(means, key=lambda f: (f.origin == "published", "test" in f.data), default=None)

    @property
    def label_scheme(self) -> Scheme:
        """The `Scheme` of the logits."""
        return scheme_inside(self.scheme)


def parse_card(raw: object, where: str) -> Card:
    """Build a card from plain data and check it.

    Args:
        raw: The card as plain data, read from TOML or JSON.
        where: File that holds the card, for messages.

    Raises:
        WeightsError: a key that is missing, unknown or of the wrong type; the message names the key.
    """
    return build(Card, raw, where, WeightsError)


def card_from_json(text: str, path: str | Path) -> Card:
    """Read a card from the JSON text inside a model file.

    Raises:
        WeightsError: not JSON, or not a card.
    """
    where = f"the card inside {path}"
    return parse_card(parse(text, "JSON", where, WeightsError), where)


def read_card(path: str | Path) -> Card:
    """Read a card from a TOML file.

    Raises:
        WeightsError: no such file, not TOML, or not a card.
    """
    return parse_card(read_file(path, "card", WeightsError), f"card {path}")


@cache
def cards() -> Mapping[str, Card]:
    """Return every card in the package by id."""
    return MappingProxyType({c.id: c for c in map(read_card, packaged_tables("cards"))})


def packaged_tables(folder: str) -> list[Path]:
    """Return the TOML files in a folder of the package's weights, sorted by name."""
    return sorted(
        Path(str(files("faceparse.weights").joinpath(folder))).glob("*.toml"), key=lambda path: path.stem
    )


def card(model: str) -> Card:
    """Return the card with this id, or the card in the TOML file at this path.

    Raises:
        WeightsError: no such card.
    """
    if model in cards():
        return cards()[model]
    if model.endswith(".toml"):
        return read_card(model)
    raise unknown_model(model, "a TOML file")


def unknown_model(name: str, instead: str) -> WeightsError:
    """Return an error for an unknown id that suggests similar ids; `instead` names what else the user may give."""
    near = [id for id in cards() if name.lower() in id][:3] or nearest(name, cards())
    if near:
        hint = f"; did you mean {either(map(repr, near))}? faceparse weights list has all"
    else:
        hint = f": give an id (faceparse weights list) or {instead}"
    return WeightsError(f"no model {name!r}{hint}")
