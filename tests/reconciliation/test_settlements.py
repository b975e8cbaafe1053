"""Settlement by submission and by value date: money that adds up, and days counted in the rail's own calendar."""

from __future__ import annotations

import datetime as dt

import polars as pl
from reconciliation_world import book, entries, entry, payment, states
from test_events import claim, claims

from canonical.frames import MATCHES, empty
from reconciliation.settlements import CALENDARS, by_value_date, settlement, submissions

THURSDAY = dt.date(2026, 4, 2)
GOOD_FRIDAY, TUESDAY, WEDNESDAY = (THURSDAY + dt.timedelta(days=days) for days in (1, 5, 6))


def test_golden_days_are_the_rails_own():
    """Easter: for TARGET the day after Maundy Thursday is the Tuesday, for a rail of every day the Friday."""
    sent = {"submitted_on": THURSDAY, "execution_date": GOOD_FRIDAY}
    frame = book(payment(1, **sent), payment(2, submission_id="S2", **sent), payment(3, submission_id="S3", **sent))
    matches = claims(claim(1, 1, 100, 100, value_date=TUESDAY), claim(2, 2, 200, 200, value_date=TUESDAY))
    bank = entries(entry(1, value_date=TUESDAY, servicer_reference="BK-1"), entry(2, value_date=TUESDAY))
    calendars = pl.DataFrame([("S1", "target"), ("S2", "every_day"), ("S3", "target")], schema=CALENDARS, orient="row")
    now = states(frame, matches=matches)
    found = settlement(submissions(now, None), now, bank, matches, WEDNESDAY, calendars)
    assert found.sort("submission_id").select(
        "submission_id", "expected_date", "expected_days", "actual_date", "actual_days", "late_days", "late"
    ).rows() == [
        ("S1", TUESDAY, 1, TUESDAY, 1, 0, ""),
        ("S2", GOOD_FRIDAY, 1, TUESDAY, 5, 4, "late"),
        ("S3", TUESDAY, 1, None, None, 1, "open and late"),
    ]  # fmt: skip


def test_golden_fees_differences_and_another_currency():
    frame = book(
        payment(1, credit_debit="DBIT", amount_minor=1000), payment(2, amount_minor=500, submission_id="S2"),
        payment(3, amount_minor=800, currency="USD", submission_id="S3"), payment(4, amount_minor=50, submission_id="S2"),
    )  # fmt: skip
    matches = claims(
        claim(1, 1, 1000, 970, difference_account="fees"), claim(2, 2, 500, 503, difference_account="rounding"),
        claim(3, 3, 800, 740, currency="USD", difference_account="fx"), claim(4, 4, 50, 50),
        claim(5, 4, 50, 45, kind="return", difference_account="fees"),
    )  # fmt: skip
    bank = entries(
        entry(1, amount_minor=970, credit_debit="CRDT"), entry(2, amount_minor=503), entry(3, amount_minor=740),
        entry(4, amount_minor=50), entry(5, amount_minor=45, credit_debit="CRDT"),
        entry(6, amount_minor=7, sub_family="CHRG", batch_id="S2"),
    )  # fmt: skip
    now = states(frame, matches=matches)
    found = settlement(submissions(now, None), now, bank, matches, WEDNESDAY, pl.DataFrame(schema=CALENDARS)).sort(
        "submission_id"
    )
    assert found.select("submission_id", "settled", "returns", "fees", "differences", "fx", "net").rows() == [
        ("S1", 1000, 0, 30, 0, None, 970), ("S2", 550, 50, 12, 3, None, -515), ("S3", 800, 0, 0, 0, "7.40 EUR", -800),
    ]  # fmt: skip
    booked = by_value_date(submissions(now, None), now, bank, matches).sort("submission_id")
    assert booked.select("submission_id", "currency", "payments", "settled", "returned", "fees", "net").rows() == [
        ("S1", "EUR", 1, 970, 0, 0, 970), ("S2", "EUR", 2, 553, 45, 7, -515), ("S3", "EUR", 1, 740, 0, 0, -740),
    ]  # fmt: skip
    signed = pl.when(pl.col("credit_debit") == "CRDT").then("amount_minor").otherwise(-pl.col("amount_minor"))
    assert booked["net"].sum() == bank.select(signed.sum()).item(), "what the bank booked, to the cent"


def test_nothing_sent_is_nothing_shown():
    now = states(book())
    assert settlement(
        submissions(now, None), now, entries(), empty(MATCHES), WEDNESDAY, pl.DataFrame(schema=CALENDARS)
    ).is_empty()
    assert by_value_date(submissions(now, None), now, entries(), empty(MATCHES)).is_empty()
