"""A SEPA file with a single credit transfer is verified, also for a client that opted out of verification of payee.

Who sends several payments in one file, and is no consumer, may opt out; a single payment may not. A warning, so that nobody
waits for a payment that the bank holds until the answer is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Window
from canonical.frames import FINDINGS, conform, empty
from validators._rails import sepa_credit

_REMEDY: Final = "Nothing, if the payee's name is right; else send it together with other payments."


@dataclass(frozen=True, slots=True)
class Met:
    """State: payments met, and whether the only one so far is a SEPA credit transfer."""

    payments: int = 0
    of_scheme: bool = False


@dataclass(frozen=True, slots=True)
class VerificationOfPayee:
    """The rule."""

    id: str = "verification_of_payee"
    reason: str = "NARR"
    severity: Severity = Severity.WARNING
    level: Level = Level.FILE
    remedy: str = _REMEDY
    sources: tuple[str, ...] = (
        "Regulation (EU) 2024/886, article 5c of Regulation (EU) No 260/2012",
        "EPC218-23 Verification of Payee scheme rulebook",
        "the client's profile: verification_of_payee",
    )
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> Met:  # noqa: ARG002  the protocol's
        """Nothing met."""
        return Met()

    def update(self, state: Met, window: Window, context: Context) -> Met:
        """Count one more window."""
        payments = window.payments
        if context.client.verification_of_payee != "opted_out" or payments.is_empty():
            return Met(state.payments + payments.height, state.of_scheme)
        here = Met(payments.height, bool(payments[:1].select(sepa_credit(context)).item()))
        return self.merge(state, here)

    def merge(self, left: Met, right: Met) -> Met:
        """Both parts together."""
        return Met(left.payments + right.payments, left.of_scheme or right.of_scheme)

    def finish(self, state: Met, context: Context) -> pl.DataFrame:
        """FINDINGS: one, where the file has one payment."""
        if context.client.verification_of_payee != "opted_out" or state.payments != 1 or not state.of_scheme:
            return empty(FINDINGS)
        message = "The file has a single SEPA credit transfer: its payee is verified although you opted out"
        row = {
            "rule": self.id, "reason": self.reason, "severity": self.severity.value, "level": self.level.value,
            "message": message, "remedy": _REMEDY,
        }  # fmt: skip
        return conform(pl.DataFrame([row]), FINDINGS)


RULE = VerificationOfPayee()
