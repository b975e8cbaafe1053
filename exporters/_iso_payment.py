"""A payment of pain.001 or pain.008 as a tree of elements in the order of the schema, over the columns of `_iso_shaped`."""

from __future__ import annotations

from typing import Final

from canonical.codes import CreditDebit
from canonical.contracts import Order
from exporters._iso_columns import Fixed, Node, Part, Raw, Text
from exporters._iso_versions import Version


def layout(order: Order, version: Version, lifted: tuple[str, ...] = ()) -> Node:
    """The payment over the columns of `shaped`, without the elements that stand in PmtInf."""
    return (
        _credit(order, version, lifted)
        if version.message.direction == CreditDebit.CRDT
        else _debit(order, version, lifted)
    )


def said(version: Version) -> dict[str, tuple[Part, ...]]:
    """Element that PmtInf can say for all its payments → how columns say it."""
    collects = version.message.direction == CreditDebit.DBIT
    coded = {
        name: Node(element, (Text("Cd", f"xml_{name}_code"), Text("Prtry", f"xml_{name}_other")))
        for name, element in (("local_instrument", "LclInstrm"), ("category_purpose", "CtgyPurp"))
    }
    sequence = (Text("SeqTp", "sequence_type"),) if collects else ()
    kinds = (
        Node("SvcLvl", (Text("Cd", "service_level"),)),
        coded["local_instrument"],
        *sequence,
        coded["category_purpose"],
    )
    scheme = Fixed("<SchmeNm><Prtry>SEPA</Prtry></SchmeNm>")
    return {
        "PmtTpInf": (Node("PmtTpInf", kinds), Raw("batch_PmtTpInf")),
        "ChrgBr": (Text("ChrgBr", "charge_bearer"), Raw("batch_ChrgBr")),
        "CdtrSchmeId": (
            Node(
                "CdtrSchmeId",
                (Node("Id", (Node("PrvtId", (Node("Othr", (Text("Id", "creditor_scheme_id"), scheme)),)),)),),
            ),
            Raw("batch_CdtrSchmeId"),
        ),
    }


def _identification() -> Node:
    return Node(
        "PmtId", (Text("InstrId", "xml_instruction_id"), Text("EndToEndId", "end_to_end_id"), Text("UETR", "uetr"))
    )


def _kept(version: Version, name: str, lifted: tuple[str, ...]) -> tuple[Part, ...]:
    return () if name in lifted else said(version)[name]


def party_nodes(version: Version, *, agent_needed: bool) -> dict[str, Node]:
    """The other side: its agent, itself, its account."""
    name = version.message.theirs
    member = Node("ClrSysMmbId", (Node("ClrSysId", (Text("Cd", "xml_system"),)), Text("MmbId", "xml_member")))
    unknown = (Node("Othr", (Text("Id", "xml_no_agent"),)),) if agent_needed else ()
    others = Node("OrgId", (Text("LEI", "creditor_lei"), Node("Othr", (Text("Id", "creditor_id"),))))
    account = Node("Id", (Text("IBAN", "xml_iban"), Node("Othr", (Text("Id", "xml_other"),))))
    return {
        "agent": Node(f"{name}Agt", (Node("FinInstnId", (Text(version.bic[0], "xml_bic"), member, *unknown)),)),
        "party": Node(name, (Text("Nm", "creditor_name"), _address(), Node("Id", (others,)))),
        "account": Node(f"{name}Acct", (account, Node("Tp", (Text("Cd", "xml_account_type"),)))),
        "ultimate": Node(f"Ultmt{name}", (Text("Nm", "ultimate_creditor_name"),)),
        "ours": Node(f"Ultmt{version.message.ours}", (Text("Nm", "ultimate_debtor_name"),)),
    }


REMITTANCE: Final = Node("RmtInf", (Raw("xml_unstructured"), Raw("xml_structured")))


def _credit(order: Order, version: Version, lifted: tuple[str, ...]) -> Node:
    theirs = party_nodes(version, agent_needed=False)
    return Node(
        "CdtTrfTxInf",
        (
            _identification(),
            *_kept(version, "PmtTpInf", lifted),
            Node("Amt", (Text(f'InstdAmt Ccy="{order.account.currency}"', "xml_amount"),)),
            *_kept(version, "ChrgBr", lifted),
            theirs["ours"],
            Raw("batch_Ultmt"),
            theirs["agent"],
            theirs["party"],
            theirs["account"],
            theirs["ultimate"],
            Raw("batch_InstrForDbtrAgt"),
            Node("Purp", (Text("Cd", "purpose"),)),
            REMITTANCE,
        ),
    )


def _debit(order: Order, version: Version, lifted: tuple[str, ...]) -> Node:
    theirs = party_nodes(version, agent_needed=True)
    mandate = Text("MndtId", "mandate_id"), Text("DtOfSgntr", "xml_mandate_date"), Text("AmdmntInd", "xml_amended")
    return Node(
        "DrctDbtTxInf",
        (
            _identification(),
            *_kept(version, "PmtTpInf", lifted),
            Text(f'InstdAmt Ccy="{order.account.currency}"', "xml_amount"),
            *_kept(version, "ChrgBr", lifted),
            Node("DrctDbtTx", (Node("MndtRltdInf", mandate), *_kept(version, "CdtrSchmeId", lifted))),
            theirs["ours"],
            Raw("batch_Ultmt"),
            theirs["agent"],
            theirs["party"],
            theirs["account"],
            theirs["ultimate"],
            Node("Purp", (Text("Cd", "purpose"),)),
            REMITTANCE,
        ),
    )


def _address() -> Node:
    return Node(
        "PstlAdr",
        (
            Text("StrtNm", "creditor_street"),
            Text("BldgNb", "creditor_building"),
            Text("PstCd", "creditor_post_code"),
            Text("TwnNm", "creditor_town"),
            Text("Ctry", "creditor_country"),
            Raw("xml_address_lines"),
        ),
    )
