"""One step ahead: the next item of an iterator is made in a thread while the one before is worked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


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
