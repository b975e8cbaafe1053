"""Build findings of ACH files: each check gives the records at fault and says once what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, dtypes, empty

_DTYPES: Final = dtypes(FINDINGS)
NONE: Final = empty(FINDINGS)
"""No findings. Frames do not change, so that one serves all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a check says of every record it finds: rule id, ISO reason, severity, level, field and remedy."""

    rule: str
    reason: str
    severity: Severity
    level: Level
    field: str
    remedy: str

    def on(self, frame: pl.DataFrame, message: str | pl.Expr, value: pl.Expr | None = None) -> pl.DataFrame:
        """FINDINGS rows, one for each row of `frame`.

        `frame` has `line` and, as far as known, `batch`, `batch_id`, `row` and `end_to_end_id`; a finding takes those of
        its level. `message` may be an expression on the frame; so is `value`, masked already where it must be.
        """
        if frame.is_empty():
            return NONE
        # Polars 2.1's format panics on a column whose first chunk is empty, as a filter of a concatenation may leave it.
        frame = frame.rechunk()
        by_level = {
            Level.FILE: ("line",),
            Level.BATCH: ("batch", "batch_id", "line"),
            Level.PAYMENT: ("batch", "batch_id", "row", "line", "end_to_end_id"),
        }[self.level]
        columns: dict[str, pl.Expr] = {
            "rule": pl.lit(self.rule), "reason": pl.lit(self.reason), "severity": pl.lit(self.severity.value),
            "level": pl.lit(self.level.value), "field": pl.lit(self.field), "remedy": pl.lit(self.remedy),
            "message": pl.lit(message) if isinstance(message, str) else message,
            "value": pl.lit(None) if value is None else value,
        }  # fmt: skip
        columns |= {name: pl.col(name) for name in by_level if name in frame.columns}
        return frame.select(columns.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in _DTYPES.items())

    def at(self, line: int | None, message: str, value: str | None = None) -> pl.DataFrame:
        """One finding at file level (or on whatever `line` says)."""
        frame = pl.DataFrame({"line": [line]}, schema={"line": pl.Int64})
        return self.on(frame, message, pl.lit(value, dtype=pl.String))


@dataclass(frozen=True, slots=True)
class Check:
    """`wrong`: which rows of a frame are at fault; `message` and `value` as `Fault.on` takes them."""

    fault: Fault
    wrong: pl.Expr
    message: str | pl.Expr
    value: pl.Expr | None = None


def failed(frame: pl.DataFrame, checks: Sequence[Check]) -> Iterator[pl.DataFrame]:
    """FINDINGS of the rows that fail a check. One look at the frame tells which checks have any."""
    if frame.is_empty():
        return
    found = frame.select(check.wrong.any().alias(str(place)) for place, check in enumerate(checks)).row(0)
    for check, any_wrong in zip(checks, found, strict=True):
        if any_wrong:
            yield check.fault.on(frame.filter(check.wrong), check.message, check.value)


def gathered(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """FINDINGS frames put together, in line order; those without a line stand last."""
    filled = [part for part in parts if not part.is_empty()]
    if not filled:
        return NONE
    return pl.concat(filled).sort("line", nulls_last=True, maintain_order=True)
