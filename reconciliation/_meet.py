"""Pair entries with payments by a key that is unique on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from reconciliation._sides import ALWAYS, key

PAIRS: Final = {"e": pl.get_index_type(), "p": pl.get_index_type()}
DOUBTS: Final = {"e": pl.get_index_type(), "note": pl.String}
_KEYED: Final = {"h": pl.UInt64}
_NO_CROWDS: Final = {"entries": pl.List(PAIRS["e"]), "payments": pl.List(PAIRS["p"])}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a rung found, by row numbers.

    `pairs`: e and p, and where they differ from the payment's and the entry's own: amount_minor, entry_minor,
    difference_account, kind. `doubts`: e and a note in words: for a person. `blocked`: p of the payments in doubt.
    """

    pairs: pl.DataFrame
    doubts: pl.DataFrame
    blocked: pl.Series

    @classmethod
    def of(cls, pairs: pl.DataFrame | None = None) -> Claims:
        """Pairs without doubts; nothing where none are given."""
        found = pl.DataFrame(schema=PAIRS) if pairs is None else pairs
        return cls(found, pl.DataFrame(schema=DOUBTS), pl.Series("p", [], dtype=PAIRS["p"]))


def meet(bank: pl.DataFrame, book: pl.DataFrame, fields: Sequence[str], own: Sequence[str], rung: str) -> Claims:
    """Pair rows of which one of `fields` is one of `own` and ALWAYS agrees, and the submission where the entry names one.

    A pair counts where its key is unique on both sides and neither side has another candidate; everything else that met
    a candidate is in doubt. Payments already in doubt are passed over.
    """
    free = book.filter(~pl.col("doubt"))
    fields = [name for name in fields if bank[name].null_count() < bank.height]
    if not fields or free.is_empty():
        return Claims.of()
    keys = pl.concat([_keys(bank, name, "e", pl.col("named").hash()) for name in fields])
    plain = bank["named"].null_count() > 0
    bound = bank["named"].null_count() < bank.height
    theirs = [_keys(free, name, "p", None) for name in own] if plain else []
    theirs += [_keys(free, name, "p", pl.col("submission_id").hash()) for name in own] if bound else []
    found = met(_distinct(keys, fields), _distinct(pl.concat(theirs), own), rung, free)
    return _confirmed(found, bank, book, fields, own)


def met(left: pl.DataFrame, right: pl.DataFrame, rung: str, book: pl.DataFrame) -> Claims:
    """The same on keys that are made: `left` has e and h, `right` p and h, no row twice. The caller confirms the pairs."""
    once, alone = _once(left), _once(right)
    pairs = once.join(alone, on="h", how="inner").select("e", "p")
    if pairs["e"].n_unique() < pairs.height:
        pairs = pairs.unique()
    crowds = _crowds(left, right) if once.height < left.height or alone.height < right.height else None
    return _without_rivals(pairs, crowds, rung, book)


def _without_rivals(pairs: pl.DataFrame, crowds: pl.DataFrame | None, rung: str, book: pl.DataFrame) -> Claims:
    several = pairs["e"].n_unique() < pairs.height or pairs["p"].n_unique() < pairs.height
    if crowds is None and not several:
        return Claims.of(pairs)
    groups = pl.DataFrame(schema=_NO_CROWDS) if crowds is None else crowds
    rival_e, rival_p = (_members(groups, name) for name in ("entries", "payments"))
    torn = (
        pl.col("e").is_in(rival_e.implode()) | pl.col("p").is_in(rival_p.implode())
        | (pl.len().over("e") > 1) | (pl.len().over("p") > 1)
    )  # fmt: skip
    marked = pairs.with_columns(torn=torn)
    rivals = marked.filter("torn").select(entries=pl.concat_list("e"), payments=pl.concat_list("p"))
    doubts = pl.concat([groups, rivals])
    return Claims(
        marked.filter(~pl.col("torn")).drop("torn"), _in_words(doubts, rung, book), _members(doubts, "payments")
    )


def _keys(frame: pl.DataFrame, name: str, number: str, submission: pl.Expr | None) -> pl.DataFrame:
    """Number and h: one row an id with that key. An entry that names no submission keeps the plain key."""
    plain = key(name).hash() ^ pl.col("spot")
    if submission is not None and number == "e":
        hashed = pl.when(pl.col("named").is_null()).then(plain).otherwise(plain ^ submission)
    else:
        hashed = plain if submission is None else plain ^ submission
    return (
        frame.lazy().select(number, said=key(name).is_not_null(), h=hashed).filter("said").select(number, "h").collect()
    )


def _distinct(keys: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """An id may carry one key in several columns."""
    return keys.unique() if len(names) > 1 and keys[keys.columns[0]].n_unique() < keys.height else keys


def _once(keys: pl.DataFrame) -> pl.DataFrame:
    return keys if keys["h"].n_unique() == keys.height else keys.unique("h", keep="none")


def _crowds(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Lists `entries` and `payments` that share a key which is not unique: one row a key, never one a pair.

    A thousand salaries of one id and amount are one row of a thousand and a thousand, not a million candidates.
    """
    entries = left.join(right, on="h", how="semi").group_by("h").agg(entries="e")
    payments = right.join(left, on="h", how="semi").group_by("h").agg(payments="p")
    both = entries.join(payments, on="h", how="inner")
    single = (pl.col("entries").list.len() == 1) & (pl.col("payments").list.len() == 1)
    return both.filter(~single).select("entries", "payments")


def _members(groups: pl.DataFrame, name: str) -> pl.Series:
    return groups[name].explode(empty_as_null=False, keep_nulls=False).unique().sort().alias("p")


def _in_words(doubts: pl.DataFrame, rung: str, book: pl.DataFrame) -> pl.DataFrame:
    ids = doubts.select(p=pl.col("payments")).explode("p", empty_as_null=False, keep_nulls=False).unique()
    named = ids.join(book.select("p", "payment_id"), on="p", how="left")
    first = (
        doubts.with_row_index("group")
        .select("group", p=pl.col("payments"))
        .explode("p", empty_as_null=False, keep_nulls=False)
        .join(named, on="p", how="left")
        .group_by("group")
        .agg(first=pl.col("payment_id").min())
    )
    each = doubts.with_row_index("group").join(first, on="group", how="left").select(
        e="entries", candidates=pl.col("payments").list.len(), rivals=pl.col("entries").list.len(), first="first"
    )  # fmt: skip
    rows = each.explode("e", empty_as_null=False, keep_nulls=False)
    note = pl.format(
        "by {}: payments {}, entries {} answer to one another, among them payment {}",
        pl.lit(rung), pl.sum("candidates"), pl.max("rivals"), pl.min("first"),
    )  # fmt: skip
    return rows.group_by("e").agg(note=note)


def _confirmed(
    found: Claims, bank: pl.DataFrame, book: pl.DataFrame, fields: Sequence[str], own: Sequence[str]
) -> Claims:
    """Without what only the hashes paired."""
    sides = beside(found.pairs, bank, book, (*fields, *ALWAYS, "named"), (*own, *ALWAYS, "submission_id"))
    # Each key is read once, not once a comparison.
    read = sides.with_columns(*(key(name) for name in fields), *(key(f"{name}_p") for name in own))
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_p") for name in ALWAYS)
    by_key = pl.any_horizontal(pl.col(name) == pl.col(f"{other}_p") for name in fields for other in own)
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    pairs = read.filter(same & by_key.fill_null(value=False) & within).select("e", "p")
    return Claims(pairs, found.doubts, found.blocked)


def beside(
    pairs: pl.DataFrame, bank: pl.DataFrame, book: pl.DataFrame, of_bank: Sequence[str], of_book: Sequence[str]
) -> pl.DataFrame:
    """Pairs with columns of both sides; those of the payment end in _p."""
    left = pairs.join(bank.select("e", *of_bank), on="e", how="left", maintain_order="left")
    right = book.select("p", *(pl.col(name).alias(f"{name}_p") for name in of_book))
    return left.join(right, on="p", how="left", maintain_order="left")
