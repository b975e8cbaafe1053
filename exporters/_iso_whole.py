"""Payments that hold more than the canonical columns: the client's own elements, with those that are ours in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from lxml import etree

from canonical.errors import FrameBroken
from canonical.money import format_minor, parse_minor
from exporters._iso_batches import UNREADABLE, Batch, encoded
from exporters._iso_carrier import Carrier, Fault, Parts, leaves, merged
from exporters._iso_original import Fitted, decoded, elements
from exporters._iso_payment import BATCH_SAYS

_KIND: Final = "CdtTrfTxInf"
COLUMNS: Final = (
    "row", "batch", "original", "original_version", "reference", "amount_minor", "currency", "end_to_end_id",
    "creditor_name", "creditor_account",
)  # fmt: skip
"""What is needed of a payment beside its bytes."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One payment as it is written, and what of it could not be carried."""

    row: int
    xml: str
    faults: tuple[Fault, ...]


def whole(
    payments: pl.DataFrame,
    batches: Mapping[int, Batch],
    carrier: Carrier,
    fitted: Fitted | None = None,
    fallbacks: Mapping[int, Parts | None] | None = None,
) -> Iterator[Whole]:
    """Each payment of PAYMENTS with `original`, in order. `fallbacks`: batch → ultimate debtor of those that name none.

    Raises:
        FrameBroken: the bytes beside a payment are not its own.
    """  # fmt: skip
    rows = payments.select(*COLUMNS, *(["original_encoding"] if encoded(payments) else [])).to_dicts()
    for found, row in zip(_read(rows), rows, strict=True):
        batch = batches[row["batch"]]
        if found is None:
            yield Whole(row["row"], "", (Fault(_KIND, UNREADABLE),))
            continue
        if fitted is not None:
            fitted.learn([found])
        parts = carrier.parts(found, _KIND)
        _refuse_another(parts, row, fitted)
        xml = carrier.xml(_KIND, _filled(parts, row, batch, (fallbacks or {}).get(row["batch"])), _KIND)
        yield Whole(row["row"], xml, tuple(carrier.taken()))


def _read(rows: Sequence[Mapping[str, Any]]) -> list[etree._Element | None]:
    if not rows:
        return []
    texts = [decoded(row["original"], row.get("original_encoding") or "utf-8") for row in rows]
    return elements(texts, rows[0]["original_version"])


def _filled(parts: Parts, row: Mapping[str, Any], batch: Batch, fallback: Parts | None) -> Parts:
    """The client's parts with what is ours, and with what its batch says for all."""
    identification: Parts = {**_inner(parts, "PmtId"), "InstrId": [(str(row["reference"]), None)]}
    amount = format_minor(row["amount_minor"], row["currency"])
    found: Parts = {**parts, "PmtId": [identification], "Amt": [{"InstdAmt": [(amount, row["currency"])]}]}
    for name in BATCH_SAYS:
        if name not in found and name in batch.said:
            found[name] = batch.said[name]
    if "PmtTpInf" in parts and "PmtTpInf" in batch.said:
        found["PmtTpInf"] = [merged(_inner(parts, "PmtTpInf"), _inner(batch.said, "PmtTpInf"), deep=False)]
    if "UltmtDbtr" not in found and fallback is not None:
        found["UltmtDbtr"] = [fallback]
    return found


def _refuse_another(parts: Parts, row: Mapping[str, Any], fitted: Fitted | None) -> None:
    """Bytes and columns come from one place; would they differ, money could go to another account than was checked."""
    said = {
        "amount_minor": _amount(parts, row["currency"]),
        "end_to_end_id": next(leaves(_inner(parts, "PmtId"), "EndToEndId"), None),
        "creditor_account": _account(parts),
    }
    if fitted is None:
        said["creditor_name"] = next(leaves(_inner(parts, "Cdtr"), "Nm"), None)
    differ = [name for name, value in said.items() if row[name] is not None and value != row[name]]
    if differ:
        raise FrameBroken(f"payment {row['row']} differs from the client's own bytes in {', '.join(differ)}")


def _inner(parts: Parts, *names: str) -> Parts:
    for name in names:
        found = parts.get(name)
        parts = found[0] if found and isinstance(found[0], dict) else {}
    return parts


def _amount(parts: Parts, currency: str) -> int | None:
    found = _inner(parts, "Amt").get("InstdAmt")
    if not found or not isinstance(found[0], tuple) or found[0][1] != currency:
        return None
    return parse_minor(found[0][0], currency)


def _account(parts: Parts) -> str | None:
    found = [
        *leaves(_inner(parts, "CdtrAcct", "Id"), "IBAN"),
        *leaves(_inner(parts, "CdtrAcct", "Id", "Othr"), "Id"),
    ]
    return "".join(found[0].split()) if found else None
