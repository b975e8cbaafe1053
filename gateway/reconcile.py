"""Reconcile: open payments of a provider against the entries of its statements.

A run is committed under the next number of the provider; who loses that race looks again. Its claims are what makes a
payment settled or returned, so that each side is claimed once under any repetition.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict
from canonical.frames import ENTRIES, FUNDINGS, MATCHES, STATEMENTS, UNMATCHES, dtypes, empty
from canonical.matching import ReconciliationRules
from gateway.book import (
    attribution,
    feedback_entries,
    feedback_frames,
    provider_book,
    standing_fundings,
    standing_matches,
)
from gateway.composition import Gateway
from gateway.funds import note_paid_in, paid_in_rules
from gateway.news import note_news
from gateway.open_items import OpenItems, leave, open_items, take
from gateway.registry import tables as t
from reconciliation.fundings import client_fundings
from reconciliation.ladder import Matched, Terms, match
from reconciliation.states import ATTRIBUTED, Attribution, payment_states

_TRIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run did: new matches, all matches of the provider, and the client files whose payments it matched."""

    matched: int
    matches: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A provider as it stands: STATES, ENTRIES, STATEMENTS, MATCHES that stand, FUNDINGS, UNMATCHES, and `matched`: what would match now.

    `findings`: FINDINGS of its feedback files, with feedback_id, sequence and received_on.
    """

    states: pl.DataFrame
    attribution: Attribution
    entries: pl.DataFrame
    statements: pl.DataFrame
    matches: pl.DataFrame
    fundings: pl.DataFrame
    matched: Matched
    findings: pl.DataFrame
    undone: pl.DataFrame

    @classmethod
    def joined(cls, book: pl.DataFrame, parts: list[Position]) -> Position:
        """Several providers as one, over a book that also holds the payments that went to none."""
        told = Attribution(
            pl.concat([empty(ATTRIBUTED), *[part.attribution.attributed for part in parts]]),
            pl.concat([part.attribution.unknown for part in parts], how="diagonal"),
        )
        entries, statements, matches, fundings = (
            pl.concat([empty(schema), *[getattr(part, name) for part in parts]])
            for name, schema in (
                ("entries", ENTRIES),
                ("statements", STATEMENTS),
                ("matches", MATCHES),
                ("fundings", FUNDINGS),
            )
        )
        undone = pl.concat([empty(UNMATCHES), *[part.undone for part in parts]])
        states = payment_states(book, told.attributed, matches, undone)
        findings = pl.concat([part.findings for part in parts])
        return cls(
            states,
            told,
            entries,
            statements,
            matches,
            fundings,
            Matched.joined([part.matched for part in parts]),
            findings,
            undone,
        )


def position(gateway: Gateway, provider_id: str, until: dt.date | None = None) -> Position:
    """What is known of a provider's payments and entries; `until`: only what was sent or booked by that day."""
    book = provider_book(gateway, provider_id)
    entries = feedback_entries(gateway, provider_id)
    if entries["entry_id"].hash().n_unique() < entries.height:
        entries = entries.unique("entry_id", keep="last", maintain_order=True)
    told = feedback_frames(gateway, provider_id, "statements").select(dtypes(STATEMENTS).keys())
    statements = told.filter(pl.col("origin").is_null() | (pl.col("origin") == "statement"))
    matches = standing_matches(gateway, provider_id)
    if until is not None:
        book = book.filter(pl.col("submitted_on").is_null() | (pl.col("submitted_on") <= until))
        statements = statements.filter(pl.coalesce("to_date", "from_date", pl.lit(until)) <= until)
        # What a statement of that day shows is booked by then, whatever dates stand on the entry: its closing balance holds it.
        by_then = pl.coalesce("booking_date", "value_date", pl.lit(until)) <= until
        entries = entries.filter(by_then | pl.col("statement_id").is_in(statements["statement_id"].implode()))
        matches = matches.join(entries, on="entry_id", how="semi")
    fundings = standing_fundings(gateway, provider_id).join(entries, on="entry_id", how="semi")
    words = attribution(gateway, provider_id, book)
    terms = terms_of(gateway, provider_id, until)
    states = payment_states(book, words.attributed, matches, terms.undone)
    findings = feedback_frames(gateway, provider_id, "findings")
    if until is not None:
        findings = findings.filter(pl.col("received_on") <= until)
    found = match(states, entries.join(fundings, on="entry_id", how="anti"), matches, terms)
    return Position(states, words, entries, statements, matches, fundings, found, findings, terms.undone)


def terms_of(
    gateway: Gateway, provider_id: str, day: dt.date | None = None, rules: ReconciliationRules | None = None
) -> Terms:
    """What the ladder goes by: the provider's rules (or those given), what persons undid, and the day."""
    undone = gateway.lake.whole(provider_id, "unmatches")
    used = gateway.profiles.provider(provider_id).reconciliation if rules is None else rules
    return Terms({provider_id: used}, undone, day or gateway.clock().date())


def next_run(gateway: Gateway, provider_id: str) -> str:
    """Stage of the provider's next run. Read before what the run reads: who did not see another's claims loses at the commit."""
    runs = gateway.registry.rows(t.STAGES, t.STAGES.c.subject == provider_id, t.STAGES.c.stage.like("reconcile-%"))
    return f"reconcile-{len(runs) + 1:06d}"


def reconcile(gateway: Gateway, provider_id: str) -> Reconciled:
    """Match what can be matched of what is open and new, know what clients paid in, and commit it; a repeat finds nothing more to match.

    Raises:
        NotFound: no such provider.
        Conflict: other runs kept coming first.
    """
    gateway.profiles.provider(provider_id)
    for _ in range(_TRIES_MAX):
        stage = next_run(gateway, provider_id)
        items = open_items(gateway, provider_id)
        terms = terms_of(gateway, provider_id)
        found = match(items.states, items.entries, items.earlier, terms)
        new = found.matches
        known = pl.concat([items.earlier, new])
        paid_in = client_fundings(items.entries, known, found.ambiguous, paid_in_rules(gateway), terms.undone)
        if new.is_empty() and paid_in.is_empty() and not items.feedback and not items.submissions:
            return Reconciled(0, _standing(gateway, provider_id), ())
        draft = gateway.lake.draft(provider_id, stage)
        draft.write("matches", new)
        draft.write("fundings", paid_in)
        leave(draft, items, new, paid_in, terms.undone)
        files = items.states.join(new, on="payment_id", how="semi")["file_id"].unique().sort().to_list()
        detail = {
            "matches": new.height, "fundings": paid_in.height, "entries_read": items.entries.height, "payments_read": items.states.height,
            "read_sha256": items.read_sha256, "left": True,
        }  # fmt: skip

        def also(
            connection: Connection, items: OpenItems = items, stage: str = stage, files: list[str] = files,
            paid_in: pl.DataFrame = paid_in,
        ) -> None:  # fmt: skip
            take(gateway, connection, items, stage)
            note_paid_in(gateway, connection, paid_in)
            note_news(connection, files)

        if draft.commit(detail, also):
            return Reconciled(new.height, _standing(gateway, provider_id), tuple(files))
    raise Conflict(f"other reconciliation runs of {provider_id} kept coming first")


def _standing(gateway: Gateway, provider_id: str) -> int:
    """How many matches stand, from the manifests alone."""
    made, undone = (gateway.lake.manifests(provider_id, name) for name in ("matches", "unmatches"))
    return sum(item.rows for item in made) - sum(item.rows for item in undone)
