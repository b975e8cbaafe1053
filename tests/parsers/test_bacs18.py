"""Bacs Standard 18: golden files, each fault by name, the corpus, windows, excerpts, and bytes that nobody should send."""

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

from canonical.contracts import Source, Window
from parsers import _bacs_lines
from parsers import bacs18 as module
from parsers._bacs_layout import date_of
from parsers.bacs18 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "bacs18"
SINGLE = (GOLDEN / "single_day.txt").read_bytes()
MULTI = (GOLDEN / "multi_day.txt").read_bytes()
LINES = SINGLE.decode().splitlines()
MULTI_LINES = MULTI.decode().splitlines()
PLACE = ("payment_id", "line", "offset", "length", "batch_line")


def windows(data: bytes) -> list[Window]:
    return list(FORMAT.windows(Source("0" * 20, "test.txt", data), FORMAT.options()))


def read(data: bytes) -> Window:
    return one_window(windows(data))


def differing(window: Window) -> list[str]:
    wrong = window.totals.filter(pl.col("declared").ne_missing(pl.col("found")))
    return [field.partition(",")[0] for field in wrong["field"]]


def joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("latin-1")


def with_lines(lines: list[str] = LINES, **changes: str | None) -> bytes:
    """A golden file with lines (`line_3`) replaced or left out."""
    numbered = {f"line_{number}": line for number, line in enumerate(lines, start=1)}
    return joined([line for line in (numbered | changes).values() if line is not None])


def edited(number: int, first: int, text: str, lines: list[str] = LINES) -> bytes:
    """A golden file with `text` at position `first` (from 1) of a line."""
    line = lines[number - 1].ljust(first - 1)
    return with_lines(lines, **{f"line_{number}": line[: first - 1] + text + line[first - 1 + len(text) :]})


def plain(frame: pl.DataFrame) -> list[dict[str, object]]:
    dicts = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return [
        {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in row.items()} for row in dicts
    ]


@pytest.mark.parametrize("name", ["single_day", "multi_day"])
def test_golden(name: str) -> None:
    window = read((GOLDEN / f"{name}.txt").read_bytes())
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    assert plain(window.payments) == expected["payments"]
    assert plain(window.totals) == expected["totals"]
    assert plain(window.findings) == expected["findings"]
    assert window.unreadable == 0
    assert differing(window) == []
    assert window.header is not None
    assert window.header.message_id == expected["message_id"]
    assert window.header.created == "2026-11-20"


@pytest.mark.parametrize(
    ("data", "warned"),
    [
        (SINGLE.replace(b"\n", b"\r\n"), set()),
        (SINGLE.replace(b"\n", b"\r"), set()),
        (SINGLE.replace(b"\n", b""), set()),
        (joined([line.ljust(100) for line in LINES]).replace(b"\n", b""), set()),
        (SINGLE.rstrip(b"\n"), set()),
        (SINGLE + b"\n\n", set()),
        (joined([line.ljust(106) for line in LINES]), set()),
        (joined([line.rstrip() for line in LINES]), {"bacs18-length"}),
        (joined([LINES[0], "", *LINES[1:]]), set()),
    ],
    ids=[
        "crlf",
        "cr",
        "blocks",
        "padded blocks",
        "no final line end",
        "empty lines at the end",
        "padded",
        "trimmed",
        "empty",
    ],
)
def test_dialects_of_lines(data: bytes, warned: set[str]) -> None:
    window = read(data)
    assert_frame_equal(window.payments.drop(PLACE), read(SINGLE).payments.drop(PLACE))
    assert set(window.findings["rule"]) == warned
    assert set(window.findings["severity"]) <= {"warning"}
    assert differing(window) == []
    assert FORMAT.sniff(data[:4096])
    assert FORMAT.complete(data[-4096:])


def test_multi_day_without_line_ends() -> None:
    window = read(MULTI.replace(b"\r\n", b""))
    assert_frame_equal(window.payments.drop(PLACE), read(MULTI).payments.drop(PLACE))
    assert differing(window) == []


@pytest.mark.parametrize("lines", [LINES[4:8], MULTI_LINES[4:13]])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_data_records_alone(lines: list[str], end: str) -> None:
    data = "".join(f"{line}{end}" for line in lines).encode()
    window = read(data)
    assert FORMAT.sniff(data)
    assert not FORMAT.complete(data)
    whole = read(SINGLE if lines[0] == LINES[4] else MULTI).payments
    dates = [name for name in whole.columns if "date" in name or name in ("batch_id", "creditor_scheme_id")]
    assert_frame_equal(window.payments.drop(*PLACE, *dates), whole.drop(*PLACE, *dates))
    assert set(window.findings["severity"]) <= {"warning"}
    assert window.totals.is_empty()


def test_several_files_in_one_submission() -> None:
    again = list(LINES[1:])
    window = read(joined([*LINES, *again]))
    assert window.payments.height == 6
    assert window.totals.height == 10
    assert differing(window) == []
    assert window.findings.is_empty()


CONTRA = LINES[7]
FAULTS = {
    "no user trailer": (with_lines(line_11=None), "bacs18-incomplete", "fatal", None),
    "cut in the data": (joined(LINES[:6]), "bacs18-incomplete", "fatal", None),
    "nothing at all": (b"", "bacs18-incomplete", "fatal", None),
    "no volume label": (with_lines(line_1=None), "bacs18-order", "warning", 1),
    "no second header": (with_lines(line_3=None), "bacs18-order", "warning", 3),
    "no user header": (with_lines(line_4=None), "bacs18-order", "error", 4),
    "data after the trailer": (joined([*LINES, LINES[4]]), "bacs18-order", "error", 12),
    "two volume labels": (joined([LINES[0], *LINES]), "bacs18-order", "error", 2),
    "header in the data": (joined([*LINES[:6], LINES[1], *LINES[6:]]), "bacs18-order", "error", 7),
    "service user number": (edited(1, 42, "HELLOO"), "bacs18-label", "error", 1),
    "header's service user number": (edited(2, 6, "12 456"), "bacs18-label", "error", 2),
    "file identifier": (edited(2, 5, "B"), "bacs18-label", "error", 2),
    "creation date": (edited(2, 43, "26399"), "bacs18-label", "warning", 2),
    "record length": (edited(3, 11, "00094"), "bacs18-label", "warning", 3),
    "processing date": (edited(4, 6, "26000", MULTI_LINES), "bacs18-label", "error", 4),
    "another user in the trailer": (edited(9, 6, "654321"), "bacs18-label", "warning", 9),
    "currency": (edited(4, 21, "01"), "bacs18-label", "error", 4),
    "work code": (edited(4, 29, "7 NEVER"), "bacs18-label", "error", 4),
    "file number": (edited(4, 38, "A01"), "bacs18-label", "warning", 4),
    "account type": (edited(5, 15, "X"), "bacs18-account-type", "error", 5),
    "transaction code": (edited(5, 16, "XX"), "bacs18-transaction-code", "error", 5),
    "a line of prose": (joined([*LINES[:4], "HELLO", *LINES[4:]]), "bacs18-transaction-code", "error", 5),
    "text behind the record": (with_lines(line_5=LINES[4].ljust(106) + "X"), "bacs18-length", "error", 5),
    "another day": (edited(5, 102, "26332"), "bacs18-date", "error", 5),
    "no day in a multi-day file": (edited(5, 101, "      ", MULTI_LINES), "bacs18-date", "error", 5),
    "short reference": (edited(5, 65, "AB1 .".ljust(18), MULTI_LINES), "bacs18-reference", "error", 5),
    "reference of one character": (edited(5, 65, "7777777".ljust(18), MULTI_LINES), "bacs18-reference", "error", 5),
    "reference that is an indemnity": (edited(5, 65, "DDICABC", MULTI_LINES), "bacs18-reference", "error", 5),
    "instruction with an amount": (edited(9, 46, "1", MULTI_LINES), "bacs18-instruction", "error", 9),
    "an instruction": (MULTI, "bacs18-instruction", "warning", 9),
    "small letters": (edited(5, 83, "a example"), "bacs18-character", "warning", 5),
    "an apostrophe": (edited(5, 84, "'"), "bacs18-character", "warning", 5),
    "an apostrophe in a mandate's reference": (edited(5, 66, "'", MULTI_LINES), "bacs18-character", "error", 5),
    "no ASCII": (edited(5, 84, "É"), "bacs18-character", "error", 5),
    "a tabulator": (edited(5, 84, "\t"), "bacs18-character", "error", 5),
    "a stray carriage return": (edited(5, 84, "\r"), "bacs18-character", "error", 5),
    "no contra record": (joined([*LINES[:7], *LINES[8:]]), "bacs18-contra", "warning", None),
    "contra of another sum": (edited(8, 46, "6"), "bacs18-contra", "error", 5),
    "contra of one day missing": (joined([*MULTI_LINES[:12], *MULTI_LINES[13:]]), "bacs18-contra", "error", 7),
    "contra with another code": (edited(8, 16, "18"), "bacs18-contra", "error", 8),
    "contra to another account": (edited(8, 7, "11111111"), "bacs18-contra", "error", 8),
    "a payment to oneself": (edited(5, 1, LINES[4][17:31]), "bacs18-contra", "error", 5),
    "a bank's list": (edited(1, 38, "****830000"), "bacs18-inbound", "fatal", 1),
    "a bank's header": (with_lines(line_1=None, line_2="HDR1 A606005Z0001"), "bacs18-inbound", "fatal", 1),
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
    ("data", "fields"),
    [
        (edited(11, 5, "0000000000001"), ["UTL1: debit value total"]),
        (edited(11, 18, "            1"), ["UTL1: credit value total"]),
        (edited(11, 31, "0000002"), ["UTL1: debit item count"]),
        (edited(11, 38, "0000009"), ["UTL1: credit item count"]),
        (edited(16, 53, "0000000", MULTI_LINES), ["UTL1: DDI count"]),
        (edited(5, 46, "9"), ["UTL1: credit value total"]),
    ],
)
def test_declared_totals_that_differ(data: bytes, fields: list[str]) -> None:
    assert differing(read(data)) == fields


def test_a_record_that_can_be_no_payment_is_unreadable() -> None:
    window = read(edited(5, 16, "XX"))
    assert (window.payments.height, window.unreadable) == (2, 1)
    assert window.payments["row"].to_list() == [1, 2]


LOST = {
    "a credit": (edited(5, 16, "XX"), 5),
    "an instruction": (edited(9, 16, "0X", MULTI_LINES), 9),
    "a collection": (edited(5, 16, "21", MULTI_LINES), 5),
    "the contra record": (edited(8, 16, "27"), 8),
    "an amount that is none": (edited(5, 16, "XX08999966374958    0000012500O"), 5),
    "the first two": (with_lines(line_5=LINES[4][:15] + "XX" + LINES[4][17:], line_6=LINES[5][:15] + "YY" + LINES[5][17:]), 5),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_a_record_of_an_unknown_code_is_told_once(name: str) -> None:
    data, line = LOST[name]
    window = read(data)
    told = window.findings.filter(pl.col("severity") == "error")
    assert set(told["rule"]) == {"bacs18-transaction-code"}
    assert told["line"][0] == line
    assert differing(window) == []


def test_beside_an_unknown_code_another_difference_is_still_told() -> None:
    lines = {"line_5": LINES[4][:15] + "XX" + LINES[4][17:], "line_6": LINES[5][:45] + "6" + LINES[5][46:]}
    window = read(with_lines(**lines))
    assert "bacs18-contra" in window.findings["rule"].to_list()
    assert differing(window) == ["UTL1: credit value total"]


def test_an_amount_that_is_none_stays_as_written() -> None:
    payments = read(edited(5, 36, "    1250.00")).payments
    assert payments.select("amount_text", "amount_minor").row(0) == ("1250.00", None)


def test_byte_spans_hold_the_record() -> None:
    for offset, length, account in read(MULTI).payments.select("offset", "length", "debtor_account").iter_rows():
        span = MULTI[offset : offset + length].decode()
        assert len(span) == 106
        assert account in (span[6:14], span[23:31])


@pytest.mark.parametrize(
    "data",
    [SINGLE, MULTI, MULTI.replace(b"\r\n", b""), MULTI.replace(b"\r\n", b"\r"), edited(5, 84, "É"), joined(LINES * 2)],
)
def test_where_windows_are_cut_does_not_matter(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(data)
    monkeypatch.setattr(_bacs_lines, "_WINDOW_BYTES", 250)
    parts = read(data)
    assert len(windows(data)) > 2
    assert_frame_equal(whole.payments, parts.payments)
    assert_frame_equal(whole.totals, parts.totals)
    assert_frame_equal(whole.findings.sort(pl.all()), parts.findings.sort(pl.all()))


def test_more_payments_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_ROWS_MAX", 2)
    window = read(SINGLE)
    assert (window.payments.height, window.unreadable) == (2, 1)
    assert window.findings.filter(severity="fatal")["line"].to_list() == [7]


def test_days() -> None:
    assert date_of("26001") == dt.date(2026, 1, 1)
    assert date_of("24366") == dt.date(2024, 12, 31)
    assert [date_of(text) for text in ("26366", "26000", "2601", "26 01", "ABCDE", "")] == [None] * 6


def test_sniff_and_complete() -> None:
    for other in (b"", b"101 091000019", b"<?xml version='1.0'?>", b"a,b,c\n", b"5200\n", b":20:X\n", b"{1:F01"):
        assert not FORMAT.sniff(other)
    for other in (b"", b"\n", b"UTL1", SINGLE[:-100], joined(LINES[4:8])):
        assert not FORMAT.complete(other)


# ------------------------------------------------------------------------------------------------ excerpts

CODES = st.sampled_from(["99", "17", "01", "Z4", "18"])
RECORD = st.tuples(CODES, st.integers(1, 10**8), st.sampled_from(["26331", "26334"]), st.sampled_from("12"))


def made(records: list[tuple[str, int, str, str]], *, contras: bool = True) -> bytes:
    """A sound multi-day file with those payments: code, pence, day, originating account."""
    head, tail = MULTI_LINES[:4], MULTI_LINES[-3:]
    user = "HARBOUR TEA CO".ljust(18)
    lines, sums = [], {}
    for number, (code, pence, day, account) in enumerate(records):
        origin = f"08999966{account}74958"
        lines.append(
            f"107999888374910{code}{origin}    {pence:011d}{user}{f'MEMBER{number}':<18}{'A EXAMPLE':<18} {day}"
        )
        side = "99" if code in ("17", "01", "18") else "17"
        sums[origin, day, side] = sums.get((origin, day, side), 0) + pence
    if contras:
        lines += [
            f"{o}0{side}{o}    {total:011d}{user}{'CONTRA':<18}{user} {day}" for (o, day, side), total in sums.items()
        ]
    money = {side: sum(int(line[35:46]) for line in lines if (line[15:17] in ("99", "Z4")) == side) for side in (0, 1)}
    count = {side: sum((line[15:17] in ("99", "Z4")) == side for line in lines) for side in (0, 1)}
    trailer = f"UTL1{money[0]:013d}{money[1]:013d}{count[0]:07d}{count[1]:07d}{'':8}{0:07d}".ljust(80)
    return joined([*head, *lines, *tail[:2], trailer])


@given(st.lists(st.tuples(RECORD, st.booleans()), min_size=1, max_size=12), st.booleans())
def test_an_excerpt_holds_the_kept_payments_and_ties(chosen, contras) -> None:
    data = made([record for record, _ in chosen], contras=contras)
    whole = read(data)
    assert differing(whole) == []
    assert set(whole.findings["severity"]) <= {"warning"}
    mask = pl.Series([keep for _, keep in chosen])
    kept = whole.payments.filter(mask)
    if kept.is_empty():
        return
    again = FORMAT.excerpt(Source("0" * 20, "test.txt", data), kept, FORMAT.options())
    window = read(again)
    moved = (*PLACE, "row", "batch")
    assert_frame_equal(window.payments.drop(moved), kept.drop(moved))
    assert differing(window) == []
    assert set(window.findings["severity"]) <= {"warning"}
    assert FORMAT.complete(again)


@pytest.mark.parametrize(
    "data",
    [
        SINGLE,
        MULTI,
        SINGLE.replace(b"\n", b""),
        SINGLE.replace(b"\n", b"\r"),
        joined([*LINES, *LINES[1:]]),
        joined(LINES[4:8]),
    ],
)
def test_an_excerpt_of_everything(data: bytes) -> None:
    whole = read(data)
    again = FORMAT.excerpt(Source("0" * 20, "test.txt", data), whole.payments, FORMAT.options())
    window = read(again)
    assert_frame_equal(window.payments.drop(PLACE), whole.payments.drop(PLACE))
    assert differing(window) == []
    assert not set(window.findings["rule"]) - {"bacs18-contra"}


def test_an_excerpt_keeps_only_the_files_it_needs() -> None:
    data = joined([*LINES, *LINES[1:]])
    kept = read(data).payments.slice(4, 1)
    again = FORMAT.excerpt(Source("0" * 20, "test.txt", data), kept, FORMAT.options()).decode().splitlines()
    assert [line[:4] for line in again] == ["VOL1", "HDR1", "HDR2", "UHL1", "2029", "0899", "EOF1", "EOF2", "UTL1"]
    assert again[-1].startswith("UTL10000000098765000000009876500000010000001")


# ------------------------------------------------------------------------------------------------ the corpus


def test_corpus(corpus) -> None:
    files = corpus("bacs18")
    assert len(files) == 4
    for file in files:
        window = read(file.path.read_bytes())
        found = set(window.findings["rule"])
        assert FORMAT.sniff(file.path.read_bytes()[:4096])
        if "INBOUND" in file.note:
            assert found == {"bacs18-inbound"}, file.key
        else:
            assert {"bacs18-label", "bacs18-instruction", "bacs18-character"} <= found, file.key
            assert window.totals["found"].to_list() == [0, 0, 0, 0, file.transactions]


# ------------------------------------------------------------------------------------------------ anything


@given(st.binary(max_size=600) | st.text(alphabet="VOLHDRUEFT1299 0\n\r", max_size=400).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    read(data)
    FORMAT.sniff(data)
    FORMAT.complete(data)


@given(st.integers(0, len(MULTI)), st.binary(max_size=40), st.integers(0, 40))
def test_no_damage_makes_it_raise(at: int, patch: bytes, gone: int) -> None:
    data = MULTI[:at] + patch + MULTI[at + gone :]
    window = read(data)
    assert window.header is not None
    assert FORMAT.excerpt(Source("0" * 20, "x", data), window.payments, FORMAT.options()) is not None


def test_labels_behind_the_user_trailer_are_out_of_order_and_nothing_is_missing() -> None:
    volume = f"EOV1{LINES[0][4:]}"
    turned = joined([*LINES[:-3], LINES[-1], *LINES[-3:-1], volume])
    assert FORMAT.complete(turned[-4096:])
    window = read(turned)
    assert window.findings.select("rule", "severity", "line").rows() == [
        ("bacs18-order", "warning", 9), ("bacs18-order", "error", 10), ("bacs18-order", "error", 12)
    ]  # fmt: skip
    assert window.findings["message"][2] == "After EOF2 comes EOV1; that is not the order of Standard 18."
    assert (window.payments.height, window.unreadable) == (read(SINGLE).payments.height, 0)
    # A second file of the submission that is cut off is not closed by the first one's trailer.
    cut_off = SINGLE + joined(LINES[1:-1])
    assert "bacs18-incomplete" in read(cut_off).findings["rule"].to_list()
    assert not FORMAT.complete(cut_off[-4096:])
