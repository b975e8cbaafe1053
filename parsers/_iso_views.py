"""String columns that are views over a window's bytes: nothing is copied but the first bytes of each text.

Layout: Apache Arrow columnar format, variable-size binary view. 16 bytes a text: its length, then either the text itself
(up to 12 bytes) or its first four bytes, a buffer number and the offset in that buffer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from parsers._iso_tags import Ints, words_of

_INLINE: Final = 12
_UPPER: Final = np.uint64(32)
_LOW: Final = np.array([2 ** (8 * min(size, 4)) - 1 for size in range(_INLINE + 1)], np.uint64)
_HIGH: Final = np.array([2 ** (8 * max(size - 4, 0)) - 1 for size in range(_INLINE + 1)], np.uint64)


def views_of(data: bytes, names: list[str], starts: Ints, sizes: Ints) -> list[pl.Series]:
    """String columns of byte spans: `starts` and `sizes` have a row a text and a column a name; null where the size is 0.

    `data` is known to be UTF-8. Each span lies 12 bytes or more before its end.
    """
    words, buffer = words_of(data), pa.py_buffer(data)
    short = np.minimum(sizes, _INLINE)
    views = np.empty((*sizes.shape[::-1], 2), np.uint64)
    # Rows first: the texts of one payment stand close together in memory.
    views[:, :, 0] = (sizes.view(np.uint64) | ((words[starts] & _LOW[short]) << _UPPER)).T
    inline = words[starts + 4] & _HIGH[short]
    views[:, :, 1] = np.where(sizes <= _INLINE, inline, starts.view(np.uint64) << _UPPER).T
    filled = (sizes > 0).T
    columns = []
    for ordinal, name in enumerate(names):
        valid = None if filled[ordinal].all() else pa.py_buffer(np.packbits(filled[ordinal], bitorder="little"))
        parts = [valid, pa.py_buffer(views[ordinal]), buffer]
        found = pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(sizes), parts))
        assert isinstance(found, pl.Series), "an array is a series"
        columns.append(found.alias(name))
    return columns
