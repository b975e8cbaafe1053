"""A worker that sleeps between reading and committing, while another does the same work, must lose."""

from __future__ import annotations

import datetime as dt

from world import BANK_TERMS, NOON, upload

from gateway import reconcile as reconciling
from gateway import route as routing
from gateway import settle as settling
from gateway.approve import approve
from gateway.dispatch import dispatch, due
from gateway.follow import follow
from gateway.parse import parse
from gateway.plans import live_submissions
from gateway.receive import receive
from gateway.registry import tables as t
from gateway.stages import run_journey
from gateway.validate import validate
from sandbox.banks import Bank
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)


def test_two_planners_place_each_payment_once(gateway, monkeypatch) -> None:
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (file,) = receive(gateway)
    parse(gateway, file.file_id)
    validate(gateway, file.file_id)
    assert approve(gateway, file.file_id) == "approved"
    whole = routing._plan

    def slept(*arguments) -> None:
        monkeypatch.setattr(routing, "_plan", whole)
        routing.route(gateway, file.file_id)
        whole(*arguments)

    monkeypatch.setattr(routing, "_plan", slept)
    routing.route(gateway, file.file_id)
    assert sum(row["payments"] for row in live_submissions(gateway, file.file_id)) == 10


def statement_day(gateway, tmp_path) -> None:
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (file,) = receive(gateway)
    run_journey(gateway, file.file_id)
    for row in due(gateway):
        dispatch(gateway, row["submission_id"])
    bank = Bank(BANK_TERMS["euro_bank"], tmp_path / "euro", tmp_path / "bank.sqlite")
    bank.tick(NOON)
    bank.close_day(TODAY)
    follow(gateway, "euro_bank")


def test_two_matchers_claim_each_payment_once(gateway, tmp_path, monkeypatch) -> None:
    statement_day(gateway, tmp_path)
    whole = reconciling.open_items

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(reconciling, "open_items", whole)
        assert reconciling.reconcile(gateway, "euro_bank").matched == 9
        return found

    monkeypatch.setattr(reconciling, "open_items", slept)
    assert reconciling.reconcile(gateway, "euro_bank").matched == 0
    assert gateway.lake.whole("euro_bank", "matches")["payment_id"].is_unique().all()


def test_a_sleeping_close_does_not_replace_a_newer_one(gateway, tmp_path, monkeypatch) -> None:
    statement_day(gateway, tmp_path)
    whole = settling._positions

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(settling, "_positions", whole)
        reconciling.reconcile(gateway, "euro_bank")
        settling.settle(gateway, TODAY.isoformat())
        return found

    monkeypatch.setattr(settling, "_positions", slept)
    key = f"reports/{TODAY}/reconciliation-euro_bank.csv"
    settling.settle(gateway, TODAY.isoformat())
    assert len(gateway.registry.rows(t.CLOSES)) == 3
    newest = gateway.store.get(key)
    settling.settle(gateway, TODAY.isoformat())
    assert gateway.store.get(key) == newest
