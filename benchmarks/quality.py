"""How well days of known truth are matched: each match held against the truth, by the trouble and by the rung.

A run has the entries of its day and those before, and the claims of the earlier runs, as the gateway has them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from benchmarks.make_days import DAY, MT_ACCOUNT, Days, make
from benchmarks.make_statements import camt, mt940
from canonical.contracts import Source
from canonical.frames import MATCHES, conform, dtypes, empty
from canonical.matching import ReconciliationRules, RungRule
from canonical.plugins import lookup
from reconciliation.frames import BOOK
from reconciliation.ladder import Terms, match, orders
from reconciliation.states import ATTRIBUTED, payment_states

_RUNS: Final = (*range(8), 14)
"""Days after the first booking on which a run is made: a week of entries, and once more for rungs that wait."""
UNTOLD_FEE_MINOR_MAX: Final = 1_000
"""What the bank's profile allows for charges in the amount that the entry does not tell."""
_FACT: Final = ("payment_id", "booking", "fact")


@dataclass(frozen=True, slots=True)
class Quality:
    """`judged`: MATCHES with `right` and the trouble. `wanted`: each fact a machine may match, and whether it was `found`."""

    judged: pl.DataFrame
    wanted: pl.DataFrame

    @property
    def false(self) -> pl.DataFrame:
        """Matches that are wrong, or that only a person may make."""
        return self.judged.filter(~pl.col("right"))

    def recall(self, *, survives: bool | None = None) -> float:
        """Share of the facts found, of all or of those whose reference survives."""
        rows = self.wanted if survives is None else self.wanted.filter(pl.col("reference_survives") == survives)
        return float(rows["found"].mean())  # type: ignore[arg-type] # of a Boolean column with rows


def measured(count: int, seeds: range, *, at_once: bool = False) -> Quality:
    """Days of several seeds, each matched day by day or in one run, and judged."""
    found = []
    for seed in seeds:
        days = make(count, seed)
        found.append(judge(days, matched(days, at_once=at_once)))
    seeded = [
        [frame.with_columns(seed=pl.lit(seed)) for frame in (item.judged, item.wanted)]
        for seed, item in zip(seeds, found, strict=True)
    ]
    return Quality(*(pl.concat(frames) for frames in zip(*seeded, strict=True)))


def book(payments: pl.DataFrame) -> pl.DataFrame:
    """BOOK: every payment accepted and delivered."""
    known = payments.with_columns(
        verdict=pl.lit("ACCP"), file_state=pl.lit("routed"), delivery_state=pl.lit("DELIVERED"), provider=pl.lit("bank")
    )
    return conform(known.select(name for name in dtypes(BOOK) if name in known.columns), BOOK)


def matched(days: Days, *, at_once: bool = False) -> pl.DataFrame:
    """MATCHES of all runs."""
    known, claims = book(days.payments), empty(MATCHES)
    for number in _RUNS[-1:] if at_once else _RUNS:
        day = DAY + dt.timedelta(days=number)
        told = taken(days.entries).filter(pl.col("booking_date") <= day)
        states = payment_states(known, empty(ATTRIBUTED), claims)
        terms = Terms(rules={"bank": rules()}, day=day)
        claims = pl.concat([claims, match(states, told, claims, terms).matches])
    return claims


def rules() -> ReconciliationRules:
    """The built-in order, and that this bank takes its charges without telling."""
    order = [rung.name for rung, _, _ in orders(())]
    return ReconciliationRules(
        rungs=tuple(RungRule(rung=name, minor_max=UNTOLD_FEE_MINOR_MAX if name == "fees" else 0) for name in order)
    )


def taken(entries: pl.DataFrame) -> pl.DataFrame:
    """A statement that comes again is not taken again: the stage that follows providers knows it by account and id."""
    return entries.unique("entry_id", keep="first", maintain_order=True)


def judge(days: Days, matches: pl.DataFrame) -> Quality:
    """Matches held against the truth. A representation books as a settlement does; a correction is right on either side."""
    truth = days.truth.filter(pl.col("automatic"))
    kinds = pl.DataFrame(
        [("settlement", "settlement"), ("settlement", "representation"), ("return", "return"),
         ("settlement", "correction"), ("return", "correction")],
        schema=["booking", "as_kind"], orient="row",
    )  # fmt: skip
    pairs = truth.join(kinds, on="booking").select(
        "entry_id", "payment_id", "fact", "booking", kind="as_kind", right=pl.lit(value=True)
    )
    told = days.truth.select("payment_id", trouble="kind").drop_nulls().unique("payment_id")
    judged = matches.join(pairs.unique(), on=["entry_id", "payment_id", "kind"], how="left")
    judged = judged.join(told, on="payment_id", how="left").with_columns(pl.col("right").fill_null(value=False))
    hit = judged.filter("right").select(*_FACT, found=pl.lit(value=True)).unique()
    wanted = truth.group_by(*_FACT, maintain_order=True).agg(
        pl.first("kind"), reference_survives=pl.col("reference_survives").all()
    )
    wanted = wanted.join(hit, on=list(_FACT), how="left").with_columns(pl.col("found").fill_null(value=False))
    return Quality(judged, wanted)


def through_files(days: Days) -> Days:
    """The same days, their entries written as the banks' files and read by the formats: camt.053, camt.054 and MT940."""
    told = taken(days.entries).sort("statement_id", "position", "detail")
    in_text = pl.col("account") == MT_ACCOUNT
    notified = pl.col("origin") == "notification"
    read = [
        _read("camt.053", camt("camt.053", told.filter(~in_text & ~notified)), told.filter(~in_text & ~notified)),
        _read("camt.054", camt("camt.054", told.filter(notified)), told.filter(notified)),
        _read("mt940", mt940(told.filter(in_text & ~notified)), told.filter(in_text & ~notified)),
    ]
    entries = pl.concat([entries for entries, _ in read])
    names = pl.concat([names for _, names in read])
    truth = days.truth.join(names, on="entry_id", how="left").with_columns(entry_id="read_id").drop("read_id")
    return Days(days.payments, entries, truth.unique(maintain_order=True))


def _read(kind: str, data: bytes, told: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ENTRIES that the format reads, and entry_id of what was told → read_id, by where each stands."""
    found = lookup("parsers", "FORMAT", kind)
    options = found.options(information="codes", encoding="utf-8") if kind == "mt940" else found.options()
    said = found.read(Source("0" * 20, kind, data), options)
    assert said.findings.is_empty(), said.findings
    statements = told.select("account", "statement_id").unique(maintain_order=True)
    assert statements["account"].equals(said.statements["account"])
    known = told.join(statements.with_columns(read=said.statements["statement_id"]), on=["account", "statement_id"])
    # A detail that is the whole of its entry may be told as the entry.
    alone = pl.len().over("account", "read", "position") == 1
    place = ["account", "read", "position", "ordinal"]
    ordinal = pl.when(alone).then(0).otherwise("detail").alias("ordinal")
    rows = said.entries.with_columns(pl.col("statement_id").alias("read")).with_columns(ordinal)
    if kind == "mt940":
        known, rows = known.with_columns(ordinal=0), rows.with_columns(ordinal=0)
    else:
        known = known.with_columns(ordinal)
    names = known.join(rows.select(*place, read_id="entry_id"), on=place, how="left", validate="m:1")
    assert names["read_id"].null_count() == 0
    return said.entries, names.select("entry_id", "read_id")


def by_trouble(quality: Quality) -> pl.DataFrame:
    """trouble, facts, recall, recall where a reference survives, matches, false ones."""
    survives = pl.col("reference_survives")
    wanted = quality.wanted.group_by(trouble="kind").agg(
        facts=pl.len(), recall=pl.col("found").mean(), surviving=survives.sum(),
        recall_surviving=pl.col("found").filter(survives).mean(),
    )  # fmt: skip
    made = quality.judged.group_by("trouble").agg(matches=pl.len(), false=(~pl.col("right")).sum())
    return wanted.join(made, on="trouble", how="full", coalesce=True).sort("trouble")


def by_rung(quality: Quality) -> pl.DataFrame:
    """rung, matches, false ones, precision."""
    return quality.judged.group_by("rung").agg(
        matches=pl.len(), false=(~pl.col("right")).sum(), precision=pl.col("right").mean()
    ).sort("rung")  # fmt: skip


def facts(quality: Quality) -> dict[str, Any]:
    """The figures as one object."""
    return {
        "matches": quality.judged.height, "false": quality.false.height,
        "recall": round(quality.recall(), 4), "recall_surviving": round(quality.recall(survives=True), 4),
        "by_trouble": by_trouble(quality).to_dicts(), "by_rung": by_rung(quality).to_dicts(),
    }  # fmt: skip
