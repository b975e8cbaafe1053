"""The registry's side of a delivery: every move is one compare-and-set on state and attempt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table

from canonical.contracts import DeliveryState, Reply, RequestBlock
from canonical.errors import Conflict, NotFound, ReleaseOver, Withheld
from gateway.composition import Gateway
from gateway.delivery import requests
from gateway.delivery.parts import carry_along, is_merged, parts_of
from gateway.delivery.releases import take_release, withheld_because
from gateway.feedback.news import note_sent
from gateway.planning.reserves import give_back
from gateway.registry import tables as t
from gateway.registry.engine import move

OPEN = ("PREPARED", "UPLOADING", "UPLOADED", "RELEASING")
SENT = ("DELIVERED", "ACKNOWLEDGED", "REJECTED", "UNKNOWN")


class CutOffMissed(ReleaseOver):
    """The window closed before the release: the submission is void and its payments are to be routed again."""


def submission_row(gateway: Gateway, submission_id: str) -> Mapping[str, Any]:
    """The registry's row of a submission. Raises NotFound."""
    row = gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id)
    if row is None:
        raise NotFound("no such submission", submission_id=submission_id)
    return row


class RegistryLog:
    """`canonical.contracts.DeliveryLog` over the registry: of a submission, or of a request in a table like it."""

    def __init__(self, gateway: Gateway, row: Mapping[str, Any], table: Table = t.SUBMISSIONS) -> None:
        self._gateway = gateway
        self._table = table
        self._row = row
        self._submission_id: str = row["submission_id"]
        self._state = DeliveryState(row["state"])
        self._attempt: int = row["attempt"]
        self._looked = requests.Looked()
        self._cut_off_at = dt.datetime.fromisoformat(row["cut_off_at"]) if row["cut_off_at"] else None

    @property
    def state(self) -> DeliveryState:
        """As last read or moved to."""
        return self._state

    @property
    def attempt(self) -> int:
        """Attempt this worker holds."""
        return self._attempt

    def check(self) -> None:
        """Before anything is done for it: may it go out now? Raises CutOffMissed (it is void), Withheld."""
        self._check_window()
        with self._gateway.registry.transaction() as connection:
            reasons = withheld_because(self._gateway, connection, self._row)
        if reasons:
            raise Withheld("; ".join(reasons), submission_id=self._submission_id)

    def begin_upload(self) -> int:
        """PREPARED, UPLOADING or UPLOADED → UPLOADING with a new attempt. Raises Conflict, CutOffMissed."""
        self._check_window()
        self._move(DeliveryState.UPLOADING, attempt=self._attempt + 1)
        return self._attempt

    def uploaded(self) -> None:
        """UPLOADING → UPLOADED. Raises Conflict."""
        self._move(DeliveryState.UPLOADED)

    def begin_release(self) -> None:
        """UPLOADED → RELEASING, with its funds. Raises Conflict, CutOffMissed (it is void), Withheld."""
        with self._void_where_late():
            self._move(DeliveryState.RELEASING, also=self._take_release)

    def recheck(self) -> None:
        """The checks of a release once more, in RELEASING. Moves nothing. Raises Conflict, CutOffMissed, Withheld."""
        with self._gateway.registry.transaction() as connection:
            if not move(connection, self._table, self._here(), state=self._state.value):
                raise Conflict("another worker moved the submission on", submission_id=self._submission_id)
            self._take_release(connection)

    def withdrawn(self, detail: str) -> None:
        """RELEASING → VOIDED: its payments are to be routed again. Raises Conflict, also where requests were begun."""
        self._move(DeliveryState.VOIDED, also=self._refuse_begun, detail=detail)

    def now(self) -> dt.datetime:
        """The gateway's clock."""
        return self._gateway.clock()

    def ran_on(self) -> bool:
        """See `gateway.delivery.requests`."""
        ran_on, self._looked = requests.clock_ran_on(self._gateway, self._submission_id, self._looked)
        return ran_on

    def plan_requests(self, count: int, block: int) -> tuple[RequestBlock, ...]:
        """See `gateway.delivery.requests`."""
        return requests.plan_requests(self._gateway, self._submission_id, count, block)

    def begin_requests(self, block: RequestBlock, note: str = "", *, sends: bool = True) -> RequestBlock:
        """See `gateway.delivery.requests`. Raises Conflict, and where they are to be sent CutOffMissed, Withheld."""
        also = self._take_release if sends else None
        return requests.begin_requests(self._gateway, self._submission_id, block, note, also)

    def answered(self, block: RequestBlock, replies: tuple[Reply, ...], *, certain: bool = False) -> RequestBlock:
        """See `gateway.delivery.requests`."""
        return requests.keep_replies(self._gateway, self._submission_id, block, replies, certain=certain)

    def not_shown(self, block: RequestBlock, at: dt.datetime) -> RequestBlock:
        """See `gateway.delivery.requests`."""
        return requests.note_absence(self._gateway, self._submission_id, block, at)

    def delivered(self, detail: str) -> None:
        """RELEASING, or UNKNOWN after an enquiry → DELIVERED. Raises Conflict."""
        requests.archive_replies(self._gateway, self._submission_id)
        self._move(
            DeliveryState.DELIVERED, also=self._note_sent, detail=detail, delivered_at=self._gateway.registry.now()
        )

    def unknown(self, detail: str) -> None:
        """RELEASING → UNKNOWN. Raises Conflict."""
        requests.archive_replies(self._gateway, self._submission_id)
        self._move(DeliveryState.UNKNOWN, detail=detail, delivered_at=self._gateway.registry.now())

    def _check_window(self) -> None:
        with self._void_where_late():
            self._require_window()

    def _require_window(self) -> None:
        if self._cut_off_at is not None and self._gateway.clock() >= self._cut_off_at:
            raise CutOffMissed("cut-off missed; nothing more is released", submission_id=self._submission_id)

    @contextmanager
    def _void_where_late(self) -> Iterator[None]:
        try:
            yield
        except CutOffMissed:
            self._move(DeliveryState.VOIDED, detail="cut-off missed before release")
            raise

    def _take_release(self, connection: Connection) -> None:
        # Here and not before: who waited for the registry, or was stopped, may have slept over the cut-off.
        self._require_window()
        take_release(self._gateway, connection, self._row)

    def _note_sent(self, connection: Connection) -> None:
        if self._row.get("kind") == "payment":
            for part in parts_of(connection, self._row):
                note_sent(self._gateway, connection, part["file_id"])

    def _refuse_begun(self, connection: Connection) -> None:
        requests.refuse_begun(connection, self._submission_id)

    def _here(self) -> dict[str, Any]:
        return {"submission_id": self._submission_id, "state": self._state.value, "attempt": self._attempt}

    def _move(self, to: DeliveryState, also: Callable[[Connection], None] | None = None, **values: Any) -> None:
        registry = self._gateway.registry
        with registry.transaction() as connection:
            if not move(connection, self._table, self._here(), state=to.value, changed_at=registry.now(), **values):
                raise Conflict(
                    f"another worker moved the submission on from {self._state.value}",
                    submission_id=self._submission_id,
                )
            if also is not None:
                also(connection)
            if is_merged(self._row) or to is DeliveryState.VOIDED:
                carry_along(connection, self._submission_id)
            if to is DeliveryState.VOIDED:
                give_back(connection, self._submission_id)
            registry.audit(
                connection, "gateway", to.value.lower(), self._submission_id,
                attempt=values.get("attempt", self._attempt), detail=values.get("detail", ""),
            )  # fmt: skip
        self._state = to
        self._attempt = values.get("attempt", self._attempt)


def acknowledge(gateway: Gateway, submission_id: str, status: str, detail: str) -> bool:
    """A provider's word on a whole submission: ACKNOWLEDGED or REJECTED. It also resolves RELEASING and UNKNOWN.

    False where the submission was not waiting for a word: the first one stands. Nor does a word on some of its payments
    resolve it while others have not reached the provider, or may not have.
    """
    to = "REJECTED" if status == "RJCT" else "ACKNOWLEDGED"
    registry = gateway.registry
    with registry.transaction() as connection:
        if requests.has_open_requests(connection, submission_id):
            return False
        where = {"submission_id": submission_id, "state": ["RELEASING", "UNKNOWN", "DELIVERED"]}
        moved = move(connection, t.SUBMISSIONS, where, state=to, detail=detail, changed_at=registry.now())
        if moved:
            never_stamped = t.SUBMISSIONS.update().where(
                t.SUBMISSIONS.c.submission_id == submission_id, t.SUBMISSIONS.c.delivered_at.is_(None)
            )
            connection.execute(never_stamped.values(delivered_at=registry.now()))
            carry_along(connection, submission_id)
            registry.audit(connection, "provider", to.lower(), submission_id, detail=detail)
    return moved
