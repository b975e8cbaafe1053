"""Which payment an entry names, whatever its amount and currency: by its references, and by tokens of its free text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from reconciliation._keys import key, keys
from reconciliation._meet import by_key
from reconciliation._pairing import PAIRS, Marks, Sorted, paired, repeated
from reconciliation._side import NUMBER, Side, beside
from reconciliation._sides import NAMES, OWN_NAMES

TEXTS: Final = ("remittance", "additional")
_TOKEN_CHARS_MIN: Final = 6
"""Shorter tokens, and those without a digit, are words of a language more often than references."""
_SIGNS: Final = r"+:;,()'?=|/"
_SPLITS: Final = tuple(rf"[^\s{signs}]{{{_TOKEN_CHARS_MIN},}}" for signs in ("", _SIGNS))
_TOKENS: Final = {"e": NUMBER, "token": pl.String, "h": pl.UInt64}
_HAND: Final = pl.struct("account", "credit_debit").hash()
"""An account and a side of it."""


class Words:
    """The tokens of the entries' texts. Rung after rung asks for them: those of an entry are cut once."""

    def __init__(self, entries: int) -> None:
        self._cut = np.zeros(entries, dtype=np.bool_)
        self._words = pl.DataFrame(schema=_TOKENS)

    def of(self, bank: Side) -> pl.DataFrame:
        """E, token and h of the entries left, as `tokens` gives them."""
        new = bank.rows.filter(~pl.Series(self._cut[bank.rows.to_numpy()]))
        if not new.is_empty():
            self._words = pl.concat([self._words, tokens(bank.only(new))])
            self._cut[new.to_numpy()] = True
        return self._words.filter(bank.has(self._words["e"]))


def tokens(bank: Side, texts: Sequence[str] = TEXTS, patterns: Sequence[str] = ()) -> pl.DataFrame:
    """E, token and h, its hash: whole words of the free text that may be references, each once; with patterns, what their groups hold.

    Words are cut at blanks, and at blanks and punctuation; a text of several lines is also read without its line feeds,
    where banks cut a reference in two.
    """
    found = [pl.DataFrame(schema=_TOKENS)]
    for name in texts:
        rows = bank.select("e", text=name).drop_nulls("text")
        if rows.is_empty():
            continue
        joined = rows.filter(pl.col("text").str.contains("\n", literal=True)).with_columns(
            pl.col("text").str.replace_all("\n", "", literal=True)
        )
        whole = pl.concat([rows, joined])
        if patterns:
            found += [
                _exploded(whole, pl.concat_list(pl.col("text").str.extract(pattern, 1)), 1) for pattern in patterns
            ]
            continue
        whole = whole.filter(pl.col("text").str.contains(r"\d"))
        signed = whole.filter(pl.col("text").str.contains(rf"[{_SIGNS}]"))
        for part, split in zip((whole, signed), _SPLITS, strict=True):
            each = _exploded(part, pl.col("text").str.extract_all(split), _TOKEN_CHARS_MIN)
            found.append(each.filter(pl.col("token").str.contains(r"\d")))
    return pl.concat(found).unique(["e", "h"])


def _exploded(rows: pl.DataFrame, words: pl.Expr, chars_min: int) -> pl.DataFrame:
    each = rows.select("e", token=words).explode("token", empty_as_null=False, keep_nulls=False).drop_nulls("token")
    trimmed = each.with_columns(pl.col("token").str.strip_chars(" .,-"))
    return trimmed.filter(pl.col("token").str.len_bytes() >= chars_min).with_columns(h=pl.col("token").hash())


def named_payments(bank: Side, book: Side, words: Words, fields: Sequence[str] = NAMES) -> pl.DataFrame:
    """E and p: the one payment that an entry names, on its account and side. Several entries may name one payment.

    An entry whose keys lead to two payments, and a key that two payments carry, name nothing. Payments in doubt are passed
    over, and so is another submission than the one the entry names.
    """
    free = book.filter(~pl.col("doubt"))
    if bank.is_empty() or free.is_empty():
        return pl.DataFrame(schema=PAIRS)
    cut = words.of(bank)
    told = pl.concat([keys(bank, fields), cut.select("e", "h")])
    right = keys(free, OWN_NAMES, asked=told["h"])
    left = told.filter(Marks.of(right["h"]).may_hold(told["h"]))
    if left.is_empty():
        return pl.DataFrame(schema=PAIRS)
    payments = Sorted.of(_on_hand(right, free))
    pairs = paired(Sorted.of(_on_hand(left, bank)), payments.only(payments.alone))
    alone = pairs.filter(~repeated(pairs["e"]))
    sides = beside(
        alone, bank, book, ("account", "credit_debit", "named"), ("account", "credit_debit", "submission_id")
    )
    same = (pl.col("account") == pl.col("account_p")) & (pl.col("credit_debit") == pl.col("credit_debit_p"))
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    placed = sides.filter(same & within).select("e", "p")
    in_field = by_key(placed, bank, book, fields, OWN_NAMES)
    return pl.concat([placed.filter(in_field), spelled(placed.filter(~in_field), cut, book)])


def spelled(pairs: pl.DataFrame, words: pl.DataFrame, book: Side) -> pl.DataFrame:
    """Pairs of which a word of the entry is an id of the payment, letter by letter."""
    if pairs.is_empty():
        return pairs
    each = pairs.join(words.select("e", "token"), on="e", how="inner").select("e", "p", "token")
    own = each.with_columns(book.at(name, each["p"]) for name in OWN_NAMES)
    said = pl.any_horizontal((pl.col("token") == key(name)).fill_null(value=False) for name in OWN_NAMES)
    return own.filter(said).select("e", "p").unique(maintain_order=True)


def _on_hand(keys: pl.DataFrame, side: Side) -> pl.DataFrame:
    """The keys mixed with the account and the side of it."""
    number = side.number
    places = pl.DataFrame({name: side.at(name, keys[number]) for name in ("account", "credit_debit")})
    return keys.with_columns(h=pl.col("h") ^ places.select(_HAND).to_series())
