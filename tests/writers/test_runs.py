"""Run lengths against COCO's rules, plainly followed."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.errors import DataError
from faceparse.writers.runs import compressed, decode, decompressed, encode


def expanded(counts: str) -> list[int]:
    """The rules of maskApi.c's rleFrString, one character at a time."""
    found: list[int] = []
    value = place = 0
    for character in counts:
        bits = ord(character) - 48
        value |= (bits & 31) << place
        place += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << place
            found.append(value + (found[-2] if len(found) > 2 else 0))
            value = place = 0
    return found


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=30))
def test_counts_of_any_size(counts: list[int]) -> None:
    assert expanded(compressed(np.array(counts, np.intp))) == counts


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_masks_and_boxes(seed: int, height: int, width: int, size: int) -> None:
    small = np.random.default_rng(seed).choice([0, 1, 17, 255], (height, width)).astype(np.uint8)
    labels = small.repeat(size, 0).repeat(size, 1)
    groups = [(0,), (1,), (17,), (0, 1), (2, 5), (0, 1, 2, 17, 255)]
    for ids, runs in zip(groups, encode(labels, groups), strict=True):
        mask = np.isin(labels, ids)
        counts = expanded(runs.counts)
        assert sum(counts) == labels.size
        flags: NDArray[np.bool_] = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        np.testing.assert_array_equal(flags.reshape(labels.shape[::-1]).T, mask)
        assert runs.area == mask.sum()
        if runs.area:
            y, x = np.nonzero(mask)
            assert runs.box == (x.min(), y.min(), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1)
        else:
            assert runs.box == (0, 0, 0, 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
def test_the_same_as_pycocotools(seed: int, height: int, width: int) -> None:
    mask_api = pytest.importorskip("pycocotools.mask")
    labels = np.random.default_rng(seed).choice([0, 1], (height, width), p=[0.8, 0.2]).astype(np.uint8)
    (runs,) = encode(labels, [(1,)])
    assert mask_api.encode(np.asfortranarray(labels))["counts"].decode() == runs.counts


@given(st.integers(0, 9999), st.integers(1, 40), st.integers(1, 40), st.integers(2, 19))
def test_there_and_back(seed: int, height: int, width: int, classes: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, (height, width), np.uint8)
    labels[labels == classes - 1] = 255
    masks = encode(labels, [(i,) for i in range(classes - 1)])
    assert (decode([(i, mask.counts) for i, mask in enumerate(masks)], (height, width)) == labels).all()


@given(st.lists(st.integers(0, 1 << 40), min_size=1))
def test_lengths_there_and_back(counts: list[int]) -> None:
    assert decompressed(compressed(np.array(counts))).tolist() == counts


@given(st.text() | st.text(st.characters(min_codepoint=48, max_codepoint=111)))
def test_damaged_lengths_are_one_error(counts: str) -> None:
    with suppress(DataError):
        assert decode([(1, counts)], (5, 4)).shape == (5, 4)
