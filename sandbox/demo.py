"""One bank day in under two minutes: `python -m sandbox.demo` (or `make demo`).

Three clients upload by SFTP, the DAGs run in a real Airflow, two sandbox banks take the files, answer and send statements,
the clients find their answers and finance its reports. Everything is made anew below `var/demo` each time.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import paramiko
import polars as pl
from rich.table import Table

from canonical.money import format_minor
from gateway.books.settle import position_of_everything
from gateway.cli.show import console, equation_table
from gateway.composition import Gateway, open_gateway
from gateway.registry import tables as t
from reconciliation.conservation import require_tied
from sandbox._examples import EXAMPLES
from sandbox.banks import Bank
from sandbox.day import Upload, uploads
from sandbox.keys import public_key
from sandbox.world import Airflow, World, build, free_port, running, wait_for

ROOT: Final = Path("var/demo")
_DAGS: Final = 5
_SENT: Final = ("DELIVERED", "ACKNOWLEDGED", "REJECTED")


class Story:
    """What the person at the terminal sees: numbered steps with the time they took."""

    def __init__(self) -> None:
        self.console = console()
        self._begun = time.monotonic()
        self._number = 0

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """A step with a spinner while it goes on, and a line when it is done."""
        self._number += 1
        begun = time.monotonic()
        with self.console.status(f"{self._number}. {words} …"):
            yield
        self.console.print(
            f"[green]✓[/] {self._number}. {words} [dim]({time.monotonic() - begun:.1f} s)[/]", highlight=False
        )

    def say(self, words: str) -> None:
        """A line below the step."""
        self.console.print(f"     {words}", highlight=False)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun


def main() -> None:
    """Play the day; exit code 1 where it does not end as it should."""
    shutil.rmtree(ROOT, ignore_errors=True)
    world = build(ROOT, free_port(2222), free_port(8080))
    os.environ.update({key: value for key, value in world.environment().items() if key.startswith("BULKRAIL_")})
    story = Story()
    day = dt.datetime.now(dt.UTC).date()
    with running(world) as processes:
        airflow = Airflow(world)
        with story.step("Airflow, SFTP server and two banks start"):
            wait_for(airflow.healthy, "Airflow", processes["airflow"], world.log("airflow"), 120)
            airflow.login()
            airflow.make_pools()
            wait_for(lambda: len(airflow.dags()) >= _DAGS, "the DAGs", processes["airflow"], world.log("airflow"), 60)
        gateway = open_gateway()
        banks = [
            Bank(EXAMPLES[name], world.bank_home(name), world.root / "banks" / f"{name}.sqlite") for name in EXAMPLES
        ]
        _intake(story, world, gateway, day)
        _banks_answer(story, gateway, banks)
        _statements(story, gateway, banks, day)
        _close(story, gateway, airflow, day)
    _summary(story, world, gateway, day)


def _intake(story: Story, world: World, gateway: Gateway, day: dt.date) -> None:
    files = uploads(day)
    with story.step("Three clients upload four files by SFTP, one of them twice under two names"):
        for upload in files:
            put(world, upload)
    for upload in files:
        story.say(f"{upload.client_id}: {upload.name} ({len(upload.data):,} bytes)")
    agreed = sum("validated" in answer.at for client in gateway.profiles.clients.values() for answer in client.answers)
    with story.step("Intake DAG: received, parsed, validated, approved, routed, answered"):
        _until(
            lambda: _answers(gateway, "validated") >= agreed and _answers(gateway, "duplicate") >= 1,
            "the clients' answers",
        )
    with story.step("Dispatch DAG: submissions delivered to the banks by SFTP"):
        _until(lambda: _all_sent(gateway), "the deliveries")
    for row in _submissions(gateway):
        amount = format_minor(row["sum_minor"], row["currency"])
        story.say(f"{row['destination']}: {row['payments']} payments, {amount} {row['currency']}, {row['name']}")


def _banks_answer(story: Story, gateway: Gateway, banks: list[Bank]) -> None:
    with story.step("The banks take the files, book them, and answer (pain.002, NACHA returns)"):
        for bank in banks:
            bank.tick(dt.datetime.now(dt.UTC))
    with story.step("Feedback DAG: statuses and returns are applied, the clients told"):
        _until(lambda: _applied(gateway, ("pain.002", "nacha-return")) >= _offered(banks), "the feedback")


def _statements(story: Story, gateway: Gateway, banks: list[Bank], day: dt.date) -> None:
    with story.step("The banks close their day: statements with fees, a return and one entry nobody expects"):
        for bank in banks:
            bank.close_day(day)
    with story.step("Feedback and reconciliation DAGs: entries matched with payments"):
        _until(lambda: _applied(gateway, ("camt.053",)) >= len(banks), "the statements")
        _until(lambda: len(_matched(gateway)) >= len(banks), "the reconciliation")
        _until(lambda: _answers(gateway, "settled") > 0, "the clients' outcome")


def _close(story: Story, gateway: Gateway, airflow: Airflow, day: dt.date) -> None:
    with story.step("Settlement DAG: the day is tied out and closed, the reports written"):
        run = f"demo-{day}"
        airflow.trigger("bulkrail_settlement", run, {"day": day.isoformat()})
        _until(lambda: _ended(airflow, "bulkrail_settlement", run), "the settlement")
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day.isoformat())
    if not closes:
        raise RuntimeError("the day was not closed; see the settlement run in the Airflow log")


def put(world: World, upload: Upload) -> None:
    """Upload a file as its client: a part name first, then the rename that completes it."""
    host_key = paramiko.PKey.from_type_string(*_host_key(world))
    client_key = paramiko.Ed25519Key.from_private_key_file(str(world.keys / upload.client_id))
    with paramiko.SSHClient() as ssh:
        ssh.get_host_keys().add(f"[127.0.0.1]:{world.sftp_port}", host_key.get_name(), host_key)
        ssh.connect(
            "127.0.0.1", world.sftp_port, upload.client_id, pkey=client_key, allow_agent=False, look_for_keys=False
        )
        with ssh.open_sftp() as sftp:
            with sftp.open(f"inbox/{upload.name}.part", "wb") as file:
                file.write(upload.data)
            sftp.rename(f"inbox/{upload.name}.part", f"inbox/{upload.name}")


def _host_key(world: World) -> tuple[str, bytes]:
    kind, text = public_key(world.keys / "server").split()
    return kind, base64.b64decode(text)


def _until(done: Callable[[], Any], what: str, patience_s: float = 240) -> None:
    wait_for(lambda: done() or None, what, None, None, patience_s)


def _answers(gateway: Gateway, milestone: str) -> int:
    rows = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "answer", t.SUBMISSIONS.c.state == "DELIVERED")
    return sum(f"/{milestone}/" in row["slot"] for row in rows)


def _submissions(gateway: Gateway) -> list[Any]:
    return gateway.registry.rows(
        t.SUBMISSIONS,
        t.SUBMISSIONS.c.kind == "payment",
        t.SUBMISSIONS.c.state != "VOIDED",
        order=t.SUBMISSIONS.c.destination,
    )


def _all_sent(gateway: Gateway) -> bool:
    rows = _submissions(gateway)
    return bool(rows) and all(row["state"] in _SENT for row in rows)


def _applied(gateway: Gateway, formats: tuple[str, ...]) -> int:
    return len(gateway.registry.rows(t.FEEDBACK, t.FEEDBACK.c.state == "applied", t.FEEDBACK.c.format.in_(formats)))


def _offered(banks: list[Bank]) -> int:
    return sum(len(bank.books.rows("SELECT name FROM outgoing WHERE name NOT LIKE '%camt053%'")) for bank in banks)


def _matched(gateway: Gateway) -> set[str]:
    rows = gateway.registry.rows(t.STAGES, t.STAGES.c.stage.like("reconcile-%"))
    return {row["subject"] for row in rows}


def _ended(airflow: Airflow, dag_id: str, run_id: str) -> bool:
    state = next(item["state"] for item in airflow.runs(dag_id) if item["dag_run_id"] == run_id)
    if state == "failed":
        raise RuntimeError(f"{dag_id} failed: see its run {run_id}")
    return bool(state == "success")


def _summary(story: Story, world: World, gateway: Gateway, day: dt.date) -> None:
    found = position_of_everything(gateway, day)
    out = story.console
    files = Table("file", "client", "format", "state", "payments", title="files")
    counts = dict(found.states.group_by("file_id").len().iter_rows())
    for row in gateway.registry.rows(t.FILES, order=t.FILES.c.received_at):
        files.add_row(row["name"], row["client_id"], row["format"], row["state"], str(counts.get(row["file_id"], 0)))
    duplicates = gateway.registry.rows(t.ARRIVALS, t.ARRIVALS.c.duplicate == 1)
    for row in duplicates:
        files.add_row(row["name"], row["client_id"], "", "duplicate: the original stands", "")
    out.print(files, payments_table(found.states))
    tied = require_tied(found.states, [])
    out.print(equation_table(tied, "tie-out: every payment is in exactly one place"))
    out.print(f"the day ties: [bold green]yes[/] · {found.matches.height} matches · {story.seconds:.0f} s in all")
    out.print("\nTo open:")
    for label, path in (
        ("clients' answers", world.store / "clients" / "*" / "outbox"),
        ("as a page", _answer_page(gateway, world)),
        ("finance's reports", world.store / "reports" / day.isoformat()),
        ("the banks' books", world.root / "banks"),
        ("logs", world.root / "logs"),
    ):
        out.print(f"  {label:18} {path}", highlight=False, soft_wrap=True)
    out.print("  [dim]make up[/] starts the same world to stay.")


def _answer_page(gateway: Gateway, world: World) -> Path:
    """An answer that a person reads: what is wrong in cedar's file, row by row."""
    keys = (item.key for item in gateway.store.list("clients/cedar/outbox"))
    return world.store / next(key for key in keys if key.endswith(".html"))


def payments_table(states: pl.DataFrame) -> Table:
    """Payments and amounts by currency and state."""
    table = Table("currency", "state", "payments", "amount", title="payments")
    grouped = states.group_by("currency", "state").agg(pl.len(), pl.sum("amount_minor")).sort("currency", "state")
    for currency, state, count, minor in grouped.iter_rows():
        table.add_row(currency, state, str(count), format_minor(minor, currency))
    return table


if __name__ == "__main__":
    main()
