"""Which side of a payment is the client's: the debtor of a credit transfer, the creditor of a direct debit."""

from __future__ import annotations

import polars as pl

from canonical.codes import CreditDebit

_COLLECTS = pl.col("credit_debit") == CreditDebit.DBIT.value


def counterparty(name: str) -> pl.Expr:
    """A PAYMENTS column of the other side, named `counterparty_<name>`: `creditor_<name>`, of a DBIT `debtor_<name>`."""
    chosen = pl.when(_COLLECTS).then(pl.col(f"debtor_{name}")).otherwise(pl.col(f"creditor_{name}"))
    return chosen.alias(f"counterparty_{name}")


def ordering(name: str) -> pl.Expr:
    """A PAYMENTS column of the client's side, named `ordering_<name>`: `debtor_<name>`, of a DBIT `creditor_<name>`."""
    chosen = pl.when(_COLLECTS).then(pl.col(f"creditor_{name}")).otherwise(pl.col(f"debtor_{name}"))
    return chosen.alias(f"ordering_{name}")
