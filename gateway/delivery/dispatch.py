"""Dispatch: a planned submission is written, read back, and delivered exactly once."""

from __future__ import annotations

import hashlib
import mmap
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl

from canonical.contracts import ExportSummary, Parcel, Source
from canonical.errors import Conflict, FrameBroken, Withheld
from canonical.limits import WRITTEN_ROWS
from canonical.plugins import lookup
from canonical.tally import Tally
from gateway.composition import Gateway
from gateway.config import plugin_options
from gateway.delivery.merging import merge, set_free, waits_to_be_merged
from gateway.delivery.orders import order_of
from gateway.delivery.outbox import OutboxRemote
from gateway.delivery.parts import DELIVERED_ITSELF, delivered_as, is_merged, parts_of
from gateway.delivery.submissions import OPEN, RegistryLog, submission_row
from gateway.intake.originals import originals
from gateway.lake import RowSlices
from gateway.planning.plans import routes_of
from gateway.registry import tables as t
from gateway.registry.engine import move


def due(gateway: Gateway, kind: str = "payment") -> list[Mapping[str, Any]]:
    """Submissions that are planned or were left on the way, the earliest cut-off first."""
    return gateway.registry.rows(
        t.SUBMISSIONS, t.SUBMISSIONS.c.kind == kind, t.SUBMISSIONS.c.state.in_(OPEN), DELIVERED_ITSELF,
        order=t.SUBMISSIONS.c.cut_off_at,
    )  # fmt: skip


def doubtful(gateway: Gateway) -> list[Mapping[str, Any]]:
    """Payment submissions of unknown outcome: `dispatch` asks the provider about them, and sends nothing."""
    unknown = (t.SUBMISSIONS.c.kind == "payment", t.SUBMISSIONS.c.state == "UNKNOWN", DELIVERED_ITSELF)
    return gateway.registry.rows(t.SUBMISSIONS, *unknown)


def dispatch(gateway: Gateway, submission_id: str) -> str:
    """Carry a submission to DELIVERED (or UNKNOWN) from wherever it stands; its state afterwards.

    Safe to call at any time, by any number of workers: the registry decides which of them acts. About one that is UNKNOWN
    the provider is asked, where the transport can; nothing of it is ever sent again. What is to be merged is merged first, and a
    part of a merged submission goes with that one.

    Raises:
        TransientError: a listed fault before release: call again.
        ReleaseOver: voided before release: route the file again.
        Withheld: it waits, and says for what (kill switch, funds): nothing was released; call again later.
        OutsideError: any other fault before release.
    """
    row = submission_row(gateway, submission_id)
    if row["state"] not in {*OPEN, "UNKNOWN"}:
        return str(row["state"])
    if delivered_as(row) != submission_id:
        return dispatch(gateway, delivered_as(row))
    try:
        if row["state"] in {"PREPARED", "UPLOADING", "UPLOADED"}:
            RegistryLog(gateway, row).check()  # what has to wait is neither written nor carried over yet
        if waits_to_be_merged(row):
            return dispatch(gateway, merge(gateway, row))
        if row["key"] is None:
            row = _write(gateway, row)
        with parcel_of(gateway, row) as parcel, remote_of(gateway, row) as remote:
            act = remote.enquire if row["state"] == "UNKNOWN" else remote.deliver
            act(parcel, RegistryLog(gateway, row))
    except Conflict:
        return str(submission_row(gateway, submission_id)["state"])  # another worker holds it: what it decided stands
    except Withheld as fault:
        if not is_merged(row) or not _others_go(gateway, row, fault.message):
            raise
    return str(submission_row(gateway, submission_id)["state"])


def _others_go(gateway: Gateway, row: Mapping[str, Any], why: str) -> bool:
    """What keeps one part of a merged submission back keeps no other: they go without it. False where nobody can."""
    try:
        free = set_free(gateway, row, why)
    except Conflict:
        return False  # it is being released: as a whole or not at all
    for submission_id in free:
        with suppress(Withheld):
            dispatch(gateway, submission_id)
    return bool(free)


def _write(gateway: Gateway, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Export, read back, store the bytes, and let the first worker's bytes count. Raises Conflict: it was voided meanwhile."""
    values = written_file(gateway, row, submission_payments(gateway, row))
    registry = gateway.registry
    with registry.transaction() as connection:
        # The first worker's bytes count; who comes second reads them below.
        where = {"submission_id": row["submission_id"], "state": "PREPARED", "key": None}
        move(connection, t.SUBMISSIONS, where, **values, changed_at=registry.now())
    found = submission_row(gateway, row["submission_id"])
    if found["key"] is None:
        raise Conflict("it was voided while its file was written", submission_id=row["submission_id"])
    return found


def written_file(gateway: Gateway, row: Mapping[str, Any], payments: Iterator[pl.DataFrame]) -> dict[str, Any]:
    """Write the provider's file of a submission, read it back, and store it: its `key`, `sha256` and `size_bytes`.

    Raises: FrameBroken: what was planned, handed on, written and read back is not the same.
    """
    order = order_of(gateway, row)
    export = lookup("exporters", "EXPORT", order.provider.export.name)
    with tempfile.NamedTemporaryFile(prefix="bulkrail-") as out:
        handed = Tally(export.said(order))
        written = export.write(order, handed.passing(payments), out)
        out.flush()
        with mmap.mmap(out.fileno(), 0, access=mmap.ACCESS_READ) as data:
            with ThreadPoolExecutor(1) as pool:  # a digest needs no lock
                digest = pool.submit(hashlib.sha256, data)
                reread = export.reread(Source(row["file_id"], row["name"], data), order)
            sha256, size = digest.result().hexdigest(), len(data)
        # The plan's count and sum stand in the registry; which payments they are, their routes say.
        planned = ExportSummary(row["payments"], {row["currency"]: row["sum_minor"]}, handed.summary.digest)
        if not written == reread == handed.summary == planned:
            raise FrameBroken(
                f"the provider's file differs from its plan: planned {planned}, handed on {handed.summary}, written {written}, "
                f"read back {reread}",
                submission_id=row["submission_id"],
            )
        key = f"submissions/{row['submission_id']}-{sha256[:16]}"
        gateway.store.put(key, Path(out.name))
    return {"key": key, "sha256": sha256, "size_bytes": size}


def submission_routes(gateway: Gateway, row: Mapping[str, Any]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Id of each client file in a submission, with the ROUTES of its payments, in position order.

    In a merged submission the parts follow one another: positions go on from one to the next.
    """
    with gateway.registry.transaction() as connection:
        parts = parts_of(connection, row)
    before = 0
    for part in parts:
        routes = routes_of(gateway.lake, part["file_id"], [part["submission_id"]])
        yield part["file_id"], routes.sort("position").with_columns(pl.col("position") + before)
        before += part["payments"]


def submission_payments(gateway: Gateway, row: Mapping[str, Any]) -> Iterator[pl.DataFrame]:
    """PAYMENTS of a submission with `reference`, `position` and `execution_date` of `submission_routes`, in position order."""
    for file_id, routes in submission_routes(gateway, row):
        yield from _file_payments(gateway, file_id, routes)


def _file_payments(gateway: Gateway, file_id: str, routes: pl.DataFrame) -> Iterator[pl.DataFrame]:
    # Positions follow the rows of the client's file: a part of the lake after the other is in the order of both.
    placed = routes.select("row", "payment_id", "reference", "position", "execution_date")
    slices = RowSlices(iter([placed]))
    with originals(gateway, file_id) as beside:
        for part in gateway.lake.parts_with(file_id, "payments", routes["row"]):
            here = slices.of(part)
            all_of_it = here.height == part.height
            payments = part if all_of_it else part.filter(pl.col("row").is_in(here["row"].implode()))
            if not payments["payment_id"].equals(here["payment_id"]):
                raise FrameBroken("routes and payments of a submission differ", file_id=file_id)
            whole = payments.with_columns(here.select("reference", "position", "execution_date"))
            yield from beside(whole).iter_slices(WRITTEN_ROWS)


@contextmanager
def parcel_of(gateway: Gateway, row: Mapping[str, Any]) -> Iterator[Parcel]:
    """A submission's file while the block runs. Raises FrameBroken: the store holds other bytes."""
    with gateway.store.local(row["key"]) as path:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != row["sha256"]:
            raise FrameBroken(
                "the stored submission is not the one that was written", submission_id=row["submission_id"]
            )
        yield Parcel(
            row["submission_id"],
            row["name"],
            path,
            row["size_bytes"],
            sha256,
            row["payments"],
            row["sum_minor"],
            row["currency"] or "",
        )


@contextmanager
def remote_of(gateway: Gateway, row: Mapping[str, Any]) -> Iterator[Any]:
    """The `Remote` that a submission goes to. Raises TransientError, OutsideError, ConfigError."""
    if row["kind"] == "answer":
        yield OutboxRemote(gateway.store, row["destination"])
        return
    provider = gateway.profiles.provider(row["destination"])
    transport = lookup("providers", "TRANSPORT", provider.transport.name)
    with transport.connect(plugin_options("providers", "TRANSPORT", provider.transport), gateway.secret) as remote:
        yield remote
