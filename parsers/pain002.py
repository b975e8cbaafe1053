"""pain.002, CustomerPaymentStatusReport: ISO 20022 status reports from providers, .02 to .15 and national variants.

See docs/formats/pain.002.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_status_format import StatusFormat
from parsers._feedback_status_paths import PAIN002

FORMAT: Final = StatusFormat(PAIN002)
