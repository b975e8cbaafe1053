"""Cells as the client wrote them become texts of our columns, by what was agreed of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.masking import shown
from parsers._csv_header import Cell, Layout
from parsers._csv_template import COLUMNS, FLAGS, MANY_LINES, WITHOUT_BLANKS

_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Cells that do not fit what was agreed: of which of our columns, in which rows of the frame, what to tell."""

    ours: str
    rows: pl.Series
    values: pl.Series
    message: str
    remedy: str


def name_of(place: int) -> str:
    """Column of a frame of cells."""
    return f"c{place}"


@dataclass(frozen=True, slots=True)
class Cells:
    """Trimmed cells, null where empty. `broken`: some hold line breaks; `odd`: some hold other blanks than spaces."""

    frame: pl.DataFrame
    broken: bool = True
    odd: bool = True


def trimmed(cells: pl.DataFrame, odd: bool = True, quoted: bool = True) -> pl.DataFrame:
    """Without blanks around the cells, null where empty. `odd`: there may be others than spaces; `quoted`: cells of two quotes."""
    names = cells.columns
    if not odd and cells.height:
        # Looking for a space at either end is several times as cheap as cutting none off.
        around = cells.select((pl.all() < "!").any() | pl.all().str.ends_with(" ").any()).row(0)
        names = [name for name, found in zip(names, around, strict=True) if found]
    cells = cells.with_columns(pl.col(names).str.strip_chars()) if names else cells
    hollow = cells.columns if quoted else names
    return cells.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in hollow)


def texts_of(cells: Cells, layout: Layout) -> tuple[pl.DataFrame, list[Misfit]]:
    """One String column for each of our columns, named as ours, and the cells that do not fit."""
    texts = cells.frame.select(_text(ours, cell, cells.broken).alias(ours) for ours, cell in layout.cells.items())
    misfits = []
    meant = []
    for ours, cell in layout.cells.items():
        column = texts[ours]
        if ours in WITHOUT_BLANKS:
            column = _without_blanks(column, cells.odd or cells.broken)
        empty = column.is_null()
        if cell.agreed.values:
            column, misfit = _meaning(ours, cell, column)
            misfits += [misfit] if misfit is not None else []
        if cell.agreed.default is not None:
            # A word without a meaning is no empty cell: the default must not speak for it.
            column = (
                pl.select(pl.when(empty).then(pl.lit(cell.agreed.default)).otherwise(column)).to_series().alias(ours)
            )
        meant.append(column)
    return pl.DataFrame(meant), misfits


def _text(ours: str, cell: Cell, broken: bool) -> pl.Expr:
    """The cell, several joined, or the constant. Line breaks divide lines of texts that have them, and nothing else."""
    if cell.agreed.constant is not None:
        return pl.repeat(cell.agreed.constant, pl.len(), dtype=pl.String)
    columns = [pl.col(name_of(place)) for place in cell.places]
    if len(columns) == 1:
        text = columns[0]
    else:
        joined = pl.concat_str(columns, separator=cell.agreed.join, ignore_nulls=True)
        text = pl.when(joined != "").then(joined)
    many = ours in MANY_LINES
    return text.str.replace_all(r"[ \t]*\r?\n[ \t]*", "\n" if many else " ") if broken else text


def _without_blanks(account: pl.Series, odd: bool) -> pl.Series:
    # Looking for a space is far cheaper than replacing none.
    if not odd and not account.str.contains(" ", literal=True).any():
        return account
    return account.str.replace_all(r"\s", "")


def _meaning(ours: str, cell: Cell, column: pl.Series) -> tuple[pl.Series, Misfit | None]:
    agreed = cell.agreed
    known = column.replace_strict(
        list(agreed.values), list(agreed.values.values()), default=None, return_dtype=pl.String
    )
    if agreed.otherwise == "keep":
        return known.fill_null(column), None
    lost = known.is_null() & column.is_not_null()
    if not lost.any():
        return known, None
    message = f"Column {cell.heading} says “{{}}”, for which no meaning was agreed"
    remedy = f"Write one of those agreed ({', '.join(agreed.values)}), or agree what it means."
    return known, _misfit(ours, column, lost, message, remedy)


def flags_of(texts: pl.DataFrame, layout: Layout) -> tuple[list[pl.Series], list[Misfit]]:
    """Boolean columns under their canonical names."""
    flags, misfits = [], []
    for ours in FLAGS:
        if ours not in texts.columns:
            continue
        text = texts[ours]
        flag = text.replace_strict(list(_TRUTH), list(_TRUTH.values()), default=None, return_dtype=pl.Boolean)
        flags.append(flag.alias(COLUMNS[ours]))
        lost = flag.is_null() & text.is_not_null()
        if lost.any():
            message = f"Column {layout.cells[ours].heading or ours} says “{{}}”, which is neither true nor false"
            misfits.append(_misfit(ours, text, lost, message, "Write true or false, or agree what your words mean."))
    return flags, misfits


def _misfit(ours: str, column: pl.Series, lost: pl.Series, message: str, remedy: str) -> Misfit:
    rows = lost.arg_true()
    return Misfit(ours, rows, column.gather(rows), message, remedy)


def misfit_findings(misfit: Misfit, where: pl.DataFrame) -> pl.DataFrame:
    """Row, line, field, value, message and remedy of each misfit. `where`: row and line by the frame's rows."""
    field = COLUMNS[misfit.ours]
    before, _, behind = misfit.message.partition("{}")
    value = shown(field, pl.col("value"))
    frame = where.select("row", "line")[misfit.rows].with_columns(misfit.values.alias("value"))
    told = pl.lit(before) + value.fill_null("") + pl.lit(behind) if behind else pl.lit(misfit.message)
    return frame.select(
        "row", "line", pl.lit(field).alias("field"), told.alias("message"), pl.lit(misfit.remedy).alias("remedy"),
        value.alias("value"),
    )  # fmt: skip
