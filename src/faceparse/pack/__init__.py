"""Results and data sets packed for training and exchange, and unpacked again; one file for each source and each form.

>>> from faceparse.pack import pack
>>> pack("out", "faces", "tars", images="photos", where="trust > 0.7").pictures  # doctest: +SKIP
1204
"""

from faceparse.pack.packing import Packing, pack

__all__ = ["Packing", "pack"]
