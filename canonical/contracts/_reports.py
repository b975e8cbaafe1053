"""What reports hold, and what exporters of reports keep to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal, Protocol

import polars as pl


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a report. `kinds`: column → "money" (minor units; the frame has `currency`), "count", "date", "text".

    "share" is tenths of a percent; "balance" is money and "number" a count that no total adds up.
    """

    name: str
    frame: pl.DataFrame
    kinds: dict[str, str]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar a label, in the order given. `unit`: what `values` count, e.g. "breaks"; money is never charted."""

    title: str
    labels: tuple[str, ...]
    values: tuple[int, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who stands for a report, as the close says it; times are ISO 8601. Without a reviewer the report is preliminary.

    `withdrawn`: it was signed, and is not any more.
    """

    prepared_by: str = ""
    prepared_at: str = ""
    reviewed_by: str = ""
    reviewed_at: str = ""
    withdrawn: bool = False

    @property
    def state(self) -> str:
        """PRELIMINARY, FINAL or WITHDRAWN."""
        if self.withdrawn:
            return "WITHDRAWN"
        return "FINAL" if self.reviewed_by else "PRELIMINARY"


@dataclass(frozen=True, slots=True)
class Report:
    """A report, laid out by any report export. `facts`: label and value, shown above the tables.

    `charts`: shown beside the tables where the layout can. `inputs`: name and SHA-256 of all that the figures come from.
    `sign_off`: None for a report that nobody signs.
    """

    name: str
    title: str
    day: dt.date
    scope: str
    facts: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]
    charts: tuple[Chart, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    sign_off: SignOff | None = None

    @property
    def file_name(self) -> str:
        """What its files are called, before the suffix."""
        return f"{self.name}-{self.scope}"


class ReportExport(Protocol):
    """exporters/: reports for finance. `kind` is "report"."""

    name: str
    kind: ClassVar[Literal["report"]]
    suffix: str

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the report; the same input gives the same bytes."""
        ...
