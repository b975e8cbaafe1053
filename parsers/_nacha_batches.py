"""Batch headers and controls of ACH files: fields, sums and what is wrong with them.

Source: Nacha Operating Rules, Appendix Three: company/batch header and company/batch control record, all classes; the
reasons for which an ACH Operator rejects a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from parsers._nacha_findings import Fault
from parsers._nacha_layout import COMMON_SEC, HASH_MODULUS, SERVICE_CLASSES, cut, number, words

_BATCH: Final = (Severity.ERROR, Level.BATCH)
_SERVICE_CLASS: Final = Fault(
    "nacha-service-class", "FF02", *_BATCH, "service class code",
    "Use 220 for a batch of credits only, 225 for debits only, 200 for both.",
)  # fmt: skip
_SEC: Final = Fault(
    "nacha-sec", "FF03", *_BATCH, "standard entry class code",
    f"Send payments as one of: {', '.join(sorted(COMMON_SEC))}.",
)  # fmt: skip
_COMPANY: Final = Fault(
    "nacha-company", "CH21", *_BATCH, "batch header",
    "Give company name, company identification and company entry description in every batch header.",
)  # fmt: skip
_ODFI: Final = Fault(
    "nacha-odfi", "RC03", *_BATCH, "originating DFI identification",
    "Give the first eight digits of your bank's routing number at positions 80-87 of header and control.",
)  # fmt: skip
_NUMBER: Final = Fault(
    "nacha-batch-number", "FF02", Severity.WARNING, Level.BATCH, "batch number",
    "Number the batches of a file in ascending order.",
)  # fmt: skip
_CONTROL: Final = Fault(
    "nacha-batch-control", "FF02", *_BATCH, "batch control",
    "Repeat service class, company identification, originating DFI and batch number of the batch header.",
)  # fmt: skip
_TRACE: Final = Fault(
    "nacha-trace-odfi", "RC03", Severity.WARNING, Level.BATCH, "instruction_id",
    "Begin trace numbers with the originating DFI identification of the batch header.",
)  # fmt: skip

_REPEATED: Final = {
    "service_class": "service class code",
    "company_id": "company identification",
    "odfi": "originating DFI identification",
    "batch_id": "batch number",
}
_SUMS: Final = {"count": pl.Int64, "entry_hash": pl.Int64, "debit_sum": pl.Int64, "credit_sum": pl.Int64}
_COUNTS: Final = {"debits": pl.Int64, "credits": pl.Int64, "foreign_traces": pl.Int64}
SUMS_SCHEMA: Final = {"batch": pl.Int64, **_SUMS, **_COUNTS}
"""What is counted of a batch: `count` is entries and addenda, sums are minor units."""


def batch_headers(records: pl.DataFrame) -> pl.DataFrame:
    """One row a batch header of the placed records, in file order."""
    date = cut(70, 75)
    return records.filter(pl.col("kind") == "5").select(
        "batch",
        "line",
        cut(88, 94).alias("batch_id"),
        cut(2, 4).alias("service_class"),
        words(5, 20).alias("company_name"),
        words(21, 40).alias("discretionary"),
        words(41, 50).alias("company_id"),
        cut(51, 53).alias("sec"),
        words(54, 63).alias("description"),
        pl.when(~date.is_in(["      ", "000000"])).then(date).alias("date_text"),
        (pl.lit("20") + date).str.to_date("%Y%m%d", strict=False, exact=True).alias("date"),
        cut(80, 87).alias("odfi"),
    )


def header_findings(headers: pl.DataFrame, last_number: int | None) -> Iterator[pl.DataFrame]:
    """What is wrong with batch headers. `last_number`: batch number of the header before the first one, if any."""
    service = pl.col("service_class")
    wrong = headers.filter(~service.is_in(SERVICE_CLASSES))
    yield _SERVICE_CLASS.on(wrong, pl.format("There is no service class {}.", service), service)
    other = headers.filter(~pl.col("sec").is_in(COMMON_SEC))
    message = pl.format("Entries of class {} are not taken as payments; the whole batch is refused.", "sec")
    yield _SEC.on(other, message, pl.col("sec"))
    common = headers.filter(pl.col("sec").is_in(COMMON_SEC))
    for column, name in {
        "company_name": "name",
        "company_id": "identification",
        "description": "entry description",
    }.items():
        # An ACH Operator rejects a batch where one of these is all blanks or all zeros.
        missing = common.filter(pl.col(column).fill_null("").str.strip_chars("0") == "")
        yield _COMPANY.on(missing, f"The company {name} of the batch is missing.", pl.col(column))
    foreign = headers.filter(~pl.col("odfi").str.contains(r"^[0-9]{8}$"))
    yield _ODFI.on(foreign, "The originating DFI identification is not eight digits.", pl.col("odfi"))
    ordinal = number(pl.col("batch_id"))
    descending = headers.filter(ordinal.is_null() | (ordinal <= ordinal.shift(1, fill_value=last_number)))
    message = pl.format("Batch number {} is not above that of the batch before.", "batch_id")
    yield _NUMBER.on(descending, message, pl.col("batch_id"))


def batch_sums(entries: pl.DataFrame, records: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """SUMS_SCHEMA: what was counted of each batch in this window, with what was carried of the open one.

    `entries`: batch, inside, rdfi (first eight digits), direction, amount, foreign_trace; `records`: the placed records.
    """
    debit, credit = pl.col("direction") == "DBIT", pl.col("direction") == "CRDT"
    of_entries = (
        entries.filter("inside")
        .group_by("batch")
        .agg(
            pl.lit(0, pl.Int64).alias("count"),
            pl.col("rdfi").sum().alias("entry_hash"),
            pl.col("amount").filter(debit).sum().alias("debit_sum"),
            pl.col("amount").filter(credit).sum().alias("credit_sum"),
            debit.sum().cast(pl.Int64).alias("debits"),
            credit.sum().cast(pl.Int64).alias("credits"),
            pl.col("foreign_trace").sum().cast(pl.Int64).alias("foreign_traces"),
        )
    )
    inside = records.filter(pl.col("inside") & pl.col("kind").is_in(["6", "7"]))
    counts = inside.group_by("batch").agg(pl.len().cast(pl.Int64).alias("count"))
    both = pl.concat([carried, of_entries, counts], how="diagonal")
    return both.group_by("batch").sum().sort("batch").select(*SUMS_SCHEMA)


def batch_controls(records: pl.DataFrame, headers: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """One row a batch control that closes an open batch: its text, its header's fields and what was counted."""
    controls = records.filter((pl.col("kind") == "8") & pl.col("inside")).select("line", "text", "batch")
    known = controls.join(headers.drop("line"), on="batch", how="left", maintain_order="left")
    counted = known.join(sums, on="batch", how="left", maintain_order="left")
    return counted.with_columns(pl.col(*_SUMS, *_COUNTS).fill_null(0))


def control_findings(controls: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Batch controls that do not repeat their header, and service classes that do not fit the entries."""
    common = controls.filter(pl.col("sec").is_in(COMMON_SEC)).with_columns(
        cut(2, 4).alias("control_service_class"),
        words(45, 54).alias("control_company_id"),
        cut(80, 87).alias("control_odfi"),
        cut(88, 94).alias("control_batch_id"),
    )
    for column, name in _REPEATED.items():
        differs = common.filter(pl.col(column).ne_missing(pl.col(f"control_{column}")))
        said, meant = pl.col(f"control_{column}").fill_null(""), pl.col(column).fill_null("")
        message = pl.format(f"The {name} of the batch control is {{}}, of the batch header {{}}.", said, meant)
        yield _CONTROL.on(differs, message, said)
    service = pl.col("service_class")
    for code, column, name in (("220", "debits", "debit"), ("225", "credits", "credit")):
        mixed = controls.filter((service == code) & (pl.col(column) > 0))
        message = pl.format(f"Service class {code} does not fit: the batch has {{}} {name} entries.", column)
        yield _SERVICE_CLASS.on(mixed, message, service)
    foreign = controls.filter(pl.col("foreign_traces") > 0)
    message = pl.format("{} trace numbers of the batch begin with another originating DFI.", "foreign_traces")
    yield _TRACE.on(foreign, message)
    advice = controls.filter((service == "280") & (pl.col("sec") != "ADV"))
    yield _SERVICE_CLASS.on(advice, "Service class 280 is for accounting advices only.", service)


def control_totals(controls: pl.DataFrame) -> pl.DataFrame:
    """Rows of TOTALS that the batch controls declare, four to a control."""
    advice = pl.col("sec") == "ADV"
    parts = {
        "count": ("entry/addenda count", cut(5, 10)),
        "entry_hash": ("entry hash", cut(11, 20)),
        "debit_sum": ("total debit amount", pl.when(advice).then(cut(21, 40)).otherwise(cut(21, 32))),
        "credit_sum": ("total credit amount", pl.when(advice).then(cut(41, 60)).otherwise(cut(33, 44))),
    }
    rows = [
        controls.select(
            pl.lit("batch").alias("level"), "batch", "batch_id", "line",
            pl.lit(f"batch control: {name}").alias("field"), pl.lit(measure).alias("measure"),
            text.alias("declared_text"), number(text).alias("declared"),
            (pl.col(measure) % HASH_MODULUS if measure == "entry_hash" else pl.col(measure)).alias("found"),
        )
        for measure, (name, text) in parts.items()
    ]  # fmt: skip
    return pl.concat(rows).sort("line", maintain_order=True)
