"""The state, size and record of weights, as `faceparse weights` shows them.

>>> from faceparse.weights import card
>>> state(card("default"))[0]
'in the package'
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from faceparse.weights import modelfile
from faceparse.weights.backbone import Backbone, Published
from faceparse.weights.store import published_path
from faceparse.weights.terms import is_accepted


def state(card: Published) -> tuple[str, Path | None]:
    """Return the state of weights on this machine and their path.

    Returns:
        `in the package`, `ready`, `downloaded` (not a model file yet) or `not here`; and the path of the
        model file, else of the published file, or None if neither exists.
    """
    published = published_path(card)
    model = modelfile.packaged().get(card.id) or modelfile.cached(card.id)
    if model is None and not published.is_file():
        return "not here", None
    if model is None and not isinstance(card, Backbone):
        return "downloaded", published
    return "in the package" if card.id in modelfile.packaged() else "ready", model or published


def record(card: Published) -> dict[str, Any]:
    """Return a card as plain data, with `state`, `path`, and `accepted`: whether its terms are accepted."""
    where, path = state(card)
    about = {"state": where, "path": None if path is None else str(path), "accepted": is_accepted(card)}
    return {**asdict(card), **about}


def size_text(size: int, parameters: int) -> str:
    """Return the size of weights as text: in bytes if known (not 0), else in parameters.

    >>> size_text(0, 13_296_000)
    '13.3 M parameters'
    """
    if size:
        return f"{size / 1e6:.1f} MB"
    return f"{parameters / 1e6:.1f} M parameters" if parameters else ""
