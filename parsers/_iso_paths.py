"""What an ISO 20022 payment message is to the readers: its elements, and which of them fill which canonical column.

A further message costs one `Message`. Paths are relative to `PmtInf` or to the payment's element. Where a column names
several, the first that holds text wins: newest versions first. All readers collect the text of exactly these paths, so
that they cannot differ in what they look at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Final

from canonical.codes import CreditDebit

Columns = Mapping[str, tuple[str, ...]]
"""Canonical column → paths."""

HEADER: Final = ("MsgId", "CreDtTm", "InitgPty/Nm", "NbOfTxs", "CtrlSum")
"""Paths below GrpHdr."""

TOTALS: Final = {"NbOfTxs": "count", "CtrlSum": "sum"}
"""Declared totals of GrpHdr and PmtInf, and what they measure."""

METHOD: Final = "PmtMtd"
IN_HEADER: Final = ("MsgId", "CreDtTm", "NbOfTxs")
"""What GrpHdr holds in every version."""
IN_BATCH: Final = ("PmtInfId", METHOD)
"""What PmtInf holds in every version since .03."""
"""Path below PmtInf: how the money moves."""

MIXED: Final = frozenset({"ReqdExctnDt", "PmtTpInf/CtgyPurp", "InstrForDbtrAgt", "Sts"})
"""Text in one version, children in another: there the blanks between the children are no text."""

PREDEFINED: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
"""References that XML knows without being told."""

_JOINED: Final = re.compile(r"RmtInf/.*|\w+/PstlAdr/AdrLine")
_FIRST: Final = re.compile(
    r"PmtTpInf/SvcLvl/Cd|.*/(OrgId|PrvtId)/(Othr|PrtryId)/Id|(InstrForCdtrAgt|RgltryRptg)/.*|InstrForDbtrAgt(/.*)?"
)

TYPE: Final[Columns] = {
    "service_level": ("PmtTpInf/SvcLvl/Cd",),
    "local_instrument": ("PmtTpInf/LclInstrm/Cd", "PmtTpInf/LclInstrm/Prtry"),
    "category_purpose": ("PmtTpInf/CtgyPurp/Cd", "PmtTpInf/CtgyPurp"),
    "charge_bearer": ("ChrgBr",),
}
"""May stand in the batch or in the payment, which then decides."""

TRANSACTION: Final[Columns] = {
    "instruction_id": ("PmtId/InstrId",),
    "end_to_end_id": ("PmtId/EndToEndId",),
    "uetr": ("PmtId/UETR",),
    "purpose": ("Purp/Cd",),
    "remittance": ("RmtInf/Ustrd",),
    "remittance_reference": ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef"),
    "remittance_reference_type": tuple(
        f"RmtInf/Strd/CdtrRefInf/{path}"
        for path in ("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "CdtrRefTp/Cd", "CdtrRefTp/Prtry")
    ),
}
"""Stand in every payment."""


_BANKS: Final = ("BICFI", "BIC", "ClrSysMmbId/MmbId", "ClrSysMmbId/Id", "CmbndId/BIC", "CmbndId/ClrSysMmbId/Id")


def party(element: str, role: str) -> dict[str, tuple[str, ...]]:
    """Paths of a party, its account and agent: `party("Dbtr", "debtor")`."""
    account, agent = f"{element}Acct", f"{element}Agt/FinInstnId"
    address = {"street": "StrtNm", "building": "BldgNb", "post_code": "PstCd", "town": "TwnNm", "country": "Ctry"}
    return {
        f"{role}_name": (f"{element}/Nm",),
        f"{role}_id": (f"{element}/Id/OrgId/Othr/Id", f"{element}/Id/OrgId/PrtryId/Id"),
        f"{role}_lei": (f"{element}/Id/OrgId/LEI",),
        f"{role}_account": tuple(
            f"{account}/Id/{path}" for path in ("IBAN", "Othr/Id", "BBAN", "UPIC", "PrtryAcct/Id")
        ),
        f"{role}_account_type": (f"{account}/Tp/Cd",),
        f"{role}_agent": tuple(f"{agent}/{path}" for path in _BANKS),
        **{f"{role}_{name}": (f"{element}/PstlAdr/{path}",) for name, path in address.items()},
        f"{role}_address_lines": (f"{element}/PstlAdr/AdrLine",),
    }


def intermediaries() -> dict[str, tuple[str, ...]]:
    """Paths of the banks that a payment is to go through."""
    parts = (*_BANKS, "LEI", "Nm", "NmAndAdr/Nm", "CmbndId/Nm", "Othr/Id", "PrtryId/Id")
    return {f"IntrmyAgt{n}": tuple(f"IntrmyAgt{n}/FinInstnId/{part}" for part in parts) for n in (1, 2, 3)}


REPORTED: Final = ("DbtCdtRptgInd", "Authrty/Nm", "Authrty/Ctry", "Dtls/Tp", "Dtls/Cd", "Dtls/Inf", "Dtls/Amt")
"""What a RgltryRptg may hold for authorities."""


@dataclass(slots=True)
class Node:
    """One element on the way to a captured path. `key` is the path where its text is wanted, `scope` whose it is."""

    scope: str
    key: str | None = None
    currency: str | None = None
    children: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Message:
    """One message in all its versions.

    Args:
        name: `pain.001`.
        element: the message's own element; in versions before 2009 it is named after the version.
        bare: its own element where it stands without a Document, and the pattern of namespaces in which it does (Italy's CBI).
        payment: element of one payment in its PmtInf.
        direction: what its payments are.
        date: batch column `requested_execution_date_text` by its paths.
        in_batch: canonical columns of the batch. in_payment: of the payment, which decides where both have it.
        amount: path of the instructed amount. equivalent: of an amount to be converted, where the message has one.
        tables: elements of a payment whose children may repeat.
        rows: element inside whose repeats are rows of their own; all that is read inside may then stand again.
        methods: what PmtInf/PmtMtd may say. uncarried: elements of a payment without a canonical column that change where or
            how the money goes, or that authorities want, by the paths of what they may hold. batch_uncarried: such elements of a batch.
        known: oldest and newest version; another one might say other things in the same words.
    """

    name: str
    element: str
    payment: str
    direction: CreditDebit
    in_batch: Columns
    in_payment: Columns
    amount: str
    equivalent: str | None
    tables: tuple[str, ...]
    methods: tuple[str, ...]
    uncarried: Columns
    batch_uncarried: Columns
    bare: tuple[str, str] | None = None
    rows: str | None = None
    known: tuple[str, str] = ("01", "99")

    @cached_property
    def currency(self) -> str:
        """Path of the amount's currency."""
        return f"{self.amount}/@Ccy"

    @cached_property
    def payment_columns(self) -> Columns:
        """Canonical column → paths below the payment."""
        return {**self.in_payment, "amount_text": (self.amount,), "currency": (self.currency,)}

    @cached_property
    def payment_paths(self) -> tuple[str, ...]:
        """Captured paths below the payment."""
        columns = (*self.payment_columns.values(), *self.uncarried.values())
        paths = dict.fromkeys(path for several in columns for path in several)
        return (*paths, self.equivalent) if self.equivalent else tuple(paths)

    @cached_property
    def batch_paths(self) -> tuple[str, ...]:
        """Captured paths below PmtInf."""
        columns = (*self.in_batch.values(), *self.batch_uncarried.values())
        return tuple(dict.fromkeys([METHOD, *(path for several in columns for path in several)]))

    @cached_property
    def version(self) -> re.Pattern[str]:
        """The version in a namespace: national variants have a suffix."""
        return re.compile(rf"{re.escape(self.name)}\.\d{{3}}\.\d{{2}}(?:\.[a-z]{{2}}\.\d{{2}})?")

    def bare_version(self, namespace: str, local: str) -> str | None:
        """What the namespace of such an element names last, such as CBIPaymentRequest.00.04.01; None where it is none."""
        if self.bare is None or local != self.bare[0] or re.match(self.bare[1], namespace) is None:
            return None
        return namespace.rpartition(":")[2]

    def knows(self, version: str) -> bool:
        """True for a version such as pain.001.001.03.ch.02, whose own number is 03."""
        oldest, newest = self.known
        return oldest <= version.removeprefix(self.name)[5:7] <= newest

    @cached_property
    def elements(self) -> re.Pattern[str]:
        """Names of the message's own element."""
        names = "|".join([self.element, *([self.bare[0]] if self.bare else [])])
        return re.compile(rf"{names}|{re.escape(self.name)}\.\d{{3}}\.\d{{2}}")

    @cached_property
    def tree(self) -> Node:
        """The tree below the message's own element."""
        header, batch, payment = Node("header"), Node("batch"), Node("payment")
        _grow(header, HEADER)
        _grow(batch, (*self.batch_paths, *TOTALS))
        _grow(payment, self.payment_paths)
        batch.children[self.payment] = payment
        return Node("message", children={"GrpHdr": header, "PmtInf": batch})


def piece(path: str, ordinal: int) -> str:
    """Name of the column of what an element says where it stands for the n-th time, from 0, in its payment."""
    return f"{path}#{ordinal}"


@cache
def joins(path: str) -> bool:
    """May repeat: all are kept, joined by line feeds."""
    return _JOINED.fullmatch(path) is not None


@cache
def takes_first(path: str) -> bool:
    """May repeat: the first one is kept."""
    return _FIRST.fullmatch(path) is not None


def _grow(root: Node, paths: tuple[str, ...]) -> None:
    for path in paths:
        node, steps = root, path.split("/")
        for step in steps:
            if step.startswith("@"):
                node.currency = path
                break
            node = node.children.setdefault(step, Node(root.scope))
        else:
            node.key = path
