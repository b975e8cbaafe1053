"""Check digits of structured references, for texts of one width as a matrix of bytes. All answer: is it right?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from validators._matrix import VALUES, Bytes, Flags, remainders_97

Numbers = np.ndarray[Any, np.dtype[np.int64]]

_RF_WIDTHS: Final = range(5, 26)
_QR_WIDTH: Final = 27
_BELGIAN_WIDTH: Final = 12
_FINNISH_WIDTHS: Final = range(4, 21)
_KID_WIDTHS: Final = range(2, 26)
_CARRIES: Final = np.array([0, 9, 4, 6, 8, 2, 7, 1, 3, 5])
"""Carry of the recursive modulo 10 by (carry + digit) modulo 10."""


def _digits(codes: Bytes) -> tuple[Numbers, Flags]:
    digits: Numbers = VALUES[codes].astype(np.int64)
    return digits, _up_to(9, digits)


def _up_to(most: int, values: Bytes | Numbers) -> Flags:
    """No value of the row is above it: 9 takes digits only, 35 capitals too."""
    within: Flags = np.logical_and.reduce(values <= most, axis=1)
    return within


def _none(codes: Bytes) -> Flags:
    return np.zeros(len(codes), np.bool_)


def creditor_reference(codes: Bytes) -> Flags:
    """ISO 11649: RF, two check digits, 1 to 21 capitals and digits; MOD 97-10 with the first four at the end is 1."""
    if codes.shape[1] not in _RF_WIDTHS:
        return _none(codes)
    values = VALUES[codes]
    right: Flags = _up_to(35, values) & (remainders_97(values, turned=4) == 1)
    return right


def qr_reference(codes: Bytes) -> Flags:
    """Swiss QR reference: 27 digits, the last one by recursive modulo 10 (SIX, QR-bill implementation guidelines)."""
    if codes.shape[1] != _QR_WIDTH:
        return _none(codes)
    digits, all_digits = _digits(codes)
    carry = np.zeros(len(codes), np.int64)
    for place in range(_QR_WIDTH - 1):
        carry = _CARRIES[(carry + digits[:, place]) % 10]
    right: Flags = all_digits & ((10 - carry) % 10 == digits[:, -1])
    return right


def belgian(codes: Bytes) -> Flags:
    """Belgian structured communication: ten digits, then they modulo 97 as two digits (97 where that is 0)."""
    if codes.shape[1] != _BELGIAN_WIDTH:
        return _none(codes)
    digits, all_digits = _digits(codes)
    powers = 10 ** np.arange(9, -1, -1)
    rest = digits[:, :10] @ powers % 97
    right: Flags = all_digits & (np.where(rest == 0, 97, rest) == digits[:, 10] * 10 + digits[:, 11])
    return right


def finnish(codes: Bytes) -> Flags:
    """Finnish reference number: 4 to 20 digits, the last one by weights 7, 3, 1 from the right."""
    if codes.shape[1] not in _FINNISH_WIDTHS:
        return _none(codes)
    digits, all_digits = _digits(codes)
    weights = np.resize([7, 3, 1], codes.shape[1] - 1)[::-1]
    right: Flags = all_digits & (-(digits[:, :-1] @ weights) % 10 == digits[:, -1])
    return right


def kid(codes: Bytes) -> Flags:
    """Norwegian KID: 2 to 25 digits, the last one by modulo 10 (Luhn) or modulo 11, where "-" stands for ten."""
    if codes.shape[1] not in _KID_WIDTHS:
        return _none(codes)
    digits, _ = _digits(codes)
    body, last = digits[:, :-1], digits[:, -1]
    dash = codes[:, -1] == ord("-")
    doubled = body * np.resize([2, 1], body.shape[1])[::-1]
    luhn = -(doubled // 10 + doubled % 10).sum(axis=1) % 10
    eleven = -(body @ np.resize([2, 3, 4, 5, 6, 7], body.shape[1])[::-1]) % 11
    right: Flags = _up_to(9, body) & ((luhn == last) | np.where(eleven == 10, dash, eleven == last))  # noqa: PLR2004  ten
    return right
