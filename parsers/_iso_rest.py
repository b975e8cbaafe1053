"""Payments of shapes beyond the number that is learned, or that need more than cutting: libxml2 vouches, xml2arrow reads.

What they cannot vouch for raises `Doubt`, and the exact reader takes over.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache, reduce
from operator import and_
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
from lxml import etree
from xml2arrow import Xml2ArrowError, XmlToArrowParser

from parsers._iso_faults import Doubt
from parsers._iso_paths import Message, joins, piece, takes_first

_ROOT: Final = "/B"
_PAYMENT_LEVEL: Final = 2


def rest_of(payments: list[memoryview], message: Message, prefix: str) -> tuple[list[pl.Series], int]:
    """The captured paths that occur, by piece, one row a payment, and the deepest nesting, a payment itself being 1.

    Raises:
        Doubt: these bytes need the exact reader.
    """
    opening = f'<B xmlns:{prefix[:-1]}="urn:b">' if prefix else "<B>"
    body = b"".join((opening.encode(), *payments, b"</B>"))
    # Comments, CDATA and instructions could hide tags, a namespace rename them; a payment in a payment is a fault.
    if any(body.find(mark, len(opening)) >= 0 for mark in (b"<!", b"<?", b"xmlns")):
        raise Doubt("markup inside payments")
    if body.count(message.payment.encode()) != 2 * len(payments):
        raise Doubt("a payment inside a payment")
    depth = _vouch(body, len(payments))
    return _texts(body, message, len(payments)), depth


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
    return _depth(body, payments) - 1


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


def _texts(body: bytes, message: Message, payments: int) -> list[pl.Series]:
    """One row a payment, one column a captured path."""
    try:
        tables = _parser(message).parse(body)
    except (Xml2ArrowError, TypeError) as error:
        raise Doubt("xml2arrow") from error
    texts = cast("pl.DataFrame", pl.from_arrow(tables["payments"])).drop("<row>")
    if texts.height != payments:
        raise Doubt("rows and payments differ in number")
    # An element that wraps payments would be a row without an amount.
    amounts = [texts[path].is_null() for path in (message.amount, message.equivalent) if path]
    if reduce(and_, amounts).any():
        raise Doubt("a payment without an amount")
    nested = {name: cast("pl.DataFrame", pl.from_arrow(tables[name])) for name in message.tables}
    homes = [(path, table) for path in message.payment_paths if (table := _table_of(message, path))]
    columns = texts.get_columns() + [_one_a_payment(nested[table], path, payments) for path, table in homes]
    return [column.alias(piece(column.name, 0)) for column in columns if column.null_count() < payments]


def _table_of(message: Message, path: str) -> str | None:
    return next((table for table in message.tables if path.startswith(f"{table}/")), None)


def _one_a_payment(table: pl.DataFrame, path: str, payments: int) -> pl.Series:
    """A path of a table of children, as one text a payment: joined by line feeds, or the first, or the only one."""
    found = table.select("<row>", path).drop_nulls(path)
    if found.is_empty():
        return pl.Series(path, [None], dtype=pl.String).new_from_index(0, payments)
    if found.get_column("<row>").n_unique() < found.height:
        if not (joins(path) or takes_first(path)):
            raise Doubt("an element stands more than once")
        texts = pl.col(path).str.join("\n") if joins(path) else pl.col(path).first()
        found = found.group_by("<row>", maintain_order=True).agg(texts)
    if found.height == payments:
        return found.get_column(path)
    every = pl.DataFrame({"<row>": pl.int_range(payments, eager=True).cast(found.schema["<row>"])})
    return every.join(found, on="<row>", how="left", maintain_order="left").get_column(path)


@cache
def _parser(message: Message) -> XmlToArrowParser:
    """The compiled xml2arrow configuration. It only takes a file, so one is written and removed again."""
    row = f"{_ROOT}/{message.payment}"

    def fields(table: str | None) -> str:
        line = "      - {{name: '{0}', xml_path: '{1}/{0}', data_type: Utf8, nullable: true}}\n"
        return "".join(line.format(path, row) for path in message.payment_paths if _table_of(message, path) == table)

    text = "parser_options:\n  trim_text: false\ntables:\n"
    text += f"  - name: payments\n    xml_path: {_ROOT}\n    levels: [row]\n    fields:\n{fields(None)}"
    for table in message.tables:
        text += f"  - name: {table}\n    xml_path: {row}/{table}\n    levels: [row, item]\n    fields:\n{fields(table)}"
    descriptor, name = tempfile.mkstemp(".yaml", "bulkrail-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return XmlToArrowParser(name)
    finally:
        Path(name).unlink()
