"""Which elements of a pain.002 are read, over all its versions (.02 to .15 and the Swiss ones), in the order of the schemas.

.02 has names of its own inside StsRsnInf, and gives transactions no batch around them.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_shapes import Message, Shape

_REASON: Final = Shape(
    "StsRsnInf",
    (
        *((f"{name}/{kind}", "reason") for name in ("StsRsn", "Rsn") for kind in ("Cd", "Prtry")),
        ("AddtlStsRsnInf", "text"),
        ("AddtlInf", "text"),
    ),
    joined=frozenset({"text"}),
)
_TRANSACTION: Final = Shape(
    "TxInfAndSts",
    (
        ("StsId", "trace"),
        ("OrgnlPmtInfId", "original_batch_id"),
        ("OrgnlInstrId", "original_instruction_id"),
        ("OrgnlEndToEndId", "original_end_to_end_id"),
        ("TxSts", "status"),
        ("StsRsnInf", _REASON),
        ("AcctSvcrRef", "servicer_reference"),
        ("ClrSysRef", "clearing_reference"),
        ("OrgnlTxRef/Amt/InstdAmt", "amount"),
    ),
    streamed=True,
)
BATCH: Final = Shape(
    "OrgnlPmtInfAndSts",
    (
        ("OrgnlPmtInfId", "original_batch_id"),
        ("PmtInfSts", "status"),
        ("StsRsnInf", _REASON),
        ("TxInfAndSts", _TRANSACTION),
    ),
    required=("original_batch_id",),
    streamed=True,
)
_GROUP: Final = Shape(
    "OrgnlGrpInfAndSts",
    (
        ("OrgnlMsgId", "original_message_id"),
        ("OrgnlMsgNmId", "message_name"),
        ("OrgnlNbOfTxs", "count"),
        ("GrpSts", "status"),
        ("StsRsnInf", _REASON),
    ),
    required=("original_message_id", "message_name"),
    streamed=True,
)
_HEADER: Final = Shape(
    "GrpHdr", (("MsgId", "message_id"), ("CreDtTm", "created")), required=("message_id", "created"), streamed=True
)
PAIN002: Final = Message(
    "pain.002",
    "CstmrPmtStsRpt",
    Shape(
        "CstmrPmtStsRpt",
        (
            ("GrpHdr", _HEADER),
            ("OrgnlGrpInfAndSts", _GROUP),
            ("OrgnlPmtInfAndSts", BATCH),
            ("TxInfAndSts", _TRANSACTION),
        ),
        required=("GrpHdr", "OrgnlGrpInfAndSts"),
    ),
)
