"""Rung counterparty: no reference survived, but amount, date and the other side's account or name agree, and only once.

Names agree where one begins with the other: banks cut them. Equal entries and equal payments that a stronger rung has
claimed count as candidates too: what is left over of two equal ones is not thereby the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from reconciliation._amounts import near
from reconciliation._attribution import said
from reconciliation._glance import GLANCE, glances, mixed
from reconciliation._keys import without_blanks
from reconciliation._meet import Claims, agreeing, met
from reconciliation._pairing import Marks
from reconciliation._rung import Case, Rung
from reconciliation._side import Side, beside
from reconciliation._sides import OWN_NAMES

_IDS: Final = ("instruction_id", "end_to_end_id")
_NAME_CHARS: Final = 8
"""Letters and digits of a name that make a key; shorter names are too common."""


def _find(case: Case) -> Claims:
    open_ones = case.book.filter(~pl.col("doubt") & pl.col("is_open"))
    told = _by_account(case.bank)
    first = _met(told, _by_account(open_ones, told["h"]), open_ones)
    first = _alone(first, [_by_account(side, first["h"]) for side in case.started])
    rest = case.bank.without(first["e"])
    named = _by_name(rest)
    fitting = _fitting(_met(named, _by_name(_alike(open_ones.without(first["p"]), rest)), open_ones), case)
    near_ones = [_by_name(_alike(side, case.bank.only(fitting["e"]))) for side in case.started]
    return Claims.of(pl.concat([_fitting(first, case), _alone(fitting, near_ones)]))


def _fitting(pairs: pl.DataFrame, case: Case) -> pl.DataFrame:
    """Pairs on which all else agrees."""
    sides = beside(
        agreeing(pairs, case.bank, case.book), case.bank, case.book,
        (*_IDS, "value_date", "counterparty_name", "counterparty_account"),
        (*OWN_NAMES, "execution_date", "submitted_on", "counterparty_name", "counterparty_account"),
    )  # fmt: skip
    fitting = sides.lazy().filter(near(case.rule.days) & _agrees() & ~_names_another()).collect()
    return fitting.select(pairs.columns)


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


def _met(entries: pl.DataFrame, payments: pl.DataFrame, book: Side) -> pl.DataFrame:
    """E, p and h of the entries and payments that are alone with their key."""
    return met(entries, payments, "counterparty", book).pairs.join(entries, on="e", how="inner")


def _alone(pairs: pl.DataFrame, started: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Pairs that are alone with their key among all that this run began with, as keys of both sides."""
    if pairs.is_empty():
        return pairs.select("e", "p")
    asked = pairs["h"].unique().implode()
    met_by = [keys.filter(pl.col("h").is_in(asked))["h"] for keys in started]
    crowded = pl.concat(h.filter(h.is_duplicated()) for h in met_by).unique()
    return pairs.filter(~pl.col("h").is_in(crowded.implode())).select("e", "p")


def _by_account(side: Side, asked: pl.Series | None = None) -> pl.DataFrame:
    """Row number and h: the hash of the other side's account. `asked`: without most of what is not among these."""
    h = side.whole("other") ^ side.whole("spot")
    left = side if asked is None else side.where(Marks.of(asked).may_hold(h))
    return pl.DataFrame([left.rows, h.gather(left.rows).alias("h")]).drop_nulls("h")


def _by_name(side: Side) -> pl.DataFrame:
    """Row number and h: the hash of the first letters of the other side's name."""
    rows = side.select(side.number, "spot", "counterparty_name")
    named = rows.with_columns(letters=_first_letters(rows["counterparty_name"])).drop_nulls("letters")
    return named.select(side.number, h=pl.col("letters").hash() ^ pl.col("spot"))


def _alike(side: Side, entries: Side) -> Side:
    """The rows whose name may begin as that of one of these entries, for all that a glance at its first bytes tells."""
    names = entries.select("spot", "counterparty_name")
    letters = _first_letters(names["counterparty_name"]).str.slice(0, GLANCE)
    asked = names.select("spot", letters=letters).drop_nulls("letters")
    if asked.is_empty():
        return side.only(side.rows.clear())
    marks = Marks.of(mixed(glances(asked["letters"]), asked["spot"]).drop_nulls())
    seen = mixed(side.whole("glance"), side.whole("spot"))
    return side.where(seen.is_null() | marks.may_hold(seen))


def _first_letters(names: pl.Series) -> pl.Series:
    """The first letters and digits of each name, in capitals; null where it has too few. Those of most stand at its beginning."""
    name = pl.col("name")
    # Step by step: as one expression each part would be computed as often as it stands there.
    start = names.to_frame("name").select(_letters(name.str.slice(0, 2 * _NAME_CHARS)).str.slice(0, _NAME_CHARS))
    found = start.to_series()
    places = (found.str.len_chars() < _NAME_CHARS).fill_null(value=False).arg_true()
    if places.is_empty():
        return found
    whole = names.gather(places).to_frame("name").select(_letters(name).str.slice(0, _NAME_CHARS))
    enough = whole.select(pl.when(name.str.len_chars() == _NAME_CHARS).then(name)).to_series()
    return found.scatter(places, enough)


def _letters(name: pl.Expr) -> pl.Expr:
    return name.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def _agrees() -> pl.Expr:
    """The accounts are the same, or where one is not told, one name begins with the other."""
    ours, theirs = (_letters(pl.col(name)) for name in ("counterparty_name", "counterparty_name_p"))
    names = ours.str.starts_with(theirs) | theirs.str.starts_with(ours)
    account, other = (without_blanks(name) for name in ("counterparty_account", "counterparty_account_p"))
    return (
        pl.when(account.is_not_null() & other.is_not_null())
        .then(account == other)
        .otherwise(names)
        .fill_null(value=False)
    )


RUNG: Final = Rung("counterparty", 85, _find, back="return", weak=True)
