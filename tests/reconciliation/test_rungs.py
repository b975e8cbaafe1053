"""The rungs together: every side once, sums kept, whatever the order. Each has a module of its own, `test_rung_…`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import DAY, book, entries, entry, payment, states
from rung_world import GOLDEN, NAMED, numbers, run

from canonical.frames import RUNGS, UNMATCHES, conform
from canonical.plugins import discover

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reconciliation.md"


def test_every_rung_has_a_golden_a_test_a_code_and_a_line_in_the_docs():
    rungs = discover("reconciliation.rungs", "RUNG")
    assert len(rungs) > 10
    page = DOCS.read_text(encoding="utf-8")
    for name, rung in rungs.items():
        assert (GOLDEN / f"{name}.yaml").is_file()
        assert f'golden("{name}")' in (Path(__file__).parent / f"test_rung_{name}.py").read_text(encoding="utf-8")
        codes = {name, rung.back} - {None}
        assert codes <= set(RUNGS)
        assert all(f"| {code} |" in page for code in codes), name


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


AMOUNTS = st.sampled_from([3, 5, 7, 8, 10])


@st.composite
def days(draw):
    ids = st.sampled_from([None, "", "NOTPROVIDED", "REF-1", "REF-2", "REF-3", "ORDER-21", "ORDER-22"])
    names = st.sampled_from([None, "Alder and Sons", "ALDER AND", "Birch"])
    payments = [
        payment(
            n,
            reference=f"REF-{n}",
            end_to_end_id=draw(ids),
            amount_minor=draw(AMOUNTS),
            counterparty_name=draw(names),
            submission_id=draw(st.sampled_from(["S1", "S1", "S2"])),
            credit_debit=draw(st.sampled_from(["CRDT", "CRDT", "DBIT"])),
            delivery_state=draw(st.sampled_from(["DELIVERED", "DELIVERED", "UNKNOWN", "REJECTED"])),
        )
        for n in range(1, draw(st.integers(1, 6)) + 1)
    ]
    lines = [
        entry(
            n, instruction_id=draw(ids), end_to_end_id=draw(ids), remittance=draw(ids), counterparty_name=draw(names),
            amount_minor=draw(st.one_of(AMOUNTS, st.integers(1, 25))), batch_id=draw(st.sampled_from([None, None, "S1", "S9"])),
            charges_minor=draw(st.sampled_from([None, 1, 2])), batch_count=draw(st.sampled_from([None, 2, 3])),
            credit_debit=draw(st.sampled_from(["DBIT", "DBIT", "CRDT"])), return_reason=draw(st.sampled_from([None, None, "AC04"])),
        )
        for n in range(1, draw(st.integers(1, 7)) + 1)
    ]  # fmt: skip
    return payments, lines, draw(st.permutations(payments)), draw(st.permutations(lines))


@settings(max_examples=examples(20))
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
    sides = claims.filter(pl.col("kind").is_in(["settlement", "return"])).join(book(*payments), on="payment_id").join(
        entries(*lines), on="entry_id", suffix="_entry"
    )  # fmt: skip
    assert ((sides["credit_debit"] == sides["credit_debit_entry"]) == (sides["kind"] == "return")).all()
    assert (claims.group_by("entry_id").agg(pl.col("rung").n_unique())["rung"] == 1).all()
    assert claims.join(found.ambiguous, on="entry_id", how="semi").is_empty()
    states(book(*payments), matches=claims)
    repeat = run(payments, lines, claims)
    assert repeat.matches.join(claims, on="entry_id", how="semi").is_empty()
