"""Sets of answers: one state of the file under one number, at the milestones the client named; nothing twice, nothing missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from lxml import etree
from test_answers import outbox
from test_journey import receive_one
from world import BANK_TERMS, Clock, agree, postgres_url, upload

from gateway.answers import answer as answering
from gateway.answers.answer import answer_duplicates, files_with_news
from gateway.books.book import states_of
from gateway.books.reconcile import reconcile
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.stages import outcome_answer, run_journey, take_in
from sandbox.banks import Bank
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)
ALL = ("received", "validated", "sent", "acknowledged", "settled", "returned")


class Killed(BaseException):
    """The worker ends here."""


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(BANK_TERMS["euro_bank"], tmp_path / "euro", tmp_path / "euro.sqlite")


@pytest.fixture
def gateway_on_postgres(tmp_path: Path, config_dir: Path, clock: Clock) -> Iterator[Gateway]:
    settings = Settings(home=tmp_path / "home", config_dir=config_dir, registry_url=postgres_url())
    opened = open_gateway(settings, clock)
    yield opened
    opened.registry.engine.dispose()


def names(gateway: Gateway) -> list[str]:
    return sorted(name.split(".", 3)[3] for name in outbox(gateway, "alder"))


def begin(gateway: Gateway, **at: tuple[str, ...]) -> str:
    agree(gateway, "alder", answers=[{"name": name.replace("_", "-"), "at": list(told)} for name, told in at.items()])
    return receive_one(gateway, "alder", "a.xml", salaries_pain001(TODAY))


def send(gateway: Gateway) -> None:
    for row in due(gateway):
        assert dispatch(gateway, row["submission_id"]) == "DELIVERED"


def news(gateway: Gateway) -> None:
    follow(gateway, "euro_bank")
    reconcile(gateway, "euro_bank")
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)


def the_day(gateway: Gateway, bank: Bank, file_id: str) -> None:
    run_journey(gateway, file_id)
    send(gateway)
    news(gateway)
    bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    news(gateway)
    bank.close_day(TODAY)
    news(gateway)


def test_a_client_is_told_at_every_milestone(gateway: Gateway, bank: Bank, xsd) -> None:
    file_id = begin(gateway, answer_csv=ALL)
    agree(gateway, "alder", answers=[{"name": "pain.002", "at": ALL}])
    the_day(gateway, bank, file_id)
    assert names(gateway) == [
        "acknowledged-2.pain002.xml", "received.pain002.xml", "sent-1.pain002.xml", "settled-3.pain002.xml",
        "validated.pain002.xml",
    ]  # fmt: skip
    told = {}
    for name, data in outbox(gateway, "alder").items():
        tree = etree.fromstring(data)
        xsd("pain.002.001.10").assertValid(tree)
        told[name.split(".", 3)[3].split(".")[0]] = (
            tree.findtext(".//{*}GrpSts"), {item.text for item in tree.iter("{*}TxSts")}, tree.findtext(".//{*}OrgnlMsgId"),
        )  # fmt: skip
    own = "ALDER-20261120-1"
    assert told == {
        "received": ("RCVD", set(), own), "validated": ("PART", {"ACCP", "RJCT"}, own),
        "sent-1": ("PART", {"ACSP", "RJCT"}, own), "acknowledged-2": ("PART", {"ACSP", "RJCT"}, own),
        "settled-3": ("PART", {"ACSC", "RJCT"}, own),
    }  # fmt: skip
    before = outbox(gateway, "alder")
    the_day_again(gateway, file_id)
    assert outbox(gateway, "alder") == before, "nothing is said twice"


def the_day_again(gateway: Gateway, file_id: str) -> None:
    take_in(gateway, file_id)
    run_journey(gateway, file_id)
    news(gateway)
    outcome_answer(gateway, file_id)


def test_each_answer_goes_at_its_own_milestones(gateway: Gateway, bank: Bank) -> None:
    file_id = begin(gateway, **{"pain.002": ("validated", "settled"), "answer_csv": ("acknowledged", "settled")})
    the_day(gateway, bank, file_id)
    assert names(gateway) == [
        "acknowledged-1.csv", "settled-2.csv", "settled-2.pain002.xml", "validated.pain002.xml",
    ]  # fmt: skip
    assert files_with_news(gateway) == []


def test_a_milestone_that_was_passed_unseen_is_told(gateway: Gateway, bank: Bank) -> None:
    file_id = begin(gateway, **{"pain.002": ("sent",)})
    run_journey(gateway, file_id)
    send(gateway)
    bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    bank.close_day(TODAY)
    news(gateway)
    assert names(gateway) == ["sent-1.pain002.xml"]


def test_nobody_who_asks_for_nothing_is_told(gateway: Gateway, bank: Bank) -> None:
    file_id = begin(gateway, **{"pain.002": ("returned",)})
    run_journey(gateway, file_id)
    assert gateway.registry.one(t.FILES, file_id=file_id)["answered"] == 1
    assert names(gateway) == []


POINTS = ("objects", "commit", "first", "second")


def kill_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """End the worker before the set counts, behind its commit, or behind the delivery of a member."""
    count, deliver, seen = answering.AnswerSet._count, answering.dispatch, [0]

    def counted(told, draft, members):
        if point == "objects":
            raise Killed
        result = count(told, draft, members)
        if point == "commit":
            raise Killed
        return result

    def delivered(gateway, submission_id):
        result = deliver(gateway, submission_id)
        seen[0] += 1
        if POINTS.index(point) - 1 == seen[0]:
            raise Killed
        return result

    monkeypatch.setattr(answering.AnswerSet, "_count", counted)
    monkeypatch.setattr(answering, "dispatch", delivered)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("later", [False, True])
def test_a_set_is_whole_after_a_kill_between_its_members(
    gateway: Gateway, bank: Bank, monkeypatch: pytest.MonkeyPatch, point: str, later: bool
) -> None:
    """`later`: the bank says more before the next run looks: the set that was begun still tells of its own moment."""
    killed_and_begun_again(gateway, bank, monkeypatch, point, later=later)


@pytest.mark.postgres
def test_a_set_is_whole_after_a_kill_on_postgres_too(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, gateway_on_postgres: Gateway
) -> None:
    killed_and_begun_again(gateway_on_postgres, bank, monkeypatch, "first", later=True)


def killed_and_begun_again(
    gateway: Gateway, bank: Bank, monkeypatch: pytest.MonkeyPatch, point: str, *, later: bool
) -> None:
    file_id = begin(gateway, **{"pain.002": ("acknowledged", "settled"), "answer_csv": ("acknowledged", "settled")})
    run_journey(gateway, file_id)
    send(gateway)
    bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    with monkeypatch.context() as patch:
        kill_at(patch, point)
        with pytest.raises(Killed):
            news(gateway)
    if later:
        bank.close_day(TODAY)
        follow(gateway, "euro_bank")
        reconcile(gateway, "euro_bank")
    for found in files_with_news(gateway):
        outcome_answer(gateway, found)
    both = ["acknowledged-1.csv", "acknowledged-1.pain002.xml"]
    further = ["settled-2.csv", "settled-2.pain002.xml"]
    if later and point == "objects":
        both, further = ["settled-1.csv", "settled-1.pain002.xml"], []
    assert names(gateway) == [*both, *(further if later else [])]
    for number in (1, 2):
        told = {name: data for name, data in outbox(gateway, "alder").items() if f"-{number}." in name}
        assert same_state(told), "one set, one state of the book"


def same_state(told: dict[str, bytes]) -> bool:
    xml = next((data for name, data in told.items() if name.endswith(".xml")), None)
    if xml is None:
        return True
    table = next(data for name, data in told.items() if name.endswith(".csv")).decode("utf-8-sig").splitlines()
    statuses = [item.text for item in etree.fromstring(xml).iter("{*}TxSts")]
    return statuses == [line.split(",")[6] for line in table[1:] if line.split(",")[2]]


def test_two_workers_tell_once(gateway_anywhere: Gateway, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_anywhere
    file_id = begin(gateway, **{"pain.002": ("acknowledged",), "answer_csv": ("acknowledged",)})
    run_journey(gateway, file_id)
    send(gateway)
    bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    follow(gateway, "euro_bank")
    count, raced = answering.AnswerSet._count, [False]

    def overtaken(told, draft, members):
        if not raced[0]:
            raced[0] = True
            outcome_answer(gateway, file_id)
        return count(told, draft, members)

    monkeypatch.setattr(answering.AnswerSet, "_count", overtaken)
    outcome_answer(gateway, file_id)
    assert names(gateway) == ["acknowledged-1.csv", "acknowledged-1.pain002.xml"]


def test_a_copy_is_answered_by_a_set_of_its_own(gateway_anywhere: Gateway) -> None:
    gateway = gateway_anywhere
    file_id = begin(gateway, **{"pain.002": ("validated",), "answer_csv": ("validated",)})
    run_journey(gateway, file_id)
    upload(gateway, "alder", "b.xml", salaries_pain001(TODAY))
    receive(gateway)
    assert len(answer_duplicates(gateway, file_id)) == 2
    assert [name for name in names(gateway) if "duplicate" in name] == ["duplicate-1.csv", "duplicate-1.pain002.xml"]
    assert answer_duplicates(gateway, file_id) == []


def test_bookings_are_notified_once_with_the_clients_own_ids(gateway: Gateway, bank: Bank, clock: Clock, xsd) -> None:
    file_id = begin(gateway, **{"pain.002": ("acknowledged", "settled"), "camt.054": ("settled", "returned")})
    the_day(gateway, bank, file_id)
    later = TODAY + dt.timedelta(days=3)
    clock.move(days=3)
    bank.close_day(later)
    news(gateway)
    assert names(gateway) == [
        "acknowledged-1.pain002.xml", "returned-3.camt054.xml", "settled-2.camt054.xml", "settled-2.pain002.xml",
    ]  # fmt: skip
    told = {name.split(".", 3)[3]: etree.fromstring(data) for name, data in outbox(gateway, "alder").items()}
    first, back = told["settled-2.camt054.xml"], told["returned-3.camt054.xml"]
    for tree in (first, back):
        xsd("camt.054.001.08").assertValid(tree)
    settled = states_of(gateway, [file_id]).filter(pl.col("state").is_in(["settled", "returned"]))
    assert sorted(item.text for item in first.iter("{*}EndToEndId")) == sorted(settled["end_to_end_id"])
    assert len(settled) == 9
    (entry,) = back.iter("{*}Ntry")
    assert (entry.findtext("{*}CdtDbtInd"), entry.findtext(".//{*}EndToEndId")) == ("CRDT", "SAL-11-2004")
    assert entry.findtext(".//{*}RtrInf/{*}Rsn/{*}Cd") is not None
    outcome_answer(gateway, file_id)
    assert len(names(gateway)) == 4
