"""A Standard 18 file with some of the payments of another: its labels, their records, contra records and totals that fit."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.contracts import Source
from parsers._bacs_layout import CONTRA_CODES, DATA, cut, is_contra
from parsers._bacs_lines import ends_of, records

_HEADS: Final = ("VOL1", "HDR1", "HDR2", "UHL1")
_AMOUNT: Final = slice(35, 46)
_TOTAL_DIGITS: Final = 13
_COUNT_DIGITS: Final = 7
_INSTRUCTIONS: Final = slice(52, 59)
_Contras = dict[tuple[int, str], int]
"""Batch and direction of the payments that a contra record balances → their sum in pence."""


def excerpt(source: Source, kept: pl.DataFrame) -> bytes:
    """The bytes of the new file. `kept`: row, offset, length, batch, credit_debit, amount_minor of PAYMENTS, in file order.

    Payments of several files in one submission stay in theirs; files of which nothing is kept are left out.
    """
    frame = _frame(source)
    ends = frame.filter(pl.col("kind") == "UTL1")["offset"].to_list()
    bounds = [*ends, len(source.data)]
    out: list[str | bytes] = []
    start = 0
    for end in bounds:
        part = kept.filter(pl.col("offset").is_between(start, end, closed="left"))
        inside = frame.filter(pl.col("offset").is_between(start, end, closed="both"))
        if part.height:
            # A volume label belongs to the whole submission: it stands before the first file that is kept.
            volume = [] if out else frame.filter(pl.col("kind") == "VOL1").head(1)["text"].to_list()
            out += [*volume, *_file(source, inside, part)]
        start = end + 1
    ending = ends_of(source.data)
    return b"".join(record.encode("latin-1") + ending if isinstance(record, str) else record + ending for record in out)


def _frame(source: Source) -> pl.DataFrame:
    """Labels and contra records of the file: kind, offset, text as it stands there."""
    parts = []
    for window in records(source.data):
        own = window.frame.filter((pl.col("kind") != DATA) | is_contra())
        text = pl.col("text").str.strip_chars_end("\r\n").str.head(pl.col("length"))
        parts.append(own.select("kind", "offset", "length", text))
    return pl.concat(parts)


def _file(source: Source, inside: pl.DataFrame, kept: pl.DataFrame) -> list[str | bytes]:
    """Records of one file: labels, kept payments, their contra records, trailers."""
    kinds = inside.filter(pl.col("kind") != "VOL1")
    heads = kinds.filter(pl.col("kind").is_in(_HEADS))["text"].to_list()
    tails = kinds.filter(pl.col("kind").is_in(["EOF1", "EOF2", "UTL1"]))["text"].to_list()
    spans = [bytes(source.data[at : at + size]) for at, size in kept.select("offset", "length").iter_rows()]
    contras, figures = _contras(source, kinds.filter(pl.col("kind") == DATA), kept)
    return [*heads, *spans, *contras, *(_trailer(text, figures) for text in tails)]


def _contras(
    source: Source, originals: pl.DataFrame, kept: pl.DataFrame
) -> tuple[list[str], tuple[int, int, int, int]]:
    """Contra records with the sums of what is kept, and debit sum, credit sum, debits, credits of it all."""
    sums = kept.group_by("batch", "credit_debit", maintain_order=True).agg(
        pl.col("amount_minor").sum(), pl.len(), pl.col("offset").first(), pl.col("length").first()
    )
    balance = {"DBIT": [0, 0], "CRDT": [0, 0]}
    found = originals.select(
        cut(16, 17).alias("code"), pl.concat_str(cut(18, 31), cut(101, 106)).alias("key"), "text"
    ).unique(["code", "key"], keep="first", maintain_order=True)
    contras = []
    codes = {side: code for code, side in CONTRA_CODES.items()}
    for row in sums.iter_rows(named=True):
        side, total = row["credit_debit"], row["amount_minor"]
        balance[side][0] += total
        balance[side][1] += row["len"]
        record = bytes(source.data[row["offset"] : row["offset"] + row["length"]]).decode("latin-1")
        key = record[17:31] + record[100:106]
        match = found.filter((pl.col("code") == codes[side]) & (pl.col("key") == key))["text"]
        if match.len():
            text = match[0]
            contras.append(text[: _AMOUNT.start] + f"{total:011d}" + text[_AMOUNT.stop :])
            other = "DBIT" if side == "CRDT" else "CRDT"
            balance[other][0] += total
            balance[other][1] += 1
    return contras, (balance["DBIT"][0], balance["CRDT"][0], balance["DBIT"][1], balance["CRDT"][1])


def _trailer(text: str, figures: tuple[int, int, int, int]) -> str:
    """A user trailer with those totals and no instructions; other labels as they are."""
    if not text.startswith("UTL1"):
        return text
    debit, credit, debits, credit_count = figures
    totals = (
        f"{debit:0{_TOTAL_DIGITS}d}{credit:0{_TOTAL_DIGITS}d}{debits:0{_COUNT_DIGITS}d}{credit_count:0{_COUNT_DIGITS}d}"
    )
    padded = text.ljust(_INSTRUCTIONS.stop)
    count = "0" * _COUNT_DIGITS if padded[_INSTRUCTIONS].strip() else padded[_INSTRUCTIONS]
    return "UTL1" + totals + padded[44 : _INSTRUCTIONS.start] + count + padded[_INSTRUCTIONS.stop :]
