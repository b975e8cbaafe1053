"""The canonical frames: pandera schemas with name, dtype, nullability, meaning and source element.

A frame that breaks its schema is our bug and stops the work (`checked`). A payment that breaks a rule is the client's and
becomes a finding. Strict: no column missing, none extra, in this order.

The names are taken from here; the modules behind it part them by subject.
"""

from __future__ import annotations

from typing import Final

from canonical.frames._answers import BOOKINGS, CORRECTIONS, OUTCOMES, TOLD
from canonical.frames._books import (
    ADJUSTMENTS,
    BREAKS,
    FUNDING_KIND,
    FUNDINGS,
    MATCHES,
    POSTINGS,
    RUNGS,
    SUGGESTIONS,
    UNMATCHES,
)
from canonical.frames._checks import arranged, checked, conform, dtypes, empty, refuse_if_pandera_is_off
from canonical.frames._client_files import CANCELLATIONS, FINDINGS, KEYS, PAYMENTS, SCREENING, TOTALS, VERDICTS
from canonical.frames._feedback import BALANCES, ENTRIES, STATEMENTS, STATUSES
from canonical.frames._plans import CANCELLED, LAPSED, LAPSES, ROUTES, VERIFIED

__all__ = [
    "ADJUSTMENTS", "ALL", "BALANCES", "BOOKINGS", "BREAKS", "CANCELLATIONS", "CANCELLED", "CORRECTIONS", "ENTRIES",
    "FINDINGS", "FUNDINGS", "FUNDING_KIND", "KEYS", "LAPSED", "LAPSES", "MATCHES", "OUTCOMES", "PAYMENTS", "POSTINGS",
    "ROUTES", "RUNGS", "SCREENING", "STATEMENTS", "STATUSES", "SUGGESTIONS", "TOLD", "TOTALS", "UNMATCHES", "VERDICTS",
    "VERIFIED", "arranged", "checked", "conform", "dtypes", "empty", "refuse_if_pandera_is_off",
]  # fmt: skip

ALL: Final = {
    schema.name: schema
    for schema in (
        PAYMENTS, TOTALS, FINDINGS, VERDICTS, LAPSED, LAPSES, KEYS, SCREENING, ROUTES, VERIFIED, CANCELLATIONS,
        CANCELLED, OUTCOMES, TOLD, STATUSES, ENTRIES, STATEMENTS, BALANCES, MATCHES, FUNDINGS, UNMATCHES, SUGGESTIONS,
        BREAKS, POSTINGS, ADJUSTMENTS,
    )
}  # fmt: skip
