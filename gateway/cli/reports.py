"""The command line: reports that no close makes, and the published lake. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from canonical.counts import count_of
from canonical.limits import SWEEP_AGE_S_MIN
from gateway.cli.parts import FINANCE, OPERATION, opened, plainly

reports_app = typer.Typer(no_args_is_help=True)
_Day = Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD")]


@reports_app.command(rich_help_panel=FINANCE)
def client_report(
    day: _Day,
    client: Annotated[
        str | None, typer.Argument(help="Client id; without it all that sent something on the day.")
    ] = None,
) -> None:
    """Write what became of clients' files of a day, and send it where the profile names formats (`reports`)."""
    from gateway.reports.client_reports import client_reports, write_client_report

    with plainly():
        gateway = opened()
        for key in write_client_report(gateway, client, day) if client else client_reports(gateway, day):
            typer.echo(key)


@reports_app.command(rich_help_panel=OPERATION)
def publish() -> None:
    """Keep `published/`: the committed data of the lake, for DuckDB, Athena, Spark and Polars."""
    from gateway.publish import publish as renew

    with plainly():
        done = renew(opened())
    typer.echo(f"{count_of(done.objects, 'object')}, {done.added} added, {done.removed} removed")


@reports_app.command(rich_help_panel=OPERATION)
def sweep(
    *,
    delete: Annotated[bool, typer.Option(help="Take it away; without it, only list it.")] = False,
    hours: Annotated[int, typer.Option(help="Only what is older; 24 at least.")] = SWEEP_AGE_S_MIN // 3600,
) -> None:
    """List what attempts that died left behind: objects that nothing names, temporary files. With --delete, take it away."""
    from gateway.sweep import litter
    from gateway.sweep import sweep as take_away

    with plainly():
        gateway = opened()
        found = litter(gateway, hours * 3600)
        for item in found:
            typer.echo(f"{item.modified:%Y-%m-%d %H:%M}Z  {item.size:>12}  {item.name}")
        taken = take_away(gateway, found, getpass.getuser()) if delete else 0
    typer.echo(f"{len(found)} found, {count_of(sum(item.size for item in found), 'byte')}, {taken} taken away")


@reports_app.command(rich_help_panel=FINANCE)
def digest(day: _Day) -> None:
    """Print the day on one page, and write it as a report: what came in, what is late, what waits for a person."""
    from gateway.reports.digest import daily_digest
    from gateway.reports.report_files import text_of, write_reports

    with plainly():
        gateway = opened()
        report = daily_digest(gateway, day)
        keys = write_reports(gateway, report)
    typer.echo(text_of(report))
    for key in keys:
        typer.echo(key)
