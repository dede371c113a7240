"""Pictures by the million: one row of a table a picture, in many processes, on one machine or on many.

>>> from faceparse.scale import Parse
>>> parse = Parse(faces="largest")
>>> parse({"path": ["a.jpg"]})["trust"]  # doctest: +SKIP
[0.93]
"""

from faceparse.scale.parse import Parse
from faceparse.scale.run import Run
from faceparse.scale.session import Workers

__all__ = ["Parse", "Run", "Workers"]
