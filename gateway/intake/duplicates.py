"""Look duplicate keys up in the committed runs of a client's earlier files.

A run is one sorted Arrow file of integers, memory-mapped and searched by halving, so that a lookup reads only the pages it
touches. When a client has many runs of one size, they are merged into a larger one.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict
from canonical.frames import KEYS, dtypes
from canonical.identifiers import payment_id_of
from canonical.limits import KEY_MERGE_ROWS, KEY_RUNS_MAX
from canonical.profiles import ClientProfile
from gateway.books.book import states_of
from gateway.composition import Gateway
from gateway.lake import Manifest
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, row_of
from validators.duplicate_payment import RULE as DUPLICATE_PAYMENT

_NOT_PAID: Final = ("rejected", "cancelled", "provider_rejected", "returned")
_UINTS = npt.NDArray[np.uint64]
_INTS = npt.NDArray[np.int64]


def next_number(gateway: Gateway, client_id: str) -> int:
    """The number that the client's next run would get."""
    with gateway.registry.transaction() as connection:
        row = row_of(connection, t.COUNTERS, name=_counter(client_id))
        return 1 if row is None else int(row["value"])


def take_number(connection: Connection, client_id: str, number: int) -> None:
    """Claim that number by compare-and-set. Raises Conflict: another file was first."""
    name = _counter(client_id)
    insert_new(connection, t.COUNTERS, name=name, value=1)
    if not move(connection, t.COUNTERS, {"name": name, "value": number}, value=number + 1):
        raise Conflict(f"another file of {client_id} committed its keys first")


def _counter(client_id: str) -> str:
    return f"keys:{client_id}"


@dataclass(frozen=True, slots=True)
class _Run:
    """A committed run of the files numbered `low` to `high`."""

    low: int
    high: int
    manifest: Manifest


def earlier_hits(
    gateway: Gateway, client: ClientProfile, file_id: str, keys: pl.DataFrame, number: int, today: dt.date
) -> pl.DataFrame:
    """payment_id, earlier_payment_id, earlier_day of every key that a run below `number` holds within the window.

    `keys`: key, check, offset. Both hashes and then the full fingerprints must agree. Payments that were rejected,
    cancelled or came back do not count: sending those again is right.
    """
    ordered = keys.sort("key")
    needles, checks = ordered["key"].to_numpy(), ordered["check"].to_numpy()
    offsets = ordered["offset"].to_numpy()
    hits = [_NO_HITS]
    for run in _runs(gateway, client.client_id, number - 1):
        with gateway.lake.mapped(run.manifest) as pieces:
            hits += [_hits(needles, checks, offsets, piece) for piece in pieces]
    together = pl.concat(hits)
    if together.is_empty():
        return _named(together, file_id)
    files = _files(gateway, client, today)
    return _paid(gateway, _confirmed(gateway, _named(together.join(files, on="sequence"), file_id), client.client_id))


_NO_HITS: Final = pl.DataFrame(schema={"offset": pl.Int64, "earlier": pl.Int64, "sequence": pl.Int64})


def _hits(needles: _UINTS, checks: _UINTS, offsets: _INTS, piece: Mapping[str, Any]) -> pl.DataFrame:
    low, high = np.searchsorted(needles, piece["key"][0], "left"), np.searchsorted(needles, piece["key"][-1], "right")
    here, there = _matches(needles[low:high], checks[low:high], piece)
    found = {"offset": offsets[low:high][here], "earlier": piece["offset"][there], "sequence": piece["sequence"][there]}
    return pl.DataFrame(found, schema=_NO_HITS.schema)


def _matches(needles: _UINTS, checks: _UINTS, run: Mapping[str, Any]) -> tuple[_INTS, _INTS]:
    """Places in the needles and in the run where key and check agree; a key may stand several times in a run."""
    keys: _UINTS = run["key"]
    first = np.searchsorted(keys, needles, side="left")
    inside = first < len(keys)
    candidates = np.flatnonzero(inside)[keys[first[inside]] == needles[inside]]
    last = np.searchsorted(keys, needles[candidates], side="right")
    counts = last - first[candidates]
    here = np.repeat(candidates, counts)
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    there = np.repeat(first[candidates], counts) + steps
    same = run["check"][there] == checks[here]
    return here[same], there[same]


def _named(hits: pl.DataFrame, file_id: str) -> pl.DataFrame:
    columns = hits.columns
    earlier_file = pl.col("file_id") if "file_id" in columns else pl.lit("")
    day = pl.col("day") if "day" in columns else pl.lit(None, dtype=pl.Date)
    return hits.select(
        payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"),
        payment_id_of(earlier_file, pl.col("earlier")).alias("earlier_payment_id"),
        day.alias("earlier_day"),
    )


def _files(gateway: Gateway, client: ClientProfile, today: dt.date) -> pl.DataFrame:
    """sequence, file_id, day of the client's files whose payments count."""
    oldest = (today - dt.timedelta(days=client.duplicate_window_days)).isoformat()
    rows = gateway.registry.rows(
        t.FILES,
        t.FILES.c.client_id == client.client_id,
        t.FILES.c.received_on >= oldest,
        t.FILES.c.state.not_in(["rejected", "refused"]),
    )
    told = [(row["sequence"], row["file_id"], dt.date.fromisoformat(row["received_on"])) for row in rows]
    return pl.DataFrame(told, schema={"sequence": pl.Int64, "file_id": pl.String, "day": pl.Date}, orient="row")


def _confirmed(gateway: Gateway, hits: pl.DataFrame, client_id: str) -> pl.DataFrame:
    """Hits whose full fingerprints agree, read again from the payments themselves."""
    ids = pl.concat([hits["payment_id"], hits["earlier_payment_id"]]).unique()
    texts = [pl.DataFrame(schema={"payment_id": pl.String, "fingerprint": pl.String})]
    for file_id in ids.str.head(20).unique().sort():
        for payments in gateway.lake.parts(file_id, "payments"):
            wanted = payments.filter(pl.col("payment_id").is_in(ids.implode()))
            texts.append(DUPLICATE_PAYMENT.fingerprints(wanted, client_id))
    known = pl.concat(texts)
    earlier = known.rename({"payment_id": "earlier_payment_id", "fingerprint": "earlier_fingerprint"})
    joined = hits.join(known, on="payment_id", how="left").join(earlier, on="earlier_payment_id", how="left")
    return joined.filter(pl.col("fingerprint") == pl.col("earlier_fingerprint")).select(hits.columns)


def _paid(gateway: Gateway, hits: pl.DataFrame) -> pl.DataFrame:
    """Of each payment the first earlier one that was not rejected, cancelled or returned."""
    if hits.is_empty():
        return hits
    files = hits["earlier_payment_id"].str.head(20).unique().sort().to_list()
    not_paid = states_of(gateway, files).filter(pl.col("state").is_in(_NOT_PAID))
    paid = hits.join(not_paid, left_on="earlier_payment_id", right_on="payment_id", how="anti")
    return paid.sort("earlier_day", "earlier_payment_id").unique("payment_id", keep="first", maintain_order=True)


# ---------------------------------------------------------------------------------------------- runs


def _runs(gateway: Gateway, client_id: str, last: int) -> list[_Run]:
    """The runs that together hold the client's numbers 1 to `last`, each number once, the widest first."""
    files = {
        row["file_id"]: row["sequence"]
        for row in gateway.registry.rows(t.FILES, t.FILES.c.client_id == client_id, t.FILES.c.sequence <= last)
    }
    conditions = (t.MANIFESTS.c.dataset == "keys", t.MANIFESTS.c.subject.in_([*files, _subject(client_id)]))
    runs = []
    for row in gateway.registry.rows(t.MANIFESTS, *conditions):
        number = files.get(row["subject"])
        low, high = (number, number) if number else (int(part) for part in row["stage"].split("-")[1:])
        if high <= last:
            runs.append(_Run(low, high, Manifest.of(row)))
    chosen: list[_Run] = []
    for run in sorted(runs, key=lambda item: (item.low, -item.high)):
        if not chosen or run.low > chosen[-1].high:
            chosen.append(run)
    return chosen


def _subject(client_id: str) -> str:
    return f"client:{client_id}"


def merge_runs(gateway: Gateway, client_id: str) -> None:
    """Merge neighbouring runs of one size class where a client has KEY_RUNS_MAX of them. Safe to repeat, at any time."""
    runs = _runs(gateway, client_id, next_number(gateway, client_id) - 1)
    classes: dict[int, list[_Run]] = defaultdict(list)
    for run in runs:
        classes[_size_class(run.high - run.low + 1)].append(run)
    for group in classes.values():
        if len(group) >= KEY_RUNS_MAX:
            _merge(gateway, client_id, group)


def _size_class(files: int) -> int:
    """0 for runs of fewer than KEY_RUNS_MAX files, 1 for fewer than its square, and so on."""
    size = 0
    while files >= KEY_RUNS_MAX:
        files, size = files // KEY_RUNS_MAX, size + 1
    return size


def _merge(gateway: Gateway, client_id: str, runs: Sequence[_Run]) -> None:
    draft = gateway.lake.draft(_subject(client_id), f"keys-{runs[0].low}-{runs[-1].high}")
    draft.write_run("keys", _merged(gateway, runs))
    draft.commit({"runs": len(runs), "rows": sum(run.manifest.rows for run in runs)})


def _merged(gateway: Gateway, runs: Sequence[_Run]) -> Iterator[pl.DataFrame]:
    """The runs' rows in the order of their keys, a share of the key space at a time."""
    shares = max(1, -(-sum(run.manifest.rows for run in runs) // KEY_MERGE_ROWS))
    bounds = [2**64 * share // shares for share in range(shares)]
    for low, high in zip(bounds, [*bounds[1:], None], strict=True):
        parts = []
        for run in runs:
            with gateway.lake.mapped(run.manifest) as pieces:
                parts += [_share(piece, low, high) for piece in pieces]
        together = pl.concat(parts).sort("key")
        if not together.is_empty():
            yield together


def _share(piece: Mapping[str, Any], low: int, high: int | None) -> pl.DataFrame:
    """A copy of the rows of a piece whose keys are from `low` to below `high`."""
    keys = piece["key"]
    first = np.searchsorted(keys, np.uint64(low))
    last = len(keys) if high is None else np.searchsorted(keys, np.uint64(high))
    return pl.DataFrame({name: np.array(column[first:last]) for name, column in piece.items()}, schema=dtypes(KEYS))
