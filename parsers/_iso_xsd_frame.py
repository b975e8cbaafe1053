"""The Document around the payments: what opens and closes it, so that a part of it can stand for the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from canonical.contracts import Source
from parsers._iso_windows import HEAD_BYTES
from parsers._xml_bytes import codec_of, declared_encoding, start_tag_name


@dataclass(frozen=True, slots=True)
class DocumentFrame:
    """`opening`: the bytes before the first PmtInf, without an envelope. `closing`: tags that close message and Document.

    `begin`, `end`: offsets in the file, of the first PmtInf and behind the Document.
    """

    opening: bytes
    closing: bytes
    begin: int
    end: int
    codec: str

    def opened(self, source: Source, payment: dict[str, Any]) -> bytes:
        """The document as far as this payment, its batch holding no other."""
        spans = ((payment["batch_offset"], payment["batch_length"]), (payment["offset"], payment["length"]))
        return self.opening + b"".join(source.data[start : start + size] for start, size in spans)

    def closed(self, source: Source, batch_offset: int) -> bytes:
        """Closing tags of a PmtInf, the message and the Document."""
        name = start_tag_name(source.data[batch_offset : batch_offset + HEAD_BYTES], self.codec)
        return f"</{name}>".encode(self.codec) + self.closing


def document_frame(source: Source, first_batch: int) -> DocumentFrame:
    """The frame of a file in which the readers found a payment; `first_batch` is the offset of its first PmtInf."""
    head = source.data[:HEAD_BYTES]
    codec, header = codec_of(head), source.data[:first_batch]
    follower = _Follower("utf-8" if declared_encoding(head) == "utf-8" else None)
    follower.read(header)
    document = follower.stack[0]
    closing = "".join(f"</{name}>" for name in reversed(follower.stack)).encode(codec)
    last, bracket = source.data.rfind(f"</{document}".encode(codec)), ">".encode(codec)
    end = source.data.find(bracket, last) + len(bracket) if last >= 0 else len(source.data)
    return DocumentFrame(_without_envelope(header, follower, codec), closing, first_batch, end, codec)


class _Follower:
    """Follows expat up to the first PmtInf: what is open from the Document on, and the namespaces bound around it."""

    def __init__(self, encoding: str | None) -> None:
        self.stack: list[str] = []
        self.start = -1
        self.bound: dict[str, str] = {}
        self._parser = parser = expat.ParserCreate(encoding)
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end

    def read(self, header: bytes) -> None:
        """Read the bytes before the first PmtInf."""
        self._parser.Parse(header, False)

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        bindings = {key: uri for key, uri in attributes.items() if key == "xmlns" or key.startswith("xmlns:")}
        if self.start < 0 and name.rpartition(":")[2] == "Document":
            self.start, self.stack = self._parser.CurrentByteIndex, []
            self.bound = {key: uri for key, uri in self.bound.items() if key not in bindings}
        elif self.start < 0:
            # Those of a header that is closed again are too many, which harms nobody.
            self.bound |= bindings
        self.stack.append(name)

    def _on_end(self, _name: str) -> None:
        self.stack.pop()


def _without_envelope(header: bytes, follower: _Follower, codec: str) -> bytes:
    before = header[: follower.start].decode(codec)
    declared = before.find("?>") + len("?>") if before.lstrip("\ufeff").startswith("<?xml") else 0
    mark = before[: max(declared, int(before.startswith("\ufeff")))]
    name = f"<{follower.stack[0]}".encode(codec)
    bound = "".join(f" {key}={quoteattr(uri)}" for key, uri in follower.bound.items())
    return mark.encode(codec) + name + bound.encode(codec) + header[follower.start + len(name) :]
