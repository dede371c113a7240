"""What `faceparse weights` shows of weights: state, size, and the whole card for programs.

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
    """Where weights are on this machine.

    Returns:
        `in the package`, `ready`, `downloaded` (not a model file yet), or `not here`; and the path of the model file,
        else of the published file, None where neither is here.
    """
    published = published_path(card)
    model = modelfile.packaged().get(card.id) or modelfile.cached(card.id)
    if model is None and not published.is_file():
        return "not here", None
    if model is None and not isinstance(card, Backbone):
        return "downloaded", published
    return "in the package" if card.id in modelfile.packaged() else "ready", model or published


def record(card: Published) -> dict[str, Any]:
    """A card for programs: all that it says, and `state`, `path`, and whether its terms are `accepted`."""
    where, path = state(card)
    about = {"state": where, "path": None if path is None else str(path), "accepted": is_accepted(card)}
    return {**asdict(card), **about}


def size_text(size: int, parameters: int) -> str:
    """The size of weights for people, by bytes where they are known, not 0.

    >>> size_text(0, 13_296_000)
    '13.3 M parameters'
    """
    if size:
        return f"{size / 1e6:.1f} MB"
    return f"{parameters / 1e6:.1f} M parameters" if parameters else ""
