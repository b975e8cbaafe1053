"""What became of one client's files of a day, as a report for the client: its own files, payments and ids."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.contracts import Report, Sheet
from canonical.counts import count_of
from canonical.currencies import exponent_of
from canonical.masking import mask_of
from canonical.money import grouped_minor

NAME: Final = "client"
FATES: Final = {
    "rejected": ("refused_here", "refused before it was sent"),
    "cancelled": ("cancelled", "cancelled, not sent"),
    "waiting": ("waiting", "waits, not sent yet"),
    "submitted_unknown": ("under_way", "sent; the bank has not confirmed it"),
    "outstanding": ("under_way", "sent to the bank, not booked yet"),
    "provider_rejected": ("refused_by_bank", "refused by the bank"),
    "settled": ("settled", "booked by the bank"),
    "returned": ("returned", "booked, then sent back by the bank"),
}
"""State of a payment → the column that counts it, and what the client is told."""
STANDS: Final = {
    "received": "received, not read yet", "parsed": "read, not checked yet", "validated": "checked, not decided yet",
    "held": "waits for approval", "approved": "accepted, not planned yet", "refused": "refused at approval",
    "rejected": "rejected", "routed": "accepted", "cancelled": "cancelled", "applied": "request to cancel, decided",
}  # fmt: skip
"""State of a file (`gateway.registry.tables.FILES`) → what the client is told."""
COLUMNS: Final = tuple(dict.fromkeys(column for column, _ in FATES.values()))
_KEYS: Final = ("file_id", "currency", "credit_debit")


@dataclass(frozen=True, slots=True)
class ClientDay:
    """One client's files of a day, as they stand when the report is made.

    files: file_id, file (its name), received_at, state, unreadable (rows that could become no payment). parsed: file_id,
    currency, credit_debit, payments, amount_minor as parsing counted them. states: STATES. said: payment_id, reason,
    message, remedy. corrections: file_id, row, end_to_end_id, told_on, reason, reason_text, change_to, act_by.
    """

    client_id: str
    name: str
    day: dt.date
    files: pl.DataFrame
    parsed: pl.DataFrame
    states: pl.DataFrame
    said: pl.DataFrame
    corrections: pl.DataFrame


def client_report(found: ClientDay) -> Report:
    """Sheets: Files (a row a file, currency and direction), Not settled, Returned, Corrections. All amounts tie to the files'."""
    files, told = files_table(found), payments_table(found)
    returned = told.filter(pl.col("fate") == FATES["returned"][1])
    open_ones = told.filter(pl.col("fate") != FATES["returned"][1]).drop("returned_on")
    tied = files["difference"].eq(0).all() and files["payments_difference"].eq(0).all()
    kinds = dict.fromkeys(("amount", *COLUMNS, "difference"), "money") | {"received_on": "date"}
    counts = {"payments": "count", "payments_difference": "count", "unreadable_rows": "number"}
    rows = {"amount_minor": "money", "row": "number", "execution_date": "date", "returned_on": "date"}
    facts = (
        ("Client", found.name), ("Files", f"{found.files.height:,}"), ("Payments", f"{found.states.height:,}"),
        ("Ties out", "yes" if tied else "NO: see the differences of the files"),
        *_settled(found.states),
    )  # fmt: skip
    sheets = (
        Sheet("Files", files, kinds | counts, "What became of each file"),
        Sheet("Not settled", open_ones, rows, "Payments that are not settled"),
        Sheet("Returned", returned, rows, "Payments that came back"),
        Sheet(
            "Corrections", found.corrections, {"row": "number", "told_on": "date", "act_by": "date"},
            "What the bank asks to be changed before the next payment",
        ),
    )  # fmt: skip
    return Report(NAME, "What became of your payments", found.day, found.client_id, facts, sheets)


def files_table(found: ClientDay) -> pl.DataFrame:
    """A row a file, currency and direction; amounts by fate, and what they differ by from what was read of the file."""
    column = pl.col("state").replace_strict({state: fate for state, (fate, _) in FATES.items()})
    amount = pl.col("amount_minor").fill_null(0)
    fates = found.states.group_by(_KEYS).agg(
        pl.len().cast(pl.Int64).alias("placed"), *(amount.filter(column == name).sum().alias(name) for name in COLUMNS)
    )
    rows = found.files.join(found.parsed, on="file_id", how="left").join(fates, on=_KEYS, how="left", nulls_equal=True)
    numbers = pl.col("payments", "amount_minor", "placed", *COLUMNS).fill_null(0)
    by_fate = pl.sum_horizontal(COLUMNS)
    return (
        rows.with_columns(numbers)
        .sort("received_at", "file_id", "currency", "credit_debit", nulls_last=True)
        .select(
            "file", "received_on", pl.col("state").replace_strict(STANDS), "currency", "credit_debit", "payments",
            amount="amount_minor",
            **{name: pl.col(name) for name in COLUMNS}, difference=pl.col("amount_minor") - by_fate,
            payments_difference=pl.col("payments") - pl.col("placed"), unreadable_rows="unreadable", file_id="file_id",
        )
        .with_columns(in_known_currency("amount", *COLUMNS, "difference"))
    )  # fmt: skip


def in_known_currency(*names: str) -> pl.Expr:
    """Amounts, null where they could not be read: of a currency that ISO 4217 does not know nothing is zero."""
    unknown = pl.col("currency").is_not_null() & exponent_of(pl.col("currency")).is_null()
    return pl.when(~unknown).then(pl.col(names))


def payments_table(found: ClientDay) -> pl.DataFrame:
    """A row a payment that is not settled, in file order: where it stands, why, and what to do."""
    fate = pl.col("state").replace_strict({state: words for state, (_, words) in FATES.items()})
    rows = found.states.filter(pl.col("state") != "settled").join(
        found.files.select("file_id", "file", "received_at"), on="file_id"
    )
    return (
        rows.join(found.said, on="payment_id", how="left")
        .sort("received_at", "file_id", "row")
        .select(
            "file", "row", "end_to_end_id", "currency", "credit_debit", "amount_minor",
            counterparty=mask_of(pl.col("counterparty_name")), account=mask_of(pl.col("counterparty_account")), fate=fate,
            reason="said_reason", message="message", remedy="remedy", execution_date="execution_date",
            returned_on="returned_on",
        )
    )  # fmt: skip


def _settled(states: pl.DataFrame) -> list[tuple[str, str]]:
    settled = (
        states.filter(pl.col("state") == "settled").group_by("currency").agg(pl.len(), pl.col("amount_minor").sum())
    )
    return [
        (f"Settled {currency}", f"{count_of(payments, 'payment')}, {grouped_minor(amount, currency)}")
        for currency, payments, amount in settled.sort("currency").iter_rows()
    ]
