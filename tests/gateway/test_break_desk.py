"""Breaks as work items, on SQLite and PostgreSQL: found, given to people, closed by themselves, back with their history."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import polars as pl
import pytest
from break_world import agree_breaks, bank_statement, entry_line, open_items
from hypothesis import given
from hypothesis import strategies as st
from property_examples import examples
from world import Clock

from canonical.codes import BreakState
from canonical.errors import Conflict, NotFound
from gateway.books.settle import settle
from gateway.books.write_offs import adjustments
from gateway.breaks import breaks
from gateway.breaks import desk as break_desk
from gateway.breaks.breaks import history, look, open_breaks
from gateway.breaks.desk import ACTS, Wish, decide
from gateway.breaks.events import ACTIVE, MOVES, state_after
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry import trail

TODAY = dt.date(2026, 11, 20)


def only(gateway: Gateway) -> dict:
    (row,) = look(gateway).breaks.rows(named=True)
    return row


def events_of(gateway: Gateway, break_id: str) -> list[tuple]:
    _, events, _ = history(gateway, break_id)
    return [(row["action"], row["state"], row["happened_by"]) for row in events]


def audit_of(gateway: Gateway, break_id: str) -> list[str]:
    return [row["action"] for row in gateway.registry.rows(t.AUDIT, t.AUDIT.c.subject == break_id)]


def test_what_a_look_finds_is_open_and_a_repeat_adds_nothing(gateway: Gateway) -> None:
    bank_statement(gateway, entry_line(1, 12_345), entry_line(2, 99))
    first = look(gateway)
    assert (first.found, first.returned, first.changed, first.cleared) == (2, 0, 0, 0)
    assert first.breaks.select("kind", "state", "owner", "amount_minor").sort("amount_minor").rows() == [
        ("unknown_entry", "open", None, 99), ("unknown_entry", "open", None, 12_345),
    ]  # fmt: skip
    again = look(gateway)
    assert (again.found, again.returned, again.changed, again.cleared) == (0, 0, 0, 0)
    assert again.breaks.equals(first.breaks)
    for break_id in first.breaks["break_id"]:
        assert events_of(gateway, break_id) == [("found", "open", "gateway")]


def test_an_owner_by_the_profile_has_it_at_once(gateway: Gateway) -> None:
    agree_breaks(gateway, owner="treasury", owner_by_kind={"unknown_entry": "cash desk"})
    bank_statement(gateway, entry_line(1, 500))
    assert (only(gateway)["state"], only(gateway)["owner"]) == ("assigned", "cash desk")


def test_people_work_on_it_and_every_step_is_written_down(gateway_anywhere: Gateway) -> None:
    bank_statement(gateway_anywhere, entry_line(1, 500))
    break_id = only(gateway_anywhere)["break_id"]
    decide(gateway_anywhere, break_id, Wish("assign", "anna", value="bert"))
    decide(gateway_anywhere, break_id, Wish("note", "bert", value="asked the bank"))
    decide(gateway_anywhere, break_id, Wish("explain", "bert", value="a deposit of the landlord"))
    row = only(gateway_anywhere)
    assert (row["state"], row["owner"], row["comment"]) == ("explained", "bert", "a deposit of the landlord")
    assert row["revision"] == 4
    assert events_of(gateway_anywhere, break_id) == [
        ("found", "open", "gateway"), ("assigned", "assigned", "anna"), ("noted", "assigned", "bert"),
        ("explained", "explained", "bert"),
    ]  # fmt: skip
    assert audit_of(gateway_anywhere, break_id) == ["break_found", "break_assigned", "break_noted", "break_explained"]
    with gateway_anywhere.registry.transaction() as connection:
        assert trail.verify(connection)[1] is None
    decide(gateway_anywhere, break_id, Wish("reopen", "anna", "the landlord says no"))
    assert only(gateway_anywhere)["state"] == "assigned", "it has an owner still"
    decide(gateway_anywhere, break_id, Wish("assign", "anna", value=""))
    assert (only(gateway_anywhere)["state"], only(gateway_anywhere)["owner"]) == ("open", None)


def test_the_second_of_two_people_is_told(gateway: Gateway) -> None:
    bank_statement(gateway, entry_line(1, 500))
    row = only(gateway)
    decide(gateway, row["break_id"], Wish("assign", "anna", value="anna"), row["revision"])
    with pytest.raises(Conflict, match="anna changed it at 2026-11-20T12:00 UTC"):
        decide(gateway, row["break_id"], Wish("assign", "bert", value="bert"), row["revision"])
    assert only(gateway)["owner"] == "anna"


def test_at_the_same_moment_one_wins(gateway_anywhere: Gateway) -> None:
    bank_statement(gateway_anywhere, entry_line(1, 500))
    row = only(gateway_anywhere)

    def take(name: str) -> bool:
        try:
            decide(gateway_anywhere, row["break_id"], Wish("assign", name, value=name), row["revision"])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, ["anna", "bert", "carl", "dora"])) == 1
    assert len(events_of(gateway_anywhere, row["break_id"])) == 2


def test_looks_at_the_same_moment_find_once(gateway: Gateway) -> None:
    bank_statement(gateway, entry_line(1, 500), entry_line(2, 600))
    with ThreadPoolExecutor(3) as pool:
        assert sum(found.found for found in pool.map(lambda _: look(gateway), range(3))) == 2
    assert len(gateway.registry.rows(t.BREAK_EVENTS)) == 2


def test_without_its_cause_it_closes_and_back_it_has_its_history(gateway_anywhere: Gateway, monkeypatch) -> None:
    bank_statement(gateway_anywhere, entry_line(1, 500))
    break_id = only(gateway_anywhere)["break_id"]
    decide(gateway_anywhere, break_id, Wish("assign", "anna", value="anna"))
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: open_items(gateway_anywhere).clear())
    assert look(gateway_anywhere).cleared == 1
    item, events, _ = history(gateway_anywhere, break_id)
    assert (item["state"], item["standing"], item["closed_on"]) == ("resolved", 0, "2026-11-20")
    assert events[-1]["reason"] == "its cause is gone"
    with pytest.raises(Conflict, match="its cause is gone"):
        decide(gateway_anywhere, break_id, Wish("reopen", "anna", "why not"))
    monkeypatch.undo()
    assert look(gateway_anywhere).returned == 1
    row = only(gateway_anywhere)
    assert (row["break_id"], row["state"], row["owner"]) == (break_id, "assigned", "anna")
    assert [action for action, _, _ in events_of(gateway_anywhere, break_id)] == [
        "found",
        "assigned",
        "cleared",
        "returned",
    ]


def test_money_is_not_talked_away(gateway: Gateway) -> None:
    bank_statement(gateway, entry_line(1, 500))
    with pytest.raises(Conflict, match="closes with its money"):
        decide(gateway, only(gateway)["break_id"], Wish("resolve", "anna", "never mind"))


def test_what_was_resolved_and_grows_is_for_people_again(gateway: Gateway, monkeypatch) -> None:
    bank_statement(gateway, entry_line(1, 500))
    gap = open_items(gateway).with_columns(kind=pl.lit("statement_chain"))
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: gap)
    break_id = only(gateway)["break_id"]
    decide(gateway, break_id, Wish("resolve", "anna", "the bank sent it by mail"))
    assert look(gateway).breaks.is_empty()
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: gap.with_columns(note=pl.lit("in other words")))
    assert look(gateway).breaks.is_empty(), "other words alone are no other break"
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: gap.with_columns(amount_minor=pl.col("amount_minor") + 1))
    assert only(gateway)["state"] == "open"
    assert [action for action, _, _ in events_of(gateway, break_id)] == ["found", "resolved", "changed", "returned"]


def test_what_was_agreed_of_owners_holds(gateway: Gateway) -> None:
    agree_breaks(gateway, owners=["anna", "bert"])
    bank_statement(gateway, entry_line(1, 500))
    with pytest.raises(NotFound, match="no owner named 'ana' \\(there are: anna, bert\\)"):
        decide(gateway, only(gateway)["break_id"], Wish("assign", "anna", value="ana"))


# ---------------------------------------------------------------------------------------------- write-offs


def test_below_the_limit_one_person_writes_off(gateway: Gateway) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    with pytest.raises(Conflict, match="a reason is needed"):
        decide(gateway, break_id, Wish("write_off", "anna"))
    assert decide(gateway, break_id, Wish("write_off", "anna", "below what asking costs"))["state"] == "written_off"
    assert look(gateway).breaks.is_empty(), "its cause is still there, and nothing is left to do"
    (made,) = adjustments(gateway, TODAY).rows(named=True)
    assert (made["account"], made["relieved"], made["amount_minor"], made["currency"], made["credit_debit"]) == (
        "write_offs", "suspense", 500, "EUR", "CRDT",
    )  # fmt: skip
    assert (made["break_id"], made["day"], made["reason"]) == (break_id, TODAY, "below what asking costs")
    with pytest.raises(Conflict, match="is written_off cannot"):
        decide(gateway, break_id, Wish("write_off", "bert", "once more"))
    assert adjustments(gateway, TODAY).height == 1


@pytest.mark.parametrize("limits", [{"EUR": 499}, {"USD": 10**6}])
def test_above_the_limit_it_takes_two(gateway: Gateway, limits: dict[str, int]) -> None:
    agree_breaks(gateway, write_off_limit_minor=limits)
    bank_statement(gateway, entry_line(1, 500, "DBIT"))
    break_id = only(gateway)["break_id"]
    asked = decide(gateway, break_id, Wish("write_off", "anna", "too old"))
    assert (asked["state"], asked["asked_by"]) == ("open", "anna")
    assert adjustments(gateway, TODAY).is_empty()
    with pytest.raises(Conflict, match="another person must"):
        decide(gateway, break_id, Wish("write_off", "anna", "too old"))
    assert decide(gateway, break_id, Wish("write_off", "bert", "agreed"))["state"] == "written_off"
    (row,) = gateway.registry.rows(t.ADJUSTMENTS)
    assert (row["asked_by"], row["made_by"], row["credit_debit"]) == ("anna", "bert", "DBIT")


def test_who_agrees_agrees_to_what_was_asked(gateway: Gateway) -> None:
    """Whatever happens to the break in between, a note aside, takes the question back."""
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    decide(gateway, break_id, Wish("write_off", "anna", "too old"))
    assert decide(gateway, break_id, Wish("note", "carl", value="hm"))["asked_by"] == "anna"
    assert decide(gateway, break_id, Wish("explain", "carl", value="it is known"))["asked_by"] is None
    assert decide(gateway, break_id, Wish("write_off", "bert", "agreed"))["asked_by"] == "bert"
    assert adjustments(gateway, TODAY).is_empty()


def test_a_write_off_is_taken_back_by_another_posting(gateway_anywhere: Gateway) -> None:
    agree_breaks(gateway_anywhere, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway_anywhere, entry_line(1, 500))
    break_id = only(gateway_anywhere)["break_id"]
    with pytest.raises(Conflict, match="is open cannot be write off reversed"):
        decide(gateway_anywhere, break_id, Wish("reverse", "anna", "too early"))
    decide(gateway_anywhere, break_id, Wish("write_off", "anna", "small"))
    assert decide(gateway_anywhere, break_id, Wish("reverse", "bert", "the bank explained it"))["state"] == "open"
    rows = gateway_anywhere.registry.rows(t.ADJUSTMENTS, order=t.ADJUSTMENTS.c.reverses.is_not(None))
    assert [(row["amount_minor"], row["credit_debit"]) for row in rows] == [(500, "CRDT"), (500, "DBIT")]
    assert rows[1]["reverses"] == rows[0]["adjustment_id"]
    decide(gateway_anywhere, break_id, Wish("write_off", "anna", "after all"))
    assert sum_of(adjustments(gateway_anywhere, TODAY)) == 500
    decide(gateway_anywhere, break_id, Wish("reverse", "bert", "no"))
    assert sum_of(adjustments(gateway_anywhere, TODAY)) == 0


def test_a_write_off_whose_cause_goes_is_taken_back_by_itself(gateway: Gateway, monkeypatch) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    decide(gateway, break_id, Wish("write_off", "anna", "small"))
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: open_items(gateway).clear())
    look(gateway)
    assert [action for action, _, _ in events_of(gateway, break_id)][-2:] == ["write_off_reversed", "cleared"]
    assert sum_of(adjustments(gateway, TODAY)) == 0


def test_another_amount_is_another_question(gateway: Gateway, monkeypatch) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    decide(gateway, break_id, Wish("write_off", "anna", "small"))
    larger = open_items(gateway).with_columns(amount_minor=pl.lit(501, dtype=pl.Int64))
    monkeypatch.setattr(breaks, "breaks_of", lambda *_: larger)
    assert look(gateway).changed == 1
    item, events, _ = history(gateway, break_id)
    assert (item["state"], item["amount_minor"]) == ("open", 501)
    assert "it was unknown_entry, 5.00 EUR and is unknown_entry, 5.01 EUR" in events[-1]["reason"]
    assert sum_of(adjustments(gateway, TODAY)) == 0


def test_a_signed_day_is_not_posted_to(gateway: Gateway) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    with gateway.registry.transaction() as connection:
        connection.execute(t.DAYS.insert().values(day="2026-11-20", state="reviewed", revision=1, reason=""))
    decide(gateway, break_id, Wish("write_off", "anna", "small"))
    assert adjustments(gateway, TODAY).is_empty()
    assert adjustments(gateway, TODAY + dt.timedelta(days=1)).height == 1
    assert adjustments(gateway, TODAY + dt.timedelta(days=1), "us_bank").is_empty()
    assert adjustments(gateway, TODAY + dt.timedelta(days=1), "euro_bank").height == 1


def sum_of(made: pl.DataFrame) -> int:
    sign = pl.when(pl.col("credit_debit") == "CRDT").then(1).otherwise(-1)
    return made.select((pl.col("amount_minor") * sign).sum()).item()


def test_what_is_written_off_is_posted_with_the_close(gateway: Gateway) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    decide(gateway, only(gateway)["break_id"], Wish("write_off", "anna", "small"))
    settle(gateway, TODAY.isoformat(), "anna")
    posted = gateway.lake.whole(f"close-all-{TODAY}-1", "postings")
    moved = dict.fromkeys(("suspense", "write_offs"), 0)
    for row in posted.iter_rows(named=True):
        for side, sign in (("debit_account", 1), ("credit_account", -1)):
            moved[row[side]] = moved.get(row[side], 0) + sign * row["amount_minor"]
    assert (moved["suspense"], moved["write_offs"]) == (0, -500), (
        "the stranger's money is a gain, and nothing is in suspense"
    )


# ---------------------------------------------------------------------------------------------- the table of moves


def test_the_table_of_moves_is_whole() -> None:
    states = {state.value for state in BreakState}
    assert MOVES
    for action, moves in MOVES.items():
        assert moves, action
        assert set(moves) | set(moves.values()) <= states, action
    assert set(MOVES["noted"]) == states
    assert set(MOVES["write_off_reversed"]) == {"written_off"}, "only a reversal leaves written_off"
    leaves = {action for action, moves in MOVES.items() if moves.get("written_off", "written_off") != "written_off"}
    assert leaves == {"write_off_reversed"}
    assert state_after("released", "assigned", None) == "open"
    assert set(ACTIVE) < states


def test_an_older_day_shows_what_was_there_then(gateway: Gateway, clock: Clock) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 500})
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    clock.move(days=1)
    decide(gateway, break_id, Wish("write_off", "anna", "small"))
    for day, shown in ((TODAY, 1), (TODAY + dt.timedelta(days=1), 0)):
        found = breaks.everything(gateway, day)
        assert open_breaks(gateway, breaks.breaks_of(gateway, found, day), found, day).height == shown


def test_every_act_is_in_the_table() -> None:
    assert set(ACTS) == {"assign", "note", "explain", "reopen", "resolve", "write_off", "reverse", "accept"}
    assert t.BREAKS.c.owner.type.length == break_desk.OWNER_CHARS_MAX


def test_nobody_cannot_decide(gateway: Gateway) -> None:
    bank_statement(gateway, entry_line(1, 500))
    break_id = only(gateway)["break_id"]
    for wish in (Wish("note", " ", value="x"), Wish("note", "anna", value=" "), Wish("note", "anna", value="x" * 401)):
        with pytest.raises(Conflict):
            decide(gateway, break_id, wish)
    with pytest.raises(NotFound, match="no break"):
        decide(gateway, "X0", Wish("note", "anna", value="x"))


# ---------------------------------------------------------------------------------------------- whatever people do

PEOPLE = st.sampled_from(["anna", "bert", "carl"])


@given(deeds=st.lists(st.tuples(st.sampled_from(sorted(ACTS)), PEOPLE), max_size=12))
@hypothesis.settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_whatever_people_do_the_events_add_up(gateway: Gateway, deeds: list[tuple[str, str]]) -> None:
    agree_breaks(gateway, write_off_limit_minor={"EUR": 499})
    break_id = "X" + uuid.uuid4().hex[:19]
    a_break = {
        "break_id": break_id, "kind": "unknown_entry", "side": "bank", "subject": "N1", "provider_id": "euro_bank",
        "amount_minor": 500, "currency": "EUR", "credit_debit": "CRDT", "since": "2026-11-20", "note": "", "standing": 1,
        "state": "open", "revision": 0, "changed_by": "gateway", "changed_at": "",
    }  # fmt: skip
    with gateway.registry.transaction() as connection:
        connection.execute(t.BREAKS.insert().values(a_break))
    for action, by in deeds:
        with contextlib.suppress(Conflict):
            decide(gateway, break_id, Wish(action, by, "because", '["P1"]' if action == "accept" else by))
    item = gateway.registry.one(t.BREAKS, break_id=break_id)
    events = gateway.registry.rows(t.BREAK_EVENTS, t.BREAK_EVENTS.c.break_id == break_id)
    assert item is not None
    assert [row["revision"] for row in events] == list(range(1, item["revision"] + 1))
    assert len(audit_of(gateway, break_id)) == len(events)
    if events:
        assert (events[-1]["state"], events[-1]["owner"]) == (item["state"], item["owner"])
    made = gateway.registry.rows(t.ADJUSTMENTS, t.ADJUSTMENTS.c.break_id == break_id)
    net = sum(row["amount_minor"] * (1 if row["credit_debit"] == "CRDT" else -1) for row in made)
    assert net == (500 if item["state"] == "written_off" else 0)
    for row in events:
        if row["action"] == "written_off":
            before = [other for other in events if other["revision"] < row["revision"] and other["action"] != "noted"]
            assert before[-1]["action"] == "write_off_asked"
            assert before[-1]["happened_by"] != row["happened_by"], "never by one person alone"
