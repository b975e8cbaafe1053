"""Does a file begin as a table of payments does? Told without knowing what was agreed of it."""

from __future__ import annotations

import codecs
from typing import Final

from parsers._csv_template import normal

_SIGNS: Final = ",;\t|"
_LINES_MAX: Final = 40
_NAMES_MIN: Final = 3
_CELLS_MIN: Final = 4
_OTHERS: Final = ("<", "{", ":", "UNA", "UNB", "VOL1", "HDR1", "UHL1", "%PDF")


def looks_like_a_table(head: bytes) -> bool:
    """True when an early line reads as headings (three or more, each beginning with a letter), or all have equally many cells."""
    text = _text(head)
    if text is None or text.lstrip().startswith(_OTHERS):
        return False
    lines = [line.strip() for line in text.split("\n")[:_LINES_MAX]]
    return any(_reads_as_headings(line) for line in lines) or _even([line for line in lines if line], len(head))


def _text(head: bytes) -> str | None:
    """The first bytes as text; None for bytes that are none."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    for codec, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) > 1 and zeros.count(0) * 2 > len(zeros):
            return head[: len(head) // 2 * 2].decode(codec, "replace")
    if b"\0" in head:
        return None
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _reads_as_headings(line: str) -> bool:
    sign = max(_SIGNS, key=line.count)
    names = [normal(name.strip('"')) for name in line.rstrip(sign + " ").split(sign)]
    return len(names) >= _NAMES_MIN and all(name[:1].isalpha() for name in names)


def _even(lines: list[str], size: int) -> bool:
    """Rows without headings: at least four cells, in every line as many."""
    whole = lines[:-1] if size >= _WHOLE_BYTES else lines
    counts = {tuple(line.count(sign) for sign in _SIGNS) for line in whole}
    return len(counts) == 1 and max(max(counts)) >= _CELLS_MIN - 1


_WHOLE_BYTES: Final = 4096
"""A head of fewer bytes is the whole file; of a longer one the last line may be cut off."""
