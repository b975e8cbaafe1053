"""pacs.002, pacs.004 and camt.029, and the national variants of pain.002: goldens, corpus, inheritance, broken bytes."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from canonical.contracts import Feedback, Source
from canonical.frames import FINDINGS, STATUSES, checked
from canonical.plugins import lookup
from canonical.profiles import NoOptions

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "pain.002": "pain002/report.xml", "pacs.002": "pacs002/report.xml", "pacs.004": "pacs004/return.xml",
    "camt.029": "camt029/resolution.xml",
}  # fmt: skip
VERSIONS = {"pacs.002": "pacs.002.001.10", "pacs.004": "pacs.004.001.09", "camt.029": "camt.029.001.09"}


def read(name: str, data: bytes | str) -> Feedback:
    plain = data.encode() if isinstance(data, str) else data
    found = lookup("parsers", "FORMAT", name)
    said = found.read(Source("f", "file.xml", plain), found.options())
    checked(said.statuses, STATUSES)
    checked(said.findings, FINDINGS)
    assert said.entries.is_empty()
    return said


def golden(name: str) -> str:
    return (GOLDEN / FILES[name]).read_text(encoding="utf-8")


def unprefixed(name: str) -> str:
    return re.sub(r"(</?|xmlns):?p(?::|=)", lambda found: "xmlns=" if "xmlns" in found[1] else found[1], golden(name))


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_golden(name):
    said, folder = read(name, golden(name)), (GOLDEN / FILES[name]).parent
    assert (said.format, said.version) == (name, VERSIONS[name])
    assert said.statuses.write_csv() == (folder / "statuses.csv").read_text(encoding="utf-8")
    assert said.findings.write_csv() == (folder / "findings.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_golden_is_valid(name, xsd):
    xsd(VERSIONS[name]).assertValid(etree.fromstring(golden(name).encode()))


SILENT = {
    # Faults against the schema in what is not read, or in blanks around a text; see docs/formats/pacs.002.md.
    "pacs.002/prowide+prowide-iso20022/pacs.002-CDATA-multiple-namespace.xml",
    "pacs.002/prowide+prowide-iso20022/pacs.002-CDATA-with-documentWrapper.xml",
    "pacs.002/prowide+prowide-iso20022/pacs.002-CDATA-with-header.xml",
    "pacs.002/prowide+prowide-iso20022/samplemsg.002.001.08-SplmtryData_removed.xml",
    "pacs.002/prowide+prowide-iso20022/samplemsg.002.001.08-invalidElement.xml",
}


def test_every_corpus_file_says_what_it_says(corpus):
    names = {"GrpSts": "file", "TxSts": "payment"}
    for file in corpus("pacs.002"):
        data = file.path.read_bytes()
        said = read("pacs.002", data)
        own = [
            (names[etree.QName(item).localname], item.text)
            for item in etree.fromstring(data).iter("{*}GrpSts", "{*}TxSts")
        ]
        assert list(said.statuses.select("level", "status").iter_rows()) == own, file.key
        assert said.findings.filter(severity="fatal").is_empty(), file.key
        broken = file.validity == "invalid" and file.key not in SILENT
        # A header before the Document is no part of what its schema, and so the manifest, judges.
        inside = said.findings.filter(pl.col("rule") != "iso-header")
        assert (inside.height > 0) == (broken or not own), file.key
        assert said.version == file.version, file.key


@pytest.mark.parametrize(
    "namespace",
    [
        "urn:sepade:xsd:pain.002.001.02",
        "urn:swift:xsd:$pain.002.002.02",
        "urn:iso:std:iso:20022:tech:xsd:pain.002.003.03",
        "http://www.six-interbank-clearing.com/de/pain.002.001.03.ch.02.xsd",
        "urn:iso:std:iso:20022:tech:xsd:pain.002.001.15",
    ],
)
def test_national_variants_of_pain_002(namespace):
    text = golden("pain.002").replace("urn:iso:std:iso:20022:tech:xsd:pain.002.001.10", namespace)
    assert namespace in text
    said = read("pain.002", text)
    assert said.version in namespace
    assert said.statuses.equals(read("pain.002", golden("pain.002")).statuses)
    assert lookup("parsers", "FORMAT", "pain.002").sniff(text.encode()[:4096])


def test_messages_in_envelopes_and_encodings_are_read_alike():
    for name in VERSIONS:
        expected = read(name, golden(name)).statuses
        bare = golden(name).partition("?>")[2]
        wrapped = f'<Msg><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/>{bare}</Msg>'
        assert read(name, wrapped).statuses.equals(expected)
        assert read(name, b"\xef\xbb\xbf" + golden(name).encode()).statuses.equals(expected)
        assert read(name, golden(name).replace("UTF-8", "UTF-16").encode("utf-16")).statuses.equals(expected)


def test_old_returns_have_names_of_their_own():
    said = read(
        "pacs.004",
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.01"><pacs.004.001.01><GrpHdr><MsgId>R</MsgId>'
        "<CreDtTm>2026-11-20T12:00:00</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr><TxInf><RtrId>1</RtrId><OrgnlGrpInf>"
        "<OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pacs.003.001.01</OrgnlMsgNmId></OrgnlGrpInf><OrgnlTxId>T</OrgnlTxId>"
        '<RtrdIntrBkSttlmAmt Ccy="EUR">5.00</RtrdIntrBkSttlmAmt><ChrgsInf><ChrgsAmt Ccy="EUR">0.10</ChrgsAmt></ChrgsInf>'
        "<RtrRsnInf><RtrRsn><Cd>MD06</Cd></RtrRsn><AddtlRtrRsnInf>asked back</AddtlRtrRsnInf></RtrRsnInf></TxInf>"
        "</pacs.004.001.01></Document>",
    )
    (row,) = said.statuses.to_dicts()
    assert (row["reason"], row["reason_text"], row["returned_minor"], row["charges_minor"]) == (
        "MD06",
        "asked back",
        500,
        10,
    )
    assert (row["original_message_id"], row["credit_debit"], row["amount_minor"]) == ("M", "DBIT", None)


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("<NbOfTxs>2<", "<NbOfTxs>3<", "pacs004-count"),
        (">119.00<", ">119.01<", "pacs004-sum"),
        (">99.00<", ">99.001<", "pacs004-amount"),
    ],
)
def test_returns_are_held_against_their_header(before, after, rule):
    said = read("pacs.004", golden("pacs.004").replace(before, after))
    assert rule in said.findings["rule"].to_list()
    assert said.statuses.height == 2


def test_a_whole_group_may_come_back():
    text = golden("pacs.004")
    body = text[: text.index("<TxInf>")] + text[text.rindex("</TxInf>") + len("</TxInf>") :]
    (row,) = read("pacs.004", body).statuses.to_dicts()
    assert (row["kind"], row["level"], row["original_message_id"]) == ("return", "file", "S0123456789abcdef012")
    assert (row["reason"], row["returned_minor"]) == ("MS03", 11900)


@pytest.mark.parametrize(("confirmed", "expected"), [("CNCL", "CNCL"), ("PECR", None)])
def test_a_cancellation_without_status_has_the_one_of_the_message(confirmed, expected):
    text = golden("camt.029").replace("<Conf>RJCR<", f"<Conf>{confirmed}<").replace("<GrpCxlSts>PACR</GrpCxlSts>", "")
    said = read("camt.029", text.replace("<TxCxlSts>ACCR</TxCxlSts>", ""))
    first = said.statuses.filter(original_instruction_id="P-1")["status"].to_list()
    assert first == ([expected] if expected else [])
    assert ("camt029-status" in said.findings["rule"].to_list()) == (expected is None)


def test_a_resolution_without_details_speaks_of_its_case():
    text = golden("camt.029")
    bare = text[: text.index("<CxlDtls>")] + text[text.index("</CxlDtls>") + len("</CxlDtls>") :]
    (row,) = read("camt.029", bare).statuses.to_dicts()
    assert (row["kind"], row["level"], row["status"], row["case_id"]) == ("cancellation", "file", "RJCR", "CASE-1")


def test_a_status_that_names_no_payment_is_told():
    text = unprefixed("pacs.002")
    nameless = text.replace("<OrgnlInstrId>P-2</OrgnlInstrId><OrgnlTxId>TX-2</OrgnlTxId>", "")
    assert nameless != text
    found = read("pacs.002", nameless).findings.filter(rule="pacs002-reference")
    assert found.select("line", "row").rows() == [(7, 2)]
    assert "pacs002-reference" not in read("pacs.002", text).findings["rule"]


def test_a_status_that_stands_twice_is_told():
    text = unprefixed("pacs.002").replace("<TxSts>RJCT</TxSts>", "<TxSts>RJCT</TxSts><TxSts>ACSC</TxSts>")
    said = read("pacs.002", text)
    assert "RJCT" in said.statuses["status"]
    assert said.findings.filter(rule="iso-repeated")["line"].to_list() == [7]


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_broken_messages_say_nothing(name):
    text = golden(name)
    element = re.search(r"Document[^>]*>\s*(<.*>)\s*</(?:\w+:)?Document>", text, re.DOTALL)
    assert element
    for broken, rule in (
        (text.replace(element[1], element[1] * 2), "iso-message"),
        (text.encode().replace(b"</", b"\xf6</", 1), "xml-encoding"),
        (text[: len(text) // 2], "xml-truncated"),
        (text.replace("Document", "Envelope"), "iso-message"),
        (text.replace("<?xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><?xml", 1), None),
    ):
        said = read(name, broken)
        assert said.statuses.is_empty()
        (finding,) = said.findings.to_dicts()
        assert finding["severity"] == "fatal"
        assert rule in {None, finding["rule"]}


REPORT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>R{n}</MsgId>
<CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>OURS{n}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>
<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>B{n}</OrgnlPmtInfId><TxInfAndSts>
<OrgnlEndToEndId>E{n}</OrgnlEndToEndId></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


def test_reports_of_one_envelope_speak_of_their_own_messages():
    text = f"<Batch>{REPORT.format(n=1)}{REPORT.format(n=2)}</Batch>"
    said = lookup("parsers", "FORMAT", "pain.002").read(Source("0" * 20, "r.xml", text.encode()), NoOptions())
    assert said.findings.is_empty()
    told = said.statuses.select("level", "original_message_id", "original_end_to_end_id", "status").rows()
    assert told == [row for n in (1, 2) for row in (
        ("file", f"OURS{n}", None, "RJCT"), ("payment", f"OURS{n}", f"E{n}", "RJCT"),
    )]  # fmt: skip
