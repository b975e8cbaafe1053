"""The columns of our own table of payments, which CSV and XLSX share: heading → canonical column."""

from __future__ import annotations

from typing import Final

_SAME: Final = (
    "end_to_end_id", "creditor_name", "creditor_account", "currency", "credit_debit", "batch_id", "batch_booking",
    "instruction_id", "uetr", "service_level", "local_instrument", "sequence_type", "category_purpose", "purpose",
    "charge_bearer",
    "debtor_name", "debtor_id", "debtor_lei", "debtor_account", "debtor_account_type", "debtor_agent", "debtor_street",
    "debtor_building", "debtor_post_code", "debtor_town", "debtor_country", "debtor_address_lines",
    "ultimate_debtor_name",
    "creditor_id", "creditor_lei", "creditor_account_type", "creditor_agent", "creditor_street", "creditor_building",
    "creditor_post_code", "creditor_town", "creditor_country", "creditor_address_lines", "creditor_scheme_id",
    "ultimate_creditor_name",
    "mandate_id", "mandate_amended", "remittance", "remittance_reference", "remittance_reference_type",
)  # fmt: skip
_OTHER: Final = {
    "execution_date": "requested_execution_date_text",
    "amount": "amount_text",
    "mandate_date": "mandate_date_text",
}
COLUMNS: Final[dict[str, str]] = {**{name: name for name in _SAME}, **_OTHER}
"""Heading of the template → canonical column."""

TERMS: Final = {canonical: heading for heading, canonical in COLUMNS.items()}
"""Canonical column → heading of the template."""

REQUIRED: Final = ("end_to_end_id", "execution_date", "amount", "currency")
"""Headings no table can do without; beside them it names those of one side at least."""
SIDES: Final = {"CRDT": ("creditor_name", "creditor_account"), "DBIT": ("debtor_name", "debtor_account")}

DATES: Final = {"execution_date": "requested_execution_date", "mandate_date": "mandate_date"}
"""Heading → canonical column of the day itself."""
FLAGS: Final = ("batch_booking", "mandate_amended")
"""Columns that say true or false."""
MANY_LINES: Final = frozenset({"remittance", "debtor_address_lines", "creditor_address_lines"})
"""Columns in which a line break divides lines; elsewhere it becomes a blank."""
WITHOUT_BLANKS: Final = ("debtor_account", "creditor_account")


def normal(name: str) -> str:
    """A heading as it is compared: small letters, blanks, line breaks and hyphens as underscores."""
    return "_".join(name.strip().lower().replace("-", " ").split())
