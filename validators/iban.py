"""Account numbers that claim to be an IBAN are one.

An account that begins with two letters and two digits claims to be an IBAN; SEPA payments must have one. Looked at are
the country, its length and structure (SWIFT IBAN registry), and the check digits by ISO 7064 MOD 97-10; 00, 01 and 99
are refused although the division alone would take them. Not looked at in NACHA files, whose accounts are domestic, and of a short
account (no IBAN has fewer than 15 characters) at a bank in a country that has no IBANs, which may begin as it likes. A number
with an exponent is no account: a spreadsheet has rounded it. Nor is an IBAN with its name or a sign before it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._iban import CHECK_DIGITS_MAX, CHECK_DIGITS_MIN, any_shape, judged, lengths
from validators._rails import agent_country
from validators._row import CLAD, ROUNDED, Check, ChecksRule, claims_iban, name_of, quoted

_ACCOUNTS: Final = (("debtor_account", "AC02"), ("creditor_account", "AC01"))


_ASK: Final = "Ask the account holder for the IBAN again and copy it without retyping; do not mend check digits."
_COPY: Final = "Copy the IBAN of your own account from a statement of it; do not mend check digits."
_SIGNS: Final = r"[^A-Za-z0-9]"
_PLAIN: Final = "Write letters and digits only, without hyphens, dots or other signs."
_CAPITALS: Final = "Write the IBAN in capitals."


def problems(accounts: pl.Series) -> pl.DataFrame:
    """What is wrong with each distinct IBAN claim: columns `account` and `problem`, bad ones only."""
    _, wrong = judged(accounts)
    if not wrong.any():
        return pl.DataFrame(schema={"account": pl.String, "problem": pl.String})
    account = pl.col("account")
    country, check_digits = account.str.head(2), account.str.slice(2, 2)
    length = country.replace_strict(lengths(), default=None, return_dtype=pl.Int64)
    has = account.str.len_chars().cast(pl.Int64)
    allowed = [f"{digits:02d}" for digits in range(CHECK_DIGITS_MIN, CHECK_DIGITS_MAX + 1)]
    problem = (
        pl.when(country.str.contains("[a-z]"))
        .then(pl.lit("begins with small letters; an IBAN is written in capitals"))
        .when(account.str.contains(_SIGNS))
        .then(pl.lit("has signs that are no letters or digits"))
        .when(country == "UK")
        .then(pl.lit("begins with UK; the United Kingdom has GB"))
        .when(length.is_null())
        .then(pl.lit("begins with ") + country + pl.lit(", which is no country of the IBAN registry"))
        .when(has != length)
        .then(pl.format("has {} characters; an IBAN of {} has {}", has, country, length))
        .when(~account.str.contains(any_shape()))
        .then(pl.format("has a letter or a sign where an IBAN of {} has none", country))
        .when(~check_digits.is_in(allowed))
        .then(pl.lit("has check digits that no IBAN can have (00, 01 or 99)"))
        .otherwise(pl.lit("has wrong check digits: a digit is mistyped or two are swapped"))
    )
    return pl.DataFrame({"account": accounts.filter(wrong).unique()}).select(account, problem.alias("problem"))


def _elsewhere(party: str) -> pl.Expr:
    """Boolean: an account that is too short for an IBAN, at a bank whose BIC or number says that its country has none."""
    account, service = pl.col(f"{party}_account"), pl.col("service_level")
    home = agent_country(party)
    short = account.str.len_chars() < min(lengths().values())
    return (short & ~home.is_in(list(lengths())) & service.ne_missing("SEPA")).fill_null(value=False)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic:
        return payments.clear()
    held = pl.Series([False]).new_from_index(0, payments.height)
    for field, _ in _ACCOUNTS:
        claims, wrong = judged(payments[field])
        held |= wrong
        if not claims.all():
            held |= payments[field].str.contains(f"{ROUNDED}|{CLAD}").fill_null(value=False)
            held |= ~claims & (payments["service_level"] == "SEPA").fill_null(value=False)
    return payments.filter(held)


def _with_problems(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
    for field in dict(_ACCOUNTS):
        told = problems(payments[field]).rename({"account": field, "problem": f"{field}_problem"})
        payments = payments.join(told, on=field, how="left", maintain_order="left")
    return payments


def _remedy(field: str) -> pl.Expr:
    """Whom to ask for the IBAN: nobody for one's own."""
    own = pl.col("credit_debit") == ("CRDT" if field == "debtor_account" else "DBIT")
    asked = pl.when(own).then(pl.lit(_COPY)).otherwise(pl.lit(_ASK))
    return (
        pl.when(~pl.col(field).str.contains("^[A-Z]{2}"))
        .then(pl.lit(_CAPITALS))
        .when(pl.col(field).str.contains(_SIGNS))
        .then(pl.lit(_PLAIN))
        .otherwise(asked)
    )


def _checks(_: Context) -> tuple[Check, ...]:
    claims = tuple(
        Check(
            field,
            pl.col(f"{field}_problem").is_not_null() & ~_elsewhere(field.removesuffix("_account")),
            pl.format("{} {} {}", pl.lit(name_of(field)), quoted(field), pl.col(f"{field}_problem")),
            reason,
            remedy=_remedy(field),
        )
        for field, reason in _ACCOUNTS
    )
    lost = tuple(
        Check(
            field,
            pl.col(field).str.contains(ROUNDED),
            pl.format(
                "{} {} is a rounded number, as a spreadsheet shows long ones", pl.lit(name_of(field)), quoted(field)
            ),
            reason,
            remedy="Take the account from where it came: its last digits are lost. Format the column as text before pasting.",
        )
        for field, reason in _ACCOUNTS
    )
    clad = tuple(
        Check(
            field,
            pl.col(field).str.contains(CLAD),
            pl.format("{} {} has something before the IBAN", pl.lit(name_of(field)), quoted(field)),
            reason,
            remedy="Write the IBAN alone, from its country code on.",
        )
        for field, reason in _ACCOUNTS
    )
    needed = tuple(
        Check(
            field,
            (pl.col("service_level") == "SEPA")
            & ~claims_iban(field)
            & ~pl.col(field).str.contains(CLAD)
            & (pl.col("credit_debit") == direction),
            pl.format("{} {} is not an IBAN, and SEPA knows no other", pl.lit(name_of(field)), quoted(field)),
            reason,
        )
        for (field, reason), direction in zip(_ACCOUNTS, ("DBIT", "CRDT"), strict=True)
    )
    return (*claims, *lost, *clad, *needed)


RULE = ChecksRule(
    id="iban",
    reason="AC01",
    severity=Severity.ERROR,
    remedy=_ASK,
    sources=("ISO 13616-1 and the SWIFT IBAN registry", "ISO 7064 MOD 97-10", "ISO 20022 IBAN2007Identifier"),
    checks=_checks,
    suspects=_suspects,
    prepare=_with_problems,
)
