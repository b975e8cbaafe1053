"""camt.029, ResolutionOfInvestigation: ISO 20022 answers to cancellation requests, every version from .01 to .13.

See docs/formats/camt.029.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_status_format import StatusFormat
from parsers._feedback_status_paths import CAMT029

FORMAT: Final = StatusFormat(CAMT029)
