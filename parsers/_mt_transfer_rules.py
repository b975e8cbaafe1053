"""What is wrong with whole transactions of an MT101: the rules that tie fields and messages together.

Source: SWIFT, MT101 request for transfer: network validated rules C1 to C9, usage rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from canonical.currencies import CURRENCIES
from parsers._mt_transfer_fields import CHEQUES, INSTRUCTIONS, ORDERING, REFUSED, STRANGE_ORDERING, TOLD
from parsers._mt_transfer_payments import Sequences
from parsers._nacha_findings import Fault

_BATCH: Final = (Severity.ERROR, Level.BATCH)
_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
_CHARGES: Final = Fault(
    "mt101-missing", "CH21", *_PAYMENT, "71A", "Write field 71A with OUR, SHA or BEN; MT101 cannot do without it."
)
_AMOUNT: Final = Fault(
    "mt101-amount", "AM12", *_PAYMENT, "32B", "Write field 32B with the currency and the amount, such as EUR1250,50."
)
_ORDERER: Final = Fault(
    "mt101-ordering",
    "CH16",
    *_PAYMENT,
    "50a",
    "Name the ordering customer in field 50F, 50G or 50H, in sequence A or B.",
)
_CODE: Final = Fault("mt101-field", "CH16", *_PAYMENT, "23E", "Use a code that MT101 knows in field 23E, or none.")
_INDEX: Final = Fault("mt101-index", "FF02", *_BATCH, "28D", "Number the messages of one request 1/3, 2/3, 3/3.")
_INDEX_LEFT: Final = Fault(
    "mt101-index", "FF02", Severity.WARNING, Level.BATCH, "28D", "Send the other messages of the request too."
)
_REFERENCE: Final = Fault(
    "mt101-reference", "DU04", *_PAYMENT, "21", "Give each transaction of a message a reference of its own."
)
_RULE: Final = Fault("mt101-rule", "FF02", *_PAYMENT, "sequence B", "Keep to the network validated rules of the MT101.")
_REFUSED: Final = Fault(
    "mt101-instruction", "FF03", *_PAYMENT, "23E", "Order it at your bank; credit transfers only are carried out here."
)
_CHEQUE: Final = replace(_REFUSED, rule="mt101-cheque")
"""By itself: who is paid by cheque has no account in the message."""
_TOLD: Final = Fault(
    "mt101-instruction", "NARR", Severity.WARNING, Level.PAYMENT, "23E", "Nothing, if the payment may go without it."
)
_LOST: Final = Fault(
    "mt101-not-carried", "NARR", Severity.WARNING, Level.PAYMENT, "sequence A or B",
    "Nothing, if the payment may go without it; else order it at your bank.",
)  # fmt: skip
_UNSAID: Final = {"25A": "charges account", "50C": "instructing party", "50L": "instructing party"}
"""The payments leave an account of ours, whose charges are another matter, and are ordered by the client itself: no money is moved
otherwise without these fields. Those by which it moves are in `uncarried` of the payment, and refused by the rule of that name."""


def payment_findings(sequences: Sequences, payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with a sequence B as a whole. `payments`: PAYMENTS columns, one row a sequence."""

    def where(mask: np.ndarray) -> pl.DataFrame:
        return payments.filter(pl.Series(mask, dtype=pl.Boolean))

    yield _CHARGES.on(where(~sequences.has("71A")), "Field 71A (details of charges) is missing.")
    yield _AMOUNT.on(where(~sequences.has("32B")), "Field 32B (currency and amount) is missing.")
    orderers = (*ORDERING, *STRANGE_ORDERING)
    nobody = ~sequences.has(*orderers) & ~sequences.message_has(*orderers)
    yield _ORDERER.on(
        where(nobody), "The ordering customer (50F, 50G or 50H) stands neither in sequence A nor in sequence B."
    )
    yield from _instruction_findings(sequences, payments)
    for mask, text in _tied(sequences, payments):
        yield _RULE.on(where(mask), text)
    for tag, what in _UNSAID.items():
        said = sequences.has(tag) | sequences.message_has(tag)
        yield _LOST.on(where(said), f"Field {tag} ({what}) is read and not carried on to the bank that pays.")


def reference_findings(
    payments: pl.DataFrame, seen: np.ndarray, first: int, last: int
) -> tuple[pl.DataFrame, np.ndarray]:
    """References that stood in the same message before, and the sorted hashes of those of the last message.

    `seen`: such hashes of message `first`, which was open before the window; `last`: the one that is after it. A hash lives no longer
    than the reading of a file; 64 bits confuse two of nine million references once in half a million such files.
    """
    keys = payments.select("batch", pl.col("instruction_id").hash().alias("hash"))
    hashes, batches = keys["hash"].to_numpy(), keys["batch"].to_numpy()
    again = ~keys.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    older = np.flatnonzero(batches == first)
    if older.size and seen.size:
        found = np.minimum(np.searchsorted(seen, hashes[older]), seen.size - 1)
        again[older] |= seen[found] == hashes[older]
    told = payments.filter(pl.Series(again, dtype=pl.Boolean) & payments["instruction_id"].is_not_null())
    kept = np.concatenate((seen if first == last else seen[:0], hashes[batches == last]))
    kept.sort(kind="stable")
    text = pl.format("Reference “{}” stands twice in the message.", "instruction_id")
    return _REFERENCE.on(told, text, pl.col("instruction_id")), kept


def currency_findings(
    sequences: Sequences, payments: pl.DataFrame, opened: tuple[int, str | None], last: int
) -> tuple[pl.DataFrame, str | None]:
    """Amounts of a request (21R) in another currency than its first, and the first currency of message `last`.

    `opened`: the message that was open before the window, and its first currency.
    """
    message, currency = opened
    known = pl.when(pl.col("batch") == message).then(pl.lit(currency, dtype=pl.String))
    # What is no currency at all is told by the rule `currency`, and is not another one.
    real = pl.col("currency").filter(pl.col("currency").is_in(list(CURRENCIES)))
    first = payments.select(pl.coalesce(known, real.first().over("batch"))).to_series()
    asked = pl.Series(sequences.message_has("21R"), dtype=pl.Boolean)
    differs = asked & payments["currency"].is_in(list(CURRENCIES)) & (payments["currency"] != first)
    other = payments.filter(differs.fill_null(value=False))
    of_last = first.filter(payments["batch"] == last)
    kept = of_last[0] if of_last.len() else currency if message == last else None
    text = "The amount has another currency than the first one of the message; with field 21R all have the same."
    return _RULE.on(other, text, pl.col("currency")), kept


def _instruction_findings(sequences: Sequences, payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    fields = sequences.of_payment("23E")
    if fields.is_empty():
        return
    place = payments.select("batch", "batch_id", "row", "end_to_end_id")[fields["key"]]
    told = pl.concat([fields.select("line", pl.col("text").str.head(4).alias("code")), place], how="horizontal")
    code = pl.col("code")
    for fault, table in ((_CHEQUE, CHEQUES), (_REFUSED, REFUSED), (_TOLD, TOLD)):
        what = code.replace_strict(table, default=None, return_dtype=pl.String)
        yield fault.on(told.filter(code.is_in(list(table))), pl.format("Code {} asks for {}.", code, what), code)
    unknown = told.filter(~code.is_in(list(INSTRUCTIONS)))
    yield _CODE.on(unknown, pl.format("Field 23E has no code {}.", code), code)


def _tied(sequences: Sequences, payments: pl.DataFrame) -> Iterator[tuple[np.ndarray, str]]:
    """Which payments break which network validated rule."""
    has, above = sequences.has, sequences.message_has
    zero = (payments["amount_minor"] == 0).fill_null(value=False).to_numpy()
    rate, other, deal = has("36"), has("33B"), has("21F")
    ordering, common = (there(*ORDERING, *STRANGE_ORDERING) for there in (has, above))
    yield rate & ~deal, "Field 36 (exchange rate) asks for field 21F (deal reference)."
    yield other & ~zero & ~rate, "Field 33B (original amount) asks for field 36 (exchange rate)."
    yield rate & (~other | zero), "Field 36 (exchange rate) stands without a field 33B, or with an amount of zero."
    yield ordering & common, "The ordering customer (50F, 50G or 50H) stands in sequence A and in sequence B."
    yield (
        has("50C", "50L") & above("50C", "50L"),
        "The instructing party (50C or 50L) stands in sequence A and in sequence B.",
    )
    yield (
        has("52A", "52C") & above("52A", "52C"),
        "The servicing institution (52a) stands in sequence A and in sequence B.",
    )
    yield (
        has("56A", "56C", "56D") & ~has("57A", "57C", "57D"),
        "Field 56a (intermediary) asks for field 57a (account with).",
    )
    original = sequences.of_payment("33B").select("key", pl.col("text").str.head(3))
    same = np.zeros(payments.height, bool)
    same[original["key"].to_numpy()] = (original["text"] == payments["currency"].gather(original["key"])).fill_null(
        value=False
    )
    yield same, "Field 33B has the currency of field 32B; it is for another one."


def index_findings(chains: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Messages whose index and total do not fit. `chains`: chain (21R), index (28D), batch, batch_id, line of all."""
    numbers = pl.col("index").str.extract_groups(r"^([0-9]{1,5})/([0-9]{1,5})$").struct
    known = chains.with_columns(
        numbers.field("1").cast(pl.Int64).alias("at"), numbers.field("2").cast(pl.Int64).alias("total")
    ).drop_nulls("at")
    beyond = known.filter((pl.col("at") == 0) | (pl.col("at") > pl.col("total")))
    yield _INDEX.on(beyond, pl.format("Message {} of {} there cannot be.", "at", "total"), pl.col("index"))
    of_chain = known.filter(pl.col("chain").is_not_null())
    again = of_chain.filter(~pl.struct("chain", "at").is_first_distinct())
    yield _INDEX.on(again, pl.format("Message {} of request {} stands twice.", "at", "chain"), pl.col("index"))
    totals = of_chain.filter(pl.col("total").n_unique().over("chain") > 1)
    yield _INDEX.on(totals, pl.format("The messages of request {} tell different totals.", "chain"), pl.col("index"))
    # Without a request's reference its messages are those whose numbers follow on.
    begun = (pl.col("chain").is_null() & (pl.col("at") == 1)).cum_sum()
    key = pl.coalesce("chain", pl.format("\n{}/{}", begun, "total"))
    short = known.with_columns(pl.len().over(key).cast(pl.Int64).alias("here")).filter(pl.col("here") < pl.col("total"))
    first = short.filter(key.is_first_distinct())
    yield _INDEX_LEFT.on(
        first,
        pl.format("Of the request's {} this file has {}.", count_said("total", "message"), "here"),
        pl.col("index"),
    )
