"""A payment file read to its end, as one window."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from canonical.contracts import Window


def one_window(windows: Iterable[Window]) -> Window:
    """All windows of a file as one, with the header of the first."""
    parts = list(windows)
    return Window(
        parts[0].header,
        pl.concat([part.payments for part in parts]),
        pl.concat([part.totals for part in parts]),
        pl.concat([part.findings for part in parts]),
        sum(part.unreadable for part in parts),
    )
