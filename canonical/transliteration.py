"""The SEPA character set and the best way into it: EPC217-08, SEPA requirements for an extended character set.

Held against the SEPA conversion table that goes with it (as generated into the open source project bjansen/sepa-conversion-tool,
BasicLatinConverter): the letters of the European languages, Greek and Bulgarian, and the signs, are the table's. We differ on purpose
in: letters for which the table has a full stop though they have a base letter (ð, ŋ, ō, and the rest of Extended-B) keep that;
ĥ and ħ are h (the table's i is a slip, its capitals are H), я is ya (as its capital there); & is + (the table leaves out
the signs that XML reserves); dashes and typographic quotes, which the table does not know, become - and '.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

import polars as pl

SEPA_SET: Final = r"A-Za-z0-9/\-?:().,'+ "
"""Basic Latin set that every SEPA participant must take, as the inside of a character class; SWIFT's X set is the same."""
SEPA_BYTES: Final = bytes(byte for byte in range(128) if re.match(f"[{SEPA_SET}]", chr(byte)))
"""The same as ASCII bytes."""

PRINTABLE_SET: Final = r" -~"
"""Printable ASCII, as the inside of a character class: what CBPR+ takes in names, addresses and remittance text."""

_SIGNS: Final = {
    "&": "+", "¿": "?", "_": "-", "€": "E", ";": ",", "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/",
    "`": "'", "‘": "'", "’": "'", "~": "-", "–": "-", "—": "-", "\u00a0": " ", "\t": " ",
}  # fmt: skip
_LETTERS: Final = {
    "ß": "s", "æ": "a", "œ": "o", "ø": "o", "đ": "d", "ð": "d", "þ": "p", "ł": "l", "ħ": "h", "ı": "i", "ŋ": "n",
    "ŧ": "t", "ĸ": "k", "ŀ": "l", "ŉ": "n", "ĳ": "i",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h",
    "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ъ": "a", "ь": "y", "ю": "yu", "я": "ya",
}  # fmt: skip
_EXTENDED: Final = ((0x00C0, 0x024F), (0x0370, 0x03FF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF))


@cache
def transliterations() -> dict[str, str]:
    """Character → its replacement, for what the standard names and every accented letter of Latin and Greek."""
    table = dict(_SIGNS)
    for small, plain in _LETTERS.items():
        table[small] = plain
        # A capital that stays one character; "ß" and "ŉ" grow.
        if len(small.upper()) == 1:
            table.setdefault(small.upper(), plain.upper())
    for first, last in _EXTENDED:
        for character in map(chr, range(first, last + 1)):
            base = unicodedata.normalize("NFD", character)[0]
            plain = table.get(base, base)
            if character not in table and plain.isascii() and plain.isalpha():
                table[character] = plain
    return table


def in_sepa_set(text: pl.Expr) -> pl.Expr:
    """Boolean: every character is in the set. Line feeds are, since they only join canonical columns; null stays null."""
    return ~text.str.contains(f"[^{SEPA_SET}\n]")


def transliterate(text: pl.Expr, *, grow: bool = True) -> pl.Expr:
    """The text in the set: letters without their marks, signs by the standard's table, a point for everything else.

    `grow=False` gives one character for each, for text that would no longer fit: θ is t, not th.
    """
    table = transliterations()
    plain = [into if grow or len(into) == 1 else into[0] if into[0].isalpha() else "." for into in table.values()]
    composed = text.str.normalize("NFC")  # a letter and its mark may come as two characters
    return composed.str.replace_many(list(table), plain).str.replace_all(f"[^{SEPA_SET}\n]", ".")
