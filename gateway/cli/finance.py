"""The command line of finance: closing days, and the ledger. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.parts import FINANCE, opened, plainly

if TYPE_CHECKING:
    from gateway.books.closes import Shown

finance_app = typer.Typer(no_args_is_help=True)
close_app = typer.Typer(help="The close of a day: shown, reviewed, opened again.", no_args_is_help=True)
finance_app.add_typer(close_app, name="close", rich_help_panel=FINANCE)

Day = Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD")]
By = Annotated[str | None, typer.Option(help="Who does it; the login name by default.")]


@finance_app.command(rich_help_panel=FINANCE)
def settle(day: Day, by: By = None) -> None:
    """Prepare the close of a day: it must tie; reports are preliminary until another person reviews them."""
    from gateway.books.settle import settle as prepare

    with plainly():
        for key in prepare(opened(), day, by or getpass.getuser()):
            typer.echo(key)


@close_app.command()
def review(
    day: Day,
    by: By = None,
    revision: Annotated[int | None, typer.Option(help="The revision that was read; refused if another stands.")] = None,
) -> None:
    """Sign a prepared day, as another person than its preparer: its reports become final, and it is closed."""
    from gateway.books.sign_off import review as sign

    with plainly():
        for key in sign(opened(), day, by=by or getpass.getuser(), revision=revision):
            typer.echo(key)


@close_app.command()
def reopen(
    day: Day, reason: Annotated[str, typer.Option(help="Why; it stands on the reports that follow.")], by: By = None
) -> None:
    """Open a closed day again, the last one first; `bulkrail settle DATE` then prepares it anew."""
    from gateway.books.sign_off import reopen as open_again

    with plainly():
        open_again(opened(), day, by=by or getpass.getuser(), reason=reason)
    typer.echo(f"{day}  open")


@close_app.command()
def show(day: Day) -> None:
    """How far the close of a day is, and what came in since that it does not hold. Exit code 1 where something did."""
    from gateway.books.settle import show as shown

    with plainly():
        found = shown(opened(), day)
    _print_close(found)
    raise typer.Exit(1 if found.changed else 0)


def _print_close(found: Shown) -> None:
    row = found.row
    typer.echo(f"{row['day']}  {row['state']}  revision {row['revision']}")
    typer.echo(f"prepared by  {row['prepared_by'] or '-'}  {row['prepared_at'] or ''}")
    typer.echo(f"reviewed by  {row['reviewed_by'] or '-'}  {row['reviewed_at'] or ''}")
    if row["reason"]:
        typer.echo(f"opened again {row['reason']}")
    for scope, name, digest in found.inputs:
        typer.echo(f"  {scope:<16} {name:<16} {digest}")
    for words in found.changed:
        typer.secho(f"changed since: {words}", fg="yellow")


@finance_app.command(rich_help_panel=FINANCE)
def balances(
    account: Annotated[str | None, typer.Option(help="Only this ledger account and those below it.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="At the end of this day; of all days without it.")
    ] = None,
    scope: Annotated[str, typer.Option(help="The ledger of one provider; of all by default.")] = "all",
    verify: Annotated[
        bool, typer.Option("--verify", help="Also hold the journals against the postings of the lake.")
    ] = False,
) -> None:
    """Balances of the ledger's accounts, from the journals alone. Exit code 1 where --verify finds a difference."""
    from canonical.money import format_minor
    from gateway.books.closes import day_of
    from gateway.books.journals import disagreements, held
    from reconciliation.journals import balances as of_journals

    with plainly():
        gateway = opened()
        found = of_journals(held(gateway, scope), at=None if at is None else day_of(at), account=account)
        wrong = disagreements(gateway, scope) if verify else None
    for name, currency, _, debits, credits_, closing in found.iter_rows():
        amounts = "".join(f"{format_minor(minor, currency):>20}" for minor in (debits, credits_, closing))
        typer.echo(f"{name:<48} {currency}{amounts}")
    if found.is_empty():
        typer.echo("no postings")
    if wrong is not None:
        typer.echo(
            f"{wrong.height} journals do not agree with their postings"
            if wrong.height
            else "journals and postings agree"
        )
        raise typer.Exit(1 if wrong.height else 0)
