"""camt.055: a golden request in every version and encoding, what is told of unclear ones, and what broken bytes give."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from canonical.contracts import Cancellation, Source
from canonical.frames import CANCELLATIONS, FINDINGS, checked
from parsers.camt055 import FORMAT
from parsers.pain001 import FORMAT as PAIN001
from parsers.pain007 import FORMAT as PAIN007

GOLDEN = Path(__file__).parent / "golden" / "camt055"
REQUEST = (GOLDEN / "request.xml").read_bytes()
PLAIN = REQUEST.decode().replace("<c:", "<").replace("</c:", "</").replace("xmlns:c", "xmlns")
VERSIONS = [f"camt.055.001.{number:02d}" for number in range(1, 13)]


def read(data: bytes | str) -> Cancellation:
    plain = data.encode() if isinstance(data, str) else data
    found = FORMAT.read(Source("f", "request.xml", plain))
    checked(found.requests, CANCELLATIONS)
    checked(found.findings, FINDINGS)
    return found


def rules(found: Cancellation) -> list[tuple[str, str, int | None]]:
    return found.findings.select("rule", "severity", "row").rows()


def test_golden_request():
    found = read(REQUEST)
    header = found.header
    assert (header.format, header.version, header.message_id) == ("camt.055", "camt.055.001.08", "STOP-1")
    assert (header.created, header.initiating_party) == ("2026-11-20T09:00:00Z", "Alder Payroll SA")
    assert found.requests.write_csv() == (GOLDEN / "requests.csv").read_text()
    assert found.findings.write_csv() == (GOLDEN / "findings.csv").read_text()


def test_lines_are_those_of_the_file():
    lines = REQUEST.decode().splitlines()
    starts = [lines[line - 1].strip() for line in read(REQUEST).requests["line"]]
    assert starts == ["<c:OrgnlGrpInfAndCxl>", "<c:OrgnlPmtInfAndCxl>", *["<c:TxInf>"] * 3]


# The list of reasons was closed before it became an external one, and the UETR came in version 8.
def _in(version: str) -> str:
    number = int(version[-2:])
    text = PLAIN.replace("camt.055.001.08", version).replace("pain.008.001.08", "pain.008.001.02")
    if number < 8:
        text = re.sub(r"\s*<OrgnlUETR>.*?</OrgnlUETR>", "", text)
    return text if number > 1 else text.replace("<BICFI>", "<BIC>").replace("</BICFI>", "</BIC>")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_read_alike(version, xsd):
    text = _in(version)
    errors = xsd(version)
    assert errors.validate(etree.fromstring(text.encode())), errors.error_log
    found = read(text)
    assert found.header.version == version
    same = [
        "position",
        "level",
        "original_message_id",
        "original_batch_id",
        "original_end_to_end_id",
        "amount_minor",
        "reason",
    ]
    assert found.requests.select(same).equals(read(REQUEST).requests.select(same))


ENVELOPE = '<b:BizMsgEnvlp xmlns:b="urn:x"><h:AppHdr xmlns:h="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><h:Fr/></h:AppHdr>'


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + REQUEST,
        PLAIN.encode(),
        PLAIN.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').replace("Payroll", "Löhne").encode("latin-1"),
        PLAIN.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        PLAIN.partition("?>")[2].strip().encode(),
        PLAIN.replace("<Document", ENVELOPE + "<Document").encode() + b"</b:BizMsgEnvlp>",
        PLAIN.replace("<OrgnlMsgId>PAY-1<", "<OrgnlMsgId><!-- x --><![CDATA[PAY-1]]><").encode() + b"<!-- end -->",
    ],
    ids=["bom", "default-namespace", "latin-1", "utf-16", "undeclared", "envelope", "cdata"],
)
def test_any_way_of_writing_it(data):
    assert FORMAT.sniff(data[:65536])
    assert FORMAT.complete(data[-4096:])
    found = read(data)
    assert found.requests.drop("line").equals(read(REQUEST).requests.drop("line"))
    assert found.findings["rule"].to_list() == ["cancel-amount"]


def test_it_is_told_apart():
    assert not FORMAT.sniff(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">')
    assert not FORMAT.sniff(b"")
    assert not PAIN001.sniff(REQUEST)
    assert not PAIN007.sniff(REQUEST)
    assert not FORMAT.complete(REQUEST[:-20])


# ---------------------------------------------------------------------------------------------- unclear requests


def request(undrlyg: str, control: str = "") -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.055.001.08"><CstmrPmtCxlReq><Assgnmt><Id>S</Id>'
        f"<CreDtTm>2026-11-20T09:00:00</CreDtTm></Assgnmt>{control}{undrlyg}</CstmrPmtCxlReq></Document>"
    )


def original(whole: str = "", below: str = "", message_id: str = "<OrgnlMsgId>M</OrgnlMsgId>", totals: str = "") -> str:
    flag = f"<GrpCxl>{whole}</GrpCxl>" if whole else ""
    group = (
        f"<OrgnlGrpInfAndCxl>{message_id}<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{totals}{flag}</OrgnlGrpInfAndCxl>"
    )
    return f"<Undrlyg>{group}{below}</Undrlyg>"


def batch(inside: str, batch_id: str = "B") -> str:
    return f"<OrgnlPmtInfAndCxl><OrgnlPmtInfId>{batch_id}</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndCxl>"


def payment(end_to_end_id: str = "E", amount: str = "", currency: str = "EUR") -> str:
    told = f'<OrgnlInstdAmt Ccy="{currency}">{amount}</OrgnlInstdAmt>' if amount else ""
    return f"<TxInf><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>{told}</TxInf>"


ALL = "<PmtInfCxl>true</PmtInfCxl>"


@pytest.mark.parametrize(
    ("undrlyg", "expected"),
    [
        (original("true"), []),
        (original("true", batch(ALL)), [(1, "cancel-scope"), (2, "cancel-scope")]),
        (original("1", batch(payment())), [(1, "cancel-scope"), (2, "cancel-scope")]),
        (original("false", batch(ALL + payment())), [(1, "cancel-scope"), (2, "cancel-scope")]),
        (original(), [(1, "cancel-scope")]),
        (original("yes"), [(1, "cancel-scope")]),
        (original("TRUE", batch(payment())), [(1, "cancel-scope")]),
        (original(below=batch("")), [(1, "cancel-scope")]),
        (original(below=batch("<PmtInfCxl>false</PmtInfCxl>")), [(1, "cancel-scope")]),
        (original(below=batch("<OrgnlGrpInf><OrgnlMsgId>N</OrgnlMsgId></OrgnlGrpInf>" + ALL)), [(1, "cancel-scope")]),
        (original("true", message_id=""), [(1, "cancel-reference")]),
        (f"<Undrlyg>{batch(ALL)}</Undrlyg>", [(1, "cancel-reference")]),
        (original(below=batch(ALL, "")), [(1, "cancel-reference")]),
        (original(below=batch("<TxInf/>")), [(1, "cancel-reference")]),
        (original(below=batch(payment("NOTPROVIDED"))), [(1, "cancel-reference")]),
        (original(below=batch(payment(amount="1,00"))), [(1, "cancel-amount")]),
        (original(below=batch(payment(amount="1.00", currency="EUX"))), [(1, "cancel-amount")]),
        (original(below=batch(payment(amount="1.001") + payment("F"))), [(1, "cancel-amount")]),
    ],
)
def test_a_request_that_is_not_clear_has_an_error_on_its_row(undrlyg, expected):
    found = read(request(undrlyg))
    errors = found.findings.filter(severity="error")
    assert errors.select("row", "rule").rows() == expected
    assert errors["remedy"].null_count() == 0
    assert found.requests.height >= len(expected)


@pytest.mark.parametrize("undrlyg", ["", "<Undrlyg></Undrlyg>", original("true") + "<Undrlyg/>"])
def test_what_names_nothing_is_an_error_on_the_file(undrlyg):
    found = read(request(undrlyg))
    assert [(rule, row) for rule, severity, row in rules(found) if severity == "error"] == [("cancel-scope", None)]


def test_each_of_many_undrlyg_names_something():
    found = read(request("".join(original(below=batch(payment(str(number)))) for number in range(50))))
    assert found.findings.is_empty()
    assert found.requests["original_end_to_end_id"].to_list() == [str(number) for number in range(50)]
    assert found.requests["position"].to_list() == list(range(1, 51))


def control(count: str, total: str = "") -> str:
    return f"<CtrlData><NbOfTxs>{count}</NbOfTxs>{f'<CtrlSum>{total}</CtrlSum>' if total else ''}</CtrlData>"


TWO = batch(payment(amount="10.50") + payment("F", "3", "JPY"))


@pytest.mark.parametrize(
    ("below", "declared", "expected"),
    [
        (TWO, control("2", "13.5"), []),
        (TWO, control("2", "13.50000"), []),
        (TWO, control("3"), ["cancel-count"]),
        (TWO, control("1"), ["cancel-count"]),
        (TWO, control("2", "13.51"), ["cancel-sum"]),
        (TWO, control("2", "13.4999999"), ["cancel-sum"]),
        (TWO, control("2", "13.500001"), ["cancel-sum"]),
        (TWO, control("02", "1e1"), ["cancel-sum"]),
        (TWO, control("two", "x"), ["cancel-count", "cancel-sum"]),
        (TWO, control("3", "1"), ["cancel-count", "cancel-sum"]),
        # Not every payment names its amount, or a whole batch is meant: the declared totals can only be too small.
        (TWO + batch(payment("G")), control("3", "20"), []),
        (TWO + batch(payment("G")), control("3", "13"), ["cancel-sum"]),
        (TWO + batch(ALL, "C"), control("12", "999.99"), []),
        (TWO + batch(ALL, "C"), control("1", "13.4"), ["cancel-count", "cancel-sum"]),
        # What stands at a batch may count the original batch.
        (batch("<NbOfTxs>9</NbOfTxs><CtrlSum>99</CtrlSum>" + payment(amount="1.00")), "", []),
        (
            batch("<NbOfTxs>0</NbOfTxs><CtrlSum>0.99</CtrlSum>" + payment(amount="1.00")),
            "",
            ["cancel-count", "cancel-sum"],
        ),
    ],
)
def test_declared_totals(below, declared, expected):
    found = read(request(original(below=below), declared))
    assert found.findings["rule"].to_list() == expected
    assert found.findings.filter(severity="error").height == len(expected)
    assert found.findings["row"].null_count() == len(expected)


def test_totals_of_the_original_message():
    small = original("false", TWO, totals="<NbOfTxs>1</NbOfTxs><CtrlSum>1</CtrlSum>")
    assert [rule for rule, *_ in rules(read(request(small)))] == ["cancel-count", "cancel-sum"]
    large = original("false", TWO, totals="<NbOfTxs>100</NbOfTxs><CtrlSum>1000</CtrlSum>")
    assert rules(read(request(large))) == []


def test_the_schema_is_told_in_words_for_a_client():
    found = read(
        request(
            original(below=batch("<TxInf><OrgnlEndToEndId>E</OrgnlEndToEndId><OrgnlInstrId>I</OrgnlInstrId></TxInf>"))
        )
    )
    assert rules(found) == [("iso-order", "warning", None)]
    assert "provider" not in " ".join(found.findings["remedy"])


# ---------------------------------------------------------------------------------------------- broken bytes


DEEP = "<a>" * 70 + "</a>" * 70


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "xml-truncated"),
        (REQUEST[:-40], "xml-truncated"),
        (REQUEST.replace(b"</c:Undrlyg>", b"</c:Undrlying>"), "xml-syntax"),
        (b"<!DOCTYPE x>" + PLAIN.partition("?>")[2].strip().encode(), "xml-dtd"),
        (PLAIN.replace("<Undrlyg>", DEEP + "<Undrlyg>").encode(), "xml-limit"),
        (PLAIN.replace("STOP-1", "S" * (2**20 + 1)).encode(), "xml-limit"),
        (PLAIN.replace('"UTF-8"', '"EBCDIC-X"').encode(), "xml-encoding"),
        (PLAIN.replace("camt.055", "camt.056").encode(), "iso-message"),
        (PLAIN.replace("CstmrPmtCxlReq", "FIToFIPmtCxlReq").encode(), "iso-message"),
        (PLAIN.replace("</Document>", "</Document>" + PLAIN.partition("?>")[2]).encode(), "xml-syntax"),
    ],
    ids=["empty", "cut", "unbalanced", "dtd", "deep", "long", "encoding", "camt.056", "element", "two"],
)
def test_where_reading_ends_nothing_is_asked(data, rule):
    found = read(data)
    assert rules(found) == [(rule, "fatal", None)]
    assert found.requests.is_empty()
    assert found.header.format == "camt.055"
    assert "provider" not in found.findings["remedy"][0]


@given(st.data())
def test_any_bytes_give_findings_and_never_an_exception(data):
    bytes_ = bytearray(REQUEST)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bytes_) - 1))
        bytes_[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    read(bytes(bytes_))
