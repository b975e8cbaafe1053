"""What a payment must be like to be written as a CdtTrfTxInf without cutting or changing anything."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform
from canonical.masking import shown
from exporters._iso_payment import CHARS_MAX, FORMS, LINE_CHARS_MAX, WRITTEN, over

RULE: Final = "iso-fit"
_NOT_XML: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
"""Characters that XML 1.0 has no way to write (XML 1.0, 2.2 Char)."""
_PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")


def unfit(payments: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS of PAYMENTS that cannot be written, a row a field and limit that is broken."""
    rows = payments.with_columns(pl.col(name).replace("", None) for name in _fields())
    sizes = {**CHARS_MAX, "debtor_name": CHARS_MAX["ultimate_debtor_name"]}
    del sizes["reference"]
    parts = [
        *(_told(rows, name, pl.col(name).str.len_chars() > size, f"is longer than {size} characters", f"Shorten it to {size}.")
          for name, size in sizes.items()),
        *(_told(rows, name, pl.col(name).str.contains(over(size)), f"has a line longer than {size} characters",
                f"Break it into lines of {size}.") for name, size in LINE_CHARS_MAX.items()),
        *(_told(rows, name, ~pl.col(name).str.contains(form), f"is not of the form {form}", "Give one of the values ISO 20022 knows.")
          for name, form in FORMS.items()),
        *(_told(rows, name, pl.col(name).str.contains(_NOT_XML), "has a control character that XML cannot carry", "Take it out.")
          for name in _fields()),
    ]  # fmt: skip
    return conform(pl.concat(parts).sort("row", maintain_order=True), FINDINGS)


def _fields() -> tuple[str, ...]:
    return (*(name for name in WRITTEN if name != "reference"), "debtor_name")


def _told(rows: pl.DataFrame, field: str, broken: pl.Expr, what: str, remedy: str) -> pl.DataFrame:
    return rows.filter(broken.fill_null(value=False)).select(
        *_PLACE,
        pl.lit(RULE).alias("rule"),
        pl.lit("CH16").alias("reason"),
        pl.lit(Severity.ERROR.value).alias("severity"),
        pl.lit(Level.PAYMENT.value).alias("level"),
        pl.lit(field).alias("field"),
        shown(field, pl.col(field)).alias("value"),
        pl.lit(f"{field.replace('_', ' ')} {what}").alias("message"),
        pl.lit(remedy).alias("remedy"),
    )
