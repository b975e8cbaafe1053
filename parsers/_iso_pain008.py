"""pain.008, CustomerDirectDebitInitiation, as the readers see it: versions .02 to .11 and their national variants."""

from __future__ import annotations

from typing import Final

from canonical.codes import CreditDebit
from parsers._iso_paths import REPORTED, TRANSACTION, TYPE, Message, party

_SCHEME: Final = ("CdtrSchmeId/Id/PrvtId/Othr/Id", "CdtrSchmeId/Id/OrgId/Othr/Id")
_MANDATE: Final = "DrctDbtTx/MndtRltdInf"

PAIN008: Final = Message(
    name="pain.008",
    element="CstmrDrctDbtInitn",
    payment="DrctDbtTxInf",
    direction=CreditDebit.DBIT,
    in_batch={
        "batch_id": ("PmtInfId",),
        "batch_booking": ("BtchBookg",),
        "requested_execution_date_text": ("ReqdColltnDt",),
        **party("Cdtr", "creditor"),
        **TYPE,
        "sequence_type": ("PmtTpInf/SeqTp",),
        "ultimate_creditor_name": ("UltmtCdtr/Nm",),
        "creditor_scheme_id": _SCHEME,
    },
    in_payment={
        **TRANSACTION,
        **party("Dbtr", "debtor"),
        **TYPE,
        "sequence_type": ("PmtTpInf/SeqTp",),
        "ultimate_creditor_name": ("UltmtCdtr/Nm",),
        "ultimate_debtor_name": ("UltmtDbtr/Nm",),
        "creditor_scheme_id": tuple(f"DrctDbtTx/{path}" for path in _SCHEME),
        "mandate_id": (f"{_MANDATE}/MndtId",),
        "mandate_date_text": (f"{_MANDATE}/DtOfSgntr",),
        "mandate_amended": (f"{_MANDATE}/AmdmntInd",),
    },
    amount="InstdAmt",
    equivalent=None,
    tables=(
        "RmtInf", "Dbtr/PstlAdr", "Dbtr/Id/OrgId", "PmtTpInf", "DrctDbtTx/CdtrSchmeId/Id/PrvtId",
        "DrctDbtTx/CdtrSchmeId/Id/OrgId", "RgltryRptg",
    ),
    methods=("DD",),
    uncarried={"RgltryRptg": tuple(f"RgltryRptg/{part}" for part in REPORTED)},
    batch_uncarried={},
    bare=("CBISDDReqLogMsg", r"urn:CBI:xsd:CBI\w*SDDReq"),
    known=("01", "11"),
)  # fmt: skip
