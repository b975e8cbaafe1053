"""The ladder on one frame of payments and one of entries, beside Polars' own join of the two on the reference.

The frames are mapped from files, as the gateway maps what is open: the memory that is measured is that of the work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from benchmarks.make_days import make
from benchmarks.quality import book, taken
from canonical.frames import MATCHES, empty
from reconciliation.ladder import match
from reconciliation.states import ATTRIBUTED, payment_states

_BLOCK: Final = 1_000_000
"""Payments made at a time; more of them are several banks' days, told apart by their accounts."""


def keep(folder: Path, count: int) -> dict[str, Any]:
    """A day as files: what was sent with its state, and what the statements told of it."""
    folder.mkdir(parents=True, exist_ok=True)
    payments = entries = 0
    with pa.OSFile(str(folder / "states.arrow"), "wb") as sent, pa.OSFile(str(folder / "entries.arrow"), "wb") as told:
        writers: list[pa.ipc.RecordBatchFileWriter] = []
        for frames in _blocks(count):
            tables = [frame.to_arrow(compat_level=pl.CompatLevel.newest()) for frame in frames]
            writers = writers or [
                pa.ipc.new_file(file, table.schema) for file, table in zip((sent, told), tables, strict=True)
            ]
            for writer, table in zip(writers, tables, strict=True):
                writer.write_table(table)
            payments, entries = payments + frames[0].height, entries + frames[1].height
        for writer in writers:
            writer.close()
    return {"payments": payments, "entries": entries}


def _blocks(count: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for number, first in enumerate(range(0, count, _BLOCK)):
        days = make(min(_BLOCK, count - first), 1 + number)
        states = payment_states(book(days.payments), empty(ATTRIBUTED), empty(MATCHES))
        yield tuple(
            frame.with_columns(pl.col(name) + pl.lit(f"/{number}" if number else "") for name in names)
            for frame, names in ((states, ("payment_id", "account")), (taken(days.entries), ("entry_id", "account")))
        )  # type: ignore[misc] # two of them


def _kept(folder: Path) -> list[pl.DataFrame]:
    maps = [pa.memory_map(str(folder / f"{name}.arrow")) for name in ("states", "entries")]
    return [pl.DataFrame(pl.from_arrow(pa.ipc.open_file(data).read_all(), rechunk=False)) for data in maps]


def joined(folder: Path) -> dict[str, Any]:
    """Both frames joined on the reference: rows and seconds, reading them apart."""
    states, entries = _kept(folder)
    first = time.perf_counter()
    found = states.join(entries, left_on="reference", right_on="instruction_id", how="inner")
    return {"seconds": time.perf_counter() - first, "matches": found.height}


def climbed(folder: Path) -> dict[str, Any]:
    """Both frames matched by all rungs: matches by rung and seconds, reading them apart."""
    states, entries = _kept(folder)
    first = time.perf_counter()
    found = match(states, entries, empty(MATCHES)).matches
    seconds = time.perf_counter() - first
    by = dict(found["rung"].value_counts().sort("rung").iter_rows())
    bytes_ = sum(path.stat().st_size for path in folder.glob("*.arrow"))
    return {"seconds": seconds, "matches": found.height, "by_rung": by, "frames_mib": round(bytes_ / 2**20)}
