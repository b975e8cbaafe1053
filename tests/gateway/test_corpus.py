"""Every sample file of the manifest, whatever its format: what is read of it is what a second, plain reader counts and adds up.

The second readers share no code with the parsers. A file that cannot be read says why in words that one can act on.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal

import pytest
from lxml import etree

from canonical.plugins import discover
from gateway.intake.read_file import read_file

ISO = {
    "pain.001": ("CdtTrfTxInf", ("InstdAmt", "EqvtAmt/{*}Amt")),
    "pain.008": ("DrctDbtTxInf", ("InstdAmt",)),
    "camt.052": ("Ntry", ("Amt",)),
    "camt.053": ("Ntry", ("Amt",)),
    "camt.054": ("Ntry", ("Amt",)),
}
"""Format → element that is counted, and where its amount stands."""
LINES = {
    "mt940": rb"^:61:",
    "mt942": rb"^:61:",
    "bai2": rb"^16,",
    "mt101": rb"^:21:",
}
"""Format → how a line begins that is counted."""
COUNTED = {
    "camt.052": "entries",
    "camt.053": "entries",
    "camt.054": "entries",
    "mt940": "entries",
    "mt942": "entries",
    "bai2": "entries",
}
NOT_READ = {"pacs.008": "a message between banks, which is written here and never read"}
ANOTHER_FORMAT = {
    "csv": "other people's tables, whose columns must be agreed: tests/parsers/test_csv_mapping.py and test_settlement_csv.py",
    "pain.002": "statuses have no count or sum of their own: tests/parsers/test_pain002.py",
    "pacs.002": "statuses have no count or sum of their own: tests/parsers/test_status_messages.py",
}
REFUSED = {
    "bacs18/hmcts+opal-file-handler/inbound_receipts.txt": "what a bank sends its customer, no submission",
    "bacs18/ministryofjustice+bankline-direct-parser/testfile_nwb": "what a bank sends its customer, no submission",
    "bacs18/ministryofjustice+bankline-direct-parser/testfile_rbs": "what a bank sends its customer, no submission",
    "camt.052/VMelnalksnis+ISO20022DotNet/VMelnalksnis.ISO20022DotNet.Tests.csproj": "a project file of a build tool",
    "mt940/wolph+mt940/multiline.sta": "an entry behind the end of its message belongs to no statement",
}
"""Valid by the manifest and refused here, with the reason."""
FORMATS = sorted({*ISO, *LINES, "bacs18", "nacha", *NOT_READ, *ANOTHER_FORMAT})


def minor(text: str, currency: str) -> int:
    digits = 0 if currency in {"JPY", "KRW", "CLP"} else 3 if currency in {"TND", "KWD", "BHD", "OMR", "JOD"} else 2
    return int(Decimal(text.replace(",", ".")).scaleb(digits))


def of_iso(name: str, data: bytes) -> tuple[int, Counter[str]]:
    element, amounts = ISO[name]
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True))
    sums: Counter[str] = Counter()
    found = [
        item
        for item in root.iter(f"{{*}}{element}")
        if etree.QName(item.getparent()).localname in {"PmtInf", "Stmt", "Rpt", "Ntfctn"}
    ]
    for item in found:
        amount = next(
            (
                at
                for path in amounts
                for at in item.iterfind(f".//{{*}}{path}" if element != "Ntry" else f"{{*}}{path}")
            ),
            None,
        )
        if amount is not None and amount.get("Ccy"):
            sums[amount.get("Ccy")] += minor(amount.text.strip(), amount.get("Ccy"))
    return len(found), sums


def of_nacha(data: bytes) -> tuple[int, Counter[str]]:
    text = data.decode("latin-1")
    lines = text.splitlines() if "\n" in text.strip() else [text[at : at + 94] for at in range(0, len(text), 94)]
    count, total, ledger = 0, 0, False
    for line in lines:
        if line.startswith("5"):
            ledger = line[50:53] == "ADV"
        if line.startswith("6"):
            count += 1
            total += int(line[27:39] if ledger else line[29:39])
    return count, Counter({"USD": total})


def of_bacs(data: bytes) -> tuple[int, Counter[str]]:
    records = [line for line in data.decode("latin-1").splitlines() if re.match(r"\d{14}[ 0-9]\d[0-9A-Z]", line)]
    paid = [
        line
        for line in records
        if line[15:17] in {"01", "17", "18", "19", "99", "Z4", "Z5"} and line[:14] != line[17:31]
    ]
    return len(paid), Counter({"GBP": sum(int(line[35:46]) for line in paid)})


def second_reading(name: str, data: bytes) -> tuple[int, Counter[str] | None]:
    """Count, and sum by currency where the format is told by it."""
    if name in ISO:
        return of_iso(name, data)
    if name == "nacha":
        return of_nacha(data)
    if name == "bacs18":
        return of_bacs(data)
    lines = re.findall(LINES[name], data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), re.MULTILINE)
    sums = None
    if name == "mt101":
        found = re.findall(rb":32B:([A-Z]{3})([\d,]+)", data)
        sums = Counter[str]()
        for currency, amount in found:
            sums[currency.decode()] += minor(amount.decode(), currency.decode())
    return len(lines), sums


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_is_read_whole_or_says_why_not(name, corpus):
    compared, refused, passed = 0, set(), set()
    for file in corpus(name):
        (told,) = read_file(file.path, None, {})
        findings = told.findings
        assert (findings["message"].str.len_chars() > 10).all(), file.key
        assert (findings["remedy"].str.len_chars() > 10).all(), file.key
        assert told.counts or told.unreadable, f"{file.key}: nothing read and nothing said"
        if name not in {*NOT_READ, "csv"} and file.validity == "valid" and told.unreadable:
            refused.add(file.key)
        if file.validity == "invalid" and told.verdict == "clean":
            passed.add(file.note.partition(":")[0])
        if name in ANOTHER_FORMAT or name in NOT_READ or told.header.format != name:
            continue
        if file.validity == "valid" and not told.unreadable:
            counted = COUNTED.get(name, "payments")
            count, sums = second_reading(name, file.path.read_bytes())
            read = told.counts[counted] + told.counts.get("unreadable_rows", 0)
            assert read == count, (file.key, told.counts)
            if sums is not None:
                ours = {code: sum(both.values()) for code, both in told.sums.items()}
                assert ours == {code: total for code, total in sums.items() if total or code in ours}, file.key
            compared += 1
    assert compared or name in {*ANOTHER_FORMAT, *NOT_READ, "bacs18"}
    assert refused == {key for key in REFUSED if key.startswith(f"{name}/")}
    assert passed <= {"XSD"}, "what is wrong by the schema alone, in elements that nobody reads"


def test_every_row_of_the_manifest_is_tried(corpus):
    with (corpus("nacha")[0].path.parents[2] / "MANIFEST.csv").open(newline="", encoding="utf-8") as manifest:
        formats = {row["format"] for row in csv.DictReader(manifest)}
    assert formats == set(FORMATS)
    assert set(NOT_READ).isdisjoint(discover("parsers", "FORMAT"))
