"""Watch: what should have come from a provider and has not, and what comes back too often, becomes an alert.

| kind | raised when | over when |
|---|---|---|
| no_answer | a submission was delivered, and no word on it came within the hours that the profile names | a word came |
| unknown_outcome | a submission has been UNKNOWN for longer than that | it was resolved |
| no_statement | an account's statement of a business day is not here by the time agreed | it is here |
| late_statement | a statement came for a day that was closed before | a later close holds it, or the day is opened again |
| return_rate | more of a client's collections came back than the scheme allows | fewer did |
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from canonical.calendars import is_business_day
from canonical.counts import count_of
from canonical.profiles import Account, ProviderProfile, ReturnRate, StatementExpected
from gateway.books.book import attribution, provider_book, standing_matches
from gateway.books.heard import feedback_frames
from gateway.composition import Gateway
from gateway.delivery.parts import DELIVERED_ITSELF
from gateway.feedback.alerts import Alert, keep
from gateway.feedback.late import late_alerts
from gateway.registry import tables as t
from reconciliation.return_rates import return_rates
from reconciliation.states import payment_states

_DAY: Final = dt.timedelta(days=1)


def watch(gateway: Gateway) -> list[Alert]:
    """Look at every provider; the alerts that stand now. Safe to repeat at any time, by anyone."""
    found = [
        alert
        for provider in gateway.profiles.providers.values()
        for look in (_unanswered, _unknown, _statements, _return_rates)
        for alert in look(gateway, provider)
    ]
    found += late_alerts(gateway)
    keep(gateway, found)
    return found


def _submissions(gateway: Gateway, provider: ProviderProfile, state: str | None = None) -> list[Mapping[str, Any]]:
    c = t.SUBMISSIONS.c
    conditions = [
        c.destination == provider.provider_id,
        c.kind == "payment",
        c.delivered_at.is_not(None),
        DELIVERED_ITSELF,
    ]
    return gateway.registry.rows(
        t.SUBMISSIONS, *conditions, *([c.state == state] if state else []), order=c.delivered_at
    )


def _is_older(gateway: Gateway, row: Mapping[str, Any], hours: int) -> bool:
    return gateway.clock() - dt.datetime.fromisoformat(row["delivered_at"]) > dt.timedelta(hours=hours)


def _unanswered(gateway: Gateway, provider: ProviderProfile) -> Iterator[Alert]:
    hours = provider.expects.answer_within_hours
    if hours is None:
        return
    for row in _submissions(gateway, provider, "DELIVERED"):
        if _is_older(gateway, row, hours):
            yield Alert(
                "no_answer", row["submission_id"],
                f"{provider.name} took {row['name']} ({count_of(row['payments'], 'payment')}) at {row['delivered_at'][:16]} UTC and has "
                f"said nothing of it for more than {count_of(hours, 'hour')}. Ask it whether the file was accepted.",
            )  # fmt: skip


def _unknown(gateway: Gateway, provider: ProviderProfile) -> Iterator[Alert]:
    hours = provider.expects.unknown_for_hours
    for row in _submissions(gateway, provider, "UNKNOWN"):
        if _is_older(gateway, row, hours):
            yield Alert(
                "unknown_outcome", row["submission_id"],
                f"Nobody knows whether {provider.name} has {row['name']} ({count_of(row['payments'], 'payment')}). Ask it, then tell "
                "with `bulkrail resolve`; nothing is sent again until then.",
            )  # fmt: skip


def _statements(gateway: Gateway, provider: ProviderProfile) -> Iterator[Alert]:
    expected = provider.expects.statement
    if expected is None:
        return
    for account, day in statements_due(gateway, provider):
        yield Alert(
            "no_statement", f"{provider.provider_id}/{account.account}/{day}",
            f"The statement of {account.name} at {provider.name} for {day} was due by {expected.by:%H:%M} "
            f"({expected.time_zone}) and is not here. Payments of that day cannot be settled without it.",
        )  # fmt: skip


def statements_due(gateway: Gateway, provider: ProviderProfile) -> Iterator[tuple[Account, dt.date]]:
    """Accounts whose statement of the last business day that is due is not here, with that day."""
    expected = provider.expects.statement
    sent = _submissions(gateway, provider)
    if expected is None or not sent:
        return
    day = last_day_due(expected, gateway.clock())
    for account in provider.accounts:
        first = min((row["business_date"] for row in sent if row["account"] == account.account), default=None)
        if first is not None and first <= day.isoformat() and not _is_here(gateway, provider, account, day):
            yield account, day


def last_day_due(expected: StatementExpected, now: dt.datetime) -> dt.date:
    """The last business day whose statement must be here by now."""
    zone = zoneinfo.ZoneInfo(expected.time_zone)
    day = now.astimezone(zone).date()
    while not (is_business_day(expected.calendar, day) and _deadline(expected, day, zone) <= now):
        day -= _DAY
    return day


def _deadline(expected: StatementExpected, day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    for _ in range(expected.days_after):
        day += _DAY
        while not is_business_day(expected.calendar, day):
            day += _DAY
    return dt.datetime.combine(day, expected.by, zone)


def _is_here(gateway: Gateway, provider: ProviderProfile, account: Account, day: dt.date) -> bool:
    c = t.STATEMENTS.c
    of_account = (c.provider_id == provider.provider_id, c.account == account.account)
    return bool(gateway.registry.rows(t.STATEMENTS, *of_account, c.to_date >= day.isoformat()))


def _return_rates(gateway: Gateway, provider: ProviderProfile) -> Iterator[Alert]:
    if not provider.expects.return_rates:
        return
    book = provider_book(gateway, provider.provider_id)
    told = attribution(gateway, provider.provider_id, book).attributed
    matches = standing_matches(gateway, provider.provider_id).join(book, on="payment_id", how="semi")
    states = payment_states(book, told, matches)
    received = feedback_frames(gateway, provider.provider_id, "statuses").select("feedback_id", "received_on").unique()
    returns = told.filter(pl.col("kind") == "return").join(received, on="feedback_id", how="left")
    for rate in provider.expects.return_rates:
        found = return_rates(states, returns, rate, gateway.clock().date())
        for row in found.filter(pl.col("basis_points") > rate.basis_points_max).iter_rows(named=True):
            yield _above(provider, rate, row)


def _above(provider: ProviderProfile, rate: ReturnRate, row: Mapping[str, Any]) -> Alert:
    return Alert(
        "return_rate", f"{provider.provider_id}/{row['client']}/{rate.name}",
        f"{row['returned']} of {count_of(row['sent'], 'collection')} of {row['client']} through {provider.name} came back "
        f"({rate.name}) within {count_of(rate.days, 'day')}: {_percent(row['basis_points'])}, and {_percent(rate.basis_points_max)} "
        "is the most. Find the cause with the client before its next file.",
    )  # fmt: skip


def _percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02d}%"
