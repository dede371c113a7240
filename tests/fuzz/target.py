"""What a target is: whole inputs, how they are damaged, and what reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from faceparse.errors import FaceparseError
from tests.fuzz.mutate import mutated

TARGETS = tuple(sorted(p.stem for p in (Path(__file__).parent / "targets").glob("[a-z]*.py")))


class Target:
    """A kind of input; `Target` of each file in `targets/` is one.

    Args:
        folder: Of its own, empty.

    Attributes:
        inputs: Whole inputs by name.
        size: Bytes that the last input became, as far as it was read.
    """

    text: ClassVar[bool] = False
    """Whether inputs are texts."""
    words: tuple[bytes, ...] = ()
    """What to put into a text besides the usual."""
    noise: ClassVar[str] = "$"
    """Lines on standard error that cannot be prevented, a regular expression."""
    most_calls: ClassVar[int] = 100_000
    """Calls of functions that reading may make, and for each byte `calls_a_byte` more."""
    calls_a_byte: ClassVar[int] = 10
    most_bytes: ClassVar[int] = 1 << 20
    """Bytes that an input of no bytes may become, and for each byte `bytes_a_byte` more."""
    bytes_a_byte: ClassVar[int] = 2

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs: Mapping[str, bytes] = {}
        self.size = 0

    def mutant(self, chance: random.Random, name: str) -> bytes:
        """An input, damaged."""
        pool = list(self.inputs.values())
        return mutated(chance, self.inputs[name], pool, text=self.text, words=self.words)

    def allowed_calls(self, data: bytes) -> int:
        """Calls of functions that reading this input may make."""
        return self.most_calls + self.calls_a_byte * len(data)

    def read(self, name: str, data: bytes) -> None:
        """Read a damaged input; whatever it holds to besides is asserted.

        Args:
            name: Of the whole input.
            data: It, damaged.

        Raises:
            FaceparseError: where it is refused.
        """
        raise NotImplementedError


@contextmanager
def one_line() -> Iterator[None]:
    """What is done within may be refused in one line, and the rest goes on."""
    try:
        yield
    except FaceparseError as error:
        line = str(error)
        assert "\n" not in line, line


def target(name: str, folder: Path) -> Target:
    """The target of that name."""
    made: Target = import_module(f"tests.fuzz.targets.{name}").Target(folder)
    return made
