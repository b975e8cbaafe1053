"""Conformance with the schema: the faults that libxml2 finds in the whole file, with row, line, element and plain words."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iso_cases import PAIN001, PAIN008, source, whole
from lxml import etree
from property_examples import examples

from benchmarks import make_pain001
from canonical.contracts import Window
from parsers import _iso_xsd
from parsers._iso_format import IsoFormat, Options

SHARED = Path(__file__).resolve().parents[3] / "shared"

GOLDEN = Path(__file__).parent / "golden"
PARTIES = (GOLDEN / "pain001" / "parties.xml").read_bytes()
MANDATES = (
    (GOLDEN / "pain008" / "mandates.xml")
    .read_bytes()
    .replace(b"DE89 3704 0044 0532 0130 00", b"DE89370400440532013000")
)
FOLDER = str(SHARED / "xsd")

pytestmark = pytest.mark.skipif(not Path(FOLDER).is_dir(), reason="the ISO 20022 schemas are not beside this project")


def checked(data: bytes, form: IsoFormat = PAIN001, **options: str) -> list[Window]:
    return list(form.windows(source(data), Options(**{"xsd": "reject", "schemas": FOLDER, **options})))


def faults(data: bytes, form: IsoFormat = PAIN001, **options: str) -> pl.DataFrame:
    return whole(checked(data, form, **options))["findings"].filter(pl.col("rule") == "xsd")


def expected(data: bytes, version: str) -> list[int]:
    """Lines of the faults that libxml2 finds in the whole tree."""
    schema = etree.XMLSchema(etree.parse(f"{FOLDER}/{version}.xsd"))
    schema.validate(next(etree.fromstring(data).iter("{*}Document")))
    return sorted(entry.line for entry in schema.error_log)


def test_sound_files_have_none() -> None:
    assert faults(PARTIES).is_empty()
    assert faults(MANDATES, PAIN008).is_empty()


@pytest.mark.parametrize(
    ("old", "new", "row", "field", "value", "reason", "words"),
    [
        ("<Ctry>CH</Ctry>", "<Ctry>Schweiz</Ctry>", 2, "Cdtr/PstlAdr/Ctry", "Schweiz", "CH16", "required form [A-Z]{2,2}."),
        ('<InstdAmt Ccy="CHF">', "<InstdAmt>", 2, "Amt/InstdAmt", "200", "CH21", "lacks its attribute Ccy"),
        (">0.10<", ">0,10<", 3, "Amt/InstdAmt", "0,10", "CH16", "not of its type"),
        (">E-3<", f">{'E' * 36}<", 3, "PmtId/EndToEndId", "E" * 36, "CH16", "has 36 characters; at most 35"),
        ("<PmtId><EndToEndId>E-1</EndToEndId></PmtId>", "", 1, "PmtTpInf", None, "FF01", "expected is PmtId"),
        ("<Nm>Probe AG</Nm>", f"<Nm>{'Probe ' * 30}</Nm>", 2, "Cdtr/Nm", "Prob…robe", "CH16", "at most 140"),
        ("<PmtMtd>TRF</PmtMtd>\n      <BtchBookg>1", "<PmtMtd>CASH</PmtMtd>\n      <BtchBookg>1", None, "PmtInf/PmtMtd", "CASH",
         "CH16", "none of the allowed values"),
        ("<PmtInfId>B-2</PmtInfId>", "", None, "PmtInf/PmtMtd", "TRF", "FF01", "expected is PmtInfId"),
        ("<MsgId>MUSTERWERK-2026-11-20-P</MsgId>", "", None, "GrpHdr/CreDtTm", "2026-11-20T09:30:00", "FF01", "expected is MsgId"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_stands(old, new, row, field, value, reason, words) -> None:
    data = PARTIES.replace(old.encode(), new.encode(), 1)
    assert data != PARTIES
    found = faults(data)
    assert found["line"].to_list() == expected(data, "pain.001.001.09")
    fault = found.row(0, named=True)
    assert (fault["row"], fault["field"], fault["value"], fault["reason"]) == (row, field, value, reason)
    assert words in fault["message"]
    assert "{urn" not in fault["message"]
    assert fault["severity"] == "error"
    level = "payment" if row else "batch" if field.startswith("PmtInf") else "file"
    assert fault["level"] == level
    if level == "batch":
        assert fault["batch"] == 2


def test_warn_only_tells() -> None:
    data = PARTIES.replace(b">0.10<", b">0,10<")
    assert faults(data, xsd="warn")["severity"].to_list() == ["warning"]
    assert faults(data, xsd="off").is_empty()


def test_where_no_schema_is_at_hand_one_finding_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(_iso_xsd.FOLDER_VARIABLE, raising=False)
    for found in (faults(PARTIES, schemas=str(tmp_path)), _without_folder(PARTIES)):
        assert found.select("severity", "level").rows() == [("warning", "file")]
        assert "not compared with its schema" in found["message"][0]
    monkeypatch.setenv(_iso_xsd.FOLDER_VARIABLE, FOLDER)
    assert _without_folder(PARTIES).is_empty()


def _without_folder(data: bytes) -> pl.DataFrame:
    parts = list(PAIN001.windows(source(data), Options(xsd="reject")))
    return whole(parts)["findings"].filter(pl.col("rule") == "xsd")


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "iso-8859-1"])
def test_any_encoding(codec: str) -> None:
    declared = {"utf-16": "UTF-16", "utf-8-sig": "UTF-8", "iso-8859-1": "ISO-8859-1"}[codec]
    text = PARTIES.decode().replace('encoding="UTF-8"', f'encoding="{declared}"')
    assert faults(text.encode(codec)).is_empty()
    assert faults(text.replace(">0.10<", ">0,10<").encode(codec))["row"].to_list() == [3]


def test_an_envelope_is_left_aside() -> None:
    inner = MANDATES.partition(b"?>")[2].decode().replace("<", "<p:").replace("<p:/", "</p:")
    inner = inner.replace(' xmlns="urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"', "")
    outer = '<e:Env xmlns:e="urn:e" xmlns:p="urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"><e:Head/>\n'
    data = f"{outer}{inner}<e:Foot/></e:Env>"
    assert faults(data.encode(), PAIN008).is_empty()
    bad = data.replace("<p:Ctry>AT<", "<p:Ctry>at<")
    found = faults(bad.encode(), PAIN008)
    assert found.select("row", "line").rows() == [(1, bad[: bad.index(">at<")].count("\n") + 1)]


def test_faults_in_the_corpus_are_those_of_the_whole_tree(corpus) -> None:
    seen = 0
    for form in (PAIN001, PAIN008):
        for file in corpus(form.name):
            data = file.path.read_bytes()
            if not Path(f"{FOLDER}/{file.version}.xsd").is_file():
                continue
            parts = checked(data, form)
            findings = whole(parts)["findings"]
            if "fatal" in findings["severity"] or not whole(parts)["payments"].height:
                continue
            found = findings.filter(pl.col("rule") == "xsd")
            assert sorted(found["line"].to_list()) == expected(data, file.version), file.key
            seen += found.height
    assert seen


@pytest.mark.parametrize("piece_bytes", [1, 700, 2**15])
@pytest.mark.parametrize("window_bytes", [1100, 2**20])
def test_any_cut_finds_the_same(monkeypatch, piece_bytes: int, window_bytes: int) -> None:
    monkeypatch.setattr(_iso_xsd, "_PIECE_BYTES", piece_bytes)
    places = [
        MANDATES.index(tag)
        for tag in (b"<Nm>Ada", b"<ReqdColltnDt>2026-12-02", b"<DbtrAcct>", b"<MsgId>", b"</PmtInf>")
    ]

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sets(st.sampled_from([*places, *range(len(MANDATES))]), min_size=1, max_size=4),
        st.sampled_from(["Ctry", "X", "Nm"]),
    )
    def holds(spots: set[int], name: str) -> None:
        data = MANDATES
        for spot in sorted(spots, reverse=True):
            at = data.find(b"\n", spot)
            data = data[: at + 1] + f"<{name}>?</{name}>\n".encode() + data[at + 1 :]
        try:
            lines = expected(data, "pain.008.001.08")
        except (etree.XMLSyntaxError, StopIteration):
            return
        message, severity = PAIN008.message, _iso_xsd.Severity.ERROR
        found = list(_iso_xsd.validated(source(data), message, window_bytes, FOLDER, severity))
        frames = whole(found)
        if "fatal" in frames["findings"]["severity"]:
            return
        xsd = frames["findings"].filter(pl.col("rule") == "xsd")
        # Behind a first fault in an element libxml2 leaves its other children alone; a cut makes it look again.
        assert set(lines) <= set(xsd["line"].to_list())
        assert xsd.height >= len(lines)

    holds()


def test_too_many_faults_refuse_the_file(monkeypatch) -> None:
    monkeypatch.setattr(_iso_xsd, "XSD_FINDINGS_MAX", 2)
    data = MANDATES.replace(b'<InstdAmt Ccy="EUR">', b'<InstdAmt Ccy="Euro">')
    found = faults(data, PAIN008)
    assert found["level"].to_list().count("payment") == 2
    last = found.filter(pl.col("level") == "file")
    assert last["severity"].to_list() == ["error"]
    assert "more than 2 faults" in last["message"][0]


_CHANGES: dict[str, tuple[bytes, bytes]] = {
    "lower case": (rb"<IBAN>DE", b"<IBAN>de"),
    "a blank in an account": (rb"<IBAN>(....)", rb"<IBAN>\1 "),
    "not a UUID": (rb"<UETR>....", b"<UETR>XXXX"),
    "a comma": (rb"\.(\d\d)</InstdAmt>", rb",\1</InstdAmt>"),
    "six decimals": (rb"\.(\d\d)</InstdAmt>", rb".\g<1>0001</InstdAmt>"),
    "a sign": (rb'Ccy="EUR">', b'Ccy="EUR">+'),
    "much money": (rb'Ccy="EUR">', b'Ccy="EUR">12345678901234'),
    "another currency": (rb'Ccy="EUR"', b'Ccy="EURO"'),
    "long": (rb"<EndToEndId>", b"<EndToEndId>" + b"E" * 30),
    "umlauts, long in bytes alone": (rb"<EndToEndId>[^<]*", b"<EndToEndId>" + "\u00e4".encode() * 35),
    "references, long in bytes alone": (rb"<EndToEndId>[^<]*", b"<EndToEndId>" + b"&amp;" * 35),
    "a numbered reference": (rb"<Ctry>DE", b"<Ctry>&#68;E"),
    "a reference in a code": (rb"<Ctry>..", b"<Ctry>&lt;&gt;"),
    "empty": (rb"<Ctry>..</Ctry>", b"<Ctry></Ctry>"),
    "an empty tag": (rb"<Ctry>..</Ctry>", b"<Ctry/>"),
    "text beside elements": (rb"<Cdtr>", b"<Cdtr>x"),
    "text of the same size beside elements": (rb"<Cdtr>(\s)\s", rb"<Cdtr>\1."),
    "tabs between": (rb"<Cdtr>\s*", b"<Cdtr>\t"),
    "a comment": (rb"<Cdtr>", b"<Cdtr><!-- x -->"),
    "a comment behind": (rb"</CdtTrfTxInf>", b"</CdtTrfTxInf><!-- x -->"),
    "an element too many": (rb"<Cdtr>", b"<Cdtr><Nm>x</Nm>"),
    "an element too few": (rb"<EndToEndId>[^<]*</EndToEndId>", b""),
    "another order": (rb"(<TwnNm>[^<]*</TwnNm>)\s*(<Ctry>..</Ctry>)", rb"\2\1"),
    "another namespace": (rb"<Cdtr>", b'<Cdtr xmlns="urn:x">'),
    "a type of its own": (rb"<Ctry>", b'<Ctry xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">'),
    "supplementary data": (rb"</CdtTrfTxInf>", b"<SplmtryData><Envlp><A>1</A></Envlp></SplmtryData></CdtTrfTxInf>"),
    "CDATA": (rb"<Ctry>..", b"<Ctry><![CDATA[DE]]>"),
}


@cache
def written() -> bytes:
    """Sixty sound payments of a few shapes."""
    with tempfile.TemporaryDirectory() as folder:
        make_pain001.write(path := Path(folder) / "file.xml", 60, 3)
        return path.read_bytes()


def changed(payment: int, old: bytes, new: bytes, data: bytes) -> bytes:
    """Payment and what follows it with the first hit replaced."""
    parts = data.split(b"<CdtTrfTxInf>")
    head, behind, tail = (b"<CdtTrfTxInf>" + parts[payment]).partition(b"</CdtTrfTxInf>")
    parts[payment] = (re.sub(old, new, head + behind, count=1) + tail).removeprefix(b"<CdtTrfTxInf>")
    return b"<CdtTrfTxInf>".join(parts)


def held(data: bytes, window_bytes: int = 2**20) -> pl.DataFrame:
    severity = _iso_xsd.Severity.ERROR
    found = list(_iso_xsd.validated(source(data), PAIN001.message, window_bytes, FOLDER, severity))
    return whole(found)["findings"]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.tuples(st.sampled_from(sorted(_CHANGES)), st.integers(1, 60)), min_size=1, max_size=4),
    window_bytes=st.sampled_from([9_000, 2**20]), prefixed=st.booleans(),
)  # fmt: skip
def test_what_is_sure_without_libxml2_is_what_it_takes(changes, window_bytes: int, prefixed: bool) -> None:
    data = written()
    for name, payment in changes:
        data = changed(payment, *_CHANGES[name], data)
    if prefixed:
        data = re.sub(rb"<(/?)(?=[A-Z])(?!!)", rb"<\1p:", data).replace(b'xmlns="urn:iso', b'xmlns:p="urn:iso')
    found = held(data, window_bytes)
    if "fatal" not in found["severity"]:
        lines = found.filter(pl.col("rule") == "xsd")["line"]
        assert sorted(lines) == expected(data, "pain.001.001.09")


@pytest.mark.parametrize("between", [b"?", b"<Nm>x</Nm>", b"\n      <Nm>x</Nm>"])
def test_what_stands_between_payments_is_told_beside_them(between: bytes) -> None:
    data = changed(40, rb"</CdtTrfTxInf>", b"</CdtTrfTxInf>" + between, written())
    (line,) = held(data).filter(pl.col("rule") == "xsd")["line"]
    payments = [data[: found.start()].count(b"\n") + 1 for found in re.finditer(rb"<CdtTrfTxInf>", data)]
    assert payments[39] <= line <= payments[40]


def test_of_a_sound_file_libxml2_looks_at_few_payments(monkeypatch) -> None:
    looked: list[Any] = []
    cuts = _iso_xsd._Job._cuts
    monkeypatch.setattr(_iso_xsd._Job, "_cuts", lambda *given: looked.extend(found := list(cuts(*given))) or found)
    assert held(written()).is_empty()
    assert sum(cut.until - cut.first for cut in looked) < 20
    assert looked[0].first == 0


def test_payments_of_another_namespace_than_the_schema_s() -> None:
    data = written().replace(b"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", b"urn:other:pain.001.001.09")
    assert held(data)["line"].to_list() == expected(data, "pain.001.001.09") != []
    data = re.sub(rb"<(/?)CdtTrfTxInf>", rb"<\1p:CdtTrfTxInf>", written()).replace(
        b"<PmtInf>", b'<PmtInf xmlns:p="urn:x">'
    )
    assert held(data)["line"].to_list() == expected(data, "pain.001.001.09") != []
