"""The two sides of the ladder: what the bank booked and nobody claimed, and the payments that an entry may still book.

Both have a row number (`e`, `p`) and `spot`, a hash of account, currency, direction and amount, so that rungs join on
integers. A hash finds candidates; the columns themselves decide (`_meet.confirmed`).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation.backs import is_back
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, OPEN

PLACE: Final = ("account", "currency", "credit_debit")
ALWAYS: Final = (*PLACE, "amount_minor")
"""Every rung requires these on both sides, or says which of them it does not."""
OWN_REFERENCES: Final = ("reference", "payment_id", "uetr")
_NOT_PROVIDED: Final = "NOTPROVIDED"


def bank_side(entries: pl.DataFrame, states: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """BOOK entries that are no charge and unclaimed, with e, spot, back and `named`, the submission each names."""
    usable = entries.lazy().filter(pl.col("booked") & ~is_fee()).collect()
    if not earlier.is_empty():
        usable = usable.join(earlier, on="entry_id", how="anti")
    if usable["entry_id"].n_unique() < usable.height:
        usable = usable.sort("entry_id", *sorted(set(usable.columns) - {"entry_id"}), nulls_last=True)
        usable = usable.unique("entry_id", keep="first", maintain_order=True)
    return _numbered(_told_once(usable), states)


def _told_once(rows: pl.DataFrame) -> pl.DataFrame:
    """Without what a later statement tells again: the bank's reference and all that identifies the entry are the same.

    Entries of one statement are never taken for one another, nor those that name no payment.
    """
    names = pl.any_horizontal(pl.col("instruction_id", "end_to_end_id", "transaction_id").is_not_null())
    same = [*ALWAYS, "servicer_reference", "instruction_id", "end_to_end_id", "transaction_id", "value_date", "detail"]
    if rows["statement_id"].n_unique() < 2:  # noqa: PLR2004  one statement repeats nothing
        return rows
    told = rows.filter(pl.col("servicer_reference").is_not_null() & names).select(
        "entry_id", "statement_id", "booking_date", "position", h=pl.struct(same).hash()
    )
    if told["h"].n_unique() == told.height:
        return rows
    crowd = told.filter(~pl.col("h").is_in(told.unique("h", keep="none")["h"].implode()))
    first = pl.col("statement_id").sort_by("booking_date", "statement_id").first().over("h")
    again = crowd.filter(pl.col("statement_id") != first)
    return rows.join(again, on="entry_id", how="anti")


def informing_side(entries: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Rows of notifications (camt.054) with the same columns: they explain, and claim nothing."""
    return _numbered(entries.filter(pl.col("origin") == "notification"), states)


def _numbered(rows: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    known = states["submission_id"].drop_nulls().unique().implode()
    named = pl.coalesce(pl.when(pl.col(name).is_in(known)).then(pl.col(name)) for name in ("batch_id", "message_id"))
    value_date = pl.coalesce("value_date", "booking_date")
    return rows.with_row_index("e").with_columns(back=is_back(), named=named, value_date=value_date, spot=_spot())


def book_side(states: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Every payment that was sent, with p, `doubt` (False) and what the earlier matches made of it.

    `booked`: settled and not back: only a return may claim it. `gone`: settled and back: only a representation may.
    `direction` is the client's; `credit_debit` the side of our account on which the bank books it: a credit transfer is a
    debit. `is_open`: without a final word; `told_back`: a return was told before any entry.
    """
    on_account = pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))
    sent = states.lazy().filter(pl.col("state").is_in([*OPEN, *BOOKED, "provider_rejected"])).collect()
    net = _net(earlier)
    if not net.is_empty():
        sent = sent.join(net, on="payment_id", how="left", maintain_order="left")
        booked, gone = (pl.col("net") > 0).fill_null(value=False), (pl.col("net") == 0).fill_null(value=False)
    else:
        booked = gone = pl.lit(value=False)
    state = pl.col("state")
    return (
        sent.with_row_index("p")
        .with_columns(
            credit_debit=on_account,
            booked=booked,
            gone=gone,
            is_open=state.is_in(OPEN),
            told_back=(state == "provider_rejected") & (pl.col("status_kind") == "return").fill_null(value=False),
            doubt=pl.lit(value=False),
        )
        .with_columns(spot=_spot())
        .drop("net", strict=False)
    )


def turned(book: pl.DataFrame) -> pl.DataFrame:
    """The book on the side of the account on which its payments come back."""
    other = pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))
    return book.with_columns(credit_debit=other).with_columns(spot=_spot())


def key(name: str) -> pl.Expr:
    """An identifier as a key: without blanks around it; null where it names nothing (blank, NOTPROVIDED)."""
    text = pl.col(name).str.strip_chars()
    says = (text != "") & ~((text.str.len_bytes() == len(_NOT_PROVIDED)) & (text.str.to_uppercase() == _NOT_PROVIDED))
    return pl.when(says).then(text)


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
