"""The charts of the reports: how many breaks are how old, and which rung matched how many entries."""

from __future__ import annotations

import polars as pl

from canonical.contracts import Chart
from reconciliation._tables import AGES, OLDEST
from reconciliation.frames import STATE_NAMES


def breaks_by_age(table: pl.DataFrame) -> Chart:
    """Of `_tables.by_age`: every age has its bar, also where nothing is that old."""
    counted = dict(table.group_by("age").agg(pl.col("breaks").sum()).iter_rows())
    labels = tuple(f"{name} days" for name in _ages())
    return Chart("Open breaks by age", labels, tuple(counted.get(name, 0) for name in _ages()), "breaks")


def matched_by_rung(table: pl.DataFrame) -> Chart:
    """Of `_tables.matched_by_rung`: most entries first, over all currencies."""
    rungs = table.group_by("rung").agg(pl.col("entries").sum()).sort(-pl.col("entries"), "rung")
    return Chart("Statement entries by rung", tuple(rungs["rung"]), tuple(rungs["entries"]), "entries")


def by_state(states: pl.DataFrame) -> Chart:
    """Of STATES: every state that a payment is in, in the order of a payment's life."""
    counted = dict(states["state"].value_counts().iter_rows())
    names = [name for name in STATE_NAMES if name in counted]
    return Chart(
        "Payments by state",
        tuple(name.replace("_", " ") for name in names),
        tuple(counted[name] for name in names),
        "payments",
    )


def _ages() -> list[str]:
    return [*(name for _, name in AGES), OLDEST]
