"""Rung text: a word of the entry's free text is the payment's reference or end-to-end id, and the amount agrees.

Whole words only, of six characters or more with a digit among them. A provider's rule may name patterns instead, whose
group holds the reference.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._meet import Claims, beside, met
from reconciliation._naming import OWN_NAMES, TEXTS, tokens
from reconciliation._rung import Case, Rung
from reconciliation._sides import ALWAYS, key


def _find(case: Case) -> Claims:
    book = case.book.filter(~pl.col("doubt") & pl.col("is_open"))
    words = tokens(case.bank, case.rule.fields or TEXTS, case.rule.patterns)
    if words.is_empty() or book.is_empty():
        return Claims.of()
    left = words.join(case.bank.select("e", "spot"), on="e").select("e", "token", "spot")
    right = pl.concat(book.select("p", "spot", token=key(name)) for name in OWN_NAMES).drop_nulls("token").unique()
    mixed = pl.col("token").hash() ^ pl.col("spot")
    found = met(left.select("e", h=mixed), right.select("p", h=mixed), "text", book)
    by_word = left.select("e", "token").join(right.select("p", "token"), on="token").select("e", "p").unique()
    sides = beside(found.pairs, case.bank, book, (*ALWAYS, "named"), (*ALWAYS, "submission_id"))
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_p") for name in ALWAYS)
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    pairs = sides.filter(same & within).join(by_word, on=["e", "p"], how="semi").select("e", "p")
    return Claims(pairs, found.doubts, found.blocked)


RUNG: Final = Rung("text", 30, _find, back="return")
