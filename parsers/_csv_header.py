"""What a CSV payment file must say in its first line, and what a client may agree on about it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl
from pydantic import field_validator

from canonical.codes import Level, Severity
from canonical.contracts import Model
from canonical.frames import FINDINGS, conform, empty

COLUMNS: Final = {
    "end_to_end_id": "end_to_end_id",
    "execution_date": "requested_execution_date_text",
    "creditor_name": "creditor_name",
    "creditor_account": "creditor_account",
    "amount": "amount_text",
    "currency": "currency",
    "instruction_id": "instruction_id",
    "uetr": "uetr",
    "debtor_name": "debtor_name",
    "debtor_id": "debtor_id",
    "debtor_account": "debtor_account",
    "debtor_agent": "debtor_agent",
    "debtor_country": "debtor_country",
    "ultimate_debtor_name": "ultimate_debtor_name",
    "creditor_account_type": "creditor_account_type",
    "creditor_agent": "creditor_agent",
    "creditor_street": "creditor_street",
    "creditor_building": "creditor_building",
    "creditor_post_code": "creditor_post_code",
    "creditor_town": "creditor_town",
    "creditor_country": "creditor_country",
    "ultimate_creditor_name": "ultimate_creditor_name",
    "remittance": "remittance",
    "remittance_reference": "remittance_reference",
    "purpose": "purpose",
    "category_purpose": "category_purpose",
    "service_level": "service_level",
    "local_instrument": "local_instrument",
    "charge_bearer": "charge_bearer",
}
"""Column of the file → canonical column."""

REQUIRED: Final = ("end_to_end_id", "execution_date", "creditor_name", "creditor_account", "amount", "currency")


def normal(name: str) -> str:
    """A heading as it is compared: small letters, blanks and hyphens as underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


class CsvOptions(Model):
    """What a client agreed on. `columns`: the client's heading → ours, for headings that differ."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal["utf-8", "cp1252", "iso-8859-1", "iso-8859-15"] = "utf-8"
    decimal: Literal[".", ","] = "."
    columns: dict[str, str] = {}  # noqa: RUF012  pydantic copies defaults

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(columns.values()) - set(COLUMNS))
        if unknown:
            raise ValueError(f"no columns of ours: {', '.join(unknown)} (there are: {', '.join(COLUMNS)})")
        return {normal(theirs): ours for theirs, ours in columns.items()}


@dataclass(frozen=True, slots=True)
class Layout:
    """`width`: columns of the header; `at`: our column → its place, from 0."""

    width: int
    at: dict[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault above row level, on its way to become a finding."""

    rule: str
    message: str
    remedy: str
    severity: Severity = Severity.FATAL
    reason: str = "FF01"
    line: int = 1
    value: str | None = None


_TEMPLATE = "Compare the first line with the template of the format."


def read_header(line: bytes, options: CsvOptions) -> tuple[Layout | None, list[Fault]]:
    """Layout of the file from its first line (without line break); None where nothing can be read by it."""
    text, fault = _decoded(line, options)
    if fault is not None:
        return None, [fault]
    names = [normal(name) for name in next(csv.reader([text], delimiter=options.delimiter), [])]
    ours = [options.columns.get(name, name) for name in names]
    faults = [
        *_twice(ours),
        *_missing(ours, options),
        *_unknown([name for name, mapped in zip(names, ours, strict=True) if mapped not in COLUMNS]),
    ]
    at = {name: place for place, name in enumerate(ours) if name in COLUMNS}
    broken = any(fault.severity is Severity.FATAL for fault in faults)
    return (None if broken else Layout(len(names), at)), faults


def _decoded(line: bytes, options: CsvOptions) -> tuple[str, Fault | None]:
    save = f"Save the file as CSV in {options.encoding}."
    if b"\0" in line or line.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", Fault(
            "csv-encoding", "The first line has NUL bytes: the file is UTF-16 or no text", save, reason="FF02"
        )
    if b"\r" in line:
        return "", Fault("csv-header", "The lines end with CR alone", "End each line with CR LF or LF.", reason="FF02")
    try:
        return line.decode(options.encoding), None
    except UnicodeDecodeError:
        return "", Fault("csv-encoding", f"The first line is not {options.encoding}", save, reason="FF02")


def _twice(ours: list[str]) -> list[Fault]:
    twice = sorted({name for name in ours if name in COLUMNS and ours.count(name) > 1})
    return [
        Fault("csv-header", f"The header names {name} twice", "Keep one of the two columns.", value=name)
        for name in twice
    ]


def _missing(ours: list[str], options: CsvOptions) -> list[Fault]:
    missing = [name for name in REQUIRED if name not in ours]
    if not missing:
        return []
    if len(ours) == 1:
        message = f"The first line is not divided by “{options.delimiter}”; it must name the columns"
        return [Fault("csv-header", message, f"Separate the columns by “{options.delimiter}”, or agree another sign.")]
    return [
        Fault("csv-header", f"Column {name} is missing from the header", _TEMPLATE, reason="CH21", value=name)
        for name in missing
    ]


def _unknown(names: list[str]) -> list[Fault]:
    remedy = "Nothing, if they carry nothing for the payment; else name them as in the template, or agree their names."
    message = f"Columns nobody knows are not read: {', '.join(name or '(no name)' for name in names)}"
    return [Fault("csv-header", message[:400], remedy, Severity.WARNING)] if names else []


def file_findings(faults: list[Fault]) -> pl.DataFrame:
    """FINDINGS frame at file level."""
    if not faults:
        return empty(FINDINGS)
    rows = [
        {
            "rule": fault.rule,
            "reason": fault.reason,
            "severity": fault.severity.value,
            "level": Level.FILE.value,
            "line": fault.line,
            "value": fault.value,
            "message": fault.message,
            "remedy": fault.remedy,
        }
        for fault in faults
    ]
    return conform(pl.DataFrame(rows, schema_overrides={"value": pl.String, "line": pl.Int64}), FINDINGS)
