"""Entries of one slice at speed: those whose tags are of a shape that was learned are cut as columns.

The tags are found once, as columns (`_iso_tags`), and shapes are learned as those of payments are (`_iso_shapes`). What a shape
gives of the first entry that has it is held against what the exact reader says of the same bytes; a shape that differs in
anything, or that breaks the schema, is not used. Of the others every text must be one that the exact reader takes without a
word. What is left out here is read by the exact reader in its place (`_feedback_fast`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from canonical.codes import CreditDebit
from canonical.contracts import Source
from parsers._feedback_camt_paths import DETAIL, ENTRY, AccountMessage
from parsers._feedback_cut import Layout, Texts, escapes_read, texts_of
from parsers._feedback_entries import DETAIL_SCHEMA, ENTRY_SCHEMA, EntryRows, rows_of
from parsers._feedback_shapes import Shape
from parsers._feedback_xml import new_reader, read_records
from parsers._iso_faults import Unreadable
from parsers._iso_paths import Message
from parsers._iso_scan import Payments, Run, characters, payments_of, references_of, runs_of
from parsers._iso_shapes import Shapes, Template
from parsers._iso_tags import Flags, Ints, Ranks, tags_of

_DETAILS: Final = "NtryDtls/TxDtls"
_SHAPES_MAX: Final = 4096
"""Batch entries have many shapes, and an entry that is left to the exact reader costs a hundred times as much."""
_BATCH: Final = ("batch_message_id", "batch_batch_id", "batch_count")


def _paths(shape: Shape, prefix: str = "") -> dict[str, str]:
    """Path below the entry → key. Not those of charges, nor of version .01, which has batch and details in the entry itself."""
    found: dict[str, str] = {}
    for path, what in shape.fields:
        if not isinstance(what, Shape):
            found[prefix + path] = what
            if path.endswith("Amt"):
                found[f"{prefix}{path}/@Ccy"] = f"{what}_currency"
        elif path in {"NtryDtls", "TxDtls"} and (prefix or path == "NtryDtls"):
            found |= _paths(what, f"{prefix}{path}/")
    return found


KEYS: Final = _paths(ENTRY)
_JOINED: Final = DETAIL.joined


def entry_message(of: AccountMessage) -> Message:
    """The entry as the machinery of payments knows messages."""
    paths = {path: (path,) for path in KEYS}
    return Message(
        of.message.name, of.message.element, "Ntry", CreditDebit.CRDT, in_batch={}, in_payment=paths, amount="Amt",
        equivalent=None, tables=(), methods=(), uncarried={}, batch_uncarried={}, rows=_DETAILS,
    )  # fmt: skip


@dataclass(slots=True)
class Learned:
    """The shapes of one file, and what the exact reader says of them."""

    of: AccountMessage
    prefix: str
    shapes: Shapes = field(init=False)
    layouts: dict[int, Layout] = field(default_factory=dict)
    held: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = Shapes(entry_message(self.of), self.prefix, _SHAPES_MAX)

    def layout(self, template: Template) -> Layout:
        """Where the texts of a shape stand. Templates live as long as `shapes` does."""
        if id(template) not in self.layouts:
            self.layouts[id(template)] = Layout.of(template, f"{self.prefix}TxDtls", _DETAILS)
        return self.layouts[id(template)]

    def exact(self, entry: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        """Texts of an entry and of its details by the exact reader; None where it has a word to say of it."""
        message, prefix = self.of.message, self.prefix[:-1]
        own = f' xmlns:{prefix}="urn:e"' if prefix else ""
        space = f"urn:iso:std:iso:20022:tech:xsd:{message.name}.001.08"
        above = (f'<x-x:Document xmlns:x-x="{space}"{own}>', f"<x-x:{message.element}>", f"<x-x:{self.of.element}>")
        below = (f"</x-x:{self.of.element}>", f"</x-x:{message.element}>", "</x-x:Document>")
        source = Source("", "", "".join(above).encode() + entry + "".join(below).encode())
        reader, rows = new_reader(source, message), EntryRows()
        try:
            for record in read_records(source, reader):
                if record.shape is ENTRY:
                    rows.add(record)
        except Unreadable:
            return None
        if any("/Ntry" in str(fault.field) for fault in reader.slips()):
            return None
        (found,), details = rows.raw()
        return found, details


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a slice holds. `runs` of entries that were read; `rows` of them, `position` from 1 in the slice, `line` in it."""

    runs: tuple[Run, ...]
    rows: pl.DataFrame
    lines: int
    depth: int


def scan_entries(data: bytes, learned: Learned) -> Scanned:
    """Read a slice that ends behind an entry's closing tag.

    Raises:
        Doubt: these bytes need the exact reader.
    """
    codes = np.frombuffer(data, np.uint8)
    newlines = characters(data, codes)
    tags = tags_of(data, codes)
    found = payments_of(tags, learned.shapes)
    references = references_of(data, codes, found, runs_of(found, newlines))
    eligible = np.ones(len(found.starts), np.bool_)
    eligible[references.payments[~references.predefined]] = False
    templates, which = learned.shapes.learn(tags, found.firsts, found.lasts, eligible)
    rows = np.flatnonzero(which >= 0)
    layouts = [learned.layout(template) for template in templates]
    if not len(rows):
        return Scanned((), EntryRows.nothing().with_columns(misfit=False), newlines.total, 0)
    cut = _Cut(data, layouts, which[rows], rows)
    entries = texts_of(tags, found.firsts[rows], [item.entry for item in layouts], which[rows], references.places)
    details = texts_of(
        tags, found.firsts[rows][cut.owners], [one for item in layouts for one in item.details], cut.shapes, references.places
    )  # fmt: skip
    returns = data.find(b"\r") >= 0
    odd = entries.odd(codes, returns=returns)
    odd[cut.owners[details.odd(codes, returns=returns)]] = True
    raw = _raw(entries, details, cut)
    good = _held(raw, cut, odd, templates, found, learned)
    kept = np.flatnonzero(good & ~odd)
    frame = _frame(raw, cut, kept, newlines.at(found.starts[rows]))
    depth = max((template.depth for template in templates), default=0)
    return Scanned(_clean_runs(found, rows[kept], newlines), frame, newlines.total, depth)


@dataclass(slots=True)
class _Cut:
    """Which of the entries of known shapes each detail is of, its number, and its own shape among those of all details."""

    data: bytes
    layouts: list[Layout]
    which: Ints
    rows: Ints
    owners: Ints = field(init=False)
    numbers: Ints = field(init=False)
    shapes: Ints = field(init=False)

    def __post_init__(self) -> None:
        counts = np.array([len(item.details) for item in self.layouts], np.int64)
        firsts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)[:-1]])
        per_row = counts[self.which]
        self.owners = np.repeat(np.arange(len(self.which)), per_row)
        starts = np.cumsum(per_row) - per_row
        self.numbers = np.arange(len(self.owners)) - starts[self.owners] + 1
        self.shapes = firsts[self.which[self.owners]] + self.numbers - 1


def _clean_runs(found: Payments, kept: Ints, newlines: Ranks) -> tuple[Run, ...]:
    if not len(kept):
        return ()
    return runs_of(Payments(found.firsts[kept], found.lasts[kept], found.starts[kept], found.ends[kept]), newlines)


_Raw = tuple[pl.DataFrame, pl.DataFrame]


def _raw(entries: Texts, details: Texts, cut: _Cut) -> _Raw:
    """Texts by key of all entries and details, with characters for the references that XML predefines."""
    entry = _by_key(escapes_read(entries), list(ENTRY_SCHEMA), len(cut.which))
    batch = entry.select(_BATCH).select(pl.all().gather(cut.owners))
    detail = _by_key(escapes_read(details), [name for name in DETAIL_SCHEMA if name not in _BATCH], len(cut.owners))
    return entry, detail.hstack(batch.get_columns()).select(DETAIL_SCHEMA.keys())


def _by_key(texts: dict[str, list[pl.Series]], names: list[str], height: int) -> pl.DataFrame:
    """One column a key: the first text, or all of them joined by line feeds. `texts`: path → what stands there, in order."""
    several: dict[str, list[pl.Series]] = {}
    for path, columns in texts.items():
        several.setdefault(KEYS[path], []).extend(columns)
    none = pl.Series("", [None], dtype=pl.String)
    plain = {
        name: several[name][0] if len(several.get(name, ())) == 1 else none.new_from_index(0, height) for name in names
    }
    frame = pl.DataFrame({name: column.alias(name) for name, column in plain.items()})
    made = []
    for name, columns in several.items():
        if len(columns) > 1 and name in plain:
            parts = pl.DataFrame([column.alias(str(number)) for number, column in enumerate(columns)])
            joined = pl.concat_str(pl.all(), separator="\n", ignore_nulls=True)
            whole = (
                pl.when(pl.any_horizontal(pl.all().is_not_null())).then(joined)
                if name in _JOINED
                else pl.coalesce(pl.all())
            )
            made.append(parts.select(whole.alias(name)).to_series())
    return frame.with_columns(made)


def _held(raw: _Raw, cut: _Cut, odd: Flags, templates: list[Template], found: Payments, learned: Learned) -> Flags:
    """Which entries have a shape that the exact reader reads to the same texts."""
    entry, detail = raw
    trusted = np.zeros(len(templates), np.bool_)
    for ordinal, template in enumerate(templates):
        if id(template) not in learned.held:
            examples = np.flatnonzero((cut.which == ordinal) & ~odd)
            if not len(examples):
                continue
            row = int(examples[0])
            place = int(cut.rows[row])
            said = learned.exact(cut.data[found.starts[place] : found.ends[place]])
            own = _told(entry[row]), [_told(detail[int(item)]) for item in np.flatnonzero(cut.owners == row)]
            learned.held[id(template)] = said is not None and own == (_said(said[0]), [_said(item) for item in said[1]])
        trusted[ordinal] = learned.held[id(template)]
    return trusted[cut.which]


_PLACES: Final = {"statement", "position", "line", "detail"}


def _told(row: pl.DataFrame) -> dict[str, Any]:
    return {name: value for name, value in row.to_dicts()[0].items() if value is not None and name not in _PLACES}


def _said(row: dict[str, Any]) -> dict[str, Any]:
    """What the exact reader said, without what no column holds."""
    known = {*ENTRY_SCHEMA, *DETAIL_SCHEMA} - _PLACES
    return {name: value for name, value in row.items() if value is not None and name in known}


def _frame(raw: _Raw, cut: _Cut, kept: Ints, lines: Ints) -> pl.DataFrame:
    """Rows of the entries that are kept, in buffers of their own: the slice is not held on to."""
    place = np.full(len(cut.which), -1, np.int64)
    place[kept] = np.arange(1, len(kept) + 1)
    of_details = place[cut.owners]
    inside = np.flatnonzero(of_details > 0)
    zero = pl.lit(0, dtype=pl.Int64)
    none = pl.lit(None, dtype=pl.Int64)
    entries = _those(raw[0], kept).with_columns(
        statement=zero, position=pl.Series(place[kept]), line=pl.Series(lines[kept] + 1), charges_minor=none
    )
    details = _those(raw[1], inside).with_columns(
        statement=zero,
        position=pl.Series(of_details[inside]),
        detail=pl.Series(cut.numbers[inside]),
        charges_minor=none,
    )
    rows = rows_of(entries.select(ENTRY_SCHEMA.keys()), details.select(DETAIL_SCHEMA.keys()))
    whole = pl.from_arrow(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(whole, pl.DataFrame), "a table is a frame"
    return whole


def _those(frame: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    return frame if len(rows) == frame.height else frame[rows]
