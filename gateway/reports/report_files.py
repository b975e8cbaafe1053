"""Reports that no close makes: written in every report format below `reports/`, anew only where they say something else."""

from __future__ import annotations

import hashlib
import io

from canonical.contracts import Report, ReportExport
from canonical.plugins import discover, lookup
from gateway.composition import Gateway


def write_reports(gateway: Gateway, report: Report) -> list[str]:
    """Write it in every report format; the keys. A repeat with the same figures changes nothing."""
    keys = []
    for export in discover("exporters", "EXPORT").values():
        if export.kind != "report":
            continue
        key, data = f"reports/{report.day}/{report.file_name}{export.suffix}", report_bytes(export, report)
        if gateway.store.head(key) is None or gateway.store.get(key) != data:
            gateway.store.put(key, data)
        keys.append(key)
    return keys


def report_bytes(export: ReportExport, report: Report) -> bytes:
    """A report as an export writes it."""
    out = io.BytesIO()
    export.write(report, out)
    return out.getvalue()


def report_digest(report: Report) -> str:
    """SHA-256 of what a report says, whatever the format."""
    said = hashlib.sha256(repr((report.title, report.day, report.scope, report.facts)).encode())
    for sheet in report.sheets:
        said.update(sheet.frame.write_csv().encode())
    return said.hexdigest()


def text_of(report: Report) -> str:
    """A report as plain text, for a terminal or a mail."""
    return report_bytes(lookup("exporters", "EXPORT", "report-text"), report).decode()
