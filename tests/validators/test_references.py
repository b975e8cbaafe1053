"""Check digits of structured references against independent implementations, and every single wrong digit is found."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649, luhn
from stdnum.ch import esr

from validators import _references as kinds
from validators._matrix import sound_rows
from validators.creditor_reference import RULE

DIGITS = "0123456789"


def sound(text: str, kind) -> bool:
    return sound_rows(pl.Series([text]), kind)[0]


def changed(text: str, place: int, digit: int) -> str:
    """The text with another digit at one of its places that hold a digit."""
    places = [n for n, character in enumerate(text) if character in DIGITS]
    at = places[place % len(places)]
    return text[:at] + str((int(text[at]) + digit) % 10) + text[at + 1 :]


def rf(body: str) -> str:
    return f"RF{98 - int(''.join(str(int(c, 36)) for c in body + 'RF00')) % 97:02d}{body}"


def finnish(body: str) -> str:
    return body + str(-sum(int(d) * w for d, w in zip(reversed(body), [7, 3, 1] * 7, strict=False)) % 10)


def belgian(body: str) -> str:
    return f"{body}{int(body) % 97 or 97:02d}"


def qr(body: str) -> str:
    return body + esr.calc_check_digit(body)


def kid(body: str) -> str:
    return body + luhn.calc_check_digit(body)


def bodies(least: int, most: int):
    return st.text(DIGITS, min_size=least, max_size=most)


CASES = [
    (kinds.creditor_reference, st.from_regex(r"\A[A-Z0-9]{1,21}\Z").map(rf)),
    (kinds.qr_reference, bodies(26, 26).map(qr)),
    (kinds.belgian, bodies(10, 10).map(belgian)),
    (kinds.finnish, bodies(3, 19).map(finnish)),
]


@pytest.mark.parametrize(("kind", "right"), CASES)
@given(data=st.data(), place=st.integers(0, 30), digit=st.integers(1, 9))
def test_right_ones_are_taken_and_one_wrong_digit_is_found(kind, right, data, place, digit):
    text = data.draw(right)
    assert sound(text, kind)
    assert not sound(changed(text, place, digit), kind)


@given(st.from_regex(r"\ARF[0-9]{2}[A-Z0-9]{0,22}\Z"))
def test_rf_is_judged_as_stdnum_judges(text):
    assert sound(text, kinds.creditor_reference) == iso11649.is_valid(text)


@given(st.text(DIGITS, min_size=20, max_size=28))
def test_qr_is_judged_as_stdnum_judges(text):
    assert sound(text, kinds.qr_reference) == (len(text) == 27 and esr.is_valid(text))


@given(bodies(1, 24).map(kid))
def test_a_luhn_kid_is_taken(text):
    assert sound(text, kinds.kid)


@pytest.mark.parametrize("text", ["1", "12345678901234567890123456", "12a4", "", "1-4"])
def test_no_kid(text):
    assert not sound(text, kinds.kid)


@given(st.lists(bodies(10, 10).map(belgian), min_size=1), st.integers(1, 9))
def test_in_free_text(payments, context, numbers, digit):
    written = [f"{text[:3]}/{text[3:7]}/{changed(text[7:], 4, digit)}" for text in numbers]
    frame = payments(*({"remittance": f"Facture +++{text}+++ merci"} for text in written))
    told = RULE.findings(frame, context())
    assert told["row"].to_list() == list(range(1, len(numbers) + 1))
    assert set(told["severity"]) == {"warning"}
    right = [f"{text[:3]}/{text[3:7]}/{text[7:]}" for text in numbers]
    assert RULE.findings(payments(*({"remittance": f"***{text}***"} for text in right)), context()).is_empty()
