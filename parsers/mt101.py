"""MT101 requests for transfer from clients: FIN messages or bare text blocks, one or several in a file.

Source: SWIFT, Category 1 customer payments and cheques, MT101. docs/formats/mt101.md says what is read into which column
and what is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader, FormatFacts, Model, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked, conform, empty
from canonical.limits import FILE_ROWS_MAX
from parsers._mt_messages import CLOSED, INSIDE, OPEN, Place, envelopes, left_off, placed
from parsers._mt_segments import ENVELOPE, Segments, code_of, segments
from parsers._mt_transfer_excerpt import excerpt
from parsers._mt_transfer_fields import REPEATED, closes, sniff
from parsers._mt_transfer_findings import (
    character_findings,
    envelope_findings,
    field_findings,
    message_findings,
    unbegun,
)
from parsers._mt_transfer_payments import Sequences, by_code, message_columns, payment_columns
from parsers._mt_transfer_rules import currency_findings, index_findings, payment_findings, reference_findings
from parsers._nacha_findings import Fault, gathered

_INCOMPLETE: Final = Fault(
    "mt101-incomplete", "TD03", Severity.FATAL, Level.FILE, "block 4",
    "Send the whole file again, each message closed by -}.",
)  # fmt: skip
_TOO_MANY: Final = Fault(
    "mt101-rows", "FF01", Severity.FATAL, Level.FILE, "21", f"Send at most {FILE_ROWS_MAX} transactions in one file."
)

_FACTS: Final = FormatFacts(
    "mt101",
    batched=True,
    own_parties=True,
    required=("creditor_account", "amount_text", "currency", "debtor_account", "requested_execution_date_text"),
    required_debit=(),
    fixed_width=True,
    amount_example="1234,50",
    date_format="%y%m%d",
    terms={
        "batch_id": "20",
        "instruction_id": "21",
        "end_to_end_id": "21, or 70 /ROC/",
        "currency": "32B",
        "amount_text": "32B",
        "requested_execution_date_text": "30",
        "service_level": "23E",
        "local_instrument": "23E",
        "category_purpose": "23E",
        "charge_bearer": "71A",
        "debtor_name": "50a",
        "debtor_id": "50G",
        "debtor_account": "50a",
        "debtor_agent": "52a",
        "debtor_street": "50F, lines 2/",
        "debtor_town": "50F, line 3/",
        "debtor_country": "50F, line 3/",
        "debtor_address_lines": "50H",
        "creditor_name": "59a",
        "creditor_id": "59A",
        "creditor_account": "59a",
        "creditor_agent": "57a",
        "creditor_street": "59F, lines 2/",
        "creditor_town": "59F, line 3/",
        "creditor_country": "59F, line 3/",
        "creditor_address_lines": "59",
        "remittance": "70",
        "uncarried": "sequence B",
    },
    rules=(
        "mt101-amount", "mt101-character", "mt101-cheque", "mt101-end", "mt101-field", "mt101-index", "mt101-instruction", "mt101-message",
        "mt101-missing", "mt101-not-carried", "mt101-order", "mt101-ordering", "mt101-reference", "mt101-rule",
    ),
    covers={"mt101-amount": ("amount_text", "currency"), "mt101-cheque": ("creditor_account", "creditor_agent"), "mt101-ordering": ("debtor_account", "debtor_agent")},
)  # fmt: skip

_FIELD_COLUMNS: Final = ("line", "offset", "code", "text")
_MESSAGE_SCHEMA: Final = {
    "message": pl.Int64, "line": pl.Int64, "offset": pl.Int64, "type": pl.String, "sender": pl.String,
    "receiver": pl.String, "enveloped": pl.Boolean, "batch_offset": pl.Int64, "batch_length": pl.Int64,
}  # fmt: skip
_CHAIN_SCHEMA: Final = {
    "chain": pl.String, "index": pl.String, "batch": pl.Int64, "batch_id": pl.String, "line": pl.Int64,
}  # fmt: skip


class Mt101Options(Model):
    """No options: the fields say everything of themselves."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a window must know of those before it: the open message with its sequence A, and the messages' numbers."""

    place: Place = field(default_factory=Place)
    message: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_MESSAGE_SCHEMA))
    first: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"line": pl.Int64, "offset": pl.Int64, "code": pl.Int64, "text": pl.String, "message": pl.Int64}
        )
    )
    chains: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CHAIN_SCHEMA))
    references: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Mt101:
    """The payment format. An MT101 declares no totals."""

    name: str = "mt101"
    kind: ClassVar[Literal["payment"]] = "payment"
    options: type[Model] = Mt101Options
    facts: FormatFacts = _FACTS

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with an MT101 in its envelope, or with fields 20 and 28D."""
        return sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when the text of the last message is closed (-})."""
        return closes(tail)

    def windows(self, source: Source, options: Mt101Options) -> Iterator[Window]:  # noqa: ARG002 - there are none
        """Read it, a window at a time; client faults are findings."""
        state, header = _State(), None
        for index, window in enumerate(segments(source.data, REPEATED)):
            state, part, sequences = _read(window, state, source.file_id)
            header = _header(sequences) if index == 0 else None
            yield replace(part, header=header)

    def excerpt(self, source: Source, kept: pl.DataFrame, options: Mt101Options) -> bytes:  # noqa: ARG002 - there are none
        """The messages with only the kept sequences B; see docs/formats/mt101.md."""
        return excerpt(source, kept)


def _header(sequences: Sequences) -> FileHeader:
    messages = message_columns(sequences)
    if messages.is_empty():
        return FileHeader("mt101", "MT101")
    instructing = sequences.of_message("50L", "50C")
    sender = instructing["text"][0] if instructing.height else sequences.messages["sender"][0]
    return FileHeader("mt101", "MT101", messages["batch_id"][0], None, sender)


def _read(window: Segments, state: _State, file_id: str) -> tuple[_State, Window, Sequences]:
    """One window, and the state after it."""
    here = placed(window.frame, state.place, REPEATED)
    begun = _with_spans(envelopes(here), here)
    messages = pl.concat([state.message, begun.select(*_MESSAGE_SCHEMA)])
    fields = here.with_row_index("segment").with_columns(pl.col("segment").cast(pl.Int64))
    fields = fields.filter((pl.col("code") != ENVELOPE) & (pl.col("marker") != CLOSED))
    sequences = _sequences(fields, messages, state)
    columns = message_columns(sequences)
    payments = payment_columns(sequences, columns, file_id)
    taken = payments.filter(pl.col("row") <= FILE_ROWS_MAX)
    named = pl.concat([messages.select("line", pl.col("message").alias("batch")), columns], how="horizontal")
    is_new = messages["message"] > state.place.message
    chains = pl.concat([state.chains, named.filter(is_new).select(*_CHAIN_SCHEMA)])
    placed_fields = _with_places(fields, payments, named)
    before, last = state.place.message, left_off(here, state.place).message
    twice, references = reference_findings(payments, state.references, before, last)
    mixed, currency = currency_findings(sequences, payments, (before, state.currency), last)
    findings = [
        *envelope_findings(here, begun),
        *field_findings(placed_fields),
        *character_findings(window.characters, placed_fields),
        *message_findings(sequences, named, is_new),
        *payment_findings(sequences, payments),
        twice,
        mixed,
    ]
    if taken.height < payments.height:
        first = payments.filter(pl.col("row") == FILE_ROWS_MAX + 1)
        findings.append(_TOO_MANY.on(first, f"The file has more than {FILE_ROWS_MAX} transactions."))
    after = _after(here, messages, fields, replace(state, chains=chains, references=references, currency=currency))
    if window.last:
        findings += _closing(after, here)
    stray = here.filter((pl.col("marker") == CLOSED) & (pl.col("code") == code_of(REPEATED))).height
    lost = stray + sum(unbegun(here, marker).height for marker in (OPEN, INSIDE))
    unreadable = lost + payments.height - taken.height
    told = checked(gathered(findings), FINDINGS)
    return after, Window(None, conform(taken, PAYMENTS), empty(TOTALS), told, unreadable), sequences


def _with_spans(begun: pl.DataFrame, here: pl.DataFrame) -> pl.DataFrame:
    """Adds the bytes of each message up to its first sequence B."""
    first = here.filter(pl.col("marker") == OPEN).group_by("message").agg(
        (pl.col("offset") + pl.col("length")).max().alias("end")
    )  # fmt: skip
    known = begun.join(first, on="message", how="left", maintain_order="left")
    return known.with_columns(
        pl.col("offset").alias("batch_offset"), (pl.col("end") - pl.col("offset")).alias("batch_length")
    )


def _sequences(fields: pl.DataFrame, messages: pl.DataFrame, state: _State) -> Sequences:
    """The fields by message and payment, the open message's sequence A of earlier windows with them."""
    lowest = int(messages["message"][0]) if messages.height else 1
    own = fields.filter(pl.col("marker") == OPEN).select(*_FIELD_COLUMNS, "message")
    first = pl.concat([state.first, own]).with_columns((pl.col("message") - lowest).alias("key"))
    inside = fields.filter(pl.col("marker") == INSIDE)
    base = state.place.sequences + 1
    repeated = inside.with_columns((pl.col("sequence") - base).alias("key"))
    size = pl.col("length")
    payments = repeated.group_by("sequence", maintain_order=True).agg(
        pl.col("message", "line", "offset").first(), (pl.col("offset").last() + size.last()).alias("end")
    )
    payments = payments.with_columns(
        (pl.col("end") - pl.col("offset")).alias("length"), (pl.col("message") - lowest).alias("message_index")
    )
    return Sequences(by_code(first), by_code(repeated), messages, payments.drop("end"))


def _with_places(fields: pl.DataFrame, payments: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """The fields with batch, batch_id, row and end_to_end_id, as findings show them."""
    inside = pl.col("marker") == INSIDE
    batches = messages.select(pl.col("batch").alias("message"), "batch_id")
    rows = payments.select(pl.col("row").alias("sequence"), "end_to_end_id")
    known = fields.join(batches, on="message", how="left", maintain_order="left")
    known = known.join(rows, on="sequence", how="left", maintain_order="left")
    return known.with_columns(pl.col("message").alias("batch"), pl.when(inside).then("sequence").alias("row"))


def _after(here: pl.DataFrame, messages: pl.DataFrame, fields: pl.DataFrame, state: _State) -> _State:
    place = left_off(here, state.place)
    is_open = pl.col("message") == (place.message if place.marker != CLOSED else -1)
    first = fields.filter(pl.col("marker") == OPEN).select(*_FIELD_COLUMNS, "message")
    return replace(
        state,
        place=place,
        message=messages.filter(is_open),
        first=pl.concat([state.first, first]).filter(is_open),
    )


def _closing(state: _State, here: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What only the whole file shows."""
    if state.place.message == 0:
        yield _INCOMPLETE.at(None, "The file has no message with a field 20.")
    elif state.place.marker != CLOSED and state.place.enveloped:
        yield _INCOMPLETE.at(
            int(here["line"][-1]), "The text of the last message is not closed (-}): the file is not whole."
        )
    yield from index_findings(state.chains)


FORMAT: Final = Mt101()
