"""The daily digest over the stages: one page, also of a day that does not tie, printed and written."""

from __future__ import annotations

import io

import pytest
from played import TODAY, deliver, intake
from pypdf import PdfReader
from typer.testing import CliRunner
from world import upload

from canonical.errors import ConfigError
from gateway.books.settle import settle
from gateway.cli.app import app
from gateway.composition import Gateway
from gateway.feedback.alerts import Alert, keep
from gateway.registry import tables as t
from gateway.reports.digest import daily_digest, write_digest
from sandbox.day import uploads


@pytest.fixture
def busy(gateway: Gateway) -> Gateway:
    """Files sent, a close prepared, more alerts than a page shows."""
    for item in uploads(TODAY):
        upload(gateway, item.client_id, item.name, item.data)
    intake(gateway)
    deliver(gateway)
    settle(gateway, TODAY.isoformat())
    keep(gateway, [Alert("overdue", f"bank {number}", "its statement is two hours late") for number in range(20)])
    return gateway


def test_a_busy_day_is_one_page_and_a_day_that_does_not_tie_is_told(
    busy: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = write_digest(busy, TODAY.isoformat())
    (key,) = [key for key in keys if key.endswith(".pdf")]
    pages = PdfReader(io.BytesIO(busy.store.get(key))).pages
    assert len(pages) == 1
    assert "Alerts that stand (the first 6 of 20)" in pages[0].extract_text()
    before = {key: busy.store.get(key) for key in keys}
    assert write_digest(busy, TODAY.isoformat()) == keys
    assert {key: busy.store.get(key) for key in keys} == before

    facts = dict(daily_digest(busy, TODAY.isoformat()).facts)
    assert (facts["Files in"], facts["Payments in"], facts["Ties out"]) == ("3", "29", "yes")
    assert (facts["Alerts"], facts["Closes to review"]) == ("20", "1")

    monkeypatch.setenv("BULKRAIL_HOME", str(busy.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(busy.settings.config_dir))
    told = CliRunner().invoke(app, ["digest", TODAY.isoformat()])
    assert told.exit_code == 0
    assert "Ties out:" in told.output

    # Somebody loses a payment: the manifest of the parse stage is made to say that there was one more.
    row = t.STAGES.c.subject == _birch(busy), t.STAGES.c.stage == "parse"
    with busy.registry.transaction() as connection:
        detail = connection.execute(t.STAGES.select().where(*row)).mappings().one()["detail"]
        more = detail.replace('"payments": 8', '"payments": 9')
        assert more != detail
        connection.execute(t.STAGES.update().where(*row).values(detail=more))
    untied = dict(daily_digest(busy, TODAY.isoformat()).facts)
    assert untied["Ties out"].startswith("NO: ")
    assert untied["Open breaks"].startswith("not known")


def _birch(gateway: Gateway) -> str:
    (row,) = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "birch")
    return str(row["file_id"])


def test_what_is_no_day_is_refused(gateway: Gateway) -> None:
    with pytest.raises(ConfigError, match="not a day"):
        daily_digest(gateway, "yesterday")
