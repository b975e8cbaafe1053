"""What a payment must be like to be written as an ACH entry without losing anything that moves money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.parties import counterparty
from exporters._fit import Limit, misfits
from exporters._nacha_classes import (
    ADDENDA_MAX,
    CLASSES,
    INTERNATIONAL_SEC,
    OTHER_SEC,
    REMITTANCE_CHARS,
    SEVERAL_SEC,
    WRITABLE_SEC,
    sec_of,
)
from exporters._nacha_entries import ACCOUNT_CHARS, addenda_texts, remittance_text
from exporters._nacha_iat import limits as international_limits
from exporters._nacha_records import NachaOptions

RULE: Final = "nacha-fit"
_ENTRY_AMOUNT_MAX: Final = 10**10 - 1
_NO_MONEY_CODES: Final = tuple(f"{kind}{use}" for kind in "2345" for use in "3489")


@dataclass(frozen=True, slots=True)
class _Limit(Limit):
    """`broken`: of payments of the classes in `codes`, of any class where there are none."""

    codes: frozenset[str] = frozenset()


def _limits(options: NachaOptions | None) -> Iterator[_Limit]:
    domestic = WRITABLE_SEC - {INTERNATIONAL_SEC}
    if options is not None:
        for limit in international_limits(options):
            yield _Limit(
                limit.field, limit.reason, limit.broken, limit.message, limit.remedy, frozenset({INTERNATIONAL_SEC})
            )
    amount, account = pl.col("amount_minor"), counterparty("account")
    yield _Limit("currency", "AM03", pl.col("currency").ne_missing("USD"), "ACH moves US dollars only.", "Pay in USD.")
    yield _Limit(
        "amount_text", "AM12", ~amount.is_between(0, _ENTRY_AMOUNT_MAX).fill_null(value=False),
        "The amount does not fit the ten digits of an ACH entry.", "Pay at most 99999999.99 with one payment.",
    )  # fmt: skip
    yield _Limit(
        "counterparty_agent", "RC04", ~counterparty("agent").str.contains("^[0-9]{9}$").fill_null(value=False),
        "The other side's bank is not a routing number of nine digits.", "Give the nine-digit routing number.", domestic,
    )  # fmt: skip
    yield _Limit(
        "counterparty_account", "AC03", ~account.str.contains(rf"^[!-~]{{1,{ACCOUNT_CHARS}}}$").fill_null(value=False),
        f"The account has not 1 to {ACCOUNT_CHARS} ASCII characters.", "Give the account number as the bank writes it.", domestic,
    )  # fmt: skip
    yield _Limit(
        "local_instrument", "FF05", pl.lit(value=True), "Entries of this class are not written.",
        f"Use one of: {', '.join(sorted(WRITABLE_SEC))}.", OTHER_SEC,
    )  # fmt: skip
    yield from _remittance_limits()
    yield _Limit(
        "transaction_code", "AG02", ~pl.col("transaction_code").is_in(_NO_MONEY_CODES).fill_null(value=False),
        "Entries of this class move no money: they need a prenotification or zero-dollar code.",
        "Use 23, 33, 28 or 38 (prenotification) or 24 or 34 (zero dollar).", _codes(no_money=True),
    )  # fmt: skip


def _remittance_limits() -> Iterator[_Limit]:
    text = remittance_text()
    yield _Limit(
        "remittance", "RR07", text.is_not_null(), "Entries of this class carry no remittance information.",
        f"Use {', '.join(sorted(WRITABLE_SEC - _codes(remittance_max=0)))}, or leave it out.", _codes(remittance_max=0),
    )  # fmt: skip
    for most in sorted({item.remittance_max for item in CLASSES.values() if item.remittance_max and not item.several}):
        yield _Limit(
            "remittance", "RR07", (text.str.len_chars() > most).fill_null(value=False),
            f"The remittance information is longer than the {most} characters that an entry of this class carries.",
            f"Shorten it to {most} characters.", _codes(remittance_max=most),
        )  # fmt: skip
    yield _Limit(
        "remittance", "RR07", (addenda_texts().list.len() > ADDENDA_MAX).fill_null(value=False),
        f"The remittance information needs more than {ADDENDA_MAX} addenda records of {REMITTANCE_CHARS} characters.",
        "Shorten it.", SEVERAL_SEC,
    )  # fmt: skip
    yield _Limit(
        "remittance", "RR07", text.is_null(), "Entries of this class need an addenda record.",
        "Give what the addenda record says as remittance information.", _codes(needed=True),
    )  # fmt: skip


def _codes(**wanted: object) -> frozenset[str]:
    """Classes that have these values."""
    return frozenset(
        code for code, item in CLASSES.items() if all(getattr(item, key) == value for key, value in wanted.items())
    )


def unfit(payments: pl.DataFrame, options: NachaOptions | None = None) -> pl.DataFrame:
    """FINDINGS: `plain` payments that cannot be written, one row a limit that is broken."""
    sec = sec_of(pl.col("local_instrument"))
    present = set(payments.select(sec.unique()).to_series().to_list())
    limits = [limit for limit in _limits(options) if not limit.codes or limit.codes & present]
    narrowed = [
        replace(limit, broken=limit.broken & sec.is_in(limit.codes)) if limit.codes else limit for limit in limits
    ]
    return misfits(payments, narrowed, RULE)
