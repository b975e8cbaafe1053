"""Which scheme a payment belongs to, told by what it is: service level, currency, accounts, banks. Never by a provider.

The tests are expressions on PAYMENTS. They hold for what will most likely happen to the payment; the route is chosen later.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.parties import counterparty
from validators._countries import SEPA
from validators._row import claims_iban

DEBITS: Final = pl.col("credit_debit") == "DBIT"
_BIC_COUNTRY: Final = r"^[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"
_ROUTING_NUMBER: Final = "^[0-9]{9}$"
_SORT_CODE: Final = "^[0-9]{6}$"
_SERVICE: Final = pl.col("service_level")
_SHARED: Final = ("SLEV", "SHAR")
_DIRECT_DEBITS: Final = ("CORE", "B2B", "COR1")


def iban_country(party: str) -> pl.Expr:
    """The country of the party's account ("debtor", "creditor"), null where it claims to be no IBAN."""
    account = f"{party}_account"
    return pl.when(claims_iban(account)).then(pl.col(account).str.head(2))


def bank_country(party: str) -> pl.Expr:
    """The country of the party's bank: of the IBAN, else of the BIC, else of its routing number or sort code, else null."""
    return pl.coalesce(iban_country(party), agent_country(party))


def agent_country(party: str) -> pl.Expr:
    """What the party's bank alone says of its country: by the BIC, else by its routing number or sort code, else null."""
    agent, currency = pl.col(f"{party}_agent"), pl.col("currency")
    numbered = (
        pl.when((currency == "USD") & agent.str.contains(_ROUTING_NUMBER))
        .then(pl.lit("US"))
        .when((currency == "GBP") & agent.str.contains(_SORT_CODE))
        .then(pl.lit("GB"))
    )
    return pl.coalesce(agent.str.extract(_BIC_COUNTRY, 1), numbered)


def declared_sepa() -> pl.Expr:
    """Boolean: the client says that it is SEPA."""
    return (_SERVICE == "SEPA").fill_null(value=False)


def within_sepa() -> pl.Expr:
    """Boolean: both accounts are IBANs of SEPA countries."""
    return (iban_country("debtor").is_in(SEPA) & iban_country("creditor").is_in(SEPA)).fill_null(value=False)


def sepa() -> pl.Expr:
    """Boolean: declared as SEPA, or in euro between IBANs of SEPA countries with nothing that asks for another way."""
    plain = (pl.col("currency") == "EUR") & (_SERVICE.is_null() | _SERVICE.is_in(("NURG", "INST")))
    shared = pl.col("charge_bearer").is_null() | pl.col("charge_bearer").is_in(_SHARED)
    return declared_sepa() | (plain & shared & within_sepa()).fill_null(value=False)


def sepa_debit() -> pl.Expr:
    """Boolean: a SEPA direct debit."""
    local = pl.col("local_instrument").is_in(_DIRECT_DEBITS).fill_null(value=False)
    return DEBITS & (local | sepa())


def sepa_credit() -> pl.Expr:
    """Boolean: a SEPA credit transfer."""
    return ~DEBITS & sepa()


def cross_border() -> pl.Expr:
    """Boolean: a credit transfer between banks of two countries that is no SEPA payment: correspondent banks carry it."""
    apart = bank_country("debtor") != bank_country("creditor")
    return ~DEBITS & apart.fill_null(value=False) & ~sepa()


def british() -> pl.Expr:
    """Boolean: pounds to an account in the United Kingdom that is named by its sort code, or by an IBAN of GB."""
    theirs, agent = counterparty("account"), counterparty("agent")
    domestic = theirs.str.contains("^[0-9 -]+$") & (agent.is_null() | agent.str.contains(_SORT_CODE))
    at_home = theirs.str.contains("^GB[0-9]{2}") | domestic | agent.str.contains("^[A-Z0-9]{4}GB")
    return ((pl.col("currency") == "GBP") & at_home).fill_null(value=False)


def american() -> pl.Expr:
    """Boolean: dollars to a bank that is named by an ABA routing number."""
    return ((pl.col("currency") == "USD") & counterparty("agent").str.contains(_ROUTING_NUMBER)).fill_null(value=False)
