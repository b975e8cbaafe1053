"""Account numbers that claim to be an IBAN are one.

An account that begins with two letters and two digits claims to be an IBAN; SEPA payments must have one. Looked at are
the country, its length and structure (SWIFT IBAN registry), and the check digits by ISO 7064 MOD 97-10; 00, 01 and 99
are refused although the division alone would take them. Not looked at in NACHA files, whose accounts are domestic.
"""

from __future__ import annotations

import contextlib
import itertools
import string
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import polars as pl
from schwifty import registry
from schwifty.exceptions import InvalidCountryCode

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, claims_iban, name_of, quoted

_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_CHUNKS: Final = 4
_CHUNK_DIGITS: Final = 17  # 34 characters make at most 68 digits; 97 × a chunk's weight stays far below 2^63
_ACCOUNTS: Final = (("debtor_account", "AC02"), ("creditor_account", "AC01"))


def _bban_pattern(spec: str) -> str:
    """`4!n12!c` of the IBAN registry as a regular expression."""
    pattern, digits = "", ""
    for character in spec:
        if character.isdigit():
            digits += character
        elif character in _CLASSES:
            pattern, digits = f"{pattern}{_CLASSES[character]}{{{digits}}}", ""
    return pattern


def _specs() -> Iterator[tuple[str, Any]]:
    for pair in itertools.product(string.ascii_uppercase, repeat=2):
        # The registry lists no countries, it only answers for one.
        with contextlib.suppress(InvalidCountryCode):
            yield "".join(pair), registry.get_iban_spec("".join(pair))


@cache
def structures() -> tuple[dict[str, int], str]:
    """Country → length of its IBAN, and one pattern that any well-structured IBAN fits."""
    specs = dict(_specs())
    lengths = {country: int(spec.iban_length) for country, spec in specs.items()}
    shapes = (f"{country}[0-9]{{2}}{_bban_pattern(spec.bban_spec)}" for country, spec in sorted(specs.items()))
    return lengths, f"^(?:{'|'.join(shapes)})$"


def remainder(iban: pl.Expr) -> pl.Expr:
    """ISO 7064 MOD 97-10 remainder of a well-structured IBAN: 1 when its check digits are right."""
    turned = iban.str.slice(4) + iban.str.head(4)
    letters = list(string.ascii_uppercase)
    digits = turned.str.replace_many(letters, [str(10 + n) for n in range(26)]).str.zfill(_CHUNKS * _CHUNK_DIGITS)
    weighted = [
        digits.str.slice(n * _CHUNK_DIGITS, _CHUNK_DIGITS).cast(pl.Int64)
        % 97
        * pow(10, _CHUNK_DIGITS * (_CHUNKS - 1 - n), 97)
        for n in range(_CHUNKS)
    ]
    return pl.sum_horizontal(weighted) % 97


def problems(accounts: pl.Series) -> pl.DataFrame:
    """What is wrong with each distinct IBAN claim: columns `account` and `problem`, bad ones only."""
    lengths, shape = structures()
    account = pl.col("account")
    claims = pl.DataFrame({"account": accounts.unique()}).filter(claims_iban("account"))
    country = account.str.head(2)
    length = country.replace_strict(list(lengths), list(lengths.values()), default=None, return_dtype=pl.Int64)
    has = account.str.len_chars().cast(pl.Int64)
    sound = claims.with_columns(account.str.contains(shape).alias("sound"))
    structure = (
        pl.when(country.str.contains("[a-z]"))
        .then(pl.lit("begins with small letters; an IBAN is written in capitals"))
        .when(length.is_null())
        .then(pl.lit("begins with ") + country + pl.lit(", which is no country of the IBAN registry"))
        .when(has != length)
        .then(pl.format("has {} characters; an IBAN of {} has {}", has, country, length))
        .otherwise(pl.format("has a letter or a sign where an IBAN of {} has none", country))
    )
    wrong = sound.filter(~pl.col("sound")).select(account, structure.alias("problem"))
    digits = (
        pl.when(account.str.slice(2, 2).is_in(["00", "01", "99"]))
        .then(pl.lit("has check digits that no IBAN can have (00, 01 or 99)"))
        .when(remainder(account) != 1)
        .then(pl.lit("has wrong check digits: a digit is mistyped or two are swapped"))
    )
    mistyped = sound.filter("sound").select(account, digits.alias("problem")).drop_nulls("problem")
    return pl.concat([wrong, mistyped])


def _with_problems(payments: pl.DataFrame) -> pl.DataFrame:
    for field, _ in _ACCOUNTS:
        told = problems(payments[field]).rename({"account": field, "problem": f"{field}_problem"})
        payments = payments.join(told, on=field, how="left", maintain_order="left")
    return payments


def _checks(context: Context) -> tuple[Check, ...]:
    if context.format == "nacha":
        return ()
    claims = tuple(
        Check(
            field,
            pl.col(f"{field}_problem").is_not_null(),
            pl.format("{} {} {}", pl.lit(name_of(field)), quoted(field), pl.col(f"{field}_problem")),
            reason,
        )
        for field, reason in _ACCOUNTS
    )
    needed = Check(
        "creditor_account",
        (pl.col("service_level") == "SEPA") & ~claims_iban("creditor_account"),
        pl.lit("Creditor account ")
        + quoted("creditor_account")
        + pl.lit(" is not an IBAN, and SEPA pays to nothing else"),
    )
    return (*claims, needed)


RULE = ChecksRule(
    id="iban",
    reason="AC01",
    severity=Severity.ERROR,
    remedy="Ask the account holder for the IBAN again and copy it without retyping; do not mend check digits.",
    sources=("ISO 13616-1 and the SWIFT IBAN registry", "ISO 7064 MOD 97-10", "ISO 20022 IBAN2007Identifier"),
    checks=_checks,
    prepare=_with_problems,
)
