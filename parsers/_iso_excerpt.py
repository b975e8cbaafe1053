"""A message with some of the payments of another: the client's own bytes, with totals that fit.

What stands around the payments (header, batch parts, closing tags) is put together without them and read once by expat,
which tells where the totals stand that must be written anew: encoding, prefixes and envelope stay as the client has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

import polars as pl

from canonical.contracts import Source
from canonical.currencies import exponent
from canonical.limits import IDENTIFICATION_CHARS_MAX
from parsers._iso_faults import Unreadable
from parsers._iso_paths import Message
from parsers._iso_windows import HEAD_BYTES, new_reader
from parsers._xml_bytes import codec_of, declared_encoding
from parsers._xml_feed import SLICE_BYTES

_MARK: Final = "-R"
_WANTED: Final = frozenset({"GrpHdr/MsgId", "GrpHdr/NbOfTxs", "GrpHdr/CtrlSum", "PmtInf/NbOfTxs", "PmtInf/CtrlSum"})
_DIGITS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class _Place:
    """Text to be written anew: where it stands in the frame, in which batch (0: the group header), under which path.

    `opening`, `closing`: where its element begins and ends.
    """

    opening: int
    start: int
    end: int
    closing: int
    batch: int
    path: str
    text: str


def excerpt(source: Source, kept: pl.DataFrame, message: Message) -> bytes:
    """The bytes of the new file. `kept`: see `PaymentFormat.excerpt`; at least one payment.

    What stands behind the last PmtInf (supplementary data, the end of an envelope) is left out; its elements are closed.
    """
    assert kept.height, "an excerpt holds at least one payment"
    codec = codec_of(source.data[:HEAD_BYTES])
    batches = kept.partition_by("batch", maintain_order=True)
    header = _header(source, message)
    frame = _Frame(source, message, codec)
    frame.add(header)
    margin = _blanks(header, codec)
    slots = []
    for number, batch in enumerate(batches):
        head = frame.batch_head(batch, b"" if number == 0 else margin)
        slots.append((len(frame.data), _blanks(head, codec)))
        frame.close_batch(margin)
    frame.close(margin)
    counted = [kept, *batches]
    written = [_anew(place, counted[place.batch], codec) for place in frame.places]
    for (at, blanks), batch in zip(slots, batches, strict=True):
        written.append((at, at, blanks.join(_payments(source, batch))))
    return _patched(bytes(frame.data), sorted(written))


class _Frame:
    """The file without payments, as it is put together; `places` of what is to be written anew."""

    def __init__(self, source: Source, message: Message, codec: str) -> None:
        self.data = bytearray()
        self.places: list[_Place] = []
        self._source, self._message, self._codec = source, message, codec
        self._stack: list[tuple[str, int]] = []
        self._texts: list[str] = []
        self._batch = 0
        declared = declared_encoding(source.data[:HEAD_BYTES])
        self._parser = expat.ParserCreate("utf-8" if declared == "utf-8" else None)
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._on_text

    def add(self, part: bytes) -> None:
        """The next bytes."""
        self.data += part
        self._parser.Parse(part, False)

    def batch_head(self, batch: pl.DataFrame, margin: bytes) -> bytes:
        """Add the part of the payments' PmtInf that stands before its first payment."""
        start, size = batch.select("batch_offset", "batch_length").row(0)
        head = self._source.data[start : start + size]
        self._batch += 1
        self.add(margin + head)
        return head

    def close_batch(self, margin: bytes) -> None:
        """Close the PmtInf."""
        self.add(margin + self._closing())

    def close(self, margin: bytes) -> None:
        """Close what is still open, a step further out each time, where the client indents."""
        blanks = margin.decode(self._codec)
        step = len(blanks.rpartition("\n")[2]) // max(len(self._stack), 1)
        while self._stack:
            indent = "\n" + " " * step * (len(self._stack) - 1) if "\n" in blanks else ""
            self.add(indent.encode(self._codec) + self._closing())
        self.add(("\n" if "\n" in blanks else "").encode(self._codec))

    def _closing(self) -> bytes:
        return f"</{self._stack[-1][0]}>".encode(self._codec)

    def _on_start(self, name: str, _attributes: dict[str, str]) -> None:
        self._stack.append((name, self._parser.CurrentByteIndex))
        self._texts = []

    def _on_text(self, text: str) -> None:
        self._texts.append(text)

    def _on_end(self, _name: str) -> None:
        message, _, path = "/".join(step.rpartition(":")[2] for step, _ in self._stack[-3:]).partition("/")
        if path in _WANTED and self._texts and self._message.elements.fullmatch(message):
            bracket = ">".encode(self._codec)
            opening, end = self._stack[-1][1], self._parser.CurrentByteIndex
            start, closing = (self.data.index(bracket, at) + len(bracket) for at in (opening, end))
            self.places.append(_Place(opening, start, end, closing, self._batch, path, "".join(self._texts)))
        self._stack.pop()
        self._texts = []


def _header(source: Source, message: Message) -> bytes:
    """Everything before the first PmtInf."""
    reader = new_reader(source, message)
    for start in range(0, len(source.data), SLICE_BYTES):
        try:
            reader.feed(source.data[start : start + SLICE_BYTES])
        except Unreadable:
            break
        if reader.batch:
            break
    first: int = reader.batches[1]["offset"]
    return source.data[:first]


def _blanks(part: bytes, codec: str) -> bytes:
    """The blanks at the end: how the client indents what follows."""
    text = part.decode(codec)
    return text[len(text.rstrip(" \t\r\n")) :].encode(codec)


def _payments(source: Source, batch: pl.DataFrame) -> list[bytes]:
    return [source.data[start : start + size] for start, size in batch.select("offset", "length").iter_rows()]


def _anew(place: _Place, counted: pl.DataFrame, codec: str) -> tuple[int, int, bytes]:
    """From where to where what stands instead. A sum over amounts that are still to be mended would be wrong by then: it is left out."""
    if place.path.endswith("CtrlSum") and counted["amount_minor"].null_count():
        return place.opening, place.closing, b""
    if place.path.endswith("NbOfTxs"):
        text = str(counted.height)
    elif place.path.endswith("CtrlSum"):
        text = _sum(counted)
    else:
        text = place.text.strip(" \t\r\n")[: IDENTIFICATION_CHARS_MAX - len(_MARK)] + _MARK
    return place.start, place.end, escape(text).encode(codec, "xmlcharrefreplace")


def _sum(counted: pl.DataFrame) -> str:
    """Sum over all currencies."""
    sums = counted.group_by("currency").agg(pl.col("amount_minor").sum()).rows()
    digits = {code: exponent(code) or 0 for code, _ in sums}
    total = sum(minor * 10 ** (_DIGITS_MAX - digits[code]) for code, minor in sums)
    places = max(digits.values(), default=0)
    whole, fraction = divmod(total, 10**_DIGITS_MAX)
    return f"{whole}.{fraction:0{_DIGITS_MAX}d}"[: -(_DIGITS_MAX - places) or None].rstrip(".")


def _patched(data: bytes, written: list[tuple[int, int, bytes]]) -> bytes:
    out, position = [], 0
    for start, end, text in written:
        out += [data[position:start], text]
        position = end
    return b"".join([*out, data[position:]])
