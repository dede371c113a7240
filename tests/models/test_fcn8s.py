"""FCN-8s against the published implementation, and the files its weights come in."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.models.fcn8s import FCN8s  # noqa: E402
from faceparse.weights import Checkpoint  # noqa: E402
from faceparse.weights.importers.vgg16 import TORCHVISION_VGG16  # noqa: E402
from tests.models.conftest import published_state  # noqa: E402
from tests.models.small import caffe_layers, small_fcn8s  # noqa: E402
from tests.weights.caffe_writer import new_model, old_model  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_fcn8s(monkeypatch)


def test_equals_the_published_implementation(
    golden: Callable[[str], Mapping[str, NDArray[np.float32]]],
    golden_input: NDArray[np.float32],
) -> None:
    network = models.load_checkpoint("fcn8s", Checkpoint(Path("fcn8s.pt"), published_state("fcn8s")))
    assert isinstance(network, FCN8s)
    image = torch.from_numpy(golden_input)
    with torch.inference_mode():
        out, face = network(image), network.face_probability(image)
    wanted = golden("fcn8s")
    mean, std = wanted["out.mean_std"]
    assert out.shape == (1, 21, 96, 128)
    assert np.abs(out.numpy()[..., ::3, ::3] - wanted["out"]).max() < 1e-4 * std
    assert abs(out.double().mean().item() - mean) < 1e-4 * std
    assert np.abs(face.numpy() - wanted["pmap"]).max() < 1e-4 * wanted["pmap"].std()


@pytest.mark.usefixtures("small")
def test_every_published_file_gives_the_same_network(tmp_path: Path) -> None:
    state = models.build("fcn8s").state_dict()
    torch.save(state, tmp_path / "face_seg_fcn8s.pt")
    (tmp_path / "new.caffemodel").write_bytes(b"".join(new_model(caffe_layers(state))))
    (tmp_path / "old.caffemodel").write_bytes(b"".join(old_model(caffe_layers(state))))
    for name in ("face_seg_fcn8s.pt", "old.caffemodel"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("face_seg_fcn8s_deploy.prototxt", 'name: "face"')
            archive.write(tmp_path / name, f"face_seg_fcn8s/{name}")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 5
    for file in files:
        loaded = models.load("fcn8s", file).state_dict()
        assert all(torch.equal(loaded[k], v) for k, v in state.items()), file.name


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("ending", [".caffemodel", ".pt", ".zip"])
def test_wrong_files_are_told_in_a_line(ending: str, tmp_path: Path) -> None:
    def fault(file: Path) -> str:
        with pytest.raises(WeightsError) as raised:
            models.load("fcn8s", file)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def written(name: str, state: Mapping[str, Any]) -> Path:
        file = tmp_path / f"{name}{ending}"
        if ending == ".caffemodel":
            file.write_bytes(b"".join(new_model(caffe_layers(state))))
        else:
            torch.save(dict(state), file if ending == ".pt" else tmp_path / f"{name}.pt")
        if ending == ".zip":
            with zipfile.ZipFile(file, "w") as archive:
                archive.write(tmp_path / f"{name}.pt", f"{name}.pt")
        return file

    state = models.build("fcn8s").state_dict()
    whole = written("whole", state)
    whole.write_bytes(whole.read_bytes()[:-30])
    assert "cut short or damaged" in fault(whole)
    other = fault(written("other", {"conv1.weight": torch.zeros(3, 3, 1, 1)}))
    assert "does not fit fcn8s: 41 missing (" in other
    assert "1 unexpected (conv1.weight)" in other
    state["fc7.bias"] = torch.zeros(7)
    assert "1 mis-shaped (fc7.bias is (7,), not (6,))" in fault(written("shape", state))
    page = tmp_path / f"page{ending}"
    page.write_text("<!DOCTYPE html><html>Too many requests</html>")
    assert "get the file again" in fault(page) or "is it a web page" in fault(page)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [(1, 1), (5, 40), (25, 26), (27, 59), (64, 33), (97, 131), (130, 101)])
def test_any_size(size: tuple[int, int]) -> None:
    network = FCN8s(21).eval()
    with torch.inference_mode():
        face = network.face_probability(torch.zeros(2, 3, *size))
    assert face.shape == (2, *size)
    assert 0 <= face.min() <= face.max() <= 1


@pytest.mark.usefixtures("small")
def test_small_pictures_are_seen_as_on_a_larger_black_one() -> None:
    """Where padding is added to reach the smallest size, it is more of what surrounds every picture."""
    network = FCN8s(3).eval()
    picture = torch.randn(1, 3, 10, 20, generator=torch.Generator().manual_seed(0))
    wide = torch.zeros(1, 3, 26, 26)
    wide[..., :10, :20] = picture
    with torch.inference_mode():
        torch.testing.assert_close(network(picture), network(wide)[..., :10, :20])


def test_face_probability_is_background_against_the_strongest_other(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.tensor([1.0, -3, 2, 0.5])[None, :, None, None].expand(1, 4, 2, 3)
    with torch.device("meta"):
        network = FCN8s(4)
    monkeypatch.setattr(network, "grid_logits", lambda image: logits)
    wanted = torch.tensor([1.0, 2.0]).softmax(0)[1].expand(1, 2, 3)
    torch.testing.assert_close(network.face_probability(torch.zeros(1, 3, 2, 3)), wanted)


@pytest.mark.usefixtures("small")
def test_upsampling_starts_bilinear_and_stays_fixed() -> None:
    network = FCN8s(2)
    ramp = torch.arange(4.0).expand(1, 2, 4, 4)
    with torch.no_grad():
        up = network.upscore2(ramp)[0, 0, 5, 3:7]
    torch.testing.assert_close(up, torch.tensor([0.75, 1.25, 1.75, 2.25]))
    frozen = {k for k, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {
        *(
            f"{name}.weight"
            for name in ("upscore2", "upscore_pool4", "upscore8", "scale_pool4", "scale_pool3")
        )
    }


@pytest.mark.usefixtures("small")
def test_the_backbone_starts_from_either_checkpoint() -> None:
    published = models.build("fcn8s").state_dict()
    tuned: Any = FCN8s(2)
    tuned.load_backbone(published)
    assert torch.equal(tuned.fc6.weight, published["fc6.weight"])
    assert tuned.score_fr.weight.shape[0] == 2
    back = {ours: theirs for theirs, ours in TORCHVISION_VGG16.rules.items()}
    vgg = {
        back[f"{name}."] + end: value
        for name, _, end in (key.rpartition(".") for key in published)
        if f"{name}." in back
        for value in [published[f"{name}.{end}"]]
    }
    vgg["classifier.0.weight"] = vgg["classifier.0.weight"].flatten(1)  # a matrix there
    vgg["classifier.3.weight"] = vgg["classifier.3.weight"].flatten(1)
    vgg["classifier.6.weight"] = torch.zeros(1000, 6)
    from_vgg: Any = FCN8s(2)
    from_vgg.load_backbone(vgg)
    assert torch.equal(from_vgg.fc6.weight, published["fc6.weight"])
    assert torch.equal(from_vgg.conv5_3.weight, published["conv5_3.weight"])
    for wrong in ({**published, "fc6.weight": torch.zeros(3)}, {"conv1.weight": torch.zeros(1)}):
        with pytest.raises(WeightsError, match="torchvision's VGG-16 checkpoint or an FCN-8s"):
            FCN8s(2).load_backbone(wrong)


def test_torchvisions_names_are_those_of_the_network() -> None:
    from torchvision.models import vgg16

    with torch.device("meta"):
        theirs = TORCHVISION_VGG16(vgg16(weights=None).state_dict())
        ours = FCN8s(21).state_dict()
    assert {k: v.numel() for k, v in theirs.items()} == {
        k: v.numel() for k, v in ours.items() if k.startswith(("conv", "fc"))
    }


def test_another_networks_checkpoint_names_that_network() -> None:
    with torch.device("meta"):
        state = models.build("fcn8s").state_dict()
    with pytest.raises(WeightsError, match=r"does not fit bisenet-resnet18.*The file fits fcn8s: name"):
        models.load_checkpoint("bisenet-resnet18", Checkpoint(Path("face_seg_fcn8s.pt"), state))
