"""National check digits inside a BBAN, by country: bytes of BBANs in (the IBAN without its first four), Boolean by row out.

Only rules that hold for every bank of the country. Each is named by its standard; tests hold them against an independent library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from validators._matrix import VALUES, Bytes, Flags, remainders_97

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def _weighed(codes: Bytes, weights: list[int]) -> Numbers:
    """Sum of the digits, each times its weight; a letter counts as its value of 10 to 35."""
    sums: Numbers = VALUES[codes].astype(np.int64) @ np.array(weights)
    return sums


def _digit(codes: Bytes, place: int) -> Numbers:
    return VALUES[codes[:, place]].astype(np.int64)


def _two(codes: Bytes, place: int) -> Numbers:
    return _digit(codes, place) * 10 + _digit(codes, place + 1)


def _mod_97_is_one(codes: Bytes) -> Flags:
    # ISO 7064 MOD 97-10 over the whole BBAN: Bosnia and Herzegovina, Montenegro, North Macedonia, Portugal, Serbia, Slovenia,
    # Timor-Leste. 00, 01 and 99 are never given.
    given = _two(codes, codes.shape[1] - 2)
    flags: Flags = (remainders_97(VALUES[codes]) == 1) & (given > 1) & (given < 99)  # noqa: PLR2004
    return flags


def _belgium(codes: Bytes) -> Flags:
    # Febelfin: first ten digits modulo 97, 97 where that is 0.
    rest = remainders_97(VALUES[codes[:, :10]])
    flags: Flags = np.where(rest == 0, 97, rest) == _two(codes, 10)
    return flags


_RIB_VALUES: Final = np.array([*range(10), *([1, 2, 3, 4, 5, 6, 7, 8, 9] * 2), 2, 3, 4, 5, 6, 7, 8, 9])
"""Letters of French account numbers as digits: A to I and J to R are 1 to 9, S to Z are 2 to 9."""


def _france(codes: Bytes) -> Flags:
    # CFONB, clé RIB: bank, branch, account and key as one number are a multiple of 97.
    digits = _RIB_VALUES[np.minimum(VALUES[codes], 35)].astype(np.float32)
    powers = np.array([pow(10, codes.shape[1] - 1 - place, 97) for place in range(codes.shape[1])], np.float32)
    given = _two(codes, codes.shape[1] - 2)
    flags: Flags = ((digits @ powers).astype(np.int32) % 97 == 0) & (given > 0) & (given < 98)  # noqa: PLR2004  98 and 99 stand for 01 and 02
    return flags


def _spain(codes: Bytes) -> Flags:
    # Código cuenta cliente: two digits by modulo 11, one over bank and branch, one over the account.
    weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]
    first = 11 - _weighed(codes[:, :8], weights[2:]) % 11
    second = 11 - _weighed(codes[:, 10:], weights) % 11
    kept = [np.where(digit > 9, 11 - digit, digit) for digit in (first, second)]  # noqa: PLR2004  11 is 0, 10 is 1
    flags: Flags = (kept[0] == _digit(codes, 8)) & (kept[1] == _digit(codes, 9))
    return flags


_CIN_ODD: Final = np.array(
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
)


def _italy(codes: Bytes) -> Flags:
    # ABI, CIN: letters and digits by their place in the alphabet, odd places by a table, even ones as they are.
    values = np.minimum(VALUES[codes[:, 1:]], 35).astype(np.int64)
    places = np.where(values > 9, values - 10, values)  # noqa: PLR2004
    total = _CIN_ODD[places[:, 0::2]].sum(axis=1) + places[:, 1::2].sum(axis=1)
    flags: Flags = total % 26 + 10 == _digit(codes, 0)
    return flags


def _finland(codes: Bytes) -> Flags:
    # Finance Finland, BBAN in machine format: Luhn over all fourteen digits.
    digits = VALUES[codes].astype(np.int64)
    doubled = digits * np.resize([2, 1], 14)
    flags: Flags = (doubled // 10 + doubled % 10).sum(axis=1) % 10 == 0
    return flags


def _norway(codes: Bytes) -> Flags:
    # Bits, account number: modulo 11, weights 5 4 3 2 7 6 5 4 3 2. Where the group (digits five and six) is 00 it may be counted
    # from the seventh digit on, and numbers of the old postal giro (0000) have a rule of their own: those are taken.
    weights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
    last = _digit(codes, 10)
    whole = -_weighed(codes[:, :10], weights) % 11 == last
    short = (_two(codes, 4) == 0) & (-_weighed(codes[:, 6:10], weights[:4]) % 11 == last)
    flags: Flags = whole | short | ((_two(codes, 0) == 0) & (_two(codes, 2) == 0))
    return flags


def _estonia(codes: Bytes) -> Flags:
    # Estonian Banking Association: weights 7 3 1 from the right over bank and account number, without the bank code.
    check = -_weighed(codes[:, 2:15], [7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7]) % 10
    flags: Flags = check == _digit(codes, 15)
    return flags


def _czechia_slovakia(codes: Bytes) -> Flags:
    # Decree 169/2011 of the Czech National Bank: prefix and account each a multiple of 11 by weights.
    weights = [6, 3, 7, 9, 10, 5, 8, 4, 2, 1]
    prefix, account = _weighed(codes[:, 4:10], weights[4:]), _weighed(codes[:, 10:], weights)
    flags: Flags = (prefix % 11 == 0) & (account % 11 == 0)
    return flags


def _poland(codes: Bytes) -> Flags:
    # National Bank of Poland, bank sort code: weights 3 9 7 1 3 9 7.
    flags: Flags = -_weighed(codes[:, :7], [3, 9, 7, 1, 3, 9, 7]) % 10 == _digit(codes, 7)
    return flags


def _hungary(codes: Bytes) -> Flags:
    # GIRO: bank and branch by weights 9 7 3 1, and the account by the same, each a multiple of 10.
    weights = [9, 7, 3, 1]
    bank = _weighed(codes[:, :8], weights * 2)
    account = _weighed(codes[:, 8:24], weights * 4)
    flags: Flags = (bank % 10 == 0) & (account % 10 == 0)
    return flags


COUNTRIES: Final[Mapping[str, Callable[[Bytes], Flags]]] = {
    **dict.fromkeys(("BA", "ME", "MK", "PT", "RS", "SI", "TL"), _mod_97_is_one),
    "BE": _belgium,
    "FR": _france,
    "MC": _france,
    "ES": _spain,
    "IT": _italy,
    "SM": _italy,
    "FI": _finland,
    "NO": _norway,
    "EE": _estonia,
    "CZ": _czechia_slovakia,
    "SK": _czechia_slovakia,
    "PL": _poland,
    "HU": _hungary,
}
