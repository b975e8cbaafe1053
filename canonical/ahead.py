"""Ahead in threads: the next item of an iterator is made while the one before is worked on, or several are worked on at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

_AHEAD: Final = 2
"""As many as threads keep two processors busy."""
Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items in the same order. Raises what making an item raises, in its place."""
    made = iter(items)

    def make() -> tuple[Item, ...]:
        # At most one: a tuple can say that there is none.
        return tuple(islice(made, 1))

    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(make)
        while item := coming.result():
            coming = maker.submit(make)
            yield item[0]


def worked_ahead(
    pool: ThreadPoolExecutor, work: Callable[[Item], Made], items: Iterable[Item], beside: int = _AHEAD
) -> Iterator[Made]:
    """What `work` makes of each item, in their order; `beside`: how many others are worked on while one is taken.

    Its exceptions come when their item's turn is. What was not begun when nobody takes more is not begun.
    """
    pending: deque[Future[Made]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > beside:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
