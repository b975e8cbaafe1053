"""News: that more became known of a file's payments than its client was told, noted in the transaction that makes it known."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from gateway.composition import Gateway
from gateway.registry import tables as t


def note_news(connection: Connection, file_ids: Iterable[str]) -> None:
    """More became known of the payments of these files; part of the transaction that makes it known."""
    update = t.FILES.update().where(t.FILES.c.file_id.in_(sorted(file_ids)))
    connection.execute(update.values(news=t.FILES.c.news + 1))


def note_sent(gateway: Gateway, connection: Connection, file_id: str) -> None:
    """A submission of the file was delivered: news to a client that wants to be told so."""
    client_id = connection.execute(t.FILES.select().where(t.FILES.c.file_id == file_id)).mappings().one()["client_id"]
    if any("sent" in answer.at for answer in gateway.profiles.client(client_id).answers):
        note_news(connection, [file_id])
