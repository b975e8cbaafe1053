"""Excerpts of ISO payment files: the kept payments as they were, totals that fit, schema kept, any encoding."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso_cases import PAIN001, PAIN008, PATIENT, SHAPES, Shape, document, read, source, ties, whole
from lxml import etree
from polars.testing import assert_frame_equal

from parsers._iso_format import IsoFormat

GOLDEN = Path(__file__).parent / "golden"
FILES = [(PAIN001, path) for path in sorted((GOLDEN / "pain001").glob("*.xml"))]
FILES += [(PAIN008, path) for path in sorted((GOLDEN / "pain008").glob("*.xml"))]
KEPT = ("row", "offset", "length", "batch", "batch_offset", "batch_length", "credit_debit", "amount_minor", "currency")
PLACES = ["payment_id", "row", "line", "offset", "length", "batch", "batch_line", "batch_offset", "batch_length"]


def excerpt(data: bytes, form: IsoFormat, rows: list[int]) -> tuple[bytes, pl.DataFrame]:
    """The excerpt of these rows, and the rows themselves."""
    payments = whole(read(data, form))["payments"].filter(pl.col("row").is_in(rows))
    return form.excerpt(source(data), payments.select(KEPT), form.options()), payments


def check(data: bytes, form: IsoFormat, rows: list[int]) -> bytes:
    found, payments = excerpt(data, form, rows)
    again = whole(read(found, form))
    assert "fatal" not in again["findings"]["severity"]
    assert_frame_equal(again["payments"].drop(PLACES), payments.drop(PLACES))
    assert again["payments"]["row"].to_list() == list(range(1, len(rows) + 1))
    assert again["payments"]["batch"].to_list() == payments["batch"].rank("dense").to_list()
    for row, old in zip(again["payments"].iter_rows(named=True), payments.iter_rows(named=True), strict=True):
        new_bytes = found[row["offset"] : row["offset"] + row["length"]]
        assert new_bytes == data[old["offset"] : old["offset"] + old["length"]]
    if not payments["amount_minor"].null_count():
        assert ties(again)
    return found


@pytest.mark.parametrize(("form", "path"), FILES, ids=lambda item: getattr(item, "stem", getattr(item, "name", "")))
def test_excerpts_of_golden_files(form: IsoFormat, path: Path) -> None:
    data = path.read_bytes()
    count = whole(read(data, form))["payments"].height
    for row in range(1, count + 1):
        check(data, form, [row])
    found = check(data, form, list(range(1, count + 1)))
    old, new = read(data, form)[0].header, read(found, form)[0].header
    assert old is not None
    assert new is not None
    assert new.message_id == f"{(old.message_id or '')[:33]}-R"
    assert (new.version, new.created, new.initiating_party) == (old.version, old.created, old.initiating_party)


def test_golden_excerpt_is_readable() -> None:
    data = (GOLDEN / "pain008" / "mandates.xml").read_bytes()
    found, _ = excerpt(data, PAIN008, [2, 4])
    expected = GOLDEN / "iso_excerpt" / "mandates_2_4.xml"
    assert found.decode() == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "iso-8859-1"])
def test_encodings_stay(codec: str) -> None:
    declared = {"utf-16": "UTF-16", "utf-8-sig": "UTF-8", "iso-8859-1": "ISO-8859-1"}[codec]
    text = (GOLDEN / "pain001" / "parties.xml").read_text(encoding="utf-8")
    data = text.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(codec)
    found = check(data, PAIN001, [1, 3])
    assert f'encoding="{declared}"' in found.decode(codec)
    assert "Söhne" in found.decode(codec)


def test_envelope_and_prefixes_are_closed() -> None:
    inner = (GOLDEN / "pain008" / "mandates.xml").read_text(encoding="utf-8").partition("?>")[2]
    inner = inner.replace("<", "<p:").replace("<p:/", "</p:").replace("xmlns=", "xmlns:p=")
    data = f'<e:Env xmlns:e="urn:e"><e:GrpHdr><e:MsgId>other</e:MsgId></e:GrpHdr>{inner}</e:Env>'.encode()
    found = check(data, PAIN008, [3])
    assert found.rstrip().endswith(b"</e:Env>")
    assert b"<e:MsgId>other</e:MsgId>" in found
    assert b"<p:MsgId>VEREIN-2026-11-R</p:MsgId>" in found


def test_long_message_id_and_odd_amounts() -> None:
    data = (GOLDEN / "pain001" / "parties.xml").read_bytes().replace(b"MUSTERWERK-2026-11-20-P", b"M" * 34 + b"&amp;")
    data = data.replace(b">0.10<", b">0,10<")
    found = check(data, PAIN001, [2, 3])
    assert f"<MsgId>{'M' * 33}-R</MsgId>".encode() in found
    assert b"CtrlSum" not in found, "a sum over an amount that is still to be mended"
    assert b"<CtrlSum>200.00</CtrlSum>" in check(data, PAIN001, [2])


def test_truncated_file_gives_what_it_holds() -> None:
    data = (GOLDEN / "pain001" / "parties.xml").read_bytes()
    check(data[: data.index(b">E-3<")], PAIN001, [2])


def inner(data: bytes) -> etree._Element:
    """The Document, in its envelope or not."""
    return next(etree.fromstring(data).iter("{*}Document"))


@pytest.mark.parametrize("name", ["pain.001", "pain.008"])
def test_excerpts_of_the_corpus_keep_their_schema(name: str, corpus, xsd) -> None:
    form = {"pain.001": PAIN001, "pain.008": PAIN008}[name]
    served = 0
    for file in corpus(name):
        data = file.path.read_bytes()
        if file.validity != "valid":
            continue
        served += 1
        rows = whole(read(data, form))["payments"]["row"].to_list()
        found = check(data, form, rows[len(rows) // 2 :])
        schema = xsd(file.version)
        if schema.validate(inner(data)):
            schema.assertValid(inner(found))
    assert served >= 15


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("plain", [True, False])
def test_any_excerpt_reads_as_the_same_payments(shape: Shape, plain: bool) -> None:
    @PATIENT
    @given(document(shape, plain=plain), st.data())
    def holds(data: bytes, draw: st.DataObject) -> None:
        rows = whole(read(data, shape.form))["payments"]["row"].to_list()
        if rows:
            check(data, shape.form, sorted(draw.draw(st.sets(st.sampled_from(rows), min_size=1))))

    holds()


def test_blanks_between_payments_are_the_clients() -> None:
    data = (GOLDEN / "pain008" / "mandates.xml").read_bytes()
    found, _ = excerpt(data, PAIN008, [1, 2, 3, 4])
    assert re.search(rb"</DrctDbtTxInf>\n      <DrctDbtTxInf>", found)
    assert re.search(rb"</DrctDbtTxInf>\n    </PmtInf>\n    <PmtInf>", found)
