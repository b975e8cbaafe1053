"""A CSV file in blocks of UTF-8 text that end behind a line break; places in the text lead back to the archived bytes."""

from __future__ import annotations

import csv
import io
import mmap
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from canonical.limits import LINE_BYTES_MAX
from parsers._csv_header import Fault
from parsers._csv_options import CsvOptions
from parsers._csv_records import Places

HEAD_BYTES: Final = 16 * LINE_BYTES_MAX
"""Rows to skip and the header stand within so many bytes."""
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_LONE_CR: Final = re.compile(r"\r(?!\n)")
_NAME_THEM: Final = "Name the columns in the first line, as the template of the format does."
_CONTINUATION, _LEAD_BITS, _FOUR_BYTES = 0x80, 0xC0, 0xF0


@dataclass(frozen=True, slots=True)
class Encoded:
    """The archived bytes between the byte order mark and the last written byte. `codec` is one that Python knows."""

    data: bytes | mmap.mmap
    begin: int
    end: int
    codec: str

    @property
    def unit(self) -> int:
        """Bytes of a character's unit."""
        return 2 if self.codec.startswith("utf-16") else 1

    def block_end(self, start: int, window_bytes: int) -> int | None:
        """End of the block that begins at `start`: behind its last line break; None where its first line is too long.

        What little is left behind a block belongs to it, so that rows that close the file are seen together.
        """
        if self.end - start <= window_bytes + min(window_bytes, LINE_BYTES_MAX):
            return self.end
        for size in (window_bytes, LINE_BYTES_MAX * self.unit + window_bytes):
            found = self._last_break(start, min(start + size, self.end))
            if found is not None:
                return found
        return None

    def line_end(self, start: int) -> int:
        """Offset behind the line break of the line at `start`."""
        sign, at = "\n".encode(self.codec), start
        while (at := self.data.find(sign, at, self.end)) >= 0:
            if (at - start) % self.unit == 0:
                return at + self.unit
            at += 1
        return self.end

    def _last_break(self, start: int, stop: int) -> int | None:
        sign = "\n".encode(self.codec)
        while (at := self.data.rfind(sign, start, stop)) >= 0:
            if (at - start) % self.unit == 0:
                return at + self.unit
            stop = at + len(sign) - 1
        return None

    def block(self, start: int, stop: int) -> Block:
        """The bytes as UTF-8; what cannot be decoded becomes bytes that are no UTF-8 either."""
        raw = self.data[start:stop]
        if self.codec == "utf-8" or (self.unit == 1 and raw.isascii()):
            return Block(raw, start, 1, transcoded=False)
        if self.unit == 1:
            text = raw.decode(self.codec, "surrogateescape").encode("utf-8", "surrogatepass")
            return Block(text, start, 1, transcoded=True)
        whole, rest = raw[: len(raw) // 2 * 2], raw[len(raw) // 2 * 2 :]
        text = whole.decode(self.codec, "surrogatepass").encode("utf-8", "surrogatepass")
        return Block(text + (b"\xff" if rest else b""), start, 2, transcoded=True)


@dataclass(frozen=True, slots=True)
class Block:
    """UTF-8 text of a part of the file that begins at `start`."""

    text: bytes
    start: int
    unit: int
    transcoded: bool

    def offsets(self, places: Places) -> Places:
        """Places in the text as offsets in the archived bytes."""
        if not self.transcoded:
            return places + self.start
        text = np.frombuffer(self.text, np.uint8)
        units = places - np.searchsorted(np.flatnonzero((text & _LEAD_BITS) == _CONTINUATION), places)
        if self.unit > 1:  # a character of four bytes in UTF-8 is two units of UTF-16
            four = (text >= _FOUR_BYTES) & (text < 0xFF)  # noqa: PLR2004  the byte that stands for half a unit
            units = units + np.searchsorted(np.flatnonzero(four), places)
        offsets: Places = units * self.unit + self.start
        return offsets


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the payments: header cells (None without a header), its line, offset and line behind it."""

    names: list[str] | None
    line: int
    offset: int
    next_line: int


def encoded(data: bytes | mmap.mmap, options: CsvOptions) -> tuple[Encoded | None, Fault | None]:
    """The file in the agreed encoding; a fault where its byte order mark says another one."""
    head = bytes(data[:3])
    other = "utf-8" if head == _UTF8_BOM else _UTF16_BOMS.get(head[:2])
    codec, begin = options.codec, 0
    save = f"Save the file as CSV in {options.encoding}."
    if other is not None:
        if other != codec and not (codec == "utf-16" and other.startswith("utf-16")):
            message = f"The file begins as {other.upper()} does; {options.encoding} was agreed"
            return None, Fault("encoding", message, save, reason="FF02")
        codec, begin = other, 3 if head == _UTF8_BOM else 2
    elif codec == "utf-16":
        message = "The file has no byte order mark, so that nobody can tell which UTF-16 it is"
        return None, Fault(
            "encoding", message, "Save it with the mark, or agree utf-16-le or utf-16-be.", reason="FF02"
        )
    return Encoded(data, begin, max(begin, _written_end(data, codec)), codec), None


def _written_end(data: bytes | mmap.mmap, codec: str) -> int:
    """Offset behind the last byte that is no blank, no line break and no sign that some systems close a file with."""
    end = len(data)
    if codec.startswith("utf-16"):
        return end
    while end > 0:
        head = max(0, end - 4096)
        kept = len(bytes(data[head:end]).rstrip(b" \r\n\x1a"))
        if kept:
            return head + kept
        end = head
    return 0


def read_head(file: Encoded, options: CsvOptions) -> tuple[Head | None, Fault | None]:
    """The rows to skip and the header, which may hold line breaks in quotes."""
    block = file.block(file.begin, min(file.end, file.begin + HEAD_BYTES))
    at, line = 0, 1
    for _ in range(options.skip_rows):
        at, line = _behind_line(block.text, at), line + 1
    if f"sep={options.delimiter}".encode() == block.text[at : _behind_line(block.text, at)].strip().lower():
        at, line = _behind_line(block.text, at), line + 1  # what a spreadsheet writes for another one
    comment = (options.comment or "").encode()
    while comment and block.text.startswith(comment, at):
        at, line = _behind_line(block.text, at), line + 1
    if not options.header:
        return Head(None, line, _offset(file, block, at), line), None
    stop = _header_end(block.text, at)
    text = block.text[at:stop]
    if not text.strip():
        return None, Fault("header", "The file is empty, or begins with an empty line", _NAME_THEM, line=line)
    if len(text) > LINE_BYTES_MAX:
        message = f"The header is longer than {LINE_BYTES_MAX} bytes: the file has no line breaks, or open quotes"
        return None, Fault("header", message, _NAME_THEM, line=line)
    fault = _unfit(text, options)
    if fault is not None:
        return None, Fault("header" if "CR" in fault[0] else "encoding", *fault, reason="FF02", line=line)
    names = next(csv.reader(io.StringIO(text.decode(), newline=""), delimiter=options.delimiter), [])
    return Head(names, line, _offset(file, block, stop), line + max(1, text.count(b"\n"))), None


def _offset(file: Encoded, block: Block, at: int) -> int:
    return min(int(block.offsets(np.array([at]))[0]), file.end)


def _behind_line(text: bytes, at: int) -> int:
    found = text.find(b"\n", at)
    return len(text) if found < 0 else found + 1


def _header_end(text: bytes, at: int) -> int:
    """Behind the first line break that stands outside of quotes; of quotes that nobody closes, behind the first one."""
    first = stop = _behind_line(text, at)
    quotes = text.count(b'"', at, stop)
    while quotes % 2 and stop < min(len(text), at + LINE_BYTES_MAX):
        start, stop = stop, _behind_line(text, stop)
        quotes += text.count(b'"', start, stop)
    return first if quotes % 2 else stop


def _unfit(text: bytes, options: CsvOptions) -> tuple[str, str] | None:
    """Message and remedy where the header's bytes are no text as agreed."""
    save = f"Save the file as CSV in {options.encoding}."
    if b"\0" in text:
        return "The header has NUL bytes: the file is UTF-16 or no text", save
    try:
        if _LONE_CR.search(text.decode().rstrip("\r\n")):
            return "The lines end with CR alone", "End each line with CR LF or LF."
    except UnicodeDecodeError:
        return f"The header is not {options.encoding}", save
    return None
