"""Batches of the files that were sent: which payments stand in one that a provider names, read from the file itself."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.contracts import Source
from canonical.frames import dtypes
from canonical.identifiers import ONE_BATCH
from canonical.plugins import lookup
from gateway.composition import Gateway
from gateway.registry import tables as t
from reconciliation.frames import NAMES

_OURS: Final = pl.coalesce("instruction_id", "end_to_end_id")
"""The reference of a payment as it is read from such a file."""


def batches_named(gateway: Gateway, statuses: pl.DataFrame, book: pl.DataFrame) -> list[pl.DataFrame]:
    """NAMES of the payments in the files of which STATUSES name one batch of several; nothing is read where there is none."""
    told = statuses.filter(pl.col("level") == "batch")["original_batch_id"].str.extract(ONE_BATCH).drop_nulls().unique()
    known = book.filter(pl.col("submission_id").is_in(told.implode()))
    return [
        _of_submission(gateway, str(submission_id), payments.select("payment_id", "reference"))
        for (submission_id,), payments in known.group_by("submission_id", maintain_order=True)
    ]


def _of_submission(gateway: Gateway, submission_id: str, payments: pl.DataFrame) -> pl.DataFrame:
    none = pl.DataFrame(schema=dtypes(NAMES))
    row = gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id)
    if row is None or row["key"] is None:
        return none
    name = gateway.profiles.provider(row["destination"]).export.name
    if not lookup("exporters", "EXPORT", name).batches:
        return none
    file_format = lookup("parsers", "FORMAT", name)
    with gateway.store.mapped(row["key"]) as data:
        windows = file_format.windows(Source(submission_id, row["name"], data), file_format.options())
        parts = [window.payments.select("batch_id", reference=_OURS) for window in windows]
    placed = payments.join(pl.concat(parts), on="reference", how="inner")
    return pl.concat([none, placed.select("payment_id", "batch_id")], how="diagonal")
