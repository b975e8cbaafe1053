"""One window of bytes at speed: where its payments are, that they are well-formed, and the text of their elements.

The tags are found once, as columns (`_iso_tags`). Payments of the same tags are read by their shape (`_iso_shapes`), the few
that are left by libxml2 and xml2arrow (`_iso_rest`). What none of them can vouch for raises `Doubt`, and the exact reader
takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from canonical.limits import XML_TEXT_BYTES_MAX
from parsers._iso_faults import Doubt
from parsers._iso_paths import PREDEFINED
from parsers._iso_rest import rest_of
from parsers._iso_shapes import Cut, Shaped, Shapes, cut
from parsers._iso_tags import Bytes, Flags, Ints, Ranks, Tags, tags_of, words_of
from parsers._iso_xsd_layout import surely

_ORDER: Final = "<row>"
_BLANK: Final = 0x20
_ASCII: Final = 0x7F
_NONCHARACTER: Final = 0xEF


@dataclass(frozen=True, slots=True)
class Run:
    """Payments with no tag between them: bytes of the window, their line feeds and number."""

    start: int
    end: int
    lines: int
    payments: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What one slice holds: columns over its payments, offsets and line feeds counted from the slice's start.

    `texts`: the captured paths that occur, by piece. `escaped`: as in `Cut`. `lines`: line feeds in the slice. `depth`: deepest nesting inside a payment, the
    payment itself being 1. `sure`: of which payments the schema surely holds, and that another one follows without a tag between.
    """

    runs: tuple[Run, ...]
    starts: Ints
    ends: Ints
    lines_before: Ints
    texts: list[pl.Series]
    escaped: dict[str, Ints]
    lines: int
    depth: int
    sure: Flags


@dataclass(frozen=True, slots=True)
class Payments:
    """Columns over the payments: their first and last tags, and bytes."""

    firsts: Ints
    lasts: Ints
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class References:
    """Columns over the references inside payments: the payment, where it stands, and whether XML predefines it."""

    payments: Ints
    places: Ints
    predefined: npt.NDArray[np.bool_]


def scan(data: bytes, shapes: Shapes) -> Scan:
    """Read a slice that ends behind a payment's closing tag.

    Raises:
        Doubt: these bytes need the exact reader.
    """
    codes = np.frombuffer(data, np.uint8)
    newlines = characters(data, codes)
    tags = tags_of(data, codes)
    found = payments_of(tags, shapes)
    runs = runs_of(found, newlines)
    references = references_of(data, codes, found, runs)
    eligible = np.ones(len(found.starts), np.bool_)
    eligible[references.payments[~references.predefined]] = False
    templates, which = shapes.learn(tags, found.firsts, found.lasts, eligible)
    shaped = np.flatnonzero(which >= 0)
    rows = Shaped(shaped, found.firsts[shaped], templates, which[shaped])
    texts, depth = _texts(tags, found, rows, references.places, shapes)
    if data.find(b"\r") >= 0 or not references.predefined.all():
        _refuse_odd_blanks(texts.columns, shapes.message.currency)
    lines = newlines.at(found.starts)
    sure = _sure(tags, rows, runs, len(found.starts))
    return Scan(runs, found.starts, found.ends, lines, texts.columns, texts.escaped, newlines.total, depth, sure)


def characters(data: bytes, codes: Bytes) -> Ranks:
    """The line feeds, once every character is one that XML allows and ends lines as it should."""
    newlines = Ranks(codes == ord("\n"))
    others = np.count_nonzero(codes < _BLANK) - newlines.total
    if others and not only_line_feeds(data):
        raise Doubt("lines end in carriage returns")
    if others and others != data.count(b"\t") + data.count(b"\r"):
        raise Doubt("control characters")
    highest = codes.max()
    if highest >= _NONCHARACTER and (data.find(b"\xef\xbf\xbe") >= 0 or data.find(b"\xef\xbf\xbf") >= 0):
        raise Doubt("characters that are none")
    try:
        if highest > _ASCII:
            pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise Doubt("not UTF-8") from error
    return newlines


def payments_of(tags: Tags, shapes: Shapes) -> Payments:
    """Where the payments are. Raises Doubt."""
    opening, closing = (f"<{slash}{shapes.prefix}{shapes.message.payment}>".encode() for slash in ("", "/"))
    firsts, lasts = tags.spells(opening), tags.spells(closing)
    if len(firsts) != len(lasts) or not len(firsts):
        raise Doubt("opening and closing tags do not pair")
    starts, ends = tags.opens[firsts], tags.opens[lasts] + len(closing)
    if (firsts >= lasts).any() or (lasts[:-1] >= firsts[1:]).any() or (ends - starts).max() > XML_TEXT_BYTES_MAX:
        raise Doubt("payments overlap or are too long")
    return Payments(firsts, lasts, starts, ends)


def runs_of(found: Payments, newlines: Ranks) -> tuple[Run, ...]:
    """Runs of payments with no tag between them."""
    breaks = np.flatnonzero(found.firsts[1:] != found.lasts[:-1] + 1) + 1
    edges = np.concatenate([np.zeros(1, np.int64), breaks, np.array([len(found.firsts)])])
    starts, ends = found.starts[edges[:-1]], found.ends[edges[1:] - 1]
    lines = newlines.at(ends) - newlines.at(starts)
    columns = (starts.tolist(), ends.tolist(), lines.tolist(), np.diff(edges).tolist())
    return tuple(Run(*values) for values in zip(*columns, strict=True))


def references_of(data: bytes, codes: Bytes, found: Payments, runs: tuple[Run, ...]) -> References:
    """The references inside payments. Raises Doubt: one between them."""
    places = np.flatnonzero(codes == ord("&")) if data.find(b"&") >= 0 else np.empty(0, np.int64)
    run_starts, run_ends = np.array([run.start for run in runs]), np.array([run.end for run in runs])
    run = np.searchsorted(run_starts, places, side="right") - 1
    places = places[(run >= 0) & (places < run_ends[run])]
    payments = np.searchsorted(found.starts, places, side="right") - 1
    if (places >= found.ends[payments]).any():
        raise Doubt("a reference between payments")
    heads = words_of(data)[places]
    predefined = np.zeros(len(places), np.bool_)
    for text in PREDEFINED:
        mask = np.uint64(2 ** (8 * len(text)) - 1)
        predefined |= heads & mask == np.uint64(int.from_bytes(text.encode(), "little"))
    return References(payments, places, predefined)


def _texts(tags: Tags, found: Payments, shaped: Shaped, references: Ints, shapes: Shapes) -> tuple[Cut, int]:
    """The captured paths that occur, one row a payment, and the deepest nesting."""
    depths = [template.depth for template in shaped.templates]
    texts = cut(tags, shaped, references, shapes.message) if len(shaped.rows) else Cut([], {})
    if len(shaped.rows) == len(found.starts):
        return texts, max(depths)
    others = np.setdiff1d(np.arange(len(found.starts)), shaped.rows, assume_unique=True)
    view = memoryview(tags.data)
    spans = zip(found.starts[others].tolist(), found.ends[others].tolist(), strict=True)
    rest, depth = rest_of([view[start:end] for start, end in spans], shapes.message, shapes.prefix)
    parts = [
        pl.DataFrame([pl.Series(_ORDER, shaped.rows), *texts.columns]),
        pl.DataFrame([pl.Series(_ORDER, others), *rest]),
    ]
    whole = pl.concat(parts, how="diagonal").sort(_ORDER).drop(_ORDER)
    return Cut(whole.get_columns(), texts.escaped), max([depth, *depths])


def _sure(tags: Tags, shaped: Shaped, runs: tuple[Run, ...], payments: int) -> Flags:
    sure = np.zeros(payments, np.bool_)
    layouts = [template.layout for template in shaped.templates if template.layout is not None]
    if layouts:
        laid_out = np.array([template.layout is not None for template in shaped.templates])
        known = laid_out[shaped.which]
        which = (np.cumsum(laid_out) - 1)[shaped.which[known]]
        sure[shaped.rows[known]] = surely(tags, shaped.firsts[known], layouts, which)
        sure[np.cumsum([run.payments for run in runs]) - 1] = False
    return sure


def _refuse_odd_blanks(texts: list[pl.Series], currency: str) -> None:
    # XML reads CR LF as LF and blanks in attributes as spaces, character references excepted; here the bytes are kept.
    for column in texts:
        if column.str.contains(r"[\r\n\t]" if column.name.startswith(currency) else "\r").any():
            raise Doubt("carriage return in a text")


def only_line_feeds(data: bytes) -> bool:
    """True when every line ends in LF or CR LF, so that counting LF counts lines as expat does."""
    return data.find(b"\r") < 0 or data.count(b"\r") == data.count(b"\r\n")
