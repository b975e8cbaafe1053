"""Validate: every payment of a parsed file gets a verdict, every fault a finding.

Duplicate payments are looked up in the key runs of the client's earlier files. A run gets the client's next number when
it is committed, by compare-and-set: who loses the race looks at the new runs and tries again, so that two files at once
cannot both miss each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import Context, FileHeader, Window
from canonical.errors import Conflict
from canonical.frames import FINDINGS, KEYS, PAYMENTS, TOTALS, empty
from gateway.composition import Gateway
from gateway.duplicates import earlier_hits, next_number, take_number
from gateway.files import file_row, move_file
from gateway.judging import Judged, in_file_order, judge, verdict_word, verdicts
from gateway.lake import Lake
from gateway.reading import incomplete
from validators import engine
from validators.duplicate_payment import RULE as DUPLICATE_PAYMENT

_TRIES_MAX = 20


def validate(gateway: Gateway, file_id: str) -> dict[str, Any]:
    """Judge a parsed file and commit findings, verdicts and duplicate keys.

    Returns: {"accepted", "rejected": counts, "findings": count, "verdict": word, "sums": accepted minor units by currency,
    "unreadable": rows that became no payment}. A repeat returns what was committed. Raises NotFound, Conflict, FrameBroken.
    """
    file = file_row(gateway, file_id)
    for _ in range(_TRIES_MAX):
        done = gateway.lake.committed(file_id, "validate")
        if done is not None:
            return done
        try:
            _validate_once(gateway, file)
        except Conflict:
            if gateway.lake.committed(file_id, "validate") is None and file_row(gateway, file_id)["state"] != "parsed":
                raise
    raise Conflict("other files of the client kept coming first; run validate again", file_id=file_id)


def _validate_once(gateway: Gateway, file: Mapping[str, Any]) -> None:
    file_id, lake = file["file_id"], gateway.lake
    client = gateway.profiles.client(file["client_id"])
    today = dt.date.fromisoformat(file["received_on"])
    header = FileHeader(**{name: file[name] for name in FileHeader.__slots__})
    context = Context(today, client, header.format, header)
    judged = judge(_windows(lake, file, header), context)
    number = next_number(gateway, client.client_id)
    passed = verdicts(judged, client).filter(pl.col("status") == "ACCP")
    keys = _keys(lake, file_id, passed, client.client_id, today)
    repeated = _repeated(gateway, file_id, keys, number, context)
    judged = Judged(
        judged.header, in_file_order(pl.concat([judged.findings, repeated])), judged.index, judged.unreadable
    )
    verdict = verdicts(judged, client)
    accepted = verdict.filter(pl.col("status") == "ACCP").select("payment_id")
    draft = lake.draft(file_id, "validate")
    draft.write("findings", engine.capped(judged.findings))
    draft.write("verdicts", verdict)
    draft.write("keys", keys.join(accepted, on="payment_id", how="semi").sort("key", "payment_id"))
    detail = _detail(lake, file, judged, verdict)

    def mark(connection: Connection) -> None:
        take_number(connection, client.client_id, number)
        state = "validated" if detail["accepted"] else "rejected"
        move_file(connection, file_id, "parsed", state, sequence=number)
        gateway.registry.audit(connection, "gateway", "validated", file_id, **detail)

    draft.commit(detail, mark)


def _windows(lake: Lake, file: Mapping[str, Any], header: FileHeader) -> Iterator[Window]:
    file_id = file["file_id"]
    parsed = lake.committed(file_id, "parse")
    if parsed is None:
        raise Conflict("the file is not parsed yet; run parse first", file_id=file_id)
    findings = lake.whole(file_id, "findings", "parse")
    if not file["complete"]:
        findings = pl.concat([findings, incomplete()])
    totals = lake.whole(file_id, "totals", "parse")
    yield Window(header, empty(PAYMENTS), totals, findings, parsed["unreadable"])
    for payments in lake.parts(file_id, "payments"):
        yield Window(None, payments, empty(TOTALS), empty(FINDINGS))


def _keys(lake: Lake, file_id: str, passed: pl.DataFrame, client_id: str, today: dt.date) -> pl.DataFrame:
    parts = [
        DUPLICATE_PAYMENT.keys(payments.join(passed, on="payment_id", how="semi"), client_id, today)
        for payments in lake.parts(file_id, "payments")
    ]
    return pl.concat([empty(KEYS), *parts])


def _repeated(gateway: Gateway, file_id: str, keys: pl.DataFrame, number: int, context: Context) -> pl.DataFrame:
    hits = earlier_hits(gateway, context.client, keys, number, context.today)
    if hits.is_empty():
        return empty(FINDINGS)
    frames = [
        DUPLICATE_PAYMENT.repeated(payments.join(hits, on="payment_id", how="semi"), hits, context)
        for payments in gateway.lake.parts(file_id, "payments")
    ]
    return engine.apply_profile(pl.concat(frames), context.client)


def _detail(lake: Lake, file: Mapping[str, Any], judged: Judged, verdict: pl.DataFrame) -> dict[str, Any]:
    parsed = lake.committed(file["file_id"], "parse")
    assert parsed is not None
    assert verdict.height == parsed["payments"], "every payment has a verdict"
    accepted = verdict.filter(pl.col("status") == "ACCP").select("payment_id")
    sums: dict[str, int] = {}
    for payments in lake.parts(file["file_id"], "payments"):
        part = (
            payments.join(accepted, on="payment_id", how="semi").group_by("currency").agg(pl.col("amount_minor").sum())
        )
        for currency, minor in part.iter_rows():
            sums[currency] = sums.get(currency, 0) + minor
    return {
        "accepted": accepted.height,
        "rejected": verdict.height - accepted.height,
        "unreadable": judged.unreadable,
        "findings": judged.findings.height,
        "verdict": verdict_word(judged.findings, verdict, judged.unreadable),
        "sums": dict(sorted(sums.items())),
    }
