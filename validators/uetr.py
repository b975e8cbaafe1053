"""A UETR, where one is given, is a version 4 UUID in small letters."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, blank, quoted, where

UETR_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


def _checks(_: Context) -> tuple[Check, ...]:
    broken = ~blank("uetr") & ~pl.col("uetr").str.contains(UETR_PATTERN)
    return (
        Check("uetr", broken, pl.lit("UETR ") + quoted("uetr") + pl.lit(" is not a version 4 UUID in small letters")),
    )


RULE = ChecksRule(
    id="uetr",
    reason="CH16",
    severity=Severity.ERROR,
    remedy="Leave the UETR out, or have your system make one by RFC 9562, version 4, in small letters.",
    sources=("ISO 20022 UUIDv4Identifier", "RFC 9562"),
    checks=_checks,
    suspects=where(~pl.col("uetr").str.contains(UETR_PATTERN)),
)
