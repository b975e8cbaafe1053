"""Judge the windows of a file by all rules: the part that the gateway and the client's own desk share.

Two windows at a time are looked at by all rules, each window by itself; what the folds made of them is merged in file order.
What is kept of a payment till the end goes where `Context.keep` says, so that memory does not grow with the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.ahead import worked_ahead
from canonical.codes import Level, Severity
from canonical.contracts import Context, FileHeader, Window
from canonical.frames import FINDINGS, empty
from canonical.identifiers import payment_id_of
from canonical.limits import VERDICT_ROWS
from canonical.profiles import ClientProfile
from gateway.intake.reading import facts_of
from validators import engine

_INDEX: Final = (pl.col("row", "batch", "offset", "amount_minor"), pl.col("currency").cast(pl.Categorical))
_INDEX_SCHEMA: Final = {
    "row": pl.Int64, "batch": pl.Int64, "offset": pl.Int64, "amount_minor": pl.Int64, "currency": pl.Categorical,
}  # fmt: skip
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """`findings`: all of them, by the client's profile. `index`: row, batch, offset, amount_minor, currency of each payment.

    `states`: what the folds made of the whole file, by rule id.
    """

    header: FileHeader
    findings: pl.DataFrame
    index: pl.DataFrame
    unreadable: int
    states: engine.States


def judge(windows: Iterable[Window], context: Context) -> Judged:
    """Run every rule over the windows, in file order."""
    states, findings, indexes = None, [empty(FINDINGS)], [pl.DataFrame(schema=_INDEX_SCHEMA)]
    header, unreadable = context.header, 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for looked in worked_ahead(pool, _look, _in_context(windows, context), beside=_THREADS - 1):
            context, window = looked.context, looked.window
            header = header or window.header
            findings += [frame for frame in (window.findings, looked.findings) if not frame.is_empty()]
            states = looked.states if states is None else engine.merge(states, looked.states)
            indexes.append(looked.index)
            unreadable += window.unreadable
    assert header is not None, "a file has at least one window, and the first carries the header"
    assert states is not None
    told = engine.finish(states, pl.concat(findings), context)
    return Judged(header, in_file_order(told), pl.concat(indexes, rechunk=False), unreadable, states)


def _in_context(windows: Iterable[Window], context: Context) -> Iterator[tuple[Window, Context]]:
    """Each window with the context it is judged in: the first one's header says the format, and so its facts."""
    for window in windows:
        if context.header is None and window.header is not None:
            facts = facts_of(window.header.format, context.client)
            context = replace(context, header=window.header, facts=facts)
        yield window, context


@dataclass(frozen=True, slots=True)
class _Looked:
    """One window by itself: FINDINGS of the row rules, what the folds made of it, and its index."""

    window: Window
    context: Context
    findings: pl.DataFrame
    states: engine.States
    index: pl.DataFrame


def _look(item: tuple[Window, Context]) -> _Looked:
    window, context = item
    return _Looked(
        window,
        context,
        engine.check_window(window.payments, context),
        engine.update(engine.start(context), window, context),
        context.keep(window.payments.select(*_INDEX)),
    )


def in_file_order(findings: pl.DataFrame) -> pl.DataFrame:
    """File-level findings first, then by batch, row and line; ties keep the order of the rules."""
    return findings.sort(
        pl.col("level").replace_strict([level.value for level in Level], [0, 1, 1], return_dtype=pl.Int8),
        "batch", "row", "line", "rule",
        maintain_order=True,
    )  # fmt: skip


def verdicts(judged: Judged, client: ClientProfile, file_id: str) -> Iterator[pl.DataFrame]:
    """VERDICTS, one row a payment, in slices of the file."""
    for part in judged.index.iter_slices(VERDICT_ROWS):
        named = part.select(payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"), "row", "batch")
        yield engine.verdicts(named, judged.findings, client)


def sums_of(index: pl.DataFrame) -> dict[str, int]:
    """Minor units by currency of an index of payments."""
    sums: Counter[str] = Counter()
    grouped = index.drop_nulls(["currency", "amount_minor"]).group_by("currency").agg(pl.col("amount_minor").sum())
    sums.update(dict(grouped.with_columns(pl.col("currency").cast(pl.String)).iter_rows()))
    return dict(sorted(sums.items()))


def verdict_word(judged: Judged, accepted: int) -> str:
    """accepted, partial, rejected or unreadable: the whole file in one word."""
    if (judged.findings["severity"] == Severity.FATAL).any():
        return "unreadable"
    if accepted == 0:
        return "rejected"
    return "accepted" if accepted == judged.index.height and judged.unreadable == 0 else "partial"
