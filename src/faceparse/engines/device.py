"""Names of devices: `cuda`, `cuda:1`, `openvino:device_type=GPU`, `tensorrt:0,trt_fp16_enable=1`.

>>> parse_device("cuda:1,gpu_mem_limit=2000000000")
Device(name='cuda', index=1, options={'gpu_mem_limit': '2000000000'})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faceparse.errors import EngineError


@dataclass(frozen=True)
class Device:
    """A device and its settings.

    Attributes:
        name: `cpu`, `cuda` and so on.
        index: Number of the device, from 0; None for the engine's choice.
        options: Settings by the engine's own names.
    """

    name: str
    index: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def parse_device(text: str) -> Device:
    """Parse a device's name: NAME, then after a colon a NUMBER and settings KEY=VALUE, separated by commas.

    Raises:
        EngineError: a word after the name that is neither a number nor a setting.
    """
    name, colon, rest = text.partition(":")
    words = rest.split(",") if colon else []
    index = int(words.pop(0)) if words and words[0].isascii() and words[0].isdecimal() else None
    options = {}
    for word in words:
        key, _, value = (part.strip() for part in word.partition("="))
        if not key or not value:
            raise EngineError(
                f"device {text!r}: expected a number or KEY=VALUE after the name, as in cuda:1 or cuda:1,key=value; "
                f"got {word!r}"
            )
        options[key] = value
    return Device(name, index, options)
