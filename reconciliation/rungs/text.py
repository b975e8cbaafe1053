"""Rung text: a word of the entry's free text is the payment's reference or end-to-end id, and the amount agrees.

Whole words only, of six characters or more with a digit among them. A provider's rule may name patterns instead, whose
group holds the reference.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._keys import keys
from reconciliation._meet import Claims, agreeing, met
from reconciliation._naming import TEXTS, spelled, tokens
from reconciliation._rung import Case, Rung
from reconciliation._sides import OWN_NAMES


def _find(case: Case) -> Claims:
    book = case.book.filter(~pl.col("doubt") & pl.col("is_open"))
    by_rule = case.rule.fields or case.rule.patterns
    words = tokens(case.bank, case.rule.fields or TEXTS, case.rule.patterns) if by_rule else case.words.of(case.bank)
    if words.is_empty() or book.is_empty():
        return Claims.of()
    spots = case.bank.at("spot", words["e"])
    left = words.select("e", h=pl.col("h") ^ spots)
    found = met(left, keys(book, OWN_NAMES, pl.col("spot"), left["h"]), "text", book)
    return Claims(spelled(agreeing(found.pairs, case.bank, book), words, book), found.doubts, found.blocked)


RUNG: Final = Rung("text", 30, _find, back="return")
