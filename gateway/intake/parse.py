"""Parse: archived bytes become payments, totals and findings in the lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from canonical.contracts import Cancellation, FileHeader, Window
from gateway.composition import Gateway
from gateway.intake.envelopes import Rejected
from gateway.intake.files import file_row, move_file
from gateway.intake.plain import plain_source
from gateway.intake.reading import read, read_cancellation, unopened
from gateway.lake import Draft, Parts


def parse(gateway: Gateway, file_id: str) -> dict[str, Any]:
    """Read a received file, a window at a time, and commit what it holds.

    Returns: {"payments", "unreadable", "findings": counts, "sums": minor units by currency}. A repeat returns what was
    committed. Raises NotFound, FrameBroken, OutsideError.
    """
    file = file_row(gateway, file_id)
    done = gateway.lake.committed(file_id, "parse")
    if done is not None:
        return done
    client = gateway.profiles.client(file["client_id"])
    draft = gateway.lake.draft(file_id, "parse")
    try:
        with plain_source(gateway, file) as source:
            asked = read_cancellation(source, client)
            header, detail = _write(draft, read(source, client)) if asked is None else _write_requests(draft, asked)
    except Rejected as fault:
        header, detail = _write(draft, iter([unopened(fault.rule, fault.reason, fault.message, fault.remedy)]))

    def mark(connection: Connection) -> None:
        values = {name: getattr(header, name) for name in FileHeader.__slots__}
        move_file(connection, file_id, "received", "parsed", **values)

    draft.commit(detail, mark)
    committed = gateway.lake.committed(file_id, "parse")
    assert committed is not None, "a commit that was lost was won by another attempt"
    return committed


def _write(draft: Draft, windows: Iterator[Window]) -> tuple[FileHeader, dict[str, Any]]:
    header, unreadable = None, 0
    payments, totals, findings = Parts(draft, "payments"), Parts(draft, "totals"), Parts(draft, "findings")
    with payments, totals, findings:
        for window in windows:
            header = header or window.header
            unreadable += window.unreadable
            payments.add(window.payments)
            totals.add(window.totals)
            findings.add(window.findings)
    assert header is not None, "a parser yields at least one window, and the first carries the header"
    rows: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for manifest in draft.manifests:
        rows[manifest.dataset] += manifest.rows
        if manifest.dataset == "payments":
            sums.update(manifest.sums)
    return header, {
        "payments": rows["payments"],
        "unreadable": unreadable,
        "findings": rows["findings"],
        "sums": dict(sorted(sums.items())),
    }


def _write_requests(draft: Draft, asked: Cancellation) -> tuple[FileHeader, dict[str, Any]]:
    draft.write("cancellations", asked.requests)
    draft.write("findings", asked.findings)
    return asked.header, {"payments": 0, "unreadable": 0, "findings": asked.findings.height, "sums": {}}
