"""The bytes of a column of text as they lie in Arrow: written to a file as they are, with no copy in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final, Protocol, cast

import polars as pl

_WRITTEN_BYTES: Final = 2**20


class _Buffers(Protocol):
    offset: int

    def __len__(self) -> int: ...
    def buffers(self) -> list[Any]: ...


def characters(column: pl.Series) -> Iterator[memoryview]:
    """The texts of a String column without nulls, one behind the other, in runs of UTF-8."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    for chunk in getattr(array, "chunks", [array]):
        yield _run(chunk)


def _run(chunk: _Buffers) -> memoryview:
    """The bytes of a LargeString array."""
    _, offsets, data = chunk.buffers()
    if len(chunk) == 0 or data is None:
        return memoryview(b"")
    places = cast("memoryview", memoryview(offsets)).cast("B").cast("q")
    return cast("memoryview", memoryview(data)).cast("B")[places[chunk.offset] : places[chunk.offset + len(chunk)]]


def write_texts(column: pl.Series, out: IO[bytes]) -> int:
    """Write the texts of a column; how many bytes that were."""
    return sum(write_run(run, out) for run in characters(column))


def write_run(run: memoryview, out: IO[bytes]) -> int:
    """Write these bytes; how many they are."""
    # In pieces: of tens of megabytes at once, Linux takes ten times as long to make room in its cache.
    return sum(out.write(run[start : start + _WRITTEN_BYTES]) for start in range(0, len(run), _WRITTEN_BYTES))
