"""Follow: what providers send back is archived, read, and told to the submissions and files it speaks of.

Nothing is applied twice: a feedback file is known by its bytes, a statement by its account and id. Feedback for payments
nobody knows is kept and becomes a break when the provider is reconciled.
"""

from __future__ import annotations

import fnmatch
import hashlib
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl
import structlog
from sqlalchemy import Connection

from canonical.codes import Severity
from canonical.contracts import Feedback, Remote, RemoteFile, Source
from canonical.errors import BulkrailError, ConfigError, Conflict, NotFound, OutsideError, TransientError
from canonical.frames import ENTRIES, STATEMENTS, STATUSES, empty
from canonical.identifiers import ONE_BATCH, make_id
from canonical.plugins import lookup
from canonical.profiles import DEFAULT_CLIENT, FeedbackSource, Model, Plugin, ProviderProfile
from gateway.books.heard import FOLLOW, without_verifications
from gateway.composition import Gateway
from gateway.config import plugin_options
from gateway.delivery.requests import REPLIES_SUFFIX, waiting
from gateway.delivery.submissions import acknowledge
from gateway.delivery.verification import take_answers
from gateway.feedback.news import note_news
from gateway.feedback.spoken import spoken_of
from gateway.intake.archives import unpacked
from gateway.intake.envelopes import Rejected, is_wrapped
from gateway.intake.reading import file_finding
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move
from gateway.registry.mentions import note_mentions

_log = structlog.get_logger()
_TRIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of one feedback file. outcome: applied or unreadable; `files`: the client files it speaks of."""

    feedback_id: str
    name: str
    outcome: str
    files: tuple[str, ...]


def follow(gateway: Gateway, provider_id: str) -> list[Followed]:
    """Fetch what the provider offers and apply all that is not applied yet.

    Raises: the first fault, after all the others were fetched and applied: TransientError, OutsideError; what `apply` raises.
    """
    provider = gateway.profiles.provider(provider_id)
    transport = lookup("providers", "TRANSPORT", provider.transport.name)
    faults = list[BulkrailError]()
    with transport.connect(plugin_options("providers", "TRANSPORT", provider.transport), gateway.secret) as remote:
        for file in remote.feedback(waiting(gateway, provider_id)):
            try:
                _fetch(gateway, provider, remote, file)
            except (TransientError, OutsideError) as fault:
                faults.append(fault)  # one file that is not to be had stops no other
    unread = gateway.registry.rows(
        t.FEEDBACK,
        t.FEEDBACK.c.provider_id == provider_id,
        t.FEEDBACK.c.state == "archived",
        order=t.FEEDBACK.c.received_at,
    )
    followed = list[Followed]()
    for row in unread:
        try:
            followed.append(apply(gateway, row["feedback_id"]))
        except BulkrailError as fault:
            faults.append(fault)  # nor does one that cannot be applied
    if faults:
        raise faults[0]
    return followed


def _fetch(gateway: Gateway, provider: ProviderProfile, remote: Remote, file: RemoteFile) -> None:
    key = {"provider_id": provider.provider_id, "name": file.name, "version": file.version}
    source = _source(provider, file.name)
    if source is None:
        return
    if gateway.registry.one(t.REMOTE_FILES, **key) is not None:
        remote.archive(file)  # its bytes are kept; the last run ended before it could put the file aside
        return
    data = remote.fetch(file)
    rows = [
        _archived(gateway, provider, name, plain, source if name == file.name else _inside(provider, name) or source)
        for name, plain in _plain_files(file.name, data)
    ]
    registry = gateway.registry
    with registry.transaction() as connection:
        for row in rows:
            is_new = insert_new(connection, t.FEEDBACK, **row, received_at=registry.now(), state="archived", note="")
            action = "feedback_received" if is_new else "feedback_repeated"
            registry.audit(
                connection, row["provider_id"], action, row["feedback_id"], name=row["name"], sha256=row["sha256"]
            )
            _log.info(
                "feedback", provider=row["provider_id"], name=row["name"], feedback_id=row["feedback_id"], new=is_new
            )
        insert_new(connection, t.REMOTE_FILES, **key, feedback_id=rows[0]["feedback_id"])
    remote.archive(file)


def _plain_files(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """Each file of an archive; one that cannot be opened as it came, so that it is kept and told as unreadable."""
    try:
        return unpacked(name, data)
    except Rejected:
        return [(name, data)]


def _archived(
    gateway: Gateway, provider: ProviderProfile, name: str, data: bytes, source: FeedbackSource
) -> dict[str, Any]:
    """Keep the bytes of one feedback file; what the registry will know of it."""
    sha256 = hashlib.sha256(data).hexdigest()
    feedback_id = make_id("B", provider.provider_id, sha256)
    gateway.store.put(f"feedback/{feedback_id}", data)
    return {
        "feedback_id": feedback_id, "provider_id": provider.provider_id, "name": name, "sha256": sha256,
        "size_bytes": len(data), "format": source.format,
    }  # fmt: skip


def _inside(provider: ProviderProfile, name: str) -> FeedbackSource | None:
    """How a file of an archive is read by its own name."""
    return _source(provider, PurePosixPath(name).name)


def _source(provider: ProviderProfile, name: str) -> FeedbackSource | None:
    return next((item for item in provider.feedback if fnmatch.fnmatch(name, item.pattern)), None)


def apply(gateway: Gateway, feedback_id: str) -> Followed:
    """Read one archived feedback file and tell it to whom it concerns. A repeat changes nothing. Raises NotFound."""
    row = gateway.registry.one(t.FEEDBACK, feedback_id=feedback_id)
    if row is None:
        raise NotFound("no such feedback file", feedback_id=feedback_id)
    for _ in range(_TRIES_MAX):
        if gateway.lake.committed(feedback_id, FOLLOW) is not None:
            break
        try:
            _read(gateway, row)
        except Conflict:
            continue  # another file brought the same statement first: look again
    detail = gateway.lake.committed(feedback_id, FOLLOW)
    if detail is None:
        raise Conflict("other feedback kept coming first; follow again", feedback_id=feedback_id)
    told = _tell(gateway, row)
    files = tuple(sorted({*told.verified, *told.spoken}))
    state = "unreadable" if detail["unreadable"] else "applied"
    with gateway.registry.transaction() as connection:
        where = {"feedback_id": feedback_id, "state": "archived"}
        if move(connection, t.FEEDBACK, where, state=state, note=detail["note"]):
            note_news(connection, files)
            if told.whole:
                note_mentions(connection, feedback_id, FOLLOW, told.spoken)
    return Followed(feedback_id, row["name"], state, files)


def _read(gateway: Gateway, row: Mapping[str, Any]) -> None:
    feedback_id = row["feedback_id"]
    options = _agreed(gateway.profiles.provider(row["provider_id"]), row)
    with gateway.store.mapped(f"feedback/{feedback_id}") as data:
        feedback = _said(row, data, options)
    fatal = feedback.findings.filter(pl.col("severity") == Severity.FATAL)
    known = _known_statements(gateway, row["provider_id"], feedback)
    statements = feedback.statements.join(known, on=["account", "statement_id"], how="anti", maintain_order="left")
    entries, balances = (
        frame.join(known, on=["account", "statement_id"], how="anti", maintain_order="left")
        for frame in (feedback.entries, feedback.balances)
    )
    draft = gateway.lake.draft(feedback_id, FOLLOW)
    draft.write("findings", feedback.findings)
    if fatal.is_empty():
        draft.write("statuses", feedback.statuses)
        draft.write("statements", statements)
        draft.write("entries", entries)
        draft.write("balances", balances)
    repeated = known["statement_id"].to_list()
    note = "; ".join([*fatal["message"].to_list(), *[f"statement {item} was known" for item in repeated]])

    def mark(connection: Connection) -> None:
        for item in statements.iter_rows(named=True) if fatal.is_empty() else ():
            if not insert_new(connection, t.STATEMENTS, **_statement_row(row, item)):
                raise Conflict(f"statement {item['statement_id']} was booked meanwhile", feedback_id=feedback_id)

    draft.commit({"unreadable": not fatal.is_empty(), "note": note, "version": feedback.version}, mark)


def _said(row: Mapping[str, Any], data: bytes | mmap.mmap, options: Model) -> Feedback:
    """What a feedback file says; of one that is packed still, why it could not be opened."""
    if is_wrapped(data, DEFAULT_CLIENT):
        try:
            unpacked(row["name"], bytes(data))
        except Rejected as fault:
            findings = file_finding(fault.rule, fault.reason, fault.message, fault.remedy)
            nothing = empty(STATUSES), empty(STATEMENTS), empty(ENTRIES)
            return Feedback(row["format"], "packed", None, *nothing, findings)
    found: Feedback = lookup("parsers", "FORMAT", row["format"]).read(
        Source(row["feedback_id"], row["name"], data), options
    )
    return found


def _agreed(provider: ProviderProfile, row: Mapping[str, Any]) -> Model:
    """How the profile says that this file is to be read. Raises ConfigError: it no longer says so."""
    if row["name"].endswith(REPLIES_SUFFIX):
        return plugin_options("parsers", "FORMAT", Plugin(name=row["format"]))  # the gateway wrote it itself
    place = PurePosixPath(row["name"])
    # A file of an archive is known by its own name, or by that of the archive around it.
    names = (str(place), *map(str, place.parents), place.name)
    for item in provider.feedback:
        if item.format == row["format"] and any(fnmatch.fnmatch(name, item.pattern) for name in names):
            return plugin_options("parsers", "FORMAT", item.plugin)
    told = f"{provider.provider_id} has no feedback of format {row['format']} for a file named {row['name']} any more"
    raise ConfigError(f"{told}: put the pattern back", feedback_id=row["feedback_id"])


def _known_statements(gateway: Gateway, provider_id: str, feedback: Feedback) -> pl.DataFrame:
    rows = gateway.registry.rows(t.STATEMENTS, t.STATEMENTS.c.provider_id == provider_id)
    schema = {"account": pl.String, "statement_id": pl.String}
    known = pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
    return feedback.statements.select(*schema).join(known, on=list(schema), how="semi")


def _statement_row(row: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider_id": row["provider_id"], "account": item["account"], "statement_id": item["statement_id"],
        "feedback_id": row["feedback_id"], "currency": item["currency"],
        "from_date": item["from_date"].isoformat() if item["from_date"] else None,
        "to_date": item["to_date"].isoformat() if item["to_date"] else None,
        "opening_minor": item["opening_minor"], "closing_minor": item["closing_minor"],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """Client files that a feedback file speaks of, and those whose payees it verified. `whole`: it speaks of no others."""

    spoken: frozenset[str] = frozenset()
    verified: frozenset[str] = frozenset()
    whole: bool = True


def _tell(gateway: Gateway, row: Mapping[str, Any]) -> _Told:
    """Acknowledge the submissions that the file speaks of; the client files they came from."""
    statuses = gateway.lake.whole(row["feedback_id"], "statuses")
    if statuses.is_empty():
        return _Told()
    verified = take_answers(gateway, row["provider_id"], statuses)
    statuses = without_verifications(gateway, row["provider_id"], statuses)
    # What became of a cancellation, or of one batch of several, is no word on the submission itself.
    one_batch = pl.col("original_batch_id").str.contains(ONE_BATCH).fill_null(value=False)
    whole = (pl.col("level") != "payment") & (pl.col("kind") != "cancellation") & ~one_batch
    named = statuses.filter(whole).select("original_message_id", "status", "reason_text")
    spoken = spoken_of(gateway, row["provider_id"], statuses)
    words = {item["original_message_id"]: item for item in named.iter_rows(named=True) if item["original_message_id"]}
    for submission_id in spoken.payments["submission_id"].unique().sort().to_list():
        word = words.get(submission_id, {"status": "ACCP", "reason_text": None})
        acknowledge(
            gateway, submission_id, str(word["status"]), f"{row['name']}: {word['reason_text'] or word['status']}"
        )
    return _Told(frozenset(spoken.payments["file_id"]), frozenset(verified), spoken.whole)
