"""A client's own elements in another version of the message: renamed, put in order, and held to what the version knows.

Elements are kept by name as `Parts`; what the version cannot hold is told as a `Fault`, all of them, and never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, cast
from xml.sax.saxutils import escape

from lxml import etree

from exporters._iso_grammar import AMOUNT, ANY, Field, Grammar, chars_max, fits
from exporters._iso_renamed import BESIDE, INNER, MOVED, OPENED, WORDS, Place

Leaf = tuple[str, str | None]
"""Text, and the currency of an amount."""
Parts = dict[str, "list[Leaf | Parts | str]"]
"""Name → its elements. A str is XML that is written as it is (supplementary data)."""

_UNKNOWN: Final = "has no place in this version of the message"


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be carried on, by its path."""

    path: str
    what: str


@dataclass(slots=True)
class Carrier:
    """Carries elements into one grammar. `fitted`: a text of words as it is to be written, at most so long."""

    grammar: Grammar
    fitted: Callable[[str, int | None], str] | None = None
    faults: list[Fault] = field(default_factory=list)

    def taken(self) -> list[Fault]:
        """The faults since the last call."""
        faults, self.faults = self.faults, []
        return faults

    # ------------------------------------------------------------------------------------------ reading

    def parts(self, element: etree._Element, kind: str, path: str = "") -> Parts:
        """What stands in the element, by the names of this grammar's type."""
        found: Parts = {}
        for child in element:
            if ANY in self.grammar.types[kind].fields:
                found.setdefault(ANY, []).append(_verbatim(child))
            else:
                self.place(found, kind, child, path)
        return found

    def place(self, found: Parts, kind: str, child: etree._Element, path: str, container: str = "") -> None:
        """Put one element where the type has a place for it."""
        name = local(child)
        at = f"{path}/{name}"
        known = self.grammar.types[kind].fields.get(name)
        if known is not None:
            self._keep(found, known, child, at)
        elif place := self._moved(kind, container, name):
            self._move(found, kind, place, child, at)
        elif name in OPENED and len(child):
            for grandchild in child:
                self.place(found, kind, grandchild, at, f"{name}/")
        else:
            self._fault(at, _UNKNOWN)

    def _moved(self, kind: str, container: str, name: str) -> Place | None:
        tried = (*MOVED.get(container + name, ()), *MOVED.get(name, ()))
        return next((place for place in tried if self.grammar.knows(kind, place.path)), None)

    def _move(self, found: Parts, kind: str, place: Place, child: etree._Element, at: str) -> None:
        *steps, last = place.path.split("/")
        for step in steps:
            known = self.grammar.types[kind].fields[step]
            if step == "Othr" or not found.get(step):  # each identification has an Othr of its own
                found.setdefault(step, []).append({})
            found, kind = cast("Parts", found[step][-1]), known.kind
        self._keep(found, self.grammar.types[kind].fields[last], child, at)
        if place.scheme:
            found["SchmeNm"] = [{"Cd": [(place.scheme, None)]}]

    def _keep(self, found: Parts, known: Field, child: etree._Element, at: str) -> None:
        values, inner = found.setdefault(known.name, []), INNER.get(local(child))
        if known.leaf:
            values.append(self._leaf(known, self._opened(child, inner, at), at))
        elif len(child) or not child.text or inner is None:
            values.append(self.parts(child, known.kind, at))
        else:
            wrapped: Parts = {inner: [self._leaf(self.grammar.types[known.kind].fields[inner], child, at)]}
            if beside := BESIDE.get(known.name):
                wrapped[beside[0]] = [(beside[1], None)]
            values.append(wrapped)

    def _opened(self, child: etree._Element, inner: str | None, at: str) -> etree._Element:
        """The element that holds the text, where this grammar has a text in place of elements."""
        if not len(child):
            return child
        texts = [item for item in child if local(item) == inner]
        beside = BESIDE.get(local(child))
        others = [item for item in child if local(item) != inner and (local(item), item.text) != beside]
        for other in others:
            self._fault(f"{at}/{local(other)}", _UNKNOWN)
        return texts[0] if len(texts) == 1 else child

    def _leaf(self, known: Field, element: etree._Element, at: str) -> Leaf:
        text = element.text or ""
        if self.fitted is not None and known.name in WORDS:
            text = self.fitted(text, chars_max(known.kind))
        if not fits(known.kind, text):
            longest = chars_max(known.kind)
            self._fault(at, f"is longer than {longest} characters" if longest and text else "does not have its form")
        return text, element.get("Ccy") if known.kind == AMOUNT else None

    def _fault(self, at: str, what: str) -> None:
        self.faults.append(Fault(at.removeprefix("/"), what))

    # ------------------------------------------------------------------------------------------ writing

    def xml(self, name: str, parts: Parts, kind: str, path: str = "") -> str:
        """`<name>…</name>` with the parts in the type's order."""
        known = self.grammar.types[kind]
        if known.choice and sum(map(len, parts.values())) != 1:
            self._fault(path or name, "must hold one element of several it may hold")
        for missing in known.needed:
            if not parts.get(missing):
                self._fault(f"{path}/{missing}", "is missing, and this version of the message needs it")
        ordered = sorted(parts, key=known.places.__getitem__) if len(parts) > 1 else parts
        inner = "".join([self._written(known.fields[item], parts[item], path) for item in ordered])
        return f"<{name}>{inner}</{name}>"

    def _written(self, known: Field, values: list[Leaf | Parts | str], path: str) -> str:
        if known.most is not None and len(values) > known.most:
            self._fault(f"{path}/{known.name}", f"stands {len(values)} times, and this version holds {known.most}")
        return "".join([self.value_xml(known.name, known.kind, value, path) for value in values])

    def value_xml(self, name: str, kind: str, value: Leaf | Parts | str, path: str = "") -> str:
        """One element as XML."""
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return self.xml(name, value, kind, f"{path}/{name}")
        text, currency = value
        opening = f'{name} Ccy="{currency}"' if currency else name
        return f"<{opening}>{escape(text, _RETURN) if _SPECIAL.search(text) else text}</{name}>"


_RETURN: Final = {"\r": "&#13;"}
_SPECIAL: Final = re.compile("[&<>\r]")


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def leaves(parts: Parts, name: str) -> Iterator[str]:
    """Texts of the leaves of that name, at one level."""
    return (value[0] for value in parts.get(name, []) if isinstance(value, tuple))


def merged(ours: Parts, theirs: Parts, *, deep: bool = True) -> Parts:
    """Ours, and of theirs what ours does not say: element by element, and `deep` inside of elements that both have."""
    found = dict(ours)
    for name, values in theirs.items():
        mine = found.get(name)
        if not mine:
            found[name] = values
        elif deep and isinstance(mine[0], dict) and isinstance(values[0], dict):
            found[name] = [merged(mine[0], values[0])]
    return found


def _verbatim(element: etree._Element) -> str:
    """XML of any element with the namespaces it uses."""
    alone = deepcopy(element)
    etree.cleanup_namespaces(alone)
    return etree.tostring(alone, encoding="unicode", with_tail=False)
