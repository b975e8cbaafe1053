"""What a provider's feedback holds: datasets of many feedback files of the lake, in order of receipt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement

from canonical.frames import ALL, dtypes, empty
from gateway.composition import Gateway
from gateway.laid_out import laid_out
from gateway.listed import listed
from gateway.registry import tables as t
from gateway.registry.mentions import may_speak_of

FOLLOW: Final = "follow"
"""The stage of a feedback file: its objects, and which client files they speak of."""


def without_verifications(gateway: Gateway, provider_id: str, statuses: pl.DataFrame) -> pl.DataFrame:
    """STATUSES that speak of payments: not those that answer a request to verify payees."""
    asked = gateway.registry.rows(t.VERIFICATIONS, t.VERIFICATIONS.c.destination == provider_id)
    ids = [request["submission_id"] for request in asked]
    names = ("original_message_id", "original_batch_id")
    return statuses.filter(~pl.any_horizontal(pl.col(name).is_in(ids).fill_null(value=False) for name in names))


def feedback_frames(
    gateway: Gateway,
    provider_id: str,
    dataset: str,
    feedback_ids: Sequence[str] | None = None,
    *,
    of_files: Collection[str] | None = None,
) -> pl.DataFrame:
    """A dataset of a provider's feedback, all or some files, with `feedback_id`, `received_on`, and `sequence` in order of receipt.

    `of_files`: only of feedback whose statuses may speak of these client files.
    """
    rows = _feedback(gateway, provider_id, feedback_ids, of_files)
    found = listed(gateway.lake, [row["feedback_id"] for row in rows], dataset)
    extra = {"feedback_id": pl.String, "sequence": pl.Int64, "received_on": pl.Date}
    frames = [pl.DataFrame(schema={**dtypes(ALL[dataset]), **extra})]
    frames += [
        found.whole(row["feedback_id"], dataset).with_columns(
            feedback_id=pl.lit(row["feedback_id"]),
            sequence=pl.lit(sequence, dtype=pl.Int64),
            received_on=pl.lit(dt.datetime.fromisoformat(row["received_at"]).date()),
        )
        for sequence, row in enumerate(rows, start=1)
    ]
    return pl.concat(frames)


def feedback_entries(gateway: Gateway, provider_id: str, feedback_ids: Sequence[str] | None = None) -> pl.DataFrame:
    """ENTRIES of a provider's feedback, all or some files, in order of receipt."""
    rows = _feedback(gateway, provider_id, feedback_ids)
    of_files = listed(gateway.lake, [row["feedback_id"] for row in rows], "entries")
    parts = (part for row in rows for part in of_files.parts(row["feedback_id"], "entries"))
    return laid_out(parts, dtypes(ALL["entries"]))


def entries_named(gateway: Gateway, provider_id: str, entry_ids: pl.Series) -> pl.DataFrame:
    """ENTRIES of a provider with these ids (`entry_id`); of objects that hold none of them only the ids are read."""
    rows = _feedback(gateway, provider_id, None)
    of_files = listed(gateway.lake, [row["feedback_id"] for row in rows], "entries")
    wanted = pl.col("entry_id").is_in(entry_ids.implode())
    parts = [
        part.filter(wanted) for row in rows for part in of_files.parts_with(row["feedback_id"], "entries", entry_ids)
    ]
    return pl.concat([empty(ALL["entries"]), *parts])


def _feedback(
    gateway: Gateway, provider_id: str, feedback_ids: Sequence[str] | None, of_files: Collection[str] | None = None
) -> list[Mapping[str, Any]]:
    c = t.FEEDBACK.c
    named: list[ColumnElement[bool]] = [] if feedback_ids is None else [c.feedback_id.in_(feedback_ids)]
    if of_files is not None:
        named.append(may_speak_of(c.feedback_id, FOLLOW, of_files))
    return gateway.registry.rows(
        t.FEEDBACK, t.FEEDBACK.c.provider_id == provider_id, *named,
        order=(t.FEEDBACK.c.received_at, t.FEEDBACK.c.feedback_id),
    )  # fmt: skip
