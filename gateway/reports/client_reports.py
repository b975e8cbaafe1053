"""Client reports: what became of a client's files of a day, under `reports/`, and in its outbox where that was agreed.

The report is made of what is known when it is made. The outbox gets it by the submission protocol, like every answer: what
the client has been sent already is not sent again, what became known later makes a further one, numbered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from canonical.contracts import Report, ReportExport
from canonical.identifiers import make_id
from canonical.plugins import lookup
from gateway.answers.answer import report_bookings, sealed
from gateway.answers.corrections import corrections
from gateway.answers.inherited import refusals
from gateway.books.book import Known, known_states_of, reasons_of
from gateway.books.closes import day_of
from gateway.books.status import parsed_counts, read_counts
from gateway.composition import Gateway
from gateway.delivery.dispatch import dispatch
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, take_numbers
from gateway.reports.report_files import report_bytes, report_digest, write_reports
from reconciliation.client_report import ClientDay, client_report

_FILE_DTYPES: Final = {
    "file_id": pl.String, "file": pl.String, "received_at": pl.String, "received_on": pl.Date, "state": pl.String,
    "unreadable": pl.Int64,
}  # fmt: skip
_SAID: Final = dict.fromkeys(("payment_id", "reason", "message", "remedy"), pl.String)
_CORRECTIONS: Final = ("file_id", "row", "end_to_end_id", "told_on", "reason", "reason_text", "change_to", "act_by")


def client_reports(gateway: Gateway, day: str) -> list[str]:
    """Write the report of a day for each client that sent something on it; their keys. A repeat changes nothing."""
    sent = gateway.registry.rows(t.FILES, t.FILES.c.received_on == day_of(day).isoformat())
    return [
        key
        for client_id in sorted({row["client_id"] for row in sent})
        for key in write_client_report(gateway, client_id, day)
    ]


def write_client_report(gateway: Gateway, client_id: str, day: str) -> list[str]:
    """Write one client's report of a day in every report format, and send what the profile names; the keys below `reports/`.

    Raises:
        NotFound: no such client. ConfigError: not a day.
    """
    client = gateway.profiles.client(client_id)
    files = _files(gateway, client_id, day_of(day))
    report = client_report(_day(gateway, client_id, day_of(day), files))
    written = write_reports(gateway, report)
    if files:
        for name in client.reports:
            export = lookup("exporters", "EXPORT", name)
            if export.kind == "report":
                _send(gateway, report, files[0]["file_id"], export)
                continue
            for row in files:
                report_bookings(gateway, row["file_id"], name)
    return written


def _files(gateway: Gateway, client_id: str, day: dt.date) -> list[Mapping[str, Any]]:
    c = t.FILES.c
    return gateway.registry.rows(
        t.FILES, c.client_id == client_id, c.received_on == day.isoformat(), order=(c.received_at, c.file_id)
    )


def _day(gateway: Gateway, client_id: str, day: dt.date, files: list[Mapping[str, Any]]) -> ClientDay:
    file_ids = [row["file_id"] for row in files]
    states, heard = known_states_of(gateway, file_ids)
    unreadable = read_counts(gateway, file_ids).select("file_id", "unreadable")
    known = pl.DataFrame(
        [
            {
                "file_id": row["file_id"],
                "file": row["name"],
                "received_at": row["received_at"],
                "received_on": day,
                "state": row["state"],
            }
            for row in files
        ],
        schema={name: dtype for name, dtype in _FILE_DTYPES.items() if name != "unreadable"},
    )
    return ClientDay(
        client_id=client_id, name=gateway.profiles.client(client_id).name, day=day,
        files=known.join(unreadable, on="file_id", how="left"), parsed=parsed_counts(gateway, file_ids), states=states,
        said=_said(gateway, states, heard), corrections=_corrections(gateway, states, heard),
    )  # fmt: skip


def _said(gateway: Gateway, states: pl.DataFrame, heard: Known) -> pl.DataFrame:
    """payment_id, said_reason, message, remedy: of what was refused here its findings, else the provider's last word."""
    here = states.filter(pl.col("state") == "rejected").partition_by("file_id", as_dict=True, maintain_order=True)
    refused = (refusals(gateway, file_id, payments["payment_id"]) for (file_id,), payments in here.items())
    told_here = pl.concat([pl.DataFrame(schema=_SAID), *refused])
    told_there = reasons_of(gateway, states, heard).select(
        "payment_id", reason="provider_reason", message="provider_message", remedy=pl.lit(None, dtype=pl.String)
    )
    said = pl.concat([told_here, told_there.join(told_here, on="payment_id", how="anti")])
    return said.rename({"reason": "said_reason"})


def _corrections(gateway: Gateway, states: pl.DataFrame, heard: Known) -> pl.DataFrame:
    """What the answers say that is to be changed, with the payments it was told of."""
    told = corrections(gateway, states, heard.words).rename({"code": "reason", "reason": "reason_text"})
    named = told.join(
        states.select("payment_id", "file_id", "row", "end_to_end_id"), on="payment_id", maintain_order="left"
    )
    return named.select(_CORRECTIONS)


def _send(gateway: Gateway, report: Report, file_id: str, export: ReportExport) -> None:
    """Plan and make the delivery into the outbox, once for each state of the report."""
    slot = f"report/{report.day}/{export.name}/{report_digest(report)}"
    submission_id = make_id("S", file_id, slot)
    if gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id) is None:
        _plan(gateway, report, file_id, slot, submission_id, export)
    dispatch(gateway, submission_id)


def _plan(gateway: Gateway, report: Report, file_id: str, slot: str, submission_id: str, export: ReportExport) -> None:
    """Write the bytes, then plan their delivery. The day's first file stands for the day."""
    with tempfile.TemporaryDirectory(prefix="bulkrail-report-") as folder:
        plain = Path(folder) / "report"
        plain.write_bytes(report_bytes(export, report))
        path, suffix = sealed(gateway, gateway.profiles.client(report.scope), plain, export.suffix)
        data = path.read_bytes()
    sha256, registry = hashlib.sha256(data).hexdigest(), gateway.registry
    key = f"answers/{submission_id}-{sha256[:16]}"
    gateway.store.put(key, data)
    with registry.transaction() as connection:
        # Taken in the transaction that names the report: two workers never give one name to two reports.
        number = take_numbers(connection, f"report:{report.scope}:{report.day}:{export.name}")
        insert_new(
            connection, t.SUBMISSIONS,
            submission_id=submission_id, kind="answer", file_id=file_id, slot=slot, destination=report.scope,
            payments=0, sum_minor=0, name=f"report.{report.day}.{number}{suffix}", key=key, sha256=sha256,
            size_bytes=len(data), business_date=gateway.clock().date().isoformat(), state="PREPARED", attempt=0,
            detail="", created_at=registry.now(), changed_at=registry.now(),
        )  # fmt: skip
