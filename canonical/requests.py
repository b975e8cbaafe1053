"""What is remembered of requests to a provider's API: which were about to be sent, when, and what was answered.

A submission's payments (or its one file) are requests, numbered from 0; runs of them are begun and answered together, as
one block. A block that was begun and is not answered is in doubt: the provider may or may not have acted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request.

    `reference`: how we name the payment, or the submission; `trace`: the provider's own reference. `status`: ISO status
    of the payment (RJCT where refused). `body`: the provider's JSON, kept as it came.
    """

    number: int
    outcome: Literal["accepted", "refused", "not_sent"]
    reference: str
    status: str
    trace: str | None = None
    reason: str | None = None
    reason_text: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    body: Any = None


@dataclass(frozen=True, slots=True)
class RequestBlock:
    """Requests `first` to `last`. `attempt` counts how often they were begun; 0: never.

    `first_at`: when they were first begun (the idempotency keys live from then), `begun_at`: when last, None
    where certainly nothing of it arrived. `note`: what an
    identical repeat needs besides the parcel. `replies` may be fewer than the requests: the rest is in doubt while
    `begun_at` stands. `absent_at`: by the provider's own clock, when it was first asked about this try and did not show all of it.
    """

    first: int
    last: int
    attempt: int = 0
    first_at: dt.datetime | None = None
    begun_at: dt.datetime | None = None
    note: str = ""
    replies: tuple[Reply, ...] = ()
    absent_at: dt.datetime | None = None

    @property
    def in_doubt(self) -> bool:
        """True while the provider may or may not have acted on one of them."""
        return self.begun_at is not None and bool(self.open)

    @property
    def open(self) -> tuple[int, ...]:
        """Numbers of the requests without a reply."""
        answered = {reply.number for reply in self.replies}
        return tuple(number for number in range(self.first, self.last + 1) if number not in answered)


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that waits for a provider's word. `trace`: the provider's reference for it, where it gave one."""

    submission_id: str
    trace: str | None = None


def reply_json(reply: Reply, submission_id: str) -> Mapping[str, Any]:
    """A reply as the feedback file of a delivery holds it: the shape that format `http-json` reads without options."""
    return {
        "submission_id": submission_id, "reference": reply.reference, "outcome": reply.outcome, "status": reply.status,
        "reason": reply.reason, "reason_text": reply.reason_text, "amount_minor": reply.amount_minor,
        "currency": reply.currency, "trace": reply.trace, "body": reply.body,
    }  # fmt: skip
