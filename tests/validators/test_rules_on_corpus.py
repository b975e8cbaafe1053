"""Files that nobody here wrote go through every rule without a crash, and each payment gets a verdict."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from canonical.contracts import Source
from canonical.frames import FINDINGS, VERDICTS, checked
from canonical.plugins import discover
from validators import engine

FORMATS = {name: item for name, item in discover("parsers", "FORMAT").items() if item.kind == "payment"}
MAPPED = {
    "payment_id": "end_to_end_id", "payment_end_to_end_id": "end_to_end_id", "requested_execution_date": "execution_date",
    "creditor_account_IBAN": "creditor_account", "payment_amount": "amount", "payment_currency": "currency",
    "debtor_account_IBAN": "debtor_account", "creditor_agent_BIC": "creditor_agent",
}  # fmt: skip


def judged(reader, file, options, context):
    windows = list(reader.windows(Source("0" * 20, file.path.name, file.path.read_bytes()), options))
    told = replace(context(reader.name), header=windows[0].header)
    states, found = engine.start(told), []
    for window in windows:
        found += [window.findings, engine.check_window(window.payments, told)]
        states = engine.update(states, window, told)
    findings = engine.apply_profile(pl.concat([*found, engine.finish(states, told)]), told.client)
    payments = pl.concat([window.payments for window in windows])
    return payments, checked(findings, FINDINGS), checked(engine.verdicts(payments, findings, told.client), VERDICTS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_file_crashes_a_rule(name, corpus, context):
    files = corpus(name)
    assert files
    for file in files:
        payments, findings, verdicts = judged(FORMATS[name], file, FORMATS[name].options(), context)
        assert verdicts["payment_id"].to_list() == payments["payment_id"].to_list()
        assert not payments.is_empty() or not findings.is_empty(), f"{file.key}: nothing read and nothing said"


def test_bulk_payment_tables_with_their_own_headings(corpus, context):
    files = [file for file in corpus("csv") if file.version == "bulk-payment" and "template" in file.path.name]
    assert files
    reader = FORMATS["csv"]
    told = {}
    for file in files:
        header = file.path.read_text().splitlines()[0].split(",")
        columns = {theirs: ours for theirs, ours in MAPPED.items() if theirs in header}
        if "payment_end_to_end_id" in columns:
            columns.pop("payment_id", None)
        if "currency" in header:
            columns.pop("payment_currency", None)
        if header.count("creditor_agent_BIC") > 1 or "creditor_agent" in header:
            columns.pop("creditor_agent_BIC", None)
        payments, findings, verdicts = judged(reader, file, reader.options(columns=columns), context)
        told[file.path.name] = payments.height
        assert payments.height + findings.filter(pl.col("rule") == "csv-columns").height == file.transactions, file.key
        assert verdicts.height == payments.height
    assert max(told.values()) == 4
