"""Entries and addenda of ACH files: fields, payments, and what is wrong with them.

Source: Nacha Operating Rules, Appendix Three: entry detail records, addenda record type 05, trace number requirements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.identifiers import payment_id_of
from canonical.money import amount_text
from parsers._nacha_findings import Fault
from parsers._nacha_layout import (
    ACCOUNT_TYPES,
    COMMON_SEC,
    DIRECTIONS,
    NO_MONEY_CODES,
    ONE_ADDENDA_SEC,
    RETURN_CODES,
    cut,
    number,
    words,
)

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
_CODE: Final = Fault(
    "nacha-transaction-code", "AG02", *_PAYMENT, "transaction_code",
    "Use a code for payments: 22 or 27 (checking), 32 or 37 (savings), 42 or 47 (general ledger), 52 (loan), their "
    "prenotes and zero-dollar codes.",
)  # fmt: skip
_TRACE: Final = Fault(
    "nacha-trace", "DU03", *_PAYMENT, "instruction_id",
    "Give every entry a trace number of 15 digits above that of the entry before it in the batch.",
)  # fmt: skip
_ADDENDA: Final = Fault(
    "nacha-addenda", "RR07", *_PAYMENT, "addenda",
    "Set the addenda record indicator to 1 where addenda follow and to 0 where none do; PPD, CCD and WEB carry at most "
    "one addenda record of type 05, other classes none; number addenda from 0001 and repeat the last seven digits of "
    "the entry's trace number.",
)  # fmt: skip
_CHARACTER_REMEDY: Final = "Use printable ASCII characters only: letters without accents, digits and punctuation."
_CHARACTER: Final = Fault("nacha-character", "RR10", *_PAYMENT, "record", _CHARACTER_REMEDY)
_CHARACTER_FILE: Final = Fault("nacha-character", "RR10", Severity.ERROR, Level.FILE, "record", _CHARACTER_REMEDY)

_HEADER_COLUMNS: Final = (
    "batch_id", "company_name", "company_id", "sec", "description", "date_text", "date", "odfi",
)  # fmt: skip


def entries_of(records: pl.DataFrame, headers: pl.DataFrame, rows: int) -> pl.DataFrame:
    """One row an entry of the placed records, with its batch header's fields and its addenda's summary.

    `row` numbers the payments (entries inside a batch whose code has a direction) from `rows` + 1; null for the others.
    """
    entries = records.filter(pl.col("kind") == "6").select("line", "offset", "length", "text", "batch", "inside")
    first = int(headers["batch"][0]) if headers.height else 0
    position = entries.select(pl.when("inside").then(pl.col("batch") - first))["batch"]
    entries = entries.with_columns(headers.select(_HEADER_COLUMNS)[position] if headers.height else _no_header())
    entries = entries.with_columns(
        cut(2, 3).alias("code"),
        cut(80, 94).alias("trace"),
        pl.col("sec").is_in(COMMON_SEC).fill_null(value=False).alias("common"),
        number(pl.when(pl.col("sec") == "ADV").then(cut(28, 39)).otherwise(cut(30, 39))).alias("amount"),
        number(cut(4, 11)).alias("rdfi"),
    ).with_columns(pl.col("code").replace_strict(DIRECTIONS, default=None, return_dtype=pl.String).alias("direction"))
    payable = pl.col("inside") & pl.col("direction").is_not_null()
    foreign = (pl.col("common") & (pl.col("trace").str.head(8) != pl.col("odfi"))).alias("foreign_trace")
    row = pl.when(payable).then(payable.cum_sum().cast(pl.Int64) + rows).alias("row")
    end_to_end = pl.when("common").then(words(40, 54)).alias("end_to_end_id")
    return _with_addenda(entries.with_columns(row, end_to_end, foreign), records)


def _no_header() -> list[pl.Expr]:
    return [pl.lit(None, dtype=pl.Date if name == "date" else pl.String).alias(name) for name in _HEADER_COLUMNS]


def _with_addenda(entries: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Adds `addenda` (how many), `remittance` (text of type 05), `end` (byte after the last), `disordered`."""
    addenda = records.filter((pl.col("kind") == "7") & pl.col("anchored"))
    if addenda.is_empty():
        return entries.with_columns(
            pl.lit(0, dtype=pl.Int64).alias("addenda"),
            pl.lit(None, dtype=pl.String).alias("remittance"),
            (pl.col("offset") + pl.col("length")).alias("end"),
            pl.lit(value=False).alias("disordered"),
            pl.lit(value=False).alias("foreign_addenda"),
        )
    summary = _addenda_summary(addenda, entries["trace"])
    joined = entries.with_row_index("entry").with_columns(pl.col("entry").cast(pl.Int64))
    joined = joined.join(summary, on="entry", how="left", maintain_order="left")
    return joined.drop("entry").with_columns(
        pl.col("addenda").fill_null(0),
        pl.col("end").fill_null(pl.col("offset") + pl.col("length")),
        pl.col("disordered", "foreign_addenda").fill_null(value=False),
    )


def _addenda_summary(addenda: pl.DataFrame, traces: pl.Series) -> pl.DataFrame:
    """One row an entry that has addenda, by its index in the window."""
    index = pl.int_range(pl.len(), dtype=pl.Int64)
    first = pl.when(pl.col("entry").ne_missing(pl.col("entry").shift(1))).then(index).forward_fill()
    text = cut(4, 83).str.strip_chars_end(" ")
    each = addenda.select(
        "entry",
        (pl.col("offset") + pl.col("length")).alias("end"),
        pl.when((cut(2, 3) == "05") & (text != "")).then(text).alias("remittance"),
        (cut(2, 3) != "05").alias("foreign_addenda"),
        (index - first + 1).alias("addenda"),
        number(cut(84, 87)).alias("sequence"),
        (cut(88, 94) != traces.gather(addenda["entry"]).str.slice(8)).alias("other_entry"),
    ).with_columns((pl.col("sequence").ne_missing(pl.col("addenda")) | pl.col("other_entry")).alias("disordered"))
    each = each.drop("sequence", "other_entry")
    if bool((each["addenda"] == 1).all()):
        return each
    return each.group_by("entry", maintain_order=True).agg(
        pl.col("end").max(),
        pl.col("remittance").drop_nulls().str.join("\n"),
        pl.col("foreign_addenda", "disordered").any(),
        pl.col("addenda").max(),
    ).with_columns(pl.when(pl.col("remittance") != "").then(pl.col("remittance")))  # fmt: skip


def payments_of(entries: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """PAYMENTS columns (those that ACH files have) of the entries that can become payments."""
    common = pl.col("common")
    return entries.filter(pl.col("row").is_not_null()).select(
        payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"),
        "row", "line", "offset",
        (pl.col("end") - pl.col("offset")).alias("length"),
        "batch", "batch_id",
        pl.col("trace").alias("instruction_id"),
        "end_to_end_id",
        pl.col("direction").alias("credit_debit"),
        amount_text(pl.col("amount"), pl.lit("USD")).fill_null(words(30, 39)).alias("amount_text"),
        pl.col("amount").alias("amount_minor"),
        pl.lit("USD").alias("currency"),
        pl.col("date_text").alias("requested_execution_date_text"),
        pl.when(pl.col("date_text").is_not_null()).then("date").alias("requested_execution_date"),
        pl.col("sec").alias("local_instrument"),
        pl.col("description").alias("category_purpose"),
        pl.col("company_name").alias("debtor_name"),
        pl.col("company_id").alias("debtor_id"),
        pl.col("odfi").alias("debtor_agent"),
        pl.when(common).then(words(55, 76)).alias("creditor_name"),
        pl.when(common).then(_account()).alias("creditor_account"),
        cut(2, 2).replace_strict(ACCOUNT_TYPES, default=None, return_dtype=pl.String).alias("creditor_account_type"),
        cut(4, 12).alias("creditor_agent"),
        "remittance",
        pl.col("code").alias("transaction_code"),
        pl.col("code").is_in(NO_MONEY_CODES).alias("prenote"),
    )  # fmt: skip


def _account() -> pl.Expr:
    return cut(13, 29).str.replace_all(" ", "", literal=True).replace({"": None})


def entry_findings(entries: pl.DataFrame, last_trace: tuple[int, str]) -> Iterator[pl.DataFrame]:
    """What is wrong with entries inside batches. `last_trace`: batch and trace number of the entry before the window."""
    inside, code = pl.col("inside"), pl.col("code")
    unknown = entries.filter(inside & pl.col("direction").is_null())
    yield _CODE.on(unknown, pl.format("There is no transaction code {}; the entry cannot be read.", code), code)
    returned = entries.filter(inside & code.is_in(RETURN_CODES))
    yield _CODE.on(returned, pl.format("Transaction code {} is for returns, not for payments.", code), code)
    yield from _trace_findings(entries, last_trace)
    yield from _addenda_findings(entries)


def _trace_findings(entries: pl.DataFrame, last_trace: tuple[int, str]) -> Iterator[pl.DataFrame]:
    inside, trace = pl.col("inside"), pl.col("trace")
    digits = trace.str.contains(r"^[0-9]{15}$")
    yield _TRACE.on(entries.filter(inside & ~digits), "The trace number is not 15 digits.", trace)
    batch, before = last_trace
    same_batch = pl.col("batch") == pl.col("batch").shift(1, fill_value=batch)
    # Fifteen digits sort as text as they do as numbers.
    repeated = same_batch & digits & (trace <= trace.shift(1, fill_value=before))
    message = "The trace number is not above that of the entry before."
    yield _TRACE.on(entries.filter(inside & repeated), message, trace)


def _addenda_findings(entries: pl.DataFrame) -> Iterator[pl.DataFrame]:
    count, indicator = pl.col("addenda"), cut(79, 79)
    said = pl.when(count > 0).then(pl.lit("1")).otherwise(pl.lit("0"))
    message = pl.format("The addenda record indicator is {}, the addenda records that follow are {}.", indicator, count)
    yield _ADDENDA.on(entries.filter("common", indicator != said), message, indicator)
    allowed = pl.col("sec").is_in(ONE_ADDENDA_SEC).cast(pl.Int64)
    message = pl.format("The entry has {} addenda records; class {} carries at most {}.", count, "sec", allowed)
    yield _ADDENDA.on(entries.filter("common", count > allowed), message)
    yield _ADDENDA.on(entries.filter("common", "foreign_addenda"), "An addenda record is not of type 05.")
    text = "Addenda sequence number or entry detail sequence number is not as the entry's trace number asks."
    yield _ADDENDA.on(entries.filter("common", "disordered"), text)


def character_findings(
    characters: pl.DataFrame, records: pl.DataFrame, entries: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Bytes outside printable ASCII: on the payment where they stand in one, else on the file."""
    if characters.is_empty():
        return
    message = pl.format(
        "Position {} of the record holds the byte 0x{}, which is no printable ASCII character.", "column", "byte"
    )
    spans = entries.select(
        "batch", "batch_id", "row", "end_to_end_id", first="line", last=pl.col("line") + pl.col("addenda")
    )
    placed = characters.join(records.select("line", "kind"), on="line", how="left")
    near = placed.sort("line").join_asof(spans.sort("first"), left_on="line", right_on="first", strategy="backward")
    of_payment = pl.col("kind").is_in(["6", "7"]) & (pl.col("line") <= pl.col("last")) & pl.col("row").is_not_null()
    known = near.with_columns(of_payment.fill_null(value=False).alias("of_payment"))
    yield _CHARACTER.on(known.filter("of_payment"), message)
    yield _CHARACTER_FILE.on(known.filter(~pl.col("of_payment")), message)
