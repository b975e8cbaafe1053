"""One fault is one finding, in the formats that are no XML: through `check`, the parser's findings and the rules' together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from canonical.profiles import ClientProfile
from gateway.intake.check import check

GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
TODAY = dt.date(2026, 11, 20)
CLIENT = ClientProfile(client_id="example", name="Example", formats=("*",))
MT101 = (GOLDEN / "mt101" / "two_messages.fin").read_text()
BACS = (GOLDEN / "bacs18" / "single_day.txt").read_text()
BACS_MULTI = (GOLDEN / "bacs18" / "multi_day.txt").read_text()
FIRST = BACS_MULTI.splitlines()[4]
NACHA = (GOLDEN / "nacha" / "origination.ach").read_text()
PAYER = ":50H:/GB42ABCD10799988837491\nHARBOUR TEA CO\n1 QUAY STREET\nBRISTOL\n"


def errors(folder: Path, text: str) -> list[tuple[str, int | None, str | None]]:
    """Rule, line and field of what is refused."""
    path = folder / "file"
    path.write_bytes(text.encode("latin-1"))
    found = check(path, CLIENT, TODAY).findings
    return [(row["rule"], row["line"], row["field"]) for row in found.to_dicts() if row["severity"] != "warning"]


def changed(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after, 1)


ONCE = {
    "a date of another form": (changed(MT101, ":30:261127", ":30:26-11-27"), ("execution_date", 1, "30")),
    "no date": (changed(MT101, ":30:261127\n", ""), ("execution_date", 1, "30")),
    "a decimal point": (changed(MT101, "EUR1250,50", "EUR1250.50"), ("amount", 12, "32B")),
    "a currency of four letters": (changed(MT101, "EUR1250,50", "EURO1250,50"), ("amount", 12, "32B")),
    "no currency": (changed(MT101, "EUR1250,50", "1250,50"), ("required", 12, "32B")),
    "a currency in small letters": (changed(MT101, "EUR98765,", "eur98765,"), ("currency", 22, "32B")),
    "no amount at all": (changed(MT101, ":32B:EUR1250,50\n", ""), ("mt101-amount", 12, "32B")),
    "an ordering customer as in an MT103": (changed(MT101, ":50H:", ":50K:"), ("mt101-ordering", 6, "50K")),
    "an ordering customer without a slash": (changed(MT101, ":50H:/", ":50H:"), ("mt101-ordering", 6, "50H")),
    "an ordering customer without an account": (changed(MT101, PAYER, ":50H:HARBOUR TEA CO\n"), ("mt101-ordering", 6, "50H")),
    "an ACH code that there is not": (changed(NACHA, "622123456780", "699123456780"), ("nacha-transaction-code", 3, None)),
    "an ACH debit with a code of neither side": (changed(NACHA, "627987654320", "601987654320"), ("nacha-transaction-code", 9, None)),
    "another service class in the header": (changed(NACHA, "5220HARBOUR", "5225HARBOUR"), ("nacha-service-class-match", 7, None)),
    "a service class that there is not": (changed(NACHA, "5220HARBOUR", "5999HARBOUR"), ("nacha-service-class", 2, None)),
    "a day of a single-day Bacs file": (changed(BACS, "UHL1 26331", "UHL1 26400"), ("execution_date", 5, None)),
    "a day of one Bacs record": (changed(BACS_MULTI, FIRST, FIRST[:100] + " 26400"), ("execution_date", 5, None)),
    "a Bacs code that there is not": (changed(BACS, "99089999", "98089999"), ("bacs18-transaction-code", 5, None)),
}  # fmt: skip


@pytest.mark.parametrize("name", ONCE)
def test_a_fault_is_told_once(name: str, tmp_path: Path) -> None:
    text, told = ONCE[name]
    (found,) = errors(tmp_path, text)
    assert found[:2] == told[:2]
    assert told[2] in (None, found[2])


def test_a_trace_number_is_not_blamed_for_a_header(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(changed(NACHA, "261124   112345678", "261124   199999999"))
    found = check(path, CLIENT, TODAY).findings
    assert found["rule"].to_list() == ["nacha-odfi-match"]


def test_beside_an_unknown_ach_code_another_difference_is_still_told(tmp_path: Path) -> None:
    text = changed(changed(NACHA, "622123456780", "699123456780"), "0000187550EMP", "0000187551EMP")
    assert sorted(rule for rule, *_ in errors(tmp_path, text)) == [
        "control_sum",
        "control_sum",
        "nacha-transaction-code",
    ]


def test_without_an_ordering_customer_each_payment_is_told_of_once(tmp_path: Path) -> None:
    found = errors(tmp_path, changed(MT101, PAYER, ""))
    assert found == [("mt101-ordering", 8, "50a"), ("mt101-ordering", 18, "50a")]


def test_the_ordering_customer_of_another_message_is_read_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(changed(MT101, ":50H:", ":50K:"))
    found = check(path, CLIENT, TODAY)
    assert found.findings.filter(severity="error")["message"].to_list() == ["MT101 has no field 50K."]
