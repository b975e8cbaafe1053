"""Identifiers are deterministic: what a repeat makes has the same id, so that a repeat is visible as a repeat.

| id | from | form |
|---|---|---|
| file_id | client and SHA-256 of the bytes | 20 hex digits (80 bits) |
| payment_id | file_id and the payment's byte offset in the archived plain text | `file_id-OFFSET`, 33 characters, fits ISO Max35Text |
| submission_id | file, provider, rail and the ids of its payments | `S` and 19 hex digits |
| arrival_id, feedback_id, entry_id, break_id | what names the thing outside | prefix and 19 hex digits |
"""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl
import polars_hash as plh

ID_CHARS: Final = 20
OFFSET_DIGITS: Final = 12
SUBMISSION_ID: Final = rf"S[0-9a-f]{{{ID_CHARS - 1}}}"
"""Pattern of a submission_id."""
ONE_BATCH: Final = rf"^({SUBMISSION_ID})-\d+$"
"""Pattern of how one batch of several in a submission's file is named, with the submission as its group."""


def _digest(*parts: str) -> str:
    # The length before each part keeps ("ab", "c") and ("a", "bc") apart.
    hasher = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hasher.update(len(encoded).to_bytes(8, "big"))
        hasher.update(encoded)
    return hasher.hexdigest()


def make_file_id(client_id: str, sha256: str) -> str:
    """Id of a file: the same bytes from the same client are the same file, whatever its name."""
    return _digest("file", client_id, sha256)[:ID_CHARS]


def make_id(prefix: str, *parts: str) -> str:
    """Id of anything else: one capital letter and 19 hex digits."""
    return prefix + _digest(prefix, *parts)[: ID_CHARS - 1]


def ids_of(prefix: str, *parts: pl.Expr) -> pl.Expr:
    """`make_id` as a String column, of parts that are text or whole numbers; null where one is null.

    Right for parts of at most 127 bytes: their length before them is then one character.
    """
    pieces: list[pl.Expr] = [pl.lit(_length(prefix) + prefix)]
    for part in parts:
        text = part.cast(pl.String)
        size = text.str.len_bytes().cast(pl.Int64)
        known = size.replace_strict(_SIZES, [_length("x" * n) for n in _SIZES], default=None, return_dtype=pl.String)
        pieces += [known, text]
    digest = plh.concat_str(*pieces).chash.sha2_256()
    return pl.lit(prefix) + digest.str.slice(0, ID_CHARS - 1)


def digest_of(text: pl.Expr) -> pl.Expr:
    """String column: the first sixteen hexadecimal digits of the SHA-256 of a text, to see by that it is another; null of null."""
    return plh.concat_str(text).chash.sha2_256().str.slice(0, _SEEN_CHARS)


_SEEN_CHARS: Final = 16
_SIZES: Final = list(range(128))


def _length(text: str) -> str:
    """What stands before each part, as text: eight bytes, the last one below 128."""
    return len(text.encode()).to_bytes(8, "big").decode("ascii")


def payment_id_of(file_id: pl.Expr, offset: pl.Expr) -> pl.Expr:
    """String column `file_id-OFFSET`, the offset zero-padded so that ids sort in file order."""
    # A leading 1 pads to the digits with a sum, which is twice as fast as padding text.
    return file_id + pl.lit("-") + (offset + 10**OFFSET_DIGITS).cast(pl.String).str.slice(1)
