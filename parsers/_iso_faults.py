"""Faults of a pain.001 as data: what the readers find wrong, before it becomes a row of the FINDINGS frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform, dtypes


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding, with the byte offset where it stands (so that a second reading does not tell it twice)."""

    rule: str
    reason: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    level: Level = Level.FILE
    offset: int = 0
    line: int | None = None
    batch: int | None = None
    batch_id: str | None = None
    row: int | None = None
    end_to_end_id: str | None = None
    field: str | None = None
    value: str | None = None

    def at(self, line: int, offset: int) -> Fault:
        """The same at a place."""
        return replace(self, line=line, offset=offset)


class Unreadable(Exception):  # noqa: N818  a signal between the readers, caught inside this package
    """Reading cannot go on. Carries the FATAL fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def fatal(rule: str, reason: str, message: str, remedy: str) -> Fault:
    """A fault that ends the reading of the file."""
    return Fault(rule, reason, message, remedy, severity=Severity.FATAL)


def findings_frame(faults: Sequence[Fault]) -> pl.DataFrame:
    """FINDINGS of these faults, in their order."""
    names = dtypes(FINDINGS)
    columns = {name: [getattr(fault, name) for fault in faults] for name in names}
    for name in ("severity", "level"):
        columns[name] = [code.value for code in columns[name]]
    return conform(pl.DataFrame(columns, schema=names), FINDINGS)
