"""report-parquet: the first table of a report as one Parquet file, for machines that keep types.

Money is Int64 minor units beside its `currency`, dates are dates, text is text. What a column is, what it was made of and
for whom stands in the file's key-value metadata.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import Report
from exporters._report_tables import MONEY, kind_of


@dataclass(frozen=True, slots=True)
class ReportParquet:
    """ReportExport: one table, columns named as in the report's first one, after `report`, `day` and `scope`."""

    name: ClassVar[str] = "report-parquet"
    kind: ClassVar[Literal["report"]] = "report"
    suffix: ClassVar[str] = ".parquet"

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the rows of the first sheet. A report without rows keeps its columns and their types."""
        sheet = report.sheets[0]
        head = {"report": pl.lit(report.name), "day": pl.lit(report.day), "scope": pl.lit(report.scope)}
        own = [expr.alias(name) for name, expr in head.items() if name not in sheet.frame.columns]
        kinds = {name: kind_of(sheet, name) for name in sheet.frame.columns}
        facts = {
            "title": report.title, "kinds": json.dumps(kinds), "inputs": json.dumps(dict(report.inputs)),
            "state": report.sign_off.state if report.sign_off else "",
        }  # fmt: skip
        # A name says its unit, as everywhere in the lake.
        names = {name: f"{name}_minor" for name, kind in kinds.items() if kind in MONEY and not name.endswith("_minor")}
        sheet.frame.select(*own, pl.all()).rename(names).write_parquet(out, compression="zstd", metadata=facts)


EXPORT: Final = ReportParquet()
