"""Soft masks in strips are the soft masks."""

from importlib import import_module

import numpy as np
import pytest

from faceparse.results import render, soft_strips
from tests.writers.samples import blocks, labelled, seen

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
