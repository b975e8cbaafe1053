"""`bulkrail audit` as an auditor uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.composition import Gateway
from gateway.registry import tables as t


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["audit", *arguments])
    return found.exit_code, found.output


@pytest.fixture
def here(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    with gateway.registry.transaction() as connection:
        gateway.registry.audit(connection, "anna", "approved", "F1", reason="payroll")
    return gateway


def test_verify_prints_the_end_and_takes_it_back(here: Gateway) -> None:
    code, output = run("verify")
    assert code == 0
    assert "1 row, each as it was written" in output
    end = output.split()[-1]
    with here.registry.transaction() as connection:
        here.registry.audit(connection, "berta", "approved", "F1")
    assert run("verify", "--noted", end)[0] == 0


def test_verify_names_the_row_that_was_changed(here: Gateway) -> None:
    with here.registry.transaction() as connection:
        connection.execute(t.AUDIT.update().values(actor="nobody"))
    code, output = run("verify")
    assert code == 1
    assert "row 1 was changed" in output
    assert "nobody approved F1" in output


def test_verify_refuses_what_is_no_end(here: Gateway) -> None:
    assert run("verify", "--noted", "1:abc")[0] == 3


def test_show_tells_what_was_done_to_a_subject(here: Gateway, tmp_path: Path) -> None:
    code, output = run("show", "F1")
    assert code == 0
    assert "anna" in output
    assert "payroll" in output
    assert run("show", "F2")[0] == 1
