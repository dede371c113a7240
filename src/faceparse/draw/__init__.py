"""Functions that draw results: they take arrays and a scheme and return an RGB picture, H × W × 3 uint8."""

from faceparse.draw.colours import colours
from faceparse.draw.legend import legend
from faceparse.draw.overlay import overlay
from faceparse.draw.panel import panel
from faceparse.draw.sheet import contact_sheet

__all__ = ["colours", "contact_sheet", "legend", "overlay", "panel"]
