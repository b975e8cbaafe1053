"""Modulus checks of UK account numbers, over arrays: which pairs of sorting code and account number cannot exist.

Source: Vocalink, Validating account numbers: UK modulus checking, 1.3 (methods) and 2.2 (steps and exceptions). The
letters u-z name the digits of the sorting code, a-h those of the account.
"""

# ruff: noqa: PLR2004  exceptions are told by their numbers and digits compared, as the standard writes them

from __future__ import annotations

from typing import Final

import numpy as np

from validators._modulus_tables import ALGORITHMS, Tables

_A, _B, _C, _G, _H = 6, 7, 8, 12, 13
_NONE: Final = -1
_MODULI: Final = np.array([10, 11, 10])
_DBLAL: Final = ALGORITHMS.index("DBLAL")
_EITHER: Final = [2, 9, 10, 11, 12, 13, 14]
"""Exceptions of the first check with which one check of two is enough."""
_SORTING_CODES: Final = {8: 90126, 9: 309634}
_EURO: Final = np.array([0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1])
_EURO_G9: Final = np.array([0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1])
_INSTITUTION_SUM: Final = 27
_LOOKUP_ROWS: Final = 2048


def possible(sorting_codes: np.ndarray, accounts: np.ndarray, tables: Tables) -> np.ndarray:
    """Boolean: the account number can exist at the sorting code, or the tables have no check for it.

    `sorting_codes`: numbers of six digits; `accounts`: numbers of eight digits.
    """
    digits = np.hstack((_digits_of(sorting_codes, 6), _digits_of(accounts, 8)))
    first, second = _rows(sorting_codes, tables)
    passed_first = _passes(digits, sorting_codes, first, tables)
    passed_second = _passes(digits, sorting_codes, second, tables)
    exception = np.where(first == _NONE, 0, tables.exception[first])
    either = np.isin(exception, _EITHER)
    has_second = second != _NONE
    moved = exception == 14
    if moved.any():
        # The second check of exception 14 takes the first one's row, the last digit moved away.
        shifted = digits.copy()
        shifted[:, _A + 1 :] = digits[:, _A:_H]
        shifted[:, _A] = 0
        again = np.isin(digits[:, _H], (0, 1, 9)) & _passes(shifted, sorting_codes, first, tables)
        passed_second, has_second = np.where(moved, again, passed_second), has_second | moved
    both = passed_first & (passed_second | ~has_second)
    valid: np.ndarray = np.where(either, passed_first | (has_second & passed_second), both)
    return valid


def _digits_of(numbers: np.ndarray, count: int) -> np.ndarray:
    digits = [numbers // 10**place % 10 for place in range(count - 1, -1, -1)]
    return np.stack(digits, axis=1).astype(np.int16)


def _rows(sorting_codes: np.ndarray, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Row of the first and of the second check for each sorting code, -1 where there is none."""
    distinct, position = np.unique(sorting_codes, return_inverse=True)
    first = np.full(distinct.size, _NONE)
    second = first.copy()
    for at in range(0, distinct.size, _LOOKUP_ROWS):
        codes = distinct[at : at + _LOOKUP_ROWS, None]
        inside = (tables.start <= codes) & (codes <= tables.end)
        for found in (first, second):
            row = inside.argmax(axis=1)
            hit = inside[np.arange(len(row)), row]
            found[at : at + _LOOKUP_ROWS] = np.where(hit, row, _NONE)
            inside[np.arange(len(row)), row] = False
    return first[position], second[position]


def _passes(digits: np.ndarray, sorting_codes: np.ndarray, rows: np.ndarray, tables: Tables) -> np.ndarray:
    """Boolean: the check of that row of the table passes; True where the row is -1."""
    passed = np.ones(len(rows), bool)
    concerned = np.flatnonzero(rows != _NONE)
    if concerned.size:
        passed[concerned] = _fits(digits[concerned], sorting_codes[concerned], rows[concerned], tables)
    return passed


def _fits(digits: np.ndarray, sorting_codes: np.ndarray, rows: np.ndarray, tables: Tables) -> np.ndarray:
    exception, algorithm = tables.exception[rows], tables.algorithm[rows]
    account_a, account_c, account_g, account_h = (digits[:, place] for place in (_A, _C, _G, _H))
    numbers = _substituted(digits, sorting_codes, exception, tables)
    products = numbers * _weights(digits, exception, tables.weights[rows])
    total = products.sum(axis=1)
    double = algorithm == _DBLAL
    total[double] = _digit_sum(products[double])
    total[exception == 1] += _INSTITUTION_SUM
    modulus = _MODULI[algorithm]
    rest = total % modulus
    passed: np.ndarray = rest == 0
    passed = np.where(exception == 4, rest == 10 * account_g + account_h, passed)
    check_digit = np.where(double, account_h, account_g)
    # Modulus 11 less a rest of 1 is 10, which is no digit: such an account fails, as it must.
    passed = np.where(exception == 5, (modulus - rest) % modulus == check_digit, passed)
    passed |= (exception == 3) & ((account_c == 6) | (account_c == 9))
    passed |= (exception == 6) & (account_a >= 4) & (account_a <= 8) & (account_g == account_h)
    return passed


def _substituted(digits: np.ndarray, sorting_codes: np.ndarray, exception: np.ndarray, tables: Tables) -> np.ndarray:
    """The digits with the sorting code that the exception puts in its place."""
    changed = np.isin(exception, (5, *_SORTING_CODES))
    if not changed.any():
        return digits
    codes = sorting_codes.copy()
    for original, substitute in zip(tables.original, tables.substitute, strict=True):
        codes[(exception == 5) & (sorting_codes == original)] = substitute
    for number, code in _SORTING_CODES.items():
        codes[exception == number] = code
    numbers = digits.copy()
    numbers[changed, :_A] = _digits_of(codes[changed], _A)
    return numbers


def _weights(digits: np.ndarray, exception: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rows' weights (a copy of their own, changed here) as the exceptions change them."""
    nine = digits[:, _G] == 9
    euro = (exception == 2) & (digits[:, _A] != 0)
    weights[euro & ~nine] = _EURO
    weights[euro & nine] = _EURO_G9
    pair = digits[:, _A] * 10 + digits[:, _B]
    zeroed = ((exception == 7) | ((exception == 10) & ((pair == 9) | (pair == 99)))) & nine
    weights[zeroed, : _B + 1] = 0
    return weights


def _digit_sum(products: np.ndarray) -> np.ndarray:
    """Sum of the single digits of each row's products, which have four at most."""
    sizes = np.abs(products)
    digits = sizes % 10 + sizes // 10 % 10 + sizes // 100 % 10 + sizes // 1000
    sums: np.ndarray = (np.sign(products) * digits).sum(axis=1)
    return sums
