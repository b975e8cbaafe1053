"""IBANs by the hundred thousand: structure and check digits of a whole column, country by country, in numpy."""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
from schwifty import registry
from schwifty.exceptions import InvalidCountryCode

from validators._matrix import VALUES, Bytes, Flags, by_width, constant, remainders_97

_SPANS: Final = {"n": (0, 9), "a": (10, 35), "c": (0, 35)}
_PATTERNS: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_DIGITS_OF: Final = {"n": 1, "a": 2, "c": 1}
CHECK_DIGITS_MIN: Final = 2
CHECK_DIGITS_MAX: Final = 98
"""The division takes 00, 01 and 99 too; ISO 13616 never gives them."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an IBAN of one country looks like. `classes`: n, a or c of each place, the first four included."""

    country: str
    classes: str

    @property
    def pattern(self) -> str:
        """As a regular expression without anchors."""
        runs = [(kind, len(list(run))) for kind, run in itertools.groupby(self.classes[2:])]
        return self.country + "".join(f"{_PATTERNS[kind]}{{{count}}}" for kind, count in runs)

    @property
    def spans(self) -> tuple[Bytes, Bytes]:
        """Smallest value of each place, and how far it may go above it."""
        low, high = (np.array([_SPANS[kind][n] for kind in self.classes], np.uint8) for n in (0, 1))
        return low, high - low

    @property
    def weights(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Powers of ten modulo 97 of each place, the first four turned to the end, where `c` places hold digits."""
        turned = [*range(4, len(self.classes)), 0, 1, 2, 3]
        weights, power = np.zeros(len(self.classes), np.float32), 1
        for place in reversed(turned):
            weights[place] = power
            power = power * 10 ** _DIGITS_OF[self.classes[place]] % 97
        return weights


def _classes(spec: str) -> str:
    """`4!n12!c` of the IBAN registry, place by place: nnnncccccccccccc."""
    classes, digits = "", ""
    for character in spec:
        if character.isdigit():
            digits += character
        elif character in _SPANS:
            classes, digits = classes + character * int(digits), ""
    return classes


@cache
def shape_of(country: str) -> Shape | None:
    """Shape of the country's IBANs, as the SWIFT registry has it; None where it has none."""
    try:
        return Shape(country, "aann" + _classes(registry.get_iban_spec(country).bban_spec))
    except InvalidCountryCode:
        return None


@cache
def shapes() -> dict[str, Shape]:
    """Country → shape of its IBANs, of all countries that have them: the registry lists none, it only answers for one."""
    pairs = map("".join, itertools.product(string.ascii_uppercase, repeat=2))
    return {country: shape for country in pairs if (shape := shape_of(country)) is not None}


@cache
def lengths() -> dict[str, int]:
    """Country → characters of its IBANs."""
    return {country: len(shape.classes) for country, shape in shapes().items()}


@cache
def any_shape() -> str:
    """One pattern that any well-structured IBAN fits."""
    return f"^(?:{'|'.join(shape.pattern for shape in shapes().values())})$"


def judged(accounts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Boolean by row: claims to be an IBAN (two letters, two digits at its head), and claims it wrongly. Nulls claim nothing."""
    if constant(accounts):
        claims, wrong = judged_each(accounts[:1])
        return claims.new_from_index(0, accounts.len()), wrong.new_from_index(0, accounts.len())
    return judged_each(accounts)


def judged_each(accounts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """`judged`, row by row."""
    claims, wrong = np.zeros(accounts.len(), np.bool_), np.zeros(accounts.len(), np.bool_)
    for width, rows, codes in by_width(accounts):
        if width >= 4:  # noqa: PLR2004  country and check digits
            claimed = _claimed(codes)
            claims[rows] = claimed
            wrong[rows] = claimed & _wrong(width, codes)
    return pl.Series("claims", claims), pl.Series("wrong", wrong)


def _claimed(codes: Bytes) -> Flags:
    letters = (codes[:, :2] | 0x20) - np.uint8(ord("a"))  # both cases; what is below wraps above
    digits = codes[:, 2:4] - np.uint8(ord("0"))
    held: Flags = (letters[:, 0] < 26) & (letters[:, 1] < 26) & (digits[:, 0] < 10) & (digits[:, 1] < 10)  # noqa: PLR2004
    return held


def _wrong(width: int, codes: Bytes) -> Flags:
    """Of texts of one width: all but those that are whole IBANs."""
    wrong = np.ones(len(codes), np.bool_)
    heads = codes[:, 0].astype(np.int64) << 8 | codes[:, 1]
    for head in np.flatnonzero(np.bincount(heads, minlength=1)):
        shape = shape_of(chr(head >> 8) + chr(head & 0xFF))
        if shape is not None and len(shape.classes) == width:
            here = heads == head
            wrong[here] = _broken(shape, VALUES[codes if here.all() else codes[here]])
    return wrong


def _broken(shape: Shape, values: Bytes) -> Flags:
    low, reach = shape.spans
    outside = values - low > reach
    remainders = (values.astype(np.float32) @ shape.weights).astype(np.int32) % 97
    loose = [place for place, kind in enumerate(shape.classes) if kind == "c"]
    if loose:
        lettered = (values[:, loose] > 9).any(axis=1)  # noqa: PLR2004  a digit's largest value
        if lettered.any():
            remainders[lettered] = remainders_97(values[lettered], turned=4)
    check_digits = values[:, 2] * np.uint8(10) + values[:, 3]
    broken: Flags = (remainders != 1) | (check_digits < CHECK_DIGITS_MIN) | (check_digits > CHECK_DIGITS_MAX)
    return broken | outside.any(axis=1) if outside.any() else broken
