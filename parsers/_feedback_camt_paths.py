"""Which elements of camt.052, camt.053 and camt.054 are read, over all versions (.01 to .14), in the order of the schemas.

.01 holds Btch and TxDtls directly in the entry and has its own names for references; from .03 a detail has an amount of its
own; from .04 charges stand in Rcrd; from .08 a status is Sts/Cd, a party Dbtr/Pty, and a detail may have a UETR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from parsers._feedback_shapes import Message, Shape


def _account(path: str, key: str) -> tuple[tuple[str, str], ...]:
    kinds = ("IBAN", "BBAN", "UPIC", "PrtryAcct/Id", "Othr/Id")
    return tuple((f"{path}/Id/{kind}", key) for kind in kinds)


_CODE: Final = (
    ("BkTxCd/Domn/Cd", "domain"),
    ("BkTxCd/Domn/Fmly/Cd", "family"),
    ("BkTxCd/Domn/Fmly/SubFmlyCd", "sub_family"),
    ("BkTxCd/Prtry/Cd", "proprietary"),
)
_CHARGE_RECORD: Final = Shape("Rcrd", (("Amt", "amount"), ("CdtDbtInd", "direction")))
_AMOUNTS: Final = (
    ("AmtDtls/InstdAmt/Amt", "instructed"),
    ("AmtDtls/InstdAmt/CcyXchg/XchgRate", "rate"),
    ("AmtDtls/TxAmt/Amt", "transaction"),
    ("AmtDtls/TxAmt/CcyXchg/XchgRate", "rate"),
    ("AmtDtls/CntrValAmt/Amt", "counter"),
    ("AmtDtls/CntrValAmt/CcyXchg/XchgRate", "rate"),
)


def _agent(path: str, key: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{path}/FinInstnId/{kind}", key) for kind in ("BICFI", "BIC", "ClrSysMmbId/MmbId"))


CHARGES: Final = Shape(
    "Chrgs",
    (("TtlChrgsAndTaxAmt", "total"), ("Amt", "amount"), ("CdtDbtInd", "direction"), ("Rcrd", _CHARGE_RECORD)),
)

DETAIL: Final = Shape(
    "TxDtls",
    (
        ("Refs/MsgId", "message_id"),
        ("Refs/AcctSvcrRef", "servicer_reference"),
        ("Refs/PmtInfId", "batch_id"),
        ("Refs/InstrId", "instruction_id"),
        ("Refs/EndToEndId", "end_to_end_id"),
        ("Refs/UETR", "uetr"),
        ("Refs/TxId", "transaction_id"),
        ("Refs/MndtId", "mandate_id"),
        ("Refs/ClrSysRef", "clearing_reference"),
        ("Amt", "amount"),
        ("CdtDbtInd", "direction"),
        *_AMOUNTS,
        *_CODE,
        ("Chrgs", CHARGES),
        ("RltdPties/Dbtr/Nm", "debtor_name"),
        ("RltdPties/Dbtr/Pty/Nm", "debtor_name"),
        *_account("RltdPties/DbtrAcct", "debtor_account"),
        ("RltdPties/Cdtr/Nm", "creditor_name"),
        ("RltdPties/Cdtr/Pty/Nm", "creditor_name"),
        *_account("RltdPties/CdtrAcct", "creditor_account"),
        *_agent("RltdAgts/DbtrAgt", "debtor_agent"),
        *_agent("RltdAgts/CdtrAgt", "creditor_agent"),
        ("RmtInf/Ustrd", "remittance"),
        ("RmtInf/Strd/RfrdDocInf/Nb", "remittance"),
        ("RmtInf/Strd/CdtrRefInf/Ref", "remittance"),
        ("RmtInf/Strd/CdtrRefInf/CdtrRef", "remittance"),
        ("RmtInf/Strd/AddtlRmtInf", "remittance"),
        ("RtrInf/OrgnlBkTxCd/Domn/Cd", "original_domain"),
        ("RtrInf/OrgnlBkTxCd/Domn/Fmly/Cd", "original_family"),
        ("RtrInf/OrgnlBkTxCd/Domn/Fmly/SubFmlyCd", "original_sub_family"),
        ("RtrInf/OrgnlBkTxCd/Prtry/Cd", "original_proprietary"),
        ("RtrInf/Rsn/Cd", "return_reason"),
        ("RtrInf/Rsn/Prtry", "return_reason"),
        ("RtrInf/RtrRsn/Cd", "return_reason"),
        ("RtrInf/RtrRsn/Prtry", "return_reason"),
        ("RtrInf/AddtlInf", "return_text"),
        ("RtrInf/AddtlRtrRsnInf", "return_text"),
        ("AddtlTxInf", "additional"),
    ),
    joined=frozenset({"remittance", "return_text"}),
)

_BATCH: Final = (
    ("MsgId", "batch_message_id"),
    ("PmtInfId", "batch_batch_id"),
    ("NbOfTxs", "batch_count"),
    ("TtlAmt", "batch_total"),
)
_BATCH_01: Final = Shape("Btch", _BATCH)
_DETAILS: Final = Shape("NtryDtls", (*((f"Btch/{path}", key) for path, key in _BATCH), ("TxDtls", DETAIL)))

ENTRY: Final = Shape(
    "Ntry",
    (
        ("NtryRef", "entry_reference"),
        ("Amt", "amount"),
        ("CdtDbtInd", "direction"),
        ("RvslInd", "reversal"),
        ("Sts", "status"),
        ("Sts/Cd", "status"),
        ("Sts/Prtry", "status"),
        ("BookgDt/Dt", "booking"),
        ("BookgDt/DtTm", "booking"),
        ("ValDt/Dt", "value"),
        ("ValDt/DtTm", "value"),
        ("AcctSvcrRef", "servicer_reference"),
        *_CODE,
        *_AMOUNTS,
        ("Btch", _BATCH_01),
        ("Chrgs", CHARGES),
        ("NtryDtls", _DETAILS),
        ("TxDtls", DETAIL),
        ("AddtlNtryInf", "additional"),
    ),
    required=("amount", "direction", "status"),
    without=(("status", "such an entry is not booked"),),
    streamed=True,
)

BALANCE: Final = Shape(
    "Bal",
    (
        ("Tp/CdOrPrtry/Cd", "type"),
        ("Tp/CdOrPrtry/Prtry", "proprietary"),
        ("Tp/Cd", "type"),
        ("Tp/Prtry", "proprietary"),
        ("Tp/SubTp/Cd", "sub_kind"),
        ("Tp/SubTp/Prtry", "sub_kind"),
        ("CdtLine/Incl", "credit_line"),
        ("Amt", "amount"),
        ("CdtDbtInd", "direction"),
        ("Dt/Dt", "date"),
        ("Dt/DtTm", "date"),
    ),
    required=("amount", "direction", "date"),
)

_NET: Final = (
    ("TtlNetNtry/Amt", "net"), ("TtlNetNtry/CdtDbtInd", "net_direction"),
    ("TtlNetNtryAmt", "net"), ("CdtDbtInd", "net_direction"),
)  # fmt: skip
"""Newer versions, then older ones."""
_TOTALS: Final = tuple(
    (f"TxsSummry/{element}/{path}", key)
    for element, of in (("TtlNtries", "all"), ("TtlCdtNtries", "credit"), ("TtlDbtNtries", "debit"))
    for path, key in (("NbOfNtries", f"{of}_count"), ("Sum", f"{of}_sum"), *(_NET if of == "all" else ()))
)


def _statement(name: str) -> Shape:
    """A statement, report or notification: of the same shape but for its name."""
    return Shape(
        name,
        (
            ("Id", "statement_id"),
            *(
                (f"{kind}Pgntn/{element}", key)
                for kind in ("Stmt", "Rpt", "Ntfctn")
                for element, key in (("PgNb", "page"), ("LastPgInd", "last_page"))
            ),
            ("ElctrncSeqNb", "electronic_sequence"),
            ("LglSeqNb", "legal_sequence"),
            ("CreDtTm", "created"),
            ("FrToDt/FrDtTm", "from"),
            ("FrToDt/ToDtTm", "to"),
            ("CpyDplctInd", "copy"),
            *_account("Acct", "account"),
            ("Acct/Ccy", "currency"),
            ("Bal", BALANCE),
            *_TOTALS,
            ("Ntry", ENTRY),
        ),
        streamed=True,
    )


HEADER: Final = Shape(
    "GrpHdr",
    (("MsgId", "message_id"), ("CreDtTm", "created"), ("MsgPgntn/PgNb", "page"), ("MsgPgntn/LastPgInd", "last_page")),
    required=("message_id", "created"),
    streamed=True,
)


@dataclass(frozen=True, eq=False)
class AccountMessage:
    """One of the three messages on an account. `element` of its statements; `origin` as in STATEMENTS."""

    message: Message
    element: str
    origin: str

    @classmethod
    def of(cls, name: str, root: str, element: str, origin: str, bare: str = "") -> AccountMessage:
        """camt.053, BkToCstmrStmt, Stmt, statement; pattern of elements without a Document."""
        shape = Shape(root, (("GrpHdr", HEADER), (element, _statement(element))), required=("GrpHdr",))
        return cls(Message(name, root, shape, bare, several=True), element, origin)

    @property
    def final(self) -> bool:
        """Its BOOK entries settle, and it stands between two balances."""
        return self.origin == "statement"


CAMT052: Final = AccountMessage.of("camt.052", "BkToCstmrAcctRpt", "Rpt", "report")
CAMT053: Final = AccountMessage.of("camt.053", "BkToCstmrStmt", "Stmt", "statement", r"CBI(?:Dly|Prd)\w*StmtReqLogMsg")
CAMT054: Final = AccountMessage.of("camt.054", "BkToCstmrDbtCdtNtfctn", "Ntfctn", "notification")
