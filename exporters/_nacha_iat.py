"""International ACH entries (IAT): their batch header, entry, the seven mandatory addenda 10 to 16, and remittance addenda 17.

Source: Nacha Operating Rules, Appendix Three: IAT records; Appendix Eight (IAT). Amounts are in US dollars on both sides
(fixed to fixed): no canonical column holds a foreign amount, a rate or a correspondent bank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.parties import counterparty, ordering
from exporters._fit import Limit
from exporters._nacha_records import NachaOptions, ascii_text

ADDENDA: Final = 7
REMITTANCE_CHARS: Final = 80
_REMITTANCES_MAX: Final = 2
_TYPES: Final = (
    "ANN", "BUS", "DEP", "LOA", "MIS", "MOR", "PEN", "REM", "RLS", "SAL", "TAX", "ARC", "BOC", "MTE", "POP", "POS", "RCK",
    "SHR", "TEL", "WEB",
)  # fmt: skip
_BY_PURPOSE: Final = {"SALA": "SAL", "PENS": "PEN", "TAXS": "TAX", "LOAN": "LOA", "BONU": "SAL", "PAYROLL": "SAL"}
_BIC: Final = r"^[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}([A-Z0-9]{3})?$"


def remittance() -> pl.Expr:
    """Text of the addenda 17, null where there is none."""
    return pl.coalesce(pl.col("remittance").str.strip_chars(" ").replace("", None), "remittance_reference")


def addenda_number() -> pl.Expr:
    """Addenda of an entry."""
    chars = remittance().str.len_chars().fill_null(0)
    return ADDENDA + (chars + REMITTANCE_CHARS - 1) // REMITTANCE_CHARS


def purpose() -> pl.Expr:
    """Transaction type code: the payment's own, else by its category purpose, else BUS."""
    by_category = pl.col("category_purpose").replace_strict(_BY_PURPOSE, default="BUS", return_dtype=pl.String)
    return pl.when(pl.col("purpose").is_in(_TYPES)).then(pl.col("purpose")).otherwise(by_category)


def _text(value: pl.Expr, chars: int) -> pl.Expr:
    return value.fill_null("").str.head(chars).str.pad_end(chars)


def _place(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Two parts that are divided by a star and ended by a backslash."""
    return _text(pl.concat_str(first.fill_null(""), pl.lit("*"), second.fill_null(""), pl.lit("\\")), 35)


def _ours(order: Order, options: NachaOptions) -> dict[str, pl.Expr]:
    """Name and address of the originator: the payment's own, else those of the profile."""
    known = options.originator_address
    given = (
        {}
        if known is None
        else {
            "street": known.street,
            "town": known.town,
            "country": known.country,
            "post_code": known.post_code,
            "address_lines": known.state,
        }
    )
    own = pl.concat_str("debtor_street", "debtor_building", separator=" ", ignore_nulls=True).replace("", None)
    theirs = pl.concat_str("creditor_street", "creditor_building", separator=" ", ignore_nulls=True).replace("", None)
    street = pl.when(pl.col("credit_debit") == "DBIT").then(theirs).otherwise(own)
    told = {"street": street, **{name: ordering(name) for name in ("town", "country", "post_code", "address_lines")}}
    has_own = told["street"].is_not_null() & told["town"].is_not_null() & told["country"].is_not_null()
    found = {
        name: pl.when(has_own).then(value).otherwise(pl.lit(given.get(name), dtype=pl.String))
        for name, value in told.items()
    }
    return {**found, "name": ordering("name").fill_null(ascii_text(options.company_name or order.initiating_party))}


def _their_street() -> pl.Expr:
    sides = {
        side: pl.concat_str(f"{side}_street", f"{side}_building", separator=" ", ignore_nulls=True).replace("", None)
        for side in ("debtor", "creditor")
    }
    return pl.when(pl.col("credit_debit") == "DBIT").then(sides["debtor"]).otherwise(sides["creditor"])


def entry(code: pl.Expr, options: NachaOptions) -> pl.Expr:
    """Entry detail record with its line feed."""
    return pl.concat_str(
        pl.lit("6"), code, pl.lit(options.iat_gateway or ""), addenda_number().cast(pl.String).str.zfill(4), pl.lit(" " * 13),
        pl.col("amount_minor").cast(pl.String).str.zfill(10), _text(counterparty("account"), 35), pl.lit(" " * 4 + "1"),
        "reference", pl.lit("\n"),
    )  # fmt: skip


def addenda(order: Order, options: NachaOptions, dfi: str) -> pl.Expr:
    """Addenda 10 to 16, and up to two of 17, each with its line feed."""
    end = pl.concat_str(pl.col("reference").str.slice(8), pl.lit("\n"))
    ours, agent = _ours(order, options), counterparty("agent")
    bank = options.immediate_destination_name or order.provider.name
    is_bic = agent.str.contains(_BIC)
    text = remittance()

    def record(kind: str, *parts: pl.Expr, blanks: int) -> pl.Expr:
        return pl.concat_str(pl.lit(f"7{kind}"), *parts, pl.lit(" " * blanks), end)

    remittances = [
        pl.when(text.str.len_chars() > at * REMITTANCE_CHARS).then(
            pl.concat_str(pl.lit("717"), _text(text.str.slice(at * REMITTANCE_CHARS), REMITTANCE_CHARS), pl.lit(f"{at + 1:04d}"), end)
        ).otherwise(pl.lit(""))
        for at in range(_REMITTANCES_MAX)
    ]  # fmt: skip
    return pl.concat_str(
        record("10", purpose(), pl.col("amount_minor").cast(pl.String).str.zfill(18), pl.lit(" " * 22), _text(counterparty("name"), 35), blanks=6),
        record("11", _text(ours["name"], 35), _text(ours["street"], 35), blanks=14),
        record("12", _place(ours["town"], ours["address_lines"]), _place(ours["country"], ours["post_code"]), blanks=14),
        record("13", pl.lit(f"{ascii_text(bank)[:35]:<35}01{dfi:<34}US "), blanks=10),
        record("14", _text(agent, 35), pl.when(is_bic).then(pl.lit("02")).otherwise(pl.lit("01")), _text(agent, 34), _text(country_of_bank(), 3), blanks=10),
        record("15", _text(pl.col("end_to_end_id"), 15), _text(_their_street(), 35), blanks=34),
        record("16", _place(counterparty("town"), counterparty("address_lines")), _place(counterparty("country"), counterparty("post_code")), blanks=14),
        *remittances,
    )  # fmt: skip


def country_of_bank() -> pl.Expr:
    """Of the receiving bank: its BIC's, else the receiver's own."""
    return pl.coalesce(counterparty("agent").str.extract(_BIC, 1), counterparty("country"))


def limits(options: NachaOptions) -> Iterator[Limit]:
    """What an international payment must say. All are of class IAT."""
    known = options.originator_address is not None
    own = [ordering(name).is_not_null() for name in ("street", "town", "country")]
    no_gateway = pl.lit(options.iat_gateway is None)
    yield Limit(
        "local_instrument",
        "FF05",
        no_gateway,
        "The provider's profile names no gateway operator for international entries.",
        "Pay over another bank.",
    )
    yield Limit(
        "transaction_code", "FF05", pl.col("transaction_code").is_not_null(),
        "The client's own international entry may say a foreign amount, currency or correspondent, which is not carried on.",
        "Order it as a cross-border payment.",
    )  # fmt: skip
    yield Limit(
        "prenote", "FF05", pl.col("prenote"), "International entries are written with money only.", "Leave it out."
    )
    yield Limit(
        "debtor_street", "BE04", ~pl.all_horizontal(own) & pl.lit(not known), "The originator's street, town or country is missing.", "Give them."
    )  # fmt: skip
    yield from _their_limits()


def _their_limits() -> Iterator[Limit]:
    """The same of the other side."""
    theirs = {"town": counterparty("town"), "country": counterparty("country"), "street": _their_street()}
    for name, value in theirs.items():
        yield Limit(
            f"counterparty_{name}", "BE04", value.is_null(), f"The receiver's {name} is missing.", f"Give the {name}."
        )
    yield Limit(
        "counterparty_name", "BE22", counterparty("name").is_null(), "The receiver's name is missing.", "Give the name."
    )
    yield Limit(
        "counterparty_agent",
        "RC04",
        counterparty("agent").is_null(),
        "The receiver's bank is missing.",
        "Give its BIC or number.",
    )
    yield Limit(
        "counterparty_account", "AC03", ~counterparty("account").str.contains("^[!-~]{1,35}$").fill_null(value=False),
        "The account has not 1 to 35 ASCII characters.", "Give the account number as the bank writes it.",
    )  # fmt: skip
    for name, value in (
        ("town", counterparty("town")),
        ("address_lines", counterparty("address_lines")),
        ("post_code", counterparty("post_code")),
    ):
        marks = value.str.contains(r"[*\\\n]")
        yield Limit(
            f"counterparty_{name}",
            "BE04",
            marks,
            f"The receiver's {name.replace('_', ' ')} holds a star, a backslash or several lines.",
            "Take them out.",
        )
