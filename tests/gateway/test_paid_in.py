"""What clients pay in: from the statement to their funds, the ledger and the funding position, each entry once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from break_world import bank_statement, entry_line, open_items
from played import TODAY, small
from world import Clock, agree

from canonical.errors import Conflict, NotFound
from canonical.frames import MATCHES, empty
from gateway.books.by_hand import claim_by_hand, unmatch
from gateway.books.journals import disagreements, held
from gateway.books.position import position
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.composition import Gateway, open_gateway
from gateway.delivery.funds import fund, funding_positions
from gateway.registry import tables as t
from reconciliation.journals import balances
from reconciliation.totals import Totals

BANK = "euro_bank"
RULE = {"fields": ["end_to_end_id"], "pattern": "^ALDER-TOPUP"}


@pytest.fixture
def here(tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """A top-up of alder's over 500.00 and a stranger's 7.00 stand on the statement."""
    with small(tmp_path, clock) as found:
        agree(found, "alder", funding={"kind": "prefunded", "paid_in": [RULE]})
        bank_statement(found, entry_line(1, 50_000, reference="ALDER-TOPUP-1"), entry_line(2, 700))
        yield found


def available(gateway: Gateway) -> int:
    return fund(gateway, "alder", "EUR", "0.00", by="anna")


def test_it_is_posted_shown_and_may_be_spent_once(here: Gateway) -> None:
    reconcile(here, BANK)
    reconcile(here, BANK)
    assert available(here) == 50_000
    assert open_items(here)["amount_minor"].to_list() == [700], "only the stranger is for people"
    settle(here, TODAY.isoformat())
    found = balances(held(here)).filter(pl.col("closing") != 0).select("account", "closing")
    assert dict(found.iter_rows()) == {
        "bank:DE32100100100123456789": 50_700, "client:alder:funding": -50_000, "suspense": -700,
    }  # fmt: skip
    assert disagreements(here).is_empty()
    (told,) = funding_positions(here, Totals.of(position(here, BANK).states, None, empty(MATCHES)).orders).to_dicts()
    assert (told["client"], told["received"], told["available"]) == ("alder", 50_000, 50_000)
    (entry_id,) = position(here, BANK).fundings["entry_id"]
    reasons = [
        row["detail"] for row in here.registry.rows(t.AUDIT) if row["action"] == "funded" and entry_id in row["detail"]
    ]
    assert len(reasons) == 1
    with pytest.raises(Conflict, match="a client paid in"):
        claim_by_hand(here, entry_id, ["nobody"], "ben", "mine")


def test_two_workers_at_once_count_it_once(here: Gateway) -> None:
    other = open_gateway(here.settings, here.clock)
    agree(other, "alder", funding={"kind": "prefunded", "paid_in": [RULE]})
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: reconcile(one, BANK), [here, other]))
    other.registry.engine.dispose()
    assert available(here) == 50_000


def test_what_waited_on_suspense_is_known_once_a_rule_is_agreed(here: Gateway) -> None:
    agree(here, "alder", funding={"kind": "prefunded"})
    reconcile(here, BANK)
    settle(here, TODAY.isoformat())
    agree(here, "alder", funding={"kind": "prefunded", "paid_in": [RULE]})
    reconcile(here, BANK)
    settle(here, TODAY.isoformat())
    found = balances(held(here), account="suspense")
    assert found["closing"].to_list() == [-700]
    assert "reversal:unknown" in held(here)["event"].to_list()
    assert disagreements(here).is_empty()


def test_what_a_person_takes_apart_leaves_the_funds_and_is_not_taken_again(here: Gateway) -> None:
    reconcile(here, BANK)
    settle(here, TODAY.isoformat())
    (entry_id,) = position(here, BANK).fundings["entry_id"]
    assert unmatch(here, entry_id, "ben", "it was another Alder") == 1
    reconcile(here, BANK)
    assert available(here) == 0
    assert sorted(open_items(here)["amount_minor"]) == [700, 50_000]
    settle(here, TODAY.isoformat())
    found = dict(balances(held(here)).select("account", "closing").iter_rows())
    assert (found["client:alder:funding"], found["suspense"]) == (0, -50_700)
    with pytest.raises(NotFound):
        unmatch(here, entry_id, "ben", "once more")


def test_money_that_statements_tell_is_told_by_nobody_else(here: Gateway) -> None:
    reconcile(here, BANK)
    with pytest.raises(Conflict, match="would count twice"):
        fund(here, "alder", "EUR", "500.00", by="anna")
    assert fund(here, "alder", "EUR", "3.00", by="anna", beside_statements=True) == 50_300
    assert fund(here, "alder", "EUR", "-3.00", by="anna") == 50_000, "what was told can always be taken back"


def test_a_rule_that_is_agreed_later_leaves_alone_what_persons_told_of(here: Gateway) -> None:
    agree(here, "alder", funding={"kind": "prefunded"})
    assert fund(here, "alder", "EUR", "500.00", by="anna") == 50_000
    agree(here, "alder", funding={"kind": "prefunded", "paid_in": [RULE]})
    reconcile(here, BANK)
    assert available(here) == 50_000
    assert sorted(open_items(here)["amount_minor"]) == [700, 50_000], "it stays for people"
    fund(here, "alder", "EUR", "-500.00", by="anna", reason="the statement tells it")
    reconcile(here, BANK)
    assert available(here) == 50_000
    assert open_items(here)["amount_minor"].to_list() == [700]
