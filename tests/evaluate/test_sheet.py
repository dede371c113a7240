"""The sheet of worst pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.draw.legend import colour_strip
from faceparse.evaluate import evaluate
from faceparse.evaluate.sheet import SIDE, worst_sheet
from faceparse.labels import Scheme

SPOTS = Scheme("spots", ("background", "skin", "spot", "hair", "none"))
SKY = (0, 200, 255)


class Made(list[Sample]):
    """Four pictures of one colour; one of them alone has a spot."""

    scheme = SPOTS

    def __init__(self) -> None:
        for i in range(4):
            labels = np.zeros((40, 40), np.uint8)
            labels[:20], labels[30:] = 1, 3
            labels[0, 0] = 2 if i == 2 else 1
            image = np.full((40, 40, 3), SKY, np.uint8)
            self.append(Sample(f"{i}.png", image, labels))

    @property
    def names(self) -> list[str]:
        return [sample.name for sample in self]

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self[index].labels


@pytest.mark.parametrize("each", [1, 3])
def test_a_row_is_a_class(each: int) -> None:
    """skin, spot and hair; a spot is in one picture, and `none` in none of them."""
    made = Made()
    report = evaluate(lambda s: s.labels, made, SPOTS, SPOTS)
    sheet = worst_sheet(report, made, lambda s: s.labels, each)
    key = colour_strip(SPOTS, sheet.shape[1])
    assert (sheet[-len(key) :] == key).all()
    sky = (sheet[: -len(key)] == SKY).all(2)
    rows = sky.any(1).astype(int)
    starts = np.flatnonzero(np.diff(np.concatenate([[0], rows])) == 1)
    counts = [int(np.diff(np.concatenate([[0], sky[y].astype(int)])).clip(0).sum()) for y in starts]
    assert counts == [each, 1, each]
    assert sheet.shape[1] == each * (3 * SIDE + 6) + 6
