"""MT940 and MT942 as banks write them: amounts that are none, other line ends, blanks, slashes, key words in odd places."""

from __future__ import annotations

from typing import Any

import pytest

from canonical.contracts import Feedback, Source
from parsers import _text_lines, mt942
from parsers.mt940 import FORMAT

PLAIN = """:20:OAKS
:25:1234567890
:28C:7/1
:60F:C261119EUR100,00
:61:2611201120C50,00NTRFNONREF//BANK1
:86:OAK LTD
:62F:C261120EUR150,00
-
"""
INTERIM = """:20:DAY
:25:1234567890
:28C:0
:34F:EUR 5,00
:13:2611201200
:61:261120D0,02NMSCNONREF
:86:ELM
:90D:1EUR0,02
"""


def read(text: str, format_: Any = FORMAT, **options: Any) -> Feedback:
    return format_.read(Source("0" * 20, "test.sta", text.encode("latin-1")), format_.options.model_validate(options))


def told(feedback: Feedback) -> list[tuple[str, str, int, str]]:
    return list(feedback.findings.select("severity", "rule", "line", "message").iter_rows())


@pytest.mark.parametrize(
    ("line", "rule", "message"),
    [
        ("C50NTRFNONREF", "amount", "The amount has no decimal comma: 1250 is written 1250,00."),
        ("C50.00NTRFNONREF", "amount", "The amount has no decimal comma: 1250 is written 1250,00."),
        ("C,50NTRFNONREF", "amount", "The amount has no digit before its comma."),
        ("C50,001NTRFNONREF", "amount", "The amount has more decimals than EUR has."),
        ("C99999999999999,9NTRFX", "amount", "The amount is above the largest that is read (10000000000000.00 EUR)."),
        ("X50,00NTRFNONREF", "entry", "No mark (C, D, RC, RD) stands behind the dates of the line."),
        ("C50,00?NTRF", "entry", "The line cannot be read as value date, mark, amount and type."),
    ],
)  # fmt: skip
def test_the_part_of_a_line_that_is_wrong_is_the_only_fault(line: str, rule: str, message: str) -> None:
    feedback = read(PLAIN.replace("C50,00NTRFNONREF", line))
    assert told(feedback) == [("fatal", f"mt940-{rule}", 5, message)]
    assert feedback.entries.is_empty()


def test_dates_of_eight_digits_are_told_as_that() -> None:
    text = PLAIN.replace(":60F:C261119", ":60F:C20261119").replace(":61:2611201120", ":61:2026112020261120")
    assert told(read(text)) == [
        ("error", "mt940-balance-unreadable", 4,
         "The opening balance cannot be read: its date has more digits than YYMMDD; it is not checked."),
        ("fatal", "mt940-entry", 5, "The dates of the line have more digits than YYMMDD and MMDD."),
    ]  # fmt: skip


def test_a_balance_without_a_comma_is_told_and_the_entries_are_read() -> None:
    feedback = read(PLAIN.replace("EUR100,00", "EUR100.00").replace("EUR150,00", "EUR150.00"))
    assert [item[:3] for item in told(feedback)] == [("error", "mt940-balance-unreadable", line) for line in (4, 7)]
    assert all("no decimal comma" in item[3] for item in told(feedback))
    assert feedback.entries["amount_minor"].to_list() == [5000]
    sign = told(read(PLAIN.replace(":62F:C", ":62F:H")))
    assert [item[3] for item in sign] == [
        "The closing balance cannot be read: it begins with neither C nor D; it is not checked."
    ]


@pytest.mark.parametrize("short", ["N//BANK1", "//BANK1", "NT//BANK1"])
def test_a_type_that_is_too_short_costs_no_entry(short: str) -> None:
    feedback = read(PLAIN.replace("NTRFNONREF//BANK1", short))
    assert told(feedback) == [("warning", "mt940-entry", 5, "The line has no transaction type.")]
    assert feedback.entries.select("amount_minor", "servicer_reference").rows() == [(5000, "BANK1")]


def test_text_that_was_wrapped_before_a_time_of_day_is_told_and_kept() -> None:
    text = PLAIN.replace("OAK LTD", "PAID 12-09-2026 16\n:26:37 OAK").replace(":62F:", ":61F:x\n:62F:")
    feedback = read(text)
    assert feedback.entries["remittance"].to_list() == ["PAID 12-09-2026 16\n:26:37 OAK"]
    assert [item[:3] for item in told(feedback)] == [("warning", "mt940-field", line) for line in (7, 8)]
    assert "read as text of :86:" in told(feedback)[0][3]
    outside = read(PLAIN.replace(":60F:", ":26:37\n:60F:"))
    assert told(outside) == [("warning", "mt940-field", 4, "An MT940 has no field 26; it is not read.")]


def test_remittance_may_stand_in_the_second_of_two_places_or_as_a_creditor_s_reference() -> None:
    for said, meant in (("/REMI//REMI/BILL 4", "BILL 4"), ("/REMI//CDTRREFTP//CD/SCOR/CDTRREF/RF18539", "RF18539")):
        entry = read(PLAIN.replace(":86:OAK LTD", f":86:/EREF/E-1{said}"), information="codes").entries.row(
            0, named=True
        )
        assert (entry["end_to_end_id"], entry["remittance"]) == ("E-1", meant)


def test_subfields_may_begin_behind_a_blank() -> None:
    feedback = read(PLAIN.replace(":86:OAK LTD", ":86: 020?00TRANSFER?20BILL 4?32OAK LTD"), information="subfields")
    assert told(feedback) == []
    assert feedback.entries.select("proprietary", "counterparty_name").rows() == [("NTRF+020", "OAK LTD")]


def test_a_line_without_a_date_says_so() -> None:
    assert told(read(PLAIN.replace(":61:2611201120", ":61:20 NOV"))) == [
        ("fatal", "mt940-entry", 5, "The line begins with no value date (YYMMDD).")
    ]


def test_sums_of_an_interim_report_are_not_compared_where_an_entry_is_lost() -> None:
    found = told(read(INTERIM.replace("D0,02N", "D2N"), mt942.FORMAT))
    assert [item[1:3] for item in found] == [("mt942-amount", 6)]


@pytest.mark.parametrize("begin", ["", "@@", "\xef\xbb\xbf"])
def test_lines_may_end_with_two_at_signs(begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    two = PLAIN + PLAIN.replace("7/1", "8/1").replace("19EUR100", "20EUR150").replace(
        "20EUR150,00\n-", "20EUR200,00\n-"
    )
    assert told(read(two)) == []
    data = begin + two.replace("\n", "@@")
    assert FORMAT.sniff(data.removeprefix("\xef\xbb\xbf").encode("latin-1"))
    assert read(data).entries.equals(read(two).entries)
    cut = _text_lines.lines
    monkeypatch.setattr("parsers._mt_statement.lines", lambda *args: cut(*args, 60))
    assert read(data).entries.equals(read(two).entries)


def test_an_interim_report_may_end_its_lines_with_two_at_signs() -> None:
    data = INTERIM.replace("\n", "@@")
    assert mt942.FORMAT.sniff(data.encode())
    assert not FORMAT.sniff(data.encode())
    assert read(data, mt942.FORMAT).entries.equals(read(INTERIM, mt942.FORMAT).entries)


def test_two_at_signs_in_a_text_end_no_line() -> None:
    assert read(PLAIN.replace("OAK LTD", "OAK@@:25:LTD")).statements.height == 1


def test_a_floor_limit_may_have_a_blank_for_its_mark() -> None:
    feedback = read(INTERIM, mt942.FORMAT)
    assert told(feedback) == []
    assert feedback.statements["currency"].to_list() == ["EUR"]
    alone = read(INTERIM.replace(":34F:EUR 5,00\n", "").replace(":90D:1EUR0,02", ":90C:EUR,00"), mt942.FORMAT)
    assert alone.statements["currency"].to_list() == ["EUR"]
    assert [item[1] for item in told(alone)] == ["mt942-sum"]


def test_a_sum_in_another_currency_says_so() -> None:
    assert told(read(INTERIM.replace("1EUR0,02", "1USD0,02"), mt942.FORMAT)) == [
        ("warning", "mt942-sum", 8, "The sum in :90D: is in USD, the message in EUR; it is not compared.")
    ]


def test_rabobank_writes_the_other_side_s_account_with_its_bank() -> None:
    coded = PLAIN.replace(":86:OAK LTD", ":86:/ACCW/NL91ABNA0417164300,ABNANL2A/ORDP//NAME/OAK LTD/REMI/BILL 4")
    entry = read(coded, information="codes").entries.row(0, named=True)
    assert (entry["counterparty_account"], entry["counterparty_agent"]) == ("NL91ABNA0417164300", "ABNANL2A")


def test_an_account_may_begin_with_a_clearing_code() -> None:
    assert read(PLAIN.replace(":25:", ":25://")).statements["account"].to_list() == ["1234567890"]


def test_a_reference_on_a_line_of_its_own_is_told_once() -> None:
    entry = read(PLAIN.replace("NONREF//BANK1", "REF1\n//BANK1\nCARD 12")).entries.row(0, named=True)
    assert (entry["servicer_reference"], entry["additional"]) == ("BANK1", "CARD 12")
    kept = read(PLAIN.replace("NONREF//BANK1", "REF1//BANK1\n//CARD 12")).entries.row(0, named=True)
    assert (kept["servicer_reference"], kept["additional"]) == ("BANK1", "//CARD 12")


def test_an_empty_first_line_of_a_text_is_none_of_it() -> None:
    assert read(PLAIN.replace(":86:OAK", ":86: \n   \nOAK")).entries["remittance"].to_list() == ["OAK LTD"]


def test_a_name_ends_before_the_slash_that_closes_it() -> None:
    coded = PLAIN.replace(":86:OAK LTD", ":86:/EREF/E-1/\n:86:/ORDP//NAME/OAK LTD/\n:86:/REMI/USTD//BILL 4/")
    entry = read(coded, information="codes").entries.row(0, named=True)
    assert [entry[name] for name in ("end_to_end_id", "counterparty_name", "remittance")] == [
        "E-1",
        "OAK LTD",
        "BILL 4",
    ]


def test_a_reference_ends_where_it_would_be_longer_than_one() -> None:
    """Text in `?60` behind a reference in `?20`, without a key word between them."""
    long = PLAIN.replace(":86:OAK LTD", ":86:105?20EREF+INV/2026/11?32OAK LTD?60TAX OFFICE OF THE TOWN, 4th QUARTER")
    assert read(long, information="subfields").entries["end_to_end_id"].to_list() == ["INV/2026/11"]
    cut = PLAIN.replace(":86:OAK LTD", ":86:105?20EREF+INV-2026-11-000000001?21234567890?22SVWZ+BILL")
    assert read(cut, information="subfields").entries["end_to_end_id"].to_list() == ["INV-2026-11-000000001234567890"]


PAGED = """:20:OAKS
:25:1234567890
:28C:7/1
:60F:C261119EUR100,00
:61:2611201120C50,00NTRFNONREF//BANK1
:62M:C261120EUR150,00
-
:20:OAKS
:25:1234567890
:28C:7/3
:60M:C261120EUR170,00
:61:2611201120C50,00NTRFNONREF//BANK2
:62F:C261120EUR220,00
-
"""


def test_a_page_that_is_missing_is_told_once() -> None:
    assert told(read(PAGED)) == [
        (
            "error", "mt940-page", 11,
            "Page 3 of the statement follows page 1. The page opens with 170.00 EUR, the page before it closes with 150.00.",
        )
    ]  # fmt: skip
    on = PAGED.replace("EUR170,00", "EUR150,00").replace("EUR220,00", "EUR200,00")
    assert told(read(on)) == [("warning", "mt940-page", 11, "Page 3 of the statement follows page 1.")]
    apart = PAGED.replace("7/3", "7/2")
    assert told(read(apart)) == [
        ("error", "mt940-page", 11, "The page opens with 170.00 EUR, the page before it closes with 150.00.")
    ]


def test_marks_between_thousands_are_told_as_that() -> None:
    [finding] = told(read(PLAIN.replace("EUR100,00", "EUR1.100,00")))
    assert finding[3].startswith("The opening balance cannot be read: its amount has marks between its thousands;")
