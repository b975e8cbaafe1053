"""Files that nobody here wrote go through every rule without a crash, and each payment gets a verdict."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from canonical.contracts import Source
from canonical.frames import FINDINGS, VERDICTS, checked
from canonical.plugins import discover
from validators import engine

RULES = discover("validators", "RULE")
FORMATS = {name: item for name, item in discover("parsers", "FORMAT").items() if item.kind == "payment"}
MAPPED = {
    "end_to_end_id": ("payment_end_to_end_id", "payment_id"),
    "execution_date": ("requested_execution_date",),
    "creditor_account": ("creditor_account", "creditor_account_IBAN"),
    "creditor_agent": ("creditor_agent", "creditor_agent_BIC"),
    "debtor_account": ("debtor_account", "debtor_account_IBAN"),
    "amount": ("amount", "payment_amount"),
    "currency": ("currency", "payment_currency"),
    "creditor_name": ("creditor_name",),
}
"""Our column → what other people's tables call it, the first that is there."""

DEFENDED = {
    "iban": "samples with made-up accounts, whose check digits are wrong",
    "creditor_identifier": "samples with made-up creditor identifiers, whose check digits are wrong",
    "amount": "entries of zero that are no prenotifications, and a transfer of nothing",
    "character_set": "end-to-end ids with an underscore, which SEPA refuses",
    "duplicate_payment": "the same entry again and again, to make a long file",
    "file_structure": "control records that were not made anew after a change",
    "control_sum": "control records that were not made anew after a change",
    "transaction_count": "control records that were not made anew after a change",
    "postal_address": "unstructured addresses, right when the sample was made and refused since November 2026",
    "uncarried": "an exchange deal (MT101), foreign exchange and banks between (IAT), which no provider's file could carry",
    "required": "a Swiss payment slip of a kind that is gone, which had no creditor name",
}
"""Rules that reject a file which the manifest calls valid, and why they are right."""


def judged(reader, file, options, context):
    windows = list(reader.windows(Source("0" * 20, file.path.name, file.path.read_bytes()), options))
    told = replace(context("csv"), facts=reader.facts, header=windows[0].header)
    states, found = engine.start(told), []
    for window in windows:
        found += [window.findings, engine.check_window(window.payments, told)]
        states = engine.update(states, window, told)
    findings = engine.finish(states, pl.concat(found), told)
    payments = pl.concat([window.payments for window in windows])
    return payments, checked(findings, FINDINGS), checked(engine.verdicts(payments, findings, told.client), VERDICTS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_file_crashes_a_rule(name, corpus, context):
    if name == "xlsx":
        pytest.skip("the corpus has no workbook")
    files = corpus(name)
    assert files
    refused = {}
    for file in files:
        payments, findings, verdicts = judged(FORMATS[name], file, FORMATS[name].options(), context)
        assert verdicts["payment_id"].to_list() == payments["payment_id"].to_list()
        assert not payments.is_empty() or not findings.is_empty(), f"{file.key}: nothing read and nothing said"
        if file.validity == "valid":
            errors = findings.filter((pl.col("severity") == "error") & pl.col("rule").is_in(list(RULES)))
            refused |= dict.fromkeys(errors["rule"], file.key)
    assert set(refused) <= set(DEFENDED), refused


def test_bulk_payment_tables_with_their_own_headings(corpus, context):
    files = [file for file in corpus("csv") if file.version == "bulk-payment" and "template" in file.path.name]
    assert files
    reader = FORMATS["csv"]
    told = {}
    for file in files:
        header = file.path.read_text().splitlines()[0].split(",")
        columns = {
            ours: next(name for name in theirs if name in header)
            for ours, theirs in MAPPED.items()
            if set(theirs) & set(header)
        }
        payments, findings, verdicts = judged(reader, file, reader.options(columns=columns, template=False), context)
        told[file.path.name] = payments.height
        assert payments.height + findings.filter(pl.col("rule") == "csv-columns").height == file.transactions, file.key
        assert verdicts.height == payments.height
    assert max(told.values()) == 4
