from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.models.bisenet import BiSeNet  # noqa: E402
from tests.models.families import members  # noqa: E402

pytestmark = pytest.mark.torch
NAMES = ("bisenet-resnet18", "bisenet-resnet34", "bisenet-zllrunning")


@pytest.mark.parametrize("name", members(NAMES))
def test_equals_the_published_implementation(
    name: str,
    tmp_path: Path,
    published: Callable[[str], dict[str, Any]],
    golden: Callable[[str], Mapping[str, NDArray[np.float32]]],
    golden_input: NDArray[np.float32],
) -> None:
    torch.save(published(name), tmp_path / "weights.pth")
    network = models.load(name, tmp_path / "weights.pth")
    image = torch.from_numpy(golden_input)
    with torch.inference_mode():
        outputs = dict(zip(("out", "out16", "out32"), network.training_logits(image), strict=True))
        torch.testing.assert_close(network(image), outputs["out"])
    wanted = golden(name)
    for key, output in outputs.items():
        mean, std = wanted[f"{key}.mean_std"]
        assert output.shape == (1, 19, 96, 128)
        assert np.abs(output.numpy()[..., ::3, ::3] - wanted[key]).max() < 1e-4 * std
        assert abs(output.double().mean().item() - mean) < 1e-4 * std


def test_backbone_starts_from_torchvisions_checkpoint() -> None:
    from torchvision.models.resnet import resnet18

    theirs = resnet18(weights=None).state_dict()
    network = BiSeNet(19)
    network.load_backbone(theirs)
    torch.testing.assert_close(network.trunk.layer4[1].conv2.weight, theirs["layer4.1.conv2.weight"])
    with pytest.raises(WeightsError, match=r"torchvision's ResNet.*conv1"):
        network.load_backbone({k: v for k, v in theirs.items() if k != "conv1.weight"})


def test_a_pixel_is_enough() -> None:
    with torch.inference_mode():
        assert BiSeNet(3).eval()(torch.zeros(1, 3, 1, 1)).shape == (1, 3, 1, 1)
