"""Mentions: which client files a stage of a provider speaks of.

A provider tells of ever more files, and every run of its reconciliation claims payments of some. Who asks for one file reads what
may speak of it, not all of history.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, or_, true

from gateway.registry import tables as t

_FILES_MAX: Final = 500
"""Who asks for more files reads everything: a query has a bound of parameters."""


def note_mentions(connection: Connection, subject: str, stage: str, file_ids: Collection[str]) -> None:
    """These are all the files that a committed stage speaks of; part of the transaction that makes it known."""
    rows = [{"subject": subject, "stage": stage, "file_id": file_id} for file_id in sorted(set(file_ids))]
    if rows:
        connection.execute(t.MENTIONS.insert(), rows)
    c = t.STAGES.c
    connection.execute(t.STAGES.update().where(c.subject == subject, c.stage == stage).values(mentions=len(rows)))


def may_speak_of(
    subject: ColumnElement[str], stage: ColumnElement[str] | str, file_ids: Collection[str]
) -> ColumnElement[bool]:
    """True of stages that speak of one of these files, and of those of which nobody noted what they speak of."""
    if len(file_ids) > _FILES_MAX:
        return true()
    s, m = t.STAGES.c, t.MENTIONS.c
    noted = exists().where(s.subject == subject, s.stage == stage, s.mentions.is_not(None))
    speaks = exists().where(m.subject == subject, m.stage == stage, m.file_id.in_(sorted(file_ids)))
    return or_(~noted, speaks)
