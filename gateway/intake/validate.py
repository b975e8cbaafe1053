"""Validate: every payment of a parsed file gets a verdict, every fault a finding.

Duplicate payments are looked up in the key runs of the client's earlier files. A run gets the client's next number when
it is committed, by compare-and-set: who loses the race looks at the new runs and tries again, so that two files at once
cannot both miss each other. What counts against the client's day limit is reserved in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from sqlalchemy import Connection

from canonical.codes import Severity
from canonical.contracts import Context, FileHeader, Window
from canonical.errors import Conflict
from canonical.frames import FINDINGS, KEYS, PAYMENTS, TOTALS, conform, empty
from gateway.composition import Gateway
from gateway.delivery.cancel import cancel
from gateway.intake.duplicates import earlier_hits, merge_runs, next_number, take_number
from gateway.intake.envelopes import ENVELOPE_RULES
from gateway.intake.files import file_row, move_file
from gateway.intake.judging import Judged, in_file_order, judge, sums_of, verdict_word, verdicts
from gateway.intake.limits import OverLimit, reserve_day
from gateway.intake.reading import asks_to_cancel, facts_of, file_finding, incomplete
from gateway.lake import Lake, Parts
from gateway.spool import put_away
from validators import engine
from validators.duplicate_payment import RULE as DUPLICATE_PAYMENT

_TRIES_MAX = 20


def validate(gateway: Gateway, file_id: str) -> dict[str, Any]:
    """Judge a parsed file and commit findings, verdicts and duplicate keys.

    Returns: {"accepted", "rejected": counts, "findings": count, "verdict": word, "sums": accepted minor units by currency,
    "unreadable": rows that became no payment}. A repeat returns what was committed. Raises NotFound, Conflict, FrameBroken.
    """
    file = file_row(gateway, file_id)
    if asks_to_cancel(file["format"] or ""):
        return cancel(gateway, file)
    looked = None
    for _ in range(_TRIES_MAX):
        done = gateway.lake.committed(file_id, "validate")
        if done is not None:
            return done
        looked = looked or _look(gateway, file)
        try:
            _decide(gateway, file, looked)
            merge_runs(gateway, file["client_id"])
        except OverLimit as fault:
            looked = _with(looked, _over(fault))
        except Conflict:
            if gateway.lake.committed(file_id, "validate") is None and file_row(gateway, file_id)["state"] != "parsed":
                raise
    raise Conflict("other files of the client kept coming first; run validate again", file_id=file_id)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A file judged by itself, before what else the client sent is looked at. `keys`: key, check, offset, row of every payment that has one."""

    context: Context
    judged: Judged
    keys: pl.DataFrame


def _look(gateway: Gateway, file: Mapping[str, Any]) -> _Looked:
    client = gateway.profiles.client(file["client_id"])
    header = FileHeader(**{name: file[name] for name in FileHeader.__slots__})
    day = dt.date.fromisoformat(file["received_on"])
    context = Context(day, client, facts_of(header.format, client), header, put_away)
    judged = judge(_windows(gateway.lake, file, header), context)
    return _Looked(context, judged, DUPLICATE_PAYMENT.keys(judged.states[DUPLICATE_PAYMENT.id]))


def _with(looked: _Looked, more: pl.DataFrame) -> _Looked:
    findings = in_file_order(pl.concat([looked.judged.findings, engine.apply_profile(more, looked.context.client)]))
    return replace(looked, judged=replace(looked.judged, findings=findings))


def _over(fault: OverLimit) -> pl.DataFrame:
    remedy = "Send it on another day, or ask for a higher limit."
    return file_finding("limits", "AM14", fault.message, remedy, Severity.ERROR)


def _decide(gateway: Gateway, file: Mapping[str, Any], looked: _Looked) -> None:
    """Compare with what the client sent before, and commit; nothing is committed where another file was first.

    Raises:
        Conflict: another file of the client took the number.
        OverLimit: the accepted payments do not fit the day's limit.
    """
    file_id, client = file["file_id"], looked.context.client
    number = next_number(gateway, client.client_id)
    passed = engine.accepted(looked.judged.index, looked.judged.findings, client)
    keys = _keys_of(looked, passed)
    accepted = passed
    if not (repeated := _repeated(gateway, file_id, keys, number, looked.context)).is_empty():
        looked = _with(looked, repeated)
        accepted = engine.accepted(looked.judged.index, looked.judged.findings, client)
    draft = gateway.lake.draft(file_id, "validate")
    draft.write("findings", engine.capped(looked.judged.findings))
    with Parts(draft, "verdicts") as told:
        for part in verdicts(looked.judged, client, file_id):
            told.add(part)
        kept = keys if accepted.height == passed.height else _keys_of(looked, accepted)
        run = kept.with_columns(sequence=pl.lit(number, dtype=pl.Int64))
        draft.write("keys", conform(run.drop("row").sort("key"), KEYS))
    detail = _detail(gateway.lake, file, looked.judged, accepted)

    def mark(connection: Connection) -> None:
        take_number(connection, client.client_id, number)
        reserve_day(connection, client, file, detail["sums"], gateway.registry.now())
        state = "validated" if detail["accepted"] else "rejected"
        verification = _verification(client.verification_of_payee, detail["accepted"] + detail["rejected"])
        move_file(connection, file_id, "parsed", state, sequence=number, verification=verification)
        gateway.registry.audit(connection, "gateway", "validated", file_id, **detail)

    draft.commit(detail, mark)


def _keys_of(looked: _Looked, rows: pl.DataFrame) -> pl.DataFrame:
    """The keys of these rows of the index."""
    return looked.keys if rows.height == looked.judged.index.height else looked.keys.join(rows, on="row", how="semi")


def _verification(agreed: str, payments: int) -> str:
    """Verification of payee for this file: a company may opt out for files of many payments, never for a single one."""
    if agreed == "none":
        return "none"
    return "opted_out" if agreed == "opted_out" and payments > 1 else "needed"


def _windows(lake: Lake, file: Mapping[str, Any], header: FileHeader) -> Iterator[Window]:
    file_id = file["file_id"]
    parsed = lake.committed(file_id, "parse")
    if parsed is None:
        raise Conflict("the file is not parsed yet; run parse first", file_id=file_id)
    findings = lake.whole(file_id, "findings", "parse")
    # What keeps an envelope closed says by itself why nothing closes the file.
    if not file["complete"] and not findings["rule"].is_in(ENVELOPE_RULES).any():
        findings = pl.concat([findings, incomplete()])
    totals = lake.whole(file_id, "totals", "parse")
    yield Window(header, empty(PAYMENTS), totals, findings, parsed["unreadable"])
    for payments in lake.parts(file_id, "payments"):
        yield Window(None, payments, empty(TOTALS), empty(FINDINGS))


def _repeated(gateway: Gateway, file_id: str, keys: pl.DataFrame, number: int, context: Context) -> pl.DataFrame:
    hits = earlier_hits(gateway, context.client, file_id, keys, number, context.today)
    if hits.is_empty():
        return empty(FINDINGS)
    return pl.concat(
        [
            DUPLICATE_PAYMENT.repeated(payments.join(hits, on="payment_id", how="semi"), hits, context)
            for payments in gateway.lake.parts(file_id, "payments")
        ]
    )


def _detail(lake: Lake, file: Mapping[str, Any], judged: Judged, accepted: pl.DataFrame) -> dict[str, Any]:
    parsed = lake.committed(file["file_id"], "parse")
    assert parsed is not None
    assert judged.index.height == parsed["payments"], "every payment was judged"
    return {
        "accepted": accepted.height,
        "rejected": judged.index.height - accepted.height,
        "unreadable": judged.unreadable,
        "findings": judged.findings.height,
        "verdict": verdict_word(judged, accepted.height),
        "sums": sums_of(accepted),
    }
