"""The rows of a worksheet as columns of text, put into a workbook whose head and foot XlsxWriter has written.

A cell a Python call makes a long sheet slow. Here Polars writes the rows of SpreadsheetML (ECMA-376 part 1, 18.3.1.73 `row`,
18.3.1.4 `c`), slice by slice; amounts are the exact decimal text of their minor units, text stands inline and never runs.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import polars as pl
from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Sheet
from exporters._report_tables import (
    MONEY,
    NUMBERS,
    currency_of,
    currency_told,
    digits_of,
    kind_of,
    money_text,
    money_told,
)

EXACT_MINOR_MAX: Final = 10**15
"""A spreadsheet keeps 15 digits. A larger amount is written as text, so that no digit of it is made up."""
CELL_CHARS_MAX: Final = 32_767
LINE_POINTS: Final = 13
"""Height of a line of text of ten points."""
_SLICE_ROWS: Final = 50_000
_EPOCH_DAYS: Final = 25_569
"""1970-01-01 as a spreadsheet counts days."""
_DAYS_MIN: Final = 61
"""1900-03-01. Before it spreadsheets differ about what day it is."""
_CONTROL: Final = [chr(code) for code in (*range(9), *range(11, 32), 0xFFFE, 0xFFFF)]
_ESCAPED: Final = [f"_x{ord(sign):04X}_" for sign in _CONTROL]
"""ST_Xstring (ECMA-376 part 1, 22.9.2.19): how characters are told that XML cannot hold or would change."""
_ROW: Final = re.compile(rb'<row r="(\d+)".*?</row>', re.DOTALL)
_STYLE: Final = re.compile(rb'<c r="[A-Z]+\d+" s="(\d+)"')
_ZIP_LEVEL: Final = 1
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that go into one worksheet from `row` (counted from 1) on. They stand for a pattern row there.

    The pattern row holds one cell a style: text, number, date, share, then money by each of `digits`. `lines`: how many lines
    a row's longest wrapped text takes, where that is more than one.
    """

    sheet: Sheet
    frame: pl.DataFrame
    row: int
    digits: tuple[int | None, ...]
    lines: pl.Expr


def digits_in(frame: pl.DataFrame) -> tuple[int | None, ...]:
    """The decimals that a table's currencies have, each once; None for those that ISO 4217 does not know."""
    known = frame.select(currency_of(frame).unique()).to_series()
    return tuple(
        sorted({digits_of(currency) for currency in known}, key=lambda digits: -1 if digits is None else digits)
    )


def write_workbook(skeleton: bytes, rows: Mapping[str, Rows], out: BinaryIO) -> None:
    """The skeleton with the rows in it. `rows`: part of the package (xl/worksheets/sheet2.xml) → what goes there."""
    with zipfile.ZipFile(io.BytesIO(skeleton)) as given, zipfile.ZipFile(out, "w") as made:
        for part in given.namelist():
            info = zipfile.ZipInfo(part, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info._compresslevel = _ZIP_LEVEL  # type: ignore[attr-defined]  # noqa: SLF001  has a public name from 3.13 on
            with made.open(info, "w", force_zip64=True) as target:
                data = given.read(part)
                for piece in _filled(data, rows[part]) if part in rows else (data,):
                    target.write(piece)


def _filled(data: bytes, rows: Rows) -> Iterator[bytes]:
    """A worksheet's part with the rows instead of their pattern."""
    pattern = next(found for found in _ROW.finditer(data) if int(found[1]) == rows.row)
    text, number, date, share, *money = (int(style) for style in _STYLE.findall(pattern[0]))
    styles = _Styles(text, number, date, share, dict(zip(rows.digits, money, strict=True)))
    yield data[: pattern.start()]
    for start in range(0, rows.frame.height, _SLICE_ROWS):
        frame = rows.frame.slice(start, _SLICE_ROWS)
        yield _written(rows, frame, rows.row + start, styles)
    yield data[pattern.end() :]


@dataclass(frozen=True, slots=True)
class _Styles:
    """Cell formats of the workbook by kind; money by decimals."""

    text: int
    number: int
    date: int
    share: int
    money: Mapping[int | None, int]


def _written(rows: Rows, frame: pl.DataFrame, first: int, styles: _Styles) -> bytes:
    """The rows of a slice, of which the first has the number `first`."""
    number = pl.int_range(first, first + frame.height).cast(pl.String)
    cells = [
        _cell(rows.sheet, frame, name, pl.concat_str(pl.lit(f'<c r="{xl_col_to_name(index)}'), number), styles)
        for index, name in enumerate(frame.columns)
    ]
    # A spreadsheet that opens a file counts no wrapped lines: without a height they would stand in the next row.
    high = pl.format('" ht="{}" customHeight="1">', rows.lines * LINE_POINTS)
    opened = pl.when(rows.lines > 1).then(high).otherwise(pl.lit('">'))
    line = pl.concat_str(pl.lit('<row r="'), number, opened, *cells, pl.lit("</row>"))
    return bytes(frame.select(line.alias("line"))["line"].str.join("").item().encode())


def _cell(sheet: Sheet, frame: pl.DataFrame, name: str, place: pl.Expr, styles: _Styles) -> pl.Expr:
    """A column's cells; nothing for what is missing."""
    column, kind = pl.col(name), kind_of(sheet, name)
    told = None
    if kind in MONEY:
        currency = currency_of(frame)
        text, style = money_text(column, currency), _money_style(frame, currency, styles)
        fits, told = column.abs() < EXACT_MINOR_MAX, money_told(column, currency)
    elif kind == "share":
        parts = (column // 1000).cast(pl.String), (column % 1000).cast(pl.String).str.zfill(3)
        text, style, fits = pl.concat_str(*parts, separator="."), pl.lit(str(styles.share)), column < EXACT_MINOR_MAX
    elif kind in NUMBERS:
        text, style, fits = column.cast(pl.String), pl.lit(str(styles.number)), column.abs() < EXACT_MINOR_MAX
    elif kind == "date" and frame.schema[name] == pl.Date:
        days = column.dt.epoch("d") + _EPOCH_DAYS
        text = pl.when(days >= _DAYS_MIN).then(days.cast(pl.String)).otherwise(column.cast(pl.String))
        style, fits = pl.lit(str(styles.date)), days >= _DAYS_MIN
    else:
        return _text(_plain(frame, name), place, styles).fill_null("")
    exact = pl.concat_str(place, pl.lit('" s="'), style, pl.lit('"><v>'), text, pl.lit("</v></c>"))
    if frame.select(fits.fill_null(value=True).all()).item():
        return exact.fill_null("")
    return pl.when(fits).then(exact).otherwise(_text(text if told is None else told, place, styles)).fill_null("")


def _money_style(frame: pl.DataFrame, currency: pl.Expr, styles: _Styles) -> pl.Expr:
    """The style with as many decimals as the row's currency has."""
    known = frame.select(currency.unique()).to_series().to_list()
    by_currency = {code: str(styles.money[digits_of(code)]) for code in known}
    return currency.replace_strict(list(by_currency), list(by_currency.values()), return_dtype=pl.String)


def _text(text: pl.Expr, place: pl.Expr, styles: _Styles) -> pl.Expr:
    head = f'" s="{styles.text}" t="inlineStr"><is><t xml:space="preserve">'
    return pl.concat_str(place, pl.lit(head), text, pl.lit("</t></is></c>"))


def _plain(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Text as XML, no longer than a cell. What need not be escaped is looked at once a slice, not once a cell."""
    text = pl.col(name).cast(pl.String)
    if name == "currency":
        codes = frame[name].drop_nulls().unique().to_list()
        text = text.replace({code: currency_told(code) for code in codes})
    longest, coded, marked, odd = frame.select(
        longest=text.str.len_chars().max(),
        coded=text.str.contains("_x", literal=True).any(),
        marked=text.str.contains("[&<>]").any(),
        odd=text.str.contains_any(_CONTROL).any(),
    ).row(0)
    if longest is not None and longest > CELL_CHARS_MAX:
        text = text.str.slice(0, CELL_CHARS_MAX)
    if coded:
        text = text.str.replace_all("_(x[0-9A-Fa-f]{4}_)", "_x005F_${1}")
    if odd:
        text = text.str.replace_many(_CONTROL, _ESCAPED)
    if marked:
        for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.str.replace_all(sign, entity, literal=True)
    return text
