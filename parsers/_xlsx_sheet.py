"""The rows of one sheet, some at a time: every cell as the file stores it, by columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from canonical.limits import TABLE_CLOSING_ROWS_MAX, XML_TEXT_BYTES_MAX
from parsers._xlsx_book import Book, Sheet
from parsers._xlsx_xml import Reader, Unreadable, slices

_ROW_MAX: Final = 1_048_576
_COLUMN_MAX: Final = 16_384
_LETTERS: Final = 26
_HELD_BACK: Final = TABLE_CLOSING_ROWS_MAX + 1


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that follow one another.

    `rows`: number and hidden by row; `cells`: at (place of its row), column from 0, text, kind, style, formula by cell.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame

    @property
    def width(self) -> int:
        """Columns up to the last cell that holds anything."""
        return self.cells.height and int(self.cells["column"].to_numpy().max()) + 1

    def of(self, column: int) -> pl.DataFrame:
        """Cells of one column (from 0), a row for each row of the part; nulls where there is none."""
        mask = (self.cells["column"] == column).arg_true()
        place = np.full(self.rows.height, -1)
        place[self.cells["at"].gather(mask).to_numpy()] = mask.to_numpy()
        wanted = pl.Series(place).to_frame("p").select(pl.when(pl.col("p") >= 0).then("p")).to_series()
        return self.cells.select(pl.col("kind", "style", "text", "formula").gather(wanted))

    def slice(self, start: int, count: int | None = None) -> Part:
        """Some of its rows."""
        rows = self.rows.slice(start, count)
        at = pl.col("at")
        cells = self.cells.filter(at.is_between(start, start + rows.height - 1)).with_columns(at - start)
        return Part(rows, cells)


class _SheetReader(Reader):
    """Gathers rows and cells. Its handlers run millions of times: they do no more than they must."""

    def __init__(self) -> None:
        super().__init__(self._opens, self._closes)
        self.rows: list[tuple[int, bool]] = []
        self.at: list[int] = []
        self._columns: list[int] = []
        self._codes: list[int] = []
        self._texts: list[str | None] = []
        self._known_codes: dict[tuple[str | None, str | None, bool], int] = {}
        self._known_columns: dict[str, int] = {}
        self._row, self._column = 0, -1
        self._parts: list[str] = []
        self._cell: dict[str, str] | None = None
        self._formula = self._phonetic = False

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = self._locals.get(name) or self._local(name)
        if local == "c":
            self._cell = attributes
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._place(reference)
        elif local == "v" or (local == "t" and not self._phonetic):
            if self._cell is not None:
                self.parser.CharacterDataHandler = self._parts.append
        else:
            self._opens(local, attributes)

    def _on_end(self, name: str) -> None:
        self._depth -= 1
        local = self._locals.get(name) or self._local(name)
        if local == "c":
            if self._parts or self._formula:
                self._keep()
            self._cell = None
        elif local in {"v", "t"}:
            self.parser.CharacterDataHandler = None
        else:
            self._closes(local)

    def _opens(self, name: str, known: dict[str, str]) -> None:
        self._bounded()
        if name == "f":
            self._formula = self._cell is not None
        elif name == "row":
            number = known.get("r")
            row = self._row + 1 if number is None else int(number) if number.isdecimal() else 0
            if not self._row < row <= _ROW_MAX:
                raise Unreadable("The rows of the sheet are not in order")
            self._row, self._column = row, -1
            self.rows.append((row, known.get("hidden") in {"1", "true"}))
        elif name == "rPh":
            self._phonetic = True

    def _closes(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = False

    def _keep(self) -> None:
        known, text = self._cell or {}, "".join(self._parts)
        self._parts.clear()
        if len(text) > XML_TEXT_BYTES_MAX:
            raise Unreadable(f"A cell of the sheet holds more than {XML_TEXT_BYTES_MAX} characters")
        if not self.rows:
            raise Unreadable("A cell of the sheet stands in no row")
        key = (known.get("t"), known.get("s"), self._formula)
        code = self._known_codes.get(key)
        if code is None:
            code = self._known_codes[key] = len(self._known_codes)
        self.at.append(len(self.rows) - 1)
        self._columns.append(self._column)
        self._codes.append(code)
        self._texts.append(text or None)
        self._formula = False

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        place = self._known_columns.get(letters)
        if place is None:
            place = self._known_columns[letters] = column_place(letters)
        return place

    def take(self, *, all_: bool) -> Part:
        """What was met so far; without the last rows, which may not be whole or may close the table, unless `all_`."""
        whole = len(self.rows) if all_ else len(self.rows) - _HELD_BACK
        count = len(self.at)
        while count and self.at[count - 1] >= whole:
            count -= 1
        kinds = pl.DataFrame(list(self._known_codes), schema=_KINDS, orient="row")[self._codes[:count]]
        cells = pl.DataFrame(
            {"at": self.at[:count], "column": self._columns[:count], "text": self._texts[:count]}, schema=_CELLS
        )
        part = Part(pl.DataFrame(self.rows[:whole], schema=_ROWS, orient="row"), cells.hstack(kinds))
        self.rows, self.at = self.rows[whole:], [at - whole for at in self.at[count:]]
        self._columns, self._codes, self._texts = self._columns[count:], self._codes[count:], self._texts[count:]
        return part


_ROWS: Final[dict[str, Any]] = {"number": pl.Int64, "hidden": pl.Boolean}
_CELLS: Final[dict[str, Any]] = {"at": pl.Int64, "column": pl.Int64, "text": pl.String}
_KINDS: Final[dict[str, Any]] = {"kind": pl.String, "style": pl.String, "formula": pl.Boolean}


def column_place(letters: str) -> int:
    """A is 0, Z is 25, AA is 26.

    Raises:
        Unreadable: these are no letters of a column.
    """
    place = 0
    for letter in letters:
        if not "A" <= letter <= "Z" or place > _COLUMN_MAX:
            raise Unreadable("A cell of the sheet has no place")
        place = place * _LETTERS + ord(letter) - ord("A") + 1
    if not 0 < place <= _COLUMN_MAX:
        raise Unreadable("A cell of the sheet has no place")
    return place - 1


def column_letters(place: int) -> str:
    """The inverse: 0 is A."""
    letters, place = "", place + 1
    while place:
        place, letter = divmod(place - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters


def parts_of(book: Book, sheet: Sheet, cells_max: int) -> Iterator[Part]:
    """The rows of the sheet, in parts of about so many cells; one part at least.

    Raises:
        Unreadable: the sheet is damaged or beyond the bounds.
    """
    reader = _SheetReader()
    for _ in reader.read(slices(book.archive, sheet.part)):
        if len(reader.at) >= cells_max and len(reader.rows) > _HELD_BACK:
            yield reader.take(all_=False)
    yield reader.take(all_=True)
