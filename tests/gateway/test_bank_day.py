"""A whole bank day through the stages: on SQLite and PostgreSQL, on a folder and on S3; then the same day once more."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from lxml import etree
from played import FOLDERS, TODAY, bank, feedback, intake, opened, whole_day
from s3 import s3_server
from world import Clock, postgres_url

from canonical.errors import FrameBroken, NotTied
from canonical.plugins import discover
from gateway.books.book import states_of
from gateway.books.reconcile import reconcile
from gateway.books.settle import position_of_everything, settle
from gateway.books.status import status_of
from gateway.breaks.breaks import breaks_of
from gateway.composition import Gateway
from gateway.delivery.dispatch import due
from gateway.feedback.follow import follow
from gateway.intake.duplicates import _paid
from gateway.registry import tables as t
from gateway.stages import outcome_answer

ACCEPTED = 23


@pytest.fixture(params=["sqlite and folder", "s3", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The day played on each registry and each store, the other one as it is by default."""
    if request.param == "sqlite and folder":
        yield request.getfixturevalue("bank_day")
        return
    with ExitStack() as stack:
        on_s3 = request.param == "s3"
        found = opened(
            tmp_path, clock,
            registry_url="" if on_s3 else postgres_url(),
            store_url=f"s3://{stack.enter_context(s3_server(monkeypatch))}" if on_s3 else "",
        )  # fmt: skip
        stack.callback(found.registry.engine.dispose)
        whole_day(found, tmp_path)
        yield found


def test_the_day(anywhere: Gateway, tmp_path: Path, xsd) -> None:
    gateway = anywhere
    booked = [row for name in FOLDERS for row in bank(tmp_path, name).books.rows("SELECT * FROM payments")]
    references = [row["instruction_id"] for row in booked]
    assert len(references) == len(set(references)) == ACCEPTED, "the banks have each accepted payment exactly once"

    found = position_of_everything(gateway, TODAY)
    states = dict(found.states["state"].value_counts().iter_rows())
    assert states == {"rejected": 6, "provider_rejected": 1, "returned": 1, "settled": 21}
    breaks = breaks_of(gateway, found, TODAY)
    assert breaks["kind"].to_list() == ["unknown_entry"]
    assert breaks["amount_minor"].to_list() == [12_345]

    keys = settle(gateway, TODAY.isoformat())
    layouts = [item for item in discover("exporters", "EXPORT").values() if item.kind == "report"]
    assert len(keys) == 2 * 3 * len(layouts), "two reports for each of two banks and for all"
    before = {key: gateway.store.get(key) for key in keys}
    assert settle(gateway, TODAY.isoformat()) == keys
    assert {key: gateway.store.get(key) for key in keys} == before, "the same day closes to the same bytes"
    check_reports(before)
    check_answers(gateway, xsd)
    check_status(gateway)


def check_reports(reports: dict[str, bytes]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(reports[f"reports/{TODAY}/reconciliation-all.xlsx"]))
    facts = {row[0].value: row[1].value for row in book.worksheets[0].iter_rows(min_row=1, max_row=12)}
    assert facts["Ties out"] == "yes"
    assert facts["Book equals bank"] == "yes"
    table = pl.read_csv(reports[f"reports/{TODAY}/settlement-us_bank.csv"], infer_schema=False)
    assert table.height == 2


def check_answers(gateway: Gateway, xsd) -> None:
    outboxes = [item.key for item in gateway.store.list("clients") if "/outbox/" in item.key]
    told = sorted(key.split("/")[1] + "." + key.split(".", 3)[3] for key in outboxes)
    assert told == [
        "alder.acknowledged-1.pain002.xml", "alder.duplicate-1.pain002.xml", "alder.settled-2.pain002.xml",
        "alder.validated.pain002.xml", "birch.returned-1.csv", "birch.returned-2.csv", "birch.validated.csv",
        "cedar.acknowledged-1.csv", "cedar.acknowledged-1.pain002.xml", "cedar.settled-2.csv",
        "cedar.settled-2.pain002.xml", "cedar.validated.csv", "cedar.validated.html", "cedar.validated.pain002.xml",
        "cedar.validated.rejected.csv", "cedar.validated.xlsx",
    ]  # fmt: skip
    for key in outboxes:
        if key.endswith(".xml"):
            xsd("pain.002.001.10").assertValid(etree.fromstring(gateway.store.get(key)))
    (last,) = [key for key in outboxes if key.startswith("clients/birch/") and "returned-2" in key]
    rows = pl.read_csv(gateway.store.get(last), infer_schema=False)
    returned = rows.filter(pl.col("end_to_end_id") == "INV-2205").row(0, named=True)
    assert (returned["status"], returned["reason"]) == ("RJCT", "R01")


def check_status(gateway: Gateway) -> None:
    for file in gateway.registry.rows(t.FILES):
        assert status_of(gateway, file["file_id"]).tied
    shown = status_of(gateway, "INV-2205")
    assert shown.payment is not None
    assert (shown.payment["state"], shown.payment["provider_reason"]) == ("returned", "R01")


def test_everything_once_more_changes_nothing(bank_day: Gateway) -> None:
    gateway = bank_day
    settle(gateway, TODAY.isoformat())
    objects = list(gateway.store.list(""))
    for provider in gateway.profiles.providers:
        assert follow(gateway, provider) == []
        assert reconcile(gateway, provider).matched == 0
    intake(gateway)
    assert due(gateway) == []
    for file in gateway.registry.rows(t.FILES):
        outcome_answer(gateway, file["file_id"])
    assert list(gateway.store.list("")) == objects


def test_a_day_that_does_not_tie_refuses_to_close_and_names_the_rows(bank_day: Gateway) -> None:
    gateway = bank_day
    file = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "birch")[0]
    # Somebody loses a payment: the manifest of the parse stage is made to say that there was one more.
    with gateway.registry.transaction() as connection:
        row = t.STAGES.c.subject == file["file_id"], t.STAGES.c.stage == "parse"
        detail = connection.execute(t.STAGES.select().where(*row)).mappings().one()["detail"]
        connection.execute(
            t.STAGES.update().where(*row).values(detail=detail.replace('"payments": 8', '"payments": 9'))
        )
    with pytest.raises(NotTied) as refused:
        settle(gateway, TODAY.isoformat())
    assert any(file["file_id"] in row for row in refused.value.rows)
    assert gateway.registry.rows(t.CLOSES) == []
    assert list(gateway.store.list("reports")) == []


def test_what_was_not_paid_or_came_back_may_be_sent_again(bank_day: Gateway) -> None:
    """Whatever kept it from the creditor: only what is there, or may be, makes another payment like it a duplicate."""
    files = [row["file_id"] for row in bank_day.registry.rows(t.FILES)]
    one_each = states_of(bank_day, files).unique("state", keep="first").select("payment_id", "state")
    asked = {"payment_id": one_each["payment_id"], "earlier_payment_id": one_each["payment_id"]}
    hits = pl.DataFrame(asked).with_columns(earlier_day=pl.lit(None, dtype=pl.Date))
    duplicates = one_each.join(_paid(bank_day, hits), on="payment_id", how="semi")["state"]
    assert {"rejected", "provider_rejected", "returned", "settled"} <= {*one_each["state"]}
    assert {*one_each["state"]} - {*duplicates} == {"rejected", "provider_rejected", "returned"}


def test_an_object_that_was_changed_is_noticed(bank_day: Gateway) -> None:
    gateway = bank_day
    file = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "birch")[0]
    (manifest,) = gateway.lake.manifests(file["file_id"], "payments")
    gateway.store.put(manifest.key, gateway.store.get(manifest.key)[:-1] + b"x")
    with pytest.raises(FrameBroken, match="not the one that was committed"):
        settle(gateway, TODAY.isoformat())


def test_the_next_day_opens_where_the_last_one_closed(bank_day: Gateway, tmp_path: Path, clock: Clock) -> None:
    gateway = bank_day
    settle(gateway, TODAY.isoformat())
    clock.move(days=3)
    later = TODAY + dt.timedelta(days=3)
    for name in FOLDERS:
        bank(tmp_path, name).close_day(later)
    feedback(gateway)
    settle(gateway, later.isoformat())
    states = position_of_everything(gateway, later).states
    assert states.filter(pl.col("state") == "returned").height == 2, "the salary that was to come back later came back"
    file = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "alder")[0]
    outcomes = gateway.registry.rows(
        t.SUBMISSIONS, t.SUBMISSIONS.c.file_id == file["file_id"], t.SUBMISSIONS.c.slot.not_like("%/validated/%")
    )
    assert len(outcomes) >= 2
