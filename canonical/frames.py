"""The canonical frames: pandera schemas with name, dtype, nullability, meaning and source element.

A frame that breaks its schema is our bug and stops the work (`checked`). A payment that breaks a rule is the client's and
becomes a finding. Strict: no column missing, none extra, in this order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, NoReturn

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from canonical.codes import BreakKind, CreditDebit, Level, Severity
from canonical.errors import ConfigError, FrameBroken
from canonical.limits import AMOUNT_MINOR_MAX, FILE_ROWS_MAX

_DIRECTIONS: Final = [item.value for item in CreditDebit]
_LEVELS: Final = [item.value for item in Level]
_SEVERITIES: Final = [item.value for item in Severity]
_ORIGINS: Final = ["statement", "report", "notification"]


def _text(meaning: str, *, required: bool = False) -> pa.Column:
    return pa.Column(pl.String, nullable=not required, description=meaning)


def _int(meaning: str, *, required: bool = False, minimum: int | None = None, maximum: int | None = None) -> pa.Column:
    checks = []
    if minimum is not None:
        checks.append(pa.Check.ge(minimum))
    if maximum is not None:
        checks.append(pa.Check.le(maximum))
    return pa.Column(pl.Int64, checks, nullable=not required, description=meaning)


def _amount(meaning: str, *, required: bool = False) -> pa.Column:
    return _int(f"{meaning}, minor units", required=required, minimum=0, maximum=AMOUNT_MINOR_MAX)


def _code(meaning: str, values: list[str], *, required: bool = True) -> pa.Column:
    return pa.Column(pl.String, pa.Check.isin(values), nullable=not required, description=meaning)


def _schema(name: str, **columns: pa.Column) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, name=name, strict=True, ordered=True)


PAYMENTS = _schema(
    "payments",
    payment_id=_text("file_id and byte offset", required=True),
    row=_int("ordinal of the payment in the file, from 1", required=True, minimum=1, maximum=FILE_ROWS_MAX),
    line=_int("line in the client's file where the payment starts, from 1", required=True, minimum=1),
    offset=_int("byte offset of the payment in the archived plain text", required=True, minimum=0),
    length=_int("bytes of the payment in the archived plain text", required=True, minimum=0),
    batch=_int("ordinal of the batch in the file, from 1", required=True, minimum=1),
    batch_offset=_int(
        "byte offset of the batch's own part (PmtInf up to its first payment); null outside ISO", minimum=0
    ),
    batch_length=_int("bytes of that part", minimum=0),
    batch_id=_text("PmtInf/PmtInfId; NACHA batch header field 13 (batch number)"),
    batch_booking=pa.Column(pl.Boolean, nullable=True, description="PmtInf/BtchBookg"),
    instruction_id=_text("PmtId/InstrId; NACHA trace number"),
    end_to_end_id=_text("PmtId/EndToEndId; NACHA individual identification number"),
    uetr=_text("PmtId/UETR"),
    credit_debit=_code("CRDT: the client is the debtor and pays; DBIT: it is the creditor and collects", _DIRECTIONS),
    amount_text=_text("the amount as the client wrote it (an implied decimal point is written out)"),
    amount_minor=_amount("InstdAmt, null where the text is no amount of its currency"),
    currency=_text("InstdAmt/@Ccy as written; NACHA: USD"),
    requested_execution_date_text=_text("ReqdExctnDt, pain.008 ReqdColltnDt, as written; NACHA effective entry date"),
    requested_execution_date=pa.Column(pl.Date, nullable=True, description="the same as a date, null where it is none"),
    service_level=_text("PmtTpInf/SvcLvl/Cd"),
    local_instrument=_text("PmtTpInf/LclInstrm; NACHA standard entry class code"),
    sequence_type=_text("PmtTpInf/SeqTp: FRST RCUR OOFF FNAL RPRE; NACHA payment type code S or R (WEB, TEL)"),
    category_purpose=_text("PmtTpInf/CtgyPurp/Cd; NACHA company entry description"),
    purpose=_text("Purp/Cd"),
    charge_bearer=_text("ChrgBr"),
    debtor_name=_text("Dbtr/Nm; NACHA company name (credits), individual name (debits)"),
    debtor_id=_text("Dbtr/Id/OrgId/Othr/Id; NACHA company identification (credits)"),
    debtor_lei=_text("Dbtr/Id/OrgId/LEI"),
    debtor_account=_text("DbtrAcct/Id IBAN or Othr/Id, blanks removed; NACHA DFI account number (debits)"),
    debtor_account_type=_text("DbtrAcct/Tp/Cd; NACHA debits: from the transaction code"),
    debtor_agent=_text("DbtrAgt BICFI/BIC or clearing member id; NACHA originating (8) or receiving DFI (9 digits)"),
    debtor_street=_text("Dbtr/PstlAdr/StrtNm"),
    debtor_building=_text("Dbtr/PstlAdr/BldgNb"),
    debtor_post_code=_text("Dbtr/PstlAdr/PstCd"),
    debtor_town=_text("Dbtr/PstlAdr/TwnNm"),
    debtor_country=_text("Dbtr/PstlAdr/Ctry"),
    debtor_address_lines=_text("Dbtr/PstlAdr/AdrLine, joined by line feeds"),
    ultimate_debtor_name=_text("UltmtDbtr/Nm"),
    creditor_name=_text("Cdtr/Nm; NACHA individual name (credits), company name (debits)"),
    creditor_id=_text("Cdtr/Id/OrgId/Othr/Id; NACHA company identification (debits)"),
    creditor_lei=_text("Cdtr/Id/OrgId/LEI"),
    creditor_account=_text("CdtrAcct/Id IBAN or Othr/Id, blanks removed; NACHA DFI account number (credits)"),
    creditor_account_type=_text("CdtrAcct/Tp/Cd; NACHA credits, from the transaction code: CACC, SVGS, GLAC, LOAN"),
    creditor_agent=_text("CdtrAgt BICFI/BIC or clearing member id; NACHA receiving (9) or originating DFI (8 digits)"),
    creditor_street=_text("Cdtr/PstlAdr/StrtNm"),
    creditor_building=_text("Cdtr/PstlAdr/BldgNb"),
    creditor_post_code=_text("Cdtr/PstlAdr/PstCd"),
    creditor_town=_text("Cdtr/PstlAdr/TwnNm"),
    creditor_country=_text("Cdtr/PstlAdr/Ctry"),
    creditor_address_lines=_text("Cdtr/PstlAdr/AdrLine, joined by line feeds"),
    creditor_scheme_id=_text("CdtrSchmeId/Id/PrvtId/Othr/Id (SEPA creditor identifier); Bacs service user number"),
    ultimate_creditor_name=_text("UltmtCdtr/Nm"),
    mandate_id=_text("DrctDbtTx/MndtRltdInf/MndtId"),
    mandate_date_text=_text("DrctDbtTx/MndtRltdInf/DtOfSgntr as written"),
    mandate_date=pa.Column(pl.Date, nullable=True, description="the same as a date, null where it is none"),
    mandate_amended=pa.Column(pl.Boolean, nullable=True, description="DrctDbtTx/MndtRltdInf/AmdmntInd"),
    remittance=_text("RmtInf/Ustrd, joined by line feeds; NACHA addenda text"),
    remittance_reference=_text("RmtInf/Strd/CdtrRefInf/Ref"),
    remittance_reference_type=_text("RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry: SCOR, QRR, ..."),
    transaction_code=_text("NACHA (22, 27, 32, 37, ...) or Bacs (99, 17, 01, 18, 19) transaction code; null elsewhere"),
    prenote=pa.Column(pl.Boolean, nullable=False, description="NACHA prenotification: amount zero is right"),
    uncarried=_text(
        "what the payment says beyond these columns that changes how its money moves, or that authorities want "
        "(IntrmyAgt1, XchgRateInf, RgltryRptg; of NACHA IAT and SHR entries: what only ACH carries)"
    ),
)
"""One row a payment, in file order."""

TOTALS = _schema(
    "totals",
    level=_code("file or batch", _LEVELS),
    batch=_int("ordinal of the batch, null at file level", minimum=1),
    batch_id=_text("as in payments"),
    line=_int("line where the total stands", minimum=1),
    field=_text("source element that declares it, e.g. GrpHdr/CtrlSum", required=True),
    measure=_code("what is declared", ["count", "sum", "debit_sum", "credit_sum", "entry_hash", "batches", "blocks"]),
    declared_text=_text("as the client wrote it", required=True),
    declared=_int(
        "the number; sums in units of 10^-5 of the currency unit for `sum`, minor units otherwise; null if it is no number"
    ),
    found=_int("what the parser counted itself (entry hash, batches, blocks); null where the rules count payments"),
)
"""Totals that the file declares of itself. `sum` (ISO CtrlSum) runs over all currencies, so it is kept at 10^-5 of the
unit; its counterpart is the sum of payments at the same scale (amount_minor × 10^(5 - exponent))."""

FINDINGS = _schema(
    "findings",
    rule=_text("id of the rule, e.g. iban", required=True),
    reason=_text("ISO external status reason code", required=True),
    severity=_code("fatal, error or warning", _SEVERITIES),
    level=_code("file, batch or payment", _LEVELS),
    batch=_int("ordinal of the batch, null at file level", minimum=1),
    batch_id=_text("as in payments"),
    row=_int("ordinal of the payment, null above payment level", minimum=1),
    line=_int("line in the client's file", minimum=1),
    end_to_end_id=_text("as in payments"),
    field=_text("canonical column or source element"),
    value=_text("what stood there, masked where it is an account or a name"),
    message=_text("what is wrong, in the client's terms", required=True),
    remedy=_text("what to do about it", required=True),
)
"""Everything wrong with a file. All of it is reported, not the first."""

VERDICTS = _schema(
    "verdicts",
    payment_id=_text("as in payments", required=True),
    row=_int("as in payments", required=True, minimum=1),
    status=_code("ACCP or RJCT", ["ACCP", "RJCT"]),
    reason=_text("ISO reason of the first error (payment before batch before file), null when accepted"),
    rule=_text("rule of that error"),
)
"""One row a payment: what validation decided."""

LAPSED = _schema("lapsed", **VERDICTS.columns)
"""Payments that were accepted, kept for a later day, and refused on it: VERDICTS of the day of release."""

LAPSES = _schema("lapses", **FINDINGS.columns)
"""FINDINGS of that day."""

KEYS = _schema(
    "keys",
    key=pa.Column(
        pl.UInt64, nullable=False, description="one half of the payment's 128-bit identity; runs are sorted by it"
    ),
    check=pa.Column(pl.UInt64, nullable=False, description="the other half: both agree by chance once in 2^128"),
    offset=_int("as in payments", required=True, minimum=0),
    sequence=_int("the client's number of the file", required=True, minimum=1),
)
"""Sorted run of duplicate keys: of one file's accepted payments, or of several files merged."""

SCREENING = _schema(
    "screening",
    payment_id=_text("as in payments", required=True),
    row=_int("as in payments", required=True, minimum=1),
    field=_code("what is alike", ["name", "ultimate name", "country"]),
    entry=_text("id of the list's entry", required=True),
    listed=_text("what stands on the list", required=True),
    score=_int("similarity in hundredths, 100 is the same", required=True, minimum=0, maximum=100),
)
"""Payments whose other side is like an entry of the operator's list."""

ROUTES = _schema(
    "routes",
    payment_id=_text("as in payments", required=True),
    row=_int("as in payments", required=True, minimum=1),
    submission_id=_text("null while the payment waits"),
    provider=_text("null while the payment waits"),
    rail=_text("null while the payment waits"),
    reference=_text("how the provider's file and feedback name it: InstrId, or the NACHA trace number"),
    position=_int("ordinal of the payment in the submission, from 1", minimum=1),
    execution_date=pa.Column(pl.Date, nullable=True, description="business day the provider is asked to execute on"),
    plan=_int("revision of the plan that says so, from 1", required=True, minimum=1),
    choice=_int("which of the plan's choices: why each rail was taken or lost", required=True, minimum=0),
    note=_int("which of the plan's notes says why it waits, or goes out on another day than it asked for", minimum=0),
    credit_debit=_code("as in payments", _DIRECTIONS),
    amount_minor=_amount("as in payments", required=True),
    currency=_text("as in payments", required=True),
    end_to_end_id=_text("as in payments"),
)
"""The plan of one file: where each accepted payment goes."""

VERIFIED = _schema(
    "verified",
    payment_id=_text("as in payments", required=True),
    row=_int("as in payments", required=True, minimum=1),
    verification=_text("the request that the provider answered", required=True),
    status=_code("RCVC match, RVMC close match, RVNM no match, RVNA not possible", ["RCVC", "RVMC", "RVNM", "RVNA"]),
    told=_text("what the provider says besides, such as the name it knows"),
)
"""What a provider said of the payees of payments that wait for their release."""

CANCELLATIONS = _schema(
    "cancellations",
    position=_int("ordinal of the request in its file, from 1", required=True, minimum=1),
    line=_int("line in the client's file", required=True, minimum=1),
    level=_code("file, batch or payment", _LEVELS),
    original_message_id=_text("OrgnlGrpInf/OrgnlMsgId"),
    original_batch_id=_text("OrgnlPmtInfId"),
    original_instruction_id=_text("OrgnlInstrId"),
    original_end_to_end_id=_text("OrgnlEndToEndId"),
    original_uetr=_text("OrgnlUETR"),
    amount_minor=_amount("amount it names"),
    currency=_text("its currency"),
    reason=_text("CxlRsnInf/Rsn (camt.055), RvslRsnInf/Rsn (pain.007)"),
    reason_text=_text("AddtlInf"),
)
"""One row a payment, batch or file that the client asks to have cancelled."""

CANCELLED = _schema(
    "cancelled",
    payment_id=_text("as in payments", required=True),
    row=_int("as in payments", required=True, minimum=1),
    request=_text("file_id of the cancellation request", required=True),
    reason=_text("reason it gave"),
)
"""Payments of a file that its client took back before they were released."""

OUTCOMES = _schema(
    "outcomes",
    position=_int("ordinal of the request in its file", required=True, minimum=1),
    line=_int("line of the request", required=True, minimum=1),
    payment_id=_text("the payment concerned, null where none was found"),
    batch_id=_text("as in payments"),
    instruction_id=_text("as in payments"),
    end_to_end_id=_text("as in payments, or as the request names it"),
    amount_text=_text("as in payments"),
    currency=_text("as in payments"),
    credit_debit=_code("as in payments", _DIRECTIONS, required=False),
    counterparty_name=_text("masked"),
    status=_code("CANC or RJCT", ["CANC", "RJCT"]),
    reason=_text("ISO reason where it is RJCT"),
    message=_text("what became of the request", required=True),
    remedy=_text("what the client can do now"),
)
"""What became of a cancellation request: one row a payment it concerns, or a row for one that was not found."""

TOLD = _schema(
    "told",
    row=_int("as in payments", required=True, minimum=1),
    milestone=_text("at which the payment stood", required=True),
    status=_text("as in the answer", required=True),
    reason=_text("as in the answer"),
    message=_text("as in the answer"),
    booked=_int("bookings of statements told of so far", required=True, minimum=0),
    corrections=_int("corrections told of so far", required=True, minimum=0),
)
"""What a set of answers told the client of each payment of its file."""

STATUSES = _schema(
    "statuses",
    position=_int("ordinal in the feedback file, from 1", required=True, minimum=1),
    kind=_code(
        "status (acknowledgement), return (money comes back), correction (NOC) or cancellation (what became of a request)",
        ["status", "return", "correction", "cancellation"],
    ),
    level=_code("file (group), batch or payment", _LEVELS),
    original_message_id=_text("OrgnlMsgId: MsgId of our submission"),
    original_message_name=_text("OrgnlMsgNmId: pain.001.001.09, pacs.008.001.08"),
    original_batch_id=_text("OrgnlPmtInfId"),
    original_instruction_id=_text("OrgnlInstrId; NACHA original trace number"),
    original_end_to_end_id=_text("OrgnlEndToEndId; NACHA individual identification number"),
    original_transaction_id=_text("OrgnlTxId"),
    original_uetr=_text("OrgnlUETR"),
    original_mandate_id=_text("the mandate, as a collection or its correction names it; Bacs: the lodged reference"),
    original_account=_text("the other side's account, as the original named it; Bacs: sort code and number"),
    original_date=pa.Column(pl.Date, nullable=True, description="day the original was processed, where told"),
    status=_text("ISO status; RJCT for returns; of a cancellation CxlSts (ACCR, RJCR, PDCR) or Conf (CNCL, RJCR, ...)"),
    reason=_text("ISO reason code or NACHA return code (R01, C01)"),
    reason_text=_text("AddtlInf"),
    amount_minor=_amount("amount of the original payment, as it names it"),
    currency=_text("its currency"),
    returned_minor=_amount("RtrdIntrBkSttlmAmt: what comes back, where that is told beside the original amount"),
    returned_currency=_text("its currency"),
    charges_minor=_amount("ChrgsInf total in the currency of what is returned, or of the original amount"),
    settlement_date=pa.Column(pl.Date, nullable=True, description="IntrBkSttlmDt, FctvIntrBkSttlmDt"),
    credit_debit=_code("direction of the original payment, where named", _DIRECTIONS, required=False),
    trace=_text("the provider's own reference (StsId, RtrId, CxlStsId, NACHA return trace number)"),
    clearing_reference=_text("ClrSysRef"),
    case_id=_text("RslvdCase/Id: the case that a cancellation answers"),
    corrected=_text(
        "what a correction says is right: NACHA corrected data as it stands; Bacs new sort code and number"
    ),
)
"""One row a status or return of a provider's feedback file, as it says it."""

ENTRIES = _schema(
    "entries",
    entry_id=_text("from account, statement and position, never from the bytes", required=True),
    statement_id=_text("Stmt/Id", required=True),
    account=_text("Stmt/Acct/Id; MT :25:; BAI2 03", required=True),
    currency=_text("of the amount", required=True),
    position=_int("ordinal of Ntry in its statement, from 1", required=True, minimum=1),
    detail=_int("ordinal of TxDtls in the entry, 0 when the row is the whole entry", required=True, minimum=0),
    amount_minor=_amount("of this row", required=True),
    entry_amount_minor=_amount("of the whole entry", required=True),
    credit_debit=_code("CRDT: into the account, as booked", _DIRECTIONS),
    reversal=pa.Column(pl.Boolean, nullable=False, description="RvslInd; MT mark RC or RD"),
    booked=pa.Column(
        pl.Boolean, nullable=False, description="a statement's entry whose Sts is BOOK: only these settle"
    ),
    origin=_code("as in statements; null counts as statement", _ORIGINS, required=False),
    status=_text("Sts as told: BOOK, PDNG, INFO, FUTR; MT mark EC or ED: PDNG"),
    booking_date=pa.Column(pl.Date, nullable=True, description="BookgDt; MT :61: entry date; BAI2 as-of date"),
    value_date=pa.Column(pl.Date, nullable=True, description="ValDt; MT :61: value date; BAI2 funds type V"),
    entry_reference=_text("NtryRef"),
    servicer_reference=_text("AcctSvcrRef; MT :61: behind //; BAI2 bank reference"),
    clearing_reference=_text("Refs/ClrSysRef"),
    message_id=_text("Refs/MsgId or Btch/MsgId"),
    batch_id=_text("Refs/PmtInfId or Btch/PmtInfId"),
    instruction_id=_text("Refs/InstrId; MT :61: reference for the account owner, :86: KREF; BAI2 customer reference"),
    end_to_end_id=_text("Refs/EndToEndId, null for NOTPROVIDED; MT :86: EREF"),
    uetr=_text("Refs/UETR"),
    transaction_id=_text("Refs/TxId"),
    mandate_id=_text("Refs/MndtId; MT :86: MREF"),
    batch_count=_int("Btch/NbOfTxs; BAI2 item count", minimum=0),
    domain=_text("BkTxCd Domn/Cd"),
    family=_text("BkTxCd Fmly/Cd"),
    sub_family=_text("BkTxCd SubFmlyCd"),
    proprietary=_text("BkTxCd Prtry/Cd; MT :61: type or :86: code; BAI2 type code"),
    instructed_amount_text=_text("AmtDtls/InstdAmt as written; MT :86: OCMT"),
    instructed_currency=_text("its currency"),
    counter_amount_text=_text("AmtDtls/CntrValAmt as written"),
    counter_currency=_text("its currency"),
    exchange_rate_text=_text("AmtDtls/*/CcyXchg/XchgRate as written; MT :86: EXCH"),
    return_reason=_text("RtrInf/Rsn"),
    return_text=_text("RtrInf/AddtlInf"),
    original_code=_text("RtrInf/OrgnlBkTxCd: domain/family/sub-family, else the proprietary code"),
    charges_minor=_amount("Chrgs total of this row; MT :61: /CHGS/, :86: CHGS or COAM"),
    counterparty_name=_text("RltdPties, the other side; MT :86: ?32 ?33"),
    counterparty_account=_text("RltdPties, the other side; MT :86: ?31"),
    counterparty_agent=_text("RltdAgts, the other side: BICFI, BIC or clearing member id; MT :86: ?30"),
    remittance=_text("RmtInf/Ustrd and Strd reference, joined by line feeds; MT :86: SVWZ"),
    additional=_text("AddtlNtryInf / AddtlTxInf"),
)
"""One row a transaction detail where the details add up to the entry, else one row the entry."""

STATEMENTS = _schema(
    "statements",
    statement_id=_text("Stmt/Id; of reports and notifications with the message's name and time", required=True),
    account=_text("Stmt/Acct/Id; MT :25:; BAI2 03", required=True),
    currency=_text("of the account or its balances", required=True),
    origin=_code(
        "statement (camt.053, MT940, BAI2 previous day: its entries may settle), report (camt.052, MT942, BAI2 same day) or "
        "notification (camt.054, MT900, MT910), which only inform; null counts as statement",
        _ORIGINS,
        required=False,
    ),
    sequence=_int("ElctrncSeqNb or LglSeqNb; MT :28C: statement number"),
    page=_int("StmtPgntn/PgNb or GrpHdr/MsgPgntn/PgNb; MT :28C: sequence number", minimum=0),
    last_page=pa.Column(pl.Boolean, nullable=True, description="LastPgInd; MT: closes with :62F:, not :62M:"),
    created=_text("CreDtTm as written"),
    copy=_text("CpyDplctInd: COPY, CODU, DUPL"),
    from_date=pa.Column(pl.Date, nullable=True, description="FrToDt or opening balance date"),
    to_date=pa.Column(pl.Date, nullable=True, description="FrToDt or closing balance date"),
    opening_minor=_int("OPBD (or PRCD, or ITBD of a page), minor units, negative when DBIT; MT :60F: :60M:; BAI2 010"),
    closing_minor=_int("CLBD (or ITBD of a page), minor units, negative when DBIT; MT :62F: :62M:; BAI2 015"),
    entries=_int("number of Ntry", required=True, minimum=0),
    credits_minor=_int("sum of BOOK credits, minor units", required=True, minimum=0),
    debits_minor=_int("sum of BOOK debits, minor units", required=True, minimum=0),
    declared_entries=_int("TxsSummry/TtlNtries/NbOfNtries; BAI2 49 number of records", minimum=0),
    declared_credits=_int("TxsSummry/TtlCdtNtries/NbOfNtries; MT :90C:; BAI2 item count of 100", minimum=0),
    declared_credits_minor=_int("TxsSummry/TtlCdtNtries/Sum; MT :90C:; BAI2 100", minimum=0),
    declared_debits=_int("TxsSummry/TtlDbtNtries/NbOfNtries; MT :90D:; BAI2 item count of 400", minimum=0),
    declared_debits_minor=_int("TxsSummry/TtlDbtNtries/Sum; MT :90D:; BAI2 400", minimum=0),
)
"""One row a statement (account and currency)."""

BALANCES = _schema(
    "balances",
    statement_id=_text("as in statements", required=True),
    account=_text("as in statements", required=True),
    position=_int("ordinal of Bal in its statement, from 1", required=True, minimum=1),
    kind=_text(
        "Bal/Tp/CdOrPrtry/Cd (OPBD PRCD CLBD ITBD CLAV ITAV FWAV XPCD INFO OPAV), else Prtry; MT :60: OPBD, :62: CLBD, "
        ":60M: :62M: ITBD, :64: CLAV, :65: FWAV; BAI2 type code",
        required=True,
    ),
    sub_kind=_text("Bal/Tp/SubTp, Cd or Prtry (INTM: of a page)"),
    balance_minor=_int("minor units, negative when DBIT", required=True),
    currency=_text("of the amount", required=True),
    date=pa.Column(pl.Date, nullable=True, description="Bal/Dt"),
    credit_line=pa.Column(pl.Boolean, nullable=True, description="CdtLine/Incl: a credit line is part of it"),
)
"""One row a balance that a statement states, as it states it."""

RUNGS: Final = [
    "reference", "end_to_end_id", "text", "batch", "notification", "batch_parts", "several_entries", "fees", "fx",
    "counterparty", "tolerance", "amount_date", "subset_sum", "return", "return_batch", "return_less_charges", "return_fx",
    "correction", "representation", "by_hand",
]  # fmt: skip
"""What a match may name as its rung, strong evidence first."""

MATCHES = _schema(
    "matches",
    entry_id=_text("the entry's row", required=True),
    payment_id=_text("the payment it books", required=True),
    rung=_code("which rung of the ladder", RUNGS),
    kind=_code(
        "settlement; return; representation: booked again after it came back; correction: one of two entries that undo "
        "each other and move nothing",
        ["settlement", "return", "representation", "correction"],
    ),
    amount_minor=_amount("amount this match books of the payment", required=True),
    currency=_text("of the amount", required=True),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    entry_minor=_amount("amount this match claims of the entry's row", required=True),
    entry_currency=_text("of that amount: the account's", required=True),
    difference_account=_text(
        "ledger account that takes amount_minor − entry_minor: fees, fx or the one the rule names; null: both are equal"
    ),
    rule=_text("id of the provider's rule that found it, null for the built-in order"),
)
"""Claims: each payment is settled once and returned once; what is claimed of an entry's row is the whole of it, once.

Several rows may share an entry (a batch) or a payment (a booking in parts): their amounts add up to the whole.
"""

FUNDINGS = _schema(
    "fundings",
    entry_id=_text("the entry's row", required=True),
    account=_text("ours, that it was paid to", required=True),
    client=_text("whose money it is", required=True),
    amount_minor=_int("minor units", required=True, minimum=1, maximum=AMOUNT_MINOR_MAX),
    currency=_text("of the amount", required=True),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
)
"""Entries by which clients paid in, by the rules of their profiles: each counts once for its client's funds."""

FUNDING_KIND: Final = "funding"
"""Kind of an un-match that takes a funding apart."""

UNMATCHES = _schema(
    "unmatches",
    entry_id=_text("as in matches", required=True),
    payment_id=_text("as in matches; of a funding the client", required=True),
    kind=_text("as in matches, or funding", required=True),
    by=_text("login of the person", required=True),
    reason=_text("why, in the person's words", required=True),
    day=pa.Column(pl.Date, nullable=False, description="business date"),
)
"""Matches and fundings that a person undid. The pair is never matched again by itself, only by hand."""

SUGGESTIONS = _schema(
    "suggestions",
    entry_id=_text("the entry's row", required=True),
    payment_id=_text("the payment it may book", required=True),
    score=_int("0 to 100", required=True, minimum=0, maximum=100),
    reasons=_text("what speaks for it, in words", required=True),
)
"""Pairs for a person to decide: none is a claim. Best first, one entry beside one payment."""

BOOKINGS = _schema(
    "bookings",
    row=_int("as in payments", required=True, minimum=1),
    batch=_int("as in payments", required=True, minimum=1),
    batch_id=_text("as in payments"),
    batch_booking=pa.Column(pl.Boolean, nullable=True, description="as in payments"),
    instruction_id=_text("as in payments"),
    end_to_end_id=_text("as in payments"),
    uetr=_text("as in payments"),
    credit_debit=_code("as in payments", _DIRECTIONS),
    mandate_id=_text("as in payments"),
    remittance=_text("as in payments"),
    remittance_reference=_text("as in payments"),
    **{
        f"{side}_{name}": _text(f"{name} of the {told}")
        for side, told in (("ordering", "client's side"), ("counterparty", "other side"))
        for name in ("name", "account", "agent")
    },
    kind=_code("what was booked; as in matches", ["settlement", "return", "representation"]),
    amount_minor=_amount("booked of the payment", required=True),
    currency=_text("of that amount", required=True),
    booking_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    servicer_reference=_text("of the entry"),
    reason=_text("of a return"),
    reason_text=_text("of a return"),
)
"""What statements booked of a file's payments, one row a booking, for the client."""

CORRECTIONS = _schema(
    "corrections",
    payment_id=_text("the payment it was told of", required=True),
    nth=_int("of the payment's corrections, from 1", required=True, minimum=1),
    code=_text("ISO reason, or NACHA change code"),
    reason=_text("what is wrong, in words"),
    change_to=_text("what stands there from now on"),
    what=_text("which data are to be changed, without their values"),
    told_on=pa.Column(pl.Date, nullable=False, description="day the provider told"),
    act_by=pa.Column(pl.Date, nullable=False, description="last business day to act on, by the scheme's rules"),
)
"""What providers told to be wrong about payments that stand."""

BREAKS = _schema(
    "breaks",
    break_id=_text("from what it stands on", required=True),
    kind=_code("what it is", [item.value for item in BreakKind]),
    side=_code("book or bank", ["book", "bank"]),
    subject=_text("what it is about: entry_id, payment_id, feedback_id/position or rule, statement_id", required=True),
    account=_text("bank account or provider"),
    amount_minor=_amount("amount", required=True),
    currency=_text("its currency", required=True),
    credit_debit=_code("direction", _DIRECTIONS),
    since=pa.Column(pl.Date, nullable=False, description="value date, or the day the payment was sent"),
    age_days=_int("days since then", required=True, minimum=0),
    note=_text("in words", required=True),
)
"""What finance must look at."""

POSTINGS = _schema(
    "postings",
    posting_id=_text("from journal and ordinal", required=True),
    event=_text("accepted, submitted, settled, rejected, returned, fee, unknown", required=True),
    subject=_text("payment_id or entry_id", required=True),
    debit_account=_text("ledger account", required=True),
    credit_account=_text("ledger account", required=True),
    amount_minor=_int("positive, minor units", required=True, minimum=1),
    currency=_text("its currency", required=True),
    day=pa.Column(pl.Date, nullable=False, description="business date"),
)
"""Double entry: one positive amount from one account to another, so that it cannot be unbalanced."""

ADJUSTMENTS = _schema(
    "adjustments",
    adjustment_id=_text("from the break and the ordinal of the event that made it", required=True),
    break_id=_text("as in breaks", required=True),
    account=_text("ledger account that takes the amount: write_offs", required=True),
    relieved=_text("ledger account on which it stood until then: suspense", required=True),
    amount_minor=_int("positive, minor units", required=True, minimum=1, maximum=AMOUNT_MINOR_MAX),
    currency=_text("its currency", required=True),
    credit_debit=_code(
        "how `account` is booked: DBIT a loss, CRDT a gain; `relieved` the other way round", _DIRECTIONS
    ),
    day=pa.Column(pl.Date, nullable=False, description="business date: the first day that was not closed"),
    reason=_text("in the words of the person who decided", required=True),
)
"""What persons wrote off. Taken back by a second adjustment the other way round, never by a change."""

ALL: Final = {
    schema.name: schema
    for schema in (
        PAYMENTS, TOTALS, FINDINGS, VERDICTS, LAPSED, LAPSES, KEYS, SCREENING, ROUTES, VERIFIED, CANCELLATIONS, CANCELLED, OUTCOMES, TOLD, STATUSES, ENTRIES, STATEMENTS, BALANCES, MATCHES, FUNDINGS, UNMATCHES, SUGGESTIONS, BREAKS,
        POSTINGS, ADJUSTMENTS,
    )
}  # fmt: skip


def dtypes(schema: pa.DataFrameSchema) -> dict[str, pl.DataType]:
    """Column name → Polars dtype, in order."""
    return {name: column.dtype.type for name, column in schema.columns.items()}


def empty(schema: pa.DataFrameSchema) -> pl.DataFrame:
    """A frame of that schema with no rows."""
    return pl.DataFrame(schema=dtypes(schema))


def arranged(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Put columns in the schema's order and add the missing ones as nulls (casting null columns).

    Raises:
        FrameBroken: a column too many, or a wrong dtype.
    """
    wanted = dtypes(schema)
    extra = sorted(set(frame.columns) - set(wanted))
    if extra:
        raise FrameBroken(f"frame {schema.name}: columns nobody knows: {', '.join(extra)}")
    if not frame.columns:
        return empty(schema)  # literals alone would make one row of nulls
    columns = [
        pl.lit(None, dtype=dtype).alias(name)
        if name not in frame.columns or frame.schema[name] == pl.Null
        else pl.col(name)
        for name, dtype in wanted.items()
    ]
    found = frame.select(columns)
    _refuse_other_dtypes(found, schema)
    return found


def conform(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """`arranged`, then `checked`.

    Raises:
        FrameBroken: a column too many, a wrong dtype, a null or a value that the schema forbids.
    """
    return checked(arranged(frame, schema), schema)


def checked(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """The frame itself, after its columns and dtypes were compared and pandera has looked at every value that has a rule.

    Raises:
        FrameBroken: it breaks its schema: our bug, never the client's.
    """
    _refuse_other_dtypes(frame, schema)
    looked = _looked_at(schema)
    ruled = frame.select(looked.by_column.columns.keys())
    try:
        looked.at_once.validate(ruled)
    except (SchemaError, SchemaErrors):
        _tell(ruled, looked.by_column)
    return frame


def _tell(frame: pl.DataFrame, by_column: pa.DataFrameSchema) -> NoReturn:
    try:
        by_column.validate(frame, lazy=True)
    except (SchemaError, SchemaErrors) as fault:
        raise FrameBroken(f"frame {by_column.name} breaks its schema: {str(fault)[:2000]}") from fault
    raise AssertionError(f"the two looks at frame {by_column.name} differ")


def _refuse_other_dtypes(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> None:
    wanted = dtypes(schema)
    if list(frame.schema.items()) != list(wanted.items()):
        told = sorted(
            f"{name}: {frame.schema.get(name)} in place of {wanted.get(name)}"
            for name in {*wanted, *frame.columns}
            if frame.schema.get(name) != wanted.get(name)
        )
        raise FrameBroken(f"frame {schema.name} breaks its schema: {'; '.join(told) or 'columns are in another order'}")


@dataclass(frozen=True, slots=True)
class _Look:
    """The columns of a schema that forbid nulls or values: those that may be null and hold anything need no look.

    `at_once`: one check of the frame, a single pass of Polars. `by_column`: the same rules, told column by column.
    """

    at_once: pa.DataFrameSchema
    by_column: pa.DataFrameSchema


_LOOKS: Final[dict[int, tuple[pa.DataFrameSchema, _Look]]] = {}
"""By identity of the schema, which is kept beside: pandera's schemas have no hash."""


def _looked_at(schema: pa.DataFrameSchema) -> _Look:
    if id(schema) not in _LOOKS:
        columns = {name: column for name, column in schema.columns.items() if column.checks or not column.nullable}
        kept = [expression for name, column in columns.items() for expression in _kept(name, column)]

        def holds(data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.all_horizontal(pl.lit(value=True), *kept))

        at_once = pa.DataFrameSchema(checks=pa.Check(holds), name=schema.name)
        by_column = pa.DataFrameSchema(columns, name=schema.name, strict=True, ordered=True)
        _LOOKS[id(schema)] = schema, _Look(at_once, by_column)
    return _LOOKS[id(schema)][1]


def _kept(name: str, column: pa.Column) -> list[pl.Expr]:
    """One Boolean a rule of the column: all its values keep it."""
    values = pl.col(name)
    found = [] if column.nullable else [values.null_count() == 0]
    for check in column.checks:
        told = check.statistics
        match check.name:
            case "greater_than_or_equal_to":
                found.append((values.min() >= told["min_value"]).fill_null(value=True))
            case "less_than_or_equal_to":
                found.append((values.max() <= told["max_value"]).fill_null(value=True))
            case "isin":
                found.append(values.is_in(list(told["allowed_values"])).all())
            case other:
                raise AssertionError(f"{name}: nobody has said how to look at {other} in one pass")
    return found


def refuse_if_pandera_is_off() -> None:
    """Start-up check: an environment that switches pandera off would let broken frames through in silence.

    Raises:
        ConfigError: PANDERA_VALIDATION_ENABLED or PANDERA_VALIDATION_DEPTH is set to something that weakens the checks.
    """
    if os.environ.get("PANDERA_VALIDATION_ENABLED", "True").lower() not in {"true", "1"}:
        raise ConfigError("PANDERA_VALIDATION_ENABLED switches the frame checks off; unset it")
    if os.environ.get("PANDERA_VALIDATION_DEPTH", "SCHEMA_AND_DATA") != "SCHEMA_AND_DATA":
        raise ConfigError("PANDERA_VALIDATION_DEPTH weakens the frame checks; unset it")
