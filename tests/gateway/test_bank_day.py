"""A whole bank day through the stages: on SQLite and PostgreSQL, on a folder and on S3; then the same day once more."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from lxml import etree
from world import BANK_TERMS, Clock, postgres_url, upload

from canonical.errors import NotTied
from canonical.plugins import discover
from gateway.answer import answer_duplicates, files_with_news, repeated_files
from gateway.breaks import breaks_of
from gateway.composition import Gateway, open_gateway
from gateway.dispatch import dispatch, due
from gateway.follow import follow
from gateway.receive import receive
from gateway.reconcile import reconcile
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.settle import position_of_everything, settle
from gateway.stages import outcome_answer, run_journey, unfinished_files
from gateway.status import status_of
from sandbox.banks import Bank
from sandbox.day import uploads

TODAY = dt.date(2026, 11, 20)
ACCEPTED = 23


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(request, tmp_path: Path, config_dir: Path, clock: Clock, store_url: str) -> Iterator[Gateway]:
    registry_url = postgres_url() if request.param == "postgres" else ""
    settings = Settings(home=tmp_path / "home", config_dir=config_dir, store_url=store_url, registry_url=registry_url)
    opened = open_gateway(settings, clock)
    yield opened
    opened.registry.engine.dispose()


@pytest.fixture
def banks(tmp_path: Path) -> dict[str, Bank]:
    return {
        name: Bank(BANK_TERMS[name], tmp_path / folder, tmp_path / f"{folder}.sqlite")
        for name, folder in (("euro_bank", "euro"), ("us_bank", "us"))
    }


def intake(gateway: Gateway) -> None:
    receive(gateway)
    for file in unfinished_files(gateway):
        run_journey(gateway, file["file_id"])
    for file_id in repeated_files(gateway):
        answer_duplicates(gateway, file_id)


def deliver(gateway: Gateway) -> None:
    for row in due(gateway):
        assert dispatch(gateway, row["submission_id"]) == "DELIVERED"


def feedback(gateway: Gateway) -> None:
    for provider in gateway.profiles.providers:
        follow(gateway, provider)
        reconcile(gateway, provider)
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)


def play(gateway: Gateway, banks: dict[str, Bank]) -> None:
    for item in uploads(TODAY):
        upload(gateway, item.client_id, item.name, item.data)
    intake(gateway)
    deliver(gateway)
    for bank in banks.values():
        bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    feedback(gateway)
    for bank in banks.values():
        bank.close_day(TODAY)
    feedback(gateway)


def test_the_day(gateway: Gateway, banks: dict[str, Bank], xsd) -> None:
    play(gateway, banks)
    booked = [row for bank in banks.values() for row in bank.books.rows("SELECT * FROM payments")]
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
        "cedar.settled-2.pain002.xml", "cedar.validated.csv", "cedar.validated.pain002.xml",
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


def test_everything_once_more_changes_nothing(gateway: Gateway, banks: dict[str, Bank]) -> None:
    play(gateway, banks)
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


def test_a_day_that_does_not_tie_refuses_to_close_and_names_the_rows(gateway: Gateway, banks: dict[str, Bank]) -> None:
    play(gateway, banks)
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


def test_an_object_that_was_changed_is_noticed(gateway: Gateway, banks: dict[str, Bank]) -> None:
    play(gateway, banks)
    file = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "birch")[0]
    (manifest,) = gateway.lake.manifests(file["file_id"], "payments")
    from canonical.errors import FrameBroken

    gateway.store.put(manifest.key, gateway.store.get(manifest.key)[:-1] + b"x")
    with pytest.raises(FrameBroken, match="not the one that was committed"):
        settle(gateway, TODAY.isoformat())


def test_the_next_day_opens_where_the_last_one_closed(gateway: Gateway, banks: dict[str, Bank], clock: Clock) -> None:
    play(gateway, banks)
    settle(gateway, TODAY.isoformat())
    clock.move(days=3)
    later = TODAY + dt.timedelta(days=3)
    for bank in banks.values():
        bank.close_day(later)
    feedback(gateway)
    settle(gateway, later.isoformat())
    states = position_of_everything(gateway, later).states
    assert states.filter(pl.col("state") == "returned").height == 2, "the salary that was to come back later came back"
    file = gateway.registry.rows(t.FILES, t.FILES.c.client_id == "alder")[0]
    outcomes = gateway.registry.rows(
        t.SUBMISSIONS, t.SUBMISSIONS.c.file_id == file["file_id"], t.SUBMISSIONS.c.slot.not_like("%/validated/%")
    )
    assert len(outcomes) >= 2
