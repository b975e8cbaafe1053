"""Windows, cut-offs and lead times: what is asked for a later day is kept until then, and nothing that missed a window is lost."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cancel import ONE, accepted, asked, camt055, outcomes, sent, state, take_in, told
from world import agree

from canonical.calendars import Schedule
from canonical.errors import ReleaseOver
from gateway.answers.answer import files_with_news
from gateway.books.status import status_of
from gateway.composition import Gateway
from gateway.delivery.dispatch import due
from gateway.delivery.submissions import RegistryLog, submission_row
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.route import route
from gateway.registry import tables as t
from gateway.stages import deliver, outcome_answer, run_journey, unfinished_files
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)
LATER = dt.date(2026, 12, 1)
UTC = dt.UTC


@pytest.fixture
def gateway(gateway_anywhere: Gateway) -> Gateway:
    return gateway_anywhere


def rail(gateway: Gateway, **terms: object) -> None:
    """Change the terms of the euro bank's rail."""
    provider = gateway.profiles.provider("euro_bank")
    (known,) = provider.rails
    changed = known.model_validate({**known.model_dump(), **terms})
    gateway.profiles.providers["euro_bank"] = provider.model_copy(update={"rails": (changed,)})


def future_salaries(gateway: Gateway, day: dt.date = LATER) -> str:
    agree(gateway, "alder", execution_dates={"future_days_max": 365})
    file_id = take_in(gateway, salaries_pain001(TODAY).replace(f"{TODAY}</".encode(), f"{day}</".encode()), "a.xml")
    run_journey(gateway, file_id)
    return file_id


def run(gateway: Gateway) -> None:
    """The five-minute runs of intake, dispatch and feedback."""
    for file in unfinished_files(gateway):
        run_journey(gateway, file["file_id"])
    for row in due(gateway):
        deliver(gateway, row["submission_id"])
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)


def answers(gateway: Gateway) -> str:
    """All answers, with the lines of a message joined again."""
    told = [gateway.store.get(item.key).decode() for item in gateway.store.list("clients/alder/outbox")]
    return re.sub(r"\s*</AddtlInf>\s*<AddtlInf>", " ", "\n".join(told))


# ---------------------------------------------------------------------------------------------- the schedule


def test_several_windows_a_day() -> None:
    schedule = Schedule("target", (dt.time(14), dt.time(10)), "Europe/Berlin")
    at = [schedule.open_window(dt.datetime(2026, 11, 20, hour, 0, tzinfo=UTC)) for hour in (8, 9, 12, 13)]
    assert [(window.day.day, window.cut_off_at.hour) for window in at] == [(20, 9), (20, 13), (20, 13), (23, 9)]
    assert at[0].opens_at == dt.datetime(2026, 11, 19, 13, 0, tzinfo=UTC)
    assert at[3].opens_at == dt.datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def test_a_provider_has_closing_days_of_its_own() -> None:
    schedule = Schedule("target", (dt.time(14),), "Europe/Berlin", frozenset({dt.date(2026, 11, 20)}))
    assert schedule.open_window(dt.datetime(2026, 11, 20, 8, 0, tzinfo=UTC)).day == dt.date(2026, 11, 23)
    assert schedule.business_day(dt.date(2026, 11, 23), -1) == dt.date(2026, 11, 19)


@given(
    now=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 1), timezones=st.just(UTC)),
    cut_offs=st.sets(st.sampled_from([dt.time(hour) for hour in range(24)]), min_size=1, max_size=4),
    calendar=st.sampled_from(["target", "fed", "uk", "every_day"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_every_moment_is_in_one_window(now, cut_offs, calendar, zone) -> None:
    schedule = Schedule(calendar, tuple(cut_offs), zone)
    window = schedule.open_window(now)
    assert window.opens_at <= now < window.cut_off_at
    assert schedule.is_business_day(window.day)
    assert schedule.open_window(window.cut_off_at).opens_at == window.cut_off_at, "the next one opens as it closes"


@given(day=st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 1)), lead=st.integers(0, 5))
def test_lead_days_go_back_as_far_as_they_go_on(day, lead) -> None:
    schedule = Schedule("uk", (dt.time(17),), "Europe/London")
    release = schedule.business_day(schedule.business_day(day), -lead)
    assert schedule.business_day(release, lead) == schedule.business_day(day)


# ---------------------------------------------------------------------------------------------- kept for a later day


def test_a_future_payment_is_kept_and_goes_out_on_its_day_once(gateway, tmp_path, clock) -> None:
    file_id = future_salaries(gateway)
    assert due(gateway) == []
    assert state(gateway, file_id) == "routed"
    found = status_of(gateway, file_id)
    assert found.tied
    assert found.why_it_waits()["why"].to_list() == [
        "Kept for 2026-12-01: it goes out with the window that closes 2026-12-01 17:00 UTC."
    ]
    assert "Kept for 2026-12-01" in answers(gateway)
    assert "<TxSts>PDNG" not in answers(gateway)
    assert unfinished_files(gateway) == []
    clock.now = dt.datetime(2026, 11, 30, 16, 59, tzinfo=UTC)
    run(gateway)
    assert sent(tmp_path) == []
    clock.move(minutes=1)  # the window of the first of December opens
    assert [file["file_id"] for file in unfinished_files(gateway)] == [file_id]
    run(gateway)
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert {row["execution_date"] for row in live_submissions(gateway, file_id)} == {"2026-12-01"}
    assert status_of(gateway, file_id).tied


@pytest.mark.parametrize(
    ("terms", "opens", "execution_date"),
    [
        ({"lead_days": 2}, dt.datetime(2026, 11, 26, 17, 0, tzinfo=UTC), "2026-12-01"),  # Friday 27th is two days before
        ({"lead_days": 0, "cut_off": ["10:00", "18:00"]}, dt.datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "2026-12-01"),
        ({"closed": ["2026-12-01"]}, dt.datetime(2026, 12, 1, 17, 0, tzinfo=UTC), "2026-12-02"),
        ({"calendar": "uk", "lead_days": 2, "time_zone": "Europe/London", "cut_off": "22:30"},
         dt.datetime(2026, 11, 26, 22, 30, tzinfo=UTC), "2026-12-01"),
    ],
)  # fmt: skip
def test_the_last_window_whose_lead_time_meets_the_date(gateway, clock, terms, opens, execution_date) -> None:
    rail(gateway, **terms)
    if terms.get("closed"):
        opens = dt.datetime(2026, 11, 30, 17, 0, tzinfo=UTC)  # the window before runs over the closed day
    file_id = future_salaries(gateway)
    row = gateway.registry.one(t.FILES, file_id=file_id)
    assert dt.datetime.fromisoformat(row["due_at"]) == opens
    clock.now = opens
    route(gateway, file_id)
    (planned,) = live_submissions(gateway, file_id)
    assert planned["execution_date"] == execution_date


def test_direct_debits_lead_by_their_sequence_type() -> None:
    from test_routing import candidate

    option = candidate(lead_days=1, lead_days_by_sequence={"FRST": 5})
    first, recurring = (option.dates(dt.date(2026, 12, 7), kind) for kind in ("FRST", "RCUR"))
    assert (first.window.day, recurring.window.day) == (dt.date(2026, 11, 30), dt.date(2026, 12, 4))


def test_after_a_stop_of_any_length_what_was_kept_is_caught_up_and_told(gateway, tmp_path, clock) -> None:
    file_id = future_salaries(gateway)
    clock.now = dt.datetime(2026, 12, 10, 8, 0, tzinfo=UTC)  # nothing ran for weeks
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert {row["execution_date"] for row in live_submissions(gateway, file_id)} == {"2026-12-10"}
    assert "Planned for 2026-12-10, not 2026-12-01" in status_notes(gateway, file_id)


def status_notes(gateway: Gateway, file_id: str) -> str:
    from gateway.planning.plans import noted

    return " ".join(noted(gateway, file_id, live_routes(gateway, file_id))["text"].drop_nulls().unique())


def test_what_misses_a_cut_off_goes_to_the_next_window_and_the_client_is_told(gateway, clock) -> None:
    clock.now = dt.datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    run_journey(gateway, file_id)
    (planned,) = due(gateway)
    assert planned["execution_date"] == "2026-11-23"
    assert "Planned for 2026-11-23, not 2026-11-20: its window closes 2026-11-23 17:00 UTC." in answers(gateway)


def test_what_is_kept_can_be_cancelled_until_it_is_released(gateway, tmp_path, clock) -> None:
    file_id = future_salaries(gateway)
    clock.now = dt.datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    asked(gateway, ONE)
    found = status_of(gateway, file_id)
    assert found.tied
    assert dict(found.payments["state"].value_counts().rows()) == {"rejected": 2, "cancelled": 1, "waiting": 9}
    clock.now = dt.datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    run(gateway)
    assert len(sent(tmp_path)) == 9
    late = outcomes(gateway, asked(gateway, camt055(whole="<GrpCxl>true</GrpCxl>"), "late.xml"))
    assert told(late) == [("CANC", None), ("RJCT", "TM01")]
    assert len(sent(tmp_path)) == 9


def test_two_planners_at_the_opening_place_each_payment_once(gateway, tmp_path, clock, monkeypatch) -> None:
    from gateway.planning import route as routing

    file_id = future_salaries(gateway)
    clock.now = dt.datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    whole = routing._plan

    def slept(*arguments) -> None:
        monkeypatch.setattr(routing, "_plan", whole)
        routing.route(gateway, file_id)
        whole(*arguments)

    monkeypatch.setattr(routing, "_plan", slept)
    routing.route(gateway, file_id)
    assert sum(row["payments"] for row in live_submissions(gateway, file_id)) == 10
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)


def test_what_is_kept_is_judged_again_on_its_day(gateway, tmp_path, clock) -> None:
    """Meanwhile the client's agreement changed: no payments to Germany any more, and they lapse, told with their reason."""
    file_id = future_salaries(gateway)
    before = gateway.profiles.client("alder").countries
    agree(gateway, "alder", countries=["FR"])
    clock.now = dt.datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    run(gateway)
    found = status_of(gateway, file_id)
    assert found.tied
    assert dict(found.payments["state"].value_counts().rows()) == {"rejected": 12}
    assert sent(tmp_path) == []
    assert due(gateway) == []
    assert "not agreed" in answers(gateway) or "country" in answers(gateway).lower()
    assert route(gateway, file_id) == []
    assert unfinished_files(gateway) == []
    agree(gateway, "alder", countries=before)
    assert route(gateway, file_id) == [], "what its client was told is rejected, and may send again, is not paid later"


def test_who_dies_after_a_missed_cut_off_leaves_its_file_due(gateway, tmp_path, clock) -> None:
    """The submission is void in one transaction and planned anew in another: the five-minute run finds what lies between."""
    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    run_journey(gateway, file_id)
    (planned,) = due(gateway)
    clock.now = dt.datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    with pytest.raises(ReleaseOver):
        RegistryLog(gateway, submission_row(gateway, planned["submission_id"])).check()
    assert due(gateway) == []
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert unfinished_files(gateway) == []
