"""The terms of weights: logged once per process, and accepted by a person if they require consent."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from faceparse.errors import TermsError
from faceparse.files import atomic
from faceparse.weights.backbone import Published
from faceparse.weights.cache import shelf
from faceparse.weights.card import Licence

FILE = "accepted.json"
_LOG = logging.getLogger("faceparse.weights")
_announced: set[str] = set()


def announce(card: Published) -> None:
    """Log the terms of weights, once per process.

    The level is INFO: without logging set up, Python prints a WARNING to stderr, and a library must not
    print. `faceparse weights show` and `get` print the terms.
    """
    if card.id not in _announced:
        _announced.add(card.id)
        _LOG.info("weights of %s: %s; terms: %s", card.id, card.licence.weights, card.licence.terms)


def is_accepted(card: Published) -> bool:
    """Return whether the terms need no consent, or the same terms were accepted on this machine."""
    if not card.licence.consent:
        return True
    try:
        record = json.loads(_file(card).read_text(encoding="utf-8"))
        return bool(record["terms"] == _wording(card.licence))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def require(card: Published, *, accept: bool) -> None:
    """Raise unless the terms are accepted; `accept` accepts and records them.

    Raises:
        TermsError: a person must accept the terms and has not.
        OutputError: the consent cannot be recorded.
    """
    if is_accepted(card):
        return
    if not accept:
        raise TermsError(
            f"{card.id}: its terms must be accepted first: {_wording(card.licence)} - "
            "read them, then add --accept-terms (accept_terms=True)"
        )
    record = {"terms": _wording(card.licence), "accepted": datetime.now(UTC).isoformat(timespec="seconds")}
    with atomic(_file(card), overwrite=True, make_folder=True) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _file(card: Published) -> Path:
    return shelf(card.id) / FILE


def _wording(licence: Licence) -> str:
    return f"{licence.terms} ({licence.url})" if licence.url else licence.terms
