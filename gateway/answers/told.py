"""What the client was told of each payment, set by set, and what is news since: so that nothing is said twice or missed."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.frames import TOLD, conform, dtypes, empty
from canonical.profiles import MILESTONES
from gateway.composition import Gateway
from gateway.registry import tables as t

_NUMBER: Final = "______"
_SAID: Final = ("milestone", "status", "reason", "message", "booked", "corrections")
_PATHS: Final = {
    "validated": ("validated",),
    "sent": ("sent",),
    "acknowledged": ("sent", "acknowledged"),
    "settled": ("sent", "acknowledged", "settled"),
    "returned": ("sent", "acknowledged", "settled", "returned"),
}
"""The milestones that a payment has passed when it stands at one: who asked for one of them is told, though it went on."""


def snapshot(rows: pl.DataFrame) -> pl.DataFrame:
    """TOLD of ANSWER rows."""
    return conform(rows.select(dtypes(TOLD).keys()), TOLD)


def told_before(gateway: Gateway, file_id: str, series: str = "answer-") -> tuple[int, pl.DataFrame]:
    """The number of the next set of a series, from 1, and TOLD of the last one (empty where there was none)."""
    c = t.STAGES.c
    stages = gateway.registry.rows(t.STAGES, c.subject == file_id, c.stage.like(f"{series}{_NUMBER}"), order=c.stage)
    if not stages:
        return 1, empty(TOLD)
    last = stages[-1]["stage"]
    return int(last.removeprefix(series)) + 1, gateway.lake.whole(file_id, "told", last)


def news_of(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The payments that stand otherwise than was told.

    Returns: row, milestone, and of when they were last told of `was` (milestone), status_told, booked_told, corrections_told.
    """
    now = rows.lazy().select(dtypes(TOLD).keys()).collect()
    before = before.rename({name: f"{name}_told" for name in _SAID})
    both = now.join(before, on="row", how="left", maintain_order="left").rename({"milestone_told": "was"})
    changed = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col("was" if name == "milestone" else f"{name}_told")) for name in _SAID
    )
    return both.filter(changed).select("row", "milestone", "was", "status_told", "booked_told", "corrections_told")


def reached(news: pl.DataFrame) -> set[str]:
    """The milestones that payments of `news_of` stand at, or passed since they were last told of."""
    steps = news.unique(["milestone", "was"]).select("was", "milestone").rows()
    found = set[str]()
    for was, now in steps:
        passed = set(_PATHS[now]) - set(_PATHS.get(was or "", ()))
        found |= passed | {now}
    return {name for name in MILESTONES if name in found}
