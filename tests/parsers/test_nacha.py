"""NACHA origination files: golden, each fault by name, the corpus, windows, and bytes that nobody should send."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from property_examples import examples
from whole_files import one_window

from canonical.contracts import Context, Source, Window
from canonical.frames import PAYMENTS
from canonical.identifiers import payment_id_of
from canonical.money import amount_text
from canonical.profiles import DEFAULT_CLIENT
from parsers import _nacha_lines, _nacha_reading, nacha
from parsers._nacha_digits import amount_texts, payment_ids
from parsers._nacha_rules import FAULTS as RULE_FAULTS
from parsers.nacha import FORMAT
from validators.aba import RULE as ABA

GOLDEN = Path(__file__).parent / "golden" / "nacha"
ORIGINATION = (GOLDEN / "origination.ach").read_bytes()
LINES = ORIGINATION.decode().splitlines()
BLOCKING = ("error", "fatal")
FATAL = {
    "nacha-return-file",
    "nacha-rows",
    "nacha-incomplete",
    "nacha-line-endless",
    "nacha-unreadable",
    "nacha-indented",
}


def windows(data: bytes) -> list[Window]:
    return list(FORMAT.windows(Source("0" * 20, "test.ach", data), FORMAT.options()))


def read(data: bytes) -> Window:
    return one_window(windows(data))


def differing(window: Window) -> list[str]:
    wrong = window.totals.filter(pl.col("declared").ne_missing(pl.col("found")))
    return [f"{level} {measure}" for level, measure in wrong.select("level", "measure").rows()]


def with_lines(**changes: str | None) -> bytes:
    """The golden file with lines (`line_3`) replaced or left out."""
    numbered = {f"line_{number}": line for number, line in enumerate(LINES, start=1)}
    return "".join(f"{line}\n" for line in (numbered | changes).values() if line is not None).encode()


def edited(number: int, first: int, text: str) -> bytes:
    """The golden file with `text` at position `first` (from 1) of a line."""
    line = LINES[number - 1]
    return with_lines(**{f"line_{number}": line[: first - 1] + text + line[first - 1 + len(text) :]})


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text().splitlines()]


def plain(frame: pl.DataFrame) -> list[dict[str, object]]:
    dicts = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return [
        {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in row.items()} for row in dicts
    ]


@pytest.mark.parametrize("name", ["origination", "classes"])
def test_golden_payments(name: str) -> None:
    window = read((GOLDEN / f"{name}.ach").read_bytes())
    assert plain(window.payments) == rows(f"{name}.payments.jsonl")
    assert plain(window.totals) == rows(f"{name}.totals.jsonl")
    assert window.findings.is_empty()


def test_golden() -> None:
    window = read(ORIGINATION)
    assert window.findings.is_empty()
    assert window.unreadable == 0
    assert differing(window) == []
    header = window.header
    assert header is not None
    assert (header.format, header.message_id, header.created, header.initiating_party) == (
        "nacha", "1234567890-2611201015-A", "2026-11-20T10:15:00", "HARBOUR TEA COMPANY",
    )  # fmt: skip


@given(
    st.lists(st.integers(0, 10**12 - 1), min_size=1),
    st.sampled_from(["0123456789abcdef0123", "short", "longer than ever"]),
)
def test_texts_made_of_digits_are_those_of_the_house(numbers: list[int], file_id: str) -> None:
    array, frame = np.array(numbers), pl.DataFrame({"n": numbers})
    wanted = frame.select(payment_id_of(pl.lit(file_id), pl.col("n"))).to_series()
    assert payment_ids(file_id, array).to_list() == wanted.to_list()
    cents = array % 10**10
    wanted = pl.DataFrame({"n": cents}).select(amount_text(pl.col("n"), pl.lit("USD"))).to_series()
    texts = amount_texts(cents)
    assert texts is not None
    assert texts.to_list() == wanted.to_list()
    assert texts.equals(wanted)
    assert amount_texts(np.array([10**10])) is None


def test_byte_spans_hold_the_entry_and_its_addenda() -> None:
    for offset, length, addenda in read(ORIGINATION).payments.select("offset", "length", "remittance").iter_rows():
        span = ORIGINATION[offset : offset + length]
        assert span[:1] == b"6"
        assert (b"\n7" in span) == (addenda is not None)


@pytest.mark.parametrize(
    ("data", "warned"),
    [
        (ORIGINATION.replace(b"\n", b"\r\n"), set()),
        (ORIGINATION.replace(b"\n", b"\r"), set()),
        (ORIGINATION.replace(b"\n", b""), set()),
        (ORIGINATION.rstrip(b"\n"), set()),
        (ORIGINATION + b"\n\n", set()),
        (ORIGINATION + b"\x1a", set()),
        (ORIGINATION.replace(b"\n", b"") + b"\x1a\x00\x00", set()),
        (b"\n".join(line.rstrip() for line in ORIGINATION.splitlines()), {"nacha-blanks"}),
        (ORIGINATION.replace(b"9" * 94 + b"\n", b""), {"nacha-blocking"}),
        (ORIGINATION.replace(LINES[7].encode(), b"\n" + LINES[7].encode()), {"nacha-empty-line"}),
    ],
    ids=[
        "crlf",
        "cr",
        "blocks",
        "no final line end",
        "empty lines at the end",
        "a sign for the end",
        "blocks with one",
        "trimmed",
        "no filler",
        "empty line",
    ],
)
def test_dialects_of_lines(data: bytes, warned: set[str]) -> None:
    window = read(data)
    place = ("payment_id", "line", "offset", "length", "batch_line")
    assert_frame_equal(window.payments.drop(place), read(ORIGINATION).payments.drop(place))
    assert set(window.findings["rule"]) == warned
    assert set(window.findings["severity"]) <= {"warning"}
    assert differing(window) == []
    assert FORMAT.sniff(data[:4096])
    assert FORMAT.complete(data[-4096:])


FAULTS = {
    "no file header": (with_lines(line_1=None), "nacha-header-missing", "error", 1),
    "no file control": (with_lines(line_18=None), "nacha-incomplete", "fatal", None),
    "cut in a batch": (ORIGINATION[: 95 * 9], "nacha-incomplete", "fatal", None),
    "nothing at all": (b"", "nacha-incomplete", "fatal", None),
    "no batch control": (with_lines(line_7=None), "nacha-order", "error", 7),
    "entry outside a batch": (with_lines(line_8=None), "nacha-order", "error", 8),
    "addenda before an entry": (with_lines(line_4=LINES[4], line_5=LINES[3]), "nacha-addenda-indicator", "error", 3),
    "addenda after a batch header": (with_lines(line_3=LINES[4]), "nacha-order", "error", 3),
    "batch control after file control": (with_lines(line_17=LINES[17], line_18=LINES[16]), "nacha-order", "error", 18),
    "entry after file control": (with_lines(line_19=LINES[2]), "nacha-order", "error", 19),
    "two file headers": (with_lines(line_2=LINES[0] + "\n" + LINES[1]), "nacha-order", "error", 2),
    "batch without entries": (with_lines(line_14=None, line_15=None, line_16=None), "nacha-order", "error", 14),
    "filler in the middle": (with_lines(line_8="9" * 94 + "\n" + LINES[7]), "nacha-order", "error", 8),
    "format code": (edited(1, 40, "9"), "nacha-format-code", "error", 1),
    "record size": (edited(1, 35, "080"), "nacha-record-size", "error", 1),
    "blocking factor": (edited(1, 38, "20"), "nacha-blocking-factor", "error", 1),
    "priority code": (edited(1, 2, "02"), "nacha-priority-code", "error", 1),
    "destination": (edited(1, 4, " 076543210"), "nacha-destination", "warning", 1),
    "origin": (edited(1, 14, " " * 10), "nacha-origin", "warning", 1),
    "modifier": (edited(1, 34, "a"), "nacha-file-id-modifier", "warning", 1),
    "accounting advices": (edited(2, 51, "ADV"), "nacha-advice", "error", 2),
    "no receiver": (edited(3, 55, " " * 22), "nacha-receiver-name", "error", 3),
    "a receiver of zeros": (edited(3, 55, "0" * 22), "nacha-receiver-name", "error", 3),
    "no batches": (f"{LINES[0]}\n9{'0' * 6}000001{'0' * 42}{'':39}\n".encode(), "nacha-no-batches", "warning", 2),
    "creation date": (edited(1, 24, "261345"), "nacha-creation-date", "warning", 1),
    "short entry": (with_lines(line_3=LINES[2][:90]), "nacha-length", "error", 3),
    "long entry": (with_lines(line_3=LINES[2] + "X"), "nacha-length", "error", 3),
    "blanks behind an entry": (with_lines(line_3=LINES[2] + "  "), "nacha-blanks", "warning", 3),
    "endless line": (with_lines(line_3="6" * 70_000), "nacha-line-endless", "fatal", 3),
    "all lines indented": ("".join(f" {line}\n" for line in LINES).encode(), "nacha-indented", "fatal", 1),
    "unknown record": (edited(3, 1, "4"), "nacha-record-type", "error", 3),
    "no ASCII in an entry": (edited(3, 60, "É"), "nacha-character", "error", 3),
    "no ASCII in addenda": (edited(5, 60, "É"), "nacha-character", "error", 5),
    "no ASCII in a batch header": (edited(2, 10, "É"), "nacha-character", "error", 2),
    "a tabulator": (edited(3, 60, "\t"), "nacha-character", "error", 3),
    "a stray carriage return": (edited(3, 60, "\r"), "nacha-character", "error", 3),
    "service class unknown": (edited(2, 2, "999"), "nacha-service-class", "error", 2),
    "debit in a credit batch": (edited(3, 2, "27"), "nacha-service-class-entries", "error", 7),
    "credit in a debit batch": (edited(9, 2, "22"), "nacha-service-class-entries", "error", 12),
    "class not taken": (edited(2, 51, "QQQ"), "nacha-sec", "error", 2),
    "company name zeros": (edited(2, 5, "0" * 16), "nacha-company-name", "error", 2),
    "company id missing": (edited(2, 41, " " * 10), "nacha-company-id", "error", 2),
    "description missing": (edited(2, 54, " " * 10), "nacha-entry-description", "error", 2),
    "odfi": (edited(2, 80, "1234567X"), "nacha-odfi", "error", 2),
    "batch number again": (edited(8, 88, "0000001"), "nacha-batch-number", "warning", 8),
    "control of another company": (edited(7, 45, "9"), "nacha-company-match", "error", 7),
    "control of another class": (edited(7, 2, "200"), "nacha-service-class-match", "error", 7),
    "control of another number": (edited(7, 88, "0000009"), "nacha-batch-number-match", "error", 7),
    "control of another odfi": (edited(7, 80, "9"), "nacha-odfi-match", "error", 7),
    "code of a return": (edited(3, 2, "21"), "nacha-return-code", "error", 3),
    "code unknown": (edited(3, 2, "99"), "nacha-transaction-code", "error", 3),
    "trace descending": (edited(4, 94, "0"), "nacha-trace-order", "error", 4),
    "trace twice": (edited(4, 94, "1"), "nacha-trace-order", "error", 4),
    "trace no digits": (edited(4, 94, "X"), "nacha-trace", "error", 4),
    "trace of another odfi": (edited(3, 80, "0"), "nacha-trace-odfi", "warning", 7),
    "addenda indicator without addenda": (edited(3, 79, "1"), "nacha-addenda-indicator", "error", 3),
    "addenda without indicator": (edited(4, 79, "0"), "nacha-addenda-indicator", "error", 4),
    "two addenda": (with_lines(line_5=LINES[4] + "\n" + LINES[4]), "nacha-addenda-number", "error", 4),
    "addenda of another type": (edited(5, 2, "02"), "nacha-addenda-type", "error", 4),
    "addenda of another entry": (edited(5, 94, "9"), "nacha-addenda-trace", "error", 4),
    "addenda sequence": (edited(5, 87, "2"), "nacha-addenda-sequence", "error", 4),
    "a return": (edited(5, 2, "99"), "nacha-return-file", "fatal", 5),
    "a notification of change": (edited(5, 2, "98"), "nacha-return-file", "fatal", 5),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_where_it_stands(name: str) -> None:
    data, rule, severity, line = FAULTS[name]
    found = read(data).findings
    here = found.filter(pl.col("rule") == rule, pl.col("severity") == severity, pl.col("line").eq_missing(line))
    assert not here.is_empty(), found.select("rule", "severity", "line", "message").rows()


def test_all_faults_are_reported() -> None:
    data = edited(3, 2, "99").replace(b"CLEO", b"CL\xc9O").replace(LINES[16].encode(), b"")
    assert {"nacha-transaction-code", "nacha-character", "nacha-order"} <= set(read(data).findings["rule"])


@pytest.mark.parametrize(
    ("data", "measures"),
    [
        (edited(7, 5, "000005"), ["batch count"]),
        (edited(7, 11, "0123456780"), ["batch entry_hash"]),
        (edited(12, 21, "000000000001"), ["batch debit_sum"]),
        (edited(7, 33, "000000437551"), ["batch credit_sum"]),
        (edited(7, 33, "        4375"), ["batch credit_sum"]),
        (edited(18, 2, "000004"), ["file batches"]),
        (edited(18, 8, "000001"), ["file blocks"]),
        (edited(18, 14, "00000011"), ["file count"]),
        (edited(18, 22, "1358024686"), ["file entry_hash"]),
        (edited(18, 32, "000100050001"), ["file debit_sum"]),
        (edited(18, 44, "000001747118"), ["file credit_sum"]),
        (edited(3, 30, "0000250001"), ["batch credit_sum", "file credit_sum"]),
    ],
)
def test_declared_totals_that_differ(data: bytes, measures: list[str]) -> None:
    assert differing(read(data)) == measures


def test_an_entry_that_can_be_no_payment_is_unreadable() -> None:
    window = read(edited(3, 2, "99"))
    assert (window.payments.height, window.unreadable) == (7, 1)
    assert window.payments["row"].to_list() == list(range(1, 8))


def test_an_entry_outside_a_batch_is_unreadable_yet_counted() -> None:
    window = read(with_lines(line_19=LINES[2]))
    assert (window.payments.height, window.unreadable) == (8, 1)
    assert differing(window) == ["file count", "file entry_hash", "file credit_sum"]


def test_amounts_that_are_none_stay_as_written() -> None:
    payments = read(edited(3, 30, "   2500.00")).payments
    assert payments["amount_minor"][0] is None
    assert payments["amount_text"][0] == "2500.00"
    signed = read(edited(3, 30, "+000250000")).payments
    assert signed["amount_minor"][0] is None


def test_effective_entry_date_may_be_missing_or_no_date() -> None:
    text, date = "requested_execution_date_text", "requested_execution_date"
    assert read(edited(2, 70, "      ")).payments.select(text, date).row(0) == (None, None)
    assert read(edited(2, 70, "261399")).payments.select(text, date).row(0) == ("261399", None)


def test_character_finding_names_its_payment() -> None:
    finding = read(edited(5, 60, "É")).findings.row(0, named=True)
    assert (finding["level"], finding["row"], finding["end_to_end_id"]) == ("payment", 2, "EMP-0002")
    assert finding["value"] is None


@pytest.mark.parametrize("name", ["origination", "corpus"])
def test_where_windows_are_cut_does_not_matter(name: str, corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = (
        [ORIGINATION, ORIGINATION.replace(b"\n", b""), ORIGINATION.replace(b"\n", b"\r")]
        if name == "origination"
        else [file.path.read_bytes() for file in corpus("nacha") if 1_600 < file.path.stat().st_size < 10_000]
    )
    assert samples
    for data in samples:
        monkeypatch.setattr(_nacha_lines, "_WINDOW_BYTES", 2**24)
        whole = read(data)
        monkeypatch.setattr(_nacha_lines, "_WINDOW_BYTES", 300 if name == "origination" else 1600)
        parts = read(data)
        assert_frame_equal(whole.payments, parts.payments)
        assert_frame_equal(whole.totals, parts.totals)
        assert_frame_equal(whole.findings.sort(pl.all()), parts.findings.sort(pl.all()))
        assert whole.unreadable == parts.unreadable
    assert name == "corpus" or len(windows(samples[0])) > 2


def test_more_entries_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nacha, "FILE_ROWS_MAX", 5)
    monkeypatch.setattr(_nacha_reading, "FILE_ROWS_MAX", 5)
    window = read(ORIGINATION)
    assert (window.payments.height, window.unreadable) == (5, 3)
    assert window.findings.filter(severity="fatal")["line"].to_list() == [14]


HEADER = LINES[0].encode()
NO_ACH = {
    "blocks of something": HEADER + b"x" * 94 * 20_000,
    "short lines": HEADER + b"\n" + b"x\n" * 20_000,
    "empty lines": HEADER + b"\n" * 20_000 + b"x\n",
    "addenda only": HEADER + b"7" * 94 * 20_000,
    "headers only": (HEADER + b"\n") * 20_000,
    "accents only": HEADER + b"\n" + (b"6" + b"\xe9" * 93 + b"\n") * 5_000,
}


@pytest.mark.parametrize("name", NO_ACH)
def test_what_is_no_ach_file_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nacha_lines, "_WINDOW_BYTES", 2**20)
    monkeypatch.setattr(_nacha_lines, "BAD_CHARACTERS_MAX", 2**18)
    parts = windows(NO_ACH[name] * 5)
    assert len(parts) == 1, "the rest is not read"
    assert parts[0].findings.filter(severity="fatal")["rule"].to_list() == ["nacha-unreadable"]
    assert parts[0].findings.height < 25_000
    assert parts[0].totals.is_empty()


def test_a_line_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nacha_lines, "_WINDOW_BYTES", 2**20)
    parts = windows(HEADER + b"\n" + b"x" * 2**23)
    assert len(parts) == 2, "the rest is not read"
    assert parts[1].findings.filter(severity="fatal")["rule"].to_list() == ["nacha-line-endless"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_odd_lines_spoil_none_of_their_neighbours(line_end: bytes) -> None:
    lines = [line.encode() for line in LINES]
    lines[2] = lines[2].replace(b"ADA", b"\xc4D\x00")
    lines[8:8] = [b"", b"unknown"]
    lines[13] += b"  "
    window = read(line_end.join(lines) + line_end)
    assert window.payments.drop(["payment_id", "line", "offset", "length", "batch_line", "creditor_name"]).equals(
        read(ORIGINATION).payments.drop(["payment_id", "line", "offset", "length", "batch_line", "creditor_name"])
    )
    assert window.payments["creditor_name"][0] == "?D? EXAMPLE"
    told = window.findings.drop_nulls("line").sort("line").select("rule", "line").rows()
    assert told[:3] == [
        ("nacha-character", 3),
        ("nacha-empty-line", 9),
        ("nacha-record-type", 10),
    ]
    assert ("nacha-blanks", 14) in told


@pytest.mark.parametrize("window_bytes", [300, 2**20])
def test_what_costs_nothing_is_told_once_with_its_number(window_bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nacha_lines, "_WINDOW_BYTES", window_bytes)
    wide = [f"{line}{'' if n == 0 else '   '}" for n, line in enumerate(LINES)]
    wide[3:3], wide[12:12] = [""], ["", ""]
    told = pl.concat([part.findings for part in windows("\n".join(wide).encode())])
    assert told.select("rule", "line").rows() == [("nacha-blanks", 2), ("nacha-empty-line", 4)]
    assert told["message"].str.contains_any([f"added: {len(LINES) - 1} records,", "records: 3 empty lines,"]).all()


def test_sniff_and_complete() -> None:
    assert FORMAT.sniff(ORIGINATION[95:])
    for other in (
        b"",
        b"101,2,3\n",
        b"<?xml version='1.0'?>",
        b'{"a": 1}',
        b"5,00;EUR\n",
        b"1;ACME LTD;GB29NWBK60161331926819;094101;10.00\n",
    ):
        assert not FORMAT.sniff(other)
    for other in (b"", b"\n", b"9" * 94, ORIGINATION[: 95 * 17], ORIGINATION[: 95 * 17 + 40]):
        assert not FORMAT.complete(other)


@pytest.mark.parametrize(
    "header",
    [
        LINES[0].replace("101 076", "101076", 1),
        LINES[0].replace("101 ", "1O1 ", 1),
        LINES[0][:3] + "." + LINES[0][4:],
        LINES[0].replace("A094101", "A94101", 1),
    ],
    ids=["a blank short", "no priority code", "no routing number", "a digit short"],
)
def test_a_file_whose_header_is_out_of_place_is_still_one_of_ach(header: str) -> None:
    data = with_lines(line_1=header)
    assert FORMAT.sniff(data)
    assert read(data).findings.filter(pl.col("line") == 1).height
    assert read(data).payments.height == read(ORIGINATION).payments.height


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (LINES[0][:3] + LINES[0][4:] + " ", "at 34-39, not at 35-40: the fields before them are 1 position too short"),
        (
            LINES[0][:4] + "  " + LINES[0][4:92],
            "at 37-42, not at 35-40: the fields before them are 2 positions too long",
        ),
    ],
)
def test_a_header_out_of_place_is_told_once(header: str, told: str) -> None:
    found = read(with_lines(line_1=header)).findings.filter(line=1)
    assert found["rule"].to_list() == ["nacha-record-size"]
    assert told in found["message"][0]


def test_several_files_one_behind_the_other_are_told_and_their_totals_held_together() -> None:
    both = read(ORIGINATION + ORIGINATION)
    assert both.findings.filter(severity="error").select("rule", "line").rows() == [("nacha-order", len(LINES) + 1)]
    assert "A second file begins here" in both.findings.filter(rule="nacha-order")["message"][0]
    assert differing(both) == []
    assert both.payments.height == 2 * read(ORIGINATION).payments.height
    wrong = ORIGINATION.replace(LINES[17].encode(), (LINES[17][:13] + "00000099" + LINES[17][21:]).encode())
    assert differing(read(ORIGINATION + wrong)) == ["file count"]


def test_a_record_of_another_length_says_what_comes_of_it() -> None:
    told = read(with_lines(line_3=LINES[2][:50] + LINES[2][51:])).findings.filter(rule="nacha-length")["message"]
    assert told.to_list() == [
        "The record has 93 characters; 94 are right. What else is told of its fields may come of that."
    ]


def test_letters_of_two_bytes_move_nothing_behind_them() -> None:
    name = LINES[2][54:76]
    told = read(edited(3, 55, f"{name[:3]}É{name[4:]}")).findings
    assert told.select("rule", "line", "row").rows() == [("nacha-character", 3, 1)]
    assert "Position 58 of the record holds the byte 0xC3 (“É” in UTF-8)" in told["message"][0]
    assert read(edited(3, 55, f"É{name[1:3]}ß{name[4:]}")).findings["rule"].to_list() == ["nacha-character"]
    # By bytes a record may be right as well: then nothing is moved.
    padded = with_lines(line_3=LINES[2][:54] + "É" + LINES[2][56:]).decode()
    assert len(padded.splitlines()[2].encode()) == len(LINES[2])
    assert read(padded.encode()).findings["rule"].to_list() == ["nacha-character"]


def test_a_letter_of_two_bytes_in_a_record_cut_short() -> None:
    found = read(with_lines(line_3=LINES[2][:54] + "É" + LINES[2][55:90])).findings
    assert (
        "nacha-length",
        "The record has 90 characters; 94 are right. What else is told of its fields may come of that.",
    ) in found.select("rule", "message").rows()


@pytest.mark.parametrize(("before", "indent"), [(b"", b" "), (b"\r\n\r\n", b"    "), (b"", b"\t")])
def test_indented_records_are_told_once(before: bytes, indent: bytes) -> None:
    window = read(before + b"".join(indent + line.encode() + b"\r\n" for line in LINES))
    assert window.findings.select("rule", "line").rows() == [("nacha-indented", 1 + before.count(b"\n"))]
    assert window.payments.is_empty()


def test_one_line_that_is_moved_is_told_once() -> None:
    told = read(with_lines(line_3=" " + LINES[2])).findings.filter(pl.col("line") == 3)
    assert told.select("rule", "message").rows() == [
        ("nacha-record-type", "No ACH record begins with “ ”. The record has 95 characters; 94 are right.")
    ]


def test_a_class_in_small_letters_is_told_as_that() -> None:
    told = read(edited(2, 51, "ppd")).findings.filter(rule="nacha-sec")
    assert told["message"].to_list() == ["Class ppd is written in capitals, PPD; the whole batch is refused."]


def test_codes_of_accounting_advices_are_no_payments() -> None:
    told = read(edited(3, 2, "81")).findings.filter(rule="nacha-transaction-code")
    assert told["message"].to_list() == ["Transaction code 81 is for accounting advices (ADV), not for payments."]


# ------------------------------------------------------------------------------------------------ the corpus

DIFFERS = {
    "moov-io+ach/txp-debit.ach": {"file blocks", "nacha-addenda-sequence", "nacha-addenda-trace"},
    "moov-io+ach/moov-ids.ach": {"file entry_hash"},
    "moov-io+achgateway/duplicate-trace.ach": {"file entry_hash"},
    "moov-io+ach/ach-enr-read__enr-read.ach": {"nacha-addenda-count"},
    "moov-io+ach/enr-read.ach": {"nacha-addenda-count"},
    "moov-io+ach/iat-credit.ach": {"nacha-addenda-count"},
    "moov-io+achgateway/iat-credit.ach": {"nacha-addenda-count", "nacha-service-class-entries"},
    "moov-io+ach/ach-adv-read__adv-read.ach": {"nacha-advice"},
    "moov-io+ach/adv-read.ach": {"nacha-advice"},
    "moov-io+ach/adv.ach": {"nacha-advice"},
}
"""Files that the manifest calls valid and the Nacha Operating Rules refuse as payments (docs/formats/nacha.md)."""

NAMED = {
    "moov-io+ach-test-harness/20230809-144155-102000021-2Batches.ach": {"file batches", "file count", "file blocks"},
    "moov-io+ach-test-harness/out-of-order.ach": {"file batches", "file count", "file debit_sum"},
    "moov-io+ach/0.ach": {"nacha-header-missing", "nacha-company-name", "nacha-incomplete"},
    "moov-io+ach/1e5RecordBefore1or8.txt": {"nacha-header-missing", "nacha-order"},
    "moov-io+ach/1k8RecordFollowing9Record.txt": {"nacha-order"},
    "moov-io+ach/1qFormatCodeIncorrect.txt": {"nacha-format-code"},
    "moov-io+ach/2.ach": {"nacha-header-missing", "nacha-company-name", "nacha-incomplete"},
    "moov-io+ach/2lCompanyNameAllZeros.txt": {"nacha-company-name"},
    "moov-io+ach/4.ach": {"nacha-character", "nacha-order", "nacha-record-type", "nacha-iat-addenda"},
    "moov-io+ach/adv-invalidBatchEntries.ach": {"nacha-order", "nacha-return-file", "batch count", "nacha-advice"},
    "moov-io+ach/iat-batchHeaderErr.ach": {"nacha-order", "file batches", "batch count"},
    **{
        f"moov-io+ach/{name}.ach": {"nacha-character"}
        for name in (
            "Iat-invalidAddenda13",
            *(f"iat-invalidAddenda{number}" for number in (11, 12, 14, 15, 16, 17, 18)),
        )
    },
    "moov-io+ach/iat-invalidAddenda10.ach": {"nacha-iat-fields"},
    "moov-io+ach/iat-invalidBatchControl.ach": {"nacha-odfi-match", "nacha-batch-number-match"},
    "moov-io+ach/iat-invalidBatchHeader.ach": {"nacha-service-class"},
    "moov-io+ach/issue1620.ach": {"file batches"},
    "moov-io+ach/nonascii.ach": {"nacha-character", "file count"},
    "moov-io+ach/pos-invalidEntryDetail.ach": {"nacha-character"},
    "moov-io+ach/ppd-debit-fixedLengthInvalid.ach": {"nacha-record-size", "nacha-incomplete"},
    "moov-io+ach/ppd-debit-invalid-entryDetail-checkDigit.ach": {"aba"},
    "moov-io+ach/shr-credit.ach": {"file batches", "file count", "file credit_sum"},
    "moov-io+achgateway/forward.ach": {"nacha-header-missing", "nacha-incomplete", "nacha-order"},
    "moov-io+achgateway/partial-recon.ach": {"nacha-header-missing", "nacha-incomplete"},
    "moov-io+achgateway/ppd-debit.ach": {"nacha-header-missing", "nacha-incomplete"},
    "moov-io+achgateway/recon.ach": {"nacha-header-missing", "nacha-incomplete", "nacha-addenda-indicator"},
}
"""What is wrong with each file that the manifest calls invalid, but for return files."""


def faults(window: Window) -> set[str]:
    context = Context(today=dt.date(2026, 11, 20), client=DEFAULT_CLIENT, facts=FORMAT.facts)
    blocking = window.findings.filter(pl.col("severity").is_in(BLOCKING))
    domestic = window.payments.filter(pl.col("local_instrument").ne_missing("IAT"))
    return {*blocking["rule"], *differing(window), *ABA.findings(domestic, context)["rule"]}


def test_corpus(corpus) -> None:
    files = corpus("nacha")
    assert len(files) == 115
    for file in files:
        key = file.key.removeprefix("nacha/")
        window = read(file.path.read_bytes())
        found = faults(window)
        assert window.payments.height + window.unreadable == file.transactions, key
        if "return/NOC" in file.note:
            assert "nacha-return-file" in found, key
        elif file.validity == "invalid":
            assert NAMED[key] <= found, (key, found)
        else:
            assert found == DIFFERS.get(key, set()), (key, found)
            assert window.unreadable == 0, key
    keys = {file.key.removeprefix("nacha/") for file in files}
    assert {*NAMED, *DIFFERS} <= keys


def test_the_page_lists_where_we_differ_from_the_samples() -> None:
    page = (Path(__file__).parents[2] / "docs/formats/nacha.md").read_text(encoding="utf-8")
    missing = [key for key in DIFFERS if Path(key).name.rpartition("__")[2] not in page]
    assert not missing


def test_every_rule_stands_on_the_page_and_every_finding_is_a_rule() -> None:
    page = (Path(__file__).parents[2] / "docs/formats/nacha.md").read_text(encoding="utf-8")
    told = {rule for data, rule, _, _ in FAULTS.values()}
    assert told <= {fault.rule for fault in RULE_FAULTS} | FATAL
    missing = [rule for rule in {*FORMAT.facts.rules, *FATAL} if f"`{rule}`" not in page]
    assert not missing
    assert not FATAL & set(FORMAT.facts.rules)


def test_the_terms_name_canonical_columns() -> None:
    assert set(FORMAT.facts.terms) <= set(PAYMENTS.columns)
    assert all("position" in term for term in FORMAT.facts.terms.values())


# ------------------------------------------------------------------------------------------------ bytes of any kind


@given(st.integers(0, len(ORIGINATION) - 1), st.binary(max_size=3), st.integers(0, 200))
def test_a_change_at_any_byte_gives_findings_only(position: int, put: bytes, left_out: int) -> None:
    data = ORIGINATION[:position] + put + ORIGINATION[position + left_out :]
    window = read(data)
    assert window.header is not None


@given(st.integers(0, 95 * 17 + 54))
def test_a_file_cut_before_its_file_control_is_never_accepted(size: int) -> None:
    data = ORIGINATION[:size]
    assert not FORMAT.complete(data[-4096:])
    window = read(data)
    assert "fatal" in set(window.findings["severity"]) or differing(window)


@settings(max_examples=examples(25))
@given(st.binary(max_size=400))
def test_any_bytes_give_findings_only(data: bytes) -> None:
    assert not read(data).findings.is_empty()
