"""The versions of pain.001 that are written, and what canonical columns must be like to stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from exporters._iso_grammar import Grammar
from exporters._iso_grammar_credit import credit_grammar

Number = Literal["03", "09"]
BIC: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
OLD_BIC: Final = r"^[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?$"
CHARS_MAX: Final = {
    "reference": 35, "end_to_end_id": 35, "creditor_account": 34, "creditor_agent": 35, "service_level": 4,
    "local_instrument": 35, "category_purpose": 35, "purpose": 4, "creditor_name": 140, "ultimate_creditor_name": 140,
    "ultimate_debtor_name": 140, "creditor_street": 70, "creditor_building": 16, "creditor_post_code": 16,
    "creditor_town": 35, "creditor_account_type": 4, "creditor_id": 35,
}  # fmt: skip
LINE_CHARS_MAX: Final = {
    "creditor_address_lines": 70,
    "remittance": 140,
    "remittance_reference": 35,
    "remittance_reference_type": 35,
}
FORMS: Final = {
    "creditor_country": "^[A-Z]{2}$",
    "charge_bearer": "^(DEBT|CRED|SHAR|SLEV)$",
    "uetr": "^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$",
    "creditor_lei": "^[A-Z0-9]{18}[0-9]{2}$",
}
WRITTEN: Final = (*CHARS_MAX, *LINE_CHARS_MAX, *FORMS)
"""Canonical columns that a payment is written from."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `bic`: the element and the form of a BIC. `unknown`: canonical columns that have no element in it."""

    number: Number
    bic: tuple[str, str]
    unknown: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=lambda: FORMS)

    @property
    def grammar(self) -> Grammar:
        """What may stand where."""
        return credit_grammar(self.number)


_ACCOUNT_TYPES: Final = "CASH|CHAR|COMM|TAXE|CISH|TRAS|SACC|CACC|SVGS|ONDP|MGLD|NREX|MOMA|LOAN|SLRY|ODFT"
VERSIONS: Final[Mapping[Number, Version]] = {
    "03": Version(
        "03", ("BIC", OLD_BIC), ("uetr", "creditor_lei"), {**FORMS, "creditor_account_type": f"^({_ACCOUNT_TYPES})$"}
    ),
    "09": Version("09", ("BICFI", BIC)),
}
