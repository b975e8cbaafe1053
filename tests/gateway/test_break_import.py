"""The workbook of breaks: written, edited as finance edits, loaded back; every fault told with its cell, nothing done twice."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from break_world import agree_breaks, bank_statement, entry_line
from typer.testing import CliRunner

from canonical.break_columns import COLUMNS, SHEET
from exporters.break_workbook import write_breaks
from gateway.books.write_offs import adjustments
from gateway.breaks.breaks import history, look
from gateway.breaks.desk import Wish, decide
from gateway.breaks.loading import Imported, import_breaks
from gateway.cli.app import app
from gateway.composition import Gateway
from gateway.registry import tables as t

TODAY = dt.date(2026, 11, 20)
HEAD = 3
PLACE = {column.name: number for number, column in enumerate(COLUMNS, 1)}
AMOUNTS = (90_000, 12_345, 500, 99)


def booked(gateway: Gateway, *amounts: int) -> Gateway:
    """Entries of strangers; the largest stands first in the workbook."""
    agree_breaks(gateway, owners=["anna", "bert"], write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, *(entry_line(number, amount) for number, amount in enumerate(amounts or AMOUNTS, 1)))
    return gateway


@pytest.fixture
def desk(gateway: Gateway) -> Gateway:
    return booked(gateway)


@pytest.fixture
def desk_anywhere(gateway_anywhere: Gateway) -> Gateway:
    return booked(gateway_anywhere)


def exported(gateway: Gateway) -> bytes:
    out = io.BytesIO()
    assert write_breaks(look(gateway).breaks, ["anna", "bert"], TODAY, out) > 0
    return out.getvalue()


def edited(data: bytes, edit: Callable | None = None, **cells: object) -> bytes:
    """The workbook with cells of its rows set: owner_2="anna" is the owner of the second break."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book[SHEET]
    for name, value in cells.items():
        column, _, row = name.rpartition("_")
        sheet.cell(HEAD + int(row), PLACE[column]).value = value
    if edit is not None:
        edit(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def faults(found: Imported) -> list[tuple]:
    return [(fault.row - HEAD, fault.column.partition(" ")[2], fault.value) for fault in found.faults]


def state(gateway: Gateway, row: int) -> tuple:
    (item,) = gateway.registry.rows(t.BREAKS, t.BREAKS.c.amount_minor == AMOUNTS[row - 1])
    return item["state"], item["owner"], item["comment"]


def test_the_workbook_has_real_values_protection_and_choices(desk: Gateway) -> None:
    data = exported(desk)
    assert data == exported(desk), "the same breaks give the same bytes"
    sheet = openpyxl.load_workbook(io.BytesIO(data))[SHEET]
    assert [cell.value for cell in sheet[HEAD]] == [column.heading for column in COLUMNS]
    first = sheet.cell(HEAD + 1, PLACE["amount_minor"])
    assert (first.value, first.number_format) == (900, "#,##0.00;[Red]-#,##0.00")
    assert sheet.cell(HEAD + 1, PLACE["since"]).value == dt.datetime(2026, 11, 20)
    assert sheet.protection.sheet
    assert not sheet.protection.autoFilter, "filters work on a protected sheet"
    for column in COLUMNS:
        assert sheet.cell(HEAD + 1, PLACE[column.name]).protection.locked is not column.edited, column.name
    chosen = {
        str(rule.sqref).rstrip("0123456789:"): rule.formula1
        for rule in sheet.data_validations.dataValidation
        if rule.type == "list"
    }
    assert sorted(chosen.values()) == ['"open,assigned,explained,written_off,resolved"', '"yes"', "Lists!$A$1:$A$2"]
    assert sheet.freeze_panes == "D4"


def test_what_is_edited_is_done_once(desk_anywhere: Gateway) -> None:
    data = edited(
        exported(desk_anywhere), owner_1="anna", comment_1="asked the bank", state_2="explained", comment_2="a deposit",
        state_3="written_off", reason_3="small",
    )  # fmt: skip
    found = import_breaks(desk_anywhere, data, "carl")
    assert (found.applied, found.unchanged, found.repeated, found.faults) == (3, 1, 0, [])
    assert state(desk_anywhere, 1) == ("assigned", "anna", "asked the bank")
    assert state(desk_anywhere, 2) == ("explained", None, "a deposit")
    assert state(desk_anywhere, 3) == ("written_off", None, None)
    assert adjustments(desk_anywhere, TODAY).select("amount_minor", "reason").rows() == [(500, "small")]
    for row in desk_anywhere.registry.rows(t.BREAKS, t.BREAKS.c.state != "open"):
        assert history(desk_anywhere, row["break_id"])[1][-1]["happened_by"] == "carl"
    events = len(desk_anywhere.registry.rows(t.BREAK_EVENTS))
    again = import_breaks(desk_anywhere, data, "carl")
    assert (again.applied, again.unchanged, again.repeated, again.faults) == (0, 1, 3, [])
    assert len(desk_anywhere.registry.rows(t.BREAK_EVENTS)) == events


@pytest.mark.parametrize("row_by_row", [False, True])
def test_a_fault_stops_all_or_its_row_alone(desk: Gateway, row_by_row: bool) -> None:
    data = edited(exported(desk), owner_1="anna", state_2="resolved", reason_2="never mind", owner_4="nobody known")
    found = import_breaks(desk, data, "carl", row_by_row=row_by_row)
    assert faults(found) == [(2, "State", "resolved"), (4, "Owner", "nobody known")]
    assert "closes with its money" in found.faults[0].message
    assert "there are: anna, bert" in found.faults[1].message
    assert all(fault.sheet == SHEET and fault.remedy for fault in found.faults)
    assert not any("anew" in fault.remedy for fault in found.faults), "nothing was changed meanwhile"
    assert found.applied == (1 if row_by_row else 0)
    assert state(desk, 1)[1] == ("anna" if row_by_row else None)


FAULTS = (
    ({"amount_minor": 900.01}, [("Amount", "900.01")]),
    ({"since": dt.date(2026, 11, 19)}, [("Since", "2026-11-19")]),
    ({"currency": "USD", "note": "mine"}, [("Currency", "USD"), ("What it is", "mine")]),
    ({"owner": "=1+1"}, [("Owner", "")]),
    ({"state": "done"}, [("State", "done")]),
    ({"accept": "no"}, [("Accept", "no")]),
    ({"accept": "yes", "reason": "it is"}, [("Accept", "yes")]),
    ({"state": "written_off"}, [("Reason", "")]),
    ({"state": "assigned"}, [("Owner", "")]),
    ({"state": "explained"}, [("Comment", "")]),
    ({"reason": "because"}, [("Reason", "because")]),
    ({"break_id": "X0", "owner": "anna"}, [("Break", "X0")]),
    ({"break_id": None, "owner": "anna"}, [("Break", "")]),
    ({"revision": 7}, [("Revision", "7")]),
)  # fmt: skip
"""Cells of one row, and the faults that are told of it."""


def test_every_fault_of_a_cell_is_told(gateway: Gateway) -> None:
    booked(gateway, *range(90_000, 90_000 - len(FAULTS), -1))
    cells = {f"{name}_{row}": value for row, (told, _) in enumerate(FAULTS, 1) for name, value in told.items()}
    found = import_breaks(gateway, edited(exported(gateway), **cells), "carl")
    wanted = [(row, *fault) for row, (_, told) in enumerate(FAULTS, 1) for fault in told]
    assert sorted(faults(found)) == sorted(wanted)
    assert found.applied == 0
    assert all(fault.sheet == SHEET and fault.remedy for fault in found.faults)
    stale = {fault.column.partition(" ")[2] for fault in found.faults if "anew" in fault.remedy}
    assert stale == {"Break", "Revision"}, "to export anew helps only what was changed meanwhile, or is not known"
    assert {row["revision"] for row in gateway.registry.rows(t.BREAKS)} == {1}


def test_rows_may_be_sorted_and_deleted_but_not_doubled(desk: Gateway) -> None:
    data = edited(exported(desk), lambda sheet: sheet.delete_rows(HEAD + 2))
    found = import_breaks(desk, edited(data, owner_1="anna"), "carl")
    assert (found.applied, found.unchanged, found.faults) == (1, 2, [])
    assert state(desk, 1)[1] == "anna"

    def double(sheet) -> None:
        for column in range(1, len(COLUMNS) + 1):
            sheet.cell(HEAD + 3, column).value = sheet.cell(HEAD + 1, column).value

    found = import_breaks(desk, edited(exported(desk), double), "carl")
    assert faults(found) == [(3, "Break", found.faults[0].value)]


def test_a_row_that_somebody_changed_meanwhile_is_refused(desk_anywhere: Gateway) -> None:
    data = edited(exported(desk_anywhere), owner_1="anna", owner_2="anna")
    largest = look(desk_anywhere).breaks.sort("amount_minor")["break_id"][-1]
    decide(desk_anywhere, largest, Wish("assign", "bert", value="bert"))
    found = import_breaks(desk_anywhere, data, "carl", row_by_row=True)
    assert faults(found) == [(1, "Revision", "1")]
    assert "bert changed the break at 2026-11-20T12:00 UTC: it is at revision 2" in found.faults[0].message
    assert [state(desk_anywhere, row)[1] for row in (1, 2)] == ["bert", "anna"]


def test_a_write_off_above_the_limit_takes_a_second_workbook(desk: Gateway) -> None:
    data = edited(exported(desk), state_1="written_off", reason_1="too old")
    assert import_breaks(desk, data, "anna").applied == 1
    assert state(desk, 1)[0] == "open"
    assert import_breaks(desk, data, "bert").repeated == 1, "who agrees looks at what stands there now"
    second = exported(desk)
    assert openpyxl.load_workbook(io.BytesIO(second))[SHEET].cell(HEAD + 1, PLACE["asked_by"]).value == "anna"
    found = import_breaks(desk, edited(second, state_1="written_off", reason_1="agreed, too old"), "anna")
    assert "another person must" in found.faults[0].message
    assert import_breaks(desk, edited(second, state_1="written_off", reason_1="agreed"), "bert").applied == 1
    assert state(desk, 1)[0] == "written_off"


def test_what_is_no_workbook_of_breaks_is_told(desk: Gateway) -> None:
    clean = exported(desk)

    def other_heads(sheet) -> None:
        sheet.cell(HEAD, PLACE["owner"]).value = "Who"

    for data in (b"", b"PK\x03\x04 no", clean[:-200], edited(clean, other_heads)):
        found = import_breaks(desk, data, "carl")
        assert len(found.faults) == 1
        assert found.faults[0].row == 0
        assert found.faults[0].remedy


def test_no_cell_runs(desk: Gateway) -> None:
    row = look(desk).breaks.row(0, named=True)
    decide(desk, row["break_id"], Wish("note", "anna", value="=HYPERLINK(1)"))
    book = openpyxl.load_workbook(io.BytesIO(exported(desk)))
    cells = [cell for sheet in book.worksheets for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert cells
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]


def test_the_command_line(tmp_path: Path, desk: Gateway, monkeypatch) -> None:
    monkeypatch.setattr("gateway.cli.breaks.opened", lambda: desk)
    run = CliRunner().invoke
    listed = run(app, ["breaks", "list", "--output", "csv"])
    assert listed.exit_code == 0, listed.output
    assert len(listed.output.splitlines()) == 1 + len(AMOUNTS)
    break_id = look(desk).breaks.sort("amount_minor")["break_id"][-1]
    assert "assigned (anna)" in run(app, ["breaks", "assign", break_id, "anna", "--by", "carl"]).output
    assert run(app, ["breaks", "assign", break_id, "bert", "--revision", "1"]).exit_code == 3
    shown = run(app, ["breaks", "show", break_id]).output
    assert "found" in shown
    assert "carl" in shown
    assert break_id in run(app, ["breaks", "list", "--owner", "anna"]).output
    file = tmp_path / "breaks.xlsx"
    assert f"{len(AMOUNTS)} breaks" in run(app, ["breaks", "export", str(file)]).output.replace("\n", "")
    file.write_bytes(edited(file.read_bytes(), owner_2="anna", owner_3="nobody"))
    assert run(app, ["breaks", "import", str(file), "--by", "carl"]).exit_code == 1
    done = run(app, ["breaks", "import", str(file), "--by", "carl", "--row-by-row"])
    assert "1 row done, 2 unchanged, 0 done before, 1 fault" in done.output
    assert run(app, ["breaks", "import", str(tmp_path / "none.xlsx")]).exit_code == 3
