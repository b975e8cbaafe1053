"""A worker that sleeps between reading and committing, while another does the same work, must lose."""

from __future__ import annotations

import pytest
from played import TODAY
from world import upload

from canonical.errors import Conflict
from canonical.frames import empty
from gateway.books import reconcile as reconciling
from gateway.books import settle as settling
from gateway.books.closes import note_run
from gateway.intake.approve import approve
from gateway.intake.parse import parse
from gateway.intake.receive import receive
from gateway.intake.validate import validate
from gateway.planning import route as routing
from gateway.planning.plans import live_submissions
from gateway.registry import tables as t
from reconciliation.frames import JOURNALS
from sandbox.day import salaries_pain001


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


def test_two_matchers_claim_each_payment_once(salaries_told, monkeypatch) -> None:
    gateway = salaries_told
    whole = reconciling.open_items

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(reconciling, "open_items", whole)
        assert reconciling.reconcile(gateway, "euro_bank").matched == 9
        return found

    monkeypatch.setattr(reconciling, "open_items", slept)
    assert reconciling.reconcile(gateway, "euro_bank").matched == 0
    assert gateway.lake.whole("euro_bank", "matches")["payment_id"].is_unique().all()


def test_a_sleeping_close_does_not_replace_a_newer_one(salaries_told, monkeypatch) -> None:
    gateway = salaries_told
    whole = settling._known

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(settling, "_known", whole)
        reconciling.reconcile(gateway, "euro_bank")
        settling.settle(gateway, TODAY.isoformat())
        return found

    monkeypatch.setattr(settling, "_known", slept)
    key = f"reports/{TODAY}/reconciliation-euro_bank.csv"
    settling.settle(gateway, TODAY.isoformat())
    assert len(gateway.registry.rows(t.CLOSES)) == 3
    newest = gateway.store.get(key)
    settling.settle(gateway, TODAY.isoformat())
    assert gateway.store.get(key) == newest


def test_a_close_that_was_committed_meanwhile_is_not_posted_beside(salaries_told) -> None:
    """The ledger was read before that one wrote to it: both together would post twice."""
    gateway = salaries_told
    settling.settle(gateway, TODAY.isoformat())
    (row, *_) = gateway.registry.rows(t.CLOSES)
    before = gateway.registry.rows(t.JOURNALS)
    with pytest.raises(Conflict, match="committed meanwhile"), gateway.registry.transaction() as connection:
        note_run(gateway, connection, dict(row), empty(JOURNALS), by="gateway", action="prepared")
    assert gateway.registry.rows(t.JOURNALS) == before
