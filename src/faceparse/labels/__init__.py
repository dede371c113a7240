"""Label schemes, groups, palettes and conversions: pure data and numpy."""

from faceparse.labels.convert import Conversion, conversion, convert
from faceparse.labels.file import plain, read_scheme, reference
from faceparse.labels.groups import ALIASES, GROUPS
from faceparse.labels.scheme import IGNORE, Scheme, count, scheme, schemes

__all__ = [
    "ALIASES",
    "GROUPS",
    "IGNORE",
    "Conversion",
    "Scheme",
    "conversion",
    "convert",
    "count",
    "plain",
    "read_scheme",
    "reference",
    "scheme",
    "schemes",
]
