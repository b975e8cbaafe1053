"""Which rail takes a payment: pure expressions over the providers' profiles.

A candidate is one rail of one provider through one of its accounts. They are tried in order of cost, then of name; the
first that fits takes the payment.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.calendars import next_business_day, window_day
from canonical.parties import counterparty
from canonical.plugins import lookup
from canonical.profiles import Account, ProviderProfile, Rail
from gateway.config import Profiles


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way out, with the window that is open for it now. `cut_off_at` is UTC."""

    provider: ProviderProfile
    account: Account
    rail: Rail
    business_date: dt.date
    cut_off_at: dt.datetime


def candidates(profiles: Profiles, now: dt.datetime) -> list[Candidate]:
    """Every rail of every provider with each account it may leave from, the cheapest first."""
    found = []
    for provider in profiles.providers.values():
        for rail in provider.rails:
            day = window_day(rail.calendar, rail.cut_off, rail.time_zone, now)
            local = dt.datetime.combine(day, rail.cut_off, zoneinfo.ZoneInfo(rail.time_zone))
            found += [
                Candidate(provider, account, rail, day, local.astimezone(dt.UTC))
                for account in provider.accounts
                if not rail.currencies or account.currency in rail.currencies
            ]
    return sorted(found, key=lambda item: (item.rail.cost_minor, item.provider.provider_id, item.rail.rail))


NO_RAIL: Final = "no provider's rail takes this payment (currency, country, account, amount, direction)"


def choose(payments: pl.DataFrame, options: list[Candidate]) -> pl.DataFrame:
    """PAYMENTS with `candidate` (Int64, index of the first that fits, null where none does) and `waiting` (why none)."""
    providers = {option.provider.provider_id: option.provider for option in options}
    whole = payments.with_columns(_carried(payments, provider) for provider in providers.values())
    tests = [
        pl.when(fits(option) & pl.col(_unfit(option.provider)).is_null()).then(pl.lit(index, dtype=pl.Int64))
        for index, option in enumerate(options)
    ]
    chosen = pl.coalesce(*tests) if tests else pl.lit(None, dtype=pl.Int64)
    told = [_unfit(provider) for provider in providers.values()]
    reasons = pl.concat_str([pl.lit(NO_RAIL), *(pl.col(name) for name in told)], separator="; ", ignore_nulls=True)
    waiting = pl.when(pl.col("candidate").is_null()).then(reasons)
    return whole.with_columns(candidate=chosen).with_columns(waiting=waiting).drop(told)


def _unfit(provider: ProviderProfile) -> str:
    return f"unfit_{provider.provider_id}"


def _carried(payments: pl.DataFrame, provider: ProviderProfile) -> pl.Series:
    """Why a payment cannot be written in a provider's format, null where it can."""
    export = lookup("exporters", "EXPORT", provider.export.name)
    found = export.unfit(payments, export.options.model_validate(provider.export.options))
    why = pl.format("{}: {}", pl.lit(provider.export.name), pl.col("message").str.join(", ")).alias("why")
    told = found.group_by("row").agg(why)
    return payments.select("row").join(told, on="row", how="left", maintain_order="left")["why"].alias(_unfit(provider))


def fits(option: Candidate) -> pl.Expr:
    """Boolean: the rail takes the payment, by currency, direction, country, account, amount and service level."""
    rail = option.rail
    tests = [pl.col("currency") == option.account.currency, pl.col("credit_debit").is_in(rail.credit_debit)]
    if rail.countries:
        tests.append(country().is_in(rail.countries))
    if rail.account == "iban":
        tests.append(is_iban())
    elif rail.account == "aba":
        tests.append(counterparty("agent").str.contains(r"^\d{9}$") & ~is_iban())
    if rail.amount_minor_max is not None:
        tests.append(pl.col("amount_minor") <= rail.amount_minor_max)
    if rail.service_levels:
        tests.append(pl.col("service_level").is_in(rail.service_levels))
    return pl.all_horizontal(*[test.fill_null(value=False) for test in tests])


def is_iban() -> pl.Expr:
    """Boolean: the other side's account is written as an IBAN (validation has checked it then)."""
    return counterparty("account").str.contains(r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$").fill_null(value=False)


def country() -> pl.Expr:
    """The country of the other side's bank: from the IBAN, else from the BIC, else from its address."""
    bic = counterparty("agent").str.extract(r"^[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}", 1)
    return pl.when(is_iban()).then(counterparty("account").str.head(2)).otherwise(
        pl.coalesce(bic, counterparty("country"))
    )  # fmt: skip


def execution_dates(chosen: pl.DataFrame, options: list[Candidate]) -> pl.DataFrame:
    """Add `execution_date`: the requested date, not before the open window, moved to the rail's next business day."""
    pairs = chosen.select("candidate", "requested_execution_date").unique().drop_nulls("candidate")
    days = [
        next_business_day(
            options[index].rail.calendar, max(options[index].business_date, requested or options[index].business_date)
        )
        for index, requested in pairs.iter_rows()
    ]
    dates = pairs.with_columns(execution_date=pl.Series(days, dtype=pl.Date))
    return chosen.join(
        dates, on=["candidate", "requested_execution_date"], how="left", nulls_equal=True, maintain_order="left"
    )
