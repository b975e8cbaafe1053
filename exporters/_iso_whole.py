"""Payments that hold more than the canonical columns: the client's own elements, with those that are ours in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from lxml import etree

from canonical.errors import FrameBroken
from canonical.identifying import NOT_PROVIDED
from canonical.money import format_minor, parse_minor
from exporters._iso_batches import UNREADABLE, Batch, encoded, without
from exporters._iso_carrier import Carrier, Fault, Leaf, Parts, leaves, merged
from exporters._iso_dialect import Dialect, RailSays
from exporters._iso_original import Fitted, decoded, elements
from exporters._iso_shaped import CODE
from exporters._iso_versions import Message

COLUMNS: Final = (
    "row", "batch", "original", "original_version", "reference", "amount_minor", "currency", "end_to_end_id",
    "creditor_name", "creditor_account",
)  # fmt: skip
"""What is needed of a payment beside its bytes."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One payment as it is written, what of it stands in PmtInf in its place, and what could not be carried."""

    row: int
    xml: str
    lifted: Mapping[str, str]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours in each payment, besides its amount: by the dialect and the rail.

    `set_here` stands whatever the client says, `where_missing` where it says nothing.
    """

    dialect: Dialect | None = None
    rail: RailSays = RailSays()  # noqa: RUF009 - frozen
    fitted: Fitted | None = None
    fallbacks: Mapping[int, Parts | None] = field(default_factory=dict)
    scheme: str | None = None
    set_here: Parts = field(default_factory=dict)
    where_missing: Parts = field(default_factory=dict)


def whole(
    payments: pl.DataFrame, batches: Mapping[int, Batch], carrier: Carrier, message: Message, ours: Ours | None = None
) -> Iterator[Whole]:
    """Each (turned) payment with `original`, in order. `ours.fallbacks`: batch → ultimate party of those that name none.

    Raises:
        FrameBroken: the bytes beside a payment are not its own.
    """
    ours = ours or Ours()
    rows = payments.select(*COLUMNS, *(["original_encoding"] if encoded(payments) else [])).to_dicts()
    for found, row in zip(_read(rows), rows, strict=True):
        if found is None:
            yield Whole(row["row"], "", {}, (Fault(message.payment, UNREADABLE),))
            continue
        if ours.fitted is not None:
            ours.fitted.learn([found])
        parts = carrier.parts(found, message.payment)
        _refuse_another(parts, row, message, ours.fitted)
        filled = _filled(parts, row, batches[row["batch"]], message, ours)
        lifted = _lifted(filled, carrier, message, ours)
        yield Whole(row["row"], carrier.xml(message.payment, filled, message.payment), lifted, tuple(carrier.taken()))


def _read(rows: Sequence[Mapping[str, Any]]) -> list[etree._Element | None]:
    if not rows:
        return []
    texts = [decoded(row["original"], row.get("original_encoding") or "utf-8") for row in rows]
    return elements(texts, rows[0]["original_version"])


def _filled(parts: Parts, row: Mapping[str, Any], batch: Batch, message: Message, ours: Ours) -> Parts:
    """The client's parts with what is ours, and with what its batch says for all."""
    found: Parts = {**parts, "PmtId": [_identified(_inner(parts, "PmtId"), row, ours.dialect)]}
    amount: Parts = {message.amount[-1]: [(format_minor(row["amount_minor"], row["currency"]), row["currency"])]}
    found |= {message.amount[0]: [amount]} if len(message.amount) > 1 else amount
    for name, kind in message.says.items():
        if kind != message.payment:
            # What the batch says stands one level further down in a payment.
            held = _inner(found, kind)
            if name in batch.said and name not in held:
                found[kind] = [{**held, name: batch.said[name]}]
        elif name not in found and name in batch.said:
            found[name] = batch.said[name]
    if "PmtTpInf" in parts and "PmtTpInf" in batch.said:
        found["PmtTpInf"] = [merged(_inner(parts, "PmtTpInf"), _inner(batch.said, "PmtTpInf"), deep=False)]
    ultimate, fallback = f"Ultmt{message.ours}", ours.fallbacks.get(row["batch"])
    if ultimate not in found and fallback is not None:
        found[ultimate] = [fallback]
    held = _inner(found, "DrctDbtTx")
    if ours.scheme is not None and "CdtrSchmeId" not in held:
        found["DrctDbtTx"] = [{**held, "CdtrSchmeId": [scheme_parts(ours.scheme)]}]
    _say(found, ours.rail)
    found = {**ours.where_missing, **found, **ours.set_here}
    if message.given:
        # The client's message has its amount elsewhere, and no place for the reference between banks.
        found.pop(message.given[0], None)
        found["PmtId"] = [{**_inner(found, "PmtId"), "TxId": [(str(row["reference"]), None)]}]
    for path in ours.dialect.left_out if ours.dialect else ():
        found = without(found, *path.split("/"))
    return found


def _identified(given: Parts, row: Mapping[str, Any], dialect: Dialect | None) -> Parts:
    reference: list[Leaf | Parts | str] = [(str(row["reference"]), None)]
    found: Parts = {**given, "InstrId": reference}
    if dialect is None:
        return found
    missing = dialect.missing_end_to_end_id == "reference" and row["end_to_end_id"] in {None, "", NOT_PROVIDED}
    if dialect.end_to_end_id == "reference" or missing:
        found["EndToEndId"] = reference
    return found if dialect.instruction_id else {name: values for name, values in found.items() if name != "InstrId"}


def _say(found: Parts, rail: RailSays) -> None:
    """What the rail says where the payment does not."""
    kinds: Parts = {}
    for name, code in (
        ("SvcLvl", rail.service_level),
        ("LclInstrm", rail.local_instrument),
        ("CtgyPurp", rail.category_purpose),
    ):
        if code is not None:
            kinds[name] = [{"Cd" if re.search(CODE, code) else "Prtry": [(code, None)]}]
    if kinds:
        found["PmtTpInf"] = [merged(_inner(found, "PmtTpInf"), kinds, deep=False)]
    if rail.charge_bearer is not None:
        found.setdefault("ChrgBr", [(rail.charge_bearer, None)])


def scheme_parts(identifier: str) -> Parts:
    """CdtrSchmeId of a SEPA creditor identifier."""
    other: Parts = {"Id": [(identifier, None)], "SchmeNm": [{"Prtry": [("SEPA", None)]}]}
    return {"Id": [{"PrvtId": [{"Othr": [other]}]}]}


def _lifted(filled: Parts, carrier: Carrier, message: Message, ours: Ours) -> dict[str, str]:
    """Takes what stands in PmtInf out of the parts, as XML."""
    found = {}
    for name in ours.dialect.lifted() if ours.dialect else ():
        kind = message.says[name]
        holder = filled if kind == message.payment else _inner(filled, kind)
        if name in holder:
            value = holder.pop(name)[0]
            found[name] = carrier.value_xml(name, carrier.grammar.types[kind].fields[name].kind, value, message.payment)
        if kind != message.payment and not holder:
            filled.pop(kind, None)
    return found


def _refuse_another(parts: Parts, row: Mapping[str, Any], message: Message, fitted: Fitted | None) -> None:
    """Bytes and columns come from one place; would they differ, money could go to another account than was checked."""
    said = {
        "amount_minor": _amount(parts, row["currency"], message),
        "end_to_end_id": next(leaves(_inner(parts, "PmtId"), "EndToEndId"), None),
        "creditor_account": _account(parts, message.theirs),
    }
    if fitted is None:
        said["creditor_name"] = next(leaves(_inner(parts, message.theirs), "Nm"), None)
    differ = [message.column(name) for name, value in said.items() if row[name] is not None and value != row[name]]
    if differ:
        raise FrameBroken(f"payment {row['row']} differs from the client's own bytes in {', '.join(differ)}")


def _inner(parts: Parts, *names: str) -> Parts:
    for name in names:
        found = parts.get(name)
        parts = found[0] if found and isinstance(found[0], dict) else {}
    return parts


def _amount(parts: Parts, currency: str, message: Message) -> int | None:
    *path, last = message.source
    found = _inner(parts, *path).get(last)
    if not found or not isinstance(found[0], tuple) or found[0][1] != currency:
        return None
    return parse_minor(found[0][0], currency)


def _account(parts: Parts, theirs: str) -> str | None:
    found = [
        *leaves(_inner(parts, f"{theirs}Acct", "Id"), "IBAN"),
        *leaves(_inner(parts, f"{theirs}Acct", "Id", "Othr"), "Id"),
    ]
    return "".join(found[0].split()) if found else None
