"""What must hold of any bytes whatever: a format says what is wrong, or one of our errors stops it; it never guesses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from canonical.contracts import Source
from canonical.errors import BulkrailError, FrameBroken
from canonical.frames import BALANCES, CANCELLATIONS, ENTRIES, FINDINGS, PAYMENTS, STATEMENTS, STATUSES, TOTALS, checked
from canonical.plugins import discover

GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
FOLDERS = {
    "csv": "csv", "nacha-return": "nacha", "settlement-csv": "csv", "xlsx": "csv",
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "settlement-csv": {
        "columns": {"account": {"constant": "A"}, "currency": {"constant": "EUR"}, "booking_date": 1},
        "net": 2, "fees": [3], "header": False, "width": 6,
    },
}  # fmt: skip
"""Options of formats that cannot do without any."""
SEED_BYTES_MAX = 20_000
SAMPLES_MAX = 40


def formats() -> dict[str, Any]:
    """Every format by name."""
    return discover("parsers", "FORMAT")


@cache
def samples(name: str) -> tuple[bytes, ...]:
    """The first of them, read once: a property draws from them again and again."""
    return tuple(islice(seeds(name), SAMPLES_MAX))


def seeds(name: str) -> Iterator[bytes]:
    """Small files of the format: those it knows itself among our golden ones and, where they are, the corpus."""
    found = formats()[name]
    folders = (GOLDEN, CORPUS / FOLDERS.get(name, name.replace("-", "")))
    for path in sorted(item for folder in folders for item in folder.rglob("*") if item.is_file()):
        data = path.read_bytes()
        if len(data) <= SEED_BYTES_MAX and found.sniff(data[:65536]):
            yield data


def survive(name: str, data: bytes) -> None:
    """Read bytes as a format. Raises AssertionError where it guesses, whatever else it raises where it crashes."""
    found = formats()[name]
    found.sniff(data[:65536])
    source = Source("0" * 20, "fuzzed", data)
    try:
        if found.kind == "payment":
            _payments(found, source)
        elif found.kind == "cancellation":
            asked = found.read(source)
            checked(asked.requests, CANCELLATIONS)
            checked(asked.findings, FINDINGS)
        else:
            said = found.read(source, found.options.model_validate(OPTIONS.get(name, {})))
            for frame, schema in (
                (said.statuses, STATUSES), (said.statements, STATEMENTS), (said.entries, ENTRIES), (said.findings, FINDINGS),
                (said.balances, BALANCES),
            ):  # fmt: skip
                checked(frame, schema)
    except FrameBroken:
        raise  # a client's bytes must not break our frames
    except BulkrailError:
        return


def _payments(found: Any, source: Source) -> None:
    size, rows, unreadable, told = len(source.data), [], 0, []
    for number, window in enumerate(found.windows(source, found.options())):
        assert (window.header is not None) == (number == 0), "the first window carries the header"
        checked(window.payments, PAYMENTS)
        checked(window.totals, TOTALS)
        told.append(checked(window.findings, FINDINGS))
        rows += window.payments["row"].to_list()
        unreadable += window.unreadable
        inside = (pl.col("offset") + pl.col("length") <= size) | (found.name == "xlsx")
        assert window.payments.select(inside.all()).item(), "a payment lies within the file"
    assert rows == sorted(set(rows)), "rows go up and none stands twice"
    findings = pl.concat(told)
    assert rows or unreadable or not findings.is_empty() or not size, "a file without payments has a finding"
    assert not unreadable or not findings.is_empty(), "what became no payment has a finding"
