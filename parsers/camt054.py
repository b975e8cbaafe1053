"""camt.054, BankToCustomerDebitCreditNotification: ISO 20022 notifications of entries from providers, every version from .01 to .14.

See docs/formats/camt.054.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_camt import AccountFormat
from parsers._feedback_camt_paths import CAMT054

FORMAT: Final = AccountFormat(CAMT054)
