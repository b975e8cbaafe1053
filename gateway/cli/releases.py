"""The command line: what operators do about releases. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.parts import OPERATION, opened, plainly

releases_app = typer.Typer(no_args_is_help=True)

Provider = Annotated[str | None, typer.Option(help="Releases to this provider.")]
Client = Annotated[str | None, typer.Option(help="Releases of this client's payments.")]
Everything = Annotated[bool, typer.Option("--all", help="All releases.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
By = Annotated[str | None, typer.Option(help="Who decides; the login name by default.")]


@releases_app.command(rich_help_panel=OPERATION)
def stop(
    *, provider: Provider = None, client: Client = None, everything: Everything = False, reason: Reason, by: By = None
) -> None:
    """Stop releases at once: to a provider, of a client, or all. What is not released waits."""
    from gateway.delivery import stops

    with plainly():
        stops.stop(opened(), *_scope(provider, client, everything), by=by or getpass.getuser(), reason=reason)
    typer.echo("stopped; `bulkrail resume` lets releases go on")


@releases_app.command(rich_help_panel=OPERATION)
def resume(
    *, provider: Provider = None, client: Client = None, everything: Everything = False, reason: Reason, by: By = None
) -> None:
    """Let stopped releases go on; what missed its cut-off meanwhile goes to the next window."""
    from gateway.delivery import stops

    with plainly():
        stops.resume(opened(), *_scope(provider, client, everything), by=by or getpass.getuser(), reason=reason)
    typer.echo("resumed")


@releases_app.command(rich_help_panel=OPERATION)
def fund(
    client: Annotated[str, typer.Argument(help="Client id.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217 code.")],
    amount: Annotated[str, typer.Argument(help="What it paid in, or its available balance: 1250.00")],
    *,
    reason: Reason = "",
    by: By = None,
    as_of: Annotated[str | None, typer.Option(help="Moment of a balance, ISO 8601 with zone; now by default.")] = None,
    beside_statements: Annotated[
        bool,
        typer.Option(
            "--beside-statements", help="No statement will show it; needed where they tell the client's money."
        ),
    ] = False,
) -> None:
    """Tell what cover a client has: money paid in (prefunded), or its account's available balance."""
    from canonical.money import format_minor
    from gateway.delivery import funds

    with plainly():
        moment = dt.datetime.fromisoformat(as_of) if as_of else None
        there = funds.fund(
            opened(), client, currency, amount, by=by or getpass.getuser(), reason=reason, as_of=moment,
            beside_statements=beside_statements,
        )  # fmt: skip
    typer.echo(f"{client}: {format_minor(there, currency)} {currency} can be released")


@releases_app.command(rich_help_panel=OPERATION)
def resolve(
    submission: Annotated[str, typer.Argument(help="A submission of unknown outcome.")],
    *,
    delivered: Annotated[
        bool, typer.Option("--delivered/--not-delivered", help="Does the provider have it, by its own word?")
    ],
    reason: Reason,
    by: By = None,
) -> None:
    """Say what became of an UNKNOWN submission, after asking the provider. Not delivered: its payments are planned anew."""
    from gateway.delivery.resolve import resolve as decide

    with plainly():
        state = decide(opened(), submission, delivered=delivered, by=by or getpass.getuser(), reason=reason)
    typer.echo(f"{submission}  {state}" + ("; one more person must say the same" if state == "UNKNOWN" else ""))


@releases_app.command(rich_help_panel=OPERATION)
def route(
    file_id: Annotated[str | None, typer.Argument(help="An approved file; none with --dry-run.")] = None,
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each rail took or lost its payments.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Where payments of --day would go under --config.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="Folder of changed profiles, for --dry-run.")] = None,
    day: Annotated[str | None, typer.Option(help="Day of receipt, YYYY-MM-DD; yesterday by default.")] = None,
) -> None:
    """Plan what of a file is not planned yet; explain a plan; or rehearse changed profiles, which commits nothing."""
    from gateway.cli.show import console, explained_table, rehearsal_table
    from gateway.planning.explain import explain_file, rehearse
    from gateway.planning.route import route as plan

    with plainly():
        gateway = opened()
        if dry_run:
            received = dt.date.fromisoformat(day) if day else gateway.clock().date() - dt.timedelta(days=1)
            console().print(rehearsal_table(rehearse(gateway, config or gateway.settings.config_dir, received)))
        elif file_id is None:
            raise typer.BadParameter("name a file, or --dry-run")
        elif explain:
            console().print(explained_table(explain_file(gateway, file_id)))
        else:
            for submission_id in plan(gateway, file_id):
                typer.echo(submission_id)


def _scope(provider: str | None, client: str | None, everything: bool) -> tuple[Any, str]:
    named = [("provider", provider), ("client", client), ("all", "" if everything else None)]
    found = [(scope, subject) for scope, subject in named if subject is not None]
    if len(found) != 1:
        raise typer.BadParameter("name one of --provider, --client and --all")
    return found[0]
