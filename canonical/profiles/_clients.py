"""What a client agreed with us."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self, get_args

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from canonical.matching import EntryField
from canonical.profiles._model import CurrencyCode, Minor, Model, Plugin, Slug, ZoneName


def _pattern(text: str) -> str:
    """As the columns of entries are searched by: Rust's regular expressions, which know no look-around."""
    try:
        pl.Series([""]).str.contains(text)
    except pl.exceptions.ComputeError as fault:
        raise ValueError(f"{text!r} is no regular expression: {fault}") from fault
    return text


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


DEFAULT_CLIENT = ClientProfile(
    client_id="anybody", name="default rules", formats=("*",), duplicate_payment="warn", complete="renamed"
)
"""The rules `bulkrail check` applies where no client is named."""
