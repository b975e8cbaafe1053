"""What holds for every rule: windows change nothing, parts merge, a cheap first look hides nothing."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from property_examples import examples

from canonical.contracts import Fallen
from canonical.frames import FINDINGS, checked
from canonical.plugins import discover
from validators._row import ChecksRule

RULES = discover("validators", "RULE")
SELF_STANDING = (
    "amount", "bic", "country_code", "currency", "execution_date", "lei", "required", "text_length", "uetr",
)  # fmt: skip
"""Rules whose checks say by themselves what is broken; the first look of the others also says whom they concern."""

TEXT = st.sampled_from(
    [None, "", " ", "\u00a0", "x", "Ä", "a/b", "//", "A" * 36, "Ö" * 36, "y" * 71, "y" * 141, "NOTPROVIDED"]
)
ACCOUNT = st.sampled_from(
    [None, "", "DE89370400440532013000", "FR1420041010050500013M02606", "DE88370400440532013000", "CH4431999123000889012",
     "GB29NWBK60161331926819", "AE070331234567890123456", "12345678", "de89370400440532013000", "BE41539007547035"]
)  # fmt: skip
AGENT = st.sampled_from([None, "", "EXAMDEFF", "EXAMUKFF", "examdeff", "021000021", "021000012", "601613", "9000", "x"])
CODE = st.sampled_from([None, "SALA", "QQQQ", "sala", "ABCDE", "PAYR"])
ADDRESS = st.sampled_from([None, "", "Rue 1\n75001 Paris", "A\nB\nC", "x" * 71, "1 Main Street\nSpringfield, IL 62701"])
ROW = st.fixed_dictionaries(
    {
        "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
        "amount_text": st.sampled_from([None, "10.00", "0", "x", "1000000000.00", "1.001"]),
        "currency": st.sampled_from([None, "EUR", "USD", "GBP", "CHF", "JPY", "HRK", "XXQ"]),
        "requested_execution_date_text": st.sampled_from(
            [None, "2026-12-01", "2026-11-15", "2026-12-25", "x", "2030-01-01"]
        ),
        "service_level": st.sampled_from([None, "SEPA", "URGP", "NURG"]),
        "local_instrument": st.sampled_from([None, "CORE", "COR1", "INST", "CCD"]),
        "sequence_type": st.sampled_from([None, "RCUR", "X"]),
        "charge_bearer": st.sampled_from([None, "SLEV", "SHAR", "DEBT", "X"]),
        "category_purpose": CODE,
        "purpose": CODE,
        "uetr": st.sampled_from([None, "x", "11111111-1111-4111-8111-111111111111"]),
        "debtor_account": ACCOUNT,
        "creditor_account": ACCOUNT,
        "debtor_agent": AGENT,
        "creditor_agent": AGENT,
        "debtor_name": TEXT,
        "creditor_name": TEXT,
        "end_to_end_id": TEXT,
        "debtor_lei": st.sampled_from([None, "529900T8BM49AURSDO55", "529900T8BM49AURSDO56", "x"]),
        "creditor_scheme_id": st.sampled_from([None, "", "DE98ZZZ09999999999", "DE97ZZZ09999999999", "x"]),
        "mandate_id": TEXT,
        "mandate_date_text": st.sampled_from([None, "2026-01-05", "2027-01-05", "x"]),
        "creditor_address_lines": ADDRESS,
        "creditor_town": st.sampled_from([None, "", "Paris", "Bern"]),
        "creditor_country": st.sampled_from([None, "FR", "UK", "CH"]),
        "debtor_town": st.sampled_from([None, "Berlin"]),
        "debtor_country": st.sampled_from([None, "DE", "US"]),
        "remittance": st.sampled_from([None, "x", "A\nB", "x" * 141, "+++010/8068/17184+++"]),
        "remittance_reference": st.sampled_from(
            [None, "RF18539007547034", "RF19539007547034", "1", "210000000003139471430009017"]
        ),
        "remittance_reference_type": st.sampled_from([None, "SCOR", "QRR"]),
        "prenote": st.booleans(),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=30)
CLIENT = {
    "accounts": ["DE89370400440532013000"],
    "countries": ["DE", "FR"],
    "currencies": ["EUR", "HRK", "USD"],
    "limits": {"payment": {"EUR": 500}, "batch": {"EUR": 1500}, "file": {"EUR": 2500}},
    "verification_of_payee": "opted_out",
}
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Every rule runs on every example: making a failing one smaller would take an hour, and the rows are plain to read."""
FORMATS = st.sampled_from(["pain.001", "csv", "pain.008", "nacha"])


def whole(rule, frame, context, window):
    if rule.kind == "row":
        return rule.findings(frame, context)
    return finished(rule, rule.update(rule.start(context), window(frame), context), context)


def finished(rule, state, context):
    return rule.finish(state, context, *([Fallen()] if rule.kind == "last" else []))


def in_parts(rule, frame, at, context, window):
    if rule.kind == "row":
        return pl.concat([rule.findings(part, context) for part in (frame[:at], frame[at:])])
    states = [rule.update(rule.start(context), window(part), context) for part in (frame[:at], frame[at:])]
    return finished(rule, rule.merge(*states), context)


def told(findings):
    """Findings as a set. Of a batch's, the rule and the field: its rows differ here, and each window tells the first of its own."""
    of_batch = pl.col("level") == "batch"
    own = [
        pl.when(~of_batch | pl.col("row").is_not_null()).then(name).alias(name)
        for name in ("line", "value", "message", "reason", "severity", "remedy")
    ]
    return set(findings.with_columns(own).rows())


@settings(max_examples=examples(10), phases=WITHOUT_SHRINKING)
@given(rows=ROWS, at=st.integers(1, 29), file_format=FORMATS, agreed=st.booleans())
def test_no_rule_raises_and_windows_change_nothing(rows, at, file_format, agreed, payments, context, window):
    frame, here = payments(*rows), context(file_format, **(CLIENT if agreed else {}))
    for name, rule in RULES.items():
        findings = checked(whole(rule, frame, here, window), FINDINGS)
        assert told(in_parts(rule, frame, at, here, window)) == told(findings), name
        assert set(findings["rule"]) <= {name}
        assert findings.filter((pl.col("level") == "payment") != pl.col("row").is_not_null()).is_empty()


@settings(max_examples=examples(20), phases=WITHOUT_SHRINKING)
@given(rows=ROWS, file_format=st.sampled_from(["pain.001", "csv", "pain.008"]))
def test_the_first_look_hides_nothing(rows, file_format, payments, context):
    frame, here = payments(*rows), context(file_format)
    for name in SELF_STANDING:
        rule = RULES[name]
        assert isinstance(rule, ChecksRule)
        assert rule.suspects is not None
        assert rule.findings(frame, here).equals(replace(rule, suspects=None).findings(frame, here)), name
