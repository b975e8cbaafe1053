"""pain.001: golden files, every version, odd encodings and shapes, faults; and that both readers say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso_cases import CREDIT, FRAMES, PATIENT, document, read, same, source, spans, ties, whole
from lxml import etree
from polars.testing import assert_frame_equal

from canonical.limits import WINDOW_BYTES, XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers._iso_fast import fast_reads, windows
from parsers._iso_faults import Doubt, Unreadable
from parsers._iso_frames import declared_number, execution_date
from parsers._iso_pain001 import PAIN001
from parsers._iso_windows import exact_windows
from parsers.pain001 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "pain001"
GOLDEN_FILES = sorted(GOLDEN.glob("*.xml"))
message = CREDIT.message
BIG = (GOLDEN / "two_batches.xml").read_bytes()


def rules(data: bytes) -> list[tuple[str, str, int | None]]:
    return list(whole(read(data))["findings"].select("rule", "severity", "line").iter_rows())


PAYMENT = (
    '<CdtTrfTxInf><PmtId><EndToEndId>E</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">1.50</InstdAmt></Amt></CdtTrfTxInf>'
)

# ------------------------------------------------------------------------------------------------ golden


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = whole(read(path.read_bytes()))
    for name in FRAMES:
        rows = json.loads(found[name].write_json())
        assert [{key: value for key, value in row.items() if value is not None} for row in rows] == expected[name]


def test_golden_header() -> None:
    assert GOLDEN_FILES
    header = read(BIG)[0].header
    assert header is not None
    assert (header.format, header.version, header.message_id) == (
        "pain.001",
        "pain.001.001.09",
        "MUSTERWERK-2026-11-20",
    )
    assert (header.created, header.initiating_party) == ("2026-11-20T09:30:00", "Musterwerk Beispiel GmbH")


def test_golden_files_keep_their_schema(xsd) -> None:
    # Blanks in an IBAN and a count in words are the faults that the file is for.
    plain = BIG.replace(b"<NbOfTxs>one<", b"<NbOfTxs>1<").replace(
        b"DE89 3704 0044 0532 0130 00", b"DE89370400440532013000"
    )
    xsd("pain.001.001.09").assertValid(etree.fromstring(plain))


def test_sniff_and_complete() -> None:
    for data in (BIG, BIG.decode().encode("utf-16"), (GOLDEN / "old_equivalent.xml").read_bytes()):
        assert FORMAT.sniff(data[:4096])
        assert FORMAT.complete(data[-4096:])
        assert not FORMAT.complete(data[:-30])
    answer = (
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>'
    )
    assert not FORMAT.sniff(answer)
    assert not FORMAT.sniff(b"")
    assert FORMAT.complete(b"</Document></Envelope>\n<!-- end -->\n")
    assert not FORMAT.complete(b"</Document><More>")


# ------------------------------------------------------------------------------------------------ corpus


def test_corpus(corpus) -> None:
    files = corpus("pain.001")
    assert len(files) > 30
    unnamed = []
    for file in files:
        data = file.path.read_bytes()
        parts = read(data)
        frames = whole(parts)
        fatal = frames["findings"].filter(pl.col("severity") == "fatal").height
        if not fatal:
            assert frames["payments"].height == file.transactions, file.key
            spans(data, frames["payments"])
        if file.validity == "valid":
            assert frames["findings"].is_empty(), file.key
            assert ties(frames), file.key
            assert parts[0].header is not None
            assert parts[0].header.version == file.version, file.key
        elif frames["findings"].is_empty() and ties(frames) and not rule_fodder(frames):
            unnamed.append(file)
    # What is left is wrong by XSD alone, in elements that fill no canonical column.
    assert all(file.note.startswith("XSD:") for file in unnamed), [file.key for file in unnamed]
    assert len(unnamed) <= 4


def rule_fodder(frames: dict[str, pl.DataFrame]) -> bool:
    """Values kept as text that are no date or amount: the rules name them."""
    payments = frames["payments"]
    return bool(payments["requested_execution_date"].null_count() or payments["amount_minor"].null_count())


# ------------------------------------------------------------------------------------------------ encodings and shapes


@pytest.mark.parametrize(
    ("codec", "declared"),
    [("utf-16", "UTF-16"), ("utf-16-le", ""), ("iso-8859-1", "ISO-8859-1"), ("cp1252", "windows-1252"),
     ("iso-8859-15", "ISO-8859-15"), ("utf-8-sig", "UTF-8"), ("utf-8", "utf8"), ("utf-8", "")],
)  # fmt: skip
def test_encodings(codec: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = BIG.decode().replace('<?xml version="1.0" encoding="UTF-8"?>', declaration)
    data = text.encode(codec) if codec != "utf-16-le" else b"\xff\xfe" + text.encode(codec)
    frames, plain = whole(read(data)), whole(read(BIG))
    places = ["payment_id", "offset", "length", "batch_offset", "batch_length"]
    assert_frame_equal(frames["payments"].drop(places), plain["payments"].drop(places))
    assert_frame_equal(frames["totals"], plain["totals"])
    reading = "utf-16-le" if codec.startswith("utf-16") else codec.removesuffix("-sig")
    for offset, length in frames["payments"].select("offset", "length").iter_rows():
        element = data[offset : offset + length].decode(reading)
        assert element.startswith("<CdtTrfTxInf>")
        assert element.endswith("</CdtTrfTxInf>")
    for offset, length, first in frames["payments"].select("batch_offset", "batch_length", "offset").iter_rows():
        part = data[offset : offset + length].decode(reading)
        assert part.startswith("<PmtInf>")
        assert "<PmtInfId>" in part
        assert "<CdtTrfTxInf>" not in part
        assert offset + length <= first


@pytest.mark.parametrize(
    "payments",
    [
        PAYMENT.replace(">E<", "><![CDATA[E]]><"),
        PAYMENT.replace(">E<", ">E<!-- <CdtTrfTxInf> --><"),
        f"<!-- {PAYMENT} -->{PAYMENT}",
        PAYMENT.replace("<Amt>", '<Amt xmlns="urn:other">').replace("<PmtId>", "<PmtId ><?x y?>"),
        PAYMENT.replace("<CdtTrfTxInf>", '<CdtTrfTxInf x=">">').replace("</CdtTrfTxInf>", "</CdtTrfTxInf\n>"),
        PAYMENT.replace(">E<", ">\u0045<"),
        PAYMENT.replace(">E<", ">&#69;<"),
    ],
)
def test_odd_markup_says_the_same(payments: str) -> None:
    data = message(payments)
    frames = whole(read(data))
    row = frames["payments"].row(0, named=True)
    assert (row["end_to_end_id"], row["amount_minor"], frames["payments"].height) == ("E", 150, 1)
    element = data[row["offset"] : row["offset"] + row["length"]]
    assert element.startswith(b"<CdtTrfTxInf")
    assert re.search(rb"</CdtTrfTxInf\s*>\Z", element)
    assert frames["findings"].is_empty()


def test_empty_payment_element_has_its_own_span() -> None:
    data = message("<CdtTrfTxInf/>")
    row = whole(read(data))["payments"].row(0, named=True)
    assert data[row["offset"] : row["offset"] + row["length"]] == b"<CdtTrfTxInf/>"


def test_envelope() -> None:
    inner = message(PAYMENT).decode()
    frames = whole(
        read(f'<Env xmlns="urn:e"><AppHdr><MsgDefIdr>pain.001.001.09</MsgDefIdr></AppHdr>{inner}</Env>'.encode())
    )
    assert frames["payments"]["end_to_end_id"].to_list() == ["E"]
    assert frames["findings"].is_empty()


def test_version_02() -> None:
    data = (
        message(
            PAYMENT.replace("</CdtTrfTxInf>", "<CdtrAcct><Id><BBAN>12 34</BBAN></Id></CdtrAcct></CdtTrfTxInf>"),
            version="pain.001.001.02",
            batch="<PmtTpInf><CtgyPurp>SALA</CtgyPurp></PmtTpInf><ReqdExctnDt>2026-11-25</ReqdExctnDt>",
        )
        .decode()
        .replace("CstmrCdtTrfInitn", "pain.001.001.02")
    )
    row = whole(read(data.encode()))["payments"].row(0, named=True)
    assert (row["creditor_account"], row["category_purpose"]) == ("1234", "SALA")
    assert str(row["requested_execution_date"]) == "2026-11-25"


# ------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("data", "rule", "line"),
    [
        (b"", "xml-truncated", 1),
        (BIG[:1500], "xml-truncated", 33),
        (BIG.replace(b"</Amt>\n        <CdtrAgt>", b"</Ant>\n        <CdtrAgt>", 1), "xml-syntax", 29),
        (b"no xml at all", "xml-syntax", 1),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n' + message(PAYMENT), "xml-dtd", 1),
        (message(PAYMENT.replace(">E<", ">&b;<")), "xml-syntax", 1),
        (message(PAYMENT).replace(b"pain.001.001.09", b"pain.008.001.02"), "iso-message", 1),
        (message(PAYMENT).replace(b"Cstmr", b"Other"), "iso-message", 1),
        (message(PAYMENT).replace(b"Document", b"Dokument"), "iso-message", 1),
        (b"<E>" + 2 * message(PAYMENT) + b"</E>", "iso-message", 1),
        (message(f"{'<a>' * XML_DEPTH_MAX}{'</a>' * XML_DEPTH_MAX}{PAYMENT}"), "xml-limit", 1),
        (message(PAYMENT.replace("</Amt>", f"</Amt>{'<a>' * XML_DEPTH_MAX}{'</a>' * XML_DEPTH_MAX}")), "xml-limit", 1),
        (message(PAYMENT.replace(">E<", f">{'E' * (XML_TEXT_BYTES_MAX + 9)}<")), "xml-limit", 1),
        (message(PAYMENT.replace("Ccy=", f'x="{"E" * 2 * XML_TEXT_BYTES_MAX}" Ccy=')), "xml-limit", 1),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + message(PAYMENT), "xml-encoding", 1),
        (b'<?xml version="1.0" encoding="x-none"?>' + message(PAYMENT), "xml-encoding", 1),
        (b'<?xml version="1.0" encoding="shift_jis"?>' + message(PAYMENT), "xml-encoding", 1),
        (message(PAYMENT).replace(b">E<", b">\xff<"), "xml-encoding", 1),
        (message(PAYMENT).replace(b">E<", b">\x01<"), "xml-syntax", 1),
        (message(PAYMENT) + b"<more/>", "xml-syntax", 1),
    ],
)
def test_fatal(data: bytes, rule: str, line: int) -> None:
    assert (rule, "fatal", line) in rules(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'\n<?xml version="1.0"?>' + message(PAYMENT), "is not the first thing in the file"),
        (2 * message(PAYMENT), "behind the end of the message"),
        (b"<AppHdr></AppHdr>" + message(PAYMENT), "AppHdr and the Document stand side by side"),
        (message(PAYMENT) + b"\x1a", "behind the end of the message"),
        (message(PAYMENT) + b"\r\n\0\0", "behind the end of the message"),
        (b"\0" + message(PAYMENT), "a sign stands where none of its kind may"),
        (message(PAYMENT).replace(b"</PmtInf>", b"</GrpHdr>"), "closed that is not the open one"),
        (message(PAYMENT).replace(b">E<", ">Ä<".encode("latin-1")), "bytes that are not in the encoding"),
        (message(PAYMENT).replace(b">E<", b">a & b<"), "not well-formed XML"),
    ],
)
def test_what_is_no_xml_is_told_in_plain_words(data: bytes, words: str) -> None:
    (finding,) = whole(read(data))["findings"].filter(pl.col("severity") == "fatal").to_dicts()
    assert words in finding["message"]


@pytest.mark.parametrize("wrap", [lambda text: f"<![CDATA[{text}]]>", lambda text: text.replace("<", "&lt;")])
def test_a_message_that_stands_in_an_envelope_as_text_is_told_as_that(wrap) -> None:
    head = "<Header><MsgDefIdr>pain.001.001.09</MsgDefIdr></Header>"
    envelope = f"<Envelope>{head}<Body>{wrap(message(PAYMENT).decode())}</Body></Envelope>"
    (finding,) = whole(read(envelope.encode()))["findings"].to_dicts()
    assert (finding["rule"], finding["severity"]) == ("iso-message", "fatal")
    assert "as text (CDATA, or &lt; for <)" in finding["message"]
    assert "out of the text" in finding["remedy"]
    (finding,) = whole(read(f"<Envelope>{head}</Envelope>".encode()))["findings"].to_dicts()
    assert finding["message"] == "The file holds no <Document> of a pain.001 message."


def test_truncated_inside_a_payment_counts_it_and_keeps_those_before() -> None:
    cut = BIG.index(b"<EndToEndId>E-2")
    parts = read(BIG[:cut])
    assert whole(parts)["payments"]["end_to_end_id"].to_list() == ["E-1"]
    assert sum(part.unreadable for part in parts) == 1
    assert "inside payment 2" in whole(parts)["findings"]["message"][0]


@pytest.mark.parametrize(
    ("data", "rule", "level"),
    [
        (message(""), "iso-empty-batch", "batch"),
        (message(PAYMENT + "<ChrgBr>SLEV</ChrgBr>"), "iso-order", "batch"),
        (message(PAYMENT, batch="<ChrgBr>A</ChrgBr><ChrgBr>B</ChrgBr>"), "iso-repeated", "batch"),
        (message(PAYMENT.replace("</Amt>", '<InstdAmt Ccy="EUR">9</InstdAmt></Amt>')), "iso-repeated", "payment"),
        (message(PAYMENT, group=" "), "iso-no-header", "file"),
        (message(f"<X>{PAYMENT}</X>{PAYMENT}"), "iso-misplaced-payment", "file"),
        (re.sub(rb"<PmtInf>.*</PmtInf>", b"", message(PAYMENT)), "iso-no-payments", "file"),
    ],
)
def test_errors(data: bytes, rule: str, level: str) -> None:
    found = whole(read(data))["findings"]
    assert found.filter((pl.col("rule") == rule) & (pl.col("severity") == "error"))["level"].to_list()[:1] == [level]


def test_misplaced_payment_is_counted_unreadable() -> None:
    assert sum(part.unreadable for part in read(message(f"<X>{PAYMENT}</X>{PAYMENT}"))) == 1


@pytest.mark.parametrize("inside", [PAYMENT, PAYMENT.replace("<CdtTrfTxInf>", '<CdtTrfTxInf xmlns="urn:own">'), "<X/>"])
def test_supplementary_data_holds_anything_and_no_payment(inside: str) -> None:
    own = f"<SplmtryData><Envlp>{inside}</Envlp></SplmtryData>"
    data = message(PAYMENT.replace("</CdtTrfTxInf>", own + "</CdtTrfTxInf>") + PAYMENT + own)
    parts = read(data)
    same(parts, list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))
    assert whole(parts)["findings"].is_empty()
    assert whole(parts)["payments"]["amount_text"].to_list() == ["1.50", "1.50"]
    assert sum(part.unreadable for part in parts) == 0


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-11-25", "2026-11-25"), (" 2026-11-25Z\n", "2026-11-25"), ("2026-11-25T23:59:59.5+14:00", "2026-11-25"),
     ("2026-02-30", "None"), ("25.11.2026", "None"), ("2026-11-25T", "None"), ("", "None"), ("٢٠٢٦-11-25", "None")],
)  # fmt: skip
def test_execution_date(text: str, day: str) -> None:
    assert str(execution_date(text)) == day


@given(st.integers(0, 10**17), st.integers(0, 5))
def test_declared_sum_is_exact(units: int, digits: int) -> None:
    text = f"{units // 10**digits}.{units % 10**digits:0{digits}d}" if digits else str(units)
    expected = units * 10 ** (5 - digits)
    assert declared_number("sum", text) == (expected if expected < 2**63 else None)
    assert declared_number("sum", f"{text},0") is None


# ------------------------------------------------------------------------------------------------ both readers


@pytest.mark.parametrize("plain", [True, False])
def test_both_readers_agree(plain: bool) -> None:
    served = 0

    @PATIENT
    @given(document(CREDIT, plain=plain), st.integers(600, 3000))
    def agree(data: bytes, window_bytes: int) -> None:
        nonlocal served
        expected = list(exact_windows(source(data), PAIN001, WINDOW_BYTES))
        same(list(windows(source(data), PAIN001, window_bytes)), expected)
        same(list(exact_windows(source(data), PAIN001, 1)), expected)
        try:
            alone = [read.window for read in fast_reads(source(data), PAIN001, window_bytes)]
        except (Doubt, Unreadable):
            return
        served += 1
        same(alone, expected)

    agree()
    assert not plain or served >= 10, "the fast reader hardly served, so hardly anything was compared"


WORDS = {
    "XchgRateInf": "<XchgRateInf><XchgRate>1.2</XchgRate></XchgRateInf>",
    "IntrmyAgt1": "<IntrmyAgt1><FinInstnId><BICFI>DEUTDEFFXXX</BICFI></FinInstnId></IntrmyAgt1>",
    "IntrmyAgt2": "<IntrmyAgt2><FinInstnId><ClrSysMmbId><MmbId>1</MmbId></ClrSysMmbId></FinInstnId></IntrmyAgt2>",
    "InstrForCdtrAgt": "<InstrForCdtrAgt><Cd>HOLD</Cd></InstrForCdtrAgt><InstrForCdtrAgt><InstrInf>x</InstrInf></InstrForCdtrAgt>",
    "InstrForDbtrAgt": "<InstrForDbtrAgt>text</InstrForDbtrAgt>",
    "RgltryRptg": "<RgltryRptg><Dtls><Cd>A</Cd></Dtls><Dtls><Cd>B</Cd></Dtls></RgltryRptg><RgltryRptg><Dtls><Inf>i</Inf></Dtls></RgltryRptg>",
}


def test_what_moves_the_money_otherwise_is_named_by_every_reader() -> None:
    coded = "<InstrForDbtrAgt>\n <Cd>X</Cd><InstrInf>y</InstrInf>\n</InstrForDbtrAgt>"
    extras = ["", *WORDS.values(), coded, "".join(WORDS.values()), "<IntrmyAgt1/>"]
    expected = [None, *WORDS, "InstrForDbtrAgt", ", ".join(WORDS), None]
    for end in ("<Cdtr><Nm>C</Nm></Cdtr>", "<Cdtr><Nm>C &#38; D</Nm></Cdtr>"):  # a reference goes through xml2arrow
        texts = [PAYMENT.replace("</CdtTrfTxInf>", f"{extra}{end}</CdtTrfTxInf>") for extra in extras]
        data = message("".join(texts * 40))
        parts = read(data)
        same(parts, list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))
        frames = whole(parts)
        assert frames["payments"]["uncarried"].to_list() == expected * 40
        assert frames["findings"].is_empty()


ABSENT = {
    "": [],
    "<MsgId>M</MsgId>": ["GrpHdr/MsgId"],
    "<CreDtTm>2026-11-20T09:30:00</CreDtTm>": ["GrpHdr/CreDtTm"],
    "<NbOfTxs>1</NbOfTxs>": ["GrpHdr/NbOfTxs"],
    "<PmtMtd>TRF</PmtMtd>": ["PmtInf/PmtMtd"],
    "<PmtInfId>B</PmtInfId>": ["PmtInf/PmtInfId"],
}


@pytest.mark.parametrize("gone", ABSENT)
def test_what_every_version_holds_is_missed(gone: str) -> None:
    data = message(PAYMENT).replace(gone.encode(), b"")
    for parts in (read(data), list(exact_windows(source(data), PAIN001, WINDOW_BYTES))):
        found = whole(parts)["findings"]
        assert found["field"].to_list() == ABSENT[gone]
        assert set(found["severity"]) <= {"warning"}
    assert whole(read(data.replace(b"pain.001.001.09", b"pain.001.001.02")))["findings"].is_empty()


def test_two_message_ids_are_told() -> None:
    found = whole(read(message(PAYMENT).replace(b"</MsgId>", b"</MsgId><MsgId>N</MsgId>")))["findings"]
    assert found.select("rule", "severity", "level", "field").rows() == [
        ("iso-repeated", "error", "file", "GrpHdr/MsgId")
    ]


def test_a_word_to_the_bank_may_stand_in_the_batch() -> None:
    data = message(PAYMENT, batch="<InstrForDbtrAgt><Cd>X</Cd></InstrForDbtrAgt>")
    assert whole(read(data))["payments"]["uncarried"].to_list() == ["PmtInf/InstrForDbtrAgt"]


@pytest.mark.parametrize(
    ("batch", "group", "rule", "level"),
    [
        ("<PmtMtd>CHK</PmtMtd>", "", "iso-method", "batch"),
        ("<PmtMtd>DD</PmtMtd>", "", "iso-method", "batch"),
        (
            "",
            "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T09:30:00</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr>" * 2,
            "iso-repeated",
            "file",
        ),
    ],
)
def test_no_cheques_and_one_header(batch: str, group: str, rule: str, level: str) -> None:
    data = message(PAYMENT, batch=batch, group=group)
    found = whole(read(data))["findings"]
    assert found.select("rule", "severity", "level").rows() == [(rule, "error", level)]
    assert whole(read(message(PAYMENT, batch="<PmtMtd>\nTRF </PmtMtd>")))["findings"].is_empty()


@pytest.mark.parametrize("between", ["<X/>", "<ChrgBr>L</ChrgBr>", "<X><CdtTrfTxInf/></X>", f"<X>{PAYMENT}</X>"])
def test_elements_between_payments(between: str) -> None:
    data = message(PAYMENT + between + PAYMENT)
    same(list(windows(source(data), PAIN001, WINDOW_BYTES)), list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))
    assert whole(read(data))["payments"].height == 2
    if PAYMENT in between:
        with pytest.raises(Doubt):
            list(fast_reads(source(data), PAIN001, WINDOW_BYTES))


def test_fast_reader_serves_plain_and_prefixed_files() -> None:
    assert GOLDEN_FILES
    for data in (path.read_bytes() for path in GOLDEN_FILES):
        for window_bytes in (1900, WINDOW_BYTES):
            alone = [read.window for read in fast_reads(source(data), PAIN001, window_bytes)]
            same(alone, list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))
    assert len(list(windows(source(message(PAYMENT * 80)), PAIN001, 1000))) > 3


def test_both_readers_agree_on_the_corpus(corpus) -> None:
    files = corpus("pain.001")
    assert files
    for file in files:
        data = file.path.read_bytes()
        same(read(data), list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))


@PATIENT
@given(st.integers(0, len(BIG)), st.binary(max_size=4), st.integers(0, 3), st.booleans())
def test_damaged_bytes_only_make_findings(place: int, put: bytes, gone: int, truncate: bool) -> None:
    data = BIG[:place] + put + (b"" if truncate else BIG[place + gone :])
    parts = list(windows(source(data), PAIN001, 1900))
    same(parts, list(exact_windows(source(data), PAIN001, WINDOW_BYTES)))
    frames = whole(parts)
    if truncate and place < len(BIG) - 2:
        assert "fatal" in frames["findings"]["severity"]


@PATIENT
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b'<?xml version="1.0" encoding="cp037"?>', b"\xff\xfe", b"<Document "]),
)
def test_any_bytes_only_make_findings(data: bytes, head: bytes) -> None:
    assert "fatal" in whole(read(head + data))["findings"]["severity"]
