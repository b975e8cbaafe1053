"""The banks' charges against the price lists of their profiles, as a close and its breaks need it."""

from __future__ import annotations

import datetime as dt

import polars as pl

from canonical.frames import FUNDINGS, POSTINGS, dtypes, empty
from gateway.books.position import Position
from gateway.composition import Gateway
from gateway.registry import tables as t
from reconciliation import events
from reconciliation.fees import is_fee
from reconciliation.frames import STATES
from reconciliation.prices import expected_fees, fee_check


def owners(gateway: Gateway) -> dict[str, str]:
    """Account of ours → the provider that keeps it."""
    return {
        account.account: provider.provider_id
        for provider in gateway.profiles.providers.values()
        for account in provider.accounts
    }


def fees_of(gateway: Gateway, found: Position, day: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of the providers of a position that have a price list: its positions, and the check (see `reconciliation.prices`)."""
    of_account = owners(gateway)
    seen = {
        *found.states["provider"].unique().drop_nulls(),
        *(of_account.get(name) for name in found.entries["account"].unique()),
    }
    prices = {
        name: profile.prices
        for name, profile in gateway.profiles.providers.items()
        if profile.prices is not None and name in seen
    }
    before = gateway.registry.rows(t.DAYS, t.DAYS.c.day < day.isoformat(), t.DAYS.c.state != "open")
    last = dt.date.fromisoformat(before[-1]["day"]) if before else None
    # What was booked is counted: nobody else has to be looked at.
    claimed = found.claimed() if prices else empty(STATES)
    positions = expected_fees(claimed, prices, day, last)
    return positions, fee_check(positions, _charges(found, claimed, of_account, day), prices, day, last)


def _charges(found: Position, claimed: pl.DataFrame, of_account: dict[str, str], day: dt.date) -> pl.DataFrame:
    """What is posted of charges: entries of their own, and fees taken from amounts."""
    own = found.entries.filter(pl.col("booked") & is_fee())
    taken = found.matches.filter(pl.col("difference_account").str.starts_with("fees").fill_null(value=False))
    posted = [
        events.of_entries(own, found.matches, empty(FUNDINGS), of_account, day),
        events.of_claims(claimed, taken, day),
    ]
    return pl.concat(posted).select(dtypes(POSTINGS).keys())
