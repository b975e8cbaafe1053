"""What the bytes of texts tell at a glance, against what the texts say."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation._glance import GLANCE, glances, is_plain, mixed

letters = st.text(st.sampled_from("aZ09-~! \t\n\u00a0\u2003éſ\0"), max_size=20)
texts = st.lists(st.one_of(st.none(), letters, st.text("AZaz09", max_size=20)), max_size=12)


def column(values: list[str | None]) -> pl.Series:
    return pl.Series("text", values, dtype=pl.String)


@given(texts)
def test_what_is_plain_has_no_blank_anywhere(values):
    found = column(values)
    if is_plain(found):
        assert not found.str.contains(r"\s").any()
        assert found.str.strip_chars().to_list() == values


@pytest.mark.parametrize("values", [
    ["E2E-1", "a reference~that!is#longer than twelve".replace(" ", "_"), None, ""], ["ABCDEFGHIJKL"], ["A" * 13, "B" * 400], [None], [],
])  # fmt: skip
def test_visible_letters_of_ascii_are_plain(values):
    assert is_plain(column(values))


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u2003"])
@pytest.mark.parametrize("text", ["{}A", "A{}", "ABCDEFGHIJKLMNOP{}", "{}ABCDEFGHIJKLMNOP", "ABCDEFGH{}IJKLMNOP"])
def test_a_blank_anywhere_is_not_plain(text, blank):
    assert not is_plain(column(["SOUND", text.format(blank), "A-LONGER-ONE-THAN-TWELVE"]))


def test_a_part_of_a_column_and_a_column_in_pieces_are_read_as_they_stand():
    whole = column(["has a blank", "PLAIN-1", "PLAIN-2-LONGER-THAN-TWELVE", "x y"])
    assert is_plain(whole[1:3])
    assert not is_plain(whole[:1])
    assert is_plain(pl.concat([column(["PLAIN"]), column(["SOUND"])], rechunk=False))
    assert not is_plain(pl.concat([column(["PLAIN"]), column(["NOT SO"])], rechunk=False))
    assert glances(whole)[1:3].to_list() == glances(column(["PLA", "pla"])).to_list()


@given(texts)
def test_a_glance_tells_the_first_letters_in_capitals_or_nothing(values):
    found = glances(column(values))
    sure = [
        value is not None and len(value) >= GLANCE and value[:GLANCE].isascii() and value[:GLANCE].isalnum()
        for value in values
    ]
    for value, said, is_sure in zip(values, found, sure, strict=True):
        if value is not None:
            assert (said is not None) == is_sure
            if is_sure:
                assert said == int.from_bytes(value[:GLANCE].upper().encode())


def test_what_is_not_sure_stays_so_when_it_is_mixed():
    seen = mixed(glances(column(["Muster", "Süd", "x"])), pl.Series([1, 2, 3], dtype=pl.UInt64))
    assert seen.is_null().to_list() == [False, True, True]
