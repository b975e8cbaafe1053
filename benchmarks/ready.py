"""Payments ready to be written: what the benchmarks of provider files hand to the exports, and the orders they write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from canonical.contracts import Order, Source
from canonical.plugins import discover
from canonical.profiles import Account, Plugin, ProviderProfile, Rail

_DAY: Final = dt.date(2026, 11, 27)
_ACCOUNTS: Final = {
    "pain.001": Account(account="DE75512108001245126199", currency="EUR", name="Bench", agent="SOGEDEFFXXX"),
    "nacha": Account(account="700100200", currency="USD", name="Bench", agent="123456780"),
}
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "pain.001": {},
    "nacha": {"immediate_destination": "076543216", "immediate_origin": "1234567890"},
}


def order(kind: str) -> Order:
    """An order for the export of that name."""
    account = _ACCOUNTS[kind]
    rail = Rail(rail="bench", cut_off=(dt.time(17),), time_zone="UTC", calendar="weekdays")
    provider = ProviderProfile(
        provider_id="bench", name="Bench Bank", export=Plugin(name=kind, options=_OPTIONS[kind]), transport=Plugin(name="folder"),
        accounts=(account,), rails=(rail,),
    )  # fmt: skip
    created = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
    return Order("S0123456789abcdef012", provider, account, rail, created, _DAY, 1, 0, "Bench")


def keep(kind: str, path: Path, folder: Path) -> int:
    """Read a file and keep its payments as they are after routing, a window an object; how many."""
    import mmap

    found, export, count = discover("parsers", "FORMAT")[kind], discover("exporters", "EXPORT")[kind], 0
    folder.mkdir(exist_ok=True)
    an_order = order(kind)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, window in enumerate(found.windows(Source("0" * 20, path.name, data), found.options())):
            placed = window.payments.filter(pl.col("currency") == an_order.account.currency).with_columns(
                position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + count, execution_date=pl.lit(_DAY)
            )
            reference = export.reference(an_order, pl.col("payment_id"), pl.col("position")).alias("reference")
            placed.with_columns(reference).write_parquet(folder / f"{number:06d}.parquet")
            count += placed.height
    return count


def kept(folder: Path) -> Iterator[pl.DataFrame]:
    """The windows again."""
    for path in sorted(folder.glob("*.parquet")):
        yield pl.read_parquet(path)
