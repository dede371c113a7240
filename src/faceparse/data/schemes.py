"""Which label scheme a data set's label maps are in: as it declares, or as the user says; never guessed."""

from __future__ import annotations

from pathlib import Path

from faceparse.data.record import RECORD, read_record
from faceparse.errors import DataError, LabelError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme


def declared_scheme(declared: str | Scheme, requested: str | Path | Scheme | None, owner: str) -> Scheme:
    """The scheme that a data set declares.

    Args:
        declared: Scheme of its label maps.
        requested: What the user says it is; None where the user leaves it to the data set.
        owner: The data set or the file that declares it, for the message.

    Raises:
        DataError: the user says another one.
    """
    scheme = find_scheme(declared)
    if requested is not None and find_scheme(requested) != scheme:
        raise DataError(
            f"the label maps of {owner} are in scheme {scheme.name}, not {find_scheme(requested).name}: give "
            f"--data.scheme {scheme.name}; training and evaluation convert the labels where they need another one"
        )
    return scheme


def folder_scheme(root: Path, requested: str | Path | Scheme | None) -> Scheme:
    """The scheme of a folder's label maps: as its record declares, else as the user says.

    Raises:
        DataError: neither says it, or they disagree.
        LabelError: no such scheme.
    """
    recorded = read_record(root).get("scheme")
    if recorded is None and requested is None:
        raise DataError(
            f"{root} does not say which label scheme it has: name it with --data.scheme (data check: --scheme)"
        )
    if recorded is None:
        return find_scheme(requested)  # type: ignore[arg-type]  # not None, as above
    try:
        scheme = find_scheme(recorded)
    except (LabelError, TypeError) as error:
        raise DataError(f"{root / RECORD}: {error}") from None
    return declared_scheme(scheme, requested, str(root))
