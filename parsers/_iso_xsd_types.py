"""What a schema says of a payment, as far as columns of texts can be held to it.

Source: W3C XML Schema 1.0, Part 2. The schemas of ISO 20022 use a small part of it. What lies beyond is not understood
here: `text` knows nothing of such an element then, and libxml2 decides of it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lxml import etree

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_GROUPS: Final = (f"{_XS}sequence", f"{_XS}choice")
_BEYOND: Final = (f"{_XS}key", f"{_XS}keyref", f"{_XS}unique", f"{_XS}include", f"{_XS}import", f"{_XS}redefine")
"""With one of these in it, what holds of a payment alone need not hold of it in its file."""

_BYTES_MAX: Final = 2**31
_SAFE_PATTERN: Final = re.compile(r"(?:\[(?:\w(?:-\w)?)+\]|\w|\\[-+.]|[-() ?+*]|\{\d+(?:,\d*)?\})+", re.ASCII)
"""Patterns that mean the same to XML Schema and to the regex engine of polars, and match no `&` of a reference."""
_DAY: Final = (
    r"[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])?"
_BUILT_IN: Final = {"date": _DAY, "dateTime": f"{_DAY}T{_TIME}", "boolean": "true|false|0|1"}
"""Forms that surely are of the type; some others are too."""


@dataclass(frozen=True, slots=True)
class Text:
    """Texts that an element surely may hold: of `least` to `most` bytes, and all of it as `pattern` has it, if there is one.

    A character has a byte or more, and a reference stands for a character: a text of so many bytes has no more characters.
    """

    least: int
    most: int = _BYTES_MAX
    pattern: str | None = None


class OnlyInItsFile(LookupError):
    """A payment of this schema cannot be judged by itself."""


class PaymentSchema:
    """The schema of the payments of one message, which may stand as often as they like.

    Raises:
        OnlyInItsFile: it is not known here what holds of such a payment wherever it stands.
        etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError: the file is no schema.
    """

    def __init__(self, file: Path, payment: str) -> None:
        tree = etree.parse(file, etree.XMLParser(no_network=True, remove_comments=True))
        self._root = root = tree.getroot()
        self.namespace = root.get("targetNamespace", "")
        self._types = {
            str(item.get("name")): item for item in root if item.tag in {f"{_XS}complexType", f"{_XS}simpleType"}
        }
        told = {
            (item.get("type"), item.get("maxOccurs"))
            for item in root.iter(f"{_XS}element")
            if item.get("name") == payment
        }
        if len(told) != 1 or next(root.iter(*_BEYOND), None) is not None:
            raise OnlyInItsFile(payment)
        self._type, often = told.pop()
        if self._type is None or often != "unbounded":
            raise OnlyInItsFile(payment)
        etree.SubElement(root, f"{_XS}element", name=payment, type=self._type)
        self._schema = etree.XMLSchema(tree)
        self._payment = payment

    def holds(self, payment: bytes, prefix: str) -> bool:
        """True for a payment, its tags as in the file, that libxml2 takes."""
        bound = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
        tag = f"<{prefix}{self._payment}"
        opened = f'{tag} {bound}="{self.namespace}"'.encode()
        try:
            element = etree.fromstring(payment.replace(tag.encode(), opened, 1), etree.XMLParser(no_network=True))
        except etree.XMLSyntaxError:
            return False
        return bool(self._schema.validate(element))

    def text(self, path: Sequence[str]) -> Text | None:
        """What the element may hold at this path of local names under the payment; None where that is not known here."""
        name = self._type
        for step in path:
            name = self._child(name, step)
        return self._simple(name)

    def _child(self, name: str | None, step: str) -> str | None:
        found = self._types.get(name or "")
        groups = [] if found is None else [group for group in found if group.tag in _GROUPS]
        return next((item.get("type") for item in _elements(groups) if item.get("name") == step), None)

    def _simple(self, name: str | None) -> Text | None:
        found = self._types.get(name or "")
        if found is None:
            return None
        if found.tag == f"{_XS}complexType":
            extension = found.find(f"{_XS}simpleContent/{_XS}extension")
            return None if extension is None else self._simple(extension.get("base"))
        restriction = found.find(f"{_XS}restriction")
        return None if restriction is None else _restricted(restriction)


def _elements(groups: Iterable[Any]) -> Iterable[Any]:
    for group in groups:
        for item in group:
            if item.tag == f"{_XS}element":
                yield item
            elif item.tag in _GROUPS:
                yield from _elements([item])


def _restricted(restriction: Any) -> Text | None:
    facets: dict[str, list[str]] = {}
    for facet in restriction:
        facets.setdefault(etree.QName(facet).localname, []).append(facet.get("value", ""))
    base = restriction.get("base", "").rpartition(":")[2]
    if base == "string":
        return _string(facets)
    if base == "decimal":
        return _decimal(facets)
    return Text(1, pattern=_whole(_BUILT_IN[base])) if base in _BUILT_IN and not facets else None


def _string(facets: dict[str, list[str]]) -> Text | None:
    if set(facets) == {"enumeration"}:
        return Text(1, pattern=_whole("|".join(map(re.escape, facets["enumeration"]))))
    least = int(facets.pop("minLength", ["0"])[0])
    most = int(facets.pop("maxLength", [str(_BYTES_MAX)])[0])
    patterns = facets.pop("pattern", [])
    if facets or least > 1 or len(patterns) > 1 or not all(map(_SAFE_PATTERN.fullmatch, patterns)):
        return None
    return Text(least, most, _whole(patterns[0]) if patterns else None)


def _decimal(facets: dict[str, list[str]]) -> Text | None:
    if not {"fractionDigits", "totalDigits"} <= set(facets) <= {"fractionDigits", "totalDigits", "minInclusive"}:
        return None
    decimals, digits = int(facets["fractionDigits"][0]), int(facets["totalDigits"][0])
    if digits <= decimals or facets.get("minInclusive", ["0"]) != ["0"]:
        return None
    return Text(
        1, pattern=_whole(rf"[0-9]{{1,{digits - decimals}}}" + (rf"(?:\.[0-9]{{1,{decimals}}})?" if decimals else ""))
    )


def _whole(pattern: str) -> str:
    return rf"^(?:{pattern})$"
