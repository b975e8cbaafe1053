"""Bacs Standard 18 payment files from clients: records of 100 or 106 characters, credits, direct debits and contra records.

Source: Bacs, PN5011 file structures (Standard 18). docs/formats/bacs18.md says what is read into which column and what is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader, FormatFacts, Model, Source, Window
from canonical.counts import count_of
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked, conform, empty
from canonical.limits import FILE_ROWS_MAX
from parsers._bacs_excerpt import excerpt
from parsers._bacs_file import (
    INBOUND,
    INCOMPLETE,
    TRIMMED,
    Place,
    file_header,
    label_findings,
    left_off,
    order_findings,
    placed,
    user_of,
)
from parsers._bacs_layout import DATA, closes, is_inbound, sniff, words
from parsers._bacs_lines import Records, records
from parsers._bacs_records import (
    KEYS_SCHEMA,
    batches_of,
    character_findings,
    fields_of,
    payments_of,
    record_findings,
    trimmed,
)
from parsers._bacs_totals import (
    SECTION_SCHEMA,
    SUMS_SCHEMA,
    batch_sums,
    contra_findings,
    counted,
    trailer_totals,
)
from parsers._nacha_findings import Fault, gathered

_TOO_MANY: Final = Fault(
    "bacs18-rows", "FF01", Severity.FATAL, Level.FILE, "record", f"Send at most {FILE_ROWS_MAX} payments in one file."
)

_FACTS: Final = FormatFacts(
    "bacs18",
    batched=True,
    required=("creditor_name", "creditor_account", "creditor_agent", "amount_text", "debtor_account", "debtor_agent",
              "requested_execution_date_text"),
    required_debit=("debtor_name", "debtor_account", "debtor_agent", "amount_text", "creditor_account", "creditor_agent",
                    "end_to_end_id", "requested_execution_date_text"),
    domestic=True,
    fixed_width=True,
    currency="GBP",
    amount_example="00000123450",
    date_format=" %y%j",
    terms={
        "creditor_agent": "destination sort code (direct debits: originating), positions 1-6 (18-23)",
        "creditor_account": "destination account number (direct debits: originating), positions 7-14 (24-31)",
        "creditor_name": "destination account name (direct debits: service user's name), positions 83-100 (47-64)",
        "debtor_agent": "originating sort code (direct debits: destination), positions 18-23 (1-6)",
        "debtor_account": "originating account number (direct debits: destination), positions 24-31 (7-14)",
        "debtor_name": "service user's name (direct debits: destination account name), positions 47-64 (83-100)",
        "transaction_code": "transaction code, positions 16-17",
        "amount_text": "amount in pence, positions 36-46",
        "end_to_end_id": "service user's reference, positions 65-82",
        "mandate_id": "service user's reference, positions 65-82",
        "requested_execution_date_text": "processing day, positions 101-106 or UHL1 positions 5-10",
        "creditor_scheme_id": "service user number, HDR1 positions 6-11",
    },
    rules=(
        "bacs18-account-type", "bacs18-character", "bacs18-contra", "bacs18-date", "bacs18-instruction", "bacs18-label",
        "bacs18-length", "bacs18-order", "bacs18-reference", "bacs18-transaction-code",
    ),
)  # fmt: skip


class BacsOptions(Model):
    """No options: the records say everything of themselves."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a window must know of those before it."""

    place: Place = field(default_factory=Place)
    rows: int = 0
    user: str | None = None
    keys: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEYS_SCHEMA))
    sums: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUMS_SCHEMA))
    section: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SECTION_SCHEMA))
    trimmed: tuple[int, int | None] = (0, None)


@dataclass(frozen=True, slots=True)
class Bacs18:
    """The payment format. `found` of TOTALS is always filled by this parser."""

    name: str = "bacs18"
    kind: ClassVar[Literal["payment"]] = "payment"
    options: type[Model] = BacsOptions
    facts: FormatFacts = _FACTS

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with a VOL1, HDR1 or UHL1 label or a data record."""
        return sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when a user trailer label (UTL1) stands at the end. Files of data records alone never say so."""
        return closes(tail)

    def windows(self, source: Source, options: BacsOptions) -> Iterator[Window]:  # noqa: ARG002 - there are none
        """Read it, a window at a time; client faults are findings."""
        state = _State()
        for index, window in enumerate(records(source.data)):
            frame = window.frame
            if index == 0 and frame.height and is_inbound(frame["text"][0]):
                yield _inbound(frame)
                return
            header = file_header(frame) if index == 0 else None
            state, part = _read(window, state, source.file_id)
            yield replace(part, header=header)

    def excerpt(self, source: Source, kept: pl.DataFrame, options: BacsOptions) -> bytes:  # noqa: ARG002 - there are none
        """The labels, the kept records and contra records of their sums; see docs/formats/bacs18.md."""
        return excerpt(source, kept)


def _inbound(frame: pl.DataFrame) -> Window:
    message = "The labels are those of a file that a bank or Bacs gives out: a list of entries, no payment file."
    finding = INBOUND.at(int(frame["line"][0]), message)
    return Window(FileHeader("bacs18", "inbound"), empty(PAYMENTS), empty(TOTALS), conform(finding, FINDINGS))


def _read(window: Records, state: _State, file_id: str) -> tuple[_State, Window]:
    """One window, and the state after it."""
    here = placed(window.frame, state.place)
    user = state.user or user_of(here)
    keys, data = batches_of(fields_of(here.filter(pl.col("kind") == DATA)), state.keys)
    paid = pl.col("direction").is_not_null()
    row = pl.when(paid).then(paid.cum_sum().cast(pl.Int64) + state.rows)
    data = data.with_columns(row.alias("row"), words(65, 82).alias("end_to_end_id"))
    payments = payments_of(data, keys, file_id, user)
    taken = payments.head(max(0, FILE_ROWS_MAX - state.rows))
    sections, sums, short = counted(data, state.section), batch_sums(data, state.sums), trimmed(here)
    count, first = state.trimmed
    after = _State(
        left_off(here, state.place),
        state.rows + payments.height,
        user,
        keys,
        sums,
        sections.tail(1),
        (count + short.height, first or (int(short["line"][0]) if short.height else None)),
    )
    findings = [
        *order_findings(here),
        *label_findings(here, state.place.user),
        *record_findings(data),
        *character_findings(window.characters, data),
    ]
    if taken.height < payments.height and state.rows <= FILE_ROWS_MAX:
        findings.append(
            _TOO_MANY.on(payments.slice(taken.height, 1), f"The file has more than {FILE_ROWS_MAX} payments.")
        )
    if window.last:
        findings += _closing(after)
    none = int(data["unknown"].sum())
    return after, Window(
        None,
        conform(taken, PAYMENTS),
        conform(trailer_totals(here, sections), TOTALS),
        checked(gathered(findings), FINDINGS),
        none + payments.height - taken.height,
    )


def _closing(state: _State) -> Iterator[pl.DataFrame]:
    """What only the whole file shows."""
    if not state.place.closed and (state.place.labelled or not state.rows):
        yield INCOMPLETE.at(None, "The file has no user trailer label (UTL1) at its end: it is not whole.")
    yield from contra_findings(state.sums, state.keys)
    count, line = state.trimmed
    if count:
        yield TRIMMED.at(line, f"Too short, with blanks at the end taken to be cut off: {count_of(count, 'record')}.")


FORMAT: Final = Bacs18()
