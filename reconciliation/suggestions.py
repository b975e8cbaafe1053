"""Suggestions: what no rung may match, assigned one to one for a person, with a score and the reasons in words.

| reason | score |
|---|---|
| the entry names the payment | 50 |
| same amount and currency | 30 |
| amount within 5 % | 10 |
| same account of the other side | 25 |
| names begin alike | 15 |
| value date within three days of the execution date | 5 |

Best pairs first, each entry and payment once. Payments that have nothing but the amount are suggested only where few are
alike: a list of a thousand equal salaries helps nobody.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.frames import SUGGESTIONS, dtypes
from canonical.limits import SUGGESTION_RIVALS_MAX
from reconciliation._naming import Words, named_payments
from reconciliation._side import Side, beside

SCORE_MIN: Final = 30
_BANK: Final = ("entry_id", "amount_minor", "currency", "value_date", "counterparty_name", "counterparty_account")
_BOOK: Final = ("payment_id", "amount_minor", "currency", "execution_date", "counterparty_name", "counterparty_account")
_NAME_CHARS: Final = 5
_ROUNDS: Final = 5
_DAYS: Final = 3


def suggest(bank: Side, book: Side, words: Words, undone: pl.DataFrame) -> pl.DataFrame:
    """SUGGESTIONS for entries and payments that are left.

    Args:
        bank: entries of one stage, as `_sides.bank_side` makes them.
        book: payments they may book, as `_sides.book_side` makes them.
        words: of the entries' texts.
        undone: UNMATCHES: pairs that a person took apart are not suggested again.
    """
    nothing = pl.DataFrame(schema=dtypes(SUGGESTIONS))
    if bank.is_empty() or book.is_empty():
        return nothing
    named = named_payments(bank, book.with_columns(doubt=pl.lit(value=False)), words)
    alike = _alike(bank, book)
    candidates = pl.concat([named.select("e", "p"), alike]).unique()
    sides = beside(candidates, bank, book, _BANK, _BOOK)
    sides = sides.join(named.with_columns(named=pl.lit(value=True)), on=["e", "p"], how="left")
    if not undone.is_empty():
        sides = sides.join(
            undone, left_on=["entry_id", "payment_id_p"], right_on=["entry_id", "payment_id"], how="anti"
        )
    # What stands in several grounds is computed once.
    sides = sides.with_columns(
        _start("counterparty_name").alias("start"), _start("counterparty_name_p").alias("start_p")
    )
    scored = sides.lazy().with_columns(score=_score()).filter(pl.col("score") >= SCORE_MIN).collect()
    best = _assigned(scored.select("entry_id", "score", payment_id="payment_id_p").with_row_index("pair"))
    if best.is_empty():
        return nothing
    reasons = scored[best["pair"]].lazy().select(reasons=_reasons()).collect()
    return best.hstack(reasons).select(dtypes(SUGGESTIONS).keys())


def _alike(bank: Side, book: Side) -> pl.DataFrame:
    """Pairs of one account, direction, currency and amount, where both sides have few of them."""
    rare = [
        side.select("spot").group_by("spot").len().filter(pl.col("len") <= SUGGESTION_RIVALS_MAX)
        for side in (bank, book)
    ]
    spots = rare[0].join(rare[1], on="spot", how="semi")["spot"].implode()
    left, right = (side.select(side.number, "spot").filter(pl.col("spot").is_in(spots)) for side in (bank, book))
    return left.join(right, on="spot", how="inner").select("e", "p")


def _grounds() -> list[tuple[pl.Expr, int, str]]:
    amount, ours = pl.col("amount_minor"), pl.col("amount_minor_p")
    same_currency = pl.col("currency") == pl.col("currency_p")
    close = (amount - ours).abs() * 20 <= ours
    start, other = pl.col("start"), pl.col("start_p")
    days = (pl.col("value_date") - pl.col("execution_date_p")).dt.total_days().abs()
    return [
        (pl.col("named"), 50, "the entry names the payment"),
        (same_currency & (amount == ours), 30, "same amount"),
        (same_currency & (amount != ours) & close, 10, "amount within 5 %"),
        (pl.col("counterparty_account") == pl.col("counterparty_account_p"), 25, "same account of the other side"),
        ((start == other) & (start != ""), 15, "names begin alike"),
        (days <= _DAYS, 5, "dates within three days"),
    ]  # fmt: skip


def _start(name: str) -> pl.Expr:
    return pl.col(name).str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "").str.slice(0, _NAME_CHARS)


def _score() -> pl.Expr:
    points = [pl.when(holds.fill_null(value=False)).then(worth).otherwise(0) for holds, worth, _ in _grounds()]
    return pl.sum_horizontal(points).cast(pl.Int64).clip(0, 100)


def _reasons() -> pl.Expr:
    words = [pl.when(holds.fill_null(value=False)).then(pl.lit(word)) for holds, _, word in _grounds()]
    return pl.concat_str(words, separator="; ", ignore_nulls=True)


def _assigned(scored: pl.DataFrame) -> pl.DataFrame:
    """One to one: in each round the pairs that are best for both sides; ties go by id."""
    left = scored.sort("score", "entry_id", "payment_id", descending=[True, False, False])
    taken = []
    for _ in range(_ROUNDS):
        place = left.with_row_index("place")
        best = place.filter(
            (pl.col("place") == pl.col("place").min().over("entry_id"))
            & (pl.col("place") == pl.col("place").min().over("payment_id"))
        )
        if best.is_empty():
            break
        taken.append(best.drop("place"))
        left = left.join(best, on="entry_id", how="anti", maintain_order="left").join(
            best, on="payment_id", how="anti", maintain_order="left"
        )
    return pl.concat(taken) if taken else scored.clear()
