"""AUDDIS, a Bacs report of instructions that the payer's bank did not lodge (Automated direct debit instruction service).

See docs/formats/auddis.md.
"""

from __future__ import annotations

from typing import Final

from parsers._bacs_reports import BacsReport

FORMAT: Final = BacsReport("AUDDIS")
