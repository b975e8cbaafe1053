"""Entries of ACH files as PAYMENTS.

Source: Nacha Operating Rules, Appendix Three: entry detail records of all classes. docs/formats/nacha.md says what is read
into which column.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.money import amount_text
from parsers import _nacha_iat as iat
from parsers._nacha_addenda import Addenda, remittances
from parsers._nacha_classes import ORDERED, EntryClass
from parsers._nacha_digits import Bytes, Integers, amount_texts, payment_ids
from parsers._nacha_entries import DEBIT, Entries
from parsers._nacha_findings import Fault
from parsers._nacha_layout import ACCOUNT_TYPES, NO_MONEY_CODES
from parsers._nacha_texts import has_gaps, raw, words

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
RECEIVER_NAME: Final = {
    "CRDT": Fault("nacha-receiver-name", "BE22", *_PAYMENT, "creditor_name", "Give the name of who is paid."),
    "DBIT": Fault("nacha-receiver-name", "RR02", *_PAYMENT, "debtor_name", "Give the name of who pays."),
}
IDENTIFICATION: Final = Fault(
    "nacha-check-serial", "CH21", *_PAYMENT, "end_to_end_id", "Give the check serial number at positions 40-54."
)
PAYMENT_TYPE: Final = Fault(
    "nacha-payment-type", "FF03", Severity.WARNING, Level.PAYMENT, "sequence_type",
    "Write R (recurring) or S (single) at position 77 of WEB and TEL entries.",
)  # fmt: skip
FAULTS: Final = (*RECEIVER_NAME.values(), IDENTIFICATION, PAYMENT_TYPE)

_NAME_AT: Final = {item.code: "{}-{}".format(*item.name) for item in ORDERED if item.name}
_NOTHING: Final = pl.lit(None, dtype=pl.String)
_HEADER: Final = {
    "batch_id": "batch_id", "line": "batch_line", "date_text": "requested_execution_date_text", "sec": "local_instrument",
    "description": "category_purpose", "company_name": "name", "company_id": "id", "odfi": "agent", "date": "date",
}  # fmt: skip
_ACCOUNT_TYPE: Final = pl.Series("account_type", [ACCOUNT_TYPES.get(str(first)) for first in range(10)])
"""By the first digit of the transaction code."""
_RUNS_MAX: Final = 32
"""Runs of one class and direction in a window that are read one by one, without copying or sorting."""
_NO_MONEY: Final = [int(code) for code in sorted(NO_MONEY_CODES)]


def payments_of(entries: Entries, addenda: Addenda, headers: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """PAYMENTS columns (those that ACH files have) of the entries that can become payments.

    Entries of one class layout and direction are read together, so that no column has to be chosen row by row.
    """
    told = remittances(addenda, len(entries.line))
    group = np.where(entries.row > 0, entries.class_index * 2 + (entries.direction == DEBIT), -1)
    parts = []
    for ordinals in _runs(group):
        layout = ORDERED[int(group[ordinals][0]) // 2]
        columns: dict[str, Any] = {"remittance": told[ordinals]}
        if layout.addenda == "IAT":
            texts = iat.addenda_texts(addenda, np.arange(len(group))[ordinals], len(group))
            columns |= {name: texts[name] for name in texts.columns}
        parts.append(_part(entries.take(ordinals), layout, headers, columns, file_id))
    if not parts:
        return pl.DataFrame()
    if len(parts) == 1:
        return parts[0]
    rows = [part["row"] for part in parts]
    whole = pl.concat(parts, how="diagonal")
    ascending = all(int(before[-1]) < int(after[0]) for before, after in pairwise(rows))
    return whole if ascending else whole.sort("row")


def _runs(group: Integers) -> Iterator[slice | Integers]:
    """Where entries of one group stand: slices where they follow one another, else the ordinals of each group."""
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1]))[: len(group)])
    if len(starts) <= _RUNS_MAX:
        places = [*starts.tolist(), len(group)]
        yield from (slice(*place) for place in pairwise(places) if group[place[0]] >= 0)
    else:
        yield from (np.flatnonzero(group == value) for value in np.unique(group[group >= 0]))


def _part(
    entries: Entries, layout: EntryClass, headers: pl.DataFrame, columns: dict[str, Any], file_id: str
) -> pl.DataFrame:
    matrix, collects = entries.matrix, bool(entries.direction[0] == DEBIT)
    frame = pl.DataFrame(
        {
            "row": entries.row, "line": entries.line, "offset": entries.offset, "batch": entries.batch,
            "length": entries.end - entries.offset, "amount": entries.amount, **columns,
        }
    ).with_columns(_known_amount(entries), _ACCOUNT_TYPE.gather(entries.code // 10))  # fmt: skip
    header = {name: _of_header(headers, column, entries.position) for column, name in _HEADER.items()}
    fast = amount_texts(entries.amount)
    amount = amount_text(pl.col("amount"), pl.lit("USD")) if fast is None else pl.lit(fast)
    if not entries.amount_known.all():
        amount = pl.when(pl.col("amount_minor").is_null()).then(words(matrix, *layout.amount)).otherwise(amount)
    direction = "DBIT" if collects else "CRDT"
    return frame.select(
        payment_ids(file_id, entries.offset),
        "row", "line", "offset", "length", "batch", "amount_minor",
        raw(matrix, 80, 94).alias("instruction_id"),
        _identification(matrix, layout).alias("end_to_end_id"),
        pl.lit(direction).alias("credit_debit"),
        amount.alias("amount_text"),
        pl.lit("USD").alias("currency"),
        *(header[name].alias(name) for name in ("batch_id", "batch_line", "requested_execution_date_text", "local_instrument", "category_purpose")),
        pl.when(header["requested_execution_date_text"].is_not_null()).then(header["date"]).alias("requested_execution_date"),
        *_kind(matrix, layout),
        *_parties(matrix, layout, header, ("creditor", "debtor") if collects else ("debtor", "creditor")),
        words(matrix, *layout.payload).alias("remittance") if layout.payload else "remittance",
        raw(matrix, 2, 3).alias("transaction_code"),
        pl.Series("prenote", np.isin(entries.code, _NO_MONEY)),
        pl.lit(layout.uncarried, dtype=pl.String).alias("uncarried"),
    )  # fmt: skip


def _known_amount(entries: Entries) -> pl.Expr | pl.Series:
    amount = pl.Series("amount_minor", entries.amount)
    if entries.amount_known.all():
        return amount
    return pl.when(pl.Series(entries.amount_known)).then(amount).alias("amount_minor")


def _of_header(headers: pl.DataFrame, column: str, position: Integers) -> pl.Expr:
    """A column of the batch headers for each entry: a literal where all are of one batch."""
    values = headers[column]
    if position[0] == position[-1]:
        return pl.lit(values[int(position[0])], dtype=values.dtype)
    return pl.lit(values.gather(position))


def _identification(matrix: Bytes, layout: EntryClass) -> pl.Expr | pl.Series:
    if layout.addenda == "IAT":
        return iat.IDENTIFICATION
    return words(matrix, *layout.identification) if layout.identification else _NOTHING


def _kind(matrix: Bytes, layout: EntryClass) -> Iterator[pl.Expr | pl.Series]:
    """What stands at 77-78: the payment type of WEB and TEL, the type of card transaction or item of others."""
    if layout.kind == "sequence_type":
        yield words(matrix, 77, 78).alias("sequence_type")
    elif layout.kind == "purpose":
        yield words(matrix, 77, 78).alias("purpose")
    elif layout.addenda == "IAT":
        yield iat.PURPOSE.alias("purpose")


def _parties(
    matrix: Bytes, layout: EntryClass, header: dict[str, pl.Expr], sides: tuple[str, str]
) -> Iterator[pl.Expr | pl.Series]:
    """The company pays a credit and is paid by a debit; the receiver is the other side."""
    company, receiver = sides
    ours: dict[str, pl.Expr | pl.Series] = {name: header[name] for name in ("name", "id", "agent")}
    account = words(matrix, *layout.account)
    if has_gaps(matrix, *layout.account):
        # Some programs put blanks between the groups of an account number, which no bank means.
        account = account.str.replace_all(" ", "", literal=True)
    theirs: dict[str, pl.Expr | pl.Series] = {
        "account": account,
        "account_type": pl.col("account_type"),
        "agent": raw(matrix, 4, 12),
    }
    if layout.addenda == "IAT":
        ours |= iat.ORIGINATOR
        theirs |= iat.RECEIVER
    else:
        theirs["name"] = words(matrix, *layout.name) if layout.name else _NOTHING
    for name, value in ours.items():
        yield value.alias(f"{company}_{name}")
    for name, value in theirs.items():
        yield value.alias(f"{receiver}_{name}")


def payment_findings(payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What a class demands of the payment itself."""
    if payments.is_empty():
        return
    sec = pl.col("local_instrument")
    named = {item.code for item in ORDERED if item.named}
    for direction, fault in RECEIVER_NAME.items():
        name = pl.col(fault.field)
        # Few names begin with a zero: only of those it is asked whether they are nothing else.
        if payments[fault.field].null_count() or payments[fault.field].str.starts_with("0").any():
            nameless = payments.filter(
                name.is_null() | (name.str.strip_chars("0") == ""), pl.col("credit_debit") == direction
            )
            message = pl.format(
                "Class {} needs the receiver's name (entry, positions {}).",
                sec,
                sec.replace_strict(_NAME_AT, default="55-76"),
            )
            yield fault.on(nameless.filter(sec.is_in(named)), message, name)
    if payments["end_to_end_id"].null_count():
        identified = {item.code for item in ORDERED if item.identified}
        without = payments.filter(pl.col("end_to_end_id").is_null(), sec.is_in(identified))
        yield IDENTIFICATION.on(without, pl.format("Class {} needs the check serial number.", sec))
    if "sequence_type" in payments.columns and payments["sequence_type"].null_count() < payments.height:
        kind = pl.col("sequence_type")
        odd = payments.filter(kind.is_not_null() & ~kind.is_in(["R", "S"]))
        yield PAYMENT_TYPE.on(odd, pl.format("There is no payment type code {}.", kind), kind)
