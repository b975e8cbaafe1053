"""How a provider's entries are matched with payments: rules as data, of the `reconciliation` section of its profile."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_NEEDS_TOLERANCE: Final = frozenset({"tolerance"})
_TAKES_TOLERANCE: Final = frozenset({"tolerance", "amount_date", "fees"})

EntryField = Literal[
    "instruction_id", "transaction_id", "servicer_reference", "entry_reference", "clearing_reference", "end_to_end_id",
    "uetr", "mandate_id", "message_id", "batch_id", "remittance", "additional",
]  # fmt: skip


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as fault:
        raise ValueError(f"{pattern!r} is no regular expression: {fault}") from fault
    if groups != 1:
        raise ValueError(f"{pattern!r} must have exactly one group: the reference")
    return pattern


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RungRule(_Data):
    """One rung in the order of a provider or account.

    `id`: stands on the match (the rung's name where left out). `fields`: of the entry, which the rung reads; none: those
    it reads by itself. `patterns`: pull references out of free text, one group each. `minor_max` and `basis_points_max`:
    how far the entry's amount may be from the payment's, the larger counts, in the payment's currency. `days`: calendar
    days between execution and value date. `account`: ledger account that takes the difference. `wait_days`: weekdays
    after the value date before a weak rung matches.
    """

    rung: str
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")] | None = None
    fields: tuple[EntryField, ...] = ()
    patterns: tuple[Annotated[str, AfterValidator(_one_group)], ...] = ()
    minor_max: int = Field(default=0, ge=0)
    basis_points_max: int = Field(default=0, ge=0, le=2_000)
    days: int = Field(default=5, ge=0, le=90)
    account: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_:-]{1,60}$")] | None = None
    wait_days: int | None = Field(default=None, ge=0, le=30)

    @property
    def tolerates(self) -> bool:
        """An amount other than the payment's may be taken."""
        return self.minor_max > 0 or self.basis_points_max > 0

    @model_validator(mode="after")
    def _account_for_the_difference(self) -> Self:
        if self.tolerates and self.rung not in _TAKES_TOLERANCE:
            raise ValueError(
                f"rung {self.rung} takes no tolerance (those that do: {', '.join(sorted(_TAKES_TOLERANCE))})"
            )
        if self.tolerates and self.account is None and self.rung != "fees":
            raise ValueError(f"rung {self.rung} needs an account that takes the difference")
        if self.rung in _NEEDS_TOLERANCE and not self.tolerates:
            raise ValueError(f"rung {self.rung} needs minor_max or basis_points_max")
        if self.patterns and self.rung != "text":
            raise ValueError("only the rung text has patterns")
        return self


class AccountRules(_Data):
    """The order of rungs of one account in place of the provider's."""

    rungs: tuple[RungRule, ...] = Field(min_length=1)


class ReconciliationRules(_Data):
    """The order of rungs of a provider; none: the built-in order. `accounts`: those with an order of their own."""

    rungs: tuple[RungRule, ...] = ()
    accounts: dict[str, AccountRules] = {}

    def of(self, account: str) -> tuple[RungRule, ...]:
        """The order that counts for an account, empty for the built-in one."""
        own = self.accounts.get(account)
        return self.rungs if own is None else own.rungs
