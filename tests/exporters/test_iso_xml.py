"""Characters that XML cannot hold: the pattern and the look at bytes say what libxml2 says."""

from __future__ import annotations

import re

import polars as pl
import pytest
from lxml import etree

from exporters._iso_xml import FORBIDDEN, has_forbidden

EDGES = [chr(code) for code in (*range(0x80), 0x9F, 0xA0, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x10FFFF)]


def held(character: str) -> bool:
    try:
        etree.Element("text").text = f"a{character}b"
    except ValueError:
        return False
    return True


def test_pattern_and_bytes_say_what_the_xml_library_says() -> None:
    refused = [character for character in EDGES if not held(character)]
    assert "\x00" in refused
    assert "\uffff" in refused
    assert [character for character in EDGES if has_forbidden(f"a{character}b".encode())] == refused
    assert [character for character in EDGES if re.search(FORBIDDEN, character)] == refused
    assert pl.Series(EDGES).str.contains(FORBIDDEN).to_list() == [character in refused for character in EDGES]


@pytest.mark.parametrize("text", ["", "plain", "a\tb\nc\r"])
def test_texts_that_xml_holds(text: str) -> None:
    assert not has_forbidden(text.encode())
