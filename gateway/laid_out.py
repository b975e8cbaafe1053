"""Long frames outside memory: laid out in a temporary Arrow file and mapped from there.

What is open of a provider, and the entries of a large bank's day, are longer than a worker's memory should be asked to hold. A
mapped frame is a frame like any other; its pages are read when a column is, and the system may drop them again.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from canonical.limits import MAPPED_ROWS


def laid_out(frames: Iterable[pl.DataFrame], schema: Mapping[str, Any]) -> pl.DataFrame:
    """The frames as one, in their order; mapped from a file where they are long. The file is gone with the frame."""
    pieces = _pieces(frames)
    first = next(pieces, pl.DataFrame(schema=schema))
    second = next(pieces, None)
    if second is None:
        return first
    with tempfile.TemporaryFile() as file:
        with pa.ipc.new_file(file, _arrow(first).schema) as writer:
            for piece in chain([first, second], pieces):
                writer.write_table(_arrow(piece))
        del first, second, piece  # what is mapped need not be held as well
        file.flush()
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = pl.from_arrow(pa.ipc.open_file(pa.py_buffer(data)).read_all(), rechunk=False)
    assert isinstance(found, pl.DataFrame)
    return found


def compact(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows, which hold on to no text but their own: rows picked from a long frame keep all of its text in memory."""
    found = pl.from_arrow(few.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(found, pl.DataFrame)
    return found


def _pieces(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of one chunk and MAPPED_ROWS rows or more, but for the last."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if sum(item.height for item in held) >= MAPPED_ROWS:
            yield pl.concat(held, rechunk=True)
            held.clear()
    if held:
        yield pl.concat(held, rechunk=True)


def _arrow(frame: pl.DataFrame) -> pa.Table:
    # Text as Polars holds it: an older layout would be copied when it is read.
    return frame.to_arrow(compat_level=pl.CompatLevel.newest())
