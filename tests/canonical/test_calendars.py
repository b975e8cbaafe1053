"""Calendars: closing days by their own rules, and the window that is open."""

from __future__ import annotations

import datetime as dt

import holidays
import pytest

from canonical.calendars import Schedule, closing_days, easter_sunday, is_business_day, next_business_day

D = dt.date


@pytest.mark.parametrize(
    ("year", "easter"), [(2024, D(2024, 3, 31)), (2025, D(2025, 4, 20)), (2026, D(2026, 4, 5)), (2038, D(2038, 4, 25))]
)
def test_easter(year, easter) -> None:
    assert easter_sunday(year) == easter


def test_target_2026() -> None:
    assert sorted(closing_days("target", 2026)) == [
        D(2026, 1, 1), D(2026, 4, 3), D(2026, 4, 6), D(2026, 5, 1), D(2026, 12, 25), D(2026, 12, 26),
    ]  # fmt: skip


def test_the_fed_keeps_saturday_holidays_and_moves_sunday_ones() -> None:
    assert is_business_day("fed", D(2026, 7, 3)), "Independence Day 2026 is a Saturday: Friday stays open"
    assert not is_business_day("fed", D(2027, 7, 5)), "Independence Day 2027 is a Sunday: Monday is closed"
    assert not is_business_day("fed", D(2026, 11, 26))
    assert next_business_day("fed", D(2026, 12, 25)) == D(2026, 12, 28)


YEARS = range(2024, 2031)


def proposed(calendar: str) -> dict[dt.date, str]:
    """Closing days by another hand, on weekdays; those that the rails are known to keep otherwise stand in `DIFFERS`."""
    days = {
        "target": lambda: holidays.financial_holidays("ECB", years=YEARS),
        "fed": lambda: holidays.country_holidays("US", years=YEARS),
        "uk": lambda: holidays.country_holidays("GB", subdiv="ENG", years=YEARS),
        "swiss": lambda: holidays.country_holidays("CH", subdiv="ZH", years=YEARS),
    }[calendar]()
    return {day: name for day, name in days.items() if day.weekday() < SATURDAY}


SATURDAY = 5
DIFFERS = {
    "target": lambda ours, theirs: set(),
    # Federal offices close on the Friday before a holiday on Saturday; Reserve Banks stay open (frbservices.org, holiday schedules).
    "fed": lambda ours, theirs: {day for day in theirs if day.weekday() == SATURDAY - 1 and "observed" in theirs[day]},
    "uk": lambda ours, theirs: set(),
    # No holiday by the law of Zurich, and SIC settles nothing (SIX, SIC bank holidays).
    "swiss": lambda ours, theirs: {dt.date(year, 1, 2) for year in YEARS} & ours,
}
"""Days on which we differ from the proposal, and why."""


@pytest.mark.parametrize("calendar", DIFFERS)
def test_closing_days_are_those_that_another_hand_proposes(calendar: str) -> None:
    theirs = proposed(calendar)
    ours = {day for year in YEARS for day in closing_days(calendar, year) if day.weekday() < SATURDAY}
    assert len(ours) > 5 * len(YEARS) - len(YEARS)
    assert ours ^ set(theirs) == DIFFERS[calendar](ours, theirs)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (dt.datetime(2026, 11, 20, 13, 59, tzinfo=dt.UTC), D(2026, 11, 20)),  # 14:59 in Berlin
        (dt.datetime(2026, 11, 20, 14, 0, tzinfo=dt.UTC), D(2026, 11, 23)),  # the cut-off itself is too late
        (dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC), D(2026, 11, 23)),
        (dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC), D(2026, 3, 30)),  # the night summer time begins
        (dt.datetime(2026, 12, 24, 15, 0, tzinfo=dt.UTC), D(2026, 12, 28)),
    ],
)
def test_the_open_window(now, day) -> None:
    assert Schedule("target", (dt.time(15),), "Europe/Berlin").open_window(now).day == day
