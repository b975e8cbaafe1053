"""Batch headers and controls of ACH files: fields, sums and what is wrong with them.

Source: Nacha Operating Rules, Appendix Three: company/batch header and company/batch control record, all classes; the
reasons for which an ACH Operator rejects a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from parsers._nacha_classes import CLASS_OF, ORDERED, PAYMENT_CLASSES
from parsers._nacha_digits import Flags, Integers
from parsers._nacha_findings import Check, Fault, failed
from parsers._nacha_layout import HASH_MODULUS, SERVICE_CLASSES, cut, number, words
from parsers._nacha_order import NO_RECORDS, Placed

_BATCH: Final = (Severity.ERROR, Level.BATCH)
SERVICE_CLASS: Final = Fault(
    "nacha-service-class", "FF02", *_BATCH, "service class code",
    "Use 220 for a batch of credits only, 225 for debits only, 200 for both.",
)  # fmt: skip
SERVICE_CLASS_ENTRIES: Final = Fault(
    "nacha-service-class-entries", "FF02", *_BATCH, "service class code",
    "Use 220 for a batch of credits only, 225 for debits only, 200 for both.",
)  # fmt: skip
SEC: Final = Fault(
    "nacha-sec", "FF03", *_BATCH, "local_instrument", f"Send payments as one of: {', '.join(sorted(PAYMENT_CLASSES))}."
)
ADVICE: Final = Fault(
    "nacha-advice", "FF03", *_BATCH, "local_instrument",
    "Leave accounting advices out: they tell of what was settled and come from ACH operators.",
)  # fmt: skip
COMPANY_NAME: Final = Fault(
    "nacha-company-name",
    "CH21",
    *_BATCH,
    "company name",
    "Give the company name at positions 5-20 of the batch header.",
)
COMPANY_ID: Final = Fault(
    "nacha-company-id", "CH21", *_BATCH, "company identification",
    "Give the company identification at positions 41-50 of the batch header.",
)  # fmt: skip
DESCRIPTION: Final = Fault(
    "nacha-entry-description", "CH21", *_BATCH, "category_purpose",
    "Say at positions 54-63 of the batch header what the payments are for.",
)  # fmt: skip
DESCRIBED: Final = Fault(
    "nacha-described", "CH21", Severity.WARNING, Level.BATCH, "category_purpose",
    "Write at positions 54-63 of the batch header REDEPCHECK for class RCK, NO CHECK for XCK, AUTOENROLL for ENR; REVERSAL where "
    "entries are reversed.",
)  # fmt: skip
_DESCRIPTIONS: Final = {item.code: item.described for item in ORDERED if item.described}
ODFI: Final = Fault(
    "nacha-odfi", "RC03", *_BATCH, "originating DFI identification",
    "Give the first eight digits of your bank's routing number at positions 80-87 of header and control.",
)  # fmt: skip
NUMBER: Final = Fault(
    "nacha-batch-number", "FF02", Severity.WARNING, Level.BATCH, "batch_id",
    "Number the batches of a file in ascending order.",
)  # fmt: skip
IAT_HEADER: Final = Fault(
    "nacha-iat-header", "FF02", *_BATCH, "batch header",
    "Give foreign exchange indicator (21-22), destination country (39-40), originating and destination currency (64-69) in "
    "the batch header of international entries.",
)  # fmt: skip
TRACE_ODFI: Final = Fault(
    "nacha-trace-odfi", "RC03", Severity.WARNING, Level.BATCH, "instruction_id",
    "Begin trace numbers with the originating DFI identification of the batch header.",
)  # fmt: skip
_MATCH_REMEDY: Final = "Repeat in the batch control what the batch header says."
MATCHES: Final = {
    "service_class": Fault("nacha-service-class-match", "FF02", *_BATCH, "service class code", _MATCH_REMEDY),
    "company_id": Fault("nacha-company-match", "FF02", *_BATCH, "company identification", _MATCH_REMEDY),
    "odfi": Fault("nacha-odfi-match", "FF02", *_BATCH, "originating DFI identification", _MATCH_REMEDY),
    "batch_id": Fault("nacha-batch-number-match", "FF02", *_BATCH, "batch number", _MATCH_REMEDY),
}
"""Columns of the header that the control repeats."""
FAULTS: Final = (
    SERVICE_CLASS, SERVICE_CLASS_ENTRIES, SEC, ADVICE, COMPANY_NAME, COMPANY_ID, DESCRIPTION, DESCRIBED, ODFI, NUMBER,
    IAT_HEADER,
    TRACE_ODFI, *MATCHES.values(),
)  # fmt: skip

_SUMS: Final = {"count": pl.Int64, "entry_hash": pl.Int64, "debit_sum": pl.Int64, "credit_sum": pl.Int64}
_COUNTS: Final = {"debits": pl.Int64, "credits": pl.Int64, "foreign_traces": pl.Int64, "sideless_sum": pl.Int64}
SUMS_SCHEMA: Final = {"batch": pl.Int64, **_SUMS, **_COUNTS}
"""What is counted of a batch: `count` is entries and addenda, sums are minor units, one of them of entries whose code has no side."""


def batch_headers(records: pl.DataFrame) -> pl.DataFrame:
    """One row a batch header, in file order. `records`: line, text and batch of the batch header records.

    `class_index`: place of its class in ORDERED; `odfi_number`: -1 where the originating DFI is no number.
    """
    if records.is_empty():
        return _no_headers()
    return _headers_of(records)


def _headers_of(records: pl.DataFrame) -> pl.DataFrame:
    date, sec, odfi = cut(70, 75), cut(51, 53), cut(80, 87)
    international = sec == "IAT"
    return records.select(
        "batch",
        "line",
        "text",
        cut(88, 94).alias("batch_id"),
        cut(2, 4).alias("service_class"),
        # There an indicator stands in its place; the name is in the addenda.
        pl.when(~international).then(words(5, 20)).alias("company_name"),
        words(21, 40).alias("discretionary"),
        words(41, 50).alias("company_id"),
        sec.alias("sec"),
        sec.replace_strict(CLASS_OF, default=len(ORDERED) - 1, return_dtype=pl.Int64).alias("class_index"),
        words(54, 63).alias("description"),
        pl.when(~date.is_in(["      ", "000000"])).then(date).alias("date_text"),
        (pl.lit("20") + date).str.to_date("%Y%m%d", strict=False, exact=True).alias("date"),
        odfi.alias("odfi"),
        odfi.cast(pl.Int64, strict=False).fill_null(-1).alias("odfi_number"),
    )


@cache
def _no_headers() -> pl.DataFrame:
    # Made when it is asked for: what runs Polars while it is imported leaves its threads to no process that is forked later.
    return _headers_of(NO_RECORDS)


def header_findings(headers: pl.DataFrame, last_number: int | None) -> Iterator[pl.DataFrame]:
    """What is wrong with batch headers. `last_number`: batch number of the header before the first one, if any."""
    ordinal = number(pl.col("batch_id"))
    descending = ordinal.is_null() | (ordinal <= ordinal.shift(1, fill_value=last_number))
    message = pl.format("Batch number {} is not above that of the batch before.", "batch_id")
    return failed(headers, (*_HEADER_CHECKS, Check(NUMBER, descending, message, pl.col("batch_id")), *_IAT_CHECKS))


def _header_checks() -> Iterator[Check]:
    service, sec, odfi = pl.col("service_class"), pl.col("sec"), pl.col("odfi")
    no_service = pl.format("There is no service class {}.", service)
    yield Check(SERVICE_CLASS, ~service.is_in(SERVICE_CLASSES), no_service, service)
    yield Check(ADVICE, sec == "ADV", "The batch holds accounting advices (ADV), which are no payments.", sec)
    no_class = (
        pl.when(sec.str.to_uppercase().is_in(PAYMENT_CLASSES))
        .then(
            pl.format("Class {} is written in capitals, {}; the whole batch is refused.", sec, sec.str.to_uppercase())
        )
        .otherwise(pl.format("Entries of class {} are not taken as payments; the whole batch is refused.", sec))
    )
    yield Check(SEC, ~sec.is_in(PAYMENT_CLASSES | {"ADV"}), no_class, sec)
    common = sec.is_in(PAYMENT_CLASSES)
    # An ACH Operator rejects a batch where one of these is all blanks or all zeros.
    for fault, column, asked in (
        (COMPANY_NAME, "company_name", common & (sec != "IAT")),
        (COMPANY_ID, "company_id", common),
        (DESCRIPTION, "description", common),
    ):
        missing = pl.col(column).fill_null("").str.strip_chars("0") == ""
        name = column.replace("_id", " identification").replace("_", " ")
        yield Check(fault, asked & missing, f"The {name} is missing.", pl.col(column))
    wanted = sec.replace_strict(_DESCRIPTIONS, default=None, return_dtype=pl.String)
    description = pl.col("description").fill_null("").str.to_uppercase()
    other = (description.str.strip_chars("0") != "") & (description != wanted) & (description != "REVERSAL")
    said = pl.format("Class {} is described as {}, not as “{}”.", sec, wanted, "description")
    yield Check(DESCRIBED, other, said, pl.col("description"))
    foreign = "The originating DFI identification is not eight digits."
    yield Check(ODFI, ~odfi.str.contains(r"^[0-9]{8}$"), foreign, odfi)


def _international_checks() -> Iterator[Check]:
    for name, text, pattern, right in (
        ("foreign exchange indicator", cut(21, 22), r"^(FV|VF|FF)$", "FV, VF or FF"),
        ("destination country", cut(39, 40), r"^[A-Z]{2}$", "two capitals"),
        ("originating currency", cut(64, 66), r"^[A-Z]{3}$", "three capitals"),
        ("destination currency", cut(67, 69), r"^[A-Z]{3}$", "three capitals"),
    ):
        wrong = (pl.col("sec") == "IAT") & ~text.str.contains(pattern)
        yield Check(IAT_HEADER, wrong, pl.format(f"The {name} is {{}}; it must be {right}.", text), text)


_HEADER_CHECKS: Final = tuple(_header_checks())
_IAT_CHECKS: Final = tuple(_international_checks())


def batch_sums(here: Placed, entries: Mapping[str, Integers | Flags], carried: pl.DataFrame) -> pl.DataFrame:
    """SUMS_SCHEMA: what was counted of each batch in this window, with what was carried of the open one.

    `entries`: for each entry of the window rdfi (first eight digits), amount, debit, credit, sideless, foreign_trace.
    """
    kinds = here.records.kinds
    counted = np.flatnonzero(here.inside & ((kinds == ord("6")) | (kinds == ord("7"))))
    index = here.parts.entries
    inside = here.inside[index]
    batch = here.batch[index]
    if not inside.all():
        batch, entries = batch[inside], {name: values[inside] for name, values in entries.items()}
    amount, debit, credit = entries["amount"], entries["debit"], entries["credit"]
    of_entries = run_sums(batch, {
        "entry_hash": entries["rdfi"], "debit_sum": amount * debit, "credit_sum": amount * credit,
        "debits": debit, "credits": credit, "foreign_traces": entries["foreign_trace"],
        "sideless_sum": amount * entries["sideless"],
    })  # fmt: skip
    counts = run_sums(here.batch[counted], {"count": np.ones(len(counted), np.int64)})
    parts = [{name: carried[name].to_numpy() for name in SUMS_SCHEMA}, of_entries, counts]
    places, inverse = np.unique(np.concatenate([part["batch"] for part in parts]), return_inverse=True)
    sums = {name: np.zeros(len(places), np.int64) for name in SUMS_SCHEMA} | {"batch": places}
    before = 0
    for part in parts:
        upto = before + len(part["batch"])
        for name in part.keys() - {"batch"}:
            # Within one part every batch stands once.
            sums[name][inverse[before:upto]] += part[name]
        before = upto
    return pl.DataFrame(sums, schema=SUMS_SCHEMA)


def run_sums(batch: Integers, columns: Mapping[str, Integers | Flags]) -> dict[str, Integers]:
    """`batch` of each run of one batch and the sums over it, as arrays; batches ascend."""
    if not batch.size:
        return {name: np.zeros(0, np.int64) for name in ("batch", *columns)}
    starts = np.flatnonzero(np.concatenate(([True], batch[1:] != batch[:-1])))
    sums = {name: np.add.reduceat(values, starts, dtype=np.int64) for name, values in columns.items()}
    return {"batch": batch[starts], **sums}


def batch_controls(records: pl.DataFrame, headers: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """One row a batch control that closes an open batch: its text, its header's fields and what was counted."""
    known = records.join(headers.drop("line", "text"), on="batch", how="left", maintain_order="left")
    counted = known.join(sums, on="batch", how="left", maintain_order="left")
    return counted.with_columns(pl.col(*_SUMS, *_COUNTS).fill_null(0))


def control_findings(controls: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Batch controls that do not repeat their header, and service classes that do not fit the entries."""
    return failed(controls, _CONTROL_CHECKS)


def _control_checks() -> Iterator[Check]:
    sec, service = pl.col("sec"), pl.col("service_class")
    repeated = {
        "service_class": cut(2, 4), "company_id": words(45, 54), "odfi": cut(80, 87), "batch_id": cut(88, 94),
    }  # fmt: skip
    for column, fault in MATCHES.items():
        differs = sec.is_in(PAYMENT_CLASSES) & pl.col(column).ne_missing(repeated[column])
        if column == "service_class":
            # A class that there is not is told at the header.
            differs &= service.is_in(SERVICE_CLASSES)
        if column == "company_id":
            # The control record of international entries has the originator's identification as an option.
            differs &= (sec != "IAT") | repeated[column].is_not_null()
        said, meant = repeated[column].fill_null(""), pl.col(column).fill_null("")
        message = pl.format(f"The {fault.field} of the batch control is {{}}, of the batch header {{}}.", said, meant)
        yield Check(fault, differs, message, said)
    for code, column, name in (("220", "debits", "debit"), ("225", "credits", "credit")):
        message = pl.format(
            f"Service class {code} does not fit: the batch has {{}}.", count_said(column, f"{name} entry")
        )
        # Where header and control differ, that is told, and which of them is wrong shows there.
        agreed = (service == code) & (repeated["service_class"] == code)
        yield Check(SERVICE_CLASS_ENTRIES, agreed & (pl.col(column) > 0), message, service)
    advice = (service == "280") & (sec != "ADV")
    yield Check(SERVICE_CLASS_ENTRIES, advice, "Service class 280 is for accounting advices only.", service)
    message = pl.format("Not begun with the batch's originating DFI: {}.", count_said("foreign_traces", "trace number"))
    yield Check(TRACE_ODFI, (pl.col("foreign_traces") > 0) & (pl.col("odfi") == repeated["odfi"]), message)


_CONTROL_CHECKS: Final = tuple(_control_checks())


def control_totals(controls: pl.DataFrame) -> pl.DataFrame:
    """Rows of TOTALS that the batch controls declare, four to a control."""
    if controls.is_empty():
        return pl.DataFrame()
    advice = pl.col("sec") == "ADV"
    parts = {
        "count": ("entry/addenda count", cut(5, 10)),
        "entry_hash": ("entry hash", cut(11, 20)),
        "debit_sum": ("total debit amount", pl.when(advice).then(cut(21, 40)).otherwise(cut(21, 32))),
        "credit_sum": ("total credit amount", pl.when(advice).then(cut(41, 60)).otherwise(cut(33, 44))),
    }
    controls = _sides_taken(controls, {side: number(parts[side][1]) for side in ("debit_sum", "credit_sum")})
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


def _sides_taken(controls: pl.DataFrame, declared: dict[str, pl.Expr]) -> pl.DataFrame:
    """The controls, with entries whose code has no side counted on the sides that just they are missing from.

    Such an entry has its own finding; the totals say which side it was meant for.
    """
    left = [said - pl.col(side) for side, said in declared.items()]
    sideless = pl.col("sideless_sum")
    explained = (sideless > 0) & pl.all_horizontal(part >= 0 for part in left) & (pl.sum_horizontal(left) == sideless)
    return controls.with_columns(
        pl.when(explained).then(said).otherwise(side).alias(side) for side, said in declared.items()
    )
