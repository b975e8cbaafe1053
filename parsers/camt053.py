"""camt.053, BankToCustomerStatement: ISO 20022 account statements from providers, every version from .01 to .14.

See docs/formats/camt.053.md.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_camt import AccountFormat
from parsers._feedback_camt_paths import CAMT053

FORMAT: Final = AccountFormat(CAMT053)
