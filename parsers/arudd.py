"""ARUDD, a Bacs report of returned direct debits (Automated return of unpaid direct debits).

See docs/formats/arudd.md.
"""

from __future__ import annotations

from typing import Final

from parsers._bacs_reports import BacsReport

FORMAT: Final = BacsReport("ARUDD")
