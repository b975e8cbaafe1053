"""The cases of reconciliation and of what finance is handed: matching's quality and speed, a day's close, its reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.runner import Bench, run

_SEEDS: Final = 10
RECALL_MIN: Final = 0.90
RECALL_SURVIVING_MIN: Final = 0.99


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


CASES: Final[dict[str, Callable[[Bench], None]]] = {"match-quality": match_quality}
"""Name → case."""
