"""Messages of MT940 and MT942 as columns: account, number and page, balances, floor limits, declared sums.

Source: SWIFT, MT940 (fields 20, 21, 25, 28C, 60a, 62a, 64, 65) and MT942 (13D, 34F, 90C, 90D).
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from canonical.limits import BALANCE_MINOR_MAX
from parsers._mt_statement_entries import comma_minor
from parsers._mt_statement_fields import ENTRY, INFORMATION, ONCE, REPEATED

BALANCE: Final = r"^(?P<sign>[CD])(?P<date>[0-9]{6})(?P<currency>[A-Z]{3})?(?P<amount>[0-9]+,[0-9]*)$"
_DENOMINATED: Final = "^[CD][0-9]{6,8}([A-Z]{3})[0-9]"
_NUMBER: Final = r"^0*([0-9]{1,18})(?:/0*([0-9]{1,18}))? *$"
_FLOOR: Final = r"^([A-Z]{3})([CD ])?([0-9]+,[0-9]*)$"
"""Some banks write a blank for the mark that means both."""
_COUNTED: Final = r"^[0-9]{0,9}([A-Z]{3})"
SUM: Final = r"^([0-9]{1,9})([A-Z]{3})([0-9]+,[0-9]*)$"
_KINDS: Final = {"60F": "OPBD", "60M": "ITBD", "62F": "CLBD", "62M": "ITBD", "64": "CLAV", "65": "FWAV"}
_TAGS: Final = {
    "reference": ("20",), "account": ("25", "25P"), "number": ("28C", "28"), "opening": ("60F", "60M"), "closing": ("62F", "62M"),
    "created": ("13D", "13"), "floor": ("34F",), "debits": ("90D",), "credits": ("90C",),
}  # fmt: skip


def message_columns(fields: pl.DataFrame) -> pl.DataFrame:
    """One row a message: message, line and what its fields say.

    Texts `reference`, `account`, `number`, `created`, `opening`, `closing` as written, each with `…_line` where it stands;
    `sequence`, `page`; `opening_minor`, `closing_minor` (negative for D), `opening_date`, `closing_date`; `first_page` and
    `last_page` (F, not M); `currency`; of an MT942 `debit_count`, `debit_sum`, `credit_count`, `credit_sum`.
    """
    heads = fields.filter(~pl.col("tag").is_in([ENTRY, *INFORMATION]))
    told = heads.group_by("message", maintain_order=True).agg(
        *(_first(name, tags) for name, tags in _TAGS.items()),
        *(_line(name, tags) for name, tags in _TAGS.items()),
        (pl.col("tag") == "60M").any().alias("continued"),
        (pl.col("tag") == "62M").any().alias("continues"),
    )
    starts = fields.group_by("message", maintain_order=True).agg(pl.col("line").first())
    frame = starts.join(told, on="message", how="left", maintain_order="left")
    balances = [
        pl.col(name).str.strip_chars(" ").str.extract_groups(BALANCE).name.suffix("_parts") for name in ("opening", "closing")
    ]  # fmt: skip
    frame = frame.with_columns(*balances, pl.col("number").str.extract_groups(_NUMBER).alias("numbers"))
    part = {name: pl.col(f"{name}_parts").struct for name in ("opening", "closing")}
    currency = pl.coalesce(
        part["opening"].field("currency"), part["closing"].field("currency"), pl.col("floor").str.extract(_FLOOR, 1),
        pl.col("debits").str.extract(_COUNTED, 1), pl.col("credits").str.extract(_COUNTED, 1),
        # A balance that cannot be read says its currency all the same.
        *(pl.col(name).str.extract(_DENOMINATED, 1) for name in part),
    )  # fmt: skip
    frame = frame.with_columns(currency.alias("currency"))
    return frame.with_columns(
        *(_balance(name, part[name]) for name in part),
        *(part[name].field("date").str.to_date("%y%m%d", strict=False).alias(f"{name}_date") for name in part),
        *(pl.col("numbers").struct.field(key).cast(pl.Int64, strict=False).alias(name)
          for key, name in (("1", "sequence"), ("2", "page"))),
        *(pl.col(f"{side}s").str.extract(SUM, 1).cast(pl.Int64, strict=False).alias(f"{side}_count")
          for side in ("debit", "credit")),
        *(_sum(side) for side in ("debit", "credit")),
        # Banks of countries whose payments write accounts as `/34x` (or `//`, a clearing code) begin it with slashes here too.
        pl.col("account").str.replace_all(" ", "").str.strip_chars_start("/"),
    ).drop("opening_parts", "closing_parts", "numbers")  # fmt: skip


def _first(name: str, tags: tuple[str, ...]) -> pl.Expr:
    return pl.col("text").filter(pl.col("tag").is_in(tags)).first().replace("", None).alias(name)


def _line(name: str, tags: tuple[str, ...]) -> pl.Expr:
    return pl.col("line").filter(pl.col("tag").is_in(tags)).first().alias(f"{name}_line")


def _balance(name: str, part: Any) -> pl.Expr:
    currency = pl.col("currency")
    minor = comma_minor(part.field("amount"), currency, BALANCE_MINOR_MAX)
    signed = pl.when(part.field("sign") == "D").then(-minor).otherwise(minor)
    # One message has one currency: a balance that names none is in that of the others.
    return pl.when(part.field("currency").fill_null(currency) == currency).then(signed).alias(f"{name}_minor")


def _sum(side: str) -> pl.Expr:
    of, amount = (pl.col(f"{side}s").str.extract(SUM, group) for group in (2, 3))
    return (
        pl.when(of == pl.col("currency"))
        .then(comma_minor(amount, pl.col("currency"), BALANCE_MINOR_MAX))
        .alias(f"{side}_sum")
    )


def balances_of(fields: pl.DataFrame) -> pl.DataFrame:
    """One row a balance that can be read: message, kind, balance_minor, currency, date; in file order."""
    rows = fields.filter(pl.col("tag").is_in(list(_KINDS)))
    parts = rows.select(
        "message", "tag", pl.col("text").str.strip_chars(" ").str.extract_groups(BALANCE).alias("parts")
    ).unnest("parts")
    parts = parts.with_columns(pl.col("currency").fill_null(pl.col("currency").drop_nulls().first().over("message")))
    minor = comma_minor(pl.col("amount"), pl.col("currency"), BALANCE_MINOR_MAX)
    return parts.select(
        "message", pl.col("tag").replace_strict(_KINDS, return_dtype=pl.String).alias("kind"),
        pl.when(pl.col("sign") == "D").then(-minor).otherwise(minor).alias("balance_minor"), "currency",
        pl.col("date").str.to_date("%y%m%d", strict=False),
    ).drop_nulls("balance_minor")  # fmt: skip


def repeated(fields: pl.DataFrame) -> pl.DataFrame:
    """Fields that stand a second time in their message though they may stand once."""
    once = fields.filter(pl.col("tag").is_in(set(ONCE) - set(REPEATED)))
    family = pl.col("tag").replace({"60M": "60F", "62M": "62F", "28": "28C", "25P": "25"})
    return once.filter(~pl.struct("message", family.alias("family")).is_first_distinct())
