"""A dry run: what other rules, or today's, would make of past days. Nothing is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.matching import ReconciliationRules
from gateway.books.position import position, terms_of
from gateway.composition import Gateway
from reconciliation.ladder import match
from reconciliation.states import BOOK, payment_states

_HOW: Final = ("payment_id", "kind", "rung", "rule", "amount_minor", "entry_minor", "difference_account")


@dataclass(frozen=True, slots=True)
class Changes:
    """By entry: entry_id, `before` and `after` in words. gained: not matched before; lost: no more; moved: otherwise."""

    entries: int
    gained: pl.DataFrame
    lost: pl.DataFrame
    moved: pl.DataFrame


def rehearse(gateway: Gateway, provider_id: str, since: dt.date, rules: ReconciliationRules | None = None) -> Changes:
    """Match the entries booked since a day anew, in one run by today's date, and compare with how they are matched.

    What was matched before that day, and what a person matched, stays. Raises NotFound: no such provider.
    """
    found = position(gateway, provider_id)
    recent = found.entries.filter(pl.coalesce("booking_date", "value_date", pl.lit(since)) >= since)
    redone = found.matches.join(recent, on="entry_id", how="semi").filter(pl.col("rung") != "by_hand")
    kept = found.matches.join(redone, on="entry_id", how="anti")
    states = payment_states(found.states.select(BOOK.columns.keys()), found.attribution.attributed, kept)
    left = found.entries.join(
        pl.concat([kept.select("entry_id"), found.fundings.select("entry_id")]), on="entry_id", how="anti"
    )
    anew = match(states, left, kept, terms_of(gateway, provider_id, rules=rules)).matches
    before, after = _by_entry(redone), _by_entry(anew)
    both = before.join(after, on="entry_id", how="full", coalesce=True, suffix="_after").select(
        "entry_id", before="how", after="how_after"
    ).sort("entry_id")  # fmt: skip
    return Changes(
        recent.height,
        both.filter(pl.col("before").is_null()),
        both.filter(pl.col("after").is_null()),
        both.filter(pl.col("before") != pl.col("after")),
    )


def _by_entry(matches: pl.DataFrame) -> pl.DataFrame:
    """entry_id and how it is matched, in words."""
    difference = pl.when(pl.col("difference_account").is_not_null()).then(
        pl.format(", {} to {}", pl.col("amount_minor") - pl.col("entry_minor"), "difference_account")
    )
    rule = pl.when(pl.col("rule").is_not_null()).then(pl.format(" ({})", "rule"))
    words = pl.concat_str("payment_id", pl.lit(" by "), "rung", rule.fill_null(""), difference.fill_null(""))
    return matches.sort("entry_id", *_HOW).group_by("entry_id").agg(how=words.sort().str.join("; "))
