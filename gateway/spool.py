"""Frames too large to be held: written to a file as they come, and mapped back as one frame that takes no memory of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.ipc


@contextmanager
def spooled(parts: Iterable[pl.DataFrame], schema: dict[str, pl.DataType]) -> Iterator[pl.DataFrame]:
    """All parts as one frame over a mapped file; it must not be used after the block.

    It has as many chunks as there were parts: take slices of it, since what joins the chunks copies them into memory.
    """
    newest = pl.CompatLevel.newest()  # text stays as Polars has it, so that mapping it back copies nothing
    layout = pl.DataFrame(schema=schema).to_arrow(compat_level=newest).schema
    with tempfile.TemporaryDirectory(prefix="bulkrail-spool-") as folder:
        path = str(Path(folder) / "frame.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, layout) as writer:
            for part in parts:
                writer.write_table(part.to_arrow(compat_level=newest))
        table = pa.ipc.open_file(pa.memory_map(path)).read_all()
        yield cast("pl.DataFrame", pl.from_arrow(table, rechunk=False))


def put_away(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame over a mapped file of its own that is deleted at once: the system may drop its pages, and reads them again."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    with tempfile.NamedTemporaryFile(prefix="bulkrail-spool-") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        file.flush()
        return cast("pl.DataFrame", pl.from_arrow(pa.ipc.open_file(pa.memory_map(file.name)).read_all(), rechunk=False))
