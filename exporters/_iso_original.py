"""The client's own bytes as elements: single payments and batch heads cut out of a file, in its encoding, with its prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from lxml import etree

from canonical.transliteration import transliterate
from exporters._iso_carrier import local
from exporters._iso_renamed import WORDS

_TAG: Final = re.compile(r"\s*<(?:([\w.-]+):)?(\w+)")
_UTF16: Final = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_INSTANCE: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def decoded(data: bytes, encoding: str) -> str | None:
    """The bytes as text, None where they are not in the encoding."""
    wide = next((name for head, name in _UTF16 if data[:2] == head), None)
    try:
        return data.decode(wide or encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def closed(fragment: str) -> str:
    """A batch's head with the closing tag that its payments stand before."""
    found = _TAG.match(fragment)
    prefix = f"{found[1]}:" if found and found[1] else ""
    return f"{fragment}</{prefix}PmtInf>"


def elements(fragments: Sequence[str | None], version: str) -> list[etree._Element | None]:
    """Each fragment's element, None where it cannot stand alone (a prefix that is declared outside it)."""
    whole = [fragment or "" for fragment in fragments]
    found = _parsed("".join(whole), version) if None not in fragments else None
    if found is not None and len(found) == len(fragments):
        return list(found)
    alone = [_parsed(fragment, version) if fragment else None for fragment in whole]
    return [item[0] if item is not None and len(item) else None for item in alone]


def _parsed(fragments: str, version: str) -> etree._Element | None:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    found = _TAG.match(fragments)
    prefix = f' xmlns:{found[1]}="{namespace}"' if found and found[1] else ""
    # Comments and CDATA sections are markup of the client's; what they stand in is one text.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True,
        strip_cdata=True,
    )  # fmt: skip
    try:
        return etree.fromstring(
            f'<originals xmlns="{namespace}"{prefix} {_INSTANCE}>{fragments}</originals>'.encode(), parser
        )
    except etree.XMLSyntaxError:
        return None


@dataclass(slots=True)
class Fitted:
    """Texts of words in the SEPA set. Where a letter that becomes two would break the length, each becomes one."""

    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def learn(self, found: Iterable[etree._Element | None]) -> None:
        """Transliterate the words of these elements, all at once."""
        texts = {
            item.text
            for element in found
            if element is not None
            for item in element.iter(etree.Element)
            if item.text and local(item) in WORDS
        }
        new = pl.DataFrame({"text": sorted(texts - self.known.keys())}, schema={"text": pl.String})
        plain = new.select(
            "text",
            transliterate(pl.col("text")).alias("grown"),
            transliterate(pl.col("text"), grow=False).alias("even"),
        )
        self.known.update({text: (grown, even) for text, grown, even in plain.iter_rows()})

    def __call__(self, text: str, chars_max: int | None) -> str:
        """The text as it is to be written."""
        grown, even = self.known.get(text, (text, text))
        return grown if chars_max is None or len(grown) <= chars_max else even
