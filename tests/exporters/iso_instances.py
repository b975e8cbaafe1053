"""Payments made at random from an ISO 20022 schema: every element it knows, with texts at the edges of their types."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
_DEPTH_MAX = 9
_LETTERS = "abcXYZ 0189äßéŁ&<>'\"+-.,()/"
_SAMPLES = {
    "CountryCode": ["DE", "CH"], "CurrencyCode": ["EUR"], "ActiveOrHistoricCurrencyCode": ["EUR", "USD"], "LEIIdentifier": ["529900T8BM49AURSDO55"],
    "UUIDv4Identifier": ["8a562c67-ca16-48ba-b074-65581be6f001"], "PhoneNumber": ["+49-301234567"],
    "IBAN2007Identifier": ["DE75512108001245126199", "FR1420041010050500013M02606"], "Exact4AlphaNumericText": ["aB12"],
    "Max15NumericText": ["1"], "Exact2NumericText": ["07"], "IBANIdentifier": ["DE75512108001245126199"],
    "BBANIdentifier": ["12345678"], "UPICIdentifier": ["12345678"], "DunsIdentifier": ["123456789"],
    "EANGLNIdentifier": ["1234567890123"], "CHIPSUniversalIdentifier": ["CH123456"], "Max10KBinary": ["YWJj"],
    "BEIIdentifier": ["SOGEDEFFXXX"], "IBEIIdentifier": ["DE12345678"], "Max3Text": ["A1"],
}  # fmt: skip
_BICS = ["SOGEDEFFXXX", "BNPAFRPP"]
_ENVELOPE = '<note xmlns="urn:example:note" xmlns:x="urn:example:x" x:kind="a &amp; b">kept <x:b>whole</x:b></note>'


@lru_cache
def schema_types(path: Path) -> dict[str, etree._Element]:
    """Named types of a schema."""
    return {
        str(item.get("name")): item
        for item in etree.parse(path).getroot()
        if item.tag in {XS + "complexType", XS + "simpleType"}
    }


def type_of(types: dict[str, etree._Element], element: str) -> str:
    """Name of the type of the first element of that name."""
    found = (
        item.get("type") for kind in types.values() for item in kind.iter(XS + "element") if item.get("name") == element
    )
    return str(next(found))


class Maker:
    """Makes elements of one schema. `share`: how likely an optional element is."""

    def __init__(
        self, path: Path, chance: random.Random, share: float, skip: frozenset[str] = frozenset(),
        likely: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.types, self.chance, self.share, self.skip, self.likely = schema_types(path), chance, share, skip, likely

    def element(self, name: str, kind: str, depth: int = 0) -> str:
        """One element of that type."""
        found = self.types[kind]
        if found.find(XS + "simpleContent") is not None:
            return f'<{name} Ccy="EUR">{self.chance.choice(["1", "12.34", "0.50", "7.1"])}</{name}>'
        if found.tag == XS + "simpleType":
            return f"<{name}>{self._text(kind, found)}</{name}>"
        if found.find(f".//{XS}any") is not None:
            return f"<{name}>{_ENVELOPE}</{name}>"
        children = [item for item in found.iter(XS + "element") if item.get("name") not in self.skip]
        if found.find(f".//{XS}choice") is not None:
            children = [self.chance.choice([item for item in children if item.get("name") != "EqvtAmt"])]
        inner = "".join(self._repeated(item, depth, chosen=len(children) == 1) for item in children)
        return f"<{name}>{inner}</{name}>"

    def _repeated(self, item: etree._Element, depth: int, *, chosen: bool) -> str:
        least, most = int(item.get("minOccurs", "1")), item.get("maxOccurs", "1")
        wanted = least
        likely = 0.6 if item.get("name") in self.likely else self.share
        if depth < _DEPTH_MAX and self.chance.random() < likely:
            wanted = max(1, least)
            if most != "1" and self.chance.random() < self.share:
                wanted = 2
        wanted = max(wanted, 1) if chosen and least else wanted
        return "".join(self.element(str(item.get("name")), str(item.get("type")), depth + 1) for _ in range(wanted))

    def _text(self, kind: str, found: etree._Element) -> str:
        if "BIC" in kind:
            return self.chance.choice(_BICS)
        if kind in _SAMPLES:
            return self.chance.choice(_SAMPLES[kind])
        restriction = found.find(XS + "restriction")
        assert restriction is not None
        codes = [str(item.get("value")) for item in restriction.iter(XS + "enumeration")]
        if codes:
            return self.chance.choice(codes)
        longest = restriction.find(XS + "maxLength")
        if longest is not None:
            return self._words(int(str(longest.get("value"))))
        base = str(restriction.get("base"))
        return {
            "xs:date": "2026-11-23",
            "xs:dateTime": "2026-11-23T10:00:00",
            "xs:boolean": "true",
            "xs:gYear": "2026",
        }.get(base, "3")

    def _words(self, longest: int) -> str:
        size = self.chance.choice([1, 2, min(longest, 12), min(longest, 160)])
        return escape("".join(self.chance.choice(_LETTERS) for _ in range(size)))


_EVERYDAY = frozenset({"UltmtDbtr", "ChrgBr", "CdtrAgt", "UltmtCdtr", "Purp", "RmtInf", "PmtTpInf", "Cdtr", "CdtrAcct"})


def document(
    path: Path,
    version: str,
    chance: random.Random,
    share: float,
    payments: int = 2,
    *,
    plain: bool = False,
    payment: str = "CdtTrfTxInf",
    root: str = "CstmrCdtTrfInitn",
) -> bytes:
    """A file of one or two batches, valid by the schema at the path. `plain`: mostly what everyday payments hold."""
    maker = Maker(
        path, chance, share, likely=_EVERYDAY | {"Nm", "Ustrd", "BICFI", "PstlAdr", "Ctry"} if plain else frozenset()
    )
    head = Maker(path, chance, share, frozenset({payment}))
    batches = ""
    for _ in range(chance.choice([1, 2])):
        batch = head.element("PmtInf", type_of(maker.types, "PmtInf")).removesuffix("</PmtInf>")
        one = [maker.element(payment, type_of(maker.types, payment)) for _ in range(payments)]
        batches += batch + "".join(one) + "</PmtInf>"
    group = (
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-20T09:30:00</CreDtTm>%s<NbOfTxs>2</NbOfTxs>%s<InitgPty/></GrpHdr>"
    )
    old = version == "pain.001.001.02"
    filled = group % (("", "<Grpg>MIXD</Grpg>") if old else ("", ""))
    message = "pain.001.001.02" if old else root
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}">'
        f"<{message}>{filled}{batches}</{message}></Document>"
    ).encode()
