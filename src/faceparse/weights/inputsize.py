"""The size of a network's input, if it differs from the card's.

>>> InputSize.of("600x400"), InputSize.of(256).sides, InputSize.of("native").sides
(InputSize(sides=(600, 400), square=False), (256, 256), None)
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from faceparse.errors import ConfigError
from faceparse.weights.card import Card, cards

MOST = 1 << 20
"""Largest number of pixels of a `native` input: a larger picture is scaled down to this size."""
_WORDS = re.compile(r"(\d+)(?:[x×X](\d+))?")


@dataclass(frozen=True)
class InputSize:
    """An input size as `--input-size` states it.

    Attributes:
        sides: Height and width of the input in pixels; None for the picture's own size.
        square: Whether `sides` is the side of every view; if not, views are whole pictures only.
    """

    sides: tuple[int, int] | None
    square: bool = False

    @classmethod
    def of(cls, words: str | int) -> InputSize:
        """Convert a side N, `HxW` or `native` to an input size.

        Raises:
            ConfigError: another text, or a side outside 16 to 8192.
        """
        match = _WORDS.fullmatch(str(words))
        sides = None if match is None else (int(match[1]), int(match[2] or match[1]))
        if words != "native" and not (sides and all(16 <= side <= 8192 for side in sides)):
            raise ConfigError(f"an input size is N, HxW (16 to 8192) or native; got {str(words)[:60]!r}")
        return cls(sides, bool(match and not match[2]))

    def __str__(self) -> str:
        return "native" if self.sides is None else "x".join(map(str, self.sides))

    def check(self, card: Card, faces: str, fixed: tuple[int, int] | None) -> None:
        """Raise if the network does not support this size.

        Args:
            card: The model's card.
            faces: How faces are treated, as in `Parser`.
            fixed: The only size that the network supports; None if it supports others.

        Raises:
            ConfigError: an unsupported size.
        """
        warped = bool(card.input.warp)
        if not self.square and (faces != "whole" or warped):
            way = (
                "a side N: this model warps pictures"
                if warped
                else f"--faces whole, or a side N; got {faces}"
            )
            raise ConfigError(f"input size {self} works only on whole pictures: give {way}")
        if fixed is not None and self.sides != fixed:
            sizes = {c.input.size: c.id for c in cards().values() if c.network == card.network}
            others = ", ".join(f"{size[0]} ({name})" for size, name in sorted(sizes.items()) if size != fixed)
            hint = f"; there are weights for {others}" if others else ": leave --input-size out"
            raise ConfigError(f"{card.id} takes only {fixed[0]}x{fixed[1]}, not {self}{hint}")
        if self.sides and any(side % card.input.multiple for side in self.sides):
            raise ConfigError(f"{card.id} takes multiples of {card.input.multiple}; got {self}")

    def sized(self, card: Card, picture_size: tuple[int, ...]) -> Card:
        """Return the card with the input size for a picture of this (height, width)."""
        multiple = card.input.multiple
        shrink = math.sqrt(min(1.0, MOST / math.prod(picture_size)))
        native = (max(1, round(side * shrink / multiple)) * multiple for side in picture_size)
        height, width = self.sides or native
        return replace(card, input=replace(card.input, size=(height, width)))
