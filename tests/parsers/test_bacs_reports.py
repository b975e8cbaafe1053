"""Bacs reports: goldens of the five, code by code, totals, foreign reports and record types, broken and hostile XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from canonical.bacs_codes import BACS_CODES
from canonical.contracts import Feedback, Source
from canonical.frames import FINDINGS, STATUSES, checked
from canonical.plugins import discover, lookup

GOLDEN = Path(__file__).parent / "golden" / "bacs_reports"
REPORTS = ("addacs", "arucs", "arudd", "auddis", "awacs")


def read(name: str, data: bytes | str) -> Feedback:
    found = lookup("parsers", "FORMAT", name)
    said = found.read(Source("f", "report.xml", data.encode() if isinstance(data, str) else data), found.options())
    checked(said.statuses, STATUSES)
    checked(said.findings, FINDINGS)
    assert said.entries.is_empty()
    return said


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_golden(name):
    said = read(name, golden(name))
    assert (said.format, said.version) == (name, name.upper())
    assert said.statuses.write_csv() == (GOLDEN / f"{name}.statuses.csv").read_text(encoding="utf-8")
    assert said.findings.write_csv() == (GOLDEN / f"{name}.findings.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_each_is_known_by_its_bytes_and_no_other_takes_it(name):
    head = golden(name).encode()
    assert [other for other, found in discover("parsers", "FORMAT").items() if found.sniff(head)] == [name]
    wide = golden(name).replace("UTF-8", "UTF-16").replace("ISO-8859-1", "UTF-16")
    assert read(name, wide.encode("utf-16")).statuses.equals(read(name, golden(name)).statuses)


def test_every_code_has_a_reason_of_four_characters_and_words():
    assert len(BACS_CODES) > 40
    for (report, code), known in BACS_CODES.items():
        assert (known.report, known.code) == (report, code)
        assert len(known.reason) == 4
        assert known.reason.isupper()
        assert known.meaning
        assert known.action.endswith(".")


@pytest.mark.parametrize("code", sorted(code for report, code in BACS_CODES if report == "ARUDD"))
def test_every_code_of_a_return_is_mapped(code):
    (first, *_) = read(
        "arudd", golden("arudd").replace('returnCode="0128"', f'returnCode="{code}128"')
    ).statuses.to_dicts()
    known = BACS_CODES["ARUDD", code]
    assert (first["reason"], first["status"], first["kind"]) == (known.reason, "RJCT", "return")
    assert first["reason_text"] == f"ARUDD {code}: {known.meaning}. {known.action}"


def rules(said: Feedback) -> list[str]:
    return said.findings["rule"].to_list()


FAULTS = {
    "count": ("arucs", 'numberOf="2"', 'numberOf="3"', "bacs-report-count"),
    "no count": ("arucs", 'numberOf="2"', 'numberOf="two"', "bacs-report-count"),
    "sum": ("arucs", 'valueOf="4099.99"', 'valueOf="4099.98"', "bacs-report-sum"),
    "no sum": ("arucs", 'valueOf="4099.99"', 'valueOf="1e3"', "bacs-report-sum"),
    "amount": ("arucs", 'valueOf="2100.00"', 'valueOf="2,100.00"', "bacs-report-amount"),
    "currency": ("arucs", 'currency="GBP">', 'currency="XXQ">', "bacs-report-amount"),
    "code": ("arucs", 'returnCode="B"', 'returnCode="9"', "bacs-report-code"),
    "reference": ("arucs", 'ref="SALARY NOV 1"', 'ref=""', "bacs-report-unnamed"),
    "account": ("arucs", 'number="45678901"', 'number="4567"', "bacs-report-unnamed"),
    "refused": ("auddis", 'record-type="V"', 'record-type="R"', "bacs-report-refused"),
    "no totals": ("arucs", "<Totals ", "<Total ", "bacs-report-count"),
    "totals in another currency": ("arucs", 'valueOf="4099.99" currency="GBP"', 'valueOf="4099.99" currency="EUR"', "bacs-report-sum"),
    "no code": ("arucs", 'returnCode="B"', "", "bacs-report-code"),
    "date": ("arudd", 'originalProcessingDate="2026-11-20"', 'originalProcessingDate="20/11/2026"', "bacs-report-date"),
    "day of the report": ("arudd", 'currentProcessingDate="2026-11-24"', 'currentProcessingDate="24.11.26"', "bacs-report-date"),
    "day of an advice": ("auddis", 'effective-date="2026-11-24"', 'effective-date="24/11/2026"', "bacs-report-date"),
    "day of a messaging report": ("auddis", 'report-generation-date="2026-11-23"', 'report-generation-date="24/11/2026"', "bacs-report-date"),
    "record type": ("awacs", 'effective-date="2026-11-24" reference="SALARY NOV 3"', 'record-type="A" reference="X"', "bacs-report-record"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_named(case):
    name, old, new, rule = FAULTS[case]
    assert old in golden(name)
    before = rules(read(name, golden(name)))
    after = rules(read(name, golden(name).replace(old, new)))
    assert after.count(rule) >= before.count(rule) + (rule != "bacs-report-refused")
    assert rule in after


@pytest.mark.parametrize(
    ("name", "other"),
    [("arudd", "arucs"), ("arucs", "arudd"), ("addacs", "arudd"), ("awacs", "arucs"), ("auddis", "awacs")],
)
def test_another_report_is_refused(name, other):
    said = read(name, golden(other))
    assert said.statuses.is_empty()
    assert said.findings.select("rule", "severity").rows() == [("bacs-report", "fatal")]


def test_what_is_no_report_is_refused():
    assert rules(read("arudd", "<Document/>")) == ["bacs-report"]
    assert rules(read("arudd", "<BACSDocument><Data/></BACSDocument>")) == ["bacs-report"]
    assert rules(read("arudd", b"")) == ["xml-truncated"]
    assert rules(read("arudd", golden("arudd")[:900])) == ["xml-truncated"]
    assert rules(read("arudd", golden("arudd").replace("<Data>", "<Data><"))) == ["xml-syntax"]


def test_hostile_xml_is_refused():
    bomb = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    assert rules(read("arudd", golden("arudd").replace("<BACSDocument", f"{bomb}<BACSDocument", 1))) == ["xml-dtd"]
    assert rules(read("arudd", "<BACSDocument>" + "<a>" * 500)) == ["xml-limit"]


def test_a_file_cut_anywhere_is_a_finding():
    data = golden("arudd").encode().rstrip()
    cuts = range(1, len(data) - 1, 37)
    assert len(cuts) > 50
    for cut in cuts:
        said = read("arudd", data[:cut])
        assert said.statuses.is_empty()
        assert said.findings.height == 1, cut
