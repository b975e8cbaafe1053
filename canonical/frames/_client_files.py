"""What a client's file holds, and what its checks find."""

from __future__ import annotations

from typing import Final

import pandera.polars as pa
import polars as pl

from canonical.codes import Severity
from canonical.frames._columns import DIRECTIONS, LEVELS, amount, code, integer, schema, text
from canonical.limits import FILE_ROWS_MAX

_SEVERITIES: Final = [item.value for item in Severity]

PAYMENTS = schema(
    "payments",
    payment_id=text("file_id and byte offset", required=True),
    row=integer("ordinal of the payment in the file, from 1", required=True, minimum=1, maximum=FILE_ROWS_MAX),
    line=integer("line in the client's file where the payment starts, from 1", required=True, minimum=1),
    offset=integer("byte offset of the payment in the archived plain text", required=True, minimum=0),
    length=integer("bytes of the payment in the archived plain text", required=True, minimum=0),
    batch=integer("ordinal of the batch in the file, from 1", required=True, minimum=1),
    batch_line=integer(
        "line where the batch starts (PmtInf, NACHA batch header, MT101 message, first Bacs record); null in tables",
        minimum=1,
    ),
    batch_offset=integer(
        "byte offset of the batch's own part (PmtInf up to its first payment); null outside ISO", minimum=0
    ),
    batch_length=integer("bytes of that part", minimum=0),
    batch_id=text("PmtInf/PmtInfId; NACHA batch header field 13 (batch number)"),
    batch_booking=pa.Column(pl.Boolean, nullable=True, description="PmtInf/BtchBookg"),
    instruction_id=text("PmtId/InstrId; NACHA trace number"),
    end_to_end_id=text("PmtId/EndToEndId; NACHA individual identification number"),
    uetr=text("PmtId/UETR"),
    credit_debit=code("CRDT: the client is the debtor and pays; DBIT: it is the creditor and collects", DIRECTIONS),
    amount_text=text("the amount as the client wrote it (an implied decimal point is written out)"),
    amount_minor=amount("InstdAmt, null where the text is no amount of its currency"),
    currency=text("InstdAmt/@Ccy as written; NACHA: USD"),
    requested_execution_date_text=text("ReqdExctnDt, pain.008 ReqdColltnDt, as written; NACHA effective entry date"),
    requested_execution_date=pa.Column(pl.Date, nullable=True, description="the same as a date, null where it is none"),
    service_level=text("PmtTpInf/SvcLvl/Cd"),
    local_instrument=text("PmtTpInf/LclInstrm; NACHA standard entry class code"),
    sequence_type=text("PmtTpInf/SeqTp: FRST RCUR OOFF FNAL RPRE; NACHA payment type code S or R (WEB, TEL)"),
    category_purpose=text("PmtTpInf/CtgyPurp/Cd; NACHA company entry description"),
    purpose=text("Purp/Cd"),
    charge_bearer=text("ChrgBr"),
    debtor_name=text("Dbtr/Nm; NACHA company name (credits), individual name (debits)"),
    debtor_id=text("Dbtr/Id/OrgId/Othr/Id; NACHA company identification (credits)"),
    debtor_lei=text("Dbtr/Id/OrgId/LEI"),
    debtor_account=text("DbtrAcct/Id IBAN or Othr/Id, blanks removed; NACHA DFI account number (debits)"),
    debtor_account_type=text("DbtrAcct/Tp/Cd; NACHA debits: from the transaction code"),
    debtor_agent=text("DbtrAgt BICFI/BIC or clearing member id; NACHA originating (8) or receiving DFI (9 digits)"),
    debtor_street=text("Dbtr/PstlAdr/StrtNm"),
    debtor_building=text("Dbtr/PstlAdr/BldgNb"),
    debtor_post_code=text("Dbtr/PstlAdr/PstCd"),
    debtor_town=text("Dbtr/PstlAdr/TwnNm"),
    debtor_country=text("Dbtr/PstlAdr/Ctry"),
    debtor_address_lines=text("Dbtr/PstlAdr/AdrLine, joined by line feeds"),
    ultimate_debtor_name=text("UltmtDbtr/Nm"),
    creditor_name=text("Cdtr/Nm; NACHA individual name (credits), company name (debits)"),
    creditor_id=text("Cdtr/Id/OrgId/Othr/Id; NACHA company identification (debits)"),
    creditor_lei=text("Cdtr/Id/OrgId/LEI"),
    creditor_account=text("CdtrAcct/Id IBAN or Othr/Id, blanks removed; NACHA DFI account number (credits)"),
    creditor_account_type=text("CdtrAcct/Tp/Cd; NACHA credits, from the transaction code: CACC, SVGS, GLAC, LOAN"),
    creditor_agent=text("CdtrAgt BICFI/BIC or clearing member id; NACHA receiving (9) or originating DFI (8 digits)"),
    creditor_street=text("Cdtr/PstlAdr/StrtNm"),
    creditor_building=text("Cdtr/PstlAdr/BldgNb"),
    creditor_post_code=text("Cdtr/PstlAdr/PstCd"),
    creditor_town=text("Cdtr/PstlAdr/TwnNm"),
    creditor_country=text("Cdtr/PstlAdr/Ctry"),
    creditor_address_lines=text("Cdtr/PstlAdr/AdrLine, joined by line feeds"),
    creditor_scheme_id=text("CdtrSchmeId/Id/PrvtId/Othr/Id (SEPA creditor identifier); Bacs service user number"),
    ultimate_creditor_name=text("UltmtCdtr/Nm"),
    mandate_id=text("DrctDbtTx/MndtRltdInf/MndtId"),
    mandate_date_text=text("DrctDbtTx/MndtRltdInf/DtOfSgntr as written"),
    mandate_date=pa.Column(pl.Date, nullable=True, description="the same as a date, null where it is none"),
    mandate_amended=pa.Column(pl.Boolean, nullable=True, description="DrctDbtTx/MndtRltdInf/AmdmntInd"),
    remittance=text("RmtInf/Ustrd, joined by line feeds; NACHA addenda text"),
    remittance_reference=text("RmtInf/Strd/CdtrRefInf/Ref"),
    remittance_reference_type=text("RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry: SCOR, QRR, ..."),
    transaction_code=text("NACHA (22, 27, 32, 37, ...) or Bacs (99, 17, 01, 18, 19) transaction code; null elsewhere"),
    prenote=pa.Column(pl.Boolean, nullable=False, description="NACHA prenotification: amount zero is right"),
    uncarried=text(
        "what the payment says beyond these columns that changes how its money moves, or that authorities want "
        "(IntrmyAgt1, XchgRateInf, RgltryRptg; of NACHA IAT and SHR entries: what only ACH carries)"
    ),
)
"""One row a payment, in file order."""

TOTALS = schema(
    "totals",
    level=code("file or batch", LEVELS),
    batch=integer("ordinal of the batch, null at file level", minimum=1),
    batch_id=text("as in payments"),
    line=integer("line where the total stands", minimum=1),
    field=text("source element that declares it, e.g. GrpHdr/CtrlSum", required=True),
    measure=code("what is declared", ["count", "sum", "debit_sum", "credit_sum", "entry_hash", "batches", "blocks"]),
    declared_text=text("as the client wrote it", required=True),
    declared=integer(
        "the number; sums in units of 10^-5 of the currency unit for `sum`, minor units otherwise; null if it is no number"
    ),
    found=integer("what the parser counted itself (entry hash, batches, blocks); null where the rules count payments"),
)
"""Totals that the file declares of itself. `sum` (ISO CtrlSum) runs over all currencies, so it is kept at 10^-5 of the
unit; its counterpart is the sum of payments at the same scale (amount_minor × 10^(5 - exponent))."""

CANCELLATIONS = schema(
    "cancellations",
    position=integer("ordinal of the request in its file, from 1", required=True, minimum=1),
    line=integer("line in the client's file", required=True, minimum=1),
    level=code("file, batch or payment", LEVELS),
    original_message_id=text("OrgnlGrpInf/OrgnlMsgId"),
    original_batch_id=text("OrgnlPmtInfId"),
    original_instruction_id=text("OrgnlInstrId"),
    original_end_to_end_id=text("OrgnlEndToEndId"),
    original_uetr=text("OrgnlUETR"),
    amount_minor=amount("amount it names"),
    currency=text("its currency"),
    reason=text("CxlRsnInf/Rsn (camt.055), RvslRsnInf/Rsn (pain.007)"),
    reason_text=text("AddtlInf"),
)
"""One row a payment, batch or file that the client asks to have cancelled."""

FINDINGS = schema(
    "findings",
    rule=text("id of the rule, e.g. iban", required=True),
    reason=text("ISO external status reason code", required=True),
    severity=code("fatal, error or warning", _SEVERITIES),
    level=code("file, batch or payment", LEVELS),
    batch=integer("ordinal of the batch, null at file level", minimum=1),
    batch_id=text("as in payments"),
    row=integer("ordinal of the payment, null above payment level", minimum=1),
    line=integer("line in the client's file", minimum=1),
    end_to_end_id=text("as in payments"),
    field=text("canonical column or source element"),
    value=text("what stood there, masked where it is an account or a name"),
    message=text("what is wrong, in the client's terms", required=True),
    remedy=text("what to do about it", required=True),
)
"""Everything wrong with a file. All of it is reported, not the first."""

VERDICTS = schema(
    "verdicts",
    payment_id=text("as in payments", required=True),
    row=integer("as in payments", required=True, minimum=1),
    status=code("ACCP or RJCT", ["ACCP", "RJCT"]),
    reason=text("ISO reason of the first error (payment before batch before file), null when accepted"),
    rule=text("rule of that error"),
)
"""One row a payment: what validation decided."""

KEYS = schema(
    "keys",
    key=pa.Column(
        pl.UInt64, nullable=False, description="one half of the payment's 128-bit identity; runs are sorted by it"
    ),
    check=pa.Column(pl.UInt64, nullable=False, description="the other half: both agree by chance once in 2^128"),
    offset=integer("as in payments", required=True, minimum=0),
    sequence=integer("the client's number of the file", required=True, minimum=1),
)
"""Sorted run of duplicate keys: of one file's accepted payments, or of several files merged."""

SCREENING = schema(
    "screening",
    payment_id=text("as in payments", required=True),
    row=integer("as in payments", required=True, minimum=1),
    field=code("what is alike", ["name", "ultimate name", "country"]),
    entry=text("id of the list's entry", required=True),
    listed=text("what stands on the list", required=True),
    score=integer("similarity in hundredths, 100 is the same", required=True, minimum=0, maximum=100),
)
"""Payments whose other side is like an entry of the operator's list."""
