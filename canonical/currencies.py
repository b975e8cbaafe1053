"""Currency exponents (ISO 4217 minor units), dated: a retired currency stays known until its last day and is named after it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl


@dataclass(frozen=True, slots=True)
class Currency:
    """`exponent`: digits after the decimal point. `until`: last day it could be used, None while it is current."""

    code: str
    exponent: int
    until: dt.date | None = None


# ISO 4217 list one (amendment 178 and those announced since); every code not named below has two digits.
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE "
    "CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR "
    "KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB "
    "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY "
    "TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_RETIRED = (
    Currency("ANG", 2, dt.date(2025, 3, 31)),
    Currency("BGN", 2, dt.date(2026, 1, 31)),
    Currency("CUC", 2, dt.date(2021, 6, 30)),
    Currency("DEM", 2, dt.date(2002, 2, 28)),
    Currency("EEK", 2, dt.date(2011, 1, 14)),
    Currency("FRF", 2, dt.date(2002, 2, 17)),
    Currency("HRK", 2, dt.date(2023, 1, 14)),
    Currency("LTL", 2, dt.date(2015, 1, 15)),
    Currency("LVL", 2, dt.date(2014, 1, 14)),
    Currency("MRO", 1, dt.date(2018, 6, 30)),
    Currency("SLL", 2, dt.date(2024, 3, 31)),
    Currency("STD", 2, dt.date(2018, 6, 30)),
    Currency("VEF", 2, dt.date(2018, 8, 20)),
    Currency("ZWL", 2, dt.date(2024, 8, 31)),
)

CURRENCIES: Final[dict[str, Currency]] = {
    **{code: Currency(code, 2) for code in _TWO_DIGITS.split()},
    **{code: Currency(code, 0) for code in _NO_DIGITS.split()},
    **{code: Currency(code, 3) for code in _THREE_DIGITS.split()},
    "CLF": Currency("CLF", 4),
    "UYW": Currency("UYW", 4),
    "BOV": Currency("BOV", 2),
    "CHE": Currency("CHE", 2),
    "CHW": Currency("CHW", 2),
    "COU": Currency("COU", 2),
    "MXV": Currency("MXV", 2),
    "USN": Currency("USN", 2),
    **{currency.code: currency for currency in _RETIRED},
}


def exponent(code: str) -> int | None:
    """Digits after the decimal point, None for a code ISO 4217 does not know."""
    currency = CURRENCIES.get(code)
    return None if currency is None else currency.exponent


def exponent_of(code: pl.Expr) -> pl.Expr:
    """Int8 exponent of a column of currency codes, null where the code is unknown."""
    codes = list(CURRENCIES)
    exponents = [CURRENCIES[item].exponent for item in codes]
    return code.cast(pl.String).replace_strict(codes, exponents, default=None, return_dtype=pl.Int8)
