"""From a table's header and the mapping to the place of each of our columns; faults above row level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FormatFacts
from canonical.counts import count_of
from canonical.frames import FINDINGS, conform, empty
from canonical.limits import MESSAGE_CHARS_MAX, TABLE_COLUMNS_MAX
from parsers._csv_options import Column, TableOptions
from parsers._csv_template import COLUMNS, REQUIRED, SIDES, TERMS, normal


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault above row level, on its way to become a finding. `rule` lacks the format's name before it."""

    rule: str
    message: str
    remedy: str
    severity: Severity = Severity.FATAL
    reason: str = "FF01"
    line: int = 1
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One of our columns: the places of its cells in a row, from 0, and what is agreed of it. `heading` is the client's."""

    places: tuple[int, ...]
    agreed: Column
    heading: str


@dataclass(frozen=True, slots=True)
class Layout:
    """`width`: columns of a row; `cells`: our column → where it stands; `pays` and `collects`: places of two amounts."""

    width: int
    cells: Mapping[str, Cell]
    pays: int | None = None
    collects: int | None = None

    @property
    def places(self) -> list[int]:
        """Every place that is read, in order."""
        amounts = {place for place in (self.pays, self.collects) if place is not None}
        return sorted(amounts.union(*(cell.places for cell in self.cells.values())))


_STRFTIME: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d"}
SIGNS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
TEMPLATE: Final = "Compare the header with the template of the format, or with the mapping that was agreed."
_VALUE: Final = re.compile(
    r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([./-])[0-9]{1,2}\1(?:[0-9]{2}){1,2}|-?[0-9][0-9.,' ]*[.,][0-9]{2}"
)
"""A cell that no heading is: an IBAN, a day, an amount with its decimals."""
_HEADINGS: Final = (
    "Write the headings of the template above the rows, or agree header: false and the position of each column."
)
_NAME_ONE: Final = "Name each column once; of columns with one name agree the position."


def read_header(names: list[str] | None, options: TableOptions) -> tuple[Layout | None, list[Fault]]:
    """Layout of the table from its header cells (None where it has none); None where nothing can be read by it."""
    if names is not None and len(names) > TABLE_COLUMNS_MAX:
        return None, [Fault("header", f"The header has more than {TABLE_COLUMNS_MAX} columns", TEMPLATE)]
    headings = [normal(name) for name in names or []]
    wanted = _wanted(headings, options)
    faults: list[Fault] = []
    width = int(options.width or 0) if names is None else len(names)
    finder = _Finder(names or [], headings, width, faults)
    cells = {ours: finder.cell(column) for ours, column in wanted.items()}
    amounts = options.amounts
    pays, collects = (finder.place(place) for place in (amounts.pays, amounts.collects)) if amounts else (None, None)
    layout = Layout(finder.width, cells, pays, collects)
    missing = _missing(layout, options)
    faults += missing
    cause = _cause(names or [], faults, options)
    if cause is not None:
        return None, [cause]
    if names is not None and options.template:
        # A spreadsheet writes cells without a name behind the last column.
        last = max((place for place, name in enumerate(names) if name.strip()), default=-1)
        twice = {normal(fault.value) for fault in faults if fault.remedy == _NAME_ONE and fault.value}
        strange = [place for place in range(last + 1) if place not in layout.places and headings[place] not in twice]
        faults += _unread([names[place].strip() for place in strange])
    if any(fault.severity is Severity.FATAL for fault in faults):
        # Where columns are missing, those that nobody reads tell what they are called there.
        return None, faults
    return layout, faults


def is_header(names: list[str], options: TableOptions) -> bool:
    """True of cells by which a table can be read."""
    return read_header(names, options)[0] is not None


def find_columns(
    names: list[str] | None, wanted: Mapping[str, Column], width: int | None
) -> tuple[Layout | None, list[Fault]]:
    """Layout of a provider's table: where the columns that a mapping names stand; None where some are missing.

    Cells without a name behind the last heading are no columns, unless the mapping names their position.
    """
    if names is not None and len(names) > TABLE_COLUMNS_MAX:
        return None, [Fault("header", f"The header has more than {TABLE_COLUMNS_MAX} columns", TEMPLATE)]
    faults: list[Fault] = []
    headings = [normal(name) for name in names or []]
    positions = [place for column in wanted.values() for place in column.from_ if isinstance(place, int)]
    named = max((place + 1 for place, heading in enumerate(headings) if heading), default=0)
    columns = int(width or 0) if names is None else min(len(names), max([named, *positions]))
    finder = _Finder(names or [], headings, columns, faults)
    cells = {ours: finder.cell(column) for ours, column in wanted.items()}
    return (None if faults else Layout(finder.width, cells)), faults


def facts_of(facts: FormatFacts, options: TableOptions) -> FormatFacts:
    """The facts of a table as agreed: what its columns are called, how its amounts and days are written."""
    example = "123450" if options.minor_units else f"1234{options.decimal}50"
    return replace(facts, terms=_terms(options), amount_example=example, date_format=_strftime(_day(options)))


def _day(options: TableOptions) -> str:
    column = options.columns.get("execution_date")
    return options.date if column is None or column.date is None else column.date


def _strftime(pattern: str) -> str:
    """DD.MM.YYYY → %d.%m.%Y."""
    return re.sub(r"YYYY|YY|MM?|DD?", lambda part: _STRFTIME[part.group()], pattern)


def _terms(options: TableOptions) -> Mapping[str, str]:
    """Canonical column → what the client calls it: its headings where they are agreed, else those of the template."""
    theirs = {
        COLUMNS[ours]: _words(column.from_) for ours, column in options.columns.items() if column.from_
    }  # fmt: skip
    if options.amounts is not None:
        theirs["amount_text"] = _words((options.amounts.pays, options.amounts.collects))
    return {**TERMS, **theirs}


def _words(places: tuple[int | str, ...]) -> str:
    return " + ".join(f"column {place}" if isinstance(place, int) else place for place in places)


def _wanted(headings: list[str], options: TableOptions) -> dict[str, Column]:
    """Our columns that are to be read: those agreed, and those the header has by the template's name."""
    taken = {normal(place) for column in options.columns.values() for place in column.from_ if isinstance(place, str)}
    found = {
        name: Column.model_validate({"from": name})
        for name in COLUMNS
        if options.template and name in headings and name not in options.columns and name not in taken
    }
    if options.amounts is not None:
        found.pop("amount", None)
    if options.gives_direction:
        found.pop("credit_debit", None)
    both = {**options.columns, **found}
    return {name: both[name] for name in COLUMNS if name in both}


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds columns in a header; what it cannot find goes to `faults`."""

    names: list[str]
    headings: list[str]
    width: int
    faults: list[Fault]

    def cell(self, column: Column) -> Cell:
        """Where the column stands."""
        places = [self.place(place) for place in column.from_]
        shown = " + ".join(self._shown(place) for place in places if place is not None)
        return Cell(tuple(place for place in places if place is not None), column, shown)

    def place(self, wanted: int | str) -> int | None:
        """Place from 0 of a heading or of a position from 1."""
        if isinstance(wanted, int):
            if wanted <= self.width:
                return wanted - 1
            message = f"Column {wanted} was agreed, and a row has {count_of(self.width, 'column')}"
            self.faults.append(Fault("header", message, TEMPLATE, reason="CH21"))
            return None
        count = self.headings.count(normal(wanted))
        if count == 1:
            return self.headings.index(normal(wanted))
        if count == 0:
            message, remedy = f"Column {wanted} is missing from the header", TEMPLATE
        else:
            message, remedy = f"The header names {wanted} twice", _NAME_ONE
        self.faults.append(Fault("header", message, remedy, reason="FF01" if count else "CH21", value=wanted))
        return None

    def _shown(self, place: int) -> str:
        return " ".join(self.names[place].split()) if self.names else f"column {place + 1}"


def _missing(layout: Layout, options: TableOptions) -> list[Fault]:
    """Columns that no table can do without: those of every payment, and of one side at least."""
    has = set(layout.cells) | ({"amount"} if options.amounts is not None else set())
    sides = _sides(options, has)
    best = min((tuple(name for name in SIDES[side] if name not in has) for side in sides), key=len)
    missing = [*(name for name in REQUIRED if name not in has), *best]
    if not missing:
        return []
    return [
        Fault("header", f"Column {name} is missing from the header", TEMPLATE, reason="CH21", value=name)
        for name in missing
    ]


def _cause(names: list[str], faults: list[Fault], options: TableOptions) -> Fault | None:
    """The one fault behind columns that are missing: the table is divided, or written, otherwise than agreed."""
    missing = [fault.value for fault in faults if fault.reason == "CH21" and fault.value]
    if missing and len(names) == 1 and (not options.columns or any(sign in names[0] for sign in SIGNS)):
        return undivided(names[0], getattr(options, "delimiter", None))  # what only CSV has
    if missing and any(_VALUE.fullmatch(name.strip()) for name in names):
        return Fault("header", "The line holds values where the headings must stand", _HEADINGS)
    encoding = getattr(options, "encoding", None)  # what only CSV has
    headings = {normal(name) for name in names}
    if encoding and any(normal(_misread(name, encoding)) in headings for name in missing if not name.isascii()):
        message = f"The header is written in UTF-8; {encoding} was agreed"
        return Fault("encoding", message, f"Save the file as CSV in {encoding}, or agree utf-8.", reason="FF02")
    return None


def _misread(name: str, encoding: str) -> str:
    """UTF-8 as it looks when it is read in another encoding."""
    return name.encode().decode(encoding, "replace")


def undivided(heading: str, agreed: str | None) -> Fault:
    """The header is one cell; `agreed` is the delimiter."""
    looks = max(SIGNS, key=heading.count)
    if agreed is None or looks not in heading:
        message = "The header names one column; it must name those of a payment"
        return Fault("header", message, TEMPLATE)
    message = f"The header is divided by {SIGNS[looks]}; {SIGNS[agreed]} was agreed"
    return Fault("header", message, f"Save the table with {SIGNS[agreed]} between the columns, or agree another sign.")


def _sides(options: TableOptions, has: set[str]) -> tuple[str, ...]:
    """Directions that the table can hold."""
    column = options.columns.get("credit_debit")
    if column is not None and column.constant is not None:
        return (column.constant,)
    return ("CRDT", "DBIT") if options.gives_direction or "credit_debit" in has else ("CRDT",)


def _unread(names: list[str]) -> list[Fault]:
    counted = Counter(name or "(no name)" for name in names)
    told = [name if count == 1 else f"{name} ({count} times)" for name, count in counted.items()]
    message = f"Columns nobody knows are not read: {', '.join(told)}"
    remedy = "Nothing, if they carry nothing for the payment; else name them as in the template, or agree their names."
    return [Fault("header", message, remedy, Severity.WARNING)] if names else []


def at_line(faults: list[Fault], line: int) -> list[Fault]:
    """The faults, told of that line."""
    return [replace(fault, line=line) for fault in faults]


def file_findings(faults: list[Fault], name: str) -> pl.DataFrame:
    """FINDINGS frame at file level; `name` is the format's."""
    if not faults:
        return empty(FINDINGS)
    rows = [
        {
            "rule": f"{name}-{fault.rule}",
            "reason": fault.reason,
            "severity": fault.severity.value,
            "level": Level.FILE.value,
            "line": fault.line,
            "value": fault.value,
            "message": fault.message[:MESSAGE_CHARS_MAX],
            "remedy": fault.remedy,
        }
        for fault in faults
    ]
    return conform(pl.DataFrame(rows, schema_overrides={"value": pl.String, "line": pl.Int64}), FINDINGS)
