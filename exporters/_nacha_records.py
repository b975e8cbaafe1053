"""Write the 94-character ACH records, each with its line feed.

Source: Nacha Operating Rules, Appendix Three: record layouts, codes, and how fields are filled (alphameric to the left
with blanks, numeric to the right with zeros).
"""

from __future__ import annotations

import unicodedata
import zoneinfo
from dataclasses import astuple, dataclass
from typing import Final, Literal

import polars as pl
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
ACCOUNT_CHARS: Final = 17
REMITTANCE_CHARS: Final = 80
TRACE_SEQUENCE_MAX: Final = 9_999_999
_MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

WRITABLE_SEC: Final = frozenset({"PPD", "CCD", "WEB", "TEL", "ARC", "BOC", "POP", "RCK", "XCK"})
OTHER_SEC: Final = frozenset(
    {"ACK", "ADV", "ATX", "CIE", "COR", "CTX", "DNE", "ENR", "IAT", "MTE", "POS", "SHR", "TRC", "TRX"}
)
ADDENDA_SEC: Final = frozenset({"PPD", "CCD", "WEB"})
"""Those of them that may carry an addenda record."""
_TYPED_SEC: Final = frozenset({"WEB", "TEL"})
_CREDIT_CODES: Final = {"CACC": "22", "SVGS": "32", "GLAC": "42", "LOAN": "52"}
_DEBIT_CODES: Final = {"CACC": "27", "SVGS": "37", "GLAC": "47", "LOAN": "55"}
_TEXTS: Final = (
    "debtor_name", "category_purpose", "end_to_end_id", "creditor_name", "remittance", "remittance_reference",
)  # fmt: skip
_DESCRIPTIONS: Final = {"SALA": "PAYROLL"}
"""ISO category purposes with a description that the rules prescribe (mandatory for wages since 2026)."""


class NachaOptions(Model):
    """What a provider wants in its file. Names default to the provider's and the initiating party's."""

    immediate_destination: str = Field(pattern=r"^[0-9]{9}$")
    immediate_destination_name: str | None = Field(default=None, max_length=23)
    immediate_origin: str = Field(pattern=r"^[0-9A-Z]{1,10}$")
    immediate_origin_name: str | None = Field(default=None, max_length=23)
    company_id: str | None = Field(default=None, pattern=r"^[!-~]{1,10}$")
    company_name: str | None = Field(default=None, max_length=16)
    company_entry_description: str = Field(default="PAYMENT", pattern=r"^[ -~]{1,10}$")
    originating_dfi: str | None = Field(default=None, pattern=r"^[0-9]{8}$")
    payment_type_code: Literal["S", "R"] = "S"


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


def plain(payments: pl.DataFrame) -> pl.DataFrame:
    """The payments with their texts in printable ASCII (as `ascii_text` does) and remittance lines joined by blanks."""
    joined = payments.with_columns(pl.col("remittance").str.replace_all("\n", " ", literal=True))
    foreign = joined.select(pl.col(_TEXTS).str.contains(r"[^ -~]").any()).row(0)
    columns = [name for name, is_foreign in zip(_TEXTS, foreign, strict=True) if is_foreign]
    without_accents = pl.col(columns).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    return joined.with_columns(without_accents.str.replace_all(r"[^ -~]", "?")) if columns else joined


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


def batch_header(key: BatchKey, service_class: str, order: Order, dfi: str, number: int) -> str:
    """Batch header record (type 5). The submission id stands in the company discretionary data."""
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


def prepared(payments: pl.DataFrame, order: Order, options: NachaOptions) -> pl.DataFrame:
    """One row a payment of `plain` payments, ready to be put into a batch.

    The effective entry date is the `execution_date` of the payment's route, where the frame carries it.
    Fields of BatchKey, `records` (entry and addenda, 1 or 2), `rdfi`, `is_debit`, `debit`, `credit`, `text`.
    """
    name = ascii_text(options.company_name or order.initiating_party)
    company_id = pl.when(pl.col("debtor_id").str.contains(r"^[!-~]{1,10}$")).then("debtor_id")
    description = pl.col("category_purpose").replace(_DESCRIPTIONS)
    debit = pl.col("credit_debit") == "DBIT"
    day = pl.col("execution_date") if "execution_date" in payments.columns else pl.lit(order.business_date)
    return payments.with_columns(sec_of(pl.col("local_instrument")).alias("sec")).select(
        "sec",
        pl.col("debtor_name").fill_null(name).str.head(16).alias("company_name"),
        company_id.fill_null(options.company_id or options.immediate_origin).alias("company_id"),
        description.fill_null(options.company_entry_description).str.head(10).alias("description"),
        day.dt.strftime("%y%m%d").alias("day"),
        (remittance_text().is_not_null().cast(pl.Int64) + 1).alias("records"),
        pl.col("creditor_agent").str.head(8).cast(pl.Int64).alias("rdfi"),
        debit.alias("is_debit"),
        pl.when(debit).then("amount_minor").otherwise(0).alias("debit"),
        pl.when(debit).then(0).otherwise("amount_minor").alias("credit"),
        _entry_text(options.payment_type_code).alias("text"),
    )


def sec_of(local_instrument: pl.Expr) -> pl.Expr:
    """Standard entry class: the payment's own where it is one, else PPD."""
    known = local_instrument.is_in(WRITABLE_SEC | OTHER_SEC).fill_null(value=False)
    return pl.when(known).then(local_instrument).otherwise(pl.lit("PPD"))


def remittance_text() -> pl.Expr:
    """Text of the addenda record of `plain` payments; null where there is none."""
    text = pl.col("remittance").str.strip_chars_end(" ").replace({"": None})
    return pl.coalesce(text, "remittance_reference")


def _transaction_code() -> pl.Expr:
    kind = pl.col("creditor_account_type")
    debit = kind.replace_strict(_DEBIT_CODES, default="27", return_dtype=pl.String)
    credit = kind.replace_strict(_CREDIT_CODES, default="22", return_dtype=pl.String)
    by_type = pl.when(pl.col("credit_debit") == "DBIT").then(debit).otherwise(credit)
    return pl.coalesce("transaction_code", by_type)


def _entry_text(payment_type_code: str) -> pl.Expr:
    """Entry detail record (type 6) and, where there is remittance information, its addenda record (705)."""
    discretionary = (
        pl.when(pl.col("sec").is_in(_TYPED_SEC)).then(pl.lit(f"{payment_type_code} ")).otherwise(pl.lit("  "))
    )
    text = remittance_text()
    addenda = pl.concat_str(
        pl.lit("705"),
        text.str.pad_end(REMITTANCE_CHARS),
        pl.lit("0001"),
        pl.col("reference").str.slice(8),
        pl.lit("\n"),
    )
    return pl.concat_str(
        pl.lit("6"),
        _transaction_code(),
        pl.col("creditor_agent"),
        pl.col("creditor_account").str.pad_end(ACCOUNT_CHARS),
        pl.col("amount_minor").cast(pl.String).str.zfill(10),
        pl.col("end_to_end_id").fill_null("").str.head(15).str.pad_end(15),
        pl.col("creditor_name").fill_null("").str.head(22).str.pad_end(22),
        discretionary,
        pl.when(text.is_null()).then(pl.lit("0")).otherwise(pl.lit("1")),
        pl.col("reference"),
        pl.lit("\n"),
        addenda.fill_null(""),
    )
