"""Answer: what became of a client's file, told in the client's own terms, delivered by the submission protocol."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import polars as pl
from sqlalchemy import Connection

from canonical.identifiers import make_id
from canonical.plugins import lookup
from canonical.profiles import ClientProfile, Plugin
from gateway.answer_rows import answer_of, answer_rows
from gateway.composition import Gateway
from gateway.dispatch import dispatch
from gateway.files import file_row
from gateway.pgp import PgpKeyring
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_numbers


def answer(gateway: Gateway, file_id: str, milestone: str) -> list[str]:
    """Write and deliver the client's answers for a milestone ("validated" or "outcome"); the submission ids.

    The same state of the file gives the same answer once; a repeat delivers what is left on the way and writes nothing new.
    That the client was told is noted last, so that a crash before leaves the file among those to be answered.
    """
    file = file_row(gateway, file_id)
    with answer_rows(gateway, file, milestone) as rows:
        sent = _send(gateway, file, milestone, rows, duplicate=None)
    told = t.FILES.update().where(t.FILES.c.file_id == file_id)
    with gateway.registry.transaction() as connection:
        if milestone == "validated":
            connection.execute(told.values(answered=1))
        else:
            # What became known while the answer was written is not in it: the file stays among those with news.
            connection.execute(told.where(t.FILES.c.told < file["news"]).values(told=file["news"]))
    return sent


def answer_duplicates(gateway: Gateway, file_id: str) -> list[str]:
    """Answer every arrival that brought the bytes of a known file again: the original stands, nothing was done twice."""
    file = file_row(gateway, file_id)
    sent = []
    with answer_rows(gateway, file, "outcome") as rows:
        for arrival in gateway.registry.rows(t.ARRIVALS, *_unanswered(), t.ARRIVALS.c.file_id == file_id):
            sent += _send(gateway, file, "duplicate", rows, duplicate=arrival)
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


def note_news(connection: Connection, file_ids: Iterable[str]) -> None:
    """More became known of the payments of these files; part of the transaction that makes it known."""
    update = t.FILES.update().where(t.FILES.c.file_id.in_(sorted(file_ids)))
    connection.execute(update.values(news=t.FILES.c.news + 1))


def _unanswered() -> tuple[Any, ...]:
    return (t.ARRIVALS.c.duplicate == 1, t.ARRIVALS.c.answered == 0)


def _send(
    gateway: Gateway, file: Mapping[str, Any], milestone: str, rows: pl.DataFrame, duplicate: Mapping[str, Any] | None
) -> list[str]:
    client = gateway.profiles.client(file["client_id"])
    content = duplicate["arrival_id"] if duplicate else ("" if milestone == "validated" else _digest(rows))
    sent = []
    for plugin in client.answers:
        slot = f"{plugin.name}/{milestone}/{content}"
        submission_id = make_id("S", file["file_id"], slot)
        if gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id) is None and not _write(
            gateway, file, plugin, milestone, slot, submission_id, rows, duplicate
        ):
            continue
        dispatch(gateway, submission_id)
        sent.append(submission_id)
    return sent


def _digest(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.select("row", "status", "reason").write_csv().encode()).hexdigest()


def _write(  # noqa: PLR0913, PLR0917
    gateway: Gateway, file: Mapping[str, Any], plugin: Plugin, milestone: str, slot: str, submission_id: str,
    rows: pl.DataFrame, duplicate: Mapping[str, Any] | None,
) -> bool:  # fmt: skip
    """Write an answer and plan its delivery; False for an export that has nothing to tell (it wrote no byte)."""
    export = lookup("exporters", "EXPORT", plugin.name)
    export = export.with_options(export.options.model_validate(plugin.options))
    told = answer_of(gateway, file, milestone, submission_id, rows, duplicate)
    with tempfile.TemporaryDirectory(prefix="answer-") as folder:
        path = Path(folder) / "answer"
        with path.open("wb") as out:
            export.write(told, out)
        if path.stat().st_size == 0:
            return False
        path, suffix = _sealed(gateway, told.client, path, export.suffix_of(told))
        with path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        size = path.stat().st_size
        key = f"answers/{submission_id}-{sha256[:16]}"
        gateway.store.put(key, path)
    registry = gateway.registry
    counter = f"{file['file_id']}:{plugin.name}:{milestone}"
    original = PurePath(duplicate["name"] if duplicate else file["name"]).name
    with registry.transaction() as connection:
        number = ""
        if milestone != "validated":
            # Taken in the transaction that names the answer: two workers never give one name to two answers.
            number = f"-{take_numbers(connection, f'answer:{counter}')}"
        name = f"{original}.{file['file_id'][:6]}.{milestone}{number}{suffix}"
        insert_new(
            connection, t.SUBMISSIONS,
            submission_id=submission_id, kind="answer", file_id=file["file_id"], slot=slot,
            destination=file["client_id"], payments=rows.height, sum_minor=0, name=name, key=key, sha256=sha256,
            size_bytes=size, business_date=gateway.clock().date().isoformat(), state="PREPARED", attempt=0,
            detail="", created_at=registry.now(), changed_at=registry.now(),
        )  # fmt: skip
    return True


def _sealed(gateway: Gateway, client: ClientProfile, path: Path, suffix: str) -> tuple[Path, str]:
    """The answer as it leaves, and its suffix: encrypted for the client and signed where that was agreed."""
    if client.pgp is None or client.pgp.encrypt_to is None:
        return path, suffix
    sealed = path.with_suffix(".pgp")
    PgpKeyring(client.pgp, gateway.secret).close(path, sealed)
    return sealed, f"{suffix}.pgp"
