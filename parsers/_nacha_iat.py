"""International ACH entries (IAT): parties, addresses and banks from addenda 10 to 16, and what is missing of them.

Source: Nacha Operating Rules, Appendix Three: IAT entry detail record and its addenda records; Appendix Eight (IAT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from parsers._nacha_addenda import Addenda
from parsers._nacha_digits import Flags, Integers, numbers, strings
from parsers._nacha_entries import Entries
from parsers._nacha_findings import Fault
from parsers._nacha_layout import cut, given, words

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
ADDENDA: Final = Fault(
    "nacha-iat-addenda", "CH21", *_PAYMENT, "addenda",
    "Give every international entry the addenda records 10 to 16, each once and in this order.",
)  # fmt: skip
FIELDS: Final = Fault(
    "nacha-iat-fields", "CH21", *_PAYMENT, "addenda",
    "Give names, addresses with country, and the banks' names, numbers and countries in addenda records 10 to 16.",
)  # fmt: skip
GATEWAY: Final = Fault(
    "nacha-iat-gateway", "RC04", *_PAYMENT, "receiving DFI identification",
    "Give the nine-digit routing number of the gateway operator at positions 4-12 of the entry.",
)  # fmt: skip
FAULTS: Final = (ADDENDA, FIELDS, GATEWAY)

MANDATORY: Final = (10, 11, 12, 13, 14, 15, 16)
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_TYPES: Final = (
    "ANN", "BUS", "DEP", "LOA", "MIS", "MOR", "PEN", "REM", "RLS", "SAL", "TAX", "ARC", "BOC", "MTE", "POP", "POS", "RCK",
    "SHR", "TEL", "WEB",
)  # fmt: skip
"""Transaction type codes: why, or as which class, the payment was ordered."""


def _place(number: int, first: int) -> dict[str, pl.Expr]:
    """Town, state, country and post code of addenda 12 or 16, whose parts end with a star or a backslash."""
    town = cut(first, first + 34, f"a{number}").str.strip_chars(" ").str.strip_suffix("\\").str.splitn("*", 2).struct
    country = cut(39, 73, f"a{number}").str.strip_chars(" ").str.strip_suffix("\\").str.splitn("*", 2).struct
    return {
        "town": given(town.field("field_0").str.strip_chars(" ")),
        "address_lines": given(town.field("field_1").str.strip_chars(" ")),
        "country": given(country.field("field_0").str.strip_chars(" ")),
        "post_code": given(country.field("field_1").str.strip_chars(" ")),
    }


ORIGINATOR: Final = {"name": words(4, 38, "a11"), "street": words(39, 73, "a11"), **_place(12, 4)}
RECEIVER: Final = {
    "name": words(47, 81, "a10"), "street": words(19, 53, "a15"), **_place(16, 4), "agent": words(41, 74, "a14"),
}  # fmt: skip
"""Canonical columns of a party, without debtor_ or creditor_, as expressions on `addenda_texts`."""
IDENTIFICATION: Final = words(4, 18, "a15")
PURPOSE: Final = words(4, 6, "a10")


def addenda_texts(addenda: Addenda, ordinals: Integers, entries: int) -> pl.DataFrame:
    """The texts of addenda 10 to 16 of some entries, a10 to a16, null where there is none.

    `ordinals`: which of the window's `entries` they are.
    """
    columns = []
    for kind in MANDATORY:
        index = addenda.first(kind, entries)[ordinals]
        texts = strings(addenda.matrix[np.maximum(index, 0)]) if addenda.matrix.size else pl.Series([None] * len(index))
        chosen = pl.select(pl.when(pl.Series(index >= 0)).then(texts.cast(pl.String))).to_series()
        columns.append(chosen.alias(f"a{kind}"))
    return pl.DataFrame(columns)


def international_findings(entries: Entries, addenda: Addenda, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with international entries beyond what is asked of all."""
    ours = entries.of_class({"IAT": True}) & (entries.position >= 0)
    if not ours.any():
        return
    count = len(entries.line)
    for kind in MANDATORY:
        number = np.bincount(addenda.owner[addenda.kind == kind], minlength=count)
        wrong = ours & (number != 1)
        message = f"The entry has not one addenda record of type {kind}."
        yield ADDENDA.on(entries.at(wrong, headers), message)
    yield ADDENDA.on(
        entries.at(ours & _disordered(addenda, count), headers), "The addenda records do not ascend by type."
    )
    digits, known = numbers(entries.matrix, 4, 12)
    weighted = sum(digits // 10 ** (8 - place) % 10 * weight for place, weight in enumerate(_WEIGHTS))
    wrong = ours & ~(known & (weighted % 10 == 0))
    message = "The gateway operator's routing number has a wrong check digit."
    yield GATEWAY.on(entries.at(wrong, headers), message, cut(4, 12))
    yield from _field_findings(entries.at(ours, headers), addenda_texts(addenda, np.flatnonzero(ours), count))


def _disordered(addenda: Addenda, count: int) -> Flags:
    same = addenda.owner[1:] == addenda.owner[:-1]
    falling = np.flatnonzero(same & (addenda.kind[1:] < addenda.kind[:-1]))
    disordered = np.zeros(count, np.bool_)
    disordered[addenda.owner[falling]] = True
    return disordered


def _field_findings(found: pl.DataFrame, texts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Mandatory fields of addenda that are there but say nothing, or no code."""
    frame = pl.concat([found, texts], how="horizontal")
    country = "^[A-Z]{2}$"
    checks = (
        ("a10", cut(4, 6, "a10").is_in(_TYPES), "The transaction type code of addenda 10 is none."),
        ("a10", RECEIVER["name"].is_not_null(), "Addenda 10 lacks the receiver's name."),
        ("a11", ORIGINATOR["name"].is_not_null(), "Addenda 11 lacks the originator's name."),
        ("a11", ORIGINATOR["street"].is_not_null(), "Addenda 11 lacks the originator's street."),
        ("a12", ORIGINATOR["town"].is_not_null(), "Addenda 12 lacks the originator's town."),
        ("a12", ORIGINATOR["country"].str.contains(country), "Addenda 12 lacks the originator's country."),
        ("a15", RECEIVER["street"].is_not_null(), "Addenda 15 lacks the receiver's street."),
        ("a16", RECEIVER["town"].is_not_null(), "Addenda 16 lacks the receiver's town."),
        ("a16", RECEIVER["country"].str.contains(country), "Addenda 16 lacks the receiver's country."),
    )
    for column, right, message in (*checks, *_bank_checks("a13", "originating"), *_bank_checks("a14", "receiving")):
        yield FIELDS.on(frame.filter(pl.col(column).is_not_null() & ~right.fill_null(value=False)), message)


def _bank_checks(column: str, name: str) -> Iterator[tuple[str, pl.Expr, str]]:
    number = column[1:]
    yield column, words(4, 38, column).is_not_null(), f"Addenda {number} lacks the {name} bank's name."
    known = cut(39, 40, column).is_in(["01", "02", "03"])
    yield column, known, f"The qualifier of the {name} bank's number in addenda {number} is none of 01, 02 and 03."
    yield column, words(41, 74, column).is_not_null(), f"Addenda {number} lacks the {name} bank's number."
    country = cut(75, 77, column).str.contains("^[A-Z]{2} $")
    yield column, country, f"Addenda {number} lacks the country of the {name} bank's branch."
