"""Work on a file's pieces in threads, a few pieces ahead of what is taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

_AHEAD: Final = 2
"""Pieces that are being worked on while one is taken: as many as threads keep two processors busy."""
Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(pool: ThreadPoolExecutor, work: Callable[[Item], Made], items: Iterator[Item]) -> Iterator[Made]:
    """What `work` makes of each item, in their order. Its exceptions come when their item's turn is."""
    pending: deque[Future[Made]] = deque()
    for item in items:
        pending.append(pool.submit(work, item))
        if len(pending) > _AHEAD:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
