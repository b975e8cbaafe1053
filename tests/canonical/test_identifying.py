"""What identifies nothing, said the same for clients' ids, banks' words and statements."""

from __future__ import annotations

import polars as pl
import pytest

from canonical.identifying import identifies


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("INV-1", True), ("1", True), ("0", True), ("é", True), ("a-", True), ("NOTPROVIDED 1", True), ("-----", True),
        ("", False), ("NOTPROVIDED", False), ("NotProvided", False), ("-", False), ("--", False), ("...", False), ("–", False),
        (None, None),
    ],
)  # fmt: skip
def test_what_identifies(text, says):
    assert pl.select(identifies(pl.lit(text, dtype=pl.String))).item() is says
