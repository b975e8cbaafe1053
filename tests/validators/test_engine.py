"""The client's profile, and a verdict for every payment."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.frames import FINDINGS, VERDICTS, checked, conform, empty
from validators import engine


def findings(*rows):
    told = [{"rule": "iban", "reason": "AC01", "severity": "error", "level": "payment", "message": "m", "remedy": "r", **row}
            for row in rows]  # fmt: skip
    schema = {"batch": pl.Int64, "row": pl.Int64, "line": pl.Int64, "field": pl.String}
    return conform(pl.DataFrame(told, schema_overrides={k: v for k, v in schema.items() if any(k in r for r in told)},
                                infer_schema_length=None), FINDINGS)  # fmt: skip


def index(*batches):
    rows = [{"payment_id": f"p{n}", "row": n, "batch": batch} for n, batch in enumerate(batches, 1)]
    return pl.DataFrame(rows, schema={"payment_id": pl.String, "row": pl.Int64, "batch": pl.Int64})


def statuses(found, context, acceptance="payment", batches=(1, 1, 2)):
    return engine.verdicts(index(*batches), found, context(acceptance=acceptance).client)["status"].to_list()


@pytest.mark.parametrize(
    ("found", "acceptance", "expected"),
    [
        ({"row": 1, "batch": 1}, "payment", "RJCT ACCP ACCP"),
        ({"row": 1, "batch": 1}, "batch", "RJCT RJCT ACCP"),
        ({"row": 1, "batch": 1}, "file", "RJCT RJCT RJCT"),
        ({"row": 1, "batch": 1, "severity": "warning"}, "file", "ACCP ACCP ACCP"),
        ({"row": 1, "batch": 1, "severity": "fatal"}, "payment", "RJCT RJCT RJCT"),
        ({"level": "batch", "batch": 2}, "payment", "ACCP ACCP RJCT"),
        ({"level": "batch", "batch": 2}, "file", "RJCT RJCT RJCT"),
        ({"level": "batch"}, "payment", "RJCT RJCT RJCT"),
        ({"level": "file"}, "payment", "RJCT RJCT RJCT"),
        ({"level": "file", "severity": "warning"}, "payment", "ACCP ACCP ACCP"),
        # A row that could not be read has no payment to fall, but it spreads.
        ({"row": 9, "batch": 1}, "payment", "ACCP ACCP ACCP"),
        ({"row": 9, "batch": 1}, "batch", "RJCT RJCT ACCP"),
        ({"batch": 1}, "batch", "RJCT RJCT ACCP"),
        ({"row": 9}, "batch", "RJCT RJCT RJCT"),
    ],
)
def test_who_falls(found, acceptance, expected, context):
    assert statuses(findings(found), context, acceptance) == expected.split()


def test_the_nearest_cause_is_named(context):
    found = findings(
        {"level": "file", "reason": "AM10", "rule": "control_sum"},
        {"level": "batch", "batch": 1, "reason": "AM20", "rule": "transaction_count"},
        {"row": 1, "batch": 1, "reason": "AC01", "rule": "iban"},
        {"row": 1, "batch": 1, "reason": "AM12", "rule": "amount"},
    )
    told = engine.verdicts(index(1, 1, 2), found, context(acceptance="file").client)
    assert told["reason"].to_list() == ["AC01", "AM20", "AM10"]


LEVELS = st.sampled_from(["file", "batch", "payment"])
FOUND = st.fixed_dictionaries(
    {
        "level": LEVELS,
        "severity": st.sampled_from(["fatal", "error", "warning"]),
        "batch": st.none() | st.integers(1, 4),
        "row": st.none() | st.integers(1, 12),
    }
)


@given(
    batches=st.lists(st.integers(1, 4), min_size=1, max_size=10),
    found=st.lists(FOUND),
    acceptance=st.sampled_from(["payment", "batch", "file"]),
)
def test_verdicts_part_the_payments(batches, found, acceptance, context):
    here, told = index(*sorted(batches)), findings(*found) if found else empty(FINDINGS)
    decided = checked(engine.verdicts(here, told, context(acceptance=acceptance).client), VERDICTS)
    assert decided["payment_id"].to_list() == here["payment_id"].to_list()
    assert decided.filter((pl.col("status") == "ACCP") != pl.col("reason").is_null()).is_empty()
    assert decided.filter(pl.col("reason").is_null() != pl.col("rule").is_null()).is_empty()
    own = told.filter((pl.col("severity") != "warning") & (pl.col("level") == "payment"))["row"].drop_nulls()
    fallen = decided.filter(pl.col("row").is_in(own.implode()))["status"]
    assert set(fallen) <= {"RJCT"}
    if (told["severity"] == "warning").all():
        assert set(decided["status"]) == {"ACCP"}
    stand = engine.accepted(here, told, context(acceptance=acceptance).client)
    assert stand["row"].to_list() == decided.filter(pl.col("status") == "ACCP")["row"].to_list()


def test_the_profile_relaxes_switches_off_and_never_touches_fatal(context):
    found = findings(
        {"rule": "iban"},
        {"rule": "amount"},
        {"rule": "bic", "severity": "warning"},
        {"rule": "iban", "severity": "fatal"},
    )
    client = context(rules={"iban": "warning", "amount": "off", "bic": "error"}).client
    told = engine.apply_profile(found, client)
    assert told.select("rule", "severity").rows() == [("iban", "warning"), ("bic", "error"), ("iban", "fatal")]


def test_without_changes_the_profile_changes_nothing(context):
    found = findings({"row": 1}, {"row": 1}, {"rule": "amount"})
    assert engine.apply_profile(found, context().client).equals(found)


def test_a_batch_fault_of_two_windows_is_told_once(context):
    found = findings(
        *[{"level": "batch", "batch": b, "field": "debtor_name", "line": n} for n, b in enumerate([1, 1, 2], 1)]
    )
    assert engine.apply_profile(found, context().client)["batch"].to_list() == [1, 2]


def test_the_cap_counts_what_it_leaves_out():
    found = findings(*[{"row": n} for n in range(1, 6)], {"rule": "amount"})
    told = engine.capped(found, per_rule_max=3)
    assert told["rule"].to_list() == ["iban"] * 3 + ["amount", "iban"]
    assert told.row(-1, named=True)["message"] == "Not listed: 2 more of the same kind"
    assert told.row(-1, named=True)["severity"] == "warning"
    assert engine.capped(found, per_rule_max=5).equals(found)


def test_all_rules_run_and_every_finding_is_reported(payments, context, window):
    bad = payments(
        {"amount_text": "x", "currency": "EUR", "creditor_name": None, "uetr": "no", "creditor_account": "DE00"}
    )
    told = engine.check_window(bad, context())
    assert set(told["rule"]) == {"amount", "required", "uetr", "iban"}
    states = engine.update(engine.start(context()), window(payments({}, {"end_to_end_id": "E2E-1"})), context())
    merged = engine.merge(engine.start(context()), states)
    assert set(engine.finish(merged, findings()[:0], context())["rule"]) == {"duplicate_payment", "end_to_end_unique"}


def test_windows_change_nothing(payments, context):
    frame = payments(*[{"amount_text": text} for text in ["1", "x", "2", "0", "1.001", "5"]])
    whole = engine.check_window(frame, context())
    parts = pl.concat([engine.check_window(frame[:2], context()), engine.check_window(frame[2:], context())])
    assert parts.sort("row").equals(whole.sort("row"))
