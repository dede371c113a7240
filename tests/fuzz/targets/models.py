"""Model files and saved parsings: safetensors, PyTorch's archives and pickles, zip, Caffe's, NPZ."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from faceparse.results import Parsing
from faceparse.weights import card, read_checkpoint, safetensors_card, write_safetensors
from faceparse.writers.forms.npz import Npz
from tests.fuzz import target
from tests.fuzz.mutate import mutated
from tests.weights.caffe_writer import content, message, new_blob
from tests.writers.samples import seen

_BOMB = np.zeros((1 << 11, 1 << 12), np.uint8)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The members of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def caffe() -> bytes:
    """A network of one layer."""
    weight, bias = np.ones((2, 3, 1, 1), np.float32), np.ones(2, np.float32)
    blobs = (message(7, *new_blob(blob)) for blob in (weight, bias))
    return b"".join(content(100, message(1, b"conv"), *blobs))


class Target(target.Target):
    """Archives are damaged as they are, or whole around a damaged member; safetensors likewise in their header."""

    most_calls = 1_000_000  # a zip's member may become many times as large
    most_bytes = 1 << 26

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        Npz().save(seen(), folder / "whole.npz")
        members = unzipped((folder / "whole.npz").read_bytes())
        bomb = io.BytesIO()
        np.save(bomb, _BOMB)
        self.inputs = {
            "whole.npz": (folder / "whole.npz").read_bytes(),
            "bomb.npz": zipped({**members, "labels.npy": bomb.getvalue()}, zipfile.ZIP_DEFLATED),
            "net.caffemodel": caffe(),
            "caffe in.zip": zipped({"net.caffemodel": caffe()}, zipfile.ZIP_DEFLATED),
        }
        if find_spec("torch"):
            import torch

            state: dict[str, Any] = {
                "conv.weight": torch.ones(2, 3, 1, 1),
                "conv.bias": torch.zeros(2).half(),
            }
            write_safetensors(folder / "net.safetensors", state, card("fcn8s"))
            training = {
                "epoch": 3,
                "state_dict": {"network.a": torch.ones(3)},
                "faceparse": {"scheme": "face2"},
            }
            for name, value in {"net.pt": state, "training.ckpt": training}.items():
                torch.save(value, folder / name)
            torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
            self.inputs |= {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".npz"}
            self.inputs["torch in.zip"] = zipped({"old.pth": self.inputs["old.pth"]})

    def mutant(self, chance: random.Random, name: str) -> bytes:
        data = self.inputs[name]
        if chance.random() < 0.3 or name == "bomb.npz":
            return super().mutant(chance, name)
        if data.startswith(b"PK"):
            members = unzipped(data)
            member = chance.choice(sorted(members))
            members[member] = mutated(chance, members[member], [data, *members.values()], text=True)
            return zipped(members, chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        if name.endswith(".safetensors"):
            size = int.from_bytes(data[:8], "little")
            header = mutated(chance, data[8 : 8 + size], [data], text=True)
            return len(header).to_bytes(8, "little") + header + data[8 + size :]
        return super().mutant(chance, name)

    def read(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.write_bytes(data)
        if name.endswith(".npz"):
            parsing = Parsing.load(path)
            self.size = parsing.labels.nbytes
            return
        if name.endswith(".safetensors"):
            safetensors_card(path)
        file = read_checkpoint(path)
        self.size = sum(tensor.untyped_storage().nbytes() for tensor in file.tensors.values())
        assert file.scheme is None or file.scheme
