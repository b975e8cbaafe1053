"""MT101: a golden file, each fault by name, the corpus, windows, excerpts, and bytes that nobody should send."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from whole_files import one_window

from canonical.contracts import Context, Source, Window
from canonical.profiles import DEFAULT_CLIENT
from parsers import _mt_segments
from parsers import mt101 as module
from parsers._mt_segments import code_of, tag_of
from parsers._mt_transfer_fields import FIELDS
from parsers.mt101 import FORMAT
from validators import engine

GOLDEN = Path(__file__).parent / "golden" / "mt101"
DATA = (GOLDEN / "two_messages.fin").read_bytes()
TEXT = DATA.decode().replace("\r\n", "\n")
PLACE = ("payment_id", "line", "offset", "length", "batch_line", "batch_offset", "batch_length")


def windows(data: bytes) -> list[Window]:
    return list(FORMAT.windows(Source("0" * 20, "test.fin", data), FORMAT.options()))


def read(data: bytes) -> Window:
    return one_window(windows(data))


def changed(old: str, new: str, times: int = 1) -> bytes:
    """The golden file with the first places of a text changed."""
    assert old in TEXT
    return TEXT.replace(old, new, times).encode("latin-1")


def plain(frame: pl.DataFrame) -> list[dict[str, object]]:
    dicts = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return [
        {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in row.items()} for row in dicts
    ]


def test_golden() -> None:
    window = read(DATA)
    expected = json.loads((GOLDEN / "two_messages.json").read_text())
    assert plain(window.payments) == expected["payments"]
    assert plain(window.findings) == expected["findings"]
    assert window.totals.is_empty()
    assert window.unreadable == 0
    header = window.header
    assert header is not None
    assert (header.format, header.message_id, header.initiating_party) == (
        "mt101", "REQ-2026-0001", "HARBOUR GROUP TREASURY",
    )  # fmt: skip


def test_the_date_is_the_messages_and_the_ordering_party_may_be_the_payments_own() -> None:
    window = read(TEXT.replace(":30:261127", ":30:262127").replace("GB42ABCD", "GB43ABCD").encode())
    told = engine.check_window(window.payments, Context(dt.date(2026, 11, 20), DEFAULT_CLIENT, FORMAT.facts))
    of_date = told.filter(pl.col("rule") == "execution_date")
    assert of_date.select("level", "batch", "line", "row").rows() == [("batch", 1, 1, None)]
    assert told.filter(pl.col("rule") == "iban").select("level", "row").rows() == [("payment", 1), ("payment", 2)]


def bare() -> str:
    """The golden file without envelopes."""
    out = [line for line in TEXT.splitlines() if not line.startswith("{1:")]
    return "".join("-\n" if line.startswith("-}") else f"{line}\n" for line in out)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        DATA.rstrip(),
        DATA.replace(b"{2:I101", b"\r\n{2:I101").replace(b"{4:", b"\r\n{4:"),
        DATA.replace(b"}\r\n{1:", b"}{1:"),
        DATA.replace(b"}\r\n{1:", b"}$\r\n{1:"),
        b"\x01" + DATA.replace(b"}\r\n{1:", b"}\x03   \x01{1:") + b"\x03",
        b"{1:F21HARBGB2LAXXX0000000000}{4:{177:2611201000}{451:0}}" + DATA,
        DATA.replace(b"\r\n", b"   \r\n"),
        DATA.replace(b"\r\n", b" \n"),
    ],
    ids=[
        "line feeds",
        "no final line end",
        "blocks on lines",
        "one after the other",
        "dollars",
        "marks",
        "acknowledged",
        "lines filled up",
        "and with line feeds",
    ],
)
def test_dialects_of_envelopes(data: bytes) -> None:
    window = read(data)
    assert_frame_equal(window.payments.drop(PLACE), read(DATA).payments.drop(PLACE))
    assert window.findings["rule"].to_list() == read(DATA).findings["rule"].to_list()
    assert FORMAT.sniff(data[:4096])
    assert FORMAT.complete(data[-4096:])


@pytest.mark.parametrize("closed", [True, False])
def test_bare_text_blocks(closed: bool) -> None:
    data = (bare() if closed else bare().replace("-\n", "")).encode()
    window = read(data)
    assert_frame_equal(window.payments.drop(PLACE), read(DATA).payments.drop(PLACE))
    assert set(window.findings["severity"]) == {"warning"}
    assert FORMAT.sniff(data)
    assert FORMAT.complete(data) == closed


def test_byte_spans_hold_sequence_b_and_sequence_a() -> None:
    rows = read(DATA).payments.select("offset", "length", "batch_offset", "batch_length", "instruction_id", "batch_id")
    for offset, length, batch_offset, batch_length, reference, sender in rows.iter_rows():
        span = DATA[offset : offset + length]
        assert span.startswith(f":21:{reference}\r\n".encode())
        assert span.rstrip().split(b":")[-2] == b"71A"
        head = DATA[batch_offset : batch_offset + batch_length]
        assert head.startswith(b"{1:F01")
        assert f":20:{sender}\r\n".encode() in head
        assert head.count(b"\n:30:") == 1


FAULTS = {
    "nothing at all": (b"", "mt101-incomplete", "fatal", None),
    "no message": (b"hello\n", "mt101-incomplete", "fatal", None),
    "cut off": (TEXT[:-30].encode(), "mt101-incomplete", "fatal", 49),
    "another message type": (changed("{2:I101", "{2:I103"), "mt101-message", "error", 1),
    "no end of text": (changed("-}{5:{CHK:123456789ABC}}\n", ""), "mt101-end", "error", 32),
    "field outside": (changed("-}{5:{CHK:123456789ABC}}\n", "-}\n:70:LOST\n"), "mt101-order", "error", 33),
    "field A in B": (changed(":23E:URGP", ":30:261127"), "mt101-order", "error", 23),
    "field B in A": (changed(":52A:BANKGB2LXXX", ":70:HELLO"), "mt101-order", "error", 10),
    "field too late": (changed(":57A:EXMPFRPPXXX\n", "").replace(b":71A:SHA\n", b":71A:SHA\n:57A:EXMPFRPPXXX\n"),
                       "mt101-order", "error", 21),
    "field twice": (changed(":71A:SHA\n", ":71A:SHA\n:71A:SHA\n"), "mt101-order", "error", 22),
    "option twice": (changed(":71A:OUR\n", ":71A:OUR\n:59:/1\nA\n"), "mt101-order", "error", 32),
    "field unknown": (changed(":71A:SHA\n", ":71A:SHA\n:72:/ACC/X\n"), "mt101-field", "error", 22),
    "reference with a slash": (changed(":21:INV-0001", ":21:INV-0001/"), "mt101-field", "error", 12),
    "reference of two slashes": (changed(":20:REQ-2026", ":20:REQ//26"), "mt101-field", "error", 2),
    "long reference": (changed(":21:INV-0001", ":21:INVOICE-0001-2026"), "mt101-field", "error", 12),
    "long line": (changed("INVOICE 0001", "I" * 36), "mt101-field", "error", 19),
    "five lines": (changed("INVOICE 0001", "A\nB\nC\nD"), "mt101-field", "error", 19),
    "charges": (changed(":71A:SHA", ":71A:ALL"), "mt101-field", "error", 21),
    "unknown instruction": (changed("URGP", "FAST"), "mt101-field", "error", 23),
    "lines of option F": (changed("2/34 MODEL ROAD", "34 MODEL ROAD"), "mt101-field", "error", 26),
    "index": (changed(":28D:1/2", ":28D:one"), "mt101-field", "error", 4),
    "index above the total": (changed(":28D:1/2", ":28D:3/2"), "mt101-index", "error", 1),
    "index twice": (changed(":28D:2/2", ":28D:1/2"), "mt101-index", "error", 33),
    "totals differ": (changed(":28D:1/2", ":28D:1/3"), "mt101-index", "error", 1),
    "message left out": (TEXT[: TEXT.index("{5:")].encode(), "mt101-index", "warning", 1),
    "no amount": (changed(":32B:EUR1250,50\n", ""), "mt101-amount", "error", 12),
    "no index": (changed(":28D:1/2\n", ""), "mt101-missing", "error", 1),
    "no charges": (changed(":71A:SHA\n", ""), "mt101-missing", "error", 12),
    "no ordering customer": (changed("1/HARBOUR TEA CO\n2/1 QUAY STREET\n3/GB/BRISTOL\n", "").replace(b":50F:/10799988837491\n", b""),
                             "mt101-ordering", "error", 38),
    "two ordering customers": (changed(":57A:EXMPFRPPXXX", ":50H:/1\nX\n:57A:EXMPFRPPXXX"), "mt101-rule", "error", 12),
    "two servicing banks": (changed(":57A:EXMPFRPPXXX", ":52A:EXMPFRPP\n:57A:EXMPFRPPXXX"), "mt101-rule", "error", 12),
    "intermediary alone": (changed(":57A:EXMPFRPPXXX", ":56A:EXMPFRPP"), "mt101-rule", "error", 12),
    "rate without deal": (changed(":71A:SHA", ":33B:GBP1,\n:71A:SHA\n:36:1,1"), "mt101-rule", "error", 12),
    "original amount without rate": (changed(":71A:SHA", ":33B:GBP1,\n:71A:SHA"), "mt101-rule", "error", 12),
    "original amount of the same currency": (changed(":71A:SHA", ":33B:EUR1,\n:71A:SHA"), "mt101-rule", "error", 12),
    "rate alone": (changed(":71A:SHA", ":71A:SHA\n:36:1,1"), "mt101-rule", "error", 12),
    "two currencies in one request": (changed("EUR98765,", "USD98765,"), "mt101-rule", "error", 22),
    "reference twice": (changed("INV-0002", "INV-0001"), "mt101-reference", "error", 22),
    "a cheque": (changed("URGP", "CHQB"), "mt101-cheque", "error", 23),
    "a call": (changed("URGP", "PHON"), "mt101-instruction", "warning", 23),
    "what is not carried": (
        changed(":71A:SHA", ":71A:SHA\n:25A:/GB42ABCD10799988837491"), "mt101-not-carried", "warning", 12,
    ),
    "no character of SWIFT": (changed("LYON", "LY@N"), "mt101-character", "error", 18),
    "no ASCII": (changed("LYON", "LYÖN"), "mt101-character", "error", 18),
    "no character in sequence A": (changed("BRISTOL", "BRIST_L"), "mt101-character", "error", 9),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_where_it_stands(name: str) -> None:
    data, rule, severity, line = FAULTS[name]
    found = read(data).findings
    here = found.filter(pl.col("rule") == rule, pl.col("severity") == severity, pl.col("line").eq_missing(line))
    assert not here.is_empty(), found.select("rule", "severity", "line", "message").rows()


def test_the_format_names_its_rules() -> None:
    fatal = {rule for _, rule, severity, _ in FAULTS.values() if severity == "fatal"}
    assert {rule for _, rule, _, _ in FAULTS.values()} - fatal == set(FORMAT.facts.rules)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("EUR1250,50", 125050), ("EUR1250,", 125000), ("EUR1250,5", 125050), ("EUR0,", 0), ("JPY100,", 100),
        ("BHD1,234", 1234), ("EUR1250", None), ("EUR1250.50", None), ("EUR,50", None), ("EUR1.250,50", None),
        ("EUR1,234", None), ("JPY1,5", None), ("EUR-1,", None), ("EUR", None), ("XXQ1,", None),
    ],
)  # fmt: skip
def test_amounts(text: str, minor: int | None) -> None:
    payment = read(changed("EUR1250,50", text)).payments.row(0, named=True)
    assert payment["amount_minor"] == minor
    assert payment["amount_text"] == (text[3:] or None)


def test_remittance_is_one_text_of_140_characters_at_most() -> None:
    full = "\n".join(letter * 35 for letter in "ABCD")
    data = changed("/ROC/PO-77001\nINVOICE 0001", full)
    assert read(data).payments["remittance"].to_list()[:2] == [full.replace("\n", ""), "INVOICE 0002"]


def test_what_other_rules_say_of_it() -> None:
    context = Context(dt.date(2026, 11, 20), DEFAULT_CLIENT, FORMAT.facts)
    assert set(engine.check_window(read(DATA).payments, context)["severity"]) <= {"warning"}
    broken = changed(":30:261127", ":30:261399").replace(b":59:/FR1420041010050500013M02606\n", b":59:")
    told = engine.check_window(read(broken).payments, context)
    assert {"required", "execution_date"} <= set(told["rule"])


def test_a_transaction_outside_of_a_message_is_unreadable() -> None:
    window = read(TEXT.encode() + b":21:LOST\n:32B:EUR1,\n")
    assert (window.payments.height, window.unreadable) == (3, 1)
    assert set(window.findings.filter(severity="error")["rule"]) == {"mt101-order"}


def test_more_payments_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_ROWS_MAX", 2)
    window = read(DATA)
    assert (window.payments.height, window.unreadable) == (2, 1)
    assert window.findings.filter(severity="fatal")["rule"].to_list() == ["mt101-rows"]


def test_values_are_masked() -> None:
    finding = read(changed("/FR1420041010050500013M02606", "/" + "1" * 36)).findings.filter(rule="mt101-field")
    assert finding.height == 1
    assert "1111111111" not in str(finding["value"][0])


def test_tags() -> None:
    for tag in ("20", "21R", "28D", "61", "86", "00A", "99Z"):
        assert tag_of(code_of(tag)) == tag
    assert len({field.code for field in FIELDS}) == len(FIELDS)


MANY = TEXT.replace("INV-0002", "INV-0001") + bare()


@pytest.mark.parametrize(
    "data",
    [DATA, TEXT.encode(), bare().encode(), TEXT.replace("\n", "\r").encode(), changed("LYON", "LYÖN"), MANY.encode()],
)
def test_where_windows_are_cut_does_not_matter(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(data)
    for size in (60, 300, 500):
        monkeypatch.setattr(_mt_segments, "_WINDOW_BYTES", size)
        assert len(windows(data)) > 1
        parts = read(data)
        assert_frame_equal(whole.payments, parts.payments)
        assert_frame_equal(whole.findings.sort(pl.all()), parts.findings.sort(pl.all()))


def test_sniff_and_complete() -> None:
    for other in (b"", b":20:X\n:25:Y\n:28C:1\n", b"{1:F01X}{2:O940X}{4:\n:20:X\n", b"<?xml", b"a,b,c\n", b"101 0910"):
        assert not FORMAT.sniff(other)
    for other in (b"", b"\n", DATA[:-10], b":20:X\n:28D:1/1\n"):
        assert not FORMAT.complete(other)


def test_a_field_too_late_names_the_one_before_it() -> None:
    data = changed(":57A:EXMPFRPPXXX\n", "").replace(b":71A:SHA\n", b":71A:SHA\n:57A:EXMPFRPPXXX\n")
    (window,) = FORMAT.windows(Source("0" * 20, "x", data), FORMAT.options())
    (message,) = window.findings.filter(rule="mt101-order")["message"].to_list()
    assert message == "Field 57A comes too late in its sequence: it belongs before field 71A."


def test_a_bare_text_without_its_index_is_known_by_who_pays() -> None:
    text = b":20:X\n:50H:/1\nA\n:30:261127\n:21:1\n:32B:EUR1,\n:59:/2\nB\n:71A:SHA\n"
    assert FORMAT.sniff(text)
    for other in (
        text.replace(b"50H", b"50K"),
        text.replace(b"32B", b"32A"),
        text.replace(b":30:", b":23B:CRED\n:30:"),
    ):
        assert not FORMAT.sniff(other)


# ------------------------------------------------------------------------------------------------ excerpts

KEPT = st.lists(
    st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), min_size=1, max_size=5), min_size=1, max_size=5
)


def made(messages: list[list[tuple[int, bool]]], *, enveloped: bool, ending: str) -> bytes:
    """Sound messages of one request with those amounts in cents."""
    parts = []
    for index, payments in enumerate(messages, start=1):
        head = f":20:REQ{index}\n:21R:ALL\n:28D:{index}/{len(messages)}\n:50H:/123\nEXAMPLE\n:30:261127\n"
        body = "".join(
            f":21:T{n}\n:32B:EUR{cents // 100},{cents % 100:02d}\n:59:/456\nSAMPLE\n:71A:SHA\n"
            for n, (cents, _) in enumerate(payments)
        )
        block = f"{{1:F01HARBGB2LAXXX0000000000}}{{2:I101BANKGB2LXXXXN}}{{4:\n{head}{body}-}}\n"
        parts.append(block if enveloped else f"{head}{body}-\n")
    return "".join(parts).replace("\n", ending).encode()


@given(KEPT, st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_an_excerpt_holds_the_kept_payments(messages, enveloped, ending) -> None:
    data = made(messages, enveloped=enveloped, ending=ending)
    whole = read(data)
    assert whole.findings.is_empty()
    mask = pl.Series([keep for payments in messages for _, keep in payments])
    kept = whole.payments.filter(mask)
    if kept.is_empty():
        return
    again = FORMAT.excerpt(Source("0" * 20, "test.fin", data), kept, FORMAT.options())
    window = read(again)
    assert window.findings.is_empty()
    moved = (*PLACE, "row", "batch", "batch_id")
    assert_frame_equal(window.payments.drop(moved), kept.drop(moved))
    assert window.payments["batch_id"].to_list() == [f"{name}-R" for name in kept["batch_id"]]
    assert FORMAT.complete(again)
    assert FORMAT.sniff(again)


def test_an_excerpt_numbers_its_messages_anew() -> None:
    kept = read(DATA).payments.tail(1)
    text = FORMAT.excerpt(Source("0" * 20, "test.fin", DATA), kept, FORMAT.options()).decode()
    assert "\r\n:28D:1/1\r\n" in text
    assert ":20:REQ-2026-0002-R\r\n" in text
    assert text.count(":20:") == 1
    assert "{5:" not in text
    assert text.endswith("\r\n-}\r\n")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (":71A:SHA", ":77B:/ORDERRES/FR\n:71A:SHA", "field 77B"),
        (":57A:", ":56A:EXMPDEFFXXX\n:57A:", "field 56A"),
        (":71A:SHA", ":71A:SHA\n:36:1,04", "field 36"),
    ],
)
def test_what_moves_the_money_otherwise_is_refused(old: str, new: str, named: str) -> None:
    window = read(changed(old, new))
    assert window.payments["uncarried"].to_list()[0] == named
    told = engine.check_window(window.payments, Context(dt.date(2026, 11, 26), DEFAULT_CLIENT, FORMAT.facts))
    found = told.filter(pl.col("rule") == "uncarried")
    assert found.select("severity", "row", "value").rows() == [("error", 1, named)]


# ------------------------------------------------------------------------------------------------ the corpus

NOT_TAKEN = {"ws_multi_debtor_three_tx.fin": {"mt101-cheque"}}
"""Files that the manifest calls valid and of which single payments are refused (docs/formats/mt101.md)."""


def test_corpus(corpus) -> None:
    files = corpus("mt101")
    assert len(files) == 3
    for file in files:
        data = file.path.read_bytes()
        window = read(data)
        assert FORMAT.sniff(data[:4096])
        assert FORMAT.complete(data[-4096:])
        assert window.payments.height == file.transactions
        assert window.payments["amount_minor"].null_count() == 0
        assert window.payments["creditor_account"].null_count() == 0
        errors = set(window.findings.filter(severity="error")["rule"])
        assert errors == NOT_TAKEN.get(file.path.name, set()), file.key


# ------------------------------------------------------------------------------------------------ anything


@given(st.binary(max_size=400) | st.text(alphabet=":{}-0123456789ADFBR\n\r/,", max_size=400).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    read(data)
    FORMAT.sniff(data)
    FORMAT.complete(data)


@given(st.integers(0, len(DATA)), st.binary(max_size=40), st.integers(0, 60))
def test_no_damage_makes_it_raise(at: int, patch: bytes, gone: int) -> None:
    data = DATA[:at] + patch + DATA[at + gone :]
    window = read(data)
    assert FORMAT.excerpt(Source("0" * 20, "x", data), window.payments, FORMAT.options()) is not None


def test_a_transaction_that_no_field_21_begins_is_told_as_that_and_counted():
    window = read(DATA.replace(b":21:INV-0003\r\n", b""))
    assert (window.payments.height, window.unreadable) == (2, 1)
    (told,) = window.findings.filter(rule="mt101-order").to_dicts()
    assert "has no field 21 to begin it" in told["message"]
    assert (told["severity"], told["level"], told["line"]) == ("error", "batch", 40)


def test_a_transaction_without_field_21_behind_another_is_no_part_of_it():
    window = read(DATA.replace(b":21:INV-0002\r\n", b""))
    assert (window.payments.height, window.unreadable) == (2, 1)
    (told,) = window.findings.filter(rule="mt101-order").to_dicts()
    assert "has no field 21 to begin it" in told["message"]
    assert (told["severity"], told["level"], told["row"]) == ("error", "payment", 1)


def test_an_amount_that_stands_twice_is_one_transaction():
    window = read(changed(":32B:EUR1250,50\n", ":32B:EUR1250,50\n:32B:EUR1250,50\n"))
    assert (window.payments.height, window.unreadable) == (3, 0)
    assert "stands twice" in window.findings.filter(rule="mt101-order")["message"][0]


def test_messages_without_21r_are_one_request_where_their_numbers_follow_on():
    apart = TEXT.replace(":21R:SUPPLIERS-11\n", "").encode()
    assert "mt101-index" not in read(apart).findings["rule"].to_list()
    missing = read(apart.replace(b":28D:2/2", b":28D:2/3").replace(b":28D:1/2", b":28D:1/3"))
    (told,) = missing.findings.filter(rule="mt101-index").to_dicts()
    assert told["message"] == "Of the request's 3 messages this file has 2."
    alone = read(apart.replace(b":28D:1/2", b":28D:1/1"))
    (told,) = alone.findings.filter(rule="mt101-index").to_dicts()
    assert told["message"] == "Of the request's 2 messages this file has 1."
