"""Sequences of an MT101 put together: messages, and one payment each sequence B.

Source: SWIFT, MT101 request for transfer: sequence A general information, sequence B transaction details.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from canonical.identifiers import payment_id_of
from canonical.money import amount_minor
from parsers._mt_segments import code_of
from parsers._mt_transfer_fields import (
    CATEGORY_PURPOSES,
    CHARGE_BEARERS,
    LOCAL_INSTRUMENTS,
    ORDERING,
    SERVICE_LEVELS,
    STRANGE_ORDERING,
)
from parsers._mt_transfer_parties import PARTY, banks, parties

_ORDERING: Final = (*ORDERING, *STRANGE_ORDERING)
_AMOUNT: Final = "^[0-9]{1,14},[0-9]{0,5}$"
_END_TO_END: Final = r"(?m)^/ROC/([^\n/]+(?:/[^\n/]+)*)"


@dataclass(frozen=True, slots=True)
class Sequences:
    """Fields of one window by what they belong to: `key` is the index of the message or of the payment.

    `first`: fields of the sequences A (code, text, line, key), `repeated` those of the sequences B; `messages` has one
    row a message, `payments` one row a sequence B (sequence, message, line, offset, length, index of its message).
    """

    first: dict[int, pl.DataFrame]
    repeated: dict[int, pl.DataFrame]
    messages: pl.DataFrame
    payments: pl.DataFrame

    def of_message(self, *tags: str) -> pl.DataFrame:
        """Fields of these tags in sequences A."""
        return _of(self.first, tags)

    def of_payment(self, *tags: str) -> pl.DataFrame:
        """Fields of these tags in sequences B."""
        return _of(self.repeated, tags)

    def has(self, *tags: str) -> np.ndarray:
        """Boolean for each payment: its sequence B has one of these fields."""
        return _marked(self.of_payment(*tags), self.payments.height)

    def message_has(self, *tags: str) -> np.ndarray:
        """Boolean for each payment: the sequence A of its message has one of these fields."""
        of_payment: np.ndarray = self.payments["message_index"].to_numpy()
        marked: np.ndarray = _marked(self.of_message(*tags), self.messages.height)[of_payment]
        return marked


_FIELD_SCHEMA: Final = {"code": pl.Int64, "line": pl.Int64, "text": pl.String, "key": pl.Int64}


_UNCARRIED: Final = ("21F", "33B", "36", "56A", "56C", "56D", "77B")


def _of(parts: dict[int, pl.DataFrame], tags: tuple[str, ...]) -> pl.DataFrame:
    found = [parts[code] for tag in tags if (code := code_of(tag)) in parts]
    return pl.concat(found) if found else pl.DataFrame(schema=_FIELD_SCHEMA)


def _marked(fields: pl.DataFrame, size: int) -> np.ndarray:
    marks = np.zeros(size, bool)
    marks[fields["key"].to_numpy()] = True
    return marks


def by_code(fields: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Fields parted by their tag."""
    parted = fields.select(*_FIELD_SCHEMA).partition_by("code", as_dict=True, maintain_order=True)
    return {int(str(code[0])): frame for code, frame in parted.items()}


def spread(fields: pl.DataFrame, size: int) -> pl.DataFrame:
    """Columns of `fields` as one row for each key from 0 to `size`; the first field of a key counts, others are null."""
    if fields.is_empty():
        return fields.drop("key").clear(size)
    keys = fields["key"].to_numpy()
    if len(keys) == size and bool((keys == np.arange(size)).all()):
        return fields.drop("key")
    place = np.full(size, -1)
    place[keys[::-1]] = np.arange(len(keys))[::-1]
    index = pl.Series(place).replace(-1, None)
    return fields.drop("key").select(pl.all().gather(index))


def message_columns(sequences: Sequences) -> pl.DataFrame:
    """One row a message: batch_id, requested_execution_date(_text), ordering party (debtor_...), debtor_agent, chain."""
    size = sequences.messages.height

    def text(name: str, *tags: str) -> pl.Series:
        return spread(sequences.of_message(*tags).select("key", "text"), size)["text"].alias(name)

    ordering = spread(parties(sequences.of_message(*_ORDERING)), size).rename(
        {name: f"debtor_{name}" for name in PARTY}
    )
    agent = spread(banks(sequences.of_message("52A", "52C")), size)["agent"]
    return ordering.with_columns(
        text("batch_id", "20"),
        text("chain", "21R"),
        text("index", "28D"),
        text("requested_execution_date_text", "30"),
        agent.alias("debtor_agent"),
    ).with_columns(
        (pl.lit("20") + pl.col("requested_execution_date_text"))
        .str.to_date("%Y%m%d", strict=False, exact=True)
        .alias("requested_execution_date")
    )


def payment_columns(sequences: Sequences, messages: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """PAYMENTS columns (those that an MT101 has). `messages`: of `message_columns`."""
    payments = sequences.payments
    size = payments.height
    whole = pl.concat(
        [
            payments,
            messages.drop("chain", "index")[payments["message_index"]],
            sequences.messages.select("receiver", "batch_offset", "batch_length", pl.col("line").alias("batch_line"))[
                payments["message_index"]
            ],
            *_own_columns(sequences, size),
        ],
        how="horizontal",
    )
    # A party or bank that sequence B names stands in the place of that of sequence A.
    own = pl.col("own_account").is_not_null() | pl.col("own_name").is_not_null() | pl.col("own_id").is_not_null()
    debtor = [pl.when(own).then(f"own_{name}").otherwise(f"debtor_{name}").alias(f"debtor_{name}") for name in PARTY]
    currency = pl.col("text_32B").str.extract("^([A-Za-z]{3})")
    amount = pl.col("text_32B").str.strip_prefix(currency.fill_null(""))
    return whole.with_columns(
        *debtor,
        pl.coalesce("own_agent", "debtor_agent", "receiver").alias("debtor_agent"),
        currency.alias("currency"),
        amount.replace({"": None}).alias("amount_text"),
    ).select(
        payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"),
        pl.col("sequence").alias("row"),
        "line", "offset", "length",
        pl.col("message").alias("batch"),
        "batch_line", "batch_offset", "batch_length", "batch_id",
        pl.col("text_21").alias("instruction_id"),
        pl.coalesce(_unfolded(pl.col("text_70")).str.extract(_END_TO_END), "text_21").alias("end_to_end_id"),
        pl.lit("CRDT").alias("credit_debit"),
        "amount_text",
        _minor().alias("amount_minor"),
        "currency",
        "requested_execution_date_text", "requested_execution_date",
        *_instructions(),
        pl.col("text_71A").replace_strict(CHARGE_BEARERS, default=None, return_dtype=pl.String).alias("charge_bearer"),
        *(f"debtor_{name}" for name in PARTY), "debtor_agent",
        *(f"creditor_{name}" for name in PARTY), "creditor_agent",
        _one_line(pl.col("text_70")).alias("remittance"),
        pl.lit(value=False).alias("prenote"),
        _uncarried(sequences).alias("uncarried"),
    )  # fmt: skip


def _uncarried(sequences: Sequences) -> pl.Series:
    """Fields without a canonical column that move the money otherwise or that authorities want, null where there are none."""
    masks = {tag: sequences.has(tag) for tag in _UNCARRIED}
    told = [
        pl.when(pl.Series(mask, dtype=pl.Boolean)).then(pl.lit(f"field {tag}"))
        for tag, mask in masks.items()
        if mask.any()
    ]
    size = sequences.payments.height
    if not told:
        return pl.Series([None], dtype=pl.String).new_from_index(0, size)
    return pl.select(pl.concat_str(told, separator=", ", ignore_nulls=True).replace("", None)).to_series()


def _own_columns(sequences: Sequences, size: int) -> Iterator[pl.DataFrame]:
    """What each sequence B says itself, as frames of one row a payment."""
    for tag in ("21", "32B", "70", "71A"):
        yield spread(sequences.of_payment(tag).select("key", pl.col("text").alias(f"text_{tag}")), size)
    codes = sequences.of_payment("23E").group_by("key", maintain_order=True).agg(
        pl.col("text").str.head(4).str.join(",").alias("codes")
    )  # fmt: skip
    yield spread(codes, size)
    own = spread(parties(sequences.of_payment(*_ORDERING)), size)
    yield own.rename({name: f"own_{name}" for name in PARTY})
    yield spread(banks(sequences.of_payment("52A", "52C")), size).rename({"agent": "own_agent"})
    creditor = spread(parties(sequences.of_payment("59", "59A", "59F")), size)
    yield creditor.rename({name: f"creditor_{name}" for name in PARTY})
    yield spread(banks(sequences.of_payment("57A", "57C", "57D")), size).rename({"agent": "creditor_agent"})


def _one_line(text: pl.Expr) -> pl.Expr:
    """Lines put together as one text of at most 140 characters: a full line runs on into the next."""
    return _unfolded(text).str.replace_all("\n", " ", literal=True)


def _unfolded(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"(?m)^([^\n]{35})\n", "${1}")


def _minor() -> pl.Expr:
    """Minor units of the amount: a decimal comma must stand in it, and no more decimals than the currency has."""
    written = pl.when(pl.col("amount_text").str.contains(_AMOUNT)).then("amount_text")
    return amount_minor(written.str.replace(",", ".", literal=True), pl.col("currency"))


def _instructions() -> Iterator[pl.Expr]:
    """What the instruction codes of 23E say where ISO 20022 has a place for it."""
    for column, table in (
        ("service_level", SERVICE_LEVELS), ("local_instrument", LOCAL_INSTRUMENTS), ("category_purpose", CATEGORY_PURPOSES)
    ):  # fmt: skip
        code = pl.col("codes").str.extract(f"({'|'.join(table)})")
        yield code.replace_strict(table, default=None, return_dtype=pl.String).alias(column)
