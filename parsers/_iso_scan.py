"""One window of bytes at speed: where its payments are, that they are well-formed, and the text of their elements.

Three columnar passes, each in native code that releases the interpreter: Aho-Corasick for the tags, libxml2 for
well-formedness, xml2arrow for the text. What none of them can vouch for raises `Doubt`, and the exact reader takes over.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from lxml import etree
from xml2arrow import Xml2ArrowError, XmlToArrowParser

from canonical.limits import XML_TEXT_BYTES_MAX
from parsers._iso_faults import Doubt
from parsers._iso_paths import AMOUNT, CURRENCY, EQUIVALENT, FIRST, JOINED, PAYMENT_PATHS

_ROOT: Final = "/B"
_ROW: Final = f"{_ROOT}/CdtTrfTxInf"
_TABLES: Final = ("RmtInf", "Cdtr/PstlAdr", "PmtTpInf")
"""Elements with children that may repeat. xml2arrow makes one row of each child, so they are tables of their own."""
_NESTED: Final = {path: table for table in _TABLES for path in PAYMENT_PATHS if path.startswith(f"{table}/")}
_FLAT: Final = tuple(path for path in PAYMENT_PATHS if path not in _NESTED)
_PAYMENT_LEVEL: Final = 2
_BYTES = npt.NDArray[np.uint8]
_INTS = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Run:
    """Payments that follow one another with nothing between them: bytes of the window, their line feeds and number."""

    start: int
    end: int
    lines: int
    payments: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What one window holds. `raw`: columns line, offset, length (relative to the window) and the captured paths.

    `lines`: line feeds in the window; `depth`: deepest nesting inside a payment, the payment itself being 1.
    """

    runs: tuple[Run, ...]
    raw: pl.DataFrame
    lines: int
    depth: int


def scan(data: bytes, prefix: str) -> Scan:
    """Read a window that ends behind a payment's closing tag; `prefix` as in `ns:` or empty.

    Raises:
        Doubt: these bytes need the exact reader.
    """
    codes = np.frombuffer(data, np.uint8)
    starts, ends, bounds = _cut(data, codes, prefix)
    newlines = np.flatnonzero(codes == ord("\n"))
    runs = _runs(starts, ends, bounds, newlines)
    view = memoryview(data)
    opening = f'<B xmlns:{prefix[:-1]}="urn:b">' if prefix else "<B>"
    body = b"".join((opening.encode(), *(view[run.start : run.end] for run in runs), b"</B>"))
    depth = _vouch(body, len(starts))
    texts = _texts(body, len(starts))
    places = pl.DataFrame({"line": np.searchsorted(newlines, starts), "offset": starts, "length": ends - starts})
    return Scan(runs, pl.concat([places, texts], how="horizontal"), len(newlines), depth)


def _cut(data: bytes, codes: _BYTES, prefix: str) -> tuple[_INTS, _INTS, _INTS]:
    """Starts and ends of the payments, and the first payment of each run but the first."""
    opening, closing, batch_end = f"<{prefix}CdtTrfTxInf>", f"</{prefix}CdtTrfTxInf>", f"</{prefix}PmtInf>"
    try:
        text = pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise Doubt("not UTF-8") from error
    found = text.str.find_many([opening, closing, batch_end, "xmlns", "<!", "<?"]).explode()
    hits = found.to_numpy().astype(np.int64)
    first, second, third = codes[hits], codes[hits + 1], codes[hits + 2 + len(prefix)]
    is_end = (first == ord("<")) & (second == ord("/"))
    starts = hits[(first == ord("<")) & ~is_end & (second != ord("!")) & (second != ord("?"))]
    ends = hits[is_end & (third == ord("C"))] + len(closing)
    if len(starts) != len(ends) or not len(starts):
        raise Doubt("opening and closing tags do not pair")
    if (starts >= ends).any() or (ends[:-1] > starts[1:]).any() or (ends - starts).max() > XML_TEXT_BYTES_MAX:
        raise Doubt("payments overlap or are too long")
    bounds = np.unique(np.searchsorted(ends, hits[is_end & (third == ord("P"))], side="right"))
    bounds = bounds[(bounds > 0) & (bounds < len(starts))]
    # Comments, CDATA, instructions and namespaces inside a run could hide or rename tags; outside, expat reads them.
    others = hits[((first == ord("<")) & ((second == ord("!")) | (second == ord("?")))) | (first == ord("x"))]
    run_starts, run_ends = _run_edges(starts, ends, bounds)
    inside = np.searchsorted(run_starts, others, side="right") - 1
    if ((inside >= 0) & (others < run_ends[inside])).any():
        raise Doubt("markup inside payments")
    return starts, ends, bounds


def _run_edges(starts: _INTS, ends: _INTS, bounds: _INTS) -> tuple[_INTS, _INTS]:
    firsts = np.concatenate([np.zeros(1, np.int64), bounds])
    lasts = np.concatenate([bounds - 1, np.array([len(ends) - 1])])
    return starts[firsts], ends[lasts]


def _runs(starts: _INTS, ends: _INTS, bounds: _INTS, newlines: _INTS) -> tuple[Run, ...]:
    run_starts, run_ends = _run_edges(starts, ends, bounds)
    lines = np.searchsorted(newlines, run_ends) - np.searchsorted(newlines, run_starts)
    payments = np.diff(np.concatenate([np.zeros(1, np.int64), bounds, np.array([len(starts)])]))
    columns = (run_starts.tolist(), run_ends.tolist(), lines.tolist(), payments.tolist())
    return tuple(Run(*values) for values in zip(*columns, strict=True))


class _Nothing:
    """A parser target that keeps nothing: libxml2 only looks."""

    def close(self) -> None:
        return None


def _vouch(body: bytes, payments: int) -> int:
    """Well-formed, all prefixes bound, lines ended by line feeds. Gives the depth of the payments."""
    parser = etree.XMLParser(
        target=cast("Any", _Nothing()),  # the stubs ask for handlers that lxml does without
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
        encoding="UTF-8",
    )
    try:
        parser.feed(body)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise Doubt("not well-formed") from error
    # The stubs do not know the log of a parser that is fed.
    if len(cast("Any", parser).feed_error_log.filter_from_errors()):
        raise Doubt("unbound prefix")
    if not only_line_feeds(body):
        raise Doubt("lines end in carriage returns")
    return _depth(body, payments) - 1


def only_line_feeds(data: bytes) -> bool:
    """True when every line ends in LF or CR LF, so that counting LF counts lines as expat does."""
    return data.find(b"\r") < 0 or data.count(b"\r") == data.count(b"\r\n")


def _depth(body: bytes, payments: int) -> int:
    """Deepest nesting of well-formed XML without comments, CDATA and instructions; may be one too many.

    Raises:
        Doubt: the root holds other elements than these payments, or a `/>` stands in a text or an attribute.
    """
    codes = np.frombuffer(body, np.uint8)
    tags = np.flatnonzero(codes == ord("<"))
    steps = np.where(codes[tags + 1] == ord("/"), np.int8(-1), np.int8(1))
    levels = np.cumsum(steps, dtype=np.int32)
    empty = 0
    if levels[-1] != 0:
        slashes = np.flatnonzero((codes[:-1] == ord("/")) & (codes[1:] == ord(">")))
        steps[np.searchsorted(tags, slashes) - 1] = 0
        levels = np.cumsum(steps, dtype=np.int32)
        empty = int(np.count_nonzero((steps == 0) & (levels == 1)))
        if levels[-1] != 0:
            raise Doubt("empty elements cannot be told from text")
    if empty + np.count_nonzero((steps == 1) & (levels == _PAYMENT_LEVEL)) != payments:
        raise Doubt("other elements between payments")
    return int(levels.max()) + 1


def _texts(body: bytes, payments: int) -> pl.DataFrame:
    """One row a payment, one column a captured path."""
    try:
        tables = _parser().parse(body)
    except (Xml2ArrowError, TypeError) as error:
        raise Doubt("xml2arrow") from error
    texts = cast("pl.DataFrame", pl.from_arrow(tables["payments"])).drop("<row>")
    if texts.height != payments:
        raise Doubt("rows and payments differ in number")
    # An element that wraps payments would be a row without an amount.
    if (texts[AMOUNT].is_null() & texts[EQUIVALENT].is_null()).any():
        raise Doubt("a payment without an amount")
    columns = [texts.get_column(path) for path in _FLAT]
    nested = {name: cast("pl.DataFrame", pl.from_arrow(tables[name])) for name in _TABLES}
    columns += [_one_a_payment(nested[table], path, payments) for path, table in _NESTED.items()]
    _no_odd_blanks(body, columns)
    return pl.DataFrame(columns).select(PAYMENT_PATHS)


def _one_a_payment(table: pl.DataFrame, path: str, payments: int) -> pl.Series:
    """A path of a table of children, as one text a payment: joined by line feeds, or the first, or the only one."""
    found = table.select("<row>", path).drop_nulls(path)
    if found.is_empty():
        return pl.Series(path, [None], dtype=pl.String).new_from_index(0, payments)
    if found.get_column("<row>").n_unique() < found.height:
        if path not in JOINED | FIRST:
            raise Doubt("an element stands more than once")
        texts = pl.col(path).str.join("\n") if path in JOINED else pl.col(path).first()
        found = found.group_by("<row>", maintain_order=True).agg(texts)
    if found.height == payments:
        return found.get_column(path)
    every = pl.DataFrame({"<row>": pl.int_range(payments, eager=True).cast(found.schema["<row>"])})
    return every.join(found, on="<row>", how="left", maintain_order="left").get_column(path)


def _no_odd_blanks(body: bytes, columns: list[pl.Series]) -> None:
    # XML reads CR LF as LF and blanks in attributes as spaces, character references excepted; xml2arrow keeps the bytes.
    if body.find(b"\r") < 0 and body.find(b"&#") < 0:
        return
    for column in columns:
        odd = r"[\r\n\t]" if column.name == CURRENCY else "\r"
        if column.str.contains(odd).any():
            raise Doubt("carriage return in a text")


@cache
def _parser() -> XmlToArrowParser:
    """The compiled xml2arrow configuration. It only takes a file, so one is written and removed again."""

    def fields(paths: tuple[str, ...]) -> str:
        line = "      - {{name: '{0}', xml_path: '{1}/{0}', data_type: Utf8, nullable: true}}\n"
        return "".join(line.format(path, _ROW) for path in paths)

    text = "parser_options:\n  trim_text: false\ntables:\n"
    text += f"  - name: payments\n    xml_path: {_ROOT}\n    levels: [row]\n    fields:\n{fields(_FLAT)}"
    for table in _TABLES:
        inside = tuple(path for path, home in _NESTED.items() if home == table)
        text += (
            f"  - name: {table}\n    xml_path: {_ROW}/{table}\n    levels: [row, item]\n    fields:\n{fields(inside)}"
        )
    descriptor, name = tempfile.mkstemp(suffix=".yaml")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return XmlToArrowParser(name)
    finally:
        Path(name).unlink()
