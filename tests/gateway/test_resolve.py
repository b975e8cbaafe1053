"""UNKNOWN is resolved by asking, by the provider's word or by a person; nothing of it is ever sent twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cancel import accepted, holds, salaries, send_all, sent
from test_cli import run
from test_releases import available, only
from world import agree

from canonical.errors import Conflict, OutsideError
from gateway.books.book import attribution, provider_book
from gateway.books.reconcile import reconcile
from gateway.books.status import status_of
from gateway.composition import Gateway, open_gateway
from gateway.delivery import dispatch as dispatching
from gateway.delivery.dispatch import dispatch, doubtful, due
from gateway.delivery.funds import fund
from gateway.delivery.resolve import resolve
from gateway.delivery.submissions import RegistryLog, acknowledge, submission_row
from gateway.feedback.follow import follow
from gateway.planning.plans import live_routes, live_submissions
from gateway.registry import tables as t
from gateway.registry.engine import move
from gateway.settings import Settings
from providers.folder import _FolderPlace


def opened(tmp_path: Path, config_dir: Path, clock, registry_url: str, *, four_eyes: bool = False) -> Gateway:
    home = Settings(
        home=tmp_path / "home", config_dir=config_dir, registry_url=registry_url, resolve_four_eyes=four_eyes
    )
    return open_gateway(home, clock)


@pytest.fixture
def gateway(tmp_path: Path, config_dir: Path, clock, registry_url: str) -> Iterator[Gateway]:
    found = opened(tmp_path, config_dir, clock, registry_url)
    yield found
    found.registry.engine.dispose()


def unknown(gateway: Gateway) -> str:
    """A submission whose release nobody saw the end of."""
    log = RegistryLog(gateway, dispatching._write(gateway, submission_row(gateway, only(gateway))))
    log.begin_upload()
    log.uploaded()
    log.begin_release()
    log.unknown("the line broke")
    return str(log._submission_id)


def test_a_delivered_one_stands_as_if_it_had_been_seen(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    submission_id = unknown(gateway)
    assert resolve(gateway, submission_id, delivered=True, by="anna", reason="the bank has it") == "DELIVERED"
    holds(gateway, file_id, outstanding=10)
    assert due(gateway) == []
    assert sent(tmp_path) == []
    with pytest.raises(Conflict):
        resolve(gateway, submission_id, delivered=False, by="bert", reason="no")


def test_one_that_never_arrived_is_planned_anew_and_sent_once(gateway, tmp_path) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    file_id = salaries(gateway)
    fund(gateway, "alder", "EUR", "40000.00", by="anna")
    before = available(gateway)
    submission_id = unknown(gateway)
    assert available(gateway) < before
    assert resolve(gateway, submission_id, delivered=False, by="anna", reason="the bank looked") == "VOIDED"
    assert available(gateway) == before
    (again,) = live_submissions(gateway, file_id)
    assert (again["state"], again["payments"]) == ("PREPARED", 10)
    holds(gateway, file_id, waiting=10)
    send_all(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    trail = gateway.registry.rows(t.AUDIT, t.AUDIT.c.subject == submission_id, t.AUDIT.c.actor == "anna")
    assert [row["action"] for row in trail] == ["resolved_voided"]


_OWN_MESSAGE = """<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr>
<MsgId>A1</MsgId><CreDtTm>2026-11-20T13:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId>
<TxInfAndSts><OrgnlInstrId>{reference}</OrgnlInstrId><TxSts>{code}</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


@pytest.mark.parametrize(("code", "counts"), [("RJCT", "provider_rejected"), ("ACSP", "outstanding")])
def test_a_word_that_may_be_of_the_attempt_called_undelivered_settles_no_other(gateway, tmp_path, code, counts) -> None:
    """It names the payment alone: refused, the client could send again what the second attempt pays."""
    file_id = salaries(gateway)
    assert resolve(gateway, unknown(gateway), delivered=False, by="anna", reason="the bank looked") == "VOIDED"
    send_all(gateway)
    (again,) = live_submissions(gateway, file_id)
    reference = live_routes(gateway, file_id)["reference"][0]

    def told(message: str) -> None:
        said = _OWN_MESSAGE.format(message=message, reference=reference, code=code)
        (tmp_path / f"euro/out/{message}.pain002.xml").write_text(said, encoding="ascii")
        assert [item.outcome for item in follow(gateway, "euro_bank")] == ["applied"]

    told("OF-THE-BANK")
    holds(gateway, file_id, outstanding=10)
    assert submission_row(gateway, again["submission_id"])["state"] == "DELIVERED"
    (note,) = attribution(gateway, "euro_bank", provider_book(gateway, "euro_bank")).unknown["note"]
    assert "nobody can say which" in note
    told(again["submission_id"])
    assert status_of(gateway, file_id).payments["state"].to_list().count(counts) == (1 if code == "RJCT" else 10)
    assert submission_row(gateway, again["submission_id"])["state"] == "ACKNOWLEDGED"


def test_what_the_bank_booked_is_not_called_undelivered(salaries_told) -> None:
    """Nobody saw the end of its release, the statement shows it: planned anew it would be paid twice."""
    (row,) = salaries_told.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment")
    with salaries_told.registry.transaction() as connection:
        move(connection, t.SUBMISSIONS, {"submission_id": row["submission_id"]}, state="UNKNOWN")
    assert reconcile(salaries_told, "euro_bank").matched > 0
    with pytest.raises(Conflict, match="booked"):
        resolve(salaries_told, row["submission_id"], delivered=False, by="anna", reason="not there")
    assert resolve(salaries_told, row["submission_id"], delivered=True, by="anna", reason="it is") == "DELIVERED"


def test_two_persons_must_say_the_same(tmp_path, config_dir, clock, registry_url) -> None:
    gateway = opened(tmp_path, config_dir, clock, registry_url, four_eyes=True)
    salaries(gateway)
    submission_id = unknown(gateway)
    other = {**submission_row(gateway, submission_id), "submission_id": "S1", "slot": "another"}
    said = {"decided_by": "bert", "delivered": 0, "reason": "of another", "decided_at": gateway.registry.now()}
    with gateway.registry.transaction() as connection:
        connection.execute(t.SUBMISSIONS.insert().values(other))
        connection.execute(t.RESOLUTIONS.insert().values(submission_id="S1", **said))
    assert resolve(gateway, submission_id, delivered=False, by="anna", reason="one") == "UNKNOWN"
    with pytest.raises(Conflict, match="already"):
        resolve(gateway, submission_id, delivered=False, by="anna", reason="again")
    assert resolve(gateway, submission_id, delivered=True, by="bert", reason="two") == "UNKNOWN"
    assert resolve(gateway, submission_id, delivered=True, by="cleo", reason="three") == "DELIVERED"
    gateway.registry.engine.dispose()


def test_a_persons_and_the_providers_word_at_once_are_one_decision(gateway) -> None:
    salaries(gateway)
    submission_id = unknown(gateway)
    outcomes = []

    def person() -> None:
        try:
            outcomes.append(resolve(gateway, submission_id, delivered=False, by="anna", reason="not there"))
        except Conflict:
            outcomes.append("lost")

    workers = [threading.Thread(target=person)]
    workers.append(
        threading.Thread(target=lambda: outcomes.append(str(acknowledge(gateway, submission_id, "ACCP", ""))))
    )
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(outcomes) in (["False", "VOIDED"], ["True", "lost"])


@pytest.mark.parametrize(
    ("stands", "heard"),
    [
        *[(state, True) for state in ("RELEASING", "UNKNOWN", "DELIVERED")],
        *[(state, False) for state in ("PREPARED", "UPLOADED", "VOIDED", "ACKNOWLEDGED", "REJECTED")],
    ],
)
def test_a_word_is_heard_of_what_the_provider_may_have(gateway, stands, heard) -> None:
    salaries(gateway)
    submission_id = only(gateway)
    with gateway.registry.transaction() as connection:
        move(connection, t.SUBMISSIONS, {"submission_id": submission_id}, state=stands)
    assert acknowledge(gateway, submission_id, "RJCT", "refused") is heard
    found = submission_row(gateway, submission_id)
    assert found["state"] == ("REJECTED" if heard else stands)
    assert bool(found["delivered_at"]) is heard
    assert not acknowledge(gateway, submission_id, "ACCP", "and now it is not"), "the first word stands"


def test_a_word_does_not_change_when_it_was_delivered(gateway, clock) -> None:
    """Balances that are told, and what the day's statement must show, go by it."""
    salaries(gateway)
    submission_id = only(gateway)
    send_all(gateway)
    before = submission_row(gateway, submission_id)["delivered_at"]
    clock.move(hours=20)
    assert acknowledge(gateway, submission_id, "ACCP", "the next day")
    assert submission_row(gateway, submission_id)["delivered_at"] == before


def test_a_worker_that_sleeps_releases_nothing_of_what_a_person_called_undelivered(
    gateway, tmp_path, monkeypatch
) -> None:
    """It slept before its rename; to the others a server that copies and deletes looked like nobody knows what."""
    known = gateway.profiles.providers["euro_bank"]
    terms = {**known.transport.options, "rename_atomic": False}
    bank = known.model_copy(update={"transport": known.transport.model_copy(update={"options": terms})})
    gateway.profiles.providers["euro_bank"] = bank
    file_id, rename = salaries(gateway), _FolderPlace.rename
    submission_id = only(gateway)

    def asleep(place: _FolderPlace, temporary: str, final: str) -> None:
        monkeypatch.setattr(_FolderPlace, "rename", rename)
        assert dispatch(gateway, submission_id) == "UNKNOWN"
        assert resolve(gateway, submission_id, delivered=False, by="anna", reason="the bank looked") == "VOIDED"
        send_all(gateway)
        rename(place, temporary, final)

    monkeypatch.setattr(_FolderPlace, "rename", asleep)
    assert dispatch(gateway, submission_id) == "VOIDED"
    assert sent(tmp_path) == accepted(gateway, file_id)


def test_what_cannot_be_taken_from_the_provider_is_not_called_undelivered(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    submission_id = unknown(gateway)
    row = submission_row(gateway, submission_id)
    staged = tmp_path / "euro/in" / f".{submission_id}.{row['attempt']}.part"
    staged.write_bytes(gateway.store.get(row["key"]))
    taken = staged.with_suffix(".withdrawn")
    taken.touch()
    with pytest.raises(OutsideError, match="withdrawn"):
        resolve(gateway, submission_id, delivered=False, by="anna", reason="the bank looked")
    holds(gateway, file_id, submitted_unknown=10)
    taken.unlink()
    assert resolve(gateway, submission_id, delivered=False, by="anna", reason="the bank looked") == "VOIDED"
    assert not staged.exists()
    assert taken.exists()


def test_a_run_asks_about_it_and_sends_nothing(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    submission_id = unknown(gateway)
    assert [row["submission_id"] for row in doubtful(gateway)] == [submission_id]
    before = sorted((tmp_path / "euro/in").iterdir())
    assert dispatch(gateway, submission_id) == "UNKNOWN"
    assert sorted((tmp_path / "euro/in").iterdir()) == before
    name = submission_row(gateway, submission_id)["name"]
    key = submission_row(gateway, submission_id)["key"]
    (tmp_path / "euro/in" / name).write_bytes(gateway.store.get(key))
    assert dispatch(gateway, submission_id) == "DELIVERED"
    holds(gateway, file_id, outstanding=10)


def test_the_operator_resolves(gateway, monkeypatch) -> None:
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    monkeypatch.setenv("BULKRAIL_REGISTRY_URL", gateway.settings.registry_url)
    salaries(gateway)
    submission_id = unknown(gateway)
    code, told = run("resolve", submission_id, "--not-delivered", "--reason", "asked", "--by", "anna")
    assert (code, told.split()[-1]) == (0, "VOIDED")
    assert run("resolve", submission_id, "--delivered", "--reason", "asked")[0] == 3
    assert run("resolve", submission_id, "--reason", "asked")[0] == 2
