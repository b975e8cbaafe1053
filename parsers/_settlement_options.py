"""What a provider's profile declares of its settlement CSV: its columns, how amounts are signed, what its types mean."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from canonical.contracts import Model
from parsers._csv_options import ENCODINGS, ISO_DAY, Column, CsvOptions, DatePattern, Place, Places, Position, Symbols

ENTRY_COLUMNS: Final = (
    "account", "statement", "currency", "type", "booking_date", "value_date", "reference", "instruction_id", "end_to_end_id", "batch",
    "counterparty_name", "counterparty_account", "remittance", "gross_currency",
)  # fmt: skip
STATUS_COLUMNS: Final = (
    "currency", "kind", "status", "reason", "reason_text", "reference", "message_id", "batch", "instruction_id", "end_to_end_id",
)  # fmt: skip
_NEEDED: Final = {"entries": ("account", "currency", "booking_date"), "statuses": ("status",)}
Meaning = Literal["payment", "refund", "chargeback", "fee", "payout", "adjustment", "ignore"]
RETURNS: Final = ("refund", "chargeback")


class Money(Model):
    """Where an amount stands: one signed column, or two of which each row fills one (or neither)."""

    from_: Place | None = Field(default=None, alias="from")
    credit: Place | None = None
    debit: Place | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | int) else value

    @model_validator(mode="after")
    def _one_way(self) -> Money:
        if (self.from_ is None) == (self.credit is None) or (self.credit is None) != (self.debit is None):
            raise ValueError("give either from, or credit and debit")
        return self


class SettlementOptions(Model):
    """The mapping. `columns`: ours → the provider's, as a client's are mapped; nothing else is looked at.

    `sign`: what a minus on gross and net means. `fees`: columns of costs; `fee_sign`: whether a cost is written as a positive
    number or as a negative one. `types`: the provider's word → what it means; a word that is not there makes the file
    unreadable. `symbols`: what may stand beside an amount ("€", "US$", "EUR") → the currency it says, which must be the row's.
    `reasons`: its word → ISO return reason of refunds and chargebacks. `times`: a time of day follows each date.
    """

    gives: Literal["entries", "statuses"] = "entries"
    encoding: Literal[*ENCODINGS] = "utf-8"  # type: ignore[valid-type]  # mypy unpacks no tuple here
    delimiter: Literal[",", ";", "\t", "|"] = ","
    comment: str | None = Field(default=None, pattern=r"^[!-~]{1,3}$")
    header: bool = True
    width: Position | None = None
    skip_rows: int = Field(default=0, ge=0, le=1000)
    columns: dict[str, Column]
    gross: Money | None = None
    fees: Places = ()
    net: Money | None = None
    amount: Money | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    symbols: Symbols = {}  # noqa: RUF012  pydantic copies defaults
    minor_units: bool = False
    sign: Literal["minus_out", "minus_in"] = "minus_out"
    fee_sign: Literal["cost_positive", "cost_negative"] = "cost_positive"
    date: DatePattern = ISO_DAY
    times: bool = False
    types: dict[str, Meaning] = {}  # noqa: RUF012  pydantic copies defaults
    reasons: dict[str, str] = {}  # noqa: RUF012

    @model_validator(mode="after")
    def _sound(self) -> SettlementOptions:
        known = ENTRY_COLUMNS if self.gives == "entries" else STATUS_COLUMNS
        unknown = sorted(set(self.columns) - set(known))
        missing = [name for name in _NEEDED[self.gives] if name not in self.columns]
        entries = self.gives == "entries"
        faults = [
            (bool(unknown), f"no columns of ours: {', '.join(unknown)} (there are: {', '.join(known)})"),
            (bool(missing), f"columns that it cannot do without: {', '.join(missing)}"),
            (entries and self.gross is None and self.net is None, "give gross, net or both"),
            (entries and self.amount is not None, "amount belongs to statuses; entries have gross and net"),
            (not entries and (self.gross or self.net or self.fees) not in (None, ()), "statuses have amount"),
            (self.decimal == self.thousands, "decimal and thousands are the same sign"),
            (self.minor_units and bool(self.thousands), "amounts in minor units have no thousands sign"),
            (bool(self.types) != ("type" in self.columns), "give both the column type and types, or neither"),
            (not set(self.reasons) <= set(self.types), "reasons names a type that types does not"),
        ]
        for fault, words in faults:
            if fault:
                raise ValueError(words)
        return self

    def dialect(self) -> CsvOptions:
        """The same as the reader of client's tables knows it."""
        return CsvOptions(
            encoding=self.encoding, delimiter=self.delimiter, comment=self.comment, header=self.header, width=self.width,
            skip_rows=self.skip_rows, template=False, totals=(),
        )  # fmt: skip

    def amounts(self) -> dict[str, Place]:
        """Name of each amount's part → where it stands."""
        found: dict[str, Place] = {f"fee_{number}": place for number, place in enumerate(self.fees)}
        for name in ("gross", "net", "amount"):
            money: Money | None = getattr(self, name)
            if money is not None:
                sides = {"": money.from_, "_credit": money.credit, "_debit": money.debit}
                found |= {f"{name}{side}": place for side, place in sides.items() if place is not None}
        return found
