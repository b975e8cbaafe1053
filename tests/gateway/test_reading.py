"""Which format a file is in: told by its beginning, whatever stands in front, and compared with what was agreed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from canonical.profiles import DEFAULT_CLIENT, ClientProfile
from gateway.intake.check import Checked, check

GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
TODAY = dt.date(2026, 11, 26)
XML = (GOLDEN / "pain001" / "two_batches.xml").read_text()
BODY = XML.split("?>", 1)[1].lstrip()
ACH = (GOLDEN / "nacha" / "origination.ach").read_text()


def judged(folder: Path, data: bytes, client: ClientProfile = DEFAULT_CLIENT) -> Checked:
    (folder / "file").write_bytes(data)
    return check(folder / "file", client, TODAY)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("padding", [" " * 100_000, "\n" * 300_000, f"<!-- {'x ' * 60_000} -->", ""])
def test_blanks_and_comments_in_front_hide_no_format(tmp_path: Path, padding: str, codec: str) -> None:
    declared = f'<?xml version="1.0" encoding="{codec.upper()}"?>{padding}'
    found = judged(tmp_path, (declared + BODY).encode(codec))
    assert (found.header.format, found.payments) == ("pain.001", 3)


@pytest.mark.parametrize(
    ("codec", "told"), [("utf-8-sig", "begins with a byte order mark (UTF-8)"), ("utf-16", "is written as UTF-16")]
)
def test_a_plain_text_format_in_another_encoding_is_told_so(tmp_path: Path, codec: str, told: str) -> None:
    found = judged(tmp_path, ACH.encode(codec))
    assert found.findings.select("rule", "reason", "severity").rows() == [("file-format", "FF02", "fatal")]
    assert found.findings["message"].to_list() == [
        f"The file looks like nacha, but {told}; such files are plain ASCII."
    ]


@pytest.mark.parametrize("data", [XML, ACH])
def test_another_format_than_the_agreed_one_is_named(tmp_path: Path, data: str) -> None:
    found = judged(tmp_path, data.encode(), DEFAULT_CLIENT.model_copy(update={"formats": ("csv",)}))
    (message,) = found.findings["message"]
    assert message in {f"The file looks like {name}, which was not agreed." for name in ("pain.001", "nacha")}


MAPPED = {
    "csv": {
        "delimiter": ";", "decimal": ",", "thousands": ".", "date": "DD.MM.YYYY", "encoding": "cp1252", "template": False, "comment": "#",
        "columns": {
            "end_to_end_id": "Ref", "execution_date": "Datum", "creditor_name": "Name", "creditor_account": "IBAN", "amount": "Betrag",
            "currency": {"constant": "EUR"},
        },
        "totals": [{"pattern": "Summe", "count": 2, "sum": 5}],
    }
}  # fmt: skip
HEAD = "Ref;Datum;Name;IBAN;Betrag\r\nA1;01.12.2026;Größe;FR1420041010050500013M02606;1.250,00\r\n"


@pytest.mark.parametrize(
    ("end", "whole"),
    [
        ("Summe;1;;;1.250,00\r\n", True), ("Summe;1;;;1.250,00\r\n\r\n# fin\r\n", True), ('"Summe";1;;;"1.250,00"', True),
        ("", False), ("TOTAL;1;1250,00\r\n", False), ("Sum", False),
    ],
)  # fmt: skip
def test_a_closing_row_as_agreed_closes_the_file(tmp_path: Path, end: str, whole: bool) -> None:
    client = DEFAULT_CLIENT.model_copy(update={"complete": "totals", "formats": ("csv",), "format_options": MAPPED})
    found = judged(tmp_path, (HEAD + end).encode("cp1252"), client)
    assert found.findings.filter(pl.col("rule") == "file-complete").is_empty() == whole
    assert (found.verdict == "accepted") == whole
