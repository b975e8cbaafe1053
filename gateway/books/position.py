"""Where a provider stands, or all of them: payments with their states, entries, and what would match now, as of a day.

Long frames are mapped, and looked at piece by piece: `Position.pieces`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from canonical.frames import ENTRIES, FUNDINGS, MATCHES, STATEMENTS, UNMATCHES, dtypes, empty
from canonical.matching import ReconciliationRules
from gateway.books.book import (
    attribution,
    book_parts,
    provider_book,
    standing_fundings,
    standing_matches,
)
from gateway.books.by_payment import ByPayment, Range, around, ranges
from gateway.books.heard import feedback_entries, feedback_frames
from gateway.composition import Gateway
from gateway.laid_out import laid_out
from gateway.listed import details
from gateway.registry import tables as t
from reconciliation.frames import STATES
from reconciliation.ladder import Matched, Terms, match
from reconciliation.states import ATTRIBUTED, BOOK, Attribution, payment_states, require_once


@dataclass(frozen=True, slots=True)
class Piece:
    """STATES of the payments of a range of ids, with the ATTRIBUTED and MATCHES that speak of them."""

    span: Range
    states: pl.DataFrame
    words: pl.DataFrame
    claims: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Position:
    """A provider as it stands: STATES, ENTRIES, STATEMENTS, MATCHES that stand, FUNDINGS, UNMATCHES, and `matched`: what would match now.

    `parts`: STATES, each in order of payment_id. `findings`: FINDINGS of its feedback files, with feedback_id, sequence and
    received_on.
    """

    parts: tuple[pl.DataFrame, ...]
    attribution: Attribution
    entries: pl.DataFrame
    statements: pl.DataFrame
    matches: pl.DataFrame
    fundings: pl.DataFrame
    matched: Matched
    findings: pl.DataFrame
    undone: pl.DataFrame

    @property
    def states(self) -> pl.DataFrame:
        """STATES of all payments."""
        return pl.concat([empty(STATES), *self.parts])

    def pieces(self) -> Iterator[Piece]:
        """All payments, some at a time, in order of payment_id."""
        states = [ByPayment.of(part) for part in self.parts]
        words, claims = ByPayment.of(self.attribution.attributed), ByPayment.of(self.matches)
        for span in ranges(self.parts):
            found = pl.concat([empty(STATES), *(part.between(span) for part in states)])
            yield Piece(span, found.sort("payment_id"), words.between(span), claims.between(span))

    def claimed(self) -> pl.DataFrame:
        """STATES of the payments that a match claims."""
        of_pieces = (piece.states.join(piece.claims, on="payment_id", how="semi") for piece in self.pieces())
        return pl.concat([empty(STATES), *of_pieces])

    @classmethod
    def joined(cls, parts: list[Position], rest: pl.DataFrame) -> Position:
        """Several providers as one, with the STATES of payments that went to none."""
        told = Attribution(
            pl.concat([empty(ATTRIBUTED), *[part.attribution.attributed for part in parts]]),
            pl.concat([part.attribution.unknown for part in parts], how="diagonal"),
        )
        entries, statements, matches, fundings, undone = (
            pl.concat([empty(schema), *[getattr(part, name) for part in parts]])
            for name, schema in (
                ("entries", ENTRIES), ("statements", STATEMENTS), ("matches", MATCHES), ("fundings", FUNDINGS),
                ("undone", UNMATCHES),
            )
        )  # fmt: skip
        states = [states for part in parts for states in part.parts]
        findings = pl.concat([part.findings for part in parts])
        matched = Matched.joined([part.matched for part in parts])
        return cls((*states, rest), told, entries, statements, matches, fundings, matched, findings, undone)


def position(gateway: Gateway, provider_id: str, until: dt.date | None = None) -> Position:
    """What is known of a provider's payments and entries; `until`: only what was sent or booked by that day."""
    book = provider_book(gateway, provider_id, until)
    entries = feedback_entries(gateway, provider_id)
    if entries["entry_id"].hash().n_unique() < entries.height:
        entries = entries.unique("entry_id", keep="last", maintain_order=True)
    told = feedback_frames(gateway, provider_id, "statements").select(dtypes(STATEMENTS).keys())
    statements = told.filter(pl.col("origin").is_null() | (pl.col("origin") == "statement"))
    matches = standing_matches(gateway, provider_id)
    if until is not None:
        statements = statements.filter(pl.coalesce("to_date", "from_date", pl.lit(until)) <= until)
        # What a statement of that day shows is booked by then, whatever dates stand on the entry: its closing balance holds it.
        by_then = pl.coalesce("booking_date", "value_date", pl.lit(until)) <= until
        entries = entries.filter(by_then | pl.col("statement_id").is_in(statements["statement_id"].implode()))
        matches = matches.join(entries, on="entry_id", how="semi")
    fundings = standing_fundings(gateway, provider_id).join(entries, on="entry_id", how="semi")
    words = attribution(gateway, provider_id, book)
    terms = terms_of(gateway, provider_id, until)
    states = stands(book, words.attributed, matches, terms.undone)
    findings = feedback_frames(gateway, provider_id, "findings")
    if until is not None:
        findings = findings.filter(pl.col("received_on") <= until)
    found = match(states, entries.join(fundings, on="entry_id", how="anti"), matches, terms)
    return Position((states,), words, entries, statements, matches, fundings, found, findings, terms.undone)


def everything(gateway: Gateway, until: dt.date) -> Position:
    """All providers as one, with the payments that went to none, as known by that day; tied or not."""
    return together(gateway, list(positions(gateway, until).values()), until)


def positions(gateway: Gateway, until: dt.date) -> dict[str, Position]:
    """Provider → its position, as known by that day."""
    return {provider: position(gateway, provider, until) for provider in sorted(gateway.profiles.providers)}


def together(gateway: Gateway, parts: list[Position], until: dt.date) -> Position:
    """The positions of all providers as one, with the payments of files received by that day that went to none."""
    files = gateway.registry.rows(t.FILES, t.FILES.c.received_on <= until.isoformat(), order=t.FILES.c.file_id)
    received = pl.Series([file["file_id"] for file in files], dtype=pl.String)
    kept = [_of_files(part, received) for part in parts]
    told = [ByPayment.of(states) for part in kept for states in part.parts]
    found: dict[str, int] = {}
    for states in (states for part in kept for states in part.parts):
        for file_id, payments in states.group_by("file_id").len().iter_rows():
            found[file_id] = found.get(file_id, 0) + payments
    parsed = details(gateway.lake, received, "parse")
    lacking = [
        file
        for file in files
        if found.get(file["file_id"], 0) != parsed.get(file["file_id"], {"payments": 0})["payments"]
    ]

    def elsewhere() -> Iterator[pl.DataFrame]:
        for book in book_parts(gateway, lacking):
            sent = pl.concat([empty(STATES), *(states.between(around(book["payment_id"])) for states in told)])
            yield book.join(sent, on="payment_id", how="anti", maintain_order="left")

    book = laid_out(elsewhere(), dtypes(BOOK))
    undone = pl.concat([empty(UNMATCHES), *(part.undone for part in kept)])
    return Position.joined(kept, stands(book, empty(ATTRIBUTED), empty(MATCHES), undone))


def _of_files(part: Position, received: pl.Series) -> Position:
    """Without payments of files that came later: a day of the provider may end after one of the client."""
    known = [states["file_id"].unique() for states in part.parts]
    if all(ids.is_in(received.implode()).all() for ids in known):
        return part
    of_files = pl.col("file_id").is_in(received.implode())
    return Position(
        tuple(states.filter(of_files) for states in part.parts), part.attribution, part.entries, part.statements,
        part.matches, part.fundings, part.matched, part.findings, part.undone,
    )  # fmt: skip


def stands(book: pl.DataFrame, words: pl.DataFrame, matches: pl.DataFrame, undone: pl.DataFrame) -> pl.DataFrame:
    """STATES of a long BOOK that is in order of payment_id: what is decided is laid out beside it, in the same pieces."""
    require_once(book)
    told, claims = ByPayment.of(words), ByPayment.of(matches)
    decided = {name: dtype for name, dtype in dtypes(STATES).items() if name not in BOOK.columns}

    def pieces() -> Iterator[pl.DataFrame]:
        lengths = book["payment_id"].chunk_lengths() if book.height else []
        for length, end in zip(lengths, accumulate(lengths), strict=True):
            piece = book.slice(end - length, length)
            span = around(piece["payment_id"])
            states = payment_states(piece, told.between(span), claims.between(span), undone)
            yield states.select(decided.keys())

    return book.hstack(laid_out(pieces(), decided).get_columns()).select(dtypes(STATES).keys())


def terms_of(
    gateway: Gateway, provider_id: str, day: dt.date | None = None, rules: ReconciliationRules | None = None
) -> Terms:
    """What the ladder goes by: the provider's rules (or those given), what persons undid, and the day."""
    undone = gateway.lake.whole(provider_id, "unmatches")
    used = gateway.profiles.provider(provider_id).reconciliation if rules is None else rules
    return Terms({provider_id: used}, undone, day or gateway.clock().date())
