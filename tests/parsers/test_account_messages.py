"""camt.052 and camt.054 beside camt.053: goldens, the corpus against the files' own figures, what never settles, broken bytes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from canonical.contracts import Feedback, Source
from canonical.frames import BALANCES, ENTRIES, FINDINGS, STATEMENTS, checked
from canonical.plugins import lookup

GOLDEN = Path(__file__).parent / "golden"
FILES = {"camt.052": "camt052/report.xml", "camt.053": "camt053/statement.xml", "camt.054": "camt054/notification.xml"}
VERSIONS = {"camt.052": "camt.052.001.08", "camt.053": "camt.053.001.08", "camt.054": "camt.054.001.04"}
ELEMENTS = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}
INFORMING = ("camt.052", "camt.054")
NAMES = sorted(FILES)


def read(name: str, data: bytes | str) -> Feedback:
    plain = data.encode() if isinstance(data, str) else data
    found = lookup("parsers", "FORMAT", name)
    said = found.read(Source("f", "file.xml", plain), found.options())
    for frame, schema in (
        (said.statements, STATEMENTS), (said.entries, ENTRIES), (said.findings, FINDINGS), (said.balances, BALANCES),
    ):  # fmt: skip
        checked(frame, schema)
    assert said.statuses.is_empty()
    return said


def golden(name: str) -> str:
    return (GOLDEN / FILES[name]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    said, folder = read(name, golden(name)), (GOLDEN / FILES[name]).parent
    assert (said.format, said.version) == (name, VERSIONS[name])
    for frame in ("statements", "balances", "entries", "findings"):
        assert getattr(said, frame).write_csv() == (folder / f"{frame}.csv").read_text(encoding="utf-8"), frame


@pytest.mark.parametrize("name", INFORMING)
def test_golden_is_valid(name, xsd):
    (document,) = etree.fromstring(golden(name).encode()).iter("{*}Document")
    xsd(VERSIONS[name]).assertValid(document)


@pytest.mark.parametrize("name", INFORMING)
def test_reports_and_notifications_never_settle(name):
    said = read(name, golden(name))
    assert said.entries.filter(status="BOOK").height
    assert not said.entries["booked"].any()
    assert said.statements["debits_minor"].sum() > 0, "what is booked is summed all the same"


def test_a_report_does_not_hide_the_statement_of_its_day():
    statement = golden("camt.053")
    report = statement.replace("camt.053", "camt.052").replace("BkToCstmrStmt>", "BkToCstmrAcctRpt>")
    report = report.replace("<Stmt>", "<Rpt>").replace("</Stmt>", "</Rpt>")
    both = [read("camt.053", statement), read("camt.052", report)]
    ids = pl.concat([said.statements.select("account", "statement_id") for said in both])
    assert ids.is_unique().all()
    assert pl.concat([said.entries.select("entry_id") for said in both]).is_unique().all()
    later = read("camt.052", report.replace("T19:00:00", "T20:00:00"))
    assert set(later.statements["statement_id"]).isdisjoint(ids["statement_id"])


# ---------------------------------------------------------------------------------------------- corpus


def _own(data: bytes, element: str) -> list[dict[str, int]]:
    """By lxml: entries, and details of each statement."""
    return [
        {"entries": len(item.findall("{*}Ntry")), "details": len(list(item.iter("{*}TxDtls")))}
        for item in etree.fromstring(data).iter(f"{{*}}{element}")
    ]


SILENT = {
    # Faults against the schema that are read without a word; see docs/formats/camt.054.md and camt.053.md.
    "camt.054/Subite-eu+camt-to-coda/2024-06-20.xml",
    "camt.054/Subite-eu+camt-to-coda/2024-08-11.xml",
    "camt.054/Subite-eu+camt-to-coda/2024-09-26.xml",
    "camt.054/Subite-eu+camt-to-coda/2024-10-30.xml",
    "camt.054/Subite-eu+camt-to-coda/2024-09-02.xml",
    "camt.053/OCA+bank-statement-import/test-camt053-txdtls",
}
NO_MESSAGE = {"camt.052/VMelnalksnis+ISO20022DotNet/VMelnalksnis.ISO20022DotNet.Tests.csproj"}


@pytest.mark.parametrize("name", NAMES)
def test_every_corpus_file_holds_what_it_says(corpus, name):
    for file in corpus(name):
        data = file.path.read_bytes()
        said = read(name, data)
        fatal = said.findings.filter(severity="fatal")
        assert fatal.is_empty() or file.validity == "invalid" or file.key in NO_MESSAGE, (file.key, fatal)
        assert said.findings.height or file.validity == "valid" or file.key in SILENT, file.key
        if not fatal.is_empty():
            continue
        own = _own(data, ELEMENTS[name])
        assert said.version == file.version
        assert said.statements["entries"].to_list() == [item["entries"] for item in own], file.key
        assert said.balances.height <= len(list(etree.fromstring(data).iter("{*}Bal")))
        _declared(said, file.key)


def _declared(said: Feedback, key: str) -> None:
    """What TxsSummry declares holds of what was read, or a finding says that it does not."""
    told = set(said.findings["rule"])
    booked = said.entries.filter(status="BOOK").unique(["statement_id", "position"])
    every = said.entries.unique(["statement_id", "position"])
    for row in said.statements.iter_rows(named=True):
        for side, direction in (("credits", "CRDT"), ("debits", "DBIT")):
            declared = row[f"declared_{side}"]
            counts = {
                frame.filter(statement_id=row["statement_id"]).filter(_entry_direction(direction)).height
                for frame in (booked, every)
            }
            assert declared is None or declared in counts or "camt-count" in told, (key, side)
        opening, closing = row["opening_minor"], row["closing_minor"]
        if opening is not None and closing is not None:
            ties = opening + row["credits_minor"] - row["debits_minor"] == closing
            assert ties != ("camt-balance" in told), key


def _entry_direction(direction: str) -> pl.Expr:
    """Of the whole entry: a detail may run against it."""
    return pl.col("credit_debit") == direction


# ---------------------------------------------------------------------------------------------- broken


@pytest.mark.parametrize("name", INFORMING)
@pytest.mark.parametrize(
    ("before", "after", "rule", "severity"),
    [
        ("CdtDbtInd>DBIT", "CdtDbtInd>", "iso-empty", "warning"),
        ("</{0}Amt>", ".001</{0}Amt>", "camt-amount", "fatal"),
        ("CdtDbtInd>DBIT", "CdtDbtInd>DEBIT", "camt-direction", "fatal"),
        ("<{0}Id><{0}IBAN>DE75512108001245126199</{0}IBAN></{0}Id>", "", "camt-statement", "fatal"),
        ("</{0}Ntry>", "</{0}Entry>", "xml-syntax", "fatal"),
    ],
)
def test_faults_are_named(name, before, after, rule, severity):
    prefix = "camt:" if name == "camt.052" else ""
    text = golden(name)
    head, _, entries = text.partition("Ntry>")
    changed = before.format(prefix)
    assert changed in text
    broken = text.replace(changed, after.format(prefix), 1) if changed not in entries else (
        head + "Ntry>" + entries.replace(changed, after.format(prefix), 1)
    )  # fmt: skip
    said = read(name, broken)
    assert (rule, severity) in said.findings.select("rule", "severity").rows()
    assert said.entries.is_empty()


def test_a_batch_that_counts_otherwise_is_told():
    said = read("camt.054", golden("camt.054").replace("<NbOfTxs>2<", "<NbOfTxs>3<"))
    (finding,) = said.findings.to_dicts()
    assert (finding["rule"], finding["row"]) == ("camt-batch-count", 1)
    assert said.entries["detail"].to_list() == [1, 2, 1]


def test_a_status_of_an_entry_that_nobody_knows_is_told():
    said = read("camt.054", golden("camt.054").replace("<Sts>BOOK</Sts>", "<Sts>BOKD</Sts>", 1))
    (finding,) = said.findings.to_dicts()
    assert (finding["rule"], finding["row"], finding["value"]) == ("camt-status", 1, "BOKD")


def test_a_balance_that_cannot_be_read_is_told():
    said = read("camt.052", golden("camt.052").replace(">5749.50<", ">5749.505<"))
    assert said.findings["rule"].to_list() == ["camt-balance-amount"]
    assert said.balances["kind"].to_list() == ["PRCD", "ITBD"]


def test_pages_open_and_close_with_interim_balances():
    text = (
        golden("camt.053")
        .replace(">OPBD<", ">ITBD<")
        .replace("<ElctrncSeqNb>", "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn><ElctrncSeqNb>", 1)
    )
    (row,) = read("camt.053", text).statements.to_dicts()
    assert (row["page"], row["last_page"], row["opening_minor"]) == (2, True, 100000)


STATEMENT_OF_ONE = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>
<CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id>{page}<CreDtTm>2026-11-20T12:00:00</CreDtTm>
<Acct><Id><IBAN>DE75512108001245126199</IBAN></Id></Acct>{balances}</Stmt></BkToCstmrStmt></Document>"""
ONE_BALANCE = (
    '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
)
PAGE = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"


@pytest.mark.parametrize(
    ("kinds", "page", "ends"),
    [
        (["ITBD"], "", (None, None)),
        (["ITBD"], PAGE, (None, 100)),
        (["OPBD", "ITBD"], "", (100, 200)),
        (["ITBD", "ITBD"], "", (100, 200)),
        (["ITBD", "CLBD"], "", (None, 200)),
        (["ITBD", "CLBD"], PAGE, (100, 200)),
        (["OPBD", "ITBD", "CLBD"], "", (100, 300)),
    ],
)
def test_a_lone_interim_balance_is_no_end_of_a_statement_without_pages(kinds, page, ends):
    balances = "".join(ONE_BALANCE.format(kind, number) for number, kind in enumerate(kinds, 1))
    said = read("camt.053", STATEMENT_OF_ONE.format(page=page, balances=balances))
    (row,) = said.statements.to_dicts()
    assert (row["opening_minor"], row["closing_minor"]) == ends
    assert said.balances["kind"].to_list() == kinds
    missing = said.findings.filter(rule="camt-balance-missing")
    assert missing.height == ends.count(None)


def enveloped(*documents: str) -> str:
    inner = "".join(document.partition("?>")[2] if document.startswith("<?xml") else document for document in documents)
    return f"<Envelope>{inner}</Envelope>"


def another_statement(kinds=("OPBD", "CLBD")) -> str:
    balances = "".join(ONE_BALANCE.format(kind, 5) for kind in kinds)
    text = STATEMENT_OF_ONE.format(page="", balances=balances)
    return text.replace("<MsgId>M<", "<MsgId>OTHER<").replace("<Id>S<", "<Id>S2<")


def test_several_documents_in_an_envelope_are_read_as_one_feedback():
    text = golden("camt.053")
    alone = read("camt.053", text)
    said = read("camt.053", enveloped(text, another_statement(), another_statement().replace("<Id>S2<", "<Id>S3<")))
    assert said.findings["message"].to_list() == alone.findings["message"].to_list()
    assert said.statements["statement_id"].to_list() == [*alone.statements["statement_id"], "S2", "S3"]
    assert said.entries.equals(alone.entries)
    assert (said.message_id, said.version) == (alone.message_id, alone.version)
    assert said.balances.height == alone.balances.height + 4


def test_the_same_document_twice_and_a_document_in_a_document_are_refused():
    text = another_statement()
    assert read("camt.053", enveloped(text, text)).findings["rule"].to_list() == ["camt-repeated"]
    nested = text.replace(
        "<Document ", f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>{text}<Document ", 1
    )
    assert read("camt.053", nested + "</Document>").findings["rule"].to_list() == ["iso-message"]
    other = text.replace("camt.053.001.08", "camt.054.001.08")
    assert read("camt.053", enveloped(text, other)).findings["rule"].to_list() == ["iso-message"]
    second = text.replace("</BkToCstmrStmt>", "</BkToCstmrStmt><BkToCstmrStmt/>")
    assert read("camt.053", second).findings["rule"].to_list() == ["iso-message"]


def test_a_report_of_nothing_needs_no_currency():
    bare = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.052.001.08"><BkToCstmrAcctRpt>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr>
<Rpt><Id>R</Id><Acct><Id><Othr><Id>12345678</Id></Othr></Id></Acct></Rpt></BkToCstmrAcctRpt></Document>"""
    said = read("camt.052", bare)
    assert said.statements.is_empty()
    assert said.findings.select("severity", "rule").rows() == [("warning", "camt-statement")]
