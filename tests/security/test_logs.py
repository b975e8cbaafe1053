"""Two bank days with every log as fine as it goes: no account, no name of a payee, no secret is written into one."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import polars as pl
import pytest
import structlog
from crash_day import NEXT_DAY, STEPS, enter, lay_out

from canonical.errors import BulkrailError
from canonical.frames import PAYMENTS, dtypes
from canonical.masking import SENSITIVE_FIELDS
from gateway.composition import Gateway
from gateway.registry import tables as t

_SHORT = 6
"""Shorter texts (a street's number) are found in any log by chance."""


@pytest.fixture
def logs() -> io.StringIO:
    """All that is logged at any level, ours and every library's."""
    found = io.StringIO()
    handler = logging.StreamHandler(found)
    root, level = logging.getLogger(), logging.getLogger().level
    known = structlog.get_config()["logger_factory"]
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(found))
    yield found
    structlog.configure(logger_factory=known)
    root.removeHandler(handler)
    root.setLevel(level)


def personal(gateway: Gateway) -> set[str]:
    """Every name, account and address of every payment that was taken in."""
    fields = sorted(SENSITIVE_FIELDS & dtypes(PAYMENTS).keys())
    found: set[str] = set()
    for file in gateway.registry.rows(t.FILES):
        payments = gateway.lake.whole(file["file_id"], "payments")
        for name in fields:
            if payments.schema[name] == pl.String:
                found |= {value for value in payments[name].drop_nulls() if len(value) >= _SHORT}
    return found


def test_two_days_of_debug_logs_and_their_audit_trail_name_nobody(tmp_path: Path, logs: io.StringIO) -> None:
    """Guard: nobody logs rows; what is logged of a finding or a fault is masked (`canonical.masking`).

    The trail keeps ids, counts and sums, for it is read by more people than a payroll.
    """
    lay_out(tmp_path)
    secrets = tmp_path / "home" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "bank_key").write_text("correct horse battery staple", encoding="utf-8")
    for step in STEPS:
        town = enter(tmp_path, "", step.day)
        town.gateway.secret("bank_key")
        try:
            step.act(town)
        except BulkrailError:
            logging.getLogger("airflow.task").exception("a task fails with the fault and all that it tells")
    structlog.get_logger().info("planted", token="correct horse battery staple")
    gateway = enter(tmp_path, "", NEXT_DAY).gateway
    people = personal(gateway)
    assert len(people) > 50
    assert "Ada Lindqvist" in people
    shown = logs.getvalue()
    assert shown.count("\n") > 40
    assert "received" in shown
    clients = {"Alder Payroll SA", "Birch Supplies Inc", "Cedar Services BV", "Dogwood Payroll SA"}
    trail = [str(dict(row)) for row in gateway.registry.rows(t.AUDIT)]
    assert len(trail) > 50
    told = shown + "".join(trail)
    assert sorted(word for word in people - clients if word in told) == []
    assert "planted" in shown
    assert "correct horse" not in shown
