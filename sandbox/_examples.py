"""The two banks of the demo: the other side of examples/config/providers/*.yaml. All numbers are invented."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from canonical.profiles import CurrencyCode, Model, Slug


class BankAccount(Model):
    """An account a bank keeps for the gateway. `opening_minor`: balance before the first statement."""

    account: str
    currency: CurrencyCode
    agent: str
    opening_minor: int = 0


class BankTerms(Model):
    """How a sandbox bank behaves. Amounts in minor units of the account's currency.

    `code`: prefix of its references. `booking`: one entry for a whole batch, one a payment, or by turns from file to file.
    `unknown_credit_minor`: a credit nobody expects, once a day, on the first account; 0 for none. `marker`: it takes only
    files that have a `.done` beside them.
    """

    bank_id: Slug
    code: str = Field(pattern=r"^[A-Z]{2,6}$")
    format: Literal["pain.001", "nacha"]
    accounts: tuple[BankAccount, ...] = Field(min_length=1)
    booking: Literal["batch", "single", "alternate"] = "batch"
    fee_minor: int = Field(default=0, ge=0)
    unknown_credit_minor: int = Field(default=0, ge=0)
    marker: bool = False


EURO_BANK = BankTerms(
    bank_id="euro_bank",
    code="EUBK",
    format="pain.001",
    accounts=(
        BankAccount(account="DE74999123451000000001", currency="EUR", agent="EUBKDEFFXXX", opening_minor=500_000_000),
        BankAccount(account="DE47999123451000000002", currency="USD", agent="EUBKDEFFXXX", opening_minor=500_000_000),
        BankAccount(account="DE20999123451000000003", currency="GBP", agent="EUBKDEFFXXX", opening_minor=500_000_000),
    ),
    booking="alternate",
    fee_minor=250,
    unknown_credit_minor=12_345,
)

US_BANK = BankTerms(
    bank_id="us_bank",
    code="USBK",
    format="nacha",
    accounts=(BankAccount(account="4000123456789", currency="USD", agent="999000014", opening_minor=800_000_000),),
    fee_minor=150,
)

EXAMPLES = {terms.bank_id: terms for terms in (EURO_BANK, US_BANK)}
