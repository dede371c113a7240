"""Every network exports to ONNX: equal labels, any batch and size, its card inside, nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.engines import FakeEngine, open_engine  # noqa: E402
from faceparse.errors import ConfigError, OutputError, WeightsError  # noqa: E402
from faceparse.export import ExportResult, NetworkEngine, Parity, compare, export_onnx, load_source  # noqa: E402
from faceparse.export.parity import trial_inputs  # noqa: E402
from faceparse.weights import Card, Grid, Licence, Preprocessing, Source, write_safetensors  # noqa: E402
from faceparse.weights import card as find_card  # noqa: E402

pytestmark = pytest.mark.torch

SOURCE = Path(__file__).parents[2] / "src"


LARGE = 30_000_000
"""Networks of more parameters are not exported in tests; their families' small ones are."""

QUICK = "fpn-efficientnet_lite0"
EXPORTED = [
    name if name == QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in models.networks()
    if not name.startswith(("segface-helen-", "segface-lapa-"))  # of the same graphs as segface-celeb's
]


def card_of(name: str, grid: Grid, size: int = 96) -> Card:
    return Card(
        id=f"{name}-random",
        title="Random “weights”",
        network=name,
        scheme="celebamask19",
        input=Preprocessing((size, size)),
        output=grid,
        source=Source("none"),
        licence=Licence("none", "none"),
        training="none",
    )


def built(name: str) -> tuple[models.Network, Card]:
    torch.manual_seed(0)
    network = models.build(name).eval()
    return network, card_of(name, network.grid)


@pytest.fixture(scope="module", params=EXPORTED)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[models.Network, ExportResult]:
    with torch.device("meta"):
        parameters = sum(p.numel() for p in models.build(request.param).parameters())
    if parameters > LARGE:
        pytest.skip(f"more than {LARGE:,} parameters")
    network, card = built(request.param)
    path = tmp_path_factory.mktemp("export") / f"{request.param}.onnx"
    return network, export_onnx(network, card, path)


def test_every_network_keeps_its_labels(exported: tuple[models.Network, ExportResult]) -> None:
    network, done = exported
    assert done.parity.equal >= 0.999
    assert done.parity.inputs == ((1, 3, 96, 96), (2, 3, 69, 61))
    # A batch and a size that neither the export nor its own check has seen.
    image = np.random.default_rng(1).standard_normal((3, 3, 97, 131), np.float32)
    reference = NetworkEngine(network, done.card)
    assert compare(reference, open_engine(done.path, threads=1), [image]).equal >= 0.999


def test_onnx_and_torch_engines_agree(exported: tuple[models.Network, ExportResult], tmp_path: Path) -> None:
    network, done = exported
    path = tmp_path / "own.safetensors"
    write_safetensors(path, network.state_dict(), done.card)
    image = np.concatenate(
        [done.card.input(p) for p in np.random.default_rng(2).integers(0, 256, (2, 96, 96, 3), np.uint8)]
    )
    labels = [open_engine(p).run({"image": image})["logits"].argmax(1) for p in (path, done.path)]
    assert (labels[0] == labels[1]).mean() >= 0.999


def test_the_file_holds_its_card_and_one_head(exported: tuple[models.Network, ExportResult]) -> None:
    _, done = exported
    assert open_engine(done.path).card == done.card
    assert done.inputs == {"image": ("batch", 3, "height", "width")}
    assert done.outputs == {"logits": ("batch", 19, "grid_height", "grid_width")}
    assert done.size == done.path.stat().st_size
    assert [p.name for p in done.path.parent.iterdir()] == [done.path.name]


def test_normalisation_is_folded_and_no_path_is_left(exported: tuple[models.Network, ExportResult]) -> None:
    _, done = exported
    assert "BatchNormalization" not in {node.op_type for node in onnx.load(done.path).graph.node}
    content = done.path.read_bytes()
    assert str(SOURCE).encode() not in content
    assert b"site-packages" not in content


def test_the_network_is_left_as_it_was(tiny_network: str, tmp_path: Path) -> None:
    network, card = built(tiny_network)
    network.train()
    export_onnx(network, card, tmp_path / "a.onnx")
    assert all(module.training for module in network.modules())


def test_an_existing_file_stays_unless_told(tiny_network: str, tmp_path: Path) -> None:
    network, card = built(tiny_network)
    path = tmp_path / "a.onnx"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        export_onnx(network, card, path)
    assert path.read_text() == "mine"
    export_onnx(network, card, path, overwrite=True)
    assert open_engine(path).card == card


def test_a_difference_writes_nothing(
    tiny_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, card = built(tiny_network)
    monkeypatch.setattr("faceparse.export.onnx.compare", lambda *_: Parity(0.9985, 0.1, ((1, 3, 8, 8),)))
    with pytest.raises(WeightsError, match=r"99\.850 % equal pixels.*99\.9 % is required"):
        export_onnx(network, card, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_other_requests_are_refused(tiny_network: str, tmp_path: Path) -> None:
    network, card = built(tiny_network)
    with pytest.raises(ConfigError, match=r"\.onnx file, got a\.pt"):
        export_onnx(network, card, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=r"correct the card's \[output\] table"):
        export_onnx(network, replace(card, output=Grid(8, True)), tmp_path / "a.onnx")


def test_comparison_counts_pixels_at_the_inputs_size(tiny_network: str) -> None:
    network, card = built(tiny_network)
    state = network.state_dict()
    state["conv.weight"].zero_()
    state["conv.bias"].copy_(torch.arange(19))  # label 18 everywhere

    def half(image: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = np.zeros((len(image), 19, 4, 4), np.float32)
        logits[:, 18] = 18
        logits[:, 3, :, 2:] = 40
        return logits

    image = np.zeros((1, 3, 8, 8), np.float32)
    found = compare(NetworkEngine(network, card), FakeEngine(card, half), [image])
    assert 0.4 <= found.equal <= 0.5
    assert not found.holds
    assert found.inputs == ((1, 3, 8, 8),)


def test_trial_inputs_are_the_same_every_time(tiny_network: str) -> None:
    _, card = built(tiny_network)
    for one, other in zip(trial_inputs(card), trial_inputs(card), strict=True):
        np.testing.assert_array_equal(one, other)


# What an export starts from


@pytest.fixture
def checkpoint(tiny_network: str, tmp_path: Path) -> Callable[..., Path]:
    def save(name: str, **around: object) -> Path:
        state = built(tiny_network)[0].state_dict()
        path = tmp_path / name
        if around:
            wrapped = {f"network.{k}": v for k, v in state.items()}
            torch.save({"state_dict": wrapped, **around}, path)
        else:
            torch.save(dict(state), path)
        return path

    return save


def test_from_safetensors(tiny_network: str, tmp_path: Path) -> None:
    network, card = built(tiny_network)
    path = tmp_path / "own.safetensors"
    write_safetensors(path, network.state_dict(), card)
    loaded, found = load_source(path)
    assert found == card
    assert isinstance(loaded, models.Network)
    assert not loaded.training
    torch.testing.assert_close(loaded.state_dict(), network.state_dict())


def test_from_a_training_checkpoint(checkpoint: Callable[..., Path]) -> None:
    about = {
        "network": "tiny",
        "scheme": "celebamask19",
        "size": 64,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    }
    network, card = load_source(checkpoint("best.ckpt", faceparse=about))
    assert isinstance(network, models.Network)
    assert (card.id, card.network, card.scheme) == ("best", "tiny", "celebamask19")
    assert card.input == Preprocessing((64, 64), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert card.output == network.grid


def test_a_published_checkpoint_needs_a_card(checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    path = checkpoint("published.pth")
    with pytest.raises(WeightsError, match="give --card"):
        load_source(path)
    with pytest.raises(WeightsError, match="does not fit bisenet-zllrunning"):
        load_source(path, "bisenet-resnet18-zllrunning")


def test_the_very_file_of_a_packaged_card(
    checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceparse.weights.hashing import sha256

    path = checkpoint("published.pth")
    known = card_of("tiny", models.build("tiny").grid)
    known = replace(known, source=Source("published.pth", sha256=sha256(path)))
    monkeypatch.setattr("faceparse.models.published.cards", lambda: {known.id: known})
    assert load_source(path)[1] == known


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nowhere.ckpt", "no model file nowhere.ckpt"),
        ("nothing", "no model 'nothing'"),
        ("bisenet-resnet18-zllrunning", "faceparse weights get bisenet-resnet18-zllrunning"),
    ],
)
def test_nothing_to_start_from(model: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load_source(model)


def test_a_plain_onnx_file_is_a_start(tiny_path: Path, tmp_path: Path) -> None:
    origin, card = load_source(tiny_path)
    assert origin == tiny_path
    done = export_onnx(tiny_path, card, tmp_path / "again.onnx")
    assert done.parity.equal == 1
    assert done.card == card
    assert load_source("default")[1].id == "default"


def test_the_real_card_names_its_grid() -> None:
    card = find_card("bisenet-resnet18-zllrunning")
    assert models.build(card.network).grid == card.output
