"""What is wrong with a Bacs report as a whole: totals that differ, are missing or in another currency, days that are none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from canonical.codes import Severity
from canonical.counts import count_of
from canonical.limits import INT64_MAX
from canonical.money import format_minor, parse_minor
from parsers._bacs_report_xml import Item, ReportReader
from parsers._iso_faults import Fault

_ASK: Final = "Ask the bank which items it means; what stands in the report is taken as it stands."
NO_DATE: Final = "The date is no day as the report writes it (2026-11-20)."
_DAYS: Final = ("currentProcessingDate", "report-generation-date")
TELL: Final = "Tell the bank. The report is read without it."


def totals_findings(items: list[Item]) -> Iterator[Fault]:
    """Declared number and value of each originating account against its items."""
    returned: dict[int, list[dict[str, str]]] = {}
    for item in items:
        if item.kind == "return":
            returned.setdefault(item.group, []).append(item.values)
    for total in (item for item in items if item.kind == "totals"):
        held = returned.get(total.group, [])
        count, currency = total.values.get("numberof", ""), currency_of(total.values)
        if count and (not count.isdecimal() or int(count) != len(held)):
            what = f"The totals say {count[:20]}; the report holds {count_of(len(held), 'item')}."
            yield Fault(
                "bacs-report-count", "AM18", what, _ASK, line=total.line, field="Totals/numberOf", value=count[:60]
            )
        others = sorted({currency_of(values) for values in held} - {currency})
        if others:
            what = f"The totals are in {currency}, some of the items in {', '.join(others)[:30]}; no sum holds these."
            yield Fault(
                "bacs-report-sum", "AM11", what, _ASK, line=total.line, field="Totals/currency", value=currency[:60]
            )
        held = [values for values in held if currency_of(values) == currency]
        found = sum(parse_minor(values.get("valueof", ""), currency) or 0 for values in held)
        value = total.values.get("valueof", "")
        if value and parse_minor(value, currency, INT64_MAX) != found:
            what = f"The totals say {value[:30]} {currency}; the items sum to {format_minor(found, currency)}."
            yield Fault(
                "bacs-report-sum", "AM10", what, _ASK, line=total.line, field="Totals/valueOf", value=value[:60]
            )


def untotalled_findings(reader: ReportReader) -> Iterator[Fault]:
    """Items of an account without totals: nothing says that they are all."""
    totalled = {item.group for item in reader.items if item.kind == "totals"}
    for group in sorted({item.group for item in reader.items if item.kind == "return"} - totalled):
        line = reader.group_lines.get(group, 1)
        what = "The items of an account have no totals: nothing says whether they are all."
        yield Fault("bacs-report-count", "AM18", what, _ASK, line=line, field="Totals", severity=Severity.WARNING)


def header_findings(header: Item | None) -> Iterator[Fault]:
    """A report whose own day is none."""
    if header is None:
        return
    for name, text in no_days(header.values, _DAYS):
        yield Fault(
            "bacs-report-date", "DT01", NO_DATE, TELL, line=header.line, field=name, value=text[:60],
            severity=Severity.WARNING,
        )  # fmt: skip


def no_days(values: dict[str, str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Those of these attributes, and their texts, that are no day."""
    for name in names:
        text = values.get(name.replace("-", "").lower())
        if text and date_of(text) is None:
            yield name, text


def currency_of(values: dict[str, str]) -> str:
    """The currency that an item or its totals name, else sterling."""
    return values.get("currency") or "GBP"


def date_of(text: str | None) -> dt.date | None:
    """The day that a text begins with, None where it is none."""
    try:
        return dt.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
