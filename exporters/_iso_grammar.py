"""What may stand where in an ISO 20022 message, in a notation of our own: the elements of each type, in order.

A type is a line of elements. `Nm?:140` is an optional text of at most 140 characters, `SvcLvl*` any number of the type of
that name, `Id+:LineDtlsId` at least one of another type, `AdrLine*7:70` at most seven. `| IBAN:iban Othr` is a choice.
`{DEBT|CRED}` lists codes. `#any` is one element of any kind. Tests hold the tables against the published schemas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

ANY: Final = "#any"
AMOUNT: Final = "amt"
_FORMS: Final = {
    AMOUNT: r"[0-9]{1,18}(\.[0-9]{0,5})?",
    "alnum4": "[a-zA-Z0-9]{4}",
    "bic": "[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "oldbic": "[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?",
    "boolean": "true|false|0|1",
    "country": "[A-Z]{2}",
    "currency": "[A-Z]{3}",
    "date": r"\d{4}-\d{2}-\d{2}(Z|[+-]\d{2}:\d{2})?",
    "dateTime": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?",
    "decimal": r"[+-]?(\d+\.?\d*|\.\d+)",
    "digits2": "[0-9]{2}",
    "digits15": "[0-9]{1,15}",
    "iban": "[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}",
    "lei": "[A-Z0-9]{18}[0-9]{2}",
    "number": r"[+-]?\d{1,18}(\.0*)?",
    "phone": r"\+[0-9]{1,3}-[0-9()+\-]{1,30}",
    "time": r"\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?",
    "rate": r"[+-]?(\d+\.?\d*|\.\d+)",
    "uuid": "[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}",
}
"""Forms of leaves by name. Those of a date or a number bound what a newer version writes, no more: the source was valid."""

_FIELD: Final = re.compile(r"(?P<name>[#\w]+)(?P<occurs>[?*+]?)(?P<most>\d*)(?::(?P<kind>\S+))?")
_COLLAPSED: Final = frozenset({AMOUNT, "boolean", "date", "dateTime", "decimal", "number", "rate"})


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a type. `kind`: the form of its text where `leaf`, else its type. `most`: None is any number."""

    name: str
    kind: str
    leaf: bool
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Type:
    """Elements by name, in order; of a choice exactly one. `places`: ordinal by name; `needed`: names it cannot do without."""

    fields: Mapping[str, Field]
    choice: bool
    places: Mapping[str, int]
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The types of one version of a message."""

    namespace: str
    types: Mapping[str, Type]

    def knows(self, name: str, path: str) -> bool:
        """True where the type has an element at this path of names."""
        step, _, rest = path.partition("/")
        field = self.types[name].fields.get(step)
        return field is not None and (not rest or (not field.leaf and self.knows(field.kind, rest)))


def grammar(namespace: str, lines: Mapping[str, str]) -> Grammar:
    """The grammar that these lines write down."""
    return Grammar(namespace, {name: _type(line, lines) for name, line in lines.items()})


def _type(line: str, lines: Mapping[str, str]) -> Type:
    words = line.split()
    choice = words[0] == "|"
    fields = [_field(word, lines, choice=choice) for word in words[choice:]]
    places = {field.name: place for place, field in enumerate(fields)}
    needed = tuple(field.name for field in fields if field.least)
    return Type({field.name: field for field in fields}, choice, places, needed)


def _field(word: str, lines: Mapping[str, str], *, choice: bool) -> Field:
    found = _FIELD.fullmatch(word)
    assert found is not None, word
    name, occurs, most = found["name"], found["occurs"], found["most"]
    kind = found["kind"] or name
    leaf = kind not in lines
    assert not leaf or kind == ANY or kind.isdigit() or kind.startswith("{") or kind in _FORMS, word
    least = 0 if choice or occurs in {"?", "*"} else 1
    return Field(name, kind, leaf, least, int(most) if most else None if occurs in {"*", "+"} else 1)


def chars_max(kind: str) -> int | None:
    """The most characters of a text, None of other forms."""
    return int(kind) if kind.isdigit() else None


def fits(kind: str, text: str) -> bool:
    """True where the text has the form."""
    if kind.isdigit():
        return 0 < len(text) <= int(kind)
    return _pattern(kind).fullmatch(text.strip(" \t\r\n") if kind in _COLLAPSED else text) is not None


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(kind[1:-1] if kind.startswith("{") else _FORMS[kind], re.ASCII)
