"""Masks whose edges are moved and feathered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError
from faceparse.labels import scheme
from faceparse.results import Parsing, render, soft_strips
from faceparse.results.margins import Margins
from tests.writers.samples import blocks, labelled, picture, seen


def disk(radius: float = 20) -> Parsing:
    y, x = np.ogrid[:80, :90]
    return labelled(((y - 40) ** 2 + (x - 45) ** 2 <= radius**2).astype(np.uint8) * 17)


@pytest.mark.parametrize("length", [1, 3, 7, 12])
def test_a_disk_grows_and_shrinks_to_disks(length: int) -> None:
    for change, radius in (({"grow": length}, 20 + length), ({"shrink": length}, 20 - length)):
        found = disk().mask("hair", **change)  # type: ignore[call-overload]
        assert found.dtype == np.bool_
        rows = np.flatnonzero(found.any(1))
        assert (rows[0], rows[-1]) == (40 - radius, 40 + radius)
        assert found.sum() == pytest.approx(disk(radius).mask("hair").sum(), rel=0.06)


@given(st.integers(0, 9), st.integers(0, 9))
def test_growing_holds_and_shrinking_is_held(grow: int, shrink: int) -> None:
    one = labelled(blocks(30, 40))
    mask = one.mask("hair")
    assert (mask <= one.mask("hair", grow=grow)).all()
    assert (one.mask("hair", shrink=shrink) <= mask).all()
    assert (mask <= one.mask("hair", grow=grow, shrink=grow)).all(), "gaps close"


def test_feather_fades_over_about_its_width() -> None:
    soft = disk().mask("hair", soft=True, feather=8)
    assert soft.dtype == np.float32
    assert 0.4 < soft[40, 65] < 0.6
    assert soft[40, 45] == pytest.approx(1)
    assert soft[40, 45 + 20 + 13] == 0
    row = soft[40, 45:]
    assert (np.diff(row) <= 1e-6).all()
    with pytest.raises(ConfigError, match="feather makes a soft mask"):
        disk().mask("hair", feather=8)


def test_the_pictures_border_is_no_edge() -> None:
    one = labelled(np.full((9, 7), 17, np.uint8))
    soft = one.mask("hair", soft=True, shrink=3, feather=5)
    np.testing.assert_allclose(soft, 1, atol=1e-6)


def test_per_cent_are_of_the_largest_face() -> None:
    one = seen()
    (face,) = one.faces  # 17.75 × 20.5
    small = replace(face, box=(0.0, 0, 4, 4))
    two = replace(one, faces=(small, face))
    np.testing.assert_array_equal(two.mask("hair", grow="10%"), one.mask("hair", grow=2))
    nobody = Parsing(picture(12, 11), (), scheme("celebamask19"))
    np.testing.assert_array_equal(nobody.mask("background", shrink="10%"), nobody.mask("background"))


@pytest.mark.parametrize("length", ["much", "-1", "", "nan", "26%", 1001, -0.5, "1 %"])
def test_a_length_is_checked(length: float | str) -> None:
    with pytest.raises(ConfigError, match=r"grow: expected .*such as 3 or 2%"):
        disk().mask("hair", grow=length)


@pytest.mark.parametrize("margins", [Margins(3, 1, 4.5), Margins("10%"), Margins(feather=30)])
@pytest.mark.parametrize("bits", [8, 16])
def test_strips_are_the_whole(margins: Margins, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = seen(70, 61)
    groups = [one.scheme.ids(name) for name in ("hair", "face")]
    whole = np.concatenate([strip for _, strip in soft_strips(one, groups, bits, margins=margins)], axis=1)
    monkeypatch.setattr(render, "TILE", 16)
    parts = list(soft_strips(one, groups, bits, margins=margins))
    assert [rows.start for rows, _ in parts][1:] == [rows.stop for rows, _ in parts][:-1]
    assert parts[-1][0].stop == 70
    found = np.concatenate([strip for _, strip in parts], axis=1)
    assert np.abs(found.astype(int) - whole).max() <= (1 if bits == 8 else 40)
