"""Parts of an Office Open XML archive (ECMA-376), unpacked under caps and read by expat.

Nothing is loaded from outside, a document type declaration ends the reading, macros and everything else are never opened.
"""

from __future__ import annotations

import io
import mmap
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn
from xml.parsers import expat

from canonical.limits import (
    ENVELOPE_FREE_BYTES,
    ENVELOPE_RATIO_MAX,
    WORKBOOK_PART_BYTES_MAX,
    WORKBOOK_TEXTS_MAX,
    XML_DEPTH_MAX,
    XML_TEXT_BYTES_MAX,
)
from parsers._csv_header import Fault

_SLICE_BYTES: Final = 2**18
_SPREADSHEET: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_SAVE: Final = "Open the workbook in your spreadsheet program, save it as .xlsx and send it again."


class Unreadable(Exception):
    """The workbook cannot be read; carries the FATAL fault. Never leaves the format."""

    def __init__(self, message: str, remedy: str = _SAVE) -> None:
        super().__init__(message)
        self.fault = Fault("workbook", message, remedy, reason="FF02")


class View(io.RawIOBase):
    """Bytes or a memory map as a file of its own position."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data, self._at = data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        part = self._data[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def slices(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part's bytes, unpacked under caps.

    Raises:
        Unreadable: damaged, locked, or unpacking to more than it may.
    """
    size = 0
    try:
        info = archive.getinfo(part)
        with archive.open(info) as content:
            while data := content.read(_SLICE_BYTES):
                size += len(data)
                if size > WORKBOOK_PART_BYTES_MAX:
                    raise Unreadable(f"A part of the workbook is larger than {WORKBOOK_PART_BYTES_MAX // 2**20} MiB")
                if size > ENVELOPE_FREE_BYTES and size > info.compress_size * ENVELOPE_RATIO_MAX:
                    raise Unreadable(f"The workbook unpacks to more than {ENVELOPE_RATIO_MAX} times its size")
                yield data
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as fault:
        raise Unreadable("The workbook is damaged, incomplete or locked by a password") from fault


class Reader:
    """An expat parser that tells elements of the spreadsheet's namespace by their local names, others as they are."""

    def __init__(self, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None]) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = 2**16
        parser.StartDoctypeDeclHandler = self._refuse
        self._start, self._end, self._depth = start, end, 0
        self._locals: dict[str, str] = {}
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end

    def read(self, data: Iterator[bytes]) -> Iterator[None]:
        """Feed a part; yields after each slice.

        Raises:
            Unreadable: it is not well-formed, or goes beyond the bounds of XML.
        """
        try:
            for part in data:
                self.parser.Parse(part, False)
                yield
            self.parser.Parse(b"", True)
        except expat.ExpatError as fault:
            raise Unreadable(f"The workbook is damaged: {expat.ErrorString(fault.code)}") from fault
        except (LookupError, ValueError) as fault:
            raise Unreadable("The workbook is damaged: its encoding is unknown") from fault

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._bounded()
        self._start(self._locals.get(name) or self._local(name), attributes)

    def _bounded(self) -> None:
        if self._depth > XML_DEPTH_MAX:
            raise Unreadable(f"The workbook nests elements deeper than {XML_DEPTH_MAX}")

    def _on_end(self, name: str) -> None:
        self._depth -= 1
        self._end(self._locals.get(name) or self._local(name))

    def _local(self, name: str) -> str:
        space, _, local = name.rpartition(" ")
        self._locals[name] = local if space in _SPREADSHEET else name
        return self._locals[name]

    @staticmethod
    def _refuse(*_: object) -> NoReturn:
        raise Unreadable("The workbook has a document type declaration, which none may have")


def read_whole(archive: zipfile.ZipFile, part: str, reader: Reader) -> None:
    """Read it for what the reader gathers. Raises Unreadable."""
    for _ in reader.read(slices(archive, part)):
        pass


class TextReader(Reader):
    """Gathers the text of `t` elements up to the end of each `si`; phonetic readings are left out."""

    def __init__(self) -> None:
        super().__init__(self._opens, self._closes)
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._phonetic = False

    def _opens(self, name: str, _: dict[str, str]) -> None:
        if name == "rPh":
            self._phonetic = True
        elif name == "t" and not self._phonetic:
            self.parser.CharacterDataHandler = self._parts.append

    def _closes(self, name: str) -> None:
        if name == "t":
            self.parser.CharacterDataHandler = None
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.texts.append("".join(self._parts))
            self._parts.clear()
            if len(self.texts) > WORKBOOK_TEXTS_MAX or len(self.texts[-1]) > XML_TEXT_BYTES_MAX:
                raise Unreadable("The workbook has more or longer texts than any table of payments")
