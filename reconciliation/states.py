"""Where each payment stands: one state, decided from what is known of it, however often and in whatever order it came.

| what is known (first line that holds) | state |
|---|---|
| sent, settled by a BOOK entry, and a return entry or a provider's return | returned |
| sent, settled by a BOOK entry | settled |
| sent, and the strongest word returns, refuses or cancels it, or no word came and the submission was rejected | provider_rejected |
| RELEASING or UNKNOWN, and no word from the provider | submitted_unknown |
| sent | outstanding |
| verdict RJCT, or the whole file rejected | rejected |
| file refused at approval or cancelled | cancelled |
| anything else | waiting |

"Sent" is RELEASING and later. `reconciliation.moves` says what each word does, and which of two is the stronger: of all
that was said the strongest counts, so that neither the order of the files nor a repeat changes anything. That a payment
is completed (ACSC) goes before that it is refused: the money may have moved, so it stays outstanding until an entry or a
person decides. `explained` says of each word what became of it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.errors import FrameBroken
from canonical.frames import MATCHES, checked, dtypes
from canonical.identifiers import digest_of
from reconciliation._attribution import Attribution, attribute, files_meant, means_others
from reconciliation._words import explained, placed, strongest
from reconciliation.frames import ATTRIBUTED, BOOK, BOOKED, NOT_SENT, SENT, STATES
from reconciliation.moves import DISPUTES, MOVES

_ROWS_NAMED_MAX: Final = 20


def require_once(book: pl.DataFrame) -> None:
    """Raises FrameBroken: a payment stands twice in the BOOK."""
    _once(book, "a payment stands twice in the book")


def payment_states(
    book: pl.DataFrame, attributed: pl.DataFrame, matches: pl.DataFrame, undone: pl.DataFrame | None = None
) -> pl.DataFrame:
    """STATES: the book with each payment's state, in the book's order.

    Args:
        book: BOOK.
        attributed: ATTRIBUTED of all feedback so far (`attribute(...).attributed`).
        matches: MATCHES of all runs so far.
        undone: UNMATCHES so far; none: no person undid a match.

    Raises:
        FrameBroken: a frame breaks its schema, a payment stands twice in the book or is claimed twice, or a match names
            a payment that was never sent.
    """
    checked(book, BOOK)
    require_once(book)
    claims = checked(matches, MATCHES)
    # The book itself is not copied: it is long, and little of it says where a payment stands.
    known = (
        book.select("payment_id", "submission_id", "verdict", "file_state", "delivery_state")
        .join(strongest(attributed), on="payment_id", how="left", maintain_order="left")
        .join(_booked(book, claims), on="payment_id", how="left", maintain_order="left")
        .join(_digests(claims), on="payment_id", how="left", maintain_order="left")
    )
    taken_apart = pl.lit(value=False) if undone is None else pl.col("payment_id").is_in(undone["payment_id"].implode())
    reopened = pl.col("again").fill_null(value=False) | taken_apart
    stands = known.with_columns(state=_state(), reopened=reopened)
    _refuse_unsent(stands, claims)
    states = book.hstack(stands.select(name for name in dtypes(STATES) if name not in book.columns))
    return checked(states, STATES)


def contradicted(states: pl.DataFrame, attributed: pl.DataFrame) -> pl.DataFrame:
    """STATES rows on which provider and bank say opposite things, each with a `note`; nothing of it was applied twice."""
    said = (
        placed(attributed)
        .group_by("payment_id")
        .agg(
            **{name: (pl.col("effect") == name).any() for name in ("refuses", "cancels", "completes", "returns")},
            disputed=pl.col("reason_text").filter(pl.col("reason").is_in(sorted(DISPUTES))).sort().first(),
        )
    )
    rows = states.join(said, on="payment_id", how="left", maintain_order="left")
    booked = pl.col("state").is_in(BOOKED)
    refused = pl.col("refuses") & ~pl.col("returns")
    note = (
        pl.when(booked & refused)
        .then(pl.lit("the provider refused it, and the bank booked it"))
        .when(booked & (pl.col("delivery_state") == "REJECTED") & pl.col("status_kind").is_null())
        .then(pl.lit("the provider refused the whole submission, and the bank booked this payment"))
        .when(pl.col("refuses") & pl.col("completes"))
        .then(pl.lit("the provider says both that it is refused and that it is settled; only an entry decides"))
        .when((pl.col("state") == "settled") & pl.col("cancels"))
        .then(pl.lit("the provider cancelled it, the bank booked it, and no return is booked yet"))
        .when(pl.col("disputed").is_not_null())
        .then(pl.format("its return is disputed: {}", "disputed"))
    )
    return rows.with_columns(note=note).filter(pl.col("note").is_not_null()).select(*dtypes(STATES), "note")


def _state() -> pl.Expr:
    sent = pl.col("delivery_state").is_in(SENT) & pl.col("submission_id").is_not_null()
    returned = (pl.col("status_kind") == "return") & ~pl.col("again").fill_null(value=False)
    # A word on the payment itself goes before what became of its whole submission.
    whole = (pl.col("delivery_state") == "REJECTED") & pl.col("status_kind").is_null()
    refused = pl.col("effect").is_in(["returns", "refuses", "cancels"]) | whole
    unheard = pl.col("delivery_state").is_in(["RELEASING", "UNKNOWN"]) & pl.col("status_kind").is_null()
    return (
        pl.when(sent & pl.col("booked") & (pl.col("back") | returned))
        .then(pl.lit("returned"))
        .when(sent & pl.col("booked"))
        .then(pl.lit("settled"))
        .when(sent & refused)
        .then(pl.lit("provider_rejected"))
        .when(sent & unheard)
        .then(pl.lit("submitted_unknown"))
        .when(sent)
        .then(pl.lit("outstanding"))
        .when((pl.col("verdict") == "RJCT") | (pl.col("file_state") == "rejected"))
        .then(pl.lit("rejected"))
        .when(pl.col("file_state").is_in(["refused", "cancelled"]))
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit("waiting"))
    )


def _booked(book: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """What the matches make of each payment: booked whole, whether it is back, whether it was booked again after that.

    A payment that the bank booked in parts has several rows, whose amounts add up to it.
    """
    kind, amount, on = pl.col("kind"), pl.col("amount_minor"), pl.col("value_date")
    sums = claims.group_by("payment_id").agg(
        settled=amount.filter(kind == "settlement").sum(),
        returned=amount.filter(kind == "return").sum(),
        represented=amount.filter(kind == "representation").sum(),
        value_date=on.filter(kind.is_in(["settlement", "representation"])).max(),
        returned_on=on.filter(kind == "return").max(),
        rows=(kind == "settlement").sum(),
    )
    placed = sums.join(book.select("payment_id", whole="amount_minor"), on="payment_id")
    settled, back = pl.col("settled"), pl.col("returned") - pl.col("represented")
    _refuse(placed.filter((settled > pl.col("whole")) | ((pl.col("whole") == 0) & (pl.col("rows") > 1))), "settled")
    _refuse(placed.filter((back > pl.col("whole")) | (back < 0)), "returned")
    is_back = (back > 0) | ((pl.col("whole") == 0) & pl.col("returned_on").is_not_null())
    return placed.filter((settled == pl.col("whole")) & (pl.col("rows") > 0)).select(
        "payment_id", "value_date", returned_on=pl.when(is_back).then("returned_on"), booked=pl.lit(value=True),
        back=is_back, again=pl.col("represented") > 0,
    )  # fmt: skip


def _digests(claims: pl.DataFrame) -> pl.DataFrame:
    """payment_id and `claims_digest`: of all columns of what claims it, in whatever order it came."""
    # JSON tells where each column ends, and a null from a text.
    row = pl.struct(pl.all()).struct.json_encode().alias("row")
    rows = claims.select("payment_id", row).sort("payment_id", "row")
    told = rows.group_by("payment_id", maintain_order=True).agg(pl.col("row").str.join("\n"))
    return told.select("payment_id", claims_digest=digest_of(pl.col("row")))


def _refuse(twice: pl.DataFrame, what: str) -> None:
    if not twice.is_empty():
        named = ", ".join(twice["payment_id"].sort().head(_ROWS_NAMED_MAX))
        raise FrameBroken(f"a payment is {what} twice, or more of it than there is: {named}")


def _once(frame: pl.DataFrame, fault: str) -> None:
    if frame["payment_id"].hash().n_unique() == frame.height:
        return  # what has as many hashes as rows has no row twice
    twice = frame.filter(pl.col("payment_id").is_duplicated())["payment_id"].unique().sort()
    if not twice.is_empty():
        raise FrameBroken(f"{fault}: {', '.join(twice.head(_ROWS_NAMED_MAX))}")


def _refuse_unsent(states: pl.DataFrame, matches: pl.DataFrame) -> None:
    unsent = (
        states.select("payment_id", "state")
        .filter(pl.col("state").is_in(NOT_SENT))
        .join(matches, on="payment_id", how="semi")
    )
    if not unsent.is_empty():
        named = ", ".join(unsent["payment_id"].head(_ROWS_NAMED_MAX))
        raise FrameBroken(f"a match books a payment that was never sent: {named}")


__all__ = [
    "ATTRIBUTED",
    "BOOK",
    "MOVES",
    "STATES",
    "Attribution",
    "attribute",
    "contradicted",
    "explained",
    "files_meant",
    "means_others",
    "payment_states",
    "require_once",
]
