"""A wrong, truncated or foreign checkpoint of every published kind: one line, exit code 2, nothing written."""

import os
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.cli.conftest import Ran  # noqa: E402
from tests.models.small import (  # noqa: E402
    dinov3_of,
    small_fcn8s,
    small_last_ckpt,
    small_vgg19_dinov3,
    without_dinov3,
)
from tests.weights.caffe_writer import new_model, old_model  # noqa: E402

pytestmark = pytest.mark.torch
Command = Callable[..., Ran]
Weights = Mapping[str, Any]
VITL = "vgg19-dinov3-vitl16"


def saved(content: object, legacy: bool = False) -> bytes:
    buffer = BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def caffe(write: Callable[..., Iterator[bytes | memoryview]], state: Weights) -> bytes:
    layers: dict[str, list[Any]] = {}
    for key, value in state.items():
        layers.setdefault(key.rpartition(".")[0], []).append(value.numpy())
    return b"".join(write(layers))


def safetensors(state: Weights) -> bytes:
    from safetensors.torch import save

    return bytes(save(dict(state)))


def lightning(state: Weights) -> dict[str, Any]:
    return {"epoch": 7, "global_step": 9, "pytorch-lightning_version": "2.5.0", "state_dict": dict(state)}


def yakhyo(state: Weights) -> dict[str, Any]:
    return {"model": dict(state), "optimizer": {"state": {}}, "lr_scheduler": {"last_epoch": 3}, "epoch": 3}


def segface(state: Weights) -> dict[str, Any]:
    return {
        "epoch": 299,
        "iteration": 1,
        "state_dict_backbone": dict(state),
        "optimizer": {},
        "scheduler": {},
    }


KINDS: dict[str, tuple[str, str, Callable[[Weights], bytes]]] = {
    "resnet18.pt": ("bisenet-resnet18", "bisenet-resnet18-yakhyo", lambda s: saved(dict(s))),
    "resnet34.ckpt": ("bisenet-resnet34", "bisenet-resnet34-yakhyo", lambda s: saved(yakhyo(s))),
    "79999_iter.pth": (
        "bisenet-zllrunning",
        "bisenet-resnet18-zllrunning",
        lambda s: saved(dict(s), legacy=True),
    ),
    "model_299.pt": (
        "segface-celeb-mobilenet",
        "segface-celeb-mobilenet-512",
        lambda s: saved(segface(s)),
    ),
    "face_seg_fcn8s.pt": ("fcn8s", "fcn8s", lambda s: saved(dict(s))),
    "face_seg_fcn8s.zip": ("fcn8s", "fcn8s", lambda s: zipped("a/face_seg_fcn8s.pt", saved(dict(s)))),
    "face_seg_fcn8s.caffemodel": ("fcn8s", "fcn8s", lambda s: caffe(new_model, s)),
    "old.caffemodel": ("fcn8s", "fcn8s", lambda s: caffe(old_model, s)),
    "last.ckpt": (VITL, VITL, lambda s: saved(lightning(s))),
    "decoder.ckpt": (VITL, VITL, lambda s: saved(lightning(s))),
    "mine.safetensors": ("bisenet-resnet18", "bisenet-resnet18-yakhyo", safetensors),
}
ALIKE = ("resnet34.ckpt", "model_299.pt", "face_seg_fcn8s.pt", "old.caffemodel", "decoder.ckpt")
"""Read by the same code as another kind."""

every_kind = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in KINDS]
)


class Runs:
    """Unpickling it would call something."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


FOREIGN = {
    "empty": (b"", "is empty"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 5\n", "Git LFS pointer"),
    "page": (b"<!DOCTYPE html><html><body>Quota exceeded</body></html>", ""),
    "pickle": (pickle.dumps({"state_dict": Runs()}), ""),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(400), ""),
    "archive": (zipped("readme.txt", b"hello"), ""),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_fcn8s(monkeypatch)
    small_vgg19_dinov3(monkeypatch, VITL)
    monkeypatch.chdir(tmp_path)


def refused(faceparse: Command, name: str, *more: str, about: str = "") -> str:
    network, card, _ = KINDS[name]
    ran = faceparse("import", name, "--network", network, "--card", card, "-o", "out.safetensors", *more)
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("faceparse: ")
    assert (about or name) in ran.err
    assert not Path("out.safetensors").exists()
    return ran.err


@every_kind
def test_wrong(faceparse: Command, name: str) -> None:
    """Whole and readable, but of some other network."""
    Path(name).write_bytes(
        KINDS[name][2]({"stem.weight": torch.ones(3, 2, 1, 1), "stem.bias": torch.ones(3)})
    )
    text = refused(faceparse, name)
    assert f"does not fit {KINDS[name][0]}" in text
    assert "missing (" in text
    assert "unexpected (stem." in text


@every_kind
def test_truncated(faceparse: Command, name: str) -> None:
    whole = KINDS[name][2]({"stem.weight": torch.ones(30, 20, 1, 1), "stem.bias": torch.ones(30)})
    for length in (len(whole) - 1, len(whole) // 2, 40):
        Path(name).write_bytes(whole[:length])
        text = refused(faceparse, name)
        if length > 40:
            assert "get the file again" in text, (length, text)


@every_kind
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign(faceparse: Command, name: str, kind: str) -> None:
    content, message = FOREIGN[kind]
    Path(name).write_bytes(content)
    text = refused(faceparse, name)
    assert message in text
    if kind == "pickle" and not name.endswith((".caffemodel", ".safetensors")):
        assert "may run code" in text
    if kind == "page":
        assert "web page" in text or "get the file again" in text or "is not a safetensors file" in text


def test_dinov3_of_metas_file(faceparse: Command) -> None:
    """The second file of `--dinov3` is held to the same."""
    state = small_last_ckpt()
    torch.save(lightning(without_dinov3(state)), "decoder.ckpt")
    meta = "dinov3_vitl16.pth"

    def told() -> str:
        return refused(faceparse, "decoder.ckpt", "--dinov3", meta, about=meta)

    whole = saved(dinov3_of(state))
    Path(meta).write_bytes(whole[:-50])
    assert "cut short" in told()
    for content, message in FOREIGN.values():
        Path(meta).write_bytes(content)
        assert message in told()
    torch.save({"cls_token": torch.ones(1, 1, 5)}, meta)
    assert "does not fit" in told()


@pytest.mark.parametrize("name", ["resnet18.pt", "face_seg_fcn8s.caffemodel", "last.ckpt"])
def test_parse_says_what_to_do_with_a_foreign_checkpoint(
    faceparse: Command, name: str, collins_path: Path
) -> None:
    Path(name).write_bytes(KINDS[name][2]({"stem.weight": torch.ones(3, 2, 1, 1)}))
    ran = faceparse("parse", collins_path, "-o", "out", "--model", name)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "its tensors are of no network here: give --card" in ran.err
    assert not Path("out").exists()


def onnx_files(tiny: bytes) -> dict[str, tuple[bytes, str]]:
    foreign = tiny.replace(b"faceparse.card", b"somebody.s.own")
    return {
        **{kind: (content, "") for kind, (content, _) in FOREIGN.items()},
        "half": (tiny[: len(tiny) // 2], ""),
        "cut": (tiny[:-3], ""),
        "card": (foreign, "--card"),
    }


@pytest.mark.parametrize("kind", onnx_files(b""))
def test_onnx(faceparse: Command, kind: str, tiny_path: Path, collins_path: Path) -> None:
    content, message = onnx_files(tiny_path.read_bytes())[kind]
    Path("resnet18.onnx").write_bytes(content)
    words = () if kind == "card" else ("--card", "bisenet-resnet18-yakhyo-onnx")
    for command in (("parse", collins_path, "-o", "out"), ("export", "-o", "out.onnx")):
        ran = faceparse(*command, "--model", "resnet18.onnx", *words)
        assert ran.code == 2, ran.err
        assert len(ran.err.splitlines()) == 1, ran.err
        assert "resnet18.onnx" in ran.err
        assert message in ran.err
    assert not list(Path().glob("out*"))


def test_onnx_of_another_network(faceparse: Command, tiny_path: Path, collins_path: Path) -> None:
    Path("resnet18.onnx").write_bytes(tiny_path.read_bytes())
    ran = faceparse("parse", collins_path, "-o", "out", "--model", "resnet18.onnx", "--card", "fcn8s")
    assert ran.code != 0
    assert len([line for line in ran.err.splitlines() if "expects float32 logits" in line]) == 1, ran.err
