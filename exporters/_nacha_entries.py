"""Write entry detail records (type 6) and their addenda (type 7) as columns of text.

Source: Nacha Operating Rules, Appendix Three: entry detail and addenda records of each class, transaction codes.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.parties import counterparty, ordering
from exporters._nacha_classes import REMITTANCE_CHARS, SEVERAL_SEC, of_class, sec_of
from exporters._nacha_records import NachaOptions, ascii_text

ACCOUNT_CHARS: Final = 17
_CREDIT_CODES: Final = {"CACC": "22", "SVGS": "32", "GLAC": "42", "LOAN": "52"}
_DEBIT_CODES: Final = {"CACC": "27", "SVGS": "37", "GLAC": "47", "LOAN": "55"}
_TEXTS: Final = (
    "debtor_name", "category_purpose", "end_to_end_id", "creditor_name", "remittance", "remittance_reference", "purpose",
)  # fmt: skip
_DESCRIPTIONS: Final = {"SALA": "PAYROLL"}
"""ISO category purposes with a description that the rules prescribe (mandatory for wages since 2026)."""
_PAYMENT_TYPES: Final = {"S": "S", "R": "R", "OOFF": "S", "FRST": "R", "RCUR": "R", "FNAL": "R", "RPRE": "R"}
"""Payment type code of a `sequence_type`, NACHA's own or ISO's."""


def plain(payments: pl.DataFrame) -> pl.DataFrame:
    """The payments with their texts in printable ASCII (as `ascii_text` does).

    Remittance lines are joined by blanks, but where the class carries several addenda.
    """
    several = sec_of(pl.col("local_instrument")).is_in(SEVERAL_SEC)
    joined = payments.with_columns(
        pl.when(several).then("remittance").otherwise(pl.col("remittance").str.replace_all("\n", " ", literal=True))
    )
    foreign = joined.select(pl.col(_TEXTS).str.contains(r"[^ -~\n]").any()).row(0)
    columns = [name for name, is_foreign in zip(_TEXTS, foreign, strict=True) if is_foreign]
    without_accents = pl.col(columns).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    return joined.with_columns(without_accents.str.replace_all(r"[^ -~\n]", "?")) if columns else joined


def remittance_text() -> pl.Expr:
    """Remittance information of `plain` payments; null where there is none."""
    text = pl.col("remittance").str.strip_chars_end(" ")
    return pl.coalesce(pl.when(text.str.strip_chars() != "").then(text), "remittance_reference")


def addenda_texts() -> pl.Expr:
    """List of the texts of the addenda records of `plain` payments; null where there are none."""
    text = remittance_text()
    # An empty line is an addenda record of blanks: the records keep their number.
    lines = text.str.replace_all(r"(?m)^$", " ").str.extract_all(rf"[^\n]{{1,{REMITTANCE_CHARS}}}")
    several = pl.when(of_class(several=True) & text.is_not_null()).then(lines)
    one = pl.when(of_class(several=False) & ~of_class(addenda="") & text.is_not_null()).then(pl.concat_list(text))
    return pl.coalesce(several, one)


def prepared(payments: pl.DataFrame, order: Order, options: NachaOptions) -> pl.DataFrame:
    """One row a payment of `plain` payments, ready to be put into a batch.

    The effective entry date is the `execution_date` of the payment's route, where the frame carries it.
    Fields of BatchKey, `records` (entry and addenda), `rdfi`, `is_debit`, `debit`, `credit`, `text`.
    """
    name = ascii_text(options.company_name or order.initiating_party)
    company_id = pl.when(ordering("id").str.contains(r"^[!-~]{1,10}$")).then(ordering("id"))
    description = pl.col("category_purpose").replace(_DESCRIPTIONS)
    debit = pl.col("credit_debit") == "DBIT"
    day = pl.col("execution_date") if "execution_date" in payments.columns else pl.lit(order.business_date)
    with_class = payments.with_columns(
        sec_of(pl.col("local_instrument")).alias("sec"),
        addenda_texts().list.len().fill_null(0).cast(pl.Int64).alias("addenda"),
    )
    return _with_addenda(with_class).select(
        "sec",
        ordering("name").fill_null(name).str.head(16).alias("company_name"),
        company_id.fill_null(options.company_id or options.immediate_origin).alias("company_id"),
        description.fill_null(options.company_entry_description).str.head(10).alias("description"),
        day.dt.strftime("%y%m%d").alias("day"),
        (pl.col("addenda") + 1).alias("records"),
        counterparty("agent").str.head(8).cast(pl.Int64).alias("rdfi"),
        debit.alias("is_debit"),
        pl.when(debit).then("amount_minor").otherwise(0).alias("debit"),
        pl.when(debit).then(0).otherwise("amount_minor").alias("credit"),
        pl.concat_str(_entry(options.payment_type_code), pl.col("addenda_records").fill_null("")).alias("text"),
    )


def _with_addenda(payments: pl.DataFrame) -> pl.DataFrame:
    """Adds `addenda_records`: all addenda records of the payment, each with its line feed."""
    sequence = pl.col("reference").str.slice(8)
    terminal = pl.concat_str(pl.lit("702"), remittance_text().str.pad_end(76), pl.col("reference"), pl.lit("\n"))
    one = pl.concat_str(
        pl.lit("705"), remittance_text().str.pad_end(REMITTANCE_CHARS), pl.lit("0001"), sequence, pl.lit("\n")
    )
    written = pl.when(pl.col("addenda") > 0).then(pl.when(of_class(addenda="02")).then(terminal).otherwise(one))
    if not payments["sec"].is_in(list(SEVERAL_SEC)).any():
        return payments.with_columns(written.alias("addenda_records"))
    each = payments.select(
        pl.int_range(pl.len()).alias("place"), "sec", sequence.alias("sequence"), addenda_texts().alias("line")
    )
    each = each.filter(pl.col("sec").is_in(SEVERAL_SEC)).explode("line").drop_nulls("line").with_columns(
        pl.int_range(1, pl.len() + 1).over("place").cast(pl.String).str.zfill(4).alias("ordinal")
    )  # fmt: skip
    record = pl.concat_str(
        pl.lit("705"), pl.col("line").str.pad_end(REMITTANCE_CHARS), "ordinal", "sequence", pl.lit("\n")
    )
    several = each.group_by("place", maintain_order=True).agg(record.str.join("").alias("several"))
    joined = payments.with_columns(pl.int_range(pl.len()).alias("place")).join(
        several, on="place", how="left", maintain_order="left"
    )
    return joined.with_columns(
        pl.when(pl.col("sec").is_in(SEVERAL_SEC)).then("several").otherwise(written).alias("addenda_records")
    )


def _transaction_code() -> pl.Expr:
    kind = counterparty("account_type")
    debit = kind.replace_strict(_DEBIT_CODES, default="27", return_dtype=pl.String)
    credit = kind.replace_strict(_CREDIT_CODES, default="22", return_dtype=pl.String)
    by_type = pl.when(pl.col("credit_debit") == "DBIT").then(debit).otherwise(credit)
    return pl.coalesce("transaction_code", by_type)


def _text(value: pl.Expr, chars: int) -> pl.Expr:
    return value.fill_null("").str.head(chars).str.pad_end(chars)


def _party() -> pl.Expr:
    """Positions 40-76: identification, name, and what else a class has there."""
    identification, name = pl.col("end_to_end_id"), counterparty("name")
    number = pl.col("addenda").cast(pl.String).str.zfill(4)
    layouts = {
        "counted": (_text(identification, 15), number, _text(name, 16), pl.lit("  ")),
        "name 15": (_text(name, 15), _text(identification, 22)),
        "name 22": (_text(name, 22), _text(identification, 15)),
        "item": (_text(identification, 15), _text(remittance_text(), 22)),
    }
    chosen = pl.concat_str(_text(identification, 15), _text(name, 22))
    for layout, parts in layouts.items():
        chosen = pl.when(of_class(layout=layout)).then(pl.concat_str(*parts)).otherwise(chosen)
    return chosen


def _kind(payment_type_code: str) -> pl.Expr:
    """Positions 77-78: the payment type of WEB and TEL, the type of card transaction or item of others."""
    own = pl.col("sequence_type").replace_strict(_PAYMENT_TYPES, default=None, return_dtype=pl.String)
    typed = pl.when(of_class(kind="sequence_type")).then(own.fill_null(payment_type_code))
    return _text(typed.when(of_class(kind="purpose")).then("purpose"), 2)


def _entry(payment_type_code: str) -> pl.Expr:
    """Entry detail record with its line feed."""
    return pl.concat_str(
        pl.lit("6"),
        _transaction_code(),
        counterparty("agent"),
        counterparty("account").str.pad_end(ACCOUNT_CHARS),
        pl.col("amount_minor").cast(pl.String).str.zfill(10),
        _party(),
        _kind(payment_type_code),
        pl.when(pl.col("addenda") > 0).then(pl.lit("1")).otherwise(pl.lit("0")),
        pl.col("reference"),
        pl.lit("\n"),
    )
