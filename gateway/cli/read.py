"""The command line: `bulkrail read`. Merged into `bulkrail`'s own commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.parts import CLIENT_DESK, Output, plainly

read_app = typer.Typer(no_args_is_help=True)


@read_app.command(rich_help_panel=CLIENT_DESK)
def read(
    file: Annotated[
        Path, typer.Argument(help="A payment, feedback or statement file, or an archive (gzip, zip) of them.")
    ],
    name: Annotated[
        str | None, typer.Option("--format", help="Its format, where it cannot be told from the file.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, of the format: encoding, dialect, columns (JSON where it is no text)."),
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print it; csv: the findings.")] = Output.TABLE,
) -> None:
    """Tell what any file holds: format, counts, sums, balances, findings. Exit code 0 clean, 1 findings, 2 unreadable.

    Of an archive each file by itself (JSON: a list of objects; csv: a column more), and the worst code.
    """
    from gateway.intake.read_file import read_file

    with plainly():
        found = read_file(file, name, _options(option or []))
    if output is Output.JSON:
        objects = [told.as_object() for told in found]
        typer.echo(json.dumps(objects if len(found) > 1 else objects[0], ensure_ascii=False, indent=2, default=str))
    elif output is Output.CSV:
        from canonical.cells import harmless_csv
        from gateway.intake.read_file import findings_of

        typer.echo(harmless_csv(findings_of(found)), nl=False)
    else:
        from gateway.cli.show_read import print_told

        for told in found:
            print_told(told)
    raise typer.Exit(max(told.exit_code for told in found))


def _options(pairs: list[str]) -> dict[str, Any]:
    """Options as the format's own model takes them. Raises BadParameter."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not of the form KEY=VALUE")
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found
