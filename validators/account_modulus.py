"""UK account numbers can exist at their sort code: the modulus check of Vocalink, MOD10, MOD11 and DBLAL with all exceptions.

Without the operator's weight table this rule checks nothing: `BULKRAIL_MODULUS_WEIGHTS` names the file (VALACDOS.txt) and
`BULKRAIL_MODULUS_SUBSTITUTIONS` the sorting code substitutions (SCSUBTAB.txt), both as Vocalink publishes them, free of
charge, several times a year; they are not part of this product. A changed file is read again by itself.

Looked at are accounts of eight digits at a bank of six (a sort code) in GBP, and every GB IBAN by the sort code and
account in it. A sort code that the table does not have passes: nothing can be said of it. Passing does not mean that
the account exists.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._modulus import possible
from validators._modulus_tables import tables
from validators._row import Check, ChecksRule, name_of, quoted

_SIDES: Final = (("debtor", "AC02"), ("creditor", "AC01"))
_GB_IBAN: Final = r"^GB[0-9]{2}[A-Z]{4}([0-9]{6})([0-9]{8})$"
_SORT_CODE: Final = r"^[0-9]{6}$"
_ACCOUNT: Final = r"^[0-9]{8}$"


def _number(side: str) -> pl.Expr:
    """Int64 of the fourteen digits: sort code, then account; null where the side has none."""
    agent, account = pl.col(f"{side}_agent"), pl.col(f"{side}_account")
    domestic = (pl.col("currency") == "GBP") & agent.str.contains(_SORT_CODE) & account.str.contains(_ACCOUNT)
    iban = account.str.contains(_GB_IBAN)
    return pl.when(domestic).then(agent + account).when(iban).then(account.str.slice(8)).cast(pl.Int64)


def _with_impossible(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
    known = tables()
    for side in dict(_SIDES):
        numbers = payments.select(_number(side).alias("number"))["number"]
        distinct = numbers.unique().drop_nulls().to_numpy()
        wrong = pl.Series(dtype=pl.Int64)
        if known is not None and distinct.size:
            wrong = pl.Series(distinct[~possible(distinct // 10**8, distinct % 10**8, known)], dtype=pl.Int64)
        payments = payments.with_columns(numbers.is_in(wrong.implode()).alias(f"{side}_impossible"))
    return payments


def _checks(context: Context) -> tuple[Check, ...]:  # noqa: ARG001  the same for every client
    if tables() is None:
        return ()
    message = " cannot exist at its sort code (modulus check): a digit of one of them is mistyped"
    return tuple(
        Check(
            f"{side}_account",
            pl.col(f"{side}_impossible"),
            pl.format(f"{name_of(side)} account {{}}{message}", quoted(f"{side}_account")),
            reason,
        )
        for side, reason in _SIDES
    )


RULE = ChecksRule(
    id="account_modulus",
    reason="AC01",
    severity=Severity.ERROR,
    remedy="Ask the account holder for sort code and account number again and copy both without retyping.",
    sources=("Vocalink, Validating account numbers: UK modulus checking (VALACDOS.txt, SCSUBTAB.txt)",),
    checks=_checks,
    prepare=_with_impossible,
)
