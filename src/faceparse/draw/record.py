"""A scheme as plain data, with its names, groups and colours.

>>> from faceparse.labels import scheme
>>> record(scheme("celebamask19"))["classes"][17]["name"]
'hair'
"""

from __future__ import annotations

from typing import Any

from faceparse.draw.tints import tints
from faceparse.labels import ALIASES, GROUPS, Scheme


def record(scheme: Scheme) -> dict[str, Any]:
    """Return a scheme as JSON values: its classes with everyday names, groups, and colours of masks and overlays."""
    overlay = tints(scheme).palette.tolist()
    return {
        "name": scheme.name,
        "title": scheme.title,
        "left_means": scheme.left_means,
        "classes": [
            {
                "label": label,
                "name": name,
                "aliases": [alias for alias, target in ALIASES.items() if target == name],
                "groups": [group for group, members in GROUPS.items() if name in members],
                "colour": scheme.palette[label].tolist(),
                "overlay_colour": overlay[label],
            }
            for label, name in enumerate(scheme.classes)
        ],
    }
