"""Verification of payee: nothing goes out before the answer is decided on, and a decision is made once."""

from __future__ import annotations

import threading
from pathlib import Path

import polars as pl
import pytest
from test_cancel import FIRST, ONE, TODAY, accepted, ask, holds, salaries, sent, state, take_in
from test_cli import run as command
from test_routing import narrow
from test_windows import answers
from world import agree

from canonical.errors import Conflict, Withheld
from canonical.frames import STATUSES, conform
from canonical.profiles import FileLimits, Plugin, Verification
from gateway.answers.answer import files_with_news
from gateway.books.book import attribution, provider_book
from gateway.books.status import status_of
from gateway.composition import Gateway
from gateway.delivery import verification as verifying
from gateway.delivery.dispatch import dispatch, due
from gateway.delivery.verification import _said, decide_verification
from gateway.feedback.follow import follow
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.route import route
from gateway.registry import tables as t
from gateway.registry.engine import move
from gateway.stages import deliver, outcome_answer, run_journey
from sandbox.day import invoices_csv

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">'
    "<CstmrPmtStsRpt><GrpHdr><MsgId>{name}</MsgId><CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr>"
    "<OrgnlGrpInfAndSts><OrgnlMsgId>{request}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
    "<GrpSts>{group}</GrpSts></OrgnlGrpInfAndSts>"
)
ROW = (
    "<TxInfAndSts><StsId>{n}</StsId><OrgnlInstrId>{reference}</OrgnlInstrId><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId>"
    "<TxSts>{status}</TxSts><StsRsnInf><AddtlInf>{told}</AddtlInf></StsRsnInf></TxInfAndSts>"
)


@pytest.fixture
def gateway(gateway_anywhere: Gateway, tmp_path: Path) -> Gateway:
    (tmp_path / "vop").mkdir()
    known = gateway_anywhere.profiles.provider("euro_bank")
    asks = Verification(transport=Plugin(name="folder", options={"inbox": str(tmp_path / "vop")}))
    gateway_anywhere.profiles.providers["euro_bank"] = known.model_copy(update={"verification": asks})
    agree(gateway_anywhere, "alder", verification_of_payee="always")
    return gateway_anywhere


def asked(gateway: Gateway) -> dict:
    """The request of the one submission that is due, delivered."""
    (row,) = due(gateway)
    assert deliver(gateway, row["submission_id"]) == "withheld: waits for the verification of its payees"
    return dict(gateway.registry.one(t.VERIFICATIONS, of_submission=row["submission_id"]))


def bank_answers(gateway: Gateway, tmp_path: Path, request: dict, group: str, *words: tuple[int, str, str]) -> None:
    """The bank's pain.002: (row, code, text) of payments, and the group's word."""
    routes = {row["row"]: row for row in live_routes(gateway, request["file_id"]).iter_rows(named=True)}
    rows = "".join(
        ROW.format(n=n, reference=routes[row]["reference"], e2e=routes[row]["end_to_end_id"], status=status, told=told)
        for n, (row, status, told) in enumerate(words)
    )
    name = f"V{len(list((tmp_path / 'euro/out').iterdir()))}"
    batch = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{request['submission_id']}</OrgnlPmtInfId>{rows}</OrgnlPmtInfAndSts>"
    text = HEAD.format(name=name, request=request["submission_id"], group=group) + (batch if rows else "")
    (tmp_path / f"euro/out/{name}.pain002.xml").write_text(text + "</CstmrPmtStsRpt></Document>", encoding="utf-8")
    assert [item.outcome for item in follow(gateway, "euro_bank")] == ["applied"]


def told(gateway: Gateway) -> str:
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)
    return answers(gateway)


def test_a_match_is_released_by_itself(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    assert sent(tmp_path) == []
    (parcel,) = [path for path in (tmp_path / "vop").iterdir() if not path.name.startswith(".")]
    assert request["submission_id"] in parcel.read_text(encoding="utf-8")
    assert request["of_submission"] not in parcel.read_text(encoding="utf-8")
    bank_answers(gateway, tmp_path, request, "RCVC")
    assert deliver(gateway, request["of_submission"]) == "DELIVERED"
    assert sent(tmp_path) == accepted(gateway, file_id)
    holds(gateway, file_id, outstanding=10)
    assert attribution(gateway, "euro_bank", provider_book(gateway, "euro_bank")).unknown.is_empty()


def test_a_mismatch_waits_is_told_and_is_released_when_approved(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVCM", (1, "RVMC", "Ada Lindkvist"), (2, "RVNM", ""))
    with pytest.raises(Withheld, match="approve"):
        dispatch(gateway, request["of_submission"])
    found = status_of(gateway, file_id)
    assert found.tied
    assert "1 RVMC, 8 RVNA, 1 RVNM" in found.why_it_waits()["why"][0] or "RVNM" in found.why_it_waits()["why"][0]
    text = told(gateway)
    assert "close, not the same (RVMC): approve or cancel it. Ada Lindkvist" in text
    assert "does not match the account (RVNM)" in text
    assert decide_verification(gateway, file_id, approved=True, by="anna", reason="called") == [
        request["of_submission"]
    ]
    with pytest.raises(Conflict):
        decide_verification(gateway, file_id, approved=False, by="bert", reason="no")
    assert deliver(gateway, request["of_submission"]) == "DELIVERED"
    assert sent(tmp_path) == accepted(gateway, file_id)
    holds(gateway, file_id, outstanding=10)


def test_one_match_among_others_releases_none_of_them(gateway, tmp_path) -> None:
    salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM", (1, "RCVC", ""))
    with pytest.raises(Withheld, match="1 RCVC, 9 RVNM"):
        dispatch(gateway, request["of_submission"])
    assert sent(tmp_path) == []


def test_what_was_approved_of_one_submission_approves_no_other_of_its_file(gateway, tmp_path) -> None:
    bank = gateway.profiles.provider("euro_bank")
    gateway.profiles.providers["euro_bank"] = bank.model_copy(update={"file_limits": FileLimits(payments=5)})
    salaries(gateway)
    first, second = due(gateway)
    deliver(gateway, first["submission_id"])
    request = gateway.registry.one(t.VERIFICATIONS, of_submission=first["submission_id"])
    bank_answers(gateway, tmp_path, dict(request), "RCVC")
    assert deliver(gateway, first["submission_id"]) == "DELIVERED"
    assert deliver(gateway, second["submission_id"]) == "withheld: waits for the verification of its payees"
    assert len(sent(tmp_path)) == 5


def test_what_a_person_refused_is_not_released_whatever_became_of_its_submission(gateway, tmp_path) -> None:
    salaries(gateway)
    request = asked(gateway)
    with gateway.registry.transaction() as connection:
        move(connection, t.VERIFICATIONS, {"submission_id": request["submission_id"]}, decision="refused")
    assert deliver(gateway, request["of_submission"]) == "withheld: its payees were refused"
    assert sent(tmp_path) == []


def test_what_is_refused_is_cancelled_and_never_sent(gateway, tmp_path) -> None:
    agree(gateway, "alder", limits={"day": {"EUR": 10**9}})
    narrow(gateway, payments=20)
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM")
    assert {row["subject"] for row in reserved(gateway)} == {file_id, request["of_submission"]}
    decide_verification(gateway, file_id, approved=False, by="anna", reason="wrong people")
    assert reserved(gateway) == []
    assert state(gateway, file_id) == "cancelled"
    decided = gateway.registry.one(t.VERIFICATIONS, submission_id=request["submission_id"])
    assert [decided[name] for name in ("decision", "decided_by", "reason")] == ["refused", "anna", "wrong people"]
    assert due(gateway) == []
    holds(gateway, file_id, cancelled=10)
    assert "CANC" in told(gateway)
    assert sent(tmp_path) == []


def reserved(gateway: Gateway) -> list:
    return [row for row in gateway.registry.rows(t.RESERVATIONS) if row["amount"]]


def test_a_refusal_takes_its_own_submission_and_no_other(gateway, tmp_path) -> None:
    """One file, three submissions: one is refused, one verified, one not answered; another client's waits for its own decision."""
    bank = gateway.profiles.provider("euro_bank")
    gateway.profiles.providers["euro_bank"] = bank.model_copy(update={"file_limits": FileLimits(payments=4)})
    agree(gateway, "cedar", verification_of_payee="always")
    file_id = salaries(gateway)
    other = take_in(gateway, invoices_csv(TODAY), "c.csv", "cedar")
    run_journey(gateway, other)
    for row in due(gateway):
        if row["destination"] == "euro_bank":
            assert "verification" in deliver(gateway, row["submission_id"])
    requests = gateway.registry.rows(t.VERIFICATIONS, t.VERIFICATIONS.c.file_id == file_id)
    refused, fine, silent = sorted(requests, key=lambda item: item["of_submission"])
    (theirs, *_) = gateway.registry.rows(t.VERIFICATIONS, t.VERIFICATIONS.c.file_id == other)
    bank_answers(gateway, tmp_path, refused, "RVNM")
    bank_answers(gateway, tmp_path, fine, "RCVC")
    bank_answers(gateway, tmp_path, theirs, "RVNM")
    count = {row["submission_id"]: row["payments"] for row in live_submissions(gateway, file_id)}
    assert decide_verification(gateway, file_id, approved=False, by="anna", reason="") == [refused["of_submission"]]
    decisions = {row["submission_id"]: row["decision"] for row in gateway.registry.rows(t.VERIFICATIONS)}
    names = [item["submission_id"] for item in (refused, fine, silent, theirs)]
    assert [decisions[name] for name in names] == ["refused", "automatic", "asked", "waiting"]
    assert deliver(gateway, fine["of_submission"]) == "DELIVERED"
    assert deliver(gateway, silent["of_submission"]) == "withheld: waits for the verification of its payees"
    cancelled, outstanding, waiting = (count[item["of_submission"]] for item in (refused, fine, silent))
    holds(gateway, file_id, cancelled=cancelled, outstanding=outstanding, waiting=waiting)
    assert state(gateway, file_id) == "routed"
    assert len(sent(tmp_path)) == outstanding
    assert set(route(gateway, file_id)) == {fine["of_submission"], silent["of_submission"]}, (
        "what is refused is not planned anew"
    )


@pytest.mark.parametrize("meanwhile", ["planned", "released"])
def test_a_refusal_that_comes_too_late_decides_nothing(gateway, tmp_path, monkeypatch, meanwhile) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM")
    if meanwhile == "planned":
        monkeypatch.setattr(verifying, "next_plan", lambda *_: 1)
    else:
        with gateway.registry.transaction() as connection:
            move(connection, t.SUBMISSIONS, {"submission_id": request["of_submission"]}, state="RELEASING")
    with pytest.raises(Conflict, match=f"is being {meanwhile}|was {meanwhile} meanwhile"):
        decide_verification(gateway, file_id, approved=False, by="anna", reason="")
    assert gateway.registry.one(t.VERIFICATIONS, submission_id=request["submission_id"])["decision"] == "waiting"
    assert gateway.registry.one(t.SUBMISSIONS, submission_id=request["of_submission"])["state"] != "VOIDED"
    assert gateway.lake.whole(file_id, "cancelled").is_empty()


def test_what_is_said_of_the_whole_request_holds_where_a_payment_has_no_word(gateway, monkeypatch) -> None:
    salaries(gateway)
    request = asked(gateway)

    def said(*rows: dict[str, object]) -> dict[str, int]:
        words = [{"position": n, "kind": "status", **row} for n, row in enumerate(rows, start=1)]
        found = _said(gateway, request, conform(pl.DataFrame(words), STATUSES))
        return dict(found["status"].value_counts().rows())

    for word, meant in (
        ("RCVC", "RCVC"), ("RVNM", "RVNM"), ("RVMC", "RVMC"), ("RVNA", "RVNA"), ("RVNC", "RVNA"), ("RVCM", "RVNA"), ("RJCT", "RVNA"),
    ):  # fmt: skip
        assert said({"level": "file", "status": word}) == {meant: 10}
    own = {"level": "payment", "original_end_to_end_id": FIRST}
    assert said({**own, "status": "RCVC"}) == {"RCVC": 1, "RVNA": 9}, "nobody verified the others"
    assert said({"level": "file", "status": "RVCM"}, {**own, "status": "RVNM"}) == {"RVNM": 1, "RVNA": 9}
    assert said({"level": "file", "status": "RCVC"}, {**own, "status": "ACCP"}) == {"RCVC": 10}
    assert said({"level": "file", "status": "RCVD"}, {**own, "status": "ACCP"}) == {}, "a receipt"
    closer = {"level": "batch", "status": "RVNM"}
    assert said({"level": "file", "status": "RCVC"}, closer) == {"RVNM": 10}, "said of the batch itself"
    routes = verifying.routes_of
    alike = {"end_to_end_id": pl.lit(FIRST)}
    monkeypatch.setattr(verifying, "routes_of", lambda *of: routes(*of).with_columns(**alike))
    assert said({**own, "status": "RCVC"}) == {"RVNA": 10}, "nobody can say of which of them"


def test_a_client_cancels_the_mismatch_and_the_others_are_asked_about_anew(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVCM", (1, "RVNM", ""))
    ask(gateway, ONE)
    again = asked(gateway)
    assert again["submission_id"] != request["submission_id"]
    bank_answers(gateway, tmp_path, again, "RCVC")
    assert deliver(gateway, again["of_submission"]) == "DELIVERED"
    assert sent(tmp_path) == [item for item in accepted(gateway, file_id) if item != FIRST]
    holds(gateway, file_id, cancelled=1, outstanding=9)


def test_an_approval_outlives_a_missed_cut_off(gateway, tmp_path, clock) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM")
    decide_verification(gateway, file_id, approved=True, by="anna", reason="known")
    clock.move(days=3)
    assert deliver(gateway, request["of_submission"]) == "VOIDED"
    (again,) = due(gateway)
    assert deliver(gateway, again["submission_id"]) == "DELIVERED"
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert len([path for path in (tmp_path / "vop").iterdir() if not path.name.startswith(".")]) == 1


def test_the_first_answer_stands_and_a_receipt_is_none(gateway, tmp_path) -> None:
    salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RCVD")
    assert gateway.registry.one(t.VERIFICATIONS, submission_id=request["submission_id"])["decision"] == "asked"
    bank_answers(gateway, tmp_path, request, "RVNM")
    bank_answers(gateway, tmp_path, request, "RCVC")
    assert gateway.registry.one(t.VERIFICATIONS, submission_id=request["submission_id"])["decision"] == "waiting"


def test_two_persons_decide_once(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM")
    outcomes = []

    def decide(approved: bool) -> None:
        try:
            decide_verification(gateway, file_id, approved=approved, by=f"p{approved}", reason="")
            outcomes.append(approved)
        except Conflict:
            outcomes.append(None)

    workers = [threading.Thread(target=decide, args=(approved,)) for approved in (True, False)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len([outcome for outcome in outcomes if outcome is not None]) == 1
    if True in outcomes:
        assert deliver(gateway, request["of_submission"]) == "DELIVERED"
        holds(gateway, file_id, outstanding=10)
    else:
        holds(gateway, file_id, cancelled=10)


def test_who_opted_out_is_not_asked(gateway, tmp_path) -> None:
    agree(gateway, "alder", verification_of_payee="opted_out")
    file_id = salaries(gateway)
    (row,) = due(gateway)
    assert deliver(gateway, row["submission_id"]) == "DELIVERED"
    assert sent(tmp_path) == accepted(gateway, file_id)


def test_the_operator_decides(gateway, tmp_path, monkeypatch) -> None:
    file_id = salaries(gateway)
    request = asked(gateway)
    bank_answers(gateway, tmp_path, request, "RVNM")
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    monkeypatch.setenv("BULKRAIL_REGISTRY_URL", gateway.settings.registry_url)
    code, printed = command("approve", file_id, "--vop", "--refuse", "--reason", "unknown people")
    assert (code, printed.split()) == (0, [request["of_submission"], "cancelled"])
    assert command("approve", file_id, "--vop")[0] == 3
