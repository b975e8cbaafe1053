"""The ways in which a provider moves money, and what it takes in one file."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from canonical.profiles._model import CurrencyCode, Model, Slug, ZoneName


class Capacity(Model):
    """The most that a rail takes in one window: payments, and their sum in minor units. None: no bound."""

    payments: int | None = Field(default=None, ge=1)
    amount_minor: int | None = Field(default=None, ge=1)


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


SequenceType = Literal["FRST", "RCUR", "OOFF", "FNAL", "RPRE"]
LeadDays = Annotated[int, Field(ge=0, le=30)]


class Rail(Model):
    """One way a provider moves money, and which payments fit it. Lists left empty mean: any.

    `cut_off`: one time of day or several, in `time_zone`. `closed`: days of its own besides its calendar's. `lead_days`:
    business days from the cut-off's day to the execution date (Bacs 2), for direct debits by sequence type.
    """

    rail: str
    credit_debit: tuple[Literal["CRDT", "DBIT"], ...] = ("CRDT",)
    currencies: tuple[CurrencyCode, ...] = ()
    countries: tuple[str, ...] = ()
    clients: tuple[Slug, ...] = ()
    account: Literal["iban", "aba", "any"] = "any"
    amount_minor_min: int | None = Field(default=None, ge=0)
    amount_minor_max: int | None = Field(default=None, ge=1)
    service_levels: tuple[str, ...] = ()
    cost_minor: int = Field(default=0, ge=0)
    capacity: Capacity = Capacity()
    cut_off: Annotated[tuple[dt.time, ...], BeforeValidator(_several), Field(min_length=1)]
    time_zone: ZoneName
    calendar: Literal["target", "fed", "uk", "swiss", "weekdays", "every_day"]
    closed: tuple[dt.date, ...] = ()
    lead_days: LeadDays = 0
    lead_days_by_sequence: dict[SequenceType, LeadDays] = {}

    def lead(self, sequence_type: str | None) -> int:
        """Business days before the execution date on which the provider must have a payment."""
        by_sequence: dict[Any, int] = dict(self.lead_days_by_sequence)
        return by_sequence.get(sequence_type, self.lead_days)


class FileLimits(Model):
    """What a provider takes in one file, and how many files of one business day. None: no bound.

    `bytes` is held by estimate: `bytes_per_payment` says how many a payment takes in its format. `apart`: columns of
    payments that must be alike in one file, besides account, currency, direction, rail and execution date, which always are.
    `merge_minutes`: what several client files have for one way waits until so many minutes before the cut-off, and goes in as few
    files as the bounds allow; None: each client file has files of its own.
    """

    payments: int | None = Field(default=None, ge=1)
    amount_minor: int | None = Field(default=None, ge=1)
    bytes: int | None = Field(default=None, ge=10_000)
    bytes_per_payment: int = Field(default=1500, ge=1, le=10_000)
    a_day: int | None = Field(default=None, ge=1)
    merge_minutes: int | None = Field(default=None, ge=1, le=1440)
    apart: tuple[Literal["batch", "batch_booking", "debtor_account", "service_level", "sequence_type", "local_instrument",
                         "category_purpose"], ...] = ()  # fmt: skip

    @model_validator(mode="after")
    def _merged(self) -> FileLimits:
        if self.merge_minutes is not None and "batch" in self.apart:
            raise ValueError(
                "batches of several client files are never alike: merge_minutes and apart batch exclude each other"
            )
        return self

    @property
    def payments_max(self) -> int | None:
        """The most payments of one file, by number and by size."""
        by_size = None if self.bytes is None else self.bytes // self.bytes_per_payment
        known = [bound for bound in (self.payments, by_size) if bound is not None]
        return min(known) if known else None
