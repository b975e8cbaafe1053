"""The rejected payments in the client's own format: the excerpt's bytes as they are, or nothing at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answer_samples import ANSWER, written

from canonical.contracts import Model
from canonical.plugins import lookup
from exporters.answer_corrected_rows import EXPORT

GOLDEN = b"Reference;Amount\r\nINV-2;1,00\r\n"


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "corrected-rows") is EXPORT
    assert EXPORT.with_options(EXPORT.options()) is EXPORT
    assert issubclass(EXPORT.options, Model)


def test_the_bytes_are_the_excerpts():
    assert written(EXPORT, replace(ANSWER, rejected_rows=lambda: GOLDEN)) == GOLDEN


@pytest.mark.parametrize(
    "changes",
    [
        {"rejected_rows": lambda: None},
        {"milestone": "acknowledged"},
        {"milestone": "duplicate", "duplicate_of": "pay.csv"},
    ],
)
def test_where_nothing_is_to_be_mended_nothing_is_written(changes):
    assert written(EXPORT, replace(ANSWER, **{"rejected_rows": lambda: GOLDEN, **changes})) == b""


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("pay.xml", ".rejected.xml"), ("pay.november.CSV", ".rejected.CSV"), ("pay.ach.gz", ".rejected.ach"),
        ("pay.txt.zip.PGP", ".rejected.txt"), ("pay", ".rejected"), ("pay.gpg", ".rejected"), ("pay.a b", ".rejected"),
        (".xml", ".rejected"), ("pay.", ".rejected"), ("pay.2026-11-20T08:00", ".rejected"),
    ],
)  # fmt: skip
def test_the_name_keeps_the_clients_extension(name, suffix):
    assert EXPORT.suffix_of(replace(ANSWER, file_name=name)) == suffix
