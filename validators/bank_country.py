"""A bank given beside an IBAN is in the IBAN's country.

The country in the BIC is held against the first two letters of the IBAN. Banks of some territories keep accounts whose IBANs are
another country's: the two count as one. A branch abroad may use the BIC of its head office, and in SEPA the IBAN alone
leads to the bank, so this is a warning; outside SEPA the payment goes where the BIC says.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._countries import COUNTRIES
from validators._iban import lengths
from validators._matrix import constant, heads
from validators._rails import bic_country
from validators._row import Check, ChecksRule, claims_iban, quoted

_TERRITORIES: Final = {
    "DK": "FO GL", "FI": "AX", "FR": "BL GF GP MC MF MQ NC PF PM RE TF WF YT", "GB": "GG IM JE", "IT": "SM VA",
}  # fmt: skip
_HOME: Final = {territory: country for country, several in _TERRITORIES.items() for territory in several.split()}
"""Territory → the country that it counts as, in a BIC as in an IBAN."""
_PARTIES: Final = (("debtor", "RC03"), ("creditor", "RC04"))


def _account_in(party: str) -> pl.Expr:
    return pl.col(f"{party}_account").str.head(2)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic:
        return payments.clear()
    odd = [
        _account_in(party) != pl.col(f"{party}_agent").str.slice(4, 2)
        for party, _ in _PARTIES
        if not _at_one_bank(payments, party)
    ]
    return payments.filter(pl.any_horizontal(odd)) if odd else payments.clear()


def _at_one_bank(payments: pl.DataFrame, party: str) -> bool:
    """Cheap: no bank is given, or all are one, in the country of all accounts."""
    agents = payments[f"{party}_agent"]
    if agents.null_count() == agents.len():
        return True
    return constant(agents) and heads(payments[f"{party}_account"]) <= {agents[0][4:6]}


def _check(party: str, reason: str) -> Check:
    account_in, bank_in = _account_in(party), bic_country(party)
    # A country that there is none of is the fault of the BIC (rule `bic`), and differs from every account's.
    known = claims_iban(f"{party}_account") & account_in.is_in(list(lengths())) & bank_in.is_in(COUNTRIES)
    account, agent = quoted(f"{party}_account"), quoted(f"{party}_agent")
    said = f"{party.capitalize()} bank {{}} is in {{}}, and account {{}} in {{}}"
    return Check(
        f"{party}_agent",
        known & (account_in.replace(_HOME) != bank_in.replace(_HOME)),
        pl.format(said, agent, bank_in, account, account_in),
        reason,
    )


def _checks(_: Context) -> tuple[Check, ...]:
    return tuple(_check(party, reason) for party, reason in _PARTIES)


RULE = ChecksRule(
    id="bank_country",
    reason="RC04",
    severity=Severity.WARNING,
    remedy="See on the account holder's own paper which of the two is right. Within SEPA leave the bank out; the IBAN names it.",
    sources=(
        "ISO 9362:2022 (country code of a BIC) and ISO 13616-1 (country code of an IBAN)",
        "SWIFT IBAN registry: territories that use another country's IBAN",
        "EPC409-09 list of SEPA scheme countries: country codes in BIC and IBAN",
        "Regulation (EU) No 260/2012, article 5: no BIC is asked for within the Union",
    ),
    checks=_checks,
    suspects=_suspects,
)
