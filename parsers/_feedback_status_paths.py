"""Which elements of pain.002, pacs.002, pacs.004 and camt.029 are read, over all versions, in the order of the schemas.

Versions before 2009 have names of their own inside the reasons (StsRsn, RtrRsn) and charges (ChrgsAmt), and give transactions no
batch around them. One description a message; `_feedback_statuses` makes rows of them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from canonical.codes import Level
from parsers._feedback_shapes import Message, Shape

Fields = tuple[tuple[str, str | Shape], ...]


@dataclass(frozen=True, eq=False)
class StatusMessage:
    """A message that says what became of payments. `kind` as in STATUSES.

    `levels`: name of a shape → what its status stands on. `status`: that of what states none itself (a return has none).
    `overall`: name of the shape that speaks of the whole message, and only where nothing in it speaks for itself.
    """

    message: Message
    kind: str
    levels: dict[str, Level]
    status: str | None = None
    overall: str | None = None


def _reason(name: str, *reasons: str, texts: tuple[str, ...]) -> Shape:
    return Shape(
        name,
        (
            *((f"{reason}/{kind}", "reason") for reason in reasons for kind in ("Cd", "Prtry")),
            *((text, "text") for text in texts),
        ),
        joined=frozenset({"text"}),
    )


_STATUS_REASON: Final = _reason("StsRsnInf", "StsRsn", "Rsn", texts=("AddtlStsRsnInf", "AddtlInf"))
_RETURN_REASON: Final = _reason("RtrRsnInf", "RtrRsn", "Rsn", texts=("AddtlRtrRsnInf", "AddtlInf"))
_CANCEL_REASON: Final = _reason("CxlStsRsnInf", "Rsn", texts=("AddtlInf",))
_CHARGES: Final = Shape("ChrgsInf", (("ChrgsAmt", "amount"), ("Amt", "amount")))
_ORIGINAL: Final[Fields] = (
    ("OrgnlGrpInf/OrgnlMsgId", "original_message_id"),
    ("OrgnlGrpInf/OrgnlMsgNmId", "message_name"),
)
_IDS: Final[Fields] = (
    ("OrgnlInstrId", "original_instruction_id"),
    ("OrgnlEndToEndId", "original_end_to_end_id"),
    ("OrgnlTxId", "original_transaction_id"),
)
_ORIGINAL_AMOUNTS: Final[Fields] = (
    ("OrgnlTxRef/IntrBkSttlmAmt", "interbank"),
    ("OrgnlTxRef/Amt/InstdAmt", "instructed"),
)
"""As the payment named them; SEPA's answers to recalls name them nowhere else."""
_REFERENCES: Final[Fields] = (
    ("AcctSvcrRef", "servicer_reference"),
    ("ClrSysRef", "clearing_reference"),
    *_ORIGINAL_AMOUNTS,
)
_HEADER: Final = Shape(
    "GrpHdr", (("MsgId", "message_id"), ("CreDtTm", "created")), required=("message_id", "created"), streamed=True
)
_TRANSACTION: Final = Shape(
    "TxInfAndSts",
    (
        ("StsId", "trace"),
        *_ORIGINAL,
        ("OrgnlPmtInfId", "original_batch_id"),
        *_IDS,
        ("OrgnlUETR", "original_uetr"),
        ("TxSts", "status"),
        ("StsRsnInf", _STATUS_REASON),
        ("ChrgsInf", _CHARGES),
        ("FctvIntrBkSttlmDt/Dt", "settlement"),
        ("FctvIntrBkSttlmDt/DtTm", "settlement"),
        *_REFERENCES,
    ),
    streamed=True,
)
_GROUP_FIELDS: Final[Fields] = (
    ("OrgnlMsgId", "original_message_id"),
    ("OrgnlMsgNmId", "message_name"),
    ("OrgnlNbOfTxs", "count"),
)
_GROUP: Final = Shape(
    "OrgnlGrpInfAndSts",
    (*_GROUP_FIELDS, ("GrpSts", "status"), ("StsRsnInf", _STATUS_REASON)),
    required=("original_message_id", "message_name"),
    streamed=True,
)
_BATCH: Final = Shape(
    "OrgnlPmtInfAndSts",
    (
        ("OrgnlPmtInfId", "original_batch_id"),
        ("PmtInfSts", "status"),
        ("StsRsnInf", _STATUS_REASON),
        ("TxInfAndSts", _TRANSACTION),
    ),
    required=("original_batch_id",),
    streamed=True,
)
_LEVELS: Final = {"OrgnlGrpInfAndSts": Level.FILE, "OrgnlPmtInfAndSts": Level.BATCH, "TxInfAndSts": Level.PAYMENT}

PAIN002: Final = StatusMessage(
    Message(
        "pain.002",
        "CstmrPmtStsRpt",
        Shape(
            "CstmrPmtStsRpt",
            (
                ("GrpHdr", _HEADER),
                ("OrgnlGrpInfAndSts", _GROUP),
                ("OrgnlPmtInfAndSts", _BATCH),
                ("TxInfAndSts", _TRANSACTION),
            ),
            required=("GrpHdr", "OrgnlGrpInfAndSts"),
        ),
        bare=r"CBI(?:PaymentStatusReport|SDD(?:StsRpt|TechValSts)LogMsg)",
        bare_without=frozenset({"message_name", "OrgnlGrpInfAndSts"}),
        several=True,
    ),
    "status",
    _LEVELS,
)
PACS002: Final = StatusMessage(
    Message(
        "pacs.002",
        "FIToFIPmtStsRpt",
        Shape(
            "FIToFIPmtStsRpt",
            (("GrpHdr", _HEADER), ("OrgnlGrpInfAndSts", _GROUP), ("TxInfAndSts", _TRANSACTION)),
            required=("GrpHdr",),
        ),
    ),
    "status",
    _LEVELS,
)

_RETURN_HEADER: Final = Shape(
    "GrpHdr",
    (
        ("MsgId", "message_id"),
        ("CreDtTm", "created"),
        ("NbOfTxs", "count"),
        ("CtrlSum", "sum"),
        ("GrpRtr", "group_return"),
        ("TtlRtrdIntrBkSttlmAmt", "returned"),
        ("IntrBkSttlmDt", "settlement"),
    ),
    required=("message_id", "created", "count"),
    streamed=True,
)
_RETURN: Final = Shape(
    "TxInf",
    (
        ("RtrId", "trace"),
        *_ORIGINAL,
        *_IDS,
        ("OrgnlUETR", "original_uetr"),
        ("OrgnlClrSysRef", "clearing_reference"),
        ("OrgnlIntrBkSttlmAmt", "interbank"),
        ("RtrdIntrBkSttlmAmt", "returned"),
        ("IntrBkSttlmDt", "settlement"),
        ("ChrgsInf", _CHARGES),
        ("ClrSysRef", "servicer_reference"),
        ("RtrRsnInf", _RETURN_REASON),
        *_ORIGINAL_AMOUNTS,
    ),
    required=("returned",),
    streamed=True,
)
_RETURNED_GROUP: Final = Shape(
    "OrgnlGrpInf",
    (("OrgnlMsgId", "original_message_id"), ("OrgnlMsgNmId", "message_name"), ("RtrRsnInf", _RETURN_REASON)),
    streamed=True,
)
PACS004: Final = StatusMessage(
    Message(
        "pacs.004",
        "PmtRtr",
        Shape(
            "PmtRtr",
            (("GrpHdr", _RETURN_HEADER), ("OrgnlGrpInf", _RETURNED_GROUP), ("TxInf", _RETURN)),
            required=("GrpHdr",),
        ),
    ),
    "return",
    {"OrgnlGrpInf": Level.FILE, "TxInf": Level.PAYMENT},
    status="RJCT",
    overall="OrgnlGrpInf",
)

_ASSIGNMENT: Final = Shape("Assgnmt", (("Id", "message_id"), ("CreDtTm", "created")), streamed=True)
_CASE: Final[Fields] = (("RslvdCase/Id", "case_id"),)
_CANCELLED: Final = Shape(
    "TxInfAndSts",
    (
        ("CxlStsId", "trace"),
        *_CASE,
        *_ORIGINAL,
        *_IDS,
        ("OrgnlClrSysRef", "clearing_reference"),
        ("OrgnlUETR", "original_uetr"),
        ("UETR", "original_uetr"),
        ("TxCxlSts", "status"),
        ("CxlStsRsnInf", _CANCEL_REASON),
        ("OrgnlInstdAmt", "instructed"),
        ("OrgnlIntrBkSttlmAmt", "interbank"),
        *_ORIGINAL_AMOUNTS,
    ),
    streamed=True,
)
_CANCELLED_GROUP: Final = Shape(
    "OrgnlGrpInfAndSts",
    (("OrgnlGrpCxlId", "trace"), *_CASE, *_GROUP_FIELDS, ("GrpCxlSts", "status"), ("CxlStsRsnInf", _CANCEL_REASON)),
    streamed=True,
)
_CANCELLED_BATCH: Final = Shape(
    "OrgnlPmtInfAndSts",
    (
        ("OrgnlPmtInfCxlId", "trace"),
        *_CASE,
        ("OrgnlPmtInfId", "original_batch_id"),
        *_ORIGINAL,
        ("PmtInfCxlSts", "status"),
        ("CxlStsRsnInf", _CANCEL_REASON),
        ("TxInfAndSts", _CANCELLED),
    ),
    required=("original_batch_id",),
    streamed=True,
)
_CONFIRMATION: Final = Shape("Sts", (("Conf", "status"),), streamed=True)
CAMT029: Final = StatusMessage(
    Message(
        "camt.029",
        "RsltnOfInvstgtn",
        Shape(
            "RsltnOfInvstgtn",
            (
                ("Assgnmt", _ASSIGNMENT),
                ("RslvdCase/Id", "case_id"),
                ("Sts", _CONFIRMATION),
                ("CxlDtls/OrgnlGrpInfAndSts", _CANCELLED_GROUP),
                ("CxlDtls/OrgnlPmtInfAndSts", _CANCELLED_BATCH),
                ("CxlDtls/TxInfAndSts", _CANCELLED),
            ),
            required=("Assgnmt",),
        ),
    ),
    "cancellation",
    {**_LEVELS, "Sts": Level.FILE},
    overall="Sts",
)
