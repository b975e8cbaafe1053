"""Long frames part by part, in the order of the payments they speak of: what stands on one part is found without a search.

Ids of payments sort in the order of their files and rows, and so does what the lake holds of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import polars as pl

from canonical.limits import MAPPED_ROWS

_BEHIND: Final = "~"
"""Sorts behind all that ids are made of."""
Range = tuple[str, str | None]
"""From an id, included, up to another, not included; None: to the end."""


@dataclass(frozen=True, slots=True)
class ByPayment:
    """A frame whose rows are asked for by ranges of a text column. `runs`: its slices, each with its order where it is in none."""

    key: str
    runs: tuple[tuple[pl.DataFrame, pl.Series | None], ...]
    nothing: pl.DataFrame

    @classmethod
    def of(cls, frame: pl.DataFrame, key: str = "payment_id") -> Self:
        """The frame is not copied."""
        slices = [part for part in frame.iter_slices(MAPPED_ROWS) if part.height]
        orders = [None if part[key].is_sorted() else part[key].arg_sort() for part in slices]
        return cls(key, tuple(zip(slices, orders, strict=True)), frame.clear())

    def between(self, span: Range) -> pl.DataFrame:
        """The rows of a range, in no order that means anything."""
        found = [self._of_run(frame, order, span) for frame, order in self.runs]
        return pl.concat([self.nothing, *(part for part in found if part.height)])

    def _of_run(self, frame: pl.DataFrame, order: pl.Series | None, span: Range) -> pl.DataFrame:
        ids = frame[self.key]

        def id_at(place: int) -> str:
            return str(ids[place if order is None else int(order[place])])

        first, after = span
        start = bisect_left(range(frame.height), first, key=id_at)
        end = frame.height if after is None else bisect_left(range(frame.height), after, lo=start, key=id_at)
        return frame.slice(start, end - start) if order is None else frame[order.slice(start, end - start)]


def around(ids: pl.Series) -> Range:
    """The range of these ids, and of what is named by one of them and more; an empty one for none."""
    return (str(ids.min()), str(ids.max()) + _BEHIND) if ids.len() else ("", "")


def ranges(frames: Sequence[pl.DataFrame], key: str = "payment_id") -> Iterator[Range]:
    """Ranges that together hold every id there is, each with MAPPED_ROWS rows of any of these frames at most, if they are in order."""
    every = {str(frame[key][place]) for frame in frames for place in range(MAPPED_ROWS, frame.height, MAPPED_ROWS)}
    starts = ["", *sorted(every)]
    yield from zip(starts, [*starts[1:], None], strict=True)
