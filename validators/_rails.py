"""Which scheme a payment belongs to, told by what it is: service level, currency, accounts, banks. Never by a provider.

The tests are expressions on PAYMENTS. They hold for what will most likely happen to the payment; the route is chosen later.
A file that does not name the client's account (a table of payments to be made) is paid from one of the client's agreed ones: where all
of them are in one country, or all in SEPA, that is known without the file. Where none were agreed, euro to an IBAN of SEPA is paid there
as SEPA: no cheaper or quicker way takes it, and what its banks would send back is better said before.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.contracts import Context
from canonical.identifying import NOT_PROVIDED
from canonical.parties import counterparty
from canonical.profiles import ClientProfile
from validators._countries import SEPA
from validators._matrix import heads
from validators._row import IBAN_CLAIM, claims_iban

DEBITS: Final = pl.col("credit_debit") == "DBIT"
_BIC_COUNTRY: Final = r"^[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"
_ROUTING_NUMBER: Final = "^[0-9]{9}$"
_LIKE_ONE: Final = r"^[0-9 -]{4,8}$"
_SORT_CODE: Final = "^[0-9]{6}$"
_CURRENCY_CHARS: Final = 3
_SERVICE: Final = pl.col("service_level")
_BORNE_BY_ONE: Final = ("DEBT", "CRED")
_DIRECT_DEBITS: Final = ("CORE", "B2B", "COR1")


def home_of(client: ClientProfile) -> str | None:
    """The country of the accounts that were agreed with the client; None where that is not one, nor all of SEPA."""
    accounts = ["".join(account.split()) for account in client.accounts]
    if not accounts or not all(re.match(IBAN_CLAIM, account) for account in accounts):
        return None
    homes = {account[:2] for account in accounts}
    return accounts[0][:2] if len(homes) == 1 or homes <= SEPA else None


def iban_country(party: str, context: Context) -> pl.Expr:
    """The country of the account of "debtor" or "creditor", null where it claims to be no IBAN.

    Of the client's own side it is that of the agreed accounts where the file names neither account nor bank.
    """
    account = f"{party}_account"
    written = pl.when(claims_iban(account)).then(pl.col(account).str.head(2).str.to_uppercase())
    home = home_of(context.client)
    if home is None:
        return written
    return pl.when(_unnamed(party)).then(pl.lit(home)).otherwise(written)


def _unnamed(party: str) -> pl.Expr:
    """Boolean: the party is the client, and the file says nothing of its account."""
    direction = CreditDebit.CRDT if party == "debtor" else CreditDebit.DBIT
    bare = pl.col(f"{party}_account").is_null() & pl.col(f"{party}_agent").is_null()
    return bare & (pl.col("credit_debit") == direction.value)


def account_heads(payments: pl.DataFrame, party: str, context: Context) -> frozenset[str]:
    """The distinct first two characters of the party's accounts, cheaply; with the client's home where an account is missing."""
    account, home = payments[f"{party}_account"], home_of(context.client)
    return heads(account) | (frozenset({home}) if home and account.null_count() else frozenset())


def bank_country(party: str, context: Context) -> pl.Expr:
    """The country of the party's bank: of the IBAN, else of the BIC, else of its routing number or sort code, else null."""
    return pl.coalesce(iban_country(party, context), agent_country(party))


def agent_country(party: str) -> pl.Expr:
    """What the party's bank alone says of its country: by the BIC, else by its routing number or sort code, else null."""
    agent, currency = pl.col(f"{party}_agent"), pl.col("currency")
    numbered = (
        pl.when((currency == "USD") & agent.str.contains(_ROUTING_NUMBER))
        .then(pl.lit("US"))
        .when((currency == "GBP") & agent.str.contains(_SORT_CODE))
        .then(pl.lit("GB"))
    )
    return pl.coalesce(bic_country(party), numbered)


def bic_country(party: str) -> pl.Expr:
    """The country in the BIC of the party's bank, null where it is no BIC; NOTPROVIDED (for "none") has the form of one."""
    agent = pl.col(f"{party}_agent")
    return pl.when(agent != NOT_PROVIDED).then(agent.str.extract(_BIC_COUNTRY, 1))


def declared_sepa() -> pl.Expr:
    """Boolean: the client says that it is SEPA."""
    return (_SERVICE == "SEPA").fill_null(value=False)


def within_sepa(context: Context) -> pl.Expr:
    """Boolean: both accounts are IBANs of SEPA countries, the client's own also where nobody said which it is."""
    sides = [iban_country(party, context).is_in(SEPA) for party in ("debtor", "creditor")]
    if not context.client.accounts:
        sides = [side | _unnamed(party) for side, party in zip(sides, ("debtor", "creditor"), strict=True)]
    return pl.all_horizontal(sides).fill_null(value=False)


def sepa(context: Context) -> pl.Expr:
    """Boolean: declared as SEPA, or in euro between IBANs of SEPA countries with nothing that asks for another way."""
    plain = (pl.col("currency") == "EUR") & (_SERVICE.is_null() | _SERVICE.is_in(("NURG", "INST")))
    shared = ~pl.col("charge_bearer").is_in(_BORNE_BY_ONE).fill_null(value=False)
    return declared_sepa() | (plain & shared & within_sepa(context)).fill_null(value=False)


def sepa_debit(context: Context) -> pl.Expr:
    """Boolean: a SEPA direct debit."""
    local = pl.col("local_instrument").is_in(_DIRECT_DEBITS).fill_null(value=False)
    return DEBITS & (local | sepa(context))


def sepa_credit(context: Context) -> pl.Expr:
    """Boolean: a SEPA credit transfer."""
    return ~DEBITS & sepa(context)


def cross_border(context: Context) -> pl.Expr:
    """Boolean: a credit transfer between banks of two countries that is no SEPA payment: correspondent banks carry it."""
    apart = bank_country("debtor", context) != bank_country("creditor", context)
    # A currency or a service level that has not the form of one is mistyped, and asks for no other way.
    apart &= (pl.col("currency") < "a") & (pl.col("currency").str.len_bytes() == _CURRENCY_CHARS)
    apart &= _SERVICE.fill_null("") < "a"
    return ~DEBITS & apart.fill_null(value=False) & ~sepa(context)


def odd_sort_code(side: str, context: Context) -> pl.Expr:
    """Boolean: pounds to a plain account whose bank has a number much like a sort code, where the other side banks in the UK."""
    meant = (
        (pl.col("currency") == "GBP")
        & ~claims_iban(f"{side}_account")
        & pl.col(f"{side}_agent").str.contains(_LIKE_ONE)
    )
    return meant & (bank_country("creditor" if side == "debtor" else "debtor", context) == "GB")


def british() -> pl.Expr:
    """Boolean: pounds to an account in the United Kingdom that is named by its sort code, or by an IBAN of GB."""
    theirs, agent = counterparty("account"), counterparty("agent")
    domestic = theirs.str.contains("^[0-9 -]+$") & (agent.is_null() | agent.str.contains(_SORT_CODE))
    at_home = theirs.str.contains("^GB[0-9]{2}") | domestic | agent.str.contains("^[A-Z0-9]{4}GB")
    return ((pl.col("currency") == "GBP") & at_home).fill_null(value=False)


def american() -> pl.Expr:
    """Boolean: dollars to a bank that is named by an ABA routing number."""
    return ((pl.col("currency") == "USD") & counterparty("agent").str.contains(_ROUTING_NUMBER)).fill_null(value=False)
