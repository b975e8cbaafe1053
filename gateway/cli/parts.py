"""What the commands of the command line share: how they open the gateway, how they tell a fault, how they print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from canonical.errors import BulkrailError

if TYPE_CHECKING:
    from gateway.composition import Gateway

CLIENT_DESK = "At the client's desk"
OPERATION = "Operation"
FINANCE = "Finance"


class Output(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@contextmanager
def plainly() -> Iterator[None]:
    """Our own errors as one plain line and exit code 3; anything else is a bug and keeps its traceback."""
    try:
        yield
    except BulkrailError as fault:
        typer.secho(f"{type(fault).__name__}: {fault}", err=True, fg="red")
        for row in getattr(fault, "rows", ()):
            typer.echo(f"  {row}", err=True)
        raise typer.Exit(3) from fault


def each(act: Callable[[str], object], ids: Iterable[str]) -> None:
    """Do it for each: one client's trouble stops no other. Raises the first fault after all were tried; the others are told."""
    faults = list[BulkrailError]()
    for subject in ids:
        try:
            act(subject)
        except BulkrailError as fault:
            faults.append(fault)
            typer.secho(f"{subject}: {fault}", err=True, fg="red")
    if faults:
        raise faults[0]


def opened() -> Gateway:
    """The gateway of the environment."""
    from gateway.composition import open_gateway

    return open_gateway()
