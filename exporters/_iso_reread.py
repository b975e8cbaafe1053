"""Read a written ISO 20022 file again, by other means than it was written: the bytes, patterns, and libxml2."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import polars as pl
from lxml import etree

from canonical.errors import FrameBroken
from canonical.limits import INT64_MAX
from canonical.money import minor_of, parse_minor
from canonical.tally import ExportSummary, summary_of

_SLICE_BYTES: Final = 16 * 2**20
_FED_BYTES: Final = 2**20
_HEAD_BYTES: Final = 64 * 2**10
_BATCH: Final = b"<PmtInf>"
_CURRENCY_CHARS: Final = 3
_COUNT: Final = re.compile(rb"<NbOfTxs>([0-9]+)</NbOfTxs>")
_SUM: Final = re.compile(rb"<(?:CtrlSum|TtlIntrBkSttlmAmt Ccy=\"[A-Z]{3}\")>([0-9.]+)</")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&#13;": "\r", "&amp;": "&"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file names what is looked for: the elements of a payment, its reference, amount and other side's account."""

    payment: str
    amount: str
    account: str
    reference: str = "InstrId"

    @property
    def opening(self) -> bytes:
        """How a payment begins, whatever its tag says besides."""
        return f"<{self.payment}".encode()

    @property
    def closing(self) -> bytes:
        """How it ends."""
        return f"</{self.payment}>".encode()

    @property
    def patterns(self) -> dict[tuple[str, ...], str]:
        """Columns → pattern with a group for each."""
        return {
            ("reference",): f"<{self.reference}>([^<]*)</{self.reference}>",
            ("currency", "amount"): f'<{self.amount} Ccy="([A-Z]{{3}})">([^<]*)</{self.amount}>',
            ("account",): f"<{self.account}><Id>(?:<IBAN>|<Othr><Id>)([^<]*)</",
        }

    @property
    def marks(self) -> dict[str, str]:
        """How a payment and what is looked for begin → their patterns, in the message's order."""
        beginnings = (f"<{self.reference}>", f'<{self.amount} Ccy="', f"<{self.account}><Id>")
        told = dict(zip(beginnings, self.patterns.values(), strict=True))
        return {f"<{self.payment}": f"<{self.payment}", **told, f"</{self.payment}>": f"</{self.payment}>"}


class _WellFormed:
    """A parser target that keeps nothing: libxml2 alone looks at the bytes."""

    def close(self) -> None:
        """End of the document."""


def _slices(data: bytes | mmap.mmap, closing: bytes) -> Iterator[bytes]:
    """The bytes in order, cut behind payments and where batches begin: a slice is of one batch."""
    start, size = 0, len(data)
    while start < size:
        end = min(start + _SLICE_BYTES, size)
        last = data.rfind(closing, start, end) if end < size else -1
        piece = data[start : last + len(closing) if last >= 0 else size]
        batch = piece.find(_BATCH, 1)
        yield piece if batch < 0 else piece[:batch]
        start += len(piece) if batch < 0 else batch


def _parse(data: bytes | mmap.mmap) -> None:
    parser = etree.XMLParser(
        target=_WellFormed(),  # type: ignore[arg-type]  # the stubs want every handler; libxml2 calls those there are
        resolve_entities=False, no_network=True, huge_tree=True,
    )  # fmt: skip
    try:
        for start in range(0, len(data), _FED_BYTES):
            parser.feed(data[start : start + _FED_BYTES])
        parser.close()
    except etree.XMLSyntaxError as fault:
        raise FrameBroken(f"the written file is not well-formed XML: {fault}") from fault


@dataclass(slots=True)
class _Part:
    """The file, or one of its batches: what it declares, and what was found in it."""

    count: bytes | None
    total: bytes | None
    found: ExportSummary


def reread(data: bytes | mmap.mmap, shape: Shape, namespace: str) -> ExportSummary:
    """Payments, their sums by currency and their digest, of a file in this namespace.

    Raises:
        FrameBroken: not well-formed, another message, a payment that cannot be read, or totals that disagree.
    """
    parts: list[_Part] = []
    with ThreadPoolExecutor(1) as pool:  # libxml2 leaves the lock to the counting
        parsed = pool.submit(_parse, data)
        for piece in _slices(data, shape.closing):
            found = _summary(piece, shape)
            if not parts or piece.startswith(_BATCH):
                parts.append(_opened(piece, shape))
            parts[-1].found = parts[-1].found.plus(found)
        parsed.result()
    if not parts or f'<Document xmlns="{namespace}"'.encode() not in data[:1024]:
        raise FrameBroken("the written file is not the message that it should be")
    whole = ExportSummary()
    for part in parts:
        whole = whole.plus(part.found)
    if len(whole.sums_minor) != 1 or parts[0].count is None:
        raise FrameBroken("the written file has no payments, several currencies, or declares no number of them")
    for part in (_Part(parts[0].count, parts[0].total, whole), *parts[1:]):
        _compare(part)
    return whole


def _opened(piece: bytes, shape: Shape) -> _Part:
    """What the head of a file or batch declares."""
    end = piece.find(shape.opening)
    head = piece[: _HEAD_BYTES if end < 0 else end]
    count, total = _COUNT.search(head), _SUM.search(head)
    return _Part(count and count[1], total and total[1], ExportSummary())


def _compare(part: _Part) -> None:
    found = part.found
    ((currency, total_minor),) = found.sums_minor.items() or [("", 0)]
    declared = None if part.total is None else parse_minor(part.total.decode(), currency, INT64_MAX)
    if (part.count is not None and int(part.count) != found.payments) or declared not in {None, total_minor}:
        raise FrameBroken(
            f"the written file declares {part.count!r}, {part.total!r} and holds {found.payments}, {total_minor}"
        )


def _summary(piece: bytes, shape: Shape) -> ExportSummary:
    rows = _in_order(piece, shape)
    rows = _one_by_one(piece, shape) if rows is None else rows
    minor = minor_of(rows["amount"], rows["currency"])
    if minor.null_count() or rows["reference"].null_count():
        raise FrameBroken("the written file holds a payment without an amount or reference that can be read")
    return summary_of(rows.with_columns(minor.alias("amount_minor"), _unescaped(rows["account"])))


def _in_order(piece: bytes, shape: Shape) -> pl.DataFrame | None:
    """reference, currency, amount, account where each payment has one of each, in the order of `Shape.marks`; else None."""
    try:
        text = pl.Series([piece], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError as fault:
        raise FrameBroken("the written file is not UTF-8") from fault
    # Within an expression Polars leaves the lock to libxml2.
    found = text.to_frame("text").select(pl.col("text").str.extract_all("|".join(shape.marks.values())).explode())
    marks = found.to_series().drop_nulls()
    if marks.len() % len(shape.marks):
        return None
    columns = {name: marks.gather_every(len(shape.marks), place) for place, name in enumerate(shape.marks)}
    if not all(column.str.starts_with(name).all() for name, column in columns.items()):
        return None
    _, reference, amount, account, _ = (pl.col(name).str.slice(len(name)) for name in columns)
    return pl.DataFrame(columns).select(
        reference.str.strip_suffix(f"</{shape.reference}>").alias("reference"),
        amount.str.head(_CURRENCY_CHARS).alias("currency"),
        amount.str.slice(_CURRENCY_CHARS + len('">')).str.strip_suffix(f"</{shape.amount}>").alias("amount"),
        account.str.strip_prefix("<Othr><Id>").str.strip_prefix("<IBAN>").str.strip_suffix("</").alias("account"),
    )


def _one_by_one(piece: bytes, shape: Shape) -> pl.DataFrame:
    """The same where a payment lacks one of them, or supplementary data has more of the kind: each is looked at for itself."""
    payments = piece.count(shape.closing)
    if payments != piece.count(shape.opening):
        raise FrameBroken("a payment of the written file is not whole")
    texts = pl.DataFrame({"text": piece.decode().split(shape.closing.decode())[:payments]}, schema={"text": pl.String})
    return texts.select(
        pl.col("text").str.extract(pattern, group).alias(name)
        for names, pattern in shape.patterns.items()
        for group, name in enumerate(names, start=1)
    )


def _unescaped(texts: pl.Series) -> pl.Series:
    if texts.str.contains("&", literal=True).any():
        texts = texts.str.replace_many(list(_ENTITIES), list(_ENTITIES.values()))
    return texts
