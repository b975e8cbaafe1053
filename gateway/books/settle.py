"""Settle: prepare the close of a day. Its payments are tied out, its postings made, its reports written, by provider and for all.

A day that does not tie, or whose book and bank do not meet, is refused, with the rows named, and nothing is written. Settling
again with the same inputs changes nothing; with new inputs (a late statement) a day that nobody has reviewed is prepared anew:
a further revision of its close, against the same opening, which posts what is new and reverses what no longer holds. What was
reviewed stands until it is opened again (`gateway.books.closes`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import SignOff
from canonical.errors import Conflict
from canonical.frames import BREAKS, dtypes
from canonical.limits import LAKE_PART_ROWS
from gateway.books import close_run, journals
from gateway.books.closes import (
    CLOSED,
    Shown,
    closed_on,
    day_of,
    day_row,
    finish,
    hold_open,
    known_day,
    mark_prepared,
    minute,
    note_run,
    require_in_order,
    state_of,
    take_back_later,
)
from gateway.books.fee_check import fees_of, owners
from gateway.books.journals import EVERYTHING, close_subject
from gateway.books.opening import OPENING, RULES, opening, opens_otherwise
from gateway.books.position import Position, everything, positions, together
from gateway.books.status import parsed_counts, read_counts
from gateway.books.write_offs import adjustments
from gateway.breaks.breaks import breaks_of, open_breaks
from gateway.composition import Gateway
from gateway.delivery.funds import funding_positions
from gateway.lake import Draft
from gateway.registry import tables as t
from gateway.reports.held_reports import hold, publish, write
from reconciliation import events
from reconciliation.adjusted import adjusted_balances, items, require_met
from reconciliation.balances import entries_posted
from reconciliation.conservation import at_fault, equations, require, terms, tie_out_files
from reconciliation.reports import Period, reconciliation_report, settlement_report, signed
from reconciliation.settlements import CALENDARS

_PAYMENTS: Final = "payments"
"""Input of a close: the states of its payments. Closes of versions that read them in another order have it under another name."""


@dataclass(frozen=True, slots=True)
class Known:
    """All that a scope is closed on: where it stands, the ADJUSTMENTS of its breaks, name and SHA-256 of each input of a close."""

    found: Position
    written_off: pl.DataFrame
    digests: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, found: Position, written_off: pl.DataFrame, states_sha256: str) -> Known:
        """`states_sha256`: of the states, made by who knows of what they are made."""
        frames = (
            ("feedback", found.attribution.attributed), ("entries", found.entries), ("statements", found.statements),
            ("matches", found.matches), ("fundings", found.fundings), ("findings", found.findings), ("write-offs", written_off),
        )  # fmt: skip
        told = tuple((name, _digest([frame])) for name, frame in frames)
        return cls(found, written_off, ((_PAYMENTS, states_sha256), *told))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The close of one scope, written and ready to be committed: `journals` are those of `run`, its number in the ledger.

    `opening`: subject of the close that it opens with, None where there is none.
    """

    period: Period
    draft: Draft
    journals: pl.DataFrame
    run: int
    revision: int
    opening: str | None
    by: str


def settle(gateway: Gateway, day: str, by: str = "gateway") -> list[str]:
    """Prepare the close of a day (YYYY-MM-DD) in the name of `by`; the keys of its reports. Safe to repeat.

    Raises:
        NotTied: the equations do not hold, or book and bank do not meet; names the rows. Nothing of the
            day is written; later days that nobody reviewed may have been taken back already, and are prepared again after it.
        Conflict: the day was reviewed, and its inputs changed since; or another day has to be closed or opened first.
        ConfigError: not a day.
    """
    until = day_of(day)
    # The closes are read before what is closed: a run that slept over another's close loses at the commit.
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == until.isoformat())
    require_in_order(gateway, until)
    scopes = _known(gateway, until)
    told = {scope: known.digests for scope, known in scopes.items()}
    last = {row["provider_id"]: row for row in closes}
    changed = [
        scope
        for scope, digests in told.items()
        if scope not in last
        or last[scope]["run"] is None
        or _inputs(digests) != last[scope]["inputs_sha256"]
        or opens_otherwise(gateway, until, scope, last[scope]["revision"])
    ]
    state = state_of(gateway, until)
    if state in CLOSED:
        changed = [scope for scope in changed if _PAYMENTS in closed_on(gateway, scope, day)]
    if changed and state in CLOSED:
        raise Conflict(f"{day} is {state}, and what came in since would change it: {', '.join(changed)}. What is late is "
                       f"posted on the next day that closes; if it must stand on {day}, open the day again with a reason")  # fmt: skip
    if not changed and state != "open":
        return _published(gateway, until, list(scopes))
    again = take_back_later(gateway, until)
    revisions = {scope: last[scope]["revision"] + 1 if scope in last else 1 for scope in scopes}
    ready = [
        _prepare(gateway, until, scope, scopes[scope], revisions[scope], by)
        for scope in dict.fromkeys([*changed, EVERYTHING])
    ]
    for one in ready:
        _commit(gateway, one)
    for later in again:
        settle(gateway, later, by)
    return _published(gateway, until, list(scopes))


def _published(gateway: Gateway, day: dt.date, scopes: list[str]) -> list[str]:
    keys = [key for scope in scopes for key in publish(gateway, day.isoformat(), scope)]
    finish(gateway, day)
    return keys


def show(gateway: Gateway, day: str) -> Shown:
    """How far the close of a day is, with its inputs, and how what is known now differs from them.

    Raises:
        NotFound: the day was never prepared.
        NotTied: what is known now does not tie; names the rows.
    """
    row, until = known_day(gateway, day), day_of(day)
    inputs: list[tuple[str, str, str]] = []
    changed: list[str] = []
    for scope, known in _known(gateway, until).items():
        held = closed_on(gateway, scope, day)
        inputs += [(scope, name, digest) for name, digest in held.items()]
        changed += [
            f"{name} of {scope}" for name, digest in known.digests if _PAYMENTS in held and held.get(name) != digest
        ]
    return Shown(row, tuple(inputs), tuple(changed))


def position_of_everything(gateway: Gateway, until: dt.date) -> Position:
    """All providers as one, with the payments that went to none, as known by that day. Raises NotTied."""
    return _tied(gateway, everything(gateway, until))


def _known(gateway: Gateway, until: dt.date) -> dict[str, Known]:
    """By scope, the whole last. Raises NotTied."""
    parts = positions(gateway, until)
    digests = {scope: _digest_of_states(found.parts) for scope, found in parts.items()}
    known = {
        scope: Known.of(found, adjustments(gateway, until, scope), digests[scope]) for scope, found in parts.items()
    }
    whole = _tied(gateway, together(gateway, list(parts.values()), until))
    # The payments of providers were digested already; the last part is of those that went to none.
    of_all = hashlib.sha256("".join([*digests.values(), _digest_of_states(whole.parts[-1:])]).encode()).hexdigest()
    return {**known, EVERYTHING: Known.of(whole, adjustments(gateway, until), of_all)}


def _tied(gateway: Gateway, whole: Position) -> Position:
    """Every file is tied out against what was read of it on the way."""
    scope = ["file_id", "client"]
    parts = [(terms(piece.states, scope), at_fault(piece.states)) for piece in whole.pieces()]
    of_terms, faults = pl.concat(part for part, _ in parts), pl.concat(part for _, part in parts)
    found = of_terms.select("file_id", payments="count_parsed")
    file_ids = found["file_id"].unique().sort().to_list()
    tied = equations(of_terms, scope, parsed_counts(gateway, file_ids))
    require(tied, faults, tie_out_files(found, read_counts(gateway, file_ids)))
    return whole


def _prepare(gateway: Gateway, day: dt.date, scope: str, known: Known, revision: int, by: str) -> Prepared:
    found, ledger, of_account = known.found, journals.ledger(gateway, scope, day), owners(gateway)
    draft = gateway.lake.draft(close_subject(scope, day.isoformat(), revision), "settle")
    opens_with = opening(gateway, day, scope)
    totals, made = close_run.run(draft, found, opens_with, ledger, known.written_off, of_account, day)
    require(equations(totals.terms, ["provider", "account"]), totals.faults)
    posted = pl.concat([*(close_run.on_bank(part) for part in (ledger.before, ledger.today)), made.on_bank])
    on_books = entries_posted(found.entries, found.matches, posted)
    positions_of_fees, fees = fees_of(gateway, found, day)
    computed = breaks_of(gateway, found, day, fees)
    listed, balances = _met(found, on_books, computed, totals.in_transit, day)
    breaks = open_breaks(gateway, computed, found, day)
    draft.write("breaks", breaks.select(*dtypes(BREAKS)))
    period = Period(
        day=day, scope=scope, totals=totals, entries=found.entries, statements=found.statements, matches=found.matches,
        fundings=found.fundings, items=listed, adjusted=balances, breaks=breaks, earlier=journals.moved_by(ledger.before),
        new=pl.concat([journals.moved_by(ledger.today), made.moved]), on_books=on_books, providers=of_account,
        digests=known.digests, calendars=_calendars(gateway), fee_positions=positions_of_fees, fees=fees,
        funding=funding_positions(gateway, totals.orders),
    )  # fmt: skip
    below = None if opens_with is None else opens_with.subject
    return Prepared(period, draft, made.journal.rows(ledger.run), ledger.run, revision, below, by)


def _met(
    found: Position, on_books: pl.DataFrame, computed: pl.DataFrame, transit: pl.DataFrame, day: dt.date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What stands between book and bank, and the adjusted balances. Raises NotTied: they do not meet, or no break names an item."""
    listed = items(found.statements, found.entries, on_books, transit, day)
    balances = adjusted_balances(found.statements, on_books, listed)
    require_met(balances, listed, computed)
    return listed, balances


def _commit(gateway: Gateway, one: Prepared) -> None:
    period, draft, now = one.period, one.draft, gateway.registry.now()
    day = period.day.isoformat()
    folder = f"closes/{draft.subject}/{draft.attempt}"
    reports = (reconciliation_report(period), settlement_report(period))
    for report in reports:
        hold(gateway, folder, report)
    known = day_row(gateway, day)
    sign_off, reopened = SignOff(prepared_by=one.by, prepared_at=minute(now)), known["reason"] if known else ""
    objects = write(gateway, folder, tuple(signed(report, sign_off, reopened) for report in reports))
    row = {
        "day": day, "provider_id": period.scope, "revision": one.revision, "inputs_sha256": _inputs(period.digests),
        "closed_at": now, "reports": json.dumps(objects, sort_keys=True), "run": one.run,
    }  # fmt: skip

    def mark(connection: Connection) -> None:
        hold_open(connection, day)
        note_run(gateway, connection, row, one.journals, by=one.by, action="prepared")
        if period.scope == EVERYTHING:
            mark_prepared(connection, day, one.revision, by=one.by, at=now)

    # Where another run closed this revision first, its reports count and ours are litter.
    detail = {
        "inputs": row["inputs_sha256"], "digests": dict(period.digests), OPENING: one.opening, RULES: events.RULES,
    }  # fmt: skip
    draft.commit(detail, mark)


def _calendars(gateway: Gateway) -> pl.DataFrame:
    """submission_id → calendar of the rail it went with."""
    calendars = {
        (provider.provider_id, rail.rail): rail.calendar
        for provider in gateway.profiles.providers.values()
        for rail in provider.rails
    }
    sent = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment", t.SUBMISSIONS.c.state != "VOIDED")
    named = [(row["submission_id"], calendars.get((row["destination"], row["rail"]))) for row in sent]
    return pl.DataFrame(named, schema=CALENDARS, orient="row")


def _inputs(digests: tuple[tuple[str, str], ...]) -> str:
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


def _digest_of_states(parts: Sequence[pl.DataFrame]) -> str:
    # What claims a payment is an input of its own.
    return _digest([states.drop("claims_digest") for states in parts])


def _digest(frames: Sequence[pl.DataFrame]) -> str:
    """Of the frames as CSV, which is not made as a whole: it is longer than they are."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(frame.head(0).write_csv().encode())
        for part in frame.iter_slices(LAKE_PART_ROWS):
            digest.update(part.write_csv(include_header=False, datetime_format="%+").encode())
    return digest.hexdigest()
