"""The settings of a server: its model and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from faceparse import tables

Count = Annotated[int, tables.at_least(1)]
Seconds = Annotated[float, tables.between(0.01, 86400)]

MIB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """Model and limits of a server.

    >>> Settings(queue=8).max_bytes
    33554432

    Args:
        model: As in `Parser`; so are `engine`, `device`, `card`, `input_size` and `batch`.
        max_bytes: Longest body of a request in bytes.
        max_pixels: Largest width × height of a picture.
        timeout: Seconds from the end of the upload to the answer.
        upload: Seconds that a body may take to arrive, and an answer to be read.
        queue: Number of pictures that may wait.
        workers: Number of processes.
        max_memory: MiB of memory of a process, beyond which it is replaced.
        grace: Seconds to finish requests when the server stops.
        token: Bearer token that requests must have; empty for none.

    Raises:
        ConfigError: a value of another type or out of range.
    """

    model: str = "default"
    engine: str = "auto"
    device: str = "auto"
    card: str | None = None
    input_size: str | None = None
    batch: Count | None = None
    max_bytes: Count = 32 * MIB
    max_pixels: Count = 50_000_000
    timeout: Seconds = 60.0
    upload: Seconds = 30.0
    queue: Annotated[int, tables.at_least(0)] = 64
    workers: Annotated[int, tables.between(1, 256)] = 1
    max_memory: Count = 4096
    grace: Annotated[float, tables.between(0, 86400)] = 10.0
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        tables.check(self)
