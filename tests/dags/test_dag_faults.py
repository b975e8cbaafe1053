"""What goes wrong, with the DAGs run for real by Airflow: it is named, stops nobody else, and moves no money twice."""

from __future__ import annotations

import pytest
from runs import ACCEPTED, run, today, without_waiting

from bulkrail_airflow import work
from canonical.errors import NotTied
from gateway.intake.files import archive_key
from gateway.intake.receive import receive
from gateway.registry import tables as t
from sandbox.day import Upload, invoices_csv, salaries_pain001, suppliers_nacha

pytestmark = pytest.mark.airflow


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
    assert run(dags["bulkrail_dispatch"]).tasks["deliver"] == ["success"], "it asks, and sends nothing"
    assert [row["state"] for row in town.rows(t.SUBMISSIONS, kind="payment")] == ["UNKNOWN"]
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
    assert any(".acknowledged" in name or ".settled" in name for name in town.outbox("alder"))


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
