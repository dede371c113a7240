"""Label schemes, groups, palettes and conversions."""

from faceparse.labels.convert import Conversion, conversion, convert, with_open_classes
from faceparse.labels.file import plain
from faceparse.labels.groups import ALIASES, GROUPS
from faceparse.labels.registry import reference, scheme, schemes
from faceparse.labels.scheme import IGNORE, Scheme, count

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
    "reference",
    "scheme",
    "schemes",
    "with_open_classes",
]
