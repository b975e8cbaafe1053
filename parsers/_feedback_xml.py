"""Read the wanted elements of an ISO 20022 feedback message into records, in one pass and whatever its version.

A `Shape` lists the paths of one repeating element (an entry, a transaction status) in the order of the schema. Names are
compared without their namespace, so that every version and every national variant of a message is read by the same lists;
an element that is not listed is passed over.

What breaks the schema in a listed element (order, length, a missing or empty element) is told once for each kind, with the
number of places: a bank's system makes the same slip in every entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from canonical.codes import Severity
from canonical.contracts import Source
from canonical.limits import XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers._feedback_shapes import Message, Node, Record, Shape, grown
from parsers._iso_faults import Doubt, Fault, Unreadable, empty_file, limit, quoted, quotes
from parsers._iso_header import HeaderName
from parsers._xml_bytes import declared_encoding
from parsers._xml_feed import SLICE_BYTES, Feeder

_BLANKS: Final = " \t\r\n"
_HEAD_BYTES: Final = 1024
CHARS_MAX: Final = {
    "Nm": 140, "Ustrd": 140, "AddtlRmtInf": 140, "AddtlInf": 105, "AddtlStsRsnInf": 105, "AddtlTxInf": 500,
    "AddtlNtryInf": 500, "IBAN": 34, "UETR": 36, "Prtry": 35, "Nb": 35, "Ref": 35, "AcctSvcrRef": 35,
    **dict.fromkeys(("MsgId", "PmtInfId", "InstrId", "EndToEndId", "TxId", "NtryRef", "StsId", "ClrSysRef"), 35),
    **dict.fromkeys(("OrgnlMsgId", "OrgnlMsgNmId", "OrgnlPmtInfId", "OrgnlInstrId", "OrgnlEndToEndId"), 35),
}  # fmt: skip
"""Longest text by element name (Max35Text, Max105Text, ...), the widest of all versions."""
PATTERNS: Final = {
    "UETR": (re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}"), "a UUID of version 4 in small letters"),
    "IBAN": (re.compile(r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}"), "of the form of an IBAN"),
    **dict.fromkeys(
        ("TxSts", "PmtInfSts", "GrpSts", "TxCxlSts", "PmtInfCxlSts", "GrpCxlSts", "Conf"),
        (re.compile(r"[A-Z0-9]{1,4}"), "a code of up to four capitals and digits"),
    ),
}  # fmt: skip
"""By element name: the pattern of its texts, and what they are in words."""
ONCE: Final = frozenset(
    {"Amt", "CdtDbtInd", "Sts", "TxSts", "PmtInfSts", "GrpSts", "TxCxlSts", "PmtInfCxlSts", "GrpCxlSts"}
)
"""Elements of which one decides about money: a second one with another text is told."""
_REMEDY: Final = "Tell the provider; what could be read was read."


class Reader(Feeder):
    """Push parser. `version` is the exact message as its namespace names it. `records` fills up while it is fed."""

    def __init__(self, message: Message, encoding: str | None) -> None:
        super().__init__(encoding)
        self.version = ""
        self.records: list[Record] = []
        self._message = message
        self._version = re.compile(re.escape(message.name) + r"\.\d{3}\.\d{2}(?:\.[a-z]{2}\.\d{2})?")
        self._root = grown(message.shape, Node(message.shape.name, message.shape.name))
        self._document_depth = 0
        self._named = HeaderName()
        self._message_seen = self._in_document = False
        self._skipped = 0
        self._node: Node | None = None
        self._rank = 0
        self._above: list[tuple[Node | None, int]] = []
        self._text = ""
        self._open: list[Record] = []
        self._opened = 0
        self._counts: dict[str, int] = {}
        self._own: Record | None = None
        self._slips: dict[tuple[str, str], _Slip] = {}

    # ------------------------------------------------------------------------------------------ events

    # One call an event, with the bounds of `Feeder` in it: a statement has millions of events, and calls are half their cost.

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._silent_bytes = self._text_chars = 0
        self.depth += 1
        if self.depth > XML_DEPTH_MAX:
            self.refuse(limit(f"elements are nested deeper than {XML_DEPTH_MAX}"))
        if self._skipped:
            self._skipped += 1
            return
        here = self._node
        if here is None:
            self._outside(name)
            return
        known = here.known
        if name not in known:
            known[name] = here.children.get(name.rpartition(" ")[2])
        node = known[name]
        if node is None:
            self._skipped = 1
            return
        if node.rank < self._rank:
            self._slip("iso-order", "CH16", node.path, "stands behind an element that must follow it")
        self._above.append((here, node.rank))
        self._node, self._rank = node, 0
        if node.shape is not None:
            self._begin(node.shape)
        elif attributes and node.key and (currency := attributes.get("Ccy")):
            self._open[-1].values.setdefault(f"{node.key}_currency", currency)
        self._text = ""

    def _on_end(self, _name: str) -> None:
        self._silent_bytes = self._text_chars = 0
        self.depth -= 1
        if self._skipped:
            self._skipped -= 1
            return
        node = self._node
        if node is None:
            return
        self._node, self._rank = self._above.pop()
        if node.key:
            self._put(node, self._text.strip(_BLANKS))
            self._text = ""
        elif node.shape is not None:
            self._close(node.path, node.shape)

    def _on_characters(self, text: str) -> None:
        self._silent_bytes = 0
        self._text_chars += len(text)
        if self._text_chars > XML_TEXT_BYTES_MAX:
            self.refuse(limit(f"a text is longer than {XML_TEXT_BYTES_MAX} characters"))
        # Of an element that holds others these are the blanks behind the last of them.
        if not self._skipped:
            self._text += text
            if self._node is None:
                self._named.characters(text)

    def skip(self, element: str, size: int, lines: int) -> int:
        """Children of the open statement that were left out between two feeds: its ordinal. Bytes and line feeds of them.

        Raises:
            Doubt: they do not stand directly in it, or where its schema has them.
        """
        node, child = self._node, self._node.children.get(element) if self._node else None
        if self._skipped or node is None or node.shape is None or child is None or child.rank < self._rank:
            raise Doubt(f"{element} outside its place")
        self._rank = child.rank
        self.leave_out(size, lines)
        return self._open[-1].ordinal

    def said(self, key: str) -> str | None:
        """A text of the message's own element, beside its records."""
        return self._own.values.get(key) if self._own else None

    def finish(self) -> None:
        """What only the end of the file shows."""
        if not self._message_seen and quotes(self._text, self._message.name):
            what, remedy = quoted(self._message.name)
            self.refuse(replace(self._not_the_message(what), remedy=remedy))
        if not self._message_seen:
            self.refuse(self._not_the_message(f"The file holds no {self._message.name} message."))

    # ------------------------------------------------------------------------------------------ structure

    def _outside(self, name: str) -> None:
        namespace, _, local = name.rpartition(" ")
        self._named.start(local)
        if local == "Document":
            found = self._version.search(namespace)
            if namespace and found is None:
                what = f"This Document is no {self._message.name} message: its namespace is {namespace[:100]!r}."
                self.refuse(self._not_the_message(what))
            # What opens no deeper than an earlier Document stands beside it.
            if self._document_depth and (not self._message.several or self.depth > self._document_depth):
                self.refuse(self._not_the_message("The file holds a second Document; a file is one message."))
            self._in_document = False
            if found is None:
                self._slip("iso-message", "FF01", "Document", "names no version of the message (no namespace)")
            else:
                self._hold_against(self._named.other_than(found.group()), found.group())
            if not self._document_depth:
                self.version = found.group() if found else self._message.name
            self._document_depth = self.depth
        elif self._document_depth and self.depth == self._document_depth + 1:
            if not self._message.owns(local):
                what = f"The Document holds <{local[:60]}>, which is no {self._message.name} message."
                self.refuse(self._not_the_message(what))
            if self._in_document:
                self.refuse(
                    self._not_the_message(f"The Document holds a second <{local[:60]}>; a file is one message.")
                )
            self._enter()
        elif not self._document_depth and (version := self._message.bare_version(namespace, local)):
            self.version = version
            self._enter()

    def _hold_against(self, named: str | None, version: str) -> None:
        if named:
            what = f"says {named}, and the Document is a {version}; it is read as what it is"
            self._slip("iso-header", "FF01", "AppHdr/MsgDefIdr", what)

    def _enter(self) -> None:
        self._message_seen = self._in_document = True
        self._above.append((None, 0))
        self._node = self._root
        self._begin(self._message.shape)
        self._own = self._open[-1]

    def _begin(self, shape: Shape) -> None:
        number = self._counts[shape.name] = self._counts.get(shape.name, 0) + 1
        self._opened += 1
        self._open.append(Record(shape, self.line, number, self._opened, self._open[-1] if self._open else None))

    def _not_the_message(self, what: str) -> Fault:
        remedy = f"Look at what the provider put in this place, and at the format its profile names; {self._message.name} is expected."
        return Fault("iso-message", "FF01", what, remedy, severity=Severity.FATAL)

    def _put(self, node: Node, text: str) -> None:
        key = node.key or ""
        if not text:
            # An element that may hold a code or a text (Sts) holds only blanks between its children.
            if not node.children:
                self._slip("iso-empty", "CH21", node.path, "is empty")
            return
        if len(text) > CHARS_MAX.get(node.name, len(text)):
            self._slip("iso-text", "CH16", node.path, f"has {len(text)} characters; at most {CHARS_MAX[node.name]} fit")
        elif (form := PATTERNS.get(node.name)) and not form[0].fullmatch(text):
            self._slip("iso-text", "CH16", node.path, f"is not {form[1]}")
        record = self._open[-1]
        if key not in record.values:
            record.values[key] = text
        elif key in record.shape.joined:
            record.values[key] += f"\n{text}"
        elif node.name in ONCE and text != record.values[key]:
            self._slip("iso-repeated", "CH16", node.path, "stands twice and says two things; the first one is taken")

    def _close(self, path: str, shape: Shape) -> None:
        record = self._open.pop()
        for key in shape.required:
            excused = not self._document_depth and key in self._message.bare_without
            if key not in record.values and key not in record.children and not excused:
                below = next(below for below, what in shape.fields if key in {what, getattr(what, "name", None)})
                if ("iso-empty", f"{path}/{below}") not in self._slips:
                    meant = dict(shape.without).get(key)
                    what = f"is missing: {meant}" if meant else "is missing"
                    self._slip("iso-missing", "CH21", f"{path}/{below}", what, record.line)
        siblings = record.parent.children.setdefault(shape.name, []) if record.parent else []
        if shape.streamed:
            self.records.append(record)
        else:
            siblings.append(record)

    def _slip(self, rule: str, reason: str, path: str, what: str, line: int | None = None) -> None:
        slip = self._slips.setdefault((rule, path), _Slip(reason, what, line or self.line))
        slip.places += 1

    def slips(self) -> list[Fault]:
        """What breaks the schema in the elements that are read: one warning for each kind and element."""
        return [
            Fault(
                rule, slip.reason, f"{path} {slip.what}{slip.elsewhere()}.", _REMEDY, severity=Severity.WARNING,
                line=slip.line, field=path,
            )
            for (rule, path), slip in self._slips.items()
        ]  # fmt: skip


@dataclass(slots=True)
class _Slip:
    reason: str
    what: str
    line: int
    places: int = 0

    def elsewhere(self) -> str:
        return f" (and so in {self.places - 1} more places)" if self.places > 1 else ""


def new_reader(source: Source, message: Message) -> Reader:
    """A reader for these bytes. expat reads the declaration itself; only the names of UTF-8 it does not know are told."""
    declared = declared_encoding(source.data[:_HEAD_BYTES])
    return Reader(message, "utf-8" if declared == "utf-8" else None)


def read_records(source: Source, reader: Reader) -> Iterator[Record]:
    """Every streamed record of the file, in the order in which they close.

    Raises:
        Unreadable: reading cannot go on; carries the FATAL fault.
    """
    size = len(source.data)
    if size == 0:
        raise Unreadable(empty_file())
    for offset in range(0, size, SLICE_BYTES):
        reader.feed(source.data[offset : offset + SLICE_BYTES], final=offset + SLICE_BYTES >= size)
        yield from reader.records
        reader.records.clear()
