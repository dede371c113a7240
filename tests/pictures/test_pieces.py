"""A file made of pieces reads like one made of their bytes."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.pictures.formats.pieces import pieced

BASE = bytes(range(200))
parts = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(lambda p: (min(p), max(p)))


@given(
    st.lists(st.one_of(st.binary(max_size=9), parts)),
    st.lists(st.tuples(st.integers(0, 300), st.integers(-1, 90))),
)
def test_it_reads_as_the_whole(pieces: list[bytes | tuple[int, int]], steps: list[tuple[int, int]]) -> None:
    whole = io.BytesIO(b"".join(p if isinstance(p, bytes) else BASE[slice(*p)] for p in pieces))
    file = pieced(io.BytesIO(BASE), pieces)
    assert file.read() == whole.read()
    for offset, size in steps:
        assert file.seek(offset) == whole.seek(offset) == file.tell()
        assert file.read(size) == whole.read(size)
    assert file.seek(0, os.SEEK_END) == whole.seek(0, os.SEEK_END)


def test_it_ends_where_its_base_does() -> None:
    assert pieced(io.BytesIO(b"abc"), [(1, 9), b"x"]).read() == b"bc"


def test_there_is_nothing_before_its_start() -> None:
    with pytest.raises(ValueError, match="negative"):
        pieced(io.BytesIO(BASE), [(0, 9)]).seek(-1)
