"""How an exported model file differs from the network that it was made from.

>>> str(Variant(precision="int8"))
'int8'
>>> str(Variant(form="phone"))
'fp32, phone'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from faceparse.tables import one_of

PRECISIONS = ("fp32", "fp16", "int8")
"""Numbers that a file's weights and sums are in; its inputs and outputs stay float32."""

FORMS = ("network", "phone", "picture", "published")
"""`network`: normalised pictures to logits, any size. `phone`: one size, and only operators that phones run.
`picture`: uint8 pictures of any size to labels, with all that lies between inside. `published`: as `network`, with logits at
the input's size."""


@dataclass(frozen=True)
class Variant:
    """What an export made of a network; rides in the card of the file.

    Attributes:
        precision: One of `PRECISIONS`.
        form: One of `FORMS`.
    """

    precision: Annotated[str, one_of(PRECISIONS)] = "fp32"
    form: Annotated[str, one_of(FORMS)] = "network"

    def __str__(self) -> str:
        return self.precision if self.form == "network" else f"{self.precision}, {self.form}"
