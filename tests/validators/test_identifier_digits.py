"""LEI, SEPA creditor identifier and ISO 7064 against python-stdnum; every single wrong character is found."""

from __future__ import annotations

import polars as pl
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import lei as stdnum_lei
from stdnum.eu import at_02
from stdnum.iso7064 import mod_97_10

from canonical.plugins import discover
from validators._countries import COUNTRIES, EEA, KOSOVO, SEPA
from validators._external_codes import CATEGORY_PURPOSES, PURPOSES
from validators._matrix import VALUES, by_width, remainders_97
from validators._mod97 import remainder
from validators.creditor_identifier import RULE as CREDITOR_IDENTIFIER
from validators.creditor_identifier import right_check_digits
from validators.lei import broken

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TEXT = st.text(ALPHABET, min_size=1, max_size=35)
RULES = discover("validators", "RULE")


def answer(expression, text):
    return pl.DataFrame({"text": [text]}, {"text": pl.String}).select(expression(pl.col("text"))).item()


@given(TEXT)
def test_the_remainder_is_that_of_the_number(text):
    number = int("".join(str(int(character, 36)) for character in text))
    assert answer(remainder, text) == number % 97
    _, _, codes = next(iter(by_width(pl.Series([text]))))
    assert remainders_97(VALUES[codes])[0] == number % 97


@pytest.mark.parametrize("text", [None, "", "a", "A-1", "Ä", "A" * 36])
def test_what_is_no_capital_or_digit_has_no_remainder(text):
    assert answer(remainder, text) is None


LEIS = st.text(ALPHABET, min_size=18, max_size=18).map(lambda body: body + mod_97_10.calc_check_digits(body))


@given(LEIS, st.integers(0, 19), st.sampled_from(ALPHABET))
def test_leis_are_judged_as_stdnum_judges(text, place, character):
    mistyped = text[:place] + character + text[place + 1 :]
    assert not answer(broken, text)
    assert stdnum_lei.is_valid(text)
    assert answer(broken, mistyped) == (not (stdnum_lei.is_valid(mistyped) and mistyped[18:].isdigit()))
    # Exchanging one letter or digit for another shifts the number by less than 97 times a power of ten.
    if mistyped != text and character.isdigit() and text[place].isdigit():
        assert answer(broken, mistyped)


@given(st.sampled_from(["DE", "FR", "NL", "AT", "BE"]), st.text(ALPHABET, min_size=3, max_size=3), st.text(ALPHABET, min_size=1, max_size=20),
       st.integers(0, 40), st.integers(1, 9))  # fmt: skip
def test_creditor_identifiers_are_judged_as_stdnum_judges(country, business, national, place, step):
    digits = at_02.calc_check_digits(f"{country}00{business}{national}")
    text = f"{country}{digits}{business}{national}"
    assert answer(right_check_digits, text)
    assert answer(right_check_digits, text[:4] + "ZZZ" + text[7:])
    counted = [n for n, character in enumerate(text) if character.isdigit() and not 4 <= n < 7]
    at = counted[place % len(counted)]
    mistyped = text[:at] + str((int(text[at]) + step) % 10) + text[at + 1 :]
    assert not answer(right_check_digits, mistyped)
    assert not at_02.is_valid(mistyped)


def test_a_bacs_service_user_number_is_no_creditor_identifier(payments, context):
    frame = payments(
        {"credit_debit": "DBIT", "creditor_scheme_id": "123456", "currency": "GBP", "debtor_account": "12345678"}
    )
    assert CREDITOR_IDENTIFIER.findings(frame, context("csv")).is_empty()


def test_countries_are_those_of_iso_3166():
    assert {country.alpha_2 for country in pycountry.countries} | {KOSOVO} == COUNTRIES
    assert EEA < SEPA < COUNTRIES
    assert not {"GB", "CH", "MC", "SM"} & EEA
    assert {"GB", "CH", "MC", "SM", "RS"} <= SEPA


def test_code_lists_hold_codes():
    assert len(PURPOSES) > 300
    assert len(CATEGORY_PURPOSES) > 40
    assert all(len(code) == 4 and code.isalnum() and code.isupper() for code in PURPOSES | CATEGORY_PURPOSES)
