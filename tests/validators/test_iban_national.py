"""National check digits against schwifty, country by country; Hungary, which it does not know, against known accounts."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.checksum import algorithms
from schwifty.exceptions import SchwiftyException

from validators._iban import shape_of
from validators._national import COUNTRIES
from validators.iban_national import wrong

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KINDS = {"n": DIGITS, "a": LETTERS, "c": DIGITS + LETTERS}
JUDGED = sorted(set(COUNTRIES) - {"HU"})


def iban(country: str, bban: str) -> str:
    number = int("".join(str(int(character, 36)) for character in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


def refused(text: str) -> bool:
    return wrong(pl.Series([text]))[0]


def schwifty_refuses(text: str) -> bool:
    try:
        IBAN(text, validate_bban=True)
    except SchwiftyException:
        return True
    return False


@st.composite
def ibans(draw: st.DrawFn, country: str) -> str:
    shape = shape_of(country)
    assert shape is not None
    return iban(country, "".join(draw(st.sampled_from(KINDS[kind])) for kind in shape.classes[4:]))


@pytest.mark.parametrize("country", JUDGED)
@given(data=st.data())
def test_judged_as_schwifty_judges(country, data):
    assert f"{country}:default" in algorithms
    text = data.draw(ibans(country))
    # Norway's old numbers may be counted in another way, and are taken.
    assume(country != "NO" or (text[8:10] != "00" and text[4:8] != "0000"))
    assert refused(text) == schwifty_refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "BE68539007547034", "FR1420041010050500013M02606", "ES9121000418450200051332", "IT60X0542811101000000123456",
        "PT50000201231234567890154", "FI2112345600000785", "NO9386011117947", "EE382200221020145685", "CZ6508000000192000145399",
        "SK3112000000198742637541", "PL61109010140000071219812874", "HU42117730161111101800000000", "SI56263300012039086",
        "BA391290079401028494", "ME25505000012345678951", "MK07250120000058984", "RS35260005601001611379", "TL380080012345678910157",
        "MC5811222000010123456789030", "SM86U0322509800000000270100",
    ],
)  # fmt: skip
def test_the_registry_s_own_examples_are_taken(text):
    assert not refused(text)
    assert text[:2] in COUNTRIES


@pytest.mark.parametrize("country", ["BE", "ES", "FI", "EE", "PT", "FR", "IT", "CZ"])
@given(place=st.integers(0, 99), step=st.integers(1, 9))
def test_a_mistyped_digit_is_found_although_the_iban_is_whole(country, place, step):
    known = {
        "BE": "539007547034", "ES": "21000418450200051332", "FI": "12345600000785", "EE": "2200221020145685",
        "PT": "000201231234567890154", "FR": "20041010050500013M02606", "IT": "X0542811101000000123456",
        "CZ": "08000000192000145399",
    }[country]  # fmt: skip
    # Estonia's bank code and the Czech bank code stand outside the rule.
    first = {"EE": 2, "CZ": 4}.get(country, 0)
    places = [n for n, character in enumerate(known) if character.isdigit() and n >= first]
    at = places[place % len(places)]
    mistyped = iban(country, known[:at] + str((int(known[at]) + step) % 10) + known[at + 1 :])
    assert schwifty_refuses(mistyped)
    assert refused(mistyped)


def test_hungary_finds_a_mistyped_digit():
    known = "117730161111101800000000"
    for place in range(24):
        for digit in set(DIGITS) - {known[place]}:
            assert refused(iban("HU", known[:place] + digit + known[place + 1 :]))


@given(
    st.lists(
        st.sampled_from(
            [None, "", "x", "FR", "BE68539007547034", "BE41539007547035", "BE68539007547035", "DE89370400440532013000"]
        )
    )
)
def test_a_column_is_judged_as_its_rows_are(accounts):
    told = wrong(pl.Series("account", accounts, pl.String))
    assert told.to_list() == [account == "BE41539007547035" for account in accounts]
