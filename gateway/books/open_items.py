"""What a run of reconciliation reads: what the run before left open, and what came since. Never history.

A run leaves a snapshot in the lake: payments without their final entry, entries without their payment, and what was said of
them. The next run reads that, the feedback and submissions that no run has taken yet (each is marked in the registry when a
run takes it), and the claims of nothing else. After a person's run, and the first time, everything is read.

Closed payments are looked up only when something new brings money back, and only those that it may speak of. Payments that
came back stay in the snapshot for a while: the bank may book them again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select

from canonical.frames import MATCHES, dtypes, empty
from canonical.limits import MAPPED_ROWS, OPEN_DAYS_MAX
from gateway.books.book import (
    attributed,
    attribution,
    book_of,
    provider_book,
    standing_fundings,
    standing_matches,
)
from gateway.books.heard import feedback_entries, feedback_frames, without_verifications
from gateway.books.position import stands
from gateway.composition import Gateway
from gateway.lake import Draft
from gateway.registry import tables as t
from gateway.registry.engine import insert_new
from reconciliation.backs import is_back
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, OPEN, SENT
from reconciliation.states import BOOK, payment_states

_TAKEN: Final = "matched"
"""Stage of a feedback file or submission that a run has taken."""
_IDS: Final = ("reference", "payment_id", "end_to_end_id", "uetr", "submission_id")
_NAMES: Final = (
    "instruction_id", "transaction_id", "servicer_reference", "end_to_end_id", "uetr", "batch_id", "message_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenItems:
    """BOOK, ATTRIBUTED, STATES, ENTRIES and MATCHES of what is open, and what of it is taken for the first time."""

    book: pl.DataFrame
    words: pl.DataFrame
    states: pl.DataFrame
    entries: pl.DataFrame
    earlier: pl.DataFrame
    feedback: tuple[str, ...]
    submissions: tuple[str, ...]
    read_sha256: str


def open_items(gateway: Gateway, provider_id: str) -> OpenItems:
    """Read what is open of a provider."""
    before = _snapshot(gateway, provider_id)
    feedback = _not_taken(gateway, t.FEEDBACK, t.FEEDBACK.c.feedback_id, t.FEEDBACK.c.provider_id == provider_id)
    submissions = _not_taken(
        gateway, t.SUBMISSIONS, t.SUBMISSIONS.c.submission_id, t.SUBMISSIONS.c.destination == provider_id,
        t.SUBMISSIONS.c.kind == "payment", t.SUBMISSIONS.c.state.in_(SENT),
    )  # fmt: skip
    undone = gateway.lake.whole(provider_id, "unmatches")
    if before is None:
        entries = feedback_entries(gateway, provider_id)
        book, earlier = provider_book(gateway, provider_id), standing_matches(gateway, provider_id)
        words = attribution(gateway, provider_id, book).attributed
    else:
        new = feedback_entries(gateway, provider_id, feedback)
        book = pl.concat([_refreshed(gateway, before["open_book"]), _of_submissions(gateway, provider_id, submissions)])
        closed, claims = _closed(gateway, provider_id, new, book)
        book, earlier = pl.concat([book, closed]), pl.concat([before["open_matches"], claims])
        entries = pl.concat([before["open_entries"], new])
        told = without_verifications(gateway, provider_id, feedback_frames(gateway, provider_id, "statuses", feedback))
        words = pl.concat([before["open_words"], attributed(gateway, told, book).attributed])
        words = words.join(book, on="payment_id", how="semi")
    once = entries
    if before is None and not (fundings := standing_fundings(gateway, provider_id)).is_empty():
        once = once.join(fundings, on="entry_id", how="anti")
    if once["entry_id"].hash().n_unique() < once.height:
        once = once.unique("entry_id", keep="last", maintain_order=True)
    states = stands(book, words, earlier, undone)
    digest = _digest(gateway, [provider_id, *feedback, *states["file_id"].unique().sort()])
    return OpenItems(book, words, states, once, earlier, tuple(feedback), tuple(submissions), digest)


def _digest(gateway: Gateway, subjects: list[str]) -> str:
    """Of all objects of the lake that these are made of, as their manifests have them."""
    rows = gateway.registry.rows(t.MANIFESTS, t.MANIFESTS.c.subject.in_(subjects))
    return hashlib.sha256("".join(sorted(row["sha256"] for row in rows)).encode()).hexdigest()


def leave(draft: Draft, items: OpenItems, new: pl.DataFrame, paid_in: pl.DataFrame, undone: pl.DataFrame) -> None:
    """Write the snapshot for the next run, and which payments this one closed, piece by piece."""
    matches, today = pl.concat([items.earlier, new]), dt.date.fromisoformat(draft.lake.registry.now()[:10])
    pieces = zip(items.book.iter_slices(MAPPED_ROWS), items.states.iter_slices(MAPPED_ROWS), strict=True)
    for book, states in pieces:
        # Only what this run matched stands elsewhere than before it.
        touched = book.join(new, on="payment_id", how="semi")
        words, claims = (frame.join(touched, on="payment_id", how="semi") for frame in (items.words, matches))
        moved = payment_states(touched, words, claims, undone)
        still = pl.concat([states.join(touched, on="payment_id", how="anti"), moved]).filter(_waits(today))
        for dataset, frame in (("open_book", book), ("open_words", items.words), ("open_matches", matches)):
            draft.write(dataset, frame.join(still, on="payment_id", how="semi"))
        draft.write("closed", moved.filter(pl.col("state").is_in(BOOKED)).select(BOOK.columns.keys()))
    for entries in items.entries.iter_slices(MAPPED_ROWS):
        left = entries.filter(_may_match(today)).join(matches, on="entry_id", how="anti")
        draft.write("open_entries", left.join(paid_in, on="entry_id", how="anti"))


def _waits(today: dt.date) -> pl.Expr:
    """STATES: an entry of the payment may still come."""
    days = (pl.lit(today) - pl.coalesce("returned_on", "execution_date", "submitted_on")).dt.total_days()
    open_still = pl.col("state").is_in(OPEN) & ((pl.col("amount_minor") > 0) | (days <= OPEN_DAYS_MAX))
    came_back = pl.col("state").is_in(["provider_rejected", "returned"])
    return open_still | (came_back & (days <= OPEN_DAYS_MAX).fill_null(value=True))


def _may_match(today: dt.date) -> pl.Expr:
    """ENTRIES: bookings that are no charge, and young notifications."""
    old = (pl.lit(today) - pl.coalesce("booking_date", "value_date")).dt.total_days() > OPEN_DAYS_MAX
    informs = (pl.col("origin") == "notification") & ~old.fill_null(value=False)
    return (pl.col("booked") & ~is_fee()) | informs


def take(gateway: Gateway, connection: Connection, items: OpenItems, stage: str) -> None:
    """Mark what this run takes for the first time; part of its commit."""
    for subject in (*items.feedback, *items.submissions):
        insert_new(
            connection, t.STAGES, subject=subject, stage=_TAKEN, attempt=stage, committed_at=gateway.registry.now(), detail="{}"
        )  # fmt: skip


def _snapshot(gateway: Gateway, provider_id: str) -> dict[str, pl.DataFrame] | None:
    runs = gateway.registry.rows(
        t.STAGES, t.STAGES.c.subject == provider_id, t.STAGES.c.stage.like("reconcile-%"), order=t.STAGES.c.stage
    )
    if not runs or "left" not in json.loads(runs[-1]["detail"]):
        return None
    names = ("open_book", "open_words", "open_entries", "open_matches")
    return {name: gateway.lake.whole(provider_id, name, runs[-1]["stage"]) for name in names}


def _not_taken(gateway: Gateway, table: Any, column: Any, *conditions: Any) -> list[str]:
    taken = select(t.STAGES.c.subject).where(t.STAGES.c.stage == _TAKEN)
    rows = gateway.registry.rows(table, column.not_in(taken), *conditions)
    return sorted(row[column.name] for row in rows)


def _of_submissions(gateway: Gateway, provider_id: str, submissions: list[str]) -> pl.DataFrame:
    rows = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.submission_id.in_(submissions))
    files = gateway.registry.rows(t.FILES, t.FILES.c.file_id.in_(sorted({row["file_id"] for row in rows})))
    book = book_of(gateway, files).filter(pl.col("provider") == provider_id)
    return book.filter(pl.col("submission_id").is_in(submissions))


def _refreshed(gateway: Gateway, book: pl.DataFrame) -> pl.DataFrame:
    """With the delivery of each submission as it stands now; without those that were voided."""
    ids = book["submission_id"].unique().to_list()
    rows = gateway.registry.rows(
        t.SUBMISSIONS, t.SUBMISSIONS.c.submission_id.in_(ids), t.SUBMISSIONS.c.state != "VOIDED"
    )
    now = pl.DataFrame(
        [(row["submission_id"], row["state"], row["business_date"] if row["delivered_at"] else None) for row in rows],
        schema={"submission_id": pl.String, "delivery_state": pl.String, "submitted_on": pl.String}, orient="row",
    ).with_columns(pl.col("submitted_on").str.to_date("%Y-%m-%d"))  # fmt: skip
    before = book.select(now.columns).unique()
    if before.join(now, on=now.columns, how="anti", nulls_equal=True).is_empty():
        return book
    joined = book.drop("delivery_state", "submitted_on").join(
        now, on="submission_id", how="inner", maintain_order="left"
    )
    return joined.select(BOOK.columns.keys())


def _closed(
    gateway: Gateway, provider_id: str, new: pl.DataFrame, known: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Closed payments that a new entry may bring back, by an id or by account and amount, with their claims."""
    backs = new.filter(pl.col("booked") & is_back())
    if backs.is_empty():
        return pl.DataFrame(schema=dtypes(BOOK)), empty(MATCHES)
    ids = pl.concat([backs[name].drop_nulls().alias("id") for name in _NAMES]).unique().implode()
    by_id = pl.any_horizontal(pl.col(name).is_in(ids).fill_null(value=False) for name in _IDS)
    amounts = pl.struct("account", "amount_minor").is_in(
        backs.select(pl.struct("account", "amount_minor")).to_series().implode()
    )
    found = [part.filter(by_id | amounts) for part in gateway.lake.parts(provider_id, "closed")]
    closed = pl.concat([pl.DataFrame(schema=dtypes(BOOK)), *found]).unique(
        "payment_id", keep="last", maintain_order=True
    )
    closed = closed.join(known, on="payment_id", how="anti")
    return closed, standing_matches(gateway, provider_id).join(closed, on="payment_id", how="semi")
