"""Published checkpoints as `--model`: recognised, imported once, refused in a line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from faceparse import Parser, models  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.models.published import model_file, recognise  # noqa: E402
from faceparse.weights import Checkpoint  # noqa: E402
from faceparse.weights.importers.yakhyo import YAKHYO  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402
from tests.cli.conftest import Ran  # noqa: E402
from tests.models.small import caffe_layers, small_fcn8s  # noqa: E402
from tests.weights.caffe_writer import new_model  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("wrapper", [None, "state_dict"])
def test_yakhyos_checkpoint_parses_as_the_network_by_itself(
    wrapper: str | None, photo: Path, tmp_path: Path, faceparse: Callable[..., Ran]
) -> None:
    """`inference.py --model resnet18 --weight resnet18.pt --input photo.png --output out`."""
    torch.manual_seed(0)
    network = models.build("bisenet-resnet18").eval()
    names = YAKHYO.expects(dict.fromkeys(network.state_dict(), ()))
    state = dict(zip(names, network.state_dict().values(), strict=True))
    torch.save({wrapper: state} if wrapper else state, tmp_path / "resnet18.pt")
    words = ("parse", str(photo), "--model", str(tmp_path / "resnet18.pt"), "--faces", "whole")
    ran = faceparse(*words, "--save", "mask", "-o", str(tmp_path / "out"))
    assert ran.code == 0, ran.err
    parser = Parser(tmp_path / "resnet18.pt", faces="whole")
    assert parser.card.id == "bisenet-resnet18-yakhyo"
    image = parser.card.input(np.asarray(Image.open(photo)))
    with torch.inference_mode():
        wanted = network.grid_logits(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(parser._engine.run({"image": image})["logits"], wanted, atol=1e-4)
    mask = np.asarray(Image.open(tmp_path / "out" / "photo_mask.png"))
    assert (mask == parser.parse(photo).labels).all()


@pytest.mark.parametrize("name", ["face.pth", "face.ckpt", "face.caffemodel"])
def test_it_is_imported_once_whatever_its_form(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_fcn8s(monkeypatch)
    state = models.build("fcn8s").state_dict()
    path = tmp_path / name
    if path.suffix == ".caffemodel":
        path.write_bytes(b"".join(new_model(caffe_layers(state))))
    else:
        torch.save(state, path)
    first = find_model(path)
    assert first.card.id == "fcn8s"
    time = first.path.stat().st_mtime_ns
    assert find_model(path, "fcn8s").card.id == "fcn8s"
    assert find_model(path).path.stat().st_mtime_ns == time
    first.path.write_bytes(b"spoilt")
    assert find_model(path).path.stat().st_size > 1000, "made anew"
    loaded = models.load("fcn8s", first.path).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_where_several_cards_fit_they_are_named() -> None:
    with torch.device("meta"):
        state = models.build("segface-celeb-swin_base").state_dict()
    with pytest.raises(
        WeightsError, match=r"fits 4 cards: --card segface-celeb-swin_base-224, .* or segface"
    ):
        recognise(Checkpoint(Path("model_299.pt"), state))


def test_what_is_no_network_here_and_what_would_run_code_is_a_line(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "a.pt")
    torch.save({"a.weight": Path}, tmp_path / "code.pt")
    for name, message in (("a.pt", "of no network here: give --card"), ("code.pt", "would run code")):
        with pytest.raises(WeightsError, match=message):
            model_file(tmp_path / name)
    with pytest.raises(WeightsError, match="does not fit fcn8s"):
        model_file(tmp_path / "a.pt", "fcn8s")


@pytest.mark.parametrize("word", ["resnet18", "resnet34", "segface", "swin_base"])
def test_published_model_words_name_ids_that_fit(word: str) -> None:
    with pytest.raises(WeightsError, match=f"no model '{word}'; did you mean .*{word}") as raised:
        find_model(word)
    assert 1 <= str(raised.value).count(word) - 1 <= 3
    with pytest.raises(WeightsError, match="faceparse weights get fcn8s"):
        find_model("fcn8s")
