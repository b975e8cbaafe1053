"""Judge the windows of a file by all rules: the part that the gateway and the client's own desk share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, FileHeader, Window
from canonical.frames import FINDINGS, VERDICTS, empty
from canonical.profiles import ClientProfile
from validators import engine

_INDEX = ("payment_id", "row", "batch")


@dataclass(frozen=True, slots=True)
class Judged:
    """`findings`: all of them, by the client's profile. `index`: payment_id, row, batch of every payment."""

    header: FileHeader
    findings: pl.DataFrame
    index: pl.DataFrame
    unreadable: int


def judge(windows: Iterable[Window], context: Context) -> Judged:
    """Run every rule over the windows, in file order."""
    states, frames, indexes, header, unreadable = None, [empty(FINDINGS)], [], context.header, 0
    for window in windows:
        if header is None:
            header = window.header
        context = replace(context, header=header, format=header.format if header else "")
        if states is None:
            states = engine.start(context)
        frames += [window.findings, engine.check_window(window.payments, context)]
        states = engine.update(states, window, context)
        indexes.append(window.payments.select(_INDEX))
        unreadable += window.unreadable
    assert header is not None, "a file has at least one window, and the first carries the header"
    assert states is not None
    findings = pl.concat([*frames, engine.finish(states, context)])
    return Judged(header, in_file_order(engine.apply_profile(findings, context.client)), pl.concat(indexes), unreadable)


def in_file_order(findings: pl.DataFrame) -> pl.DataFrame:
    """File-level findings first, then by batch, row and line; ties keep the order of the rules."""
    return findings.sort(
        pl.col("level").replace_strict([level.value for level in Level], [0, 1, 1], return_dtype=pl.Int8),
        "batch", "row", "line", "rule",
        maintain_order=True,
    )  # fmt: skip


def verdicts(judged: Judged, client: ClientProfile) -> pl.DataFrame:
    """VERDICTS: one row a payment."""
    if judged.index.is_empty():
        return empty(VERDICTS)
    return engine.verdicts(judged.index, judged.findings, client)


def verdict_word(findings: pl.DataFrame, verdict: pl.DataFrame, unreadable: int = 0) -> str:
    """accepted, partial, rejected or unreadable: the whole file in one word."""
    if (findings["severity"] == Severity.FATAL).any():
        return "unreadable"
    accepted = int((verdict["status"] == "ACCP").sum())
    if accepted == 0:
        return "rejected"
    return "accepted" if accepted == verdict.height and unreadable == 0 else "partial"
