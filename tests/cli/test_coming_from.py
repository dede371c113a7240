"""`docs/coming-from.md` has an answer to every option of the five projects' texts, and its commands run.

They run in the page's order on made data, with networks of one convolution under the published names. Training stops
after its words are read: `tests/train` and `test_system_pages` train.
"""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.models import registry  # noqa: E402
from faceparse.models.registry import Part  # noqa: E402
from faceparse.weights import cards  # noqa: E402
from faceparse.weights.importers.renaming import Renaming  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.data import made  # noqa: E402
from tests.models.small import caffe_layers, small_fcn8s  # noqa: E402
from tests.weights.caffe_writer import old_model  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

PAGE = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
NAMES = (
    "bisenet-resnet18",
    "bisenet-resnet34",
    "bisenet-zllrunning",
    "fcn8s",
    "segface-celeb-mobilenet",
    "vgg19-dinov3-vitl16",
)
OPTION = r"(?<![\w-])--[a-zA-Z][\w-]*"
OF_OTHER_PROGRAMS = {"--no-deps", "--file"}
"""pip's and conda's, in commands that install."""


def rows() -> Iterator[list[str]]:
    """The cells of every row of every table."""
    for line in PAGE.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def commands() -> list[str]:
    return [command for row in rows() for command in re.findall(r"`(faceparse .+?)`", row[1])]


def test_every_option_of_the_published_texts_is_on_the_page(shared: Path) -> None:
    answered = set(re.findall(OPTION, " ".join(row[0] for row in rows())))
    texts = [path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.md"))]
    assert len(texts) == 5
    asked = {option for text in texts for option in re.findall(OPTION, text)}
    assert len(asked) > 40
    assert asked - OF_OTHER_PROGRAMS <= answered
    for word in ("DATA_PATH", "LOG_PATH", "ROOT_PATH", "MODEL_PARAMS_DIR", "IMGS_DIR", "MASK_THRESHOLD"):
        assert any(word in text for text in texts)
        assert any(f"`{word}" in row[0] for row in rows()), word


def test_every_folder_of_the_hub_has_its_id(shared: Path) -> None:
    text = (shared / "seeds" / "segface.md").read_text(encoding="utf-8")
    folders = set(re.findall(r"(\w+)/model_299\.pt\"", text))
    ids = {row[0].strip("`"): row[1].strip("`") for row in rows()}
    assert len(folders) == 14
    for folder in folders:
        assert cards()[ids[folder]].source.file == f"{folder}/model_299.pt"


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> dict[str, models.Network]:
    """Networks of one convolution under the names on the page, with the grids of their cards."""
    models.networks()
    return {name: small(name, monkeypatch) for name in NAMES}


def small(name: str, monkeypatch: pytest.MonkeyPatch) -> models.Network:
    """Register a network of one convolution under a published name, and build it."""
    card = next(c for c in cards().values() if c.network == name)
    parts = {"dinov3": Part("dinov3.", Renaming({"": "dinov3."}), "Meta's")} if "dinov3" in name else {}

    class Tiny(models.Network):
        grid = card.output

        def __init__(self, num_classes: int = len(card.label_scheme)) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, num_classes, self.grid.stride, stride=self.grid.stride)
            self.add_module(name, torch.nn.Conv2d(2, 2, 2))  # a checkpoint is known by its tensors' names
            if parts:
                self.dinov3 = torch.nn.Conv2d(1, 1, 1)

        def grid_logits(self, image: Any) -> Any:
            return self.conv(image)

    published = Renaming({"encoder.": ""}) if parts else None
    entry = models.Entry(name, Tiny, card.label_scheme.name, published, parts)
    monkeypatch.setitem(registry.NETWORKS._things, name, entry)
    return Tiny()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_networks: dict[str, models.Network]) -> Path:
    """The files that the commands name."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "photos/a.jpg", "assets/images/1.jpg", "assets/images/2.jpg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "examples" / "collins.jpg", name)
    made.celebamask_hq(tmp_path / "CelebAMask-HQ", range(9))
    for file, name in (
        ("resnet18.pt", "bisenet-resnet18"),
        ("resnet34.pt", "bisenet-resnet34"),
        ("79999_iter.pth", "bisenet-zllrunning"),
        ("model_299.pt", "segface-celeb-mobilenet"),
        ("face_seg_fcn8s.pt", "fcn8s"),
    ):
        torch.save(tiny_networks[name].state_dict(), file)
    layers = caffe_layers(tiny_networks["fcn8s"].state_dict())
    Path("face_seg_fcn8s.caffemodel").write_bytes(b"".join(old_model(layers)))
    state = tiny_networks["vgg19-dinov3-vitl16"].state_dict()
    theirs = {f"encoder.{key}": value for key, value in state.items()}
    torch.save({"state_dict": theirs}, "last.ckpt")
    torch.save(
        {"state_dict": {k: v for k, v in theirs.items() if not k.startswith("encoder.dinov3.")}},
        "decoder.ckpt",
    )
    meta = {k.removeprefix("dinov3."): v for k, v in state.items() if k.startswith("dinov3.")}
    torch.save(meta, "dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth")
    return tmp_path


FROM = {"bisenet-resnet18-yakhyo": "resnet18.pt", "segface-celeb-mobilenet-512": "model_299.pt"}
"""By id, the file that `weights get` takes in place of a download."""


def test_our_command_of_every_row(folder: Path, faceparse: Callable[..., Any]) -> None:
    done = set()
    for command in commands():
        words = shlex.split(command)[1:]
        if words[:2] == ["weights", "get"]:
            words += ["--from", FROM[words[2]]]
        if words[0] == "train":
            words.append("--print_config")
        ran = faceparse(*words)
        assert ran.code == 0, f"{command}: {ran.err}"
        for option in ("-o", "--output"):
            if option in words and words[0] != "train":
                assert Path(words[words.index(option) + 1]).exists(), command
        done.add(words[0])
    assert done == {"weights", "import", "parse", "export", "train", "evaluate"}
    with Image.open("assets/results/1_mask.png") as mask, Image.open("assets/images/1.jpg") as photo:
        assert mask.size == photo.size
    with Image.open("out/a_mask.png") as mask:
        assert set(np.unique(np.asarray(mask))) <= {0, 1}
    assert Path("resnet18.onnx").exists()


def test_the_python_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_fcn8s(monkeypatch)
    torch.save(models.build("fcn8s").state_dict(), "face_seg_fcn8s.pt")
    programs = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile("".join(programs), "coming-from.md", "exec"), names)
    assert names["out"].shape == names["t"].shape[2:]
    assert 0 <= names["out"].min() <= names["out"].max() <= 1
