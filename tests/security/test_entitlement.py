"""Payroll rows are read by nobody who may not: masked by default, unmasked for a role, audited, and private on disk."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from crash_day import DAY
from typer.testing import CliRunner
from world import REPOSITORY, Clock

from gateway.cli.app import app
from gateway.composition import Gateway, open_gateway
from gateway.entitlement import login_name
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.stages import run_journey
from sandbox.day import salaries_pain001

PERSONAL = ("Ada Lindqvist", "DE89100100100004711000")
PAYMENT = f"SAL-{DAY:%m}-1001"


@pytest.fixture
def payroll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A payroll taken in; the environment is its operator's."""
    settings = Settings(home=tmp_path / "home", config_dir=REPOSITORY / "examples/config")
    gateway = open_gateway(settings, Clock())
    gateway.store.put("clients/alder/inbox/a.xml", salaries_pain001(DAY))
    for found in receive(gateway):
        run_journey(gateway, str(found.file_id))
    monkeypatch.setenv("BULKRAIL_HOME", str(settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(settings.config_dir))
    return gateway


def status(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["status", PAYMENT, *arguments])
    return found.exit_code, found.output


def personal(gateway: Gateway) -> tuple[str, str]:
    (file,) = gateway.registry.rows(t.FILES)
    row = gateway.lake.whole(file["file_id"], "payments").row(0, named=True)
    assert row["end_to_end_id"] == PAYMENT
    assert row["creditor_name"] == PERSONAL[0]
    return row["creditor_name"], row["creditor_account"]


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_masked_by_default_and_as_it_is_for_the_role(payroll, monkeypatch, output: str) -> None:
    """Guard: `gateway.entitlement.masked` in the command."""
    name, account = personal(payroll)
    code, shown = status("--output", output)
    assert code == 0
    assert PAYMENT in shown
    assert name not in shown
    assert account not in shown
    monkeypatch.setenv("BULKRAIL_ROLES", json.dumps({"payment_reader": [login_name()]}))
    code, shown = status("--output", output, "--unmasked")
    assert code == 0
    assert name in shown
    assert account in shown


def test_who_has_not_the_role_sees_nothing_and_is_noted(payroll, monkeypatch) -> None:
    """Guard: `require_payment_reader`. A name from the environment is nobody's word for who asks."""
    name, account = personal(payroll)
    monkeypatch.setenv("BULKRAIL_ROLES", json.dumps({"payment_reader": ["somebody"]}))
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("USER", "somebody")
    code, shown = status("--unmasked")
    assert code == 3
    assert "NotEntitled" in shown
    assert name not in shown
    assert account not in shown
    monkeypatch.setenv("BULKRAIL_ROLES", json.dumps({"payment_reader": [login_name()]}))
    assert status("--unmasked")[0] == 0
    noted = payroll.registry.rows(t.AUDIT, t.AUDIT.c.subject == PAYMENT)
    assert [(row["actor"], row["action"]) for row in noted] == [
        (login_name(), "payments_refused_unmasked"),
        (login_name(), "payments_read_unmasked"),
    ]


def test_an_unknown_role_is_a_fault(monkeypatch) -> None:
    monkeypatch.setenv("BULKRAIL_ROLES", '{"reader_of_everything": ["me"]}')
    with pytest.raises(ValueError, match="payment_reader"):
        Settings()


def test_registry_and_store_are_their_owners_alone(payroll) -> None:
    """Guard: both folders are made with mode 0700, whatever the umask."""
    for folder in (payroll.settings.home, payroll.settings.home / "store"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
