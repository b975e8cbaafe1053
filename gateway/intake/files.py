"""Small shared facts about files: their row, their place in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from canonical.errors import Conflict, NotFound
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import move


def file_row(gateway: Gateway, file_id: str) -> Mapping[str, Any]:
    """The registry's row of a file. Raises NotFound."""
    row = gateway.registry.one(t.FILES, file_id=file_id)
    if row is None:
        raise NotFound("no such file", file_id=file_id)
    return row


def archive_key(file_id: str) -> str:
    """Where the raw bytes of a file lie, unread and unchanged."""
    return f"archive/{file_id}"


def plain_key(file_id: str) -> str:
    """Where the plain bytes of a file that came in an envelope lie."""
    return f"plain/{file_id}"


def inbox_prefix(client_id: str) -> str:
    """The client's upload folder."""
    return f"clients/{client_id}/inbox"


def outbox_key(client_id: str, name: str) -> str:
    """A file in the client's download folder."""
    return f"clients/{client_id}/outbox/{name}"


def move_file(connection: Connection, file_id: str, before: str | tuple[str, ...], after: str, **values: Any) -> None:
    """Compare-and-set of a file's state. Raises Conflict."""
    if not move(connection, t.FILES, {"file_id": file_id, "state": before}, state=after, **values):
        raise Conflict(f"the file is no longer {before}", file_id=file_id)
