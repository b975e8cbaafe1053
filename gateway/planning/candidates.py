"""Candidates: every way out, with the window that is open for it, what is left of it, and what speaks against it now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.calendars import Schedule, Window
from canonical.parties import counterparty
from canonical.profiles import Account, ProviderProfile, Rail
from gateway.config import Profiles

FITS: Final = 0
REASONS: Final = {
    1: "another currency", 2: "another direction", 3: "a country it does not serve", 4: "another kind of account",
    5: "the amount is too large", 6: "the amount is too small", 7: "another service level", 8: "not for this client",
    9: "its format cannot carry the payment", 10: "its capacity of this window is used up",
    11: "stopped, or its deliveries fail", 12: "it misses the date", 13: "it costs more",
}  # fmt: skip
"""Why a payment did not take a rail, by the code that is kept. 1 to 10: it cannot; 11 to 13: another one was better."""
(
    CURRENCY, DIRECTION, COUNTRY, ACCOUNT, TOO_LARGE, TOO_SMALL, SERVICE_LEVEL, CLIENT, FORMAT, FULL, TROUBLE, LATE, DEARER,
) = REASONS  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """One rail of one provider through one of its accounts. `trouble`: why it is avoided now, empty where it is not.

    `payments_left`, `minor_left`: what is left of the window's capacity, None without a bound.
    """

    provider: ProviderProfile
    account: Account
    rail: Rail
    schedule: Schedule
    window: Window
    trouble: str = ""
    payments_left: int | None = None
    minor_left: int | None = None

    @property
    def way(self) -> tuple[str, str]:
        """Provider and rail: what shares a capacity."""
        return self.provider.provider_id, self.rail.rail

    @property
    def name(self) -> str:
        """For people: provider, rail and account."""
        return f"{self.provider.provider_id}/{self.rail.rail}/{self.account.account}"

    def dates(self, requested: dt.date | None, sequence_type: str | None) -> Dates:
        """When it would execute a payment: on the day it asks for, or as soon as it can; and when that goes out."""
        lead = self.rail.lead(sequence_type)
        earliest = self.schedule.business_day(self.window.day, lead)
        wanted = self.schedule.business_day(requested) if requested else earliest
        if wanted <= earliest:
            return Dates(earliest, None, self.window, late=bool(requested) and earliest > wanted)
        last = self.schedule.last_window(self.schedule.business_day(wanted, -lead))
        return Dates(wanted, last.opens_at if last != self.window else None, last, late=False)


@dataclass(frozen=True, slots=True)
class Dates:
    """When a candidate executes a payment. `due_at`: when it is to be planned, None for now; `window`: the one it goes with."""

    execution_date: dt.date
    due_at: dt.datetime | None
    window: Window
    late: bool


def counter_of(candidate: Candidate, what: str) -> str:
    """Name of the counter of what a rail takes in one window: "payments" or "minor"."""
    provider_id, rail = candidate.way
    return f"capacity:{provider_id}:{rail}:{candidate.window.cut_off_at:%Y%m%dT%H%M}:{what}"


def candidates(
    profiles: Profiles,
    now: dt.datetime,
    trouble: Mapping[str, str] | None = None,
    used: Mapping[str, int] | None = None,
) -> list[Candidate]:
    """Every rail of every provider with each account it may leave from, the cheapest first.

    Args:
        profiles: what was agreed with the providers.
        now: aware; decides which windows are open.
        trouble: provider → why it is avoided.
        used: counter (`counter_of`) → what of it is taken already.
    """
    found = []
    for provider in profiles.providers.values():
        for rail in provider.rails:
            closed = frozenset({*rail.closed, *provider.closed})
            schedule = Schedule(rail.calendar, rail.cut_off, rail.time_zone, closed)
            found += [
                Candidate(
                    provider, account, rail, schedule, schedule.open_window(now),
                    (trouble or {}).get(provider.provider_id, ""),
                )
                for account in provider.accounts
                if not rail.currencies or account.currency in rail.currencies
            ]  # fmt: skip
    order = sorted(found, key=lambda item: (item.rail.cost_minor, item.provider.provider_id, item.rail.rail))
    return [_with_room(item, used or {}) for item in order]


def _with_room(candidate: Candidate, used: Mapping[str, int]) -> Candidate:
    from dataclasses import replace

    bounds = candidate.rail.capacity

    def left(bound: int | None, what: str) -> int | None:
        return None if bound is None else max(0, bound - used.get(counter_of(candidate, what), 0))

    return replace(
        candidate,
        payments_left=left(bounds.payments, "payments"),
        minor_left=left(bounds.amount_minor, "minor"),
    )


def counters_of(found: Iterable[Candidate]) -> set[str]:
    """Counters of all bounded candidates."""
    return {
        counter_of(item, what)
        for item in found
        for what, bound in (("payments", item.rail.capacity.payments), ("minor", item.rail.capacity.amount_minor))
        if bound is not None
    }


def traits() -> list[pl.Expr]:
    """What the codes of all candidates look at, once for all of them: `to_iban`, `to_aba`, `to_country`."""
    by_aba = counterparty("agent").str.contains(r"^\d{9}$").fill_null(value=False)
    return [is_iban().alias("to_iban"), (by_aba & ~is_iban()).alias("to_aba"), country().alias("to_country")]


def code(option: Candidate, client_id: str) -> pl.Expr:
    """UInt8: the first reason for which the rail cannot take a payment (with its `traits`), FITS where it can."""
    rail = option.rail
    if rail.clients and client_id not in rail.clients:
        return pl.lit(CLIENT, dtype=pl.UInt8)
    tests = [
        (CURRENCY, pl.col("currency") == option.account.currency),
        (DIRECTION, pl.col("credit_debit").is_in(rail.credit_debit)),
    ]
    if rail.countries:
        tests.append((COUNTRY, pl.col("to_country").is_in(rail.countries)))
    if rail.account != "any":
        tests.append((ACCOUNT, pl.col("to_iban" if rail.account == "iban" else "to_aba")))
    largest = [
        bound for bound in (rail.amount_minor_max, option.provider.file_limits.amount_minor) if bound is not None
    ]
    if largest:
        tests.append((TOO_LARGE, pl.col("amount_minor") <= min(largest)))
    if rail.amount_minor_min is not None:
        tests.append((TOO_SMALL, pl.col("amount_minor") >= rail.amount_minor_min))
    if rail.service_levels:
        tests.append((SERVICE_LEVEL, pl.col("service_level").is_in(rail.service_levels)))
    found = pl.lit(FITS, dtype=pl.UInt8)
    for number, test in reversed(tests):
        found = pl.when(test.fill_null(value=False)).then(found).otherwise(pl.lit(number, dtype=pl.UInt8))
    return found


def is_iban() -> pl.Expr:
    """Boolean: the other side's account is written as an IBAN (validation has checked it then)."""
    return counterparty("account").str.contains(r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$").fill_null(value=False)


def country() -> pl.Expr:
    """The country of the other side's bank: from the IBAN, else from the BIC, else from its address."""
    bic = counterparty("agent").str.extract(r"^[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}", 1)
    return pl.when(is_iban()).then(counterparty("account").str.head(2)).otherwise(
        pl.coalesce(bic, counterparty("country"))
    )  # fmt: skip
