"""Receive: what lies in the clients' inboxes becomes arrivals and files, archived by digest before anything reads them.

Order of effects: archive the bytes, one commit, clear the inbox. A crash before the commit leaves litter that the repeat
overwrites; a crash before the clearing finds its own arrival again and only clears.
"""

from __future__ import annotations

import mmap
import tempfile
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from canonical.errors import BulkrailError, Conflict
from canonical.identifiers import make_file_id, make_id
from canonical.profiles import ClientProfile
from gateway.composition import Gateway
from gateway.intake.envelopes import Rejected, is_wrapped, peel
from gateway.intake.files import archive_key, inbox_prefix
from gateway.intake.plain import keyring_of
from gateway.intake.reading import closes_itself
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, row_of
from gateway.store import StoredObject

UNFINISHED_SUFFIXES: Final = (".part", ".tmp", ".filepart", ".writing", ".partial")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one object of an inbox.

    outcome: new, duplicate (known bytes, new arrival), seen (this arrival is known), waiting (not complete yet),
    failed (ours or the store's fault, in `note`; the next run tries again), unknown_client.
    """

    client_id: str
    name: str
    outcome: str
    file_id: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One object of an inbox, looked at."""

    client: ClientProfile
    arrival_id: str
    name: str
    item: StoredObject
    sha256: str
    complete: bool


def receive(gateway: Gateway) -> list[Received]:
    """Take in every complete object of every inbox. One client's trouble never stops the others."""
    return [found for client_id in gateway.store.folders("clients") for found in _receive_all(gateway, client_id)]


def _receive_all(gateway: Gateway, client_id: str) -> Iterator[Received]:
    client = gateway.profiles.clients.get(client_id)
    try:
        found = inbox(gateway, client_id)
    except BulkrailError as fault:  # a name that the store cannot even list
        yield _failed(client_id, "", fault)
        return
    for name, item in found:
        if client is None:
            yield Received(client_id, name, "unknown_client", note="no profile in clients/ names this folder")
            continue
        try:
            yield _receive_one(gateway, client, item, name)
        except BulkrailError as fault:
            yield _failed(client_id, name, fault)


def _failed(client_id: str, name: str, fault: BulkrailError) -> Received:
    _log.error("receive_failed", client=client_id, name=name, fault=str(fault))
    return Received(client_id, name, "failed", note=str(fault))


def inbox(gateway: Gateway, client_id: str) -> list[tuple[str, StoredObject]]:
    """Finished objects by name, in the order in which they were written: of the same bytes twice the earlier is the original."""
    prefix = inbox_prefix(client_id)
    items = sorted(gateway.store.list(prefix), key=lambda found: (found.modified, found.key))
    named = [(item.key.removeprefix(f"{prefix}/"), item) for item in items]
    return [(name, item) for name, item in named if "/" not in name and _finished(name)]


def _finished(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED_SUFFIXES)


def _receive_one(gateway: Gateway, client: ClientProfile, item: StoredObject, name: str) -> Received:
    arrival_id = make_id("A", client.client_id, name, item.version)
    known = gateway.registry.one(t.ARRIVALS, arrival_id=arrival_id)
    if known is not None:
        gateway.store.delete(item.key, item.version)
        return Received(client.client_id, name, "seen", known["file_id"])
    with tempfile.NamedTemporaryFile(prefix="bulkrail-") as copy:
        sha256, size = gateway.store.copy_to(item.key, copy)
        copy.flush()
        complete = _complete(gateway, client, Path(copy.name), size)
        age_s = (gateway.clock() - item.modified).total_seconds()
        if not complete and age_s < gateway.settings.incomplete_grace_s:
            return Received(client.client_id, name, "waiting", note="nothing closes the file yet")
        arrival = _Arrival(client, arrival_id, name, item, sha256, complete)
        file_id, duplicate = _admit(gateway, arrival, Path(copy.name))
    gateway.store.delete(item.key, item.version)
    _log.info("received", client=client.client_id, name=name, file_id=file_id, bytes=size, duplicate=duplicate)
    return Received(client.client_id, name, "duplicate" if duplicate else "new", file_id)


def _complete(gateway: Gateway, client: ClientProfile, copy: Path, size: int) -> bool:
    if client.complete == "renamed" or size == 0:
        return True  # the unfinished name was passed over; an empty file is as complete as it will get
    with copy.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not is_wrapped(data, client):
            return closes_itself(client, data)
    with tempfile.TemporaryDirectory(prefix="bulkrail-envelope-") as folder:
        try:
            # An envelope that opens is whole: each of the three kinds carries its length or a check sum.
            peel(copy, copy.name, client, keyring_of(gateway, client), Path(folder))
        except Rejected:
            return False
    return True


def _admit(gateway: Gateway, arrival: _Arrival, copy: Path) -> tuple[str, bool]:
    """Archive the bytes, then one commit: the arrival, and the file unless its bytes are known. (file_id, duplicate)."""
    registry, client, now = gateway.registry, arrival.client, gateway.clock()
    round_, known = _round(gateway, arrival)
    file_id = make_file_id(client.client_id, arrival.sha256 if round_ == 1 else f"{arrival.sha256}:{round_}")
    if not known:
        try:
            gateway.store.put(archive_key(file_id), copy, create=True, given=True)
        except Conflict:
            _log.info("archived_before", file_id=file_id)  # same id, same bytes: an attempt that died left it
    with registry.transaction() as connection:
        is_new = insert_new(
            connection, t.FILES,
            file_id=file_id, client_id=client.client_id, name=arrival.name, sha256=arrival.sha256, round=round_,
            size_bytes=arrival.item.size, complete=int(arrival.complete), received_at=now.isoformat(timespec="microseconds"),
            received_on=now.astimezone(zoneinfo.ZoneInfo(client.time_zone)).date().isoformat(), state="received",
            answered=0, news=0, told=0,
        )  # fmt: skip
        ours = insert_new(
            connection, t.ARRIVALS,
            arrival_id=arrival.arrival_id, client_id=client.client_id, name=arrival.name, version=arrival.item.version,
            file_id=file_id, duplicate=int(not is_new), answered=0, arrived_at=registry.now(),
        )  # fmt: skip
        if ours:
            registry.audit(
                connection, "gateway", "received" if is_new else "duplicate_received", file_id,
                name=arrival.name, client=client.client_id, sha256=arrival.sha256,
            )  # fmt: skip
            return file_id, not is_new
        first = row_of(connection, t.ARRIVALS, arrival_id=arrival.arrival_id)
        assert first is not None, "the insert lost to a row that is not there"
        return first["file_id"], bool(first["duplicate"])


def _round(gateway: Gateway, arrival: _Arrival) -> tuple[int, bool]:
    """The round of these bytes, counted from 1, and whether its file is known: then this arrival is a duplicate.

    A file that was wholly rejected (or refused) moved no money: it may come again, and is looked at anew in the next round.
    """
    c = t.FILES.c
    rounds = gateway.registry.rows(
        t.FILES, c.client_id == arrival.client.client_id, c.sha256 == arrival.sha256, order=c["round"]
    )
    known = bool(rounds) and rounds[-1]["state"] not in {"rejected", "refused"}
    return len(rounds) if known else len(rounds) + 1, known
