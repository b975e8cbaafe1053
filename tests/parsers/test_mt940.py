"""MT940 and MT942: goldens in three dialects, each fault by name, the corpus, an independent reader, any bytes."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import mt940
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from canonical.contracts import Feedback, Source
from canonical.currencies import exponent
from parsers import _text_lines, mt942, mt950
from parsers.mt940 import FORMAT

GOLDEN = Path(__file__).parent / "golden"
GERMAN, DUTCH = ((GOLDEN / "mt940" / name).read_bytes() for name in ("german.sta", "dutch.txt"))
INTERIM = (GOLDEN / "mt942" / "interim.fin").read_bytes()
SUBFIELDS = {"information": "subfields"}
CODES = {"information": "codes", "supplementary": "account", "prelude": ["EXMPNL2A", "940"]}


def read(data: bytes, format_: Any = FORMAT, **options: Any) -> Feedback:
    return format_.read(Source("0" * 20, "test.sta", data), format_.options.model_validate(options))


def plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows without what is null, as JSON would have them."""
    rows = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return json.loads(json.dumps(rows, default=str))


def told(feedback: Feedback) -> list[tuple[str, str, int]]:
    return list(feedback.findings.select("severity", "rule", "line").iter_rows())


def signed(entries: pl.DataFrame) -> int:
    credit = pl.col("credit_debit") == "CRDT"
    minor = pl.when(credit).then("amount_minor").otherwise(-pl.col("amount_minor"))
    return entries.select(minor.sum()).item()


@pytest.mark.parametrize(
    ("path", "options"),
    [("mt940/german.sta", SUBFIELDS), ("mt940/dutch.txt", CODES), ("mt942/interim.fin", {}), ("mt950/nostro.fin", {})],
)
def test_golden(path: str, options: dict[str, Any]) -> None:
    file = GOLDEN / path
    format_ = {"mt940": FORMAT, "mt942": mt942.FORMAT, "mt950": mt950.FORMAT}[file.parent.name]
    feedback = read(file.read_bytes(), format_, **options)
    expected = json.loads(file.with_suffix(".json").read_text())
    assert {name: plain(getattr(feedback, name)) for name in expected} == expected


def test_what_balances_says_nothing_but_what_is_unstructured() -> None:
    assert told(read(GERMAN, **SUBFIELDS)) == [("warning", "mt940-information", 25)]
    assert told(read(DUTCH, **CODES)) == []
    assert told(read(INTERIM, mt942.FORMAT)) == []


@pytest.mark.parametrize(("end", "sign"), [(b"\r\n", "crlf"), (b"\r", "cr")])
def test_line_ends_do_not_matter(end: bytes, sign: str) -> None:
    assert sign
    changed = read(GERMAN.replace(b"\n", end), **SUBFIELDS)
    assert changed.entries.equals(read(GERMAN, **SUBFIELDS).entries)


def test_where_windows_are_cut_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(GERMAN, **SUBFIELDS)
    cut = _text_lines.lines
    monkeypatch.setattr("parsers._mt_statement.lines", lambda *args: cut(*args, 300))
    parts = read(GERMAN, **SUBFIELDS)
    assert parts.entries.equals(whole.entries)
    assert parts.statements.equals(whole.statements)
    assert told(parts) == told(whole)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (":62M:C251231EUR1149,50", ":62M:C251231EUR1149,51", ("error", "mt940-balance", 15)),
        (":60M:C251231EUR1149,50", ":60M:C251231EUR1149,60", ("error", "mt940-page", 21)),
        (":25:10020030/1234567\n", "", ("fatal", "mt940-missing", 2)),
        (":62M:C251231EUR1149,50\n", "", ("fatal", "mt940-balance-missing", 2)),
        (":60F:C251230EUR1000,00\n", "", ("error", "mt940-balance-missing", 2)),
        (":60F:C251230EUR1000,00", ":60F:C251230EUR1000.00", ("error", "mt940-balance-unreadable", 5)),
        (":60F:C251230EUR", ":60F:C251330EUR", ("warning", "mt940-date", 5)),
        ("CR250,00NTRF", "CR250.00NTRF", ("fatal", "mt940-amount", 6)),
        ("CR250,00NTRF", "XR250,00NTRF", ("fatal", "mt940-entry", 6)),
        ("CR250,00NTRF", "CR250,001NTRF", ("fatal", "mt940-amount", 6)),
        ("CR250,00NTRFNONREF//", "CR250,00//", ("warning", "mt940-entry", 6)),
        (":61:260102123", ":61:260230123", ("warning", "mt940-date", 6)),
        (":61:2601021231", ":61:2601021331", ("warning", "mt940-date", 6)),
        (":28C:00012/001", ":28C:A/1", ("warning", "mt940-number", 4)),
        (":28C:00012/002", ":28C:00012/003", ("warning", "mt940-page", 21)),
        ("{2:O940", "{2:O950", ("fatal", "mt940-message", 1)),
        (":60F:", ":61F:x\n:60F:", ("warning", "mt940-field", 5)),
        (":60F:", ":25:9\n:60F:", ("error", "mt940-repeated-field", 5)),
        (":60F:", "no field\n:60F:", ("warning", "mt940-line", 5)),
        ("Muster GmbH", "M\xfcster GmbH", ("warning", "mt940-character", 9)),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_line(before: str, after: str, fault: tuple[str, str, int]) -> None:
    text = GERMAN.decode()
    assert before in text
    feedback = read(text.replace(before, after, 1).encode("latin-1"), **SUBFIELDS)
    assert fault in told(feedback)
    assert feedback.entries.is_empty() == (fault[0] == "fatal")


def test_a_statement_that_stands_twice_is_not_booked_twice() -> None:
    feedback = read(GERMAN + GERMAN, **SUBFIELDS)
    assert ("fatal", "mt940-repeated", 33) in told(feedback)
    assert feedback.entries.is_empty()


PAGED = b""":20:PAGES
:25:10020030/1234567
:28:7/1
:60F:C260105EUR10,00
:61:260105C5,00NTRFNONREF
:62M:C26010515,00
:20:PAGES
:25:10020030/1234567
:28:7/1
:60M:C260105EUR15,00
:61:260105D1,00NTRFNONREF
:62F:C260105EUR14,00
"""


def test_a_balance_without_a_currency_is_in_that_of_the_other_one() -> None:
    feedback = read(PAGED)
    assert ("warning", "mt940-balance-currency", 6) in told(feedback)
    assert feedback.statements["closing_minor"].to_list() == [1500, 1400]
    assert feedback.balances["currency"].to_list() == ["EUR"] * 4
    assert feedback.balances["balance_minor"].to_list() == [1000, 1500, 1500, 1400]
    wrong = read(PAGED.replace(b"C26010515,00", b"C26010515,01"))
    assert {("error", "mt940-balance", 6), ("error", "mt940-page", 10)} <= set(told(wrong))


def test_a_balance_in_another_currency_says_so() -> None:
    feedback = read(PAGED.replace(b":62M:C260105", b":62M:C260105USD"))
    (found,) = feedback.findings.filter(rule="mt940-balance-unreadable").to_dicts()
    assert (found["line"], found["message"]) == (
        6,
        "The closing balance is in USD, the other one in EUR; it is not checked.",
    )


def test_pages_that_a_bank_does_not_count_are_told_apart_by_what_they_open_with() -> None:
    feedback = read(PAGED)
    assert told(feedback)[1:] == [("warning", "mt940-page", 10)]
    assert feedback.statements["statement_id"].n_unique() == 2
    assert feedback.statements["entries"].to_list() == [1, 1]
    assert read(PAGED.replace(b":28:7/1\n:60M", b":28:7/2\n:60M")).statements["statement_id"].to_list() == [
        "7/1 2026-01-05..2026-01-05", "7/2 2026-01-05..2026-01-05",
    ]  # fmt: skip
    whole = PAGED.replace(b"60M", b"60F").replace(b"62M", b"62F")
    assert ("fatal", "mt940-repeated", 7) in told(read(whole))


@pytest.mark.parametrize("line", [b"NTRFREF1//BANK1", b"NTRFREF1\n//BANK1"])
def test_a_line_may_break_before_the_bank_s_reference(line: bytes) -> None:
    entry = read(PAGED.replace(b"C5,00NTRFNONREF", b"C5,00" + line)).entries.row(0, named=True)
    assert (entry["instruction_id"], entry["servicer_reference"]) == ("REF1", "BANK1")


def test_a_line_may_break_before_the_amount() -> None:
    """Sparkasse: the first line says when and which way, the amount stands below; what stands below that stays there."""
    line = next(part for part in GERMAN.splitlines() if part.startswith(b":61:"))
    cut = re.search(rb"[CD][A-Z]?(?=[0-9]+,)", line)
    assert cut
    broken = GERMAN.replace(line, line[: cut.end()] + b"\r\n" + line[cut.end() :], 1)
    expected, found = read(GERMAN, **SUBFIELDS), read(broken, **SUBFIELDS)
    assert_frame_equal(found.entries, expected.entries)
    assert found.findings["rule"].to_list() == expected.findings["rule"].to_list()


def test_an_account_may_begin_with_a_slash() -> None:
    account = read(GERMAN).statements["account"][0]
    assert read(GERMAN.replace(b":25:", b":25:/")).statements["account"][0] == account


def test_statements_of_one_account_in_two_currencies_are_two() -> None:
    one = b""":20:ONE
:25:GB33BUKB20201555555555
:28C:7/1
:60F:C260105EUR10,00
:61:260105C5,00NTRFNONREF
:62F:C260105EUR15,00
-
"""
    feedback = read(one + one.replace(b"EUR", b"USD"))
    assert told(feedback) == []
    assert feedback.statements["statement_id"].to_list() == [
        f"7/1 2026-01-05..2026-01-05 {code}" for code in ("EUR", "USD")
    ]
    assert feedback.entries["entry_id"].n_unique() == 2
    assert read(one).statements["statement_id"].to_list() == ["7/1 2026-01-05..2026-01-05"]


def test_interim_sums_are_compared() -> None:
    feedback = read(INTERIM.replace(b":90C:1USD", b":90C:2USD"), mt942.FORMAT)
    assert told(feedback) == [("warning", "mt942-sum", 13)]
    assert not feedback.entries["booked"].any()


@pytest.mark.parametrize(
    ("value", "entry", "expected"),
    [
        ("260101", "1231", dt.date(2025, 12, 31)), ("251231", "0102", dt.date(2026, 1, 2)),
        ("240301", "0229", dt.date(2024, 2, 29)), ("230301", "0229", None), ("260230", "0301", dt.date(2026, 3, 1)),
    ],
)  # fmt: skip
def test_the_year_of_an_entry_date_turns(value: str, entry: str, expected: dt.date | None) -> None:
    data = GERMAN.replace(b":61:2601021231", f":61:{value}{entry}".encode())
    assert read(data, **SUBFIELDS).entries["booking_date"][0] == expected


@pytest.mark.parametrize(
    ("encoding", "data", "name"),
    [
        ("utf-8", "ü".encode(), "ü"), ("latin-1", b"\xfc", "ü"), ("cp1252", b"\x80", "€"), ("swift", b"\xfc", "?"),
        ("utf-8", b"\xfc", "\ufffd"),
    ],
)  # fmt: skip
def test_encodings_are_declared(encoding: str, data: bytes, name: str) -> None:
    feedback = read(GERMAN.replace(b"Muster", b"M" + data + b"ster"), encoding=encoding, **SUBFIELDS)
    assert feedback.entries["counterparty_name"][0] == f"M{name}ster GmbH und Co. KG"
    assert ("mt940-character" in set(feedback.findings["rule"])) == (name in {"?", "\ufffd"})


def test_options_are_checked() -> None:
    for wrong in ({"prelude": ["("]}, {"encoding": "guess"}, {"separator": "a"}, {"codes": ["a b"]}):
        with pytest.raises(ValidationError):
            FORMAT.options.model_validate(wrong)


def test_lines_that_are_not_declared_are_told() -> None:
    assert told(read(DUTCH)) == [("warning", "mt940-line", 1)]
    assert told(read(DUTCH.replace(b"-XXX", b"--END"), ending=["--END"], prelude=["EXMPNL2A", "940"])) == []


def test_sniffing_tells_the_two_apart() -> None:
    assert FORMAT.sniff(GERMAN)
    assert FORMAT.sniff(DUTCH)
    assert not FORMAT.sniff(INTERIM)
    assert mt942.FORMAT.sniff(INTERIM)
    assert not mt942.FORMAT.sniff(GERMAN)
    mt101 = (GOLDEN / "mt101").glob("*")
    heads = [path.read_bytes() for path in mt101 if path.suffix in {".txt", ".fin", ".mt101"}]
    assert heads
    assert not any(item.sniff(head) for head in heads for item in (FORMAT, mt942.FORMAT))


# ---------------------------------------------------------------------------------------------- corpus

DIFFERENT = {
    "cr-only.sta": "lines end with CR: the manifest's count saw no entry",
    "mt940-handelsbank.txt": "the same statement without entries twice: it is told, and read once",
    "mt940-headers.txt": "the closing balance is no balance",
    "citi__mt940.txt": "blanks stand for the entry dates: with these entries it balances",
    "multiline.sta": "an entry follows the end of the message: it is of no statement",
    "abn_sepa_incasso_doorlopend.txt": "it holds one statement",
    "failing.txt": "another reader's test of a missing blank; nothing is wrong in it",
}
"""Where the manifest and we differ; docs/formats/mt940.md."""
CASES = {"mt940": FORMAT, "mt942": mt942.FORMAT}


def _number(pattern: str, note: str, other: int) -> int:
    found = re.search(pattern, note)
    return int(found.group(1)) if found else other


@pytest.mark.parametrize("name", CASES)
def test_every_corpus_file_is_read(name: str, corpus) -> None:
    seen = set()
    for file in corpus(name):
        feedback = read(file.path.read_bytes(), CASES[name])
        rules = feedback.findings["rule"].to_list()
        unbalanced = rules.count("mt940-balance")
        counted = (feedback.entries.height, feedback.statements.height, unbalanced)
        severities = set(feedback.findings["severity"])
        if file.validity == "valid":
            declared = _number(r"(\d+) statement\(s\) whose", file.note, 0)
            differs = counted != (file.transactions, _number(r"(\d+) statements", file.note, 1), declared)
        else:
            differs = not severities & {"error", "fatal"}
        assert not differs or file.path.name in DIFFERENT, file.key
        seen |= {file.path.name} if differs else set()
        for row in feedback.statements.iter_rows(named=True):
            if row["opening_minor"] is not None and row["closing_minor"] is not None and not unbalanced:
                sums = row["credits_minor"] - row["debits_minor"]
                assert row["opening_minor"] + sums == row["closing_minor"], file.key
    assert name != "mt940" or seen == set(DIFFERENT)


UNREADABLE_TO_THEM = {
    "Zetb__sample", "sample_JPchar.txt", "mt940-headers.txt", "mt940-iso8859-1.txt", "sns.txt", "multiline.sta",
    "cr-only.sta", "K4262927_20200905-080000-952.txt", "oldenburgischelandesbank2.txt",
}  # fmt: skip
"""Numbers, dates or line ends that the other reader does not take."""


def test_an_independent_reader_finds_the_same_entries(corpus) -> None:
    logging.getLogger("mt940").setLevel(logging.CRITICAL)
    compared = 0
    for file in (*corpus("mt940"), *corpus("mt942")):
        feedback = read(file.path.read_bytes(), CASES[file.format])
        if "fatal" in set(feedback.findings["severity"]) or file.path.name in UNREADABLE_TO_THEM:
            continue
        theirs = [
            item.data
            for item in mt940.parse(file.path.read_bytes().decode("utf-8", "replace"))
            if item.data.get("amount")
        ]
        ours = feedback.entries
        assert len(theirs) == ours.height, file.key
        dates = [item["date"] for item in theirs]
        days = ours["value_date"].to_list()
        assert [day for day in dates if (day.month, day.day) != (2, 29)] == [day for day in days if day], file.key
        if file.path.name == "reversal-marks.sta":
            continue  # they add a reversal of a credit; the file's own balance does not
        total = sum((item["amount"].amount for item in theirs), Decimal(0))
        digits = exponent(ours["currency"][0]) if ours.height else 0
        assert int(total.scaleb(digits or 0)) == signed(ours), file.key
        compared += 1
    assert compared > 80


# ---------------------------------------------------------------------------------------------- any bytes


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**9)), min_size=1, max_size=30), st.integers(-(10**9), 10**9))
def test_what_is_written_is_read(rows: list[tuple[bool, int]], opening: int) -> None:
    closing = opening + sum(minor if credit else -minor for credit, minor in rows)

    def balance(tag: str, minor: int) -> str:
        return f":{tag}:{'D' if minor < 0 else 'C'}260105EUR{abs(minor) // 100},{abs(minor) % 100:02d}"

    lines = [f":61:2601050105{'C' if credit else 'D'}{minor // 100},{minor % 100:02d}NTRFR{place}//S{place}"
             for place, (credit, minor) in enumerate(rows)]  # fmt: skip
    data = "\n".join([":20:T", ":25:A1", ":28C:7/1", balance("60F", opening), *lines, balance("62F", closing), "-"])
    feedback = read(data.encode())
    assert told(feedback) == []
    assert feedback.entries["amount_minor"].to_list() == [minor for _, minor in rows]
    assert feedback.entries["servicer_reference"].to_list() == [f"S{place}" for place in range(len(rows))]
    assert signed(feedback.entries) == closing - opening
    assert feedback.statements.row(0, named=True)["closing_minor"] == closing
    assert feedback.entries["entry_id"].n_unique() == len(rows)


# ---------------------------------------------------------------------------------------------- dialects that are valid

SMALL = b""":20:ST-1
:25P:1234567890
EXMPGB2LXXX
:28C:7/1
:60F:C261119GBP100,00
:61:2611201120C50,00NTRFINV-1//BANK-1
:86:OAK LTD
:62F:C261120GBP150,00
-
"""
HEADED = b"{1:F01EXMPGB2LAXXX0000000000}{2:O9501200261120EXMPGB2LAXXX00000000002611201200N}{4:\n"


def test_the_bank_below_an_account_is_no_line_of_its_own():
    said = read(SMALL)
    assert (said.statements["account"].to_list(), told(said)) == (["1234567890"], [])
    assert told(read(SMALL.replace(b"EXMPGB2LXXX", b"SOMETHING ELSE"))) == [("warning", "mt940-line", 3)]


@pytest.mark.parametrize("carried", [b"\x02%s\x03", b"\x0c%s", b"%s\x0c\x1a"])
def test_what_carries_a_message_is_no_part_of_it(carried):
    assert read(carried % SMALL).entries.equals(read(SMALL).entries)


def test_a_type_of_the_banks_own_costs_no_entry():
    said = read(SMALL.replace(b"NTRF", b"AXFR"))
    assert said.entries.select("amount_minor", "proprietary").rows() == [(5000, "AXFR")]
    assert told(said) == [("warning", "mt940-entry", 6)]
    assert not told(read(SMALL.replace(b":61:", b":61: ")))


def test_a_statement_between_banks_is_booked():
    bare = SMALL.replace(b":86:OAK LTD\n", b"")
    between = HEADED + bare.replace(b"-\n", b"-}")
    assert (mt950.FORMAT.sniff(between), FORMAT.sniff(between), mt950.FORMAT.sniff(bare)) == (True, False, False)
    said = read(between, mt950.FORMAT)
    assert (said.format, said.version, told(said)) == ("mt950", "MT950", [])
    assert said.statements.select("opening_minor", "closing_minor", "origin").rows() == [(10000, 15000, "statement")]
    assert said.entries.select("booked", "amount_minor").rows() == [(True, 5000)]
    assert ("fatal", "mt950-message", 1) in told(read(between.replace(b"O950", b"O942"), mt950.FORMAT))
