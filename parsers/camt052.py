"""camt.052, BankToCustomerAccountReport: ISO 20022 reports on an account within the day from providers, every version from .01 to .14.

See docs/formats/camt.052.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_camt import AccountFormat
from parsers._feedback_camt_paths import CAMT052

FORMAT: Final = AccountFormat(CAMT052)
