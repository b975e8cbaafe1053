"""The matching ladder: which statement entries book which payments. Strong evidence first, never a guess.

Each rung is a module of `reconciliation.rungs`; `docs/reconciliation.md` lists them. Every rung requires the same account
and direction (a credit transfer is a debit on our account; its return a credit), and a BOOK entry that is no bank charge. A
submission that the entry names must be the payment's. Both sides are claimed once. What has more than one candidate is
never matched, nor passed down to a weaker rung.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.errors import ConfigError
from canonical.frames import ENTRIES, MATCHES, SUGGESTIONS, UNMATCHES, checked, conform, empty
from canonical.matching import ReconciliationRules, RungRule
from canonical.plugins import discover
from reconciliation._claims import AMBIGUOUS_DTYPES, Climb, Stage, Step
from reconciliation._rung import Rung
from reconciliation._side import Side
from reconciliation._sides import bank_side, book_side, informing_side
from reconciliation.frames import STATES
from reconciliation.suggestions import suggest

WAIT_DAYS: Final = 1
"""Weekdays that weak rungs wait where no rule says otherwise."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run goes by, besides what is open.

    `rules`: provider_id → its rules; none: the built-in order. `undone`: UNMATCHES: pairs that are never matched again by
    themselves. `day`: business date, for rungs that wait; none: nothing waits any longer.
    """

    rules: Mapping[str, ReconciliationRules] = field(default_factory=dict)
    undone: pl.DataFrame = field(default_factory=lambda: empty(UNMATCHES))
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """What one run found.

    `matches`: MATCHES, the new ones only. `ambiguous`: entry_id and a note in words. `suggestions`: SUGGESTIONS for what is
    left.
    """

    matches: pl.DataFrame
    ambiguous: pl.DataFrame
    suggestions: pl.DataFrame

    @classmethod
    def joined(cls, parts: list[Matched]) -> Matched:
        """What several runs on different accounts found."""
        return cls(
            pl.concat([empty(MATCHES), *[part.matches for part in parts]]).sort("entry_id", "payment_id", "kind"),
            pl.concat([pl.DataFrame(schema=AMBIGUOUS_DTYPES), *[part.ambiguous for part in parts]]).sort("entry_id"),
            pl.concat([empty(SUGGESTIONS), *[part.suggestions for part in parts]]),
        )


def match(states: pl.DataFrame, entries: pl.DataFrame, earlier: pl.DataFrame, terms: Terms | None = None) -> Matched:
    """Match entries with payments. The same input gives the same output, in whatever order the rows stand.

    Args:
        states: STATES of open payments, and of closed ones for what comes back.
        entries: ENTRIES: new ones and those left over; of notifications too, which explain entries of statements.
        earlier: MATCHES of earlier runs on these payments and entries: what they claimed stays claimed.
        terms: rules, pairs that persons undid, business date.

    Raises:
        FrameBroken: a frame breaks its schema.
        ConfigError: a rule names a rung that nobody knows.
    """
    checked(states, STATES)
    checked(earlier, MATCHES)
    terms = terms or Terms()
    bank = bank_side(checked(entries, ENTRIES), states, earlier)
    if bank.is_empty():
        return Matched.joined([])
    book = book_side(states, earlier)
    informing = informing_side(entries, states)
    parts = _by_rules(bank, book, informing, terms.rules)
    found = [_climb(*sides, orders(rules), terms) for sides, rules in parts]
    return found[0] if len(found) == 1 else Matched.joined(found)


def orders(rules: tuple[RungRule, ...]) -> list[Step]:
    """Rungs in order, the rule of each and the id that stands on its matches. Raises ConfigError: no such rung."""
    known: dict[str, Rung] = discover("reconciliation.rungs", "RUNG")
    if not rules:
        built_in = sorted((rung for rung in known.values() if not rung.by_rule_only), key=lambda rung: rung.order)
        return [(rung, RungRule(rung=rung.name), None) for rung in built_in]
    unknown = [rule.rung for rule in rules if rule.rung not in known]
    if unknown:
        raise ConfigError(f"no rung named {', '.join(unknown)} (there are: {', '.join(known)})")
    return [(known[rule.rung], rule, rule.id or rule.rung) for rule in rules]


def _by_rules(
    bank: Side, book: Side, informing: Side, rules: Mapping[str, ReconciliationRules]
) -> list[tuple[tuple[Side, Side, Side], tuple[RungRule, ...]]]:
    """The sides, apart by accounts that go by other rules."""
    owners = book.select("account", "provider").drop_nulls().unique().sort("account", "provider") if rules else None
    if owners is None or owners.is_empty():
        return [((bank, book, informing), ())]
    groups: dict[tuple[RungRule, ...], list[str]] = {}
    for account, provider in owners.iter_rows():
        groups.setdefault(rules[provider].of(account) if provider in rules else (), []).append(account)
    if len(groups) == 1:
        return [((bank, book, informing), next(iter(groups)))]
    parts = []
    for order, accounts in groups.items():
        ours = pl.col("account").is_in(accounts)
        parts.append(((bank.filter(ours), book.filter(ours), informing.filter(ours)), order))
    return parts


def _climb(bank: Side, book: Side, informing: Side, steps: Sequence[Step], terms: Terms) -> Matched:
    """Corrections first, then what was booked, then what came back, then what was booked again."""
    climb = Climb(bank, book, informing, terms.undone, terms.day, WAIT_DAYS)
    stages: tuple[Stage, ...] = ("correction", "settlement", "return", "representation")
    for stage in stages if bank.select("back")["back"].any() else stages[1:]:
        climb.stage(stage, steps)
    rows, ambiguous = climb.found()
    matches = conform(rows.drop("e", "p"), MATCHES)
    left = [suggest(*climb.sides(stage), climb.words, terms.undone) for stage in ("settlement", "return")]
    return Matched(
        matches,
        ambiguous,
        conform(pl.concat(left).sort("score", "entry_id", "payment_id", descending=[True, False, False]), SUGGESTIONS),
    )
