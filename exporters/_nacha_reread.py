"""Count and sum an ACH file from its bytes, as a matrix of digits: nothing here knows how the writer works."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from canonical.contracts import Source
from canonical.errors import FrameBroken
from canonical.tally import ExportSummary, summary_of
from exporters._nacha_offset import is_offset
from exporters._nacha_records import Offset

_STRIDE: Final = 95
_SLAB_RECORDS: Final = 100_000
_POWERS: Final = 10 ** np.arange(12, -1, -1, dtype=np.int64)
_CREDIT_SECOND_DIGITS: Final = 5

Matrix = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def _numbers(records: Matrix, first: int, last: int) -> npt.NDArray[np.int64]:
    """The digits at positions `first` to `last` (from 1) of each record as a number."""
    digits = records[:, first - 1 : last].astype(np.int64) - ord("0")
    if ((digits < 0) | (digits > 9)).any():  # noqa: PLR2004 - the largest digit
        raise FrameBroken(f"positions {first}-{last} of a record hold something else than digits")
    return digits @ _POWERS[-(last - first + 1) :]


def _texts(records: Matrix, first: int, last: int) -> pl.Series:
    """The texts at these positions, without blanks at their ends."""
    chars = last - first + 1
    data = pa.py_buffer(np.ascontiguousarray(records[:, first - 1 : last]))
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(chars), len(records), [None, data])
    return pl.Series(fixed, dtype=pl.Binary).cast(pl.String).str.strip_chars_end(" ")


def _summary(entries: Matrix, abroad: Flags, amounts: npt.NDArray[np.int64], offset: Offset | None) -> ExportSummary:
    accounts = _texts(entries, 13, 29)
    if abroad.any():
        accounts = pl.select(pl.when(pl.Series(abroad)).then(_texts(entries, 40, 74)).otherwise(accounts)).to_series()
    read = pl.DataFrame({"reference": _texts(entries, 80, 94), "account": accounts, "amount_minor": amounts})
    if offset is not None:
        read = read.filter(~is_offset(pl.col("reference"), pl.col("account"), offset))
    return summary_of(read.with_columns(pl.lit("USD").alias("currency")))


def _counted(matrix: Matrix, inside: bool, offset: Offset | None) -> tuple[dict[str, int], ExportSummary, bool]:
    """What one slab of records holds. `inside`: whether it begins, and then whether it ends, in a batch of class IAT."""
    kinds = matrix[:, 0]
    headers = np.flatnonzero(kinds == ord("5"))
    classes = (matrix[headers, 50:53] == np.frombuffer(b"IAT", np.uint8)).all(axis=1)
    place = np.flatnonzero(kinds == ord("6"))
    entries = matrix[place]
    abroad = np.concatenate(([inside], classes))[np.searchsorted(headers, place)]
    amounts = _numbers(entries, 30, 39)
    credit = _numbers(entries, 3, 3) < _CREDIT_SECOND_DIGITS
    return (
        {
            "entries": len(entries),
            "count": len(entries) + int((kinds == ord("7")).sum()),
            "batches": int((kinds == ord("5")).sum()),
            "hash": int(_numbers(entries, 4, 11).sum()),
            "debit": int(amounts[~credit].sum()),
            "credit": int(amounts[credit].sum()),
        },
        _summary(entries, abroad, amounts, offset),
        bool(classes[-1]) if len(classes) else inside,
    )


def reread(source: Source, offset: Offset | None = None) -> ExportSummary:
    """Entries, their sum and their digest, without the entries on an `offset` account.

    Raises:
        FrameBroken: lines that are not 94 characters long, blocks that are not full, or a file control record that
            differs from what was counted.
    """
    data = np.frombuffer(source.data, np.uint8)
    if data.size % (10 * _STRIDE) or not data.size:
        raise FrameBroken(f"{source.name} does not consist of blocks of ten records")
    matrix = data.reshape(-1, _STRIDE)
    if (matrix[:, _STRIDE - 1] != ord("\n")).any() or (matrix[:, : _STRIDE - 1] < ord(" ")).any():
        raise FrameBroken(f"{source.name}: a record is not 94 characters long")
    total = dict.fromkeys(("entries", "count", "batches", "hash", "debit", "credit"), 0)
    summary, inside = ExportSummary(), False
    for at in range(0, len(matrix), _SLAB_RECORDS):
        numbers, found, inside = _counted(matrix[at : at + _SLAB_RECORDS], inside, offset)
        summary = summary.plus(found)
        for name, number in numbers.items():
            total[name] += number
    _compare(source.name, matrix, total)
    if offset is not None and total["debit"] != total["credit"]:
        raise FrameBroken(f"{source.name} is not balanced: debits {total['debit']}, credits {total['credit']}")
    return summary


def _compare(name: str, matrix: Matrix, total: dict[str, int]) -> None:
    """Hold the file control record against what was counted."""
    filler = (matrix[-10:, : _STRIDE - 1] == ord("9")).all(axis=1)
    control = matrix[-10:][~filler][-1:]
    if not len(control) or control[0, 0] != ord("9"):
        raise FrameBroken(f"{name} does not end with a file control record")
    said = {
        "batches": (2, 7), "blocks": (8, 13), "count": (14, 21), "hash": (22, 31), "debit": (32, 43), "credit": (44, 55),
    }  # fmt: skip
    found = {**total, "blocks": len(matrix) // 10, "hash": total["hash"] % 10**10}
    for field, (first, last) in said.items():
        number = int(_numbers(control, first, last)[0])
        if number != found[field]:
            raise FrameBroken(f"{name}: the file control record says {field} {number}, the file has {found[field]}")
