"""CSV records become payments, or findings that name the line."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.errors import FrameBroken
from canonical.frames import FINDINGS, PAYMENTS, conform, empty
from canonical.identifiers import payment_id_of
from canonical.limits import LINE_BYTES_MAX
from canonical.money import amount_minor
from parsers._csv_header import COLUMNS, CsvOptions, Layout
from parsers._csv_records import Flaw, Records

_FLAWS: Final = {
    Flaw.COLUMNS: ("csv-columns", "Put a cell that holds the delimiter between quotes, and leave no column out."),
    Flaw.QUOTES: ("csv-quotes", "Put quotes around the whole cell and double those inside it, as a spreadsheet does."),
    Flaw.ENCODING: ("csv-encoding", "Save the file in the agreed encoding, or agree on the one it is in."),
    Flaw.NUL: ("csv-nul", "Write the file again as plain text."),
    Flaw.LENGTH: ("csv-line-length", "Close the quotes that were opened, or shorten the row."),
}


def payments_of(
    block: bytes, records: Records, where: pl.DataFrame, layout: Layout, options: CsvOptions
) -> pl.DataFrame:
    """PAYMENTS frame of the sound records. `where`: row, line, offset, length of each of them; file_id."""
    sound = records.flaw == Flaw.NONE
    if not sound.any():
        return empty(PAYMENTS)
    text = _text(block, records, sound)
    cells = _cells(text, text.count(b"\n") >= where.height, layout, options)
    if cells.height != where.height:
        raise FrameBroken(f"{where.height} CSV records were cut and {cells.height} were read")
    return conform(pl.concat([where, cells], how="horizontal").select(*_columns(layout, options)), PAYMENTS)


def _text(block: bytes, records: Records, sound: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bytes:
    """The sound records' bytes, one after the other."""
    start, end = records.start[sound], records.end[sound]
    if records.gapless and sound.all():
        return block[start[0] : end[-1]]
    return b"\n".join(block[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True))


def _cells(text: bytes, broken: bool, layout: Layout, options: CsvOptions) -> pl.DataFrame:
    """One String column for each of our columns, trimmed, null where empty. `broken`: some cell holds a line break."""
    if options.encoding != "utf-8":
        text = text.decode(options.encoding).encode()
    names = [f"column_{place}" for place in range(layout.width)]
    cells = pl.read_csv(
        io.BytesIO(text), has_header=False, new_columns=names, separator=options.delimiter, infer_schema=False
    )
    trimmed = {ours: _trimmed(f"column_{place}", ours, broken) for ours, place in layout.at.items()}
    return cells.select(pl.when(cell != "").then(cell).alias(f"cell_{ours}") for ours, cell in trimmed.items())


def _trimmed(column: str, ours: str, broken: bool) -> pl.Expr:
    """The cell without blanks around it. Line breaks, which only quotes can hold, divide remittance text and nothing else."""
    cell = pl.col(column).str.strip_chars()
    return cell.str.replace_all(r"[ \t]*\r?\n[ \t]*", "\n" if ours == "remittance" else " ") if broken else cell


def _columns(layout: Layout, options: CsvOptions) -> list[pl.Expr]:
    cells = {COLUMNS[ours]: pl.col(f"cell_{ours}") for ours in layout.at}
    for account in ("debtor_account", "creditor_account"):
        if account in cells:
            cells[account] = cells[account].str.replace_all(r"\s", "")
    amount, date = cells["amount_text"], cells["requested_execution_date_text"]
    if options.decimal == ",":
        amount = pl.when(~amount.str.contains(".", literal=True)).then(amount.str.replace(",", ".", literal=True))
    return [
        payment_id_of(pl.col("file_id"), pl.col("offset")).alias("payment_id"),
        pl.col("row", "line", "offset", "length"),
        pl.lit(1, dtype=pl.Int64).alias("batch"),
        pl.lit(CreditDebit.CRDT.value).alias("credit_debit"),
        pl.lit(False).alias("prenote"),
        amount_minor(amount, cells["currency"]).alias("amount_minor"),
        pl.when(date.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(date).str.to_date("%Y-%m-%d", strict=False)
        .alias("requested_execution_date"),
        *(cell.alias(name) for name, cell in cells.items()),
    ]  # fmt: skip


def findings_of(where: pl.DataFrame, width: int, encoding: str) -> pl.DataFrame:
    """FINDINGS of the unreadable records. `where`: row, line, columns, flaw of each."""
    if where.is_empty():
        return empty(FINDINGS)
    flaw = pl.col("flaw")
    told = {
        Flaw.COLUMNS: pl.format("The row has {} columns, the header {}", pl.col("columns"), pl.lit(width)),
        Flaw.QUOTES: pl.lit("A quote stands inside a cell, or opens one that is not closed"),
        Flaw.ENCODING: pl.lit(f"The row has bytes that are not {encoding}"),
        Flaw.NUL: pl.lit("The row has NUL bytes"),
        Flaw.LENGTH: pl.lit(f"The row is longer than {LINE_BYTES_MAX} bytes"),
    }
    message = pl.coalesce(pl.when(flaw == code).then(text) for code, text in told.items())
    rule, remedy = (
        flaw.replace_strict([*_FLAWS], [pair[n] for pair in _FLAWS.values()], return_dtype=pl.String) for n in (0, 1)
    )
    return conform(
        where.select(
            rule.alias("rule"),
            pl.lit("FF02").alias("reason"),
            pl.lit(Severity.ERROR.value).alias("severity"),
            pl.lit(Level.PAYMENT.value).alias("level"),
            pl.lit(1, dtype=pl.Int64).alias("batch"),
            pl.lit(None, dtype=pl.String).alias("batch_id"),
            "row",
            "line",
            (message + pl.lit("; it was not read")).alias("message"),
            remedy.alias("remedy"),
        ),
        FINDINGS,
    )
