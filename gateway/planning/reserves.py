"""Reserves: what may be spent once is a counter, raised by one UPDATE that holds only below its bound.

Who holds how much of it stands in `reservations`, so that it is given back once, and a repeat takes nothing more.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.registry import tables as t
from gateway.registry.engine import insert_new


def reserve(connection: Connection, subject: str, counter: str, amount: int, most: int, at: str) -> bool:
    """Take `amount` of a counter that may not grow beyond `most`; False where it would: then nothing was taken.

    A repeat by the same subject takes nothing more.
    """
    insert_new(connection, t.COUNTERS, name=counter, value=0)
    if not insert_new(connection, t.RESERVATIONS, subject=subject, counter=counter, amount=amount, reserved_at=at):
        return True
    counters = t.COUNTERS
    raised = counters.update().where(counters.c.name == counter, counters.c.value + amount <= most)
    if connection.execute(raised.values(value=counters.c.value + amount)).rowcount:
        return True
    held = t.RESERVATIONS
    connection.execute(held.delete().where(held.c.subject == subject, held.c.counter == counter))
    return False


def give_back(connection: Connection, subject: str) -> None:
    """Give back all that a file or submission reserved; a repeat gives back nothing."""
    held = t.RESERVATIONS
    gone = connection.execute(held.delete().where(held.c.subject == subject).returning(held.c.counter, held.c.amount))
    for counter, amount in sorted(gone.fetchall()):
        update = t.COUNTERS.update().where(t.COUNTERS.c.name == counter)
        connection.execute(update.values(value=t.COUNTERS.c.value - amount))


def give_back_part(connection: Connection, subject: str, counter: str, amount: int) -> None:
    """Give back a part of what a file reserved of one counter; nothing where it reserved none of it, never more than it holds."""
    held, counters = t.RESERVATIONS.c, t.COUNTERS
    own = (held.subject == subject, held.counter == counter, held.amount >= amount)
    lowered = t.RESERVATIONS.update().where(*own).values(amount=held.amount - amount)
    if connection.execute(lowered).rowcount:
        update = counters.update().where(counters.c.name == counter)
        connection.execute(update.values(value=counters.c.value - amount))
