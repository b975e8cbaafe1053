"""Every bound of the house, by name. Units stand last."""

from __future__ import annotations

from typing import Final

AMOUNT_MINOR_MAX: Final = 10**12
"""Largest amount of one row in minor units (ten thousand million euro). A larger one is a finding, not a crash."""

FILE_ROWS_MAX: Final = 9_000_000
"""Most payments of one file, and most rows that one sum may run over."""

INT64_MAX: Final = 2**63 - 1
assert AMOUNT_MINOR_MAX * FILE_ROWS_MAX < INT64_MAX, "an Int64 sum could wrap, and Polars would not say so"

AMOUNT_TEXT_CHARS_MAX: Final = 30
FILE_BYTES_MAX: Final = 8 * 2**30
WINDOW_BYTES: Final = 32 * 2**20
"""Size of one parse window before it is cut at a payment's end."""

LINE_BYTES_MAX: Final = 64 * 2**10
"""Longest line of a line-based format (CSV, NACHA). A longer one makes the file unreadable at that line."""

XML_DEPTH_MAX: Final = 64
XML_TEXT_BYTES_MAX: Final = 2**20
"""Longest single text, attribute or element of an XML payment file."""

FINDINGS_PER_RULE_MAX: Final = 100_000
"""Findings kept of one rule in one file; what is over is counted in one closing finding, and still rejects its rows."""

MESSAGE_CHARS_MAX: Final = 400
IDENTIFICATION_CHARS_MAX: Final = 35
"""ISO 20022 Max35Text: message, batch, instruction and end-to-end ids."""
