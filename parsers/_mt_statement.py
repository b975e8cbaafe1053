"""MT940 and MT942 from bytes to Feedback: windows of messages, their entries, ids, sums; docs/formats/mt940.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Feedback, Source
from canonical.frames import BALANCES, ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, dtypes, empty
from canonical.identifiers import make_id
from canonical.limits import STATEMENT_SUM_MINOR_MAX
from parsers._mt_statement_entries import entry_columns, original_amounts
from parsers._mt_statement_entry_findings import entry_findings
from parsers._mt_statement_fields import ENTRY, MARKS, Fields, fields
from parsers._mt_statement_findings import (
    Kind,
    field_findings,
    file_findings,
    harmless,
    message_findings,
    sum_findings,
)
from parsers._mt_statement_information import information_columns
from parsers._mt_statement_messages import balances_of, message_columns
from parsers._mt_statement_options import StatementOptions
from parsers._nacha_findings import gathered
from parsers._text_lines import foreign_finding, lines

_INFORMATION: Final = {"86": "information", "NS": "notes"}


@dataclass(frozen=True, slots=True)
class _Part:
    """What one window gives. `messages` and `entries` are internal frames, messages numbered through the file."""

    messages: pl.DataFrame
    entries: pl.DataFrame
    balances: pl.DataFrame
    findings: list[pl.DataFrame]


def read_statements(source: Source, options: StatementOptions, kind: Kind) -> Feedback:
    """STATEMENTS, ENTRIES, BALANCES and FINDINGS. Where a finding is FATAL the other frames are empty."""
    parts, foreign, before = [], [], 0
    for window in lines(source.data, options.encoding, MARKS):
        part = _part(fields(window, options), options, kind, before)
        parts.append(part)
        foreign.append(window.foreign)
        before += part.messages.height
    messages = _by_currency(pl.concat([part.messages for part in parts]))
    entries = pl.concat([part.entries for part in parts])
    findings = gathered(
        [*(item for part in parts for item in part.findings), *file_findings(messages, kind),
         *sum_findings(entries["amount_minor"], kind),
         foreign_finding(pl.concat(foreign), options.encoding, kind.name)]
    )  # fmt: skip
    fatal = findings["severity"].is_in([Severity.FATAL.value]).any()
    reference = messages["reference"].drop_nulls()
    return Feedback(
        kind.name, kind.version, None if reference.is_empty() else reference[0], empty(STATUSES),
        empty(STATEMENTS) if fatal else _statements(messages),
        empty(ENTRIES) if fatal else _entries(entries, messages), checked(findings, FINDINGS),
        empty(BALANCES) if fatal else _balances(pl.concat([part.balances for part in parts]), messages),
    )  # fmt: skip


def _part(found: Fields, options: StatementOptions, kind: Kind, before: int) -> _Part:
    heads = message_columns(found.frame)
    told = found.frame.join(heads.select("message", "currency"), on="message", how="left", maintain_order="left")
    entries = entry_columns(told.filter(pl.col("tag") == ENTRY)).join(
        _explained(found.frame), on="entry", how="left", maintain_order="left"
    )
    entries = information_columns(original_amounts(entries), options).with_columns(
        position=(pl.int_range(pl.len(), dtype=pl.Int64).over("message") + 1),
        booked=~(pl.col("expected") | pl.lit(kind.interim)),
    )
    if options.supplementary == "account":
        account = pl.col("more").str.extract(r"^ *([A-Z0-9]{5,34}) *$", 1)
        known = pl.col("counterparty_account") if "counterparty_account" in entries.columns else pl.lit(None)
        entries = entries.with_columns(
            pl.coalesce(account, known).alias("counterparty_account"),
            pl.when(account.is_null()).then("more").alias("more"),
        )
    messages = _named(heads.join(_sums(entries, kind), on="message", how="left", maintain_order="left"), kind)
    names = messages.select("message", "statement_id")
    entries = entries.join(names, on="message", how="left", maintain_order="left")
    shifted = pl.col("message") + before
    messages, entries = messages.with_columns(shifted), entries.with_columns(shifted)
    findings = [
        *field_findings(found, names, kind, before), *message_findings(messages, kind), *entry_findings(entries, kind)
    ]  # fmt: skip
    return _Part(messages, entries, balances_of(found.frame).with_columns(shifted), findings)


def _explained(frame: pl.DataFrame) -> pl.DataFrame:
    """entry, information (all `:86:` behind it), notes (all `:NS:`): lines by line feeds."""
    told = frame.filter("explains").with_columns(
        pl.concat_str("text", "more", separator="\n", ignore_nulls=True).alias("whole")
    )
    return told.group_by("entry", maintain_order=True).agg(
        pl.col("whole").filter(pl.col("tag") == tag).str.join("\n").replace("", None).alias(name)
        for tag, name in _INFORMATION.items()
    )


def _sums(entries: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    counted = pl.lit(kind.interim) | pl.col("booked")
    sides = {"credits": "CRDT", "debits": "DBIT"}
    return entries.group_by("message").agg(
        pl.len().cast(pl.Int64).alias("entries"),
        (pl.col("amount_minor").is_null().any() | (pl.col("amount_minor").cast(pl.Int128).sum() > STATEMENT_SUM_MINOR_MAX))
        .alias("partial"),
        *(pl.col("amount_minor").filter(counted & (pl.col("credit_debit") == side)).sum().alias(f"{name}_minor")
          for name, side in sides.items()),
        *((counted & (pl.col("credit_debit") == side)).sum().cast(pl.Int64).alias(f"{name}_found")
          for name, side in sides.items()),
    )  # fmt: skip


def _named(messages: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The messages with `statement_id`: number and page, which begin again each year, and the days of the balances.

    A bank that does not number its statements, or not their pages, writes 0 or the first page again: then the opening balance
    tells those of one day apart.
    """
    number = pl.format(
        "{}/{}", pl.col("sequence").cast(pl.String).fill_null("-"), pl.col("page").cast(pl.String).fill_null("1")
    )
    if kind.interim:
        name = pl.format("{} {} {}", number, pl.col("created").fill_null("-"), pl.col("reference").fill_null("-"))
    else:
        days = [pl.col(f"{side}_date").cast(pl.String).fill_null("-") for side in ("opening", "closing")]
        bare = (pl.col("sequence").fill_null(0) == 0) | (pl.col("continued") & (pl.col("page").fill_null(1) == 1))
        opening = pl.when(bare).then(pl.format(" from {}", pl.col("opening").str.slice(7).fill_null("-")))
        name = pl.format("{} {}..{}{}", number, *days, opening.otherwise(pl.lit("")))
    zero = pl.col("entries", "credits_minor", "debits_minor", "credits_found", "debits_found").fill_null(0)
    last = pl.col("closing").is_not_null() & ~pl.col("continues")
    return messages.with_columns(
        name.alias("statement_id"),
        zero,
        pl.col("partial").fill_null(value=False),
        pl.lit(kind.origin).alias("origin"),
        pl.lit(None, dtype=pl.Boolean).alias("last_page") if kind.interim else last.alias("last_page"),
    )


def _by_currency(messages: pl.DataFrame) -> pl.DataFrame:
    """Where statements of one account in several currencies have the same id, the currency is part of it."""
    several = pl.col("currency").n_unique().over("account", "statement_id") > 1
    named = pl.concat_str("statement_id", "currency", separator=" ", ignore_nulls=True)
    return messages.with_columns(pl.when(several).then(named).otherwise("statement_id").alias("statement_id"))


def _statements(messages: pl.DataFrame) -> pl.DataFrame:
    sums = {
        f"declared_{side}s{of}": f"{side}_{what}"
        for side in ("credit", "debit")
        for of, what in (("", "count"), ("_minor", "sum"))
    }
    frame = _once(messages).select(
        "statement_id", "account", "currency", "origin", "sequence", "page", "last_page", "created", "opening_minor",
        "closing_minor", "entries", "credits_minor", "debits_minor",
        *(pl.col(name).alias(column) for column, name in sums.items()),
        pl.col("opening_date").alias("from_date"), pl.col("closing_date").alias("to_date"),
    )  # fmt: skip
    return conform(frame, STATEMENTS)


def _once(messages: pl.DataFrame) -> pl.DataFrame:
    return messages.filter(~harmless() | pl.struct("account", "statement_id").is_first_distinct())


def _balances(balances: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """BALANCES of the statements, in the order of their fields."""
    known = _once(messages).select("message", "statement_id", "account")
    placed = balances.join(known, on="message", how="inner", maintain_order="left")
    position = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("message")
    return conform(
        placed.with_columns(position=position)
        .drop("message")
        .select(name for name in dtypes(BALANCES) if name in (*placed.columns, "position")),
        BALANCES,
    )


def _entries(entries: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    placed = entries.drop("statement_id").join(
        messages.select("message", "statement_id", "account", "origin"), on="message", how="left", maintain_order="left"
    )
    ids = [
        make_id("E", account, statement_id, str(position), "0")
        for account, statement_id, position in placed.select("account", "statement_id", "position").iter_rows()
    ]
    extra = pl.concat_str("additional", "more", "notes", separator="\n", ignore_nulls=True).replace("", None)
    told = placed.with_columns(
        pl.when("expected").then(pl.lit("PDNG")).otherwise(pl.lit("BOOK")).alias("status"),
        pl.Series("entry_id", ids, dtype=pl.String), extra.alias("additional"), detail=pl.lit(0, dtype=pl.Int64),
        entry_amount_minor="amount_minor",
    )  # fmt: skip
    return conform(told.select(name for name in dtypes(ENTRIES) if name in told.columns), ENTRIES)
