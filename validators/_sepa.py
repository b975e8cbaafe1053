"""What SEPA credit transfers and direct debits have in common (EPC customer-to-PSP implementation guidelines).

`held_by` keeps the payments of a scheme; the checks look at nothing else.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from canonical.codes import Severity
from validators._matrix import joined
from validators._rails import DEBITS, declared_sepa
from validators._row import Check, name_of, quoted

AMOUNT_MINOR_MAX: Final = 99_999_999_999
"""999,999,999.99 euro, the largest amount of both schemes, in cents."""
NAME_CHARS_MAX: Final = 70
REMITTANCE_CHARS_MAX: Final = 140
_SHORTEN: Final = "Shorten it yourself, so that what matters stays; it is not cut here."
_NAMES: Final = ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name")


def held_by(payments: pl.DataFrame, scheme: pl.Expr, *more: pl.Expr) -> pl.DataFrame:
    """Payments of the scheme that may break one of the checks here, or for which one of `more` holds."""
    names = [name for name in _NAMES if payments[name].null_count() < payments.height]
    broken = [
        pl.col("amount_minor") > AMOUNT_MINOR_MAX,
        pl.col("currency") != "EUR",
        pl.col("charge_bearer") != "SLEV",
        *(pl.col(name).str.len_bytes() > NAME_CHARS_MAX for name in names),
        pl.col("remittance").str.len_bytes() > REMITTANCE_CHARS_MAX,
        *more,
    ]
    if payments["remittance_reference"].null_count() < payments.height:
        broken.append(pl.col("remittance_reference").is_not_null() & pl.col("remittance").is_not_null())
    if b"\n" in joined(payments["remittance"]):
        broken.append(pl.col("remittance").str.contains("\n", literal=True))
    suspects = payments.filter(pl.any_horizontal(broken))
    return suspects.filter(scheme) if suspects.height else suspects


@cache
def common_checks() -> tuple[Check, ...]:
    """Amount, currency, charge bearer, names and remittance."""
    return (*_amount_checks(), *_name_checks(), *_remittance_checks())


def _amount_checks() -> tuple[Check, ...]:
    bearer = pl.col("charge_bearer")
    said = pl.lit("Charge bearer ") + quoted("charge_bearer")
    return (
        *(
            Check(
                "currency", declared_sepa() & way & (pl.col("currency") != "EUR"),
                pl.lit("SEPA moves euro only, not ") + quoted("currency"), "AM03",
                remedy=f"{verb} in EUR, or leave the service level SEPA out.",
            )
            for way, verb in ((~DEBITS, "Pay"), (DEBITS, "Collect"))
        ),
        Check(
            "amount_text", (pl.col("currency") == "EUR") & (pl.col("amount_minor") > AMOUNT_MINOR_MAX),
            pl.lit("Amount ") + quoted("amount_text") + pl.lit(" is above 999999999.99, the largest that SEPA takes"),
            "AM02", remedy="Split the payment, or agree another way for it.",
        ),
        Check(
            "charge_bearer", bearer.is_in(("DEBT", "CRED")),
            said + pl.lit(" is not SLEV, and in SEPA each side bears the charges of its own bank"), "CH16",
            remedy="Give SLEV, or leave it out.",
        ),
        Check(
            "charge_bearer", declared_sepa() & (bearer == "SHAR"),
            said + pl.lit(" is taken as SLEV, which is what SEPA calls it"), "CH16", Severity.WARNING,
            remedy="Nothing; SLEV says the same.",
        ),
    )  # fmt: skip


def _name_checks() -> tuple[Check, ...]:
    checks = []
    for field in _NAMES:
        chars = pl.col(field).str.len_chars()
        message = pl.format(f"{name_of(field)} has {{}} characters; SEPA carries {NAME_CHARS_MAX}", chars)
        # Above 140 the message itself takes no more, which has its own rule.
        checks.append(Check(field, chars.is_between(NAME_CHARS_MAX + 1, 140), message, "CH16", remedy=_SHORTEN))
    return tuple(checks)


def _remittance_checks() -> tuple[Check, ...]:
    text = pl.col("remittance")
    chars, several = text.str.len_chars(), text.str.contains("\n", literal=True)
    one_line = text.str.contains("^[^\n]{141,}$")  # a line that no message takes, which has its own rule
    return (
        Check(
            "remittance", (chars > REMITTANCE_CHARS_MAX) & ~one_line,
            pl.format(f"Remittance text has {{}} characters; SEPA carries {REMITTANCE_CHARS_MAX}", chars), "RR07", remedy=_SHORTEN,
        ),
        Check(
            "remittance", several & (chars <= REMITTANCE_CHARS_MAX),
            "Remittance text stands in several elements or lines; SEPA carries one", "RR07", Severity.WARNING,
            remedy="Write it as one element of one line, of at most 140 characters.",
        ),
        Check(
            "remittance", text.is_not_null() & pl.col("remittance_reference").is_not_null(),
            "Remittance has free text beside a structured reference; SEPA carries one of them", "RR07", Severity.WARNING,
            remedy="Leave the free text out; the reference is what the creditor's books look for.",
        ),
    )  # fmt: skip
