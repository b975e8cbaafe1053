"""What one bank wants otherwise in an ISO 20022 file: data in its profile, checked when that is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

import polars as pl
from pydantic import Field, model_validator

from canonical.contracts import Order
from canonical.profiles import Model
from exporters._fit import Limit
from exporters._iso_carrier import Parts
from exporters._iso_versions import DEBIT, Message

_ADDRESS: Final = ("street", "building", "post_code", "town", "country")
_LINES_MAX: Final = 2
"""Address lines of a hybrid address."""
Text35 = Annotated[str, Field(min_length=1, max_length=35)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,4}$")]


class Identification(Model):
    """An identification of ours that the bank gave us. `private`: PrvtId in place of OrgId; `scheme` is a code."""

    id: Text35
    scheme: Code | None = None
    proprietary: Text35 | None = None
    issuer: Text35 | None = None
    private: bool = False

    @property
    def parts(self) -> Parts:
        """The Id of a party."""
        other: Parts = {"Id": [(self.id, None)]}
        if self.scheme or self.proprietary:
            name = ("Cd", self.scheme) if self.scheme else ("Prtry", self.proprietary or "")
            other["SchmeNm"] = [{name[0]: [(name[1] or "", None)]}]
        if self.issuer:
            other["Issr"] = [(self.issuer, None)]
        return {"PrvtId" if self.private else "OrgId": [{"Othr": [other]}]}


class RailSays(Model):
    """What is written of a payment over a rail, where the payment itself does not say it."""

    service_level: Code | None = None
    local_instrument: Text35 | None = None
    category_purpose: Text35 | None = None
    charge_bearer: Literal["DEBT", "CRED", "SHAR", "SLEV"] | None = None


class Dialect(Model):
    """Options of every ISO export; docs/exports/pain.001.md explains them."""

    transliterate: bool = False
    namespace: Annotated[str, Field(pattern=r"^[a-z]+:[!-~]{1,200}$")] | None = None
    initiating_party: Identification | None = None
    account_holder: Identification | None = None
    instruction_id: bool = True
    end_to_end_id: Literal["client", "reference"] = "client"
    missing_end_to_end_id: Literal["NOTPROVIDED", "reference"] = "NOTPROVIDED"
    payment_type_in: Literal["payment", "batch"] = "payment"
    rails: dict[str, RailSays] = {}  # noqa: RUF012 - pydantic copies defaults
    batch_booking: bool | None = True
    batch_totals: bool = True
    agent_clearing_system: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,5}$")] | None = None
    address: Literal["as_given", "structured", "hybrid"] = "as_given"
    mandatory: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Dialect:
        if not self.instruction_id and self.end_to_end_id == "client":
            raise ValueError("without an instruction id, feedback finds payments by end_to_end_id: reference")
        known = places(self._message())
        named = (*self.mandatory, *self.forbidden, *self.left_out)
        if unknown := sorted(set(named) - set(known)):
            raise ValueError(f"no elements of a payment: {', '.join(unknown)} (there are: {', '.join(known)})")
        for first, second in (("mandatory", "forbidden"), ("mandatory", "left_out"), ("forbidden", "left_out")):
            if both := sorted(set(getattr(self, first)) & set(getattr(self, second))):
                raise ValueError(f"{', '.join(both)} is {first} and {second}")
        party = f"{self._message().theirs}/PstlAdr"
        if self.address != "as_given" and {party, f"{party}/TwnNm", f"{party}/Ctry"} & set(self.left_out):
            raise ValueError(f"an address that is {self.address} has town and country: they cannot be left out")
        return self

    def _message(self) -> Message:
        raise NotImplementedError

    def lifted(self) -> tuple[str, ...]:
        """Elements that stand in PmtInf for all its payments, in place of each payment."""
        if self.payment_type_in == "payment":
            return ()
        return ("PmtTpInf", "ChrgBr", *(["CdtrSchmeId"] if self._message() == DEBIT else []))

    def says(self, order: Order) -> RailSays:
        """What the order's rail says."""
        return self.rails.get(order.rail.rail, RailSays())


def places(message: Message) -> Mapping[str, tuple[str, ...]]:
    """Path of an element below a payment → the (turned) columns it is written from."""
    party, ours = message.theirs, message.ours
    address = ("street", "building", "post_code", "town", "country", "address_lines")
    names = ("StrtNm", "BldgNb", "PstCd", "TwnNm", "Ctry", "AdrLine")
    return {
        "PmtId/UETR": ("uetr",),
        "PmtTpInf/SvcLvl": ("service_level",),
        "PmtTpInf/LclInstrm": ("local_instrument",),
        "PmtTpInf/CtgyPurp": ("category_purpose",),
        "ChrgBr": ("charge_bearer",),
        f"Ultmt{ours}": ("ultimate_debtor_name",),
        f"Ultmt{party}": ("ultimate_creditor_name",),
        f"{party}Agt": ("creditor_agent",),
        f"{party}/Nm": ("creditor_name",),
        f"{party}/Id": ("creditor_id", "creditor_lei"),
        f"{party}/PstlAdr": tuple(f"creditor_{name}" for name in address),
        **{f"{party}/PstlAdr/{element}": (f"creditor_{name}",) for name, element in zip(address, names, strict=True)},
        f"{party}Acct/Tp": ("creditor_account_type",),
        "Purp": ("purpose",),
        "RmtInf": ("remittance", "remittance_reference"),
        "RmtInf/Ustrd": ("remittance",),
        "RmtInf/Strd": ("remittance_reference", "remittance_reference_type"),
        **(
            {"DrctDbtTx/MndtRltdInf": ("mandate_id",), "PmtTpInf/SeqTp": ("sequence_type",)} if message == DEBIT else {}
        ),
    }


def without_left_out(payments: pl.DataFrame, dialect: Dialect, message: Message) -> pl.DataFrame:
    """The (turned) payments, and what their batches say, without what the bank does not take."""
    known = places(message)
    dropped = {name for path in dialect.left_out for name in known[path]}
    raw = {"ChrgBr": "batch_ChrgBr", f"Ultmt{message.ours}": "batch_Ultmt"}
    dropped |= {raw[path] for path in dialect.left_out if raw.get(path) in payments.columns}
    return (
        payments.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in sorted(dropped))
        if dropped
        else payments
    )


def limits(dialect: Dialect, message: Message) -> Iterator[Limit]:
    """What the bank asks of a payment beyond the message itself, on turned columns."""
    known = places(message)
    for path in dialect.mandatory:
        missing = pl.all_horizontal(pl.col(name).is_null() for name in known[path])
        yield Limit(known[path][0], "CH21", missing, f"{path} is missing, and the bank asks for it", "Give it.")
    for path in dialect.forbidden:
        given = pl.any_horizontal(pl.col(name).is_not_null() for name in known[path])
        yield Limit(
            known[path][0],
            "CH17",
            given,
            f"{path} may not stand in the bank's file",
            "Leave it out, or pay over another bank.",
        )
    if dialect.address != "as_given":
        yield from _address_limits(hybrid=dialect.address == "hybrid")


def _address_limits(*, hybrid: bool) -> Iterator[Limit]:
    lines = pl.col("creditor_address_lines")
    several = lines.str.count_matches("\n", literal=True) + 1
    broken = several > _LINES_MAX if hybrid else lines.is_not_null()
    allowed = f"at most {_LINES_MAX} address lines" if hybrid else "no address lines"
    yield Limit("creditor_address_lines", "BE04", broken, f"the bank takes {allowed}", "Give the address in elements.")
    some = pl.any_horizontal(pl.col(f"creditor_{name}").is_not_null() for name in (*_ADDRESS, "address_lines"))
    for name in ("town", "country"):
        message = f"the address has no {name}, which the bank asks for"
        yield Limit(
            f"creditor_{name}", "BE04", some & pl.col(f"creditor_{name}").is_null(), message, f"Give the {name}."
        )
