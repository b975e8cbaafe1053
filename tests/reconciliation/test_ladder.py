from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from reconciliation_world import DAY, book, claimed, entries, entry, payment, states, status, statuses

from canonical.frames import ENTRIES, MATCHES, dtypes, empty
from reconciliation.breaks import entry_breaks
from reconciliation.frames import BOOK
from reconciliation.ladder import Matched, match
from reconciliation.states import attribute

GOLDEN = Path(__file__).parent / "golden" / "ladder"


def run(frame: pl.DataFrame, bank: pl.DataFrame, earlier: pl.DataFrame | None = None) -> Matched:
    claims = empty(MATCHES) if earlier is None else earlier
    return match(states(frame, matches=claims), bank, claims)


def pairs(found: Matched) -> list[tuple[str, str, str]]:
    return found.matches.select("entry_id", "payment_id", "rung").rows()


def test_every_rung_requires_account_currency_amount_direction_and_book():
    others = [
        {"amount_minor": 99}, {"currency": "USD"}, {"credit_debit": "CRDT"}, {"account": "DE02120300000000202051"},
        {"booked": False}, {"sub_family": "CHRG"}, {"proprietary": "NCHG+808"}, {"batch_id": "S0"},
        {"return_reason": "AC04"}, {"reversal": True},
    ]  # fmt: skip
    numbered = list(enumerate(others, 1))
    frame = book(payment(99, submission_id="S0"), *(payment(n, submission_id=f"S{n}") for n, _ in numbered))
    named = {n: {"instruction_id": f"REF-{n}", "end_to_end_id": f"E2E-{n}", "batch_id": f"S{n}"} for n, _ in numbered}
    found = run(frame, entries(*(entry(n, **{**named[n], **other}) for n, other in numbered)))
    assert found.matches.is_empty()
    assert found.ambiguous.is_empty()
    whole = run(frame, entries(*(entry(n, **names) for n, names in named.items())))
    assert whole.matches.height == len(others)


def test_a_collection_is_a_credit_on_our_account():
    frame = book(payment(1, credit_debit="DBIT"))
    bank = entries(
        entry(1, credit_debit="CRDT", end_to_end_id="E2E-1"), entry(2, amount_minor=100, end_to_end_id="E2E-1")
    )
    assert pairs(run(frame, bank)) == [("N0001", "file-0001", "end_to_end_id")]


def test_two_entries_for_one_payment_are_for_a_person():
    found = run(book(payment(1)), entries(*(entry(n, amount_minor=100, instruction_id="REF-1") for n in (1, 2))))
    assert found.matches.is_empty()
    assert found.ambiguous["entry_id"].to_list() == ["N0001", "N0002"]


def test_the_ambiguous_is_not_passed_down_to_a_weaker_rung():
    frame = book(payment(1))
    bank = entries(
        entry(1, amount_minor=100, instruction_id="REF-1"),
        entry(2, amount_minor=100, instruction_id="REF-1", end_to_end_id="E2E-1", batch_id="S1"),
        entry(3, amount_minor=100, batch_id="S1"),
    )
    found = run(frame, bank)
    assert found.matches.is_empty()
    assert found.ambiguous.height == 3


def test_an_entry_that_names_two_payments_is_for_a_person():
    frame = book(payment(1), payment(2, amount_minor=100))
    found = run(frame, entries(entry(1, amount_minor=100, instruction_id="REF-1", transaction_id="REF-2")))
    assert found.matches.is_empty()
    assert found.ambiguous.height == 1


def test_end_to_end_id_must_be_unique_but_the_submission_may_tell_apart():
    frame = book(
        payment(1, end_to_end_id="RENT"), payment(2, end_to_end_id="RENT", amount_minor=100, submission_id="S2")
    )
    plain = run(frame, entries(entry(1, amount_minor=100, end_to_end_id="RENT")))
    assert plain.matches.is_empty()
    assert plain.ambiguous.height == 1
    named = run(frame, entries(entry(1, amount_minor=100, end_to_end_id="RENT", batch_id="S2")))
    assert pairs(named) == [("N0001", "file-0002", "end_to_end_id")]


def test_a_thousand_equal_salaries_make_no_million_candidates():
    frame = book(
        *(payment(n, end_to_end_id="SALARY", amount_minor=100, submission_id=None, delivery_state=None) for n in (1,))
    )
    many = frame.select(pl.all().repeat_by(3000).explode()).with_columns(
        payment_id=pl.int_range(3000).cast(pl.String), submission_id=pl.lit("S1"), delivery_state=pl.lit("DELIVERED")
    )
    bank = entries(*(entry(n, amount_minor=100, end_to_end_id="SALARY") for n in range(1, 3001)))
    found = run(many, bank)
    assert found.matches.is_empty()
    assert found.ambiguous.height == 3000


def test_two_entries_of_one_control_sum_are_for_a_person():
    frame = book(*(payment(n) for n in (1, 2)))
    found = run(frame, entries(*(entry(n, amount_minor=300, batch_id="S1") for n in (8, 9))))
    assert found.matches.is_empty()
    assert found.ambiguous.height == 2


@pytest.mark.parametrize(("kind", "amount", "count"), [("status", 500, 2), ("return", 500, 2), ("return", 600, 3)])
def test_batch_without_the_rejected_or_whole_where_a_return_was_told_first(kind, amount, count):
    frame = book(*(payment(n) for n in (1, 2, 3)))
    told = statuses(status(1, kind=kind, original_instruction_id="REF-1", status="RJCT", reason="R01"))
    now = states(frame, attribute(told, frame).attributed)
    found = match(now, entries(entry(9, amount_minor=amount, batch_id="S1")), empty(MATCHES))
    assert found.matches.height == count


def test_what_was_rejected_is_never_in_a_batch_that_the_bank_booked_whole():
    frame = book(*(payment(n) for n in (1, 2, 3)))
    told = statuses(status(1, original_instruction_id="REF-1", status="RJCT"))
    now = states(frame, attribute(told, frame).attributed)
    assert match(now, entries(entry(9, amount_minor=600, batch_id="S1")), empty(MATCHES)).matches.is_empty()


def test_return_of_what_was_settled_before_or_by_this_run():
    frame = book(payment(1), payment(2))
    earlier = claimed(("N0000", "file-0001", "settlement", 100))
    bank = entries(
        entry(1, credit_debit="CRDT", instruction_id="REF-1", return_reason="AC04"),
        entry(2, instruction_id="REF-2"),
        entry(3, amount_minor=200, credit_debit="CRDT", end_to_end_id="E2E-2", reversal=True),
    )
    found = run(frame, bank, earlier)
    assert pairs(found) == [
        ("N0001", "file-0001", "return"), ("N0002", "file-0002", "reference"), ("N0003", "file-0002", "return"),
    ]  # fmt: skip
    assert found.matches["kind"].to_list() == ["return", "settlement", "return"]


def test_a_return_of_what_was_never_settled_or_came_back_already_is_unknown():
    frame = book(payment(1), payment(2))
    earlier = claimed(("N8", "file-0002", "settlement", 200), ("N9", "file-0002", "return", 200))
    bank = entries(
        entry(1, credit_debit="CRDT", instruction_id="REF-1", return_reason="AC04"),
        entry(2, credit_debit="CRDT", instruction_id="REF-2", return_reason="AC04"),
    )
    assert run(frame, bank, earlier).matches.is_empty()


def test_what_was_claimed_stays_claimed():
    frame, bank = (
        book(payment(1), payment(2)),
        entries(entry(1, instruction_id="REF-1"), entry(2, instruction_id="REF-2")),
    )
    first = run(frame, bank)
    assert first.matches.height == 2
    assert run(frame, bank, first.matches).matches.is_empty()


def test_golden_day():
    """One bank day written out: every rung, a charge, a double debit, a stranger's credit."""
    text = {"infer_schema": False, "null_values": ""}
    told = set(dtypes(BOOK))
    rows = pl.read_csv(GOLDEN / "book.csv", **text).cast({"row": pl.Int64, "amount_minor": pl.Int64})
    frame = book(*({**payment(1), **row} for row in rows.iter_rows(named=True)))
    assert set(rows.columns) <= told
    bank_rows = pl.read_csv(GOLDEN / "entries.csv", **text).cast({"position": pl.Int64, "amount_minor": pl.Int64})
    assert set(bank_rows.columns) <= set(dtypes(ENTRIES))
    bank = entries(*(entry(**{"number": row["position"], **row}) for row in bank_rows.iter_rows(named=True)))
    found = run(frame, bank)
    wanted = pl.read_csv(GOLDEN / "matches.csv", infer_schema=False)
    assert found.matches.select(wanted.columns).cast(pl.String).equals(wanted)
    left = pl.read_csv(GOLDEN / "breaks.csv", infer_schema=False)
    breaks = entry_breaks(bank, found.matches, found.ambiguous, states(frame, matches=found.matches), DAY)
    assert breaks.select(left.columns).cast(pl.String).equals(left)


def test_a_hundred_thousand_against_a_hundred_thousand():
    count = 100_000
    number = pl.int_range(1, count + 1)
    base = book(payment(1)).select(pl.all().repeat_by(count).explode())
    frame = base.with_columns(
        row=number, payment_id=pl.format("file-{}", number), reference=pl.format("REF-{}", number), amount_minor=number,
        end_to_end_id=pl.format("E2E-{}", number), submission_id=pl.format("S{}", number % 10),
    )  # fmt: skip
    lines = entries(entry(1)).select(pl.all().repeat_by(count).explode())
    by = number % 4
    lines = lines.with_columns(
        entry_id=pl.format("N{}", number), amount_minor=number, entry_amount_minor=number,
        instruction_id=pl.when(by < 2).then(pl.format("REF-{}", number)),
        end_to_end_id=pl.when(by == 2).then(pl.format("E2E-{}", number)),
    )  # fmt: skip
    found = run(frame, lines.sample(fraction=1.0, shuffle=True, seed=7))
    counted = dict(found.matches.group_by("rung").len().iter_rows())
    assert counted == {"reference": count // 2, "end_to_end_id": count // 4}
