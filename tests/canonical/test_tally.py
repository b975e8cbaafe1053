"""Two summaries are equal where they are of the same payments, and only then."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.frames import PAYMENTS, dtypes
from canonical.tally import ExportSummary, Tally, summary_of, written_as

ROW = st.tuples(
    st.text(max_size=8), st.none() | st.text(max_size=8), st.integers(0, 10**12), st.sampled_from(["EUR", "USD"])
)
ROWS = st.lists(ROW, min_size=2, max_size=12)


def frame(rows: list[tuple[str, str | None, int, str]]) -> pl.DataFrame:
    schema = {"reference": pl.String, "account": pl.String, "amount_minor": pl.Int64, "currency": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_order_and_windows_do_not_matter(rows, chance, cut) -> None:
    whole = summary_of(frame(rows))
    shuffled = chance.sample(rows, len(rows))
    assert summary_of(frame(shuffled)) == whole
    assert summary_of(frame(rows[:cut])).plus(summary_of(frame(rows[cut:]))) == whole
    assert whole.payments == len(rows)
    assert sum(whole.sums_minor.values()) == sum(row[2] for row in rows)


@given(ROWS)
def test_a_row_that_is_lost_doubled_or_changed_is_seen(rows) -> None:
    whole = summary_of(frame(rows)).digest
    (reference, account, minor, currency), *rest = rows
    for other in (
        rest,
        [rows[0], *rows],
        [(reference + "x", account, minor, currency), *rest],
        [(reference, (account or "") + "x", minor, currency), *rest],
        [(reference, account, minor + 1, currency), *rest],
        [(reference, account, minor, "GBP"), *rest],
    ):
        assert summary_of(frame(other)).digest != whole


def test_accounts_that_change_places_are_seen() -> None:
    right = [("r1", "a1", 100, "EUR"), ("r2", "a2", 100, "EUR")]
    wrong = [("r1", "a2", 100, "EUR"), ("r2", "a1", 100, "EUR")]
    assert summary_of(frame(right)) != summary_of(frame(wrong))


def test_nothing_is_a_summary_too() -> None:
    assert summary_of(frame([])) == ExportSummary() == ExportSummary().plus(ExportSummary())


@pytest.mark.parametrize(("direction", "account"), [("CRDT", "theirs"), ("DBIT", "debtor")])
def test_the_other_sides_account_counts(direction, account) -> None:
    row = {"credit_debit": direction, "creditor_account": "theirs", "debtor_account": "debtor", "amount_minor": 5}
    payments = pl.DataFrame({name: [row.get(name)] for name in dtypes(PAYMENTS)}, schema=dtypes(PAYMENTS))
    payments = payments.with_columns(reference=pl.lit("r"), currency=pl.lit("EUR"))
    tally = Tally()
    assert [window.height for window in tally.passing(iter([payments, payments]))] == [1, 1]
    one = summary_of(frame([("r", account, 5, "EUR")]))
    assert written_as(payments) == one
    assert tally.summary == one.plus(one)
