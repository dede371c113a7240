"""A user's own classes from a YAML file to a trained checkpoint that carries them."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.models import load_checkpoint  # noqa: E402
from faceparse.models.importing import training_card  # noqa: E402
from faceparse.train.fit import fit  # noqa: E402
from faceparse.train.settings import DataSettings, Settings  # noqa: E402
from faceparse.weights.card import card_from_json  # noqa: E402
from faceparse.weights.checkpoint import read_checkpoint  # noqa: E402
from tests.data import made  # noqa: E402

pytestmark = pytest.mark.torch
NETWORK = "fpn-efficientnet_lite0"


@pytest.mark.filterwarnings("ignore")
def test_a_model_carries_the_classes_it_was_trained_on(tmp_path: Path) -> None:
    own = tmp_path / "spots.yaml"
    own.write_text("classes: [background, l_spot, r_spot]\ncolours: {l_spot: [9, 8, 7]}\n")
    root = made.folder(tmp_path / "d", 4, classes=3)
    data = DataSettings(root, scheme=str(own), train="0-50%", val="50-100%", workers=0)
    best = fit(Settings(data, tmp_path / "run", NETWORK, str(own), epochs=1, batch_size=2, sizes=[(0, 32)]))
    own.unlink()
    file = read_checkpoint(best)
    network = load_checkpoint(NETWORK, file)
    card = training_card(file, NETWORK, network, "spots")
    again = card_from_json(card.to_json(), "x").label_scheme
    assert again.classes == ("background", "l_spot", "r_spot")
    assert again.palette[1].tolist() == [9, 8, 7]
    assert again.pairs == ((1, 2),)
