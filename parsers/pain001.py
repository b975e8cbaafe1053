"""pain.001, CustomerCreditTransferInitiation: ISO 20022 payment files from clients, every version from .02 to .13."""

from __future__ import annotations

from typing import Final

from canonical.contracts import FormatFacts
from parsers._iso_format import COVERS, RULES, IsoFormat, terms_of
from parsers._iso_pain001 import PAIN001

_REQUIRED: Final = (
    "creditor_name", "creditor_account", "amount_text", "currency", "end_to_end_id", "debtor_name", "debtor_account",
    "requested_execution_date_text",
)  # fmt: skip

FORMAT: Final = IsoFormat(
    PAIN001,
    FormatFacts(
        PAIN001.name, batched=True, required=_REQUIRED, iso=True, terms=terms_of(PAIN001), rules=RULES, covers=COVERS
    ),
)
"""The format. See docs/formats/pain.001.md."""
