"""What the sandbox banks answer: pain.002.001.10 to a pain.001, a returns file to ACH entries.

Sources: ISO 20022 pain.002.001.10; Nacha Operating Rules, Appendix Four (return entries, addenda type 99).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from lxml import etree

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
_RETURN_CODES: Final = {
    "22": "21", "27": "26", "32": "31", "37": "36", "42": "41", "47": "46", "52": "51", "55": "56",
}  # fmt: skip


def pain002(file: dict[str, Any], payments: Sequence[dict[str, Any]], message_id: str, now: dt.datetime) -> bytes:
    """ACCP for a file, PART and every payment's status where some are rejected, RJCT where all are or the file is."""
    root = document(_NAMESPACE)
    report = add(root, "CstmrPmtStsRpt")
    header = add(report, "GrpHdr")
    add(header, "MsgId", message_id)
    add(header, "CreDtTm", f"{now:%Y-%m-%dT%H:%M:%S}Z")
    rejected = [item for item in payments if item["reason"]]
    everything = bool(file["reason"]) or len(rejected) == len(payments)
    group = add(report, "OrgnlGrpInfAndSts")
    add(group, "OrgnlMsgId", file["message_id"])
    add(group, "OrgnlMsgNmId", file["message"])
    add(group, "OrgnlNbOfTxs", str(len(payments)))
    add(group, "GrpSts", "RJCT" if everything else "PART" if rejected else "ACCP")
    if file["reason"]:
        _reason(group, file["reason"], file["text"])
    if rejected:
        for batch_id, members in groupby(payments, key=lambda item: item["batch_id"]):
            _batch(report, batch_id, list(members))
    return to_bytes(root)


def _batch(report: Any, batch_id: str, payments: list[dict[str, Any]]) -> None:
    batch = add(report, "OrgnlPmtInfAndSts")
    add(batch, "OrgnlPmtInfId", batch_id)
    add(batch, "OrgnlNbOfTxs", str(len(payments)))
    rejected = sum(1 for item in payments if item["reason"])
    add(batch, "PmtInfSts", "RJCT" if rejected == len(payments) else "PART" if rejected else "ACCP")
    for item in payments:
        status = add(batch, "TxInfAndSts")
        add(status, "StsId", f"ST{item['payment']:012d}")
        add(status, "OrgnlInstrId", item["instruction_id"])
        add(status, "OrgnlEndToEndId", item["end_to_end_id"])
        add(status, "TxSts", "RJCT" if item["reason"] else "ACCP")
        if item["reason"]:
            _reason(status, item["reason"], "refused by the creditor's bank")


def _reason(parent: Any, code: str, text: str) -> None:
    information = add(parent, "StsRsnInf")
    add(add(information, "Rsn"), "Cd", code)
    add(information, "AddtlInf", text[:105])


def document(namespace: str) -> Any:
    """The root element of an ISO 20022 message."""
    prefixes: Any = {None: namespace}  # lxml's stubs do not know the default namespace
    return etree.Element(f"{{{namespace}}}Document", nsmap=prefixes)


def add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    """A child element in the parent's namespace; no element for an empty text."""
    if text == "":
        return None
    child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}", attributes)
    child.text = text
    return child


def to_bytes(root: Any) -> bytes:
    """The document as UTF-8."""
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return data


def nacha_returns(header: str, payments: Sequence[dict[str, Any]], dfi: str, now: dt.datetime) -> bytes:
    """Returns of ACH entries, by original batch. `header`: of the file they came in; `dfi`: the bank's eight digits."""
    lines = [f"101{header[13:23]}{header[3:13]}{now:%y%m%d%H%M}A094101{header[63:86]}{header[40:63]}{'':8}"]
    sums: Counter[str] = Counter()
    batches = 0
    for batches, (raw, members) in enumerate(groupby(payments, key=lambda item: item["raw_batch"]), start=1):
        lines += _return_batch(raw, list(members), dfi, batches, sums)
    records = len(lines) + 1
    blocks = -(-records // 10)
    lines.append(
        f"9{batches:06d}{blocks:06d}{sums['count']:08d}{sums['hash'] % 10**10:010d}{sums['debit']:012d}{sums['credit']:012d}{'':39}"
    )
    lines += ["9" * 94] * (blocks * 10 - records)
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _return_batch(raw: str, payments: list[dict[str, Any]], dfi: str, number: int, sums: Counter[str]) -> list[str]:
    own: Counter[str] = Counter()
    body = []
    for item in payments:
        entry = item["raw_entry"]
        trace = f"{dfi}{item['payment']:07d}"
        code = _RETURN_CODES[entry[1:3]]
        origin = f"{raw[79:87]}{check_digit(raw[79:87])}"
        body.append(f"6{code}{origin}{entry[12:78]}1{trace}")
        body.append(f"799{item['return_reason']}{entry[79:94]}{'':6}{entry[3:11]}{'':44}{trace}")
        side = "debit" if item["direction"] == "DBIT" else "credit"
        own.update({"count": 2, "hash": int(origin[:8]), side: item["amount_minor"]})
    sums.update(own)
    service = "200" if own["debit"] and own["credit"] else "225" if own["debit"] else "220"
    opening = f"5{service}{raw[4:79]}{dfi}{number:07d}"
    closing = (
        f"8{service}{own['count']:06d}{own['hash'] % 10**10:010d}{own['debit']:012d}{own['credit']:012d}"
        f"{raw[40:50]}{'':25}{dfi}{number:07d}"
    )
    return [opening, *body, closing]


def check_digit(dfi: str) -> int:
    """Ninth digit of a routing number (weights 3, 7, 1)."""
    return -sum(int(digit) * weight for digit, weight in zip(dfi, (3, 7, 1, 3, 7, 1, 3, 7), strict=True)) % 10
