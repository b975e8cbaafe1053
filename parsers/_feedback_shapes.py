"""What is wanted of an ISO 20022 feedback message: shapes of its repeating elements, and the records read by them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_CBI: Final = r"urn:CBI:xsd:CBI\w+\.(\d\d\.\d\d\.\d\d)"


@dataclass(frozen=True, slots=True)
class Shape:
    """An element whose texts belong together.

    `fields`: path below it → key of the text, or the shape of a repeating element inside; siblings stand in the order of
    the schema. Several paths may share a key: the first text wins, or all are joined by line feeds if the key is in
    `joined`. `without`: what it means that one of those `required` is missing. `streamed` records are handed out when they close; others stay with the record that holds them.
    """

    name: str
    fields: tuple[tuple[str, str | Shape], ...]
    required: tuple[str, ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    joined: frozenset[str] = frozenset()
    streamed: bool = False


@dataclass(slots=True)
class Record:
    """One element that was read. `ordinal`: among those of its name in the file, from 1; `line` where it starts.

    `order`: among all records of the file, by where they start.

    The currency of an amount `key` is kept as `key_currency`.
    """

    shape: Shape
    line: int
    ordinal: int
    order: int
    parent: Record | None
    values: dict[str, str] = field(default_factory=dict)
    children: dict[str, list[Record]] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """One element on the way to a wanted text. `rank`: its place among its siblings; `key` where its text goes."""

    name: str
    path: str
    rank: int = 0
    key: str | None = None
    shape: Shape | None = None
    children: dict[str, Node] = field(default_factory=dict)
    known: dict[str, Node | None] = field(default_factory=dict)
    """Children by the full names that were met, None for those that are passed over."""


def grown(shape: Shape, node: Node) -> Node:
    """The node with everything of the shape below it."""
    node.shape = shape
    for path, what in shape.fields:
        place = node
        for step in path.split("/"):
            below = Node(step, f"{place.path}/{step}", len(place.children))
            place = place.children.setdefault(step, below)
        if isinstance(what, Shape):
            grown(what, place)
        else:
            place.key = what
    return node


@dataclass(frozen=True, eq=False)
class Message:
    """A message: its name (pain.002), its element below Document, and its shape. A further message costs one of these.

    Old versions name the element after the message (pain.002.001.02) or with a number of its own (BkToCstmrStmtV01);
    national variants have the element of the version that they are made from. `bare`: pattern of own elements that stand without a
    Document, several in one file (logical messages of Italy's CBI); `bare_without`: what such ones need not say. `several`: an
    envelope may hold several Documents of it, each with a header of its own.
    """

    name: str
    element: str
    shape: Shape
    bare: str = ""
    bare_without: frozenset[str] = frozenset()
    several: bool = False

    def owns(self, local: str) -> bool:
        """True for a name that the message's element has in one of its versions."""
        return re.fullmatch(self._elements(), local) is not None

    def bare_version(self, namespace: str, local: str) -> str | None:
        """CBIDlyStmtReqLogMsg.00.01.02, of such an element in a namespace of CBI; None where it is none."""
        found = re.fullmatch(_CBI, namespace)
        return f"{local}.{found.group(1)}" if found and re.fullmatch(self.bare, local) else None

    def sniff(self, head: bytes) -> bool:
        """True when the first bytes declare its namespace, or hold its element, in any encoding that holds ASCII."""
        plain = head.replace(b"\0", b"")
        namespace = rb"""xmlns(?::[\w.-]+)?\s*=\s*["'][^"']*""" + re.escape(self.name.encode()) + rb"""\.\d{3}\.\d{2}"""
        element = rb"<(?:[\w.-]+:)?(?:" + self._elements().encode() + rb")[\s>/]"
        return re.search(namespace + b"|" + element, plain) is not None

    def _elements(self) -> str:
        return rf"{self.element}(?:V\d\d)?|{re.escape(self.name)}\.\d{{3}}\.\d{{2}}" + (
            f"|{self.bare}" if self.bare else ""
        )
