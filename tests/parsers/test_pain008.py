"""pain.008: golden files, every version, envelopes and encodings, faults; and that the readers say the same."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso_cases import DEBIT, FRAMES, PAIN008, PATIENT, document, read, same, source, spans, ties, whole
from lxml import etree
from polars.testing import assert_frame_equal

from canonical.contracts import Window
from canonical.limits import WINDOW_BYTES
from parsers._iso_fast import fast_reads, windows
from parsers._iso_faults import Doubt, Unreadable
from parsers._iso_windows import exact_windows
from parsers.pain001 import FORMAT as PAIN001

GOLDEN = Path(__file__).parent / "golden" / "pain008"
GOLDEN_FILES = sorted(GOLDEN.glob("*.xml"))
BIG = (GOLDEN / "mandates.xml").read_bytes()
MESSAGE = PAIN008.message
PLACES = ["payment_id", "line", "offset", "length", "batch_line", "batch_offset", "batch_length"]
PAYMENT = (
    "<DrctDbtTxInf><PmtId><EndToEndId>E</EndToEndId></PmtId>"
    '<InstdAmt Ccy="EUR">1.50</InstdAmt><Dbtr><Nm>N</Nm></Dbtr></DrctDbtTxInf>'
)


def debits(data: bytes) -> list[Window]:
    return read(data, PAIN008)


# ------------------------------------------------------------------------------------------------ golden


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = whole(debits(path.read_bytes()))
    for name in FRAMES:
        rows = json.loads(found[name].write_json())
        assert [{key: value for key, value in row.items() if value is not None} for row in rows] == expected[name]


def test_golden_files_keep_their_schema(xsd) -> None:
    assert GOLDEN_FILES
    # Blanks in an IBAN are the fault that the file is for.
    plain = BIG.replace(b"DE89 3704 0044 0532 0130 00", b"DE89370400440532013000")
    xsd("pain.008.001.08").assertValid(etree.fromstring(plain))


def test_the_client_is_the_creditor() -> None:
    payments = whole(debits(BIG))["payments"]
    assert set(payments["credit_debit"]) == {"DBIT"}
    assert set(payments["creditor_account"]) == {"DE89370400440532013000"}
    assert payments["creditor_scheme_id"].to_list() == ["DE98ZZZ09999999999"] * 2 + ["DE51ZZZ12345678901", None]
    assert payments["sequence_type"].to_list() == ["RCUR", "RCUR", "OOFF", None]
    assert payments["mandate_amended"].to_list() == [None, True, False, None]
    spans(BIG, payments, PAIN008)


def test_sniff_and_complete() -> None:
    for data in (BIG, BIG.decode().encode("utf-16")):
        assert PAIN008.sniff(data[:4096])
        assert not PAIN001.sniff(data[:4096])
        assert PAIN008.complete(data[-4096:])
        assert not PAIN008.complete(data[:-30])
    assert not PAIN008.sniff((GOLDEN.parent / "pain001" / "two_batches.xml").read_bytes())


def test_every_captured_path_stands_in_a_schema(xsd) -> None:
    names = {"{http://www.w3.org/2001/XMLSchema}element"}
    for form, versions in ((PAIN008, ("02", "03", "08", "11")), (PAIN001, ("02", "03", "09", "13"))):
        steps = set()
        for version in versions:
            xsd(f"{form.name}.001.{version}")
            file = Path(__file__).resolve().parents[3] / "shared" / "xsd" / f"{form.name}.001.{version}.xsd"
            steps |= {element.get("name") for element in etree.parse(file).iter(*names)}
        paths = (*form.message.payment_paths, *form.message.batch_paths)
        told = {step for path in paths for step in path.split("/") if not step.startswith("@")}
        old = {
            "PrtryId",
            "CmbndId",
            "UPIC",
            "PrtryAcct",
            "BBAN",
            "CdtrRef",
            "CdtrRefTp",
            "BIC",
        }  # not in pain.008.001.02
        assert told - steps <= (old if form is PAIN008 else set())


# ------------------------------------------------------------------------------------------------ corpus


def test_corpus(corpus) -> None:
    files = corpus("pain.008")
    assert len(files) == 15
    for file in files:
        data = file.path.read_bytes()
        parts = debits(data)
        frames = whole(parts)
        assert file.validity == "valid"
        assert frames["findings"].is_empty(), file.key
        assert frames["payments"].height == file.transactions, file.key
        assert frames["totals"].height, file.key
        assert ties(frames), file.key
        spans(data, frames["payments"], PAIN008)
        for name in ("mandate_id", "mandate_date", "creditor_scheme_id", "debtor_account", "creditor_account"):
            assert not frames["payments"][name].null_count(), (file.key, name)
        assert parts[0].header is not None
        assert parts[0].header.version == file.version, file.key
        same(parts, list(exact_windows(source(data), MESSAGE, WINDOW_BYTES)))


# ------------------------------------------------------------------------------------------------ encodings and shapes


@pytest.mark.parametrize(
    ("codec", "declared"),
    [("utf-16", "UTF-16"), ("iso-8859-1", "ISO-8859-1"), ("utf-8-sig", "UTF-8"), ("utf-8", "")],
)
def test_encodings(codec: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    data = BIG.decode().replace('<?xml version="1.0" encoding="UTF-8"?>', declaration).encode(codec)
    frames, plain = whole(debits(data)), whole(debits(BIG))
    assert_frame_equal(frames["payments"].drop(PLACES), plain["payments"].drop(PLACES))
    assert_frame_equal(frames["totals"], plain["totals"])


def test_envelope_and_prefix() -> None:
    inner = BIG.partition(b"?>")[2].decode().replace("<", "<p:").replace("<p:/", "</p:").replace("xmlns=", "xmlns:p=")
    head = '<h:AppHdr xmlns:h="urn:h"><h:BizMsgIdr>X</h:BizMsgIdr><h:MsgDefIdr>pain.008.001.08</h:MsgDefIdr></h:AppHdr>'
    frames, plain = whole(debits(f"<BizMsgEnvlp>{head}{inner}</BizMsgEnvlp>".encode())), whole(debits(BIG))
    assert frames["findings"].is_empty()
    assert_frame_equal(frames["payments"].drop(PLACES), plain["payments"].drop(PLACES))


@pytest.mark.parametrize(
    "payments",
    [PAYMENT.replace(">E<", "><![CDATA[E]]><"), PAYMENT.replace(">E<", ">E<!-- <DrctDbtTxInf> --><"),
     f"<!-- {PAYMENT} -->{PAYMENT}", PAYMENT.replace(">E<", ">&#69;<")],
)  # fmt: skip
def test_odd_markup_says_the_same(payments: str) -> None:
    frames = whole(debits(DEBIT.message(payments)))
    assert frames["payments"].select("end_to_end_id", "amount_minor").rows() == [("E", 150)]
    assert frames["findings"].is_empty()


# ------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("data", "rule", "severity"),
    [
        (BIG[:1500], "xml-truncated", "fatal"),
        (DEBIT.message(PAYMENT).replace(b"pain.008.001.08", b"pain.001.001.09"), "iso-message", "fatal"),
        (DEBIT.message(PAYMENT).replace(b"CstmrDrctDbtInitn", b"CstmrCdtTrfInitn"), "iso-message", "fatal"),
        (DEBIT.message(""), "iso-empty-batch", "error"),
        (DEBIT.message(f"<X>{PAYMENT}</X>{PAYMENT}"), "iso-misplaced-payment", "error"),
        (DEBIT.message(PAYMENT + "<ChrgBr>SLEV</ChrgBr>"), "iso-order", "error"),
        (DEBIT.message(PAYMENT.replace("</Nm>", "</Nm><Nm>O</Nm>")), "iso-repeated", "error"),
    ],
)
def test_faults(data: bytes, rule: str, severity: str) -> None:
    found = whole(debits(data))["findings"].filter(pl.col("rule") == rule)
    assert set(found["severity"]) == {severity}
    assert not found["message"].str.contains("CdtTrf|pain.001").any() or rule == "iso-message"


# ------------------------------------------------------------------------------------------------ the readers


@pytest.mark.parametrize("plain", [True, False])
def test_the_readers_agree(plain: bool) -> None:
    served = 0

    @PATIENT
    @given(document(DEBIT, plain=plain), st.integers(600, 3000))
    def agree(data: bytes, window_bytes: int) -> None:
        nonlocal served
        expected = list(exact_windows(source(data), MESSAGE, WINDOW_BYTES))
        same(list(windows(source(data), MESSAGE, window_bytes)), expected)
        try:
            alone = [read.window for read in fast_reads(source(data), MESSAGE, window_bytes)]
        except (Doubt, Unreadable):
            return
        served += 1
        same(alone, expected)

    agree()
    assert not plain or served >= 10, "the fast reader hardly served, so hardly anything was compared"


def test_fast_reader_serves_plain_files() -> None:
    for window_bytes in (2400, WINDOW_BYTES):
        alone = [read.window for read in fast_reads(source(BIG), MESSAGE, window_bytes)]
        same(alone, list(exact_windows(source(BIG), MESSAGE, WINDOW_BYTES)))
