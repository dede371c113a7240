"""Stages in threads: in order, bounded, and ended by the first exception or by a consumer that leaves."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from faceparse.frames.pipeline import ahead


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "faceparse-ahead"]


def test_order() -> None:
    assert list(ahead(map(str, ahead(range(100))))) == [str(i) for i in range(100)]
    assert not running()


def test_few_items_wait() -> None:
    fetched: list[int] = []
    third = threading.Event()

    def source() -> Iterator[int]:
        for i in range(100):
            fetched.append(i)
            if i == 3:
                third.set()
            yield i

    items = ahead(source(), depth=2)
    assert next(items) == 0
    assert third.wait(10)  # one is taken, two wait, and one is in hand
    assert len(fetched) == 4
    items.close()
    assert len(fetched) <= 5
    assert not running()


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_an_exception_in_any_stage_ends_all(stage: int) -> None:
    closed: list[int] = []

    def work(number: int, items: Generator[int, None, None]) -> Generator[int, None, None]:
        try:
            with closing(items):
                for item in items:
                    if number == stage and item == 5:
                        raise ValueError(f"stage {number}")
                    yield item
        finally:
            closed.append(number)

    done: list[int] = []
    with pytest.raises(ValueError, match=f"stage {stage}"):
        done.extend(work(2, ahead(work(1, ahead(work(0, (i for i in range(1000))))))))
    assert done == [0, 1, 2, 3, 4]
    assert sorted(closed) == [0, 1, 2]
    assert not running()


def test_a_consumer_that_leaves_ends_all() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    for item in ahead(map(abs, ahead(source()))):
        if item == 3:
            break
    assert closed.wait(10)


def test_even_an_exit_is_passed_on() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        list(ahead(source()))
