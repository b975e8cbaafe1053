"""A client takes payments back: what is not released is cancelled, the rest goes out once, and the client learns which."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from crash_runs import booked, copy, opened, opened_at, points_of, run
from sqlalchemy import update
from workers import sample
from world import agree, upload

from canonical.contracts import DeliveryState, Source
from canonical.errors import Conflict
from canonical.plugins import discover
from canonical.profiles import MILESTONES
from gateway.answers.answer import answer
from gateway.books.book import book_of
from gateway.books.status import status_of
from gateway.cli.show import print_status
from gateway.composition import Gateway
from gateway.delivery import cancel as cancelling
from gateway.delivery import dispatch as dispatching
from gateway.delivery.dispatch import dispatch, due
from gateway.delivery.submissions import RegistryLog, submission_row
from gateway.intake.approve import approve, decide
from gateway.intake.parse import parse
from gateway.intake.receive import receive
from gateway.intake.validate import validate
from gateway.planning import route as routing
from gateway.planning.plans import live_routes
from gateway.planning.route import route
from gateway.registry import tables as t
from gateway.stages import run_journey, unfinished_files
from parsers.pain001 import FORMAT
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

TODAY = dt.date(2026, 11, 20)
MESSAGE = f"ALDER-{TODAY:%Y%m%d}-1"
BATCH_1, BATCH_2 = (f"ALDER-{TODAY:%Y%m%d}-B{number}" for number in (1, 2))
FIRST = "SAL-11-1001"
"""The first payment of the salaries, 2,150.00 EUR; ten of the twelve are accepted, five of them in the first batch."""


def payment(end_to_end_id: str = FIRST, amount: str = "", instruction_id: str = "") -> str:
    told = f'<OrgnlInstdAmt Ccy="EUR">{amount}</OrgnlInstdAmt>' if amount else ""
    first = f"<OrgnlInstrId>{instruction_id}</OrgnlInstrId>" if instruction_id else ""
    return f"<TxInf>{first}<OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>{told}</TxInf>"


def batch(inside: str = "<PmtInfCxl>true</PmtInfCxl>", batch_id: str = BATCH_1) -> str:
    return f"<OrgnlPmtInfAndCxl><OrgnlPmtInfId>{batch_id}</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndCxl>"


def camt055(below: str = "", whole: str = "", request_id: str = "STOP-1", message_id: str = MESSAGE) -> bytes:
    count = below.count("<TxInf>")
    control = f"<CtrlData><NbOfTxs>{count}</NbOfTxs></CtrlData>" if count else ""
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.055.001.08"><CstmrPmtCxlReq><Assgnmt>'
        f"<Id>{request_id}</Id><Assgnr><Pty><Nm>Alder</Nm></Pty></Assgnr><Assgne><Pty><Nm>Bank</Nm></Pty></Assgne>"
        f"<CreDtTm>2026-11-20T09:00:00</CreDtTm></Assgnmt>{control}<Undrlyg><OrgnlGrpInfAndCxl><OrgnlMsgId>{message_id}"
        f"</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{whole}<CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf>"
        f"</OrgnlGrpInfAndCxl>{below}</Undrlyg></CstmrPmtCxlReq></Document>"
    ).encode()


ONE = camt055(batch(payment()))
WHOLE = camt055(whole="<GrpCxl>true</GrpCxl>")


@pytest.fixture
def gateway(gateway_anywhere: Gateway) -> Gateway:
    """On both registries; the clients may send requests."""
    return gateway_anywhere


def take_in(gateway: Gateway, data: bytes, name: str = "stop.xml", client_id: str = "alder") -> str:
    upload(gateway, client_id, name, data)
    (found,) = [item for item in receive(gateway) if item.name == name]
    assert found.file_id is not None
    return found.file_id


def salaries(gateway: Gateway, *, until: Callable[[Gateway, str], object] = run_journey) -> str:
    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    until(gateway, file_id)
    return file_id


def ask(gateway: Gateway, data: bytes, name: str = "stop.xml") -> pl.DataFrame:
    """Send a request, take it as far as it goes, and read what became of it."""
    return outcomes(gateway, asked(gateway, data, name))


def asked(gateway: Gateway, data: bytes, name: str = "stop.xml", client_id: str = "alder") -> str:
    request_id = take_in(gateway, data, name, client_id)
    parse(gateway, request_id)
    validate(gateway, request_id)
    return request_id


def outcomes(gateway: Gateway, request_id: str) -> pl.DataFrame:
    return gateway.lake.whole(request_id, "outcomes")


def told(found: pl.DataFrame) -> list[tuple[str, str | None]]:
    return found.select("status", "reason").unique().sort("status", "reason").rows()


def state(gateway: Gateway, file_id: str) -> str:
    return str(gateway.registry.one(t.FILES, file_id=file_id)["state"])


def send_all(gateway: Gateway) -> None:
    for row in due(gateway):
        assert dispatch(gateway, row["submission_id"]) == "DELIVERED"


def sent(tmp_path: Path) -> list[str]:
    """End-to-end ids of what the bank was given, as often as it was."""
    files = sorted(path for path in (tmp_path / "euro/in").iterdir() if not path.name.startswith("."))
    windows = [
        window
        for path in files
        for window in FORMAT.windows(Source("0" * 20, path.name, path.read_bytes()), FORMAT.options())
    ]
    return sorted(item for window in windows for item in window.payments["end_to_end_id"])


def accepted(gateway: Gateway, file_id: str) -> list[str]:
    payments = gateway.lake.whole(file_id, "payments").join(
        gateway.lake.whole(file_id, "verdicts").filter(status="ACCP"), on="payment_id", how="semi"
    )
    return sorted(payments["end_to_end_id"])


def holds(gateway: Gateway, file_id: str, **states: int) -> None:
    """The equations tie, and the payments stand as named."""
    found = status_of(gateway, file_id)
    assert found.tied
    assert dict(found.payments["state"].value_counts().rows()) == {"rejected": 2, **states}


@pytest.mark.parametrize("data", [ONE, camt055(batch(payment("NOBODY"))), ONE.replace(b"<TxInf>", b"<TxInf><")])
def test_a_request_is_answered_by_whatever_answers_its_client_wants(gateway, data) -> None:
    found = discover("exporters", "EXPORT").values()
    wanted = [
        export.name
        for export in found
        if export.kind == "answer" and not export.options.model_json_schema().get("required")
    ]
    assert "corrected-rows" in wanted
    agree(gateway, "alder", answers=[{"name": name, "at": MILESTONES} for name in wanted])
    salaries(gateway)
    request_id = take_in(gateway, data)
    run_journey(gateway, request_id)
    assert answer(gateway, request_id, "outcome") == []
    told = [
        item.key.partition(request_id[:6])[2]
        for item in gateway.store.list("clients/alder/outbox")
        if "stop" in item.key
    ]
    assert ".validated.csv" in told
    assert not [name for name in told if "rejected" in name], "a request is no rows to mend"


# ---------------------------------------------------------------------------------------------- in time


def test_before_routing_the_others_are_planned_without_it(gateway, tmp_path) -> None:
    def judged(gateway: Gateway, file_id: str) -> None:
        parse(gateway, file_id)
        validate(gateway, file_id)

    file_id = salaries(gateway, until=judged)
    found = ask(gateway, ONE)
    assert told(found) == [("CANC", None)]
    assert found["end_to_end_id"].to_list() == [FIRST]
    assert state(gateway, file_id) == "validated"
    run_journey(gateway, file_id)
    assert live_routes(gateway, file_id).height == 9
    send_all(gateway)
    assert sent(tmp_path) == [item for item in accepted(gateway, file_id) if item != FIRST]
    holds(gateway, file_id, cancelled=1, outstanding=9)
    assert file_id not in [row["file_id"] for row in unfinished_files(gateway)]


@pytest.mark.parametrize("stands", ["PREPARED", "UPLOADING", "UPLOADED"])
def test_an_unreleased_submission_is_voided_and_the_rest_goes_out_once(gateway, tmp_path, stands) -> None:
    file_id = salaries(gateway)
    (planned,) = due(gateway)
    log = RegistryLog(gateway, submission_row(gateway, planned["submission_id"]))
    if stands != "PREPARED":
        log.begin_upload()
    if stands == "UPLOADED":
        log.uploaded()
    request_id = asked(gateway, ONE)
    assert told(outcomes(gateway, request_id)) == [("CANC", None)]
    assert submission_row(gateway, planned["submission_id"])["state"] == "VOIDED"
    with pytest.raises(Conflict):
        log.begin_release() if log.state is DeliveryState.UPLOADED else log.uploaded()
    (again,) = due(gateway)
    assert (again["payments"], planned["payments"]) == (9, 10)
    assert again["sum_minor"] == planned["sum_minor"] - 215_000
    assert state(gateway, file_id) == "routed"
    holds(gateway, file_id, cancelled=1, waiting=9)
    send_all(gateway)
    assert sent(tmp_path) == [item for item in accepted(gateway, file_id) if item != FIRST]
    holds(gateway, file_id, cancelled=1, outstanding=9)
    assert (state(gateway, request_id), status_of(gateway, request_id).tied) == ("applied", True)


def test_a_whole_batch(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    found = ask(gateway, camt055(batch()))
    assert told(found) == [("CANC", None)]
    assert found["batch_id"].unique().to_list() == [BATCH_1]
    send_all(gateway)
    assert sent(tmp_path) == [item for item in accepted(gateway, file_id) if item.startswith("SAL-11-2")]
    holds(gateway, file_id, cancelled=found.height, outstanding=10 - found.height)


@pytest.mark.parametrize("planned", [True, False])
def test_a_whole_file(gateway, tmp_path, planned) -> None:
    file_id = salaries(gateway, until=run_journey if planned else lambda *_: None)
    found = ask(gateway, WHOLE)
    assert (told(found), found.height) == ([("CANC", None)], 10)
    assert state(gateway, file_id) == "cancelled"
    assert due(gateway) == []
    run_journey(gateway, file_id)
    assert approve(gateway, file_id) == "cancelled"
    assert due(gateway) == []
    assert file_id not in [row["file_id"] for row in unfinished_files(gateway)]
    holds(gateway, file_id, cancelled=10)
    with pytest.raises(Conflict):
        route(gateway, file_id)


def test_a_held_file_is_cancelled_and_nobody_can_release_it(gateway) -> None:
    profile = gateway.profiles.client("alder").model_copy(update={"approval_limit_minor": {"EUR": 100}})
    gateway.profiles.clients["alder"] = profile
    file_id = salaries(gateway)
    assert state(gateway, file_id) == "held"
    assert told(ask(gateway, WHOLE)) == [("CANC", None)]
    with pytest.raises(Conflict):
        decide(gateway, file_id, approved=True, by="anna", reason="called back")
    assert (state(gateway, file_id), due(gateway)) == ("cancelled", [])


def test_what_a_cancelled_file_took_of_the_days_limit_is_given_back(gateway) -> None:
    profile = gateway.profiles.client("alder")
    limits = profile.limits.model_copy(update={"day": {"EUR": 4_000_000}})
    gateway.profiles.clients["alder"] = profile.model_copy(update={"limits": limits})
    salaries(gateway)
    assert len(gateway.registry.rows(t.RESERVATIONS)) == 1
    ask(gateway, WHOLE)
    assert gateway.registry.rows(t.RESERVATIONS) == []
    (counter,) = [row for row in gateway.registry.rows(t.COUNTERS) if row["name"].startswith("limit:")]
    assert counter["value"] == 0


def test_what_some_cancelled_payments_took_of_the_days_limit_is_given_back(gateway) -> None:
    profile = gateway.profiles.client("alder")
    limits = profile.limits.model_copy(update={"day": {"EUR": 4_000_000}})
    gateway.profiles.clients["alder"] = profile.model_copy(update={"limits": limits})
    file_id = salaries(gateway)
    (taken,) = gateway.registry.rows(t.RESERVATIONS, t.RESERVATIONS.c.subject == file_id)
    asked(gateway, ONE)
    asked(gateway, camt055(batch(payment()), request_id="STOP-2"), "again.xml")
    (left,) = gateway.registry.rows(t.RESERVATIONS, t.RESERVATIONS.c.subject == file_id)
    (counter,) = [row for row in gateway.registry.rows(t.COUNTERS) if row["name"].startswith("limit:")]
    assert (taken["amount"] - left["amount"], counter["value"]) == (2150_00, left["amount"])
    ask(gateway, WHOLE, "whole.xml")
    (counter,) = [row for row in gateway.registry.rows(t.COUNTERS) if row["name"].startswith("limit:")]
    assert (counter["value"], gateway.registry.rows(t.RESERVATIONS, t.RESERVATIONS.c.subject == file_id)) == (0, [])


def test_a_request_that_overtakes_its_file_waits_for_nobody(gateway) -> None:
    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    assert state(gateway, file_id) == "received"
    assert told(ask(gateway, ONE)) == [("CANC", None)]
    run_journey(gateway, file_id)
    assert live_routes(gateway, file_id).height == 9


def test_a_file_that_came_later_is_not_meant(gateway, clock) -> None:
    request_id = take_in(gateway, WHOLE)
    clock.move(minutes=1)
    file_id = salaries(gateway)
    parse(gateway, request_id)
    validate(gateway, request_id)
    assert told(outcomes(gateway, request_id)) == [("RJCT", "NOOR")]
    assert sum(row["payments"] for row in due(gateway)) == 10
    holds(gateway, file_id, waiting=10)


def test_a_request_can_be_looked_at_like_any_file(gateway, capsys) -> None:
    salaries(gateway)
    request_id = asked(gateway, ONE)
    found = status_of(gateway, request_id)
    print_status(found)
    said = capsys.readouterr().out
    assert "applied" in said
    assert "Cancelled; it is not sent." in said
    assert "conservation" not in said, "it has no payments"
    assert (found.as_object()["states"], found.as_object()["tied"]) == ([], True)
    assert approve(gateway, request_id) == "applied"
    assert book_of(gateway, gateway.registry.rows(t.FILES))["file_id"].n_unique() == 1


# ---------------------------------------------------------------------------------------------- not in time, not found


@pytest.mark.parametrize("stands", ["RELEASING", "UNKNOWN", "DELIVERED", "ACKNOWLEDGED"])
def test_too_late(gateway, stands) -> None:
    file_id = salaries(gateway)
    (planned,) = due(gateway)
    with gateway.registry.transaction() as connection:
        connection.execute(update(t.SUBMISSIONS).values(state=stands, delivered_at=gateway.registry.now()))
    request_id = asked(gateway, ONE)
    found = outcomes(gateway, request_id)
    assert told(found) == [("RJCT", "TM01")]
    assert found["payment_id"].null_count() == 0
    assert submission_row(gateway, planned["submission_id"])["state"] == stands
    assert (state(gateway, file_id), state(gateway, request_id)) == ("routed", "rejected")


def test_too_late_for_a_direct_debit(gateway) -> None:
    """The money came in: nobody can recall it, the client gives it back."""
    data = suppliers_nacha(TODAY)
    lines = data.decode().splitlines()
    control = next(line for line in lines if line.startswith("8220"))
    swapped = control[:20] + control[32:44] + control[20:32] + control[44:]
    ends = next(line for line in lines if line.startswith("9000001"))
    debits = (
        data.decode().replace(control, swapped).replace(ends, ends[:31] + ends[43:55] + ends[31:43] + ends[55:])
        .replace("\n622", "\n627").replace("\n5220", "\n5225").replace("\n8220", "\n8225")
    )  # fmt: skip
    file_id = take_in(gateway, debits.encode(), "b.ach", "birch")
    run_journey(gateway, file_id)
    send_all(gateway)
    request = camt055(batch(payment("INV-2200"), "0000001"), message_id="123000453-2611200800-A")
    found = outcomes(gateway, asked(gateway, request, client_id="birch"))
    assert found.select("status", "reason", "credit_debit").rows() == [("RJCT", "TM01", "DBIT")]
    assert found["remedy"].to_list() == ["Ask your bank to reverse it, or pay it back to the debtor."]


def test_part_of_a_file_is_out_already(gateway) -> None:
    """Two rails' submissions: one is out, what stands in the other one can still be taken back."""
    file_id = take_in(gateway, invoices_csv(TODAY), "c.csv", "cedar")
    run_journey(gateway, file_id)
    first, *rest = due(gateway)
    assert rest
    dispatch(gateway, first["submission_id"])
    request_id = asked(gateway, camt055(whole="<GrpCxl>true</GrpCxl>", message_id="c.csv"), "s.xml", "cedar")
    found = outcomes(gateway, request_id)
    assert told(found) == [("CANC", None), ("RJCT", "TM01")]
    assert found.filter(status="RJCT").height == first["payments"]
    assert (due(gateway), state(gateway, file_id)) == ([], "routed")
    assert gateway.lake.committed(request_id, "validate")["verdict"] == "partial"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (camt055(batch(payment("SAL-99-1001"))), "NOOR"),
        (camt055(batch(payment(), BATCH_2)), "NOOR"),
        (camt055(batch(payment()), message_id="ANOTHER-1"), "NOOR"),
        (camt055(batch(batch_id="ANOTHER-B1")), "NOOR"),
        (camt055(batch(payment(instruction_id="ALD19999"))), "NOOR"),
        (camt055(batch(payment("SAL-11-1004"))), "NOOR"),
        (camt055(batch(payment(amount="2150.01"))), "AM09"),
        (camt055(batch(payment(amount="2150.001"))), "AM12"),
        (camt055(batch(payment("NOTPROVIDED"))), "CH21"),
        (camt055(batch(payment("NOTPROVIDED")) + batch(payment(), BATCH_2)), "NOOR"),
        (camt055(batch(), whole="<GrpCxl>true</GrpCxl>"), "CH16"),
        (camt055(batch("")), "CH16"),
        (camt055(), "CH16"),
        (camt055(batch(payment())).replace(b"<NbOfTxs>1", b"<NbOfTxs>2"), "AM18"),
    ],
)
def test_what_is_not_clear_cancels_nothing(gateway, data, reason) -> None:
    file_id = salaries(gateway)
    request_id = asked(gateway, data)
    found = outcomes(gateway, request_id)
    assert reason in found["reason"].to_list()
    assert found["status"].unique().to_list() == ["RJCT"]
    assert found["message"].null_count() == found["remedy"].null_count() - found["payment_id"].count() == 0
    assert sum(row["payments"] for row in due(gateway)) == 10
    assert (state(gateway, request_id), state(gateway, file_id)) == ("rejected", "routed")
    assert gateway.lake.committed(request_id, "validate")["verdict"] == "rejected"


def test_one_clear_request_beside_an_unclear_one(gateway) -> None:
    salaries(gateway)
    found = ask(gateway, camt055(batch(payment() + payment("SAL-11-1002", "1.00"))))
    assert found.select("position", "status", "reason").rows() == [(1, "CANC", None), (2, "RJCT", "AM09")]


def test_references_that_fit_two_payments_name_none(gateway) -> None:
    data = salaries_pain001(TODAY).replace(b"SAL-11-1002", FIRST.encode())
    run_journey(gateway, take_in(gateway, data, "a.xml"))
    assert told(ask(gateway, ONE)) == [("RJCT", "DU03")]
    assert told(ask(gateway, camt055(batch(payment(instruction_id="ALD10002"))), "b.xml")) == [("CANC", None)]
    assert told(ask(gateway, camt055(batch(payment()), request_id="STOP-3"), "c.xml")) == [("RJCT", "DU03")]


def test_a_message_id_of_two_files_names_none_unless_one_was_rejected(gateway) -> None:
    first = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    run_journey(gateway, first)
    again = take_in(gateway, salaries_pain001(TODAY) + b"\n", "b.xml")
    run_journey(gateway, again)
    assert state(gateway, again) == "rejected"
    found = ask(gateway, WHOLE)
    assert (told(found), found.height) == ([("CANC", None)], 10)
    third = take_in(gateway, salaries_pain001(TODAY) + b"\n\n", "c.xml")
    run_journey(gateway, third)
    assert state(gateway, third) == "routed", "what was cancelled is no duplicate"
    assert told(ask(gateway, camt055(whole="<GrpCxl>1</GrpCxl>", request_id="STOP-2"), "s2.xml")) == [("RJCT", "DU01")]


def test_another_clients_payment_is_not_found(gateway) -> None:
    file_id = salaries(gateway)
    request_id = asked(gateway, ONE, client_id="cedar")
    assert told(outcomes(gateway, request_id)) == [("RJCT", "NOOR")]
    holds(gateway, file_id, waiting=10)


@pytest.mark.parametrize("until", [lambda *_: None, parse], ids=["received", "parsed"])
def test_only_the_clients_own_files_that_came_before_are_read_for_a_request(gateway, clock, until) -> None:
    """Its file lies unread, and is read for it; another client's, and one that came later, are left to their own runs."""
    file_id = salaries(gateway, until=until)
    others = take_in(gateway, invoices_csv(TODAY), "c.csv", "cedar")
    request_id = take_in(gateway, ONE)
    clock.move(minutes=1)
    later = take_in(gateway, salaries_pain001(TODAY + dt.timedelta(days=3)), "later.xml")
    parse(gateway, request_id)
    validate(gateway, request_id)
    assert told(outcomes(gateway, request_id)) == [("CANC", None)]
    assert [state(gateway, item) for item in (file_id, others, later)] == ["validated", "received", "received"]
    assert gateway.registry.one(t.FILES, file_id=file_id)["news"] == 1, "its client is told"


def test_what_keeps_moving_is_not_decided_on(gateway, monkeypatch) -> None:
    file_id, request_id = salaries(gateway), take_in(gateway, ONE)
    parse(gateway, request_id)

    def moved(*_: object) -> None:
        raise Conflict("planned meanwhile")

    with monkeypatch.context() as patch:
        patch.setattr(cancelling, "_take", moved)
        with pytest.raises(Conflict, match="keep moving"):
            validate(gateway, request_id)
    holds(gateway, file_id, waiting=10)
    validate(gateway, request_id)
    holds(gateway, file_id, cancelled=1, waiting=9)


def test_what_cannot_be_read_is_answered(gateway) -> None:
    salaries(gateway)
    request_id = asked(gateway, ONE.replace(b"<Undrlyg>", b"<Undrlyg"))
    assert gateway.lake.committed(request_id, "validate")["verdict"] == "unreadable"
    assert (outcomes(gateway, request_id).height, state(gateway, request_id)) == (0, "rejected")


def test_a_request_that_does_not_close_cancels_nothing(gateway, clock) -> None:
    """It can be read, and more may have been meant."""
    file_id = salaries(gateway)
    upload(gateway, "alder", "stop.xml", ONE + b"<?more?>")
    clock.now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=gateway.settings.incomplete_grace_s + 1)
    (found,) = receive(gateway)
    parse(gateway, found.file_id)
    assert validate(gateway, found.file_id)["accepted"] == 0
    assert told(outcomes(gateway, found.file_id)) == [("RJCT", "TD03")]
    holds(gateway, file_id, waiting=10)


def test_a_format_that_was_not_agreed_is_refused(gateway) -> None:
    profile = gateway.profiles.client("alder").model_copy(update={"formats": ("pain.001",)})
    gateway.profiles.clients["alder"] = profile
    file_id = salaries(gateway)
    request_id = asked(gateway, ONE)
    findings = gateway.lake.whole(request_id, "findings", "validate")
    assert "looks like camt.055, which was not agreed" in findings["message"][0]
    holds(gateway, file_id, waiting=10)


def test_a_reversal_of_what_is_not_released(gateway) -> None:
    file_id = salaries(gateway)
    data = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.007.001.08"><CstmrPmtRvsl><GrpHdr><MsgId>R</MsgId><CreDtTm>'
        "2026-11-20T09:00:00</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr><OrgnlGrpInf>"
        f"<OrgnlMsgId>{MESSAGE}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInf><OrgnlPmtInfAndRvsl>"
        f"<OrgnlPmtInfId>{BATCH_1}</OrgnlPmtInfId>{payment()}</OrgnlPmtInfAndRvsl></CstmrPmtRvsl></Document>"
    ).encode()
    assert told(ask(gateway, data)) == [("CANC", None)]
    holds(gateway, file_id, cancelled=1, waiting=9)


# ---------------------------------------------------------------------------------------------- repeats and races


def test_repeating_the_stages_changes_nothing(gateway) -> None:
    salaries(gateway)
    request_id = asked(gateway, ONE)
    run_journey(gateway, request_id)

    def everything() -> list[object]:
        with gateway.registry.transaction() as connection:
            return [connection.execute(table.select()).fetchall() for table in t.METADATA.sorted_tables]

    before, objects = everything(), list(gateway.store.list(""))
    assert validate(gateway, request_id) == validate(gateway, request_id)
    run_journey(gateway, request_id)
    assert everything() == before
    assert list(gateway.store.list("")) == objects
    assert unfinished_files(gateway) == []


def test_the_same_request_in_another_file_finds_it_cancelled(gateway) -> None:
    file_id = salaries(gateway)
    ask(gateway, ONE)
    found = ask(gateway, camt055(batch(payment()), request_id="STOP-2"), "again.xml")
    assert told(found) == [("CANC", None)]
    assert "before" in found["message"][0]
    holds(gateway, file_id, cancelled=1, waiting=9)
    assert gateway.lake.whole(file_id, "cancelled").height == 1


def test_a_payment_named_twice_is_cancelled_once_and_told_twice(gateway) -> None:
    file_id = salaries(gateway)
    found = ask(gateway, camt055(batch(payment() + payment(amount="2150"))))
    assert found.select("position", "status").rows() == [(1, "CANC"), (2, "CANC")]
    assert gateway.lake.whole(file_id, "cancelled").height == 1


def test_the_request_file_sent_twice_is_a_duplicate_unless_nothing_came_of_it(gateway) -> None:
    early = take_in(gateway, ONE, "early.xml")
    run_journey(gateway, early)
    assert state(gateway, early) == "rejected"
    salaries(gateway)
    request_id = take_in(gateway, ONE, "stop.xml")
    assert request_id != early, "of the first one nothing was applied"
    run_journey(gateway, request_id)
    assert told(outcomes(gateway, request_id)) == [("CANC", None)]
    assert take_in(gateway, ONE, "again.xml") == request_id
    (arrival,) = gateway.registry.rows(t.ARRIVALS, t.ARRIVALS.c.duplicate == 1)
    assert arrival["name"] == "again.xml"


def test_two_workers_on_one_request(gateway, monkeypatch) -> None:
    file_id = salaries(gateway)
    request_id = take_in(gateway, ONE)
    parse(gateway, request_id)
    whole = cancelling._take

    def slept(*arguments) -> None:
        monkeypatch.setattr(cancelling, "_take", whole)
        validate(gateway, request_id)
        whole(*arguments)

    monkeypatch.setattr(cancelling, "_take", slept)
    assert validate(gateway, request_id)["accepted"] == 1
    assert told(outcomes(gateway, request_id)) == [("CANC", None)]
    assert gateway.lake.whole(file_id, "cancelled").height == 1
    assert sum(row["payments"] for row in due(gateway)) == 9
    holds(gateway, file_id, cancelled=1, waiting=9)


def test_two_requests_at_once_on_one_submission(gateway, monkeypatch) -> None:
    file_id = salaries(gateway)
    first, second = (
        take_in(gateway, camt055(batch(payment(item)), request_id=item), f"{item}.xml")
        for item in (FIRST, "SAL-11-1002")
    )
    for request_id in (first, second):
        parse(gateway, request_id)
    whole = cancelling._take

    def slept(*arguments) -> None:
        monkeypatch.setattr(cancelling, "_take", whole)
        validate(gateway, second)
        whole(*arguments)

    monkeypatch.setattr(cancelling, "_take", slept)
    validate(gateway, first)
    assert told(pl.concat([outcomes(gateway, first), outcomes(gateway, second)])) == [("CANC", None)]
    assert sum(row["payments"] for row in due(gateway)) == 8
    holds(gateway, file_id, cancelled=2, waiting=8)


def approved(gateway: Gateway, file_id: str) -> None:
    parse(gateway, file_id)
    validate(gateway, file_id)
    approve(gateway, file_id)


def test_a_planner_that_slept_does_not_plan_what_was_cancelled_meanwhile(gateway, monkeypatch) -> None:
    file_id = salaries(gateway, until=approved)
    whole = routing._plan

    def slept(*arguments) -> None:
        monkeypatch.setattr(routing, "_plan", whole)
        ask(gateway, ONE)
        whole(*arguments)

    monkeypatch.setattr(routing, "_plan", slept)
    route(gateway, file_id)
    run_journey(gateway, file_id)
    assert sum(row["payments"] for row in due(gateway)) == 9
    assert state(gateway, file_id) == "routed"
    holds(gateway, file_id, cancelled=1, waiting=9)


def test_a_request_that_slept_sees_the_plan_made_meanwhile(gateway, monkeypatch) -> None:
    file_id = salaries(gateway, until=approved)
    whole = cancelling._take

    def slept(*arguments) -> None:
        monkeypatch.setattr(cancelling, "_take", whole)
        route(gateway, file_id)
        whole(*arguments)

    monkeypatch.setattr(cancelling, "_take", slept)
    assert told(ask(gateway, ONE)) == [("CANC", None)]
    assert sum(row["payments"] for row in due(gateway)) == 9
    assert sorted(row["state"] for row in gateway.registry.rows(t.SUBMISSIONS)) == ["PREPARED", "VOIDED"]
    holds(gateway, file_id, cancelled=1, waiting=9)


def test_a_submission_that_is_released_meanwhile_is_too_late(gateway, monkeypatch) -> None:
    file_id = salaries(gateway)
    (planned,) = due(gateway)
    whole = cancelling._take

    def slept(*arguments) -> None:
        monkeypatch.setattr(cancelling, "_take", whole)
        log = RegistryLog(gateway, submission_row(gateway, planned["submission_id"]))
        log.begin_upload()
        log.uploaded()
        log.begin_release()
        whole(*arguments)

    monkeypatch.setattr(cancelling, "_take", slept)
    assert told(ask(gateway, ONE)) == [("RJCT", "TM01")]
    assert submission_row(gateway, planned["submission_id"])["state"] == "RELEASING"
    assert gateway.lake.whole(file_id, "cancelled").height == 0
    holds(gateway, file_id, submitted_unknown=10)


def test_what_is_cancelled_while_its_file_is_written_is_not_sent(gateway, tmp_path, monkeypatch) -> None:
    file_id = salaries(gateway)
    (planned,) = due(gateway)
    whole = dispatching.written_file

    def slept(*arguments):
        found = whole(*arguments)
        asked(gateway, WHOLE)
        return found

    monkeypatch.setattr(dispatching, "written_file", slept)
    assert dispatch(gateway, planned["submission_id"]) == "VOIDED"
    assert sent(tmp_path) == []
    holds(gateway, file_id, cancelled=10)


def test_a_worker_that_looked_before_another_decided_tells_what_was_decided(gateway, monkeypatch) -> None:
    """It saw the payment waiting; by the time the other one looked it was released."""
    salaries(gateway)
    request_id = take_in(gateway, ONE)
    parse(gateway, request_id)
    whole = cancelling._take

    def slept(*arguments) -> None:
        monkeypatch.setattr(cancelling, "_take", whole)
        send_all(gateway)
        validate(gateway, request_id)
        whole(*arguments)

    monkeypatch.setattr(cancelling, "_take", slept)
    validate(gateway, request_id)
    assert told(outcomes(gateway, request_id)) == [("RJCT", "TM01")]


# ---------------------------------------------------------------------------------------------- kills


@pytest.fixture
def planned_root(tmp_path: Path, config_dir: Path) -> Path:
    """A planned file, and a request for its first batch and one more payment in the inbox. Copied for every point."""
    profile = config_dir / "clients" / "alder.yaml"
    profile.write_text(profile.read_text().replace("[pain.001]", "[pain.001, camt.055]"))
    root = tmp_path / "root"
    root.mkdir()
    gateway = opened_at(root, config_dir, tmp_path)
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    upload(gateway, "alder", "stop.xml", camt055(batch() + batch(payment("SAL-11-2001"), BATCH_2)))
    gateway.registry.engine.dispose()
    return root


def _left(root: Path) -> dict[str, object]:
    gateway = opened(root)
    files = gateway.registry.rows(t.FILES)
    submissions = gateway.registry.rows(t.SUBMISSIONS)
    found = {
        "files": sorted((row["file_id"], row["state"], row["answered"]) for row in files),
        "outcomes": pl.concat([outcomes(gateway, row["file_id"]) for row in files]).rows(),
        "payments": sorted(
            (row["state"], row["payments"], row["sum_minor"]) for row in submissions if row["kind"] == "payment"
        ),
        "unfinished": unfinished_files(gateway),
        "tied": [status_of(gateway, row["file_id"]).tied for row in files],
    }
    gateway.registry.engine.dispose()
    return found


@pytest.mark.crash
def test_a_cancellation_survives_a_kill_at_every_point(planned_root: Path, tmp_path: Path) -> None:
    whole = copy(planned_root, tmp_path / "whole")
    points = points_of(whole, "intake")
    expected = _left(whole)
    assert [row[0] for row in expected["payments"]] == ["PREPARED", "VOIDED"]
    assert expected["unfinished"] == []
    assert run(whole, "deliver") == 0
    paid = booked(whole)
    assert len(paid) == expected["payments"][0][1] < 10
    for at in sample(list(range(points)), 4):
        root = copy(planned_root, tmp_path / f"at-{at}")
        assert run(root, "intake", at) == -signal.SIGKILL
        assert run(root, "intake") == 0
        assert _left(root) == expected, f"after a kill at point {at} of {points}"
        assert run(root, "deliver") == 0
        assert [(row[0], row[2]) for row in booked(root)] == [(row[0], row[2]) for row in paid]
        shutil.rmtree(root)
