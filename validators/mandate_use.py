"""A mandate is used as its sequence type says: for one collection (OOFF) once, and it begins (FRST) and ends (FNAL) once.

What the file itself shows: a mandate is known by the creditor identifier and its own id. A warning: the debtor's bank decides, and it
has no mandate for a second one-off collection. NACHA and Bacs files are passed over.
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

_MEANINGS: Final = {
    "OOFF": ("only", "Leave it out, or have the debtor sign a mandate for several collections and give RCUR."),
    "FRST": ("first", "Give RCUR for every collection of a mandate but its first."),
    "FNAL": ("last", "Give RCUR for every collection of a mandate but its last."),
}
"""Sequence type → which collection of the mandate it is, and what to do about a second one."""
States = dict[str, Seen]


@dataclass(frozen=True, slots=True)
class MandateUse:
    """The rule: each further use is told with the row that used the mandate first."""

    id: str = "mandate_use"
    reason: str = "AG02"
    severity: Severity = Severity.WARNING
    level: Level = Level.PAYMENT
    remedy: str = "Give RCUR for a mandate that is used again and again."
    sources: tuple[str, ...] = (
        "EPC016-06 SEPA Direct Debit Core scheme rulebook: AT-01, AT-02, AT-21",
        "EPC130-08 customer-to-PSP implementation guidelines: sequence type",
    )
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> States:  # noqa: ARG002  the protocol's
        """No mandate used."""
        return dict.fromkeys(_MEANINGS, ())

    def update(self, state: States, window: Window, context: Context) -> States:
        """Note the mandates of one more window."""
        if context.facts.domestic or window.payments.is_empty():
            return state
        return {name: seen + _used(window.payments, name, context) for name, seen in state.items()}

    def merge(self, left: States, right: States) -> States:
        """Both parts, in file order."""
        return {name: left[name] + right[name] for name in _MEANINGS}

    def finish(self, state: States, context: Context) -> pl.DataFrame:
        """FINDINGS: one for every further use."""
        further = [self._told(name, repeats(seen), context.facts.place) for name, seen in state.items() if seen]
        return pl.concat([empty(FINDINGS), *further]).sort("row")

    def _told(self, sequence: str, further: pl.DataFrame, place: str) -> pl.DataFrame:
        meaning, remedy = _MEANINGS[sequence]
        message = f"The {meaning} collection of this mandate ({sequence}) is also in {place}"
        return told(
            further.with_columns(sequence_type=pl.lit(sequence)), "sequence_type",
            rule=self.id, reason=self.reason, severity=self.severity.value,
            message=pl.format(message, "first_row", "first_line"), remedy=remedy,
        )  # fmt: skip


def _used(payments: pl.DataFrame, sequence: str, context: Context) -> Seen:
    """The mandates that are used so; most files have one sequence type or two."""
    identity = pl.concat_str("creditor_scheme_id", "mandate_id", separator="\n")
    here = payments.filter((pl.col("sequence_type") == sequence) & (pl.col("credit_debit") == "DBIT"))
    if here.is_empty():
        return ()
    keys = here.select(identity.alias("id")).select(plh.col("id").nchash.xxh3_128()).to_series()
    return (noted(here, keys, context),)


RULE = MandateUse()
