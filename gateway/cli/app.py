"""The command line: `bulkrail`. Wiring and words only; every command calls the functions the DAGs call."""

from __future__ import annotations

import datetime as dt
import getpass
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from canonical.errors import BulkrailError
from gateway.cli.alerts import alerts_app
from gateway.cli.audit import audit_app
from gateway.cli.breaks import breaks_app
from gateway.cli.finance import finance_app
from gateway.cli.matching import matching_app
from gateway.cli.parts import CLIENT_DESK, FINANCE, OPERATION, Output, each, opened, plainly
from gateway.cli.read import read_app
from gateway.cli.releases import releases_app
from gateway.cli.reports import reports_app

app = typer.Typer(
    help="bulkrail: bulk payment files in, payments out exactly once, answers and reports that tie out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Client and provider profiles.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(read_app)
app.add_typer(releases_app)
app.add_typer(reports_app)
app.add_typer(alerts_app)
app.add_typer(finance_app)
app.add_typer(matching_app)
app.add_typer(audit_app, name="audit")
app.add_typer(breaks_app, name="breaks", rich_help_panel=FINANCE)


@app.command(rich_help_panel=CLIENT_DESK)
def check(
    file: Annotated[Path, typer.Argument(help="The payment file.")],
    client: Annotated[
        str | None, typer.Option(help="Judge by this client's profile; without it default rules apply.")
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print the findings.")] = Output.TABLE,
    day: Annotated[str | None, typer.Option(help="Judge as if the file arrived on this day (YYYY-MM-DD).")] = None,
    config_dir: Annotated[Path | None, typer.Option(help="Folder of profiles, for --client.")] = None,
) -> None:
    """Validate a file: no database, no network. Exit code 0 clean, 1 findings, 2 unreadable."""
    from canonical.cells import harmless_csv
    from canonical.profiles import DEFAULT_CLIENT
    from gateway.intake.check import check as judge

    with plainly():
        profile = DEFAULT_CLIENT
        if client is not None:
            from gateway.config import load_profiles
            from gateway.settings import Settings

            profile = load_profiles(config_dir or Settings().config_dir).client(client)
        today = dt.date.fromisoformat(day) if day else dt.datetime.now(dt.UTC).date()
        found = judge(file, profile, today)
    if output is Output.JSON:
        typer.echo(json.dumps(found.as_object(), ensure_ascii=False, indent=2))
    elif output is Output.CSV:
        typer.echo(harmless_csv(found.findings), nl=False)
    else:
        from gateway.cli.show import print_checked

        print_checked(found)
    raise typer.Exit(found.exit_code)


@app.command(rich_help_panel=OPERATION)
def receive() -> None:
    """Take in what lies in the clients' inboxes, and take each file as far as its plan."""
    from gateway.answers.answer import answer_duplicates, repeated_files
    from gateway.cli.show import print_received
    from gateway.intake.receive import receive as take_in
    from gateway.stages import run_journey, unfinished_files

    with plainly():
        gateway = opened()
        print_received(found := take_in(gateway))
        each(partial(run_journey, gateway), [file["file_id"] for file in unfinished_files(gateway)])
        each(partial(answer_duplicates, gateway), repeated_files(gateway))
    raise typer.Exit(1 if any(item.outcome in {"failed", "unknown_client"} for item in found) else 0)


@app.command(rich_help_panel=OPERATION)
def dispatch() -> None:
    """Deliver every submission that is planned or was left on the way; ask about those of unknown outcome."""
    from gateway.answers.answer import files_with_news
    from gateway.delivery.dispatch import doubtful, due
    from gateway.stages import deliver, outcome_answer

    failed = False
    with plainly():
        gateway = opened()
        for row in (*due(gateway), *doubtful(gateway), *due(gateway, "answer")):
            try:
                state = deliver(gateway, row["submission_id"])
            except BulkrailError as fault:  # one provider's trouble does not stop the others; the exit code tells
                failed, state = True, f"failed: {fault}"
            typer.echo(f"{row['submission_id']}  {row['destination']:<16} {state}")
        each(partial(outcome_answer, gateway), files_with_news(gateway))
    raise typer.Exit(1 if failed else 0)


@app.command(rich_help_panel=OPERATION)
def follow(provider: Annotated[str, typer.Argument(help="Provider id.")]) -> None:
    """Fetch and apply what a provider sent back, and answer the clients it concerns."""
    from gateway.answers.answer import files_with_news
    from gateway.feedback.follow import follow as fetch
    from gateway.stages import outcome_answer

    with plainly():
        gateway = opened()
        for item in fetch(gateway, provider):
            typer.echo(f"{item.feedback_id}  {item.outcome:<10} {item.name}")
        each(partial(outcome_answer, gateway), files_with_news(gateway))


@app.command(rich_help_panel=OPERATION)
def status(
    key: Annotated[
        str | None,
        typer.Argument(metavar="FILE_ID|END_TO_END_ID", help="A file, or a payment by its end-to-end id."),
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TABLE,
    payment: Annotated[int | None, typer.Option(metavar="ROW", help="The payment of this row of the file.")] = None,
    reference: Annotated[str | None, typer.Option(help="The payment that a provider's file names so.")] = None,
    unmasked: Annotated[
        bool,
        typer.Option("--unmasked", help="Names and accounts as they are, for the role payment_reader; it is audited."),
    ] = False,
) -> None:
    """Where a file or a payment stands and why, and whether the file ties out."""
    from canonical.cells import harmless_csv
    from gateway.books.status import status_by_reference, status_of
    from gateway.cli.show import print_status
    from gateway.entitlement import masked, require_payment_reader

    if (key is None) == (reference is None):
        raise typer.BadParameter("name a file or a payment, or --reference")
    with plainly():
        gateway = opened()
        if unmasked:
            require_payment_reader(gateway, reference or key or "")
        found = status_by_reference(gateway, reference) if reference else status_of(gateway, key or "", row=payment)
        if not unmasked:
            found = masked(found)
    if output is Output.JSON:
        typer.echo(json.dumps(found.as_object(), ensure_ascii=False, indent=2, default=str))
    elif output is Output.CSV:
        typer.echo(harmless_csv(found.payments), nl=False)
    else:
        print_status(found)


@app.command(rich_help_panel=OPERATION)
def approve(
    file_id: Annotated[str, typer.Argument(help="A held file.")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")] = "",
    vop: Annotated[
        bool, typer.Option("--vop", help="Decide on what the provider said of the payees; refused: they are cancelled.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who decides; the login name by default.")] = None,
) -> None:
    """Decide on a file that is held above the client's automatic limit."""
    from gateway.delivery.verification import decide_verification
    from gateway.intake.approve import decide
    from gateway.planning.route import route
    from gateway.stages import outcome_answer

    with plainly():
        gateway = opened()
        if vop:
            who = by or getpass.getuser()
            for submission_id in decide_verification(gateway, file_id, approved=not refuse, by=who, reason=reason):
                typer.echo(f"{submission_id}  {'cancelled' if refuse else 'approved'}")
            outcome_answer(gateway, file_id)
            return
        state = decide(gateway, file_id, approved=not refuse, by=by or getpass.getuser(), reason=reason)
        if state == "approved":
            route(gateway, file_id)
        if state != "held":
            outcome_answer(gateway, file_id)
    typer.echo(f"{file_id}  {state}" + ("; one more person must approve it" if state == "held" else ""))


@app.command(rich_help_panel=OPERATION)
def run(
    stage: Annotated[
        str, typer.Argument(help="parse, validate, approve, route, answer, outcome, dispatch, follow, ...")
    ],
    key: Annotated[str, typer.Argument(metavar="ID", help="The id that the stage takes.")],
) -> None:
    """Repeat any stage: it reads what was committed and gives the same result."""
    from canonical.errors import NotFound
    from gateway.stages import STAGES, run_stage

    with plainly():
        if stage not in STAGES:
            names = ", ".join(f"{name} ({takes})" for name, (takes, _) in STAGES.items())
            raise NotFound(f"no stage named {stage!r}; there are: {names}")
        result = run_stage(opened(), stage, key)
    typer.echo(json.dumps(result, indent=2, default=str) if isinstance(result, dict | list) else str(result))


@app.command(rich_help_panel=OPERATION)
def replay(file_id: Annotated[str, typer.Argument(help="A received file.")]) -> None:
    """Take a file through all its stages again: what is committed stands, what was left undone is done."""
    from gateway.books.status import status_of
    from gateway.cli.show import print_status
    from gateway.delivery.submissions import OPEN
    from gateway.planning.plans import live_submissions
    from gateway.stages import deliver, run_journey

    with plainly():
        gateway = opened()
        run_journey(gateway, file_id)
        for row in live_submissions(gateway, file_id):
            if row["state"] in OPEN:
                deliver(gateway, row["submission_id"])
        found = status_of(gateway, file_id)
    print_status(found)


@config_app.command("check")
def config_check(
    config_dir: Annotated[
        Path | None, typer.Argument(help="Folder of profiles; BULKRAIL_CONFIG_DIR by default.")
    ] = None,
) -> None:
    """Check every client and provider profile; faults with file and line."""
    from canonical.counts import count_of
    from gateway.config import check_profiles
    from gateway.settings import Settings

    profiles, faults = check_profiles(config_dir or Settings().config_dir)
    for fault in faults:
        typer.echo(str(fault))
    counted = ((profiles.clients, "client"), (profiles.providers, "provider"), (faults, "fault"))
    typer.echo(", ".join(count_of(len(held), noun) for held, noun in counted))
    raise typer.Exit(1 if faults else 0)
