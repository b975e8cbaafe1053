"""A namespace-aware expat parser that is fed slices, knows where it stands in the archived bytes, and keeps its bounds.

expat is taken because it alone tells the byte offset of every event in the bytes it was given, whatever their encoding
(UTF-8, UTF-16, ISO-8859-1 and every single-byte code page): offsets are offsets in the archived bytes, and nothing is
transcoded. It loads nothing from outside, and a document type declaration is refused at its first word.
"""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from canonical.limits import XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers import _iso_faults as faults
from parsers._iso_faults import Fault, Unreadable

SLICE_BYTES: Final = 2**18
_TRUNCATED: Final = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)
_ENCODING: Final = frozenset(
    expat.errors.codes[text]
    for text in (expat.errors.XML_ERROR_UNKNOWN_ENCODING, expat.errors.XML_ERROR_INCORRECT_ENCODING)
)


def _is_no_utf8(data: bytes, at: int) -> bool:
    """The bytes at which the parser stopped are no character of UTF-8. One that a cut divides counts as one."""
    try:
        data[max(at, 0) : at + 4].decode()
    except UnicodeDecodeError as fault:
        return at >= 0 and fault.start == 0 and fault.reason != "unexpected end of data"
    return False


class Feeder:
    """Feeds expat. A subclass reads the structure in `start`, `end` and `characters`.

    Raises (from `feed`):
        Unreadable: reading cannot go on; carries the FATAL fault.
    """

    def __init__(self, encoding: str | None) -> None:
        self.depth = 0
        self.markup = 0
        """Comments, instructions and the declaration met: the fast reader counts them in the bytes as well."""
        self.open_row: int | None = None
        self._silent_bytes = 0
        self._text_chars = 0
        self._began = self._header_first = False
        self._bytes_left_out = self._lines_left_out = self._fed = 0
        self._parser = parser = expat.ParserCreate(encoding, namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = 2**16
        parser.StartElementHandler = self._on_first
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_characters
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.XmlDeclHandler = self._on_markup

    @property
    def line(self) -> int:
        """Line of the event at hand, from 1."""
        return self._parser.CurrentLineNumber + self._lines_left_out

    @property
    def offset(self) -> int:
        """Byte offset of the event at hand in the archived bytes."""
        return self._parser.CurrentByteIndex + self._bytes_left_out

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """The next bytes of the file; `final` with the last ones."""
        self._silent_bytes += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise Unreadable(self._fault_of(error, data, final=final)) from None
        except (LookupError, ValueError) as error:
            # What CPython raises for a declared encoding that it does not know or that has several bytes a character.
            raise Unreadable(faults.encoding(str(error)).at(1, 0)) from None
        self._fed += len(data)
        if self._silent_bytes > XML_TEXT_BYTES_MAX + SLICE_BYTES:
            self.refuse(faults.limit(f"a tag or a comment is longer than {XML_TEXT_BYTES_MAX} bytes"))
        if final:
            self.finish()

    def leave_out(self, size: int, lines: int) -> None:
        """Bytes and line feeds that stand in the file between two feeds and are not fed."""
        self._bytes_left_out += size
        self._lines_left_out += lines

    def refuse(self, fault: Fault) -> None:
        """End the reading at the event at hand."""
        raise Unreadable(fault.at(self.line, self.offset))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element opens; `name` is `namespace local` or `local`."""
        raise NotImplementedError

    def end(self) -> None:
        """The element at hand closes."""
        raise NotImplementedError

    def characters(self, text: str) -> None:
        """Text of the element at hand."""
        raise NotImplementedError

    def finish(self) -> None:
        """The file is at its end and well-formed."""
        raise NotImplementedError

    def _on_first(self, name: str, attributes: dict[str, str]) -> None:
        self._began = True
        self._header_first = name.rpartition(" ")[2] == "AppHdr"
        self._parser.StartElementHandler = self._on_start
        self._on_start(name, attributes)

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._silent_bytes = self._text_chars = 0
        self.depth += 1
        if self.depth > XML_DEPTH_MAX:
            self.refuse(faults.limit(f"elements are nested deeper than {XML_DEPTH_MAX}"))
        self.start(name, attributes)

    def _on_end(self, _name: str) -> None:
        self._silent_bytes = self._text_chars = 0
        self.end()
        self.depth -= 1

    def _on_characters(self, text: str) -> None:
        self._silent_bytes = 0
        self._text_chars += len(text)
        if self._text_chars > XML_TEXT_BYTES_MAX:
            self.refuse(faults.limit(f"a text is longer than {XML_TEXT_BYTES_MAX} characters"))
        self.characters(text)

    def _on_markup(self, *_: object) -> None:
        self._silent_bytes = 0
        self.markup += 1

    def _on_doctype(self, *_: object) -> None:
        self.refuse(faults.doctype())

    def _fault_of(self, error: expat.ExpatError, data: bytes, *, final: bool) -> Fault:
        line = error.lineno + self._lines_left_out
        what = expat.ErrorString(error.code)
        if error.code in _ENCODING:
            fault = faults.encoding(what)
        elif final and error.code in _TRUNCATED:
            fault = faults.truncated(line, self.open_row)
        elif _is_no_utf8(data, self._parser.ErrorByteIndex - self._fed):
            fault = faults.foreign_bytes(line, error.offset + 1, self.open_row)
        else:
            # Signs that no text may hold (NUL, Control-Z) are no markup gone wrong where the message is over.
            over = self._began and not self.depth
            behind = faults.HEADER_BESIDE if self._header_first else faults.JUNK
            fault = faults.syntax(line, error.offset + 1, behind if over else what, self.open_row)
        return fault.at(line, self._parser.ErrorByteIndex + self._bytes_left_out)
