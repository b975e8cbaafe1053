"""Answer: what became of a client's file, told in the client's own terms, delivered by the submission protocol.

Answers leave in sets: every export that the client wants at a milestone, of one state of the file, under one number. All
members are written first, then one commit makes the set count, with what it told of each payment; then each member is
delivered, and what a crash leaves between two of them the next run delivers before it says anything new.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict
from canonical.identifiers import make_id
from canonical.plugins import lookup
from canonical.profiles import MILESTONES, AnswerPlugin, ClientProfile
from gateway.answers.bookings import claims
from gateway.answers.rows import answer_of, answer_rows, no_rows
from gateway.answers.told import news_of, reached, snapshot, told_before
from gateway.composition import Gateway
from gateway.delivery.dispatch import dispatch
from gateway.delivery.submissions import OPEN
from gateway.intake.files import file_row
from gateway.intake.pgp import PgpKeyring
from gateway.lake import Draft
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_numbers

_TRIES_MAX: Final = 20


def answer(gateway: Gateway, file_id: str, milestone: str) -> list[str]:
    """Write and deliver the client's answers: "received", "validated", or "outcome": whatever its payments reached since.

    The same state of the file is told once; a repeat delivers what is left on the way and writes nothing new. That the
    client was told is noted last, so that a crash before leaves the file among those to be answered.

    Returns: the submissions that were delivered.
    """
    file = file_row(gateway, file_id)
    sent = _deliver(gateway, file_id)
    told = t.FILES.update().where(t.FILES.c.file_id == file_id)
    if milestone == "outcome":
        sent += _tell_news(gateway, file)
        # What became known while the answer was written is not in it: the file stays among those with news.
        told = told.where(t.FILES.c.told < file["news"]).values(told=file["news"])
    else:
        sent += _tell_once(gateway, file, milestone)
        told = told.values(answered=1)
    if milestone != "received":
        with gateway.registry.transaction() as connection:
            connection.execute(told)
    return sent


def report_bookings(gateway: Gateway, file_id: str, name: str) -> list[str]:
    """Tell by an export what was booked of a file since it did so last, apart from what the file's answers told.

    Returns: the submissions that were delivered. Raises Conflict: another worker told it first.
    """
    file, series = file_row(gateway, file_id), f"report-{name}-"
    sent = _deliver(gateway, file_id)
    number, before = told_before(gateway, file_id, series)
    if claims(gateway, file_id).is_empty():
        return sent
    agreed = [plugin for plugin in gateway.profiles.client(file["client_id"]).answers if plugin.name == name]
    with answer_rows(gateway, file, "outcome") as rows:
        told = AnswerSet(gateway, file, "report", f"{series}{number:06d}", rows, news_of(rows, before), number)
        if not told.commit(agreed[:1] or [AnswerPlugin(name=name)]):
            raise Conflict("another worker told it first", file_id=file_id)
    return sent + _deliver(gateway, file_id)


def answer_duplicates(gateway: Gateway, file_id: str) -> list[str]:
    """Answer every arrival that brought the bytes of a known file again: the original stands, nothing was done twice."""
    file = file_row(gateway, file_id)
    sent = _deliver(gateway, file_id)
    with answer_rows(gateway, file, "outcome") as rows:
        for arrival in gateway.registry.rows(t.ARRIVALS, *_unanswered(), t.ARRIVALS.c.file_id == file_id):
            told = AnswerSet(gateway, file, "duplicate", arrival["arrival_id"], rows, duplicate=arrival)
            told.commit(gateway.profiles.client(file["client_id"]).answers)
            sent += _deliver(gateway, file_id)
            with gateway.registry.transaction() as connection:
                move(connection, t.ARRIVALS, {"arrival_id": arrival["arrival_id"]}, answered=1)
    return sent


def repeated_files(gateway: Gateway) -> list[str]:
    """Files that came again, whose further arrivals are not answered yet and whose own answer is out."""
    arrivals = gateway.registry.rows(t.ARRIVALS, *_unanswered())
    known = {row["file_id"] for row in arrivals}
    files = gateway.registry.rows(t.FILES, t.FILES.c.file_id.in_(sorted(known)), t.FILES.c.answered == 1)
    return [row["file_id"] for row in files]


def files_with_news(gateway: Gateway) -> list[str]:
    """Files of whose payments more is known than their clients were told."""
    files = gateway.registry.rows(t.FILES, t.FILES.c.told < t.FILES.c.news, order=t.FILES.c.received_at)
    return [row["file_id"] for row in files]


def _unanswered() -> tuple[Any, ...]:
    return (t.ARRIVALS.c.duplicate == 1, t.ARRIVALS.c.answered == 0)


def _deliver(gateway: Gateway, file_id: str) -> list[str]:
    """Carry the file's answers that are on the way to the outbox, the oldest first."""
    c = t.SUBMISSIONS.c
    left = gateway.registry.rows(
        t.SUBMISSIONS, c.file_id == file_id, c.kind == "answer", c.state.in_(OPEN), order=(c.created_at, c.name)
    )
    for row in left:
        dispatch(gateway, row["submission_id"])
    return [row["submission_id"] for row in left]


def _tell_once(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> list[str]:
    """The set of a milestone that a file reaches once, with all its payments."""
    stage = "answer-000000" if milestone == "validated" else f"answer-{milestone}"
    plugins = _wanted(gateway, file, {milestone})
    if not plugins or gateway.lake.committed(file["file_id"], stage) is not None:
        return []
    rows = no_rows() if milestone == "received" else answer_rows(gateway, file, milestone)
    with rows as told:
        AnswerSet(gateway, file, milestone, stage, told).commit(plugins)
    return _deliver(gateway, file["file_id"])


def _tell_news(gateway: Gateway, file: Mapping[str, Any]) -> list[str]:
    """One set of what the payments reached since the last: its milestone is the furthest of those that are wanted.

    Raises: Conflict: other workers kept telling first.
    """
    for _ in range(_TRIES_MAX):
        # The number is read before what it numbers: who did not see another's set loses at the commit.
        number, before = told_before(gateway, file["file_id"])
        with answer_rows(gateway, file, "outcome") as rows:
            news = news_of(rows, before)
            due = reached(news)
            plugins = _wanted(gateway, file, due)
            if not plugins:
                return []
            wanted = [name for name in MILESTONES if name in due and any(name in plugin.at for plugin in plugins)]
            told = AnswerSet(gateway, file, wanted[-1], f"answer-{number:06d}", rows, news, number=number)
            if told.commit(plugins):
                return _deliver(gateway, file["file_id"])
    raise Conflict("other workers kept answering first", file_id=file["file_id"])


def _wanted(gateway: Gateway, file: Mapping[str, Any], milestones: set[str]) -> list[AnswerPlugin]:
    answers = gateway.profiles.client(file["client_id"]).answers
    return [answer for answer in answers if milestones & set(answer.at)]


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """Exports of one state of a file.

    `stage`: what makes it count once (of a copy of the file its arrival, which is no stage). `rows`: ANSWER rows. `news`: row and
    milestone of the payments that it tells something new of, None: of all. `number`: of the file's sets, 0 where it needs none.
    `duplicate`: the arrival that brought known bytes, None for the file itself.
    """

    gateway: Gateway
    file: Mapping[str, Any]
    milestone: str
    stage: str
    rows: pl.DataFrame
    news: pl.DataFrame | None = None
    number: int = 0
    duplicate: Mapping[str, Any] | None = None

    def commit(self, plugins: tuple[AnswerPlugin, ...] | list[AnswerPlugin]) -> bool:
        """Write every member, then make all of them count at once. False where another worker's set came first.

        A set in which no export has anything to tell is none: nothing counts, and True.
        """
        members = [member for plugin in plugins if (member := self._write(plugin)) is not None]
        if not members:
            return True
        draft = None
        if self.milestone != "duplicate":
            draft = self.gateway.lake.draft(self.file["file_id"], self.stage)
            draft.write("told", snapshot(self.rows))
        return self._count(draft, members)

    def _count(self, draft: Draft | None, members: list[dict[str, Any]]) -> bool:
        if draft is not None:
            detail = {"milestone": self.milestone, "exports": [item["slot"] for item in members]}
            return draft.commit(detail, self._inserted(members))
        try:
            with self.gateway.registry.transaction() as connection:
                self._inserted(members)(connection)
        except Conflict:
            return False
        return True

    def _inserted(self, members: list[dict[str, Any]]) -> Callable[[Connection], None]:
        registry = self.gateway.registry

        def insert(connection: Connection) -> None:
            number = self.number
            if self.duplicate:
                number = take_numbers(connection, f"answer:{self.file['file_id']}:duplicate")
            original = PurePath(self.duplicate["name"] if self.duplicate else self.file["name"]).name
            name = f"{original}.{self.file['file_id'][:6]}.{self._called()}{f'-{number}' if number else ''}"
            for member in members:
                ours = insert_new(
                    connection, t.SUBMISSIONS,
                    **{**member, "name": f"{name}{member['name']}"}, kind="answer", file_id=self.file["file_id"],
                    destination=self.file["client_id"], payments=self.rows.height, sum_minor=0,
                    business_date=self.gateway.clock().date().isoformat(), state="PREPARED", attempt=0, detail="",
                    created_at=registry.now(), changed_at=registry.now(),
                )  # fmt: skip
                if not ours:
                    raise Conflict("another worker's set came first", submission_id=member["submission_id"])

        return insert

    def _called(self) -> str:
        """The milestone in a name: what a person or a later day decided after the first answer is not that one again."""
        return "decided" if self.milestone == "validated" and self.number else self.milestone

    def _write(self, plugin: AnswerPlugin) -> dict[str, Any] | None:
        """Write a member and store it: its own columns of SUBMISSIONS, `name` being its suffix. None: nothing to tell."""
        slot = f"{plugin.name}/{self._called()}/{self.stage.removeprefix('answer-')}"
        submission_id = make_id("S", self.file["file_id"], slot)
        export = lookup("exporters", "EXPORT", plugin.name)
        export = export.with_options(export.options.model_validate(plugin.options))
        told = answer_of(self.gateway, self.file, self._called(), submission_id, self.rows, self.duplicate, self.news)
        with tempfile.TemporaryDirectory(prefix="bulkrail-answer-") as folder:
            path = Path(folder) / "answer"
            with path.open("wb") as out:
                export.write(told, out)
            if path.stat().st_size == 0:
                return None
            path, suffix = sealed(self.gateway, told.client, path, export.suffix_of(told))
            with path.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            size = path.stat().st_size
            key = f"answers/{submission_id}-{sha256[:16]}"
            self.gateway.store.put(key, path, given=True)
        return {
            "submission_id": submission_id, "slot": slot, "name": suffix, "key": key, "sha256": sha256, "size_bytes": size,
        }  # fmt: skip


def sealed(gateway: Gateway, client: ClientProfile, path: Path, suffix: str) -> tuple[Path, str]:
    """What a client is sent as it leaves, and its suffix: encrypted for the client and signed where that was agreed."""
    if client.pgp is None or client.pgp.encrypt_to is None:
        return path, suffix
    closed = path.with_suffix(".pgp")
    PgpKeyring(client.pgp, gateway.secret).close(path, closed)
    return closed, f"{suffix}.pgp"
