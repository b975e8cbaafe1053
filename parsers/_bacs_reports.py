"""Bacs reports from bytes to Feedback: what ARUDD, ARUCS, ADDACS, AUDDIS and AWACS share.

Source: Pay.UK, Bacs reports (BACSDocument: Advice of returned items, MessagingAdvice). docs/formats/arudd.md says which
attribute is read into which column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from canonical.bacs_codes import BACS_CODES, Report
from canonical.codes import CreditDebit, Level, Severity
from canonical.contracts import Feedback, Model, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, dtypes, empty
from canonical.masking import mask
from canonical.money import parse_minor
from canonical.profiles import NoOptions
from parsers._bacs_report_findings import (
    NO_DATE,
    TELL,
    currency_of,
    date_of,
    header_findings,
    no_days,
    totals_findings,
    untotalled_findings,
)
from parsers._bacs_report_xml import ROOT, Item, ReportReader, read_report
from parsers._iso_faults import Fault, Unreadable, fatal, findings_frame

_RECORD_TYPES: Final[dict[str, str]] = {"ADDACS": "A", "AUDDIS": "NDSVR"}
_LODGED: Final = {
    "N": "new instruction not lodged", "D": "cancellation not applied", "S": "converted instruction not lodged",
}  # fmt: skip
_SIDES: Final = ("payer", "payee", "beneficiary", "")
_DIRECTIONS: Final[dict[Report, str]] = {
    "ARUDD": CreditDebit.DBIT.value, "ADDACS": CreditDebit.DBIT.value, "AUDDIS": CreditDebit.DBIT.value,
    "ARUCS": CreditDebit.CRDT.value, "AWACS": CreditDebit.CRDT.value,
}  # fmt: skip
_DAYS: Final = ("originalProcessingDate", "effective-date")
_FOREIGN: Final = "Look at what the provider put in this place, and at the format its profile names."


@dataclass(frozen=True, slots=True)
class BacsReport:
    """The format of one of these reports."""

    report: Report
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    @property
    def name(self) -> str:
        """Name of the report, in lower case."""
        return self.report.lower()

    def sniff(self, head: bytes) -> bool:
        """True for a BACSDocument that names the report, or whose first advice is of one of its record types."""
        plain = head.replace(b"\0", b"")
        if ROOT.encode() not in plain:
            return False
        named = re.search(rb"\b(ARUDD|ARUCS|ADDACS|AUDDIS|AWACS)\b", plain)
        if named:
            return named[1].decode() == self.report
        kind = re.search(rb"""record-?[tT]ype\s*=\s*["'](\w)""", plain)
        return kind is not None and kind[1].decode() in _RECORD_TYPES.get(self.report, "")

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATUSES: one row a returned item (kind return) or advice (kind correction), in file order.

        Totals that differ from the items are findings. Where a finding is FATAL the other frames are empty.
        """
        message_id = None
        try:
            reader = read_report(source)
            _refuse_others(reader.named, self.report)
            message_id = next((_message_id(item) for item in reader.items if item.kind == "header"), None)
            statuses, findings = self._said(reader)
        except Unreadable as stop:
            statuses, findings = empty(STATUSES), findings_frame([stop.fault])
        return Feedback(
            self.name, self.report, message_id, statuses, empty(STATEMENTS), empty(ENTRIES), checked(findings, FINDINGS)
        )

    def _said(self, reader: ReportReader) -> tuple[pl.DataFrame, pl.DataFrame]:
        items = reader.items
        header = next((item for item in items if item.kind == "header"), None)
        rows, faults = list[dict[str, Any]](), list[Fault]()
        for item in items:
            if item.kind not in {"return", "advice"}:
                continue
            record = item.values.get("recordtype", "")
            if item.kind == "advice" and not self._owns(record):
                faults.append(_foreign(item, record, self.report))
            elif record in {"V", "R"} and item.kind == "advice":
                faults += _file_level(item, record)
            else:
                rows.append(self._row(len(rows) + 1, item, header))
                faults += self._doubts(item, rows[-1])
        faults += [*totals_findings(items), *untotalled_findings(reader), *header_findings(header)]
        frame = conform(pl.DataFrame(rows, schema=dtypes(STATUSES)), STATUSES) if rows else empty(STATUSES)
        return frame, findings_frame(sorted(faults, key=lambda fault: fault.line or 0))

    def _owns(self, record: str) -> bool:
        known = _RECORD_TYPES.get(self.report)
        if known is None:
            return not any(record and record in other for other in _RECORD_TYPES.values())
        return record != "" and record in known

    def _row(self, position: int, item: Item, header: Item | None) -> dict[str, Any]:
        values = item.values
        returned = item.kind == "return"
        code = _code(item)
        known = BACS_CODES.get((self.report, code))
        meaning = known.meaning if known else values.get("returndescription", "").lower() or "unknown code"
        lodged = _LODGED.get(values.get("recordtype", "")) if self.report == "AUDDIS" else None
        words = [f"{self.report} {code}: {meaning}", *([lodged] if lodged else [])]
        reference = values.get("ref") or values.get("reference") or values.get("account.ref") or None
        collects = _DIRECTIONS[self.report] == CreditDebit.DBIT.value
        currency = currency_of(values)
        when = date_of(header.values.get("currentprocessingdate")) if header else None
        return {
            "position": position, "kind": "return" if returned else "correction", "level": Level.PAYMENT.value,
            "original_mandate_id": reference if collects else None,
            "original_end_to_end_id": None if collects else reference,
            "original_account": _account(values, ""), "original_date": date_of(values.get("originalprocessingdate")),
            "status": "RJCT" if returned else None, "reason": known.reason if known else "NARR",
            "reason_text": ", ".join(words) + (f". {known.action}" if known else "."),
            "amount_minor": parse_minor(values["valueof"], currency) if values.get("valueof") else None,
            "currency": currency if returned else None,
            "settlement_date": when if returned else date_of(values.get("effectivedate")),
            "credit_debit": _DIRECTIONS[self.report], "trace": values.get("aosn") or None,
            "corrected": None if returned else _account(values, "new"),
        }  # fmt: skip

    def _doubts(self, item: Item, row: dict[str, Any]) -> Iterator[Fault]:
        place = {"level": Level.PAYMENT, "line": item.line, "row": row["position"], "severity": Severity.WARNING}
        code = _code(item)
        if (self.report, code) not in BACS_CODES:
            what = f"{self.report} has no reason code {code[:10]!r}." if code else "The item has no reason code."
            yield Fault(
                "bacs-report-code", "NARR", what, "Ask the bank what it means.", field="returnCode", value=code[:60],
                **place,
            )  # fmt: skip
        for name, text in no_days(item.values, _DAYS):
            yield Fault("bacs-report-date", "DT01", NO_DATE, TELL, field=name, value=text[:60], **place)
        if item.kind == "return" and row["amount_minor"] is None:
            yield Fault(
                "bacs-report-amount", "AM12", "The item has no amount of its currency.",
                "Tell the bank. The item is taken by its reference and account alone.",
                field="valueOf", value=item.values.get("valueof", "")[:60], **place,
            )  # fmt: skip
        if row["original_account"] is None or not (row["original_mandate_id"] or row["original_end_to_end_id"]):
            yield Fault(
                "bacs-report-unnamed", "CH21", "The item lacks its reference, or sort code and account number.",
                "Ask the bank which payment it means.", field="ref, PayerAccount",
                value=mask(item.values.get("ref", "")[:60]), **place,
            )  # fmt: skip


def _refuse_others(named: set[str], report: str) -> None:
    others = sorted(named - {report})
    if others:
        raise Unreadable(
            fatal("bacs-report", "FF01", f"The file is an {others[0]} report, no {report}.", _FOREIGN).at(1, 0)
        )


def _foreign(item: Item, record: str, report: str) -> Fault:
    what = f"The advice has record type {record[:10]!r}, which {report} reports do not have; it was not used."
    return Fault("bacs-report-record", "FF01", what, _FOREIGN, line=item.line, field="record-type", value=record[:60])


def _file_level(item: Item, record: str) -> Iterator[Fault]:
    """What AUDDIS says of a whole file of instructions: V taken (with so many rejected), R refused."""
    rejected = item.values.get("rejectedddi", "0").lstrip("0")
    if record == "R" or rejected:
        what = (
            "The whole file of instructions was refused."
            if record == "R"
            else f"Instructions rejected: {rejected[:20]}."
        )
        yield Fault(
            "bacs-report-refused", "NARR", what, "Look them up with the bank, and lodge them again.", line=item.line
        )


def _code(item: Item) -> str:
    """The reason code: of a return the first character of `returnCode`, whose others are the bank's."""
    return item.values.get("returncode", "")[:1] if item.kind == "return" else item.values.get("reasoncode", "")


def _account(values: dict[str, str], mark: Literal["", "new"]) -> str | None:
    """Fourteen digits: sort code and account number, the old or the `new` ones; None where they are not there."""
    for side in _SIDES:
        number = values.get(f"{side}{mark}accountnumber") or (values.get("account.number") if not mark else None)
        sort = values.get(f"{side}{mark}sortcode") or (values.get("account.sortcode") if not mark else None)
        # Only the account may change: the sort code is the old one then.
        sort = sort or (values.get(f"{side}sortcode") if mark and number else None)
        number = number or (values.get(f"{side}accountnumber") if mark and sort else None)
        both = re.sub(r"[ -]", "", f"{sort or ''}{number or ''}")
        if re.fullmatch(r"[0-9]{14}", both):
            return both
    return None


def _message_id(header: Item) -> str | None:
    names = (
        "reporttype",
        "advicenumber",
        "currentprocessingdate",
        "usernumber",
        "envelopesequencenumber",
        "reportgenerationdate",
    )
    return "/".join(header.values[name] for name in names if header.values.get(name)) or None
