"""The ISO 20022 payment messages that are written, their versions, and what canonical columns must be like to stand in them.

A payment is written as if the client paid: of a collection the two sides change places (`turned`), so that in all modules of
this family `creditor_…` is the other side and `debtor_…` ours. Messages say which element is whose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.frames import PAYMENTS, dtypes
from exporters._iso_grammar import Grammar
from exporters._iso_grammar_credit import credit_grammar
from exporters._iso_grammar_debit import debit_grammar

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
_INTERBANK_CHARS_MAX: Final = {
    **CHARS_MAX, "debtor_account": 34, "debtor_name": 140, "debtor_street": 70, "debtor_building": 16, "debtor_post_code": 16,
    "debtor_town": 35, "debtor_country": 2, "debtor_id": 35, "debtor_lei": 20,
}  # fmt: skip
_DEBIT_CHARS_MAX: Final = {**CHARS_MAX, "mandate_id": 35, "creditor_scheme_id": 35}
_TWO_SIDED: Final = tuple(
    name.removeprefix("debtor_")
    for name in dtypes(PAYMENTS)
    if name.startswith("debtor_") and f"creditor_{name.removeprefix('debtor_')}" in dtypes(PAYMENTS)
)
_TURNED: Final = {
    **{f"debtor_{name}": f"creditor_{name}" for name in _TWO_SIDED},
    **{f"creditor_{name}": f"debtor_{name}" for name in _TWO_SIDED},
    "ultimate_debtor_name": "ultimate_creditor_name",
    "ultimate_creditor_name": "ultimate_debtor_name",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `ours`, `theirs`: elements of the two sides; `amount`: path of the amount below the payment; `date`: of PmtInf.

    `says`: elements of PmtInf that hold for each payment → the type of the payment that has them too. `given`: where the client's message
    is another one, the path of the amount there.
    """

    name: str
    element: str
    payment: str
    direction: CreditDebit
    ours: str
    theirs: str
    amount: tuple[str, ...]
    date: str
    method: str
    says: Mapping[str, str]
    given: tuple[str, ...] = ()

    @property
    def source(self) -> tuple[str, ...]:
        """Path of the amount in a client's own payment."""
        return self.given or self.amount

    def turned(self, payments: pl.DataFrame) -> pl.DataFrame:
        """The payments as if the client paid."""
        if self.direction == CreditDebit.CRDT:
            return payments
        return payments.rename({name: other for name, other in _TURNED.items() if name in payments.columns})

    def column(self, name: str) -> str:
        """The canonical column of a turned one."""
        return name if self.direction == CreditDebit.CRDT else _TURNED.get(name, name)


CREDIT: Final = Message(
    "pain.001", "CstmrCdtTrfInitn", "CdtTrfTxInf", CreditDebit.CRDT, "Dbtr", "Cdtr", ("Amt", "InstdAmt"), "ReqdExctnDt", "TRF",
    dict.fromkeys(("PmtTpInf", "ChrgBr", "UltmtDbtr", "InstrForDbtrAgt"), "CdtTrfTxInf"),
)  # fmt: skip
DEBIT: Final = Message(
    "pain.008", "CstmrDrctDbtInitn", "DrctDbtTxInf", CreditDebit.DBIT, "Cdtr", "Dbtr", ("InstdAmt",), "ReqdColltnDt", "DD",
    {**dict.fromkeys(("PmtTpInf", "ChrgBr", "UltmtCdtr"), "DrctDbtTxInf"), "CdtrSchmeId": "DrctDbtTx"},
)  # fmt: skip
INTERBANK: Final = Message(
    "pacs.008", "FIToFICstmrCdtTrf", "CdtTrfTxInf", CreditDebit.CRDT, "Dbtr", "Cdtr", ("IntrBkSttlmAmt",), "IntrBkSttlmDt", "",
    dict.fromkeys(("PmtTpInf", "ChrgBr", "UltmtDbtr", "Dbtr", "DbtrAcct", "DbtrAgt", "DbtrAgtAcct"), "CdtTrfTxInf"),
    given=("Amt", "InstdAmt"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `bic`: the element and the form of a BIC. `unknown`: canonical columns that have no element in it.

    `reading`: the grammar with the places of a client's message, where that is another one.
    """

    message: Message
    number: str
    grammar: Grammar
    bic: tuple[str, str]
    unknown: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=lambda: FORMS)
    reading: Grammar | None = None

    @property
    def name(self) -> str:
        """The message's name."""
        return f"{self.message.name}.001.{self.number}"

    @property
    def chars_max(self) -> Mapping[str, int]:
        """Column → its most characters."""
        if self.message == INTERBANK:
            return _INTERBANK_CHARS_MAX
        return CHARS_MAX if self.message.direction == CreditDebit.CRDT else _DEBIT_CHARS_MAX

    @property
    def line_chars_max(self) -> Mapping[str, int]:
        """Column of several lines → the most characters of one."""
        both = {"debtor_address_lines": LINE_CHARS_MAX["creditor_address_lines"]}
        return {**LINE_CHARS_MAX, **both} if self.message == INTERBANK else LINE_CHARS_MAX

    @property
    def written(self) -> tuple[str, ...]:
        """Canonical columns (turned) that a payment's texts are written from."""
        return tuple(dict.fromkeys((*self.chars_max, *self.line_chars_max, *FORMS, *self.forms)))


_ACCOUNT_TYPES: Final = "CASH|CHAR|COMM|TAXE|CISH|TRAS|SACC|CACC|SVGS|ONDP|MGLD|NREX|MOMA|LOAN|SLRY|ODFT"
_OLD_FORMS: Final = {**FORMS, "creditor_account_type": f"^({_ACCOUNT_TYPES})$"}
_OLD: Final = ("uetr", "creditor_lei")
CREDITS: Final[Mapping[str, Version]] = {
    "03": Version(CREDIT, "03", credit_grammar("03"), ("BIC", OLD_BIC), _OLD, _OLD_FORMS),
    "09": Version(CREDIT, "09", credit_grammar("09"), ("BICFI", BIC)),
}
DEBITS: Final[Mapping[str, Version]] = {
    "02": Version(
        DEBIT,
        "02",
        debit_grammar("02"),
        ("BIC", OLD_BIC),
        _OLD,
        {**_OLD_FORMS, "sequence_type": "^(FRST|RCUR|FNAL|OOFF)$"},
    ),
    "08": Version(
        DEBIT, "08", debit_grammar("08"), ("BICFI", BIC), (), {**FORMS, "sequence_type": "^(FRST|RCUR|FNAL|OOFF|RPRE)$"}
    ),
}
