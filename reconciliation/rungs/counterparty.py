"""Rung counterparty: no reference survived, but amount, date and the other side's account or name agree, and only once.

Names agree where one begins with the other: banks cut them. Equal entries and equal payments that a stronger rung has
claimed count as candidates too: what is left over of two equal ones is not thereby the other's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._amounts import near
from reconciliation._attribution import said
from reconciliation._meet import Claims, beside, met
from reconciliation._naming import OWN_NAMES
from reconciliation._rung import Case, Rung
from reconciliation._sides import ALWAYS

_IDS: Final = ("instruction_id", "end_to_end_id")
_NAME_CHARS: Final = 8
"""Letters and digits of a name that make a key; shorter names are too common."""


def _find(case: Case) -> Claims:
    open_ones = case.book.filter(~pl.col("doubt") & pl.col("is_open"))
    pairs = [_by(case, open_ones, key) for key in (_account(), _name())]
    found = pl.concat([pairs[0], pairs[1].join(pairs[0], on="e", how="anti").join(pairs[0], on="p", how="anti")])
    sides = beside(
        found, case.bank, open_ones, (*ALWAYS, *_IDS, "named", "value_date", "counterparty_name", "counterparty_account"),
        (*ALWAYS, *OWN_NAMES, "submission_id", "execution_date", "submitted_on", "counterparty_name", "counterparty_account"),
    )  # fmt: skip
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_p") for name in ALWAYS)
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    return Claims.of(
        sides.filter(same & within & near(case.rule.days) & _agrees() & ~_names_another()).select("e", "p")
    )


def _names_another() -> pl.Expr:
    """The entry carries an id that none of the payment's begins with: it is of something else. Banks cut ids, so a start will do."""
    return pl.any_horizontal(
        said(name)
        & ~pl.any_horizontal(
            pl.col(f"{own}_p").str.starts_with(pl.col(name).str.strip_chars()).fill_null(value=False)
            for own in OWN_NAMES
        )
        for name in _IDS
    )


def _by(case: Case, open_ones: pl.DataFrame, key: pl.Expr) -> pl.DataFrame:
    """Pairs that are alone with their key among all that this run began with."""
    left = case.bank.select("e", h=key.hash() ^ pl.col("spot"), said=key.is_not_null()).filter("said").drop("said")
    right = open_ones.select("p", h=key.hash() ^ pl.col("spot"), said=key.is_not_null()).filter("said").drop("said")
    pairs = met(left, right, "counterparty", open_ones).pairs
    if pairs.is_empty():
        return pairs
    bank, book = case.started
    keys = pairs.join(left, on="e", how="inner").select("e", "p", "h")
    crowded = pl.concat(
        side.join(keys.join(own, on=number).select("spot").unique(), on="spot", how="semi")
        .select(h=key.hash() ^ pl.col("spot"))
        .group_by("h").len().filter(pl.col("len") > 1).select("h")
        for side, own, number in ((bank, case.bank.select("e", "spot"), "e"), (book, open_ones.select("p", "spot"), "p"))
    )  # fmt: skip
    return keys.join(crowded, on="h", how="anti").select("e", "p")


def _account() -> pl.Expr:
    account = pl.col("counterparty_account").str.replace_all(r"\s", "")
    return pl.when(account != "").then(account)


def _name() -> pl.Expr:
    start = _letters("counterparty_name").str.slice(0, _NAME_CHARS)
    return pl.when(start.str.len_chars() == _NAME_CHARS).then(start)


def _letters(name: str) -> pl.Expr:
    return pl.col(name).str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def _agrees() -> pl.Expr:
    """The accounts are the same, or where one is not told, one name begins with the other."""
    ours, theirs = _letters("counterparty_name"), _letters("counterparty_name_p")
    names = ours.str.starts_with(theirs) | theirs.str.starts_with(ours)
    account, other = (
        pl.col(name).str.replace_all(r"\s", "") for name in ("counterparty_account", "counterparty_account_p")
    )
    return (
        pl.when(account.is_not_null() & other.is_not_null())
        .then(account == other)
        .otherwise(names)
        .fill_null(value=False)
    )


RUNG: Final = Rung("counterparty", 85, _find, back="return", weak=True)
