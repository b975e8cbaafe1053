"""What a client agreed on about its tables: the mapping that CSV and XLSX share, and what only CSV has.

Everything is declared and nothing guessed. `gateway.config` tells a fault with file and line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from canonical.codes import CreditDebit
from canonical.contracts import Model
from canonical.limits import TABLE_COLUMNS_MAX
from parsers._csv_template import COLUMNS, DATES, normal

ENCODINGS: Final = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp437", "cp850", "cp852", "cp1250", "cp1251", "cp1252", "cp1253",
    "cp1254", "cp1257", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-13",
    "iso-8859-15", "mac-roman",
)  # fmt: skip
assert all(codecs.lookup(name) for name in ENCODINGS)
ISO_DAY: Final = "YYYY-MM-DD"
_DATE_PARTS: Final = re.compile(r"YYYY|YY|MM|M|DD|D")
_DATE_SIGNS: Final = re.compile(r"[-./ ]*")


def _date_pattern(pattern: str) -> str:
    parts = sorted(part[0] for part in _DATE_PARTS.findall(pattern))
    if parts != ["D", "M", "Y"] or not _DATE_SIGNS.fullmatch(_DATE_PARTS.sub("", pattern)):
        raise ValueError(f"{pattern} is no date pattern; write year, month and day such as DD.MM.YYYY or YYYYMMDD")
    bare = {part for part in _DATE_PARTS.findall(pattern) if part in {"M", "D"}}
    if bare and not _DATE_PARTS.sub("", pattern):
        raise ValueError(f"{pattern} is ambiguous: one-digit parts need a sign between them")
    return pattern


def _heading(value: Any) -> Any:
    if isinstance(value, str) and not normal(value):
        raise ValueError("a heading is empty")
    return value


def _many(value: Any) -> Any:
    return [_heading(item) for item in value] if isinstance(value, list | tuple) else [_heading(value)]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as fault:
        raise ValueError(f"{text} is no regular expression: {fault}") from fault
    return text


DatePattern = Annotated[str, AfterValidator(_date_pattern)]
Position = Annotated[int, Field(strict=True, ge=1, le=TABLE_COLUMNS_MAX)]
Place = Annotated[Position | Annotated[str, Field(strict=True)], BeforeValidator(_heading)]
"""A column of the client's: its heading, or its position from 1."""
Places = Annotated[tuple[Position | Annotated[str, Field(strict=True)], ...], BeforeValidator(_many)]

Symbol = Annotated[str, Field(pattern=r"^[^0-9.,'’()+\s\u2212-][^0-9,'’()+\s\u2212-]{0,3}$")]
"""What may stand beside an amount and say its currency: "€", "US$", "Fr.", "EUR"."""
Symbols = dict[Symbol, Annotated[str, Field(pattern="^[A-Z]{3}$")]]


class Column(Model):
    """Where one of our columns comes from: one column of the client's, several joined, or a constant.

    `default` stands for an empty cell. `values`: what the client writes → what it means; `otherwise` says what becomes of
    a cell that stands not among them. `date` is for this column alone.
    """

    from_: Places = Field(default=(), alias="from")
    join: str = " "
    constant: str | None = None
    default: str | None = None
    values: dict[str, str] = {}  # noqa: RUF012  pydantic copies defaults
    otherwise: Literal["refuse", "keep"] = "refuse"
    date: DatePattern | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) else {"from": value}

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if bool(self.from_) == (self.constant is not None):
            raise ValueError("give either from (one or more columns) or constant")
        if self.constant is not None and (self.default is not None or self.values):
            raise ValueError("a constant needs neither default nor values")
        return self


class TwoAmounts(Model):
    """Amounts in two columns, of which each row fills one (the other is empty or zero)."""

    pays: Place
    collects: Place


class Total(Model):
    """A closing row: the cell `at` matches `pattern` as a whole; the number of payments and their sum stand beside it.

    The pattern may itself hold them as groups named `count` and `sum`.
    """

    pattern: Annotated[str, AfterValidator(_pattern)]
    at: Position = 1
    count: Position | None = None
    sum: Position | None = None


class TableOptions(Model):
    """The mapping. `columns`: our column → the client's; with `template: false` no other column is looked at.

    `symbols`: currency signs beside amounts → the currency each says, which must be the row's.
    `sign`: what a negative amount means, the positive one being the opposite. `width`: columns of a row, needed where
    there is no header.
    """

    header: bool = True
    width: Position | None = None
    skip_rows: int = Field(default=0, ge=0, le=1000)
    template: bool = True
    columns: dict[str, Column] = {}  # noqa: RUF012  pydantic copies defaults
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    symbols: Symbols = {}  # noqa: RUF012  pydantic copies defaults
    minor_units: bool = False
    sign: Literal["none", "minus_pays", "minus_collects"] = "none"
    amounts: TwoAmounts | None = None
    date: DatePattern = ISO_DAY
    totals: tuple[Total, ...] = (Total(pattern="TOTAL", count=2, sum=3),)

    @model_validator(mode="after")
    def _sound(self) -> TableOptions:
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(f"no columns of ours: {', '.join(unknown)} (there are: {', '.join(COLUMNS)})")
        faults = [
            (self.decimal == self.thousands, "decimal and thousands are the same sign"),
            (self.minor_units and bool(self.thousands), "amounts in minor units have no thousands sign"),
            (not self.header and self.width is None, "without a header, width must say how many columns a row has"),
            (not self.header and bool(self._headings()), "without a header, columns are named by position"),
            (self.amounts is not None and "amount" in self.columns, "give either amounts or the column amount"),
            (self.amounts is not None and self.sign != "none", "give either amounts or sign"),
            (self.gives_direction and "credit_debit" in self.columns, "sign and amounts say the direction already"),
            (
                self.minor_units and self.declares_sum and self.one_currency is None,
                "a sum in minor units needs a constant currency, or totals without sum",
            ),
        ]
        for fault, words in faults:
            if fault:
                raise ValueError(words)
        self._held()
        return self

    def _headings(self) -> list[str]:
        amounts = [] if self.amounts is None else [self.amounts.pays, self.amounts.collects]
        places = [place for column in self.columns.values() for place in column.from_]
        return [place for place in [*places, *amounts] if isinstance(place, str)]

    def _held(self) -> None:
        for name, column in self.columns.items():
            if column.date is not None and name not in DATES:
                raise ValueError(f"{name} is no date; date belongs to {' and '.join(DATES)}")
        direction = self.columns.get("credit_debit")
        if direction is not None:
            meant = {*direction.values.values(), *(v for v in (direction.constant, direction.default) if v is not None)}
            if wrong := sorted(meant - {item.value for item in CreditDebit}):
                raise ValueError(f"credit_debit is CRDT or DBIT, not {', '.join(wrong)}")

    @property
    def gives_direction(self) -> bool:
        """True where amounts tell who pays."""
        return self.sign != "none" or self.amounts is not None

    @property
    def declares_sum(self) -> bool:
        """True where a closing row can declare a sum."""
        return any(total.sum is not None or "(?P<sum>" in total.pattern for total in self.totals)

    @property
    def one_currency(self) -> str | None:
        """The currency of every payment, where it is a constant."""
        column = self.columns.get("currency")
        return None if column is None else column.constant


class CsvOptions(TableOptions):
    """What a client agreed on about its CSV. `comment`: lines that begin with it are passed over."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal[*ENCODINGS] = "utf-8"  # type: ignore[valid-type]  # mypy unpacks no tuple here
    comment: Annotated[str, Field(pattern=r"^[!-~]{1,3}$")] | None = None

    @property
    def codec(self) -> str:
        """Python's name of the encoding."""
        return codecs.lookup(self.encoding).name
