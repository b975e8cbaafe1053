"""Money: the strict reading of text, one amount at a time and in columns, agree with each other and with exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.currencies import CURRENCIES, exponent
from canonical.limits import AMOUNT_MINOR_MAX
from canonical.money import amount_minor, amount_text, format_minor, grouped_minor, parse_minor

CODES = st.sampled_from(["EUR", "JPY", "BHD", "CLF", "USD", "XXX", "MRO"])
TEXTS = st.one_of(
    st.from_regex(r"[0-9]{0,20}(\.[0-9]{0,7})?", fullmatch=True),
    st.text(alphabet="0123456789.,+-eE \t\n'_", max_size=20),
    st.integers(min_value=0, max_value=2 * AMOUNT_MINOR_MAX).map(str),
)


def in_columns(text: str | None, code: str | None) -> int | None:
    frame = pl.DataFrame({"text": [text], "code": [code]}, schema={"text": pl.String, "code": pl.String})
    return frame.select(amount_minor(pl.col("text"), pl.col("code"))).item()


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("1.50", "EUR", 150), ("1.5", "EUR", 150), ("1.500", "EUR", 150), ("1", "EUR", 100), ("1.", "EUR", 100),
        ("0", "EUR", 0), ("00012.30", "EUR", 1230), (" 7.10\n", "EUR", 710), ("5", "JPY", 5), ("1.234", "BHD", 1234),
        ("10000000000.00", "EUR", 10**12), ("10000000000.01", "EUR", None), ("1.005", "EUR", None), ("5.5", "JPY", None),
        ("1e3", "EUR", None), ("1,00", "EUR", None), ("+1", "EUR", 100), ("-1", "EUR", None), (".5", "EUR", 50),
        ("+.05", "EUR", 5), ("+10.50", "EUR", 1050), (".005", "EUR", None), (".5", "JPY", None), (".", "EUR", None),
        ("+", "EUR", None), ("+.", "EUR", None), ("++1", "EUR", None), ("+-1", "EUR", None), ("1+", "EUR", None),
        ("", "EUR", None), ("1 000", "EUR", None), ("NaN", "EUR", None), ("٣", "EUR", None), ("1", "EUX", None),
        ("9" * 18, "EUR", None), ("9" * 40, "EUR", None), (None, "EUR", None),
    ],
)  # fmt: skip
def test_amounts_are_read_by_the_strict_pattern(text, code, minor) -> None:
    assert in_columns(text, code) == minor
    if text is not None:
        assert parse_minor(text, code) == minor


@given(TEXTS, CODES)
def test_columns_and_single_amounts_agree(text: str, code: str) -> None:
    assert in_columns(text, code) == parse_minor(text, code)


@given(TEXTS, CODES)
def test_what_is_read_is_exact(text: str, code: str) -> None:
    minor = parse_minor(text, code)
    if minor is not None:
        whole, _, fraction = text.strip(" \t\r\n").partition(".")
        assert Fraction(minor, 10 ** (exponent(code) or 0)) == Fraction(f"{whole or 0}.{fraction or 0}")


@given(st.integers(min_value=0, max_value=AMOUNT_MINOR_MAX), st.sampled_from(sorted(CURRENCIES)))
def test_writing_and_reading_are_inverse(minor: int, code: str) -> None:
    text = format_minor(minor, code)
    frame = pl.DataFrame({"minor": [minor], "code": [code]})
    assert frame.select(amount_text(pl.col("minor"), pl.col("code"))).item() == text
    assert in_columns(text, code) == minor


def test_negative_amounts_are_written_with_their_sign() -> None:
    assert format_minor(-5, "EUR") == "-0.05"
    assert format_minor(-1234, "JPY") == "-1234"


def test_nobody_knows_the_decimals_of_an_unknown_currency():
    assert [format_minor(minor, "EUX") for minor in (12345, -5, 0)] == ["12345 minor units", "-5 minor units", "0"]
    assert [grouped_minor(minor, "EUX") for minor in (12345, -5, 0)] == ["12,345 minor units", "-5 minor units", "0"]


def test_thousands_are_apart_for_a_reader():
    shown = [grouped_minor(-123456789, code) for code in ("EUR", "JPY", "KWD")]
    assert shown == ["-1,234,567.89", "-123,456,789", "-123,456.789"]
