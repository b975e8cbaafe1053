"""Rung notification: a camt.054 tells the payments that one entry of the statement books.

The notification is found by the bank's reference of the entry (AcctSvcrRef, NtryRef, PmtInfId or MsgId) and its amount. Each of
its details must name one open payment of its amount, by reference or end-to-end id, and the details must add up to the entry.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._keys import key
from reconciliation._meet import Claims, meet
from reconciliation._pairing import PAIRS
from reconciliation._rung import Case, Rung
from reconciliation._side import Side
from reconciliation._sides import OWN_REFERENCES, PLACE, REFERENCES

_LINKS: Final = ("servicer_reference", "entry_reference", "batch_id", "message_id")
_WHOLE: Final = ["statement_id", *PLACE, "position", "entry_amount_minor"]


def _find(case: Case) -> Claims:
    told = case.informing
    # Only what is of an amount that was notified is looked at more closely.
    notified = told.select("entry_amount_minor")["entry_amount_minor"].unique().implode()
    whole = (pl.col("detail") == 0) & (pl.col("amount_minor") == pl.col("entry_amount_minor"))
    entries = case.bank.filter(whole & pl.col("amount_minor").is_in(notified))
    if told.is_empty() or entries.is_empty() or case.book.is_empty():
        return Claims.of()
    linked = _linked(entries, told)
    ours = told.select("e", *_WHOLE).join(linked, on=_WHOLE, how="semi")["e"]
    details = _details(told.only(ours), case)
    linked = linked.join(_explained(details), on=_WHOLE, how="inner")
    once = linked.sort("e", "statement_id", "position").unique("e", keep="first", maintain_order=True)
    pairs = once.join(details, on=_WHOLE, how="inner").drop_nulls("p")
    alone = pairs.filter((pl.len().over("p") == 1).all().over("e"))
    return Claims.of(alone.select("e", "p", amount_minor="amount_minor", entry_minor="amount_minor"))


def _details(told: Side, case: Case) -> pl.DataFrame:
    """Each detail with the payment it names, if any. A notification that came twice names each payment twice."""
    open_ones = case.book.filter("is_open")
    found = [pl.DataFrame(schema=PAIRS)]
    for fields, own in ((REFERENCES, OWN_REFERENCES), (("end_to_end_id",), ("end_to_end_id",))):
        for statement_id in told.select("statement_id")["statement_id"].unique(maintain_order=True):
            one = told.filter(pl.col("statement_id") == statement_id)
            found.append(meet(one, open_ones, fields, own, "notification").pairs)
    pairs = pl.concat(found).unique("e", keep="first", maintain_order=True)
    return told.select("e", *_WHOLE, "amount_minor").join(pairs, on="e", how="left").drop("e")


def _explained(details: pl.DataFrame) -> pl.DataFrame:
    """Notified entries every detail of which names a payment of its own, and whose details add up."""
    sums = details.group_by(_WHOLE).agg(
        total=pl.col("amount_minor").sum(),
        every=pl.col("p").is_not_null().all(),
        payments=pl.col("p").n_unique(),
        rows=pl.len(),
    )
    adds_up = (
        (pl.col("total") == pl.col("entry_amount_minor")) & pl.col("every") & (pl.col("payments") == pl.col("rows"))
    )
    return sums.filter(adds_up).select(_WHOLE)


def _linked(entries: Side, told: Side) -> pl.DataFrame:
    """E and the notified entries that carry one of its references and its amount."""
    on = ["link", *PLACE, "entry_amount_minor"]
    left = pl.concat(entries.select("e", *on[1:], link=key(name)) for name in _LINKS).drop_nulls("link").unique()
    right = pl.concat(told.select(*_WHOLE, link=key(name)) for name in _LINKS).drop_nulls("link").unique()
    sole = left.filter(pl.len().over(on) == 1)
    return sole.join(right, on=on, how="inner").select("e", *_WHOLE).unique()


RUNG: Final = Rung("notification", 45, _find)
