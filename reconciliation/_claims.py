"""One rung's work: pair bank rows with payments by a key that is unique on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

AMBIGUOUS_DTYPES: Final = {"entry_id": pl.String, "note": pl.String}
ALWAYS: Final = ("account", "currency", "credit_debit", "amount_minor")
"""Every rung requires these on both sides."""


@dataclass(frozen=True, slots=True)
class Claims:
    """`pairs`: entry_id and payment_id, each once. `ambiguous`: AMBIGUOUS_DTYPES. `blocked`: payment_id, for a person."""

    pairs: pl.DataFrame
    ambiguous: pl.DataFrame
    blocked: pl.DataFrame


def claim(bank: pl.DataFrame, book: pl.DataFrame, rung: str) -> Claims:
    """Pair rows whose key and ALWAYS agree, and the submission too where the entry names one.

    Both sides may have several rows for one id (several keys). A pair counts where its key is unique on both sides and
    neither side has another candidate; everything else that met a candidate is ambiguous.

    Args:
        bank: entry_id, key, ALWAYS, and `named` (submission the entry names, or null).
        book: payment_id, key, ALWAYS, and submission_id.
        rung: its name, for the note on what is ambiguous.
    """
    named = pl.col("named").is_not_null()
    groups = pl.concat(
        [
            _meet(bank.filter(named).with_columns(submission_id="named"), book, ["key", "submission_id", *ALWAYS]),
            _meet(bank.filter(~named), book, ["key", *ALWAYS]),
        ]
    )
    single = (pl.col("entries").list.len() == 1) & (pl.col("payments").list.len() == 1)
    crowds = groups.filter(~single)
    pairs = groups.filter(single).select(
        entry_id=pl.col("entries").list.first(), payment_id=pl.col("payments").list.first()
    ).unique()  # fmt: skip
    rival = pl.col("entry_id").is_in(_ids(crowds, "entries")) | pl.col("payment_id").is_in(_ids(crowds, "payments"))
    torn = rival | pl.col("entry_id").is_duplicated() | pl.col("payment_id").is_duplicated()
    doubts = pl.concat(
        [crowds, pairs.filter(torn).select(entries=pl.concat_list("entry_id"), payments=pl.concat_list("payment_id"))]
    )
    blocked = pl.DataFrame({"payment_id": _ids(doubts, "payments")}, schema={"payment_id": pl.String})
    return Claims(pairs.filter(~torn), _in_words(doubts, rung), blocked)


def _meet(bank: pl.DataFrame, book: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Lists `entries` and `payments` that share a key: one row a key, never one a pair.

    A thousand salaries of one id and amount are one row of a thousand and a thousand, not a million candidates.
    """
    left = bank.join(book, on="key", how="semi").select("entry_id", *on).unique()
    right = book.join(bank, on="key", how="semi").select("payment_id", *on).unique()
    left = left.group_by(on).agg(entries="entry_id")
    right = right.group_by(on).agg(payments="payment_id")
    return left.join(right, on=on, how="inner").select("entries", "payments")


def _ids(groups: pl.DataFrame, name: str) -> pl.Series:
    return groups[name].explode(empty_as_null=False, keep_nulls=False).unique().sort()


def _in_words(doubts: pl.DataFrame, rung: str) -> pl.DataFrame:
    each = doubts.select(
        entry_id="entries",
        candidates=pl.col("payments").list.len(),
        rivals=pl.col("entries").list.len(),
        first=pl.col("payments").list.min(),
    ).explode("entry_id", empty_as_null=False, keep_nulls=False)
    note = pl.format(
        "by {}: payments {}, entries {} answer to one another, among them payment {}",
        pl.lit(rung), pl.sum("candidates"), pl.max("rivals"), pl.min("first"),
    )  # fmt: skip
    return each.group_by("entry_id").agg(note=note).sort("entry_id")
