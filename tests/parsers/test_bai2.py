"""BAI2: a golden report, each fault by name, control totals at three levels, the corpus, an independent reader."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bai2.bai2 import parse_from_string
from bai2.constants import TypeCodes
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from canonical.contracts import Feedback, Source
from parsers import _text_lines
from parsers._bai_types import types
from parsers.bai2 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "bai2"
REPORT = (GOLDEN / "report.bai").read_bytes()


def read(data: bytes, **options: Any) -> Feedback:
    return FORMAT.read(Source("0" * 20, "test.bai", data), FORMAT.options.model_validate(options))


def plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    rows = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return json.loads(json.dumps(rows, default=str))


def told(feedback: Feedback) -> list[tuple[str, str, int]]:
    return list(feedback.findings.select("severity", "rule", "line").iter_rows())


def test_golden() -> None:
    feedback = read(REPORT)
    expected = json.loads((GOLDEN / "report.json").read_text())
    assert {name: plain(getattr(feedback, name)) for name in expected} == expected
    assert (feedback.format, feedback.version, feedback.message_id) == ("bai2", "BAI2", "7")


def test_only_the_bank_s_own_type_is_told() -> None:
    assert told(read(REPORT)) == [("warning", "bai2-type", 14)]


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b" \n", b"\n\n"])
def test_line_ends_do_not_matter(end: bytes) -> None:
    assert read(REPORT.replace(b"\n", end)).entries.equals(read(REPORT).entries)


def test_slashes_may_be_missing() -> None:
    bare = b"\n".join(line.removesuffix(b"/") for line in REPORT.splitlines())
    assert read(bare).entries.equals(read(REPORT).entries)
    assert told(read(bare)) == told(read(REPORT))


def test_a_byte_order_mark_is_no_part_of_the_file() -> None:
    marked = b"\xef\xbb\xbf" + REPORT
    assert FORMAT.sniff(marked)
    assert read(marked).entries.equals(read(REPORT).entries)


def test_version_3_keeps_the_records_of_version_2() -> None:
    newer = read(REPORT.replace(b",7,80,,2/", b",7,80,,3/"))
    assert newer.version == "BTRS 3"
    assert newer.entries.equals(read(REPORT).entries)


ONE_LINE = REPORT.replace(b"INC\n", b"INC/\n").replace(b"LINE\n", b"LINE/\n").replace(b"LOCKBOX\n", b"LOCKBOX/\n")


@pytest.mark.parametrize("between", [b"/  ", b"/", b"/ \n"])
def test_records_may_stand_behind_one_another_where_the_header_does(between: bytes) -> None:
    first, *rest = ONE_LINE.splitlines(keepends=True)
    joined = first.replace(b"/\n", b"/   ") + b"".join(line.replace(b"/\n", between) for line in rest)
    assert joined.count(b"\n") < REPORT.count(b"\n") or between == b"/ \n"
    assert read(joined).entries.equals(read(REPORT).entries)
    assert [item[:2] for item in told(read(joined))] == [item[:2] for item in told(read(REPORT))]


def test_a_slash_in_a_text_ends_no_record_where_lines_do() -> None:
    text = REPORT.replace(b"A SLASH/", b"A SLASH/ 16,142,1/")
    assert text != REPORT
    assert read(text).entries["amount_minor"].equals(read(REPORT).entries["amount_minor"])


def test_several_files_one_behind_the_other_have_each_its_own_totals() -> None:
    later = REPORT.replace(b",260105,", b",260106,")
    assert later != REPORT
    both = read(REPORT + later)
    assert both.entries.height == 2 * read(REPORT).entries.height
    assert [rule for _, rule, _ in told(both)] == ["bai2-type", "bai2-type"]
    cut = (REPORT + later).rstrip().rsplit(b"\n", 1)[0]
    assert ("fatal", "bai2-incomplete", 1 + REPORT.count(b"\n")) in told(read(cut))


def test_the_same_report_twice_is_booked_not_even_once() -> None:
    again = read(REPORT + REPORT)
    assert {rule for severity, rule, _ in told(again) if severity == "fatal"} == {"bai2-repeated"}
    assert again.entries.is_empty()


def test_blanks_around_the_fields_are_no_part_of_them() -> None:
    wide = REPORT.replace(b",", b", ")
    assert FORMAT.sniff(wide)
    columns = ("amount_minor", "credit_debit", "servicer_reference", "instruction_id", "booking_date", "value_date")
    assert read(wide).entries.select(columns).equals(read(REPORT).entries.select(columns))


def test_where_windows_are_cut_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut = read(REPORT), _text_lines.lines
    monkeypatch.setattr("parsers.bai2.lines", lambda *args: cut(*args, 100))
    parts = read(REPORT)
    assert parts.entries.equals(whole.entries)
    assert parts.statements.equals(whole.statements)
    assert told(parts) == told(whole)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("49,4045000,14", "49,4045001,14", ("error", "bai2-control-total", 16)),
        ("49,4045000,14", "49,x,14", ("error", "bai2-control-total", 16)),
        ("49,4045000,14", "49,4045000,13", ("error", "bai2-count", 16)),
        ("98,4046000,2,19", "98,4046001,2,19", ("error", "bai2-control-total", 20)),
        ("98,4046000,2,19", "98,4046000,3,19", ("error", "bai2-count", 20)),
        ("98,4046000,2,19", "98,4046000,2,", ("error", "bai2-count", 20)),
        ("99,5230550,2,26", "99,5230551,2,26", ("error", "bai2-control-total", 26)),
        ("99,5230550,2,26", "99,5230550,1,26", ("error", "bai2-count", 26)),
        ("99,5230550,2,26", "99,5230550,2,27", ("error", "bai2-count", 26)),
        ("99,5230550,2,26/\n", "", ("fatal", "bai2-incomplete", 1)),
        ("49,4045000,14/\n", "", ("fatal", "bai2-order", 3)),
        ("98,4046000,2,19/\n", "", ("fatal", "bai2-order", 2)),
        (",7,80,,2/", ",7,80,,1/", ("fatal", "bai2-version", 1)),
        ("01,091000019", "00,091000019", ("fatal", "bai2-file", 1)),
        ("16,142,150000", "16,142,1500.00", ("fatal", "bai2-amount", 6)),
        ("16,142,150000", "16,142,-150000", ("fatal", "bai2-amount", 6)),
        ("16,142,150000", "16,100,150000", ("error", "bai2-type", 6)),
        ("16,142,150000", "16,799,150000", ("error", "bai2-type", 6)),
        ("16,142,150000,0", "16,142,150000,X", ("warning", "bai2-funds", 6)),
        ("V,260106,0800,FED0001", "V,261306,0800,FED0001", ("warning", "bai2-date", 7)),
        ("03,700100200,,010", "03,,,010", ("fatal", "bai2-account", 3)),
        ("03,700100200,,010", "03,700100200,XXX,010", ("fatal", "bai2-currency", 3)),
        ("015,1184450", "015,1184451", ("error", "bai2-balance", 3)),
        ("100,250000", "100,250001", ("warning", "bai2-sum", 3)),
        ("015,1184450,,/", "015,1184450,,Q/", ("error", "bai2-summary", 3)),
        ("02,BULKRAIL,091000019,1,260105", "02,BULKRAIL,091000019,3,260105", ("error", "bai2-group-status", 3)),
        ("02,BULKRAIL,091000019,1,260105", "02,BULKRAIL,091000019,1,261305", ("fatal", "bai2-date", 3)),
        ("2359,USD,2/", "2359,USD,9/", ("error", "bai2-modifier", 3)),
        ("49,4045000,14", "a line\n49,4045000,15", ("error", "bai2-line", 16)),
        ("WIRE FROM", "W\xccRE FROM", ("warning", "bai2-character", 8)),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_line(before: str, after: str, fault: tuple[str, str, int | None]) -> None:
    text = REPORT.decode()
    assert before in text
    feedback = read(text.replace(before, after, 1).encode("latin-1"))
    assert fault in told(feedback)
    assert feedback.entries.is_empty() == (fault[0] == "fatal")


def test_only_final_data_of_updates_is_booked() -> None:
    booked = read(REPORT).entries.filter("booked")["remittance"].to_list()
    assert "INTERIM" not in booked
    assert "ITEM OF THE LOCKBOX" not in booked
    assert len(booked) == 7
    assert not read(REPORT.replace(b",1,260105,", b",3,260105,")).entries["booked"].any()


def test_what_group_and_account_leave_out_the_profile_says() -> None:
    bare = REPORT.replace(b"2359,USD,2/", b"2359,,/")
    assert set(read(bare).statements["currency"]) == {"USD", "JPY"}
    changed = read(bare, currency="CAD", modifier="1")
    assert changed.statements["currency"].to_list() == ["CAD", "JPY", "USD"]
    assert not changed.entries["booked"].any()


def test_types_are_those_that_an_independent_reader_knows() -> None:
    ours = {row["code"]: row for row in types().iter_rows(named=True)}
    kinds = {"status": {"balance"}, "summary": {"summary"}, "detail": {"detail", "item", "none"}}
    sides = {"credit": "CRDT", "debit": "DBIT"}
    assert set(TypeCodes) - set(ours) == {"906", "907"}  # agreed with one bank
    for code, theirs in TypeCodes.items():
        if code in ours:
            # Three other readers, one of them page by page from the specification, call these two details, as their debits are.
            kind = {"detail"} if code in {"168", "169"} else kinds[theirs.level.value]
            assert ours[code]["kind"] in kind, code
            assert ours[code]["credit_debit"] == sides.get(getattr(theirs.transaction, "value", "")), code


@pytest.mark.parametrize(("code", "side"), [("168", "CRDT"), ("169", "CRDT"), ("468", "DBIT"), ("469", "DBIT")])
def test_single_ach_items_are_booked(code: str, side: str) -> None:
    bare = f"01,1,2,261127,,1,,,2/\n02,2,1,1,261126,,USD,2/\n03,77,USD,,,,/\n16,{code},1250,0,R1,,X/\n49,1250,3/\n98,1250,1,5/\n99,1250,1,7/\n"
    feedback = read(bare.encode())
    assert told(feedback) == []
    assert feedback.entries.select("amount_minor", "credit_debit", "booked").rows() == [(1250, side, True)]


# ---------------------------------------------------------------------------------------------- corpus

WRONG = {
    "test.bai": {"bai2-count", "bai2-control-total"},
    "test2.bai": {"bai2-count", "bai2-control-total"},
    "citi_example.bai2": {"bai2-balance"},
    "daily_with_summary.bai2": {"bai2-balance"},
    "sample2.txt": {"bai2-group-status"},
}
"""Errors of files that the manifest calls valid; docs/formats/bai2.md."""


def test_every_corpus_file_is_read(corpus) -> None:
    for file in corpus("bai2"):
        feedback = read(file.path.read_bytes())
        errors = set(feedback.findings.filter(pl.col("severity") != "warning")["rule"])
        if file.validity == "invalid":
            assert "fatal" in set(feedback.findings["severity"]), file.key
            continue
        assert feedback.entries.height == file.transactions, file.key
        assert errors == WRONG.get(file.path.name, set()), file.key


def test_an_independent_reader_finds_the_same(corpus) -> None:
    compared = 0
    for file in corpus("bai2"):
        text = file.path.read_text()
        if (
            file.path.name in {"sample2.txt", "daily.bai2", "eod.bai2", "eod_without_as_of_time.bai2"}
            or file.validity == "invalid"
        ):
            continue  # types and continuations that the other reader does not take
        accounts = [
            account for group in parse_from_string(text, check_integrity=False).children for account in group.children
        ]
        feedback = read(text.encode())
        amounts = [item.amount for account in accounts for item in account.children]
        assert feedback.entries["amount_minor"].to_list() == amounts, file.key
        theirs = [
            {item.type_code.code: item.amount for item in account.header.summary_items if item.type_code}
            for account in accounts
        ]
        for name, code in (("opening_minor", "010"), ("closing_minor", "015")):
            assert feedback.statements[name].to_list() == [item.get(code) for item in theirs], file.key
        compared += 1
    assert compared >= 5


# ---------------------------------------------------------------------------------------------- any bytes

FUNDS = ("", "0", "1", "2", "Z", "V,260107,", "V,260107,1200", "S,1,2,3", "D,0", "D,1,1,5", "D,3,0,1,1,2,2,3")
TEXTS = st.text(st.sampled_from("AB ,/19"), max_size=12).map(lambda text: text.strip(" /"))
DETAIL = st.tuples(
    st.sampled_from(["195", "495", "142", "455"]), st.integers(0, 10**9), st.sampled_from(FUNDS), st.booleans(), TEXTS
)


@given(st.lists(DETAIL, min_size=1, max_size=20))
def test_what_is_written_is_read(rows: list[tuple[str, int, str, bool, str]]) -> None:
    lines = ["03,42,USD,040,0/"]
    for code, minor, funds, split, text in rows:
        head, tail = f"16,{code},{minor},{funds}", f"BANK,CUST,{text}"
        lines += [f"{head}/", f"88,{tail}"] if split else [f"{head},{tail}/"]
    total = sum(row[1] for row in rows)
    lines += [f"49,{total},{len(lines) + 1}/"]
    lines = ["02,R,O,1,260105,,USD,2/", *lines, f"98,{total},1,{len(lines) + 2}/"]
    lines = ["01,S,R,260106,0000,1,,,2/", *lines, f"99,{total},1,{len(lines) + 2}/"]
    feedback = read("\n".join(lines).encode())
    assert told(feedback) == []
    entries = feedback.entries
    assert entries["amount_minor"].to_list() == [row[1] for row in rows]
    assert set(entries["servicer_reference"]) == {"BANK"}
    assert set(entries["instruction_id"]) == {"CUST"}
    assert entries["remittance"].fill_null("").to_list() == [row[4].strip() for row in rows]
    days = [
        dt.date(2026, 1, 7) if row[2][:1] == "V" else dt.date(2026, 1, 5) if row[2] == "0" else None for row in rows
    ]
    assert entries["value_date"].to_list() == days


@pytest.mark.parametrize("tail", ["", " " * 30])
def test_physical_records_without_line_ends_are_cut_as_the_header_says(tail: str) -> None:
    spoken = [
        "01,BANK,CLIENT,261124,0600,1,80,,2/", "02,CLIENT,BANK,1,261123,,USD,2/", "03,100200,,010,5000,,,015,6200,,/",
        "16,195,1500,0,B1,C1,NO SLASH ENDS THIS TEXT", "88,NOR THIS", "16,475,300,0,B2,C2,CHECK", "49,13000,5/", "98,13000,1,7/",
        "99,13000,1,9/",
    ]  # fmt: skip
    blocks = read(("".join(record.ljust(80) for record in spoken) + tail).encode())
    lines = read(("\n".join(spoken)).encode())
    assert blocks.entries["remittance"].to_list() == ["NO SLASH ENDS THIS TEXT\nNOR THIS", "CHECK"]
    assert_frame_equal(blocks.entries, lines.entries)
    assert blocks.findings["rule"].to_list() == lines.findings["rule"].to_list()


def test_a_header_may_be_continued_as_any_record() -> None:
    data = b"01,BANK,CLIENT/\n88,261124,0600,7,,,2/\n02,CLIENT,BANK,1/\n88,261123,,USD,2/\n03,1,,010,5/\n49,5,2/\n98,5,1,5/\n99,5,1,8/\n"
    assert FORMAT.sniff(data)
    feedback = read(data)
    assert (feedback.message_id, feedback.findings.height) == ("7", 0)
    assert feedback.statements["opening_minor"].to_list() == [5]


def test_a_file_without_its_header_is_told_as_that() -> None:
    data = b"02,CLIENT,BANK,1,261123,,USD,2/\n03,1,,010,5,,/\n49,5,2/\n98,5,1,4/\n99,5,1,6/\n"
    assert FORMAT.sniff(data)
    assert not FORMAT.sniff(b"02,Ann,Main Street,1,Springfield,2\n")
    assert told(read(data)) == [("fatal", "bai2-file", 1)]


def test_dates_of_eight_digits_are_read() -> None:
    short = b"01,BANK,CLIENT,261124,0600,7,,,2/\n02,CLIENT,BANK,1,261123,,USD,2/\n03,1,,010,5,,/\n16,165,5,V,261122,,B,C,X\n49,10,3/\n98,10,1,5/\n99,10,1,7/\n"
    long = short.replace(b",2611", b",202611")
    assert FORMAT.sniff(long)
    assert read(long).findings.is_empty()
    assert read(long).entries["value_date"].to_list() == [dt.date(2026, 11, 22)]
    assert_frame_equal(read(long).entries, read(short).entries)


def test_a_header_that_says_no_version_is_read_as_the_second() -> None:
    unsaid = REPORT.replace(b",7,80,,2/", b",7,80,,/")
    assert ("warning", "bai2-version", 1) in told(read(unsaid))
    assert read(unsaid).entries.equals(read(REPORT).entries)
    assert ("fatal", "bai2-version", 1) in told(read(REPORT.replace(b",7,80,,2/", b",7,80,,1/")))


def _lines(*account: str, total: int) -> bytes:
    head = ["01,122099999,123456789,261125,0610,1,80,,2/", "02,031001234,122099999,1,261124,2359,USD,2/"]
    tail = [f"98,{total},1,{len(account) + 2}/", f"99,{total},1,{len(account) + 4}/"]
    return ("\n".join([*head, *account, *tail]) + "\n").encode()


ACCOUNT = ("03,1234567890,,010,500000,,,015,501500,,/", "16,165,1500,0,X,,T/")


def test_a_wrong_account_total_is_told_once() -> None:
    right_outside = read(_lines(*ACCOUNT, "49,1003001,3/", total=1003000))
    assert told(right_outside) == [("error", "bai2-control-total", 5)]
    consequent = read(_lines(*ACCOUNT, "49,1003001,3/", total=1003001))
    assert told(consequent) == [("error", "bai2-control-total", 5)]
    neither = read(_lines(*ACCOUNT, "49,1003000,3/", total=1003002)).findings.filter(field="98")["message"]
    assert neither.to_list() == [
        "The control total of the group is 1003002; the control totals of its accounts sum to 1003000."
    ]


@pytest.mark.parametrize(
    ("funds", "fine"),
    [
        ("S,500,600,400,REF,CUST,TEXT", True),
        ("S,,,1500,REF,CUST,TEXT", True),
        ("D,2,0,500,1,1000,REF,CUST,TEXT", True),
        ("V,261125,,REF,CUST,TEXT", True),
        ("S,REF,CUST,TEXT", False),
        ("D,2,0,500,REF,CUST,TEXT", False),
    ],
)
def test_numbers_that_a_funds_type_announces_are_asked_for(funds: str, *, fine: bool) -> None:
    feedback = read(_lines(ACCOUNT[0], f"16,165,1500,{funds}/", "49,1003000,3/", total=1003000))
    assert told(feedback) == ([] if fine else [("warning", "bai2-funds", 4)])
    assert feedback.entries["amount_minor"].to_list() == [1500]
    if fine:
        assert feedback.entries["servicer_reference"].to_list() == ["REF"]


def test_a_negative_amount_is_called_that() -> None:
    feedback = read(_lines(ACCOUNT[0], "16,165,-1500,0,X,,T/", "49,1000000,3/", total=1000000))
    [amount] = feedback.findings.filter(rule="bai2-amount")["message"]
    assert amount == "The amount is negative: the type code alone says which side it is on."
