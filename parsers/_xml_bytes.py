"""XML facts that are read from the bytes themselves."""

from __future__ import annotations

import codecs
import mmap
import re

from canonical.limits import XML_TEXT_BYTES_MAX

_DECLARATION = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")


def declared_encoding(head: bytes) -> str | None:
    """Encoding that the XML declaration names, as Python's codec name; the name itself where Python knows none."""
    plain = head.replace(b"\0", b"").removeprefix(codecs.BOM_UTF8).lstrip(b"\xfe\xff")
    found = _DECLARATION.match(plain)
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def codec_of(head: bytes) -> str:
    """Python's codec of the bytes, without byte order mark: what is written beside them must be in it too."""
    for codec, marks in (("utf-16-le", (codecs.BOM_UTF16_LE, b"<\0")), ("utf-16-be", (codecs.BOM_UTF16_BE, b"\0<"))):
        if head.startswith(marks):
            return codec
    return declared_encoding(head) or "utf-8"


def start_tag_name(tag: bytes, codec: str) -> str:
    """Name, with its prefix, of the element that these bytes open."""
    found = re.match(r"<([^\s/>]+)", tag.decode(codec, "ignore"))
    assert found, "these bytes do not open an element"
    return found.group(1)


def closing_tag_end(data: bytes | mmap.mmap, start: int, local: str) -> int:
    """Byte offset behind the closing tag that starts at `start`, in any encoding of one or two bytes a character.

    `start` itself where no closing tag of that local name stands there: behind an empty element (`<Nm/>`) expat already
    stands at what follows it.
    """
    closing = re.compile(rb"</[^>]*?" + local.encode() + rb"\s*>")
    for unit in (b">", b">\0", b"\0>"):
        close = data.find(unit, start, start + XML_TEXT_BYTES_MAX)
        tag = data[start : close + len(unit)] if close >= 0 else b""
        plain = tag.replace(b"\0", b"")
        if len(tag) == len(unit) * len(plain) and closing.fullmatch(plain):
            return start + len(tag)
    return start
