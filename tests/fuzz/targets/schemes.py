"""Label schemes in files: the package's own, one with all that a scheme may have, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from faceparse.labels import conversion, plain, scheme, schemes
from tests.fuzz import target

_FULL = b"""name: spots4
title: Skin, and two kinds of spots
classes: [background, skin, l_spot, r_spot]   # label 0 first
colours: {l_spot: [255, 128, 0], r_spot: "#00ff80"}
pairs: [[l_spot, r_spot]]
left_means: subject
to: {celebamask19: {l_spot: skin, r_spot: skin}}
from:
  face2:
    face: skin
read_as: face2
merges: {background: rest}
"""


class Target(target.Target):
    """What is read is the same again when it is written out, and converts or says why not."""

    text = True
    calls_a_byte = 100

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        packaged = Path(scheme.__code__.co_filename).parent / "schemes"
        self.inputs = {
            **{
                f"{name}.toml": (packaged / f"{name}.toml").read_bytes() for name in ("celebamask19", "hair2")
            },
            "full.yaml": _FULL,
            "full.json": json.dumps(plain(schemes()["lapa11"]) | {"name": "other"}).encode(),
        }
        (folder / "secret.toml").write_text("secret = 1")

    def read(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.write_bytes(data)
        read = scheme(path)
        assert 1 < len(read) <= 255
        assert scheme(plain(read)) == read
        self.size = len(read.colours)
        for other in ("face2", "celebamask19"):
            with target.one_line():
                assert conversion(read, scheme(other)).table.size
