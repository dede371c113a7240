"""`input_size`: the network's input in other sizes than its card's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceparse import Parser, parse
from faceparse.engines import FakeEngine
from faceparse.errors import ConfigError
from faceparse.weights import Card, Preprocessing, card
from faceparse.weights.inputsize import MOST, InputSize
from tests.cli.conftest import Ran, faceparse  # noqa: F401

BISENET = card("bisenet-resnet18-zllrunning")


class Recording(FakeEngine):
    """Remembers the sizes of its inputs."""

    def __init__(self, its_card: Card) -> None:
        self.sizes: list[tuple[int, ...]] = []
        super().__init__(its_card, self._record)

    def _record(self, image: np.ndarray) -> np.ndarray:
        self.sizes.append(image.shape[2:])
        return np.zeros((len(image), len(self.card.label_scheme), 4, 4), np.float32)


@pytest.mark.parametrize(
    ("words", "picture", "wanted"),
    [
        (256, (100, 150), (256, 256)),
        ("640", (100, 150), (640, 640)),
        ("400x600", (100, 150), (400, 600)),
        ("native", (400, 600), (400, 600)),
        ("native", (401, 599), (401, 599)),
        ("native", (4096, 1024), (2048, 512)),
    ],
)
def test_the_network_gets_the_size_asked_for(
    words: str | int, picture: tuple[int, int], wanted: tuple[int, int]
) -> None:
    engine = Recording(BISENET)
    parser = Parser(engine, faces="whole", input_size=words)
    parsing = parser.parse(np.zeros((*picture, 3), np.uint8))
    assert engine.sizes == [wanted]
    assert parsing.labels.shape == picture
    assert parser.identity["input_size"] == ("native" if words == "native" else "x".join(map(str, wanted)))
    assert parser.identity["model"] == BISENET.id
    assert "input_size" not in Parser(engine, faces="whole").identity


def test_a_native_side_is_the_nearest_multiple_and_a_side_goes_for_faces_too() -> None:
    sixteen = replace(BISENET, input=Preprocessing((512, 512), multiple=16))
    engine = Recording(sixteen)
    Parser(engine, faces="whole", input_size="native").parse(np.zeros((401, 599, 3), np.uint8))
    assert engine.sizes == [(400, 592)]
    assert np.prod(InputSize.of("native").sized(sixteen, (9000, 12000)).input.size) < 1.03 * MOST
    engine = Recording(BISENET)
    Parser(engine, faces="auto", input_size=256).parse(np.zeros((99, 99, 3), np.uint8))
    assert engine.sizes == [(256, 256)]


def test_faceparse_parse_takes_it_too() -> None:
    black = np.zeros((80, 80, 3), np.uint8)
    with pytest.raises(ConfigError, match="an input size is"):
        parse(black, input_size="huge")
    small = parse(black, faces="whole", input_size="64x96")
    assert (small.views[0].logits.shape[1:], small.labels.shape) == ((16, 24), (80, 80))


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ("huge", {}, "an input size is N, HxW .* or native; got 'huge'"),
        ("8", {}, "16 to 8192"),
        ("512x", {}, "an input size is"),
        ("400x600", {"faces": "auto"}, "give --faces whole, or a side N; got auto"),
        ("native", {"faces": "each"}, "give --faces whole, or a side N; got each"),
        ("100", {"multiple": 16}, "takes multiples of 16; got 100x100"),
        ("native", {"warp": "lapa"}, "give a side N: this model warps pictures"),
        (
            "448", {"fixed": (512, 512), "network": "segface-celeb-swin_base"},
            r"takes only 512x512, not 448x448; there are weights for 224 \(segface-celeb-swin_base-224\), .*448",
        ),
        ("native", {"fixed": (512, 512)}, "takes only 512x512, not native: leave --input-size out"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_one_line(words: str, options: dict[str, object], message: str) -> None:
    how = Preprocessing((512, 512), multiple=options.get("multiple", 1), warp=options.get("warp", ""))  # type: ignore[arg-type]
    engine = FakeEngine(replace(BISENET, input=how, network=str(options.get("network", BISENET.network))))
    engine.fixed_size = options.get("fixed")  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=message) as raised:
        Parser(engine, faces=str(options.get("faces", "whole")), input_size=words)
    assert "\n" not in str(raised.value)


@pytest.mark.torch
def test_fcn8s_on_a_picture_of_its_own_shape_is_the_network_called_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    torch = pytest.importorskip("torch")
    from faceparse import models
    from tests.models.small import small_fcn8s

    small_fcn8s(monkeypatch)
    torch.manual_seed(1)
    network: Any = models.build("fcn8s").eval()
    torch.save(network.state_dict(), tmp_path / "face_seg_fcn8s.pt")
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    bgr = torch.from_numpy(picture[..., ::-1].astype(np.float32)).permute(2, 0, 1)
    with torch.inference_mode():
        wanted = network.face_probability(
            (bgr - torch.tensor([104.00699, 116.66877, 122.67892]).view(3, 1, 1))[None]
        )[0].numpy()
    middle = str(float(np.median(wanted)))  # random weights' probabilities lie close together
    run: Callable[..., Ran] = request.getfixturevalue("faceparse")
    words = (
        "parse",
        str(tmp_path / "photo.png"),
        "--model",
        str(tmp_path / "face_seg_fcn8s.pt"),
        "--faces",
        "whole",
    )
    out = tmp_path / "out"
    assert (
        run(*words, "--input-size", "native", "--threshold", middle, "--save", "mask", "-o", str(out)).code
        == 0
    )
    mask = np.asarray(Image.open(out / "photo_mask.png"))
    assert mask.shape == (400, 600)
    assert (mask == (wanted > float(middle))).mean() > 0.999
    assert 0.2 < mask.mean() < 0.8
    soft = Parser(tmp_path / "face_seg_fcn8s.pt", faces="whole", input_size="native").parse(picture)
    np.testing.assert_allclose(soft.mask("face", soft=True, edges=False), wanted, atol=1e-4)


def test_a_graph_of_one_size_is_refused(tiny_path: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny_path)
    for axis, side in ((2, 64), (3, 64)):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = side
    onnx.save(model, tmp_path / "fixed.onnx")
    with pytest.raises(ConfigError, match="takes only 64x64, not 128x128"):
        Parser(tmp_path / "fixed.onnx", input_size=128)
