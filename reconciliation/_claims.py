"""One climb of the ladder: what each rung claims is taken from both sides, once, and its sums are counted again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import polars as pl

from canonical.errors import FrameBroken
from canonical.matching import RungRule
from reconciliation._meet import DOUBTS, Claims
from reconciliation._naming import Words
from reconciliation._pairing import PAIRS, ordered, repeated
from reconciliation._rung import Case, Rung
from reconciliation._side import NUMBER, Side, beside
from reconciliation._sides import turned

_AS_MATCHES: Final = {"currency": "entry_currency", "currency_p": "currency", "payment_id_p": "payment_id"}
AMBIGUOUS_DTYPES: Final = {"entry_id": pl.String, "note": pl.String}
_ROW_DTYPES: Final = {
    **PAIRS, "kind": pl.String, "rung": pl.String, "rule": pl.String, "amount_minor": pl.Int64, "entry_minor": pl.Int64,
    "difference_account": pl.String,
}  # fmt: skip
Step = tuple[Rung, RungRule, str | None]
Stage = Literal["correction", "settlement", "return", "representation"]
_PAYMENTS: Final[dict[Stage, pl.Expr]] = {
    "correction": pl.lit(value=True),
    "settlement": ~pl.col("booked") & ~pl.col("gone"),
    "return": pl.col("booked"),
    "representation": pl.col("gone"),
}
_ENTRIES: Final[dict[Stage, pl.Expr]] = {
    "correction": pl.lit(value=True),
    "settlement": ~pl.col("back"),
    "return": pl.col("back"),
    "representation": ~pl.col("back"),
}


@dataclass(slots=True)
class Climb:
    """`bank` and `book`: sides of `_sides`; claimed entries leave the one, claimed payments are marked in the other."""

    bank: Side
    book: Side
    informing: Side
    undone: pl.DataFrame
    day: dt.date | None
    wait_days: int
    claimed: list[pl.DataFrame] = field(default_factory=list)
    doubts: list[pl.DataFrame] = field(default_factory=list)
    words: Words = field(init=False)

    def __post_init__(self) -> None:
        self.words = Words(self.bank.given.height)

    def stage(self, stage: Stage, steps: Sequence[Step]) -> None:
        """All rungs of a stage in order, each on what the stronger ones left."""
        bank, book = self.sides(stage)
        # What comes back without a name may be of a payment whose booking nobody found: those are candidates as well.
        started = bank, replace(book, rows=self.book.rows) if stage == "return" else book
        for rung, rule, rule_id in steps:
            if bank.is_empty() or book.is_empty() or not _looks(rung, stage):
                continue
            found = rung.find(Case(bank, book, rule, self.informing, started, self.words))
            claims = self._permitted(found, rung, rule, bank)
            if claims.pairs.is_empty() and claims.doubts.is_empty():
                continue
            rows = _whole(claims.pairs, bank, book, stage)
            name = rung.back if stage == "return" else rung.name
            told = rows.with_columns(rung=pl.lit(name), rule=pl.lit(rule_id, dtype=pl.String))
            self.claimed.append(told.select(_ROW_DTYPES.keys()))
            self.doubts.append(claims.doubts.select(DOUBTS.keys()))
            self._mark(rows)
            bank, book = _left(bank, book, claims)

    def sides(self, stage: Stage) -> tuple[Side, Side]:
        """What a stage looks at. Whatever a return or representation may claim counts as open."""
        bank, book = self.bank.filter(_ENTRIES[stage]), self.book.filter(_PAYMENTS[stage])
        if stage == "settlement" or bank.is_empty():
            return bank, book
        yes, no = pl.lit(value=True), pl.lit(value=False)
        book = book.with_columns(is_open=yes, told_back=no, doubt=no)
        return bank, turned(book) if stage == "return" else book

    def found(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The claims with their ids, currency and date, in the order of MATCHES; entry_id and note of the ambiguous."""
        rows = pl.concat([pl.DataFrame(schema=_ROW_DTYPES), *self.claimed], rechunk=True)
        rows = rows[self._in_order(rows)]
        rows = beside(rows, self.bank, self.book, ("entry_id", "value_date", "currency"), ("payment_id", "currency"))
        doubts = pl.concat([pl.DataFrame(schema=DOUBTS), *self.doubts])
        ambiguous = doubts.select(self.bank.at("entry_id", doubts["e"]), "note")
        return rows.rename(_AS_MATCHES), ambiguous.unique("entry_id", keep="first", maintain_order=True).sort(
            "entry_id"
        )

    def _in_order(self, rows: pl.DataFrame) -> pl.Series:
        """Places of the claims by entry_id, payment_id and kind; whole texts are compared only where a part of the id is not enough."""
        if rows.is_empty():
            return pl.Series([], dtype=NUMBER)
        order, alike = ordered(self.bank.at("entry_id", rows["e"]))
        places = alike.arg_true()
        claims = order.gather(places)
        ids = beside(rows[claims].select("e", "p", "kind"), self.bank, self.book, ("entry_id",), ("payment_id",))
        first = ids.with_columns(claims.alias("claim")).sort("entry_id", "payment_id_p", "kind")["claim"]
        return order.scatter(places, first)

    def _permitted(self, claims: Claims, rung: Rung, rule: RungRule, bank: Side) -> Claims:
        """Without what a weak rung still waits for, and what a person undid, with all that hangs together with it."""
        pairs, doubts = claims.pairs, claims.doubts
        if rung.weak and self.day is not None:
            wait = self.wait_days if rule.wait_days is None else rule.wait_days
            due = pl.col("value_date").dt.add_business_days(wait, roll="forward") <= self.day
            ready = bank.filter(due)
            pairs, doubts = (rows.filter(ready.has(rows["e"])) for rows in (pairs, doubts))
        if not self.undone.is_empty():
            pairs = self._without_undone(pairs)
        return Claims(pairs, doubts, claims.blocked)

    def _without_undone(self, pairs: pl.DataFrame) -> pl.DataFrame:
        both = beside(pairs.select("e", "p"), self.bank, self.book, ("entry_id",), ("payment_id",))
        bad = both.join(
            self.undone, left_on=["entry_id", "payment_id_p"], right_on=["entry_id", "payment_id"], how="semi"
        ).select("e", "p")
        while not bad.is_empty():
            kept = pairs.join(bad, on="e", how="anti").join(bad, on="p", how="anti")
            bad, pairs = pairs.join(kept, on=["e", "p"], how="anti"), kept
            bad = bad.filter(pl.col("e").is_in(pairs["e"].implode()) | pl.col("p").is_in(pairs["p"].implode()))
        return pairs

    def _mark(self, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        self.bank = self.bank.without(rows["e"])
        kind = pl.col("kind")
        moves = pl.when(kind == "return").then(-1).when(kind == "correction").then(0).otherwise(1)
        if (rows["kind"] == rows["kind"].first()).all():
            # A payment booked in parts is booked once; only a correction has several kinds on one payment.
            once = rows.select("p", "kind") if not repeated(rows["p"]).any() else rows.select("p", "kind").unique("p")
            net = once.select("p", net=moves, moved=kind != "correction")
        else:
            net = rows.group_by("p").agg(net=moves.sum(), moved=(kind != "correction").any())
        stands = net.select(self.book.at("booked", net["p"]).cast(pl.Int32) + pl.col("net") > 0).to_series()
        self.book = self.book.put("booked", net["p"], stands)
        moved = net.filter("moved")["p"]
        self.book = self.book.put("gone", moved, ~stands.filter(net["moved"]))


def _looks(rung: Rung, stage: Stage) -> bool:
    return rung.back is not None if stage == "return" else rung.stage == stage


def _left(bank: Side, book: Side, claims: Claims) -> tuple[Side, Side]:
    """Both sides without what was claimed or is for a person. Payments in doubt stay: a control sum still counts them."""
    bank, book = bank.without(claims.pairs["e"]).without(claims.doubts["e"]), book.without(claims.pairs["p"])
    return bank, book if claims.doubts.is_empty() else book.put("doubt", claims.blocked, values=True)


def _whole(pairs: pl.DataFrame, bank: Side, book: Side, stage: Stage) -> pl.DataFrame:
    """Pairs with kind, amounts and account of the difference; both sides of each are claimed whole, and only once.

    Raises:
        FrameBroken: they are not: a rung is wrong.
    """
    entry, payment = bank.at("amount_minor", pairs["e"]), book.at("amount_minor", pairs["p"])
    sides = pairs.with_columns(entry=entry, payment=payment)
    given = set(pairs.columns)
    rows = sides.with_columns(
        kind=pl.col("kind") if "kind" in given else pl.lit(stage),
        amount_minor=pl.col("amount_minor") if "amount_minor" in given else pl.col("payment"),
        entry_minor=pl.col("entry_minor") if "entry_minor" in given else pl.col("entry"),
        difference_account=pl.col("difference_account")
        if "difference_account" in given
        else pl.lit(None, dtype=pl.String),
    )
    if stage == "correction":
        return rows
    if "amount_minor" not in given:
        broken = repeated(rows["e"]).any() or repeated(rows["p"]).any()
    else:
        entries = rows.group_by("e").agg(off=pl.col("entry_minor").sum() != pl.col("entry").first())
        payments = rows.group_by("p").agg(off=pl.col("amount_minor").sum() != pl.col("payment").first())
        broken = bool(entries["off"].any() or payments["off"].any())
    if broken:
        raise FrameBroken(f"a rung of the stage {stage} claims something twice, or a part of it")
    return rows
