"""Into the SEPA character set."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.transliteration import SEPA_BYTES, in_sepa_set, transliterate

ANY = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)))


def one(expression, text):
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    return frame.select(expression(pl.col("text"))).item()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Müller & Söhne", "Muller + Sohne"), ("Straße", "Strase"), ("Łódź", "Lodz"), ("Đặng", "Dang"), ("Ørsted", "Orsted"),
        ("Αθήνα", "Athina"), ("София", "Sofiya"), ("a;b [c] {d}", "a,b (c) (d)"), ("x@y_z", "x.y-z"), ("¿Qué?", "?Que?"), ("Ĥħ", "Hh"), ("Łódź – „x‘", "Lodz - .x'"), ("яЯ", "yaYA"), ("5 €", "5 E"),
        ("日本", ".."), ('!"#', "..."), ("plain/-?:().,'+ 1", "plain/-?:().,'+ 1"),
    ],
)  # fmt: skip
def test_what_letters_become(text, plain):
    assert one(transliterate, text) == plain


def test_the_set_is_the_standards() -> None:
    """EPC217-08, 6.2: Latin letters, digits, ten signs and the space."""
    letters = b"abcdefghijklmnopqrstuvwxyz"
    assert sorted(SEPA_BYTES) == sorted(letters + letters.upper() + b"0123456789" + b"/-?:().,'+" + b" ")


@given(ANY)
def test_the_result_is_in_the_set_and_stays(text):
    plain = one(transliterate, text)
    assert one(in_sepa_set, plain)
    assert one(transliterate, plain) == plain


@given(ANY)
def test_what_is_in_the_set_is_not_touched(text):
    if one(in_sepa_set, text):
        assert one(transliterate, text) == text


def test_nulls_stay_null():
    assert one(transliterate, None) is None
    assert one(in_sepa_set, None) is None
