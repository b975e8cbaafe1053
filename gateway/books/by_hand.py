"""What persons do to matches: take one apart, or make one. Each is a run of its own, with the person and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict, NotFound
from canonical.frames import FUNDING_KIND, MATCHES, UNMATCHES, conform
from canonical.limits import BY_HAND_BASIS_POINTS_MAX
from gateway.books.book import provider_book, standing_fundings, standing_matches
from gateway.books.heard import entries_named
from gateway.books.position import Position, position
from gateway.books.reconcile import next_run
from gateway.composition import Gateway
from gateway.delivery.funds import note_paid_in
from gateway.feedback.news import note_news
from gateway.registry.mentions import note_mentions
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, OPEN

DIFFERENCES: Final = "differences"
"""Ledger account that takes what an entry and its payments differ by, where the person names no other."""


def unmatch(gateway: Gateway, entry_id: str, by: str, reason: str) -> int:
    """Take apart what an entry was matched with; the number of matches undone.

    All that hangs together goes: the other entries of a payment booked in parts, and what came back of it. The same pairs are
    not matched again by themselves; the ledger reverses its postings at the next close. What a client paid in leaves its funds.

    Raises:
        NotFound: no match of that entry stands.
        Conflict: no reason, or another run came first.
    """
    _require_reason(reason)
    for provider_id in sorted(gateway.profiles.providers):
        stage = next_run(gateway, provider_id)
        standing = standing_matches(gateway, provider_id)
        bound = _hanging_together(standing, entry_id)
        paid_in = standing_fundings(gateway, provider_id).filter(pl.col("entry_id") == entry_id)
        funded = paid_in.select("entry_id", payment_id="client", kind=pl.lit(FUNDING_KIND))
        if bound.is_empty() and funded.is_empty():
            continue
        pairs = pl.concat([bound.select(funded.columns), funded])
        rows = pairs.with_columns(by=pl.lit(by), reason=pl.lit(reason), day=pl.lit(gateway.clock().date()))
        book = provider_book(gateway, provider_id)
        files = book.join(bound, on="payment_id", how="semi")["file_id"].unique().sort().to_list()
        draft = gateway.lake.draft(provider_id, stage)
        draft.write("unmatches", conform(rows.select(UNMATCHES.columns.keys()), UNMATCHES))

        def mark(
            connection: Connection, stage: str = stage, provider_id: str = provider_id,
            paid_in: pl.DataFrame = paid_in, files: list[str] = files,
        ) -> None:  # fmt: skip
            note_paid_in(gateway, connection, paid_in, by, sign=-1)
            note_mentions(connection, provider_id, stage, files)
            _note(connection, gateway, files, by, "unmatched", entry_id, reason)

        if not draft.commit({"unmatched": rows.height}, mark):
            raise Conflict(f"another run of {provider_id} came first; look again")
        return rows.height
    raise NotFound(f"no match of entry {entry_id!r} stands")


def claim_by_hand(
    gateway: Gateway, entry_id: str, payment_ids: Sequence[str], by: str, reason: str, account: str = DIFFERENCES
) -> None:
    """Match an entry with payments because a person says so; what the amounts differ by is posted to `account`.

    Raises:
        NotFound: no such entry, or payment on its account.
        Conflict: no reason; entry or payment is claimed already, of another account or direction; another run came first.
    """
    _require_reason(reason)
    provider_id = _owner(gateway, entry_id)
    stage = next_run(gateway, provider_id)
    found = position(gateway, provider_id)
    matches = _pairs(found, entry_id, payment_ids, account)
    files = found.states.join(matches, on="payment_id", how="semi")["file_id"].unique().sort().to_list()
    draft = gateway.lake.draft(provider_id, stage)
    draft.write("matches", matches)

    def mark(connection: Connection) -> None:
        note_mentions(connection, provider_id, stage, files)
        _note(connection, gateway, files, by, "matched_by_hand", entry_id, reason)

    if not draft.commit({"by_hand": matches.height}, mark):
        raise Conflict(f"another run of {provider_id} came first; look again")


def _hanging_together(standing: pl.DataFrame, entry_id: str) -> pl.DataFrame:
    bound = standing.filter(pl.col("entry_id") == entry_id)
    while True:
        more = standing.join(bound, on="payment_id", how="semi")
        more = standing.join(more, on="entry_id", how="semi")
        if more.height == bound.height:
            return bound
        bound = more


def _owner(gateway: Gateway, entry_id: str) -> str:
    for provider_id in sorted(gateway.profiles.providers):
        if not entries_named(gateway, provider_id, pl.Series("entry_id", [entry_id])).is_empty():
            return provider_id
    raise NotFound(f"no entry {entry_id!r}")


def _pairs(found: Position, entry_id: str, payment_ids: Sequence[str], account: str) -> pl.DataFrame:
    entry = found.entries.filter((pl.col("entry_id") == entry_id) & pl.col("booked") & ~is_fee()).head(1)
    payments = found.states.filter(pl.col("payment_id").is_in(list(payment_ids))).sort("row")
    _require_free(found, entry, payments, payment_ids)
    side = pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))
    back = payments.select(side != pl.lit(entry["credit_debit"][0])).to_series()
    wanted = list(BOOKED[:1]) if back.any() else [*OPEN, "provider_rejected"]
    if back.n_unique() > 1 or not payments["state"].is_in(wanted).all():
        raise Conflict(f"entry {entry_id} may book payments that are {' or '.join(wanted)}; one of these is not")
    foreign = (payments["currency"] != entry["currency"][0]).any()
    if foreign and payments.height > 1:
        raise Conflict("an entry in another currency can be matched with one payment only")
    amount = pl.col("amount_minor")
    _require_near(entry["amount_minor"][0], int(payments["amount_minor"].sum()), foreign=bool(foreign))
    rest = entry["amount_minor"][0] - amount.sum() + amount
    last = pl.int_range(pl.len()) == pl.len() - 1
    rows = payments.with_columns(entry_minor=pl.when(last).then(rest).otherwise(amount))
    if (rows["entry_minor"] < 0).any():
        raise Conflict(f"the payments are more than entry {entry_id}")
    named = pl.lit("fx" if foreign else account)
    told = rows.select(
        "payment_id", "amount_minor", "currency", "entry_minor", entry_id=pl.lit(entry_id), rung=pl.lit("by_hand"),
        kind=pl.lit("return" if back.any() else "settlement"), value_date=pl.lit(_date(entry), dtype=pl.Date),
        entry_currency=pl.lit(entry["currency"][0]),
        difference_account=pl.when((pl.col("entry_minor") != amount) | pl.lit(foreign)).then(named),
    )  # fmt: skip
    return conform(told, MATCHES)


def _date(entry: pl.DataFrame) -> object:
    return entry.select(pl.coalesce("value_date", "booking_date")).item()


def _require_free(found: Position, entry: pl.DataFrame, payments: pl.DataFrame, payment_ids: Sequence[str]) -> None:
    if entry.is_empty():
        raise NotFound("the entry is not booked, or is a bank charge")
    if not entry.join(found.matches, on="entry_id", how="semi").is_empty():
        raise Conflict(f"entry {entry['entry_id'][0]} is matched already; take that apart first")
    if not entry.join(found.fundings, on="entry_id", how="semi").is_empty():
        raise Conflict(
            f"entry {entry['entry_id'][0]} is money that a client paid in, by its profile; take that apart first"
        )
    missing = sorted(set(payment_ids) - set(payments["payment_id"]))
    if missing or not payment_ids:
        raise NotFound(f"no payment {', '.join(missing)} at this provider")
    if (payments["account"] != entry["account"][0]).any():
        raise Conflict("entry and payment are of different accounts")


def _require_near(entry_minor: int, payments_minor: int, *, foreign: bool) -> None:
    difference = abs(entry_minor - payments_minor)
    if not foreign and difference * 10_000 > payments_minor * BY_HAND_BASIS_POINTS_MAX:
        raise Conflict(
            f"entry and payments differ by {difference} minor units, more than {BY_HAND_BASIS_POINTS_MAX} basis points: "
            "name all payments that the entry books"
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Conflict("a reason is needed")


def _note(
    connection: Connection, gateway: Gateway, files: list[str], by: str, action: str, entry_id: str, reason: str
) -> None:
    note_news(connection, files)
    gateway.registry.audit(connection, by, action, entry_id, reason=reason)
