"""What a payment must be like to be written as an ACH entry without losing anything that moves money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform
from canonical.masking import shown
from canonical.parties import counterparty
from exporters._nacha_classes import ADDENDA_MAX, CLASSES, REMITTANCE_CHARS, WRITABLE_SEC, of_class, sec_of
from exporters._nacha_entries import ACCOUNT_CHARS, addenda_texts, remittance_text

RULE: Final = "nacha-fit"
_ENTRY_AMOUNT_MAX: Final = 10**10 - 1
_NO_MONEY_CODES: Final = tuple(f"{kind}{use}" for kind in "2345" for use in "3489")


@dataclass(frozen=True, slots=True)
class _Limit:
    field: str
    reason: str
    broken: pl.Expr
    message: str
    remedy: str


def _limits() -> Iterator[_Limit]:
    amount, account = pl.col("amount_minor"), counterparty("account")
    yield _Limit("currency", "AM03", pl.col("currency").ne_missing("USD"), "ACH moves US dollars only.", "Pay in USD.")
    yield _Limit(
        "amount_text", "AM12", ~amount.is_between(0, _ENTRY_AMOUNT_MAX).fill_null(value=False),
        "The amount does not fit the ten digits of an ACH entry.", "Pay at most 99999999.99 with one payment.",
    )  # fmt: skip
    yield _Limit(
        "counterparty_agent", "RC04", ~counterparty("agent").str.contains("^[0-9]{9}$").fill_null(value=False),
        "The other side's bank is not a routing number of nine digits.", "Give the nine-digit routing number.",
    )  # fmt: skip
    yield _Limit(
        "counterparty_account", "AC03", ~account.str.contains(rf"^[!-~]{{1,{ACCOUNT_CHARS}}}$").fill_null(value=False),
        f"The account has not 1 to {ACCOUNT_CHARS} ASCII characters.", "Give the account number as the bank writes it.",
    )  # fmt: skip
    yield _Limit(
        "local_instrument", "FF05", ~sec_of(pl.col("local_instrument")).is_in(WRITABLE_SEC),
        "Entries of this class are not written.", f"Use one of: {', '.join(sorted(WRITABLE_SEC))}.",
    )  # fmt: skip
    yield from _remittance_limits()
    yield _Limit(
        "transaction_code", "AG02",
        of_class(no_money=True) & ~pl.col("transaction_code").is_in(_NO_MONEY_CODES).fill_null(value=False),
        "Entries of this class move no money: they need a prenotification or zero-dollar code.",
        "Use 23, 33, 28 or 38 (prenotification) or 24 or 34 (zero dollar).",
    )  # fmt: skip


def _remittance_limits() -> Iterator[_Limit]:
    text, codes = remittance_text(), sec_of(pl.col("local_instrument"))
    yield _Limit(
        "remittance", "RR07", of_class(remittance_max=0) & text.is_not_null(),
        "Entries of this class carry no remittance information.",
        f"Use {', '.join(sorted(code for code, item in CLASSES.items() if item.remittance_max))}, or leave it out.",
    )  # fmt: skip
    for most in sorted({item.remittance_max for item in CLASSES.values() if item.remittance_max and not item.several}):
        yield _Limit(
            "remittance", "RR07", of_class(remittance_max=most) & (text.str.len_chars() > most).fill_null(value=False),
            f"The remittance information is longer than the {most} characters that an entry of this class carries.",
            f"Shorten it to {most} characters.",
        )  # fmt: skip
    yield _Limit(
        "remittance", "RR07", of_class(several=True) & (addenda_texts().list.len() > ADDENDA_MAX).fill_null(value=False),
        f"The remittance information needs more than {ADDENDA_MAX} addenda records of {REMITTANCE_CHARS} characters.",
        "Shorten it.",
    )  # fmt: skip
    needing = [code for code, item in CLASSES.items() if item.needed]
    yield _Limit(
        "remittance", "RR07", codes.is_in(needing) & text.is_null(),
        "Entries of this class need an addenda record.", "Give what the addenda record says as remittance information.",
    )  # fmt: skip


def _value(field: str) -> pl.Expr:
    party, _, name = field.partition("_")
    return counterparty(name) if party == "counterparty" else pl.col(field)


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
            shown(limit.field, _value(limit.field)).alias("value"),
            pl.lit(limit.message).alias("message"),
            pl.lit(limit.remedy).alias("remedy"),
        )
        for limit in _limits()
    ]
    return conform(pl.concat(parts).sort("row", maintain_order=True), FINDINGS)
