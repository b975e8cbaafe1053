"""What payments come to, looked at in parts, is what they come to as a whole."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from property_examples import examples
from reconciliation_world import book, claimed, entries, entry, payment, statement, statements, states

from canonical.errors import FrameBroken
from canonical.frames import MATCHES, POSTINGS, empty
from reconciliation._tables import summary, tie_out_terms
from reconciliation.adjusted import items
from reconciliation.balances import entries_posted, moved, trial_balance
from reconciliation.journals import Journal, journals
from reconciliation.ledger import postings
from reconciliation.settlements import CALENDARS, by_value_date, settlement
from reconciliation.totals import Totals

DAY = dt.date(2026, 3, 11)
KINDS = st.lists(
    st.sampled_from(["sent", "settled", "returned", "refused", "waiting", "rejected"]), min_size=1, max_size=12
)


def day_of(kinds: list[str]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """STATES before and now, and the claims that moved them; payments of two files and three submissions."""
    unsent = {"submission_id": None, "provider": None, "account": None, "delivery_state": None}
    others = {
        "waiting": unsent, "rejected": {**unsent, "verdict": "RJCT"}, "refused": {"delivery_state": "REJECTED"},
    }  # fmt: skip
    rows = [
        payment(
            n,
            **{
                "payment_id": f"file{n % 2}-{n:04d}", "file_id": f"file{n % 2}", "client": f"client{n % 2}",
                "submission_id": f"S{n % 3}", **others.get(kind, {}),
            },
        )
        for n, kind in enumerate(kinds, start=1)
    ]  # fmt: skip
    claims = [
        (f"N{n:04d}{kind[0]}", f"file{n % 2}-{n:04d}", word, 100 * n)
        for n, kind in enumerate(kinds, start=1)
        for word in {"settled": ("settlement",), "returned": ("settlement", "return")}.get(kind, ())
    ]
    matches = claimed(*claims) if claims else empty(MATCHES)
    whole = book(*rows).sort("payment_id")
    return states(whole.head(len(kinds) // 2)), states(whole, matches=matches), matches


@given(kinds=KINDS, cut=st.integers(0, 12))
@settings(max_examples=examples(10), deadline=None)
def test_totals_of_parts_add_up(kinds: list[str], cut: int) -> None:
    opening, now, matches = day_of(kinds)
    parts = (now.head(cut), now.slice(cut))
    of_parts = Totals.joined(
        Totals.of(part, *(frame.join(part, on="payment_id", how="semi") for frame in (opening, matches)))
        for part in parts
    )
    whole = Totals.of(now, opening, matches)
    assert of_parts.payments == whole.payments == now.height
    assert_frame_equal(of_parts.orders, whole.orders, check_row_order=False)
    bank = entries(*(entry(n) for n in range(1, 4)))
    for table in (
        lambda one: summary(one.terms),
        lambda one: tie_out_terms(one.terms),
        lambda one: settlement(one.submissions, one.claimed, bank, matches, DAY, pl.DataFrame(schema=CALENDARS)),
        lambda one: by_value_date(one.submissions, one.claimed, bank, matches),
        lambda one: one.faults,
    ):
        assert_frame_equal(table(of_parts), table(whole))
    assert tie_out_terms(whole.terms)["group_ties"].unique().to_list() in ([], ["yes"])


@given(kinds=KINDS, cut=st.integers(0, 12))
@settings(max_examples=examples(8), deadline=None)
def test_journals_of_parts_are_those_of_the_whole(kinds: list[str], cut: int) -> None:
    _, now, matches = day_of(kinds)

    def made(part: pl.DataFrame) -> pl.DataFrame:
        claims = matches.join(part, on="payment_id", how="semi")
        return postings(part, entries(), claims, empty(POSTINGS), {}, DAY)

    parts, whole = [made(now.head(cut)), made(now.slice(cut))], made(now)
    journal = Journal()
    for part in parts:
        journal.add(part)
    assert journal.rows(7).equals(journals(whole, 7))
    both = pl.concat([moved(part) for part in parts])
    assert trial_balance(both, both).equals(trial_balance(moved(whole), moved(whole)))
    if not parts[1].is_empty():
        with pytest.raises(FrameBroken, match="comes behind"):
            journal.add(parts[1])


def test_what_is_in_transit_adds_up_to_one_item_a_submission() -> None:
    _, now, _ = day_of(["sent"] * 4)
    halves = Totals.joined(Totals.of(part, None, empty(MATCHES)) for part in (now.head(3), now.tail(1)))
    listed = items(
        statements(statement(1, 0, 0)),
        entries(),
        entries_posted(entries(), empty(MATCHES), empty(POSTINGS)),
        halves.in_transit,
        DAY,
    )
    assert listed.select("subject", "amount", "what_it_is").rows() == [
        ("S0", -300, "overdue: due 2026-03-10; payments: 1"), ("S1", -500, "overdue: due 2026-03-10; payments: 2"),
        ("S2", -200, "overdue: due 2026-03-10; payments: 1"),
    ]  # fmt: skip
