"""NACHA returns and notifications of change: golden, fragments, faults, the corpus, and bytes of any kind."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.contracts import Feedback, Source
from canonical.nacha_codes import NACHA_CODES
from parsers.nacha_return import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "nacha_return"
RETURNS = (GOLDEN / "returns.ach").read_bytes()
LINES = RETURNS.decode().splitlines()
ORIGINATION = (Path(__file__).parent / "golden" / "nacha" / "origination.ach").read_bytes()


def read(data: bytes) -> Feedback:
    return FORMAT.read(Source("0" * 20, "test.ach", data), FORMAT.options())


def expected() -> list[dict[str, object]]:
    return [json.loads(line) for line in (GOLDEN / "returns.statuses.jsonl").read_text().splitlines()]


def plain(frame: pl.DataFrame) -> list[dict[str, object]]:
    return [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]


def joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_an_entry_with_its_reason_alone_is_seen_as_a_return() -> None:
    entry, reason = LINES[2:4]
    assert FORMAT.sniff(joined([entry, reason]))
    assert FORMAT.sniff((entry + reason).encode())
    assert not FORMAT.sniff(joined([entry, entry]))
    (status,) = read(joined([entry, reason])).statuses.to_dicts()
    assert (status["reason"], status["amount_minor"], status["credit_debit"]) == ("R03", 250_000, "CRDT")


def test_golden() -> None:
    feedback = read(RETURNS)
    assert plain(feedback.statuses) == expected()
    assert (feedback.format, feedback.message_id) == ("nacha-return", "076543216-2611260700-B")
    assert feedback.statements.is_empty()
    assert feedback.entries.is_empty()
    assert feedback.findings["rule"].to_list() == ["nacha-return-dispute"]


@pytest.mark.parametrize(
    "data", [RETURNS.replace(b"\n", b"\r\n"), RETURNS.replace(b"\n", b""), RETURNS.rstrip(b"\n")],
    ids=["crlf", "blocks", "no final line end"],
)  # fmt: skip
def test_dialects_of_lines(data: bytes) -> None:
    assert plain(read(data).statuses) == expected()
    assert FORMAT.sniff(data[:4096])


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        (LINES[1:], {"nacha-header-missing", "nacha-blocking"}),
        ([line for line in LINES if line[0] != "8"], {"nacha-order", "nacha-blocking"}),
        (LINES[:14], {"nacha-incomplete", "nacha-blocking"}),
        ([*LINES[:15], "9" + "0" * 54 + " " * 39], {"nacha-return-total", "nacha-blocking"}),
    ],
    ids=["no file header", "no batch controls", "no file control", "totals that differ"],
)
def test_fragments_are_read_with_findings(lines: list[str], rules: set[str]) -> None:
    feedback = read(joined(lines))
    assert rules <= set(feedback.findings["rule"])
    assert "fatal" not in set(feedback.findings["severity"])
    assert plain(feedback.statuses) == expected()


def test_a_return_without_its_entry_is_told_with_what_it_says() -> None:
    feedback = read(joined([line for number, line in enumerate(LINES, start=1) if number != 3]))
    first = feedback.statuses.row(0, named=True)
    assert (first["original_instruction_id"], first["reason"], first["amount_minor"]) == (
        "123456780000001",
        "R03",
        None,
    )
    assert "nacha-order" in set(feedback.findings["rule"])


def test_an_entry_without_a_reason_and_an_unknown_reason_are_findings() -> None:
    silent = read(joined([line for number, line in enumerate(LINES, start=1) if number != 4]))
    assert silent.statuses.height == 3
    assert silent.findings.filter(rule="nacha-return-addenda")["line"].to_list() == [3]
    unknown = read(RETURNS.replace(b"799R03", b"799R98"))
    assert unknown.findings.filter(rule="nacha-return-code")["value"].to_list() == ["R98"]
    assert unknown.statuses["reason"][0] == "R98"


@pytest.mark.parametrize(
    ("line", "before", "after", "rule"),
    [
        (3, "R03", "   ", "nacha-return-code"),
        (2, "0000250000", "00002500O0", "nacha-return-amount"),
        (3, "123456780000001", "12345678000000X", "nacha-return-trace"),
        (13, "99887765", "        ", "nacha-return-corrected"),
    ],
)
def test_what_is_missing_is_told_at_its_line(line: int, before: str, after: str, rule: str) -> None:
    assert before in LINES[line]
    lines = [*LINES[:line], LINES[line].replace(before, after, 1), *LINES[line + 1 :]]
    found = read(joined(lines))
    assert found.findings.filter(rule=rule)["line"].to_list() == [line + 1]
    assert found.statuses.height == len(expected())


ENTRY_LINE = next(number for number, line in enumerate(LINES) if line.startswith("626"))


@pytest.mark.parametrize(
    ("code", "words"),
    [("27", "returned it has 26"), ("28", "returned it has 26"), ("37", "returned it has 36"), ("55", "returned it has 56"),
     ("20", "no transaction code 20"), ("26", None), ("36", None)],
)  # fmt: skip
def test_an_entry_that_comes_back_with_the_code_of_one_that_goes_out_is_told(code: str, words: str | None) -> None:
    line = LINES[ENTRY_LINE]
    found = read(joined([*LINES[:ENTRY_LINE], line[0] + code + line[3:], *LINES[ENTRY_LINE + 1 :]]))
    told = found.findings.filter(rule="nacha-return-transaction-code")
    assert told["line"].to_list() == ([] if words is None else [ENTRY_LINE + 1])
    assert words is None or words in told["message"][0]
    assert found.statuses.height == len(expected())


@pytest.mark.parametrize("data", [ORIGINATION, b"", b"no file at all\n"], ids=["origination", "empty", "text"])
def test_what_is_no_return_file_is_refused(data: bytes) -> None:
    feedback = read(data)
    assert "nacha-return-none" in set(feedback.findings.filter(severity="fatal")["rule"])
    assert feedback.statuses.is_empty()


def test_a_file_without_entries_is_no_fault() -> None:
    empty = [LINES[0], f"9{'000000'}{'000001'}{'0' * 42}{'':39}", *["9" * 94] * 8]
    feedback = read(joined(empty))
    assert feedback.findings.is_empty()
    assert feedback.statuses.is_empty()


def test_a_byte_that_is_no_ascii_is_told_and_harms_nothing() -> None:
    feedback = read(RETURNS.replace(b"ADA", b"AD\xc1"))
    assert plain(feedback.statuses) == expected()
    assert "nacha-character" in set(feedback.findings["rule"])


def test_corpus(corpus) -> None:
    files = [file for file in corpus("nacha") if "return/NOC" in file.note]
    assert files
    for file in files:
        feedback = read(file.path.read_bytes())
        codes = file.note.split("return/NOC codes ")[1].split(";")[0].split(",")
        assert set(feedback.statuses["reason"]) == set(codes), file.key
        assert "fatal" not in set(feedback.findings["severity"]), file.key
        if file.validity == "valid":
            assert "error" not in set(feedback.findings["severity"]), file.key
        changes = feedback.statuses.filter(pl.col("reason").str.starts_with("C"))
        assert changes["corrected"].is_not_null().all(), file.key


def test_corpus_of_originations_is_refused(corpus) -> None:
    files = [file for file in corpus("nacha") if "return/NOC" not in file.note and file.transactions]
    assert files
    for file in files:
        assert read(file.path.read_bytes()).findings["severity"].is_in(["fatal"]).any(), file.key


def test_corpus_of_disputes(corpus) -> None:
    file = next(file for file in corpus("nacha") if file.path.name == "contested-return.ach")
    statuses = read(file.path.read_bytes()).statuses
    assert statuses.select("kind", "reason", "status").rows() == [
        ("return", "R07", "RJCT"), ("status", "R68", None), ("status", "R71", None),
    ]  # fmt: skip


@given(st.integers(0, len(RETURNS) - 1), st.binary(max_size=3), st.integers(0, 200))
def test_a_change_at_any_byte_gives_findings_only(position: int, put: bytes, left_out: int) -> None:
    read(RETURNS[:position] + put + RETURNS[position + left_out :])


# ---------------------------------------------------------------------------------------------- reason codes and disputes


def test_every_code_is_in_the_table_once_with_its_rate_and_time_frame() -> None:
    assert len(NACHA_CODES) == 57 + 6 + 7 + 11 + 9
    groups = {
        name: {code for code, item in NACHA_CODES.items() if item.group == name}
        for name in ("unauthorized", "administrative")
    }
    assert groups == {
        "unauthorized": {"R05", "R07", "R10", "R11", "R29", "R51"}, "administrative": {"R02", "R03", "R04"},
    }  # fmt: skip
    assert {NACHA_CODES[code].within for code in ("R01", "R10", "R29", "R13")} == {
        "2 banking days", "60 calendar days", "next file of the operator",
    }  # fmt: skip
    assert all(item.meaning and item.within for item in NACHA_CODES.values())


DISPUTES = {
    "R68": (
        "799R68123456780000001      12345678   987654320000009330" + "03LATE BY TWO DAYS     ",
        "Untimely return: dishonors return R03 of trace 987654320000009; LATE BY TWO DAYS",
    ),
    "R73": (
        "799R73123456780000001261126123456783309876543200000093310312345678000000733468 ",
        "Timely original return: contests the dishonoring of return R03 of trace 987654320000009; dishonored as R68 under trace 123456780000007",
    ),
    "C64": (
        "798C64123456780000001      12345678EMP-0001                     C0900000017     ",
        "Incorrect individual identification number: refuses change C09; EMP-0001",
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", DISPUTES)
def test_disputes_say_what_they_dispute_and_move_nothing(code: str) -> None:
    record, words = DISPUTES[code]
    lines = [*LINES]
    lines[3] = f"{record[:79]:<79}987654320000001"
    assert len(lines[3]) == 94
    row = read(joined(lines)).statuses.row(0, named=True)
    assert (row["kind"], row["status"], row["reason"], row["reason_text"]) == ("status", None, code, words)
    assert row["original_instruction_id"] == "123456780000001"


def test_a_return_without_words_says_what_its_code_means() -> None:
    lines = [*LINES]
    lines[3] = f"799R14123456780000001261120{'12345678':<52}076543210000001"
    row = read(joined(lines)).statuses.row(0, named=True)
    assert row["reason_text"] == "Representative payee deceased or unable to continue; died on 261120 (YYMMDD)"


@pytest.mark.parametrize("lines", [LINES[:1], LINES[:2]])
def test_a_file_that_ends_before_its_first_entry_is_no_return_file(lines: list[str]) -> None:
    feedback = read(joined(lines))
    assert ("nacha-return-none", "fatal") in feedback.findings.select("rule", "severity").rows()


def test_returns_of_several_files_one_behind_the_other() -> None:
    both = read(RETURNS + RETURNS)
    assert both.statuses.height == 2 * len(expected())
    assert set(both.findings["rule"]) == {"nacha-return-dispute", "nacha-order"}


@pytest.mark.parametrize(("number", "code"), [("99", "C02"), ("98", "R03"), ("99", "C61")])
def test_a_code_of_the_other_addenda_moves_nothing(number: str, code: str) -> None:
    entry, reason = LINES[2:4]
    crossed = read(joined([*LINES[:2], entry, f"7{number}{code}{reason[6:]}", *LINES[4:]]))
    (status,) = [row for row in crossed.statuses.to_dicts() if row["reason"] == code]
    assert (status["kind"], status["status"], status["corrected"]) == ("status", None, None)
    (told,) = crossed.findings.filter(rule="nacha-return-code").to_dicts()
    assert (told["severity"], told["line"]) == ("error", 4)
    assert told["message"] == f"Addenda of type {number} carry the code {code}, which is none of theirs."


def test_an_entry_comes_back_once() -> None:
    at = next(place for place, line in enumerate(LINES) if line.startswith("799"))
    again = LINES[at][:3] + "R02" + LINES[at][6:]
    once, twice = read(RETURNS), read(joined([*LINES[: at + 1], again, *LINES[at + 1 :]]))
    assert twice.statuses.equals(once.statuses)
    [spare] = twice.findings.filter(rule="nacha-return-addenda").to_dicts()
    assert (spare["line"], spare["message"]) == (
        at + 2,
        "The entry has one more addenda record of type 99 (code R02); an entry comes back once.",
    )


def test_totals_that_differ_are_told_in_dollars() -> None:
    at = max(place for place, line in enumerate(LINES) if line.startswith("9000"))
    changed = [*LINES[:at], LINES[at][:43] + "000000000005" + LINES[at][55:], *LINES[at + 1 :]]
    [total] = read(joined(changed)).findings.filter(rule="nacha-return-total").to_dicts()
    assert total["message"].startswith("The file control: total credit amount says 0.05 USD; the file has ")
    assert total["message"].endswith(" USD.")


@pytest.mark.parametrize(
    ("code", "what"),
    [("R69", "dishonored return"), ("R72", "contested dishonored return"), ("C61", "refused notification of change")],
)
def test_a_dispute_is_called_by_its_name(code: str, what: str) -> None:
    type_ = "798" if code[0] == "C" else "799"
    at = next(place for place, line in enumerate(LINES) if line.startswith(type_))
    lines = [*LINES[:at], LINES[at][:3] + code + LINES[at][6:], *LINES[at + 1 :]]
    messages = read(joined(lines)).findings.filter(rule="nacha-return-dispute")["message"].to_list()
    assert f"{code} is a {what}." in messages
