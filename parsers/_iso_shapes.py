"""Shapes of payments: those whose tags are byte for byte the same have their texts at the same places.

A file's payments have few shapes. One payment of each is read by expat, tag by tag: that settles well-formedness, paths
and attributes for all of them, and their texts are then cut out as columns. What the tags cannot vouch for is looked at
beforehand by `_iso_scan`: characters, references, and what stands between the payments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from xml.parsers import expat

import numpy as np
import polars as pl

from parsers._iso_faults import Doubt
from parsers._iso_paths import MIXED, Message, Node, joins, piece, takes_first
from parsers._iso_tags import Flags, Ints, Powers, Spelling, Tags, sequence_prints
from parsers._iso_views import views_of
from parsers._iso_xsd_layout import Layout, layout_of
from parsers._iso_xsd_types import PaymentSchema

_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class Template:
    """One shape. Numbers are ordinals of tags in the payment, the text standing behind them.

    `tags`: their bytes. `places`: path → where its text stands, once for each time the element is there. `fixed`: path →
    attribute value. `blank`: where only blanks may stand, between the children of an element that elsewhere holds text.
    `layout`: what the schema holds of, once a payment was met that it holds of.
    """

    tags: Spelling
    places: dict[str, tuple[int, ...]]
    fixed: dict[str, str]
    blank: tuple[int, ...]
    depth: int
    layout: Layout | None = None


@dataclass(slots=True)
class Shapes:
    """The shapes of one file, learned as they are met, `most` of them. None: a shape that has to be read otherwise.

    Learning one costs as much as the other reader does for a dozen payments, but the other reader's fixed work for a slice
    is ten times that: one odd payment in each slice is worth its shape.
    """

    message: Message
    prefix: str
    most: int = _MOST
    schema: PaymentSchema | None = None
    known: dict[int, Template | None] = field(default_factory=dict)
    powers: Powers = field(default_factory=Powers)

    def learn(self, tags: Tags, firsts: Ints, lasts: Ints, eligible: Flags) -> tuple[list[Template], Ints]:
        """Templates of the payments from tag `firsts` to `lasts`, and which of them each payment has; -1 for none."""
        prints = sequence_prints(tags, firsts, lasts, self.powers)
        rows = np.flatnonzero(eligible)
        values, examples, which = np.unique(prints[rows], return_index=True, return_inverse=True)
        templates: list[Template] = []
        number = np.full(len(values), -1, np.int64)
        for position, (value, example) in enumerate(zip(values.tolist(), rows[examples].tolist(), strict=True)):
            if value not in self.known and len(self.known) < self.most:
                opens = tags.opens[firsts[example] : lasts[example] + 1].tolist()
                self.known[value] = _template(tags.data, opens, self.message, self.prefix)
            template = self.known.get(value)
            if template is not None:
                if self.schema is not None and template.layout is None:
                    layout = _layout(tags, firsts[example], template, self.prefix, self.schema)
                    template = self.known[value] = replace(template, layout=layout)
                number[position] = len(templates)
                templates.append(template)
        found = np.full(len(prints), -1, np.int64)
        found[rows] = number[which]
        given = np.flatnonzero(found >= 0)
        if len(given):
            # The same print is not yet the same tags.
            spellings = [template.tags for template in templates]
            same = tags.runs_spelling(firsts[given], lasts[given], spellings, found[given])
            found[given[~same]] = -1
        return templates, found


@dataclass(frozen=True, slots=True)
class Shaped:
    """Payments that have a template each: their ordinals in the slice, first tags, and which template."""

    rows: Ints
    firsts: Ints
    templates: Sequence[Template]
    which: Ints


@dataclass(frozen=True, slots=True)
class Cut:
    """Columns of a slice, named by `piece`: one text each time the element stands in its payment.

    `escaped`: column → the rows whose text holds references that XML predefines, still as the client wrote them.
    """

    columns: list[pl.Series]
    escaped: dict[str, Ints]


def cut(tags: Tags, shaped: Shaped, references: Ints, message: Message) -> Cut:
    """The captured paths that occur in these payments. `references`: offsets of predefined ones.

    Raises:
        Doubt: text where a template has blanks only.
    """
    templates = shaped.templates
    wanted: dict[str, list[int]] = {}
    fixed: list[pl.Series] = []
    for path in message.payment_paths:
        wanted |= _spread(path, [template.places.get(path, ()) for template in templates])
        values = [template.fixed.get(path) for template in templates]
        if any(values):
            fixed.append(_fixed(path, values, shaped.which))
    blank = _spread("", [template.blank for template in templates])
    if not wanted | blank:
        return Cut(fixed, {})
    places = np.array(list((wanted | blank).values()), np.int64).T
    widths = np.array(
        [template.tags.sizes[np.maximum(row, 0)] for template, row in zip(templates, places, strict=True)]
    )
    place = places[shaped.which]
    tag = shaped.firsts[:, None] + np.maximum(place, 0)
    starts = tags.opens[tag] + widths[shaped.which]
    sizes = (tags.opens[tag + 1] - starts) * (place >= 0)
    texts = views_of(tags.data, list(wanted | blank), starts, sizes)
    if any(text.str.contains(r"[^ \t\r\n]").any() for text in texts[len(wanted) :]):
        raise Doubt("text beside elements")
    escaped = _escaped(tags, shaped, references, place)
    names = {texts[column].name: shaped.rows[rows] for column, rows in escaped.items()}
    return Cut([*texts[: len(wanted)], *fixed], names)


def _spread(path: str, several: Sequence[tuple[int, ...]]) -> dict[str, list[int]]:
    """Places of each template by ordinal, -1 where it has fewer."""
    most = max(map(len, several), default=0)
    return {piece(path, n): [places[n] if n < len(places) else -1 for places in several] for n in range(most)}


def _fixed(path: str, values: list[str | None], which: Ints) -> pl.Series:
    told = pl.Series(piece(path, 0), values, dtype=pl.String)
    return told.new_from_index(0, len(which)) if len(set(values)) == 1 else told.gather(which)


def _escaped(tags: Tags, shaped: Shaped, references: Ints, place: Ints) -> dict[int, Ints]:
    """Column of `place` → rows whose text there holds a reference."""
    behind = np.searchsorted(tags.opens, references, side="right") - 1
    row = np.searchsorted(shaped.firsts, behind, side="right") - 1
    hits, columns = np.nonzero((place[row] == (behind - shaped.firsts[row])[:, None]) & (row >= 0)[:, None])
    return {int(column): np.unique(row[hits[columns == column]]) for column in np.unique(columns)}


def _layout(tags: Tags, first: int, template: Template, prefix: str, schema: PaymentSchema) -> Layout | None:
    """Of the payment from the tag `first` on; None too where no tag follows it."""
    spelled = template.tags.tags
    opens = tags.opens[first : first + len(spelled) + 1].tolist()
    return layout_of(tags.data, opens, spelled, prefix, schema) if len(opens) > len(spelled) else None


def _template(data: bytes, opens: list[int], message: Message, prefix: str) -> Template | None:
    """The shape of the payment whose tags stand there; None where expat sees other tags, or a path needs more than this."""
    closes = [data.find(b">", start) for start in opens]
    tags = [data[start : close + 1] for start, close in zip(opens, closes, strict=True)]
    # A quote left open: the tag goes on behind a `>` in an attribute. A `<` in a tag: it has no end of its own.
    if any(tag.count(b'"') % 2 or tag.count(b"'") % 2 or tag.count(b"<") != 1 for tag in tags):
        return None
    learner = _Learner([start - opens[0] for start in opens], tags, message)
    try:
        learner.read(data[opens[0] : closes[-1] + 1], prefix)
    except expat.ExpatError:
        return None
    return learner.template()


class _Learner:
    """Follows expat through one payment and holds each of its events against the tags."""

    def __init__(self, opens: list[int], tags: list[bytes], message: Message) -> None:
        self._ordinals = {start: ordinal for ordinal, start in enumerate(opens)}
        self._tags, self._message = tags, message
        self._seen: list[int] = []
        self._fits = True
        self._owners: list[int] = []
        self._stack: list[tuple[int, Node | None]] = []
        self._places: dict[str, list[int]] = {}
        self._fixed: dict[str, str] = {}
        self._depth = 0
        self._shift = 0
        self._parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end

    def read(self, payment: bytes, prefix: str) -> None:
        """Read it, in an element that binds the prefix. Raises ExpatError."""
        opening = f'<B xmlns:{prefix[:-1]}="urn:b">'.encode() if prefix else b"<B>"
        self._shift = len(opening)
        self._parser.Parse(opening + payment + b"</B>", True)

    def template(self) -> Template | None:
        """What was learned."""
        if not self._fits or self._seen != list(range(len(self._tags))):
            return None
        blank: list[int] = []
        for path, starts in self._places.items():
            pieces = [[tag for tag, owner in enumerate(self._owners) if owner == start] for start in starts]
            nested = any(len(piece) > 1 for piece in pieces)
            repeats = self._message.rows is not None or joins(path) or takes_first(path)
            if (nested and path not in MIXED) or (len(starts) > 1 and not repeats):
                return None
            if nested:
                blank += [tag for piece in pieces for tag in piece]
        places = {path: tuple(starts) for path, starts in self._places.items() if not set(starts) & set(blank)}
        return Template(Spelling(self._tags), places, self._fixed, tuple(blank), self._depth)

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if name == "B" and not self._stack:
            self._stack.append((-1, None))
            return
        ordinal = self._ordinals.get(self._parser.CurrentByteIndex - self._shift, -1)
        inside = len(self._stack) > 1
        if ordinal < 0 or (inside and local == self._message.payment):
            self._fits = False
        node = self._stack[-1][1]
        tree = self._message.tree.children["PmtInf"].children[self._message.payment]
        node = (node.children.get(local) if node else None) if inside else tree
        self._seen.append(ordinal)
        self._stack.append((ordinal, node))
        self._depth = max(self._depth, len(self._stack) - 1)
        self._owners.append(ordinal)
        if node is not None and node.key and not self._tags[ordinal].endswith(b"/>"):
            self._places.setdefault(node.key, []).append(ordinal)
        if node is not None and node.currency and attributes.get("Ccy"):
            again = self._message.rows is not None and self._fixed.get(node.currency) == attributes["Ccy"]
            self._fits = self._fits and (again or node.currency not in self._fixed)
            self._fixed[node.currency] = attributes["Ccy"]

    def _on_end(self, _name: str) -> None:
        ordinal, _ = self._stack.pop()
        if not self._stack:
            return
        if self._tags[ordinal].endswith(b"/>"):
            # An empty element is one tag; behind it stands text of what encloses it.
            self._owners[-1] = self._stack[-1][0]
            return
        self._seen.append(self._ordinals.get(self._parser.CurrentByteIndex - self._shift, -1))
        self._owners.append(self._stack[-1][0])
