"""The book: what registry and lake together know of payments, as one frame for the pure functions of `reconciliation/`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.frames import ALL, FUNDING_KIND, dtypes, empty
from canonical.parties import counterparty, sort_code_account
from canonical.sentences import and_then
from gateway.books.heard import entries_named, feedback_frames, without_verifications
from gateway.composition import Gateway
from gateway.delivery.attempts import called_undelivered
from gateway.delivery.batches import batches_named
from gateway.delivery.parts import delivered_as
from gateway.laid_out import laid_out
from gateway.listed import Listed, listed
from gateway.planning.plans import standing_verdicts
from gateway.registry import tables as t
from reconciliation.frames import NAMES
from reconciliation.moves import DISPUTES
from reconciliation.states import ATTRIBUTED, BOOK, Attribution, attribute, payment_states

_NAMING = (
    "payment_id", "uetr", "mandate_id", "credit_debit", "debtor_account", "debtor_agent", "creditor_account", "creditor_agent",
)  # fmt: skip
_SUBMISSION = {
    "submission_id": pl.String, "delivered_as": pl.String, "account": pl.String, "delivery_state": pl.String, "submitted_on": pl.Date,
}  # fmt: skip
_OF_PAYMENT = ("payment_id", "row", "end_to_end_id", "uetr", "credit_debit", "amount_minor", "currency")
_OTHER_SIDE = ("creditor_name", "creditor_account", "debtor_name", "debtor_account")


def provider_book(
    gateway: Gateway, provider_id: str, until: dt.date | None = None, *, of_files: Collection[str] | None = None
) -> pl.DataFrame:
    """BOOK of all payments that have a live submission to a provider, in order of their ids.

    `until`: sent by that day, or not yet. `of_files`: of these files only.
    """
    live = gateway.registry.rows(
        t.SUBMISSIONS,
        t.SUBMISSIONS.c.destination == provider_id,
        t.SUBMISSIONS.c.kind == "payment",
        t.SUBMISSIONS.c.state != "VOIDED",
    )
    file_ids = sorted({row["file_id"] for row in live if of_files is None or row["file_id"] in of_files})
    files = gateway.registry.rows_of(t.FILES, t.FILES.c.file_id, file_ids)
    wanted = pl.col("provider") == provider_id
    if until is not None:
        wanted &= pl.col("submitted_on").is_null() | (pl.col("submitted_on") <= until)
    return book_of(gateway, files, wanted)


def book_of(gateway: Gateway, files: Iterable[Mapping[str, Any]], wanted: pl.Expr | None = None) -> pl.DataFrame:
    """BOOK of files, in their order and that of the rows; `wanted`: only of these payments."""
    parts = book_parts(gateway, list(files))
    return laid_out(parts if wanted is None else (part.filter(wanted) for part in parts), dtypes(BOOK))


def book_parts(gateway: Gateway, files: Sequence[Mapping[str, Any]]) -> Iterator[pl.DataFrame]:
    """The same in parts, each of one file."""
    ids = [file["file_id"] for file in files]
    live = _live(gateway, ids)
    of_files = listed(gateway.lake, ids, "payments", "verdicts", "lapsed", "routes", "cancelled")
    for file in files:
        yield from _of_file(of_files, file, live[file["file_id"]])


def _of_file(of_files: Listed, file: Mapping[str, Any], live: pl.DataFrame) -> Iterator[pl.DataFrame]:
    file_id = file["file_id"]
    verdicts = standing_verdicts(of_files, file_id).select("payment_id", verdict="status")
    routes = of_files.whole(file_id, "routes").select(
        "payment_id", "submission_id", "provider", "reference", "execution_date"
    )
    cancelled = of_files.whole(file_id, "cancelled")["payment_id"]
    placed = (
        routes.join(live, on="submission_id", how="inner")
        .drop("submission_id")
        .rename({"delivered_as": "submission_id"})
    )
    for payments in of_files.parts(file_id, "payments", columns=(*_OF_PAYMENT, *_OTHER_SIDE)):
        rows = payments.select(*_OF_PAYMENT, *(_other_side(name) for name in ("name", "account")))
        joined = rows.join(verdicts, on="payment_id", how="left").join(placed, on="payment_id", how="left")
        own_state = pl.when(pl.col("payment_id").is_in(cancelled.implode())).then(pl.lit("cancelled"))
        named = joined.with_columns(
            file_id=pl.lit(file_id),
            client=pl.lit(file["client_id"]),
            file_state=own_state.otherwise(pl.lit(file["state"])),
        )
        yield named.select(BOOK.columns.keys()).sort("row")


def _other_side(name: str) -> pl.Expr:
    pays = pl.col("credit_debit") == "CRDT"
    return pl.when(pays).then(f"creditor_{name}").otherwise(f"debtor_{name}").alias(f"counterparty_{name}")


def _live(gateway: Gateway, file_ids: Sequence[str]) -> dict[str, pl.DataFrame]:
    """File → its live submissions."""
    c = t.SUBMISSIONS.c
    live: dict[str, list[dict[str, Any]]] = {file_id: [] for file_id in file_ids}
    for row in gateway.registry.rows_of(t.SUBMISSIONS, c.file_id, file_ids, c.kind == "payment", c.state != "VOIDED"):
        told = {
            "submission_id": row["submission_id"],
            "delivered_as": delivered_as(row),
            "account": row["account"],
            "delivery_state": row["state"],
            "submitted_on": row["business_date"] if row["delivered_at"] else None,
        }
        live[row["file_id"]].append(told)
    text = {**_SUBMISSION, "submitted_on": pl.String}
    day = pl.col("submitted_on").str.to_date("%Y-%m-%d")
    return {file_id: pl.DataFrame(rows, schema=text).with_columns(day) for file_id, rows in live.items()}


@dataclass(frozen=True, slots=True)
class Known:
    """What came back of the payments of a BOOK: `words` (ATTRIBUTED), `matches` that stand (MATCHES), `undone` (UNMATCHES)."""

    words: pl.DataFrame
    matches: pl.DataFrame
    undone: pl.DataFrame


def known_of(gateway: Gateway, book: pl.DataFrame) -> Known:
    """All that the providers of a book told of its payments: once for all that asks for it."""
    providers, files = book["provider"].drop_nulls().unique().sort().to_list(), book["file_id"].unique().to_list()
    told = [attribution(gateway, provider, book, files).attributed for provider in providers]
    claims = [
        standing_matches(gateway, provider, files).join(book, on="payment_id", how="semi") for provider in providers
    ]
    undone = [gateway.lake.whole(provider, "unmatches") for provider in providers]
    return Known(
        pl.concat([empty(ATTRIBUTED), *told]),
        pl.concat([empty(ALL["matches"]), *claims]),
        pl.concat([empty(ALL["unmatches"]), *undone]),
    )


def states_of(gateway: Gateway, file_ids: Iterable[str]) -> pl.DataFrame:
    """STATES of the payments of files, as they stand now."""
    return known_states_of(gateway, file_ids)[0]


def known_states_of(gateway: Gateway, file_ids: Iterable[str]) -> tuple[pl.DataFrame, Known]:
    """The same, with what they were made of."""
    book = book_of(gateway, gateway.registry.rows_of(t.FILES, t.FILES.c.file_id, file_ids))
    known = known_of(gateway, book)
    return payment_states(book, known.words, known.matches, known.undone), known


def attribution(
    gateway: Gateway, provider_id: str, book: pl.DataFrame, of_files: Collection[str] | None = None
) -> Attribution:
    """What all feedback of a provider says of the payments of a book; `of_files`: only what may speak of these files is read."""
    of_provider = book.filter(pl.col("provider") == provider_id)
    told = feedback_frames(gateway, provider_id, "statuses", of_files=of_files)
    statuses = without_verifications(gateway, provider_id, told)
    return attributed(gateway, statuses, of_provider)


def attributed(gateway: Gateway, statuses: pl.DataFrame, book: pl.DataFrame) -> Attribution:
    """What STATUSES of one provider say of the payments of its book."""
    return attribute(statuses, book, _names(gateway, statuses, book), called_undelivered(gateway, book))


def _names(gateway: Gateway, statuses: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame | None:
    """NAMES of the payments that a UETR, an account or a batch in the statuses could name; None, and nothing read, where there is none."""
    told = statuses.filter(pl.col("level") == "payment")
    uetrs, accounts = told["original_uetr"].drop_nulls(), told["original_account"].drop_nulls()
    batches = batches_named(gateway, statuses, book)
    if uetrs.is_empty() and accounts.is_empty():
        return pl.concat([empty(NAMES), *batches]) if batches else None
    account = pl.coalesce(sort_code_account(), counterparty("account"))
    wanted = pl.col("uetr").is_in(uetrs.implode()) | account.is_in(accounts.implode())
    own = ("payment_id", "uetr", "mandate_id")
    parts = [
        part.filter(wanted.fill_null(value=False)).select(*own, account=account, batch_id=pl.lit(None, dtype=pl.String))
        for file_id in book["file_id"].unique(maintain_order=True)
        for part in gateway.lake.parts(file_id, "payments", columns=_NAMING)
    ]
    return pl.concat([empty(NAMES), *batches, *parts])


def standing_matches(gateway: Gateway, provider_id: str, of_files: Collection[str] | None = None) -> pl.DataFrame:
    """MATCHES of all committed runs of a provider that no person undid; of a pair matched again by hand the last row.

    `of_files`: at least those of the payments of these files.
    """
    manifests = gateway.lake.manifests(provider_id, "matches", of_files=of_files)
    matches = laid_out(gateway.lake.read(manifests, provider_id), dtypes(ALL["matches"]))
    undone = gateway.lake.whole(provider_id, "unmatches")
    if undone.is_empty():
        return matches
    pair = ["entry_id", "payment_id", "kind"]
    times = undone.group_by(pair).agg(undone=pl.len())
    made = matches.group_by(pair).agg(made=pl.len())
    gone = made.join(times, on=pair).filter(pl.col("made") <= pl.col("undone"))
    return matches.unique(pair, keep="last", maintain_order=True).join(gone, on=pair, how="anti", maintain_order="left")


def standing_fundings(gateway: Gateway, provider_id: str) -> pl.DataFrame:
    """FUNDINGS of all committed runs of a provider that no person undid."""
    undone = gateway.lake.whole(provider_id, "unmatches").filter(pl.col("kind") == FUNDING_KIND)
    pairs = undone.select("entry_id", client="payment_id")
    return gateway.lake.whole(provider_id, "fundings").join(
        pairs, on=["entry_id", "client"], how="anti", maintain_order="left"
    )


def reasons_of(gateway: Gateway, states: pl.DataFrame, known: Known | None = None) -> pl.DataFrame:
    """payment_id, provider_reason, provider_message: the provider's last word on each payment of STATES that has one.

    A statement entry that returns a payment is the last word: its reason stands. So does that of a return which the banks dispute; what they
    say of it is told behind it. `known`: what the states were made of, where it is
    at hand.
    """
    schema = {"payment_id": pl.String, "reason": pl.String, "reason_text": pl.String}
    known = known or known_of(gateway, states.select(BOOK.columns.keys()))
    # Within one provider; no payment has two.
    words = known.words.sort("sequence", "position").select(schema.keys())
    argued = pl.col("reason").is_in(sorted(DISPUTES))
    frames = [words.filter(argued), words.filter(~argued.fill_null(value=False))]
    back = known.matches.filter(pl.col("kind") == "return")
    for provider in states["provider"].drop_nulls().unique().sort().to_list() if back.height else ():
        of_provider = back.join(states.filter(pl.col("provider") == provider), on="payment_id", how="semi")
        entries = entries_named(gateway, provider, of_provider["entry_id"]).select(
            "entry_id", reason="return_reason", reason_text="additional"
        )
        frames.append(of_provider.join(entries, on="entry_id").select(schema.keys()))
    return (
        pl.concat(frames)
        .group_by("payment_id")
        .agg(
            provider_reason=pl.col("reason").drop_nulls().last(),
            provider_message=pl.col("reason_text").filter(~argued.fill_null(value=False)).drop_nulls().last(),
            argued=pl.col("reason_text").filter(argued).drop_nulls().last(),
        )
        .with_columns(provider_message=and_then(pl.col("provider_message"), pl.col("argued")))
        .drop("argued")
    )
