"""A file of pain.001 or pain.008: GrpHdr, and one PmtInf for all payments that share what stands there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, Final

import polars as pl

from canonical.ahead import ahead
from canonical.contracts import ExportSummary, Order
from canonical.limits import WINDOW_BYTES
from exporters._iso_dialect import Dialect
from exporters._iso_header import Totals, batch_header, group_header
from exporters._iso_reread import Shape
from exporters._iso_versions import Version
from exporters._iso_write import Submission, submission
from exporters._iso_xml import write_column

_COPY_BYTES: Final = 2**20


@dataclass(slots=True)
class _Batch:
    """One PmtInf: where its payments lie in the spool, and what they sum up to."""

    lifted: tuple[str | None, ...]
    extents: list[tuple[int, int]] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)


def write(
    order: Order,
    version: Version,
    dialect: Dialect,
    windows: Iterator[pl.DataFrame],
    out: BinaryIO,
    scheme: str | None = None,
) -> ExportSummary:
    """Write the file. `scheme`: creditor identifier of collections that say none.

    Headers declare count and sum before the payments, and these come once: they are written to a spool (memory up to one
    window, then disk) and copied behind their headers.

    Raises:
        FrameBroken: see `Pain001.write`.
    """
    written = submission(order, version, dialect, scheme)
    batches: dict[tuple[str | None, ...], _Batch] = {}
    totals = Totals()
    with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as spool:
        for payments, rows in ahead(written.rows(window) for window in windows):
            totals.add(version.message.turned(payments))
            for batch, part, xml in _parted(batches, payments, rows):
                start = spool.tell()
                write_column(xml, spool)
                batch.extents.append((start, spool.tell() - start))
                batch.totals.add(version.message.turned(part))
        out.write(group_header(order, version, dialect, totals))
        for number, batch in enumerate(batches.values(), start=1):
            out.write(_opening(written, batch, number, len(batches)))
            _copy(spool, batch.extents, out)
            out.write(b"</PmtInf>")
    out.write(f"</{version.message.element}></Document>\n".encode())
    return totals.summary


def _parted(
    batches: dict[tuple[str | None, ...], _Batch], payments: pl.DataFrame, rows: pl.DataFrame
) -> Iterator[tuple[_Batch, pl.DataFrame, pl.Series]]:
    """The payments of each batch, in order of its first one, with their XML."""
    names = [name for name in rows.columns if name != "xml"]
    if not names:
        if payments.height:
            yield batches.setdefault((), _Batch(())), payments, rows["xml"]
        return
    for key, places in rows.with_row_index("place").group_by(names, maintain_order=True):
        lifted = tuple(None if value is None else str(value) for value in key)
        taken = places["place"]
        yield batches.setdefault(lifted, _Batch(lifted)), payments[taken], places["xml"]


def _opening(written: Submission, batch: _Batch, number: int, several: int) -> bytes:
    """PmtInf of a batch. Its id is the submission's where it is the only one."""
    order = written.order
    batch_id = order.submission_id if several == 1 else f"{order.submission_id}-{number}"
    lifted = {name: xml for name, xml in zip(written.lifted, batch.lifted, strict=False) if xml is not None}
    return batch_header(
        written.payer, written.carrier, written.version, written.dialect, batch.totals, batch_id, lifted
    )


def _copy(spool: IO[bytes], extents: list[tuple[int, int]], out: BinaryIO) -> None:
    for start, size in extents:
        spool.seek(start)
        out.writelines(spool.read(min(_COPY_BYTES, size - at)) for at in range(0, size, _COPY_BYTES))


def shape(version: Version, dialect: Dialect) -> Shape:
    """How the file is read back."""
    message = version.message
    reference = "InstrId" if dialect.instruction_id else "EndToEndId"
    return Shape(message.payment, message.amount[-1], f"{message.theirs}Acct", reference)
