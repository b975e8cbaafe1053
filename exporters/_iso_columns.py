"""One element a row from columns, as a single concatenation: what no row of a window has is not even looked for.

Elements nested as expressions copy their text once a level. Here the tree is laid flat first: literals that stand side by side are
joined, a column without nulls is written as it stands, and an element whose texts are all missing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Text:
    """`<name>` around a column of character data. `name` may carry an attribute."""

    name: str
    column: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A column of XML."""

    column: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """XML that stands wherever the node around it does."""

    xml: str


@dataclass(frozen=True, slots=True)
class Node:
    """`<name>` around its parts, left out where all of them are missing."""

    name: str
    parts: tuple[Part, ...]


Part = Text | Raw | Fixed | Node
_Here = bool | frozenset[str]
"""Where a part stands: in every row, in none, or in those where one of these columns has a value."""


@dataclass(frozen=True, slots=True)
class _Literal:
    xml: str
    here: _Here


_Token = _Literal | str
"""A literal, or the name of a column."""


def laid_flat(frame: pl.DataFrame, *parts: Part) -> pl.Expr:
    """The XML of each row."""
    tokens = [token for part in parts for token in _flat(frame, part)[0]]
    return pl.concat_str([_expression(token) for token in _joined(tokens)] or [pl.lit("")], ignore_nulls=True)


def _flat(frame: pl.DataFrame, part: Part) -> tuple[list[_Token], _Here]:
    match part:
        case Raw(column):
            here = _here(frame, column)
            return ([column] if here else []), here
        case Text(name, column):
            return _around(name, [column], _here(frame, column))
        case Fixed(xml):
            return [_Literal(xml, here=False)], False
        case Node(name, parts):
            found = [_flat(frame, item) for item in parts]
            here = _any([place for _, place in found])
            fixed = [
                _Literal(token.xml, here) if isinstance(token, _Literal) and token.here is False else token
                for tokens, _ in found
                for token in tokens
            ]
            return _around(name, fixed, here)


def _here(frame: pl.DataFrame, column: str) -> _Here:
    nulls = frame[column].null_count() if column in frame.columns else frame.height
    return False if nulls == frame.height else True if nulls == 0 else frozenset({column})


def _any(places: list[_Here]) -> _Here:
    sometimes = frozenset[str]().union(*(here for here in places if not isinstance(here, bool)))
    return True if any(here is True for here in places) else sometimes or False


def _around(name: str, tokens: list[_Token], here: _Here) -> tuple[list[_Token], _Here]:
    if not here:
        return [], here
    return [_Literal(f"<{name}>", here), *tokens, _Literal(f"</{name.partition(' ')[0]}>", here)], here


def _joined(tokens: list[_Token]) -> list[_Token]:
    found: list[_Token] = []
    for token in tokens:
        last = found[-1] if found else None
        if isinstance(token, _Literal) and isinstance(last, _Literal) and token.here == last.here:
            found[-1] = _Literal(last.xml + token.xml, token.here)
        else:
            found.append(token)
    return found


def _expression(token: _Token) -> pl.Expr:
    if isinstance(token, str):
        return pl.col(token)
    if isinstance(token.here, bool):
        return pl.lit(token.xml)
    present = pl.any_horizontal(pl.col(column).is_not_null() for column in sorted(token.here))
    return pl.when(present).then(pl.lit(token.xml))
