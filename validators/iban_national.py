"""IBANs carry right national check digits, in the countries whose account numbers have them at a fixed place.

The IBAN's own check digits are made from whatever account number they are given: a number that was mistyped before
becomes a sound IBAN of nobody. Looked at are the countries whose rule is the same for every bank and needs no directory;
Germany's differs by bank and the Netherlands' does not hold for all accounts, so those pass. Only of IBANs that are right otherwise.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._iban import judged, shape_of
from validators._matrix import constant, heads, matrix
from validators._national import COUNTRIES
from validators._row import Check, ChecksRule, name_of, quoted

_ACCOUNTS: Final = (("debtor_account", "AC02"), ("creditor_account", "AC01"))


def wrong(accounts: pl.Series) -> pl.Series:
    """Boolean by row: an IBAN that is right otherwise, of a country with national check digits, which are wrong."""
    if constant(accounts):
        return wrong(accounts.head(1)).new_from_index(0, accounts.len()) if accounts.len() > 1 else _wrong(accounts)
    return _wrong(accounts)


def _wrong(accounts: pl.Series) -> pl.Series:
    bad = np.zeros(accounts.len(), np.bool_)
    for country in sorted(heads(accounts) & set(COUNTRIES)):
        shape = shape_of(country)
        width = len(shape.classes) if shape is not None else 0
        # The next character in the alphabet ends the range: comparing is cheaper than looking for a beginning.
        of_country = (accounts >= country) & (accounts < country[0] + chr(ord(country[1]) + 1))
        rows = np.flatnonzero((of_country & (accounts.str.len_bytes() == width)).fill_null(value=False).to_numpy())
        right = COUNTRIES[country](matrix(accounts.gather(rows), width)[:, 4:]) if len(rows) else np.empty(0, np.bool_)
        _, broken = judged(accounts.gather(rows[~right]))
        bad[rows[~right]] = ~broken.to_numpy()
    return pl.Series("wrong", bad)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic:
        return payments.clear()
    flags = [wrong(payments[field]).alias(f"{field}_wrong") for field, _ in _ACCOUNTS]
    if not any(flag.any() for flag in flags):
        return payments.clear()
    return payments.with_columns(flags).filter(pl.any_horizontal(flag.name for flag in flags))


def _checks(_: Context) -> tuple[Check, ...]:
    return tuple(
        Check(
            field,
            pl.col(f"{field}_wrong"),
            pl.format(
                f"{name_of(field)} {{}} has wrong check digits inside, those of {{}}: its account number is mistyped",
                quoted(field), pl.col(field).str.head(2),
            ),
            reason,
        )
        for field, reason in _ACCOUNTS
    )  # fmt: skip


RULE = ChecksRule(
    id="iban_national",
    reason="AC01",
    severity=Severity.ERROR,
    remedy="Ask the account holder for the IBAN again; this one was made from a mistyped account number.",
    sources=(
        "SWIFT IBAN registry, national check digits",
        "the national standards named in the module of each country",
    ),
    checks=_checks,
    suspects=_suspects,
)
