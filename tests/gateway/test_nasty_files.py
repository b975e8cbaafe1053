"""Files as clients really send them, and as nobody should: through `check`, the way the gateway reads them too.

What says the same in another dress gives the same payments; what is broken is named; what is cut off is never paid in part.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from canonical.contracts import Context, Source
from canonical.plugins import discover
from canonical.profiles import ClientProfile
from gateway.intake.check import Checked, check
from gateway.intake.judging import judge
from gateway.intake.reading import read
from validators import engine

GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
EXAMPLES = Path(__file__).parents[2] / "examples" / "templates"
TODAY = dt.date(2026, 11, 20)
CLIENT = ClientProfile(client_id="example", name="Example", formats=("*",))
CUTS = 24


def told(folder: Path, data: bytes, client: ClientProfile = CLIENT) -> Checked:
    path = folder / "file"
    path.write_bytes(data)
    return check(path, client, TODAY)


def errors(found: Checked) -> set[str]:
    return {row["rule"] for row in found.findings.iter_rows(named=True) if row["severity"] != "warning"}


# ------------------------------------------------------------------------------------------------ ISO 20022

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'
PAYMENT = (
    '<CdtTrfTxInf><PmtId><EndToEndId>E{n}</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">10.00</InstdAmt></Amt>'
    "<Cdtr><Nm>Müller {n}</Nm></Cdtr><CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct></CdtTrfTxInf>"
)
BATCH = (
    "<PmtInf><PmtInfId>B{b}</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-12-01</Dt></ReqdExctnDt><Dbtr><Nm>Muster</Nm></Dbtr>"
    "<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI>"
    "</FinInstnId></DbtrAgt>{payments}</PmtInf>"
)
ONE, TWO = PAYMENT.format(n=1), PAYMENT.format(n=2)
BATCHES = BATCH.format(b=1, payments=ONE + TWO)
BODY = (
    f'<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-20T09:00:00</CreDtTm>'
    f"<NbOfTxs>2</NbOfTxs><CtrlSum>20.00</CtrlSum><InitgPty><Nm>Muster</Nm></InitgPty></GrpHdr>{BATCHES}</CstmrCdtTrfInitn></Document>"
)
XML = DECLARED + BODY
HEAD = (
    '<h:AppHdr xmlns:h="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><h:Fr><h:FIId><h:FinInstnId><h:BICFI>COBADEFF</h:BICFI>'
    "</h:FinInstnId></h:FIId></h:Fr><h:BizMsgIdr>X</h:BizMsgIdr><h:MsgDefIdr>pain.001.001.09</h:MsgDefIdr></h:AppHdr>"
)


def prefixed(prefix: str) -> str:
    return re.sub(r"<(/?)([A-Z])", rf"<\1{prefix}:\2", XML).replace("xmlns=", f"xmlns:{prefix}=")


def declared(name: str) -> str:
    return XML.replace("UTF-8", name)


def with_first(old: str, new: str) -> bytes:
    assert old in XML
    return XML.replace(old, new, 1).encode()


SAME_ISO = {
    "byte order mark": b"\xef\xbb\xbf" + XML.encode(),
    "no declaration": BODY.encode(),
    "utf-16 with a mark": declared("UTF-16").encode("utf-16"),
    "utf-16 big-endian with a mark": b"\xfe\xff" + declared("UTF-16").encode("utf-16-be"),
    "utf-16 without a mark": declared("UTF-16LE").encode("utf-16-le"),
    "utf-16 big-endian without a mark": declared("UTF-16").encode("utf-16-be"),
    "latin-1": declared("ISO-8859-1").encode("latin-1"),
    "windows-1252": declared("windows-1252").encode("cp1252"),
    "a prefix": prefixed("pain").encode(),
    "an odd prefix": prefixed("n_s-1.x").encode(),
    "a business message": f"<BizMsg>{HEAD}{BODY}</BizMsg>".encode(),
    "a vendor's nested envelope": f'<s:Envelope xmlns:s="urn:s"><s:Body><x:E xmlns:x="urn:x"><x:Hdr>{HEAD}</x:Hdr><x:Body>{BODY}</x:Body></x:E></s:Body></s:Envelope>'.encode(),
    "a header in the default namespace": f'<E xmlns="urn:x"><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.01"><Fr/></AppHdr>{BODY}</E>'.encode(),
    "a schema location": with_first("<Document ", '<Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x y" '),
    "CDATA": with_first(">10.00<", "><![CDATA[10.00]]><"),
    "a comment in an amount": with_first(">10.00<", ">1<!-- x -->0.00<"),
    "an instruction in an amount": with_first(">10.00<", ">1<?x y?>0.00<"),
    "comments and instructions between": XML.replace("><", "><!-- <CdtTrfTxInf> --><?x <PmtInf>?><").encode(),
    "blanks around numbers": XML.replace(">10.00<", "> 10.00\n<").replace(">2<", "> 2 <").replace(">20.00<", ">\t20.00<").encode(),
    "zeros around numbers": XML.replace(">10.00<", ">010.000<").replace(">2<", ">02<").replace(">20.00<", ">20<").encode(),
    "CR LF and blanks between elements": XML.replace("><", ">\r\n\t <").encode(),
    "CR between elements": XML.replace("><", ">\r<").encode(),
    "single quotes": XML.replace('"', "'").encode(),
    "blanks in tags": XML.replace("</CdtTrfTxInf>", "</CdtTrfTxInf\n >").replace("<CdtTrfTxInf>", "<CdtTrfTxInf >").encode(),
    "character references": with_first(">10.00<", ">&#49;&#x30;.00<"),
    "a batch each": XML.replace(BATCHES, BATCH.format(b=1, payments=ONE) + BATCH.format(b=2, payments=TWO)).encode(),
    "many attributes": with_first("<CdtTrfTxInf>", "<CdtTrfTxInf " + " ".join(f"a{n}=''" for n in range(500)) + ">"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_ISO)
def test_an_iso_file_in_another_dress_says_the_same(name: str, tmp_path: Path) -> None:
    found = told(tmp_path, SAME_ISO[name])
    assert (found.header.version, found.verdict, found.payments, found.accepted) == (
        "pain.001.001.09",
        "accepted",
        2,
        2,
    )
    assert found.control_sums == {"EUR": 2000}
    assert set(found.findings["rule"]) == {"character_set"}  # ü, which becomes u


BROKEN_ISO = {
    "nothing": (b"", "file-format", "empty"),
    "JSON": (b'{"fileHeader": {}, "batches": []}', "file-format", "JSON, which none of the payment formats is"),
    "no namespace": (XML.replace(f' xmlns="{NAMESPACE}"', "").encode(), "file-format", "begins with <Document>"),
    "a version of the future": (XML.replace("001.001.09", "001.001.99").encode(), "iso-message", "001.001.99"),
    "two messages": (f"<B>{BODY}{BODY}</B>".encode(), "iso-message", "second one"),
    "no document": (XML.replace(f'<Document xmlns="{NAMESPACE}">', "").replace("</Document>", "").replace("<CstmrCdtTrfInitn>", f'<CstmrCdtTrfInitn xmlns="{NAMESPACE}">').encode(), "iso-message", "no <Document>"),
    "two roots": ((HEAD + BODY).encode(), "xml-syntax", "AppHdr and the Document stand side by side"),
    "latin-1 that is not declared": (BODY.encode("latin-1"), "xml-encoding", "line 1"),
    "an encoding nobody knows": (declared("x-none").encode(), "xml-encoding", "unknown encoding"),
    "an entity": (XML.replace("?>", '?><!DOCTYPE D [<!ENTITY a "b">]>').encode(), "xml-dtd", "DOCTYPE"),
    "a bare ampersand": (with_first("Müller", "A & B"), "xml-syntax", "inside payment 1"),
    "a control character": (with_first("Müller", "A\x0bB"), "xml-syntax", "inside payment 1"),
    "a NUL at the end": (XML.encode() + b"\0", "xml-syntax", "line 1"),
    "too deep": (with_first("</CdtTrfTxInf>", "<a>" * 200 + "</a>" * 200 + "</CdtTrfTxInf>"), "xml-limit", "deeper"),
    "a payment in a payment": (with_first("</CdtTrfTxInf>", f"<X>{TWO}</X></CdtTrfTxInf>"), "iso-misplaced-payment", "PmtInf"),
    "two amounts": (with_first("</Amt>", '<InstdAmt Ccy="EUR">5.00</InstdAmt></Amt>'), "iso-repeated", "InstdAmt"),
    "two accounts": (with_first("</IBAN></Id></CdtrAcct>", "</IBAN><IBAN>FR1420041010050500013M02606</IBAN></Id></CdtrAcct>"), "iso-repeated", "IBAN"),
    "an empty batch": (XML.replace(BATCHES, "<PmtInf/>" + BATCHES).encode(), "iso-empty-batch", "no payment"),
    "a huge id": (with_first(">E1<", f">{'x' * 100_000}<"), "text_length", "100000 characters"),
    "a count that is none": (with_first(">2<", ">two<"), "transaction_count", "not a number"),
    "one payment less": (XML.replace(TWO, "").encode(), "transaction_count", "1 less"),
    "one cent more": (with_first(">10.00<", ">10.01<"), "control_sum", "0.01 more"),
    **{
        f"the amount {text}": (with_first(">10.00<", f">{text}<"), "amount", "Amount")
        for text in ("++10.00", "-10.00", "10,00", "1e1", "1 0.00", ".", "NaN", "1_0", "\u200b10.00", "\uff11\uff10", "0", "10.005", "9" * 30)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ISO)
def test_a_broken_iso_file_is_named(name: str, tmp_path: Path) -> None:
    data, rule, words = BROKEN_ISO[name]
    found = told(tmp_path, data)
    named = [
        row for row in found.findings.iter_rows(named=True) if row["rule"] == rule and row["severity"] != "warning"
    ]
    assert any(words in row["message"] for row in named), found.findings["message"].to_list()
    assert all(row["remedy"] for row in named)
    assert found.accepted < 2 or rule == "iso-empty-batch"


INSTRUCTED = '<InstdAmt Ccy="EUR">10.00</InstdAmt>'
ACCOUNT = re.search("<CdtrAcct>.*?</CdtrAcct>", ONE).group(0)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "rule", "fallen"),
    [
        (INSTRUCTED, '<EqvtAmt><Amt Ccy="EUR">10.00</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>', "iso-equivalent-amount", 1),
        ("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CHK</PmtMtd>", "iso-method", 2),
    ],
)  # fmt: skip
def test_what_is_empty_by_a_fault_is_not_missing_beside_it(tmp_path, old, new, rule, fallen):
    data = with_first(old, new)
    if rule == "iso-method":
        data = data.replace(ACCOUNT.encode(), b"")
    found = told(tmp_path, data)
    assert found.findings.filter(severity="error")["rule"].to_list() == [rule]
    assert found.accepted == 2 - fallen
    # Who agreed to go on in spite of it is told what is missing.
    relaxed = told(tmp_path, data, CLIENT.model_copy(update={"rules": {rule: "warning"}}))
    assert errors(relaxed) == {"required"}
    assert relaxed.accepted == 2 - fallen


def test_a_cell_that_is_refused_is_told_once(tmp_path):
    book = Workbook()
    book.active.append(["end_to_end_id", "execution_date", "creditor_name", "creditor_account", "amount", "currency"])
    book.active.append(["E-1", "2026-12-01", "Muster", 8.937e19, 1, "EUR"])
    book.save(tmp_path / "book.xlsx")
    found = told(tmp_path, (tmp_path / "book.xlsx").read_bytes(), CLIENT.model_copy(update={"formats": ("xlsx",)}))
    assert found.findings.filter(field="creditor_account")["rule"].to_list() == ["xlsx-value"]
    assert found.accepted == 0


@pytest.mark.parametrize("text", ["+10.00", "10.", "+10", "010.00", "10.000"])
def test_every_way_in_which_the_schema_writes_an_amount_is_read(tmp_path, text):
    found = told(tmp_path, with_first(">10.00<", f">{text}<"))
    assert (found.accepted, found.control_sums, errors(found)) == (2, {"EUR": 2000}, set())


def test_an_amount_of_cents_alone_and_a_sum_with_a_plus_are_read(tmp_path):
    data = with_first(">10.00<", ">.50<").replace(b"20.00", b"+10.50")
    found = told(tmp_path, data)
    assert (found.accepted, found.control_sums, errors(found)) == (2, {"EUR": 1050}, set())


# ------------------------------------------------------------------------------------------------ lines

ACH = (GOLDEN / "nacha/origination.ach").read_bytes()
BACS_DAY = (GOLDEN / "bacs18/single_day.txt").read_bytes()
BACS_DAYS = (GOLDEN / "bacs18/multi_day.txt").read_bytes()
FIN = (GOLDEN / "mt101/two_messages.fin").read_bytes()
FILLER = b"9" * 94 + b"\n"


def lines(data: bytes) -> list[bytes]:
    return data.replace(b"\r\n", b"\n").split(b"\n")


def trimmed(data: bytes) -> bytes:
    return b"\n".join(line.rstrip() for line in lines(data))


SAME_LINES = {
    **{
        f"{name} {how}": (data, change)
        for name, data in {"nacha": ACH, "bacs18": BACS_DAY, "bacs18 days": BACS_DAYS, "mt101": FIN}.items()
        for how, change in {
            "with LF": lambda data: b"\n".join(lines(data)),
            "with CR LF": lambda data: b"\r\n".join(lines(data)),
            "with CR alone": lambda data: b"\r".join(lines(data)),
            "with CR alone, without the last": lambda data: b"\r".join(lines(data)).rstrip(b"\r"),
            "without the last line end": lambda data: b"\n".join(lines(data)).rstrip(b"\n"),
        }.items()
    },
    **{
        f"{name} {how}": (data, change)
        for name, data in {"nacha": ACH, "bacs18": BACS_DAY, "bacs18 days": BACS_DAYS}.items()
        for how, change in {
            "without line ends": lambda data: b"".join(lines(data)),
            "trimmed": trimmed,
            "with empty lines between": lambda data: b"\n\n".join(lines(data)),
            "behind an empty line": lambda data: b"\n" + data,
            "padded": lambda data: b"\n".join(line + b" " * 6 if line else line for line in lines(data)),
        }.items()
    },
    "nacha without filler": (ACH, lambda data: data.replace(FILLER, b"").rstrip(b"9\n") + b"\n"),
    "mt101 with trailers": (FIN, lambda data: data.replace(b"-}\n", b"-}{5:{CHK:123456789ABC}}\n")),
    "mt101 between controls": (FIN, lambda data: b"\x01" + data.rstrip(b"\n") + b"\x03"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_LINES)
def test_a_file_of_lines_in_another_dress_says_the_same(name: str, tmp_path: Path) -> None:
    data, change = SAME_LINES[name]
    whole, found = told(tmp_path, data), told(tmp_path, change(data))
    assert whole.accepted == whole.payments > 0
    assert (found.payments, found.accepted, found.control_sums) == (whole.payments, whole.accepted, whole.control_sums)


BROKEN_LINES = {
    **{
        f"{name} with a byte order mark": (b"\xef\xbb\xbf" + data, "file-format", f"looks like {name}")
        for name, data in {"nacha": ACH, "bacs18": BACS_DAY, "mt101": FIN}.items()
    },
    "nacha in small letters": (ACH.lower(), "nacha-sec", "Class ppd"),
    "nacha with its header twice": (lines(ACH)[0] + b"\n" + ACH, "nacha-order", "file header follows"),
    "nacha twice": (ACH + ACH, "nacha-order", "A second file begins here"),
    "nacha with filler too much": (ACH + FILLER * 10, "file_structure", "block count"),
    "nacha with tabs": (ACH.replace(b"   ", b"\t"), "nacha-character", "0x09"),
    "nacha without its header": (b"\n".join(lines(ACH)[1:]), "nacha-header-missing", "file header"),
    "bacs twice": (BACS_DAY + BACS_DAY, "duplicate_payment", "same payment"),
    "mt101 with points": (FIN.replace(b",50", b".50"), "amount", "is not an amount"),
    "mt101 in small letters": (FIN.lower(), "file-format", "no format that is known"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_LINES)
def test_a_broken_file_of_lines_is_named(name: str, tmp_path: Path) -> None:
    data, rule, words = BROKEN_LINES[name]
    found = told(tmp_path, data)
    assert rule in errors(found)
    assert any(words in message for message in found.findings["message"]), found.findings["message"].to_list()
    assert found.accepted < max(found.payments, 1)


def test_a_remedy_speaks_the_formats_own_language(tmp_path: Path) -> None:
    data, *_ = BROKEN_LINES["mt101 with points"]
    remedies = told(tmp_path, data).findings.filter(rule="amount")["remedy"].to_list()
    assert remedies
    assert all("1234,50" in remedy for remedy in remedies)


@pytest.mark.parametrize(
    ("data", "line", "first"),
    [(ACH, 3, 30), (BACS_DAY, 5, 36), (BACS_DAYS, 6, 36)],
    ids=["nacha", "bacs18", "bacs18 days"],
)
def test_an_amount_that_is_none_refuses_its_payment_and_no_other(
    data: bytes, line: int, first: int, tmp_path: Path
) -> None:
    whole = told(tmp_path, data)
    rows = lines(data)
    rows[line - 1] = rows[line - 1][: first - 1] + b"O" + rows[line - 1][first:]
    found = told(tmp_path, b"\n".join(rows))
    assert errors(found) == {"amount"}
    assert (found.payments, found.accepted) == (whole.payments, whole.payments - 1)
    sums = found.findings.filter(rule="control_sum")
    assert sums.height > 0
    assert sums["message"].str.contains("could not be checked: 1 of its amounts could not be read").all()


# ------------------------------------------------------------------------------------------------ said once, said plainly

DEBITS = (GOLDEN / "pain008/mandates.xml").read_bytes()
SAID = {
    "a past day of an ACH batch": (
        ACH.replace(lines(ACH)[1], lines(ACH)[1][:69] + b"261113" + lines(ACH)[1][75:], 1),
        "execution_date", "Execution date “261113” (2026-11-13) is before 2026-11-20", "Nothing, if that day is right",
    ),
    "a past day of a collection": (
        DEBITS.replace(b"2026-12-01</ReqdColltnDt>", b"2026-11-19</ReqdColltnDt>", 1),
        "execution_date", "Collection date “2026-11-19” is before", "Nothing, if that day is right",
    ),
    "a mandate of next year": (
        DEBITS.replace(b"<DtOfSgntr>2024-02-29", b"<DtOfSgntr>2027-02-28", 1),
        "sepa_direct_debit", "is in the future", "Give the day on which the debtor signed",
    ),
    "an ampersand in a name": (
        XML.replace("Müller 1", "Müller & Co").encode(),
        "xml-syntax", "is not well-formed XML: a sign stands where none of its kind may", "& is written &amp;",
    ),
    "a decimal point in MT101": (FIN.replace(b"EUR1250,50", b"EUR1250.50"), "amount", "“1250.50” is not an amount", "1234,50"),
    "an ACH entry cut short": (
        ACH.replace(lines(ACH)[2], lines(ACH)[2][:60], 1),
        "nacha-addenda-indicator", "The addenda record indicator is blank;", "to 0 where none do",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_is_said_plainly(name: str, tmp_path: Path) -> None:
    data, rule, message, remedy = SAID[name]
    (found,) = told(tmp_path, data).findings.filter(rule=rule).iter_rows(named=True)
    assert message in found["message"]
    assert remedy in found["remedy"]


def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    data, *_ = SAID["a decimal point in MT101"]
    assert errors(told(tmp_path, data)) == {"amount"}
    # SHA is how MT101 says it: nobody has to be told that SEPA calls it SLEV.
    assert "sepa_credit_transfer" not in told(tmp_path, FIN).findings["rule"].to_list()
    rounded = told(tmp_path, CSV.replace("DE89370400440532013000", "8.937040044E+20", 1).encode(), of_tables())
    assert rounded.findings["rule"].to_list() == ["iban"]


# ------------------------------------------------------------------------------------------------ cut off

WHOLE = {
    "pain.001": GOLDEN / "pain001/two_batches.xml",
    "pain.008": GOLDEN / "pain008/mandates.xml",
    "nacha": GOLDEN / "nacha/origination.ach",
    "bacs18": GOLDEN / "bacs18/single_day.txt",
    "mt101": GOLDEN / "mt101/two_messages.fin",
    "csv": EXAMPLES / "payments.csv",
    "xlsx": EXAMPLES / "payments.xlsx",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_cut_anywhere_is_never_paid_in_part(name: str, tmp_path: Path) -> None:
    data = WHOLE[name].read_bytes()
    whole = told(tmp_path, data)
    assert whole.payments > 0
    places = sorted({*range(0, len(data), max(1, len(data) // CUTS)), *range(len(data) - 4, len(data))})
    assert len(places) > CUTS
    for place in places:
        found = told(tmp_path, data[:place])
        same = (found.payments, found.accepted, found.control_sums) == (
            whole.payments,
            whole.accepted,
            whole.control_sums,
        )
        assert same or (found.accepted == 0 and errors(found)), place


# ------------------------------------------------------------------------------------------------ tables

ROW = "E{n},ACME,DE89370400440532013000,{amount},EUR,{day},DE89370400440532013000,Muster\n"
HEADING = "end_to_end_id,creditor_name,creditor_account,amount,currency,execution_date,debtor_account,debtor_name\n"


def table(amount: str = "1234.50", day: str = "2026-12-01") -> str:
    return HEADING + ROW.format(n=1, amount=amount, day=day) + ROW.format(n=2, amount="1.00", day="2026-12-01")


CSV = table()
SAME_TABLES = {
    "a byte order mark": (b"\xef\xbb\xbf" + CSV.encode(), {}),
    "CR LF": (CSV.replace("\n", "\r\n").encode(), {}),
    "no last line end": (CSV.rstrip().encode(), {}),
    "quotes everywhere": (re.sub(r"([^,\n]+)", r'"\1"', CSV).encode(), {}),
    "blanks around cells": (CSV.replace(",", " , ").encode(), {}),
    "headings in capitals": (CSV.replace("end_to_end_id", "END-TO-END ID").encode(), {}),
    "empty rows": (CSV.replace("\nE2", "\n\n,,,,,,,\nE2").encode(), {}),
    "empty columns at the end": (CSV.replace("\n", ",,\n").encode(), {}),
    "empty columns at the end of rows": ((HEADING + CSV.removeprefix(HEADING).replace("\n", ",,\n")).encode(), {}),
    "empty columns at the end of rows, in quotes too": ((HEADING + CSV.removeprefix(HEADING).replace("Muster\n", '"Muster",\n')).encode(), {}),
    "a first line for a spreadsheet": (b"sep=,\r\n" + CSV.encode(), {}),
    "a semicolon as agreed": (CSV.replace(",", ";").encode(), {"delimiter": ";"}),
    "a tab as agreed": (CSV.replace(",", "\t").encode(), {"delimiter": "\t"}),
    "utf-16 as agreed": (CSV.encode("utf-16"), {"encoding": "utf-16"}),
    "windows-1252 as agreed": (CSV.replace("ACME", "Größe").encode("cp1252"), {"encoding": "cp1252"}),
    "decimal commas as agreed": (table("1.234,50").replace(",", ";").replace("1.234;50", "1.234,50").replace("1.00", "1,00").encode(), {"delimiter": ";", "decimal": ",", "thousands": "."}),
    "thousands as agreed": (table('"1,234.50"').encode(), {"thousands": ","}),
    "days as agreed": (table(day="1.12.2026").replace("2026-12-01", "01.12.2026").encode(), {"date": "D.M.YYYY"}),
    "cents as agreed": (table("123450").replace("1.00", "100").encode(), {"minor_units": True, "totals": []}),
}  # fmt: skip
BROKEN_TABLES = {
    "CR alone": (CSV.replace("\n", "\r").encode(), "csv-header", "CR alone"),
    "a semicolon": (CSV.replace(",", ";").encode(), "csv-header", "a comma was agreed"),
    "utf-16": (CSV.encode("utf-16"), "csv-encoding", "UTF-16"),
    "windows-1252": (CSV.replace("ACME", "Größe").encode("cp1252"), "csv-encoding", "not utf-8"),
    "thousands": (table('"1,234.50"').encode(), "amount", "is not an amount"),
    "a decimal comma": (table('"1234,50"').encode(), "amount", "is not an amount"),
    "a power of ten": (table("1.2345E+3").encode(), "amount", "is not an amount"),
    "a currency sign": (table("€1234.50").encode(), "amount", "is not an amount"),
    "a day saved by a spreadsheet": (table(day="12/01/2026").encode(), "execution_date", "is not a date"),
    "a day's serial number": (table(day="46357").encode(), "execution_date", "is not a date"),
    "an account saved by a spreadsheet": (CSV.replace("DE89370400440532013000", "8.937040044E+20", 1).encode(), "iban", "rounded number"),
    "a quote in a cell": (CSV.replace("ACME", 'AC"ME', 1).encode(), "csv-quotes", "quote"),
    "an open quote": (CSV.replace("ACME", '"ACME', 1).encode(), "csv-quotes", "quote"),
    "a cell too few": (CSV.replace("E1,", "", 1).encode(), "csv-columns", "7 columns"),
    "a filled cell too many": (CSV.replace("Muster\n", "Muster,x\n", 1).encode(), "csv-columns", "9 columns"),
    "no payments": (HEADING.encode(), "csv-header", "no payments"),
    "a heading twice": (CSV.replace("debtor_name", "amount", 1).encode(), "csv-header", "twice"),
    "no headings": (CSV.removeprefix(HEADING).encode(), "csv-header", "values where the headings"),
    "a total that nobody agreed": ((CSV + "Total,,,1235.51,EUR,,,\n").encode(), "csv-summary", "sums up"),
}  # fmt: skip


def of_tables(**agreed: object) -> ClientProfile:
    return CLIENT.model_copy(update={"formats": ("csv",), "format_options": {"csv": agreed}, "complete": "renamed"})


@pytest.mark.parametrize("name", SAME_TABLES)
def test_a_table_in_another_dress_says_the_same(name: str, tmp_path: Path) -> None:
    data, agreed = SAME_TABLES[name]
    found = told(tmp_path, data, of_tables(**agreed))
    assert (found.verdict, found.payments, found.accepted) == ("accepted", 2, 2), found.findings["message"].to_list()
    assert found.control_sums == {"EUR": 123_550}


@pytest.mark.parametrize("name", BROKEN_TABLES)
def test_a_broken_table_is_named(name: str, tmp_path: Path) -> None:
    data, rule, words = BROKEN_TABLES[name]
    found = told(tmp_path, data, of_tables())
    named = [
        row for row in found.findings.iter_rows(named=True) if row["rule"] == rule and row["severity"] != "warning"
    ]
    assert any(words in row["message"] for row in named), found.findings["message"].to_list()
    assert found.accepted < max(found.payments + found.unreadable, 1)


# ------------------------------------------------------------------------------------------------ mended

FAULTS = {
    "pain.001": (XML.encode(), b"DE89370400440532013000</IBAN></Id></CdtrAcct>", b"DE89370400440532013001</IBAN></Id></CdtrAcct>"),
    "pain.001 in utf-16": (declared("UTF-16").encode("utf-16"), "3000</IBAN></Id></CdtrAcct>".encode("utf-16-le"), "3001</IBAN></Id></CdtrAcct>".encode("utf-16-le")),
    "pain.008": ((GOLDEN / "pain008/mandates.xml").read_bytes(), b"AT611904300234573201", b"AT611904300234573202"),
    "nacha": (ACH, b"99887766         ", b"                 "),
    "nacha without line ends": (b"".join(lines(ACH)), b"99887766         ", b"                 "),
    "nacha with CR alone": (b"\r".join(lines(ACH)), b"99887766         ", b"                 "),
    "bacs18": (BACS_DAY, b"88837491", b"8883749X"),
    "bacs18 with CR alone": (b"\r".join(lines(BACS_DAY)), b"88837491", b"8883749X"),
    "mt101": (FIN, b"FR1420041010050500013M02606", b"FR1420041010050500013M02607"),
    "mt101 with CR alone": (b"\r".join(lines(FIN)), b"FR1420041010050500013M02606", b"FR1420041010050500013M02607"),
    "csv": ((EXAMPLES / "payments.csv").read_bytes(), b"DE89370400440532013000", b"DE89370400440532013001"),
    "xlsx": ((EXAMPLES / "payments.xlsx").read_bytes(), b"DE89370400440532013000", b"DE89370400440532013001"),
}  # fmt: skip
"""A whole file, and what is put wrong in one payment."""


def put(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    """The file with `new` for `old`, so many times; in a workbook in each of its parts."""
    if not data.startswith(b"PK"):
        assert old in data
        return data.replace(old, new, count)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(out, "w") as changed:
        parts = {name: book.read(name) for name in book.namelist()}
        assert any(old in part for part in parts.values())
        for name, part in parts.items():
            changed.writestr(name, part.replace(old, new, count))
    return out.getvalue()


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_rejected_is_mended_and_sent_again(name: str, tmp_path: Path) -> None:
    whole, good, bad = FAULTS[name]
    data = put(whole, good, bad, 1)
    judged = judge(read(Source("f" * 20, "file", data), CLIENT), Context(TODAY, CLIENT))
    rejected = judged.index.join(engine.accepted(judged.index, judged.findings, CLIENT), on="row", how="anti")
    assert 0 < rejected.height < judged.index.height
    payments = pl.concat([window.payments for window in read(Source("f" * 20, "file", data), CLIENT)])
    form = discover("parsers", "FORMAT")[judged.header.format]
    kept = payments.join(rejected, on="row", how="semi", maintain_order="left")
    again = form.excerpt(Source("f" * 20, "file", data), kept, form.options())
    unmended, mended = told(tmp_path, again), told(tmp_path, put(again, bad, good))
    assert (unmended.payments, unmended.accepted) == (rejected.height, 0)
    assert (mended.payments, mended.accepted) == (rejected.height, rejected.height), mended.findings[
        "message"
    ].to_list()
