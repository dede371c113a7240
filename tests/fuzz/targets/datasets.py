"""One damaged file in a data set of each kind."""

from __future__ import annotations

import os
import random
import shutil
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import faceparse.data.reading as reading
from faceparse.data import kinds, open_dataset
from faceparse.data.check import check_dataset
from faceparse.data.record import write_record
from tests.data import made
from tests.fuzz import target
from tests.fuzz.mutate import mutated
from tests.fuzz.targets.pictures import MAX_PIXELS, with_checksums

_NOT_A_FILE = (b"<pipe>", b"<folder>", b"<loop>", b"<zeros>", b"<nowhere>")


class Target(target.Target):
    """Reading names the fault, and a check of the whole set ends; nothing but files is opened."""

    noise = "/.*: pictures of other sizes than their label maps"
    most_calls = 400_000
    calls_a_byte = 50

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        made.folder(folder / "folder", 3)
        write_record(folder / "folder", {"scheme": "celebamask19"})
        made.celebamask_hq(folder / "celebamask-hq", (0,))
        made.lapa(folder / "lapa")
        made.helen(folder / "helen")
        made.facesynthetics(folder / "facesynthetics", 2)
        made.webdataset(folder / "webdataset")
        if find_spec("pyarrow"):
            made.parquet(folder / "parquet")
        for unpacked in folder.glob("*-unpacked"):
            shutil.rmtree(unpacked)
        assert {p.name for p in folder.iterdir()} | {"parquet"} == {*kinds()}
        files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
        masks = [p for p in files if "mask-anno" in str(p)]
        self.inputs = {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if p not in masks[3:]}
        self.schemes = {"celebamask-hq": "maskgan19"}
        for name in ("read_picture", "read_values"):
            setattr(reading, name, partial(getattr(reading, name), max_pixels=MAX_PIXELS))

    def mutant(self, chance: random.Random, name: str) -> bytes:
        if chance.random() < 0.05:
            return chance.choice(_NOT_A_FILE)
        text = name.endswith((".txt", ".json"))
        data = mutated(chance, self.inputs[name], list(self.inputs.values()), text=text)
        return with_checksums(data)

    def read(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.unlink()
        if data in _NOT_A_FILE:
            _put_no_file(path, data)
        else:
            path.write_bytes(data)
        kind = name.split("/")[0]
        root, scheme = self.folder / kind, self.schemes.get(kind)
        try:
            with target.one_line():
                check_dataset(root, kind=kind, scheme=scheme)
            for split in (*kinds()[kind].splits(root), "all"):
                for sample in islice(open_dataset(kind, root, split, scheme), 8):
                    self.size += sample.image.nbytes + sample.labels.nbytes
        finally:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            path.write_bytes(self.inputs[name])


def _put_no_file(path: Path, kind: bytes) -> None:
    if kind == b"<pipe>":
        os.mkfifo(path)
    elif kind == b"<folder>":
        path.mkdir()
    else:
        targets = {b"<loop>": path, b"<zeros>": Path("/dev/zero"), b"<nowhere>": path.parent / "none"}
        path.symlink_to(targets[kind])
