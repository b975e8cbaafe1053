"""A close goes on from the close before: whatever happened between them, it comes to what a close from scratch comes to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from break_world import bank_statement, entry_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from played import TODAY, bank, deliver, small
from world import Clock, intake, upload

from canonical.errors import Conflict, NotFound, NotTied
from gateway.books import settle as settling
from gateway.books.book import standing_matches
from gateway.books.by_hand import claim_by_hand, unmatch
from gateway.books.journals import disagreements
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.books.sign_off import reopen, review
from gateway.composition import Gateway
from gateway.feedback.follow import follow
from gateway.registry import tables as t
from reconciliation import events
from sandbox.day import invoices_csv

BANK = "euro_bank"
_EXAMPLES = max(1, settings().max_examples // 40)
"""A close costs a second: most of the proof is in `make properties`, and in the closes of `test_closes`, made both ways too."""


class World:
    """Days of one bank, played as they come; what is refused is refused as ever."""

    def __init__(self, gateway: Gateway, root: Path, clock: Clock) -> None:
        self.gateway, self.root, self.clock = gateway, root, clock
        self.apart: list[tuple[str, list[str]]] = []
        self.strangers = 0

    @property
    def today(self) -> str:
        return self.clock().date().isoformat()

    def _heard(self) -> None:
        follow(self.gateway, BANK)
        reconcile(self.gateway, BANK)

    def told(self) -> None:
        """The statement of the day."""
        bank(self.root, BANK).close_day(self.clock().date())
        self._heard()

    def heard(self) -> None:
        """What the bank says by the way: statuses, and what comes back."""
        bank(self.root, BANK).tick(self.clock())
        self._heard()

    def day_later(self) -> None:
        self.clock.move(days=1)

    def late_file(self) -> None:
        upload(self.gateway, "cedar", "invoices.csv", invoices_csv(TODAY))
        intake(self.gateway)
        deliver(self.gateway)

    def back_dated(self) -> None:
        """An entry of the first day in a statement that comes now."""
        self._heard()
        self.strangers += 1
        bank_statement(self.gateway, entry_line(self.strangers, 500), number=self.strangers)
        reconcile(self.gateway, BANK)

    def unmatch(self) -> None:
        entry = standing_matches(self.gateway, BANK)["entry_id"].sort().first()
        bound = standing_matches(self.gateway, BANK)
        if entry is None:
            raise NotFound("no match stands")
        unmatch(self.gateway, str(entry), "carl", "the wrong one")
        payments = bound.filter(bound["entry_id"] == entry)["payment_id"].unique().sort().to_list()
        self.apart.append((str(entry), payments))

    def claim(self) -> None:
        """What was taken apart last; what it may differ by goes to another account."""
        if not self.apart:
            raise NotFound("nothing was taken apart")
        entry, payments = self.apart.pop()
        claim_by_hand(self.gateway, entry, payments, "carl", "it was the right one", "fees")

    def prepare(self) -> None:
        settle(self.gateway, self.today, "anna")

    def prepare_first(self) -> None:
        settle(self.gateway, TODAY.isoformat(), "anna")

    def review(self) -> None:
        (first, *_) = [row["day"] for row in self.gateway.registry.rows(t.DAYS, t.DAYS.c.state == "prepared")] or [""]
        review(self.gateway, first or TODAY.isoformat(), by="ben")

    def reopen(self) -> None:
        closed = [row["day"] for row in self.gateway.registry.rows(t.DAYS, t.DAYS.c.state == "closed")] or [""]
        reopen(self.gateway, closed[-1] or TODAY.isoformat(), by="ben", reason="looked at once more")


ACTIONS: dict[str, Callable[[World], None]] = {
    name: act for name, act in vars(World).items() if callable(act) and not name.startswith("_")
}


def played_out(kept: Path, steps: list[str]) -> None:
    """The steps one after the other, and at last a close of the day that it is by then."""
    with tempfile.TemporaryDirectory() as folder:
        root, clock = Path(folder), Clock()
        shutil.copytree(kept, root, dirs_exist_ok=True)
        with small(root, clock) as gateway:
            world = World(gateway, root, clock)
            for name in (*steps, "day_later", "prepare"):
                try:
                    ACTIONS[name](world)
                except (Conflict, NotFound, NotTied):
                    continue
            assert disagreements(gateway).is_empty()
            assert disagreements(gateway, BANK).is_empty()


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(sorted(ACTIONS)), min_size=4, max_size=6 * _EXAMPLES))
def test_a_close_comes_to_what_it_comes_to_from_scratch(
    kept_paid: Path, both_ways: list[str], steps: list[str]
) -> None:
    played_out(kept_paid, steps)


def test_a_close_goes_on_from_the_close_before(kept_paid: Path, both_ways: list[str]) -> None:
    played_out(kept_paid, ["told", "prepare", "day_later", "unmatch", "prepare", "claim"])
    assert len(both_ways) == 4, "of two later days, the bank's and the whole"
    assert not any(TODAY.isoformat() in subject for subject in both_ways), "the first one has nothing to go on from"


def test_a_close_goes_on_from_none_that_posted_by_other_rules(
    kept_paid: Path, both_ways: list[str], monkeypatch
) -> None:
    monkeypatch.setattr(settling, "events", SimpleNamespace(RULES=events.RULES - 1))
    played_out(kept_paid, ["prepare"])
    assert both_ways == []
