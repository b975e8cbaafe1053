"""The command line: what should have come and has not. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gateway.cli.parts import OPERATION, opened, plainly

if TYPE_CHECKING:
    from gateway.composition import Gateway

alerts_app = typer.Typer(no_args_is_help=True)


@alerts_app.command(rich_help_panel=OPERATION)
def watch() -> None:
    """Look for what should have come from a provider and has not. Exit code 1 where an alert stands."""
    from gateway.feedback.watch import watch as look

    with plainly():
        gateway = opened()
        look(gateway)
    _print_alerts(gateway)


@alerts_app.command(rich_help_panel=OPERATION)
def alerts() -> None:
    """The alerts that stand, the oldest first. Exit code 1 where there is one."""
    with plainly():
        gateway = opened()
    _print_alerts(gateway)


def _print_alerts(gateway: Gateway) -> None:
    from gateway.feedback.alerts import open_alerts

    rows = open_alerts(gateway)
    for row in rows:
        typer.echo(f"{row['raised_at'][:16]} UTC  {row['kind']:<16} {row['message']}")
    if not rows:
        typer.echo("no alerts")
    raise typer.Exit(1 if rows else 0)
