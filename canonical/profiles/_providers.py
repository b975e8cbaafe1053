"""What a provider agreed with us."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from canonical.codes import BreakKind
from canonical.file_names import checked_pattern
from canonical.matching import ReconciliationRules
from canonical.profiles._model import CurrencyCode, Minor, Model, Plugin, Slug, ZoneName
from canonical.profiles._prices import Prices
from canonical.profiles._rails import FileLimits, Rail

FileName = Annotated[str, AfterValidator(checked_pattern)]
Owner = Annotated[str, Field(min_length=1, max_length=80)]


class Verification(Model):
    """Payees are verified before a release: the same payments go to `transport` first, under a message id of their own.

    The provider answers with a pain.002 (RCVC, RVMC, RVNM, RVNA). `releases`: what of it lets a payment go by itself; all else
    waits for the client's or the operator's decision.
    """

    transport: Plugin
    releases: tuple[Literal["RCVC", "RVMC", "RVNA"], ...] = ("RCVC",)


class Health(Model):
    """When a provider is avoided: after so many failed deliveries in a row, the last of them within so many minutes."""

    failures_max: int = Field(default=3, ge=1)
    within_minutes: int = Field(default=60, ge=1)


class Account(Model):
    """An account of ours at the provider: payments leave it, statements come for it."""

    account: str
    currency: CurrencyCode
    name: str
    agent: str


class FeedbackSource(Model):
    """Which of the provider's files hold what. `pattern` is a shell pattern on the file's name.

    `options` are those that the format declares and checks: encoding, dialect, columns.
    """

    pattern: str
    format: str
    options: dict[str, Any] = {}

    @property
    def plugin(self) -> Plugin:
        """The format as a plug-in with its options."""
        return Plugin(name=self.format, options=self.options)


class StatementExpected(Model):
    """When an account's statement of a business day must be here: by a time, so many business days later."""

    by: dt.time
    time_zone: ZoneName
    calendar: Literal["target", "fed", "uk", "swiss", "weekdays", "every_day"]
    days_after: int = Field(default=1, ge=0, le=10)


class ReturnRate(Model):
    """How many of a client's collections may come back for some reasons, in hundredths of a percent of those sent.

    Both are counted over the last `days`. Nacha Operating Rules, subsection 2.17.2: unauthorized 50 (R05 R07 R10 R11 R29
    R51), administrative 300 (R02 R03 R04), overall 1500 (no reasons named: all of them), over 60 days.
    """

    name: str
    reasons: tuple[str, ...] = ()
    basis_points_max: int = Field(ge=0, le=10_000)
    days: int = Field(default=60, ge=1, le=400)


class Expectations(Model):
    """What must come from a provider, and in time; what does not raises an alert. What is left out is not waited for."""

    answer_within_hours: int | None = Field(default=None, ge=1)
    unknown_for_hours: int = Field(default=1, ge=1)
    statement: StatementExpected | None = None
    return_rates: tuple[ReturnRate, ...] = ()


class BreakTerms(Model):
    """Who looks after the breaks of a provider, and how much one person alone may write off.

    `owner`: who has a new one, by kind in `owner_by_kind`; none: nobody. `owners`: who else may have one; where nobody is
    named, anybody may. Above `write_off_limit_minor`, and in a currency left out, a write-off takes two persons.
    """

    owner: Owner | None = None
    owner_by_kind: dict[BreakKind, Owner] = {}
    owners: tuple[Owner, ...] = ()
    write_off_limit_minor: dict[CurrencyCode, Minor] = {}

    def owner_of(self, kind: str) -> str | None:
        """Who has a new break of that kind."""
        by_kind: dict[str, str] = {key.value: owner for key, owner in self.owner_by_kind.items()}
        return by_kind.get(kind, self.owner)

    @property
    def known_owners(self) -> frozenset[str]:
        """Everybody named; empty: anybody may have a break."""
        named = {*self.owners, *self.owner_by_kind.values()}
        return frozenset(named | ({self.owner} if self.owner else set()))


class ProviderProfile(Model):
    """One bank or payment provider. `file_name`: how its files are named, see `canonical.file_names`.

    `closed`: days on which it takes nothing, on top of its rails' calendars.
    """

    provider_id: Slug
    name: str
    export: Plugin
    file_name: FileName = "{submission_id}{suffix}"
    transport: Plugin
    accounts: tuple[Account, ...] = Field(min_length=1)
    rails: tuple[Rail, ...] = Field(min_length=1)
    closed: tuple[dt.date, ...] = ()
    file_limits: FileLimits = FileLimits()
    verification: Verification | None = None
    health: Health = Health()
    feedback: tuple[FeedbackSource, ...] = ()
    expects: Expectations = Expectations()
    reconciliation: ReconciliationRules = ReconciliationRules()
    breaks: BreakTerms = BreakTerms()
    prices: Prices | None = None
