"""Which elements of a cancellation request are read, over all versions of camt.055 and pain.007, in the order of the schemas.

Both say the same under other names: a whole message, whole batches of it, or single payments. pain.007.001.01 has names of
its own and puts its payments beside the original message instead of into batches.
"""

from __future__ import annotations

from typing import Final

from parsers._feedback_shapes import Message, Shape


def _reason(name: str, codes: tuple[str, ...], texts: tuple[str, ...]) -> Shape:
    paths = tuple((f"{code}/{kind}", "reason") for code in codes for kind in ("Cd", "Prtry"))
    return Shape(name, (*paths, *((text, "text") for text in texts)), joined=frozenset({"text"}))


CANCELLED_WHY: Final = _reason("CxlRsnInf", ("Rsn",), ("AddtlInf",))
REVERSED_WHY: Final = _reason("RvslRsnInf", ("RvslRsn", "Rsn"), ("AddtlRvslRsnInf", "AddtlInf"))
WHY: Final = frozenset({CANCELLED_WHY.name, REVERSED_WHY.name})

_CANCELLED_PAYMENT: Final = Shape(
    "TxInf",
    (
        ("OrgnlInstrId", "instruction_id"),
        ("OrgnlEndToEndId", "end_to_end_id"),
        ("OrgnlUETR", "uetr"),
        ("OrgnlInstdAmt", "amount"),
        (CANCELLED_WHY.name, CANCELLED_WHY),
    ),
    streamed=True,
)
_CANCELLED_BATCH: Final = Shape(
    "OrgnlPmtInfAndCxl",
    (
        ("OrgnlPmtInfId", "batch_id"),
        ("OrgnlGrpInf/OrgnlMsgId", "message_id"),
        ("NbOfTxs", "count"),
        ("CtrlSum", "sum"),
        ("PmtInfCxl", "whole"),
        (CANCELLED_WHY.name, CANCELLED_WHY),
        ("TxInf", _CANCELLED_PAYMENT),
    ),
    streamed=True,
)
_CANCELLED_MESSAGE: Final = Shape(
    "OrgnlGrpInfAndCxl",
    (
        ("OrgnlMsgId", "message_id"),
        ("NbOfTxs", "count"),
        ("CtrlSum", "sum"),
        ("GrpCxl", "whole"),
        (CANCELLED_WHY.name, CANCELLED_WHY),
    ),
    streamed=True,
)
CAMT055: Final = Message(
    "camt.055",
    "CstmrPmtCxlReq",
    Shape(
        "CstmrPmtCxlReq",
        (
            (
                "Assgnmt",
                Shape(
                    "Assgnmt",
                    (("Id", "message_id"), ("Assgnr/Pty/Nm", "initiating_party"), ("CreDtTm", "created")),
                    required=("message_id", "created"),
                    streamed=True,
                ),
            ),
            ("CtrlData", Shape("CtrlData", (("NbOfTxs", "count"), ("CtrlSum", "sum")), streamed=True)),
            (
                "Undrlyg",
                Shape(
                    "Undrlyg",
                    (("OrgnlGrpInfAndCxl", _CANCELLED_MESSAGE), ("OrgnlPmtInfAndCxl", _CANCELLED_BATCH)),
                    streamed=True,
                ),
            ),
        ),
        required=("Assgnmt",),
    ),
)

_REVERSED_PAYMENT: Final = Shape(
    "TxInf",
    (
        ("OrgnlPmtInfId", "batch_id"),
        ("OrgnlInstrId", "instruction_id"),
        ("OrgnlEndToEndId", "end_to_end_id"),
        ("OrgnlUETR", "uetr"),
        ("OrgnlInstdAmt", "amount"),
        ("RvsdInstdAmt", "reversed"),
        (REVERSED_WHY.name, REVERSED_WHY),
    ),
    streamed=True,
)
_REVERSED_BATCH: Final = Shape(
    "OrgnlPmtInfAndRvsl",
    (
        ("OrgnlPmtInfId", "batch_id"),
        ("OrgnlNbOfTxs", "count"),
        ("OrgnlCtrlSum", "sum"),
        ("PmtInfRvsl", "whole"),
        (REVERSED_WHY.name, REVERSED_WHY),
        ("TxInf", _REVERSED_PAYMENT),
    ),
    streamed=True,
)
PAIN007: Final = Message(
    "pain.007",
    "CstmrPmtRvsl",
    Shape(
        "CstmrPmtRvsl",
        (
            (
                "GrpHdr",
                Shape(
                    "GrpHdr",
                    (
                        ("MsgId", "message_id"),
                        ("CreDtTm", "created"),
                        ("NbOfTxs", "count"),
                        ("CtrlSum", "sum"),
                        ("GrpRvsl", "whole"),
                        ("InitgPty/Nm", "initiating_party"),
                    ),
                    required=("message_id", "created", "count"),
                    streamed=True,
                ),
            ),
            (
                "OrgnlGrpInf",
                Shape("OrgnlGrpInf", (("OrgnlMsgId", "message_id"), (REVERSED_WHY.name, REVERSED_WHY)), streamed=True),
            ),
            ("OrgnlPmtInfAndRvsl", _REVERSED_BATCH),
            ("TxInf", _REVERSED_PAYMENT),
        ),
        required=("GrpHdr", "OrgnlGrpInf"),
    ),
)
