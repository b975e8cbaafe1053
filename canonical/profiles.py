"""What a client and a provider agreed with us, as frozen data. Read from one YAML file each by `gateway.config`."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Annotated, Any, Final, Literal, Self, get_args

import polars as pl
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from canonical.codes import BreakKind
from canonical.currencies import CURRENCIES
from canonical.file_names import checked_pattern
from canonical.matching import EntryField, ReconciliationRules
from canonical.money import format_minor


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{code} is not an ISO 4217 currency code")
    return code


def _pattern(text: str) -> str:
    """As the columns of entries are searched by: Rust's regular expressions, which know no look-around."""
    try:
        pl.Series([""]).str.contains(text)
    except pl.exceptions.ComputeError as fault:
        raise ValueError(f"{text!r} is no regular expression: {fault}") from fault
    return text


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as fault:
        raise ValueError(f"{name} is not an IANA time zone") from fault
    return name


CurrencyCode = Annotated[str, AfterValidator(_known_currency)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
FileName = Annotated[str, AfterValidator(checked_pattern)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,30}$")]
Minor = Annotated[int, Field(ge=0)]
Owner = Annotated[str, Field(min_length=1, max_length=80)]


class Model(BaseModel):
    """Frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ExecutionDates(Model):
    """Which requested execution dates are taken. In days, against the business date of receipt.

    `past`: what happens to a date before it: "roll" moves it to today with a warning, "reject" rejects.
    """

    past: Literal["roll", "reject"] = "roll"
    future_days_max: int = Field(default=365, ge=0)


class Limits(Model):
    """The most that may be ordered, in minor units by currency; a currency left out has no limit.

    `payment`, `batch` and `file` are checked on each file alone; `day` over all files received on one business day.
    """

    payment: dict[CurrencyCode, Minor] = {}
    batch: dict[CurrencyCode, Minor] = {}
    file: dict[CurrencyCode, Minor] = {}
    day: dict[CurrencyCode, Minor] = {}


class Pgp(Model):
    """OpenPGP with one client. Fingerprints are pinned in full; keys come from the secrets named here.

    `signers`: keys the client signs with (two while it changes them). `encrypt_to`: its key for our answers, none for plain
    answers. `required`: files that are not encrypted and signed are refused.
    """

    signers: tuple[Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")], ...] = Field(min_length=1)
    encrypt_to: Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")] | None = None
    public_keys: tuple[str, ...] = Field(min_length=1)
    private_keys: tuple[str, ...] = Field(min_length=1)
    required: bool = True


class PaidIn(Model):
    """How to know money that a client pays in: one of the `fields` of a statement entry bears the `pattern`.

    `pattern`: a regular expression, without look-around. `account`: ours, to which it is paid; none: any.
    """

    fields: tuple[EntryField | Literal["counterparty_account", "counterparty_name"], ...] = Field(min_length=1)
    pattern: Annotated[str, Field(min_length=1), AfterValidator(_pattern)]
    account: str | None = None


class Funding(Model):
    """What stands before every release of a client's credit transfers.

    `kind`: "prefunded": what the client paid in, told by `bulkrail fund`; "balance": the available balance of its account,
    as last reported. `overdraft_minor`: by currency, how far below zero it may go. `paid_in`: statement entries that are
    money which the client paid in; `bulkrail fund` is then for what no statement tells.
    """

    kind: Literal["prefunded", "balance"]
    overdraft_minor: dict[CurrencyCode, Minor] = {}
    paid_in: tuple[PaidIn, ...] = ()

    @model_validator(mode="after")
    def _paid_in_is_added(self) -> Self:
        if self.paid_in and self.kind == "balance":
            raise ValueError("paid_in is for prefunded clients: a balance that is told holds what was paid in")
        return self


class Screening(Model):
    """Names and countries are compared with a list of the operator's; `threshold` of 100 is the very same name.

    Hits hold the file for review. A technical aid; it makes nobody compliant.
    """

    list: str
    threshold: Annotated[int, Field(ge=50, le=100)] = 88


class NoOptions(Model):
    """The options of a plug-in that needs none: any key is a fault."""


class Plugin(Model):
    """A plug-in by name with the options that the plug-in itself declares and checks."""

    name: str
    options: dict[str, Any] = {}


Milestone = Literal["received", "validated", "sent", "acknowledged", "settled", "returned"]
MILESTONES: Final = get_args(Milestone)
"""What a client can be told of, in the order in which a payment reaches it."""


class AnswerPlugin(Plugin):
    """An answer to a client, and the milestones `at` which it is one of the set that is sent."""

    at: tuple[Milestone, ...] = Field(default=("validated", "acknowledged", "settled", "returned"), min_length=1)


class ClientProfile(Model):
    """One corporate client. Amounts in minor units by currency; lists left empty mean: any.

    `accounts`: those it may order payments from or collect to. `countries`: of the other side's bank. Files over
    `approval_limit_minor` wait for one person, over `four_eyes_limit_minor` for two. `prefer`: a rail that meets the date
    before a cheaper one ("on_time"), or the other way round ("cost"). `reports`: report formats of which it finds each
    day's in its outbox.
    """

    client_id: Slug
    name: str
    formats: tuple[str, ...] = Field(min_length=1)
    format_options: dict[str, dict[str, Any]] = {}
    time_zone: ZoneName = "UTC"
    answers: tuple[AnswerPlugin, ...] = (AnswerPlugin(name="pain.002"),)
    complete: Literal["renamed", "totals"] = "totals"
    envelopes: tuple[Literal["gzip", "zip"], ...] = ("gzip", "zip")
    pgp: Pgp | None = None
    accounts: tuple[str, ...] = ()
    currencies: tuple[CurrencyCode, ...] = ()
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    limits: Limits = Limits()
    approval_limit_minor: dict[CurrencyCode, Minor] = {}
    four_eyes_limit_minor: dict[CurrencyCode, Minor] = {}
    verification_of_payee: Literal["none", "always", "opted_out"] = "none"
    funding: Funding | None = None
    prefer: Literal["on_time", "cost"] = "on_time"
    screening: Screening | None = None
    execution_dates: ExecutionDates = ExecutionDates()
    acceptance: Literal["payment", "batch", "file"] = "payment"
    duplicate_window_days: int = Field(default=30, ge=0, le=400)
    duplicate_payment: Literal["reject", "warn"] = "reject"
    rules: dict[str, Literal["error", "warning", "off"]] = {}
    reports: tuple[str, ...] = ()


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


class Price(Model):
    """One position of a provider's price list, in minor units of its currency, for payments in that currency.

    `per`: payment and file (booked), return, month: `amount_minor` each; amount: `basis_points` of what was booked.
    `minimum_minor`: the least that the position costs in the time it is charged for, where it was called for at all.
    """

    name: str
    currency: CurrencyCode
    per: Literal["payment", "file", "return", "amount", "month"]
    amount_minor: Minor = 0
    basis_points: int = Field(default=0, ge=0, le=10_000)
    minimum_minor: Minor = 0

    @model_validator(mode="after")
    def _priced(self) -> Price:
        if (self.per == "amount") != (self.basis_points > 0) or (self.per == "amount" and self.amount_minor > 0):
            raise ValueError("a price per amount has basis_points, every other one amount_minor")
        return self

    @property
    def in_words(self) -> str:
        """As a person would write it."""
        least = f", at least {format_minor(self.minimum_minor, self.currency)}" if self.minimum_minor else ""
        if self.per == "amount":
            return f"{self.basis_points} basis points of the amount{least}"
        return f"{format_minor(self.amount_minor, self.currency)} {self.currency} a {self.per}{least}"


class Prices(Model):
    """A provider's price list. `charged`: with each day, in the month itself, or in the month after.

    `tolerance_minor`: by currency, how far its charges may be from the list before it is a break.
    """

    charged: Literal["day", "month", "next_month"] = "day"
    tolerance_minor: dict[CurrencyCode, Minor] = {}
    positions: tuple[Price, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _monthly(self) -> Prices:
        if self.charged == "day" and any(price.per == "month" for price in self.positions):
            raise ValueError("a price per month cannot be charged with each day: charged: month or next_month")
        return self


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


DEFAULT_CLIENT = ClientProfile(
    client_id="anybody", name="default rules", formats=("*",), duplicate_payment="warn", complete="renamed"
)
"""The rules `bulkrail check` applies where no client is named."""
