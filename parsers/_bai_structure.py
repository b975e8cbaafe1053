"""Files, groups and accounts of BAI2 as frames: what headers and trailers say, and what was found between them.

Source: BAI, Cash management balance reporting specifications, version 2: records 01, 02, 03, 49, 98, 99.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.limits import INT64_MAX
from parsers._bai_details import signed_minor
from parsers._bai_records import field

_TOTAL_MAX: Final = INT64_MAX // 4
FILE_FIELDS: Final = (
    "sender",
    "receiver",
    "created_date",
    "created_time",
    "file_id",
    "record_length",
    "block_size",
    "version",
)
GROUP_FIELDS: Final = ("receiver", "originator", "status", "as_of", "as_of_time", "currency", "modifier")
VERSIONS: Final = {"2": "BAI2", "3": "BTRS 3"}
"""Version of the file header: what is read. BTRS (X9.121) keeps the records of BAI2."""
FINAL: Final = ("2", "4")
"""As-of-date modifiers of final data (previous day, same day); 1 and 3 are interim."""
PREVIOUS_DAY: Final = ("1", "2")
"""Statements; those of the same day are reports, which inform: the previous-day data of the morning after books."""


def day_of(text: pl.Expr) -> pl.Expr:
    """Date of six digits (YYMMDD), or of the eight (YYYYMMDD) that some write: no day can be read both ways."""
    eight = pl.when(text.str.contains("^(?:19|20)[0-9]{6}$")).then(text).str.to_date("%Y%m%d", strict=False)
    return pl.coalesce(text.str.to_date("%y%m%d", strict=False), eight)


def headers(records: pl.DataFrame, code: str, names: tuple[str, ...]) -> pl.DataFrame:
    """One row a header of that code: line, physical, file, group and its fields."""
    rows = records.filter(pl.col("code") == code)
    return rows.select(
        "line", "physical", "file", "group", *(field(at, len(names)).alias(name) for at, name in enumerate(names))
    )


def accounts_of(records: pl.DataFrame, groups: pl.DataFrame, currency: str, modifier: str) -> pl.DataFrame:
    """One row an account (03): group, account (ordinal), number, currency, summary, and of its group as_of, status, modifier.

    `currency` and `modifier` are those of the profile, where neither account nor group says one.
    """
    rows = records.filter(pl.col("code") == "03").select(
        "line", "physical", "group", "account", field(0, 2).alias("number"), field(1, 2).alias("own_currency"), field(2, 2).alias("summary"),
    )  # fmt: skip
    known = groups.select("group", "currency", "as_of", "as_of_time", "status", "modifier").unique("group", keep="last")
    joined = rows.join(known, on="group", how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce("own_currency", "currency").fill_null(currency).alias("currency"),
        pl.col("modifier").fill_null(modifier), pl.col("status").fill_null("1"),
        pl.col("number").str.replace_all(" ", "", literal=True),
        day_of(pl.col("as_of")).alias("day"),
    ).drop("own_currency")  # fmt: skip


def trailers(records: pl.DataFrame, code: str) -> pl.DataFrame:
    """One row a trailer: line, physical, file, group, account, `total` as read and written, `members` and `count` it declares."""
    rows = records.filter(pl.col("code") == code)
    width = 2 if code == "49" else 3
    count = [pl.when(item.str.contains(r"^[0-9]{1,12}$")).then(item).cast(pl.Int64, strict=False)
             for item in (field(place, width) for place in range(1, width))]  # fmt: skip
    members = count[0] if width > 2 else pl.lit(None, dtype=pl.Int64)  # noqa: PLR2004  an account has no members
    return rows.select(
        "line", "physical", "file", "group", "account", signed_minor(field(0, width), _TOTAL_MAX).alias("total"),
        field(0, width).alias("total_text"), members.alias("members"), count[-1].alias("count"),
    )  # fmt: skip


def account_totals(accounts: pl.DataFrame, ends: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """The accounts with what their trailers (49) declare and what was found. `sums`: account, found."""
    closed = ends.unique("account", keep="first").select(
        "account", "total", "total_text", "count", pl.col("line").alias("end_line"), pl.col("physical").alias("end")
    )
    joined = accounts.join(closed, on="account", how="left", maintain_order="left").join(
        sums, on="account", how="left", maintain_order="left"
    )
    return joined.with_columns(pl.col("found").fill_null(0), (pl.col("end") - pl.col("physical") + 1).alias("counted"))


def outer_totals(starts: pl.DataFrame, ends: pl.DataFrame, inner: pl.DataFrame, key: str) -> pl.DataFrame:
    """The same of groups (98) and files (99), told apart by `key`: found are the totals of what is within, and its number.

    `inner` has `key`, `total` and `found` of each account of a group, or of each group of a file.
    """
    sums = inner.group_by(key).agg(
        pl.coalesce("total", "found").sum().alias("found"),
        pl.col("found").sum().alias("amounts"),
        pl.len().cast(pl.Int64).alias("found_members"),
    )
    closed = ends.unique(key, keep="first").select(
        key,
        "total",
        "total_text",
        "members",
        "count",
        pl.col("line").alias("end_line"),
        pl.col("physical").alias("end"),
    )
    joined = starts.join(closed, on=key, how="left", maintain_order="left").join(
        sums, on=key, how="left", maintain_order="left"
    )
    # Where a total within is wrong and this one is not, that one alone is told.
    found = pl.when(pl.col("total") == pl.col("amounts")).then("amounts").otherwise("found")
    return joined.with_columns(
        found.fill_null(0).alias("found"),
        pl.col("found_members").fill_null(0),
        (pl.col("end") - pl.col("physical") + 1).alias("counted"),
    ).drop("amounts")
