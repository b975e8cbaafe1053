"""Route: the accepted payments of an approved file are planned onto providers, once.

One transaction stores the plan: submissions, their sums, their reserved bank sequence numbers, what they take of a window's
capacity, and the routes of the payments. A repeat reads the plan, also after the configuration changed. Payments whose
submission was voided, that found no route, or that are kept for a later day, are planned by a further revision; a payment in
a live submission never is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import Order
from canonical.errors import Conflict
from canonical.file_names import file_name
from canonical.frames import ROUTES, VERDICTS, arranged, empty
from canonical.identifiers import make_id
from canonical.limits import LAKE_PART_ROWS
from canonical.plugins import lookup
from gateway.composition import Gateway
from gateway.delivery.merging import FILES_A_DAY_MAX
from gateway.delivery.orders import order_of
from gateway.feedback.news import note_news
from gateway.intake.files import file_row, move_file
from gateway.intake.originals import originals
from gateway.laid_out import laid_out
from gateway.lake import Draft
from gateway.planning.candidates import Candidate, candidates, counter_of, counters_of
from gateway.planning.health import provider_troubles
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.reserves import reserve
from gateway.planning.revalidate import lapsed_of
from gateway.planning.routing import Planner, earliest
from gateway.planning.splitting import pieces
from gateway.registry import tables as t
from gateway.registry.engine import move, take_number_below, take_numbers

_GROUP: Final = ("candidate", "execution_date", "credit_debit")
_APART: Final = (
    "batch", "batch_booking", "debtor_account", "service_level", "sequence_type", "local_instrument", "category_purpose",
)  # fmt: skip
"""What a provider may want alike in one file (`FileLimits.apart`)."""
_KEPT: Final = (
    "payment_id", "row", "credit_debit", "amount_minor", "currency", "end_to_end_id", "candidate", "placed",
    "execution_date", "due_at", "choice", "note", *_APART,
)  # fmt: skip
_WORKING: Final = ("candidate", "placed", "due_at", *_APART)
_TRACE_NUMBERS: Final = 9_000_000
"""A bank sequence number has seven digits; after so many numbers they begin again, long after the first were settled."""
_TRIES_MAX: Final = 20


class _Full(Conflict):
    """Another plan took what was left of a window meanwhile: look again."""


def route(gateway: Gateway, file_id: str) -> list[str]:
    """Plan what of an approved file is not yet in a live submission; the ids of all live submissions of the file.

    Raises: NotFound; Conflict where the file is not approved.
    """
    for _ in range(_TRIES_MAX):
        file = file_row(gateway, file_id)
        if file["state"] not in {"approved", "routed"}:
            raise Conflict(f"only an approved file is routed; this one is {file['state']}", file_id=file_id)
        # The number is read before what it numbers: who plans on what another worker has planned since loses at the commit.
        revision = 1 + len(
            gateway.registry.rows(t.STAGES, t.STAGES.c.subject == file_id, t.STAGES.c.stage.like("route-%"))
        )
        unplaced = _unplaced(gateway, file_id)
        if unplaced.is_empty():
            break
        try:
            _plan(gateway, file, unplaced, revision)
        except _Full:
            continue
        break
    return [row["submission_id"] for row in live_submissions(gateway, file_id)]


def current_candidates(gateway: Gateway) -> list[Candidate]:
    """Every way out as it stands now: open windows, what is left of them, providers in trouble."""
    trouble = provider_troubles(gateway)
    bounded = counters_of(candidates(gateway.profiles, gateway.clock()))
    rows = gateway.registry.rows(t.COUNTERS, t.COUNTERS.c.name.in_(sorted(bounded)))
    used = {row["name"]: row["value"] for row in rows}
    return candidates(gateway.profiles, gateway.clock(), trouble, used)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Payments that go out in one file of a provider; `number` counts the files of the same candidate and date from 0."""

    candidate: Candidate
    execution_date: dt.date
    number: int
    payments: pl.DataFrame


class _Reservation(NamedTuple):
    """What a submission takes of its window: payments or minor units, by the counter; `most` is all there is."""

    submission_id: str
    counter: str
    amount: int
    most: int


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a plan decides: rows of SUBMISSIONS, what they reserve, the plan's words, and when to look again."""

    submissions: list[dict[str, Any]]
    reservations: list[_Reservation]
    detail: dict[str, Any]
    due_at: str | None
    news: bool


def _unplaced(gateway: Gateway, file_id: str) -> pl.Series:
    """Rows of the accepted payments that are to be planned, in order."""
    accepted = gateway.lake.whole(file_id, "verdicts").filter(pl.col("status") == "ACCP").select("row")
    placed = live_routes(gateway, file_id).filter(pl.col("submission_id").is_not_null())
    for settled in (gateway.lake.whole(file_id, "cancelled"), gateway.lake.whole(file_id, "lapsed"), placed):
        if not settled.is_empty():
            accepted = accepted.join(settled.select("row"), on="row", how="anti", maintain_order="left")
    return accepted["row"]


def _plan(gateway: Gateway, file: Mapping[str, Any], unplaced: pl.Series, revision: int) -> None:
    file_id = file["file_id"]
    planner = Planner(current_candidates(gateway), gateway.profiles.client(file["client_id"]))
    draft, refused = gateway.lake.draft(file_id, f"route-{revision}"), [empty(VERDICTS)]

    def standing() -> Iterator[pl.DataFrame]:
        for found in planner.choose_each(_payments(gateway, file_id, unplaced)):
            lapsed = lapsed_of(gateway, file, found.filter("placed"))
            draft.write("lapses", lapsed.findings)
            refused.append(lapsed.verdicts)
            stands = found.select(_KEPT).join(lapsed.verdicts, on="payment_id", how="anti", maintain_order="left")
            yield stands.with_columns(plan=pl.lit(revision, dtype=pl.Int64))

    chosen = laid_out(standing(), {})
    verdicts = pl.concat(refused)
    again = file["state"] == "routed"
    if again and not chosen["placed"].any() and verdicts.is_empty() and _all_told(gateway, file_id, chosen):
        _look_again(gateway, file, _first_due(chosen))  # nothing to add: the plan that says so stands
        return
    rows, reservations, later = [], [], [chosen.filter(~pl.col("placed"))]

    def planned() -> Iterator[pl.DataFrame]:
        for piece in _pieces(chosen, planner.options):
            row = _submission(gateway, file, piece, revision)
            if row is None:
                later.append(_another_day(planner, piece))
                continue
            rows.append(row)
            reservations.extend(_of_capacity(piece.candidate, row))
            order = order_of(gateway, row)
            placed = piece.payments.with_columns(pl.int_range(1, pl.len() + 1).alias("position"))
            yield from (_routes(order, row, part) for part in placed.iter_slices(LAKE_PART_ROWS))
        yield arranged(pl.concat(later).drop(_WORKING), ROUTES)

    routes = laid_out(planned(), {})
    in_order = routes["row"].arg_sort()
    for offset in range(0, routes.height, LAKE_PART_ROWS):
        draft.write("routes", routes[in_order.slice(offset, LAKE_PART_ROWS)])
    draft.write("lapsed", verdicts)
    news = again and (not verdicts.is_empty() or bool(chosen["note"].is_not_null().any()))
    due_at = _first_due(pl.concat(later))
    _commit(gateway, draft, file_id, _Planned(rows, reservations, _words(planner, rows), due_at, news))


def _all_told(gateway: Gateway, file_id: str, chosen: pl.DataFrame) -> bool:
    told = live_routes(gateway, file_id).select("payment_id")
    return chosen.select("payment_id").join(told, on="payment_id", how="anti").is_empty()


def _first_due(waiting: pl.DataFrame) -> str | None:
    """When the first of what waits is to be looked at again."""
    due = earliest(waiting.filter(pl.col("due_at").is_not_null())["due_at"])
    return due.isoformat(timespec="microseconds") if due else None


def _pieces(chosen: pl.DataFrame, options: list[Candidate]) -> Iterator[_Piece]:
    """What goes out now, a provider's file at a time."""
    placed = chosen.lazy().with_row_index("place").filter("placed")
    groups = placed.group_by(_GROUP, maintain_order=True).agg("place").collect()
    for key, places in zip(groups.select(_GROUP).iter_rows(), groups["place"], strict=True):
        candidate, execution_date = options[int(str(key[0]))], key[1]
        assert isinstance(execution_date, dt.date)
        for number, payments in enumerate(pieces(chosen[places], candidate.provider.file_limits)):
            yield _Piece(candidate, execution_date, number, payments)


def _another_day(planner: Planner, piece: _Piece) -> pl.DataFrame:
    """Payments of a file that would be one too many of its day: they are planned when the window is over."""
    window = piece.candidate.window
    text = f"The provider takes no more files of {window.day}; it is planned for the window after."
    note = planner.notes.setdefault(text, len(planner.notes))
    return piece.payments.with_columns(
        placed=pl.lit(value=False),
        execution_date=pl.lit(None, dtype=pl.Date),
        due_at=pl.lit(window.cut_off_at).cast(piece.payments.schema["due_at"]),
        note=pl.lit(note, dtype=pl.Int64),
    )


def _words(planner: Planner, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the plan's numbers mean: the ways it knew, its choices (candidate, a reason code each) and its notes."""
    return {
        "submissions": [row["submission_id"] for row in rows],
        "ways": [option.name for option in planner.options],
        "choices": [list(choice) for choice in planner.choices],
        "notes": list(planner.notes),
    }


def _look_again(gateway: Gateway, file: Mapping[str, Any], due_at: str | None) -> None:
    with gateway.registry.transaction() as connection:
        move(connection, t.FILES, {"file_id": file["file_id"], "due_at": file["due_at"]}, due_at=due_at)


def _payments(gateway: Gateway, file_id: str, unplaced: pl.Series) -> Iterator[pl.DataFrame]:
    with originals(gateway, file_id) as beside:
        for part in gateway.lake.parts(file_id, "payments"):
            first = int(unplaced.search_sorted(part["row"][0]))
            near = unplaced.slice(first, int(unplaced.search_sorted(part["row"][-1], side="right")) - first)
            yield beside(part if near.len() == part.height else part.filter(pl.col("row").is_in(near.implode())))


def _of_capacity(candidate: Candidate, row: Mapping[str, Any]) -> list[_Reservation]:
    """What a submission takes of a window that is bounded."""
    bounds = candidate.rail.capacity
    wanted = (("payments", row["payments"], bounds.payments), ("minor", row["sum_minor"], bounds.amount_minor))
    return [
        _Reservation(row["submission_id"], counter_of(candidate, what), amount, most)
        for what, amount, most in wanted
        if most is not None
    ]


def _submission(gateway: Gateway, file: Mapping[str, Any], piece: _Piece, revision: int) -> dict[str, Any] | None:
    """The row of a submission, None where its provider takes no more files of the day."""
    candidate, group = piece.candidate, piece.payments
    provider, now = candidate.provider, gateway.registry.now()
    way = f"{provider.provider_id}/{candidate.account.account}/{candidate.rail.rail}/{group['credit_debit'][0]}"
    slot = f"{way}/{piece.execution_date}/{piece.number}#{revision}"
    submission_id = make_id("S", file["file_id"], slot)
    with gateway.registry.transaction() as connection:
        # Numbers are taken before the plan is committed: an attempt that dies leaves a gap, never a repetition.
        # What is merged has no file of its own: the merged one takes a number, and its name, when it is made.
        merged = provider.file_limits.merge_minutes is not None
        counter = f"file:{provider.provider_id}:{candidate.window.day}"
        file_sequence = (
            None if merged else take_number_below(connection, counter, provider.file_limits.a_day or FILES_A_DAY_MAX)
        )
        if file_sequence is None and not merged:
            return None
        trace = take_numbers(connection, f"trace:{provider.provider_id}:{candidate.account.agent}", group.height)
    return {
        "submission_id": submission_id, "kind": "payment", "file_id": file["file_id"], "slot": slot,
        "destination": provider.provider_id, "account": candidate.account.account, "rail": candidate.rail.rail,
        "currency": group["currency"][0], "credit_debit": group["credit_debit"][0], "payments": group.height,
        "sum_minor": int(group["amount_minor"].sum()),
        "name": submission_id if file_sequence is None else file_name(
            provider.file_name, submission_id=submission_id, date=candidate.window.day, time=gateway.clock(),
            file_sequence=file_sequence, suffix=lookup("exporters", "EXPORT", provider.export.name).suffix,
        ),
        "business_date": candidate.window.day.isoformat(), "execution_date": piece.execution_date.isoformat(),
        "cut_off_at": candidate.window.cut_off_at.isoformat(timespec="microseconds"),
        "sequence_first": (trace - 1) % _TRACE_NUMBERS + 1, "file_sequence": file_sequence,
        "state": "PREPARED", "attempt": 0, "detail": "", "created_at": now, "changed_at": now,
    }  # fmt: skip


def _routes(order: Order, row: Mapping[str, Any], group: pl.DataFrame) -> pl.DataFrame:
    """ROUTES of payments of a submission that have their `position` in it; their values are looked at when they are written."""
    export = lookup("exporters", "EXPORT", order.provider.export.name)
    placed = group.drop(_WORKING).with_columns(
        submission_id=pl.lit(row["submission_id"]),
        provider=pl.lit(row["destination"]),
        rail=pl.lit(row["rail"]),
    )
    referred = placed.with_columns(reference=export.reference(order, pl.col("payment_id"), pl.col("position")))
    return arranged(referred, ROUTES)


def _commit(gateway: Gateway, draft: Draft, file_id: str, planned: _Planned) -> None:
    def mark(connection: Connection) -> None:
        if planned.submissions:
            connection.execute(t.SUBMISSIONS.insert(), planned.submissions)
        for taken in planned.reservations:
            if not reserve(connection, *taken, gateway.registry.now()):
                raise _Full("another plan took what was left of the window", submission_id=taken.submission_id)
        move_file(connection, file_id, ("approved", "routed"), "routed", due_at=planned.due_at)
        if planned.news:
            note_news(connection, [file_id])
        gateway.registry.audit(
            connection, "gateway", "routed", file_id, submissions=planned.detail["submissions"], due_at=planned.due_at
        )

    draft.commit(planned.detail, mark)
