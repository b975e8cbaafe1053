"""Each rung of the ladder: a case that it matches, and those beside it that it must not."""

from __future__ import annotations

import datetime as dt
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import DAY, book, claimed, entries, entry, payment, states

from canonical.frames import MATCHES, RUNGS, UNMATCHES, conform, empty
from canonical.matching import ReconciliationRules, RungRule
from canonical.plugins import discover
from reconciliation.ladder import Matched, Terms, match
from reconciliation.rungs.subset_sum import only_subset

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reconciliation.md"
BACK = {"credit_debit": "CRDT", "return_reason": "AC04"}
PAID = claimed(("N0000", "file-0001", "settlement", 100))


def run(payments, lines, earlier=None, *rules: RungRule, **terms) -> Matched:
    claims = empty(MATCHES) if earlier is None else earlier
    given = {"bank": ReconciliationRules(rungs=rules)} if rules else {}
    frame = book(*payments)
    return match(states(frame, matches=claims), entries(*lines), claims, Terms(rules=given, **terms))


def pairs(found: Matched) -> list[tuple[str, str, str, int, int]]:
    return found.matches.select("entry_id", "payment_id", "rung", "amount_minor", "entry_minor").rows()


def numbers(found: Matched) -> list[tuple[int, int, str]]:
    return [(int(e[1:]), int(p[5:]), rung) for e, p, rung, *_ in pairs(found)]


# rung → payments, entries, (entry, payment) pairs it finds; then changes of the last entry under which it finds nothing
NAMED = {"instruction_id": "REF-1"}
CASES = {
    "reference": ([payment(1)], [entry(1, **NAMED)], [(1, 1)], [{"instruction_id": "REF-10"}, {"account": "X"}]),
    "end_to_end_id": (
        [payment(1)], [entry(1, end_to_end_id="E2E-1")], [(1, 1)], [{"end_to_end_id": "E2E"}, {"amount_minor": 99}],
    ),
    "text": (
        [payment(1, end_to_end_id="ORDER-77")], [entry(1, remittance="your ORDER-77, thanks")], [(1, 1)],
        [{"remittance": "your ORDER-770, thanks"}, {"remittance": "ORDER 77"}, {"amount_minor": 99}],
    ),
    "batch": (
        [payment(1), payment(2)], [entry(9, amount_minor=300, batch_id="S1")], [(9, 1), (9, 2)],
        [{"amount_minor": 299}, {"batch_count": 3}, {"batch_id": "S7"}],
    ),
    "notification": (
        [payment(1), payment(2), payment(3)],
        [
            *(
                entry(
                    n, statement_id="NT", booked=False, origin="notification", position=1, detail=n, amount_minor=100 * n,
                    entry_amount_minor=300, servicer_reference="B7", end_to_end_id=f"E2E-{n}",
                ) for n in (1, 2)
            ),
            entry(9, amount_minor=300, servicer_reference="B7"),
        ],
        [(9, 1), (9, 2)],
        [{"servicer_reference": "B8"}, {"amount_minor": 301}],
    ),
    "batch_parts": (
        [payment(1), payment(2), payment(3)],
        [entry(8, amount_minor=300, batch_id="S1"), entry(9, amount_minor=300, batch_id="S1")],
        [(8, 1), (8, 2), (9, 3)],
        [{"amount_minor": 301}, {"batch_id": "S2"}],
    ),
    "several_entries": (
        [payment(1), payment(2)],
        [entry(8, amount_minor=60, instruction_id="REF-1"), entry(9, amount_minor=40, end_to_end_id="E2E-1")],
        [(8, 1), (9, 1)],
        [{"amount_minor": 41}, {"end_to_end_id": "E2E-2"}, {"currency": "USD"}],
    ),
    "fees": (
        [payment(1)], [entry(1, amount_minor=103, charges_minor=3, **NAMED)], [(1, 1)],
        [{"charges_minor": 4}, {"amount_minor": 97}, {"charges_minor": None}, {"instruction_id": "REF-2"}],
    ),
    "fx": (
        [payment(1, currency="USD", amount_minor=1001)],
        [entry(1, amount_minor=924, exchange_rate_text="1.0833", **NAMED)], [(1, 1)],
        [{"amount_minor": 923}, {"exchange_rate_text": None}, {"exchange_rate_text": "1.08.33"}],
    ),
    "counterparty": (
        [payment(1, counterparty_name="Alder & Sons Timber Ltd")],
        [entry(1, counterparty_name="ALDER & SONS TIM")], [(1, 1)],
        [{"counterparty_name": "ALDER & SONS TOM"}, {"counterparty_name": "ALDER"}, {"value_date": DAY + dt.timedelta(9)}],
    ),
    "subset_sum": (
        [payment(n, amount_minor=amount) for n, amount in ((1, 1_000_003), (2, 2_000_111), (3, 4_012_345))],
        [entry(9, amount_minor=3_000_114, batch_count=2)], [(9, 1), (9, 2)],
        [{"amount_minor": 3_000_115}, {"batch_count": 3}, {"batch_count": None}, {"value_date": DAY + dt.timedelta(1)}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rung", CASES)
def test_golden_and_negative_case_of_a_rung(rung):
    payments, lines, wanted, others = CASES[rung]
    found = run(payments, lines)
    assert numbers(found) == [(e, p, rung) for e, p in wanted]
    assert found.ambiguous.is_empty()
    assert others
    for other in others:
        missed = run(payments, [*lines[:-1], {**lines[-1], **other}])
        assert missed.matches.filter(pl.col("rung") == rung).is_empty(), other


def test_every_rung_has_cases_a_code_and_a_line_in_the_docs():
    rungs = discover("reconciliation.rungs", "RUNG")
    assert len(rungs) > 10
    page = DOCS.read_text(encoding="utf-8")
    elsewhere = {"tolerance", "amount_date", "correction", "representation"}
    for name, rung in rungs.items():
        assert name in CASES or name in elsewhere
        codes = {name, rung.back} - {None}
        assert codes <= set(RUNGS)
        assert all(f"| {code} |" in page for code in codes), name


@pytest.mark.parametrize(
    ("rung", "lines"),
    [
        ("return", [entry(1, **BACK, **NAMED)]),
        ("return_less_charges", [entry(1, **{**BACK, "amount_minor": 97, "charges_minor": 3}, **NAMED)]),
    ],
)
def test_what_comes_back_is_tied_to_its_original(rung, lines):
    found = run([payment(1)], lines, PAID)
    assert numbers(found) == [(1, 1, rung)]
    assert found.matches["kind"].to_list() == ["return"]
    assert run([payment(1)], lines).matches.is_empty(), "nothing was settled that could come back"


def test_a_return_less_charges_names_the_account_of_the_difference():
    found = run([payment(1)], [entry(1, **{**BACK, "amount_minor": 97, "charges_minor": 3}, **NAMED)], PAID).matches
    assert found.select("amount_minor", "entry_minor", "difference_account").rows() == [(100, 97, "fees:bank")]


def test_a_whole_batch_that_is_reversed():
    earlier = claimed(("N0", "file-0001", "settlement", 100), ("N0", "file-0002", "settlement", 200))
    line = entry(9, amount_minor=300, credit_debit="CRDT", reversal=True, batch_id="S1")
    found = run([payment(1), payment(2)], [line], earlier)
    assert numbers(found) == [(9, 1, "return_batch"), (9, 2, "return_batch")]
    assert run([payment(1), payment(2)], [{**line, "amount_minor": 299}], earlier).matches.is_empty()


def test_fx_comes_back():
    paid = PAID.with_columns(currency=pl.lit("USD"))
    line = entry(
        1, **{**BACK, "amount_minor": 92, "instructed_amount_text": "1.00", "instructed_currency": "USD"}, **NAMED
    )
    found = run([payment(1, currency="USD")], [line], paid)
    assert numbers(found) == [(1, 1, "return_fx")]
    assert found.matches.select("currency", "entry_currency", "difference_account").rows() == [("USD", "EUR", "fx")]
    assert run([payment(1, currency="USD")], [{**line, "instructed_amount_text": "1.01"}], paid).matches.is_empty()


def test_a_payment_that_came_back_is_booked_again():
    earlier = claimed(("N0", "file-0001", "settlement", 100), ("N00", "file-0001", "return", 100))
    found = run([payment(1)], [entry(1, **NAMED)], earlier)
    assert found.matches.select("rung", "kind").rows() == [("representation", "representation")]
    now = states(book(payment(1)), matches=pl.concat([earlier, found.matches]))
    assert now["state"].to_list() == ["settled"]
    assert run([payment(1)], [entry(1, **NAMED)], PAID).matches.is_empty(), "booked twice and never taken back"


def test_a_booking_taken_back_and_made_again_is_tied_to_its_payment():
    lines = [entry(1, **NAMED), entry(2, amount_minor=100, **BACK, **NAMED), entry(3, amount_minor=100, **NAMED)]
    found = run([payment(1)], lines)
    assert found.matches.select("entry_id", "kind", "rung").rows() == [
        ("N0001", "settlement", "correction"), ("N0002", "return", "correction"), ("N0003", "representation", "correction"),
    ]  # fmt: skip
    assert states(book(payment(1)), matches=found.matches)["state"].to_list() == ["settled"]
    twice = run([payment(1)], [*lines, entry(4, amount_minor=100, **NAMED)])
    assert twice.matches.is_empty()


def test_a_booking_of_a_wrong_amount_and_its_reversal_move_nothing():
    wrong = [
        entry(1, amount_minor=150, **NAMED),
        entry(2, amount_minor=150, credit_debit="CRDT", reversal=True, **NAMED),
    ]
    found = run([payment(1)], [*wrong, entry(3, amount_minor=100, **NAMED)])
    kinds = found.matches.select("entry_id", "kind").rows()
    assert kinds == [("N0001", "correction"), ("N0002", "correction"), ("N0003", "settlement")]
    assert run([payment(1)], [wrong[0], {**wrong[1], "amount_minor": 151}]).matches.is_empty()


TOLERANT = RungRule(rung="tolerance", id="small-change", minor_max=2, account="differences", wait_days=2)


def test_tolerance_posts_to_the_account_that_the_rule_names_and_waits():
    line = entry(1, amount_minor=98, **NAMED)
    assert run([payment(1)], [line]).matches.is_empty(), "no tolerance unless a rule gives one"
    found = run([payment(1)], [line], None, TOLERANT)
    assert found.matches.select("rung", "rule", "difference_account").rows() == [
        ("tolerance", "small-change", "differences")
    ]
    assert run([payment(1)], [entry(1, amount_minor=97, **NAMED)], None, TOLERANT).matches.is_empty()
    late = entry(1, amount_minor=98, value_date=DAY + dt.timedelta(9), **NAMED)
    assert run([payment(1)], [late], None, TOLERANT).matches.is_empty()
    assert run([payment(1)], [line], None, TOLERANT, day=DAY + dt.timedelta(1)).matches.is_empty()
    assert run([payment(1)], [line], None, TOLERANT, day=DAY + dt.timedelta(2)).matches.height == 1


def test_amount_and_date_alone_only_by_rule_and_only_once():
    by_rule = RungRule(rung="amount_date", minor_max=5, account="differences")
    line = entry(1, amount_minor=98)
    assert run([payment(1)], [line]).matches.is_empty()
    assert numbers(run([payment(1)], [line], None, by_rule)) == [(1, 1, "amount_date")]
    assert run([payment(1), payment(2, amount_minor=101)], [line], None, by_rule).matches.is_empty()
    assert run([payment(1)], [line, entry(2, amount_minor=101)], None, by_rule).matches.is_empty()


def test_two_equal_payments_and_two_equal_entries_are_never_guessed():
    same = {"amount_minor": 100, "counterparty_name": "Alder and Sons"}
    payments = [payment(1, **same), payment(2, **same, end_to_end_id="E2E-2")]
    found = run(payments, [entry(1, **same), entry(2, **same)])
    assert found.matches.is_empty()
    assert found.suggestions.height == 2
    # One of them named: what is left of two equal ones is not thereby the other's.
    assert numbers(run(payments, [entry(1, **same, **NAMED), entry(2, **same)])) == [(1, 1, "reference")]


def test_rules_order_rungs_read_fields_and_patterns_by_account():
    pattern = RungRule(rung="text", id="kid", fields=("additional",), patterns=(r"KID:(\w+)",))
    line = entry(1, additional="paid KID:REF1X yesterday")
    one = payment(1, reference="REF1X")
    assert run([one], [line], None, RungRule(rung="reference")).matches.is_empty()
    assert run([one], [line], None, pattern).matches.select("rung", "rule").rows() == [("text", "kid")]
    assert run([one], [{**line, "additional": "KID:REF1"}], None, pattern).matches.is_empty()
    own = ReconciliationRules.model_validate({"accounts": {one["account"]: {"rungs": [{"rung": "batch"}]}}})
    frame = book(one)
    assert match(states(frame), entries(line), empty(MATCHES), Terms(rules={"bank": own})).matches.is_empty()


def test_what_a_person_took_apart_is_not_matched_again():
    undone = conform(
        pl.DataFrame({"entry_id": ["N0001"], "payment_id": ["file-0001"], "kind": ["settlement"], "by": ["ann"], "reason": ["x"], "day": [DAY]}),
        UNMATCHES,
    )  # fmt: skip
    lines = [entry(1, **NAMED), entry(2, instruction_id="REF-2")]
    found = run([payment(1), payment(2)], lines, undone=undone)
    assert numbers(found) == [(2, 2, "reference")]
    assert found.suggestions.is_empty()


def test_suggestions_say_why():
    found = run(
        [payment(1, counterparty_account="DE1")], [entry(1, amount_minor=96, counterparty_account="DE1", **NAMED)]
    )
    assert found.matches.is_empty()
    (row,) = found.suggestions.rows()
    assert row == (
        "N0001", "file-0001", 90, "the entry names the payment; amount within 5 %; same account of the other side; dates within three days"
    )  # fmt: skip


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=7), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 5))
)
def test_the_only_subset_is_the_only_one(amounts, target, count):
    sizes = [count] if count else range(1, len(amounts) + 1)
    every = [
        c for size in sizes for c in combinations(range(len(amounts)), size) if sum(amounts[i] for i in c) == target
    ]
    wanted = every[0] if len(every) == 1 and len(every[0]) > 1 else ()
    assert only_subset(amounts, target, count) == wanted


AMOUNTS = st.sampled_from([3, 5, 7, 8, 10])


@st.composite
def days(draw):
    ids = st.sampled_from([None, "REF-1", "REF-2", "REF-3", "ORDER-21", "ORDER-22"])
    names = st.sampled_from([None, "Alder and Sons", "ALDER AND", "Birch"])
    payments = [
        payment(
            n, reference=f"REF-{n}", end_to_end_id=draw(ids), amount_minor=draw(AMOUNTS), counterparty_name=draw(names)
        )
        for n in range(1, draw(st.integers(1, 6)) + 1)
    ]
    lines = [
        entry(
            n, instruction_id=draw(ids), end_to_end_id=draw(ids), remittance=draw(ids), counterparty_name=draw(names),
            amount_minor=draw(st.one_of(AMOUNTS, st.integers(1, 25))), batch_id=draw(st.sampled_from([None, None, "S1"])),
            charges_minor=draw(st.sampled_from([None, 1, 2])), batch_count=draw(st.sampled_from([None, 2, 3])),
            credit_debit=draw(st.sampled_from(["DBIT", "DBIT", "CRDT"])), return_reason=draw(st.sampled_from([None, None, "AC04"])),
        )
        for n in range(1, draw(st.integers(1, 7)) + 1)
    ]  # fmt: skip
    return payments, lines, draw(st.permutations(payments)), draw(st.permutations(lines))


@given(days())
def test_every_side_once_sums_kept_and_no_order_matters(day):
    payments, lines, other_payments, other_lines = day
    found = run(payments, lines)
    again = run(other_payments, other_lines)
    assert found.matches.equals(again.matches)
    assert found.ambiguous.equals(again.ambiguous)
    assert found.suggestions.equals(again.suggestions)
    claims = found.matches
    of_entries = claims.group_by("entry_id").agg(pl.sum("entry_minor")).join(entries(*lines), on="entry_id")
    assert (of_entries["entry_minor"] == of_entries["amount_minor"]).all()
    once = claims.filter(pl.col("kind") == "settlement").group_by("payment_id").agg(pl.sum("amount_minor"))
    whole = once.join(book(*payments), on="payment_id", suffix="_p")
    assert (whole["amount_minor"] == whole["amount_minor_p"]).all()
    differs = claims["amount_minor"] != claims["entry_minor"]
    assert (differs == claims["difference_account"].is_not_null()).all()
    assert claims.join(found.ambiguous, on="entry_id", how="semi").is_empty()
    states(book(*payments), matches=claims)
    repeat = run(payments, lines, claims)
    assert repeat.matches.join(claims, on="entry_id", how="semi").is_empty()
