"""Publish: the committed data of the lake under a prefix that DuckDB, Athena, Spark or Polars may read by a glob.

`published/DATASET/day=YYYY-MM-DD/subject=SUBJECT/STAGE-PART.parquet`, made of the manifests alone: what an attempt left behind
that committed nothing is never there. A local object is a hard link, one in a bucket a copy by the bucket. Repeating it
adds what is new and takes away what no longer counts (the earlier revisions of a close); each object appears whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Table

from gateway.books.journals import close_subject
from gateway.composition import Gateway
from gateway.datasets import RUNS
from gateway.registry import tables as t

PREFIX: Final = "published"
REGISTRY: Final = "registry"
"""Folder of the registry's own tables, one object each."""
TABLES: Final[dict[str, tuple[Table, tuple[str, ...]]]] = {
    "files": (t.FILES, ("file_id", "client_id", "name", "format", "version", "message_id", "received_on", "received_at", "state")),
    "submissions": (
        t.SUBMISSIONS,
        ("submission_id", "kind", "file_id", "destination", "account", "rail", "currency", "credit_debit", "payments",
         "sum_minor", "name", "business_date", "execution_date", "state", "created_at", "delivered_at", "merged_into"),
    ),
    "feedback": (t.FEEDBACK, ("feedback_id", "provider_id", "name", "format", "received_at", "state")),
    "closes": (t.CLOSES, ("day", "provider_id", "revision", "run", "inputs_sha256", "closed_at")),
    "days": (t.DAYS, ("day", "state", "revision", "prepared_by", "prepared_at", "reviewed_by", "reviewed_at")),
    "journals": (t.JOURNALS, tuple(column.name for column in t.JOURNALS.columns)),
    "manifests": (t.MANIFESTS, ("subject", "stage", "dataset", "part", "key", "sha256", "rows", "sums")),
}  # fmt: skip
"""Name → table and the columns that are published: no secret, no free text that a person wrote."""
OF_ALL_RUNS: Final = frozenset({"postings"})
"""Datasets of a close that count in every revision: what was posted is taken back by further postings, never removed."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one run did: objects that count now, those it added, those it took away."""

    objects: int
    added: int
    removed: int


def publish(gateway: Gateway) -> Published:
    """Make the published prefix what the registry says. May be repeated, and run by two at once.

    Raises:
        TransientError, OutsideError: the store's.
    """
    wanted = dict(_wanted(gateway))
    present = {
        item.key: item for item in gateway.store.list(PREFIX) if not item.key.startswith(f"{PREFIX}/{REGISTRY}/")
    }
    missing = sorted(wanted.keys() - present.keys())
    for key in missing:
        gateway.store.copy(wanted[key], key)
    gone = sorted(present.keys() - wanted.keys())
    for key in gone:
        gateway.store.delete(key, present[key].version)
    for name, (table, columns) in TABLES.items():
        _put_table(gateway, name, table, columns)
    return Published(len(wanted), len(missing), len(gone))


def _wanted(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """Published key → key of the object in the lake."""
    committed = {(row["subject"], row["stage"]): row["committed_at"][:10] for row in gateway.registry.rows(t.STAGES)}
    closes = {
        close_subject(row["provider_id"], row["day"], row["revision"]): row for row in gateway.registry.rows(t.CLOSES)
    }
    last = {(row["provider_id"], row["day"]): subject for subject, row in closes.items()}
    for row in gateway.registry.rows(t.MANIFESTS):
        day, close = committed[row["subject"], row["stage"]], closes.get(row["subject"])
        if close is not None:
            day = close["day"]
            posted = row["dataset"] in OF_ALL_RUNS and close["run"] is not None
            if not posted and (row["dataset"] in OF_ALL_RUNS or last[close["provider_id"], day] != row["subject"]):
                continue
        if row["dataset"] not in RUNS:
            subject, name = row["subject"].replace(":", "-"), f"{row['stage']}-{row['part']:05d}.parquet"
            yield f"{PREFIX}/{row['dataset']}/day={day}/subject={subject}/{name}", row["key"]


def _put_table(gateway: Gateway, name: str, table: Table, columns: tuple[str, ...]) -> None:
    """One table as one object, written anew only where it changed."""
    dtypes = {name: pl.Int64 if table.c[name].type.python_type is int else pl.String for name in columns}
    rows: list[dict[str, Any]] = [
        {column: row[column] for column in columns}
        for row in gateway.registry.rows(table, order=tuple(table.primary_key))
    ]
    out = io.BytesIO()
    pl.DataFrame(rows, schema=dtypes).write_parquet(out, compression="zstd")
    key, data = f"{PREFIX}/{REGISTRY}/{name}.parquet", out.getvalue()
    if gateway.store.head(key) is None or gateway.store.get(key) != data:
        gateway.store.put(key, data)
