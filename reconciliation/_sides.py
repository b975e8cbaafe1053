"""The two sides of the ladder: what the bank booked and nobody claimed, and the payments that an entry may still book.

Both have a row number (`e`, `p`), `spot`, a hash of account, currency, direction and amount, and a hash of each identifier
(`_keys.hash_of`), so that rungs join on integers. A hash finds candidates; the columns themselves decide (`_meet.confirmed`).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._glance import glances, is_plain
from reconciliation._keys import hash_of, hashes, without_blanks
from reconciliation._pairing import twice
from reconciliation._side import Side
from reconciliation.backs import is_back
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, OPEN

PLACE: Final = ("account", "currency", "credit_debit")
ALWAYS: Final = (*PLACE, "amount_minor")
"""Every rung requires these on both sides, or says which of them it does not."""
REFERENCES: Final = ("instruction_id", "transaction_id", "servicer_reference", "uetr")
NAMES: Final = (*REFERENCES, "end_to_end_id")
"""Columns of an entry that may name a payment."""
OWN_REFERENCES: Final = ("reference", "payment_id", "uetr")
OWN_NAMES: Final = (*OWN_REFERENCES, "end_to_end_id")
_REPEATED: Final = ("instruction_id", "end_to_end_id", "transaction_id")


def bank_side(entries: pl.DataFrame, states: pl.DataFrame, earlier: pl.DataFrame) -> Side:
    """BOOK entries that are no charge and unclaimed, with e, spot, back and `named`, the submission each names."""
    usable = _numbered(entries, states).filter(pl.col("booked") & ~is_fee())
    if not earlier.is_empty():
        usable = usable.filter(~pl.col("entry_id").is_in(earlier["entry_id"].implode()))
    return _dated(_told_once(_once(usable)))


def _once(side: Side) -> Side:
    """Each entry once: of rows with one id the first by all that they say, in whatever order they stand."""
    ids = side.select("e", h=pl.col("entry_id").hash())
    again = twice(ids["h"])
    if not again.any():
        return side
    told = set(side.given.columns) - {"entry_id"}
    rows = side.only(ids["e"].filter(again)).select("e", "entry_id", *sorted(told))
    first = rows.sort("entry_id", *sorted(told), nulls_last=True).unique("entry_id", keep="first", maintain_order=True)
    return side.without(rows.filter(~pl.col("e").is_in(first["e"].implode()))["e"])


def _told_once(side: Side) -> Side:
    """Without what a later statement tells again: the bank's reference and all that identifies the entry are the same.

    Entries of one statement are never taken for one another, nor those that name no payment.
    """
    statements = side.whole("statement_id")
    if statements.eq_missing(statements.first()).all():  # one statement repeats nothing
        return side
    names = pl.any_horizontal(pl.col(name).is_not_null() for name in _REPEATED)
    named = side.filter(pl.col("servicer_reference").is_not_null() & names)
    alike = named.select("e", h=pl.col(hash_of("servicer_reference")).fill_null(0) ^ pl.col("spot"))
    again = twice(alike["h"])
    if not again.any():
        return side
    same = [*ALWAYS, *_REPEATED, "servicer_reference", "value_date", "detail"]
    crowd = named.only(alike["e"].filter(again)).select("e", "statement_id", "booking_date", h=pl.struct(same).hash())
    first = pl.col("statement_id").sort_by("booking_date", "statement_id").first().over("h")
    return side.without(crowd.filter(pl.col("statement_id") != first)["e"])


def informing_side(entries: pl.DataFrame, states: pl.DataFrame) -> Side:
    """Rows of notifications (camt.054) with the same columns: they explain, and claim nothing."""
    return _dated(_numbered(entries.filter(pl.col("origin") == "notification"), states))


def _numbered(rows: pl.DataFrame, states: pl.DataFrame) -> Side:
    known = states["submission_id"].drop_nulls().unique().hash().implode()
    named = pl.coalesce(
        pl.when(pl.col(name).hash().is_in(known)).then(pl.col(name)) for name in ("batch_id", "message_id")
    )
    side = Side.of(rows, "e").with_columns(
        back=is_back(), named=named, spot=_spot(), other=_other(rows), **hashes(rows, NAMES)
    )
    return side.with_columns(lot=_lot("named")).having("glance", glances(rows["counterparty_name"]))


def _dated(side: Side) -> Side:
    return side.with_columns(value_date=pl.coalesce("value_date", "booking_date"))


def book_side(states: pl.DataFrame, earlier: pl.DataFrame) -> Side:
    """Every payment that was sent, with p, `doubt` (False) and what the earlier matches made of it.

    `booked`: settled and not back: only a return may claim it. `gone`: settled and back: only a representation may.
    `direction` is the client's; `credit_debit` the side of our account on which the bank books it: a credit transfer is a
    debit. `is_open`: without a final word; `told_back`: a return was told before any entry.
    """
    state, no = pl.col("state"), pl.lit(value=False)
    side = Side.of(states, "p").having("glance", glances(states["counterparty_name"]))
    booked, gone = no, no
    net = _net(earlier)
    if not net.is_empty():
        stands = states.select("payment_id").join(net, on="payment_id", how="left", maintain_order="left")["net"]
        side = side.having("net", stands)
        booked, gone = (pl.col("net") > 0).fill_null(value=False), (pl.col("net") == 0).fill_null(value=False)
    side = side.with_columns(
        credit_debit=opposite(),
        booked=booked,
        gone=gone,
        is_open=state.is_in(OPEN),
        told_back=(state == "provider_rejected") & (pl.col("status_kind") == "return").fill_null(value=False),
        doubt=no,
        other=_other(states),
        lot=_lot("submission_id"),
        **hashes(states, OWN_NAMES),
    )
    return side.with_columns(spot=_spot()).filter(state.is_in([*OPEN, *BOOKED, "provider_rejected"]))


def turned(side: Side) -> Side:
    """The side with credit and debit exchanged, as what comes back is booked."""
    side = side.with_columns(credit_debit=opposite())
    return side.with_columns(spot=_spot())


def opposite() -> pl.Expr:
    """Debit for credit, and credit for debit."""
    return pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))


def _other(frame: pl.DataFrame) -> pl.Expr:
    """A hash of the other side's account, null where none is told."""
    name = "counterparty_account"
    account = pl.col(name) if is_plain(frame[name]) else without_blanks(name)
    return pl.when(account != "").then(account.hash())


def _lot(name: str) -> pl.Expr:
    """A hash of the submission, nothing where there is none."""
    return pl.when(pl.col(name).is_not_null()).then(pl.col(name).hash()).otherwise(pl.lit(0, dtype=pl.UInt64))


def _spot() -> pl.Expr:
    return pl.struct(*ALWAYS).hash()


def _net(earlier: pl.DataFrame) -> pl.DataFrame:
    """payment_id → 1 where it stands as settled, 0 where it came back."""
    kind = pl.col("kind")
    parts = earlier.filter(kind != "correction").unique(["payment_id", "kind", "entry_id"])
    sums = parts.group_by("payment_id").agg(
        net=pl.col("amount_minor").filter(kind != "return").sum()
        - pl.col("amount_minor").filter(kind == "return").sum(),
        zero=(kind == "return").sum() >= (kind != "return").sum(),
        whole=pl.col("amount_minor").max(),
    )
    stands = pl.when(pl.col("whole") == 0).then(~pl.col("zero")).otherwise(pl.col("net") > 0)
    return sums.select("payment_id", net=stands.cast(pl.Int64))
