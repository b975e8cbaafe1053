"""What a provider wants in a table of payments: its columns, signs, dates, lines around them. Checked when the profile is read."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from canonical.contracts import Model
from canonical.frames import PAYMENTS, dtypes

_ENCODINGS: Final = (
    "utf-8",
    "utf-8-sig",
    "utf-16-le",
    "cp1250",
    "cp1251",
    "cp1252",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
)
assert all(codecs.lookup(name) for name in _ENCODINGS)
_OTHER_SIDE: Final = (
    "name",
    "account",
    "account_type",
    "agent",
    "street",
    "building",
    "post_code",
    "town",
    "country",
    "address_lines",
    "id",
    "lei",
)
VALUES: Final = (
    "reference", "position", "amount", "amount_minor", "currency", "execution_date", "submission_id", "own_account", "own_name", "own_agent",
    *(f"counterparty_{name}" for name in _OTHER_SIDE), *(f"ordering_{name}" for name in _OTHER_SIDE),
    *(name for name, dtype in dtypes(PAYMENTS).items() if str(dtype) == "String" and not name.endswith("_text")),
)  # fmt: skip
"""What a column can say: canonical columns, both sides by what they are to the client, and what is ours."""
NEEDED: Final = ("reference", "amount", "counterparty_account")
_DATE_PARTS: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
_PLACEHOLDERS: Final = (
    "count",
    "sum",
    "sum_minor",
    "execution_date",
    "created_date",
    "submission_id",
    "own_account",
    "file_number",
)


def _pattern(text: str) -> str:
    parts = sorted(part[0] for part in re.findall("YYYY|YY|MM|DD", text))
    if parts != ["D", "M", "Y"] or re.search("[A-Za-z0-9]", re.sub("YYYY|YY|MM|DD", "", text)):
        raise ValueError(f"{text} is no date pattern; write year, month and day such as DD.MM.YYYY or YYYYMMDD")
    return text


def _cell(text: str) -> str:
    unknown = sorted(set(re.findall(r"\{(\w*)\}", text)) - set(_PLACEHOLDERS))
    if unknown:
        raise ValueError(f"no figures of a file: {', '.join(unknown)} (there are: {', '.join(_PLACEHOLDERS)})")
    return text


Cell = Annotated[str, AfterValidator(_cell)]


def strftime(pattern: str) -> str:
    """The same for strftime."""
    return re.sub("YYYY|YY|MM|DD", lambda found: _DATE_PARTS[found[0]], pattern)


class Column(Model):
    """One column: a heading, and a value or a constant. `values`: what we say → what the provider calls it.

    `chars_max`: a longer text is refused, never cut. `needed`: an empty cell is refused.
    """

    name: str = ""
    value: str | None = None
    constant: str | None = None
    values: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults
    chars_max: int | None = Field(default=None, ge=1)
    needed: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Column:
        if (self.value is None) == (self.constant is None):
            raise ValueError("give either value or constant")
        if self.value is not None and self.value not in VALUES:
            raise ValueError(f"no value named {self.value} (there are: {', '.join(VALUES)})")
        return self


class Options(Model):
    """The table. `first`, `last`: lines above and below the payments, with figures such as {count} and {sum}.

    `formulas`: what becomes of a text that a spreadsheet would run (it begins with = + - @, a tab or a return): the payment is
    refused, an apostrophe is put before it, or it is kept for a provider that never opens the file so.
    """

    columns: tuple[Column, ...] = Field(min_length=1)
    header: bool = True
    first: tuple[tuple[Cell, ...], ...] = ()
    last: tuple[tuple[Cell, ...], ...] = ()
    delimiter: Literal[",", ";", "\t", "|"] = ","
    quotes: Literal["needed", "always"] = "needed"
    decimal: Literal[".", ","] = "."
    date: Annotated[str, AfterValidator(_pattern)] = "YYYY-MM-DD"
    encoding: Literal[*_ENCODINGS] = "utf-8"  # type: ignore[valid-type]  # mypy unpacks no tuple here
    line_end: Literal["lf", "crlf"] = "crlf"
    transliterate: bool = False
    formulas: Literal["refuse", "apostrophe", "keep"] = "refuse"
    credit_debit: Literal["CRDT", "DBIT", "both"] = "CRDT"
    suffix: str = Field(default=".csv", pattern=r"^\.[a-z0-9]{1,8}$")

    @model_validator(mode="after")
    def _sound(self) -> Options:
        values = [column.value for column in self.columns]
        amounts = {"amount", "amount_minor"} & set(values)
        missing = [name for name in NEEDED if name != "amount" and name not in values]
        if missing or not amounts:
            told = ", ".join([*missing, *([] if amounts else ["amount or amount_minor"])])
            raise ValueError(f"a file cannot be read back without columns of {told}")
        plain = [column for column in self.columns if column.value in {*NEEDED, "amount_minor"} and column.values]
        if plain:
            raise ValueError("reference, amount and account are written as they are: they take no values")
        if self.credit_debit == "both" and "credit_debit" not in values:
            raise ValueError("a file of both directions needs a column of credit_debit")
        return self

    @property
    def eol(self) -> str:
        """Line end."""
        return "\r\n" if self.line_end == "crlf" else "\n"
