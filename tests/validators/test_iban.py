"""IBANs against schwifty, valid and mutated."""

from __future__ import annotations

import re
import string

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from validators import _iban, iban

LENGTHS = _iban.lengths()
ALPHABET = string.digits + string.ascii_uppercase


def schwifty_takes(text: str) -> bool:
    try:
        IBAN(text)
    except SchwiftyException:
        return False
    return True


def ours_takes(text: str) -> bool:
    return iban.problems(pl.Series("account", [text], pl.String)).is_empty()


@st.composite
def valid_ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(LENGTHS)))
    bban = "".join(
        draw(st.sampled_from(string.digits if kind == "n" else string.ascii_uppercase if kind == "a" else ALPHABET))
        for kind, count in shape(country)
        for _ in range(count)
    )
    number = "".join(str(int(character, 36)) for character in f"{bban}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{bban}"


def shape(country: str) -> list[tuple[str, int]]:
    from schwifty import registry

    parts, digits = [], ""
    for character in registry.get_iban_spec(country).bban_spec:
        if character.isdigit():
            digits += character
        elif character in "nac":
            parts.append((character, int(digits)))
            digits = ""
    return parts


@given(
    st.lists(
        st.sampled_from([None, "", "x", "DE", "1234", "DE89370400440532013000", "äöü", "DE8ä", "no90"]) | valid_ibans()
    )
)
def test_a_column_is_judged_as_its_rows_are(accounts):
    whole = _iban.judged(pl.Series("account", accounts, pl.String))
    alone = [_iban.judged(pl.Series("account", [account], pl.String)) for account in accounts]
    assert [series.to_list() for series in whole] == [[pair[n][0] for pair in alone] for n in (0, 1)]
    for account, claims, wrong in zip(accounts, *whole, strict=True):
        assert claims == bool(re.match("[A-Za-z]{2}[0-9]{2}", account or ""))
        assert wrong == (claims and not schwifty_takes(str(account)))


def test_parts_of_a_larger_frame_are_judged_by_their_own_bytes():
    accounts = pl.Series(
        "account", ["DE89370400440532013000", None, "DE88370400440532013000", "FR1420041010050500013M02606"]
    )
    assert _iban.judged(accounts[1:])[1].to_list() == [False, True, False]
    assert _iban.judged(pl.concat([accounts[2:], accounts[:1]]))[1].to_list() == [True, False, False]


def test_the_registry_is_whole():
    assert len(LENGTHS) >= 80
    assert LENGTHS["DE"] == 22
    assert LENGTHS["NO"] == 15


@given(valid_ibans())
def test_valid_ones_are_taken_by_both(text):
    assert schwifty_takes(text)
    assert ours_takes(text)


@given(valid_ibans(), st.integers(2, 33), st.sampled_from(ALPHABET))
def test_one_changed_character_is_judged_alike(text, place, character):
    place = min(place, len(text) - 1)
    changed = text[:place] + character + text[place + 1 :]
    if pl.Series([changed]).str.contains(r"^[A-Z]{2}[0-9]{2}")[0]:
        assert ours_takes(changed) == schwifty_takes(changed)


@given(valid_ibans(), st.integers(-3, 3))
def test_another_length_is_judged_alike(text, more):
    changed = text[:more] if more < 0 else text + "0" * more
    assert ours_takes(changed) == schwifty_takes(changed)


@pytest.mark.parametrize("alias", ["00", "01", "99"])
@given(valid_ibans())
def test_aliases_of_check_digits_are_refused(alias, text):
    assert not ours_takes(text[:2] + alias + text[4:])


def test_what_claims_nothing_is_passed_over():
    assert iban.problems(pl.Series("account", ["12345678", "ABC", "", None], pl.String)).is_empty()


def test_nacha_accounts_are_domestic(payments, context):
    assert iban.RULE.findings(payments({"creditor_account": "AB12345"}), context("nacha")).is_empty()
