"""Business days of the rails: dated rules of our own, each with its source. When a rail takes files: `Schedule`."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache

_DAY = dt.timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def easter_sunday(year: int) -> dt.date:
    """Gregorian Easter (the anonymous algorithm of Meeus/Jones/Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def _target(year: int) -> frozenset[dt.date]:
    # ECB, "TARGET closing days" (long-term calendar in force since 2002).
    easter = easter_sunday(year)
    return frozenset(
        {
            dt.date(year, 1, 1),
            easter - dt.timedelta(days=2),
            easter + dt.timedelta(days=1),
            dt.date(year, 5, 1),
            dt.date(year, 12, 25),
            dt.date(year, 12, 26),
        }
    )


def _nth(year: int, month: int, weekday: int, n: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _fed(year: int) -> frozenset[dt.date]:
    # Federal Reserve Bank holiday schedule: Sunday holidays move to Monday, Saturday holidays do not move.
    fixed = [dt.date(year, 1, 1), dt.date(year, 7, 4), dt.date(year, 11, 11), dt.date(year, 12, 25)]
    if year >= 2022:  # noqa: PLR2004  Juneteenth is a bank holiday since then
        fixed.append(dt.date(year, 6, 19))
    last_monday_of_may = max(
        dt.date(year, 5, day) for day in range(25, 32) if dt.date(year, 5, day).weekday() == _MONDAY
    )
    moving = [
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        last_monday_of_may,
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
    ]
    observed = [day + dt.timedelta(days=1) if day.weekday() == _SUNDAY else day for day in fixed]
    return frozenset(observed + moving)


_UK_MOVED = {dt.date(2020, 5, 4): dt.date(2020, 5, 8), dt.date(2022, 5, 30): dt.date(2022, 6, 2)}
_UK_ONCE = frozenset({dt.date(2022, 6, 3), dt.date(2022, 9, 19), dt.date(2023, 5, 8)})


def _last_monday(year: int, month: int) -> dt.date:
    return max(day for n in (4, 5) if (day := _nth(year, month, _MONDAY, n)).month == month)


def _uk(year: int) -> frozenset[dt.date]:
    # Banking and Financial Dealings Act 1971 with substitute days, England; single years by proclamation.
    easter = easter_sunday(year)
    days = {
        easter - dt.timedelta(days=2),
        easter + dt.timedelta(days=1),
        _nth(year, 5, _MONDAY, 1),
        _last_monday(year, 5),
        _last_monday(year, 8),
    }
    for day in (dt.date(year, 1, 1), dt.date(year, 12, 25), dt.date(year, 12, 26)):
        substitute = day
        while substitute.weekday() >= _SATURDAY or substitute in days:
            substitute += dt.timedelta(days=1)
        days.add(substitute)
    moved = {_UK_MOVED.get(day, day) for day in days}
    return frozenset(moved | {day for day in _UK_ONCE if day.year == year})


def _swiss(year: int) -> frozenset[dt.date]:
    # SIX Interbank Clearing, SIC holidays: the same days each year, those on a weekend do not move.
    easter = easter_sunday(year)
    fixed = {dt.date(year, month, day) for month, day in ((1, 1), (1, 2), (5, 1), (8, 1), (12, 25), (12, 26))}
    return frozenset(fixed | {easter + dt.timedelta(days=days) for days in (-2, 1, 39, 50)})


@lru_cache(maxsize=256)
def closing_days(calendar: str, year: int) -> frozenset[dt.date]:
    """Closing days of a calendar in a year, weekends apart: `target`, `fed`, `uk`, `swiss`, `weekdays`, `every_day`."""
    known = {"target": _target, "fed": _fed, "uk": _uk, "swiss": _swiss}
    return known[calendar](year) if calendar in known else frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """Time in which a rail takes files for a business day: from `opens_at` (the cut-off before) to `cut_off_at`, in UTC."""

    day: dt.date
    opens_at: dt.datetime
    cut_off_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rail of a provider settles and takes files. `closed`: days of its own on top of its calendar's."""

    calendar: str
    cut_offs: tuple[dt.time, ...]
    time_zone: str
    closed: frozenset[dt.date] = frozenset()

    def is_business_day(self, day: dt.date) -> bool:
        """True when the rail settles on `day`."""
        return is_business_day(self.calendar, day) and day not in self.closed

    def business_day(self, day: dt.date, count: int = 0) -> dt.date:
        """`day` itself when it is a business day, else the first one after it; then so many further on, or back."""
        while not self.is_business_day(day):
            day += _DAY
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_business_day(day):
                day += step
        return day

    def open_window(self, now: dt.datetime) -> Window:
        """The window that is open at `now` (aware): the first whose cut-off has not come yet."""
        day = self.business_day(now.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date())
        left = [at for at in self._cut_offs(day) if at > now]
        return self._window(day, left[0]) if left else self.first_window(self.business_day(day + _DAY))

    def first_window(self, day: dt.date) -> Window:
        """The first window of a business day."""
        return self._window(day, self._cut_offs(day)[0])

    def last_window(self, day: dt.date) -> Window:
        """The last window of a business day."""
        return self._window(day, self._cut_offs(day)[-1])

    def _window(self, day: dt.date, cut_off_at: dt.datetime) -> Window:
        before = [at for at in self._cut_offs(day) if at < cut_off_at] or self._cut_offs(self.business_day(day, -1))
        return Window(day, before[-1], cut_off_at)

    def _cut_offs(self, day: dt.date) -> list[dt.datetime]:
        zone = zoneinfo.ZoneInfo(self.time_zone)
        return sorted(dt.datetime.combine(day, time, zone).astimezone(dt.UTC) for time in self.cut_offs)


def is_business_day(calendar: str, day: dt.date) -> bool:
    """True when the rail of that calendar settles on `day`."""
    if calendar == "every_day":
        return True
    return day.weekday() < _SATURDAY and day not in closing_days(calendar, day.year)


def next_business_day(calendar: str, day: dt.date) -> dt.date:
    """`day` itself when it is one, else the first one after it."""
    while not is_business_day(calendar, day):
        day += dt.timedelta(days=1)
    return day
