"""What PyTorch and safetensors write, whole and broken."""

import argparse
import os
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from faceparse.errors import OutputError, WeightsError  # noqa: E402
from faceparse.weights import card, read_checkpoint, safetensors_card, write_safetensors  # noqa: E402

pytestmark = pytest.mark.torch
STATE = OrderedDict({"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)})


def save_zip(content: object, path: Path) -> None:
    torch.save(content, path)


def save_legacy(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


formats = pytest.mark.parametrize("save", [save_zip, save_legacy])
Save = Callable[[object, Path], None]


class MakesFolder:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@formats
@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {
            "model": s,
            "optimizer": {"state": {}, "param_groups": []},
            "lr_scheduler": {},
            "epoch": 3,
        },
        lambda s: {"state_dict": s, "epoch": 3},
    ],
    ids=["bare", "yakhyo ckpt", "state_dict"],
)
def test_tensors_come_as_the_file_names_them(save: Save, wrap: Callable[[Any], Any], tmp_path: Path) -> None:
    save(wrap(STATE), tmp_path / "a.pt")
    file = read_checkpoint(tmp_path / "a.pt")
    assert list(file.tensors) == ["a.weight", "a.bias"]
    assert torch.equal(file.tensors["a.weight"], STATE["a.weight"])
    assert (file.card, file.settings, file.scheme) == (None, None, None)


def test_a_training_checkpoint_of_ours(tmp_path: Path) -> None:
    state = {f"network.{k}": v for k, v in STATE.items()} | {"loss.weight": torch.ones(1)}
    torch.save({"state_dict": state, "faceparse": {"scheme": "lapa11"}, "epoch": 1}, tmp_path / "a.ckpt")
    file = read_checkpoint(tmp_path / "a.ckpt")
    assert list(file.tensors) == ["a.weight", "a.bias"]
    assert file.settings == {"scheme": "lapa11"}
    assert file.scheme == "lapa11"


def test_safetensors_with_a_card(tmp_path: Path) -> None:
    wanted = card("bisenet-resnet18-zllrunning")
    path = tmp_path / "deep" / "a.safetensors"
    write_safetensors(path, {"t": torch.arange(6.0).view(2, 3).T}, wanted)
    file = read_checkpoint(path)
    assert torch.equal(file.tensors["t"], torch.arange(6.0).view(2, 3).T)
    assert file.card == wanted == safetensors_card(path)
    assert file.scheme == "celebamask19"
    with pytest.raises(OutputError, match="exists already"):
        write_safetensors(path, {}, wanted)


def test_the_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a.pth", dict(STATE), card("bisenet-resnet18-zllrunning"))
    assert set(read_checkpoint(tmp_path / "a.pth").tensors) == set(STATE)


@formats
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_cut_short(save: Save, kept: float, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    save({"w": torch.zeros(400, 100)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(WeightsError, match="cut short") as raised:
        read_checkpoint(path)
    assert "\n" not in str(raised.value)


@formats
def test_code_is_refused_by_name_and_not_run(save: Save, tmp_path: Path) -> None:
    made = tmp_path / "made"
    save({"w": MakesFolder(made)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"was refused: .* would run code \(.*(nt|posix)\.mkdir") as raised:
        read_checkpoint(tmp_path / "a.pth")
    assert not made.exists()
    assert "\n" not in str(raised.value)


@formats
def test_classes_are_refused_by_name(save: Save, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    save({"state_dict": STATE, "hyper_parameters": argparse.Namespace(lr=1)}, path)
    with pytest.raises(WeightsError, match=r"argparse\.Namespace"):
        read_checkpoint(path)
    save(torch.nn.Linear(2, 2), path)
    with pytest.raises(WeightsError, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no state dict.*its keys are none"),
        ({"epoch": 1, "best": 0.5}, "no state dict.*its keys are epoch, best"),
        ({1: torch.zeros(1)}, "no state dict"),
        ([torch.zeros(1)], "no state dict.*it holds a list"),
        (torch.zeros(1), "no state dict.*it holds a Tensor"),
    ],
)
def test_files_without_a_state_dict(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(tmp_path / "a.pt")


def test_a_packed_archive_of_zeros_is_not_unpacked(tmp_path: Path) -> None:
    save_zip({"w": torch.zeros(5 << 22)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as plain, zipfile.ZipFile(tmp_path / "b.pt", "w") as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry), zipfile.ZIP_DEFLATED)
    assert len(read_checkpoint(tmp_path / "a.pt").tensors["w"]) == 5 << 22
    with pytest.raises(WeightsError, match="would unpack"):
        read_checkpoint(tmp_path / "b.pt")


@formats
def test_a_claim_on_more_memory_than_there_is(save: Save, tmp_path: Path) -> None:
    class Claims:
        def __reduce__(self) -> tuple[Any, ...]:
            return bytearray, (1 << 60,)

    save({"w": Claims()}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="more memory than there is"):
        read_checkpoint(tmp_path / "a.pth")


def test_reading_warns_of_nothing(tmp_path: Path) -> None:
    save_legacy(STATE, tmp_path / "a.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_checkpoint(tmp_path / "a.pth")
