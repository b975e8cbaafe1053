"""What the DAGs do, as functions of ids: each opens the gateway in the task's own process and calls the gateway's stages.

Nothing of the gateway is imported before a function runs, so that DAG files parse in milliseconds. What is returned goes
through XCom, which users can read and forge: ids, names and state words, never payments, and no stage believes them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.composition import Gateway

Record = dict[str, Any]

LEFT_BEHIND_AFTER: Final = dt.timedelta(minutes=10)
"""A received file that has no plan after this time was left behind: the run that took it in is taken for dead."""

_log = logging.getLogger(__name__)


def open_gateway() -> Gateway:
    """The gateway of this task, from the `BULKRAIL_*` environment."""
    from gateway.composition import open_gateway as from_environment

    return from_environment()


# ---------------------------------------------------------------------------------------------- intake


def receive() -> list[Record]:
    """Take in the inboxes. One record per object found: client_id, name, outcome, file_id, note."""
    from dataclasses import asdict

    from gateway.intake.receive import receive as take_in

    records = [asdict(item) for item in take_in(open_gateway())]
    for record in records:
        _log.info("%(outcome)s: %(client_id)s/%(name)s %(file_id)s %(note)s", record)
    return records


def files_to_take_up(records: Iterable[Record]) -> list[Record]:
    """file_id and label of the files of this run, and of those that an earlier run left behind or a person released.

    Files that another run received a moment ago are in its hands. Taking one up twice would do no harm, only cost time.
    """
    from gateway.registry import tables as t
    from gateway.stages import unfinished_files

    gateway = open_gateway()
    ours = {record["file_id"] for record in records if record["outcome"] == "new"}
    oldest = (gateway.clock() - LEFT_BEHIND_AFTER).isoformat(timespec="microseconds")
    left = gateway.registry.rows(t.FILES, (t.FILES.c.state == "approved") | (t.FILES.c.received_at < oldest))
    mine = ours | {row["file_id"] for row in left}
    return [_labelled(file) for file in unfinished_files(gateway) if file["file_id"] in mine]


def stage(name: str, file_id: str) -> str:
    """Run a stage of `gateway.stages` on a file. The file id, so that mapped tasks always yield something."""
    from gateway.stages import run_stage

    result = run_stage(open_gateway(), name, file_id)
    if isinstance(result, Mapping):
        result = {key: value for key, value in result.items() if key != "sums"}
    _log.info("%s of %s: %s", name, file_id, result)
    return file_id


def approve(file_id: str) -> str:
    """approved, held, refused or rejected."""
    from gateway.stages import run_stage

    decision = str(run_stage(open_gateway(), "approve", file_id))
    if decision == "held":
        _log.warning(
            "%s is held above the client's automatic limit; a person decides: bulkrail approve %s", *[file_id] * 2
        )
    return decision


def answer_file(file_id: str) -> list[str]:
    """Answer the file, and every arrival that brought its bytes again; the submission ids."""
    from gateway.answers.answer import answer_duplicates
    from gateway.stages import validated_answer

    gateway = open_gateway()
    return [*validated_answer(gateway, file_id), *answer_duplicates(gateway, file_id)]


def answer_repeated() -> list[str]:
    """Answer arrivals of known bytes, where the original's own answer is out; the submission ids.

    Raises:
        OutsideError: some could not be answered; all of them were tried.
    """
    from canonical.errors import BulkrailError, OutsideError
    from gateway.answers.answer import answer_duplicates, repeated_files

    gateway = open_gateway()
    sent, faults = [], []
    for file_id in repeated_files(gateway):
        try:
            sent += answer_duplicates(gateway, file_id)
        except BulkrailError as fault:
            faults.append(f"{file_id}: {fault}")
    if faults:
        raise OutsideError("files that came again were not answered:\n" + "\n".join(faults))
    return sent


def arrival_faults(records: Iterable[Record]) -> list[str]:
    """One line for each object that could not be taken in."""
    bad = [record for record in records if record["outcome"] in {"failed", "unknown_client"}]
    return [f"{record['client_id']}/{record['name']}: {record['outcome']}: {record['note']}" for record in bad]


# ---------------------------------------------------------------------------------------------- dispatch


def due() -> list[Record]:
    """submission_id and label of what is to be delivered, the earliest cut-off first, then of what is to be asked about.

    Answers that were left on the way come last.
    """
    from gateway.delivery.dispatch import doubtful
    from gateway.delivery.dispatch import due as open_submissions

    gateway = open_gateway()
    rows = [*open_submissions(gateway), *doubtful(gateway), *open_submissions(gateway, "answer")]
    return [{"submission_id": row["submission_id"], "label": f"{row['destination']} · {row['name']}"} for row in rows]


def deliver(submission_id: str) -> str:
    """Carry a submission to its end; its state.

    Where the cut-off was missed, its payments are planned anew. What is kept back on purpose waits, which is no fault.

    Raises:
        TransientError: nothing was released: the task may be repeated.
        OutcomeUnknown: the provider may or may not have it: a person asks the provider.
        OutsideError: any other fault before release.
    """
    from canonical.errors import OutcomeUnknown
    from gateway.delivery.submissions import submission_row
    from gateway.stages import deliver as carry

    gateway = open_gateway()
    was = submission_row(gateway, submission_id)["state"]
    state = carry(gateway, submission_id)
    if state == "VOIDED":
        detail = submission_row(gateway, submission_id)["detail"]
        _log.warning("%s: nothing was released, its payments go another way: %s", submission_id, detail)
    if state.startswith("withheld"):
        _log.warning("%s: %s; the next run looks again", submission_id, state)
    if state == was == "UNKNOWN":
        _log.warning("%s: asked, still unknown; bulkrail resolve says what became of it", submission_id)
    elif state == "UNKNOWN":
        detail = submission_row(gateway, submission_id)["detail"]
        raise OutcomeUnknown(f"released, but not confirmed ({detail}); ask the provider", submission_id=submission_id)
    return state


# ---------------------------------------------------------------------------------------------- after the bank


def providers() -> list[str]:
    """Ids of all providers."""
    return sorted(open_gateway().profiles.providers)


def follow(provider_id: str) -> Record:
    """Fetch and apply what a provider offers: provider_id, applied (count), unreadable (names)."""
    from gateway.feedback.follow import follow as fetch

    found = fetch(open_gateway(), provider_id)
    for item in found:
        _log.info("%s %s: %s, %d files", item.feedback_id, item.name, item.outcome, len(item.files))
    return {
        "provider_id": provider_id,
        "applied": sum(item.outcome == "applied" for item in found),
        "unreadable": [item.name for item in found if item.outcome == "unreadable"],
    }


def feedback_faults(asked: Iterable[str], followed: Iterable[Record]) -> list[str]:
    """One line for each provider that was not followed and each feedback file that nobody can read."""
    records = list(followed)
    silent = sorted(set(asked) - {record["provider_id"] for record in records})
    lines = [f"{provider_id}: not followed; see its task" for provider_id in silent]
    return lines + [
        f"{record['provider_id']}: {name} cannot be read" for record in records for name in record["unreadable"]
    ]


def watch() -> int:
    """Raise and end alerts; how many stand. What is wrong is told by the alerts, not by a red task."""
    from gateway.feedback.watch import watch as look

    standing = look(open_gateway())
    for alert in standing:
        _log.warning("%s: %s", alert.kind, alert.message)
    return len(standing)


def reconcile(provider_id: str) -> str:
    """Match a provider's statements with what is outstanding; the provider id."""
    from gateway.books.reconcile import reconcile as match

    result = match(open_gateway(), provider_id)
    _log.info("%s: %d matched now, %d in all", provider_id, result.matched, result.matches)
    return provider_id


def breaks() -> str:
    """Keep the breaks up to date; how many are for people to do."""
    from canonical.counts import count_of
    from gateway.breaks.breaks import look

    found = look(open_gateway())
    told = f"{count_of(found.breaks.height, 'break')}: {found.found} new, {found.returned} back, {found.changed} changed, {found.cleared} gone"
    _log.info("%s", told)
    return told


def files_with_news() -> list[Record]:
    """file_id and label of every file of whose payments more is known than its client was told."""
    from gateway.answers.answer import files_with_news as untold
    from gateway.intake.files import file_row

    gateway = open_gateway()
    return [_labelled(file_row(gateway, file_id)) for file_id in untold(gateway)]


def settle(day: str) -> list[str]:
    """Prepare the close of a day, as `gateway`; the keys of its reports. Raises NotTied after naming the rows in the log."""
    from canonical.errors import NotTied
    from gateway.books.settle import settle as prepare

    try:
        keys = prepare(open_gateway(), day)
    except NotTied as fault:
        for row in fault.rows:
            _log.error("does not tie: %s", row)
        raise
    for key in keys:
        _log.info("report: %s", key)
    return list(keys)


def digest(day: str) -> list[str]:
    """Write the digest of a day; the keys."""
    from gateway.reports.digest import write_digest

    return write_digest(open_gateway(), day)


def report(day: str) -> list[str]:
    """Write and send the clients' reports of a day, and publish the lake; the keys of the reports."""
    from gateway.publish import publish
    from gateway.reports.client_reports import client_reports

    gateway = open_gateway()
    keys = client_reports(gateway, day)
    _log.info("published: %s", publish(gateway))
    return keys


def _labelled(file: Mapping[str, Any]) -> Record:
    return {"file_id": file["file_id"], "label": f"{file['client_id']} · {file['name']}"}
