"""What should have come and has not becomes an alert, once, and is over when it came."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner
from world import Clock, upload

from canonical.profiles import StatementExpected
from gateway.cli.app import app
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import due
from gateway.delivery.submissions import acknowledge
from gateway.feedback.alerts import Alert, keep, open_alerts
from gateway.feedback.watch import last_day_due, watch
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.registry.engine import Registry
from gateway.stages import deliver, run_journey, unfinished_files
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)
EXPECTS = """
expects:
  answer_within_hours: 4
  statement: {by: "12:00", time_zone: Europe/Berlin, calendar: target, days_after: 1}
"""


@pytest.fixture
def sent(gateway: Gateway, config_dir: Path) -> Gateway:
    """A gateway whose euro bank has taken a file and owes an answer and a statement."""
    profile = config_dir / "providers" / "euro_bank.yaml"
    profile.write_text(profile.read_text(encoding="utf-8") + EXPECTS, encoding="utf-8")
    opened = open_gateway(gateway.settings, gateway.clock)
    upload(opened, "alder", "a.xml", salaries_pain001(TODAY))
    receive(opened)
    for file in unfinished_files(opened):
        run_journey(opened, file["file_id"])
    for row in due(opened):
        deliver(opened, row["submission_id"])
    return opened


def kinds(gateway: Gateway) -> set[str]:
    watch(gateway)
    return {row["kind"] for row in open_alerts(gateway)}


def delivered(gateway: Gateway) -> list[str]:
    rows = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment", t.SUBMISSIONS.c.state == "DELIVERED")
    assert rows
    return [row["submission_id"] for row in rows]


def test_an_answer_that_does_not_come_is_an_alert_until_it_comes(sent: Gateway, clock: Clock) -> None:
    assert kinds(sent) == set()
    clock.move(hours=4, minutes=1)
    assert kinds(sent) == {"no_answer"}
    before = open_alerts(sent)
    watch(sent)
    assert open_alerts(sent) == before
    for submission_id in delivered(sent):
        acknowledge(sent, submission_id, "ACCP", "told late")
    assert kinds(sent) == set()
    actions = [row["action"] for row in sent.registry.rows(t.AUDIT) if row["action"].startswith("alert")]
    assert sorted(actions) == ["alert_over"] * len(before) + ["alert_raised"] * len(before)


def test_a_statement_that_does_not_come_is_an_alert_until_it_comes(sent: Gateway, clock: Clock) -> None:
    for submission_id in delivered(sent):
        acknowledge(sent, submission_id, "ACCP", "told")
    clock.now = dt.datetime(2026, 11, 23, 10, 59, tzinfo=dt.UTC)  # a Monday, 11:59 in Berlin
    assert kinds(sent) == set()
    clock.now = dt.datetime(2026, 11, 23, 11, 0, tzinfo=dt.UTC)
    assert kinds(sent) == {"no_statement"}
    [alert] = open_alerts(sent)
    assert alert["subject"] == "euro_bank/DE32100100100123456789/2026-11-20"
    with sent.registry.transaction() as connection:
        connection.execute(t.FEEDBACK.insert().values(
            feedback_id="B1", provider_id="euro_bank", name="s", sha256="0" * 64, size_bytes=1, format="camt.053",
            received_at=sent.registry.now(), state="applied", note="",
        ))  # fmt: skip
        connection.execute(t.STATEMENTS.insert().values(
            provider_id="euro_bank", account="DE32100100100123456789", statement_id="1", feedback_id="B1", currency="EUR",
            from_date="2026-11-20", to_date="2026-11-20", opening_minor=0, closing_minor=0,
        ))  # fmt: skip
    assert kinds(sent) == set()


def test_an_unknown_outcome_is_an_alert(sent: Gateway, clock: Clock) -> None:
    with sent.registry.transaction() as connection:
        connection.execute(t.SUBMISSIONS.update().where(t.SUBMISSIONS.c.kind == "payment").values(state="UNKNOWN"))
    assert kinds(sent) == set()
    clock.move(hours=1, minutes=1)
    assert kinds(sent) == {"unknown_outcome"}


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-20T11:00+00:00", "2026-11-19"),  # Friday at noon in Berlin: Thursday's is due
        ("2026-11-20T10:59+00:00", "2026-11-18"),
        ("2026-11-22T15:00+00:00", "2026-11-19"),  # over the weekend nothing more falls due
        ("2026-11-23T11:00+00:00", "2026-11-20"),
        ("2026-12-28T11:00+00:00", "2026-12-24"),  # Christmas: TARGET is closed on the 25th and 26th
        ("2026-07-10T10:00+00:00", "2026-07-09"),  # summer time
    ],
)
def test_the_last_statement_that_is_due(now: str, day: str) -> None:
    expected = StatementExpected(by=dt.time(12), time_zone="Europe/Berlin", calendar="target", days_after=1)
    assert last_day_due(expected, dt.datetime.fromisoformat(now)) == dt.date.fromisoformat(day)


def test_many_watchers_raise_one_alert(gateway: Gateway) -> None:
    cause = Alert("no_answer", "S1", "silence")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keep(gateway, [cause]), range(16)))
    assert [(row["kind"], row["subject"]) for row in open_alerts(gateway)] == [("no_answer", "S1")]
    raised = gateway.registry.rows(t.AUDIT, t.AUDIT.c.action == "alert_raised")
    assert len(raised) == 1


def test_what_is_wrong_again_is_a_new_alert_and_what_grows_is_told(gateway: Gateway, clock: Clock) -> None:
    keep(gateway, [Alert("return_rate", "b/c/overall", "16.00%")])
    keep(gateway, [Alert("return_rate", "b/c/overall", "17.00%")])
    assert [row["message"] for row in open_alerts(gateway)] == ["17.00%"]
    keep(gateway, [])
    clock.move(hours=1)
    keep(gateway, [Alert("return_rate", "b/c/overall", "18.00%")])
    assert len(gateway.registry.rows(t.ALERTS)) == 2


def test_one_alert_is_open_at_a_time(registry: Registry) -> None:
    values = {"kind": "no_answer", "subject": "S1", "message": "", "raised_at": ""}
    with registry.transaction() as connection:
        connection.execute(t.ALERTS.insert().values(alert_id="1", over_at="x", **values))
        connection.execute(t.ALERTS.insert().values(alert_id="2", **values))
    rows = registry.rows(t.ALERTS, t.ALERTS.c.over_at.is_(None))
    assert [row["alert_id"] for row in rows] == ["2"]


def test_operators_see_what_stands(sent: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKRAIL_HOME", str(sent.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(sent.settings.config_dir))
    found = CliRunner().invoke(app, ["alerts"])
    assert (found.exit_code, found.output) == (0, "no alerts\n")
    clock.move(hours=5)
    watch(sent)
    found = CliRunner().invoke(app, ["alerts"])
    assert found.exit_code == 1
    assert "has said nothing of it for more than 4 hours" in " ".join(found.output.split())
