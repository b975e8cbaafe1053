"""Splitting and packing: what goes one way on one day, in files that the provider takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from canonical.profiles import FileLimits


def pieces(group: pl.DataFrame, limits: FileLimits) -> Iterator[pl.DataFrame]:
    """Payments in row order, in as few pieces as keep the limits; each payment in one of them.

    No payment may be larger than the limit of a file: routing keeps those off (`gateway.planning.candidates`).
    """
    parts = group.partition_by(*limits.apart, maintain_order=True) if limits.apart else [group]
    for part in parts:
        yield from _runs(part, limits.payments_max, limits.amount_minor)


def packs(parts: Iterable[Mapping[str, Any]], limits: FileLimits) -> Iterator[list[Mapping[str, Any]]]:
    """Submissions in their order, in packs that one file can hold (`payments`, `sum_minor`); each in one of them, uncut."""
    pack: list[Mapping[str, Any]] = []
    for part in parts:
        full = pack and any(
            most is not None and sum(item[what] for item in (*pack, part)) > most
            for what, most in (("payments", limits.payments_max), ("sum_minor", limits.amount_minor))
        )
        if full:
            yield pack
            pack = []
        pack.append(part)
    if pack:
        yield pack


def _runs(part: pl.DataFrame, payments_max: int | None, minor_max: int | None) -> Iterator[pl.DataFrame]:
    running = part["amount_minor"].cum_sum()
    start = 0
    while start < part.height:
        end = part.height if payments_max is None else min(part.height, start + payments_max)
        if minor_max is not None:
            before = int(running[start - 1]) if start else 0
            end = min(end, int(running.search_sorted(before + minor_max, side="right")))
        assert end > start, "routing keeps off what is larger than a file may be"
        yield part.slice(start, end - start)
        start = end
