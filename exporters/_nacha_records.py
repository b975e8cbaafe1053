"""Write the 94-character ACH records, each with its line feed.

Source: Nacha Operating Rules, Appendix Three: record layouts, codes, and how fields are filled (alphameric to the left
with blanks, numeric to the right with zeros).
"""

from __future__ import annotations

import unicodedata
import zoneinfo
from dataclasses import astuple, dataclass
from typing import Final, Literal

from pydantic import Field

from canonical.contracts import Model, Order
from canonical.errors import ConfigError

RECORD_CHARS: Final = 94
BLOCKING_FACTOR: Final = 10
HASH_MODULUS: Final = 10**10
ENTRY_SUM_MAX: Final = 10**12 - 1
"""Largest debit or credit sum of a batch and of a file, minor units: twelve digits."""
BATCHES_MAX: Final = 999_999
BATCH_COUNT_MAX: Final = 999_999
"""Most entries and addenda of one batch: six digits."""
TRACE_SEQUENCE_MAX: Final = 9_999_999
_MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Offset(Model):
    """Our account that balances a file: its number, the routing number of its bank, and what it is."""

    account: str = Field(pattern=r"^[!-~]{1,17}$")
    agent: str = Field(pattern=r"^[0-9]{9}$")
    account_type: Literal["CACC", "SVGS", "GLAC"] = "CACC"


class Address(Model):
    """Address of ours as the originator of international entries."""

    street: str = Field(pattern=r"^[ -~]{1,35}$")
    town: str = Field(pattern=r"^[ -)+-[\]-~]{1,20}$")
    state: str | None = Field(default=None, pattern=r"^[A-Z0-9]{1,3}$")
    country: str = Field(pattern=r"^[A-Z]{2}$")
    post_code: str | None = Field(default=None, pattern=r"^[A-Z0-9 -]{1,10}$")


class NachaOptions(Model):
    """What a provider wants in its file. Names default to the provider's and the initiating party's.

    `payment_type_code` is written for WEB and TEL payments that do not say themselves whether they recur. `offset`: the file
    is balanced by entries on this account. `iat_gateway`: routing number of the gateway operator of international entries.
    """

    immediate_destination: str = Field(pattern=r"^[0-9]{9}$")
    immediate_destination_name: str | None = Field(default=None, max_length=23)
    immediate_origin: str = Field(pattern=r"^[0-9A-Z]{1,10}$")
    immediate_origin_name: str | None = Field(default=None, max_length=23)
    company_id: str | None = Field(default=None, pattern=r"^[!-~]{1,10}$")
    company_name: str | None = Field(default=None, max_length=16)
    company_entry_description: str = Field(default="PAYMENT", pattern=r"^[ -~]{1,10}$")
    originating_dfi: str | None = Field(default=None, pattern=r"^[0-9]{8}$")
    payment_type_code: Literal["S", "R"] = "S"
    offset: Offset | None = None
    iat_gateway: str | None = Field(default=None, pattern=r"^[0-9]{9}$")
    originator_address: Address | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What a batch or a file holds.

    `entries`, `debits` of them, `count` of entries and addenda, `entry_hash` before it is cut to ten digits, `debit` and
    `credit` in minor units.
    """

    entries: int = 0
    debits: int = 0
    count: int = 0
    entry_hash: int = 0
    debit: int = 0
    credit: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def service_class(self) -> str:
        """220 credits only, 225 debits only, 200 both."""
        if self.debits == 0:
            return "220"
        return "225" if self.debits == self.entries else "200"


def originating_dfi(order: Order, options: NachaOptions) -> str:
    """Eight digits that name our bank: the option, or the routing number of the account that pays.

    Raises:
        ConfigError: neither gives eight digits.
    """
    dfi = options.originating_dfi or order.account.agent[:8]
    if len(dfi) != 8 or not (dfi.isascii() and dfi.isdigit()):  # noqa: PLR2004 - digits of an ODFI identification
        raise ConfigError(
            f"provider {order.provider.provider_id}: the agent of account {order.account.name} is no routing number, "
            "and the export has no originating_dfi"
        )
    return dfi


def ascii_text(text: str) -> str:
    """Printable ASCII: letters lose their accents, anything else reads as a question mark."""
    plain = unicodedata.normalize("NFKD", text)
    kept = (char for char in plain if not unicodedata.combining(char))
    return "".join(char if " " <= char <= "~" else "?" for char in kept)


def _left(text: str, chars: int) -> str:
    return ascii_text(text)[:chars].ljust(chars)


def file_header(order: Order, options: NachaOptions) -> str:
    """File header record (type 1). Creation date and time are those of the rail's zone.

    Raises:
        ConfigError: the provider's 37th file of a day: file id modifiers end with 9.
    """
    if not 0 <= order.file_sequence < len(_MODIFIERS):
        raise ConfigError(f"NACHA knows {len(_MODIFIERS)} files a day; this is number {order.file_sequence + 1}")
    created = order.created
    if created.tzinfo is not None:
        created = created.astimezone(zoneinfo.ZoneInfo(order.rail.time_zone))
    return (
        f"101{options.immediate_destination:>10}{options.immediate_origin:>10}{created:%y%m%d%H%M}"
        f"{_MODIFIERS[order.file_sequence]}094101"
        f"{_left(options.immediate_destination_name or order.provider.name, 23)}"
        f"{_left(options.immediate_origin_name or order.initiating_party, 23)}{'':8}\n"
    )


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What all entries of a batch share. `day`: effective entry date, YYMMDD."""

    sec: str
    company_name: str
    company_id: str
    description: str
    day: str
    country: str = ""


def batch_header(key: BatchKey, service_class: str, order: Order, dfi: str, number: int) -> str:
    """Batch header record (type 5). The submission id stands in the company discretionary data, which IAT has not.

    International: fixed to fixed (FF), no foreign exchange reference (3), US dollars on both sides.
    """
    if key.sec == "IAT":
        return (
            f"5{service_class}{'':16}FF3{'':15}{key.country}{key.company_id:<10}IAT{key.description:<10}USDUSD{key.day}{'':3}1{dfi}"
            f"{number:07d}\n"
        )
    return (
        f"5{service_class}{key.company_name:<16}{order.submission_id:<20.20}{key.company_id:<10}{key.sec}"
        f"{key.description:<10}{'':6}{key.day}{'':3}1{dfi}{number:07d}\n"
    )


def batch_control(key: BatchKey, sums: Sums, dfi: str, number: int) -> str:
    """Batch control record (type 8)."""
    return (
        f"8{sums.service_class}{sums.count:06d}{sums.entry_hash % HASH_MODULUS:010d}{sums.debit:012d}"
        f"{sums.credit:012d}{key.company_id:<10}{'':25}{dfi}{number:07d}\n"
    )


def file_end(sums: Sums, batches: int) -> str:
    """File control record (type 9) and the filler that completes the last block of ten."""
    records = 2 + 2 * batches + sums.count
    blocks = -(-records // BLOCKING_FACTOR)
    control = (
        f"9{batches:06d}{blocks:06d}{sums.count:08d}{sums.entry_hash % HASH_MODULUS:010d}{sums.debit:012d}"
        f"{sums.credit:012d}{'':39}\n"
    )
    return control + ("9" * RECORD_CHARS + "\n") * (blocks * BLOCKING_FACTOR - records)
