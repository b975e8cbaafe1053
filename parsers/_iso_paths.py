"""Which elements of a pain.001 fill which canonical column, over all its versions.

A path is relative to `PmtInf` or to `CdtTrfTxInf`. Where a column names several, the first that holds text wins: .09 and
later, then .03 to .08, then .02. Both readers collect the text of exactly these paths, so that they cannot differ in what
they look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

AMOUNT: Final = "Amt/InstdAmt"
CURRENCY: Final = "Amt/InstdAmt/@Ccy"
EQUIVALENT: Final = "Amt/EqvtAmt/Amt"

_TYPE: Final = {
    "service_level": ("PmtTpInf/SvcLvl/Cd",),
    "local_instrument": ("PmtTpInf/LclInstrm/Cd", "PmtTpInf/LclInstrm/Prtry"),
    "category_purpose": ("PmtTpInf/CtgyPurp/Cd", "PmtTpInf/CtgyPurp"),
    "charge_bearer": ("ChrgBr",),
    "ultimate_debtor_name": ("UltmtDbtr/Nm",),
}


def _account(role: str) -> tuple[str, ...]:
    return tuple(f"{role}Acct/Id/{path}" for path in ("IBAN", "Othr/Id", "BBAN", "UPIC", "PrtryAcct/Id"))


def _agent(role: str) -> tuple[str, ...]:
    paths = ("BICFI", "BIC", "ClrSysMmbId/MmbId", "ClrSysMmbId/Id", "CmbndId/BIC", "CmbndId/ClrSysMmbId/Id")
    return tuple(f"{role}Agt/FinInstnId/{path}" for path in paths)


BATCH: Final[dict[str, tuple[str, ...]]] = {
    "batch_id": ("PmtInfId",),
    "requested_execution_date_text": ("ReqdExctnDt/Dt", "ReqdExctnDt/DtTm", "ReqdExctnDt"),
    "debtor_name": ("Dbtr/Nm",),
    "debtor_id": ("Dbtr/Id/OrgId/Othr/Id", "Dbtr/Id/OrgId/PrtryId/Id"),
    "debtor_account": _account("Dbtr"),
    "debtor_agent": _agent("Dbtr"),
    "debtor_country": ("Dbtr/PstlAdr/Ctry",),
    **_TYPE,
}
"""Canonical column → paths below PmtInf. Those of `_TYPE` may also stand in the payment, which then decides."""

PAYMENT: Final[dict[str, tuple[str, ...]]] = {
    "instruction_id": ("PmtId/InstrId",),
    "end_to_end_id": ("PmtId/EndToEndId",),
    "uetr": ("PmtId/UETR",),
    "amount_text": (AMOUNT,),
    "currency": (CURRENCY,),
    "purpose": ("Purp/Cd",),
    "creditor_name": ("Cdtr/Nm",),
    "creditor_account": _account("Cdtr"),
    "creditor_account_type": ("CdtrAcct/Tp/Cd",),
    "creditor_agent": _agent("Cdtr"),
    "creditor_street": ("Cdtr/PstlAdr/StrtNm",),
    "creditor_building": ("Cdtr/PstlAdr/BldgNb",),
    "creditor_post_code": ("Cdtr/PstlAdr/PstCd",),
    "creditor_town": ("Cdtr/PstlAdr/TwnNm",),
    "creditor_country": ("Cdtr/PstlAdr/Ctry",),
    "creditor_address_lines": ("Cdtr/PstlAdr/AdrLine",),
    "ultimate_creditor_name": ("UltmtCdtr/Nm",),
    "remittance": ("RmtInf/Ustrd",),
    "remittance_reference": ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef"),
    **_TYPE,
}
"""Canonical column → paths below CdtTrfTxInf."""

HEADER: Final = ("MsgId", "CreDtTm", "InitgPty/Nm", "NbOfTxs", "CtrlSum")
"""Paths below GrpHdr."""

TOTALS: Final = {"NbOfTxs": "count", "CtrlSum": "sum"}
"""Declared totals of GrpHdr and PmtInf, and what they measure."""

JOINED: Final = frozenset({"RmtInf/Ustrd", "Cdtr/PstlAdr/AdrLine", *PAYMENT["remittance_reference"]})
"""May repeat: kept all, joined by line feeds."""

FIRST: Final = frozenset({"PmtTpInf/SvcLvl/Cd", "Dbtr/Id/OrgId/Othr/Id", "Dbtr/Id/OrgId/PrtryId/Id"})
"""May repeat: the first one is kept."""

PAYMENT_PATHS: Final = (*dict.fromkeys(path for paths in PAYMENT.values() for path in paths), EQUIVALENT)
BATCH_PATHS: Final = tuple(dict.fromkeys(path for paths in BATCH.values() for path in paths))


@dataclass(slots=True)
class Node:
    """One element on the way to a captured path. `key` is the path where its text is wanted, `scope` whose it is."""

    scope: str
    key: str | None = None
    currency: bool = False
    children: dict[str, Node] = field(default_factory=dict)


def _grow(root: Node, paths: tuple[str, ...]) -> None:
    for path in paths:
        node, steps = root, path.split("/")
        for step in steps:
            if step.startswith("@"):
                node.currency = True
                break
            node = node.children.setdefault(step, Node(root.scope))
        else:
            node.key = path


def message_tree() -> Node:
    """The tree below the message element (`CstmrCdtTrfInitn`; `pain.001.001.02` in the old version)."""
    header, batch, payment = Node("header"), Node("batch"), Node("payment")
    _grow(header, HEADER)
    _grow(batch, (*BATCH_PATHS, *TOTALS))
    _grow(payment, PAYMENT_PATHS)
    batch.children["CdtTrfTxInf"] = payment
    return Node("message", children={"GrpHdr": header, "PmtInf": batch})
