"""The fast reader of statements: slices cut behind entries and scanned in two threads, all else read by the exact reader.

The exact reader is fed the file as it stands, without the entries that `_feedback_scan` read: headers, balances, what stands
between entries, and the entries of rare or faulty shapes keep their place, their lines and their findings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import polars as pl

from canonical.contracts import Source
from canonical.limits import XML_DEPTH_MAX
from parsers._feedback_camt_paths import AccountMessage
from parsers._feedback_entries import EntryRows
from parsers._feedback_scan import Learned, Scanned, entry_message, scan_entries
from parsers._feedback_shapes import Record
from parsers._feedback_xml import Reader
from parsers._iso_fast import cuts, feed_between, give_back, prefix_of, settle_allocator
from parsers._iso_faults import Doubt

_SCANNERS: Final = 2
_AHEAD: Final = 3
_SLICE_BYTES: Final = 16 * 2**20
_PADDING: Final = b" " * 16
"""Words are looked at from every offset, also from the last tag's, which is shorter than one."""
WORTH_BYTES: Final = 2**20
"""Smaller files are read as fast by the exact reader: shapes have to be learned first."""


def fast_records(source: Source, of: AccountMessage, reader: Reader, rows: EntryRows) -> Iterator[Record]:
    """The records of the file but for the entries that were read at speed, which go into `rows` themselves.

    Raises:
        Doubt: the exact reader must read the whole file.
        Unreadable: reading cannot go on.
    """
    learned = Learned(of, prefix_of(source, entry_message(of)))
    settle_allocator(len(source.data))
    position, lines = 0, 0
    with ThreadPoolExecutor(_SCANNERS) as pool:
        try:
            for start, scanned in _scans(source, learned, pool):
                places = []
                for run in scanned.runs:
                    yield from _between(source, reader, position, start + run.start)
                    if reader.depth + scanned.depth > XML_DEPTH_MAX:
                        raise Doubt("nested deeply")
                    statement = reader.skip("Ntry", run.end - run.start, run.lines)
                    places.append((statement, rows.take(statement, run.payments), run.payments))
                    position = start + run.end
                if places:
                    rows.settle(_placed(scanned.rows, places, lines))
                lines += scanned.lines
            yield from _between(source, reader, position, len(source.data), final=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            give_back(len(source.data))


def _scans(source: Source, learned: Learned, pool: ThreadPoolExecutor) -> Iterator[tuple[int, Scanned]]:
    """Start and scan of each slice, in order, made in threads a few slices ahead."""
    slices = cuts(source, learned.shapes, _SLICE_BYTES)
    pending: deque[tuple[int, Future[Scanned]]] = deque()
    while True:
        while len(pending) < _AHEAD and (cut := next(slices, None)):
            pending.append((cut[0], pool.submit(_scan, source, *cut, learned)))
        if not pending:
            return
        start, future = pending.popleft()
        yield start, future.result()


def _scan(source: Source, start: int, end: int, learned: Learned) -> Scanned:
    return scan_entries(b"".join((source.data[start:end], _PADDING)), learned)


def _between(source: Source, reader: Reader, start: int, end: int, *, final: bool = False) -> Iterator[Record]:
    """Feed what stands between the entries that were read, and give the records that it closes."""
    feed_between(reader, source.data[start:end], final=final)
    yield from reader.records
    reader.records.clear()


def _placed(rows: pl.DataFrame, places: list[tuple[int, int, int]], lines: int) -> pl.DataFrame:
    """The rows of a slice at their places in the file: statement, position and line."""
    statements = np.repeat([statement for statement, _, _ in places], [count for _, _, count in places])
    positions = np.concatenate([np.arange(first, first + count) for _, first, count in places])
    local = rows["position"].to_numpy() - 1
    return rows.with_columns(
        statement=pl.Series(statements[local], dtype=pl.Int64), position=pl.Series(positions[local], dtype=pl.Int64),
        line=pl.col("line") + lines,
    )  # fmt: skip
