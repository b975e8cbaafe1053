"""Write ISO 20022 XML from columns: an expression gives each row's XML, its Arrow buffer goes to the file as it stands.

An element without text is left out, and so is one whose parts are all left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Final
from xml.sax.saxutils import escape

import numpy as np
import polars as pl

from canonical.errors import FrameBroken
from exporters._buffers import characters, write_run

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_SPECIAL: Final = "[&<>\\r]"
_SPACE: Final = 0x20
_NONCHARACTER_LEAD: Final = 0xEF
"""First byte of U+FFFE and U+FFFF in UTF-8."""
_UNHELD: Final = "".join(map(chr, range(_SPACE))).translate(dict.fromkeys(b"\t\n\r")) + "\ufffe\uffff"
"""Characters that XML 1.0 has no way to write (section 2.2, Char); that it knows no surrogates either is UTF-8's own rule."""
FORBIDDEN: Final = f"[{_UNHELD}]"
"""The same as a pattern."""
_CONTROLS: Final = [ord(character) for character in _UNHELD if ord(character) < _SPACE]
_NONCHARACTERS: Final = re.compile("|".join(character for character in _UNHELD if ord(character) > _SPACE).encode())


def text(value: pl.Expr) -> pl.Expr:
    """The value as character data; empty becomes null."""
    return _filled(value.str.replace_many(list(_ENTITIES), list(_ENTITIES.values())))


def _filled(value: pl.Expr) -> pl.Expr:
    # A when/then would name the value twice, and nested elements double it at every level.
    return value.replace("", None)


def literal(value: str) -> str:
    """The same for one value."""
    return escape(value, {"\r": "&#13;"})


def escaped(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The frame with these columns as character data. Columns without a special character are left as they are."""
    some = [name for name in names if frame[name].null_count() < frame.height]
    if not some:
        return frame
    # All texts of a row are looked through at once; only the rows with a find say which column it is in.
    special = frame.select(pl.concat_str(some, ignore_nulls=True).str.contains(_SPECIAL)).to_series()
    rows = frame.filter(special)
    found = rows.select(pl.col(name).str.contains(_SPECIAL).any() for name in some).row(0, named=True)
    replaced = list(_ENTITIES), list(_ENTITIES.values())
    return frame.with_columns(pl.col(name).str.replace_many(*replaced) for name, has in found.items() if has)


def leaf(name: str, value: pl.Expr) -> pl.Expr:
    """`<name>value</name>`, null where there is no value."""
    return wrap(name, text(value))


def leaves(name: str, lines: pl.Expr, before: str = "", after: str = "") -> pl.Expr:
    """One element for each line of character data that is joined by line feeds; empty lines are left out.

    `before` and `after`: XML that stands around each of them.
    """
    opening, closing = f"{before}<{name}>", f"</{name}>{after}"
    kept = _filled(lines.str.replace_all(r"\n{2,}", "\n").str.strip_chars("\n"))
    between = kept.str.replace_all("\n", closing + opening, literal=True)
    return pl.concat_str(pl.lit(opening), between, pl.lit(closing))


def node(name: str, *parts: pl.Expr) -> pl.Expr:
    """`<name>parts</name>`, null where every part is."""
    return wrap(name, _filled(pl.concat_str(parts, ignore_nulls=True)))


def wrap(name: str, inner: pl.Expr) -> pl.Expr:
    """`<name>inner</name>` around XML, null where it is null."""
    return pl.concat_str(pl.lit(f"<{name}>"), inner, pl.lit(f"</{name}>"))


def write_rows(frame: pl.DataFrame, row: pl.Expr, out: IO[bytes]) -> None:
    """Write each row's XML, in row order, with no copy in Python.

    Raises:
        FrameBroken: a row is null, or holds a character that XML cannot hold (validation refuses those).
    """
    write_column(frame.select(row.alias("xml")).to_series(), out)


def write_column(column: pl.Series, out: IO[bytes]) -> None:
    """The same for a column of XML."""
    if column.null_count():
        raise FrameBroken("a row of an XML file came out empty")
    for run in characters(column):
        if has_forbidden(run):
            raise FrameBroken("a text holds a character that XML cannot hold")
        write_run(run, out)


def has_forbidden(text: memoryview | bytes) -> bool:
    """True where UTF-8 text holds a character that XML 1.0 cannot hold (section 2.2)."""
    codes = np.frombuffer(text, dtype=np.uint8)
    # Most texts have none of them, and the smallest and the largest code are found ten times as fast.
    controls = codes[codes < _SPACE] if codes.size and codes.min() < _SPACE else codes[:0]
    if np.isin(controls, _CONTROLS).any():
        return True
    return bool(codes.size and codes.max() >= _NONCHARACTER_LEAD) and _NONCHARACTERS.search(text) is not None
