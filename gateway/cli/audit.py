"""The command line: the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from canonical.counts import count_of
from canonical.errors import ConfigError
from gateway.cli.parts import opened, plainly

if TYPE_CHECKING:
    from gateway.registry.trail import End

audit_app = typer.Typer(
    help="The audit trail: who did what, and whether it is as it was written.", no_args_is_help=True
)

Noted = Annotated[
    str | None, typer.Option(metavar="ROW:DIGEST", help="An end of the trail that an earlier `verify` printed.")
]


@audit_app.command("verify")
def audit_verify(*, noted: Noted = None) -> None:
    """Read the whole trail and find a row that was changed, removed or put in. Exit code 1 where there is one."""
    from gateway.registry import trail

    with plainly():
        end = None if noted is None else _end(noted)
        with opened().registry.transaction() as connection:
            found, fault = trail.verify(connection, end)
    typer.echo(fault or f"{count_of(found.sequence, 'row')}, each as it was written; the trail ends with")
    typer.echo(f"{found.sequence}:{found.digest}")
    raise typer.Exit(0 if fault is None else 1)


@audit_app.command("show")
def audit_show(subject: Annotated[str, typer.Argument(help="Id of a file, submission, client or provider.")]) -> None:
    """Everything that was done to one subject, in order."""
    from gateway.registry import tables as t

    with plainly():
        rows = opened().registry.rows(t.AUDIT, t.AUDIT.c.subject == subject)
    for row in rows:
        typer.echo(f"{row['sequence']:>8}  {row['at'][:19]}Z  {row['actor']:<12} {row['action']:<20} {row['detail']}")
    raise typer.Exit(0 if rows else 1)


def _end(text: str) -> End:
    from gateway.registry.trail import GENESIS, End

    row, _, digest = text.partition(":")
    if not row.isdecimal() or len(digest) != len(GENESIS):
        raise ConfigError(f"{text!r} is no end of a trail: give ROW:DIGEST as `bulkrail audit verify` prints it")
    return End(int(row), digest)
