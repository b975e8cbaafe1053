"""No table that we write runs in a spreadsheet, whatever a client or a provider put into it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from canonical.cells import harmless_csv
from gateway.cli.app import app

SIGNS = "=+-@\t\r\n"
EVIL = '=cmd|"/c calc"!A1'


def runs(cell: str) -> bool:
    return cell.strip(" ")[:1] in set(SIGNS) and cell != ""


@given(st.lists(st.text(alphabet=st.sampled_from(f"{SIGNS}1a '\",;")), min_size=1))
def test_no_text_begins_as_a_formula(texts: list[str]) -> None:
    """Guard: `canonical.cells.harmless`, in every CSV of the command line, the answers and the reports."""
    frame = pl.DataFrame({"n": range(len(texts)), "text": texts})
    rows = list(csv.reader(io.StringIO(harmless_csv(frame), newline="")))[1:]
    assert len(rows) == len(texts)
    assert not any(runs(row[1]) for row in rows)
    assert [row[1].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]


def test_findings_of_the_command_line(tmp_path: Path) -> None:
    """Guard: the same, in `--output csv`."""
    lines = [
        "end_to_end_id,execution_date,creditor_name,creditor_account,creditor_agent,amount,currency,remittance",
        f'"{EVIL.replace(chr(34), chr(34) * 2)}",2026-11-20,,@SUM(A1),,+1.999,EUX,-1+1',
        "TOTAL,1,1.99",
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = CliRunner().invoke(app, ["check", str(path), "--output", "csv"])
    rows = list(csv.reader(io.StringIO(found.output)))
    assert len(rows) > 2
    assert any(EVIL[:4] in cell or "@SUM" in cell or "+1.999" in cell for row in rows[1:] for cell in row)
    assert [cell for row in rows for cell in row if runs(cell)] == []
