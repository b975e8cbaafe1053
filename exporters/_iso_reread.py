"""Read a written pain.001 again, by other means than it was written: the bytes, a pattern, and libxml2."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl
from lxml import etree

from canonical.contracts import ExportSummary
from canonical.errors import FrameBroken
from canonical.limits import INT64_MAX
from canonical.money import amount_minor, parse_minor

_SLICE_BYTES: Final = 16 * 2**20
_OPENING: Final = b"<CdtTrfTxInf"
_CLOSING: Final = b"</CdtTrfTxInf>"
_AMOUNT: Final = re.compile(rb'<InstdAmt Ccy="([A-Z]{3})">([^<]*)</InstdAmt>')
_DECLARED: Final = re.compile(rb"<NbOfTxs>([0-9]+)</NbOfTxs><CtrlSum>([0-9.]+)</CtrlSum>")


class _WellFormed:
    """A parser target that keeps nothing: libxml2 alone looks at the bytes."""

    def close(self) -> None:
        """End of the document."""


def _slices(data: bytes | mmap.mmap) -> Iterator[bytes]:
    """The bytes in order, cut behind payments."""
    start, size = 0, len(data)
    while start < size:
        last = data.rfind(_CLOSING, start, min(start + _SLICE_BYTES, size))
        end = last + len(_CLOSING) if last >= 0 and start + _SLICE_BYTES < size else size
        yield data[start:end]
        start = end


def _parse(data: bytes | mmap.mmap) -> None:
    parser = etree.XMLParser(
        target=_WellFormed(),  # type: ignore[arg-type]  # the stubs want every handler; libxml2 calls those there are
        resolve_entities=False, no_network=True, huge_tree=True,
    )  # fmt: skip
    try:
        for piece in _slices(data):
            parser.feed(piece)
        parser.close()
    except etree.XMLSyntaxError as fault:
        raise FrameBroken(f"the written file is not well-formed XML: {fault}") from fault


def reread(data: bytes | mmap.mmap, namespaces: tuple[str, ...]) -> ExportSummary:
    """Payments and their sums by currency, in minor units, of a file in one of the namespaces.

    Raises:
        FrameBroken: not well-formed, another message, an amount that cannot be read, or totals that disagree.
    """
    counted, sums, declared = 0, dict[str, int](), list[tuple[bytes, bytes]]()
    with ThreadPoolExecutor(1) as pool:  # libxml2 leaves the lock to the counting
        parsed = pool.submit(_parse, data)
        for piece in _slices(data):
            declared = declared or _DECLARED.findall(piece)
            payments = piece.count(_OPENING)
            _add(sums, _AMOUNT.findall(piece), payments)
            counted += payments
        parsed.result()
    head = data[:1024]
    known = any(f'<Document xmlns="{namespace}"'.encode() in head for namespace in namespaces)
    if not known or len(sums) != 1 or len(declared) != 2:  # noqa: PLR2004 GrpHdr, PmtInf
        raise FrameBroken("the written file is not the pain.001 that it should be")
    ((currency, total_minor),) = sums.items()
    for count, total in declared:
        if int(count) != counted or parse_minor(total.decode(), currency, INT64_MAX) != total_minor:
            raise FrameBroken(f"the written file declares {count!r}, {total!r} and holds {counted}, {total_minor}")
    return ExportSummary(counted, sums)


def _add(sums: dict[str, int], found: list[tuple[bytes, bytes]], payments: int) -> None:
    if len(found) != payments:
        raise FrameBroken(f"{payments} payments have {len(found)} amounts that can be read")
    amounts = pl.DataFrame(found, schema={"currency": pl.Binary, "text": pl.Binary}, orient="row").cast(pl.String)
    read = amounts.with_columns(amount_minor(pl.col("text"), pl.col("currency")).alias("minor"))
    if read["minor"].null_count():
        raise FrameBroken("the written file holds an amount that cannot be read")
    for currency, minor in read.group_by("currency").agg(pl.col("minor").sum()).iter_rows():
        sums[currency] = sums.get(currency, 0) + minor
