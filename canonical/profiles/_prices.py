"""What a provider charges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from canonical.money import format_minor
from canonical.profiles._model import CurrencyCode, Minor, Model


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
