"""Calendars: closing days by their own rules, and the window that is open."""

from __future__ import annotations

import datetime as dt

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
