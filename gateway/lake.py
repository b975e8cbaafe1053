"""The lake: frames as Parquet objects, counted only when a manifest in the registry says so.

A stage writes its objects under names unique to the attempt, then one registry commit (`Draft.commit`) makes them count.
Readers follow manifests, never globs: an attempt that died leaves only litter.
"""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.errors import FrameBroken
from canonical.frames import ALL, checked, empty
from gateway.registry import tables as t
from gateway.registry.engine import Registry, insert_new
from gateway.store import ObjectStore
from reconciliation.frames import STATES

DATASETS: Final = {**ALL, "states": STATES}
"""Dataset → schema. `states` is what a day was closed on."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a stage. `sums`: minor units by currency, where the dataset has amounts."""

    dataset: str
    part: int
    key: str
    sha256: str
    rows: int
    sums: dict[str, int]


@dataclass(slots=True)
class Draft:
    """Objects of one attempt at a stage, not yet counted."""

    lake: Lake
    subject: str
    stage: str
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    manifests: list[Manifest] = field(default_factory=list)

    def write(self, dataset: str, frame: pl.DataFrame) -> None:
        """Write one part of a dataset, none for no rows. Raises FrameBroken: it breaks its schema of `canonical.frames`."""
        checked(frame, DATASETS[dataset])
        if frame.is_empty():
            return
        part = sum(1 for item in self.manifests if item.dataset == dataset)
        key = f"lake/{dataset}/{self.subject}/{self.stage}-{self.attempt}-{part:05d}.parquet"
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", statistics=True)
        data = buffer.getvalue()
        self.lake.store.put(key, data, create=True)
        digest = hashlib.sha256(data).hexdigest()
        self.manifests.append(Manifest(dataset, part, key, digest, frame.height, _sums(frame)))

    def commit(self, detail: dict[str, Any], also: Callable[[Connection], None] | None = None) -> bool:
        """Make the objects count, together with `also`, in one transaction.

        False where another attempt committed the stage first: then theirs counts, ours is litter, `also` is not run.
        """
        registry = self.lake.registry
        with registry.transaction() as connection:
            ours = insert_new(
                connection, t.STAGES,
                subject=self.subject, stage=self.stage, attempt=self.attempt, committed_at=registry.now(),
                detail=json.dumps(detail, sort_keys=True),
            )  # fmt: skip
            if not ours:
                return False
            rows = [
                {
                    "subject": self.subject, "stage": self.stage, "dataset": item.dataset, "part": item.part,
                    "key": item.key, "sha256": item.sha256, "rows": item.rows,
                    "sums": json.dumps(item.sums, sort_keys=True),
                }
                for item in self.manifests
            ]  # fmt: skip
            if rows:
                connection.execute(t.MANIFESTS.insert(), rows)
            if also is not None:
                also(connection)
        return True


@dataclass(frozen=True, slots=True)
class Lake:
    """Reads what was committed, drafts what is to be."""

    store: ObjectStore
    registry: Registry

    def draft(self, subject: str, stage: str) -> Draft:
        """Begin an attempt at a stage."""
        return Draft(self, subject, stage)

    def committed(self, subject: str, stage: str) -> dict[str, Any] | None:
        """The detail of a committed stage, None where it is not committed."""
        row = self.registry.one(t.STAGES, subject=subject, stage=stage)
        return None if row is None else json.loads(row["detail"])

    def manifests(self, subject: str, dataset: str, stage: str | None = None) -> list[Manifest]:
        """Objects that count (of one stage, where named), in the order they were written."""
        conditions = [t.MANIFESTS.c.subject == subject, t.MANIFESTS.c.dataset == dataset]
        if stage is not None:
            conditions.append(t.MANIFESTS.c.stage == stage)
        rows = self.registry.rows(t.MANIFESTS, *conditions)
        return [
            Manifest(row["dataset"], row["part"], row["key"], row["sha256"], row["rows"], json.loads(row["sums"]))
            for row in rows
        ]

    def parts(self, subject: str, dataset: str, stage: str | None = None) -> Iterator[pl.DataFrame]:
        """The parts of a dataset, one at a time.

        Raises:
            FrameBroken: an object's digest, rows or sums are not those of its manifest.
        """
        for manifest in self.manifests(subject, dataset, stage):
            data = self.store.get(manifest.key)
            if hashlib.sha256(data).hexdigest() != manifest.sha256:
                raise FrameBroken(f"object {manifest.key} is not the one that was committed", subject=subject)
            frame = pl.read_parquet(io.BytesIO(data))
            if frame.height != manifest.rows or _sums(frame) != manifest.sums:
                raise FrameBroken(f"object {manifest.key} has other rows or sums than its manifest", subject=subject)
            yield frame

    def whole(self, subject: str, dataset: str, stage: str | None = None) -> pl.DataFrame:
        """All parts as one frame: for datasets that fit (findings, statuses, routes of a part)."""
        return pl.concat([empty(DATASETS[dataset]), *self.parts(subject, dataset, stage)])


def _sums(frame: pl.DataFrame) -> dict[str, int]:
    if not {"amount_minor", "currency"} <= set(frame.columns):
        return {}
    sums = frame.group_by("currency").agg(pl.col("amount_minor").sum()).drop_nulls().sort("currency")
    return dict(sums.iter_rows())
