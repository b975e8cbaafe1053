"""pacs.004, PaymentReturn: ISO 20022 returns of payments between banks, every version from .01 to .14.

See docs/formats/pacs.004.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_status_format import StatusFormat
from parsers._feedback_status_paths import PACS004

FORMAT: Final = StatusFormat(PACS004)
