"""The registry's side of requests to an API, on both registries: who began first, what is kept, and what resolves nothing."""

from __future__ import annotations

import polars as pl
import pytest
from world import upload

from canonical.contracts import Reply, Sent
from canonical.errors import Conflict, ReleaseOver, Withheld
from gateway.books.book import states_of
from gateway.delivery.dispatch import _write, due
from gateway.delivery.requests import REPLIES_SUFFIX, has_open_requests, has_replies, refuse_begun, waiting
from gateway.delivery.resolve import resolve
from gateway.delivery.stops import resume, stop
from gateway.delivery.submissions import RegistryLog, acknowledge, submission_row
from gateway.feedback.follow import follow
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.stages import run_journey
from sandbox.day import salaries_pain001


@pytest.fixture
def submission_id(gateway_anywhere) -> str:
    upload(gateway_anywhere, "alder", "a.xml", salaries_pain001(gateway_anywhere.clock().date()))
    (found,) = receive(gateway_anywhere)
    run_journey(gateway_anywhere, str(found.file_id))
    (row,) = due(gateway_anywhere)
    row = _write(gateway_anywhere, row)
    log = RegistryLog(gateway_anywhere, row)
    log.begin_upload()
    log.uploaded()
    log.begin_release()
    return str(row["submission_id"])


def first_file(gateway) -> str:
    (row,) = gateway.registry.rows(t.FILES)
    return str(row["file_id"])


def log_of(gateway, submission_id: str) -> RegistryLog:
    return RegistryLog(gateway, submission_row(gateway, submission_id))


def replies(*numbers: int) -> tuple[Reply, ...]:
    return tuple(Reply(number, "accepted", f"P{number}", "ACSP", trace=f"po_{number}") for number in numbers)


def test_the_first_plan_stands_and_one_worker_begins(gateway_anywhere, submission_id) -> None:
    first, second = log_of(gateway_anywhere, submission_id), log_of(gateway_anywhere, submission_id)
    blocks = first.plan_requests(5, 2)
    assert [(block.first, block.last) for block in blocks] == [(0, 1), (2, 3), (4, 4)]
    assert second.plan_requests(5, 3) == blocks
    begun = first.begin_requests(blocks[0], "note")
    with pytest.raises(Conflict, match="another worker sends"):
        second.begin_requests(blocks[0])
    assert first.plan_requests(5, 2)[0] == begun
    assert (begun.attempt, begun.note, begun.in_doubt) == (1, "note", True)


def test_the_keys_live_from_the_first_time_a_block_was_begun(gateway_anywhere, submission_id, clock) -> None:
    log, began = log_of(gateway_anywhere, submission_id), clock()
    begun = log.begin_requests(log.plan_requests(1, 1)[0])
    clock.move(minutes=1)
    again = log.begin_requests(begun)
    assert (again.first_at, again.begun_at) == (began, clock())
    assert log.plan_requests(1, 1)[0] == again


def test_replies_are_kept_beside_those_known_and_a_stale_worker_keeps_none(gateway_anywhere, submission_id) -> None:
    log = log_of(gateway_anywhere, submission_id)
    begun = log.begin_requests(log.plan_requests(3, 3)[0])
    half = log.answered(begun, replies(1))
    assert half.open == (0, 2)
    with pytest.raises(Conflict):
        log.answered(begun, replies(0))  # it has not seen what was kept meanwhile
    clear = log.answered(half, (), certain=True)
    assert not clear.in_doubt
    assert log.plan_requests(3, 3) == (clear,)
    again = log.begin_requests(clear)
    with pytest.raises(Conflict):
        log.answered(clear, replies(0))  # somebody began it anew
    whole = log.answered(again, replies(0, 2))
    assert whole.open == ()
    assert log.plan_requests(3, 3) == (whole,)
    assert [reply.number for reply in whole.replies] == [0, 1, 2]


def test_while_a_request_is_open_no_word_resolves_the_submission(gateway_anywhere, submission_id) -> None:
    log = log_of(gateway_anywhere, submission_id)
    begun = log.begin_requests(log.plan_requests(2, 2)[0])
    half = log.answered(begun, replies(0))
    log.unknown("one in doubt")
    assert not acknowledge(gateway_anywhere, submission_id, "ACCP", "of another payment")
    assert submission_row(gateway_anywhere, submission_id)["state"] == "UNKNOWN"
    log.answered(half, replies(1))
    assert acknowledge(gateway_anywhere, submission_id, "ACCP", "of all")


def test_of_what_was_answered_in_part_a_person_calls_the_rest_undelivered(
    gateway_anywhere, submission_id, monkeypatch
) -> None:
    """What was answered stands, and nothing of it is planned anew; the rest is told as rejected, and may be ordered again."""
    log = log_of(gateway_anywhere, submission_id)
    first, second = log.plan_requests(10, 5)
    routes = gateway_anywhere.lake.whole(first_file(gateway_anywhere), "routes").sort("position")["reference"].to_list()
    answers = tuple(Reply(number, "accepted", routes[number], "ACSP") for number in range(7))
    log.answered(log.begin_requests(first), answers[:5])
    log.answered(log.begin_requests(second), answers[5:])
    log.unknown("three in doubt")

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gateway.delivery.resolve.tell_undelivered", dies)
        with pytest.raises(KeyboardInterrupt):
            resolve(gateway_anywhere, submission_id, delivered=False, by="anna", reason="not there")
    assert submission_row(gateway_anywhere, submission_id)["state"] == "UNKNOWN"
    assert resolve(gateway_anywhere, submission_id, delivered=False, by="anna", reason="not there") == "DELIVERED"
    follow(gateway_anywhere, "euro_bank")
    told = states_of(gateway_anywhere, [first_file(gateway_anywhere)]).filter(pl.col("state") != "rejected")
    assert dict(told["state"].value_counts().rows()) == {"outstanding": 7, "provider_rejected": 3}
    assert due(gateway_anywhere) == []
    with pytest.raises(Conflict, match="only an UNKNOWN"):
        resolve(gateway_anywhere, submission_id, delivered=False, by="anna", reason="not there")


def test_what_is_open_or_answered_of_another_submission_decides_nothing(gateway_anywhere, submission_id) -> None:
    other = {**submission_row(gateway_anywhere, submission_id), "submission_id": "S1", "slot": "another"}
    with gateway_anywhere.registry.transaction() as connection:
        connection.execute(t.SUBMISSIONS.insert().values(other))
        for first, values in enumerate(({"open": 1}, {"open": 0, "replies": "replies/x"})):
            begun = {"submission_id": "S1", "first": first, "last": first, "attempt": 1, "note": "", **values}
            connection.execute(t.REQUESTS.insert().values(begun))
        assert not has_open_requests(connection, submission_id)
        assert not has_replies(connection, submission_id)
        refuse_begun(connection, submission_id)


def test_when_it_was_not_shown_is_kept_until_it_is_begun_anew(gateway_anywhere, submission_id, clock) -> None:
    """What the provider did not show of an earlier try says nothing of this one; nor does a look before others knew more."""
    log = log_of(gateway_anywhere, submission_id)
    begun = log.begin_requests(log.plan_requests(2, 2)[0])
    missed = log.not_shown(begun, clock())
    assert log.plan_requests(2, 2) == (missed,)
    assert missed.absent_at == clock()
    half = log.answered(missed, replies(1))
    with pytest.raises(Conflict):
        log.not_shown(missed, clock())
    again = log.begin_requests(half)
    assert again.absent_at is None
    assert log.plan_requests(2, 2) == (again,)
    with pytest.raises(Conflict):
        log.not_shown(half, clock())


@pytest.mark.parametrize(("count", "trace"), [(1, "po_0"), (2, None)])
def test_what_may_be_asked_for_is_what_went_out_and_came_to_no_end(
    gateway_anywhere, submission_id, count, trace
) -> None:
    """By the provider's reference where the submission was one request: of several one reference says nothing of the others."""
    log = log_of(gateway_anywhere, submission_id)
    (block,) = log.plan_requests(count, 2)
    assert waiting(gateway_anywhere, "euro_bank") == ()
    log.answered(log.begin_requests(block), replies(0))
    assert waiting(gateway_anywhere, "euro_bank") == ()
    log.unknown("in doubt")
    assert waiting(gateway_anywhere, "euro_bank") == (Sent(submission_id, trace),)
    assert waiting(gateway_anywhere, "us_bank") == ()
    with gateway_anywhere.registry.transaction() as connection:
        connection.execute(t.SUBMISSIONS.update().values(state="REJECTED"))
    assert waiting(gateway_anywhere, "euro_bank") == ()


@pytest.mark.parametrize(
    ("steps_h", "ran_on"),
    [((1, 20), True), ((1, -0.01, 0.02), True), ((30, -20), False), ((22, -19, 2), False), ((22, -19, 40), False)],
)
def test_a_clock_that_was_set_back_since_is_known_by_the_trail(
    gateway_anywhere, submission_id, clock, steps_h, ran_on
) -> None:
    """Not by its age, which is what a clock that was set back says; nor is it forgotten when the old time is reached again."""
    log, known = log_of(gateway_anywhere, submission_id), gateway_anywhere.registry
    clock.move(hours=-3)
    with known.transaction() as connection:
        known.audit(connection, "anna", "looked", "before")  # earlier trouble with the clock concerns nobody
    assert log.ran_on()
    log.begin_requests(log.plan_requests(1, 1)[0])
    told = []
    for hours in steps_h:
        with known.transaction() as connection:
            known.audit(connection, "anna", "looked", "meanwhile")
        clock.move(hours=hours)
        # Who looks again and again reads on from where it was; who looks once reads all.
        told.append(log.ran_on())
        assert log_of(gateway_anywhere, submission_id).ran_on() is told[-1]
    assert told[-1] is ran_on


def test_a_trail_is_read_once_however_often_it_is_looked_at(gateway_anywhere, submission_id) -> None:
    log = log_of(gateway_anywhere, submission_id)
    log.begin_requests(log.plan_requests(1, 1)[0])
    read = []
    for words in ("one", "two"):
        with gateway_anywhere.registry.transaction() as connection:
            gateway_anywhere.registry.audit(connection, "anna", "looked", words)
        assert log.ran_on()
        read.append(log._looked.sequence)
    first, second = read
    assert second == first + 1
    with gateway_anywhere.registry.transaction() as connection:
        # Were it read again, this would show a clock that was set back.
        connection.execute(t.AUDIT.update().where(t.AUDIT.c.sequence == first).values(at="2030-01-01T00:00:00+00:00"))
    assert log.ran_on()
    assert not log_of(gateway_anywhere, submission_id).ran_on()


def test_what_was_begun_is_not_withdrawn_and_what_was_withdrawn_is_not_begun(gateway_anywhere, submission_id) -> None:
    log, other = log_of(gateway_anywhere, submission_id), log_of(gateway_anywhere, submission_id)
    block, rest = log.plan_requests(2, 1)
    log.begin_requests(block)
    with pytest.raises(Conflict, match="begun to send"):
        other.withdrawn("cut-off missed")
    assert submission_row(gateway_anywhere, submission_id)["state"] == "RELEASING"
    with gateway_anywhere.registry.transaction() as connection:
        connection.execute(t.REQUESTS.update().values(attempt=0))
    other.withdrawn("cut-off missed")
    with pytest.raises(Conflict, match="not being released"):
        log.begin_requests(rest)


def test_a_block_is_begun_only_while_its_release_may_go_on(gateway_anywhere, submission_id, clock) -> None:
    """A stop that has returned keeps back the blocks of a worker that looked before it; so does a cut-off that has passed."""
    log = log_of(gateway_anywhere, submission_id)
    block, *_ = log.plan_requests(2, 1)
    log.recheck()
    stop(gateway_anywhere, "provider", "euro_bank", by="anna", reason="fraud alarm")
    with pytest.raises(Withheld, match="fraud alarm"):
        log.begin_requests(block)
    resume(gateway_anywhere, "provider", "euro_bank", by="anna", reason="false alarm")
    clock.move(days=1)
    with pytest.raises(ReleaseOver):
        log.begin_requests(block)
    assert log.plan_requests(2, 1)[0] == block
    assert log.begin_requests(block, sends=False).attempt == 1


def test_the_replies_become_one_feedback_file(gateway_anywhere, submission_id) -> None:
    log = log_of(gateway_anywhere, submission_id)
    log.answered(log.begin_requests(log.plan_requests(1, 1)[0]), replies(0))
    log.delivered("1 accepted")
    (row,) = gateway_anywhere.registry.rows(t.FEEDBACK)
    assert (row["name"], row["format"], row["state"]) == (f"{submission_id}{REPLIES_SUFFIX}", "http-json", "archived")
    assert b"po_0" in gateway_anywhere.store.get(f"feedback/{row['feedback_id']}")
