"""Model cards: everything needed to run, judge and lawfully use one set of weights.

A card is one TOML file in `weights/cards`, or rides as JSON inside a model file of ours (ONNX and
safetensors metadata). Nothing about a model is guessed: a file without a card needs one named.

>>> from faceparse.weights import card
>>> card("bisenet-resnet18-zllrunning").scheme
'celebamask19'
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from faceparse.errors import LabelError, WeightsError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.weights.preprocessing import RESAMPLING, Preprocessing
from faceparse.weights.variant import FORMS, PRECISIONS, Variant


@dataclass(frozen=True)
class Grid:
    """How a network's logits lie on its input.

    Attributes:
        stride: Input pixels per grid cell.
        align_corners: True where the outermost grid points lie on the centres of the outermost input
            pixels; False where cells tile the input (half-pixel centres).
    """

    stride: int
    align_corners: bool


@dataclass(frozen=True)
class Source:
    """Where the weights come from: a `url`, or a `hub`, or only a `page` for a person to go to.

    Attributes:
        file: Published file name; on a Hub its path in the repository.
        url: Where a program gets the file itself; empty where there is no such address.
        sha256: Full SHA-256 of the published file; empty where not yet known.
        project: The project that published it.
        page: Where a person gets the file, if elsewhere than from `url`.
        hub: Repository on the Hugging Face Hub, `organisation/name`.
        revision: Branch, tag or commit there.
        size: Bytes of the published file; 0 where not yet known.
    """

    file: str
    url: str = ""
    sha256: str = ""
    project: str = ""
    page: str = ""
    hub: str = ""
    revision: str = ""
    size: int = 0

    @property
    def name(self) -> str:
        """The file's own name, without the folders of a Hub."""
        return self.file.rsplit("/", 1)[-1]

    @property
    def origin(self) -> str:
        """Where a person would look for the file."""
        hub = f"https://huggingface.co/{self.hub}" if self.hub else ""
        return self.page or self.url or hub or self.project


@dataclass(frozen=True)
class Licence:
    """Terms of the weights.

    Attributes:
        weights: Licence under which the file is published.
        terms: What a user must know in one line, above all whether commercial use is barred.
        url: The full text.
        consent: Whether a person must accept the terms before the file is fetched.
    """

    weights: str
    terms: str
    url: str = ""
    consent: bool = False


@dataclass(frozen=True)
class Figure:
    """One measured or published number, in percent.

    Attributes:
        data: Data set and split.
        metric: `mean F1`, or `F1 hair` and so on.
        value: Percent.
        protocol: `label` or `input`: at whose resolution.
        origin: `measured` here, or `published`.
    """

    data: str
    metric: str
    value: float
    protocol: str = "label"
    origin: str = "measured"


@dataclass(frozen=True)
class Card:
    """One set of weights; see the module's docstring.

    Attributes:
        id: What `--model` takes.
        title: One line for people.
        network: A registered network.
        scheme: Label scheme of the logits: its name, or in full where it is not in the package.
        input: Preprocessing.
        output: How the logits lie on the input.
        source: Where the file comes from.
        licence: Terms.
        training: Data the weights were trained on: the data set's name, and after a colon what more there is
            to say, one line.
        limits: What the model is known not to do well, one line.
        figures: Measured and published numbers.
        parameters: Learned numbers of the network, trunk included; 0 where nobody counted them.
        trunk: Id of the trunk whose own published file these weights need beside theirs; empty for none.
        variant: What an export made of the network; None for the network itself.
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
    parameters: int = 0
    trunk: str = ""
    variant: Variant | None = None

    def to_json(self) -> str:
        """The card as a JSON text, as it rides in model files."""
        plain = asdict(self)
        if self.variant is None:
            del plain["variant"]
        return json.dumps(plain, ensure_ascii=False)

    @property
    def name(self) -> str:
        """The id, with what an export made of the network: `default (int8)`."""
        return self.id if self.variant is None else f"{self.id} ({self.variant})"

    @property
    def data(self) -> str:
        """Name of the data that the weights were trained on."""
        return self.training.split(":")[0]

    @property
    def headline(self) -> Figure | None:
        """The mean F1 to quote: the published one, else the one measured on test pictures."""
        means = [f for f in self.figures if f.metric == "mean F1"]
        return max(means, key=lambda f: (f.origin == "published", "test" in f.data), default=None)

    @property
    def label_scheme(self) -> Scheme:
        """The `Scheme` of the logits."""
        return find_scheme(self.scheme)


_PARTS: Mapping[str, type] = {"input": Preprocessing, "output": Grid, "source": Source, "licence": Licence}


def read_table(kind: type, raw: object, where: str) -> Any:
    """A dataclass from plain data, its keys and kinds checked.

    Raises:
        WeightsError: a key that is missing, unknown or of the wrong kind.
    """
    if not isinstance(raw, Mapping):
        raise WeightsError(f"{where}: expected a table, got {type(raw).__name__}")
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise WeightsError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    values = {k: tuple(v) if isinstance(v, list) and kind is Preprocessing else v for k, v in raw.items()}
    _check_kinds(kind, values, where)
    try:
        return kind(**values)
    except TypeError as error:
        missing = str(error).split("argument", 1)[-1].lstrip("s: ")
        raise WeightsError(f"{where}: missing {missing}") from None


_KINDS: Mapping[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
}


def _check_kinds(kind: type, values: Mapping[str, object], where: str) -> None:
    hints = get_type_hints(kind)
    for key, value in values.items():
        if hints[key] not in _KINDS:
            continue
        taken, called = _KINDS[hints[key]]
        if not isinstance(value, taken) or (isinstance(value, bool) and hints[key] is not bool):
            raise WeightsError(f"{where}: {key} is {called}, got {value!r}")


_FORMS = (
    ("url", r"https?://\S+", "an http or https address"),
    ("page", r"https?://\S+", "an http or https address"),
    ("hub", r"[\w.-]+/[\w.-]+", "organisation/name"),
    ("sha256", r"[0-9a-f]{64}", "64 hexadecimal digits in lower case"),
)


def _variant(raw: object, where: str) -> Variant:
    made: Variant = read_table(Variant, raw, where)
    if made.precision not in PRECISIONS or made.form not in FORMS:
        raise WeightsError(
            f"{where}: precision is {', '.join(PRECISIONS)} and form {', '.join(FORMS)}, "
            f"got {made.precision!r} and {made.form!r}"
        )
    return made


def _numbers(values: object, count: int, kinds: tuple[type, ...]) -> bool:
    return (
        isinstance(values, tuple)
        and len(values) == count
        and all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)
    )


def parse_card(raw: Mapping[str, Any], where: str) -> Card:
    """Check a card read from TOML or JSON.

    Args:
        raw: The card as plain data.
        where: File it comes from, for messages.

    Raises:
        WeightsError: a key that is missing, unknown or of the wrong kind; the message names it.
    """
    if not isinstance(raw, Mapping):
        raise WeightsError(f"{where}: a card is a table, got {type(raw).__name__}")
    values = dict(raw)
    for key, kind in _PARTS.items():
        if key not in values:
            raise WeightsError(f"{where}: a card needs a [{key}] table")
        values[key] = read_table(kind, values[key], f"{where} [{key}]")
    figures = values.get("figures", ())
    if not isinstance(figures, list | tuple):
        raise WeightsError(f"{where}: figures are [[figures]] tables, got {figures!r}")
    if values.get("variant") is not None:
        values["variant"] = _variant(values["variant"], f"{where} [variant]")
    values["figures"] = tuple(read_table(Figure, f, f"{where} [[figures]]") for f in figures)
    made: Card = read_table(Card, values, where)
    pre = made.input
    if not _numbers(pre.size, 2, (int,)) or min(pre.size) < 1:
        raise WeightsError(f"{where} [input]: size is [height, width] in pixels, got {pre.size}")
    if pre.multiple < 1 or any(side % pre.multiple for side in pre.size):
        raise WeightsError(
            f"{where} [input]: multiple is 1 or more and divides both sides of size, got {pre.multiple}"
        )
    if not all(_numbers(v, 3, (int, float)) for v in (pre.mean, pre.std)) or min(pre.std) <= 0:
        raise WeightsError(f"{where} [input]: mean and std are three numbers each, std above 0")
    if made.output.stride < 1:
        raise WeightsError(f"{where} [output]: stride is 1 or more input pixels, got {made.output.stride}")
    if pre.interpolation not in RESAMPLING or pre.channels not in ("RGB", "BGR"):
        raise WeightsError(
            f"{where} [input]: interpolation is {' or '.join(RESAMPLING)} and channels RGB or BGR, "
            f"got {pre.interpolation!r} and {pre.channels!r}"
        )
    check_source(made.source, f"{where} [source]")
    if pre.warp not in ("", "lapa"):
        raise WeightsError(f"{where} [input]: warp is lapa or empty, got {pre.warp!r}")
    try:
        find_scheme(made.scheme)
    except LabelError as error:
        raise WeightsError(f"{where}: {error}") from None
    return made


def check_source(source: Source, where: str) -> None:
    """Check what a `[source]` table says.

    Raises:
        WeightsError: an address, repository, hash or size that is none.
    """
    if source.url and source.hub:
        raise WeightsError(f"{where}: a file comes from a url or from a hub, not from both")
    for key, pattern, called in _FORMS:
        text = getattr(source, key)
        if text and not re.fullmatch(pattern, text):
            raise WeightsError(f"{where}: {key} is {called}, got {text!r}")
    if source.size < 0:
        raise WeightsError(f"{where}: size is in bytes, 0 where it is not known; got {source.size}")


def embedded(text: str, path: str | Path) -> Card:
    """A card from the JSON text inside a model file.

    Raises:
        WeightsError: not JSON, or not a card.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise WeightsError(f"the card inside {path} is not JSON: {error}") from None
    return parse_card(raw, f"the card inside {path}")


def read_card(path: str | Path) -> Card:
    """A card from a TOML file.

    Raises:
        WeightsError: no such file, not TOML, or not a card.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"cannot read card {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"card {path} is not TOML: {error}") from None
    return parse_card(raw, str(path))


@cache
def cards() -> Mapping[str, Card]:
    """Every card in the package by id."""
    folder = Path(str(files("faceparse.weights").joinpath("cards")))
    found = {c.id: c for c in map(read_card, sorted(folder.glob("*.toml"), key=lambda path: path.stem))}
    return MappingProxyType(found)


def card(model: str) -> Card:
    """The card of that id, or of a TOML file by its path.

    Raises:
        WeightsError: no such card.
    """
    if model in cards():
        return cards()[model]
    if model.endswith(".toml"):
        return read_card(model)
    raise WeightsError(f"no model card {model!r}; there are {', '.join(cards())}, or give a TOML file")
