"""Soft masks in strips are the soft masks."""

from importlib import import_module

import numpy as np
import pytest

from faceparse.labels import Scheme
from faceparse.results import Parsing, View, render, soft_strips
from tests.results.strategies import square, warped, whole
from tests.writers.samples import blocks, labelled, picture, seen

soft = import_module("faceparse.results.soft")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("tile", [512, 16])
def test_strips_are_the_whole(bits: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (seen(50, 61), seen(50, 61).to("lapa11"), labelled(blocks(50, 61))):
        groups = [one.scheme.ids(name) for name in ("hair", "face", "background")]
        expected = [np.rint(one.mask(n, soft=True) * (2**bits - 1)) for n in ("hair", "face", "background")]
        with monkeypatch.context() as patched:
            patched.setattr(render, "TILE", tile)
            patched.setattr(soft, "TILE", tile)
            strips = list(soft_strips(one, groups, bits))
        assert [rows.start for rows, _ in strips] == list(range(0, 50, tile))
        whole = np.concatenate([strip for _, strip in strips], axis=1)
        assert whole.dtype == np.dtype(f"uint{bits}")
        # Of another cut into tiles the last bit of single precision may differ.
        assert np.abs(whole.astype(int) - np.stack(expected)).max() <= 1


SIZE = 700, 900
SPOT = np.full((3, 60, 60), -9, np.float32)
SPOT[0] = 0
SPOT[1, 29:32, 27:34] = 9
SPOT[2, 50:] = 9


@pytest.mark.parametrize(
    "views",
    [
        [whole(SPOT, SIZE)],
        [whole(SPOT, SIZE, mirrored=True), square(SPOT, (300, 400), 250, 0.3)],
        [square(SPOT, (880, 20), 250, -2.0, feather=0)],
        [warped(SPOT, (500, 300), 400, 0.3)],
        [warped(SPOT, (300, 300), 400, -2.0, framed=True), whole(SPOT, SIZE)],
        [],
    ],
)
def test_a_part_is_the_whole_where_the_mask_is(views: list[View]) -> None:
    one = Parsing(picture(*SIZE), tuple(views), Scheme("three", ("background", "spot", "rim")))
    # Where views are blended, of another cut into tiles the last bits of single precision may differ.
    tolerance = 0 if len(views) == 1 and views[0].frame is None else 1e-5
    for name in one.scheme.classes:
        expected = one.mask(name, soft=True)
        (mask,) = soft.soft_masks(one, [one.scheme.ids(name)])
        part = mask > 0
        np.testing.assert_allclose(mask[part], expected[part], rtol=0, atol=tolerance)
        assert name != "spot" or part.sum() < mask.size / 3
        assert expected[~part].max(initial=0) <= 1 / 512
