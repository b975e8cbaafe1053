"""Reconcile: open payments of a provider against the entries of its statements.

A run is committed under the next number of the provider; who loses that race looks again. Its claims are what makes a
payment settled or returned, so that each side is claimed once under any repetition.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict
from gateway.books.open_items import OpenItems, leave, open_items, take
from gateway.books.position import terms_of
from gateway.composition import Gateway
from gateway.delivery.funds import note_paid_in, paid_in_rules, told_by_persons
from gateway.feedback.news import note_news
from gateway.registry import tables as t
from gateway.registry.mentions import note_mentions
from reconciliation.fundings import client_fundings
from reconciliation.ladder import match

_TRIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run did: new matches, all matches of the provider, and the client files whose payments it matched."""

    matched: int
    matches: int
    files: tuple[str, ...]


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
        paid_in = client_fundings(
            items.entries, known, found.ambiguous, paid_in_rules(gateway), terms.undone, told_by_persons(gateway)
        )
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
            note_mentions(connection, provider_id, stage, files)

        if draft.commit(detail, also):
            return Reconciled(new.height, _standing(gateway, provider_id), tuple(files))
    raise Conflict(f"other reconciliation runs of {provider_id} kept coming first")


def _standing(gateway: Gateway, provider_id: str) -> int:
    """How many matches stand, from the manifests alone."""
    made, undone = (gateway.lake.manifests(provider_id, name) for name in ("matches", "unmatches"))
    return sum(item.rows for item in made) - sum(item.rows for item in undone)
