"""A file's way from the inbox to its plan: what each stage commits, and that a repeat changes nothing."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from world import upload

from canonical.errors import Conflict
from gateway.books.status import status_of
from gateway.composition import Gateway
from gateway.delivery.dispatch import due
from gateway.intake.approve import decide
from gateway.intake.files import archive_key
from gateway.intake.receive import receive
from gateway.planning.explain import explain_file, rehearse
from gateway.planning.plans import live_routes
from gateway.planning.route import route
from gateway.planning.routing import NO_RAIL
from gateway.registry import tables as t
from gateway.stages import answer_duplicates, run_journey, run_stage, unfinished_files
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

TODAY = dt.date(2026, 11, 20)


def receive_one(gateway: Gateway, client_id: str, name: str, data: bytes) -> str:
    upload(gateway, client_id, name, data)
    found = [item for item in receive(gateway) if item.name == name]
    assert len(found) == 1
    assert found[0].file_id is not None
    return found[0].file_id


def outbox(gateway: Gateway, client_id: str) -> list[str]:
    return [item.key.rpartition("/")[2] for item in gateway.store.list(f"clients/{client_id}/outbox")]


@pytest.mark.parametrize(
    ("client_id", "name", "data", "accepted", "rejected"),
    [
        ("alder", "a.xml", salaries_pain001(TODAY), 10, 2),
        ("birch", "b.ach", suppliers_nacha(TODAY), 7, 1),
        ("cedar", "c.csv", invoices_csv(TODAY), 6, 3),
    ],
)
def test_a_file_is_planned_and_answered(gateway, client_id, name, data, accepted, rejected) -> None:
    file_id = receive_one(gateway, client_id, name, data)
    assert gateway.store.get(archive_key(file_id)) == data
    assert list(gateway.store.list(f"clients/{client_id}/inbox")) == []
    run_journey(gateway, file_id)
    verdicts = gateway.lake.whole(file_id, "verdicts")
    assert verdicts["status"].value_counts().sort("status")["count"].to_list() == [accepted, rejected]
    routes = live_routes(gateway, file_id)
    assert routes.height == accepted
    assert routes["submission_id"].null_count() == 0
    planned = due(gateway)
    assert sum(row["payments"] for row in planned) == accepted
    assert len(outbox(gateway, client_id)) == len(gateway.profiles.client(client_id).answers)
    assert unfinished_files(gateway) == []


def test_repeating_every_stage_changes_nothing(gateway) -> None:
    file_id = receive_one(gateway, "cedar", "c.csv", invoices_csv(TODAY))
    run_journey(gateway, file_id)

    def everything() -> list[object]:
        with gateway.registry.transaction() as connection:
            return [connection.execute(table.select()).fetchall() for table in t.METADATA.sorted_tables]

    before, objects = everything(), list(gateway.store.list(""))
    for stage in ("parse", "validate", "approve", "route", "answer"):
        run_stage(gateway, stage, file_id)
    run_journey(gateway, file_id)
    assert everything() == before
    assert list(gateway.store.list("")) == objects


def test_the_same_bytes_of_another_client_are_its_own_file(gateway) -> None:
    first = receive_one(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    upload(gateway, "cedar", "b.xml", salaries_pain001(TODAY))
    (second,) = receive(gateway)
    assert second.outcome == "new"
    assert second.file_id is not None
    assert second.file_id != first
    assert gateway.store.get(archive_key(second.file_id)) == salaries_pain001(TODAY), "its bytes are its own, too"


def test_the_same_bytes_again_are_a_duplicate_and_the_original_stands(gateway) -> None:
    data = salaries_pain001(TODAY)
    first = receive_one(gateway, "alder", "a.xml", data)
    run_journey(gateway, first)
    second = receive_one(gateway, "alder", "again.xml", data)
    assert second == first
    before = len(due(gateway))
    answer_duplicates(gateway, first)
    answer_duplicates(gateway, first)
    assert len(due(gateway)) == before
    told = [name for name in outbox(gateway, "alder") if "duplicate" in name]
    assert len(told) == 1
    text = gateway.store.get(f"clients/alder/outbox/{told[0]}").decode()
    assert "original stands" in text
    assert "<GrpSts>RJCT" not in text


def test_a_wholly_rejected_file_may_come_again(gateway) -> None:
    data = invoices_csv(TODAY).replace(b"EUR", b"EUX").replace(b"USD", b"EUX")
    first = receive_one(gateway, "cedar", "c.csv", data)
    run_journey(gateway, first)
    assert gateway.registry.one(t.FILES, file_id=first)["state"] == "rejected"
    second = receive_one(gateway, "cedar", "c.csv", data)
    assert second != first


def test_the_same_payments_in_another_file_are_duplicates(gateway) -> None:
    data = salaries_pain001(TODAY)
    run_journey(gateway, receive_one(gateway, "alder", "a.xml", data))
    other = receive_one(gateway, "alder", "b.xml", data.replace(b"ALDER-20261120-1", b"ALDER-20261120-2"))
    run_journey(gateway, other)
    verdicts = gateway.lake.whole(other, "verdicts")
    assert (verdicts["status"] == "RJCT").all()
    assert (verdicts["rule"] == "duplicate_payment").sum() == 10


def test_a_file_above_the_limit_waits_for_a_person(gateway) -> None:
    data = suppliers_nacha(TODAY)
    profile = gateway.profiles.client("birch").model_copy(update={"approval_limit_minor": {"USD": 100}})
    gateway.profiles.clients["birch"] = profile
    file_id = receive_one(gateway, "birch", "b.ach", data)
    run_journey(gateway, file_id)
    assert gateway.registry.one(t.FILES, file_id=file_id)["state"] == "held"
    (told,) = (gateway.store.get(item.key) for item in gateway.store.list("clients/birch/outbox"))
    assert b"Waits for a person's approval." in told
    assert due(gateway) == []
    with pytest.raises(Conflict, match="held"):
        route(gateway, file_id)
    assert decide(gateway, file_id, approved=True, by="anna", reason="called back") == "approved"
    with pytest.raises(Conflict):
        decide(gateway, file_id, approved=False, by="ben", reason="no")
    assert len(route(gateway, file_id)) == 1
    approval = gateway.registry.one(t.APPROVALS, file_id=file_id)
    assert (approval["decision"], approval["decided_by"]) == ("approved", "anna")


def test_a_file_is_read_only_when_it_is_complete(gateway, clock) -> None:
    whole = salaries_pain001(TODAY)
    upload(gateway, "alder", "half.xml", whole[:2000])
    assert [item.outcome for item in receive(gateway)] == ["waiting"]
    upload(gateway, "alder", "half.xml", whole)
    assert [item.outcome for item in receive(gateway)] == ["new"]


def test_what_never_closes_is_refused_after_the_grace_time(gateway, clock) -> None:
    upload(gateway, "cedar", "c.csv", invoices_csv(TODAY).rpartition(b"TOTAL")[0])
    clock.now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=gateway.settings.incomplete_grace_s + 1)
    (found,) = receive(gateway)
    assert found.outcome == "new"
    run_journey(gateway, found.file_id)
    findings = gateway.lake.whole(found.file_id, "findings", "validate")
    assert "file-complete" in findings["rule"].to_list()
    assert due(gateway) == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.xml", b"", "empty"),
        ("letter.xml", b"Dear bank, please pay", "no format that is known"),
        ("one.fin", b"{1:F01EXMPGB2LAXXX0000000000}{2:I103EXMPFRPPXXXXN}{4:\n:20:X\n-}", "a SWIFT message MT103"),
        ("b.xml", suppliers_nacha(TODAY), "looks like nacha"),
        ("noise.xml", bytes(range(256)) * 40, "no format that is known"),
    ],
)
def test_what_cannot_be_read_is_answered(gateway, name, data, words) -> None:
    file_id = receive_one(gateway, "alder", name, data)
    run_journey(gateway, file_id)
    findings = gateway.lake.whole(file_id, "findings", "validate")
    assert findings["severity"].to_list() == ["fatal"]
    assert words in findings["message"][0]
    assert len(outbox(gateway, "alder")) == 1
    assert due(gateway) == []


def test_an_unknown_clients_folder_is_told_and_left(gateway) -> None:
    upload(gateway, "stranger", "x.xml", b"<x/>")
    (found,) = receive(gateway)
    assert found.outcome == "unknown_client"
    assert gateway.store.head("clients/stranger/inbox/x.xml") is not None


def test_one_files_trouble_does_not_stop_the_others(gateway, monkeypatch) -> None:
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    upload(gateway, "birch", "b.ach", suppliers_nacha(TODAY))
    whole = gateway.store.copy_to

    def breaks(key, out):
        if "alder" in key:
            from canonical.errors import OutsideError

            raise OutsideError("permission denied")
        return whole(key, out)

    monkeypatch.setattr(gateway.store, "copy_to", breaks)
    assert sorted(item.outcome for item in receive(gateway)) == ["failed", "new"]


def test_payments_without_a_rail_wait_and_are_planned_when_there_is_one(gateway) -> None:
    providers = dict(gateway.profiles.providers)
    del gateway.profiles.providers["us_bank"]
    file_id = receive_one(gateway, "cedar", "c.csv", invoices_csv(TODAY))
    run_journey(gateway, file_id)
    routes = live_routes(gateway, file_id)
    assert routes.filter(pl.col("submission_id").is_null())["currency"].unique().to_list() == ["USD"]
    before = route(gateway, file_id)
    assert route(gateway, file_id) == before
    gateway.profiles.providers["us_bank"] = providers["us_bank"]
    assert len(route(gateway, file_id)) == len(before) + 1
    assert live_routes(gateway, file_id)["submission_id"].null_count() == 0


def test_without_any_provider_payments_wait_and_are_planned_when_there_is_one(gateway) -> None:
    providers = dict(gateway.profiles.providers)
    gateway.profiles.providers.clear()
    file_id = receive_one(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    run_journey(gateway, file_id)
    found = status_of(gateway, file_id)
    assert found.tied
    assert dict(found.payments["state"].value_counts().rows()) == {"waiting": 10, "rejected": 2}
    (told,) = explain_file(gateway, file_id)
    assert (told["payments"], told["note"], told["ways"]) == (10, NO_RAIL, [])
    assert rehearse(gateway, gateway.settings.config_dir, TODAY)["was"].to_list() == ["none"]
    gateway.profiles.providers.update(providers)
    assert len(route(gateway, file_id)) == 1
    assert live_routes(gateway, file_id)["submission_id"].null_count() == 0


def test_a_missed_cut_off_is_planned_into_the_next_window(gateway, clock) -> None:
    file_id = receive_one(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    run_journey(gateway, file_id)
    (planned,) = due(gateway)
    clock.now = dt.datetime(2026, 11, 20, 17, 30, tzinfo=dt.UTC)  # half past six in Berlin: the window closed at six
    assert run_stage(gateway, "dispatch", planned["submission_id"]) == "VOIDED"
    (again,) = due(gateway)
    assert (again["payments"], again["sum_minor"]) == (planned["payments"], planned["sum_minor"])
    assert (planned["execution_date"], again["execution_date"]) == ("2026-11-20", "2026-11-23")
    assert run_stage(gateway, "dispatch", again["submission_id"]) == "DELIVERED"
    assert live_routes(gateway, file_id)["submission_id"].unique().to_list() == [again["submission_id"]]
