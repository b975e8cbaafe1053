"""Texts of entries of known shapes, as columns that are views over the slice's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._feedback_xml import CHARS_MAX, PATTERNS
from parsers._iso_paths import PREDEFINED
from parsers._iso_shapes import Template
from parsers._iso_tags import Bytes, Flags, Ints, Tags
from parsers._iso_views import views_of

_BLANK: Final = 0x20
Name = tuple[str, int]
"""A path, and the how manieth time its element stands in the entry or detail, from 0."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where the texts of an entry (without its details), or of one of its details, stand: ordinals of tags.

    `blank`: where only blanks may stand; `fixed`: attributes; `sizes`: bytes of the tags of the whole entry.
    """

    places: dict[Name, int]
    fixed: dict[str, str]
    blank: tuple[int, ...]
    sizes: Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """A shape as an entry and its details."""

    entry: Part
    details: tuple[Part, ...]

    @classmethod
    def of(cls, template: Template, detail: str, path: str) -> Layout:
        """`detail`: name of its tag, with its prefix; `path` of it below the entry."""
        opens = [n for n, tag in enumerate(template.tags.tags) if tag[1:-1].split(maxsplit=1)[:1] == [detail.encode()]]
        parts: list[dict[Name, int]] = [{} for _ in range(len(opens) + 1)]
        for name, ordinals in template.places.items():
            for ordinal in ordinals:
                part = parts[int(np.searchsorted(opens, ordinal, side="right")) if name.startswith(f"{path}/") else 0]
                part[name, sum(known == name for known, _ in part)] = ordinal
        fixed = {
            inside: {n: v for n, v in template.fixed.items() if n.startswith(f"{path}/") is inside}
            for inside in (True, False)
        }
        sizes = template.tags.sizes
        # An attribute of details stands on each of them, or the exact reader will tell another text.
        return cls(
            Part(parts[0], fixed[False], template.blank, sizes),
            tuple(Part(part, fixed[True], (), sizes) for part in parts[1:]),
        )


@dataclass(frozen=True, slots=True)
class Texts:
    """Columns over entries or details. `starts` and `sizes` have a row each and a column a name, blanks behind them."""

    names: list[Name]
    columns: list[pl.Series]
    fixed: dict[str, pl.Series]
    starts: Ints
    sizes: Ints
    present: Flags
    escaped: Flags

    def odd(self, codes: Bytes, *, returns: bool) -> Flags:
        """Rows with a text that the exact reader would not take as it stands: empty, with blanks around it, too long, of no form.

        `returns`: there are carriage returns in the slice.
        """
        wanted = len(self.names)
        starts, sizes, present = self.starts[:, :wanted], self.sizes[:, :wanted], self.present[:, :wanted]
        filled = sizes > 0
        ends = np.maximum(starts + sizes - 1, 0)
        edged = filled & ((codes[starts] <= _BLANK) | (codes[ends] <= _BLANK))
        longest = np.array([CHARS_MAX.get(path.rpartition("/")[2], 2**20) for path, _ in self.names], np.int64)
        found: Flags = ((present & ~filled) | edged | (sizes > longest)).any(axis=1)
        for (path, _), column in zip(self.names, self.columns, strict=False):
            form = PATTERNS.get(path.rpartition("/")[2])
            if form is not None:
                found |= (~column.str.contains(f"^(?:{form[0].pattern})$")).fill_null(value=False).to_numpy()
        # XML reads CR LF in a text as LF.
        for column in self.columns[:wanted] if returns else ():
            found |= column.str.contains("\r", literal=True).fill_null(value=False).to_numpy()
        for column in self.columns[wanted:]:
            found |= column.str.contains(r"[^ \t\r\n]").fill_null(value=False).to_numpy()
        return found


def texts_of(tags: Tags, firsts: Ints, parts: Sequence[Part], which: Ints, references: Ints) -> Texts:
    """Texts of rows that begin with the tags `firsts` and have the part `which` each. `references`: offsets of predefined ones."""
    names = list(dict.fromkeys(name for part in parts for name in part.places))
    blanks = max((len(part.blank) for part in parts), default=0)
    table = np.array(
        [
            [part.places.get(name, -1) for name in names] + [*part.blank, *[-1] * (blanks - len(part.blank))]
            for part in parts
        ],
        np.int64,
    ).reshape(len(parts), len(names) + blanks)
    widths = np.array([part.sizes[np.maximum(row, 0)] for part, row in zip(parts, table, strict=True)], np.int64)
    place = table[which] if len(parts) else np.zeros((0, len(names)), np.int64)
    present = place >= 0
    tag = firsts[:, None] + np.maximum(place, 0)
    starts = tags.opens[tag] + (widths[which] if len(parts) else 0)
    sizes = (tags.opens[tag + 1] - starts) * present
    columns = views_of(tags.data, [str(number) for number in range(len(names) + blanks)], starts, sizes)
    followed = np.zeros(len(tags.opens), np.bool_)
    followed[np.searchsorted(tags.opens, references, side="right") - 1] = True
    escaped = followed[tag] & present
    return Texts(names, columns, _fixed(parts, which), starts, sizes, present, escaped)


def _fixed(parts: Sequence[Part], which: Ints) -> dict[str, pl.Series]:
    """Attributes, by path."""
    found = {}
    for path in dict.fromkeys(path for part in parts for path in part.fixed):
        values = pl.Series(path, [part.fixed.get(path) for part in parts], dtype=pl.String)
        found[path] = values.new_from_index(0, len(which)) if values.n_unique() == 1 else values.gather(which)
    return found


def escapes_read(texts: Texts) -> dict[str, list[pl.Series]]:
    """Path → its columns in order, with characters for the references that XML predefines."""
    found: dict[str, list[pl.Series]] = {}
    order = sorted(range(len(texts.names)), key=lambda number: texts.names[number][1])
    for number in order:
        column, rows = texts.columns[number], np.flatnonzero(texts.escaped[:, number])
        if len(rows):
            places = pl.Series(rows)
            column = column.scatter(places, column.gather(places).str.replace_many(PREDEFINED))
        found.setdefault(texts.names[number][0], []).append(column)
    return {**found, **{path: [column] for path, column in texts.fixed.items()}}
