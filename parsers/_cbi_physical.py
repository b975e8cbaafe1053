"""What a report of Italy's CBI says of the physical file that was sent: taken, or refused before anything in it was looked at.

Source: CBI, SEPA direct debit and payment status messages: PhyMsgInf/OrgnlPhyMsgInfAndSts, which stands before the logical messages.
"""

from __future__ import annotations

import mmap
import re
from typing import Final
from xml.sax.saxutils import unescape

from canonical.codes import Severity
from parsers._iso_faults import Fault

_HEAD_BYTES: Final = 2**16
_BLOCK: Final = re.compile(
    rb"<(?:[\w.-]+:)?OrgnlPhyMsgInfAndSts\b[^>]*>(.*?)</(?:[\w.-]+:)?OrgnlPhyMsgInfAndSts\s*>", re.DOTALL
)
_TEXT: Final = r"<(?:[\w.-]+:)?{}\b[^>]*>([^<]*)</"
_REFUSED: Final = "RJCT"
_REMEDY: Final = "Ask the bank what is wrong with the file and send it again; no payment of it was looked at."


def speaks_of_a_file(head: bytes) -> bool:
    """True when these bytes hold what CBI says of a physical file."""
    return _BLOCK.search(head) is not None


def refused_file(data: bytes | mmap.mmap) -> Fault | None:
    """The fault of a file that the bank refused as a whole; None where it was taken, or where nothing is said of it."""
    found = _BLOCK.search(bytes(data[:_HEAD_BYTES]))
    if found is None:
        return None
    block = found[1].decode("utf-8", "replace")
    if _first(block, "Sts") != _REFUSED:
        return None
    reason = _first(block, "Cd") or _first(block, "Prtry")
    words = [
        *([reason] if reason else []),
        *filter(None, map(_plain, re.findall(_TEXT.format("AddtlStsRsnInf"), block))),
    ]
    named = " ".join(filter(None, (_first(block, "PhyMsgTpCd"), _first(block, "IdE2EMsg")))) or "without a name"
    what = f"The bank refused the whole physical file {named[:80]}" + (f": {'; '.join(words)[:200]}." if words else ".")
    line = bytes(data[: found.start()]).count(b"\n") + 1
    return Fault(
        "pain002-physical", "NARR", what, _REMEDY, severity=Severity.ERROR, line=line,
        field="PhyMsgInf/OrgnlPhyMsgInfAndSts/Sts", value=_REFUSED,
    )  # fmt: skip


def _first(block: str, name: str) -> str | None:
    found = re.search(_TEXT.format(name), block)
    return _plain(found[1]) if found else None


def _plain(text: str) -> str:
    return " ".join(unescape(text).split())
