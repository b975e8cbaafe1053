"""The command line: reports that no close makes, and the published lake. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli_parts import FINANCE, OPERATION, opened, plainly

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
    from gateway.client_reports import client_reports, write_client_report

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
    typer.echo(f"{done.objects} objects, {done.added} added, {done.removed} removed")


@reports_app.command(rich_help_panel=FINANCE)
def digest(day: _Day) -> None:
    """Print the day on one page, and write it as a report: what came in, what is late, what waits for a person."""
    from gateway.digest import daily_digest
    from gateway.report_files import text_of, write_reports

    with plainly():
        gateway = opened()
        report = daily_digest(gateway, day)
        keys = write_reports(gateway, report)
    typer.echo(text_of(report))
    for key in keys:
        typer.echo(key)
