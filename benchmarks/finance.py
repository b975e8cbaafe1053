"""The cases of reconciliation and of what finance is handed: matching's quality and speed, a day's close, its reports."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.runner import MILLION, Bench, Ran, run

_SEEDS: Final = 10
_CURVE: Final = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Millions of payments."""
_BOOKED_OF: Final = 50
_DAYS: Final = (5, 20, 50)
RECALL_MIN: Final = 0.90
RECALL_SURVIVING_MIN: Final = 0.99
LADDER_RATIO_MAX: Final = 6.0
LADDER_MIB_MAX: Final = 1024
XLSX_S_MAX: Final = 4.0
PDF_S_MAX: Final = 2.0


def match_quality(bench: Bench) -> None:
    """Precision and recall on days of known truth, by trouble and by rung, run day by day and all at once."""
    count, seeds = bench.count(0.01), max(1, round(_SEEDS * min(1.0, bench.share)))
    for at_once in ("no", "yes"):
        ran = run("quality", str(count), str(seeds), at_once)
        found = ran.found
        way = "in one run" if at_once == "yes" else "day by day"
        assert found["false"] == 0, f"{found['false']} false automatic matches, {way}"
        remark = (
            f"{found['matches']} matches, none false; recall {found['recall']:.2%} (target {RECALL_MIN:.0%}), "
            f"where a reference survives {found['recall_surviving']:.2%} (target {RECALL_SURVIVING_MIN:.0%})"
        )
        bench.note(f"match-quality, {seeds} seeds of {count:,} payments, {way}", ran, None, None, remark)
        for name in ("by_trouble", "by_rung"):
            _show(f"{name.replace('_', ' ')}, {way}", found[name])


def reconcile(bench: Bench) -> None:
    """All rungs and claims on one frame of payments and one of entries: the curve, whose million has the target.

    And a run of the gateway over a million of both, from lake to lake.
    """
    for count in sorted({bench.count(millions) for millions in _CURVE if millions <= bench.largest}):
        _reconcile(bench, count, LADDER_RATIO_MAX if count == bench.count(1.0) else None)
    with _open_day(bench, bench.count(1.0), 1) as home:
        ran = _working(run("reconciliation", home))
        bench.note(f"reconcile stage, {bench.count(1.0):,} payments, as many entries", ran, None, None, _kept_mib(ran))


def close(bench: Bench) -> None:
    """A day's close with five million open items, of which its statement books one of fifty."""
    count = bench.count(5.0)
    with _open_day(bench, count, _BOOKED_OF) as home:
        ran = _working(run("reconciliation", home))
        remark = f"{ran.found['matched']:,} matches; again without news {ran.found['again_s']} s"
        bench.note(f"reconcile stage, {count:,} open items", ran, None, None, remark)
        ran = _working(run("close", home))
        remark = f"{ran.found['reports']} report files; again without news {ran.found['again_s']} s"
        bench.note(f"a day's close, {count:,} open items", ran, None, None, remark)


def closed_days(bench: Bench) -> None:
    """What a day's close costs after more and more closed days, with as much open on each."""
    count = bench.count(0.001)
    for days in _DAYS:
        with tempfile.TemporaryDirectory(dir=bench.folder) as home:
            run("closed_days", home, str(days), str(count))
            ran = _working(run("close", home))
            bench.note(
                f"a day's close, {count:,} payments a day, on day {days}", ran, None, None,
                f"again without news {ran.found['again_s']} s",
            )  # fmt: skip


@contextmanager
def _open_day(bench: Bench, count: int, booked_of: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=bench.folder) as home:
        run("open_day", home, str(count), str(booked_of))
        yield home


def _kept_mib(ran: Ran) -> str:
    return f"at most {LADDER_MIB_MAX} MiB: {'kept' if ran.anon_mib <= LADDER_MIB_MAX else 'NOT KEPT'}"


def _reconcile(bench: Bench, count: int, target: float | None) -> None:
    """Beside Polars' own join of the two frames on the reference. Seconds are those of the work, without reading the frames."""
    folder = bench.folder / f"days-{count}"
    held = run("days", str(folder), str(count)).found
    # The join carries every column of both frames: of ten million payments it has more than this machine.
    is_joined = count <= MILLION
    runs = [
        (run("ladder", str(folder)), run("reference_join", str(folder)) if is_joined else None)
        for _ in range(bench.runs if is_joined else 1)
    ]
    ladder = min((_working(ran) for ran, _ in runs), key=lambda item: item.wall_s)
    join = min((_working(ran) for _, ran in runs if ran), key=lambda item: item.wall_s, default=None)
    bench.note(
        f"reconcile {held['payments']:,} payments, {held['entries']:,} entries", ladder, join, target,
        f"{ladder.found['matches']:,} matches, {held['payments'] / ladder.wall_s:,.0f} payments/s; "
        f"the mapped frames {ladder.found['frames_mib']} MiB; {_kept_mib(ladder)}",
    )  # fmt: skip


def workbook(bench: Bench) -> None:
    """The reconciliation report with two hundred thousand open breaks, as a workbook."""
    _report(bench, "xlsx-200k", "report-xlsx", bench.count(0.2), XLSX_S_MAX)


def document(bench: Bench) -> None:
    """The same report of a small day as a document to be signed."""
    _report(bench, "pdf", "report-pdf", bench.count(0.002), PDF_S_MAX)


def _report(bench: Bench, case: str, export: str, count: int, most_s: float) -> None:
    """The fastest counts; the seconds are those of writing, without start-up and without making the tables."""
    ran = min((_working(run("report", export, str(count))) for _ in range(bench.runs)), key=lambda item: item.wall_s)
    found = ran.found
    pages = f"{found['pages']} pages, " if found["pages"] else ""
    kept = "kept" if ran.wall_s <= most_s else "NOT KEPT"
    bench.note(
        f"{case}: {export} with {found['rows']:,} rows in its longest table", ran, None, None,
        f"{pages}{found['bytes'] / 1e6:.1f} MB; CPU of writing {found['cpu_s']:.2f} s; at most {most_s:.0f} s: {kept}",
    )  # fmt: skip


def _working(ran: Ran) -> Ran:
    """The run with the seconds of its work alone."""
    return replace(ran, wall_s=ran.found["seconds"])


def _show(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    Console(width=200).print(table)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2%}"
    return "" if value is None else str(value)


CASES: Final[dict[str, Callable[[Bench], None]]] = {
    "match-quality": match_quality, "reconcile": reconcile, "close": close, "days": closed_days, "xlsx-200k": workbook, "pdf": document,
}  # fmt: skip
"""Name → case."""
