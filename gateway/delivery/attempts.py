"""Attempts: submissions that a person called undelivered, and the payments that stood in them."""

from __future__ import annotations

import polars as pl
from sqlalchemy import or_, select

from canonical.frames import conform
from gateway.composition import Gateway
from gateway.planning.plans import routes_of
from gateway.registry import tables as t
from reconciliation.frames import ATTEMPTS


def called_undelivered(gateway: Gateway, book: pl.DataFrame) -> pl.DataFrame | None:
    """ATTEMPTS at the provider of a BOOK, of the files in it; None where there were none.

    The person may have been wrong: the provider then speaks of a payment that stands in another submission by now.
    """
    c, said = t.SUBMISSIONS.c, t.RESOLUTIONS.c
    undelivered = select(said.submission_id).where(said.delivered == 0)
    rows = gateway.registry.rows(
        t.SUBMISSIONS, c.state == "VOIDED", or_(c.submission_id.in_(undelivered), c.merged_into.in_(undelivered)),
        order=(c.file_id, c.submission_id),
    )  # fmt: skip
    here = set(book.select("provider", "file_id").unique().rows()) if rows else set()
    standing: dict[str, list[str]] = {}
    for row in rows:
        if (row["destination"], row["file_id"]) in here:
            standing.setdefault(row["file_id"], []).append(row["submission_id"])
    # Once a file, however many submissions were made of it.
    parts = [routes_of(gateway.lake, file_id, submissions) for file_id, submissions in standing.items()]
    if not parts:
        return None
    return conform(pl.concat(part.select("payment_id", "reference") for part in parts).unique(), ATTEMPTS)
