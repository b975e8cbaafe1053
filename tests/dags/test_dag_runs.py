"""Every DAG run for real by Airflow, on S3, over SFTP, with banks that keep books. What counts is what they and the registry say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from runs import ACCEPTED, run, rung, today
from town import BANKS, Town

from gateway.intake.approve import decide
from gateway.registry import tables as t
from sandbox.day import salaries_pain001, suppliers_nacha, uploads

pytestmark = pytest.mark.airflow


def payments_by_state(town: Town) -> Counter[str]:
    from gateway.books.book import states_of

    files = [row["file_id"] for row in town.rows(t.FILES)]
    return Counter(states_of(town.gateway(), files)["state"].to_list())


def test_a_bank_day(town, dags) -> None:
    day = today()
    for file in uploads(day):
        # The inbox is read in the order of names: what is sent again must come after what it repeats.
        name = file.name.replace("salaries", "wages") if "again" in file.name else file.name
        town.upload(file.client_id, name, file.data)
    files_are_planned_and_answered(town, dags, day)
    submissions_reach_the_banks_once(town, dags)
    what_the_banks_say_is_told(town, dags)
    the_day_is_closed(town, dags, day)
    a_repeat_changes_nothing(town, dags, day)


def files_are_planned_and_answered(town: Town, dags: dict[str, Any], day: dt.date) -> None:
    told = rung("bulkrail://submissions")
    intake = run(dags["bulkrail_intake"])
    assert intake.state == "success"
    files = [
        f"alder · salaries-{day:%Y%m%d}.xml",
        f"birch · suppliers-{day:%Y%m%d}.ach",
        f"cedar · invoices-{day:%Y%m%d}.csv",
    ]
    for task in ("parse", "validate", "approve", "route", "answer"):
        assert intake.tasks[f"file.{task}"] == ["success"] * 3
        assert sorted(intake.labels[f"file.{task}"]) == files
    assert set(town.states().values()) == {"routed"}
    assert [row["decision"] for row in town.rows(t.APPROVALS)] == ["automatic"] * 3
    assert [town.inbox(client) for client in ACCEPTED] == [[], [], []]
    assert rung("bulkrail://submissions") == told + 3

    answers = {client: list(town.outbox(client)) for client in ACCEPTED}
    agreed = {client: len(profile.answers) for client, profile in town.gateway().profiles.clients.items()}
    assert {client: len(names) for client, names in answers.items()} == {**agreed, "alder": 2 * agreed["alder"]}
    assert [name for name in answers["alder"] if ".duplicate" in name and "wages" in name]
    planned = town.rows(t.SUBMISSIONS, kind="payment")
    assert {row["state"] for row in planned} == {"PREPARED"}
    assert sum(row["payments"] for row in planned) == sum(ACCEPTED.values())


def submissions_reach_the_banks_once(town: Town, dags: dict[str, Any]) -> None:
    planned = town.rows(t.SUBMISSIONS, kind="payment")
    dispatched = run(dags["bulkrail_dispatch"])
    assert dispatched.state == "success"
    assert dispatched.tasks["deliver"] == ["success"] * len(planned)
    assert sorted(dispatched.labels["deliver"]) == sorted(f"{row['destination']} · {row['name']}" for row in planned)
    assert {row["state"] for row in town.rows(t.SUBMISSIONS, kind="payment")} == {"DELIVERED"}
    town.tick()
    paid = town.booked()
    assert len(paid) == len(set(paid)) == sum(ACCEPTED.values())
    assert run(dags["bulkrail_dispatch"]).tasks["deliver"] == ["skipped"]


def what_the_banks_say_is_told(town: Town, dags: dict[str, Any]) -> None:
    told = rung("bulkrail://feedback")
    feedback = run(dags["bulkrail_feedback"])
    assert feedback.state == "success"
    assert feedback.labels["follow"] == list(BANKS)
    assert feedback.tasks["announce"] == ["success"]
    assert rung("bulkrail://feedback") == told + 1
    euro = town.rows(t.SUBMISSIONS, kind="payment", destination="euro_bank")
    assert euro
    assert {row["state"] for row in euro} == {"ACKNOWLEDGED"}
    assert {row["state"] for row in town.rows(t.FEEDBACK)} == {"applied"}
    assert any(".acknowledged" in name or ".settled" in name for name in town.outbox("alder"))
    assert run(dags["bulkrail_feedback"]).tasks["announce"] == ["skipped"]
    assert rung("bulkrail://feedback") == told + 1


def the_day_is_closed(town: Town, dags: dict[str, Any], day: dt.date) -> None:
    town.close_day(day)
    assert run(dags["bulkrail_feedback"]).state == "success"
    assert len(town.rows(t.STATEMENTS)) == 4
    reconciled = run(dags["bulkrail_reconciliation"])
    assert reconciled.state == "success"
    assert reconciled.labels["reconcile"] == list(BANKS)
    assert {label.partition(" ")[0] for label in reconciled.labels["answer"]} == set(ACCEPTED)
    assert payments_by_state(town) == {"settled": 21, "rejected": 6, "provider_rejected": 1, "returned": 1}

    settled = run(dags["bulkrail_settlement"], {"day": day.isoformat()})
    assert settled.state == "success"
    assert {row["provider_id"] for row in town.rows(t.CLOSES, day=day.isoformat())} == {*BANKS, "all"}
    reports = {item.key for item in town.gateway().store.list(f"reports/{day}")}
    for name in ("reconciliation", "settlement"):
        assert {f"reports/{day}/{name}-{scope}.xlsx" for scope in (*BANKS, "all")} <= reports
    # A client's day is that of its own zone.
    told = {f"client-{row['client_id']}" for row in town.rows(t.FILES, received_on=day.isoformat())}
    assert {f"reports/{day}/{name}.pdf" for name in ("digest-all", *told)} <= reports
    published = {item.key.split("/")[1] for item in town.gateway().store.list("published")}
    assert {"payments", "matches", "states", "postings", "registry"} <= published


def a_repeat_changes_nothing(town: Town, dags: dict[str, Any], day: dt.date) -> None:
    def everything() -> dict[str, list[dict[str, Any]]]:
        return {table.name: town.rows(table) for table in t.METADATA.sorted_tables}

    before, paid = everything(), town.booked()
    for name in ("intake", "dispatch", "feedback", "reconciliation"):
        assert run(dags[f"bulkrail_{name}"]).state == "success"
    assert run(dags["bulkrail_settlement"], {"day": day.isoformat()}).state == "success"
    town.tick()
    assert everything() == before
    assert town.booked() == paid


def test_a_held_file_is_answered_waits_for_a_person_and_goes_on(town, dags) -> None:
    town.profile("clients", "alder", "EUR: 25000000", "EUR: 100")
    town.upload("alder", "salaries.xml", salaries_pain001(today()))
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))
    held = run(dags["bulkrail_intake"])
    assert held.state == "success"
    assert dict(zip(held.labels["file.route"], held.tasks["file.route"], strict=True)) == {
        "alder · salaries.xml": "skipped",
        "birch · suppliers.ach": "success",
    }
    assert held.tasks["file.answer"] == ["success"] * 2
    assert town.states() == {"salaries.xml": "held", "suppliers.ach": "routed"}
    assert len(town.outbox("alder")) == 1
    assert run(dags["bulkrail_intake"]).tasks["file.parse"] == ["skipped"]

    [approval] = town.rows(t.APPROVALS, decision="held")
    decide(town.gateway(), approval["file_id"], approved=True, by="treasurer", reason="payroll of the month")
    released = run(dags["bulkrail_intake"])
    assert released.tasks["file.route"] == ["success"]
    assert town.states()["salaries.xml"] == "routed"
    assert run(dags["bulkrail_dispatch"]).state == "success"
    town.tick()
    assert len(town.booked()) == len(set(town.booked())) == ACCEPTED["alder"] + ACCEPTED["birch"]


def test_the_day_to_close_is_the_forms_or_the_day_before(town, dags) -> None:
    task = dags["bulkrail_settlement"].get_task("day_to_close")
    start = dt.datetime(2026, 11, 19, 4, 0, tzinfo=dt.UTC)
    assert task.python_callable({"day": None}, start) == "2026-11-19"
    assert task.python_callable({"day": "2026-11-02"}, start) == "2026-11-02"
    found = run(dags["bulkrail_settlement"])
    assert found.state == "success"
    assert {row["provider_id"] for row in town.rows(t.CLOSES)} == {*BANKS, "all"}
