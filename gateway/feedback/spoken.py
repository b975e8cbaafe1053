"""Which payments one feedback file speaks of, without a look at all that were ever sent: it names what it means.

Most feedback names the submission, or a payment by the id that was written in our file. Only the files of these are read. Where a
row may mean any payment (by UETR, by account, by a reference of another kind) the provider's whole book is.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gateway.books.book import attributed, provider_book
from gateway.composition import Gateway
from gateway.delivery.parts import delivered_as
from gateway.registry import tables as t
from reconciliation.frames import SENT
from reconciliation.states import files_meant, means_others


@dataclass(frozen=True, slots=True)
class Spoken:
    """`payments`: payment_id, submission_id and file_id, as often as each is spoken of. `whole`: every row was understood."""

    payments: pl.DataFrame
    whole: bool


def spoken_of(gateway: Gateway, provider_id: str, statuses: pl.DataFrame) -> Spoken:
    """What STATUSES of one feedback file speak of."""
    rows = gateway.registry.rows(
        t.SUBMISSIONS,
        t.SUBMISSIONS.c.destination == provider_id,
        t.SUBMISSIONS.c.kind == "payment",
        t.SUBMISSIONS.c.state.in_(SENT),
    )
    schema = {"file_id": pl.String, "submission_id": pl.String}
    sent = pl.DataFrame([(row["file_id"], delivered_as(row)) for row in rows], schema=schema, orient="row")
    book = provider_book(gateway, provider_id, of_files=files_meant(statuses, sent))
    found = attributed(gateway, statuses, book)
    if means_others(statuses, found.attributed, sent):
        book = provider_book(gateway, provider_id)
        found = attributed(gateway, statuses, book)
    placed = book.select("payment_id", "submission_id", "file_id")
    return Spoken(found.attributed.join(placed, on="payment_id", how="inner"), found.unknown.is_empty())
