"""Payments are ordered from, and collected to, accounts that were agreed with the client.

The account of the client's own side: the debtor's of a credit transfer, the creditor's of a direct debit. A profile without
accounts allows any. Files that do not name the client's account (NACHA) are passed over.
"""

from __future__ import annotations

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, quoted

_SIDES = (("debtor_account", "CRDT"), ("creditor_account", "DBIT"))


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if not context.client.accounts:
        return payments.clear()
    return payments.filter(pl.any_horizontal(_foreign(field, side, context) for field, side in _SIDES))


def _foreign(field: str, direction: str, context: Context) -> pl.Expr:
    agreed = ["".join(account.split()) for account in context.client.accounts]
    return (pl.col("credit_debit") == direction) & ~pl.col(field).is_in(agreed)


def _checks(context: Context) -> tuple[Check, ...]:
    return tuple(
        Check(
            field,
            _foreign(field, direction, context),
            pl.lit("Account ") + quoted(field) + pl.lit(" is not one that was agreed with you"),
        )
        for field, direction in _SIDES
    )


RULE = ChecksRule(
    id="entitled_account",
    reason="DS0H",
    severity=Severity.ERROR,
    remedy="Use an account of the agreement, or have this one added to it before you send the file again.",
    sources=("the client's profile: accounts",),
    checks=_checks,
    suspects=_suspects,
)
