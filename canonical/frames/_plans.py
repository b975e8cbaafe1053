"""Where accepted payments go, and which of them no longer do."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from canonical.frames._client_files import FINDINGS, VERDICTS
from canonical.frames._columns import DIRECTIONS, amount, code, integer, schema, text

ROUTES = schema(
    "routes",
    payment_id=text("as in payments", required=True),
    row=integer("as in payments", required=True, minimum=1),
    submission_id=text("null while the payment waits"),
    provider=text("null while the payment waits"),
    rail=text("null while the payment waits"),
    reference=text("how the provider's file and feedback name it: InstrId, or the NACHA trace number"),
    position=integer("ordinal of the payment in the submission, from 1", minimum=1),
    execution_date=pa.Column(pl.Date, nullable=True, description="business day the provider is asked to execute on"),
    plan=integer("revision of the plan that says so, from 1", required=True, minimum=1),
    choice=integer("which of the plan's choices: why each rail was taken or lost", required=True, minimum=0),
    note=integer(
        "which of the plan's notes says why it waits, or goes out on another day than it asked for", minimum=0
    ),
    credit_debit=code("as in payments", DIRECTIONS),
    amount_minor=amount("as in payments", required=True),
    currency=text("as in payments", required=True),
    end_to_end_id=text("as in payments"),
)
"""The plan of one file: where each accepted payment goes."""

VERIFIED = schema(
    "verified",
    payment_id=text("as in payments", required=True),
    row=integer("as in payments", required=True, minimum=1),
    verification=text("the request that the provider answered", required=True),
    status=code("RCVC match, RVMC close match, RVNM no match, RVNA not possible", ["RCVC", "RVMC", "RVNM", "RVNA"]),
    told=text("what the provider says besides, such as the name it knows"),
)
"""What a provider said of the payees of payments that wait for their release."""

LAPSED = schema("lapsed", **VERDICTS.columns)
"""Payments that were accepted, kept for a later day, and refused on it: VERDICTS of the day of release."""

LAPSES = schema("lapses", **FINDINGS.columns)
"""FINDINGS of that day."""

CANCELLED = schema(
    "cancelled",
    payment_id=text("as in payments", required=True),
    row=integer("as in payments", required=True, minimum=1),
    request=text("file_id of the cancellation request", required=True),
    reason=text("reason it gave"),
)
"""Payments of a file that its client took back before they were released."""
