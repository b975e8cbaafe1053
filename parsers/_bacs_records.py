"""Data records of Standard 18 files: fields, batches, payments, and what is wrong with single records.

Source: Bacs, PN5011 file structures (Standard 18): data records, fields 1 to 12; AUDDIS reference rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.identifiers import payment_id_of
from canonical.money import amount_text
from parsers._bacs_layout import (
    CONTRA_CODES,
    DIRECTIONS,
    INSTRUCTIONS,
    LABEL_CHARS,
    MULTI_CHARS,
    PURPOSES,
    SEQUENCE_TYPES,
    SINGLE_CHARS,
    cut,
    day_of,
    is_contra,
    number,
    words,
)
from parsers._nacha_findings import Fault

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
_CODE: Final = Fault(
    "bacs18-transaction-code", "AG02", *_PAYMENT, "transaction_code",
    "Write at positions 16-17: 99, Z4 or Z5 for a credit; 01, 17, 18 or 19 for a direct debit.",
)  # fmt: skip
_ACCOUNT_TYPE: Final = Fault(
    "bacs18-account-type", "AC13", *_PAYMENT, "destination account type", "Write a digit at position 15, usually 0."
)
_LENGTH: Final = Fault(
    "bacs18-length", "FF02", *_PAYMENT, "record",
    "Write records of 100 characters (single processing day) or 106 (multi processing day).",
)  # fmt: skip
_DATE: Final = Fault(
    "bacs18-date", "DT01", *_PAYMENT, "requested_execution_date_text",
    "Give each record of a multi-day file its processing day at 101-106 as a blank and YYDDD; of a single-day file the "
    "day of the UHL1 label, or none.",
)  # fmt: skip
_REFERENCE: Final = Fault(
    "bacs18-reference", "MD02", *_PAYMENT, "end_to_end_id",
    "Give at positions 65-82 the reference lodged with the direct debit instruction: six letters or digits at least, not "
    "all the same, not beginning with DDIC.",
)  # fmt: skip
_INSTRUCTION: Final = Fault(
    "bacs18-instruction", "FF03", Severity.WARNING, Level.PAYMENT, "transaction_code",
    "Lodge direct debit instructions by AUDDIS; nothing of them is carried out here.",
)  # fmt: skip
_INSTRUCTION_AMOUNT: Final = Fault(
    "bacs18-instruction", "AM12", *_PAYMENT, "amount_text", "Write zeros as the amount of an instruction."
)
_OWN_ACCOUNT: Final = Fault(
    "bacs18-contra", "AG01", *_PAYMENT, "counterparty_account",
    "Write CONTRA at positions 65-70 of a contra record, code 17 for credits or 99 for debits, and your own account as "
    "destination; pay nobody else with the reference CONTRA.",
)  # fmt: skip
_CHARACTER_REMEDY: Final = "Use capital letters, digits, blanks and . - / & only."
_CHARACTER: Final = Fault("bacs18-character", "RR10", Severity.WARNING, Level.PAYMENT, "record", _CHARACTER_REMEDY)
_NO_TEXT: Final = Fault("bacs18-character", "RR10", *_PAYMENT, "record", _CHARACTER_REMEDY)

KEYS_SCHEMA: Final = {
    "key": pl.String, "batch": pl.Int64, "line": pl.Int64, "batch_id": pl.String, "agent": pl.String,
    "account": pl.String, "date_text": pl.String, "date": pl.Date,
}  # fmt: skip
"""Batches met so far: originating account and processing day, in the order in which they begin."""
_FIELD_ENDS: Final = {
    6: "destination sort code", 14: "destination account number", 15: "destination account type",
    17: "transaction code", 23: "originating sort code", 31: "originating account number", 35: "free format",
    46: "amount", 64: "service user's name", 82: "service user's reference", 100: "destination account name",
}  # fmt: skip


def fields_of(records: pl.DataFrame) -> pl.DataFrame:
    """The data records with the fields that decide what they are.

    `records` has `day_text` and `multi` of the UHL1 label before. Added: code, amount, direction (null where the record
    is no payment), contra (direction of the payments that it balances), instruction, unknown (of no transaction code that
    there is), date_text, own_date, key.
    """
    code = cut(16, 17)
    own_date = pl.when(pl.col("length") > SINGLE_CHARS).then(
        cut(SINGLE_CHARS + 1, MULTI_CHARS).str.strip_chars(" \r\n").replace({"": None})
    )
    contra = pl.when(is_contra()).then(code.replace_strict(CONTRA_CODES, default=None, return_dtype=pl.String))
    frame = records.with_columns(
        code.alias("code"), number(cut(36, 46)).alias("amount"), contra.alias("contra"), own_date.alias("own_date")
    ).with_columns(
        pl.coalesce("own_date", "day_text").alias("date_text"),
        pl.col("code").is_in(list(INSTRUCTIONS)).alias("instruction"),
        pl.when(pl.col("contra").is_null())
        .then(pl.col("code").replace_strict(DIRECTIONS, default=None, return_dtype=pl.String))
        .alias("direction"),
    )
    none = pl.col("direction").is_null() & pl.col("contra").is_null() & ~pl.col("instruction")
    frame = frame.with_columns(none.alias("unknown"))
    return frame.with_columns(pl.concat_str(cut(18, 31), pl.col("date_text").fill_null("")).alias("key"))


def batches_of(fields: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """KEYS_SCHEMA with the batches that begin here added, and the index into it of each record (null: of no batch)."""
    # A record of an unknown code becomes no payment, and is looked at where its batch is summed up.
    of_batch = ~pl.col("instruction")
    first = fields.filter(of_batch).unique("key", keep="first", maintain_order=True)
    new = first.join(known, on="key", how="anti", maintain_order="left")
    made = new.select(
        "key",
        (pl.int_range(pl.len(), dtype=pl.Int64) + known.height + 1).alias("batch"),
        "line",
        pl.concat_str(cut(18, 23), cut(28, 31), pl.col("date_text").fill_null(""), separator="-").alias("batch_id"),
        words(18, 23).alias("agent"),
        words(24, 31).alias("account"),
        "date_text",
        day_of(pl.col("date_text")).alias("date"),
    )
    keys = pl.concat([known, made])
    joined = fields.join(keys.select("key", "batch", "batch_id"), on="key", how="left", maintain_order="left")
    return keys, joined.with_columns(pl.when(of_batch).then("batch").alias("batch"))


def payments_of(records: pl.DataFrame, keys: pl.DataFrame, file_id: str, user: str | None) -> pl.DataFrame:
    """PAYMENTS columns (those that Standard 18 has) of the records that have a `row`. `user`: service user number."""
    paid = records.filter(pl.col("row").is_not_null())
    origin = keys.select("agent", "account", "date_text", "date", pl.col("line").alias("batch_line"))[paid["batch"] - 1]
    paid = paid.drop("date_text").with_columns(origin)
    collects = pl.col("direction") == "DBIT"
    reference = words(65, 82)
    return paid.select(
        payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"),
        "row", "line", "offset", "length", "batch", "batch_line", "batch_id",
        reference.alias("end_to_end_id"),
        pl.col("direction").alias("credit_debit"),
        amount_text(pl.col("amount"), pl.lit("GBP")).fill_null(words(36, 46)).alias("amount_text"),
        pl.col("amount").alias("amount_minor"),
        pl.lit("GBP").alias("currency"),
        pl.col("date_text").alias("requested_execution_date_text"),
        pl.col("date").alias("requested_execution_date"),
        pl.col("code").replace_strict(SEQUENCE_TYPES, default=None, return_dtype=pl.String).alias("sequence_type"),
        pl.col("code").replace_strict(PURPOSES, default=None, return_dtype=pl.String).alias("purpose"),
        *_parties(collects),
        pl.when(collects).then(pl.lit(user, dtype=pl.String)).alias("creditor_scheme_id"),
        pl.when(collects).then(reference).alias("mandate_id"),
        pl.col("code").alias("transaction_code"),
        pl.lit(value=False).alias("prenote"),
    )  # fmt: skip


def _parties(collects: pl.Expr) -> Iterator[pl.Expr]:
    """Debtor and creditor: the service user pays credits and collects debits."""
    user = {"name": words(47, 64), "agent": pl.col("agent"), "account": pl.col("account")}
    other = {"name": words(83, 100), "agent": words(1, 6), "account": words(7, 14)}
    for name, ours in user.items():
        yield pl.when(collects).then(other[name]).otherwise(ours).alias(f"debtor_{name}")
        yield pl.when(collects).then(ours).otherwise(other[name]).alias(f"creditor_{name}")


def record_findings(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with single data records. `records`: those of `batches_of` with `row` and `end_to_end_id`."""
    code, direction = pl.col("code"), pl.col("direction")
    unknown = records.filter("unknown")
    yield _CODE.on(unknown, pl.format("There is no transaction code “{}”; the record cannot be read.", code), code)
    yield from _instruction_findings(records.filter("instruction"))
    typed = records.filter(direction.is_not_null() & ~cut(15, 15).is_between(pl.lit("0"), pl.lit("9")))
    yield _ACCOUNT_TYPE.on(typed, "The destination account type at position 15 is no digit.", cut(15, 15))
    named = cut(65, 70) == "CONTRA"
    own = records.filter(direction.is_not_null() & ((cut(1, 14) == cut(18, 31)) | named))
    own = own.filter(~named | (cut(1, 14) == cut(18, 31)) | (words(71, 82).is_null()))
    message = (
        pl.when(named)
        .then(
            pl.lit(
                "The record is called CONTRA, and is none: its destination is not the originating account, or its code is not 17 or 99."
            )
        )
        .otherwise(pl.lit("The payment goes from an account to the same account, and is no contra record."))
    )
    yield _OWN_ACCOUNT.on(own, message)
    yield from _reference_findings(records.filter((direction == "DBIT") | pl.col("instruction")))
    yield from _date_findings(records)
    long = records.filter(pl.col("length") > MULTI_CHARS)
    long = long.filter(pl.col("text").str.slice(MULTI_CHARS).str.strip_chars(" \r\n") != "")
    message = pl.format("The record has {} characters; behind position 106 it may have only blanks.", pl.col("length"))
    yield _LENGTH.on(long, message)


def _instruction_findings(instructions: pl.DataFrame) -> Iterator[pl.DataFrame]:
    what = pl.col("code").replace_strict(INSTRUCTIONS, default=None, return_dtype=pl.String)
    message = pl.format("The record is {} for direct debits (code {}) and no payment; it is left out.", what, "code")
    yield _INSTRUCTION.on(instructions, message, pl.col("code"))
    paid = instructions.filter(pl.col("amount").ne_missing(0))
    yield _INSTRUCTION_AMOUNT.on(paid, "The amount of a direct debit instruction is not zero.", cut(36, 46))


def _reference_findings(debits: pl.DataFrame) -> Iterator[pl.DataFrame]:
    reference = pl.col("end_to_end_id").fill_null("")
    core = reference.str.replace_all("[^A-Za-z0-9]", "")
    short = debits.filter(core.str.len_chars() < 6)  # noqa: PLR2004  the standard's least
    yield _REFERENCE.on(short, "The reference has fewer than six letters and digits.", reference)
    same = debits.filter((core.str.len_chars() > 0) & (core.str.strip_chars(core.str.head(1)) == ""))
    yield _REFERENCE.on(same, "The reference is one character repeated.", reference)
    yield _REFERENCE.on(debits.filter(reference.str.starts_with("DDIC")), "The reference begins with DDIC.", reference)


def _date_findings(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    paid, own = pl.col("direction").is_not_null() | pl.col("contra").is_not_null(), pl.col("own_date")
    bare = records.filter(paid & pl.col("multi") & own.is_null())
    yield _DATE.on(bare, "The file is multi day, and the record has no processing day at positions 101-106.")
    other = records.filter(paid & ~pl.col("multi") & (own != pl.col("day_text")))
    message = pl.format("The file is single day ({}), and the record says {} at positions 101-106.", "day_text", own)
    yield _DATE.on(other, message, own)


def character_findings(characters: pl.DataFrame, records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Characters outside the Bacs set: an error where they are no printable ASCII, or in a direct debit's reference."""
    if characters.is_empty():
        return
    ends = pl.DataFrame(
        {"end": list(_FIELD_ENDS), "name": list(_FIELD_ENDS.values())}, schema={"end": pl.Int64, "name": pl.String}
    )
    known = characters.join(records, on="line", how="inner").sort("column")
    known = known.join_asof(ends, left_on="column", right_on="end", strategy="forward").sort("line")
    printable = pl.col("byte").is_between(0x20, 0x7E)
    # The numbers and codes before position 32, and the amount, have rules of their own.
    text = ~printable | pl.col("column").is_between(32, 35) | pl.col("column").is_between(47, SINGLE_CHARS)
    known = known.filter(text).with_columns(pl.col("name").fill_null("record"))
    kept = (pl.col("direction") == "DBIT") & pl.col("column").is_between(65, 82)
    sign = pl.when(printable).then(cut_at("column")).otherwise(pl.format("byte {}", "byte"))
    message = pl.format("Position {} ({}) holds “{}”, which Bacs does not know.", "column", "name", sign)
    bad = ~printable | kept.fill_null(value=False)
    yield _NO_TEXT.on(known.filter(bad), message)
    yield _CHARACTER.on(known.filter(~bad), message + pl.lit(" Banks may show a blank or a capital in its place."))


def cut_at(column: str) -> pl.Expr:
    """The character of the record at the position that a column gives."""
    return pl.col("text").str.slice(pl.col(column) - 1, 1)


def trimmed(records: pl.DataFrame) -> pl.DataFrame:
    """Data records and labels that are shorter than they should be."""
    least = pl.when(pl.col("kind") == "data").then(SINGLE_CHARS).otherwise(LABEL_CHARS)
    return records.filter(pl.col("length") < least)
