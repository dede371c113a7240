"""The terms of weights: said once, and accepted where a person must."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from faceparse.errors import TermsError
from faceparse.files import atomic
from faceparse.weights.cache import shelf
from faceparse.weights.card import Licence

FILE = "accepted.json"
_LOG = logging.getLogger("faceparse.weights")
_said: set[str] = set()


class Licensed(Protocol):
    """A card: something with an id and terms."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def licence(self) -> Licence:
        """Its terms."""
        ...


def announce(card: Licensed) -> None:
    """Log the terms of a model's weights, once per process and model.

    The level is INFO: a WARNING would reach stderr in programs that set up no logging, which is printing,
    and the terms are no fault of the program's. `faceparse weights show` and `get` print them.
    """
    if card.id not in _said:
        _said.add(card.id)
        _LOG.info("weights of %s: %s; terms: %s", card.id, card.licence.weights, card.licence.terms)


def accepted(card: Licensed) -> bool:
    """Whether the terms need no consent, or these very terms were accepted on this machine."""
    if not card.licence.consent:
        return True
    try:
        noted = json.loads(_file(card).read_text(encoding="utf-8"))
        return bool(noted["terms"] == _wording(card.licence))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def require(card: Licensed, *, accept: bool) -> None:
    """Go on only where the terms are accepted; with `accept` they are, which is recorded.

    Raises:
        TermsError: a person must accept the terms and has not.
        OutputError: the consent cannot be recorded.
    """
    if accepted(card):
        return
    if not accept:
        raise TermsError(
            f"{card.id}: its terms must be accepted first: {_wording(card.licence)} - "
            "read them, then add --accept-terms (accept_terms=True)"
        )
    noted = {"terms": _wording(card.licence), "accepted": datetime.now(UTC).isoformat(timespec="seconds")}
    with atomic(_file(card), overwrite=True, make_folder=True) as temporary:
        temporary.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def _file(card: Licensed) -> Path:
    return shelf(card.id) / FILE


def _wording(licence: Licence) -> str:
    return f"{licence.terms} ({licence.url})" if licence.url else licence.terms
