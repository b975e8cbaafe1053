"""AWACS, a Bacs report of credits that went to another account (Advice of wrong account for automated credits).

See docs/formats/awacs.md.
"""

from __future__ import annotations

from typing import Final

from parsers._bacs_reports import BacsReport

FORMAT: Final = BacsReport("AWACS")
