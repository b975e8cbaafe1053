"""pain.002: the corpus, a golden report, inheritance of statuses, and what broken bytes give."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from canonical.contracts import Feedback, Source
from canonical.frames import FINDINGS, STATUSES, checked
from parsers.pain002 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "pain002"
REPORT = (GOLDEN / "report.xml").read_bytes()


def read(data: bytes | str) -> Feedback:
    plain = data.encode() if isinstance(data, str) else data
    feedback = FORMAT.read(Source("f", "report.xml", plain), FORMAT.options())
    checked(feedback.statuses, STATUSES)
    checked(feedback.findings, FINDINGS)
    assert feedback.entries.is_empty()
    assert feedback.statements.is_empty()
    return feedback


def rules(feedback: Feedback) -> set[str]:
    return set(feedback.findings["rule"])


def test_golden_report():
    feedback = read(REPORT)
    assert (feedback.format, feedback.version, feedback.message_id) == ("pain.002", "pain.002.001.10", "RPT-1")
    assert feedback.statuses.write_csv() == (GOLDEN / "statuses.csv").read_text()
    assert feedback.findings.write_csv() == (GOLDEN / "findings.csv").read_text()


def test_golden_is_valid(xsd):
    xsd("pain.002.001.10").assertValid(etree.fromstring(REPORT))


# ---------------------------------------------------------------------------------------------- corpus


def _independent(data: bytes) -> list[tuple[str, str]]:
    """Level and status in file order, by lxml."""
    names = {"GrpSts": "file", "PmtInfSts": "batch", "TxSts": "payment"}
    elements = etree.fromstring(data).iter("{*}GrpSts", "{*}PmtInfSts", "{*}TxSts")
    return [(names[etree.QName(element).localname], element.text) for element in elements]


def test_every_corpus_file_is_read(corpus):
    files = corpus("pain.002")
    for file in files:
        data = file.path.read_bytes()
        feedback = read(data)
        assert FORMAT.sniff(data[:4096]), file.key
        assert list(feedback.statuses.select("level", "status").iter_rows()) == _independent(data), file.key
        assert feedback.findings.filter(severity="fatal").is_empty(), file.key
        noticed = feedback.findings.height > 0
        without_namespace = "NO namespace" in file.note
        silent = not _independent(data)  # valid by the schema, and nobody learns anything from it
        assert noticed == (file.validity == "invalid" or without_namespace or silent), file.key
        assert feedback.version == ("pain.002" if without_namespace else file.version), file.key


def test_reasons_of_the_corpus(corpus):
    found = {}
    for file in corpus("pain.002"):
        listed = re.search(r"reasons ([A-Z0-9,]+)", file.note)
        if listed:
            found[file.key] = set(listed.group(1).split(","))
            assert set(read(file.path.read_bytes()).statuses["reason"].drop_nulls()) == found[file.key], file.key
    assert len(found) >= 8


# ---------------------------------------------------------------------------------------------- reading


def _report(body: str, version: str = "pain.002.001.03", root: str = "CstmrPmtStsRpt") -> str:
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><{root}><GrpHdr><MsgId>R</MsgId>'
        f"<CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr>{body}</{root}></Document>"
    )


def _group(status: str = "", name: str = "pain.001.001.03") -> str:
    told = f"<GrpSts>{status}</GrpSts>" if status else ""
    return f"<OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>{name}</OrgnlMsgNmId>{told}</OrgnlGrpInfAndSts>"


def _batch(status: str, transactions: str) -> str:
    told = f"<PmtInfSts>{status}</PmtInfSts>" if status else ""
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId>{told}{transactions}</OrgnlPmtInfAndSts>"


@pytest.mark.parametrize(
    ("group", "batch", "expected"),
    [
        ("ACCP", "", "ACCP"),
        ("ACCP", "RJCT", "RJCT"),
        ("PART", "ACSP", "ACSP"),
        ("ACCP", "PART", None),
        ("PART", "", None),
        ("", "", None),
    ],
)
def test_a_transaction_without_status_has_the_one_above_it(group, batch, expected):
    transaction = "<TxInfAndSts><OrgnlInstrId>P</OrgnlInstrId></TxInfAndSts>"
    feedback = read(_report(_group(group) + _batch(batch, transaction)))
    payments = feedback.statuses.filter(level="payment")
    assert payments["status"].to_list() == ([expected] if expected else [])
    assert ("pain002-status" in rules(feedback)) == (expected is None)


def test_a_report_without_any_status_is_told():
    reasons = "<StsRsnInf><Rsn><Cd>TS01</Cd></Rsn></StsRsnInf>"
    batch = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>FILE_UPLOAD</OrgnlPmtInfId>{reasons}</OrgnlPmtInfAndSts>"
    said = read(_report(_group() + batch))
    assert said.statuses.is_empty()
    (finding,) = said.findings.filter(rule="pain002-status").to_dicts()
    assert finding["severity"] == "warning"
    assert "reasons alone (TS01)" in finding["message"]


def test_a_status_that_is_no_code_is_told():
    for word in ("Accepted", "rjct"):
        said = read(_report(_group(word)))
        assert rules(said) == {"iso-text"}, word
        assert said.statuses["status"].to_list() == [word]


def test_version_02_has_names_of_its_own():
    body = (
        "<OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.02</OrgnlMsgNmId><GrpSts>PART</GrpSts>"
        "</OrgnlGrpInfAndSts><TxInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId><OrgnlInstrId>P</OrgnlInstrId><TxSts>RJCT</TxSts>"
        "<StsRsnInf><StsRsn><Cd>AC01</Cd></StsRsn><AddtlStsRsnInf>no such account</AddtlStsRsnInf></StsRsnInf></TxInfAndSts>"
    )
    feedback = read(_report(body, "pain.002.001.02", "pain.002.001.02"))
    row = feedback.statuses.row(1, named=True)
    assert (row["original_batch_id"], row["original_instruction_id"], row["status"]) == ("B", "P", "RJCT")
    assert (row["reason"], row["reason_text"]) == ("AC01", "no such account")
    assert feedback.version == "pain.002.001.02"


def test_direction_comes_from_the_original_message():
    for name, direction in (("pain.001.001.09", "CRDT"), ("pain.008.001.02", "DBIT"), ("camt.055.001.08", None)):
        assert read(_report(_group("RJCT", name))).statuses["credit_debit"].to_list() == [direction]


def test_rows_keep_the_order_of_the_file_with_each_batch_before_its_transactions():
    one = "<TxInfAndSts><OrgnlInstrId>{}</OrgnlInstrId><TxSts>ACSP</TxSts></TxInfAndSts>"
    body = _group("PART") + _batch("ACSP", one.format(1) + one.format(2)) + _batch("ACSP", one.format(3))
    statuses = read(_report(body)).statuses
    assert statuses["level"].to_list() == ["file", "batch", "payment", "payment", "batch", "payment"]
    assert statuses["position"].to_list() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("CstmrPmtStsRpt>", "CstmrCdtTrfInitn>", "iso-message"),
        ("pain.002.001.10", "pain.001.001.09", "iso-message"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "<!DOCTYPE Document SYSTEM 'file:///etc/hostname'>", "xml-dtd"),
        ("</Document>", "", "xml-truncated"),
        ("Account closed", "Account & closed", "xml-syntax"),
        ("Account closed", "Account \x01 closed", "xml-syntax"),
    ],
)
def test_fatal_faults_leave_no_status(before, after, rule):
    feedback = read(REPORT.decode().replace(before, after))
    assert feedback.statuses.is_empty()
    (finding,) = feedback.findings.to_dicts()
    assert (finding["rule"], finding["severity"]) == (rule, "fatal")


@given(cut=st.integers(0, len(REPORT) - 1))
def test_a_cut_report_says_nothing(cut):
    feedback = read(REPORT[:cut])
    whole = REPORT[:cut].rstrip().endswith(b"</Document>")
    assert feedback.statuses.is_empty() != whole
    assert whole or feedback.findings.filter(pl.col("severity") == "fatal").height == 1


@given(data=st.data())
def test_mutated_bytes_give_findings_never_an_exception(data):
    mutated = bytearray(REPORT)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place] = data.draw(st.integers(0, 255))
    read(bytes(mutated))
