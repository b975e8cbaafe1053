"""Which side of a payment is the client's: the debtor of a credit transfer, the creditor of a direct debit."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import CreditDebit

_COLLECTS = pl.col("credit_debit") == CreditDebit.DBIT.value
_BRITISH_IBAN: Final = r"^GB[0-9]{2}[A-Z]{4}([0-9]{14})$"


def counterparty(name: str) -> pl.Expr:
    """A PAYMENTS column of the other side, named `counterparty_<name>`: `creditor_<name>`, of a DBIT `debtor_<name>`."""
    chosen = pl.when(_COLLECTS).then(pl.col(f"debtor_{name}")).otherwise(pl.col(f"creditor_{name}"))
    return chosen.alias(f"counterparty_{name}")


def ordering(name: str) -> pl.Expr:
    """A PAYMENTS column of the client's side, named `ordering_<name>`: `debtor_<name>`, of a DBIT `creditor_<name>`."""
    chosen = pl.when(_COLLECTS).then(pl.col(f"creditor_{name}")).otherwise(pl.col(f"debtor_{name}"))
    return chosen.alias(f"ordering_{name}")


def sort_code_account() -> pl.Expr:
    """Sort code and account number of the other side, fourteen digits; null where a payment has none.

    From a British IBAN, else from an agent of six digits with an account of eight.
    """
    agent, number = counterparty("agent"), counterparty("account")
    national = agent.str.contains("^[0-9]{6}$") & number.str.contains("^[0-9]{8}$")
    return pl.coalesce(number.str.extract(_BRITISH_IBAN), pl.when(national).then(agent + number))
