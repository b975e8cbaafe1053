"""What stands before every release: nothing goes out while it is stopped or not covered, and nothing that waits is lost."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples
from sqlalchemy import event
from test_cancel import WHOLE, accepted, ask, asked, holds, salaries, send_all, sent
from test_cli import run
from world import Clock, agree

from canonical.errors import Conflict, NotFound, ReleaseOver, Withheld
from gateway.books.status import status_of
from gateway.composition import Gateway
from gateway.delivery import funds as covering
from gateway.delivery import releases
from gateway.delivery.dispatch import _write, dispatch, due
from gateway.delivery.funds import counter_of, fund
from gateway.delivery.resolve import resolve
from gateway.delivery.stops import resume, stop, stops
from gateway.delivery.submissions import CutOffMissed, RegistryLog, submission_row
from gateway.planning.reserves import give_back, give_back_part, reserve
from gateway.registry import tables as t
from gateway.registry.engine import Registry
from gateway.stages import deliver, unfinished_files

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def gateway(gateway_anywhere: Gateway) -> Gateway:
    return gateway_anywhere


def only(gateway: Gateway) -> str:
    (row,) = due(gateway)
    return str(row["submission_id"])


def staged(gateway: Gateway) -> RegistryLog:
    """A worker just before the release."""
    log = RegistryLog(gateway, _write(gateway, submission_row(gateway, only(gateway))))
    log.begin_upload()
    log.uploaded()
    return log


def available(gateway: Gateway, client_id: str = "alder", currency: str = "EUR") -> int:
    row = gateway.registry.one(t.COUNTERS, name=counter_of(client_id, currency))
    return 0 if row is None else -int(row["value"])


# ---------------------------------------------------------------------------------------------- the kill switch

SCOPES = [("all", ""), ("provider", "euro_bank"), ("client", "alder")]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_stop_keeps_everything_back_and_a_resume_lets_it_go_once(gateway, tmp_path, scope) -> None:
    file_id = salaries(gateway)
    stop(gateway, *scope, by="anna", reason="fraud alarm")
    with pytest.raises(Withheld, match="fraud alarm"):
        dispatch(gateway, only(gateway))
    assert deliver(gateway, only(gateway)).startswith("withheld: ")
    assert sent(tmp_path) == []
    told = status_of(gateway, file_id)
    assert told.tied
    (why,) = told.why_it_waits()["why"]
    assert "stopped by anna" in why
    assert "fraud alarm" in why
    holds(gateway, file_id, waiting=10)
    resume(gateway, *scope, by="anna", reason="false alarm")
    send_all(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    holds(gateway, file_id, outstanding=10)


@pytest.mark.parametrize("scope", [("provider", "us_bank"), ("client", "birch")])
def test_a_stop_concerns_no_other(gateway, tmp_path, scope) -> None:
    file_id = salaries(gateway)
    stop(gateway, *scope, by="anna", reason="there only")
    send_all(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)


def test_a_stop_between_upload_and_release_holds(gateway) -> None:
    salaries(gateway)
    log = staged(gateway)
    stop(gateway, "client", "alder", by="anna", reason="now")
    with pytest.raises(Withheld):
        log.begin_release()
    assert submission_row(gateway, only(gateway))["state"] == "UPLOADED"
    resume(gateway, "client", "alder", by="anna", reason="on")
    log.begin_release()
    assert submission_row(gateway, log._submission_id)["state"] == "RELEASING"


def test_a_release_that_was_begun_is_checked_again_at_its_recovery(gateway, clock) -> None:
    salaries(gateway)
    log = staged(gateway)
    log.begin_release()
    stop(gateway, "all", "", by="anna", reason="now")
    recovering = RegistryLog(gateway, submission_row(gateway, log._submission_id))
    with pytest.raises(Withheld):
        recovering.recheck()
    resume(gateway, "all", "", by="anna", reason="on")
    recovering.recheck()
    clock.move(hours=12)
    with pytest.raises(ReleaseOver):
        recovering.recheck()
    recovering.withdrawn("its temporary was removed")
    assert submission_row(gateway, log._submission_id)["state"] == "VOIDED"
    with pytest.raises(Conflict):
        log.delivered("a sleeper")


def test_what_another_worker_has_concluded_is_not_recovered(gateway) -> None:
    """It looked before, slept, and would release what lies there under the final name already, or is void."""
    salaries(gateway)
    log = staged(gateway)
    log.begin_release()
    sleeper = RegistryLog(gateway, submission_row(gateway, log._submission_id))
    log.delivered("seen")
    with pytest.raises(Conflict, match="moved the submission on"):
        sleeper.recheck()


def test_of_two_that_upload_the_later_attempt_stands(gateway) -> None:
    salaries(gateway)
    first = RegistryLog(gateway, submission_row(gateway, only(gateway)))
    assert first.begin_upload() == 1
    second = RegistryLog(gateway, submission_row(gateway, only(gateway)))
    assert second.begin_upload() == 2
    with pytest.raises(Conflict):
        first.uploaded()
    second.uploaded()


def test_a_cut_off_that_passes_during_the_upload_releases_nothing(gateway, clock) -> None:
    salaries(gateway)
    log = staged(gateway)
    clock.move(days=1)
    with pytest.raises(ReleaseOver):
        log.begin_release()
    assert submission_row(gateway, log._submission_id)["state"] == "VOIDED"


@contextmanager
def sleeping(gateway: Gateway, clock: Clock) -> Iterator[None]:
    """While the block runs a worker that writes to a submission sleeps over its cut-off before it goes on to its commit."""

    def sleep(*told: Any) -> None:
        if str(told[2]).startswith("UPDATE submissions"):
            clock.move(days=1)

    event.listen(gateway.registry.engine, "after_cursor_execute", sleep)
    try:
        yield
    finally:
        event.remove(gateway.registry.engine, "after_cursor_execute", sleep)


def test_who_sleeps_over_the_cut_off_before_the_commit_releases_nothing(gateway, clock) -> None:
    """On PostgreSQL it may wait that long for the row, on SQLite for the file; anywhere it may be stopped."""
    salaries(gateway)
    log = staged(gateway)
    with sleeping(gateway, clock), pytest.raises(CutOffMissed):
        log.begin_release()
    row = submission_row(gateway, log._submission_id)
    assert (row["state"], log.state) == ("VOIDED", "VOIDED")
    assert available(gateway) == 0
    assert [file["file_id"] for file in unfinished_files(gateway)] == [row["file_id"]], "its payments are planned anew"


def test_who_sleeps_over_the_cut_off_in_a_recovery_releases_nothing(gateway, clock) -> None:
    salaries(gateway)
    log = staged(gateway)
    log.begin_release()
    with sleeping(gateway, clock), pytest.raises(CutOffMissed):
        log.recheck()
    assert submission_row(gateway, log._submission_id)["state"] == "RELEASING", "whoever recovers it withdraws it"


def test_stops_are_audited_and_not_doubled(gateway) -> None:
    stop(gateway, "provider", "euro_bank", by="anna", reason="one")
    with pytest.raises(Conflict):
        stop(gateway, "provider", "euro_bank", by="bert", reason="two")
    assert [(row["subject"], row["changed_by"]) for row in stops(gateway)] == [("euro_bank", "anna")]
    resume(gateway, "provider", "euro_bank", by="bert", reason="over")
    with pytest.raises(Conflict):
        resume(gateway, "provider", "euro_bank", by="bert", reason="over")
    with pytest.raises(NotFound):
        stop(gateway, "provider", "nobody", by="anna", reason="?")
    trail = gateway.registry.rows(t.AUDIT, t.AUDIT.c.subject == "euro_bank")
    assert [(row["actor"], row["action"]) for row in trail] == [("anna", "stopped"), ("bert", "resumed")]


def test_once_a_stop_has_returned_no_release_is_committed(gateway, monkeypatch) -> None:
    """The release sleeps between its check and its commit: the stop waits for it, or it finds the stop."""
    salaries(gateway)
    log = staged(gateway)
    checked, go_on, order = threading.Event(), threading.Event(), []
    whole = releases.withheld_because

    def slept(*arguments):
        found = whole(*arguments)
        checked.set()
        go_on.wait(1.0)
        return found

    monkeypatch.setattr(releases, "withheld_because", slept)

    def release() -> None:
        log.begin_release()
        order.append("released")

    def halt() -> None:
        checked.wait(10)
        stop(gateway, "all", "", by="anna", reason="now")
        order.append("stopped")

    workers = [threading.Thread(target=work) for work in (release, halt)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert order == ["released", "stopped"]


def test_a_stop_of_days_is_caught_up(gateway, tmp_path, clock) -> None:
    file_id = salaries(gateway)
    stop(gateway, "all", "", by="anna", reason="moving house")
    for _ in range(4):
        clock.move(days=1)
        for row in due(gateway):
            deliver(gateway, row["submission_id"])
    holds(gateway, file_id, waiting=10)
    resume(gateway, "all", "", by="anna", reason="there")
    for _ in range(2):
        for row in due(gateway):
            deliver(gateway, row["submission_id"])
    assert sent(tmp_path) == accepted(gateway, file_id)
    holds(gateway, file_id, outstanding=10)


# ---------------------------------------------------------------------------------------------- funds


def test_without_cover_it_waits_and_with_cover_it_goes_once(gateway, tmp_path) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    file_id = salaries(gateway)
    total = due(gateway)[0]["sum_minor"]
    assert fund(gateway, "alder", "EUR", "100.00", by="anna") == 100_00
    with pytest.raises(Withheld, match="waits for funds"):
        dispatch(gateway, only(gateway))
    assert "waits for funds" in status_of(gateway, file_id).why_it_waits()["why"][0]
    holds(gateway, file_id, waiting=10)
    assert fund(gateway, "alder", "EUR", f"{(total - 100_00) // 100}.{total % 100:02d}", by="anna") == total
    send_all(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert available(gateway) == 0
    holds(gateway, file_id, outstanding=10)


def test_an_overdraft_is_cover(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "balance", "overdraft_minor": {"EUR": 10**9}})
    salaries(gateway)
    total = due(gateway)[0]["sum_minor"]
    send_all(gateway)
    assert available(gateway) == -total


def test_a_told_balance_counts_what_was_released_after_its_moment(gateway, clock) -> None:
    agree(gateway, "alder", funding={"kind": "balance", "overdraft_minor": {"EUR": 10**9}})
    before = clock()
    clock.move(minutes=1)
    salaries(gateway)
    total = due(gateway)[0]["sum_minor"]
    send_all(gateway)
    assert fund(gateway, "alder", "EUR", "500.00", by="anna", as_of=before) == 10**9 + 500_00 - total
    clock.move(minutes=1)
    assert fund(gateway, "alder", "EUR", "500.00", by="anna") == 10**9 + 500_00


def test_a_told_balance_counts_what_was_taken_and_is_not_released_yet(gateway, clock) -> None:
    """Cover is taken when files are merged; the balance of a moment between that and the release does not hold it."""
    agree(gateway, "alder", funding={"kind": "balance", "overdraft_minor": {"EUR": 10**9}})
    salaries(gateway)
    (row,) = due(gateway)
    with gateway.registry.transaction() as connection:
        assert releases.take_cover(gateway, connection, row)
    clock.move(minutes=1)
    between, left = clock(), 10**9 + 500_00 - row["sum_minor"]
    assert fund(gateway, "alder", "EUR", "500.00", by="anna") == left
    clock.move(minutes=1)
    send_all(gateway)
    assert fund(gateway, "alder", "EUR", "500.00", by="anna", as_of=between) == left


def test_what_is_given_back_after_a_balance_was_told_is_there_once(gateway, clock) -> None:
    agree(gateway, "alder", funding={"kind": "balance"})
    salaries(gateway)
    fund(gateway, "alder", "EUR", "40000.00", by="anna")
    log = staged(gateway)
    log.begin_release()
    log.unknown("the line broke")
    clock.move(minutes=1)
    total = submission_row(gateway, log._submission_id)["sum_minor"]
    assert fund(gateway, "alder", "EUR", "40000.00", by="anna") == 40_000_00 - total
    resolve(gateway, log._submission_id, delivered=False, by="anna", reason="the bank looked")
    assert available(gateway) == 40_000_00


def test_faults_of_a_funding_are_told(gateway) -> None:
    with pytest.raises(NotFound, match="no funding is agreed"):
        fund(gateway, "alder", "EUR", "1.00", by="anna")
    agree(gateway, "alder", funding={"kind": "prefunded"})
    with pytest.raises(NotFound, match="no amount"):
        fund(gateway, "alder", "EUR", "1.005", by="anna")
    assert fund(gateway, "alder", "EUR", "5", by="anna") == 500
    assert fund(gateway, "alder", "EUR", "-2.00", by="anna", reason="typed wrong") == 300


def test_two_releases_at_once_spend_a_balance_once(gateway) -> None:
    """Two submissions of one client, cover for one of them; each worker sleeps before its commit."""
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    fund(gateway, "alder", "EUR", "1000.00", by="anna")
    row = due(gateway)[0]
    outcomes = []

    def take(number: int) -> None:
        with gateway.registry.transaction() as connection:
            one = {**row, "submission_id": f"S{number:019d}"}
            client = gateway.profiles.client("alder")
            outcomes.append(covering.reserve_funds(connection, client, one, 600_00, gateway.registry.now()))

    workers = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(outcomes) == [False, False, False, True]
    assert available(gateway) == 400_00


def test_cover_that_was_not_taken_is_none_though_more_came_meanwhile(gateway, monkeypatch) -> None:
    """On PostgreSQL another transaction may commit between the two looks: what counts is what was taken."""
    monkeypatch.setattr(releases, "uncovered", lambda *_: None)
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    log = staged(gateway)
    with pytest.raises(Withheld, match="waits for funds"):
        log.begin_release()
    assert submission_row(gateway, only(gateway))["state"] == "UPLOADED"
    assert available(gateway) == 0


def test_what_a_stopped_release_took_is_not_kept(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    fund(gateway, "alder", "EUR", "1000000", by="anna")
    log = staged(gateway)
    stop(gateway, "all", "", by="anna", reason="now")
    with pytest.raises(Withheld):
        log.begin_release()
    assert available(gateway) == 1_000_000_00


def test_a_withdrawn_release_gives_its_funds_back_once(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    fund(gateway, "alder", "EUR", "1000000", by="anna")
    log = staged(gateway)
    log.begin_release()
    assert available(gateway) < 1_000_000_00
    log.withdrawn("nothing went out")
    assert available(gateway) == 1_000_000_00


def test_a_cancelled_file_that_waits_for_funds_needs_none(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    file_id = salaries(gateway)
    with pytest.raises(Withheld):
        dispatch(gateway, only(gateway))
    ask(gateway, WHOLE)
    assert due(gateway) == []
    holds(gateway, file_id, cancelled=10)


def test_a_request_to_cancel_while_stopped_is_in_time(gateway, tmp_path) -> None:
    file_id = salaries(gateway)
    staged(gateway)
    stop(gateway, "all", "", by="anna", reason="now")
    asked(gateway, WHOLE)
    resume(gateway, "all", "", by="anna", reason="on")
    assert due(gateway) == []
    assert sent(tmp_path) == []
    holds(gateway, file_id, cancelled=10)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60), st.booleans()), max_size=12),
    most=st.integers(0, 100),
)
def test_a_counter_is_what_is_held_and_never_more_than_its_bound(registry: Registry, steps, most) -> None:
    name = f"funds:{id(steps)}:{most}"
    for subject, amount, gives in steps:
        with registry.transaction() as connection:
            if gives:
                give_back(connection, f"{name}{subject}"[-20:])
            else:
                reserve(connection, f"{name}{subject}"[-20:], name, amount, most, "")
        held = registry.rows(t.RESERVATIONS, t.RESERVATIONS.c.counter == name)
        row = registry.one(t.COUNTERS, name=name)
        assert (row["value"] if row else 0) == sum(item["amount"] for item in held) <= most


def test_all_there_is_may_be_taken_and_no_more(gateway) -> None:
    with gateway.registry.transaction() as connection:
        taken = [
            reserve(connection, subject, "c", amount, 10, "") for subject, amount in (("a", 4), ("b", 6), ("c", 1))
        ]
        assert taken == [True, True, False]
        give_back_part(connection, "a", "c", 5)  # more than it holds
        give_back_part(connection, "a", "c", 4)
        assert not reserve(connection, "d", "c", 5, 10, "")
        assert reserve(connection, "e", "c", 4, 10, "")


def test_each_counter_of_one_submission_stands_for_itself(gateway) -> None:
    """It holds a place in a window and its client's funds: what happens to one of them leaves the other as it is."""
    with gateway.registry.transaction() as connection:
        assert reserve(connection, "a", "place", 5, 10, "")
        assert reserve(connection, "b", "place", 3, 10, "")
        assert not reserve(connection, "a", "funds", 5, 4, "")
        assert reserve(connection, "a", "funds", 4, 4, "")
        give_back_part(connection, "a", "funds", 3)

    def held() -> tuple[dict, dict]:
        rows = gateway.registry.rows(t.RESERVATIONS, t.RESERVATIONS.c.subject.in_(["a", "b"]))
        counters = gateway.registry.rows(t.COUNTERS, t.COUNTERS.c.name.in_(["place", "funds"]))
        return {(row["subject"], row["counter"]): row["amount"] for row in rows}, {
            row["name"]: row["value"] for row in counters
        }

    assert held() == ({("a", "place"): 5, ("b", "place"): 3, ("a", "funds"): 1}, {"place": 8, "funds": 1})
    with gateway.registry.transaction() as connection:
        give_back(connection, "a")
        give_back(connection, "a")
    assert held() == ({("b", "place"): 3}, {"place": 3, "funds": 0})


def test_only_what_is_taken_of_a_clients_own_funds_counts_against_a_told_balance(gateway, clock) -> None:
    agree(gateway, "alder", funding={"kind": "balance"})
    before = clock()
    clock.move(minutes=1)
    with gateway.registry.transaction() as connection:
        for counter in (counter_of("alder", "USD"), counter_of("dogwood", "EUR"), "capacity:1"):
            assert reserve(connection, "S", counter, 700, 10**9, gateway.registry.now())
        assert reserve(connection, "S", counter_of("alder", "EUR"), 5, 10**9, gateway.registry.now())
    assert fund(gateway, "alder", "EUR", "10.00", by="anna", as_of=before) == 995


def test_a_place_in_a_window_is_no_cover(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    row, client = due(gateway)[0], gateway.profiles.client("alder")
    with gateway.registry.transaction() as connection:
        assert reserve(connection, row["submission_id"], "place", 1, 1, "")
        assert "waits for funds" in str(covering.uncovered(connection, client, row, row["sum_minor"]))


def test_cover_is_of_one_currency_and_only_of_what_is_paid_out(gateway) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    salaries(gateway)
    assert fund(gateway, "alder", "EUR", "5.00", by="anna") == 500
    assert fund(gateway, "alder", "USD", "1.00", by="anna") == 100
    row, client = due(gateway)[0], gateway.profiles.client("alder")
    for side, goes in (("CRDT", False), ("DBIT", True)):
        with gateway.registry.transaction() as connection:
            assert covering.reserve_funds(connection, client, {**row, "credit_debit": side}, 501, "") is goes
            assert (covering.uncovered(connection, client, {**row, "credit_debit": side}, 501) is None) is goes


def test_the_operator_stops_funds_and_resumes(gateway, monkeypatch) -> None:
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    monkeypatch.setenv("BULKRAIL_REGISTRY_URL", gateway.settings.registry_url)
    client = gateway.settings.config_dir / "clients" / "alder.yaml"
    client.write_text(client.read_text(encoding="utf-8") + "\nfunding: {kind: prefunded}\n", encoding="utf-8")
    file_id = salaries(gateway)
    assert run("stop", "--client", "alder", "--reason", "call back")[0] == 0
    assert "VOIDED" in run("dispatch")[1], "the command line has the clock of today: its window is over"
    code, told = run("dispatch")
    assert code == 0
    assert "withheld" in told
    code, told = run("status", file_id)
    assert code == 0
    assert "call back" in told
    assert run("resume", "--client", "alder", "--reason", "called")[0] == 0
    assert "withheld: waits for funds" in run("dispatch")[1]
    code, told = run("fund", "alder", "EUR", "100000.00")
    assert (code, told) == (0, "alder: 100000.00 EUR can be released\n")
    assert "DELIVERED" in run("dispatch")[1]
    assert run("stop", "--reason", "what?")[0] == 2
    assert run("fund", "alder", "EUR", "lots")[0] == 3
