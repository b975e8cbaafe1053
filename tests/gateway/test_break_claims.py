"""Accepted suggestions: a person's decision, carried out once, told where it cannot be."""

from __future__ import annotations

import datetime as dt
import io
import json

import openpyxl
import pytest
from break_world import bank_statement, entry_line
from typer.testing import CliRunner
from world import upload

from canonical.break_columns import COLUMNS, SHEET
from canonical.errors import Conflict
from exporters.break_workbook import write_breaks
from gateway.books.by_hand import claim_by_hand
from gateway.books.position import everything
from gateway.breaks import claims as break_claims
from gateway.breaks.breaks import best_answer, history, look
from gateway.breaks.claims import accept, carry_out
from gateway.breaks.desk import Wish, decide
from gateway.breaks.loading import import_breaks
from gateway.cli.app import app
from gateway.composition import Gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.stages import run_journey
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)
WHY = "the letter names it"


def suggested(gateway: Gateway) -> tuple[str, str, str]:
    """A break of an entry without a reference, the entry, and the payment of the same amount that was sent today."""
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    for row in due(gateway):
        dispatch(gateway, row["submission_id"])
    sent = everything(gateway, TODAY).states.filter(state="outstanding").sort("row")
    single = sent.filter(sent["amount_minor"].is_unique())
    payment_id, amount = single.select("payment_id", "amount_minor").row(0)
    bank_statement(gateway, entry_line(1, amount, "DBIT"))
    (row,) = look(gateway).breaks.filter(side="bank").rows(named=True)
    assert row["suggested"] == payment_id
    assert row["reasons"]
    return row["break_id"], row["subject"], payment_id


def state_of(gateway: Gateway, payment_id: str) -> str:
    return everything(gateway, TODAY).states.filter(payment_id=payment_id)["state"][0]


def test_what_is_accepted_is_matched_once(gateway_anywhere: Gateway) -> None:
    gateway = gateway_anywhere
    break_id, _, payment_id = suggested(gateway)
    assert best_answer(gateway, break_id) == payment_id
    with pytest.raises(Conflict, match="a reason is needed"):
        accept(gateway, break_id, [payment_id], "anna", "")
    assert accept(gateway, break_id, [payment_id], "anna", WHY)["state"] == "resolved"
    assert state_of(gateway, payment_id) == "settled"
    look(gateway)
    item, events, _ = history(gateway, break_id)
    assert item["standing"] == 0
    assert [(row["action"], row["happened_by"]) for row in events] == [
        ("found", "gateway"), ("accepted", "anna"), ("matched", "gateway"), ("cleared", "gateway"),
    ]  # fmt: skip
    assert f"matched with payment {payment_id}" in events[-1]["reason"]
    (audit,) = gateway.registry.rows(t.AUDIT, t.AUDIT.c.action == "matched_by_hand")
    assert (audit["actor"], json.loads(audit["detail"])["reason"]) == ("anna", WHY)
    with pytest.raises(Conflict, match="is resolved cannot"):
        accept(gateway, break_id, [payment_id], "bert", WHY)


def test_what_cannot_be_matched_is_told_and_stays(gateway: Gateway, monkeypatch) -> None:
    break_id, _, payment_id = suggested(gateway)
    assert accept(gateway, break_id, ["f" * 33], "anna", WHY)["state"] == "open"
    assert "no payment" in history(gateway, break_id)[1][-1]["reason"]
    monkeypatch.setattr("gateway.cli.breaks.opened", lambda: gateway)
    done = CliRunner().invoke(app, ["breaks", "accept", break_id, "--reason", WHY, "--by", "anna"])
    assert (done.exit_code, "resolved" in done.output) == (0, True)
    assert state_of(gateway, payment_id) == "settled"


def test_a_worker_that_died_in_between_is_made_up_for(gateway: Gateway, monkeypatch) -> None:
    break_id, entry_id, payment_id = suggested(gateway)
    decide(gateway, break_id, Wish("accept", "anna", WHY, json.dumps([payment_id])))
    claim_by_hand(gateway, entry_id, [payment_id], "anna", WHY)
    monkeypatch.setattr(break_claims, "claim_by_hand", None)
    assert carry_out(gateway) == {}
    assert history(gateway, break_id)[0]["state"] == "resolved"
    assert history(gateway, break_id)[1][-1]["action"] == "matched"


def test_a_workbook_accepts(gateway: Gateway) -> None:
    break_id, _, payment_id = suggested(gateway)
    out = io.BytesIO()
    write_breaks(look(gateway).breaks.filter(break_id=break_id), [], TODAY, out)
    book = openpyxl.load_workbook(out)
    places = {column.name: number for number, column in enumerate(COLUMNS, 1)}
    for name, value in (("accept", "yes"), ("reason", WHY)):
        book[SHEET].cell(4, places[name]).value = value
    edited = io.BytesIO()
    book.save(edited)
    found = import_breaks(gateway, edited.getvalue(), "anna")
    assert (found.applied, found.faults) == (1, [])
    assert state_of(gateway, payment_id) == "settled"
    assert import_breaks(gateway, edited.getvalue(), "anna").repeated == 1
