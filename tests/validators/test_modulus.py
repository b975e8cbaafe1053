"""UK modulus checks: the cases that Vocalink publishes, a plain reading of each method, and what tables may hold."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.errors import ConfigError
from validators._modulus import possible
from validators._modulus_tables import ALGORITHMS, Tables, tables
from validators.account_modulus import RULE
from validators.sort_code import RULE as SORT_CODE

GOLDEN = Path(__file__).parent / "golden" / "account_modulus"
CASES = list(csv.DictReader((GOLDEN / "published_cases.csv").open(encoding="ascii")))
SOUND = {"currency": "GBP", "debtor_agent": "089999", "debtor_account": "66374958",
         "creditor_agent": "107999", "creditor_account": "88837491"}  # fmt: skip


def test_the_published_cases():
    assert len(CASES) == 34
    codes, accounts = (np.array([int(case[name]) for case in CASES]) for name in ("sort_code", "account"))
    got = possible(codes, accounts, tables())
    assert [case["number"] for case, passed in zip(CASES, got, strict=True) if passed != (case["valid"] == "Y")] == []


def plainly(algorithm: str, weights: list[int], sort_code: str, account: str) -> bool:
    products = [int(digit) * weight for digit, weight in zip(sort_code + account, weights, strict=True)]
    if algorithm == "DBLAL":
        return sum(int(digit) for product in products for digit in str(product)) % 10 == 0
    return sum(products) % (11 if algorithm == "MOD11" else 10) == 0


PAIRS = st.tuples(st.from_regex(r"\A[0-9]{6}\Z"), st.from_regex(r"\A[0-9]{8}\Z"))


@given(
    st.lists(PAIRS, min_size=1, max_size=50),
    st.lists(st.tuples(st.sampled_from(ALGORITHMS), st.lists(st.integers(0, 10), min_size=14, max_size=14)),
             min_size=1, max_size=2),
)  # fmt: skip
def test_every_row_of_the_table_must_pass(pairs, rows):
    none = np.zeros(len(rows), np.int64)
    made = Tables(
        none, none + 999_999, np.array([ALGORITHMS.index(name) for name, _ in rows], np.int64),
        np.array([weights for _, weights in rows], np.int64).reshape(-1, 14), none, np.array([]), np.array([]),
    )  # fmt: skip
    got = possible(np.array([int(code) for code, _ in pairs]), np.array([int(account) for _, account in pairs]), made)
    assert got.tolist() == [all(plainly(*row, *pair) for row in rows) for pair in pairs]


def test_a_sort_code_outside_the_table_passes():
    assert possible(np.array([990000]), np.array([12345678]), tables()).all()


def test_without_a_table_nothing_is_checked(payments, context, monkeypatch):
    wrong = payments({**SOUND, "creditor_account": "88837493"})
    assert RULE.findings(wrong, context("csv")).height == 1
    monkeypatch.delenv("BULKRAIL_MODULUS_WEIGHTS")
    assert RULE.findings(wrong, context("csv")).is_empty()


def test_sound_accounts_have_no_findings(payments, context):
    frame = payments(SOUND, {"creditor_account": "GB29ABCD10799988837491"}, {**SOUND, "currency": "EUR"})
    for rule in (RULE, SORT_CODE):
        assert rule.findings(frame, context("csv")).is_empty()


def test_gb_ibans_are_looked_into(payments, context):
    findings = RULE.findings(payments({"creditor_account": "GB29ABCD10799988837493"}), context())
    assert findings.select("field", "value", "reason").rows() == [("creditor_account", "GB29…7493", "AC01")]


def test_a_changed_file_is_read_again(payments, context, monkeypatch, tmp_path):
    file = tmp_path / "weights.txt"
    monkeypatch.setenv("BULKRAIL_MODULUS_WEIGHTS", str(file))
    file.write_text("100000 109999 MOD10" + "    0" * 14 + "\n")
    frame = payments({**SOUND, "creditor_account": "88837493"})
    assert RULE.findings(frame, context("csv")).is_empty()
    file.write_text("100000 109999 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1\n\n")
    assert RULE.findings(frame, context("csv")).height == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no row"),
        ("100000 109999 MOD12" + " 0" * 14, ":1: "),
        ("100000 109999 MOD11" + " 0" * 13, ":1: "),
        ("100000 109999 MOD11" + " 0" * 14 + " 15", "exception above"),
    ],
)
def test_a_table_of_another_layout_is_refused(text, told, monkeypatch, tmp_path):
    file = tmp_path / "weights.txt"
    file.write_text(text)
    monkeypatch.setenv("BULKRAIL_MODULUS_WEIGHTS", str(file))
    with pytest.raises(ConfigError, match=told):
        tables()


def test_a_table_that_is_missing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("BULKRAIL_MODULUS_SUBSTITUTIONS", str(tmp_path / "none.txt"))
    with pytest.raises(ConfigError, match="BULKRAIL_MODULUS_SUBSTITUTIONS"):
        tables()
