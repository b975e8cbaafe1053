"""pain.001, CustomerCreditTransferInitiation, as the readers see it: versions .02 to .13 and their national variants."""

from __future__ import annotations

from typing import Final

from canonical.codes import CreditDebit
from parsers._iso_paths import REPORTED, TRANSACTION, TYPE, Message, intermediaries, party

_TO_DEBTOR_BANK: Final = {
    "InstrForDbtrAgt": ("InstrForDbtrAgt", "InstrForDbtrAgt/Cd", "InstrForDbtrAgt/InstrInf"),
}  # fmt: skip
"""Text, in newer versions with a code."""

PAIN001: Final = Message(
    name="pain.001",
    element="CstmrCdtTrfInitn",
    payment="CdtTrfTxInf",
    direction=CreditDebit.CRDT,
    in_batch={
        "batch_id": ("PmtInfId",),
        "batch_booking": ("BtchBookg",),
        "requested_execution_date_text": ("ReqdExctnDt/Dt", "ReqdExctnDt/DtTm", "ReqdExctnDt"),
        **party("Dbtr", "debtor"),
        **TYPE,
        "ultimate_debtor_name": ("UltmtDbtr/Nm",),
    },
    in_payment={
        **TRANSACTION,
        **party("Cdtr", "creditor"),
        **TYPE,
        "ultimate_debtor_name": ("UltmtDbtr/Nm",),
        "ultimate_creditor_name": ("UltmtCdtr/Nm",),
    },
    amount="Amt/InstdAmt",
    equivalent="Amt/EqvtAmt/Amt",
    tables=("RmtInf", "Cdtr/PstlAdr", "Cdtr/Id/OrgId", "PmtTpInf", "InstrForCdtrAgt", "RgltryRptg"),
    methods=("TRF", "TRA"),
    uncarried={
        "XchgRateInf": tuple(f"XchgRateInf/{part}" for part in ("UnitCcy", "XchgRate", "RateTp", "CtrctId")),
        **intermediaries(),
        "InstrForCdtrAgt": ("InstrForCdtrAgt/Cd", "InstrForCdtrAgt/InstrInf"),
        **_TO_DEBTOR_BANK,
        "RgltryRptg": tuple(f"RgltryRptg/{part}" for part in (*REPORTED, "RgltryDtls/Cd", "RgltryDtls/Inf")),
    },
    batch_uncarried=_TO_DEBTOR_BANK,
    bare=("CBIPaymentRequest", r"urn:CBI:xsd:CBI\w*PaymentRequest"),
    known=("01", "13"),
)
