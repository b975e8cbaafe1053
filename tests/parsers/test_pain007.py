"""pain.007: a golden request in every version, the first version's own names, parts of payments."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from canonical.contracts import Cancellation, Source
from canonical.frames import CANCELLATIONS, FINDINGS, checked
from parsers.camt055 import FORMAT as CAMT055
from parsers.pain007 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "pain007"
REQUEST = (GOLDEN / "request.xml").read_bytes()
VERSIONS = [f"pain.007.001.{number:02d}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 11, 12)]


def read(data: bytes | str) -> Cancellation:
    plain = data.encode() if isinstance(data, str) else data
    found = FORMAT.read(Source("f", "request.xml", plain))
    checked(found.requests, CANCELLATIONS)
    checked(found.findings, FINDINGS)
    return found


def test_golden_request():
    found = read(REQUEST)
    header = found.header
    assert (header.format, header.version, header.message_id) == ("pain.007", "pain.007.001.10", "BACK-1")
    assert (header.created, header.initiating_party) == ("2026-11-20T09:00:00Z", "Alder Payroll SA")
    assert found.requests.write_csv() == (GOLDEN / "requests.csv").read_text()
    assert found.findings.write_csv() == (GOLDEN / "findings.csv").read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_read_alike(version, xsd):
    data = REQUEST.replace(b"pain.007.001.10", version.encode())
    errors = xsd(version)
    assert errors.validate(etree.fromstring(data)), errors.error_log
    found = read(data)
    assert found.header.version == version
    assert found.requests.equals(read(REQUEST).requests)


def test_it_is_told_apart():
    assert FORMAT.sniff(REQUEST)
    assert FORMAT.complete(REQUEST[-4096:])
    assert not CAMT055.sniff(REQUEST)
    assert not FORMAT.complete(REQUEST[:-20])


FIRST = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.007.001.01"><pain.007.001.01><GrpHdr><MsgId>R</MsgId>'
    "<CreDtTm>2026-11-20T09:00:00</CreDtTm><NbOfTxs>2</NbOfTxs><GrpRvsl>false</GrpRvsl></GrpHdr><OrgnlGrpInf>"
    "<OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.01</OrgnlMsgNmId><RvslRsnInf><RvslRsn><Cd>AM05</Cd></RvslRsn>"
    "</RvslRsnInf></OrgnlGrpInf><TxInf><OrgnlPmtInfId>B</OrgnlPmtInfId><OrgnlEndToEndId>E</OrgnlEndToEndId></TxInf>"
    '<TxInf><OrgnlEndToEndId>F</OrgnlEndToEndId><RvsdInstdAmt Ccy="EUR">5.00</RvsdInstdAmt><RvslRsnInf><RvslRsn>'
    "<Prtry>X</Prtry></RvslRsn><AddtlRvslRsnInf>a</AddtlRvslRsnInf></RvslRsnInf></TxInf></pain.007.001.01></Document>"
)


def test_version_01_has_names_of_its_own(xsd):
    schema = xsd("pain.007.001.01")
    assert schema.validate(etree.fromstring(FIRST)), schema.error_log
    found = read(FIRST)
    assert found.findings.is_empty()
    assert found.header.version == "pain.007.001.01"
    names = [
        "level",
        "original_message_id",
        "original_batch_id",
        "original_end_to_end_id",
        "amount_minor",
        "currency",
        "reason",
        "reason_text",
    ]
    assert found.requests.select(names).rows() == [
        ("payment", "M", "B", "E", None, None, "AM05", None),
        ("payment", "M", None, "F", 500, "EUR", "X", "a"),
    ]


def message(flag: str, below: str = "", count: str = "1") -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.007.001.08"><CstmrPmtRvsl><GrpHdr><MsgId>R</MsgId><CreDtTm>'
        f"2026-11-20T09:00:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>{flag}</GrpHdr><OrgnlGrpInf><OrgnlMsgId>M</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId></OrgnlGrpInf>{below}</CstmrPmtRvsl></Document>"
    )


BATCH = "<OrgnlPmtInfAndRvsl><OrgnlPmtInfId>B</OrgnlPmtInfId>{}</OrgnlPmtInfAndRvsl>"
PAYMENT = '<TxInf><OrgnlEndToEndId>E</OrgnlEndToEndId><OrgnlInstdAmt Ccy="EUR">9.00</OrgnlInstdAmt>{}</TxInf>'


def test_the_header_says_that_the_whole_message_is_meant():
    found = read(message("<GrpRvsl>true</GrpRvsl>", count="40"))
    assert found.requests.select("level", "original_message_id").rows() == [("file", "M")]
    assert found.findings.is_empty()


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        (message(""), ["cancel-scope"]),
        (message("<GrpRvsl>false</GrpRvsl>"), ["cancel-scope"]),
        (message("<GrpRvsl>true</GrpRvsl>", BATCH.format("<PmtInfRvsl>true</PmtInfRvsl>")), ["cancel-scope"] * 2),
        (message("", BATCH.format(PAYMENT.format(""))), []),
        (message("", BATCH.format(PAYMENT.format('<RvsdInstdAmt Ccy="EUR">9</RvsdInstdAmt>'))), []),
        (message("", BATCH.format(PAYMENT.format('<RvsdInstdAmt Ccy="EUR">8.99</RvsdInstdAmt>'))), ["cancel-part"]),
        (message("", BATCH.format(PAYMENT.format('<RvsdInstdAmt Ccy="USD">9.00</RvsdInstdAmt>'))), ["cancel-part"]),
        (message("", BATCH.format(PAYMENT.format('<RvsdInstdAmt Ccy="EUR">x</RvsdInstdAmt>'))), ["cancel-amount"]),
        (message("", BATCH.format(PAYMENT.format("")), count="2"), ["cancel-count"]),
        (message("", BATCH.format("<OrgnlNbOfTxs>0</OrgnlNbOfTxs>" + PAYMENT.format(""))), ["cancel-count"]),
        ("<Document/>", ["iso-message"]),
    ],
)
def test_what_is_told(data, rules):
    found = read(data)
    errors = found.findings.filter(found.findings["severity"] != "warning")
    assert errors["rule"].to_list() == rules
