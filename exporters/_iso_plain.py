"""Which payments of an ISO file hold nothing that the canonical columns do not carry, so that columns alone write them.

Every column with a value stands for the elements on its path. Their number is what the payment must at least have; where the
bytes hold just as many tags, there is nothing else in them: no element, no comment, no CDATA section. The estimate never
counts an element that may not be there (what a batch says, a text with a line feed in it), so that it errs to one side
only: such a payment is read as a whole, which is slower and always right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.identifying import NOT_PROVIDED
from exporters._iso_batches import Batch, encoded
from exporters._iso_original import decoded
from exporters._iso_shaped import CODE, IBAN
from exporters._iso_versions import BIC, Message

_OLD: Final = r"^pain\.(001\.\d{3}\.02|008\.\d{3}\.01)$"
"""Versions whose elements are too different."""
_ONE: Final = ("instruction_id", "end_to_end_id", "uetr")
"""Columns whose element stands alone in PmtId."""
_TYPES: Final = ("service_level", "local_instrument", "category_purpose")
_CREDITOR_ADDRESS: Final = (
    "creditor_street", "creditor_building", "creditor_post_code", "creditor_town", "creditor_country",
)  # fmt: skip
_SCOR: Final = "SCOR"


def plain(window: pl.DataFrame, batches: Mapping[int, Batch], message: Message) -> pl.Series:
    """Boolean by row of turned PAYMENTS with `original`."""
    if window["original_version"].unique().str.contains(_OLD).any():
        return pl.repeat(False, window.height, dtype=pl.Boolean, eager=True)
    said = {name for batch in batches.values() for name in batch.said}
    frame = window.with_columns(_texts(window).alias("_text"))
    tags = pl.col("_text").str.count_matches("<")  # a pattern of one letter is counted faster than a literal
    unlike = "|".join(f"{name}>" for name in sorted({"Prtry", *said}))
    tests = [
        tags == 2 * _elements(frame, said, message),
        pl.col("_text").str.contains(rf"^<([\w.-]+:)?{message.payment}"),
        ~pl.col("_text").str.contains(unlike),
        *_written_alike(frame, said),
        *(_collected_alike() if message.direction == CreditDebit.DBIT else ()),
    ]
    return frame.select(pl.all_horizontal(test.fill_null(value=False) for test in tests).alias("plain")).to_series()


def _texts(window: pl.DataFrame) -> pl.Series:
    """The client's bytes as text. Where their encoding is not known, tags are still ASCII, and only tags are looked at."""
    try:
        return window["original"].cast(pl.String)
    except pl.exceptions.ComputeError:  # not all is UTF-8
        names = window["original_encoding"] if encoded(window) else pl.repeat("utf-8", window.height, eager=True)
        pairs = zip(window["original"], names, strict=True)
        return pl.Series([decoded(data, name) or data.decode("latin-1") for data, name in pairs], dtype=pl.String)


def _elements(frame: pl.DataFrame, said: set[str], message: Message) -> pl.Expr:
    """How many elements the columns stand for."""
    parties = (
        _any(frame, "creditor_id", "creditor_lei") * 2 + _has(frame, "creditor_id") * 2 + _has(frame, "creditor_lei")
    )
    address = _any(frame, *_CREDITOR_ADDRESS, "creditor_address_lines") + _lines(frame, "creditor_address_lines")
    for name in _CREDITOR_ADDRESS:
        address += _has(frame, name)
    kinds = pl.lit(0, dtype=pl.UInt32)
    if "PmtTpInf" not in said:
        typed = (*_TYPES, *(["sequence_type"] if message.direction == CreditDebit.DBIT else []))
        kinds = _any(frame, *typed) + sum((_has(frame, name) * 2 for name in _TYPES), start=kinds)
        kinds += _has(frame, "sequence_type") if message.direction == CreditDebit.DBIT else 0
    references = _has(frame, "remittance_reference") * 3 + _has(frame, "remittance_reference_type") * 3
    creditor = ("creditor_name", *_CREDITOR_ADDRESS, "creditor_address_lines", "creditor_id", "creditor_lei")
    is_iban = pl.col("creditor_account").str.contains(IBAN).fill_null(value=False)
    return (
        pl.lit(2 + len(message.amount), dtype=pl.UInt32)  # CdtTrfTxInf, PmtId, Amt, InstdAmt
        + sum((_has(frame, name) for name in _ONE), start=kinds)
        + (_has(frame, "charge_bearer") if "ChrgBr" not in said else 0)
        + (_has(frame, "ultimate_debtor_name") * 2 if f"Ultmt{message.ours}" not in said else 0)
        + (_collected(frame) if message.direction == CreditDebit.DBIT else 0)
        + _has(frame, "creditor_agent") * 3
        + _any(frame, *creditor) + _has(frame, "creditor_name") + address + parties
        + _has(frame, "creditor_account") * 4 - is_iban.cast(pl.UInt32) + _has(frame, "creditor_account_type") * 2
        + _has(frame, "ultimate_creditor_name") * 2
        + _has(frame, "purpose") * 2
        + _any(frame, "remittance", "remittance_reference") + _lines(frame, "remittance") + references
    )  # fmt: skip


def _collected(frame: pl.DataFrame) -> pl.Expr:
    """The same of what only a direct debit has. Without a BIC its agent says NOTPROVIDED."""
    mandate = ("mandate_id", "mandate_date", "mandate_amended")
    unnamed = pl.col("creditor_agent").is_null().cast(pl.UInt32)
    return sum((_has(frame, name) for name in mandate), start=_any(frame, *mandate) * 2) + unnamed * 4


def _collected_alike() -> Iterator[pl.Expr]:
    yield pl.col("creditor_agent").is_not_null() | pl.col("_text").str.contains(f">{NOT_PROVIDED}<", literal=True)
    yield pl.col("mandate_date_text").is_null() | (
        pl.col("mandate_date_text") == pl.col("mandate_date").dt.to_string("%Y-%m-%d")
    )
    yield pl.col("mandate_amended").is_null() | pl.col("_text").str.contains("AmdmntInd>(true|false)<")
    # A creditor identifier of the payment's own is written with its scheme.
    yield ~pl.col("_text").str.contains("CdtrSchmeId", literal=True)


def _written_alike(frame: pl.DataFrame, said: set[str]) -> list[pl.Expr]:
    """What must hold, where a column has a value, so that it is written under the very element it came from."""
    text, account, kind = pl.col("_text"), pl.col("creditor_account"), pl.col("remittance_reference_type")
    found = []
    if _some(frame, "creditor_agent"):
        found.append(pl.col("creditor_agent").is_null() | pl.col("creditor_agent").str.contains(BIC))
    if _some(frame, "remittance_reference"):
        found += [kind.is_null() | (kind == _SCOR), ~pl.col("remittance_reference").fill_null("").str.contains("\n")]
    if "PmtTpInf" not in said:
        found += [
            pl.col(name).is_null() | pl.col(name).str.contains(CODE)
            for name in ("local_instrument", "category_purpose")
            if _some(frame, name)
        ]
    if not frame["creditor_account"].str.contains(IBAN).all():
        # Blanks in an account are not in the column; an IBAN that has not its form is still under IBAN.
        same = text.str.contains(pl.concat_str(pl.lit(">"), account, pl.lit("<")), literal=True)
        found.append(account.str.contains(IBAN) | (same & ~text.str.contains("IBAN>", literal=True)))
    if _some(frame, "creditor_account_type"):
        found.append(pl.col("creditor_account_type").is_null() | ~account.str.contains(IBAN))
    for name, element in (("remittance", "Ustrd"), ("creditor_address_lines", "AdrLine")):
        if frame[name].str.contains("\n", literal=True).any():
            several = pl.col(name).str.count_matches("\n", literal=True) + 1
            tags = text.str.count_matches(f"{element}>", literal=True)
            found.append(~pl.col(name).str.contains("\n", literal=True).fill_null(value=False) | (tags == 2 * several))
    return found


def _some(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() < frame.height


def _has(frame: pl.DataFrame, name: str) -> pl.Expr:
    return _any(frame, name)


def _any(frame: pl.DataFrame, *names: str) -> pl.Expr:
    """1 where one of the columns has a value, else 0."""
    some = [name for name in names if _some(frame, name)]
    if any(frame[name].null_count() == 0 for name in some):
        return pl.lit(1, dtype=pl.UInt32)
    tests = [pl.col(name).is_not_null() for name in some]
    return pl.any_horizontal(tests).cast(pl.UInt32) if tests else pl.lit(0, dtype=pl.UInt32)


def _lines(frame: pl.DataFrame, name: str) -> pl.Expr:
    if not _some(frame, name):
        return pl.lit(0, dtype=pl.UInt32)
    return (pl.col(name).str.count_matches("\n", literal=True) + 1).fill_null(0)
