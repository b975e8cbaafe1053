"""What the batches of a client's file say beyond the canonical columns: for each payment of theirs, and for the payer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import polars as pl

from canonical.errors import FrameBroken
from exporters._iso_carrier import Carrier, Fault, Leaf, Parts, leaves, local
from exporters._iso_original import Fitted, closed, decoded, elements
from exporters._iso_versions import Message

_OURS: Final = frozenset({"PmtInfId", "BtchBookg", "NbOfTxs", "CtrlSum", "ReqdExctnDt", "ReqdColltnDt"})
"""What a batch tells the gateway; the file to the bank has its own."""
_CHEQUE: Final = "CHK"
UNREADABLE: Final = "uses an encoding, or a namespace prefix, that is declared outside it"


@dataclass(frozen=True, slots=True)
class Batch:
    """`said`: parts of the payment that hold for each. `payer`: parts of PmtInf around the account. `ours`: element of our side.

    `xml`: those of `said` as they are written, and as `Party` our side in the place of an ultimate party.
    """

    said: Parts
    payer: Parts
    ours: str = "Dbtr"
    xml: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def account(self) -> str | None:
        """The account as the client wrote it, without blanks."""
        identification = _inner(_inner(self.payer, f"{self.ours}Acct"), "Id")
        found = [*leaves(identification, "IBAN"), *leaves(_inner(identification, "Othr"), "Id")]
        return "".join(found[0].split()) if found else None

    @property
    def details(self) -> Parts:
        """What our side's elements say besides which account it is at which BIC: those are the order's."""
        account, agent = f"{self.ours}Acct", f"{self.ours}Agt"
        told = without(without(self.payer, self.ours), account, "Ccy")
        for path in (("Id", "IBAN"), ("Id", "Othr", "Id")):
            told = without(told, account, *path)
        for name in ("BICFI", "BIC"):
            told = without(told, agent, "FinInstnId", name)
        return told

    @property
    def debtor(self) -> Parts:
        """Our side: the debtor, of a collection the creditor."""
        return _inner(self.payer, self.ours)

    @property
    def name(self) -> str | None:
        """Its name."""
        return next(leaves(self.debtor, "Nm"), None)


def _inner(parts: Parts, name: str) -> Parts:
    found = parts.get(name)
    return found[0] if found and isinstance(found[0], dict) else {}


def without(parts: Parts, name: str, *path: str) -> Parts:
    """The parts but for the element at this path, and for what holds nothing any more."""
    rest = {key: values for key, values in parts.items() if key != name}
    inner = without(_inner(parts, name), *path) if path else {}
    return {**rest, name: [inner]} if inner else rest


def holds(whole: Parts, part: Parts) -> bool:
    """True where every text of the part stands in the whole."""
    for name, values in part.items():
        mine = whole.get(name, [])
        if values and isinstance(values[0], dict):
            if not mine or not holds(cast("Parts", mine[0]), values[0]) or (len(values) > 1 and mine != values):
                return False
        elif any(value not in mine for value in values):
            return False
    return True


@dataclass(slots=True)
class Batches:
    """The batches met so far. Each is read once."""

    carrier: Carrier
    fitted: Fitted | None
    message: Message
    known: dict[tuple[Any, bytes], Batch] = field(default_factory=dict)

    def of(self, window: pl.DataFrame) -> dict[int, Batch]:
        """Ordinal of the batch → what it says, of every batch in the window, in order.

        Raises:
            FrameBroken: payments come with their own bytes and without their batch's.
        """
        found = window.group_by("batch", maintain_order=True).agg(
            pl.col("original_batch", "original_version", *(["original_encoding"] if encoded(window) else [])).first()
        )
        batches = {}
        for row in found.iter_rows(named=True):
            data, version, encoding = row["original_batch"], row["original_version"], row.get("original_encoding")
            if data is None:
                raise FrameBroken("payments come with the client's own bytes, and their batch without")
            if (version, data) not in self.known:
                self.known[version, data] = self._read(data, version, encoding or "utf-8")
            batches[row["batch"]] = self.known[version, data]
        return batches

    def _read(self, data: bytes, version: str, encoding: str) -> Batch:
        text = decoded(data, encoding)
        (element,) = elements([None if text is None else closed(text)], version)
        if element is None:
            return Batch({}, {}, self.message.ours, faults=(Fault("PmtInf", UNREADABLE),))
        if self.fitted is not None:
            self.fitted.learn([element])
        said: Parts = {}
        payer: Parts = {}
        for child in element:
            name = local(child)
            if name in self.message.says:
                self.carrier.place(said, self.message.says[name], child, "PmtInf")
            elif name not in _OURS:
                self.carrier.place(payer, "PmtInf", child, "PmtInf")
        xml = {name: self._xml(name, self.message.says[name], values[0]) for name, values in said.items()}
        for name, values in payer.items():
            self._xml(name, "PmtInf", values[0])  # for what it lacks
        ours = self.message.ours
        if ours in payer:
            xml["Party"] = self._xml(f"Ultmt{ours}", self.message.payment, payer[ours][0])
        faults = list(dict.fromkeys(self.carrier.taken()))
        if _CHEQUE in leaves(payer, "PmtMtd"):
            faults.append(Fault("PmtInf/PmtMtd", f"asks for a cheque ({_CHEQUE}); what is sent is a transfer"))
        return Batch(said, payer, ours, xml, tuple(faults))

    def _xml(self, name: str, kind: str, value: Leaf | Parts | str) -> str:
        known = self.carrier.grammar.types[kind].fields[name]
        return self.carrier.value_xml(name, known.kind, value, "PmtInf")


def names_ultimate(payments: pl.DataFrame, ordinal: int, batch: Batch) -> bool:
    """True where the batch or one of its payments names an ultimate party on our side."""
    name = f"Ultmt{batch.ours}"
    if name in batch.said:
        return True
    found = pl.any_horizontal(pl.col("original").bin.contains(tag) for tag in (name.encode(), name.encode("utf-16-le")))
    return bool(payments.filter(pl.col("batch") == ordinal).select(found.any()).item())


def encoded(window: pl.DataFrame) -> bool:
    """True where the payments say the encoding of their bytes; UTF-8 else."""
    return "original_encoding" in window.columns
