"""What rules and answers must know of the ACH format: its terms, and the ids of its own findings.

Source: Nacha Operating Rules, Appendix Three: names and positions of the fields.
"""

from __future__ import annotations

from typing import Final

from canonical.codes import Severity
from canonical.contracts import FormatFacts
from parsers import _nacha_addenda as addenda
from parsers import _nacha_batches as batches
from parsers import _nacha_characters as characters
from parsers import _nacha_entries as entries
from parsers import _nacha_file as file
from parsers import _nacha_iat as iat
from parsers import _nacha_odd_lines as odd_lines
from parsers import _nacha_order as order
from parsers import _nacha_payments as payments

FAULTS: Final = (
    *odd_lines.FAULTS, *characters.FAULTS, *order.FAULTS, *file.FAULTS, *batches.FAULTS, *entries.FAULTS, *addenda.FAULTS,
    *payments.FAULTS, *iat.FAULTS,
)  # fmt: skip

_COMPANY_NAME, _COMPANY_ID = (
    "Company Name (batch header, positions 5-20)",
    "Company Identification (batch header, positions 41-50)",
)
_RECEIVER, _ACCOUNT = (
    "Individual or Receiving Company Name (entry, positions 55-76; of CIE 40-54, MTE 40-61, CTX 59-74)",
    "DFI Account Number (entry, positions 13-29)",
)
_ODFI, _RDFI = (
    "Originating DFI Identification (batch header, positions 80-87)",
    "Receiving DFI Identification and Check Digit (entry, positions 4-12)",
)
_CODE: Final = "Transaction Code (entry, positions 2-3)"

TERMS: Final = {
    "batch_id": "Batch Number (batch header, positions 88-94)",
    "instruction_id": "Trace Number (entry, positions 80-94)",
    "end_to_end_id": "Individual Identification Number (entry, positions 40-54)",
    "amount_text": "Amount (entry, positions 30-39)",
    "amount_minor": "Amount (entry, positions 30-39)",
    "requested_execution_date_text": "Effective Entry Date (batch header, positions 70-75)",
    "requested_execution_date": "Effective Entry Date (batch header, positions 70-75)",
    "local_instrument": "Standard Entry Class Code (batch header, positions 51-53)",
    "category_purpose": "Company Entry Description (batch header, positions 54-63)",
    "sequence_type": "Payment Type Code (entry, positions 77-78)",
    "purpose": "Card Transaction or Item Type (entry, positions 77-78); of IAT Transaction Type Code (addenda 10, positions 4-6)",
    "debtor_name": f"{_COMPANY_NAME}; of a debit {_RECEIVER}",
    "debtor_id": _COMPANY_ID,
    "debtor_account": _ACCOUNT,
    "debtor_account_type": _CODE,
    "debtor_agent": f"{_ODFI}; of a debit {_RDFI}",
    "creditor_name": f"{_RECEIVER}; of a debit {_COMPANY_NAME}",
    "creditor_id": _COMPANY_ID,
    "creditor_account": _ACCOUNT,
    "creditor_account_type": _CODE,
    "creditor_agent": f"{_RDFI}; of a debit {_ODFI}",
    "remittance": "Payment Related Information (addenda, positions 4-83)",
    "transaction_code": _CODE,
    "uncarried": "Entry, positions 1-94, and its addenda",
}
"""Canonical column → the name of the field and its positions in the record."""

FACTS: Final = FormatFacts(
    "nacha",
    batched=True,
    # Names are asked for by class (nacha-receiver-name), and of the company in the batch header (nacha-company-name).
    required=("creditor_account", "amount_text", "currency", "creditor_agent"),
    required_debit=("debtor_account", "amount_text", "currency", "debtor_agent"),
    domestic=True,
    fixed_width=True,
    currency="USD",
    terms=TERMS,
    amount_example="0000123450",
    date_format="%y%m%d",
    hashed=("aba",),
    rules=tuple(sorted({fault.rule for fault in FAULTS if fault.severity is not Severity.FATAL})),
)
