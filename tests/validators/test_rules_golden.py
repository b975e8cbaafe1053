"""Every rule by its golden case: payments in, findings out, beside each other in golden/<rule>/."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

from canonical.codes import REASONS
from canonical.contracts import Fallen
from canonical.frames import FINDINGS, checked
from canonical.plugins import discover

GOLDEN = Path(__file__).parent / "golden"
RULES = discover("validators", "RULE")
TOLD = ["reason", "severity", "level", "batch", "row", "line", "field", "value", "message", "remedy"]


def found(rule, payments, totals, context, window) -> pl.DataFrame:
    if rule.kind == "row":
        return rule.findings(payments, context)
    state = rule.update(rule.start(context), window(payments, totals), context)
    return rule.finish(state, context, *([Fallen()] if rule.kind == "last" else []))


def test_there_are_rules():
    assert len(RULES) >= 14


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_golden_case(name, payments, totals, context, window):
    case = json.loads((GOLDEN / name / "input.json").read_text())
    frame = payments(*case["payments"])
    declared = totals(*case["totals"]) if "totals" in case else None
    findings = found(RULES[name], frame, declared, context(case["format"], **case.get("client", {})), window)
    checked(findings, FINDINGS)
    assert findings["rule"].unique().to_list() == [name]
    assert set(findings["reason"]) <= set(REASONS)
    expected = (GOLDEN / name / "findings.csv").read_text()
    out = io.StringIO()
    findings.select(TOLD).write_csv(out)
    assert out.getvalue() == expected


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("file_format", ["pain.001", "csv"])
def test_a_sound_file_has_no_findings(name, file_format, payments, totals, context, window):
    frame = payments({}, {"amount_text": "5.5"})
    declared = totals(
        {"field": "GrpHdr/NbOfTxs", "measure": "count", "declared_text": "2", "declared": 2},
        {"field": "GrpHdr/CtrlSum", "measure": "sum", "declared_text": "15.50", "declared": 1_550_000},
    )
    assert found(RULES[name], frame, declared, context(file_format), window).is_empty()


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_empty_window_has_no_findings(name, payments, context, window):
    empty = payments({}).clear()
    assert found(RULES[name], empty, None, context(), window).is_empty()


def test_values_are_masked(payments, context):
    findings = RULES["iban"].findings(payments({"creditor_account": "FR1420041010050500013M02607"}), context())
    assert findings["value"].to_list() == ["FR14…2607"]
    assert "20041010050500013" not in findings["message"][0]


def test_a_fault_of_the_batch_is_told_once(payments, context):
    findings = RULES["iban"].findings(
        payments(*[{"debtor_account": "DE00370400440532013000"}] * 3), context("pain.001")
    )
    assert findings.select("level", "batch", "row").rows() == [("batch", 1, None)]
    by_row = RULES["iban"].findings(payments(*[{"debtor_account": "DE00370400440532013000"}] * 3), context("csv"))
    assert by_row["row"].to_list() == [1, 2, 3]
