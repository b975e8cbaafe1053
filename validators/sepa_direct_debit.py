"""SEPA direct debits keep to the scheme: instrument, sequence type, mandate, creditor, collection date, and what all SEPA keeps to.

A payment is one when it collects and its local instrument is CORE or B2B, or its service level says SEPA. The collection
date leaves the banks one TARGET business day; an earlier one moves with a warning, or is rejected, as the profile says.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.calendars import next_business_day
from canonical.codes import Severity
from canonical.contracts import Context
from canonical.transliteration import SEPA_BYTES, SEPA_SET
from validators._matrix import made_of
from validators._rails import sepa_debit
from validators._row import Check, ChecksRule, blank, distinct, ever, name_of, quoted
from validators._sepa import common_checks, held_by

_INSTRUMENTS: Final = ("CORE", "B2B")
_SEQUENCES: Final = ("FRST", "RCUR", "OOFF", "FNAL", "RPRE")
_MANDATE_CHARS_MAX: Final = 35
_MANDATE_ID: Final = f"^[{SEPA_SET}]{{1,{_MANDATE_CHARS_MAX}}}$"
_SIGNED: Final = "Give the day on which the debtor signed the mandate."
_DAY: Final = "requested_execution_date"


def _earliest(context: Context) -> dt.date:
    """First day that leaves the banks one TARGET business day."""
    return next_business_day("target", context.today + dt.timedelta(days=1))


def _few(payments: pl.DataFrame, field: str, codes: tuple[str, ...]) -> list[pl.Expr]:
    """Whether a field of few values has another than these; nothing where it has none."""
    texts = payments[field]
    if not texts.null_count() and set(distinct(texts)) <= set(codes):
        return []
    return [~pl.col(field).is_in(codes).fill_null(value=False)]


def _broken(payments: pl.DataFrame, context: Context) -> list[pl.Expr]:
    """What of the direct debit's own fields may be wrong, cheaply."""
    signed, mandate = pl.col("mandate_date"), "mandate_id"
    broken = [
        *_few(payments, "local_instrument", _INSTRUMENTS),
        *_few(payments, "sequence_type", _SEQUENCES),
        (signed.is_null() | (signed > context.today) | (signed > pl.col(_DAY))).fill_null(value=True),
        pl.col("creditor_scheme_id").is_null() | (pl.col("creditor_scheme_id") < "!"),
        pl.col(_DAY) < _earliest(context),
    ]
    if not made_of(payments[mandate], SEPA_BYTES, _MANDATE_CHARS_MAX):
        broken.append(~pl.col(mandate).str.contains(_MANDATE_ID).fill_null(value=False))
    return broken


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic or not ever(payments, pl.col("credit_debit") == "DBIT"):
        return payments.clear()
    return held_by(payments, sepa_debit(context), *_broken(payments, context))


def _told(field: str, wrong: str) -> pl.Expr:
    """What is wrong with a code, or that there is none."""
    missing, written = (
        pl.lit(f"{name_of(field)} is missing"),
        pl.format(f"{name_of(field)} {{}} {wrong}", quoted(field)),
    )
    return pl.when(blank(field)).then(missing).otherwise(written)


def _type_checks() -> tuple[Check, ...]:
    instrument, sequence = pl.col("local_instrument"), pl.col("sequence_type")
    return (
        Check(
            "local_instrument", ~instrument.is_in(_INSTRUMENTS).fill_null(value=False),
            _told("local_instrument", "is neither CORE nor B2B"), "FF05",
            remedy="Give CORE (which took COR1 in), or B2B where the debtor signed a business mandate.",
        ),
        Check(
            "sequence_type", ~sequence.is_in(_SEQUENCES).fill_null(value=False),
            _told("sequence_type", "is none of FRST, RCUR, OOFF, FNAL"), "AG02",
            remedy="Give RCUR for a mandate that is used again and again, OOFF for one that is used once.",
        ),
    )  # fmt: skip


def _mandate_checks(context: Context) -> tuple[Check, ...]:
    signed, text = pl.col("mandate_date"), "mandate_date_text"
    date = pl.lit("Date of signature ") + quoted(text)
    missing = tuple(
        Check(field, blank(field), f"{name} is missing", reason, remedy=remedy)
        for field, name, reason, remedy in (
            ("mandate_id", "Mandate id", "MD01", "Give the reference under which the debtor signed."),
            (text, "Date of signature", "MD02", _SIGNED),
            ("creditor_scheme_id", "Creditor identifier", "CH11", "Give the identifier under which you collect."),
        )
        if field not in context.facts.required_debit  # told by `required` there
    )
    return (
        *missing,
        Check(
            "mandate_id", ~blank("mandate_id") & ~pl.col("mandate_id").str.contains(_MANDATE_ID),
            pl.lit("Mandate id ") + quoted("mandate_id") + pl.lit(" has characters or a length that SEPA does not carry"),
            "MD02", remedy="Use at most 35 of a-z A-Z 0-9 + ? / - : ( ) . , ' and blanks.",
        ),
        Check(text, ~blank(text) & signed.is_null(), date + pl.lit(" is not a date"), "MD02", remedy=_SIGNED),
        Check(
            text, ((signed > context.today) | (signed > pl.col(_DAY))),
            date + pl.lit(" is in the future; a mandate is signed before it is used"), "MD02",
            remedy=_SIGNED,
        ),
    )  # fmt: skip


def _date_check(context: Context) -> Check:
    earliest = _earliest(context)
    rolls = context.client.execution_dates.past == "roll"
    told = f"; it will be collected on {earliest} at the earliest" if rolls else ""
    # A day before today has a finding of its own already.
    early = pl.col(_DAY).is_between(context.today, earliest, closed="left")
    return Check(
        f"{_DAY}_text", early,
        pl.lit("Collection date ") + quoted(f"{_DAY}_text") + pl.lit(f" leaves the banks no business day{told}"), "DT01",
        Severity.WARNING if rolls else Severity.ERROR, f"Send collections at least one business day ahead: {earliest} or later.",
    )  # fmt: skip


def _checks(context: Context) -> tuple[Check, ...]:
    return (*_type_checks(), *_mandate_checks(context), _date_check(context), *common_checks())


RULE = ChecksRule(
    id="sepa_direct_debit",
    reason="MD02",
    severity=Severity.ERROR,
    remedy="Mend what is named; the debtor's bank refuses collections that do not fit the mandate.",
    sources=(
        "EPC016-06 SEPA Direct Debit Core scheme rulebook: AT-01, AT-02, AT-25, AT-21",
        "EPC222-07 SEPA Direct Debit Business to Business scheme rulebook",
        "EPC130-08 and EPC131-08 customer-to-PSP implementation guidelines",
    ),
    checks=_checks,
    suspects=_suspects,
)
