"""What two banks agree on for pacs.008: who instructs whom, how it is settled, where dates and agents stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import polars as pl
from pydantic import Field, model_validator

from canonical.contracts import Order
from canonical.identifying import NOT_PROVIDED
from canonical.profiles import Model
from exporters._fit import Limit
from exporters._iso_carrier import Parts
from exporters._iso_dialect import Code, Dialect, RailSays
from exporters._iso_original import Fitted
from exporters._iso_versions import BIC, INTERBANK, Message
from exporters._iso_whole import Ours

_NOT_HERE: Final = (
    "initiating_party", "account_holder", "payment_type_in", "batch_booking", "batch_totals", "agent_clearing_system", "instruction_id",
)  # fmt: skip


class Settlement(Model):
    """How the banks settle: INDA, INGA (`account`: whether ours at the other bank is named), or CLRG in a clearing system."""

    method: Literal["INDA", "INGA", "CLRG"] = "INDA"
    account: bool = False
    clearing_system: Code | None = None
    clearing_system_name: str | None = Field(default=None, min_length=1, max_length=35)

    @model_validator(mode="after")
    def _sound(self) -> Settlement:
        named = (self.clearing_system is not None) + (self.clearing_system_name is not None)
        if named != (self.method == "CLRG"):
            raise ValueError("one clearing system is named with CLRG, and none with INDA and INGA")
        return self


class Options(Dialect):
    """`instructing_agent`, `instructed_agent`: BICs of us and of the bank that gets the file.

    `agents_in`, `date_in`: whether they and the settlement date stand in GrpHdr (SEPA) or in each payment (CBPR+). `uetr`:
    `required` keeps payments without one off the rail. `charge_bearer`: of payments that say none.
    """

    instructing_agent: str = Field(pattern=BIC)
    instructed_agent: str | None = Field(default=None, pattern=BIC)
    settlement: Settlement = Settlement()
    agents_in: Literal["group", "payment"] = "payment"
    date_in: Literal["group", "payment"] = "payment"
    total_amount: bool = False
    uetr: Literal["as_given", "required"] = "as_given"
    charge_bearer: Literal["DEBT", "CRED", "SHAR", "SLEV"] = "SHAR"

    @model_validator(mode="after")
    def _here(self) -> Options:
        if others := sorted(set(_NOT_HERE) & self.model_fields_set):
            raise ValueError(f"pacs.008 has no {', '.join(others)}")
        return self

    def _message(self) -> Message:
        return INTERBANK

    def agents(self) -> Parts:
        """InstgAgt and InstdAgt."""
        found: Parts = {"InstgAgt": [agent_parts(self.instructing_agent)]}
        return found | ({"InstdAgt": [agent_parts(self.instructed_agent)]} if self.instructed_agent else {})


def agent_parts(bic: str) -> Parts:
    """An agent by its BIC."""
    return {"FinInstnId": [{"BICFI": [(bic, None)]}]}


def ours(options: Options, order: Order | None, date: str, fitted: Fitted | None = None) -> Ours:
    """What is ours in each payment of a client's ISO file. Without an order (before routing) its account is not known."""
    set_here: Parts = {"IntrBkSttlmDt": [(date, None)]} if options.date_in == "payment" else {}
    if options.agents_in == "payment":
        set_here |= options.agents()
    name = NOT_PROVIDED if order is None else order.account.name
    missing: Parts = {
        "ChrgBr": [(options.charge_bearer, None)], "DbtrAgt": [agent_parts(options.instructing_agent)], "Dbtr": [{"Nm": [(name, None)]}],
    }  # fmt: skip
    rail = options.says(order) if order else RailSays()
    return Ours(options, rail, fitted, set_here=set_here, where_missing=missing)


def limits(options: Options) -> Iterator[Limit]:
    """What an interbank payment must say."""
    agent = pl.col("creditor_agent")
    named = agent.str.contains(BIC) | ((pl.col("currency") != "EUR") & agent.is_not_null())
    yield Limit(
        "creditor_agent",
        "RC04",
        ~named.fill_null(value=False),
        "the creditor's bank is not named by a BIC",
        "Give the BIC.",
    )
    yield Limit(
        "creditor_name", "BE22", pl.col("creditor_name").is_null(), "the creditor's name is missing", "Give it."
    )
    if options.uetr == "required":
        yield Limit(
            "uetr", "CH21", pl.col("uetr").is_null(), "PmtId/UETR is missing, and the bank asks for it", "Give it."
        )
