"""Fields of the MT101: which sequence they stand in, in which order, and how each is written.

Source: SWIFT, Category 1 customer payments and cheques, MT101 request for transfer: format specifications and field
specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from parsers._mt_segments import code_of

REPEATED: Final = "21"
"""The tag with which each sequence B begins."""

_LINE: Final = r"[^\n]{1,35}"
_LINES: Final = rf"{_LINE}(?:\n{_LINE}){{0,3}}"
_ACCOUNT: Final = r"/[^\n]{1,34}"
_BIC: Final = r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"
_REFERENCE: Final = r"[^/\n]+(?:/[^/\n]+)*"
_AMOUNT: Final = r"[A-Z]{3}[0-9]{1,14},[0-9]*"
_PARTY: Final = (rf"(?:/[^\n]{{1,36}}\n)?{_BIC}", "an optional party identifier, then a BIC on a line of its own")
_NAMED_BANK: Final = (
    rf"(?:/[^\n]{{1,36}}\n)?{_LINES}", "an optional party identifier, then up to four lines of 35 characters",
)  # fmt: skip
_CLEARING: Final = (_ACCOUNT, "a slash and up to 34 characters")
_REFERENCE_WORDS: Final = "up to 16 characters, without a slash at either end or two in a row"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its order in sequence A and B (None: it does not stand there), its pattern, that in words, its length."""

    tag: str
    first: int | None
    repeated: int | None
    pattern: str
    words: str
    chars_max: int = 300

    @property
    def code(self) -> int:
        """Its number among the tags."""
        return code_of(self.tag)


FIELDS: Final = (
    Field("20", 1, None, _REFERENCE, _REFERENCE_WORDS, 16),
    Field("21R", 2, None, _REFERENCE, _REFERENCE_WORDS, 16),
    Field("28D", 3, None, r"[0-9]{1,5}/[0-9]{1,5}", "message number, slash, number of messages"),
    Field("50C", 4, 5, _BIC, "a BIC"),
    Field("50L", 4, 5, _LINE, "up to 35 characters"),
    Field(
        "50F", 5, 6, rf"(?:{_ACCOUNT}|[A-Z]{{4}}/[A-Z]{{2}}/[^\n]{{1,27}})(?:\n[1-8]/[^\n]{{1,33}}){{1,4}}",
        "an account after a slash (or a code), then one to four lines such as 1/NAME, 2/STREET, 3/GB/TOWN",
    ),
    Field("50G", 5, 6, rf"{_ACCOUNT}\n{_BIC}", "an account after a slash, then a BIC on a line of its own"),
    Field("50H", 5, 6, rf"{_ACCOUNT}\n{_LINES}", "an account after a slash, then up to four lines of 35 characters"),
    Field("52A", 6, 7, *_PARTY),
    Field("52C", 6, 7, *_CLEARING),
    Field("51A", 7, None, *_PARTY),
    # What is no date of this is told by the rule `execution_date`.
    Field("30", 8, None, r"[^\n]+", "a date as YYMMDD"),
    Field("25", 9, None, _LINE, "up to 35 characters"),
    Field("21", None, 1, _REFERENCE, _REFERENCE_WORDS, 16),
    Field("21F", None, 2, _REFERENCE, _REFERENCE_WORDS, 16),
    Field("23E", None, 3, r"[A-Z]{4}(?:/[^\n]{1,30})?", "four letters, then perhaps a slash and up to 30 characters"),
    # What is no currency and no amount of this is told by the rules `required`, `currency` and `amount`.
    Field("32B", None, 4, r"[^\n]+", "currency and amount with a decimal comma"),
    Field("56A", None, 8, *_PARTY),
    Field("56C", None, 8, *_CLEARING),
    Field("56D", None, 8, *_NAMED_BANK),
    Field("57A", None, 9, *_PARTY),
    Field("57C", None, 9, *_CLEARING),
    Field("57D", None, 9, *_NAMED_BANK),
    Field("59", None, 10, rf"(?:{_ACCOUNT}\n)?{_LINES}", "an account after a slash, then up to four lines of 35 characters"),
    Field("59A", None, 10, rf"(?:{_ACCOUNT}\n)?{_BIC}", "an account after a slash, then a BIC on a line of its own"),
    Field(
        "59F", None, 10, rf"(?:{_ACCOUNT}\n)?[1-3]/[^\n]{{1,33}}(?:\n[1-3]/[^\n]{{1,33}}){{0,3}}",
        "an account after a slash, then one to four lines such as 1/NAME, 2/STREET, 3/GB/TOWN",
    ),
    Field("70", None, 11, _LINES, "up to four lines of 35 characters"),
    Field("77B", None, 12, rf"{_LINE}(?:\n{_LINE}){{0,2}}", "up to three lines of 35 characters"),
    Field("33B", None, 13, _AMOUNT, "currency and amount with a decimal comma", 18),
    Field("71A", None, 14, "OUR|SHA|BEN", "OUR, SHA or BEN"),
    Field("25A", None, 15, _ACCOUNT, "a slash and up to 34 characters"),
    Field("36", None, 16, "[0-9]+,[0-9]*", "a rate with a decimal comma, of up to 12 characters", 12),
)  # fmt: skip
ORDERING: Final = ("50F", "50G", "50H")
STRANGE_ORDERING: Final = ("50", "50A", "50K")
"""What other messages call the ordering customer: read like 50H, and told."""
BY_CODE: Final = {field.code: field for field in FIELDS}

CHARGE_BEARERS: Final = {"OUR": "DEBT", "SHA": "SHAR", "BEN": "CRED"}
SERVICE_LEVELS: Final = {"URGP": "URGP"}
CATEGORY_PURPOSES: Final = {"INTC": "INTC", "CORT": "CORT", "CMSW": "CASH", "CMTO": "CASH", "CMZB": "CASH"}
LOCAL_INSTRUMENTS: Final = {"RTGS": "RTGS", "NETS": "NETS"}
"""Instruction codes of 23E, and where ISO 20022 has a place for what they say."""
CHEQUES: Final = {"CHQB": "a cheque"}
REFUSED: Final = {"EQUI": "an amount that the bank works out from another currency"}
TOLD: Final = {
    "OTHR": "a bilateral instruction",
    "PHON": "a call to the beneficiary's bank",
    "REPA": "a related e-payment",
}
INSTRUCTIONS: Final = {*SERVICE_LEVELS, *CATEGORY_PURPOSES, *LOCAL_INSTRUMENTS, *CHEQUES, *REFUSED, *TOLD}

_INDEX: Final = re.compile(rb"[\r\n]:28D:")
_PAYER: Final = re.compile(rb"[\r\n]:50[FGH]:")
_AMOUNT_FIELD: Final = re.compile(rb"[\r\n]:32B:")
_NOT_OURS: Final = re.compile(rb"[\r\n]:(?:23B|32A):")
_MESSAGE: Final = re.compile(rb"\{2:[IO]101")
_TEXT: Final = re.compile(rb"[\s\x01]*(?:\{4:\s*)?:20:")
_END: Final = re.compile(rb"(?:^|[\r\n])-(?:\}(?:\{5:[^\r\n]*\})?)?[\s\x03$]*\Z")


def sniff(head: bytes) -> bool:
    """True when the bytes begin with an MT101, in its envelope or as a bare text block.

    A bare text without its 28D is one by the ordering customer and amount: 50G and 50H are of MT101 alone, 50F is in those
    of single payments too, whose amount is 32A. An MT104 (direct debits) has 50A or 50K.
    """
    if head.lstrip(b" \t\r\n\x01$").startswith(b"{1:"):
        return _MESSAGE.search(head) is not None
    if _TEXT.match(head) is None:
        return False
    ours = _PAYER.search(head) is not None and _AMOUNT_FIELD.search(head) is not None and _NOT_OURS.search(head) is None
    return ours or _INDEX.search(head) is not None


def closes(tail: bytes) -> bool:
    """True when the bytes end with the end of a text block."""
    return _END.search(tail) is not None
