"""Payments laid out as one that the schema holds of: the same tags, the same blanks between them, and texts of its types.

libxml2 looks at one payment of a shape (`_iso_shapes`). The schema holds of all others of which this is sure; of the rest
libxml2 decides, in their file (`_iso_xsd`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from parsers._iso_tags import Flags, Ints, Spots, Tags, Words, several, strike
from parsers._iso_views import views_of
from parsers._iso_xsd_types import PaymentSchema, Text

_WORD: Final = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape. `least`, `more`: a row a tag, the bytes from it to the next, at least, and how many more at most.

    `blanks`: what stands behind tags that no text of a type does. `forms`: pattern → ordinals of the tags before the texts
    that must have it, and bytes of these tags.
    """

    least: Ints
    more: Words
    blanks: Spots
    forms: dict[str, tuple[Ints, Ints]]


def layout_of(
    data: bytes, opens: Sequence[int], tags: Sequence[bytes], prefix: str, schema: PaymentSchema
) -> Layout | None:
    """The layout of a payment whose tags stand at `opens`; the last offset there is that of the next tag behind it.

    None where it has other tags, the schema does not hold of it, or it has an element of a type that is not known.
    """
    sizes = [len(tag) for tag in tags]
    if any(data[start : start + size] != tag for start, size, tag in zip(opens[:-1], sizes, tags, strict=True)):
        return None
    if data[opens[-2] + sizes[-1] : opens[-1]].strip(b" \t\r\n") or not schema.holds(
        data[opens[0] : opens[-2] + sizes[-1]], prefix
    ):
        return None
    texts = dict(_texts(tags, schema))
    if None in texts.values():
        return None
    least, more, blanks = [], [], []
    forms: dict[str, list[tuple[int, int]]] = {}
    for ordinal, (start, end, size) in enumerate(zip(opens[:-1], opens[1:], sizes, strict=True)):
        text = texts.get(ordinal)
        least.append(size + text.least if text else end - start)
        more.append(text.most - text.least if text else 0)
        if text is None:
            # What the schema holds of has blanks there, and so have all that have the same.
            blanks += [
                (ordinal, at, int.from_bytes(data[start + at : start + at + _WORD], "little"))
                for at in _steps(size, end - start)
            ]
        elif text.pattern:
            forms.setdefault(text.pattern, []).append((ordinal, size))
    told = {pattern: (np.array(places)[:, 0], np.array(places)[:, 1]) for pattern, places in forms.items()}
    return Layout(np.array(least, np.int64), np.array(more, np.uint64), Spots(blanks), told)


def _steps(size: int, until: int) -> Iterator[int]:
    """Offsets from the `<` of a tag of this size: eight bytes from each, together, are all that stands behind it, or more."""
    if until > size:
        yield from range(size, until - _WORD, _WORD)
        yield max(until - _WORD, 0)


def _texts(tags: Sequence[bytes], schema: PaymentSchema) -> Iterator[tuple[int, Text | None]]:
    """Ordinals of the tags that open an element without children, and what it may hold."""
    path: list[str] = []
    for ordinal, tag in enumerate(tags):
        if tag.startswith(b"</"):
            path.pop()
        elif not tag.endswith(b"/>"):
            path.append(tag[1:-1].split(maxsplit=1)[0].decode().rpartition(":")[2])
            if tags[ordinal + 1].startswith(b"</"):
                yield ordinal, schema.text(path[1:])


def surely(tags: Tags, firsts: Ints, layouts: Sequence[Layout], which: Ints) -> Flags:
    """Of which payments, from the tag `firsts` on, the schema surely holds, and that blanks follow them up to the next tag.

    `layouts`: `which` says of which one a payment has the tags.
    """
    sizes = np.array([len(layout.least) for layout in layouts], np.int64)[which]
    edges = np.cumsum(sizes) - sizes
    ordinals = np.repeat(firsts - edges, sizes) + np.arange(int(sizes.sum()))
    # Behind the last tag of all nothing is known: no room there.
    room = np.diff(tags.opens, append=tags.opens[-1:])[ordinals]
    room -= several([layout.least for layout in layouts], which)
    fits = room.view(np.uint64) <= several([layout.more for layout in layouts], which)
    sure: Flags = np.logical_and.reduceat(fits, edges)
    tags.strike_others(sure, np.flatnonzero(sure), firsts, [layout.blanks for layout in layouts], which)
    for pattern in sorted({pattern for layout in layouts for pattern in layout.forms}):
        _strike_others(sure, pattern, tags, firsts, layouts, which)
    return sure


def _strike_others(sure: Flags, pattern: str, tags: Tags, firsts: Ints, layouts: Sequence[Layout], which: Ints) -> None:
    """Take from `sure` the payments with a text that should have this pattern and does not."""
    none = np.empty(0, np.int64)
    places, sizes = zip(*(layout.forms.get(pattern, (none, none)) for layout in layouts), strict=True)
    rows = np.flatnonzero(sure)
    counts = np.array([len(ordinals) for ordinals in places], np.int64)[which[rows]]
    ordinals = np.repeat(firsts[rows], counts) + several(places, which[rows])
    starts = tags.opens[ordinals] + several(sizes, which[rows])
    (texts,) = views_of(tags.data, [""], starts[:, None], (tags.opens[ordinals + 1] - starts)[:, None])
    held = texts.str.contains(pattern)
    if held.null_count() or not held.all():
        strike(sure, rows, held.fill_null(value=False).to_numpy(), counts)
