"""pacs.002, FIToFIPaymentStatusReport: ISO 20022 status reports between banks, every version from .02 to .15.

See docs/formats/pacs.002.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_status_format import StatusFormat
from parsers._feedback_status_paths import PACS002

FORMAT: Final = StatusFormat(PACS002)
