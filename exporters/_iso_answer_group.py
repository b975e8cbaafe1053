"""The header and group part of a pain.002: what is said of the whole file."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import polars as pl

from canonical.codes import Level
from canonical.contracts import Answer
from canonical.counts import count_of
from canonical.currencies import exponent
from canonical.identifying import NOT_PROVIDED
from canonical.sentences import and_then
from exporters._answer_words import unread_rows
from exporters._iso_answer_batches import counts_xml, declared_totals
from exporters._iso_answer_text import identification, place_said, reason_xml
from exporters._iso_answer_version import Version
from exporters._iso_xml import literal

_REASONED: Final = {"reason": pl.String, "info": pl.String}
_UNREAD_MAX: Final = 20
"""Rows that could not be read and are told one by one."""
_SUM_DIGITS: Final = 5
_SUM_DIGITS_MAX: Final = 18
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def group_xml(answer: Answer, version: Version, sender: str | None, common: str) -> str:
    """GrpHdr and OrgnlGrpInfAndSts. `common`: StsRsnInf of what all payments say alike."""
    created = answer.created.replace(microsecond=0).isoformat()
    message = answer.header.version if answer.header.version.startswith(("pain.", "camt.")) else answer.header.format
    named = sender or (NOT_PROVIDED if version.sender else None)
    party = f"<InitgPty><Nm>{literal(named)}</Nm></InitgPty>" if named else ""
    said = {"OrgnlMsgId": _id(answer.header.message_id), "OrgnlMsgNmId": _id(message)}
    if version.counts:
        declared = _declared(answer)
        said |= {
            "OrgnlCreDtTm": _moment(answer.header.created) or "",
            "OrgnlNbOfTxs": declared.get("count") or str(answer.payments or ""),
            "OrgnlCtrlSum": declared.get("sum") or _control_sum(answer.sums_minor) or "",
        }
    said["GrpSts"] = pl.select(version.told(pl.lit(answer.status))).item()
    leaves = "".join(f"<{name}>{value}</{name}>" for name, value in said.items() if value)
    counts = _counts(answer, version) if version.counts else ""
    return (
        f"<GrpHdr><MsgId>{literal(answer.answer_id)}</MsgId><CreDtTm>{created}</CreDtTm>{party}</GrpHdr>"
        f"<OrgnlGrpInfAndSts>{leaves}{_reasons(answer)}{common}{counts}</OrgnlGrpInfAndSts>"
    )


def _id(text: str | None) -> str:
    """Max35Text of what the client's file says of itself; NOTPROVIDED where it says nothing that can be told."""
    kept = pl.select(identification(pl.lit(text, dtype=pl.String))).item()
    return literal(kept) if kept else NOT_PROVIDED


def _moment(text: str | None) -> str | None:
    """The text where it is an ISODateTime."""
    if text is None or _MOMENT.fullmatch(text) is None:
        return None
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def _declared(answer: Answer) -> dict[str, str]:
    """Measure → what the original first says of itself, as it stands; without what cannot be told."""
    told = declared_totals(answer).filter(pl.col("level") == Level.FILE.value)
    return dict(told.unique("measure", keep="first").select("measure", "declared_text").iter_rows())


def _control_sum(sums_minor: dict[str, int]) -> str | None:
    """Sum of all amounts irrespective of currencies, as ISO defines OrgnlCtrlSum; None where it cannot be told."""
    digits = [exponent(currency) for currency in sums_minor]
    if not sums_minor or None in digits:
        return None
    total = sum(minor * 10 ** (_SUM_DIGITS - (exponent(currency) or 0)) for currency, minor in sums_minor.items())
    shown_digits = max(digit or 0 for digit in digits)
    text = f"{total // 10**_SUM_DIGITS}.{total % 10**_SUM_DIGITS:0{_SUM_DIGITS}d}"
    text = text[: len(text) - _SUM_DIGITS + shown_digits] if shown_digits else text.partition(".")[0]
    return text if len(text.replace(".", "")) <= _SUM_DIGITS_MAX else None


def _reasons(answer: Answer) -> str:
    reasons = list(answer.reasons)
    if answer.duplicate_of is not None:
        told = (
            f"Duplicate: this file has the same content as {answer.duplicate_of}. Nothing was done with this copy. "
            "The original stands; the status given here is the original's. Do not pay again."
        )
        reasons.insert(0, ("NARR", told))
    frame = pl.DataFrame(reasons, schema=_REASONED, orient="row")
    if answer.milestone == "validated" and answer.duplicate_of is None:
        frame = pl.concat([frame, _of_unread(answer)])
    return str(frame.select(reason_xml(pl.col("reason"), pl.col("info")).str.join("")).item() or "")


def _of_unread(answer: Answer) -> pl.DataFrame:
    """reason, info of rows that became no payment: nothing below the group can speak of them. The first of them one by one."""
    lost = unread_rows(answer)
    told = lost.head(_UNREAD_MAX).select(
        "reason",
        info=pl.concat_str(
            place_said(answer.facts.places), and_then(pl.col("message"), pl.col("remedy")), ignore_nulls=True
        ),
    )
    if lost.height <= _UNREAD_MAX:
        return told
    more = f"{count_of(lost.height - _UNREAD_MAX, 'row')} more could not be read."
    return pl.concat([told, pl.DataFrame([("NARR", more)], schema=_REASONED, orient="row")])


def _counts(answer: Answer, version: Version) -> str:
    counted = answer.rows.select(version.told(pl.col("status").cast(pl.String))).group_by("status").len()
    return str(counted.sort("status").select(counts_xml().str.join("")).item() or "")
