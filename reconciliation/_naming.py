"""Which payment an entry names, whatever its amount and currency: by its references, and by tokens of its free text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from reconciliation._meet import PAIRS, beside
from reconciliation._sides import OWN_REFERENCES, key

REFERENCES: Final = ("instruction_id", "transaction_id", "servicer_reference", "uetr")
NAMES: Final = (*REFERENCES, "end_to_end_id")
TEXTS: Final = ("remittance", "additional")
OWN_NAMES: Final = (*OWN_REFERENCES, "end_to_end_id")
_TOKEN_CHARS_MIN: Final = 6
"""Shorter tokens, and those without a digit, are words of a language more often than references."""
_SPLITS: Final = (r"[^\s]+", r"[^\s+:;,()'?=|/]+")
_TOKENS = {"e": PAIRS["e"], "token": pl.String}


def tokens(bank: pl.DataFrame, texts: Sequence[str] = TEXTS, patterns: Sequence[str] = ()) -> pl.DataFrame:
    """E and token: whole words of the free text that may be references, each once; with patterns, what their groups hold.

    Words are cut at blanks, and at blanks and punctuation; a text of several lines is also read without its line feeds,
    where banks cut a reference in two.
    """
    found = [pl.DataFrame(schema=_TOKENS)]
    for name in texts:
        rows = bank.filter(pl.col(name).is_not_null()).select("e", text=pl.col(name))
        if rows.is_empty():
            continue
        joined = rows.filter(pl.col("text").str.contains("\n", literal=True)).with_columns(
            pl.col("text").str.replace_all("\n", "", literal=True)
        )
        whole = pl.concat([rows, joined])
        cut = [pl.col("text").str.extract_all(split) for split in _SPLITS] if not patterns else []
        cut += [pl.concat_list(pl.col("text").str.extract(pattern, 1)) for pattern in patterns]
        found += [_exploded(whole.select("e", token=words), strict=not patterns) for words in cut]
    return pl.concat(found).unique()


def _exploded(rows: pl.DataFrame, *, strict: bool) -> pl.DataFrame:
    each = rows.explode("token", empty_as_null=False, keep_nulls=False).drop_nulls("token")
    trimmed = each.with_columns(pl.col("token").str.strip_chars(" .,-"))
    long = (pl.col("token").str.len_bytes() >= _TOKEN_CHARS_MIN) & pl.col("token").str.contains(r"\d")
    return trimmed.filter(long) if strict else trimmed.filter(pl.col("token") != "")


def named_payments(bank: pl.DataFrame, book: pl.DataFrame, fields: Sequence[str] = NAMES) -> pl.DataFrame:
    """E and p: the one payment that an entry names, on its account and side. Several entries may name one payment.

    An entry whose keys lead to two payments, and a key that two payments carry, name nothing. Payments in doubt are passed
    over, and so is another submission than the one the entry names.
    """
    free = book.filter(~pl.col("doubt"))
    if bank.is_empty() or free.is_empty():
        return pl.DataFrame(schema=PAIRS)
    place = pl.struct("account", "credit_debit").hash()
    keys = [bank.select("e", place=place, token=key(name)).drop_nulls("token") for name in fields]
    words = tokens(bank).join(bank.select("e", place=place), on="e", how="left")
    left = pl.concat([*keys, words.select("e", "place", "token")]).unique()
    right = pl.concat(free.select("p", place=place, token=key(name)) for name in OWN_NAMES).drop_nulls("token")
    met = right.join(left, on=["token", "place"], how="semi").unique()
    alone = met.unique(["token", "place"], keep="none")
    pairs = left.join(alone, on=["token", "place"], how="inner").select("e", "p").unique().unique("e", keep="none")
    sides = beside(
        pairs, bank, free, ("account", "credit_debit", "named"), ("account", "credit_debit", "submission_id")
    )
    same = (pl.col("account") == pl.col("account_p")) & (pl.col("credit_debit") == pl.col("credit_debit_p"))
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    return sides.filter(same & within).select("e", "p")
