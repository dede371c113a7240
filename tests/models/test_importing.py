from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import ConfigError, OutputError, WeightsError  # noqa: E402
from faceparse.models.importing import UNKNOWN_TERMS  # noqa: E402
from faceparse.weights import (  # noqa: E402
    Grid,
    add_file,
    backbone,
    card,
    published_path,
    read_checkpoint,
    safetensors_card,
    verify,
    write_safetensors,
)
from faceparse.weights.hashing import sha256  # noqa: E402

pytestmark = pytest.mark.torch
NAME = "fpn-efficientnet_lite0"
ABOUT = {
    "network": NAME,
    "scheme": "lapa11",
    "size": 64,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "settings": {"data": {"root": "/home/someone/faces", "train": "train", "val": "val"}},
}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A training checkpoint of ours."""
    state = models.build(NAME, num_classes=11).state_dict()
    path = tmp_path / "best.ckpt"
    torch.save(
        {"epoch": 3, "state_dict": {f"network.{k}": v for k, v in state.items()}, "faceparse": ABOUT}, path
    )
    return path


@pytest.fixture
def foreign(tmp_path: Path, published: Callable[[str], dict[str, Any]]) -> Path:
    path = tmp_path / "resnet18.pt"
    torch.save(published("bisenet-resnet18"), path)
    return path


def test_a_training_checkpoint_brings_its_card(trained: Path) -> None:
    target = trained.with_name("mine.safetensors")
    made = models.import_checkpoint(trained, NAME, target)
    found = safetensors_card(target)
    assert found == made
    assert (found.id, found.network, found.scheme) == ("mine", NAME, "lapa11")
    assert (found.input.size, found.input.mean, found.input.std) == ((64, 64), (0.5,) * 3, (0.25,) * 3)
    assert found.output == Grid(4, False)
    assert found.licence.terms == UNKNOWN_TERMS
    assert found.training == "faces, split train, chosen on val"
    assert found.source.sha256 == sha256(trained)
    assert models.load(NAME, target).state_dict()["head.3.bias"].shape == (11,)
    again = models.import_checkpoint(target, NAME, trained.with_name("again.safetensors"))
    assert again == made


def test_terms_in_the_settings_reach_the_card(trained: Path) -> None:
    content = torch.load(trained, weights_only=True)
    content["faceparse"]["licence"] = {"weights": "CC BY-NC 4.0", "terms": "Not for sale."}
    torch.save(content, trained)
    made = models.import_checkpoint(trained, NAME, trained.with_name("a.safetensors"))
    assert (made.licence.weights, made.licence.terms) == ("CC BY-NC 4.0", "Not for sale.")


def test_incomplete_settings_are_named(trained: Path) -> None:
    content = torch.load(trained, weights_only=True)
    del content["faceparse"]["mean"]
    torch.save(content, trained)
    with pytest.raises(WeightsError, match=r"settings inside .*incomplete: 'mean'"):
        models.import_checkpoint(trained, NAME, trained.with_name("a.safetensors"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("settings", 5),
        ("settings", {"data": 5}),
        ("licence", 5),
        ("mean", 5),
        ("size", 10**30),
        ("scheme", [5]),
        ("scheme", "/etc/hosts.yaml"),
    ],
)
def test_settings_of_wrong_types_are_one_line(trained: Path, key: str, value: object) -> None:
    content = torch.load(trained, weights_only=True)
    content["faceparse"][key] = value
    torch.save(content, trained)
    with pytest.raises(WeightsError, match="settings inside") as caught:
        models.import_checkpoint(trained, NAME, trained.with_name("a.safetensors"))
    assert "\n" not in str(caught.value)


def test_a_foreign_file_needs_a_card_and_leaves_nothing(foreign: Path) -> None:
    before = foreign.read_bytes()
    with pytest.raises(WeightsError, match=r"--card \(bisenet-resnet18-yakhyo, or a TOML file\)"):
        models.import_checkpoint(foreign, "bisenet-resnet18", foreign.with_name("a.safetensors"))
    assert [p.name for p in foreign.parent.iterdir()] == [foreign.name]
    assert foreign.read_bytes() == before


def test_wrong_keys_are_told_before_the_card_is_asked_for(foreign: Path) -> None:
    with pytest.raises(WeightsError, match="The file fits bisenet-resnet18"):
        models.import_checkpoint(foreign, "bisenet-resnet34", foreign.with_name("a.safetensors"))


def test_a_foreign_file_with_its_card(foreign: Path) -> None:
    target = foreign.with_name("a.safetensors")
    made = models.import_checkpoint(foreign, "bisenet-resnet18", target, card="bisenet-resnet18-yakhyo")
    wanted = card("bisenet-resnet18-yakhyo")
    assert made == replace(wanted, source=replace(wanted.source, sha256=sha256(foreign)))
    assert "trunk.conv1.weight" in read_checkpoint(target).tensors
    assert target.stat().st_mode & 0o777 == foreign.stat().st_mode & 0o777
    assert sorted(p.name for p in foreign.parent.iterdir()) == ["a.safetensors", "resnet18.pt"]


def test_known_by_its_hash(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = card("bisenet-resnet18-yakhyo")
    known = replace(known, source=replace(known.source, sha256=sha256(foreign)))
    monkeypatch.setattr("faceparse.models.importing.cards", lambda: {known.id: known})
    made = models.import_checkpoint(foreign, "bisenet-resnet18", foreign.with_name("a.safetensors"))
    assert made == known


def test_figures_of_another_file_do_not_come_along(
    tmp_path: Path, published: Callable[[str], dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "tuned.pth"
    torch.save(published("bisenet-zllrunning"), source)
    made = models.import_checkpoint(
        source, "bisenet-zllrunning", tmp_path / "a.safetensors", card="bisenet-resnet18-zllrunning"
    )
    assert made.figures == ()
    assert made.source.sha256 == sha256(source)
    assert "tuned.pth is not the file of card bisenet-resnet18-zllrunning" in caplog.text


def test_a_card_of_another_network_is_refused(foreign: Path) -> None:
    with pytest.raises(WeightsError, match="card bisenet-resnet34-yakhyo is of network bisenet-resnet34"):
        models.import_checkpoint(
            foreign, "bisenet-resnet18", foreign.with_name("a.safetensors"), card="bisenet-resnet34-yakhyo"
        )


def test_the_output_is_guarded(trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    with pytest.raises(ConfigError, match=r"\.safetensors file, got a\.pt"):
        models.import_checkpoint(trained, NAME, tmp_path / "a.pt")
    target.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        models.import_checkpoint(trained, NAME, target)
    assert target.read_bytes() == b"precious"
    models.import_checkpoint(trained, NAME, target, overwrite=True)
    before = target.read_bytes()
    with pytest.raises(OutputError, match="never written to"):
        models.import_checkpoint(target, NAME, target, overwrite=True)
    assert target.read_bytes() == before


def test_a_failed_write_leaves_the_old_file(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors.torch

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = trained.with_name("a.safetensors")
    write_safetensors(target, {"x": torch.zeros(1)}, card("bisenet-resnet18-yakhyo"))
    before = target.read_bytes()
    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OutputError, match="No space left on device"):
        models.import_checkpoint(trained, NAME, target, overwrite=True)
    assert target.read_bytes() == before
    assert sorted(p.name for p in target.parent.iterdir()) == ["a.safetensors", "best.ckpt"]


def test_a_model_file_in_the_cache_is_made_of_the_published_file_and_mended(foreign: Path) -> None:
    known = card("bisenet-resnet18-yakhyo")
    known = replace(known, source=replace(known.source, sha256=sha256(foreign)))
    with pytest.raises(WeightsError, match=f"is missing .*faceparse weights get {known.id}"):
        models.make_model_file(known)
    checkpoint = add_file(known, foreign)
    made = models.make_model_file(known)
    digest, before = sha256(made), made.stat().st_mtime_ns
    assert models.make_model_file(known).stat().st_mtime_ns == before
    made.write_bytes(made.read_bytes()[:-4] + bytes(4))
    assert [check.status for check in verify(known)] == ["ok", "CHANGED"]
    models.make_model_file(known)
    assert sha256(made) == digest
    made.unlink()
    torch.save({"other": torch.zeros(1)}, checkpoint)
    with pytest.raises(WeightsError, match=r"is CHANGED .* not used"):
        models.make_model_file(known)
    assert not made.exists()


def test_a_backbone_in_the_cache_is_held_to_its_record(foreign: Path) -> None:
    known = card("bisenet-resnet18-yakhyo")
    known = replace(known, source=replace(known.source, sha256=sha256(foreign)), backbone="dinov3-vitl16")
    add_file(known, foreign)
    part = published_path(backbone(known.backbone))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"PK another")
    with pytest.raises(WeightsError, match="not used: faceparse weights get dinov3-vitl16"):
        models.make_model_file(known)
