from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from canonical.frames import dtypes
from reconciliation.client_report import FATES, ClientDay, client_report, files_table
from reconciliation.frames import STATE_NAMES, STATES

DAY = dt.date(2026, 11, 20)


def states(*rows: tuple[str, str, int | None, str]) -> pl.DataFrame:
    """file_id, currency, amount, state."""
    schema = dtypes(STATES)
    known = [
        {
            "payment_id": f"{file_id}-{number}", "file_id": file_id, "client": "alder", "row": number, "currency": currency,
            "credit_debit": "CRDT", "amount_minor": amount, "state": state, "file_state": "routed",
            "end_to_end_id": f"E{number}", "counterparty_name": "Ada Lindqvist", "counterparty_account": "DE89370400440532013000",
            "returned_on": DAY if state == "returned" else None,
        }
        for number, (file_id, currency, amount, state) in enumerate(rows, 1)
    ]  # fmt: skip
    return pl.DataFrame(known, schema=schema)


def day_of(found: pl.DataFrame, parsed: pl.DataFrame | None = None) -> ClientDay:
    file_ids = ["F1", "F2"]
    counted = found.group_by("file_id", "currency", "credit_debit").agg(
        payments=pl.len().cast(pl.Int64), amount_minor=pl.col("amount_minor").sum()
    )
    return ClientDay(
        client_id="alder", name="Alder Payroll SA", day=DAY,
        files=pl.DataFrame({
            "file_id": file_ids, "file": ["a.xml", "b.xml"], "received_at": ["08:00", "09:00"], "received_on": [DAY, DAY],
            "state": ["routed", "routed"], "unreadable": [0, 2],
        }),
        parsed=counted if parsed is None else parsed, states=found,
        said=pl.DataFrame({
            "payment_id": ["F1-1"], "said_reason": ["AC01"], "message": ["Wrong check digits"], "remedy": ["Ask again"],
        }),
        corrections=pl.DataFrame({"file_id": ["F1"], "row": [1], "change_to": ["123"], "told_on": [DAY]}),
    )  # fmt: skip


def test_what_is_of_no_known_currency_is_not_shown_as_zero():
    found = states(("F1", "EUR", 123_456_789, "settled"), ("F1", "EUX", None, "rejected"))
    report = client_report(day_of(found))
    assert dict(report.facts)["Settled EUR"] == "1 payment, 1,234,567.89"
    rows = report.sheets[0].frame.select("currency", "payments", "amount", "refused_here", "settled", "difference")
    assert rows.rows()[1] == ("EUX", 1, None, None, None, None)
    assert dict(report.facts)["Ties out"] == "yes"


def test_every_state_has_a_fate():
    assert set(FATES) == set(STATE_NAMES)


def test_what_became_of_each_payment():
    found = states(
        ("F1", "EUR", 100, "rejected"), ("F1", "EUR", 250, "settled"), ("F1", "EUR", 70, "returned"),
        ("F1", "USD", 5, "outstanding"), ("F1", "EUR", None, "rejected"),
    )  # fmt: skip
    report = client_report(day_of(found))
    assert (report.name, report.scope, report.sign_off) == ("client", "alder", None)
    facts = dict(report.facts)
    assert facts["Ties out"] == "yes"
    assert facts["Settled EUR"] == "1 payment, 2.50"
    files, open_ones, returned, corrections = (sheet.frame for sheet in report.sheets)
    shown = files.select(
        "file", "currency", "payments", "amount", "refused_here", "under_way", "settled", "returned", "difference"
    )
    assert shown.rows() == [
        ("a.xml", "EUR", 4, 420, 100, 0, 250, 70, 0), ("a.xml", "USD", 1, 5, 0, 5, 0, 0, 0),
        ("b.xml", None, 0, 0, 0, 0, 0, 0, 0),
    ]  # fmt: skip
    assert files["unreadable_rows"].to_list() == [0, 0, 2]
    assert open_ones.select("row", "amount_minor", "reason", "message", "remedy").rows() == [
        (1, 100, "AC01", "Wrong check digits", "Ask again"), (4, 5, None, None, None), (5, None, None, None, None),
    ]  # fmt: skip
    assert returned.select("row", "amount_minor", "returned_on").rows() == [(3, 70, DAY)]
    assert corrections["change_to"].to_list() == ["123"]
    everything = "".join(sheet.frame.write_csv() for sheet in report.sheets)
    assert "Lindqvist" not in everything
    assert "DE89370400440532013000" not in everything


def test_a_payment_that_was_lost_on_the_way_shows():
    found = states(("F1", "EUR", 100, "settled"), ("F1", "EUR", 250, "settled"))
    day = day_of(found)
    report = client_report(day_of(found.head(1), parsed=day.parsed))
    assert dict(report.facts)["Ties out"].startswith("NO")
    assert report.sheets[0].frame.select("difference", "payments_difference").row(0) == (250, 1)


@settings(max_examples=examples(30))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["F1", "F2"]), st.sampled_from(["EUR", "JPY"]), st.integers(0, 10**12), st.sampled_from(STATE_NAMES)
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_amounts_by_fate_add_up_to_what_was_read(rows):
    found = states(*rows)
    table = files_table(day_of(found))
    assert table["difference"].to_list() == [0] * table.height
    assert table["payments_difference"].to_list() == [0] * table.height
    assert table["amount"].sum() == sum(amount for _, _, amount, _ in rows)
    assert table["payments"].sum() == len(rows)
