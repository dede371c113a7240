"""The table of all weights: what a user asks before choosing one.

>>> [row.id for row in summaries() if row.state == "in the package"]
['default']
"""

from __future__ import annotations

from dataclasses import dataclass

from faceparse.weights import modelfile
from faceparse.weights.backbone import Backbone, Published, all_published
from faceparse.weights.card import Card
from faceparse.weights.store import published_path


@dataclass(frozen=True)
class Summary:
    """One row.

    Attributes:
        id: What `--model` takes.
        network: Registered network; `backbone` for a backbone.
        data: Training data.
        scheme: Label scheme of its logits.
        size: Bytes of the published file; None where neither its card nor the cache knows.
        parameters: Of the network; None where its card does not say.
        f1: Mean F1 in percent; None where none is known.
        f1_of: Whose figure that is: `published`, or `measured` here; and on what data.
        licence: Licence of the weights.
        terms: What a user must know.
        consent: Whether a person must accept the terms.
        file: Published file name.
        origin: Where it comes from.
        state: `in the package`, `ready`, `downloaded` (not a model file yet), or `not here`.
        path: The model file, else the published file; None where neither is here.
    """

    id: str
    network: str
    data: str
    scheme: str
    size: int | None
    parameters: int | None
    f1: float | None
    f1_of: str
    licence: str
    terms: str
    consent: bool
    file: str
    origin: str
    state: str
    path: str | None


def summaries() -> tuple[Summary, ...]:
    """A row for every card and every backbone in the package."""
    return tuple(map(summary, all_published()))


def summary(card: Published) -> Summary:
    """The row of one card or backbone."""
    published, figure = published_path(card), card.headline if isinstance(card, Card) else None
    here = published.stat().st_size if published.is_file() else 0
    model = modelfile.packaged().get(card.id) or modelfile.cached(card.id)
    if isinstance(card, Backbone) and here:
        model = published
    state = "in the package" if card.id in modelfile.packaged() else "ready"
    if model is None:
        state = "downloaded" if here else "not here"
    path = model or (published if here else None)
    return Summary(
        id=card.id,
        network=card.network if isinstance(card, Card) else "backbone",
        data=card.data if isinstance(card, Card) else card.training,
        scheme=card.label_scheme.name if isinstance(card, Card) else "",
        size=card.source.size or here or None,
        parameters=(card.parameters or None) if isinstance(card, Card) else None,
        f1=None if figure is None else figure.value,
        f1_of="" if figure is None else f"{figure.origin}, {figure.data}",
        licence=card.licence.weights,
        terms=card.licence.terms,
        consent=card.licence.consent,
        file=card.source.file,
        origin=card.source.origin,
        state=state,
        path=None if path is None else str(path),
    )


def size_text(size: int | None, parameters: int | None) -> str:
    """The size of weights for people.

    >>> size_text(None, 13_296_000)
    '13.3 M parameters'
    """
    if size is not None:
        return f"{size / 1e6:.1f} MB"
    return "" if parameters is None else f"{parameters / 1e6:.1f} M parameters"


def markdown() -> str:
    """The table as it stands in the documentation: what is the same on every machine."""
    lines = ["| id | network | data | file | size | mean F1 | licence |", "|---|---|---|---|---|---|---|"]
    for card in all_published():
        row = summary(card)
        size = size_text(card.source.size or None, row.parameters)
        f1 = "" if row.f1 is None else f"{row.f1:g} ({row.f1_of})"
        consent = "; consent needed" if row.consent else ""
        name = row.file.rsplit("/", 1)[-1]
        where = f"[`{name}`]({row.origin})" if row.origin.startswith("http") else f"`{name}`"
        network = "backbone" if row.network == "backbone" else f"`{row.network}`"
        lines.append(
            f"| `{row.id}` | {network} | {row.data} | {where} | {size} | {f1} | {row.licence}{consent} |"
        )
    return "\n".join(lines) + "\n"
