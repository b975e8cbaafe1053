"""What exporters are given and keep to: files for providers, answers to clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, Literal, Protocol

import polars as pl

from canonical.contracts._reading import ANY_FORMAT, FileHeader, FormatFacts, Source
from canonical.frames import BOOKINGS, CORRECTIONS, PAYMENTS, TOTALS, empty
from canonical.profiles import Account, ClientProfile, Model, ProviderProfile, Rail
from canonical.tally import ExportSummary, Said

ANSWER_DTYPES: dict[str, Any] = {
    "row": pl.Int64, "line": pl.Int64, "batch": pl.Int64, "batch_id": pl.String, "instruction_id": pl.String,
    "end_to_end_id": pl.String, "amount_text": pl.String, "amount_minor": pl.Int64, "currency": pl.String, "credit_debit": pl.String,
    "counterparty_name": pl.String, "status": pl.String, "reason": pl.String, "message": pl.String, "remedy": pl.String,
    "milestone": pl.String, "booked": pl.Int64, "corrections": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What a provider's file must say besides its payments. `sequence_first`: first trace number reserved for it.

    `file_sequence` counts the provider's files of the day from 0 (NACHA file id modifier).
    """

    submission_id: str
    provider: ProviderProfile
    account: Account
    rail: Rail
    created: dt.datetime
    business_date: dt.date
    sequence_first: int
    file_sequence: int
    initiating_party: str


class ProviderExport(Protocol):
    """exporters/: files for providers. `kind` is "provider".

    `batches`: a file may have several that a provider can name in its answers (`ONE_BATCH`); the payment format of the same
    name reads them again, and there each payment's instruction id, else its end-to-end id, is the reference it has here.

    Payments come as PAYMENTS columns plus `reference`, `position` and `execution_date` of ROUTES, ordered by position.
    Of a file that came in an ISO format and passed its XSD they also carry `original` and `original_batch` (Binary: the
    payment's own element and its batch's part before the first payment, as the client wrote them), `original_version`
    (pain.001.001.09) and `original_encoding` (as declared, null where nothing is): an ISO export carries on what the
    canonical columns do not hold.
    """

    name: str
    kind: ClassVar[Literal["provider"]]
    batches: ClassVar[bool]
    suffix: str
    options: type[Model]

    def unfit(self, payments: pl.DataFrame, options: Any) -> pl.DataFrame:
        """FINDINGS of payments that the format cannot carry whole: they are kept off its rails. `write` refuses them."""
        ...

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:
        """How the provider's file names each payment, so that feedback finds it: at most 35 characters."""
        ...

    def said(self, order: Order) -> Said:
        """What `reread` finds of each payment, where that is not its `reference` and the other side's account as they are."""
        ...

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes."""
        ...

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest what was written, by reading it again from the bytes with code of its own.

        Raises:
            FrameBroken: the bytes are not the file that they should be, or its own totals differ from what it holds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told of one file. `status`: group status. `rows`: ANSWER columns below, in row order.

    `milestone` is "received", "validated" (the first answer), "decided" (by a person or a later day, after it), "sent",
    "acknowledged", "settled", "returned" or "duplicate"; `duplicate_of` names the original file when the bytes were known.
    `news`: row, milestone, `was`, status_told, booked_told and corrections_told of the payments that stand otherwise than the client was
    last told; None: it was told of none. `bookings`: BOOKINGS, `corrections`: CORRECTIONS with row, line, end_to_end_id,
    mandate_id and counterparty_account (unmasked), of both what it was not told of yet.
    ANSWER columns: row, line, batch, batch_id, instruction_id, end_to_end_id, amount_text (as the client wrote
    it), amount_minor (null where that is none), currency, credit_debit, counterparty_name (masked), status, reason, message,
    remedy, milestone (at which the payment stands), booked and corrections (how many of both there are) (String, but row,
    line, batch, amount_minor, booked, corrections: Int64).
    `declared`: TOTALS, what the file says of itself. `faulty`: columns of PAYMENTS, as named, of those with findings, unmasked: for answers that show the client its own rows;
    none where they are not at hand. `facts`: of the format. `rejected_rows`: the excerpt of the file that holds just the rejected payments, None where there are none.
    """

    answer_id: str
    client: ClientProfile
    file_id: str
    file_name: str
    header: FileHeader
    milestone: str
    created: dt.datetime
    status: str
    reasons: tuple[tuple[str, str], ...]
    payments: int
    sums_minor: dict[str, int]
    rows: pl.DataFrame
    findings: pl.DataFrame
    declared: Callable[[], pl.DataFrame] = lambda: empty(TOTALS)
    facts: FormatFacts = ANY_FORMAT
    faulty: Callable[[Sequence[str]], pl.DataFrame] = lambda columns: empty(PAYMENTS).select(columns)
    rejected_rows: Callable[[], bytes | None] = lambda: None
    duplicate_of: str | None = None
    news: pl.DataFrame | None = None
    bookings: Callable[[], pl.DataFrame] = lambda: empty(BOOKINGS)
    corrections: Callable[[], pl.DataFrame] = lambda: empty(CORRECTIONS)


class AnswerExport(Protocol):
    """exporters/: answers to clients. `kind` is "answer"."""

    name: str
    kind: ClassVar[Literal["answer"]]
    options: type[Model]

    def with_options(self, options: Any) -> AnswerExport:
        """The same export with the options that the client's profile gives it."""
        ...

    def suffix_of(self, answer: Answer) -> str:
        """How the answer's name ends."""
        ...

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the answer; the same input gives the same bytes. An export with nothing to tell writes none: nothing is sent."""
        ...
