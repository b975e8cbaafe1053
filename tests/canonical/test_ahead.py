"""`ahead`: the same items, the same faults, in the same places."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from canonical.ahead import ahead


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
