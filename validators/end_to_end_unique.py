"""End-to-end ids are used once in a file: an answer or a statement that names one should mean one payment.

A warning. NOTPROVIDED is no id. NACHA files are passed over: an individual id names a person, who may be paid twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl
import polars_hash as plh

from canonical.codes import Level, Severity
from canonical.contracts import Context, Window
from canonical.frames import FINDINGS, empty
from validators._seen import Seen, noted, repeats, told
from validators._texts import real_end_to_end_ids

_SOURCES: Final = ("ISO 20022 PmtId/EndToEndId",)


@dataclass(frozen=True, slots=True)
class EndToEndUnique:
    """The rule: each repeat is told with the row that had the id first."""

    id: str = "end_to_end_unique"
    reason: str = "DU04"
    severity: Severity = Severity.WARNING
    level: Level = Level.PAYMENT
    remedy: str = "Give each payment an id of its own, so that statements can be matched without doubt."
    sources: tuple[str, ...] = _SOURCES
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> Seen:  # noqa: ARG002  the protocol's
        """Nothing seen."""
        return ()

    def update(self, state: Seen, window: Window, context: Context) -> Seen:
        """Note the ids of one more window."""
        if context.facts.domestic or window.payments.is_empty():
            return state
        ids = real_end_to_end_ids(window.payments).to_frame("id")
        return (*state, noted(window.payments, ids.select(plh.col("id").nchash.xxh3_128()).to_series(), context))

    def merge(self, left: Seen, right: Seen) -> Seen:
        """Both parts, in file order."""
        return left + right

    def finish(self, state: Seen, context: Context) -> pl.DataFrame:
        """FINDINGS: one for every payment whose id stood before."""
        if not state:
            return empty(FINDINGS)
        return told(
            repeats(state), rule=self.id, reason=self.reason, severity=self.severity.value,
            message=pl.format(
                f"End-to-end id “{{}}” stands in {context.facts.place} too",
                pl.col("end_to_end_id").str.head(60), pl.col("first_row"), pl.col("first_line"),
            ),
            remedy=self.remedy,
        )  # fmt: skip


RULE = EndToEndUnique()
