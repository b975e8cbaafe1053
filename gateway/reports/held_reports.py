"""Reports of a close: held as the tables they are, written in every report format, published where finance looks.

What is held is not signed, so that a review signs the very tables that were prepared, whatever came in since.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import asdict, replace

import polars as pl

from canonical.contracts import Chart, Report, Sheet
from canonical.plugins import discover
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.reports.report_files import report_bytes


def hold(gateway: Gateway, folder: str, report: Report) -> None:
    """Keep a report as JSON and one Parquet object a sheet, below `folder`."""
    head = asdict(replace(report, sheets=(), sign_off=None)) | {
        "day": report.day.isoformat(),
        "sheets": [{"name": sheet.name, "title": sheet.title, "kinds": sheet.kinds} for sheet in report.sheets],
    }
    place = f"{folder}/held/{report.name}"
    for position, sheet in enumerate(report.sheets):
        buffer = io.BytesIO()
        sheet.frame.write_parquet(buffer, compression="zstd", statistics=False)
        gateway.store.put(f"{place}/{position:02d}.parquet", buffer.getvalue(), create=True)
    gateway.store.put(f"{place}/report.json", json.dumps(head, ensure_ascii=False).encode(), create=True)


def held_report(gateway: Gateway, folder: str, name: str) -> Report:
    """The report as it was held."""
    place = f"{folder}/held/{name}"
    head = json.loads(gateway.store.get(f"{place}/report.json"))
    sheets = tuple(
        Sheet(frame=pl.read_parquet(io.BytesIO(gateway.store.get(f"{place}/{position:02d}.parquet"))), **sheet)
        for position, sheet in enumerate(head["sheets"])
    )
    charts = tuple(
        Chart(chart["title"], tuple(chart["labels"]), tuple(chart["values"]), chart["unit"]) for chart in head["charts"]
    )
    pairs = {part: tuple((label, value) for label, value in head[part]) for part in ("facts", "inputs")}
    day = dt.date.fromisoformat(head["day"])
    return Report(head["name"], head["title"], day, head["scope"], pairs["facts"], sheets, charts, pairs["inputs"])


def write(gateway: Gateway, folder: str, reports: tuple[Report, ...]) -> dict[str, str]:
    """Report key → object that holds its bytes. They are published under the key when the close is committed."""
    exports = [item for item in discover("exporters", "EXPORT").values() if item.kind == "report"]
    objects = {}
    for report in reports:
        for export in exports:
            name = f"{report.file_name}{export.suffix}"
            gateway.store.put(f"{folder}/{name}", report_bytes(export, report), create=True)
            objects[f"reports/{report.day}/{name}"] = f"{folder}/{name}"
    return objects


def publish(gateway: Gateway, day: str, scope: str) -> list[str]:
    """Put the reports of the last committed revision where finance looks; a repeat changes nothing."""
    rows = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day, t.CLOSES.c.provider_id == scope)
    objects: dict[str, str] = json.loads(rows[-1]["reports"]) if rows else {}
    for key, place in objects.items():
        data = gateway.store.get(place)
        if gateway.store.head(key) is None or gateway.store.get(key) != data:
            gateway.store.put(key, data)
    return list(objects)
