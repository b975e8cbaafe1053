"""Objects of several subjects of the lake, found by few queries.

A close reads every file, feedback file and close of a provider: a query each costs more than most of their objects do to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.frames import dtypes
from gateway.datasets import DATASETS
from gateway.laid_out import laid_out
from gateway.lake import Lake, Manifest
from gateway.registry import tables as t


@dataclass(frozen=True, slots=True)
class Listed:
    """Some datasets of some subjects, as the registry had them at one moment; what was not asked for is a KeyError."""

    lake: Lake
    manifests: Mapping[tuple[str, str], Sequence[Manifest]]

    def parts(self, subject: str, dataset: str, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """As `Lake.parts`, of all stages."""
        return self.lake.read(self.manifests[subject, dataset], subject, columns)

    def parts_with(self, subject: str, dataset: str, values: pl.Series) -> Iterator[pl.DataFrame]:
        """As `Lake.parts_with`."""
        return self.lake.read_with(self.manifests[subject, dataset], subject, values)

    def whole(self, subject: str, dataset: str) -> pl.DataFrame:
        """As `Lake.whole`, of all stages."""
        return laid_out(self.parts(subject, dataset), dtypes(DATASETS[dataset]))


def listed(lake: Lake, subjects: Iterable[str], *datasets: str) -> Listed:
    """Find the objects that count of these datasets and subjects."""
    known = set(subjects)
    found: dict[tuple[str, str], list[Manifest]] = {(subject, name): [] for subject in known for name in datasets}
    c = t.MANIFESTS.c
    for row in lake.registry.rows_of(t.MANIFESTS, c.subject, known, c.dataset.in_(datasets)):
        found[row["subject"], row["dataset"]].append(Manifest.of(row))
    return Listed(lake, found)


def details(lake: Lake, subjects: Iterable[str], stage: str) -> dict[str, dict[str, Any]]:
    """Subject → the detail of a stage, of those that have it committed."""
    rows = lake.registry.rows_of(t.STAGES, t.STAGES.c.subject, subjects, t.STAGES.c.stage == stage)
    return {row["subject"]: json.loads(row["detail"]) for row in rows}
