"""What statements booked of a file's payments, for answers that tell of bookings: each booking is told of once."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.frames import ALL, BOOKINGS, conform, empty
from canonical.parties import counterparty, ordering
from gateway.books.book import standing_matches
from gateway.books.heard import entries_named
from gateway.composition import Gateway
from gateway.planning.plans import live_submissions

_MOVES: Final = ("settlement", "return", "representation")
_OF_PAYMENT: Final = (
    "row", "batch", "batch_id", "batch_booking", "instruction_id", "end_to_end_id", "uetr", "credit_debit", "mandate_id",
    "remittance", "remittance_reference", "remittance_reference_type",
)  # fmt: skip
_PARTIES: Final = ("name", "account", "agent")


def claims(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """MATCHES that moved money of the file's payments, with `nth` of the payment's, from 1, in the order they were found."""
    providers = sorted({row["destination"] for row in live_submissions(gateway, file_id)})
    frames = [standing_matches(gateway, provider, [file_id]) for provider in providers]
    return claims_among(pl.concat([empty(ALL["matches"]), *frames]), file_id)


def claims_among(matches: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """The same from MATCHES that stand."""
    found = matches.filter(pl.col("payment_id").str.starts_with(file_id) & pl.col("kind").is_in(_MOVES))
    return found.with_columns(nth=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("payment_id"))


def bookings(gateway: Gateway, file_id: str, news: pl.DataFrame | None) -> pl.DataFrame:
    """BOOKINGS of a file that its client was not told of yet, in row order. `news`: as in `Answer`."""
    fresh = claims(gateway, file_id)
    if news is None or fresh.is_empty():
        return empty(BOOKINGS)
    told = [
        part.select(
            "payment_id",
            *_OF_PAYMENT,
            *(ordering(name) for name in _PARTIES),
            *(counterparty(name) for name in _PARTIES),
        ).join(
            news.select("row", booked=pl.col("booked_told").fill_null(0)), on="row", how="inner", maintain_order="left"
        )
        for part in gateway.lake.parts(file_id, "payments")
    ]
    paid = pl.concat(told).join(fresh, on="payment_id", how="inner", maintain_order="left").filter(
        pl.col("nth") > pl.col("booked")
    )  # fmt: skip
    providers = sorted({row["destination"] for row in live_submissions(gateway, file_id)})
    entries = pl.concat(
        entries_named(gateway, provider, paid["entry_id"]).select(
            "entry_id", "booking_date", "servicer_reference", "charges_minor", reason="return_reason",
            reason_text=pl.coalesce("return_text", "additional"),
        )
        for provider in providers
    ).unique("entry_id", keep="first", maintain_order=True)  # fmt: skip
    whole = paid.join(entries, on="entry_id", how="left", maintain_order="left")
    return conform(whole.select(name for name in BOOKINGS.columns), BOOKINGS)
