"""`score` without the command line, on a fake engine."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.data.derived import Subset
from faceparse.engines import FakeEngine
from faceparse.errors import ConfigError, DataError
from faceparse.evaluate import score
from faceparse.evaluate.table import numbers_table, scores_table
from faceparse.labels import scheme
from faceparse.parser import Parser
from faceparse.weights import card

CELEB = scheme("celebamask19")


class Faces(list[Sample]):
    """Pictures whose upper half is bright and is hair."""

    scheme = CELEB

    def __init__(self, count: int = 4) -> None:
        labels = np.zeros((64, 64), np.uint8)
        labels[:32] = CELEB.id("hair")
        image = np.where(labels[..., None] > 0, np.uint8(220), np.uint8(60)).repeat(3, 2)
        super().__init__(Sample(f"{i}.png", image + np.uint8(i), labels) for i in range(count))

    @property
    def names(self) -> list[str]:
        return [sample.name for sample in self]

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self[index].labels


def by_brightness(threshold: float) -> Parser:
    """A network that calls hair what is brighter than the threshold, in the card's normalised values."""

    def logits(image: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.zeros((len(image), 19, *image.shape[2:]), np.float32)
        out[:, CELEB.id("hair")] = image[:, 0] - threshold
        return out

    return Parser(FakeEngine(card("bisenet-resnet18-zllrunning"), logits), faces="whole", scheme=None)


def test_a_score_holds_every_figure_asked_for() -> None:
    seen: list[tuple[str, int, int]] = []
    result = score(
        by_brightness(0),
        Faces(),
        against=by_brightness(9),
        degrade=["dark", "blur4"],
        mirror=True,
        draws=20,
        progress=lambda *step: seen.append(step),
    )
    assert result.report.f1["hair"] > 98
    assert result.degraded["dark"].f1["hair"] == 0
    assert result.degraded["blur4"].f1["hair"] > 90
    assert result.against is not None
    assert result.against.f1["hair"] == 0
    assert result.differences["mean"].value == result.report.mean_f1
    assert result.mirrored == {}  # no class with sides occurs
    assert len(seen) == 5 * 4
    figures = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert figures["degraded"]["dark"]["f1"]["hair"] == 0
    assert figures["mean_f1"] == result.report.mean_f1


def test_clean_figures_do_not_depend_on_what_else_is_asked() -> None:
    plain, more = score(by_brightness(0), Faces()), score(by_brightness(0), Faces(), degrade=["noise25"])
    assert plain.report.as_dict() == more.report.as_dict()
    assert plain.intervals["mean"] == more.intervals["mean"]


def test_figures_do_not_depend_on_how_many_pictures_are_worked_on_at_a_time() -> None:
    steps: list[tuple[str, int, int]] = []
    one = score(by_brightness(0), Faces(9), mirror=True, degrade=["noise25"], draws=20)
    many = score(
        by_brightness(0),
        Faces(9),
        mirror=True,
        degrade=["noise25"],
        draws=20,
        workers=4,
        progress=lambda *step: steps.append(step),
    )
    np.testing.assert_array_equal(one.report.matrix, many.report.matrix)
    np.testing.assert_array_equal(one.report.counts, many.report.counts)
    assert one.as_dict() == many.as_dict()
    assert [done for _, done, _ in steps] == 3 * list(range(1, 10))


def test_a_column_for_each_degradation_clean_first() -> None:
    result = score(by_brightness(0), Faces(), degrade=["dark", "noise25"], draws=20)
    header, rows = scores_table(result)
    assert header == ["class", "clean", "dark", "noise25"]
    assert {len(row) for row in rows} == {4}
    hair = next(row for row in rows if row[0] == "hair")
    assert hair[2] == "0.0"
    names, numbers = numbers_table(result)
    assert names == ["class", "f1", "f1_low", "f1_high", "dark", "noise25"]
    assert next(row for row in numbers if row[0] == "mean F1")[4] == result.degraded["dark"].mean_f1


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="detector or data"):
        score(by_brightness(0), Faces(), landmarks="mine")
    for draws in (99999999999, -1, 2.5, True):
        with pytest.raises(ConfigError, match="draws: expected a whole number"):
            score(by_brightness(0), Faces(), draws=draws)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="workers: expected a whole number, 1 to 1,024"):
        score(by_brightness(0), Faces(), workers=10**9)
    with pytest.raises(ConfigError, match="got 'fog'"):
        score(by_brightness(0), Faces(), degrade=["fog"])
    with pytest.raises(DataError, match="no landmarks"):
        score(by_brightness(0), Faces(), landmarks="data")


@pytest.mark.parametrize(("count", "names"), [(1, ["0.png"]), (3, ["0.png", "4.png", "9.png"])])
def test_a_subset_is_spread_evenly(count: int, names: list[str]) -> None:
    some = Subset(Faces(10), count)
    assert list(some.names) == names == [sample.name for sample in some]
    assert len(Subset(Faces(2), 5)) == 2
    with pytest.raises(IndexError):
        some[count]
    assert np.array_equal(some.labels(0), Faces(1)[0].labels)
