"""Output forms by name, as `faceparse parse --save` takes them: one file each in this room.

>>> sorted(writers(["mask", "overlay"]))
['mask', 'overlay']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from faceparse.errors import ConfigError
from faceparse.results import Writer
from faceparse.writers.heatmap import Heatmap
from faceparse.writers.mask import Mask
from faceparse.writers.overlay import Overlay
from faceparse.writers.panel import Panel

WRITERS: Mapping[str, type[Writer]] = MappingProxyType({w.name: w for w in (Mask, Overlay, Panel, Heatmap)})
"""Name → writer."""


def writers(names: Iterable[str]) -> dict[str, Writer]:
    """The writers of those names.

    Raises:
        ConfigError: no name, or one that is unknown.
    """
    wanted = [n.strip() for n in names if n.strip()]
    unknown = [n for n in wanted if n not in WRITERS]
    if unknown or not wanted:
        raise ConfigError(f"--save takes {', '.join(WRITERS)}; got {', '.join(unknown) or 'nothing'}")
    return {n: WRITERS[n]() for n in wanted}
