"""`ahead` and `worked_ahead`: the same items, the same faults, in the same places."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from canonical.ahead import ahead, worked_ahead


def test_items_keep_their_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_a_fault_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("three")

    seen = []
    with pytest.raises(ValueError, match="three"):
        seen.extend(ahead(items()))
    found = ahead(items())
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)


def test_the_next_item_is_made_while_one_is_worked_on_and_no_more_than_one() -> None:
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for n in range(5):
            made.append(n)
            if n == 1:
                second.set()
            yield n

    found = ahead(items())
    assert next(found) == 0
    assert second.wait(5)
    assert made == [0, 1]
    found.close()  # type: ignore[attr-defined]  it is a generator


def test_work_is_done_beside_and_not_begun_for_nobody() -> None:
    begun: list[int] = []
    both, never = threading.Barrier(2, timeout=5), threading.Event()

    def work(n: int) -> int:
        begun.append(n)
        if n < 2:
            both.wait()  # the first two only go on together
        return n * n

    with ThreadPoolExecutor(2) as pool:
        found = worked_ahead(pool, work, range(100), beside=1)
        assert next(found) == 0
        assert sorted(begun) == [0, 1]
        assert [next(found), next(found)] == [1, 4]
        assert max(begun) <= 3

    with ThreadPoolExecutor(1) as pool:
        pool.submit(never.wait, 5)
        stopped = worked_ahead(pool, work, _broken())
        with pytest.raises(ValueError, match="no more"):
            next(stopped)
        never.set()
    assert 7 not in begun, "what was waiting for a thread is given up"


def _broken() -> Iterator[int]:
    yield 7
    raise ValueError("no more")
