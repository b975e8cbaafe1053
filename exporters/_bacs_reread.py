"""Read a written Standard 18 file again: fields by position, totals held against the user trailer and the contra records."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from canonical.contracts import Source
from canonical.errors import FrameBroken
from canonical.tally import ExportSummary, summary_of

_LABELS: Final = ["VOL1", "HDR1", "HDR2", "UHL1", "EOF1", "EOF2", "UTL1"]
_TRAILER: Final = re.compile(r"UTL1(\d{13})(\d{13})(\d{7})(\d{7}) {8}0{7} {21}")
_CREDITS: Final = ["99", "Z4", "Z5"]


def reread(source: Source, own: str, *, contra: bool) -> ExportSummary:
    """Payments, their sum and digest. `own`: sort code and account of ours; `contra`: whether there must be contra records.

    Raises:
        FrameBroken: a record of another length, labels out of place, or totals that disagree.
    """
    lines = pl.DataFrame({"text": bytes(source.data).decode("ascii").splitlines()}, schema={"text": pl.String})
    kind = pl.col("text").str.head(4)
    labels = lines.filter(kind.is_in(_LABELS))["text"]
    if labels.str.head(4).to_list() != _LABELS or lines["text"].tail(3).str.head(4).to_list() != _LABELS[-3:]:
        raise FrameBroken(f"{source.name}: the labels are not those of one Standard 18 file")
    size = int(labels[2][10:15])
    data = lines.filter(~kind.is_in(_LABELS))
    if (data["text"].str.len_chars() != size).any() or (labels.str.len_chars() != 80).any():  # noqa: PLR2004 - the standard's
        raise FrameBroken(f"{source.name}: a record has not the length that its label says")
    return _summary(source.name, data, own, labels[-1], contra=contra)


def _summary(name: str, data: pl.DataFrame, own: str, trailer: str, *, contra: bool) -> ExportSummary:
    cut = pl.col("text").str.slice
    read = data.select(
        cut(0, 14).alias("account"),
        cut(15, 2).is_in(_CREDITS).alias("credit"),
        cut(35, 11).cast(pl.Int64).alias("amount_minor"),
        cut(64, 18).str.strip_chars_end(" ").alias("reference"),
        (cut(17, 14) == own).alias("ours"),
        pl.lit("GBP").alias("currency"),
    )
    if not read["ours"].all():
        raise FrameBroken(f"{name}: a record is of another originating account")
    _hold(name, read, trailer)
    is_contra = (pl.col("account") == own) & (pl.col("reference") == "CONTRA")
    paid = read.filter(~is_contra)
    side = pl.col("credit")
    sums = paid.group_by(side).agg(pl.col("amount_minor").sum()).sort("credit")
    back = read.filter(is_contra).group_by(~side).agg(pl.col("amount_minor").sum()).sort("credit")
    if contra and not sums.equals(back):
        raise FrameBroken(f"{name}: the contra records do not balance the payments")
    return summary_of(paid)


def _hold(name: str, read: pl.DataFrame, trailer: str) -> None:
    """The user trailer against all data records."""
    found = _TRAILER.fullmatch(trailer)
    into, out = read.filter("credit")["amount_minor"], read.filter(~pl.col("credit"))["amount_minor"]
    counted = [int(out.sum()), int(into.sum()), out.len(), into.len()]
    if found is None or [int(text) for text in found.groups()] != counted:
        raise FrameBroken(f"{name}: the user trailer differs from the records: {trailer[4:44]}, found {counted}")
