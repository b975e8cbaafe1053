"""ARUCS, a Bacs report of returned credits (Automated return of unapplied credits).

See docs/formats/arucs.md.
"""

from __future__ import annotations

from typing import Final

from parsers._bacs_reports import BacsReport

FORMAT: Final = BacsReport("ARUCS")
