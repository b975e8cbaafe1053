"""Read: tell what any payment, feedback or statement file holds. No database, no network, no client's rules."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import ValidationError

from canonical.codes import Severity
from canonical.contracts import Context, Feedback, FileHeader, Source, Window
from canonical.errors import ConfigError
from canonical.frames import FINDINGS, STATEMENTS, TOTALS, empty
from canonical.identifiers import make_file_id
from canonical.plugins import discover, lookup
from canonical.profiles import DEFAULT_CLIENT, Plugin
from gateway.config import plugin_options
from gateway.intake.archives import files_in
from gateway.intake.check import mapped
from gateway.intake.envelopes import is_wrapped
from gateway.intake.reading import HEAD_BYTES, PLAIN_TEXT, begins_with, file_finding, fin_message, led_in_by, marked_as
from reconciliation.chain import chain_findings
from reconciliation.strange import strange_findings
from validators import engine

_ORDER: Final = {"feedback": 0, "cancellation": 1, "payment": 2}
_ISO_MESSAGE: Final = re.compile(rb"""xmlns(?::[\w.-]+)?\s*=\s*["'][^"']*\b((?!head)[a-z]{4}\.\d{3}\.\d{3}\.\d{2})""")
_BACS_REPORT: Final = re.compile(
    rb"""<(?:BACS|Voca)Document\b.*?<Data\s*>\s*<(\w+)(?:[^>]*?\btype=["'](\w+))?""", re.DOTALL
)
_FOR_OTHERS: Final = "It is for another receiver; docs/formats lists the messages that are read."
_TOTALS_RULES: Final = ("transaction_count", "control_sum", "file_structure")
_FILE_ID: Final = make_file_id(DEFAULT_CLIENT.client_id, "read")
_NAME_IT: Final = "Name the format (--format) if you know it."
Sums = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a file holds. `sums`: currency → CRDT and DBIT (and `returned`), minor units. `counts` by what is counted.

    `statuses`: level, kind, status and how many. `statements` and `balances`: frames of `canonical.frames`.
    """

    file: str
    kind: str
    header: FileHeader
    counts: dict[str, int]
    sums: Sums = field(default_factory=dict)
    totals: pl.DataFrame = field(default_factory=lambda: empty(TOTALS))
    statuses: tuple[dict[str, Any], ...] = ()
    statements: pl.DataFrame = field(default_factory=lambda: empty(STATEMENTS))
    balances: pl.DataFrame = field(default_factory=pl.DataFrame)
    findings: pl.DataFrame = field(default_factory=lambda: empty(FINDINGS))

    @property
    def unreadable(self) -> bool:
        """Nothing of it may be used."""
        return bool((self.findings["severity"] == Severity.FATAL).any())

    @property
    def verdict(self) -> str:
        """clean, findings or unreadable."""
        return "unreadable" if self.unreadable else "findings" if self.findings.height else "clean"

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 2 unreadable."""
        return {"clean": 0, "findings": 1, "unreadable": 2}[self.verdict]

    def as_object(self) -> dict[str, Any]:
        """The one object of `--output json`."""
        return {
            "file": self.file,
            "kind": self.kind,
            "format": self.header.format,
            "version": self.header.version,
            "message_id": self.header.message_id,
            "verdict": self.verdict,
            "counts": self.counts,
            "sums": self.sums,
            "declared": self.totals.select("level", "batch", "field", "measure", "declared_text").to_dicts(),
            "statuses": list(self.statuses),
            "statements": [
                {
                    **row,
                    "balances": self.balances.filter(
                        statement_id=row["statement_id"], account=row["account"]
                    ).to_dicts(),
                }
                for row in self.statements.iter_rows(named=True)
            ],
            "findings": self.findings.to_dicts(),
        }


def read_file(path: Path, name: str | None, options: Mapping[str, Any]) -> list[Told]:
    """Tell what a file holds, or what each file of an archive does.

    `name`: the format, sniffed without it; `options` of that format where it has a dialect.

    Raises:
        NotFound: no such file or format.
        ConfigError: options that the format does not take.
        OutsideError: the file may not be read.
    """
    with mapped(path) as data:
        if not is_wrapped(data, DEFAULT_CLIENT):
            return [replace(_told_of(Source(_FILE_ID, path.name, data), name, options), file=path.name)]
    found = []
    with tempfile.TemporaryDirectory(prefix="bulkrail-envelope-") as folder:
        for held in files_in(path, path.name, Path(folder)):
            if held.path is None:
                assert held.fault is not None, "a file that cannot be had has a fault"
                told = _unknown(held.name, held.fault.rule, held.fault.message, held.fault.remedy)
            else:
                with mapped(held.path) as data:
                    told = _told_of(Source(_FILE_ID, held.name, data), name, options)
            found.append(replace(told, file=held.name))
    # Of one file in its envelopes the name is that under which it is known here.
    return found if len(found) > 1 else [replace(found[0], file=path.name)]


def findings_of(found: list[Told]) -> pl.DataFrame:
    """The findings of all; of several files with a column `file` before the others."""
    if len(found) == 1:
        return found[0].findings
    return pl.concat([told.findings.select(pl.lit(told.file).alias("file"), pl.all()) for told in found])


def _told_of(source: Source, name: str | None, options: Mapping[str, Any]) -> Told:
    head = bytes(source.data[:HEAD_BYTES])
    formats = [lookup("parsers", "FORMAT", name)] if name else _sniffed(head, options)
    if formats:
        return _first_readable(formats, source, options)
    return _unknown(source.name, "file-format", *_what_is_it(head))


def _first_readable(formats: list[Any], source: Source, options: Mapping[str, Any]) -> Told:
    """What the first format tells that can read it, else the one with least against it.

    Of equals the last: a bank's format says of a broken file of payments no more than that it is none of its own.
    """
    tried = []
    for found in formats:
        tried.append(_tell(found, source, options))
        if not tried[-1].unreadable:
            return tried[-1]
    return min(reversed(tried), key=lambda told: told.findings.filter(severity=Severity.FATAL.value).height)


def _what_is_it(head: bytes) -> tuple[str, str]:
    """What can be said of a file in no format that is known, and what to do."""
    formats = discover("parsers", "FORMAT")
    if marked := marked_as(formats, head):
        return marked, PLAIN_TEXT
    if named := _ISO_MESSAGE.search(head.replace(b"\0", b"")):
        return f"The file declares the message {named.group(1).decode()}, which is not read here.", _FOR_OTHERS
    if name := fin_message(head):
        return f"The file holds a SWIFT message {name}, which is not read here.", _FOR_OTHERS
    if named := _BACS_REPORT.search(head):
        report = (named.group(2) or named.group(1)).decode()
        return f"The file holds the Bacs report {report}, which is not read here.", _FOR_OTHERS
    if led := led_in_by(formats, head):
        return led
    return f"The file is in no format that is known here{begins_with(head)}.", _NAME_IT


def _sniffed(head: bytes, options: Mapping[str, Any]) -> list[Any]:
    """Formats that the head looks like: a bank's own files before what a client may send, tables last.

    One that cannot be read without options (whose columns mean what) must be named.
    """
    found = [item for item in discover("parsers", "FORMAT").values() if item.sniff(head)]
    ready = [item for item in found if _takes(item, options)] or found
    return sorted(ready, key=lambda item: (_ORDER[item.kind], item.name in {"csv", "xlsx"}))


def _takes(found: Any, options: Mapping[str, Any]) -> bool:
    try:
        found.options.model_validate(options)
    except ValidationError:
        return False
    return True


def _unknown(name: str, rule: str, message: str, remedy: str) -> Told:
    return Told(
        name, "unknown", FileHeader("unknown", "unknown"), {}, findings=file_finding(rule, "FF01", message, remedy)
    )


def _tell(found: Any, source: Source, options: Mapping[str, Any]) -> Told:
    try:
        agreed = plugin_options("parsers", "FORMAT", Plugin(name=found.name, options=dict(options)))
    except ValidationError as fault:
        words = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in fault.errors())
        raise ConfigError(f"options of {found.name}: {words}") from fault
    if found.kind == "payment":
        return _payments(found, source, found.windows(source, agreed))
    if found.kind == "cancellation":
        asked = found.read(source)
        counts = {"requests": asked.requests.height}
        return Told(source.name, found.kind, asked.header, counts, findings=asked.findings)
    return _feedback(source, found.read(source, agreed))


# ---------------------------------------------------------------------------------------------- payments


def _payments(found: Any, source: Source, windows: Iterator[Window]) -> Told:
    """Counts and sums, window by window, and whether they are the declared ones."""
    context = Context(dt.date.min, DEFAULT_CLIENT, found.facts)
    rules = [lookup("validators", "RULE", name) for name in _TOTALS_RULES]
    states = [rule.start(context) for rule in rules]
    header, counts, sums, parts, totals, batch = (
        None,
        {"payments": 0, "batches": 0, "unreadable_rows": 0},
        Sums(),
        [],
        [],
        0,
    )
    for window in windows:
        header = header or window.header
        states = [rule.update(state, window, context) for rule, state in zip(rules, states, strict=True)]
        batches = window.payments["batch"].unique()
        counts["payments"] += window.payments.height
        counts["batches"] += batches.filter(batches > batch).len()
        counts["unreadable_rows"] += window.unreadable
        batch = max([batch, *batches.drop_nulls().to_list()[-1:]])
        _add(sums, window.payments.select("currency", "credit_debit", "amount_minor"))
        parts += [window.findings, _unread_amounts(window, context)]
        totals.append(window.totals)
    assert header is not None, "the first window carries the header"
    findings = pl.concat([*parts, *(rule.finish(state, context) for rule, state in zip(rules, states, strict=True))])
    return Told(source.name, found.kind, header, counts, sums, pl.concat(totals), findings=engine.capped(findings))


def _unread_amounts(window: Window, context: Context) -> pl.DataFrame:
    """What the sums do not hold: amounts that are none or missing, and currencies. What the format tells itself is not told again."""
    told = window.findings.filter(pl.col("rule").is_in([*context.facts.covers, *context.facts.of_cells]))
    unread = window.payments.filter(pl.col("amount_minor").is_null()).join(told, on="row", how="anti")
    if unread.is_empty():
        return empty(FINDINGS)
    found = [
        lookup("validators", "RULE", name).findings(unread, context) for name in ("amount", "currency", "required")
    ]
    of_amounts = pl.concat(found).filter(pl.col("field").is_in(["amount_text", "currency"]))
    return engine.in_terms(of_amounts.sort("line", "row", maintain_order=True), context.facts)


def _add(sums: Sums, amounts: pl.DataFrame) -> None:
    """Add the amounts of a frame of currency, credit_debit and amount_minor to the sums."""
    grouped = (
        amounts.drop_nulls()
        .group_by("currency", "credit_debit")
        .agg(pl.sum("amount_minor"))
        .sort("currency", "credit_debit")
    )
    for currency, side, minor in grouped.iter_rows():
        of = sums.setdefault(currency, {})
        of[side] = of.get(side, 0) + minor


# ---------------------------------------------------------------------------------------------- feedback


def _feedback(source: Source, said: Feedback) -> Told:
    entries = said.entries.unique(["statement_id", "account", "position"], maintain_order=True)
    counts = {
        "statements": said.statements.height,
        "entries": entries.height,
        "details": said.entries.filter(pl.col("detail") > 0).height,
        "booked": entries.filter("booked").height,
        "statuses": said.statuses.height,
    }
    sums = Sums()
    _add(sums, entries.select("currency", "credit_debit", amount_minor="entry_amount_minor"))
    words = said.statuses.with_columns(pl.col("credit_debit").fill_null("named"))
    _add(sums, words.filter(level="payment").select("currency", "credit_debit", "amount_minor"))
    returned = words.select("returned_currency", "returned_minor").drop_nulls()
    _add(
        sums,
        returned.select(currency="returned_currency", credit_debit=pl.lit("returned"), amount_minor="returned_minor"),
    )
    # A page that does not go on from the one before it is told by the format already, at its line.
    paged = said.findings.filter(pl.col("rule").str.ends_with("-page") & (pl.col("reason") == "AM10"))
    chained = chain_findings(said.statements).join(paged, on="batch_id", how="anti", maintain_order="left")
    findings = pl.concat([said.findings, chained, strange_findings(said.statuses)])
    return Told(
        source.name, "statement" if said.statements.height else "feedback",
        FileHeader(said.format, said.version, said.message_id), counts, sums,
        statuses=tuple(said.statuses.group_by("level", "kind", "status", "reason").len("count").sort("level", "kind", "status", "reason").to_dicts()),
        statements=said.statements, balances=said.balances, findings=engine.capped(findings),
    )  # fmt: skip
