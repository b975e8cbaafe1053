"""The lake: frames as Parquet objects, counted only when a manifest in the registry says so.

A stage writes its objects under names unique to the attempt, then one registry commit (`Draft.commit`) makes them count.
Readers follow manifests, never globs: an attempt that died leaves only litter (`gateway.sweep`).
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.ipc
from sqlalchemy import Connection

from canonical.ahead import ahead
from canonical.errors import FrameBroken, TransientError
from canonical.frames import checked, dtypes
from canonical.limits import ATTEMPT_S_MAX, LAKE_PART_ROWS
from gateway.datasets import DATASETS, RUNS, SUMMED, holds_any, read_object, sums_of
from gateway.laid_out import laid_out
from gateway.registry import tables as t
from gateway.registry.engine import Registry, insert_new
from gateway.registry.mentions import may_speak_of
from gateway.store import ObjectStore

LAKE: Final = "lake"
"""Prefix of its objects."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a stage. `sums`: minor units by currency, where the dataset has amounts."""

    dataset: str
    part: int
    key: str
    sha256: str
    rows: int
    sums: dict[str, int]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Manifest:
        """Of a row of the registry's manifests."""
        return cls(row["dataset"], row["part"], row["key"], row["sha256"], row["rows"], json.loads(row["sums"]))


@dataclass(slots=True)
class Draft:
    """Objects of one attempt at a stage, not yet counted. `begun`: when, by the registry's clock."""

    lake: Lake
    subject: str
    stage: str
    begun: datetime
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    manifests: list[Manifest] = field(default_factory=list)

    def write(self, dataset: str, frame: pl.DataFrame) -> None:
        """Write one part of a dataset, none for no rows. Raises FrameBroken: it breaks its schema of `canonical.frames`."""
        if dataset in RUNS:
            self.write_run(dataset, iter([frame]))
            return
        checked(frame, DATASETS[dataset])
        if frame.is_empty():
            return
        buffer = io.BytesIO()
        # Readers ask for whole parts by their manifests: the least and greatest text of each column helps none of them.
        frame.write_parquet(buffer, compression="zstd", compression_level=1, statistics=False)
        data = buffer.getvalue()
        key = self._key(dataset, "parquet")
        self.lake.store.put(key, data, create=True)
        self._note(dataset, key, hashlib.sha256(data).hexdigest(), frame.height, sums_of(frame))

    def write_run(self, dataset: str, frames: Iterator[pl.DataFrame]) -> None:
        """Write sorted frames that follow one another as one Arrow file that can be memory-mapped; none for no rows."""
        schema = pl.DataFrame(schema=dtypes(DATASETS[dataset])).to_arrow().schema
        rows = 0
        with tempfile.NamedTemporaryFile(prefix="bulkrail-") as file:
            with pa.OSFile(file.name, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for frame in frames:
                    writer.write_table(checked(frame, DATASETS[dataset]).to_arrow().cast(schema).combine_chunks())
                    rows += frame.height
            if rows:
                key = self._key(dataset, "arrow")
                self.lake.store.put(key, Path(file.name), create=True)
                with Path(file.name).open("rb") as written:
                    self._note(dataset, key, hashlib.file_digest(written, "sha256").hexdigest(), rows, {})

    def _key(self, dataset: str, suffix: str) -> str:
        part = sum(1 for item in self.manifests if item.dataset == dataset)
        return f"{LAKE}/{dataset}/{self.subject.replace(':', '-')}/{self.stage}-{self.attempt}-{part:05d}.{suffix}"

    def _note(self, dataset: str, key: str, sha256: str, rows: int, sums: dict[str, int]) -> None:
        part = sum(1 for item in self.manifests if item.dataset == dataset)
        self.manifests.append(Manifest(dataset, part, key, sha256, rows, sums))

    def commit(self, detail: dict[str, Any], also: Callable[[Connection], None] | None = None) -> bool:
        """Make the objects count, together with `also`, in one transaction.

        False where another attempt committed the stage first: then theirs counts, ours is litter, `also` is not run.

        Raises:
            TransientError: the attempt began more than ATTEMPT_S_MAX ago, so that its objects may be swept away.
        """
        registry = self.lake.registry
        with registry.transaction() as connection:
            if (registry.clock() - self.begun).total_seconds() > ATTEMPT_S_MAX:
                hours = ATTEMPT_S_MAX // 3600
                raise TransientError(
                    f"this attempt at {self.stage} of {self.subject} is older than {hours} hours: run it again"
                )
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


class Parts:
    """Collects small frames of a dataset into parts of some size, and writes these in a thread beside the work."""

    def __init__(self, draft: Draft, dataset: str) -> None:
        self._draft = draft
        self._dataset = dataset
        self._held: list[pl.DataFrame] = []
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Hold the frame; write what is held once it is a part. Raises what writing the part before raised."""
        if not frame.is_empty():
            self._held.append(frame)
        if sum(held.height for held in self._held) >= LAKE_PART_ROWS:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, fault: type[BaseException] | None, *rest: object) -> None:
        try:
            if fault is None and self._held:
                self._write()
            if self._writing is not None:
                self._writing.result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _write(self) -> None:
        part, self._held = pl.concat(self._held), []
        if self._writing is not None:
            self._writing.result()  # one at a time: parts are numbered in their order, and memory stays flat
        self._writing = self._pool.submit(self._draft.write, self._dataset, part)


@dataclass(frozen=True, slots=True)
class Lake:
    """Reads what was committed, drafts what is to be."""

    store: ObjectStore
    registry: Registry

    def draft(self, subject: str, stage: str) -> Draft:
        """Begin an attempt at a stage."""
        return Draft(self, subject, stage, self.registry.clock())

    def committed(self, subject: str, stage: str) -> dict[str, Any] | None:
        """The detail of a committed stage, None where it is not committed."""
        row = self.registry.one(t.STAGES, subject=subject, stage=stage)
        return None if row is None else json.loads(row["detail"])

    def manifests(
        self, subject: str, dataset: str, stage: str | None = None, of_files: Collection[str] | None = None
    ) -> list[Manifest]:
        """Objects that count (of one stage, or that may speak of some client files), in the order they were written."""
        conditions = [t.MANIFESTS.c.subject == subject, t.MANIFESTS.c.dataset == dataset]
        if stage is not None:
            conditions.append(t.MANIFESTS.c.stage == stage)
        if of_files is not None:
            conditions.append(may_speak_of(t.MANIFESTS.c.subject, t.MANIFESTS.c.stage, of_files))
        rows = self.registry.rows(t.MANIFESTS, *conditions)
        return [Manifest.of(row) for row in rows]

    @contextmanager
    def mapped(self, manifest: Manifest) -> Iterator[list[dict[str, Any]]]:
        """The integer columns of a run's pieces, in order, as arrays over the mapped file; not to be used after the block.

        Only the pages that are touched are read, so the digest is not: who uses a hit confirms it by the payments.

        Raises:
            FrameBroken: it has other rows than its manifest.
        """
        with self.store.mapped(manifest.key) as data:
            batches = pa.ipc.open_file(pa.py_buffer(data)).read_all().to_batches()
            if sum(batch.num_rows for batch in batches) != manifest.rows:
                raise FrameBroken(f"object {manifest.key} has other rows than its manifest")
            pieces = [{name: batch.column(name).to_numpy() for name in batch.schema.names} for batch in batches]
            try:
                yield pieces
            finally:
                # The map cannot be closed while an array still looks into it.
                pieces.clear()
                batches.clear()

    def parts(
        self, subject: str, dataset: str, stage: str | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """The parts of a dataset (some of its columns, where named), one at a time; the next is read meanwhile.

        Raises:
            FrameBroken: an object's digest, rows or sums are not those of its manifest.
        """
        return self.read(self.manifests(subject, dataset, stage), subject, columns)

    def read(
        self, manifests: Sequence[Manifest], subject: str, columns: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """The same of objects that were found before."""
        parts = (self._part(item, self._object(item, subject), subject, columns) for item in manifests)
        # A thread to read ahead costs more than most single objects do.
        return ahead(parts) if len(manifests) > 1 else parts

    def parts_with(self, subject: str, dataset: str, values: pl.Series) -> Iterator[pl.DataFrame]:
        """The parts of a dataset that hold one of these values in the column they are named after; see `parts`."""
        return self.read_with(self.manifests(subject, dataset), subject, values)

    def read_with(self, manifests: Sequence[Manifest], subject: str, values: pl.Series) -> Iterator[pl.DataFrame]:
        """The same of objects that were found before."""
        objects = ((item, self._object(item, subject)) for item in manifests)
        return ahead(self._part(item, data, subject, None) for item, data in objects if holds_any(data, values))

    def _object(self, manifest: Manifest, subject: str) -> bytes:
        data = self.store.get(manifest.key)
        if hashlib.sha256(data).hexdigest() != manifest.sha256:
            raise FrameBroken(f"object {manifest.key} is not the one that was committed", subject=subject)
        return data

    def _part(self, manifest: Manifest, data: bytes, subject: str, columns: Sequence[str] | None) -> pl.DataFrame:
        wanted = None if columns is None else [*columns, *(SUMMED if manifest.sums else ())]
        frame = read_object(manifest.dataset, manifest.key, data, wanted)
        if frame.height != manifest.rows or (manifest.sums and sums_of(frame) != manifest.sums):
            raise FrameBroken(f"object {manifest.key} has other rows or sums than its manifest", subject=subject)
        return frame.select(dtypes(DATASETS[manifest.dataset]).keys() if columns is None else columns)

    def whole(self, subject: str, dataset: str, stage: str | None = None) -> pl.DataFrame:
        """All parts as one frame; a long one is mapped from a file, see `gateway.laid_out`."""
        return laid_out(self.parts(subject, dataset, stage), dtypes(DATASETS[dataset]))


class RowSlices:
    """Walks a dataset that is in row order beside payments that are: gives the rows of each part of them."""

    def __init__(self, parts: Iterator[pl.DataFrame]) -> None:
        self._parts = parts
        self._held: pl.DataFrame | None = None

    def of(self, payments: pl.DataFrame) -> pl.DataFrame:
        """The rows from the first to the last of these payments, which follow those asked for before."""
        last = payments["row"][-1]
        frames = []
        while True:
            held = self._held if self._held is not None else next(self._parts, None)
            if held is None:
                break
            here = int(held["row"].search_sorted(last, side="right"))
            frames.append(held.head(here))
            self._held = held.slice(here) if here < held.height else None
            if self._held is not None:
                break
        return pl.concat(frames)
