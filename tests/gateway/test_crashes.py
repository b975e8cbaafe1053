"""Kill the worker anywhere in two bank days, or let it sleep while another acts: the books hold each payment once.

A point is before or after a commit or an outside effect, or in the middle of writing a file. The days are run once,
undisturbed, and the town is copied before every step that is struck. For each point the copy is taken, the worker is
struck there, and another one does the step. If all that the rest of the days depends on is then as it was without the
strike (`crash_day.left`), they end alike; if not, they are run to their end and what came of them is compared.

`make crash-test` does all points, on both registries; an ordinary run a seeded sample of them.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_day import DAY, STEPS, TERMS
from crash_play import Database, PostgresDatabase
from crash_strikes import Days, Log, Point, Strike, asleep, killed
from lxml import etree
from workers import all_points
from world import postgres_url

from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def days(request: pytest.FixtureRequest) -> Iterator[Days]:
    database = PostgresDatabase(postgres_url()) if request.param == "postgres" else Database()
    with tempfile.TemporaryDirectory(prefix="crash-day-") as folder:
        found = Days(request.param, Path(folder), database)
        found.play()
        yield found


def test_undisturbed_the_banks_book_what_the_files_say(days: Days) -> None:
    """Held against the clients' files as an independent reader sees them."""
    files = [*_pain001(salaries_pain001(DAY)), *_nacha(suppliers_nacha(DAY)), *_csv(invoices_csv(DAY))]
    dogwood = [(name.replace("SAL-", "DOG-"), minor) for name, minor in _pain001(salaries_pain001(DAY))]
    refused = {
        "SAL-11-1004",
        "SAL-11-1007",
        "DOG-11-1004",
        "DOG-11-1007",
        "INV-2203",
        "INV-1003",
        "INV-1004",
        "INV-1006",
    }
    cancelled = {"SAL-11-1001"}
    accepted = [item for item in files + dogwood if item[0] not in refused | cancelled]
    assert len(accepted) == 32
    assert sorted(tuple(row[1:]) for row in days.outcome["banks"]) == sorted(accepted)
    assert days.outcome["open"] == days.outcome["inboxes"] == days.outcome["news_left"] == []
    assert days.outcome["fault_of_the_trail"] is None
    assert {row[3] for row in days.outcome["states"]} == {
        "settled", "returned", "rejected", "provider_rejected", "cancelled",
    }  # fmt: skip
    assert len(days.outcome["closes"]) == 2 * (len(TERMS) + 1)
    assert len(days.all_points) > 300


def _pain001(data: bytes) -> list[tuple[str, int]]:
    found = etree.fromstring(data).iterfind(".//{*}CdtTrfTxInf")
    return [(item.findtext(".//{*}EndToEndId"), _minor(item.findtext(".//{*}InstdAmt"))) for item in found]


def _nacha(data: bytes) -> list[tuple[str, int]]:
    return [(line[39:54].strip(), int(line[29:39])) for line in data.decode().splitlines() if line[0] == "6"]


def _csv(data: bytes) -> list[tuple[str, int]]:
    rows = csv.DictReader(data.decode().splitlines())
    return [(row["end_to_end_id"], _minor(row["amount"])) for row in rows if row["end_to_end_id"] != "TOTAL"]


def _minor(amount: str) -> int:
    whole, _, fraction = amount.partition(".")
    return int(whole) * 100 + int(f"{fraction:0<2}"[:2])


both_ways = pytest.mark.parametrize("strike", [killed, asleep], ids=["killed", "asleep"])


@both_ways
def test_struck_anywhere(days: Days, strike: Strike, capsys: pytest.CaptureFixture[str]) -> None:
    how = strike.__name__
    points, log = days.sample(how), Log(days.registry, how)
    assert points
    to_strike, faults = log.still_to_strike(points), []
    for point in to_strike:
        began = time.monotonic()
        fault = _fault_of(days, point, strike)
        log.note(point, fault, time.monotonic() - began)
        faults += [fault] if fault else []
    with capsys.disabled():
        sys.stdout.write(
            f"\n{days.registry}, {how}: {len(points)} of {len(days.all_points)} points of two days, "
            f"{len(points) - len(to_strike)} of them in earlier runs, {days.ran_on} run to the end of the days\n"
        )
    days.ran_on = 0
    assert faults == []


def _fault_of(days: Days, point: Point, strike: Strike) -> str:
    """Nothing where all was as it must be. By hand the other points are struck after a fault, too."""
    number, at = point
    days.before(number)
    try:
        strike(days, number, at)
        days.goes_on_to_its_end(number)
    except AssertionError as fault:
        told = f"after a strike at point {at} of {days.points[number]} of {STEPS[number].name!r}: {fault}"
        if not all_points():
            raise AssertionError(told) from fault
        return told
    return ""


@pytest.mark.skipif(not all_points(), reason="by hand alone (make crash-test): it plays the days to their end")
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@both_ways
def test_struck_in_every_step(days: Days, strike: Strike, last: bool) -> None:
    """Equal `left`, equal end: these days go on from nothing but states that a strike left behind."""
    days.strike_every_step(strike, last=last)
