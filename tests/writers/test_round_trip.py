"""What parts write, `faceparse data prepare parts` paints back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data.prepare import prepare
from faceparse.writers import write
from tests.writers.samples import PARSINGS, seen

CASES = {"photo": seen(60, 50), "v1.2 a_neck": PARSINGS["given labels"], "00012": PARSINGS["as parsed"]}


@pytest.mark.parametrize("order", ["celebamask19", "maskgan19", "segface-celeb19"])
def test_parse_and_prepare(order: str, tmp_path: Path) -> None:
    masks, photos = tmp_path / "masks", tmp_path / "photos"
    photos.mkdir()
    for stem, one in CASES.items():
        write(one.to(order), "parts", masks / stem)
        Image.fromarray(one.image).save(photos / f"{stem}.png")
    counts, record = prepare("parts", masks, tmp_path / "made", order, images=photos)
    assert counts == {"written": len(CASES)}
    assert not record["findings"]
    for stem, one in CASES.items():
        with Image.open(tmp_path / "made" / "labels" / f"{stem}.png") as file:
            back = np.asarray(file)
        labels = one.to(order).labels
        np.testing.assert_array_equal(back, np.where(labels == 255, 0, labels))
