"""Rung subset_sum: one entry is the sum of some payments of one submission or one execution date, and of no others.

It must say that it books several (NbOfTxs), or name the submission. Every subset is counted, not only the first found:
where two subsets fit, or the group is too large to count them all, nothing is matched. An entry that names no submission must
also be no accident: of so many subsets, fewer than one in a thousand could hit its amount.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from canonical.limits import SUBSET_PAYMENTS_MAX, SUBSET_STATES_MAX
from reconciliation._meet import Claims
from reconciliation._pairing import PAIRS
from reconciliation._rung import Case, Rung
from reconciliation._sides import PLACE
from reconciliation.rungs.batch import SUBMISSION, naming, usable

_ODDS: Final = 1000


def _find(case: Case) -> Claims:
    named = naming(case)
    rest = case.bank.without(named["e"]).filter(pl.col("batch_count") > 1)
    if named.is_empty() and rest.is_empty():
        return Claims.of()
    free = usable(case.book).filter(pl.col("is_open") & ~pl.col("doubt") & (pl.col("amount_minor") > 0))
    payments = free.select("p", "amount_minor", "execution_date", *SUBMISSION)
    found = _unique_subsets(named, payments, SUBMISSION, sure=True)
    left = payments.join(found, on="p", how="anti").with_columns(value_date="execution_date")
    found = pl.concat(
        [
            found,
            _unique_subsets(
                rest.select("e", "amount_minor", "batch_count", "value_date", *PLACE),
                left,
                [*PLACE, "value_date"],
                sure=False,
            ),
        ]
    )
    return Claims.of(found.join(payments.select("p", "amount_minor", entry_minor="amount_minor"), on="p", how="left"))


def _unique_subsets(entries: pl.DataFrame, payments: pl.DataFrame, group: list[str], *, sure: bool) -> pl.DataFrame:
    """E and p of entries that are alone in their group, where exactly one subset of its payments is their sum."""
    alone = entries.filter(pl.len().over(group) == 1).select("e", *group, target="amount_minor", count="batch_count")
    small = payments.filter(pl.len().over(group) <= SUBSET_PAYMENTS_MAX)
    groups = small.sort("p").group_by(group).agg("p", "amount_minor").join(alone, on=group, how="inner").sort("e")
    rows = []
    for numbers, amounts, e, target, count in groups.select("p", "amount_minor", "e", "target", "count").iter_rows():
        if sure or _no_accident(amounts, target, count):
            rows += [(e, numbers[place]) for place in only_subset(amounts, target, count)]
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


def only_subset(amounts: Sequence[int], target: int, count: int | None) -> tuple[int, ...]:
    """Places of the one subset of two or more amounts that sums to the target; empty where there is none, or a second.

    Counts the ways to every sum below the target, amount by amount. Nothing is said where there are more sums than
    SUBSET_STATES_MAX.
    """
    ways: dict[tuple[int, int], tuple[int, int]] = {(0, 0): (1, 0)}  # (sum, count) → (ways, up to 2; places as bits)
    for place, amount in enumerate(amounts):
        for (total, number), (times, places) in list(ways.items()):
            reached = (total + amount, number + 1 if count is not None else 0)
            if reached[0] > target or (count is not None and reached[1] > count):
                continue
            before = ways.get(reached, (0, 0))[0]
            ways[reached] = (min(before + times, 2), places | 1 << place)
        if len(ways) > SUBSET_STATES_MAX:
            return ()
    times, places = ways.get((target, count or 0), (0, 0))
    chosen = tuple(place for place in range(len(amounts)) if places >> place & 1)
    return chosen if times == 1 and len(chosen) > 1 else ()


def _no_accident(amounts: Sequence[int], target: int, count: int) -> bool:
    grain = math.gcd(*amounts)
    return math.comb(len(amounts), min(count, len(amounts))) * _ODDS * grain <= target


RUNG: Final = Rung("subset_sum", 100, _find, weak=True)
