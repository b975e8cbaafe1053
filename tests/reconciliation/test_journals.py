"""Journals stand for postings: over whole random days, nothing is lost between them, and nothing is edited."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import ACCOUNT, DAY, book, claimed, entries, entry, payment, states

from canonical.errors import FrameBroken
from canonical.frames import FUNDINGS, MATCHES, POSTINGS, dtypes, empty
from reconciliation.balances import moved, trial_balance
from reconciliation.journals import balances, journals, unlike
from reconciliation.ledger import Decided, postings, taken_back

PROVIDERS = {ACCOUNT: "bank"}
NONE = empty(POSTINGS)

# Of each payment: direction, currency, amount, and what it is on each of three days; of each stranger's entry: direction, amount.
STEPS = ("waiting", "sent", "refused", "settled", "returned")
payments_st = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["EUR", "USD"]),
        st.integers(1, 10**12),
        st.lists(st.sampled_from(STEPS), min_size=3, max_size=3),
    ),
    max_size=6,
)
strangers_st = st.lists(
    st.tuples(st.booleans(), st.integers(1, 10**12), st.integers(0, 2), st.integers(0, 3)), max_size=4
)
"""Whether it is a credit, the amount, the day it is booked, and the day from which a credit is known as a client's."""


def closes(payments, strangers) -> list[pl.DataFrame]:
    """POSTINGS of three days, whatever a payment jumps to from one to the next."""
    runs: list[pl.DataFrame] = []
    for number in range(3):
        day = DAY + dt.timedelta(days=number)
        rows, claims, bank = [], [], []
        for n, (credit, currency, amount, steps) in enumerate(payments, 1):
            step = steps[number]
            direction = "CRDT" if credit else "DBIT"
            sent = {} if step != "waiting" else {"submission_id": None, "delivery_state": None, "submitted_on": None}
            rows.append(payment(n, credit_debit=direction, currency=currency, amount_minor=amount, **sent))
            if step in {"settled", "returned"}:
                bank.append(entry(n, credit_debit="DBIT" if credit else "CRDT", currency=currency, amount_minor=amount))
                claims.append((f"N{n:04d}", f"file-{n:04d}", "settlement", amount))
            if step == "returned":
                bank.append(entry(100 + n, credit_debit=direction, currency=currency, amount_minor=amount))
                claims.append((f"N{100 + n:04d}", f"file-{n:04d}", "return", amount))
        bank += [
            entry(200 + n, credit_debit="CRDT" if credit else "DBIT", amount_minor=amount)
            for n, (credit, amount, from_day, _) in enumerate(strangers)
            if number >= from_day
        ]
        matches = claimed(*claims) if claims else empty(MATCHES)
        earlier = pl.concat([NONE, *runs])
        paid_in = [
            {
                "entry_id": f"N{200 + n:04d}",
                "account": ACCOUNT,
                "client": "acme",
                "amount_minor": amount,
                "currency": "EUR",
            }
            for n, (credit, amount, from_day, known_from) in enumerate(strangers)
            if credit and number >= max(from_day, known_from)
        ]
        decided = Decided(fundings=pl.DataFrame(paid_in, schema=dtypes(FUNDINGS)))
        now = states(book(*rows), matches=matches)
        runs.append(postings(now, entries(*bank), matches, earlier, PROVIDERS, day, decided))
    return runs


@settings(max_examples=examples(12))
@given(payments_st, strangers_st)
def test_whole_random_days_balance_chain_and_agree(payments, strangers):
    runs = closes(payments, strangers)
    posted = pl.concat(runs)
    assert posted["posting_id"].is_unique().all(), "no posting is made twice"
    assert (posted["amount_minor"] > 0).all()
    held = pl.concat([journals(made, number) for number, made in enumerate(runs, 1)])
    assert held["postings"].sum() == posted.height
    for number, made in enumerate(runs, 1):
        before, new = pl.concat([NONE, *runs[: number - 1]]), made
        trial = trial_balance(moved(before), moved(new))
        assert (trial["opening"] + trial["debits"] - trial["credits"] == trial["closing"]).all()
        assert trial.group_by("currency").agg(pl.sum("opening", "closing")).select("opening", "closing").sum().row(
            0
        ) in {(0, 0), (None, None)}
        told = balances(held.filter(pl.col("run") <= number)).select("account", "currency", "closing")
        assert told.equals(trial.select("account", "currency", "closing").sort("account", "currency"))
        assert unlike(held, made, number).is_empty()


@settings(max_examples=examples(12))
@given(payments_st, strangers_st)
def test_what_is_taken_back_stands_as_before_and_can_be_made_again(payments, strangers):
    first, second, third = closes(payments, strangers)
    undone = taken_back(first, pl.concat([second, third]), DAY)
    whole = pl.concat([first, second, third, undone])
    assert whole["posting_id"].is_unique().all()
    before = balances(journals(first, 1)).select("account", "currency", "closing")
    now = balances(journals(whole, 1)).select("account", "currency", "closing").filter(pl.col("closing") != 0)
    assert now.equals(before.filter(pl.col("closing") != 0))
    assert taken_back(first, pl.concat([second, third, undone]), DAY).is_empty(), "a repeat takes nothing back"


def test_a_reversal_is_an_event_of_its_own_and_can_be_reversed():
    bank = entries(entry(1))
    first = postings(states(book(payment(1))), bank, empty(MATCHES), NONE, PROVIDERS, DAY)
    matches = claimed(("N0001", "file-0001", "settlement", 100))
    second = postings(states(book(payment(1)), matches=matches), bank, matches, first, PROVIDERS, DAY)
    assert "reversal:unknown" in journals(second, 2)["event"]
    third = postings(states(book(payment(1))), bank, empty(MATCHES), pl.concat([first, second]), PROVIDERS, DAY)
    assert third["posting_id"].to_list() == ["reversal:settled:file-0001", "unknown:N0001#2"]


def test_golden_journals_and_balances_at_a_date():
    later = DAY + dt.timedelta(days=2)
    bank = entries(entry(1), entry(2, value_date=later, credit_debit="CRDT"))
    held = journals(postings(states(book()), bank, empty(MATCHES), NONE, PROVIDERS, DAY), 1)
    ours = f"bank:{ACCOUNT}"
    assert held.drop("sha256").rows() == [
        (1, "unknown", ours, "suspense", "EUR", later, 1, 200), (1, "unknown", "suspense", ours, "EUR", DAY, 1, 100),
    ]  # fmt: skip
    assert held["sha256"].str.len_chars().to_list() == [64, 64]
    assert balances(held, at=DAY).rows() == [(ours, "EUR", 0, 0, 100, -100), ("suspense", "EUR", 0, 100, 0, 100)]
    assert balances(held, at=later, account="suspense").rows() == [("suspense", "EUR", 0, 100, 200, -100)]
    assert balances(held, at=later, after=DAY, account="bank").rows() == [(ours, "EUR", -100, 200, 0, 100)]
    assert balances(held, at=DAY - dt.timedelta(days=1)).is_empty()
    assert balances(held, account="sus").is_empty(), "an account is named whole"


@pytest.mark.parametrize("change", [pl.col("amount_minor") + 1, pl.col("amount_minor")])
def test_a_changed_posting_and_a_lost_one_are_told(change):
    posted = postings(states(book()), entries(entry(1), entry(2)), empty(MATCHES), NONE, PROVIDERS, DAY)
    held = journals(posted, 1)
    other = posted.with_columns(change.alias("amount_minor")).head(2 if "+" in str(change) else 1)
    assert not unlike(held, other, 1).is_empty()
    with pytest.raises(FrameBroken):
        journals(posted.with_columns(amount_minor=pl.lit(0, dtype=pl.Int64)), 1)
