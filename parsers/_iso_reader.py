"""The exact reader: one expat parser that collects the captured paths of a pain.001, with byte offsets and lines.

expat is taken because it alone tells the byte offset of every event in the bytes it was given, whatever their encoding
(UTF-8, UTF-16, ISO-8859-1 and every single-byte code page): offsets are offsets in the archived bytes, and nothing is
transcoded. It resolves namespaces, loads nothing from outside, and a DTD is refused at its first word.

The fast reader feeds it only what stands outside the payments and tells it with `skip` what it left out, so that headers,
totals, namespaces and the file's end are read by this one piece of code.
"""

from __future__ import annotations

import codecs
import mmap
import re
from dataclasses import replace
from typing import Any, Final
from xml.parsers import expat

from canonical.codes import Level
from canonical.limits import FILE_ROWS_MAX, XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers._iso_faults import Fault, Unreadable, fatal
from parsers._iso_paths import CURRENCY, FIRST, JOINED, TOTALS, Node, message_tree

SLICE_BYTES: Final = 2**18
_VERSION = re.compile(r"pain\.001\.\d{3}\.\d{2}(?:\.[a-z]{2}\.\d{2})?")
_MESSAGES = re.compile(r"CstmrCdtTrfInitn|pain\.001\.\d{3}\.\d{2}")
_TREE = message_tree()
_TRUNCATED = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)
_ENCODING_ERRORS = frozenset(
    expat.errors.codes[text]
    for text in (expat.errors.XML_ERROR_UNKNOWN_ENCODING, expat.errors.XML_ERROR_INCORRECT_ENCODING)
)


class Doubt(Exception):  # noqa: N818  a signal between the readers, caught inside this package
    """The fast reader cannot vouch for these bytes: the exact one reads them."""


class Reader:
    """Push parser. After each `feed`, `payments`, `totals` and `faults` hold what was found since they were last taken.

    Args:
        data: the archived bytes, for the end of closing tags.
        encoding: overrides the declared one (an alias that expat does not know), else None.
        bodies: False where payments are left out with `skip`; meeting one then raises `Doubt`.

    Raises (from `feed`):
        Unreadable: reading cannot go on; carries the FATAL fault.
    """

    def __init__(self, data: bytes | mmap.mmap, encoding: str | None = None, *, bodies: bool = True) -> None:
        self.version: str | None = None
        self.header: dict[str, str] = {}
        self.batches: dict[int, dict[str, str]] = {}
        self.payments: list[dict[str, Any]] = []
        self.totals: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.rows = 0
        self.markup = 0  # comments, instructions and the declaration met, for the fast reader's own count
        self.open_row: int | None = None
        self._data, self._bodies = data, bodies
        self._batch = 0
        self._had_payment = False
        self._header_seen = False
        self._depth = self._skipped = self._silent = 0
        self._text_chars = 0
        self._bytes_left_out = self._lines_left_out = 0
        self._stack: list[Node] = []
        self._texts: list[list[str]] = []
        self._current: dict[str, Any] = {}
        self._repeats: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self._batch_totals: list[dict[str, Any]] = []
        self._parser = self._expat(encoding)

    def _expat(self, encoding: str | None) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding, namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = 2**16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.XmlDeclHandler = self._other
        return parser

    # ------------------------------------------------------------------------------------------ feeding

    @property
    def line(self) -> int:
        """Line of the event at hand, from 1."""
        return self._parser.CurrentLineNumber + self._lines_left_out

    @property
    def offset(self) -> int:
        """Byte offset of the event at hand in the archived bytes."""
        return self._parser.CurrentByteIndex + self._bytes_left_out

    @property
    def batch(self) -> int:
        """Ordinal of the batch at hand, from 1."""
        return self._batch

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """The next bytes of the file; `final` with the last ones."""
        self._silent += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise Unreadable(self._syntax(error, final=final)) from None
        except (LookupError, ValueError, UnicodeError) as error:
            # What CPython raises for a declared encoding that it does not know or that is no single-byte code page.
            raise Unreadable(_encoding_fault(str(error)).at(1, 0)) from None
        if self._silent > XML_TEXT_BYTES_MAX + SLICE_BYTES:
            raise Unreadable(_limit(f"a tag or comment is longer than {XML_TEXT_BYTES_MAX} bytes").at(self.line, self.offset))
        if final:
            self._finish()

    def skip(self, size: int, lines: int, payments: int) -> None:
        """Payments that were left out between two feeds: their bytes, line feeds and number.

        Raises:
            Doubt: they do not stand directly in a PmtInf.
        """
        if self._skipped or not self._stack or self._stack[-1] is not _TREE.children["PmtInf"]:
            raise Doubt("payments outside a PmtInf")
        self._first_payment()
        self._bytes_left_out += size
        self._lines_left_out += lines
        self._count(payments)

    def _count(self, payments: int) -> None:
        self.rows += payments
        if self.rows > FILE_ROWS_MAX:
            raise Unreadable(_limit(f"the file holds more than {FILE_ROWS_MAX} payments").at(self.line, self.offset))

    # ------------------------------------------------------------------------------------------ events

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._silent = 0
        self._depth += 1
        if self._depth > XML_DEPTH_MAX:
            raise Unreadable(_limit(f"elements are nested deeper than {XML_DEPTH_MAX}").at(self.line, self.offset))
        if self._skipped:
            self._skipped += 1
            return
        if not self._stack:
            self._outside(name)
            return
        local = self._names.get(name)
        if local is None:
            local = self._names[name] = name.rpartition(" ")[2]
        node = self._stack[-1].children.get(local)
        if node is None:
            self._skipped = 1
            return
        if node.scope != self._stack[-1].scope:
            self._open(node)
        self._stack.append(node)
        self._texts.append([])
        self._text_chars = 0
        if node.currency and (currency := attributes.get("Ccy")):
            self._put("payment", CURRENCY, currency)

    def _end(self, _name: str) -> None:
        self._silent = 0
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
            return
        if not self._stack:
            return
        node = self._stack.pop()
        text = "".join(self._texts.pop())
        self._text_chars = 0
        if node.key and text:
            self._put(node.scope, node.key, text)
        if not self._stack or node.scope != self._stack[-1].scope:
            self._close(node)

    def _characters(self, text: str) -> None:
        self._silent = 0
        if self._skipped or not self._texts:
            return
        self._text_chars += len(text)
        if self._text_chars > XML_TEXT_BYTES_MAX:
            raise Unreadable(_limit(f"a text is longer than {XML_TEXT_BYTES_MAX} bytes").at(self.line, self.offset))
        self._texts[-1].append(text)

    def _other(self, *_: object) -> None:
        self._silent = 0
        self.markup += 1

    def _doctype(self, *_: object) -> None:
        raise Unreadable(
            fatal(
                "xml-dtd", "FF02",
                "The file holds a document type declaration (<!DOCTYPE …>). ISO 20022 messages have none, and it is never read.",
                "Leave the declaration out and send the file again.",
            ).at(self.line, self.offset)
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ structure

    def _outside(self, name: str) -> None:
        namespace, _, local = name.rpartition(" ")
        if self.version is not None and _MESSAGES.fullmatch(local) and self._depth == self._document_depth + 1:
            self._stack.append(_TREE)
            self._texts.append([])
        elif local == "Document":
            found = _VERSION.search(namespace)
            if found is None or self.version is not None:
                what = f"its namespace is {namespace!r}" if self.version is None else "the file holds a second one"
                raise Unreadable(_root_fault(f"This Document is no pain.001 message to read: {what}.").at(self.line, self.offset))
            self.version = found.group()
            self._document_depth = self._depth
        elif self.version is not None and self._depth == self._document_depth + 1:
            message = f"The Document holds <{local[:60]}> where a pain.001 has <CstmrCdtTrfInitn>."
            raise Unreadable(_root_fault(message).at(self.line, self.offset))

    def _open(self, node: Node) -> None:
        if node.scope == "batch":
            self._batch += 1
            self._had_payment = False
            self.batches[self._batch] = self._current = {}
            if not self._header_seen:
                self._header_seen = True
                self.faults.append(_no_header().at(self.line, self.offset))
        elif node.scope == "payment":
            if not self._bodies:
                raise Doubt("a payment where none was expected")
            self._first_payment()
            self._count(1)
            self.open_row = self.rows
            self._repeats = {}
            place = {"row": self.rows, "line": self.line, "offset": self.offset, "batch": self._batch}
            self._current = place
        else:
            self._header_seen = True

    def _first_payment(self) -> None:
        if not self._had_payment:
            self._had_payment = True
            self._flush_batch_totals()

    def _close(self, node: Node) -> None:
        if node.scope == "payment":
            payment = self._current
            payment |= {key: "\n".join(texts) for key, texts in self._repeats.items()}
            payment["length"] = self._tag_end() - payment["offset"]
            self.payments.append(payment)
            self.open_row = None
            self._current = self.batches[self._batch]
        elif node.scope == "batch":
            self._flush_batch_totals()
            if not self._had_payment:
                self.faults.append(self._batch_fault("iso-empty-batch", "CH21", "This PmtInf holds no payment (CdtTrfTxInf)."))

    def _put(self, scope: str, key: str, text: str) -> None:
        if scope == "header":
            self._put_header(key, text)
            return
        if scope == "batch" and self._had_payment:
            message = f"{key} stands after the first payment of its PmtInf; it is not read there."
            self.faults.append(replace(self._batch_fault("iso-order", "CH16", message), field=key))
        elif scope == "batch" and key in TOTALS:
            self._batch_totals.append(self._total("batch", f"PmtInf/{key}", key, text))
        elif key in JOINED:
            self._repeats.setdefault(key, []).append(text)
        elif key not in self._current:
            self._current[key] = text
        elif key not in FIRST:
            self._repeated(scope, key)

    def _put_header(self, key: str, text: str) -> None:
        if key in TOTALS:
            self.totals.append(self._total("file", f"GrpHdr/{key}", key, text))
        self.header.setdefault(key, text)

    def _repeated(self, scope: str, key: str) -> None:
        fault = self._batch_fault("iso-repeated", "CH16", f"{key} stands more than once; only the first one is read.")
        if scope == "payment":
            row, reference = self._current["row"], self._current.get("PmtId/EndToEndId")
            fault = replace(fault, level=Level.PAYMENT, row=row, end_to_end_id=reference)
        self.faults.append(replace(fault, field=key))

    def _batch_fault(self, rule: str, reason: str, message: str) -> Fault:
        return Fault(
            rule, reason, message, "Follow the order and number of elements of the message's schema, and send the file again.",
            level=Level.BATCH, offset=self.offset, line=self.line, batch=self._batch,
            batch_id=self.batches[self._batch].get("PmtInfId"),
        )  # fmt: skip

    def _total(self, level: str, name: str, key: str, text: str) -> dict[str, Any]:
        batch = self._batch if level == "batch" else None
        return {
            "level": level, "batch": batch, "line": self.line, "field": name, "measure": TOTALS[key],
            "declared_text": text, "offset": self.offset,
        }  # fmt: skip

    def _flush_batch_totals(self) -> None:
        batch_id = self.batches[self._batch].get("PmtInfId")
        self.totals += [{**total, "batch_id": batch_id} for total in self._batch_totals]
        self._batch_totals = []

    # ------------------------------------------------------------------------------------------ ends

    def _tag_end(self) -> int:
        """Where the closing tag at hand ends. After an empty element (`<CdtTrfTxInf/>`) expat already stands behind it."""
        start = self.offset
        for unit in (b">", b">\0", b"\0>"):
            close = self._data.find(unit, start)
            tag = self._data[start : close + len(unit)] if 0 <= close < start + XML_TEXT_BYTES_MAX else b""
            plain = tag.replace(b"\0", b"")
            wide = len(tag) == 2 * len(plain)
            if wide == (len(unit) == 2) and re.fullmatch(rb"</[^>]*CdtTrfTxInf\s*>", plain):  # noqa: PLR2004
                return start + len(tag)
        return start

    def _syntax(self, error: expat.ExpatError, *, final: bool) -> Fault:
        line = error.lineno + self._lines_left_out
        offset = self._parser.ErrorByteIndex + self._bytes_left_out
        text = expat.ErrorString(error.code)
        if error.code in _ENCODING_ERRORS:
            return _encoding_fault(text).at(line, offset)
        if final and error.code in _TRUNCATED:
            fault = fatal(
                "xml-truncated", "TD03", f"The file ends in line {line} before its elements are closed: it is incomplete.",
                "Write the whole file, close every element, and send it again.",
            )  # fmt: skip
        else:
            fault = fatal(
                "xml-syntax", "FF02", f"The file is not well-formed XML: {text} in line {line}, column {error.offset + 1}.",
                "Correct the XML at that place and send the file again.",
            )  # fmt: skip
        return replace(fault.at(line, offset), row=self.open_row)

    def _finish(self) -> None:
        if self.version is None:
            raise Unreadable(_root_fault("The file holds no <Document> of a pain.001 message.").at(1, 0))
        if self._batch == 0:
            message = "The message holds no PmtInf, so there is nothing to pay."
            remedy = "Send the file with its payments."
            self.faults.append(Fault("iso-no-payments", "CH21", message, remedy).at(self.line, self.offset))


def declared_encoding(head: bytes) -> str | None:
    """Encoding that the XML declaration names, as Python's codec name; the name itself where Python knows none."""
    plain = head.replace(b"\0", b"").removeprefix(codecs.BOM_UTF8).lstrip(b"\xfe\xff")
    found = re.match(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']", plain)
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def _limit(what: str) -> Fault:
    return fatal("xml-limit", "FF02", f"The file is refused: {what}.", "Send a file within these bounds.")


def _root_fault(message: str) -> Fault:
    remedy = "Send a Document in a namespace such as urn:iso:std:iso:20022:tech:xsd:pain.001.001.09."
    return fatal("iso-message", "FF01", message, remedy)


def _no_header() -> Fault:
    message = "The message has no GrpHdr before its first PmtInf."
    return Fault("iso-no-header", "CH21", message, "Put the group header (MsgId, CreDtTm, NbOfTxs, InitgPty) first.")


def _encoding_fault(detail: str) -> Fault:
    return fatal(
        "xml-encoding", "RR10", f"The bytes are not in the encoding that the XML declaration names, or it is unknown: {detail}.",
        'Write the file in UTF-8 and declare encoding="UTF-8".',
    )  # fmt: skip
