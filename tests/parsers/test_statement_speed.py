"""The fast reader of statements against the exact one: the same frames of whatever a file holds, and of what breaks it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples
from world import REPOSITORY

from canonical.contracts import Feedback, Source
from parsers import _feedback_camt
from parsers._feedback_camt_paths import CAMT052, CAMT053, CAMT054, AccountMessage
from parsers._feedback_entries import EntryRows

sys.path.insert(0, str(REPOSITORY))
from benchmarks import make_camt053

FRAMES = ("statements", "balances", "entries", "findings")
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def statement(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("statement") / "statement.xml"
    make_camt053.write(path, 120, 3)
    return path.read_text(encoding="utf-8")


def read(data: bytes, of: AccountMessage, *, fast: bool) -> Feedback:
    patch = pytest.MonkeyPatch()
    with patch.context() as here:
        here.setattr(_feedback_camt, "WORTH_BYTES", 0 if fast else 2**62)
        return _feedback_camt.read_account(Source("f", "x", data), of)


def alike(data: bytes | str, of: AccountMessage = CAMT053) -> Feedback:
    """Read both ways, and the same."""
    plain = data.encode() if isinstance(data, str) else data
    fast, exact = read(plain, of, fast=True), read(plain, of, fast=False)
    for name in FRAMES:
        assert getattr(fast, name).equals(getattr(exact, name)), name
    assert (fast.version, fast.message_id) == (exact.version, exact.message_id)
    return exact


def test_a_statement_ties_out_both_ways(statement):
    said = alike(statement)
    assert said.findings.is_empty()
    assert said.statements["entries"].to_list() == [120]
    assert said.entries["detail"].max() > 1


def test_most_entries_are_read_at_speed(statement, monkeypatch):
    slow: list[int] = []
    add = EntryRows.add
    monkeypatch.setattr(EntryRows, "add", lambda self, record: (slow.append(record.line), add(self, record))[1])
    many = statement.replace("</Stmt>", "").replace("</BkToCstmrStmt>", "").replace("</Document>", "")
    entries = many[many.index("      <Ntry>") :]
    read(f"{many}{entries * 9}</Stmt></BkToCstmrStmt></Document>".encode(), CAMT053, fast=True)
    assert 0 < len(slow) < 1200 / 10, "one example of each shape is read exactly"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n", "\r\n"),
        ("Invoice", "Invoice\r\n"),
        ("Invoice", "In&amp;voice &lt;"),
        ("Invoice", "In&#228;voice"),
        ("<Ustrd>Invoice", "<Ustrd> Invoice"),
        ("<Ustrd>", "<Ustrd>" + "x" * 200),
        ("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>"),
        ("<Sts><Cd>BOOK</Cd></Sts>", "<Sts> <Cd>PDNG</Cd> </Sts>"),
        ("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>x<Cd>BOOK</Cd></Sts>"),
        ("<Sts><Cd>BOOK</Cd></Sts>", ""),
        ("<EndToEndId>E2E", "<EndToEndId>NOTPROVIDED</EndToEndId><TxId>E2E"),
        ("</EndToEndId></Refs>", "</EndToEndId></Refs><!-- a comment -->"),
        ("Account fee", "<![CDATA[Account <fee>]]>"),
        ("<Nm>Northwind Example AG</Nm>", "<Nm/>"),
        ("<Nm>Northwind Example AG</Nm>", "<Nm></Nm>"),
        ("<RmtInf>", "<RmtInf><Strd><CdtrRefInf><Ref>RF1</Ref></CdtrRefInf><AddtlRmtInf>a</AddtlRmtInf></Strd><Strd><CdtrRefInf><Ref>RF2</Ref></CdtrRefInf></Strd>"),
        ("<RltdPties>", '<Chrgs><Rcrd><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs><RltdPties>'),
        ('<TxAmt><Amt Ccy="EUR">', '<InstdAmt><Amt Ccy="USD">7.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">'),
        ("<CdtDbtInd>DBIT</CdtDbtInd><Sts>", "<CdtDbtInd>DEBIT</CdtDbtInd><Sts>"),
        ("<NtryRef>7<", "<NtryRef/><NtryRef>7<"),
        ("<NtryDtls>", "<NtryDtls><TxDtls/></NtryDtls><NtryDtls>"),
        ("<Ntry>", '<Ntry xmlns="urn:other">'),
        ("</Ntry>", "</Ntry>&#65;"),
        ("<BkToCstmrStmt>", "<BkToCstmrStmt><Ntry/>"),
        ("</Stmt>", "<Ntry></Ntry></Stmt>"),
        ("</Stmt>", "<Bal/></Stmt>"),
        ("</Document>", ""),
        ("</Ntry>", "</Ntri>"),
        ("Muster", "Mu\x01ster"),
        ("2026-11-20</Dt></ValDt>", "2026-13-20</Dt></ValDt>"),
        ("FR1420041010050500013M02606", "fr14 2004"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("count", [1, -1])
def test_whatever_a_file_holds_is_read_alike(statement, before, after, count):
    assert before in statement
    alike(statement.replace(before, after, count))


def test_prefixes_pages_and_other_messages(statement):
    prefixed = statement.replace("<", "<s:").replace("<s:/", "</s:").replace("<s:?", "<?").replace("xmlns=", "xmlns:s=")
    assert alike(prefixed).statements["entries"].to_list() == [120]
    both = statement.replace(
        "</Stmt>",
        "</Stmt>"
        + statement[statement.index("<Stmt>") : statement.index("</Stmt>")].replace("2026-224", "2026-225")
        + "</Stmt>",
    )
    assert alike(both).statements["entries"].to_list() == [120, 120]
    for name, root, element, of in (
        ("camt.052", "BkToCstmrAcctRpt", "Rpt", CAMT052),
        ("camt.054", "BkToCstmrDbtCdtNtfctn", "Ntfctn", CAMT054),
    ):
        other = statement.replace("camt.053", name).replace("BkToCstmrStmt", root).replace("Stmt>", f"{element}>")
        assert not alike(other, of).entries["booked"].any()
    assert alike(statement.replace("UTF-8", "UTF-16").encode("utf-16")).statements["entries"].to_list() == [120]


def test_slices_are_read_as_one(statement, monkeypatch):
    monkeypatch.setattr("parsers._feedback_fast._SLICE_BYTES", 20_000)
    assert alike(statement).findings.is_empty()


@pytest.mark.parametrize(("name", "of"), [("camt.052", CAMT052), ("camt.053", CAMT053), ("camt.054", CAMT054)])
def test_the_corpus_is_read_alike(corpus, name, of):
    for file in corpus(name):
        alike(file.path.read_bytes(), of)


@given(data=st.data())
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_bytes_are_read_alike(statement, data):
    mutated = bytearray(statement.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    alike(bytes(mutated))
