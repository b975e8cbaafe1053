"""Rows of a provider's table from columns, and what cannot stand in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.money import amount_text
from canonical.parties import counterparty, ordering
from canonical.transliteration import transliterate
from exporters._fit import Limit
from exporters._table_options import NEEDED, Column, Options, strftime

_FORMULA: Final = r"^[=+\-@\t\r]"
_NUMBERS: Final = frozenset({"amount", "amount_minor", "position"})
_WORDS: Final = ("name", "street", "building", "post_code", "town", "address_lines")


def value_of(column: Column, options: Options, order: Order | None) -> pl.Expr:
    """The text of a column, null where there is none. Without an order (before routing) what is ours stands as blanks."""
    if column.constant is not None:
        return pl.lit(column.constant)
    name = column.value or ""
    found = _value(name, options, order)
    if column.values:
        found = found.replace(column.values)
    if options.transliterate and (name.endswith(_WORDS) or name == "remittance"):
        found = transliterate(found)
    # Lines of an address or of remittance text stand in one cell, and one line.
    return found.str.replace_all("\n", " ", literal=True)


def _value(name: str, options: Options, order: Order | None) -> pl.Expr:
    ours = {} if order is None else {
        "submission_id": order.submission_id, "own_account": order.account.account, "own_name": order.account.name,
        "own_agent": order.account.agent,
    }  # fmt: skip
    party, _, part = name.partition("_")
    if name == "amount":
        return amount_text(pl.col("amount_minor"), pl.col("currency")).str.replace(".", options.decimal, literal=True)
    if name == "execution_date":
        return pl.col("execution_date").dt.strftime(strftime(options.date)) if order else pl.lit(" ")
    if name in {"submission_id", "own_account", "own_name", "own_agent"}:
        return pl.lit(ours.get(name, " "))
    if name in {"reference", "position"} and order is None:
        return pl.lit("0")
    if party in {"counterparty", "ordering"}:
        return counterparty(part) if party == "counterparty" else ordering(part)
    return pl.col(name).cast(pl.String)


def rows(payments: pl.DataFrame, order: Order, options: Options) -> pl.Series:
    """One line a payment, with its line end."""
    cells = [_cell(value_of(column, options, order), column, options) for column in options.columns]
    line = pl.concat_str(cells, separator=options.delimiter) + pl.lit(options.eol)
    return payments.select(line).to_series()


def _cell(value: pl.Expr, column: Column, options: Options) -> pl.Expr:
    text = value.fill_null("")
    if options.formulas == "apostrophe" and column.value not in _NUMBERS:
        text = pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text)
    quoted = pl.lit('"') + text.str.replace_all('"', '""', literal=True) + pl.lit('"')
    if options.quotes == "always":
        return quoted
    delimiter = r"\t" if options.delimiter == "\t" else rf"\{options.delimiter}"
    return pl.when(text.str.contains(rf'[{delimiter}"\r\n]|^\s|\s$')).then(quoted).otherwise(text)


def limits(options: Options) -> Iterator[Limit]:
    """What a payment must be like."""
    if options.credit_debit != "both":
        wrong = pl.col("credit_debit") != options.credit_debit
        yield Limit(
            "credit_debit", "AG01", wrong, f"The table holds {options.credit_debit} only.", "Pay over another provider."
        )
    yield Limit("amount_text", "AM12", pl.col("amount_minor").is_null(), "The amount is missing.", "Give an amount.")
    for column in options.columns:
        yield from _column_limits(column, options)


def _column_limits(column: Column, options: Options) -> Iterator[Limit]:
    if column.value is None:
        return
    value, title = value_of(column, options, None), column.name or column.value
    field = column.value if column.value.startswith("counterparty_") else "end_to_end_id"
    field = column.value if column.value in _OF_PAYMENTS else field
    if column.needed or column.value in NEEDED:
        yield Limit(
            field,
            "CH21",
            value.replace("", None).is_null(),
            f"“{title}” would be empty, and the provider needs it.",
            "Give it.",
        )
    if column.chars_max is not None:
        long = value.str.len_chars() > column.chars_max
        yield Limit(
            field,
            "CH16",
            long,
            f"“{title}” is longer than {column.chars_max} characters.",
            f"Shorten it to {column.chars_max}.",
        )
    if options.formulas == "refuse" and column.value not in _NUMBERS:
        said = f"“{title}” begins as a formula (= + - @, a tab or a return)."
        yield Limit(field, "RR10", value.str.contains(_FORMULA), said, "Begin it with a letter or a digit.")
    yield Limit(
        field,
        "RR10",
        value.str.contains(r"[\x00-\x08\x0B\x0C\x0E-\x1F]"),
        f"“{title}” holds a control character.",
        "Take it out.",
    )
    if options.encoding not in {"utf-8", "utf-8-sig", "utf-16-le"}:
        foreign = ~value.map_elements(lambda text: _encodable(text, options.encoding), return_dtype=pl.Boolean)
        # Plain ASCII is in each of them: Python looks at the rest only.
        yield Limit(
            field,
            "RR10",
            value.str.contains(r"[^\x00-\x7F]") & foreign,
            f"“{title}” cannot be written in {options.encoding}.",
            "Use other letters.",
        )


_OF_PAYMENTS: Final = frozenset({"end_to_end_id", "remittance", "remittance_reference", "purpose", "category_purpose", "service_level",
                                 "local_instrument", "charge_bearer", "uetr", "mandate_id", "currency", "credit_debit"})  # fmt: skip


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
