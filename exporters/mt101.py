"""MT101 requests for transfer to banks: messages of one sequence A and several sequences B, split by size.

Source: SWIFT, Category 1 customer payments and cheques, MT101. docs/exports/mt101.md says which column is written where and
what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import numpy as np
import polars as pl

from canonical.contracts import ExportSummary, Model, Order, Said, Source
from canonical.errors import FrameBroken
from canonical.money import amount_minor
from canonical.tally import summary_of, written_as
from exporters._buffers import write_texts
from exporters._fit import misfits, refuse
from exporters._mt_transfer import REFERENCE_CHARS, Options, closing, limits, opening, sequences, set_out
from exporters._references import numbered

_RULE: Final = "mt101-fit"
_HEAD: Final = re.compile(
    r":20:([^\n]{1,16})\n:28D:1/1\n:50H:/[^\n]+\n(?:[^:\n][^\n]*\n)+(?::52A:[A-Z0-9]+\n)?:30:[0-9]{6}\Z"
)


@dataclass(slots=True)
class _Cut:
    """Where messages begin: what is in the open one."""

    payments: int = 0
    chars: int = 0
    number: int = 0

    def starts(self, sizes: list[int], head: int, options: Options) -> list[int]:
        """Indexes of the payments that begin a message."""
        found = []
        for place, size in enumerate(sizes):
            if not self.number or self.payments == options.payments_max or self.chars + size > options.chars_max:
                found.append(place)
                self.number, self.payments, self.chars = self.number + 1, 0, head
            self.payments += 1
            self.chars += size
        return found


@dataclass(frozen=True, slots=True)
class Mt101:
    """The provider export."""

    name: str = "mt101"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".fin"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002 - the protocol's
        """Field 21: sixteen characters."""
        return numbered(order.submission_id, position, REFERENCE_CHARS)

    def unfit(self, payments: pl.DataFrame, options: Options) -> pl.DataFrame:  # noqa: ARG002 - the same for all
        """FINDINGS of payments that no sequence B can carry whole. `write` refuses them: keep them off the rail."""
        return misfits(set_out(payments), limits(), _RULE)

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same payments give the same bytes, however they are cut into windows.

        Raises:
            FrameBroken: a payment that `unfit` names, no payment at all, or several execution dates.
        """
        options, summary, cut, day = _options(order), ExportSummary(), _Cut(), None
        for window in windows:
            payments = set_out(window.with_columns(pl.col("execution_date").fill_null(order.business_date)))
            refuse(misfits(payments, limits(), _RULE), "sequences B", order.submission_id)
            day = day or (payments["execution_date"][0] if payments.height else None)
            if (payments["execution_date"] != day).any():
                raise FrameBroken("a request has payments of several dates", submission_id=order.submission_id)
            if day is not None:
                write_texts(_with_heads(sequences(payments), options, cut, opening(order, options, 0, day)), out)
            summary = summary.plus(written_as(payments))
        if not cut.number:
            raise FrameBroken("a request has no payments", submission_id=order.submission_id)
        out.write(closing(options).encode("ascii"))
        return summary

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest the sequences B, with code of its own.

        Raises:
            FrameBroken: a message that is not whole, two of one reference, or a payment that cannot be read.
        """
        closed = "-}" if _options(order).sender else "-"
        whole = bytes(source.data).decode("ascii").replace("\r\n", "\n")
        messages = whole.split(f"\n{closed}\n")
        if messages.pop() != "" or not messages:
            raise FrameBroken(f"{source.name}: the last message is not closed")
        parts = pl.DataFrame({"text": messages}).select(pl.col("text").str.split("\n:21:")).to_series()
        heads = [_HEAD.search(head) for head in parts.list.first()]
        if None in heads or len({head[1] for head in heads if head}) != len(messages):
            raise FrameBroken(f"{source.name}: a message has not the sequence A that it should have")
        return _summary(source.name, parts.list.slice(1).explode(empty_as_null=False))


def _options(order: Order) -> Options:
    return Options.model_validate(order.provider.export.options)


def _with_heads(texts: pl.Series, options: Options, cut: _Cut, head: str) -> pl.Series:
    """The texts, with the end of a message and the beginning of the next before those that begin one."""
    before = cut.number
    starts = cut.starts(texts.str.len_bytes().to_list(), len(head) + len(closing(options)), options)
    number = f"{0:06d}"
    ends = closing(options)
    heads = [
        ("" if before + place == 0 else ends) + head.replace(number + "\r\n", f"{before + place + 1:06d}\r\n", 1)
        for place in range(len(starts))
    ]
    marks: np.ndarray = np.full(texts.len(), "", dtype=object)
    marks[starts] = heads
    return pl.select(pl.concat_str(pl.Series(marks.tolist(), dtype=pl.String), texts)).to_series()


def _summary(name: str, texts: pl.Series) -> ExportSummary:
    text = pl.col("text")
    read = pl.DataFrame({"text": texts}).select(
        text.str.extract(r"^([^\n]{1,16})\n").alias("reference"),
        text.str.extract(r"\n:32B:([A-Z]{3})[0-9,]+\n").alias("currency"),
        text.str.extract(r"\n:32B:[A-Z]{3}([0-9,]+)\n").str.replace(",", ".", literal=True).alias("amount"),
        text.str.extract(r"\n:59F?:/([^\n]+)\n").alias("account"),
        (text + pl.lit("\n")).str.contains(r"\n:71A:(OUR|SHA|BEN)\n$").alias("whole"),
    )
    read = read.with_columns(amount_minor(pl.col("amount"), pl.col("currency")).alias("amount_minor"))
    if (
        read.select("reference", "currency", "amount_minor", "account").null_count().sum_horizontal().item()
        or not read["whole"].all()
    ):
        raise FrameBroken(f"{name}: a payment of the written file cannot be read")
    return summary_of(read)


EXPORT: Final = Mt101()
