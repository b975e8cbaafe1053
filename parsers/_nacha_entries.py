"""Entries of ACH files as arrays: their numbers, their batch, their addenda, and what is wrong with them.

Source: Nacha Operating Rules, Appendix Three: entry detail records of all classes, trace number requirements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.money import amount_text
from parsers._nacha_classes import CLASS_OF, ORDERED
from parsers._nacha_digits import Bytes, Flags, Integers, field, numbers, strings
from parsers._nacha_findings import Fault
from parsers._nacha_layout import ADVICE_CODES, DIRECTIONS, RETURN_CODES, ZERO_DOLLAR_CODES, cut, words
from parsers._nacha_order import Placed
from parsers._nacha_parts import Parts

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
CODE: Final = Fault(
    "nacha-transaction-code", "AG02", *_PAYMENT, "transaction_code",
    "Use a code for payments: 22 or 27 (checking), 32 or 37 (savings), 42 or 47 (general ledger), 52 (loan), their "
    "prenotes and zero-dollar codes.",
)  # fmt: skip
RETURN_CODE: Final = Fault(
    "nacha-return-code",
    "AG02",
    *_PAYMENT,
    "transaction_code",
    "Leave returned entries out: banks send them, not companies.",
)
DIRECTION: Final = Fault(
    "nacha-direction", "AG02", *_PAYMENT, "transaction_code",
    "Use a class that carries this direction; only a batch described as REVERSAL may turn it round.",
)  # fmt: skip
NO_MONEY: Final = Fault(
    "nacha-zero-dollar", "AM12", *_PAYMENT, "amount_text", "Set the amount to zero, or use a class that moves money."
)
ZERO_DOLLAR_CODE: Final = Fault(
    "nacha-zero-dollar-code", "AG02", *_PAYMENT, "transaction_code",
    "Send remittance without money in class CCD, CTX or IAT; to try an account, use a prenote: 23, 28, 33, 38, 43, 48 or 53.",
)  # fmt: skip
AMOUNT: Final = Fault(
    "nacha-amount-limit", "AM02", *_PAYMENT, "amount_text", "Collect larger checks another way than with this class."
)
TRACE: Final = Fault(
    "nacha-trace", "DU03", *_PAYMENT, "instruction_id", "Give every entry a trace number of 15 digits."
)
TRACE_ORDER: Final = Fault(
    "nacha-trace-order", "DU03", *_PAYMENT, "instruction_id",
    "Give every entry a trace number above that of the entry before it in the batch.",
)  # fmt: skip
FAULTS: Final = (CODE, RETURN_CODE, DIRECTION, NO_MONEY, ZERO_DOLLAR_CODE, AMOUNT, TRACE, TRACE_ORDER)

CREDIT, DEBIT = 1, 2
_TRACE_SEQUENCE: Final = 10**7
_DIRECTION_OF: Final = np.zeros(101, np.int8)
for _code, _direction in DIRECTIONS.items():
    _DIRECTION_OF[int(_code)] = CREDIT if _direction == "CRDT" else DEBIT
_NO_CODE: Final = 100
_RETURNED: Final = [int(code) for code in sorted(RETURN_CODES)]
_ZERO_DOLLAR: Final = [int(code) for code in sorted(ZERO_DOLLAR_CODES)]
_ADVISED: Final = [int(code) for code in sorted(ADVICE_CODES)]


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a window, as arrays of one length, in file order.

    `position`: index of its batch header, -1 outside a batch. `row` numbers the payments (inside a batch, with a code that
    has a direction), 0 for the others. `class_index`: place of its class in ORDERED. `first_addenda`, `addenda`: where its
    addenda begin among those of the window, and how many they are. `end`: byte after the last of them.
    """

    matrix: Bytes
    line: Integers
    offset: Integers
    batch: Integers
    position: Integers
    row: Integers
    class_index: Integers
    code: Integers
    direction: Integers
    amount: Integers
    amount_known: Flags
    rdfi: Integers
    trace: Integers
    trace_known: Flags
    foreign_trace: Flags
    first_addenda: Integers
    addenda: Integers
    end: Integers

    def take(self, chosen: Integers | Flags | slice) -> Entries:
        """Some of them."""
        columns: dict[str, Any] = {item.name: getattr(self, item.name)[chosen] for item in fields(self)}
        return replace(self, **columns)

    @property
    def summed(self) -> dict[str, Integers | Flags]:
        """What batch and file sums need."""
        return {
            "rdfi": self.rdfi, "amount": self.amount, "foreign_trace": self.foreign_trace,
            "debit": self.direction == DEBIT, "credit": self.direction == CREDIT, "sideless": self.direction == 0,
        }  # fmt: skip

    def of_class(self, flags: dict[str, bool]) -> Flags:
        """Whether the class of each entry is one of those with a true flag. `flags`: class code → flag."""
        table = np.array([flags.get(item.code, False) for item in ORDERED])
        return np.asarray(table[self.class_index])

    def at(self, chosen: Flags | Integers, headers: pl.DataFrame) -> pl.DataFrame:
        """line, batch, batch_id, row, end_to_end_id, sec, text, addenda, amount of some entries, for findings."""
        some = self.take(chosen)
        position = pl.Series(some.position)
        header = headers.select("batch_id", "sec", "description")
        looked_up = (
            header[pl.select(pl.when(position >= 0).then(position)).to_series()] if header.height else header.clear()
        )
        frame = pl.DataFrame(
            {
                "line": some.line, "batch": some.batch, "row": some.row, "addenda": some.addenda, "amount": some.amount,
                "class_index": some.class_index,
            }
        ).with_columns(strings(some.matrix), pl.when(pl.col("row") > 0).then("row").alias("row"))  # fmt: skip
        if looked_up.height == frame.height:
            frame = pl.concat([frame, looked_up], how="horizontal")
        return frame.with_columns(_identification(set(some.class_index.tolist())).alias("end_to_end_id"))


def _identification(present: set[int]) -> pl.Expr:
    chosen = pl.lit(None, dtype=pl.String)
    for index in present:
        span = ORDERED[index].identification
        if span is not None:
            chosen = pl.when(pl.col("class_index") == index).then(words(*span)).otherwise(chosen)
    return chosen


def entries_of(here: Placed, headers: pl.DataFrame, rows: int) -> Entries:
    """The entries of the placed records. `rows`: payments before this window."""
    records, parts = here.records, here.parts
    index = parts.entries
    inside, batch = here.inside[index], here.batch[index]
    first = int(headers["batch"][0]) if headers.height else 0
    position = np.where(inside & bool(headers.height), batch - first, -1)
    class_index = _per_header(headers, "class_index", len(ORDERED) - 1)[position]
    code, known = parts.code
    direction = _DIRECTION_OF[np.where(known, code, _NO_CODE)]
    row = np.where(inside & (direction > 0), np.cumsum(inside & (direction > 0)) + rows, 0)
    amount, amount_known = _amounts(parts, class_index)
    trace, trace_known = parts.trace
    odfi = _per_header(headers, "odfi_number", -1)[position]
    foreign = trace_known & (odfi >= 0) & (trace // _TRACE_SEQUENCE != odfi) & (class_index != CLASS_OF["ADV"])
    own_end = records.offsets[index] + records.lengths[index]
    count = np.bincount(parts.owner, minlength=len(index)) if len(index) else np.zeros(0, np.int64)
    last = np.cumsum(count) - 1
    ends = records.offsets[parts.addenda] + records.lengths[parts.addenda]
    end = np.where(count > 0, ends[last], own_end) if ends.size else own_end
    return Entries(
        parts.entry_matrix, records.lines[index], records.offsets[index], batch, position, row, class_index,
        np.where(known, code, _NO_CODE), direction.astype(np.int64), amount, amount_known, parts.rdfi[0],
        trace, trace_known, foreign, last - count + 1, count, end,
    )  # fmt: skip


def _per_header(headers: pl.DataFrame, column: str, missing: int) -> Integers:
    """A number for each header, and one more at the end for no header."""
    return np.append(headers[column].to_numpy(), missing)


def _amounts(parts: Parts, class_index: Integers) -> tuple[Integers, Flags]:
    amount, known = parts.amount
    advices = np.flatnonzero(class_index == CLASS_OF["ADV"])
    if advices.size:
        amount, known = amount.copy(), known.copy()
        amount[advices], known[advices] = numbers(parts.entry_matrix[advices], *ORDERED[CLASS_OF["ADV"]].amount)
    return amount, known


def entry_findings(entries: Entries, headers: pl.DataFrame, last_trace: tuple[int, int]) -> Iterator[pl.DataFrame]:
    """What is wrong with entries inside batches. `last_trace`: batch and trace number of the entry before the window."""
    inside, code = entries.position >= 0, cut(2, 3)
    advised = inside & np.isin(entries.code, _ADVISED) & (entries.class_index != CLASS_OF["ADV"])
    for fault, wrong, message in (
        (CODE, inside & (entries.direction == 0), "There is no transaction code {}; the entry cannot be read."),
        (CODE, advised, "Transaction code {} is for accounting advices (ADV), not for payments."),
        (
            RETURN_CODE,
            inside & np.isin(entries.code, _RETURNED),
            "Transaction code {} is for returns, not for payments.",
        ),
    ):
        if wrong.any():
            yield fault.on(entries.at(wrong, headers), pl.format(message, code), code)
    yield from _class_findings(entries, headers)
    yield from _trace_findings(entries, headers, last_trace)


def _class_findings(entries: Entries, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Directions and amounts that the class of the batch does not carry."""
    for direction, name in ((CREDIT, "CRDT"), (DEBIT, "DBIT")):
        closed = {item.code: name not in item.directions for item in ORDERED}
        wrong = (entries.direction == direction) & entries.of_class(closed)
        if wrong.any():
            found = entries.at(wrong, headers).filter(pl.col("description").str.to_uppercase().ne_missing("REVERSAL"))
            side = "credits" if direction == CREDIT else "debits"
            yield DIRECTION.on(found, pl.format(f"Class {{}} carries no {side}.", "sec"), cut(2, 3))
    amount = amount_text(pl.col("amount"), pl.lit("USD"))
    wrong = entries.of_class({item.code: item.no_money for item in ORDERED}) & (entries.amount > 0)
    if wrong.any():
        message = pl.format("Entries of class {} move no money; the amount is {} USD.", "sec", amount)
        yield NO_MONEY.on(entries.at(wrong, headers), message, amount)
    # Classes that move no money at all have these codes too.
    closed = {item.code: item.code not in {"", "ADV"} and not (item.zero_dollar or item.no_money) for item in ORDERED}
    wrong = np.isin(entries.code, _ZERO_DOLLAR) & entries.of_class(closed)
    if wrong.any():
        message = pl.format(
            "Transaction code {} is for remittance without money, which class {} does not carry.", cut(2, 3), "sec"
        )
        yield ZERO_DOLLAR_CODE.on(entries.at(wrong, headers), message, cut(2, 3))
    most = np.array([item.amount_minor_max or 10**12 for item in ORDERED])
    wrong = entries.amount > most[entries.class_index]
    if wrong.any():
        limits = {item.code: f"{(item.amount_minor_max or 0) // 100:,}" for item in ORDERED}
        limit = pl.col("sec").replace_strict(limits, default="", return_dtype=pl.String)
        yield AMOUNT.on(entries.at(wrong, headers), pl.format("Class {} carries at most {} USD.", "sec", limit), amount)


def _trace_findings(entries: Entries, headers: pl.DataFrame, last_trace: tuple[int, int]) -> Iterator[pl.DataFrame]:
    inside = (entries.position >= 0) & (entries.class_index != CLASS_OF["ADV"])
    text = cut(80, 94)
    wrong = inside & ~entries.trace_known
    if wrong.any():
        yield TRACE.on(entries.at(wrong, headers), "The trace number is not 15 digits.", text)
    batch, before = last_trace
    same_batch = entries.batch == np.concatenate(([batch], entries.batch[:-1]))[: len(entries.batch)]
    previous = np.concatenate(([before], entries.trace[:-1]))[: len(entries.batch)]
    wrong = inside & entries.trace_known & same_batch & (entries.trace <= previous)
    if wrong.any():
        message = "The trace number is not above that of the entry before."
        yield TRACE_ORDER.on(entries.at(wrong, headers), message, text)


def all_of(matrix: Bytes, first: int, last: int, byte: str = " ") -> Flags:
    """Whether nothing but this character stands at these positions."""
    return np.asarray((field(matrix, first, last) == ord(byte)).all(axis=1))
