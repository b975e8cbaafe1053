"""Lines of a BAI2 file in, records out: continuations (88) put to what they continue, slashes taken off where there are any.

Source: BAI, Cash management balance reporting specifications, version 2: record formats, 88 continuation record.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import Final

import polars as pl

MARKS: Final = (b"03,",)
"""What a window is cut before: an account."""
BREAK: Final = "\x1f"
"""Stands in a record where a continuation begins, behind a comma."""
_RECORD: Final = r"^ *(01|02|03|16|49|88|98|99) *(?:,|/|$)"
_ENDS: Final = r" */? *$"
_DELIMITED: Final = r"^ *01,[^/]*/ *02,"
"""A header's line that goes on with the group's: a header holds no text, so this slash ends it."""
_NEXT: Final = r"/ *(01|02|03|16|49|88|98|99),"
_PHYSICAL: Final = re.compile(rb"\s*01 *,(?:[^,/\r\n]*,){5} *([0-9]{2,5}) *,")
"""A file header that says how long its physical records are."""
_AT_ITS_START: Final = re.compile(rb" *(?:02|88) *,")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the windows before leave off: records, files, groups and accounts counted so far; whether slashes end the records."""

    physical: int = 0
    files: int = 0
    groups: int = 0
    accounts: int = 0
    delimited: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one window. `frame`: line, code, text, file, group, account, physical (ordinal of its first line).

    `file`, `group` and `account` are ordinals of the last 01, 02 and 03, 0 before the first: several files may stand one behind
    the other. `stray`: line, text of lines that are no record.
    """

    frame: pl.DataFrame
    stray: pl.DataFrame
    after: Place


def unblocked(data: bytes | mmap.mmap) -> bytes | mmap.mmap:
    """The bytes with a line end behind each physical record, where the header says how long they are and nothing else ends them."""
    said = _PHYSICAL.match(data)
    length = int(said.group(1)) if said else 0
    if not length or data.find(b"\n") >= 0 or data.find(b"\r") >= 0 or not _AT_ITS_START.match(data, length):
        return data
    return b"\n".join(data[start : start + length] for start in range(0, len(data), length))


def records(frame: pl.DataFrame, place: Place) -> Records:
    """The records of a window that begins with a record of its own: a line each, or several where slashes end them."""
    text = pl.col("text")
    filled = frame.filter(text.str.contains(r"[^ ]"))
    delimited = place.delimited or (not place.physical and filled["text"].head(1).str.contains(_DELIMITED).any())
    if delimited:
        filled = filled.with_columns(text.str.replace_all(_NEXT, "/\n${1},").str.split("\n")).explode("text")
    kept = filled.with_columns(
        text.str.extract(_RECORD, 1).alias("code"),
        text.str.replace(_RECORD, "").str.replace(_ENDS, "").alias("text"),
        text.alias("raw"),
    )
    own = pl.col("code").is_not_null() & (pl.col("code") != "88")
    kept = kept.with_columns(
        (pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + place.physical).alias("physical"),
        own.cum_sum().cast(pl.Int64).alias("record"),
    )
    lost = pl.col("code").is_null() | ((pl.col("code") == "88") & (pl.col("record") == 0))
    below = (
        kept.filter((pl.col("code") == "88") & ~lost)
        .group_by("record", maintain_order=True)
        .agg(pl.col("text").str.join("," + BREAK).alias("more"))
    )
    heads = kept.filter(own).join(below, on="record", how="left", maintain_order="left")
    whole = pl.concat_str("text", "more", separator="," + BREAK, ignore_nulls=True)
    found = heads.select(
        "line", "code", whole.alias("text"), "physical",
        *(((pl.col("code") == code).cum_sum().cast(pl.Int64) + before).alias(name)
          for name, code, before in (("file", "01", place.files), ("group", "02", place.groups), ("account", "03", place.accounts))),
    )  # fmt: skip
    counted = (place.files, place.groups, place.accounts)
    if found.height:
        counted = found.select(pl.col("file", "group", "account").max()).row(0)
    after = Place(place.physical + kept.height, *counted, delimited)
    return Records(found, kept.filter(lost).select("line", pl.col("raw").alias("text")), after)


def field(place: int, count: int) -> pl.Expr:
    """Field `place` (from 0) of a record of `count` fields, null where it is empty or the record ends before it."""
    value = pl.col("text").str.splitn(",", count + 1).struct.field(f"field_{place}")
    return value.str.strip_chars(f" {BREAK}").replace("", None)
