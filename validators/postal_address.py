"""Postal addresses are structured, or hybrid: from November 2026 banks refuse addresses that are lines alone.

Structured: town and country stand as elements of their own. Hybrid: so they do, beside at most two lines of 70 characters that
do not repeat them. Unstructured addresses are refused through correspondent banks (CBPR+) from 14 November 2026, in SEPA from
15 November, over Fedwire from 16 November, by the day of settlement; before that day they are a warning. Inside the
European Economic Area SEPA needs no address, and an unstructured one is a warning there. Where one side's bank is outside, the
debtor's address is needed. A structured form is proposed from the lines; it is a guess, to be looked at.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators import _address as address
from validators._countries import EEA
from validators._rails import DEBITS, account_heads, american, bank_country, cross_border, sepa
from validators._row import Check, ChecksRule, claims_iban, ever, maybe_blank, name_of

CBPR_FROM: Final = dt.date(2026, 11, 14)
SEPA_FROM: Final = dt.date(2026, 11, 15)
FEDWIRE_FROM: Final = dt.date(2026, 11, 16)

_PARTIES: Final = ("debtor", "creditor")
_FEDWIRE: Final = ("URGP", "SDVA", "URNS")
_REMEDY: Final = (
    "Give town and country as elements of their own, and the rest as elements or as at most two lines of 70."
)


def _odd(payments: pl.DataFrame, party: str) -> pl.Expr | None:
    """Cheap: an address that may not be well structured. None where the window has none."""
    held = [part for part in address.ALL if payments[f"{party}_{part}"].null_count() < payments.height]
    if not held:
        return None
    odd = []
    incomplete = maybe_blank(f"{party}_town") | maybe_blank(f"{party}_country")
    if ever(payments, incomplete):
        odd.append(incomplete & pl.any_horizontal(pl.col(f"{party}_{part}").is_not_null() for part in held))
    if "address_lines" in held:
        odd.append(address.may_be_no_hybrid(party))
    return pl.any_horizontal(odd) if odd else None


def _leaves_the_area(payments: pl.DataFrame, context: Context) -> bool:
    """A bank of one side may be outside the European Economic Area."""
    return any(not account_heads(payments, party, context) <= EEA for party in _PARTIES)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width:
        return payments.clear()
    odd = [found for party in _PARTIES if (found := _odd(payments, party)) is not None]
    if _leaves_the_area(payments, context):
        odd.append(maybe_blank("debtor_town") | maybe_blank("debtor_country"))
    if not odd:
        return payments.clear()
    return _placed(payments.filter(pl.any_horizontal(odd)), context)


def _placed(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    """With the rail by which the address is judged, the first day that refuses, and whether a bank is outside the area."""
    outside = pl.any_horizontal(~bank_country(party, context).is_in(EEA) for party in _PARTIES).fill_null(value=False)
    wire = american() & pl.col("service_level").is_in(_FEDWIRE).fill_null(value=False)
    by_rail = (
        pl.when(sepa(context))
        .then(pl.lit("SEPA"))
        .when(cross_border(context))
        .then(pl.lit("CBPR+"))
        .when(wire)
        .then(pl.lit("Fedwire"))
    )
    since = {"SEPA": SEPA_FROM, "Fedwire": FEDWIRE_FROM, "CBPR+": CBPR_FROM}
    settled = pl.max_horizontal(pl.lit(context.today), pl.col("requested_execution_date"))
    placed = payments.with_columns(by_rail.alias("rail"), outside.alias("outside"))
    first_day = pl.col("rail").replace_strict(since, default=None, return_dtype=pl.Date)
    refused = (settled >= first_day) & ((pl.col("rail") != "SEPA") | pl.col("outside"))
    return placed.with_columns(first_day.alias("first_day"), refused.alias("refused")).filter(
        pl.col("rail").is_not_null()
    )


def _graded(
    field: str, broken: pl.Expr, said: str | pl.Expr, reason: str, remedy: pl.Expr | str = _REMEDY
) -> tuple[Check, ...]:
    """An error where the rail refuses, a warning that says from when where it does not yet, or not inside the area."""
    rail, day = pl.col("rail"), pl.col("first_day").cast(pl.String)
    inside = (rail == "SEPA") & ~pl.col("outside")
    what = pl.lit(said) if isinstance(said, str) else said
    refusal = pl.format("{}; {} refuses that from {}", what, rail, day)
    inland = pl.format("{}; SEPA needs none within the area, and banks drop or refuse this one", what)
    refused = pl.col("refused")
    return (
        Check(field, broken & refused, refusal, reason, remedy=remedy),
        Check(field, broken & ~refused & ~inside, refusal, reason, Severity.WARNING, remedy),
        Check(field, broken & ~refused & inside, inland, reason, Severity.WARNING, remedy),
    )


def _party_checks(party: str, reason: str, context: Context) -> tuple[Check, ...]:
    field, whose = f"{party}_address_lines", f"{name_of(party)} address"
    structured, given = address.has_town_and_country(party), address.is_given(party)
    written = address.column(party, "address_lines").is_not_null()
    hybrid = written & structured
    # SEPA within the area takes a country alone: that is how it is told where somebody lives.
    country_alone = (
        (pl.col("rail") == "SEPA")
        & ~written
        & pl.all_horizontal(address.column(party, part).is_null() for part in address.PARTS)
    )
    guess = pl.concat_str(
        pl.lit(f"{_REMEDY} Proposed from the lines, to be checked: "),
        address.proposal(party, bank_country(party, context)),
        pl.lit("."),
    ).fill_null(_REMEDY)
    lacking = address.lacking(party)
    bare = pl.format("{} is lines without {}", pl.lit(whose), lacking)
    too_many = f"{whose} has more than {address.HYBRID_LINES_MAX} lines beside town and country"
    return (
        *_graded(field, written & ~structured, bare, reason, guess),
        *_graded(
            f"{party}_town", given & ~written & ~structured & ~country_alone,
            pl.format("{} lacks {}", pl.lit(whose), lacking), reason,
        ),
        *_graded(field, hybrid & (address.lines(party) > address.HYBRID_LINES_MAX), too_many, reason),
        *_graded(field, hybrid & address.has_long_line(party), f"{whose} has a line of more than 70 characters", reason),
        Check(
            field, hybrid & address.repeats_itself(party), f"{whose} repeats its town or country in a line", reason,
            Severity.WARNING, "Leave out of the lines what stands as an element.",
        ),
    )  # fmt: skip


def _needed() -> tuple[Check, ...]:
    """SEPA with a bank outside the area: the debtor's address. The client's own address the client's bank may know."""
    missing = (pl.col("rail") == "SEPA") & pl.col("outside") & ~address.is_given("debtor")
    missing &= claims_iban("debtor_account") & claims_iban("creditor_account")
    said = "Debtor address is missing; SEPA asks for it where a bank is outside the European Economic Area"
    return (
        Check("debtor_town", missing & DEBITS, said, "RR02"),
        Check("debtor_town", missing & ~DEBITS, said, "RR02", Severity.WARNING),
    )


def _checks(context: Context) -> tuple[Check, ...]:
    return (*_party_checks("debtor", "RR02", context), *_party_checks("creditor", "BE04", context), *_needed())


RULE = ChecksRule(
    id="postal_address",
    reason="BE04",
    severity=Severity.ERROR,
    remedy=_REMEDY,
    sources=(
        "SWIFT CBPR+ usage guidelines SR 2026: structured and hybrid postal address",
        "EPC153-22 guidance on the migration to structured addresses in SEPA payments",
        "Federal Reserve, Fedwire Funds Service ISO 20022: postal address",
        "ISO 20022 PostalAddress (TwnNm, Ctry, AdrLine)",
    ),
    checks=_checks,
    suspects=_suspects,
)
