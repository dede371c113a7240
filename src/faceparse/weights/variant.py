"""How an exported model file differs from its network.

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
"""Number types of a file's weights and computations; inputs and outputs stay float32."""

FORMS = ("network", "phone", "picture", "published")
"""`network`: normalised pictures to logits, any size. `phone`: one size, and only operators that phones
support. `picture`: uint8 pictures of any size to labels, including pre- and postprocessing. `published`: as
`network`, but logits have the input's size."""


@dataclass(frozen=True)
class Variant:
    """The variant of an exported model; part of the file's card.

    Attributes:
        precision: One of `PRECISIONS`.
        form: One of `FORMS`.
    """

    precision: Annotated[str, one_of(PRECISIONS)] = "fp32"
    form: Annotated[str, one_of(FORMS)] = "network"

    def __str__(self) -> str:
        return self.precision if self.form == "network" else f"{self.precision}, {self.form}"
