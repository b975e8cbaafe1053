"""The texts by which a repeated payment is known: what makes two payments the same one."""

from __future__ import annotations

from typing import Final

import polars as pl

SEPARATOR: Final = "\x1f"
"""Unit separator: XML forbids it and no account or name has one."""

_ALWAYS: Final = ("credit_debit", "creditor_account", "creditor_agent", "amount_minor", "currency")
_BUSINESS: Final = ("creditor_name", "requested_execution_date_text", "remittance")


def real_end_to_end_id() -> pl.Expr:
    """The end-to-end id, null where it is empty or says NOTPROVIDED."""
    text = pl.col("end_to_end_id").str.strip_chars()
    return pl.when((text != "") & (text.str.to_uppercase() != "NOTPROVIDED")).then(text)


def _joined(*parts: pl.Expr) -> pl.Expr:
    return pl.concat_str([part.cast(pl.String).fill_null("") for part in parts], separator=SEPARATOR)


def fingerprint(client_id: str, *, dated: bool) -> pl.Expr:
    """Text that two payments share only when they pay the same to the same, for the same reason.

    Client, direction, creditor account and agent, amount, currency, and the real end-to-end id; without one the business
    fingerprint: creditor name, execution date, remittance. `dated` adds the execution date beside an id: a NACHA
    individual id names a person and comes again with every payroll.
    """
    always = _joined(pl.lit(client_id), *(pl.col(name) for name in _ALWAYS))
    real = real_end_to_end_id()
    named = [pl.lit("id"), real]
    if dated:
        named.append(pl.col("requested_execution_date_text"))
    business = [pl.lit("business"), *(pl.col(name) for name in _BUSINESS)]
    tail = pl.when(real.is_not_null()).then(_joined(*named)).otherwise(_joined(*business))
    return always + pl.lit(SEPARATOR) + tail
