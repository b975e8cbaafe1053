"""What providers' files say: statuses, and statements of accounts."""

from __future__ import annotations

from typing import Final

import pandera.polars as pa
import polars as pl

from canonical.frames._columns import DIRECTIONS, LEVELS, amount, booked_amount, code, integer, schema, text

_ORIGINS: Final = ["statement", "report", "notification"]

STATUSES = schema(
    "statuses",
    position=integer("ordinal in the feedback file, from 1", required=True, minimum=1),
    kind=code(
        "status (acknowledgement), return (money comes back), correction (NOC) or cancellation (what became of a request)",
        ["status", "return", "correction", "cancellation"],
    ),
    level=code("file (group), batch or payment", LEVELS),
    original_message_id=text("OrgnlMsgId: MsgId of our submission"),
    original_message_name=text("OrgnlMsgNmId: pain.001.001.09, pacs.008.001.08"),
    original_batch_id=text("OrgnlPmtInfId"),
    original_instruction_id=text("OrgnlInstrId; NACHA original trace number"),
    original_end_to_end_id=text("OrgnlEndToEndId; NACHA individual identification number"),
    original_transaction_id=text("OrgnlTxId"),
    original_uetr=text("OrgnlUETR"),
    original_mandate_id=text("the mandate, as a collection or its correction names it; Bacs: the lodged reference"),
    original_account=text("the other side's account, as the original named it; Bacs: sort code and number"),
    original_date=pa.Column(pl.Date, nullable=True, description="day the original was processed, where told"),
    status=text("ISO status; RJCT for returns; of a cancellation CxlSts (ACCR, RJCR, PDCR) or Conf (CNCL, RJCR, ...)"),
    reason=text("ISO reason code or NACHA return code (R01, C01)"),
    reason_text=text("AddtlInf"),
    amount_minor=booked_amount("amount of the original payment, as it names it"),
    currency=text("its currency"),
    returned_minor=amount("RtrdIntrBkSttlmAmt: what comes back, where that is told beside the original amount"),
    returned_currency=text("its currency"),
    charges_minor=amount("ChrgsInf total in the currency of what is returned, or of the original amount"),
    settlement_date=pa.Column(pl.Date, nullable=True, description="IntrBkSttlmDt, FctvIntrBkSttlmDt"),
    credit_debit=code("direction of the original payment, where named", DIRECTIONS, required=False),
    trace=text("the provider's own reference (StsId, RtrId, CxlStsId, NACHA return trace number)"),
    clearing_reference=text("ClrSysRef"),
    case_id=text("RslvdCase/Id: the case that a cancellation answers"),
    corrected=text("what a correction says is right: NACHA corrected data as it stands; Bacs new sort code and number"),
)
"""One row a status or return of a provider's feedback file, as it says it."""

ENTRIES = schema(
    "entries",
    entry_id=text("from account, statement and position, never from the bytes", required=True),
    statement_id=text("Stmt/Id", required=True),
    account=text("Stmt/Acct/Id; MT :25:; BAI2 03", required=True),
    currency=text("of the amount", required=True),
    position=integer("ordinal of Ntry in its statement, from 1", required=True, minimum=1),
    detail=integer("ordinal of TxDtls in the entry, 0 when the row is the whole entry", required=True, minimum=0),
    amount_minor=booked_amount("of this row", required=True),
    entry_amount_minor=booked_amount("of the whole entry", required=True),
    credit_debit=code("CRDT: into the account, as booked", DIRECTIONS),
    reversal=pa.Column(pl.Boolean, nullable=False, description="RvslInd; MT mark RC or RD"),
    booked=pa.Column(
        pl.Boolean, nullable=False, description="a statement's entry whose Sts is BOOK: only these settle"
    ),
    origin=code("as in statements; null counts as statement", _ORIGINS, required=False),
    status=text("Sts as told: BOOK, PDNG, INFO, FUTR; MT mark EC or ED: PDNG"),
    booking_date=pa.Column(pl.Date, nullable=True, description="BookgDt; MT :61: entry date; BAI2 as-of date"),
    value_date=pa.Column(pl.Date, nullable=True, description="ValDt; MT :61: value date; BAI2 funds type V"),
    entry_reference=text("NtryRef"),
    servicer_reference=text("AcctSvcrRef; MT :61: behind //; BAI2 bank reference"),
    clearing_reference=text("Refs/ClrSysRef"),
    message_id=text("Refs/MsgId or Btch/MsgId"),
    batch_id=text("Refs/PmtInfId or Btch/PmtInfId"),
    instruction_id=text("Refs/InstrId; MT :61: reference for the account owner, :86: KREF; BAI2 customer reference"),
    end_to_end_id=text("Refs/EndToEndId, null for NOTPROVIDED; MT :86: EREF"),
    uetr=text("Refs/UETR"),
    transaction_id=text("Refs/TxId"),
    mandate_id=text("Refs/MndtId; MT :86: MREF"),
    batch_count=integer("Btch/NbOfTxs; BAI2 item count", minimum=0),
    domain=text("BkTxCd Domn/Cd"),
    family=text("BkTxCd Fmly/Cd"),
    sub_family=text("BkTxCd SubFmlyCd"),
    proprietary=text("BkTxCd Prtry/Cd; MT :61: type or :86: code; BAI2 type code"),
    instructed_amount_text=text("AmtDtls/InstdAmt as written; MT :86: OCMT"),
    instructed_currency=text("its currency"),
    counter_amount_text=text("AmtDtls/CntrValAmt as written"),
    counter_currency=text("its currency"),
    exchange_rate_text=text("AmtDtls/*/CcyXchg/XchgRate as written; MT :86: EXCH"),
    return_reason=text("RtrInf/Rsn"),
    return_text=text("RtrInf/AddtlInf"),
    original_code=text("RtrInf/OrgnlBkTxCd: domain/family/sub-family, else the proprietary code"),
    charges_minor=booked_amount("Chrgs total of this row; MT :61: /CHGS/, :86: CHGS or COAM"),
    counterparty_name=text("RltdPties, the other side; MT :86: ?32 ?33"),
    counterparty_account=text("RltdPties, the other side; MT :86: ?31"),
    counterparty_agent=text("RltdAgts, the other side: BICFI, BIC or clearing member id; MT :86: ?30"),
    remittance=text("RmtInf/Ustrd and Strd reference, joined by line feeds; MT :86: SVWZ"),
    additional=text("AddtlNtryInf / AddtlTxInf"),
)
"""One row a transaction detail where the details add up to the entry, else one row the entry."""

STATEMENTS = schema(
    "statements",
    statement_id=text("Stmt/Id; of reports and notifications with the message's name and time", required=True),
    account=text("Stmt/Acct/Id; MT :25:; BAI2 03", required=True),
    currency=text("of the account or its balances", required=True),
    origin=code(
        "statement (camt.053, MT940, BAI2 previous day: its entries may settle), report (camt.052, MT942, BAI2 same day) or "
        "notification (camt.054, MT900, MT910), which only inform; null counts as statement",
        _ORIGINS,
        required=False,
    ),
    sequence=integer("ElctrncSeqNb or LglSeqNb; MT :28C: statement number"),
    page=integer("StmtPgntn/PgNb or GrpHdr/MsgPgntn/PgNb; MT :28C: sequence number", minimum=0),
    last_page=pa.Column(pl.Boolean, nullable=True, description="LastPgInd; MT: closes with :62F:, not :62M:"),
    created=text("CreDtTm as written"),
    copy=text("CpyDplctInd: COPY, CODU, DUPL"),
    from_date=pa.Column(pl.Date, nullable=True, description="FrToDt or opening balance date"),
    to_date=pa.Column(pl.Date, nullable=True, description="FrToDt or closing balance date"),
    opening_minor=integer(
        "OPBD (or PRCD, or ITBD of a page), minor units, negative when DBIT; MT :60F: :60M:; BAI2 010"
    ),
    closing_minor=integer("CLBD (or ITBD of a page), minor units, negative when DBIT; MT :62F: :62M:; BAI2 015"),
    entries=integer("number of Ntry", required=True, minimum=0),
    credits_minor=integer("sum of BOOK credits, minor units", required=True, minimum=0),
    debits_minor=integer("sum of BOOK debits, minor units", required=True, minimum=0),
    declared_entries=integer("TxsSummry/TtlNtries/NbOfNtries; BAI2 49 number of records", minimum=0),
    declared_credits=integer("TxsSummry/TtlCdtNtries/NbOfNtries; MT :90C:; BAI2 item count of 100", minimum=0),
    declared_credits_minor=integer("TxsSummry/TtlCdtNtries/Sum; MT :90C:; BAI2 100", minimum=0),
    declared_debits=integer("TxsSummry/TtlDbtNtries/NbOfNtries; MT :90D:; BAI2 item count of 400", minimum=0),
    declared_debits_minor=integer("TxsSummry/TtlDbtNtries/Sum; MT :90D:; BAI2 400", minimum=0),
)
"""One row a statement (account and currency)."""

BALANCES = schema(
    "balances",
    statement_id=text("as in statements", required=True),
    account=text("as in statements", required=True),
    position=integer("ordinal of Bal in its statement, from 1", required=True, minimum=1),
    kind=text(
        "Bal/Tp/CdOrPrtry/Cd (OPBD PRCD CLBD ITBD CLAV ITAV FWAV XPCD INFO OPAV), else Prtry; MT :60: OPBD, :62: CLBD, "
        ":60M: :62M: ITBD, :64: CLAV, :65: FWAV; BAI2 type code",
        required=True,
    ),
    sub_kind=text("Bal/Tp/SubTp, Cd or Prtry (INTM: of a page)"),
    balance_minor=integer("minor units, negative when DBIT", required=True),
    currency=text("of the amount", required=True),
    date=pa.Column(pl.Date, nullable=True, description="Bal/Dt"),
    credit_line=pa.Column(pl.Boolean, nullable=True, description="CdtLine/Incl: a credit line is part of it"),
)
"""One row a balance that a statement states, as it states it."""
