"""What providers told to be wrong about a file's payments (NACHA notifications of change, Bacs advices), for its client."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import Final

import polars as pl

from canonical.calendars import Schedule
from canonical.frames import CORRECTIONS, PAYMENTS, conform, empty
from canonical.parties import counterparty
from gateway.books.book import known_of
from gateway.books.heard import feedback_frames
from gateway.composition import Gateway
from reconciliation.frames import BOOK

_NACHA: Final = "^C[0-9]{2}$"
_PARTS: Final[dict[str, tuple[tuple[str, int, int], ...]]] = {
    "C01": (("account number", 0, 17),),
    "C02": (("routing number", 0, 9),),
    "C03": (("routing number", 0, 9), ("account number", 12, 17)),
    "C04": (("name", 0, 22),),
    "C05": (("transaction code", 0, 2),),
    "C06": (("account number", 0, 17), ("transaction code", 20, 2)),
    "C07": (("routing number", 0, 9), ("account number", 9, 17), ("transaction code", 26, 2)),
    "C08": (("receiving bank's identification", 0, 29),),
    "C09": (("individual identification number", 0, 22),),
}
"""Change code → parts of the corrected data: what, from, length. Source: Nacha Operating Rules, Appendix Five."""
_BACS: Final = (("sort code", 0, 6), ("account number", 6, 8))
_DUE: Final = {True: ("fed", 6), False: ("uk", 3)}
"""NACHA or not → business days to act in: six banking days (Subsection 2.12.1); Bacs: three working days of the report."""


def corrections(gateway: Gateway, states: pl.DataFrame, words: pl.DataFrame | None = None) -> pl.DataFrame:
    """CORRECTIONS of the payments of STATES, in the order in which they were told. `words`: ATTRIBUTED of them, where it is at hand."""
    if words is None:
        words = known_of(gateway, states.select(BOOK.columns.keys())).words
    words = words.filter(pl.col("kind") == "correction")
    found = [empty(CORRECTIONS)]
    if words.is_empty():
        return found[0]
    files = states["file_id"].unique().to_list()
    for provider in states["provider"].drop_nulls().unique().sort().to_list():
        heard = feedback_frames(gateway, provider, "statuses", of_files=files)
        found.append(_of_provider(words, heard))
    return pl.concat(found)


def _of_provider(words: pl.DataFrame, statuses: pl.DataFrame) -> pl.DataFrame:
    """CORRECTIONS that these STATUSES of one provider brought. `words`: ATTRIBUTED of corrections, of whatever provider."""
    told = words.select("payment_id", "feedback_id", "position", "sequence", code="reason", reason="reason_text").join(
        statuses.select("feedback_id", "position", "corrected", told_on="received_on"),
        on=["feedback_id", "position"], how="inner", maintain_order="left",
    )  # fmt: skip
    nacha = pl.col("code").str.contains(_NACHA).fill_null(value=False)
    days = told.select("told_on", nacha=nacha).unique()
    due = days.with_columns(
        act_by=pl.Series([_act_by(day, nacha=is_nacha) for day, is_nacha in days.iter_rows()], dtype=pl.Date)
    )
    whole = told.with_columns(nacha=nacha).join(due, on=["told_on", "nacha"], how="left", maintain_order="left")
    ordered = whole.sort("sequence", "position").with_columns(
        nth=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("payment_id"), change_to=_change_to(), what=_what(),
    )  # fmt: skip
    return conform(ordered.select(CORRECTIONS.columns.keys()), CORRECTIONS)


def _act_by(day: dt.date, *, nacha: bool) -> dt.date:
    calendar, days = _DUE[nacha]
    return Schedule(calendar, (dt.time(0),), "UTC").business_day(day, days)


def _change_to() -> pl.Expr:
    """What stands there from now on, in words; null where only something ended."""
    whole = pl.when(pl.col("code").str.contains("^C1[34]$")).then(pl.col("corrected"))
    coded = [pl.when(pl.col("code") == code).then(_cut(parts)) for code, parts in _PARTS.items()]
    return pl.coalesce(*coded, pl.when(~pl.col("code").str.contains(_NACHA)).then(_cut(_BACS)), whole).replace("", None)


def _cut(parts: tuple[tuple[str, int, int], ...]) -> pl.Expr:
    pieces = []
    for name, start, length in parts:
        value = pl.col("corrected").str.slice(start, length).str.strip_chars()
        pieces.append(pl.when(value != "").then(pl.lit(f"{name} ") + value))
    return pl.concat_str(pieces, separator=", ", ignore_nulls=True)


def _what() -> pl.Expr:
    """Which data are to be changed, without their values: for answers that show none."""
    coded = [
        pl.when(pl.col("code") == code).then(pl.lit(" and ".join(name for name, _, _ in parts)))
        for code, parts in _PARTS.items()
    ]
    bacs = pl.when(~pl.col("code").str.contains(_NACHA) & pl.col("corrected").is_not_null())
    return pl.coalesce(*coded, bacs.then(pl.lit("sort code and account number")))


def to_change(told: pl.DataFrame) -> pl.DataFrame:
    """payment_id, `change`: what the client must change of CORRECTIONS and by when, for answers that show no account."""
    words = pl.format("Change its {} by {}.", "what", pl.col("act_by").cast(pl.String))
    return (
        told.filter(pl.col("what").is_not_null())
        .with_columns(change=words)
        .group_by("payment_id", maintain_order=True)
        .agg(pl.col("change").unique(maintain_order=True).str.join(" "))
    )


def of_payments(gateway: Gateway, file_id: str, told: pl.DataFrame, news: pl.DataFrame | None) -> pl.DataFrame:
    """`told` (CORRECTIONS of a file's payments) that its client was not told of yet, with row, line and what names the payment.

    `news`: as in `Answer`; None: all of them. A request to cancel has no payments.
    """
    known = [
        part.select("payment_id", "row", "line", "end_to_end_id", "mandate_id", counterparty("account")).join(
            told.select("payment_id").unique(), on="payment_id", how="semi", maintain_order="left"
        )
        for part in chain([empty(PAYMENTS)], gateway.lake.parts(file_id, "payments"))
    ]
    whole = pl.concat(known).join(told, on="payment_id", how="inner", maintain_order="left")
    if news is None:
        return whole
    fresh = news.select("row", before=pl.col("corrections_told").fill_null(0))
    return whole.join(fresh, on="row", how="inner", maintain_order="left").filter(pl.col("nth") > pl.col("before"))
