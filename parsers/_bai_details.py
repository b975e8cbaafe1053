"""Transaction details (16) and account summaries (03) of BAI2 as columns.

Source: BAI, Cash management balance reporting specifications, version 2: 03 account identifier and summary status,
16 transaction detail, funds types.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.limits import BALANCE_MINOR_MAX, ENTRY_MINOR_MAX
from parsers._bai_records import BREAK
from parsers._bai_types import typed

_DISTRIBUTIONS_MAX: Final = 99
_FUNDS: Final = {"S": 3, "V": 2, "": 0, "0": 0, "1": 0, "2": 0, "Z": 0}
"""Funds type → fields that follow it; D is followed by a number and that many pairs."""
_NUMBER: Final = r"[\x1f ]*[+-]?[0-9]*[\x1f ]*"
_DETAIL: Final = r"(?s)^(?P<code>[^,]*),(?P<amount_text>[^,]*)(?:,(?P<rest>.*))?$"
_SUMMARY: Final = (
    r"([0-9]{3}),(?:([+-]?[0-9]*)(?:,([0-9]*)(?:,(?:S,[^,]*,[^,]*,[^,]*|V,[^,]*,[^,]*|D,[0-9]+(?:,[0-9]{1,2},[+-]?[0-9]*)*"
    r"|[012Z]?))?)?)?(?:,+|$)"
)
"""Type, amount, item count, funds type; banks leave commas out or write one too many between two summaries."""
_BLANKS: Final = f" {BREAK}"


def signed_minor(text: pl.Expr, maximum: int) -> pl.Expr:
    """Minor units of an amount without a decimal point; null where it is none or larger than `maximum`."""
    digits = pl.when(text.str.contains(r"^[+-]?[0-9]{1,18}$")).then(text.str.strip_prefix("+"))
    minor = digits.cast(pl.Int64, strict=False)
    return pl.when(minor.abs() <= maximum).then(minor)


def details(records: pl.DataFrame) -> pl.DataFrame:
    """One row a record 16: what it says. `amount_minor` is null where it is none or negative; `funds` null if unreadable.

    Columns added: code, kind, credit_debit, meaning, amount_text, signed (for the control total), amount_minor, funds, `value`
    (date of funds type V as written), `unspread` (S or D without their numbers), bank_reference, customer_reference, remittance.
    """
    found = records.filter(pl.col("code") == "16").drop("code")
    parts = found.with_columns(pl.col("text").str.extract_groups(_DETAIL).alias("parts")).drop("text").unnest("parts")
    bare = [pl.col(name).str.strip_chars(_BLANKS).alias(name) for name in ("code", "amount_text")]
    parts = typed(parts.with_columns(*bare))
    signed = signed_minor(pl.col("amount_text").replace("", "0"), ENTRY_MINOR_MAX)
    first = pl.col("rest").fill_null("").str.splitn(",", 2).struct
    parts = parts.with_columns(
        signed.fill_null(0).alias("signed"), pl.when(signed >= 0).then(signed).alias("amount_minor"),
        first.field("field_0").str.strip_chars(_BLANKS).alias("funds"), first.field("field_1").fill_null("").alias("tail"),
    ).drop("rest")  # fmt: skip
    pairs = pl.when(pl.col("funds") == "D").then(
        pl.col("tail").str.extract(r"^[\x1f ]*([0-9]{1,2}) *(?:,|$)", 1).cast(pl.Int64, strict=False)
    )
    known = pl.col("funds").replace_strict(_FUNDS, default=None, return_dtype=pl.Int64)
    parts = parts.with_columns(pl.when(pl.col("funds") == "D").then(1 + 2 * pairs).otherwise(known).alias("skip"))
    return _tails(parts)


def _tails(parts: pl.DataFrame) -> pl.DataFrame:
    """References and text behind the fields of the funds type: one split for each number of such fields."""
    found = []
    for (skip,), group in parts.partition_by("skip", as_dict=True).items():
        fields = pl.col("tail").str.splitn(",", (skip or 0) + 3).struct
        names = [f"field_{(skip or 0) + place}" for place in range(3)]
        bank, customer = (fields.field(name).str.strip_chars(_BLANKS).replace("", None) for name in names[:2])
        value = fields.field("field_0").str.strip_chars(_BLANKS)
        # What V is followed by is told where it is read as a date.
        numbers = rf"^{_NUMBER}(?:,{_NUMBER}){{{skip - 1}}}(?:,|$)" if skip and skip != _FUNDS["V"] else ""
        found.append(
            group.with_columns(
                pl.when(pl.col("funds") == "V").then(value).otherwise(None).replace("", None).alias("value"),
                bank.alias("bank_reference"), customer.alias("customer_reference"), _text(fields.field(names[2])).alias("remittance"),
                pl.when(pl.col("skip").is_not_null()).then("funds").alias("funds"),
                (~pl.col("tail").str.contains(numbers) if numbers else pl.lit(value=False)).alias("unspread"),
            )
        )  # fmt: skip
    return pl.concat(found).sort("physical").drop("skip", "tail") if found else _no_tails(parts)


def _no_tails(parts: pl.DataFrame) -> pl.DataFrame:
    texts = ("value", "bank_reference", "customer_reference", "remittance")
    none = [pl.lit(None, dtype=pl.String).alias(name) for name in texts]
    return parts.with_columns(*none, unspread=pl.lit(value=False)).drop("skip", "tail")


def _text(text: pl.Expr) -> pl.Expr:
    lines = text.str.replace_all("," + BREAK, "\n", literal=True).str.replace_all(BREAK, "", literal=True)
    return lines.str.replace_all(r" +(\n|$)", "${1}").str.strip_chars("\n ").replace("", None)


def summaries(accounts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a balance or total of an account: account, line, code, amount_minor, count, kind, …; and what cannot be read.

    `accounts` has `summary`: the text of a record 03 behind account and currency.
    """
    text = (
        pl.col("summary").fill_null("").str.replace_all(BREAK, "", literal=True).str.replace_all(" ", "", literal=True)
    )
    frame = accounts.select("account", "line", text.str.strip_chars_start(",").alias("summary"))
    found = frame.with_columns(pl.col("summary").str.extract_all(_SUMMARY).alias("parts"))
    read = pl.col("parts").list.join("")
    unread = found.filter(read != pl.col("summary")).select("account", "line", "summary")
    rows = found.select("account", "line", pl.col("parts")).explode("parts").drop_nulls("parts")
    groups = [pl.col("parts").str.extract(_SUMMARY, group) for group in (1, 2, 3)]
    rows = rows.select(
        "account", "line", groups[0].alias("code"),
        signed_minor(groups[1], BALANCE_MINOR_MAX).alias("amount_minor"), groups[2].cast(pl.Int64, strict=False).alias("count"),
    )  # fmt: skip
    return typed(rows), unread
