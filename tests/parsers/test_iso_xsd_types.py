"""What of a schema columns can be held to: no more than is sure."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from parsers._iso_xsd_types import PaymentSchema

_SCHEMA = """<xs:schema xmlns="urn:t" xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"
  elementFormDefault="qualified">
<xs:element name="Document" type="Document"/>
<xs:complexType name="Document"><xs:sequence><xs:element name="Tx" type="Tx" MANY/></xs:sequence></xs:complexType>
<xs:complexType name="Tx"><xs:sequence><xs:choice><xs:element name="A" type="A"/><xs:element name="B" type="A"/></xs:choice>
  </xs:sequence></xs:complexType>
<xs:simpleType name="A">TYPE</xs:simpleType></xs:schema>"""
MANY = 'maxOccurs="unbounded"'


def schema(folder: Path, facets: str, base: str = "xs:string", many: str = MANY) -> PaymentSchema:
    kind = f'<xs:restriction base="{base}">{facets}</xs:restriction>'
    path = folder / "schema.xsd"
    path.write_text(_SCHEMA.replace("MANY", many).replace("TYPE", kind), encoding="utf-8")
    return PaymentSchema(path, "Tx")


def facets(**values: str | list[str]) -> str:
    pairs = [(name, value) for name, told in values.items() for value in ([told] if isinstance(told, str) else told)]
    return "".join(f'<xs:{name} value="{value}"/>' for name, value in pairs)


_TEXTS = [
    "", " ", "a", "A", "AB", "ABC", "ABCD", "a b", "1", "12", "0", "007", "1.", ".5", "1.5", "1.25", "-1", "+1", "1e3", "true", "TRUE", "0.0",
    "2026-02-28", "2026-02-29", "2024-02-29", "2026-02-30", "2026-04-31", "2026-12-31", "0000-01-01", "2026-1-1", "2026-12-31Z",
    "2026-12-31T23:59:59", "2026-12-31T24:00:00", "2026-12-31T23:59:60", "2026-12-31T23:59:59.5+14:00", "2026-04-30T00:00:00-13:59",
    "ä", "ää", "\u0663", "a\n", "\na", "A\n",
]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "told", "known"),
    [
        ("xs:string", facets(minLength="1", maxLength="2"), True),
        ("xs:string", facets(maxLength="3"), True),
        ("xs:string", facets(minLength="2"), False),  # two bytes may be one character
        ("xs:string", facets(length="2"), False),
        ("xs:string", facets(pattern="[A-Z]{2,2}"), True),
        ("xs:string", facets(pattern="[a-zA-Z0-9]{1,3}", maxLength="2"), True),
        ("xs:string", facets(pattern=["A", "B"]), False),  # either of them
        ("xs:string", facets(pattern="[A-Z-[B]]+"), False),  # a class that Rust reads otherwise
        ("xs:string", facets(pattern=".+"), False),
        ("xs:string", facets(pattern="[^a]+"), False),
        ("xs:string", facets(pattern="\\d+"), False),
        ("xs:string", facets(pattern="(A|B)+"), False),
        ("xs:string", facets(enumeration=["A", "1.5"]), True),
        ("xs:token", facets(maxLength="3"), False),
        ("xs:decimal", facets(fractionDigits="1", totalDigits="2", minInclusive="0"), True),
        ("xs:decimal", facets(fractionDigits="0", totalDigits="2"), True),
        ("xs:decimal", facets(fractionDigits="1", totalDigits="2", minInclusive="1"), False),
        ("xs:decimal", facets(fractionDigits="1", totalDigits="2", maxInclusive="1"), False),
        ("xs:decimal", facets(fractionDigits="2", totalDigits="2"), False),
        ("xs:date", "", True),
        ("xs:date", facets(minInclusive="2026-01-01"), False),
        ("xs:dateTime", "", True),
        ("xs:boolean", "", True),
        ("xs:gYear", "", False),
    ],
)  # fmt: skip
def test_what_is_sure_holds(tmp_path: Path, base: str, told: str, known: bool) -> None:
    found = schema(tmp_path, told, base)
    text = found.text(["A"])
    assert (text is not None) is known
    assert found.text(["B"]) == text
    sure = []
    for value in _TEXTS:
        if text is None or not text.least <= len(value.encode()) <= text.most:
            continue
        if text.pattern is None or pl.Series([value]).str.contains(text.pattern).item():
            sure.append(value)
            assert found.holds(f"<Tx><A>{value}</A></Tx>".encode(), ""), value
    assert bool(sure) is known


def test_elements_that_are_not_there_or_have_children_are_unknown(tmp_path: Path) -> None:
    found = schema(tmp_path, "")
    assert (found.text(["C"]), found.text([]), found.text(["A", "A"])) == (None, None, None)


def test_a_payment_is_judged_by_its_schema(tmp_path: Path) -> None:
    found = schema(tmp_path, "")
    assert found.holds(b"<p:Tx><p:A>1</p:A></p:Tx>", "p:")
    assert not found.holds(b"<Tx><A>1</A><A>1</A></Tx>", "")
    assert not found.holds(b"<Tx><q:A>1</q:A></Tx>", "")  # bound elsewhere: its file tells


@pytest.mark.parametrize(
    "many",
    [
        'maxOccurs="3"',
        "",
        MANY + '/></xs:sequence></xs:complexType><xs:complexType name="O"><xs:sequence><xs:element name="Tx" type="A"',
        MANY + '><xs:unique name="u"><xs:selector xpath="A"/><xs:field xpath="."/></xs:unique></xs:element><xs:element name="E" type="A"',
    ],
)  # fmt: skip
def test_payments_that_only_their_file_can_judge(tmp_path: Path, many: str) -> None:
    with pytest.raises(LookupError):
        schema(tmp_path, "", many=many)


def test_a_file_that_is_no_schema_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(etree.XMLSchemaParseError):
        schema(tmp_path, facets(pattern="["))
