"""The command line of matching. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canonical.counts import count_of
from gateway.cli.parts import FINANCE, opened, plainly

if TYPE_CHECKING:
    from canonical.matching import ReconciliationRules
    from gateway.composition import Gateway

matching_app = typer.Typer(no_args_is_help=True)
_SINCE_DAYS = 30
_SHOWN_MAX = 50


@matching_app.command(rich_help_panel=FINANCE)
def reconcile(
    provider: Annotated[str | None, typer.Argument(help="Provider id; all of them without it.")] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what past days would change to; write nothing.")
    ] = False,
    rules: Annotated[Path | None, typer.Option(help="With --dry-run: a `reconciliation` section to try.")] = None,
    since: Annotated[
        str | None, typer.Option(help="With --dry-run: first booking day, 30 days ago by default.")
    ] = None,
) -> None:
    """Match open payments with statement entries."""
    from gateway.answers.answer import files_with_news
    from gateway.books.reconcile import reconcile as match
    from gateway.config import read_rules
    from gateway.stages import outcome_answer

    if not dry_run and (rules or since):
        raise typer.BadParameter("--rules and --since go with --dry-run")
    with plainly():
        gateway = opened()
        names = [provider] if provider else sorted(gateway.profiles.providers)
        if dry_run:
            tried = read_rules(rules) if rules else None
            for name in names:
                _rehearse(gateway, name, since, tried)
            return
        for name in names:
            result = match(gateway, name)
            typer.echo(f"{name}: {result.matched} matched now, {result.matches} in all")
        for file_id in files_with_news(gateway):
            outcome_answer(gateway, file_id)


@matching_app.command(rich_help_panel=FINANCE)
def unmatch(
    match: Annotated[str, typer.Argument(metavar="ENTRY", help="The entry of the match.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: Annotated[str | None, typer.Option(help="Who does it; the login name by default.")] = None,
) -> None:
    """Take a match apart, with all that hangs together with it; it is not made again by itself."""
    from gateway.books.by_hand import unmatch as take_apart

    with plainly():
        undone = take_apart(opened(), match, by or getpass.getuser(), reason)
    typer.echo(f"{match}: {count_of(undone, 'match')} undone")


def _rehearse(gateway: Gateway, name: str, since: str | None, rules: ReconciliationRules | None) -> None:
    from gateway.planning.rehearsal import rehearse

    first = dt.date.fromisoformat(since) if since else gateway.clock().date() - dt.timedelta(days=_SINCE_DAYS)
    found = rehearse(gateway, name, first, rules)
    typer.echo(
        f"{name}: of {count_of(found.entries, 'entry')} since {first}: {found.gained.height} gained, {found.lost.height} lost, "
        f"{found.moved.height} moved; nothing was written"
    )
    for word, rows in (("gained", found.gained), ("lost", found.lost), ("moved", found.moved)):
        for entry_id, before, after in rows.head(_SHOWN_MAX).iter_rows():
            typer.echo(f"  {word}  {entry_id}  {before or '-'} → {after or '-'}")
