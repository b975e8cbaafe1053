"""pain.008, CustomerDirectDebitInitiation: ISO 20022 direct debit files from clients, every version from .02 to .11."""

from __future__ import annotations

from typing import Final

from canonical.contracts import FormatFacts
from parsers._iso_format import RULES, IsoFormat, terms_of
from parsers._iso_pain008 import PAIN008

# What only SEPA asks for (mandate, creditor identifier) is its rule's; a Swiss or British collection does without.
_REQUIRED: Final = (
    "creditor_name", "creditor_account", "amount_text", "currency", "end_to_end_id", "debtor_name", "debtor_account",
    "requested_execution_date_text",
)  # fmt: skip

FORMAT: Final = IsoFormat(
    PAIN008,
    FormatFacts(
        PAIN008.name, batched=True, required=_REQUIRED, required_debit=_REQUIRED, iso=True, terms=terms_of(PAIN008),
        rules=RULES,
    ),
)  # fmt: skip
"""The format. See docs/formats/pain.008.md."""
