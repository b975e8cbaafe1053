"""Pair entries with payments by a key that is unique on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from reconciliation._keys import hash_of, key, keys
from reconciliation._pairing import PAIRS, Marks, Sorted, among, holding, paired, repeated
from reconciliation._side import NUMBER, Side, beside
from reconciliation._sides import ALWAYS

DOUBTS: Final = {"e": NUMBER, "note": pl.String}
_NO_CROWDS: Final = {"entries": pl.List(NUMBER), "payments": pl.List(NUMBER)}


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
        return cls(found, pl.DataFrame(schema=DOUBTS), pl.Series("p", [], dtype=NUMBER))


def meet(bank: Side, book: Side, fields: Sequence[str], own: Sequence[str], rung: str) -> Claims:
    """Pair rows of which one of `fields` is one of `own` and ALWAYS agrees, and the submission where the entry names one.

    A pair counts where its key is unique on both sides and neither side has another candidate; everything else that met
    a candidate is in doubt. Payments already in doubt are passed over.
    """
    free = book.filter(~pl.col("doubt"))
    spot, lot = pl.col("spot"), pl.col("lot")
    lots = bank.select("lot")["lot"].unique()
    ours = keys(bank, fields, spot ^ lot)
    # An entry that names a submission has a key of that submission, any other the plain one.
    theirs = [keys(free, own, spot, ours["h"])] if lots.is_in([0]).any() else []
    if (lots != 0).any():
        theirs.append(keys(free.filter((lot != 0) & lot.is_in(lots.implode())), own, spot ^ lot, ours["h"]))
    if not theirs:
        return Claims.of()
    found = met(ours, pl.concat(theirs), rung, free)
    agreed = agreeing(found.pairs, bank, book)
    return Claims(agreed.filter(by_key(agreed, bank, book, fields, own)), found.doubts, found.blocked)


def met(left: pl.DataFrame, right: pl.DataFrame, rung: str, book: Side) -> Claims:
    """The same on keys that are made: `left` has e and h, `right` p and h, no row twice. The caller confirms the pairs."""
    left = left.filter(Marks.of(right["h"]).may_hold(left["h"]))
    if left.is_empty():
        return Claims.of()
    entries, payments = Sorted.of(left), Sorted.of(right)
    pairs = paired(entries.only(entries.alone), payments.only(payments.alone))
    return _without_rivals(pairs, _crowds(entries, payments), rung, book)


def _without_rivals(pairs: pl.DataFrame, groups: pl.DataFrame, rung: str, book: Side) -> Claims:
    several = repeated(pairs["e"]) | repeated(pairs["p"])
    if groups.is_empty() and not several.any():
        return Claims.of(pairs)
    rival_e, rival_p = (_members(groups, name) for name in ("entries", "payments"))
    torn = several | among(pairs["e"], rival_e) | among(pairs["p"], rival_p)
    rivals = pairs.filter(torn).select(entries=pl.concat_list("e"), payments=pl.concat_list("p"))
    doubts = pl.concat([groups, rivals])
    return Claims(pairs.filter(~torn), _in_words(doubts, rung, book), _members(doubts, "payments"))


def _crowds(entries: Sorted, payments: Sorted) -> pl.DataFrame:
    """Lists `entries` and `payments` that share a key which is not unique: one row a key, never one a pair.

    A thousand salaries of one id and amount are one row of a thousand and a thousand, not a million candidates.
    """
    crowded = [side.only(~side.alone).hashes for side in (entries, payments)]
    shared = np.unique(np.concatenate([
        crowded[0][payments.holds(crowded[0])], crowded[1][entries.holds(crowded[1])],
    ]))  # fmt: skip
    if not shared.size:
        return pl.DataFrame(schema=_NO_CROWDS)
    ours, theirs = (
        side.only(holding(shared, side.hashes)).frame(name) for side, name in ((entries, "e"), (payments, "p"))
    )
    return (
        ours.group_by("h").agg(entries="e")
        .join(theirs.group_by("h").agg(payments="p"), on="h", how="inner")
        .select("entries", "payments")
    )  # fmt: skip


def _members(groups: pl.DataFrame, name: str) -> pl.Series:
    return groups[name].explode(empty_as_null=False, keep_nulls=False).unique().sort().alias("p")


def _in_words(doubts: pl.DataFrame, rung: str, book: Side) -> pl.DataFrame:
    ids = (
        doubts.with_row_index("group")
        .select("group", p=pl.col("payments"))
        .explode("p", empty_as_null=False, keep_nulls=False)
    )
    first = ids.with_columns(book.at("payment_id", ids["p"])).group_by("group").agg(first=pl.col("payment_id").min())
    each = doubts.with_row_index("group").join(first, on="group", how="left").select(
        e="entries", candidates=pl.col("payments").list.len(), rivals=pl.col("entries").list.len(), first="first"
    )  # fmt: skip
    rows = each.explode("e", empty_as_null=False, keep_nulls=False)
    note = pl.format(
        "by {}: payments {}, entries {} answer to one another, among them payment {}",
        pl.lit(rung), pl.sum("candidates"), pl.max("rivals"), pl.min("first"),
    )  # fmt: skip
    return rows.group_by("e").agg(note=note)


def agreeing(pairs: pl.DataFrame, bank: Side, book: Side) -> pl.DataFrame:
    """Pairs that agree in ALWAYS, and in the submission where the entry names one: what only hashes paired is dropped."""
    if pairs.is_empty():
        return pairs
    sides = beside(pairs, bank, book, (*ALWAYS, "named"), (*ALWAYS, "submission_id"))
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_p") for name in ALWAYS)
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    return pairs.filter(sides.select(same & within).to_series())


def by_key(pairs: pl.DataFrame, bank: Side, book: Side, fields: Sequence[str], own: Sequence[str]) -> pl.Series:
    """Boolean for each pair: one of the fields is one of the payment's. Texts are read only where their hashes are equal."""
    sure = np.zeros(pairs.height, dtype=np.bool_)
    if pairs.is_empty():
        return pl.Series(sure)
    theirs = {name: book.at(hash_of(name), pairs["p"]) for name in own}
    for field in fields:
        if sure.all():
            break
        ours = bank.at(hash_of(field), pairs["e"]) if hash_of(field) in bank.made else None
        for name, said in theirs.items():
            maybe = said.is_not_null() if ours is None else (ours == said).fill_null(value=False)
            places = np.flatnonzero(maybe.to_numpy() & ~sure)
            if places.size:
                texts = beside(pairs[places], bank, book, (field,), (name,))
                sure[places] = _same_text(texts, field, f"{name}_p").to_numpy()
    return pl.Series(sure)


def _same_text(texts: pl.DataFrame, ours: str, theirs: str) -> pl.Series:
    raw = (texts[ours] == texts[theirs]).fill_null(value=False)
    return raw if raw.all() else texts.select((key(ours) == key(theirs)).fill_null(value=False)).to_series()
