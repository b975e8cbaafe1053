"""Records of Bacs Standard 18 files from columns: data records, contra records and labels.

Source: Bacs, PN5011 file structures (Standard 18). Positions are the standard's own: from 1, both ends included.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import polars as pl
from pydantic import Field

from canonical.contracts import Model, Order, Said
from canonical.errors import ConfigError
from canonical.identifying import NOT_PROVIDED
from canonical.parties import counterparty, sort_code_account
from exporters._fit import Limit
from exporters._references import mark

TEXT_CHARS: Final = 18
AMOUNT_MINOR_MAX: Final = 10**11 - 1
"""Largest amount of a data record, also of a contra record: eleven digits of pence."""
_CREDITS: Final = {"INTE": "Z4", "DIVD": "Z5"}
_DEBITS: Final = {"FRST": "01", "RCUR": "17", "RPRE": "18", "FNAL": "19"}
_CREDIT_CODES: Final = ("99", "Z4", "Z5")
_SET: Final = r"A-Z0-9 ./&\-"
_IBAN: Final = r"^GB[0-9]{2}[A-Z]{4}([0-9]{14})$"
_CONTRA: Final = {"CRDT": "17", "DBIT": "99"}
_CORE_CHARS_MIN: Final = 6
"""Letters and digits that a lodged reference has at least."""
_WORK: Final = {"single": "1 DAILY", "multi": "4 MULTI"}
_RECORD: Final = {"single": 100, "multi": 106}


class Options(Model):
    """What a bank or bureau wants in its file.

    `service_user_number`: six digits (or B and five) that Bacs gave us. `processing`: records of 100 characters for one
    day, or of 106 with a day each. `contra`: whether we write contra records, or the bank does. `remittance`: payments
    that say more than a reference are refused, or their text is left out.
    """

    service_user_number: Annotated[str, Field(pattern=r"^[0-9B][0-9]{5}$")]
    name: Annotated[str, Field(pattern=r"^[A-Z0-9 ./&-]{1,18}$")] | None = None
    processing: Literal["single", "multi"] = "single"
    contra: bool = True
    remittance: Literal["refuse", "leave_out"] = "refuse"
    line_end: Literal["lf", "crlf"] = "lf"


def plain(text: pl.Expr) -> pl.Expr:
    """In the Bacs set: capitals without their marks, a blank for everything else."""
    bare = text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_uppercase()
    return bare.str.replace_all(f"[^{_SET}]", " ")


def reference() -> pl.Expr:
    """Positions 65-82: the mandate's reference of a collection; of a credit the client's own, else ours."""
    own = pl.col("end_to_end_id").replace({NOT_PROVIDED: None, "": None})
    credit = pl.coalesce(own.str.to_uppercase(), "reference")
    chosen = pl.when(pl.col("credit_debit") == "DBIT").then(pl.coalesce("mandate_id", own)).otherwise(credit)
    return chosen.str.strip_chars(" ")


SAID: Final = Said(reference(), sort_code_account())


def own_account(order: Order) -> str:
    """Sort code and account number of ours.

    Raises:
        ConfigError: the provider's account has none.
    """
    found = re.match(_IBAN, order.account.account)
    both = found[1] if found else order.account.agent + order.account.account
    if not re.fullmatch("[0-9]{14}", both):
        raise ConfigError(
            f"provider {order.provider.provider_id}: account {order.account.name} has no sort code of six digits (agent) and "
            "number of eight, and is no British IBAN"
        )
    return both


def _code() -> pl.Expr:
    collects, own = pl.col("credit_debit") == "DBIT", pl.col("transaction_code")
    codes = pl.when(collects).then(own.is_in(list(_DEBITS.values()))).otherwise(own.is_in(_CREDIT_CODES))
    debit = pl.col("sequence_type").replace_strict(_DEBITS, default="17", return_dtype=pl.String)
    credit = pl.col("purpose").replace_strict(_CREDITS, default="99", return_dtype=pl.String)
    return pl.when(codes).then(own).otherwise(pl.when(collects).then(debit).otherwise(credit))


def _text(value: pl.Expr) -> pl.Expr:
    return value.fill_null("").str.head(TEXT_CHARS).str.pad_end(TEXT_CHARS)


def records(payments: pl.DataFrame, order: Order, options: Options) -> pl.Series:
    """One data record a payment, with its line end."""
    multi = options.processing == "multi"
    return payments.select(
        pl.concat_str(
            sort_code_account(),
            pl.lit("0"),
            _code(),
            pl.lit(own_account(order) + "    "),
            pl.col("amount_minor").cast(pl.String).str.zfill(11),
            pl.lit(user_name(order, options).ljust(TEXT_CHARS)),
            _text(reference()),
            _text(plain(counterparty("name"))),
            pl.col("execution_date").dt.strftime(" %y%j") if multi else pl.lit(""),
            pl.lit(ending(options)),
        )
    ).to_series()


def user_name(order: Order, options: Options) -> str:
    """The service user's name: the option, else the account's."""
    return options.name or str(pl.select(plain(pl.lit(order.account.name)).str.head(TEXT_CHARS)).item())


def ending(options: Options) -> str:
    """Line end."""
    return "\r\n" if options.line_end == "crlf" else "\n"


# ---------------------------------------------------------------------------------------------- labels and contra records


@dataclass(slots=True)
class Totals:
    """Pence and number of records by direction, and the sums by direction and day that contra records balance."""

    sums: dict[str, int] = field(default_factory=lambda: {"CRDT": 0, "DBIT": 0})
    counts: dict[str, int] = field(default_factory=lambda: {"CRDT": 0, "DBIT": 0})
    balance: dict[tuple[dt.date, str], int] = field(default_factory=dict)

    def add(self, payments: pl.DataFrame) -> None:
        """Count these payments."""
        found = payments.group_by("execution_date", "credit_debit").agg(pl.col("amount_minor").sum(), pl.len())
        for day, side, minor, count in found.sort("execution_date", "credit_debit").iter_rows():
            self._count(side, minor, count)
            self.balance[day, side] = self.balance.get((day, side), 0) + minor

    def _count(self, side: str, minor: int, count: int) -> None:
        self.sums[side] += minor
        self.counts[side] += count

    def contras(self, order: Order, options: Options) -> Iterator[str]:
        """Contra records, counted as they are made. Each balances the payments of one direction and day."""
        ours, name, multi = (
            own_account(order),
            user_name(order, options).ljust(TEXT_CHARS),
            options.processing == "multi",
        )
        for (day, side), minor in sorted(self.balance.items()):
            self._count("DBIT" if side == "CRDT" else "CRDT", minor, 1)
            last = f"{day: %y%j}" if multi else ""
            yield f"{ours}0{_CONTRA[side]}{ours}    {minor:011d}{name}{'CONTRA':<18}{name}{last}{ending(options)}"


def opening(order: Order, options: Options, day: dt.date) -> str:
    """VOL1, HDR1, HDR2 and UHL1."""
    user, serial = options.service_user_number, mark(order.submission_id, 6)
    number = order.file_sequence % 999 + 1
    lines = (
        f"VOL1{serial}{'':31}{user}{'':32}1",
        _file_label("HDR1", order, options),
        _format_label("HDR2", options),
        f"UHL1{day: %y%j}{'999999':<10}00000000{_WORK[options.processing]:<9}{number:03d}{'':40}",
    )
    return "".join(line + ending(options) for line in lines)


def closing(order: Order, options: Options, totals: Totals) -> str:
    """EOF1, EOF2 and UTL1."""
    sums, counts = totals.sums, totals.counts
    lines = (
        _file_label("EOF1", order, options),
        _format_label("EOF2", options),
        f"UTL1{sums['DBIT']:013d}{sums['CRDT']:013d}{counts['DBIT']:07d}{counts['CRDT']:07d}{'':8}0000000{'':21}",
    )
    return "".join(line + ending(options) for line in lines)


def _file_label(kind: str, order: Order, options: Options) -> str:
    user, serial = options.service_user_number, mark(order.submission_id, 6)
    made = order.business_date
    expires = made + dt.timedelta(days=30)
    return f"{kind}A{user}S  1{user}{serial}00010001{'':6}{made: %y%j}{expires: %y%j}0000000{'':20}"


def _format_label(kind: str, options: Options) -> str:
    return f"{kind}F02000{_RECORD[options.processing]:05d}{'':35}00{'':28}"


# ---------------------------------------------------------------------------------------------- what fits


def limits(options: Options) -> Iterator[Limit]:
    """What a payment must be like."""
    told, collects = reference(), pl.col("credit_debit") == "DBIT"
    core = told.str.replace_all("[^A-Za-z0-9]", "")
    unlodged = (core.str.len_chars() < _CORE_CHARS_MIN) | (core.str.strip_chars(core.str.head(1)) == "")
    yield Limit("currency", "AM03", pl.col("currency").ne_missing("GBP"), "Bacs moves sterling only.", "Pay in GBP.")
    yield Limit(
        "amount_text", "AM12", ~pl.col("amount_minor").is_between(1, AMOUNT_MINOR_MAX).fill_null(value=False),
        "The amount is zero or does not fit the eleven digits of a Bacs record.", "Pay from 0.01 to 999999999.99 with one payment.",
    )  # fmt: skip
    yield Limit(
        "counterparty_account", "AC01", sort_code_account().is_null(),
        "The other side's account is neither a sort code of six digits with a number of eight nor a British IBAN.",
        "Give sort code and account number.",
    )  # fmt: skip
    yield Limit(
        "end_to_end_id", "CH16", (told.str.len_chars() > TEXT_CHARS) | told.str.contains(f"[^{_SET}]") | (told == "CONTRA"),
        f"The reference has more than {TEXT_CHARS} characters, others than A-Z 0-9 . - / & and blank, or is CONTRA.",
        f"Give a reference of at most {TEXT_CHARS} such characters.",
    )  # fmt: skip
    yield Limit(
        "mandate_id", "MD02", collects & (told.is_null() | unlodged | told.str.starts_with("DDIC")),
        "A direct debit needs the reference lodged with its instruction: six letters or digits at least, not all the same, not beginning with DDIC.",
        "Give the mandate's reference.",
    )  # fmt: skip
    yield Limit(
        "sequence_type", "FF05", collects & ~pl.col("sequence_type").is_in([*_DEBITS, "OOFF"]) & pl.col("sequence_type").is_not_null(),
        "Bacs knows first, regular, re-presented and final collections.", "Give FRST, RCUR, RPRE or FNAL.",
    )  # fmt: skip
    yield Limit(
        "local_instrument", "FF03", pl.col("sequence_type") == "OOFF", "Bacs has no one-off collections.", "Lodge an instruction, then collect with FRST.",
    )  # fmt: skip
    if options.remittance == "refuse":
        yield Limit(
            "remittance", "RR07", pl.col("remittance").replace("", None).is_not_null() | pl.col("remittance_reference").is_not_null(),
            "A Bacs record carries no remittance information beside the reference.", "Leave it out, or pay on another rail.",
        )  # fmt: skip
