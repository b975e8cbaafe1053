"""The matching ladder: which statement entries book which payments. Strong evidence first, never a guess.

| rung | an entry claims a payment when |
|---|---|
| reference | InstrId, TxId or AcctSvcrRef = the payment's reference or payment_id |
| end_to_end_id | EndToEndId = the client's, unique among open payments and new entries |
| batch | PmtInfId or MsgId = submission_id, and the amount = the control sum of the submission's open payments |
| return | a returned or reversed entry: reference, else EndToEndId, of a settled payment |

Every rung requires the same account, currency, amount and direction (a credit transfer is a debit on our account; its
return a credit), and a BOOK entry that is no bank charge. A submission that the entry names must be the payment's. Both
sides are claimed once. What has more than one candidate is never matched, nor passed down to a weaker rung.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.frames import ENTRIES, MATCHES, checked, conform
from reconciliation._attribution import said
from reconciliation._batches import claim_batches
from reconciliation._claims import ALWAYS, Claims, claim
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, OPEN, STATES

_REFERENCES: Final = ("instruction_id", "transaction_id", "servicer_reference")
_OWN_REFERENCES: Final = ("reference", "payment_id")
_BOOK: Final = ("payment_id", "submission_id", *ALWAYS, "reference", "end_to_end_id", "state", "status_kind")


@dataclass(frozen=True, slots=True)
class Matched:
    """What one run found. `matches`: MATCHES, the new ones only. `ambiguous`: entry_id and a note in words."""

    matches: pl.DataFrame
    ambiguous: pl.DataFrame


def match(states: pl.DataFrame, entries: pl.DataFrame, earlier: pl.DataFrame) -> Matched:
    """Match entries with payments. The same input gives the same output, in whatever order the rows stand.

    Args:
        states: STATES of open payments (for the first three rungs) and of closed ones (for returns).
        entries: ENTRIES: new ones and those left over.
        earlier: MATCHES of earlier runs on these payments and entries: what they claimed stays claimed.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    checked(states, STATES)
    checked(earlier, MATCHES)
    bank = _bank(checked(entries, ENTRIES), states, earlier)
    book = _book(states, earlier.filter(pl.col("kind") == "settlement"))
    is_return = pl.col("return_reason").is_not_null() | pl.col("reversal")
    claims = _settlements(bank.filter(~is_return), book)
    settled = pl.concat([pairs for _, pairs, _ in claims]).select("payment_id")
    backs = _returns(bank.filter(is_return), states, settled, earlier.filter(pl.col("kind") == "return"))
    every = [*claims, *backs]
    found = pl.concat([pairs.with_columns(rung=pl.lit(rung)) for rung, pairs, _ in every])
    rows = found.join(states.select("payment_id", "amount_minor", "currency"), on="payment_id").join(
        bank.select("entry_id", "value_date", entry_currency="currency"), on="entry_id"
    )
    kind = pl.when(pl.col("rung") == "return").then(pl.lit("return")).otherwise(pl.lit("settlement"))
    matches = conform(rows.with_columns(kind=kind, entry_minor="amount_minor").sort("entry_id", "payment_id"), MATCHES)
    ambiguous = pl.concat([doubt for _, _, doubt in every]).unique("entry_id", keep="first", maintain_order=True)
    return Matched(matches, ambiguous.sort("entry_id"))


_Rung = tuple[str, pl.DataFrame, pl.DataFrame]


def _settlements(bank: pl.DataFrame, book: pl.DataFrame) -> list[_Rung]:
    """The first three rungs, each on what the stronger ones left. `credit_debit` of the book is the entry's."""
    is_open = pl.col("state").is_in(OPEN)
    told_back = (pl.col("state") == "provider_rejected") & (pl.col("status_kind") == "return")
    reference = claim(_keyed(bank, _REFERENCES), _keyed(book, _OWN_REFERENCES), "reference")
    bank, book = _left(bank, book, reference)
    by_id = claim(_keyed(bank, ("end_to_end_id",)), _keyed(book.filter(is_open), ("end_to_end_id",)), "end_to_end_id")
    blocked = pl.concat([reference.blocked, by_id.blocked])
    bank, book = _left(bank, book, by_id)
    batch = claim_batches(bank, book.filter(is_open | told_back), blocked)
    return [
        ("reference", reference.pairs, reference.ambiguous),
        ("end_to_end_id", by_id.pairs, by_id.ambiguous),
        ("batch", batch.pairs, batch.ambiguous),
    ]


def _returns(bank: pl.DataFrame, states: pl.DataFrame, settled: pl.DataFrame, earlier: pl.DataFrame) -> list[_Rung]:
    """Returns look among what is settled, also by this very run; the entry runs against the settlement's direction."""
    if bank.is_empty():
        return []
    is_settled = pl.col("state").is_in(BOOKED) | pl.col("payment_id").is_in(settled["payment_id"].implode())
    book = states.lazy().filter(is_settled).select(_BOOK).collect().join(earlier, on="payment_id", how="anti")
    reference = claim(_keyed(bank, _REFERENCES), _keyed(book, _OWN_REFERENCES), "reference")
    bank, book = _left(bank, book, reference)
    by_id = claim(_keyed(bank, ("end_to_end_id",)), _keyed(book, ("end_to_end_id",)), "end_to_end_id")
    return [("return", item.pairs, item.ambiguous) for item in (reference, by_id)]


def _bank(entries: pl.DataFrame, states: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    known = states["submission_id"].drop_nulls().unique().implode()
    named = pl.coalesce(pl.when(pl.col(name).is_in(known)).then(pl.col(name)) for name in ("batch_id", "message_id"))
    usable = entries.lazy().filter(pl.col("booked") & ~is_fee()).select(
        "entry_id", *ALWAYS, *_REFERENCES, "end_to_end_id", "batch_count", "return_reason", "reversal",
        named=named, value_date=pl.coalesce("value_date", "booking_date"),
    )  # fmt: skip
    return usable.collect().join(earlier, on="entry_id", how="anti")


def _book(states: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """What an entry may still settle: what is open, and what a provider refused but the bank may have booked."""
    open_rows = states.lazy().filter(pl.col("state").is_in([*OPEN, "provider_rejected"])).select(_BOOK).collect()
    on_account = pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))
    return open_rows.join(settled, on="payment_id", how="anti").with_columns(credit_debit=on_account)


def _keyed(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """One row an id and key; blanks and NOTPROVIDED are no key."""
    ids = ("entry_id", "named") if "entry_id" in frame.columns else ("payment_id", "submission_id")
    return pl.concat(
        frame.filter(said(name)).select(*ids, *ALWAYS, key=pl.col(name).str.strip_chars()) for name in names
    )


def _left(bank: pl.DataFrame, book: pl.DataFrame, claims: Claims) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides without what was claimed or is for a person. Blocked payments stay: a control sum still counts them."""
    return (
        bank.join(claims.pairs, on="entry_id", how="anti").join(claims.ambiguous, on="entry_id", how="anti"),
        book.join(claims.pairs, on="payment_id", how="anti"),
    )
