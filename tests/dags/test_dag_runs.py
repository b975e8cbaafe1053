"""Every DAG run for real by Airflow, on S3, over SFTP, with banks that keep books. What counts is what they and the registry say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from town import BANKS, Town, open_town

from bulkrail_airflow import work
from canonical.errors import NotTied
from gateway.approve import decide
from gateway.files import archive_key
from gateway.receive import receive
from gateway.registry import tables as t
from sandbox.day import Upload, invoices_csv, salaries_pain001, suppliers_nacha, uploads

pytestmark = pytest.mark.airflow
# Payments of the sandbox's day that pass validation: all that may reach a bank, each once.
ACCEPTED = {"alder": 10, "birch": 7, "cedar": 6}


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Iterator[Town]:
    with open_town(tmp_path, monkeypatch) as found:
        yield found


@dataclass(frozen=True)
class Run:
    """A finished DAG run. `tasks`: task id → its states by map index; `labels`: what mapped tasks were called."""

    state: str
    tasks: dict[str, list[str]]
    labels: dict[str, list[str]]
    tries: dict[str, list[int]]
    run_id: str


def run(dag: Any, conf: dict[str, Any] | None = None) -> Run:
    done = dag.test(run_conf=conf)
    found = sorted(done.get_task_instances(), key=lambda item: (item.task_id, item.map_index))
    tasks: dict[str, list[str]] = {}
    labels: dict[str, list[str]] = {}
    tries: dict[str, list[int]] = {}
    for item in found:
        tasks.setdefault(item.task_id, []).append(str(item.state))
        labels.setdefault(item.task_id, []).append(item.rendered_map_index)
        tries.setdefault(item.task_id, []).append(item.try_number)
    return Run(str(done.state), tasks, labels, tries, done.run_id)


def without_waiting(dag: Any, task_id: str) -> None:
    """Let a mapped task's retries follow at once."""
    dag.get_task(task_id).partial_kwargs["retry_delay"] = dt.timedelta(0)
    dag.get_task(task_id).partial_kwargs["retry_exponential_backoff"] = 0


def rung(asset: str) -> int:
    """How often an asset was told."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        query = select(func.count()).select_from(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return int(session.scalar(query.where(AssetModel.name == asset)))


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def payments_by_state(town: Town) -> Counter[str]:
    from gateway.book import states_of

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
    assert any(".outcome" in name for name in town.outbox("alder"))
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


def test_what_cannot_be_taken_in_is_named_and_stops_nobody(town, dags, caplog) -> None:
    town.gateway().store.put("clients/stranger/inbox/a.xml", b"<Document/>")
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))
    found = run(dags["bulkrail_intake"])
    assert found.state == "failed"
    assert found.tasks["report_faults"] == ["failed"]
    assert {state for name, states in found.tasks.items() if name != "report_faults" for state in states} == {"success"}
    assert town.states() == {"suppliers.ach": "routed"}
    assert [item.key for item in town.gateway().store.list("clients/stranger")] == ["clients/stranger/inbox/a.xml"]


def test_a_file_that_breaks_stops_no_other_and_is_taken_up_when_it_is_mended(town, dags) -> None:
    data = invoices_csv(today())
    town.upload("cedar", "invoices.csv", data)
    [taken_in] = receive(town.gateway())
    gateway = town.gateway()
    key = archive_key(str(taken_in.file_id))
    gateway.store.delete(key, gateway.store.head(key).version)
    with gateway.registry.transaction() as connection:
        connection.execute(t.FILES.update().values(received_at="2026-01-01T00:00:00.000000+00:00"))
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))

    found = run(dags["bulkrail_intake"])
    assert found.state == "failed"
    for task, state in {"parse": "failed", "validate": "upstream_failed", "answer": "upstream_failed"}.items():
        assert (
            dict(zip(found.labels[f"file.{task}"], found.tasks[f"file.{task}"], strict=True)).get(
                "birch · suppliers.ach"
            )
            == "success"
        )
        assert sorted(found.tasks[f"file.{task}"]) == sorted([state, "success"])
    assert found.tries["file.parse"] == [1, 1]
    assert town.states() == {"invoices.csv": "received", "suppliers.ach": "routed"}

    gateway.store.put(key, data)
    mended = run(dags["bulkrail_intake"])
    assert mended.state == "success"
    assert town.states() == {"invoices.csv": "routed", "suppliers.ach": "routed"}


def test_a_bank_that_is_down_is_tried_again_and_one_that_refuses_is_not(town, dags) -> None:
    town.profile("providers", "euro_bank", "host: ${BULKRAIL_SFTP_HOST:-127.0.0.1}\n    port: ${BULKRAIL_SFTP_PORT:-2222}",
                 "host: 127.0.0.1\n    port: 1")  # fmt: skip
    town.profile("providers", "us_bank", "us_bank_key", "euro_bank_key")
    for file in (
        Upload("alder", "salaries.xml", salaries_pain001(today())),
        Upload("birch", "s.ach", suppliers_nacha(today())),
    ):
        town.upload(file.client_id, file.name, file.data)
    run(dags["bulkrail_intake"])
    without_waiting(dags["bulkrail_dispatch"], "deliver")

    found = run(dags["bulkrail_dispatch"])
    assert found.state == "failed"
    tries = {
        label.partition(" ")[0]: count
        for label, count in zip(found.labels["deliver"], found.tries["deliver"], strict=True)
    }
    assert tries == {"euro_bank": 4, "us_bank": 1}
    assert {row["state"] for row in town.rows(t.SUBMISSIONS, kind="payment")} == {"PREPARED"}

    town.profile("providers", "euro_bank", "port: 1", "port: ${BULKRAIL_SFTP_PORT:-2222}")
    found = run(dags["bulkrail_dispatch"])
    assert sorted(found.tasks["deliver"]) == ["failed", "success"]
    town.tick()
    assert len(town.booked()) == ACCEPTED["alder"]

    town.profile("providers", "us_bank", "euro_bank_key", "us_bank_key")
    assert run(dags["bulkrail_dispatch"]).state == "success"
    town.tick()
    assert len(town.booked()) == len(set(town.booked())) == ACCEPTED["alder"] + ACCEPTED["birch"]


def test_a_missed_cut_off_is_planned_again(town, dags) -> None:
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))
    run(dags["bulkrail_intake"])
    gateway = town.gateway()
    with gateway.registry.transaction() as connection:
        late = t.SUBMISSIONS.update().where(t.SUBMISSIONS.c.kind == "payment")
        connection.execute(late.values(cut_off_at="2026-01-01T00:00:00.000000+00:00"))
    [missed] = town.rows(t.SUBMISSIONS, kind="payment")

    assert run(dags["bulkrail_dispatch"]).tasks["deliver"] == ["success"]
    states = {row["submission_id"]: row["state"] for row in town.rows(t.SUBMISSIONS, kind="payment")}
    assert len(states) == 2
    assert states.pop(missed["submission_id"]) == "VOIDED"
    assert list(states.values()) == ["PREPARED"]
    assert run(dags["bulkrail_dispatch"]).tasks["deliver"] == ["success"]
    town.tick()
    assert len(town.booked()) == ACCEPTED["birch"]


def test_a_release_that_nobody_can_confirm_is_red_and_never_repeated(town, dags) -> None:
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))
    run(dags["bulkrail_intake"])
    town.profile("providers", "us_bank", "us_bank_key", "euro_bank_key")
    run(dags["bulkrail_dispatch"])  # writes the file, and is not let in
    town.profile("providers", "us_bank", "euro_bank_key", "us_bank_key")
    gateway = town.gateway()
    # As a worker leaves it that died between its intent to release and the release, while the bank cleared its temporaries.
    with gateway.registry.transaction() as connection:
        intent = t.SUBMISSIONS.update().where(t.SUBMISSIONS.c.kind == "payment")
        connection.execute(intent.values(state="RELEASING", attempt=1))
    town.profile("providers", "us_bank", "temporaries_cleared: false", "temporaries_cleared: true")

    found = run(dags["bulkrail_dispatch"])
    assert found.tasks["deliver"] == ["failed"]
    assert found.tries["deliver"] == [1]
    assert [row["state"] for row in town.rows(t.SUBMISSIONS, kind="payment")] == ["UNKNOWN"]
    assert run(dags["bulkrail_dispatch"]).tasks["deliver"] == ["skipped"]
    town.tick()
    assert town.booked() == []


def test_a_bank_that_cannot_be_followed_does_not_stop_the_others(town, dags) -> None:
    town.upload("alder", "salaries.xml", salaries_pain001(today()))
    run(dags["bulkrail_intake"])
    run(dags["bulkrail_dispatch"])
    town.tick()
    town.profile("providers", "us_bank", "us_bank_key", "euro_bank_key")
    (town.root / "banks/euro_bank/out/odd.pain002.xml").write_bytes(b"<Document><no></Document>")

    found = run(dags["bulkrail_feedback"])
    assert found.state == "failed"
    assert dict(zip(found.labels["follow"], found.tasks["follow"], strict=True)) == {
        "euro_bank": "success",
        "us_bank": "failed",
    }
    assert found.tasks["report_faults"] == ["failed"]
    assert found.tasks["answer"] == ["success"]
    assert {row["name"]: row["state"] for row in town.rows(t.FEEDBACK)}["odd.pain002.xml"] == "unreadable"
    assert any(".outcome" in name for name in town.outbox("alder"))


def test_the_day_to_close_is_the_forms_or_the_day_before(town, dags) -> None:
    task = dags["bulkrail_settlement"].get_task("day_to_close")
    start = dt.datetime(2026, 11, 19, 4, 0, tzinfo=dt.UTC)
    assert task.python_callable({"day": None}, start) == "2026-11-19"
    assert task.python_callable({"day": "2026-11-02"}, start) == "2026-11-02"
    found = run(dags["bulkrail_settlement"])
    assert found.state == "success"
    assert {row["provider_id"] for row in town.rows(t.CLOSES)} == {*BANKS, "all"}


def test_a_day_that_does_not_tie_is_refused_once_and_the_rows_are_named(town, dags, caplog) -> None:
    town.upload("birch", "suppliers.ach", suppliers_nacha(today()))
    run(dags["bulkrail_intake"])
    gateway = town.gateway()
    # As if a row had been lost: the parse stage counted one payment more than the lake has.
    [parsed] = town.rows(t.STAGES, stage="parse")
    assert '"payments": 8' in parsed["detail"]
    with gateway.registry.transaction() as connection:
        more = parsed["detail"].replace('"payments": 8', '"payments": 9')
        connection.execute(t.STAGES.update().where(t.STAGES.c.stage == "parse").values(detail=more))
    with pytest.raises(NotTied) as fault:
        work.settle(today().isoformat())
    assert fault.value.rows
    assert all(f"does not tie: {row}" in caplog.text for row in fault.value.rows)
    found = run(dags["bulkrail_settlement"], {"day": today().isoformat()})
    assert found.tasks["settle"] == ["failed"]
    assert found.tries["settle"] == [1]
    assert town.rows(t.CLOSES) == []
