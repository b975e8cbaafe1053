"""Seeded tables of payments: the same arguments give the same bytes.

`python benchmarks/make_csv.py PATH ROWS [SEED [BAD_SHARE]]`; a path that ends in .xlsx gets a workbook.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import xlsxwriter  # type: ignore[import-untyped]  # it has no types

HEADINGS = (
    "end_to_end_id", "execution_date", "creditor_name", "creditor_account", "creditor_agent", "creditor_country",
    "amount", "currency", "remittance", "purpose",
)  # fmt: skip
_PART_ROWS = 100_000
_NAMES = (
    "Example Supplies SARL",
    "Muster Papier GmbH",
    "Hazel Kantoor BV",
    "Aspen Research",
    "Café Zoë",
    "Linde, Söhne & Co",
)
_FAULTS = 4
_CENTS_MAX = 2_000_000


def write(path: Path, rows: int, seed: int, bad_share: float = 0.0) -> int:
    """A CSV by the template, closed by its total; the sum of its readable amounts in minor units of euro.

    Of the bad rows a quarter each has a column too many, a stray quote, a wrong check digit and an amount that is none.
    """
    total = 0
    with path.open("wb") as out:
        out.write((",".join(HEADINGS) + "\n").encode())
        for part, cents in _parts(rows, seed, bad_share):
            out.write(_lines(part))
            total += cents
        out.write(f"TOTAL,{rows},{total // 100}.{total % 100:02d}\n".encode())
    return total


def write_xlsx(path: Path, rows: int, seed: int) -> int:
    """The same rows as text in a workbook, amounts and days as a spreadsheet stores them: numbers with a format."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "in_memory": False})
    sheet, price = book.add_worksheet("Payments"), book.add_format({"num_format": "0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, HEADINGS)
    total, at = 0, 0
    for part, cents in _parts(rows, seed, 0.0):
        total += cents
        for row in part.iter_rows():
            at += 1
            for column, (name, cell) in enumerate(zip(HEADINGS, row, strict=True)):
                if name == "amount":
                    sheet.write_number(at, column, float(cell), price)
                elif name == "execution_date":
                    sheet.write_number(at, column, 46357, day)  # the serial number of 2026-12-01
                else:
                    sheet.write_string(at, column, cell)
    sheet.write_row(at + 1, 0, ["TOTAL", rows, total / 100])
    book.close()
    return total


def _parts(rows: int, seed: int, bad_share: float) -> Iterator[tuple[pl.DataFrame, int]]:
    """Rows a part at a time, and the sum of the part's readable amounts."""
    chance = np.random.default_rng(seed)
    for first in range(0, rows, _PART_ROWS):
        count = min(_PART_ROWS, rows - first)
        cents = chance.integers(100, _CENTS_MAX, count)
        # 0 is sound; 1 a column too many, 2 a stray quote, 3 a wrong check digit, 4 no amount.
        fault = np.where(chance.random(count) < bad_share, chance.integers(1, _FAULTS + 1, count), 0)
        part = _sound(first, cents, chance.integers(0, len(_NAMES), count), chance.integers(0, 10**10, count))
        yield _spoilt(part, fault), int(cents[(fault == 0) | (fault == 3)].sum())


def _sound(first: int, cents: np.ndarray, names: np.ndarray, accounts: np.ndarray) -> pl.DataFrame:
    number = pl.Series("number", np.arange(first + 1, first + 1 + len(cents)))
    basic = pl.Series("basic", 37_040_044 * 10**10 + accounts).cast(pl.String)
    check = [98 - int(text + "131400") % 97 for text in basic]  # DE00: D is 13, E is 14
    frame = pl.DataFrame({"number": number, "cents": cents, "basic": basic, "check": check, "name": names})
    text = pl.col("number").cast(pl.String).str.zfill(8)
    money = (pl.col("cents") // 100).cast(pl.String) + "." + (pl.col("cents") % 100).cast(pl.String).str.zfill(2)
    return frame.select(
        (pl.lit("INV-2026-") + text).alias("end_to_end_id"),
        pl.lit("2026-12-01").alias("execution_date"),
        pl.col("name").replace_strict(list(range(len(_NAMES))), list(_NAMES)).alias("creditor_name"),
        (pl.lit("DE") + pl.col("check").cast(pl.String).str.zfill(2) + pl.col("basic")).alias("creditor_account"),
        pl.lit("COBADEFFXXX").alias("creditor_agent"),
        pl.lit("DE").alias("creditor_country"),
        money.alias("amount"),
        pl.lit("EUR").alias("currency"),
        (pl.lit("Invoice 2026-") + text + pl.lit(" of November")).alias("remittance"),
        pl.lit("SUPP").alias("purpose"),
    )


def _spoilt(part: pl.DataFrame, fault: np.ndarray) -> pl.DataFrame:
    kind = pl.Series("fault", fault)
    account, amount = pl.col("creditor_account"), pl.col("amount")
    return part.with_columns(
        pl.when(kind == 1).then(pl.lit("A|B")).when(kind == 2).then(pl.lit('19" rack')).otherwise(pl.col("remittance"))
        .alias("remittance"),
        pl.when(kind == 3).then(account.str.head(2) + pl.lit("00") + account.str.slice(4)).otherwise(account)
        .alias("creditor_account"),
        pl.when(kind == 4).then(pl.lit("one hundred")).otherwise(amount).alias("amount"),
    )  # fmt: skip


def _lines(part: pl.DataFrame) -> bytes:
    """CSV lines; what stands for a fault is written as the fault."""
    out = io.BytesIO()
    cells = [pl.when(pl.col(name).str.contains(",")).then(pl.format('"{}"', name)).otherwise(name) for name in HEADINGS]
    part.select(cells).write_csv(out, include_header=False, quote_style="never")
    return out.getvalue().replace(b"A|B", b"A,B")


if __name__ == "__main__":
    target, count = Path(sys.argv[1]), int(sys.argv[2])
    chosen = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    if target.suffix == ".xlsx":
        write_xlsx(target, count, chosen)
    else:
        write(target, count, chosen, float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
