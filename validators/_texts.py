"""The texts by which a repeated payment is known: what makes two payments the same one."""

from __future__ import annotations

import hashlib
from functools import lru_cache, reduce
from operator import add
from typing import Final

import polars as pl
import polars_hash as plh

from canonical.codes import CreditDebit
from canonical.identifying import identifies
from canonical.parties import counterparty
from validators._matrix import constant, edges

_SIDE: Final = ("name", "account", "agent")

_SUSPECT_EDGES: Final = frozenset(range(0x100)) - frozenset(
    b"0123456789ABCDEFGHIJKLMOPQRSTUVWXYZabcdefghijklmopqrstuvwxyz"
)
"""First or last bytes of an id that may be blank around its end, say NOTPROVIDED, or be a sign alone."""

SEPARATOR: Final = "\x1f"
"""Unit separator: XML forbids it and no account or name has one."""

_ALWAYS: Final = ("amount_minor", "currency")
_BUSINESS: Final = ("requested_execution_date_text", "remittance")


def real_end_to_end_id() -> pl.Expr:
    """The end-to-end id, null where it is empty or stands for none."""
    text = pl.col("end_to_end_id").str.strip_chars()
    return pl.when(identifies(text)).then(text)


def real_end_to_end_ids(payments: pl.DataFrame) -> pl.Series:
    """The same of every payment; at once where none can stand for none, by its first and last letter."""
    ids = payments["end_to_end_id"]
    found = edges(ids)
    if found is not None and not found & _SUSPECT_EDGES:
        return ids
    return payments.select(real_end_to_end_id().alias("end_to_end_id"))["end_to_end_id"]


def identities(payments: pl.DataFrame, client_id: str) -> pl.Series:
    """UInt128 of every payment, equal only where its `fingerprint` is (dated for NACHA entries), and made much faster.

    A sum of the hashes of its parts, each times an odd number of that part's own: the same on every machine, and for ever.
    """
    if payments.is_empty():
        return pl.Series("key", [], pl.UInt128)
    real = real_end_to_end_ids(payments)
    texts = _side(payments).with_columns(real.alias("id"), pl.lit(client_id).alias("client"))
    key = _sum(texts, "client", "credit_debit", "account", "agent", "currency", "id") + _times("amount_minor")
    nacha = pl.col("transaction_code").is_not_null()
    if texts["transaction_code"].null_count() < texts.height:
        key += pl.when(nacha & pl.col("id").is_not_null()).then(_sum(texts, "day")).otherwise(0)
    if real.null_count():
        key += pl.when(pl.col("id").is_null()).then(_sum(texts, "name", "day", "remittance")).otherwise(0)
    return texts.select(key.alias("key"))["key"]


def _side(payments: pl.DataFrame) -> pl.DataFrame:
    """What tells a payment, with the other side's name, account and agent."""
    same = ("credit_debit", "currency", "amount_minor", "remittance", "transaction_code")
    if constant(payments["credit_debit"]):
        party = "debtor" if payments["credit_debit"][0] == CreditDebit.DBIT.value else "creditor"
        sides = [pl.col(f"{party}_{name}").alias(name) for name in _SIDE]
    else:
        sides = [counterparty(name).alias(name) for name in _SIDE]
    return payments.select(*same, *sides, pl.col("requested_execution_date_text").alias("day"))


def _odd(name: str) -> pl.Expr:
    """An odd number of 128 bits for a part, the same for ever."""
    return pl.lit(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big") | 1, dtype=pl.UInt128)


def _times(name: str) -> pl.Expr:
    return pl.col(name).fill_null(0).cast(pl.UInt128) * _odd(name)


def _sum(texts: pl.DataFrame, *names: str) -> pl.Expr:
    """Sum of the parts' hashes, each times its own number; of a part with one value the hash is made once. Null counts as empty."""
    terms: list[pl.Expr] = []
    for name in names:
        held = texts[name]
        if constant(held) or held.null_count() == held.len():
            hashed = pl.lit(_hash_of(held[0] or ""), dtype=pl.UInt128)
        else:
            hashed = plh.col(name).fill_null("").nchash.xxh3_128()  # type: ignore[attr-defined]  # its own namespace
        terms.append(hashed * _odd(name))
    return reduce(add, terms)


@lru_cache(maxsize=4096)
def _hash_of(text: str) -> int:
    return int(pl.DataFrame({"text": [text]}).select(plh.col("text").nchash.xxh3_128()).item())


def _joined(*parts: pl.Expr) -> pl.Expr:
    return pl.concat_str([part.cast(pl.String).fill_null("") for part in parts], separator=SEPARATOR)


def fingerprint(client_id: str, *, dated: bool) -> pl.Expr:
    """Text that two payments share only when they pay the same to the same, for the same reason.

    Client, direction, the other side's account and agent, amount, currency, and the real end-to-end id; without one the business
    fingerprint: its name, execution date, remittance. `dated` adds the execution date beside an id: a NACHA
    individual id names a person and comes again with every payroll.
    """
    party = (pl.col("credit_debit"), counterparty("account"), counterparty("agent"))
    always = _joined(pl.lit(client_id), *party, *(pl.col(name) for name in _ALWAYS))
    real = real_end_to_end_id()
    named = [pl.lit("id"), real]
    if dated:
        named.append(pl.col("requested_execution_date_text"))
    business = [pl.lit("business"), counterparty("name"), *(pl.col(name) for name in _BUSINESS)]
    tail = pl.when(real.is_not_null()).then(_joined(*named)).otherwise(_joined(*business))
    return always + pl.lit(SEPARATOR) + tail
