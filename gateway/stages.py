"""The stages by name, in the order of a file's journey: what `bulkrail run STAGE ID` and the DAGs call.

Each takes an id, reads what the stage before committed, commits what the next needs, and may be repeated at any time, by
anyone, with the same result.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

import structlog

from canonical.errors import OutsideError, ReleaseOver, TransientError, Withheld
from gateway.answers.answer import answer, answer_duplicates
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.composition import Gateway
from gateway.delivery.dispatch import dispatch
from gateway.delivery.parts import files_of, is_merged
from gateway.delivery.submissions import submission_row
from gateway.delivery.verification import verify
from gateway.feedback.follow import apply, follow
from gateway.intake.approve import approve
from gateway.intake.parse import parse
from gateway.intake.validate import validate
from gateway.planning.failover import fail_over
from gateway.planning.health import note_failure, note_success
from gateway.planning.route import route
from gateway.registry import tables as t

_log = structlog.get_logger()


def take_in(gateway: Gateway, file_id: str) -> Any:
    """Parse a file, and tell the client that it came, where it wants to be told.

    An outbox that cannot be reached keeps no payment waiting: the answer is among those that the next run delivers.
    """
    parsed = parse(gateway, file_id)
    try:
        answer(gateway, file_id, "received")
    except (TransientError, OutsideError) as fault:
        _log.warning("answer left on the way", file_id=file_id, fault=fault.message)
    return parsed


def validated_answer(gateway: Gateway, file_id: str) -> list[str]:
    """Tell the client what validation and approval decided."""
    return answer(gateway, file_id, "validated")


def outcome_answer(gateway: Gateway, file_id: str) -> list[str]:
    """Tell the client what became of the payments since."""
    return answer(gateway, file_id, "outcome")


def deliver(gateway: Gateway, submission_id: str) -> str:
    """Dispatch a submission; where its cut-off was missed, nothing was released and its payments are planned anew.

    Also where its provider is stopped or fails, nothing was released, and another one takes all of its payments.

    Returns: its state, or "withheld: " and the reasons for which it waits.
    """
    row = submission_row(gateway, submission_id)
    try:
        if row["kind"] == "payment" and not is_merged(row):
            verify(gateway, submission_id)
        state = dispatch(gateway, submission_id)
    except Withheld as fault:
        return "VOIDED" if fail_over(gateway, submission_id) else f"withheld: {fault.message}"
    except ReleaseOver:
        with gateway.registry.transaction() as connection:
            files = files_of(connection, submission_id)
        for file_id in files:
            route(gateway, file_id)
        return "VOIDED"
    except (TransientError, OutsideError) as fault:
        if row["kind"] == "payment":
            note_failure(gateway, row["destination"], fault.message)
            if fail_over(gateway, submission_id):
                return "VOIDED"
        raise
    if row["kind"] == "payment" and state == "DELIVERED":
        note_success(gateway, row["destination"])
    return state


STAGES: Final[dict[str, tuple[str, Callable[[Gateway, str], Any]]]] = {
    "parse": ("file id", take_in),
    "validate": ("file id", validate),
    "approve": ("file id", approve),
    "route": ("file id", route),
    "answer": ("file id", validated_answer),
    "outcome": ("file id", outcome_answer),
    "duplicates": ("file id", answer_duplicates),
    "dispatch": ("submission id", deliver),
    "follow": ("provider id", follow),
    "apply": ("feedback id", apply),
    "reconcile": ("provider id", reconcile),
    "settle": ("day, YYYY-MM-DD", settle),
}
"""Name → what its id is, and the function."""


def run_stage(gateway: Gateway, stage: str, key: str) -> Any:
    """Run a stage by its name. Memory that it freed goes back to the system: what comes next in this process needs other sizes."""
    try:
        return STAGES[stage][1](gateway, key)
    finally:
        _hand_back()


def _hand_back() -> None:
    # glibc keeps what lies below the last byte in use; other C libraries know no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def unfinished_files(gateway: Gateway) -> list[dict[str, Any]]:
    """Files that a run left between receipt, plan and answer, and those of which something kept for a later day is due.

    In order of receipt: the next run takes them up.
    """
    is_due = (t.FILES.c.state == "routed") & (t.FILES.c.due_at <= gateway.registry.now())
    left = t.FILES.c.state.in_(["received", "parsed", "validated", "approved"])
    on_the_way = left | (t.FILES.c.answered == 0) | is_due
    rows = gateway.registry.rows(t.FILES, on_the_way, order=t.FILES.c.received_at)
    return [{"file_id": row["file_id"], "client_id": row["client_id"], "name": row["name"]} for row in rows]


def run_journey(gateway: Gateway, file_id: str) -> None:
    """Take one file as far as it goes without a person or a provider."""
    for stage in ("parse", "validate"):
        run_stage(gateway, stage, file_id)
    if run_stage(gateway, "approve", file_id) == "approved":
        run_stage(gateway, "route", file_id)
    run_stage(gateway, "answer", file_id)
