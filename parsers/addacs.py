"""ADDACS, a Bacs report of changes and cancellations of instructions (Automated direct debit amendment and cancellation).

See docs/formats/addacs.md.
"""

from __future__ import annotations

from typing import Final

from parsers._bacs_reports import BacsReport

FORMAT: Final = BacsReport("ADDACS")
