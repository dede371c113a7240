"""SegFace against the published implementation, and what its checkpoints may be."""

import gzip
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import ImageError, WeightsError  # noqa: E402
from faceparse.models.backbones.tapped import CLASSIFIERS, FeatureExtractor, make_backbone  # noqa: E402
from faceparse.models.segface import SegFace  # noqa: E402
from faceparse.models.segface_lapa import SegFaceLaPa, similarity, unwarp, warp  # noqa: E402
from faceparse.weights.checkpoint import Checkpoint  # noqa: E402
from tests.models.conftest import GOLDEN, filled  # noqa: E402
from tests.models.families import members  # noqa: E402

pytestmark = pytest.mark.torch

GOLDEN_OF = {"segface-celeb-convnext_tiny": "segface-celeb-convnext_small"}
"""What is published under the first name is the second: same keys, same outputs."""
MOBILE = "segface-celeb-mobilenet"
TOLERANCE: Mapping[str, float] = {
    "segface-lapa-mobilenet": 1e-3,
    "segface-lapa-swin_base": 1e-3,
    # Chaotic with these parameters, in double precision too: one last bit of the input moves the output by up to
    # 0.1 (measured), another BLAS by 0.5; a transposed weight moves it by 3.5 and more.
    "segface-celeb-efficientnet": 1.0,
}
"""Tolerances in standard deviations, where other than 1e-4."""


@cache
def published_keys() -> Mapping[str, list[tuple[str, list[int], str]]]:
    with gzip.open(GOLDEN / "segface.keys.json.gz", "rt", encoding="utf-8") as file:
        keys: Mapping[str, list[tuple[str, list[int], str]]] = json.load(file)
    return keys


def published(name: str) -> dict[str, Any]:
    """A state dict of the published form, filled."""
    return {
        key: torch.from_numpy(
            window_index(*shape) if key.endswith("position_index") else filled(key, tuple(shape), dtype)
        )
        for key, shape, dtype in published_keys()[name]
    }


def window_index(entries: int) -> NDArray[np.int64]:
    """Swin's table of relative positions in a square window, a constant of the architecture."""
    side = round(entries**0.25)
    y, x = np.divmod(np.arange(side * side), side)
    rows, columns = (a[:, None] - a + side - 1 for a in (y, x))
    index: NDArray[np.int64] = (rows * (2 * side - 1) + columns).reshape(-1)
    return index


def image(side: int = 128) -> Any:
    """The input of the reference outputs."""
    return torch.from_numpy(np.float32(10) * filled("input.bias", (3, side, side))[None])


def loaded(name: str) -> models.Network:
    return models.load_checkpoint(name, Checkpoint(Path("model_299.pt"), published(name)))


@pytest.fixture(scope="module")
def mobile() -> models.Network:
    return loaded(MOBILE)


@pytest.mark.parametrize("name", members(published_keys()))
def test_equals_the_published_implementation(
    name: str, golden: Callable[[str], Mapping[str, NDArray[np.float32]]]
) -> None:
    wanted = golden(GOLDEN_OF.get(name, name))
    network, x = loaded(name), image()
    if name.endswith("efficientnet"):  # chaotic with these parameters: only double precision repeats
        network, x = network.double(), x.double()
    given = (x, torch.from_numpy(wanted["landmarks"])) if network.needs_landmarks else (x,)
    with torch.inference_mode():
        out = network(*given)
    mean, std = wanted["out.mean_std"]
    near = TOLERANCE.get(name, 1e-4) * std
    assert out.shape == (1, 19 if "celeb" in name else 11, 128, 128)
    apart = np.abs(out.numpy()[..., ::3, ::3] - wanted["out"])
    assert apart.max() < near
    if near > 0.1 * std:
        assert np.median(apart) < 0.1 * std
    assert abs(out.double().mean().item() - mean) < near


@pytest.mark.parametrize("around", ["bare", "model_299"])
def test_files_as_published(around: str, tmp_path: Path, mobile: models.Network) -> None:
    path = tmp_path / "model_299.pt"
    state = published(MOBILE)
    whole = {
        "epoch": 299,
        "iteration": 1000,
        "state_dict_backbone": state,
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-4}]},
        "scheduler": {"milestones": {80: 1, 200: 1}, "last_epoch": 300},
    }
    torch.save(state if around == "bare" else whole, path)
    network = models.load(MOBILE, path)
    assert not network.training
    mine, theirs = network.state_dict(), mobile.state_dict()
    assert all(torch.equal(mine[key], value) for key, value in theirs.items())
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(WeightsError, match="is cut short or damaged") as raised:
        models.load(MOBILE, path)
    assert "\n" not in str(raised.value)


def fault(name: str, state: dict[str, Any]) -> str:
    with pytest.raises(WeightsError) as raised:
        models.load_checkpoint(name, Checkpoint(Path("model_299.pt"), state))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_other_checkpoints_are_told_by_name() -> None:
    state = published("segface-lapa-mobilenet")
    text = fault(MOBILE, state)
    assert "8 missing (face_decoder.neck_token.weight" in text
    assert "The file fits segface-helen-mobilenet and segface-lapa-mobilenet: name that" in text
    assert "missing (backbone.0.0.0.weight" in fault("segface-lapa-swin_base", state)
    del state["face_decoder.hair_token.weight"]
    text = fault("segface-lapa-mobilenet", state)
    assert "1 missing (face_decoder.hair_token.weight)" in text
    assert "segface-… (33)" in text


def test_published_convnext_tiny_is_not_the_true_one() -> None:
    with torch.device("meta"):
        state = models.network("segface-celeb-convnext_small").build().state_dict()
    assert models.fits(state) == ("segface-celeb-convnext_small", "segface-celeb-convnext_tiny")


# Depending on torch, a batch norm's counter stays where it was made.
@pytest.mark.filterwarnings("ignore:.*copying from a non-meta")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_backbones_start_from_torchvisions_checkpoints(name: str) -> None:
    with torch.device("meta"):
        backbone = make_backbone(name).to("meta")  # counters are made elsewhere
        state = CLASSIFIERS[name].make(weights=None).to("meta").state_dict()
        maps = backbone(torch.zeros(2, 3, 64, 96))
    assert [tuple(x.shape) for x in maps] == [
        (2, 64 // s, 96 // s, width)
        for s, width in zip((4, 8, 16, 32), CLASSIFIERS[name].widths, strict=True)
    ]
    backbone.load_classifier(state)
    last = [k for k in state if k.startswith(("features.", "layer4.")) and k.endswith("weight")][-1]
    with pytest.raises(WeightsError, match=r"torchvision's .* checkpoint .*Missing key"):
        backbone.load_classifier({k: v for k, v in state.items() if k != last})


def test_the_backbone_takes_the_values() -> None:
    made = CLASSIFIERS["mobilenet"].make(weights=None)
    network = SegFace(3, "mobilenet")
    network.load_backbone(made.state_dict())
    assert isinstance(network.trunk, FeatureExtractor)
    torch.testing.assert_close(network.trunk.state_dict()["16.0.weight"], made.features[16][0].weight)


def test_odd_sizes_are_padded_and_cut(mobile: models.Network) -> None:
    x = image()[..., :97, :66]
    with torch.inference_mode():
        whole = mobile(torch.nn.functional.pad(x, (0, 2, 0, 3)))
        torch.testing.assert_close(mobile(x), whole[..., :97, :66])
        assert mobile(x[..., :1, :1]).shape == (1, 19, 1, 1)


def test_threads_do_not_meet(mobile: models.Network) -> None:
    inputs = [image(64) * scale for scale in (0.2, 0.5, 1.0, -1.0)]
    with torch.inference_mode():
        alone = [mobile(x) for x in inputs]

    def run(x: Any) -> Any:
        with torch.inference_mode():
            return mobile(x)

    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(run, inputs), strict=True):
            torch.testing.assert_close(one, other)


def test_training_and_inference_decode_alike(mobile: models.Network) -> None:
    features = torch.from_numpy(filled("features.bias", (1, 8, 8, 256))) * 10
    decoder: Any = mobile.decoder
    try:
        with torch.inference_mode():
            torch.testing.assert_close(decoder.train()(features), decoder.eval()(features))
    finally:
        decoder.eval()


class TestLaPa:
    POINTS = ((49, 56), (79, 57), (64, 72), (55, 90), (73, 90))

    def network(self) -> models.Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return SegFaceLaPa(3, "mobilenet").eval()

    def test_it_says_that_it_needs_landmarks(self) -> None:
        with pytest.raises(
            ImageError, match=r"network\(image, landmarks\), float \(B, 5, 2\).*mouth corners"
        ):
            self.network()(image(64))

    @pytest.mark.parametrize(
        ("points", "message"),
        [
            (np.zeros((1, 4, 2)), r"\(B, 5, 2\), got shape \(1, 4, 2\)"),
            (np.zeros((5, 2)), r"\(B, 5, 2\), got shape \(5, 2\)"),
            (np.ones((1, 5, 2)), "in one place"),
            (np.full((1, 5, 2), np.nan), "not finite"),
        ],
    )
    def test_it_refuses_other_landmarks(self, points: NDArray[np.float64], message: str) -> None:
        with pytest.raises(ImageError, match=message):
            self.network()(image(64), torch.from_numpy(points))

    def test_warped_there_and_back(self) -> None:
        """A smooth picture returns, where the picture is; each way the published half pixel shifts it."""
        y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
        picture = torch.stack([x, y, x + y])[None]
        to_template = similarity(torch.tensor([self.POINTS], dtype=torch.float32), (128, 128))
        back = unwarp(warp(picture, to_template), to_template)
        shift = (back - picture)[0, :2, 40:100, 30:100]
        assert (shift + 1).abs().max() < 0.6

    def test_each_picture_has_its_own_landmarks(self) -> None:
        network = self.network()
        x = image(64).repeat(2, 1, 1, 1)
        points = torch.tensor([self.POINTS, self.POINTS[::-1]], dtype=torch.float32) / 2
        with torch.inference_mode():
            both = network(x, points)
            torch.testing.assert_close(both[1:], network(x[1:], points[1:]))
            assert (both[0] - both[1]).abs().max() > 0.1 * both.std()
            torch.testing.assert_close(network.training_logits(x, points)[0], both)  # type: ignore[call-arg]
            torch.testing.assert_close(network.training_logits(x)[0], network.grid_logits(x))
