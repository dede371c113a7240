"""`faceparse evaluate` on the data sets of the published systems, by their protocols."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.data import open_dataset  # noqa: E402
from faceparse.data.landmarks import five_points  # noqa: E402
from faceparse.parser import Parser  # noqa: E402
from faceparse.weights.card import Card, parse_card  # noqa: E402
from faceparse.weights.checkpoint import write_safetensors  # noqa: E402
from tests.data import made  # noqa: E402

pytestmark = pytest.mark.torch
SIDE = 128
FACE = np.array([[52.0, 58], [78, 55], [66, 70], [56, 83], [77, 81]])


def save(network: str, own: str, path: Path, **options: Any) -> Card:
    """A model file whose labels come in patches, as a trained one's do: a cell's 4 × 4 pixels agree."""
    torch.manual_seed(0)
    built: Any = models.build(network)
    with torch.no_grad():
        for layer in built.decoder.upscale:
            layer.weight.copy_(5 * layer.weight.mean((2, 3), keepdim=True).expand_as(layer.weight))
            layer.bias.zero_()
    card = parse_card(
        {
            "id": path.stem, "title": "made", "network": network, "scheme": own, "training": "none",
            "input": {"size": [SIDE, SIDE], "interpolation": "bicubic", **options},
            "output": {"stride": built.grid.stride, "align_corners": built.grid.align_corners},
            "source": {"file": "made"}, "licence": {"weights": "none", "terms": "none"},
        },
        "made",
    )  # fmt: skip
    write_safetensors(path, built.state_dict(), card)
    return card


@pytest.fixture
def lapa(tmp_path: Path) -> Path:
    """Made LaPa with a face in the middle of larger pictures."""
    root = made.lapa(tmp_path / "LaPa")
    points = np.random.default_rng(0).uniform(40, 90, (106, 2))
    points[[74, 104]], points[[83, 105]], points[[54, 84, 90]] = FACE[0], FACE[1], FACE[2:]
    points *= [1.5, 1.0]
    for split in ("train", "val", "test"):
        for image in (root / split / "images").iterdir():
            made.picture(1, (192, 128)).save(image)
            made.label_map(1, 11, (192, 128)).save(root / split / "labels" / f"{image.stem}.png")
            rows = "".join(f"{x:.6f} {y:.6f}\n" for x, y in points)
            (root / split / "landmarks" / f"{image.stem}.txt").write_text(f"106\n{rows}")
    return root


def test_lapa_by_its_own_landmarks_is_as_the_published_network_has_it(
    lapa: Path, tmp_path: Path, faceparse: Callable[..., Any]
) -> None:
    """Squeezed to the input, warped by the data set's landmarks, and compared there."""
    file, name = tmp_path / "lapa.safetensors", "segface-lapa-mobilenet"
    card = save(name, "lapa11", file, warp="lapa")
    out = tmp_path / "out.json"
    ran = faceparse(
        "evaluate", "--model", str(file), "--data.kind", "lapa", "--data.root", str(lapa), "--split", "test",
        "--protocol", "input", "--landmarks", "data", "--draws", "0", "--json", str(out),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    figures = json.loads(out.read_text())
    assert (figures["protocol"], figures["landmarks"], figures["pictures"]) == ("input", "data", 1)

    sample = open_dataset("lapa", lapa, "test")[0]
    assert sample.landmarks is not None
    image = card.input.resize(sample.image)
    points = five_points(sample.landmarks) * [SIDE / 192, SIDE / 128]
    np.testing.assert_allclose(points, FACE, atol=1e-5)
    network = models.load(name, file)
    with torch.inference_mode():
        logits = network(torch.from_numpy(card.input.normalise(image)), torch.tensor(points[None]).float())
    wanted = logits[0].argmax(0).numpy()
    found = Parser(file, scheme=None).parse(image, landmarks=points)
    assert len(np.unique(wanted)) > 1
    assert (found.labels == wanted).mean() > 0.97
    (face,) = found.faces
    np.testing.assert_allclose(face.landmarks, points)
    assert face.box[0] < points[:, 0].min() < points[:, 0].max() < face.box[2]


def test_helens_crop_and_overall(tmp_path: Path, faceparse: Callable[..., Any]) -> None:
    root, out = made.helen(tmp_path / "helen"), tmp_path / "out.json"
    file = tmp_path / "helen.safetensors"
    save("segface-helen-mobilenet", "helen11", file)
    ran = faceparse(
        "evaluate", "--model", str(file), "--data.kind", "helen", "--data.root", str(root), "--data.crop",
        "--split", "test", "--protocol", "input", "--draws", "0", "--json", str(out),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "overall F1" in ran.out
    figures = json.loads(out.read_text())
    assert figures["crop"] is True
    assert 0 <= figures["overall"] <= 100
    ran = faceparse("evaluate", "--data.kind", "helen", "--data.root", str(root), "--split", "test", "--no-overall",
                    "--scheme", "helen11", "--draws", "0")  # fmt: skip
    assert ran.code == 0, ran.err
    assert "overall F1" not in ran.out


def test_schemes_with_the_same_classes_compare_as_they_are(
    tmp_path: Path, faceparse: Callable[..., Any]
) -> None:
    """A SegFace-celeb model on maskgan19 masks: its own labels, converted, are right everywhere."""
    file, root = tmp_path / "celeb.safetensors", tmp_path / "celeb"
    save("segface-celeb-mobilenet", "segface-celeb19", file)
    made.folder(root, 2)
    parser = Parser(file, faces="whole", scheme="maskgan19")
    for image in (root / "images").iterdir():
        labels = parser.parse(image).labels
        assert len(np.unique(labels)) > 1
        Image.fromarray(labels).save(root / "labels" / f"{image.stem}.png")
    for more in ((), ("--scheme", "celebamask19")):
        out = tmp_path / "out.json"
        ran = faceparse("evaluate", "--model", str(file), "--data.root", str(root), "--data.scheme", "maskgan19",
                        "--draws", "0", "--json", str(out), *more)  # fmt: skip
        assert ran.code == 0, ran.err
        figures = json.loads(out.read_text())
        assert figures["scheme"] == (more[1] if more else "segface-celeb19")
        assert figures["mean_f1"] == figures["pixel_accuracy"] == 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--landmarks", "mine"), "--landmarks is detector or data; got mine"),
        (("--landmarks", "data"), "has no landmarks: give --landmarks detector"),
        (("--data.crop",), "has no landmarks to crop by"),
        (("--scheme", "ourface12"), "ourface12"),
    ],
)
def test_bad_words_are_one_line(
    tmp_path: Path, faceparse: Callable[..., Any], words: tuple[str, ...], message: str
) -> None:
    root = made.folder(tmp_path / "faces")
    ran = faceparse("evaluate", "--data.root", str(root), "--data.scheme", "celebamask19", *words)
    assert ran.code == 2
    assert message in ran.err
    assert len(ran.err.strip().splitlines()) == 1
