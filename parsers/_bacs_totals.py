"""What a Standard 18 file sums up to: the totals of its user trailers, and the contra records that balance its batches.

Source: Bacs, PN5011 file structures (Standard 18): UTL1; contra records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import TOTALS, dtypes
from canonical.money import amount_text
from parsers._bacs_layout import CONTRA_CODES, cut, number
from parsers._nacha_findings import Fault

_CONTRA: Final = Fault(
    "bacs18-contra", "AM10", Severity.ERROR, Level.BATCH, "contra record",
    "Write one contra record for all credits (code 17), one for all debits (code 99) of an originating account and "
    "processing day, each of exactly their sum.",
)  # fmt: skip
_NO_CONTRA: Final = Fault(
    "bacs18-contra", "AM10", Severity.WARNING, Level.FILE, "contra record",
    "Nothing, where your bank makes them; else end the records of each account and day with theirs.",
)  # fmt: skip

_SUM: Final = {"debit_sum": "debit", "credit_sum": "credit"}
_TRAILER: Final = (
    ("debit_sum", "UTL1: debit value total, positions 5-17", 5, 17),
    ("credit_sum", "UTL1: credit value total, positions 18-30", 18, 30),
    ("debit_count", "UTL1: debit item count, positions 31-37", 31, 37),
    ("credit_count", "UTL1: credit item count, positions 38-44", 38, 44),
    ("instructions", "UTL1: DDI count, positions 53-59", 53, 59),
)
_UNKNOWN: Final = ("unknown_count", "unknown_sum", "unknown_unread")
SECTION_SCHEMA: Final = {"section": pl.Int64} | dict.fromkeys((*(name for name, *_ in _TRAILER), *_UNKNOWN), pl.Int64)
"""What is counted between user header and user trailer, contra records included; and the records of unknown codes, whose
side nobody knows."""
SUMS_SCHEMA: Final = {
    "batch": pl.Int64, "CRDT": pl.Int64, "DBIT": pl.Int64, "CRDT_contra": pl.Int64, "DBIT_contra": pl.Int64,
    "CRDT_contras": pl.Int64, "DBIT_contras": pl.Int64, "CRDT_unread": pl.Int64, "DBIT_unread": pl.Int64,
    "unknown": pl.Int64, "unknown_unread": pl.Int64,
}  # fmt: skip
"""Sums in pence of each batch's payments and contra records, how many of the latter by what they balance, and how many
amounts are none; the sum of its records of unknown codes, and how many of their amounts are none."""


def counted(records: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """SECTION_SCHEMA of this window's data records and what was carried of the open section."""
    side = pl.coalesce("direction", pl.col("contra").replace({"CRDT": "DBIT", "DBIT": "CRDT"}))
    debit, credit, amount = side == "DBIT", side == "CRDT", pl.col("amount")
    here = records.group_by("section").agg(
        amount.filter(debit).sum().alias("debit_sum"),
        amount.filter(credit).sum().alias("credit_sum"),
        debit.sum().cast(pl.Int64).alias("debit_count"),
        credit.sum().cast(pl.Int64).alias("credit_count"),
        pl.col("instruction").sum().cast(pl.Int64).alias("instructions"),
        pl.col("unknown").sum().cast(pl.Int64).alias("unknown_count"),
        amount.filter("unknown").sum().alias("unknown_sum"),
        (pl.col("unknown") & amount.is_null()).sum().cast(pl.Int64).alias("unknown_unread"),
    )
    both = pl.concat([carried, here.select(*SECTION_SCHEMA)])
    return both.group_by("section").sum().sort("section").select(*SECTION_SCHEMA)


def trailer_totals(records: pl.DataFrame, sections: pl.DataFrame) -> pl.DataFrame:
    """Rows of TOTALS that the user trailers declare, five to a trailer."""
    trailers = records.filter(pl.col("kind") == "UTL1").select("line", "text", "section")
    known = _sides_taken(trailers.join(sections, on="section", how="left", maintain_order="left"))
    rows = [
        known.select(
            "line",
            pl.lit("file").alias("level"), pl.lit(field).alias("field"),
            pl.lit(name if name in _SUM else "count").alias("measure"),
            cut(first, last).alias("declared_text"), number(cut(first, last)).alias("declared"),
            pl.col(name).fill_null(0).alias("found"),
        )
        for name, field, first, last in _TRAILER
    ]  # fmt: skip
    # Files without instructions may leave their count blank.
    blank = (
        pl.col("field").str.contains("DDI") & (pl.col("declared_text").str.strip_chars() == "") & (pl.col("found") == 0)
    )
    whole = pl.concat(rows).filter(~blank).sort("line", maintain_order=True)
    return whole.select(
        pl.lit(None, dtype=dtype).alias(name) if name not in whole.columns else pl.col(name)
        for name, dtype in dtypes(TOTALS).items()
    )


def _sides_taken(trailers: pl.DataFrame) -> pl.DataFrame:
    """The trailers, with the records of unknown codes counted on the sides that just they are missing from.

    Such a record has its own finding; the totals say which side it was meant for.
    """
    given = {name: number(cut(first, last)) for name, _, first, last in _TRAILER}
    given["instructions"] = given["instructions"].fill_null(0)
    for names, lost in ((("debit_sum", "credit_sum"), "unknown_sum"),
                        (("debit_count", "credit_count", "instructions"), "unknown_count")):  # fmt: skip
        left = [given[name] - pl.col(name).fill_null(0) for name in names]
        unread = pl.lit(lost == "unknown_sum") & (pl.col("unknown_unread") > 0)
        explained = pl.all_horizontal(part >= 0 for part in left) & (unread | (pl.sum_horizontal(left) == pl.col(lost)))
        taken = pl.when(explained & (pl.col("unknown_count") > 0))
        trailers = trailers.with_columns(taken.then(given[name]).otherwise(name).alias(name) for name in names)
    return trailers


def batch_sums(records: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """SUMS_SCHEMA of this window's records and those before it."""
    amount, direction, contra = pl.col("amount"), pl.col("direction"), pl.col("contra")
    parts = [(amount.filter(direction == side).sum().alias(side)) for side in CONTRA_CODES.values()]
    parts += [(amount.filter(contra == side).sum().alias(f"{side}_contra")) for side in CONTRA_CODES.values()]
    parts += [((contra == side).sum().cast(pl.Int64).alias(f"{side}_contras")) for side in CONTRA_CODES.values()]
    parts += [
        ((direction == side) & amount.is_null()).sum().cast(pl.Int64).alias(f"{side}_unread")
        for side in CONTRA_CODES.values()
    ]
    parts.append(amount.filter("unknown").sum().alias("unknown"))
    parts.append((pl.col("unknown") & amount.is_null()).sum().cast(pl.Int64).alias("unknown_unread"))
    here = records.filter(pl.col("batch").is_not_null()).group_by("batch").agg(parts)
    both = pl.concat([carried, here.select(*SUMS_SCHEMA)])
    return both.group_by("batch").sum().sort("batch").select(*SUMS_SCHEMA)


_ACCOUNT_CHARS: Final = 14
"""Originating sort code and account number, with which the key of a batch begins."""


def _sterling(pence: pl.Expr) -> pl.Expr:
    return amount_text(pence, pl.lit("GBP")) + pl.lit(" GBP")


def contra_findings(sums: pl.DataFrame, keys: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Contra records that do not balance their batch, and those that are missing, once the whole file is read."""
    if sums.is_empty():
        return
    if sums.filter((pl.col("CRDT_contras") + pl.col("DBIT_contras") > 0) | _of_unknown_code()).is_empty():
        yield _NO_CONTRA.at(None, "The file has no contra records: nothing in it balances the payments.")
        return
    known = sums.join(
        keys.select("batch", "batch_id", "line", "key", "date"), on="batch", how="left", maintain_order="left"
    )
    known = known.filter(~_of_no_day())
    for code, side in CONTRA_CODES.items():
        name = "credits" if side == "CRDT" else "debits"
        total, contra = pl.col(side), pl.col(f"{side}_contra")
        none = (pl.col(f"{side}_contras") == 0) & (total != 0)
        missing = pl.format(f"The {name} of the batch ({{}}) have no contra record (code {code}).", _sterling(total))
        yield _CONTRA.on(known.filter(none & ~_of_unknown_code()), missing)
        message = pl.format(
            f"The contra records for {name} say {{}}, the {name} are {{}}.", _sterling(contra), _sterling(total)
        )
        # Beside an amount that is none, which has its own finding, a difference proves nothing.
        proven = (pl.col(f"{side}_unread") == 0) & ~_of_unknown_code()
        yield _CONTRA.on(known.filter(~none & (total != contra) & proven), message)


def _of_unknown_code() -> pl.Expr:
    """Boolean: what the batch and its contra records differ by is just what its records of unknown codes hold."""
    gaps = [(pl.col(side) - pl.col(f"{side}_contra")).abs() for side in CONTRA_CODES.values()]
    same = (pl.sum_horizontal(gaps) == pl.col("unknown")) & (pl.col("unknown") > 0)
    return same | (pl.col("unknown_unread") > 0)


def _of_no_day() -> pl.Expr:
    """Boolean: the account has records whose day is none, and without looking at days its contra records balance it.

    Such a record has its own finding, and belongs to one of the account's other batches.
    """
    account = pl.col("key").str.head(_ACCOUNT_CHARS)
    gaps = [(pl.col(side).sum() - pl.col(f"{side}_contra").sum()).over(account) == 0 for side in CONTRA_CODES.values()]
    return pl.col("date").is_null().any().over(account) & pl.all_horizontal(gaps)
