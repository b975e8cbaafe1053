"""Frames that only reconciliation knows: the book it is given, the states it decides and the tables it compares.

They keep the house style of `canonical.frames`: strict, ordered, checked with `canonical.frames.checked`.
"""

from __future__ import annotations

from typing import Any, Final

import pandera.polars as pa
import polars as pl

from canonical.codes import BreakState, CreditDebit
from canonical.contracts import DeliveryState
from canonical.frames import BREAKS
from canonical.limits import ENTRY_MINOR_MAX

STATE_NAMES: Final = (
    "rejected", "cancelled", "waiting", "submitted_unknown", "outstanding", "provider_rejected", "settled", "returned",
)  # fmt: skip
"""Every payment is in exactly one of these. The table of allowed moves is `reconciliation.moves.MOVES`."""

NOT_SENT: Final = ("rejected", "cancelled", "waiting")
OPEN: Final = ("submitted_unknown", "outstanding")
"""Handed to a provider without a final word."""
BOOKED: Final = ("settled", "returned")
SENT: Final = ("RELEASING", "UNKNOWN", "DELIVERED", "ACKNOWLEDGED", "REJECTED")
"""Delivery states after which the provider may hold the payment. VOIDED and everything before RELEASING: it does not."""

_DIRECTIONS: Final = [item.value for item in CreditDebit]


def _column(dtype: Any, meaning: str, *, required: bool = False, values: tuple[str, ...] = ()) -> pa.Column:
    checks = [pa.Check.isin(list(values))] if values else []
    return pa.Column(dtype, checks, nullable=not required, description=meaning)


def _text(meaning: str, *, required: bool = False, values: tuple[str, ...] = ()) -> pa.Column:
    return _column(pl.String, meaning, required=required, values=values)


def _date(meaning: str) -> pa.Column:
    return _column(pl.Date, meaning)


def _minor(meaning: str) -> pa.Column:
    return pa.Column(pl.Int64, [pa.Check.ge(0), pa.Check.le(ENTRY_MINOR_MAX)], nullable=True, description=meaning)


def _identity() -> dict[str, pa.Column]:
    return {
        "payment_id": _text("as in payments", required=True),
        "file_id": _text("the client's file", required=True),
        "client": _text("client_id of the profile", required=True),
        "row": _column(pl.Int64, "as in payments", required=True),
        "end_to_end_id": _text("as in payments"),
        "uetr": _text("as in payments"),
        "counterparty_name": _text("the other side: creditor_name of a credit transfer, debtor_name of a collection"),
        "counterparty_account": _text("its account"),
        "credit_debit": _text("as in payments", required=True, values=tuple(_DIRECTIONS)),
        "amount_minor": _minor("minor units, null where the client's text is no amount"),
        "currency": _text("as in payments"),
        "verdict": _text("ACCP, RJCT, or null before validation", values=("ACCP", "RJCT")),
        "file_state": _text("state of the file in the registry; cancelled where the payment itself was", required=True),
        "submission_id": _text("live submission, null while there is none"),
        "provider": _text("its provider"),
        "account": _text("our account at the provider"),
        "reference": _text("as in routes"),
        "execution_date": _date("as in routes"),
        "submitted_on": _date("business day it was delivered on, null before"),
        "delivery_state": _text("of the submission", values=tuple(item.value for item in DeliveryState)),
    }


BOOK: Final = pa.DataFrameSchema(_identity(), name="book", strict=True, ordered=True)
"""One row a payment: payments joined with verdicts, routes, the state of their file and of their live submission."""

STATES: Final = pa.DataFrameSchema(
    {
        **_identity(),
        "state": _text("one of STATE_NAMES", required=True, values=STATE_NAMES),
        "status": _text("the provider's word that counts: the strongest, see `reconciliation.moves`"),
        "reason": _text("its ISO reason or NACHA return code"),
        "status_kind": _text("as in statuses, of that word", values=("status", "return", "cancellation")),
        "value_date": _date("of the entry that settled it"),
        "returned_on": _date("value date of the entry that returned it"),
        "reopened": _column(
            pl.Boolean,
            "a person took a match of it apart, or the bank booked it again after it came back",
            required=True,
        ),
        "claims_digest": _text(
            "of all MATCHES that claim it, see `canonical.identifiers.digest_of`; null where none does"
        ),
    },
    name="states",
    strict=True,
    ordered=True,
)
"""BOOK and where each payment stands. A close holds those that stand otherwise than at the close before; its first one all."""

GONE: Final = pa.DataFrameSchema(
    {"payment_id": _text("as in payments", required=True)}, name="gone", strict=True, ordered=True
)
"""Payments that the close before held and this one does not: they were planned anew, with another provider."""

ATTRIBUTED: Final = pa.DataFrameSchema(
    {
        "payment_id": _text("the payment it speaks of", required=True),
        "feedback_id": _text("feedback file", required=True),
        "sequence": _column(pl.Int64, "order in which the feedback files were taken", required=True),
        "position": _column(pl.Int64, "as in statuses", required=True),
        "kind": _text("as in statuses", required=True, values=("status", "return", "correction", "cancellation")),
        "status": _text("as in statuses"),
        "reason": _text("as in statuses"),
        "reason_text": _text("as in statuses"),
        "trace": _text("as in statuses"),
        "via": _text(
            "how it was found", required=True, values=("reference", "uetr", "end_to_end_id", "account", "batch", "file")
        ),
    },
    name="attributed",
    strict=True,
    ordered=True,
)
"""One row a payment and status: what a provider said, on the payments it said it of."""

NAMES: Final = pa.DataFrameSchema(
    {
        "payment_id": _text("as in payments", required=True),
        "uetr": _text("as in payments"),
        "mandate_id": _text("as in payments"),
        "account": _text("of the other side, as feedback names it; British: sort code and number"),
        "batch_id": _text("of the file that was sent, where it has several batches"),
    },
    name="names",
    strict=True,
    ordered=True,
)
"""What else feedback may name a payment by. Most feedback needs none of it: only what it could name is read."""

ATTEMPTS: Final = pa.DataFrameSchema(
    {
        "payment_id": _text("as in payments", required=True),
        "reference": _text("as in the routes of the attempt", required=True),
    },
    name="attempts",
    strict=True,
    ordered=True,
)
"""Payments in submissions that a person called undelivered: they were planned anew, and the provider may have them all the same."""

COUNTS: Final = pa.DataFrameSchema(
    {
        "file_id": _text("the client's file", required=True),
        "read": _column(pl.Int64, "rows of the file", required=True),
        "parsed": _column(pl.Int64, "rows that became a payment", required=True),
        "unreadable": _column(pl.Int64, "rows that could not", required=True),
    },
    name="counts",
    strict=True,
    ordered=True,
)
"""What the parse manifest of each file says it read."""

JOURNALS: Final = pa.DataFrameSchema(
    {
        "run": _column(pl.Int64, "ordinal of the close in the ledger of its scope, from 1", required=True),
        "event": _text("as in postings; `reversal:` and the event for what was taken back", required=True),
        "debit_account": _text("ledger account", required=True),
        "credit_account": _text("ledger account", required=True),
        "currency": _text("its currency", required=True),
        "day": pa.Column(pl.Date, nullable=False, description="business date of the postings"),
        "postings": pa.Column(pl.Int64, [pa.Check.ge(1)], nullable=False, description="how many it covers"),
        "amount_minor": pa.Column(pl.Int64, [pa.Check.ge(1)], nullable=False, description="their sum, minor units"),
        "sha256": _text("of their ids and amounts, see `reconciliation.journals`", required=True),
    },
    name="journals",
    strict=True,
    ordered=True,
)
"""One row an event, pair of accounts, currency and day of a run: the postings of the lake in short."""

_BREAK_STATES: Final = tuple(item.value for item in BreakState)


def _work() -> dict[str, pa.Column]:
    return {
        "state": _text("what became of it", required=True, values=_BREAK_STATES),
        "owner": _text("who looks after it"),
        "comment": _text("what was last said of it"),
        "asked_by": _text("who asked to write it off, while a second person must agree"),
        "closed_on": _date("day it was written off or resolved"),
        "revision": _column(pl.Int64, "number of its last event; 0: it was never looked at", required=True),
    }


WORK: Final = pa.DataFrameSchema(
    {
        "break_id": _text("as in breaks", required=True),
        "since": _column(pl.Date, "day it counts from, as first seen", required=True),
        "standing": _column(pl.Boolean, "its cause was there at the last look", required=True),
        **_work(),
    },
    name="work",
    strict=True,
    ordered=True,
)
"""What people made of breaks: the registry's side of them."""

WORKED: Final = pa.DataFrameSchema(
    {
        **BREAKS.columns,
        **_work(),
        "suggested": _text("what may answer to it: payment_id for an entry, entry_id for a payment"),
        "score": _column(pl.Int64, "how well it answers, 100 is best"),
        "reasons": _text("why, in words"),
    },
    name="worked",
    strict=True,
    ordered=True,
)
"""BREAKS with what people made of them and what may answer to them."""
