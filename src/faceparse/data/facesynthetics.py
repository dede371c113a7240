"""FaceSynthetics: 100,000 rendered faces with exact labels in 19 classes and 70 landmarks.

>>> data = FaceSynthetics("dataset_100000", "0-99%")  # doctest: +SKIP
>>> data[0].labels.shape, data[0].landmarks.shape  # doctest: +SKIP
((512, 512), (70, 2))

Layout (Wood et al., ICCV 2021, https://github.com/microsoft/FaceSynthetics)::

    ROOT/000000.png
    ROOT/000000_seg.png      8-bit, scheme synthface19; 255 is ignore
    ROOT/000000_ldmks.txt    70 lines `x y`: iBUG's 68, then the pupils

There is no official split: take shares, such as `0-98%` and `98-100%`. Training with `--scheme ourface11` (or
any other scheme that synthface19 converts to) converts the labels.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from faceparse.data.pairs import PairedFiles
from faceparse.data.record import declared_scheme
from faceparse.data.registry import register
from faceparse.data.splits import take_share
from faceparse.errors import DataError
from faceparse.labels import Scheme

_NUMBERED = re.compile(r"\d+\.png")


@register
class FaceSynthetics(PairedFiles):
    """FaceSynthetics or a share of it, with landmarks.

    Args:
        root: Folder of `000000.png`, `000000_seg.png`, `000000_ldmks.txt` and so on.
        split: `all`, or a share such as `0-98%` (see `faceparse.data.splits`).
        scheme: `synthface19`, or None, which means the same.

    Raises:
        DataError: no such folder or split; a picture without label map or landmarks; another scheme.
    """

    kind: ClassVar[str] = "facesynthetics"
    title: ClassVar[str] = "Microsoft FaceSynthetics as downloaded: 19 classes, 70 landmarks"
    landmark_count: ClassVar[int] = 70

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        root = Path(root)
        files = {p.name: p for p in root.iterdir()} if root.is_dir() else {}
        stems = sorted(name[:-4] for name in files if _NUMBERED.fullmatch(name))
        if not stems:
            raise DataError(f"{root} is no FaceSynthetics folder: expected 000000.png and so on in it")
        for stem in stems:
            for ending in ("_seg.png", "_ldmks.txt"):
                if stem + ending not in files:
                    raise DataError(f"{files[stem + '.png']} has no {stem}{ending} beside it")
        stems = take_share(stems, split, root)
        super().__init__(
            declared_scheme("synthface19", scheme, "FaceSynthetics"),
            [(files[f"{s}.png"], files[f"{s}_seg.png"]) for s in stems],
            [files[f"{s}_ldmks.txt"] for s in stems],
        )

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return ()
