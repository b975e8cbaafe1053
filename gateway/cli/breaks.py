"""The command line: breaks, and what people do about them. `bulkrail breaks ...`."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from canonical.counts import count_of
from gateway.cli.parts import Output, opened, plainly

breaks_app = typer.Typer(help="What does not explain itself: who has it, what became of it.", no_args_is_help=True)

BreakId = Annotated[str, typer.Argument(help="A break, as `list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
By = Annotated[str | None, typer.Option(help="Who decides; the login name by default.")]
Revision = Annotated[
    int | None, typer.Option(help="Only where nobody changed the break since this revision of it was seen.")
]


@breaks_app.command("list")
def list_(
    owner: Annotated[str | None, typer.Option(help="Those of one owner; empty: those of nobody.")] = None,
    kind: Annotated[str | None, typer.Option(help="Those of one kind.")] = None,
    output: Annotated[Output, typer.Option(help="How to print them.")] = Output.TABLE,
) -> None:
    """Look for breaks, and list those that are for people to do, the oldest first."""
    from gateway.breaks.breaks import look
    from gateway.breaks.workbook import chosen
    from gateway.cli.show_breaks import print_breaks

    with plainly():
        found = look(opened())
    shown = chosen(found.breaks, owner, kind)
    if output is Output.JSON:
        typer.echo(shown.write_json())
    elif output is Output.CSV:
        typer.echo(shown.write_csv(), nl=False)
    else:
        print_breaks(found, shown)


@breaks_app.command()
def show(break_id: BreakId) -> None:
    """A break with its history: who did what, when and why."""
    from gateway.breaks.breaks import history
    from gateway.cli.show_breaks import print_break

    with plainly():
        item, events, suggested = history(opened(), break_id)
    print_break(item, events, suggested)


@breaks_app.command()
def assign(
    break_id: BreakId,
    owner: Annotated[str, typer.Argument(help="Who looks after it; empty: nobody.")],
    *,
    reason: Reason = "",
    by: By = None,
    revision: Revision = None,
) -> None:
    """Give a break to somebody."""
    _decide(break_id, "assign", by, revision, reason, owner)


@breaks_app.command()
def note(
    break_id: BreakId,
    comment: Annotated[str, typer.Argument(help="What is known of it.")],
    *,
    by: By = None,
    revision: Revision = None,
) -> None:
    """Say something about a break."""
    _decide(break_id, "note", by, revision, value=comment)


@breaks_app.command()
def explain(
    break_id: BreakId,
    comment: Annotated[str, typer.Argument(help="The cause.")],
    *,
    by: By = None,
    revision: Revision = None,
) -> None:
    """Say what causes a break that will be there for a while yet."""
    _decide(break_id, "explain", by, revision, value=comment)


@breaks_app.command()
def resolve(break_id: BreakId, *, reason: Reason, by: By = None, revision: Revision = None) -> None:
    """Say that nothing is left to do about a break that no money stands on."""
    _decide(break_id, "resolve", by, revision, reason)


@breaks_app.command()
def reopen(break_id: BreakId, *, reason: Reason, by: By = None, revision: Revision = None) -> None:
    """Take up an explained or resolved break again."""
    _decide(break_id, "reopen", by, revision, reason)


@breaks_app.command()
def accept(
    break_id: BreakId,
    *,
    answers: Annotated[
        list[str] | None,
        typer.Option("--with", help="Match it with this one (entry, or payments) instead of what is suggested."),
    ] = None,
    reason: Reason,
    by: By = None,
    revision: Revision = None,
) -> None:
    """Match a break with what is suggested, or with what you name."""
    from gateway.breaks.breaks import best_answer
    from gateway.breaks.claims import accept as match

    with plainly():
        gateway = opened()
        chosen = answers or [best_answer(gateway, break_id)]
        item = match(gateway, break_id, chosen, by or getpass.getuser(), reason, revision)
    _tell(item)
    raise typer.Exit(0 if item["state"] == "resolved" else 1)


@breaks_app.command("write-off")
def write_off(
    break_id: BreakId,
    *,
    reason: Reason,
    by: By = None,
    revision: Revision = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Take a write-off back instead.")] = False,
) -> None:
    """Take the amount of a break as gain or loss; above the provider's limit a second person must say the same."""
    _decide(break_id, "reverse" if reverse else "write_off", by, revision, reason)


@breaks_app.command("export")
def export_(
    file: Annotated[Path, typer.Argument(help="The workbook to write, .xlsx.")],
    owner: Annotated[str | None, typer.Option(help="Those of one owner; empty: those of nobody.")] = None,
    kind: Annotated[str | None, typer.Option(help="Those of one kind.")] = None,
) -> None:
    """Write the breaks as a workbook, to be edited and loaded back with `import`."""
    from gateway.breaks.workbook import export_breaks

    with plainly():
        written, left = export_breaks(opened(), file, owner, kind)
    more = f"; left out for want of room: {left} younger" if left else ""
    typer.echo(f"{file}: {count_of(written, 'break')}{more}")


@breaks_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The edited workbook.")],
    *,
    by: By = None,
    row_by_row: Annotated[
        bool, typer.Option("--row-by-row", help="Do the rows without a fault; without it a fault stops all of them.")
    ] = False,
) -> None:
    """Do what an edited workbook says. Exit code 0 where no row has a fault, else 1."""
    from gateway.breaks.loading import import_breaks
    from gateway.breaks.workbook import read_workbook
    from gateway.cli.show_breaks import print_imported

    with plainly():
        gateway, data = opened(), read_workbook(file)
        found = import_breaks(gateway, data, by or getpass.getuser(), row_by_row=row_by_row)
    print_imported(found)
    raise typer.Exit(1 if found.faults else 0)


def _decide(
    break_id: str, action: str, by: str | None, revision: int | None, reason: str = "", value: str | None = None
) -> None:
    from gateway.breaks.desk import Wish, decide

    with plainly():
        wish = Wish(action, by or getpass.getuser(), reason, value)
        item = decide(opened(), break_id, wish, revision)
    _tell(item)


def _tell(item: Mapping[str, Any]) -> None:
    asked = f"; {item['asked_by']} asked to write it off, one more person must" if item["asked_by"] else ""
    typer.echo(f"{item['break_id']}  {item['state']}" + (f" ({item['owner']})" if item["owner"] else "") + asked)
