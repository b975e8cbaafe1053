"""Collect entries into batches while the payments stream by, and copy them out batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import BinaryIO, Final

import polars as pl

from exporters._buffers import write_texts
from exporters._nacha_records import BATCH_COUNT_MAX, ENTRY_SUM_MAX, BatchKey, Sums

_KEY: Final = ("sec", "company_name", "company_id", "description", "day", "country")
_COPY_BYTES: Final = 2**20
_RUNS_MAX: Final = 64


@dataclass(slots=True)
class Batch:
    """One batch: its key, where its entries lie in the spool, what they sum up to."""

    key: BatchKey
    extents: list[tuple[int, int]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)


class Batches:
    """Batches in order of their first payment. Entries wait in `spool`, so that memory does not grow with the file.

    A batch holds what its control record can say: 999,999 entries and addenda, twelve digits of debits and of credits;
    what is more opens a further batch of the same key. Where the windows are cut does not matter.
    """

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self._open: dict[BatchKey, Batch] = {}
        self._all: list[Batch] = []

    def add(self, prepared: pl.DataFrame) -> None:
        """Add rows of `exporters._nacha_records.prepared`, in order."""
        for part in _runs(prepared):
            self._append(BatchKey(*(str(value) for value in part.select(_KEY).row(0))), part)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._all)

    def sums(self) -> Sums:
        """Of all batches together."""
        return reduce(Sums.plus, (batch.sums for batch in self._all), Sums())

    def by_day(self) -> dict[str, tuple[int, int]]:
        """Effective entry date → cents of debits and of credits."""
        found: dict[str, tuple[int, int]] = {}
        for batch in self._all:
            debit, credit = found.get(batch.key.day, (0, 0))
            found[batch.key.day] = debit + batch.sums.debit, credit + batch.sums.credit
        return found

    def _append(self, key: BatchKey, part: pl.DataFrame) -> None:
        while not part.is_empty():
            batch = self._open.get(key)
            room = 0 if batch is None else _room(part, batch.sums)
            if batch is None or not room:
                batch = self._open[key] = Batch(key)
                self._all.append(batch)
                room = _room(part, batch.sums)
                assert room, "one entry always fits an empty batch"
            taken, part = part.head(room), part.slice(room)
            batch.extents.append(self._spooled(taken["text"]))
            batch.sums = batch.sums.plus(_sums(taken))

    def _spooled(self, text: pl.Series) -> tuple[int, int]:
        start = self._spool.tell()
        return start, write_texts(text, self._spool)

    def closed(self) -> Iterator[tuple[Batch, Iterator[bytes]]]:
        """Each batch with the bytes of its entries."""
        for batch in self._all:
            yield batch, self._bytes(batch)

    def _bytes(self, batch: Batch) -> Iterator[bytes]:
        for start, size in batch.extents:
            self._spool.seek(start)
            for at in range(0, size, _COPY_BYTES):
                yield self._spool.read(min(_COPY_BYTES, size - at))


def _runs(prepared: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows parted by key, in order: as they stand where keys come in runs, which copies nothing, else sorted together."""
    other = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in _KEY)
    starts = [0, *prepared.select(other.fill_null(value=False).arg_true()).to_series().to_list(), prepared.height]
    if len(starts) - 1 <= _RUNS_MAX:
        yield from (prepared.slice(first, last - first) for first, last in pairwise(starts) if last > first)
    else:
        yield from (part for _, part in prepared.group_by(_KEY, maintain_order=True))


def _room(part: pl.DataFrame, used: Sums) -> int:
    """How many of the first rows still fit."""
    fits = part.select(
        (pl.col("records").cum_sum() + used.count <= BATCH_COUNT_MAX)
        & (pl.col("debit").cum_sum() + used.debit <= ENTRY_SUM_MAX)
        & (pl.col("credit").cum_sum() + used.credit <= ENTRY_SUM_MAX)
    )
    return int(fits.to_series().sum())


def _sums(part: pl.DataFrame) -> Sums:
    columns = ("is_debit", "records", "rdfi", "debit", "credit")
    return Sums(part.height, *part.select(pl.col(columns).sum()).row(0))
