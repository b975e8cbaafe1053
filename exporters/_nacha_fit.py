"""What a payment must be like to be written as an ACH entry without losing anything that moves money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform
from canonical.masking import shown
from exporters._nacha_records import ACCOUNT_CHARS, ADDENDA_SEC, REMITTANCE_CHARS, WRITABLE_SEC, remittance_text, sec_of

RULE: Final = "nacha-fit"
_ENTRY_AMOUNT_MAX: Final = 10**10 - 1


@dataclass(frozen=True, slots=True)
class _Limit:
    field: str
    reason: str
    broken: pl.Expr
    message: str
    remedy: str


def _limits() -> Iterator[_Limit]:
    amount, account = pl.col("amount_minor"), pl.col("creditor_account")
    yield _Limit("currency", "AM03", pl.col("currency").ne_missing("USD"), "ACH moves US dollars only.", "Pay in USD.")
    yield _Limit(
        "amount_text", "AM12", ~amount.is_between(0, _ENTRY_AMOUNT_MAX).fill_null(value=False),
        "The amount does not fit the ten digits of an ACH entry.", "Pay at most 99999999.99 with one payment.",
    )  # fmt: skip
    yield _Limit(
        "creditor_agent", "RC04", ~pl.col("creditor_agent").str.contains("^[0-9]{9}$").fill_null(value=False),
        "The creditor's bank is not a routing number of nine digits.", "Give the nine-digit routing number.",
    )  # fmt: skip
    yield _Limit(
        "creditor_account", "AC03", ~account.str.contains(rf"^[!-~]{{1,{ACCOUNT_CHARS}}}$").fill_null(value=False),
        f"The account has not 1 to {ACCOUNT_CHARS} ASCII characters.", "Give the account number as the bank writes it.",
    )  # fmt: skip
    yield _Limit(
        "local_instrument", "FF05", ~sec_of(pl.col("local_instrument")).is_in(WRITABLE_SEC),
        "Entries of this class are not written.", f"Use one of: {', '.join(sorted(WRITABLE_SEC))}.",
    )  # fmt: skip
    yield _Limit(
        "remittance", "RR07", (remittance_text().str.len_chars() > REMITTANCE_CHARS).fill_null(value=False),
        f"The remittance information is longer than the {REMITTANCE_CHARS} characters of one addenda record.",
        f"Shorten it to {REMITTANCE_CHARS} characters.",
    )  # fmt: skip
    without = ~sec_of(pl.col("local_instrument")).is_in(ADDENDA_SEC)
    yield _Limit(
        "remittance", "RR07", without & remittance_text().is_not_null(),
        "Entries of this class carry no remittance information.", f"Use {', '.join(sorted(ADDENDA_SEC))}, or leave it out.",
    )  # fmt: skip


def unfit(payments: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS: `plain` payments that cannot be written, one row a limit that is broken."""
    place = ("batch", "batch_id", "row", "line", "end_to_end_id")
    parts = [
        payments.filter(limit.broken).select(
            *place,
            pl.lit(RULE).alias("rule"),
            pl.lit(limit.reason).alias("reason"),
            pl.lit(Severity.ERROR.value).alias("severity"),
            pl.lit(Level.PAYMENT.value).alias("level"),
            pl.lit(limit.field).alias("field"),
            shown(limit.field, pl.col(limit.field)).alias("value"),
            pl.lit(limit.message).alias("message"),
            pl.lit(limit.remedy).alias("remedy"),
        )
        for limit in _limits()
    ]
    return conform(pl.concat(parts).sort("row", maintain_order=True), FINDINGS)
