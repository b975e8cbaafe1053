"""The other side's bank is in a country that was agreed with the client.

The country is that of the IBAN, else of the BIC; a routing number is in the United States, a sort code in the United Kingdom,
and where the account tells nothing the party's address does. A profile without countries allows any; with some, a bank
whose country cannot be told is refused.
"""

from __future__ import annotations

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._rails import bank_country, british
from validators._row import Check, ChecksRule, quoted

_SIDES = (("creditor", "CRDT"), ("debtor", "DBIT"))


def _country(side: str, context: Context) -> pl.Expr:
    return pl.coalesce(bank_country(side, context), pl.when(british()).then(pl.lit("GB")), pl.col(f"{side}_country"))


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if not context.client.countries:
        return payments.clear()
    told = payments.with_columns(
        pl.when(pl.col("credit_debit") == "DBIT")
        .then(_country("debtor", context))
        .otherwise(_country("creditor", context))
        .alias("bank_in")
    )
    return told.filter(~pl.col("bank_in").is_in(context.client.countries).fill_null(value=False))


def _checks(context: Context) -> tuple[Check, ...]:
    agreed = ", ".join(sorted(context.client.countries))
    checks = []
    for side, direction in _SIDES:
        field = f"{side}_account"
        account = pl.lit(f"{side.capitalize()} account ") + quoted(field)
        concerned = (pl.col("credit_debit") == direction) & pl.col(field).is_not_null()
        elsewhere = pl.format(
            "{} is at a bank in {}; agreed with you are {}", account, pl.col("bank_in"), pl.lit(agreed)
        )
        checks += [
            Check(field, concerned & pl.col("bank_in").is_not_null(), elsewhere),
            Check(
                field, concerned & pl.col("bank_in").is_null(), account + pl.lit(" does not tell its bank's country")
            ),
        ]
    return tuple(checks)


RULE = ChecksRule(
    id="agreed_country",
    reason="BE09",
    severity=Severity.ERROR,
    remedy="Have the country added to the agreement before you send it again, or give the bank's BIC where none is told.",
    sources=("the client's profile: countries",),
    checks=_checks,
    suspects=_suspects,
)
