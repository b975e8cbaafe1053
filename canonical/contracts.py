"""What a plug-in is: the protocols each folder's modules keep, and the frozen data that passes between stages.

A module holds one constant: `FORMAT` in parsers/, `RULE` in validators/, `EXPORT` in exporters/, `TRANSPORT` in
providers/. `canonical.plugins.discover` finds it.
"""

from __future__ import annotations

import datetime as dt
import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, Protocol

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import BALANCES, BOOKINGS, CORRECTIONS, empty
from canonical.profiles import Account, ClientProfile, Model, ProviderProfile, Rail
from canonical.requests import Reply, RequestBlock, Sent
from canonical.tally import ExportSummary, Said

# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Source:
    """Plain bytes of one archived file. `data` is never copied whole: slices of it are views or small copies."""

    file_id: str
    name: str
    data: bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What the file says of itself. `version` is the exact message (pain.001.001.09) or dialect (94-byte records)."""

    format: str
    version: str
    message_id: str | None = None
    created: str | None = None
    initiating_party: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One run of payments, in file order. Frames keep the schemas PAYMENTS, TOTALS and FINDINGS of `canonical.frames`.

    `totals` holds the declared totals met in this window (a batch's may come after its payments, as NACHA's do).
    `unreadable` counts the rows that are in the file but could become no payment; each has a finding.
    The first window carries the header. A file without payments still yields one window.
    """

    header: FileHeader | None
    payments: pl.DataFrame
    totals: pl.DataFrame
    findings: pl.DataFrame
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """What rules and answers must know of a payment format, so that none of them names one.

    `batched`: a batch says its own fields once for all its payments. `required`: canonical columns that a payment cannot
    do without (`required_debit`: of a DBIT, where they differ). `domestic`: accounts follow a national scheme, so that no
    IBAN or BIC is looked for. `fixed_width`: the parser holds every text to its width and character set. `iso`: payments
    are XML elements whose bytes an ISO export can carry on. `terms`: canonical column → what the client calls it.
    `amount_example`: how 1,234.50 is written; `date_format`: how days are, as strftime has it. `agreed` makes these facts of
    the client's options where they can be agreed (the headings of a table, its decimal sign). `agreed_end`: True when the
    last 4 KiB close the file as agreed, of a format whose end can be agreed; it stands in for `complete`.
    `rules`: ids of the findings that the parser itself makes, which a client's profile may relax (never fatal ones).
    """

    name: str = ""
    batched: bool = False
    required: tuple[str, ...] = ("creditor_name", "creditor_account", "amount_text", "currency")
    required_debit: tuple[str, ...] = ("debtor_name", "debtor_account", "amount_text", "currency")
    domestic: bool = False
    fixed_width: bool = False
    iso: bool = False
    terms: Mapping[str, str] = field(default_factory=dict)
    amount_example: str = "1234.50"
    date_format: str = "%Y-%m-%d"
    agreed: Callable[[FormatFacts, Any], FormatFacts] | None = None
    agreed_end: Callable[[bytes, Any], bool] | None = None
    rules: tuple[str, ...] = ()


class PaymentFormat(Protocol):
    """parsers/: payment files from clients. `kind` is "payment"; `complete` tells if the bytes close themselves."""

    name: str
    kind: ClassVar[Literal["payment"]]
    options: type[Model]
    facts: FormatFacts

    def sniff(self, head: bytes) -> bool:
        """True when the first 64 KiB (HEAD_BYTES) look like this format."""
        ...

    def complete(self, tail: bytes) -> bool:
        """True when the last 4 KiB end the file: a closing tag, a trailer. Formats without a trailer return False."""
        ...

    def windows(self, source: Source, options: Any) -> Iterator[Window]:
        """Read it, a window at a time. Client faults are findings (FATAL where reading cannot go on); never raises for them."""
        ...

    def excerpt(self, source: Source, kept: pl.DataFrame, options: Any) -> bytes:
        """A file of this format that holds just these payments, with totals that fit, ready to be mended and sent again.

        `kept`: columns row, offset, length, batch, batch_offset, batch_length, credit_debit, amount_minor, currency of
        PAYMENTS, in file order. The payments' own bytes are the client's. A message id gets the suffix `-R`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What a client asks to be cancelled. `requests` keeps CANCELLATIONS, `findings` FINDINGS (FATAL: none of it counts)."""

    header: FileHeader
    requests: pl.DataFrame
    findings: pl.DataFrame


class CancellationFormat(Protocol):
    """parsers/: cancellation requests from clients. `kind` is "cancellation"."""

    name: str
    kind: ClassVar[Literal["cancellation"]]
    options: type[Model]

    def sniff(self, head: bytes) -> bool:
        """True when the first 64 KiB (HEAD_BYTES) look like this format."""
        ...

    def complete(self, tail: bytes) -> bool:
        """True when the last 4 KiB end the file."""
        ...

    def read(self, source: Source) -> Cancellation:
        """Read it. Client faults are findings."""
        ...


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a provider's file says. Frames keep STATUSES, STATEMENTS, ENTRIES, FINDINGS (of the provider's faults) and BALANCES."""

    format: str
    version: str
    message_id: str | None
    statuses: pl.DataFrame
    statements: pl.DataFrame
    entries: pl.DataFrame
    findings: pl.DataFrame
    balances: pl.DataFrame = field(default_factory=lambda: empty(BALANCES))


class FeedbackFormat(Protocol):
    """parsers/: statuses, returns and statements from providers. `kind` is "feedback"."""

    name: str
    kind: ClassVar[Literal["feedback"]]
    options: type[Model]

    def sniff(self, head: bytes) -> bool:
        """True when the first 64 KiB (HEAD_BYTES) look like this format."""
        ...

    def read(self, source: Source, options: Any) -> Feedback:
        """Read it as the provider's profile declares it. Provider faults are findings; FATAL where nothing may be used."""
        ...


# ---------------------------------------------------------------------------------------------- rules


def as_it_is(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame."""
    return frame


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know. `today` is the business date of receipt; `facts` are those of the file's format.

    `keep` puts a frame that a fold needs at the end of the file where it takes no memory meanwhile, and gives it back equal.
    """

    today: dt.date
    client: ClientProfile
    facts: FormatFacts = FormatFacts()
    header: FileHeader | None = None
    keep: Callable[[pl.DataFrame], pl.DataFrame] = as_it_is


class Rule(Protocol):
    """What every rule says of itself: one page of docs/rules is made from it."""

    id: str
    reason: str
    severity: Severity
    level: Level
    remedy: str
    sources: tuple[str, ...]


class RowRule(Rule, Protocol):
    """validators/: looks at payments one window at a time, as Polars expressions. `kind` is "row"."""

    kind: ClassVar[Literal["row"]]

    def findings(self, payments: pl.DataFrame, context: Context) -> pl.DataFrame:
        """FINDINGS frame (may be empty), in row order."""
        ...


class FileRule(Rule, Protocol):
    """validators/: a fold over the windows whose parts can be merged. `kind` is "file". States are immutable."""

    kind: ClassVar[Literal["file"]]

    def start(self, context: Context) -> Any:
        """State before the first window."""
        ...

    def update(self, state: Any, window: Window, context: Context) -> Any:
        """State after one more window."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """State of two parts, `left` before `right` in the file."""
        ...

    def finish(self, state: Any, context: Context) -> pl.DataFrame:
        """FINDINGS frame."""
        ...


@dataclass(frozen=True, slots=True)
class Fallen:
    """What the other rules reject: rows by a fault of their own, batches by one that their payments share."""

    rows: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))
    batches: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))


class LastRule(Rule, Protocol):
    """validators/: a fold as a file rule is, finished when all others have spoken. `kind` is "last"."""

    kind: ClassVar[Literal["last"]]

    def start(self, context: Context) -> Any:
        """State before the first window."""
        ...

    def update(self, state: Any, window: Window, context: Context) -> Any:
        """State after one more window."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """State of two parts, `left` before `right` in the file."""
        ...

    def finish(self, state: Any, context: Context, fallen: Fallen) -> pl.DataFrame:
        """FINDINGS frame. `fallen` is what would not be paid anyway."""
        ...


# ---------------------------------------------------------------------------------------------- writing


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

    Payments come as PAYMENTS columns plus `reference`, `position` and `execution_date` of ROUTES, ordered by position.
    Of a file that came in an ISO format and passed its XSD they also carry `original` and `original_batch` (Binary: the
    payment's own element and its batch's part before the first payment, as the client wrote them), `original_version`
    (pain.001.001.09) and `original_encoding` (as declared, null where nothing is): an ISO export carries on what the
    canonical columns do not hold.
    """

    name: str
    kind: ClassVar[Literal["provider"]]
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
    `news`: row, milestone, `was`, booked_told and corrections_told of the payments that stand otherwise than the client was
    last told; None: it was told of none. `bookings`: BOOKINGS, `corrections`: CORRECTIONS with row, line, end_to_end_id,
    mandate_id and counterparty_account (unmasked), of both what it was not told of yet.
    ANSWER columns: row, line, batch, batch_id, instruction_id, end_to_end_id, amount_text, currency, credit_debit,
    counterparty_name (masked), status, reason, message, remedy, milestone (at which the payment stands), booked and
    corrections (how many of both there are) (String, but row, line, batch, booked, corrections: Int64).
    `faulty`: PAYMENTS of those with findings, unmasked: for answers that show the client its own rows. `facts`: of the
    format. `rejected_rows`: the excerpt of the file that holds just the rejected payments, None where there are none.
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
    facts: FormatFacts = FormatFacts()
    faulty: pl.DataFrame | None = None
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a report. `kinds`: column → "money" (minor units; the frame has `currency`), "count", "date", "text".

    "balance" is money and "number" a count that no total adds up.
    """

    name: str
    frame: pl.DataFrame
    kinds: dict[str, str]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar a label, in the order given. `unit`: what `values` count, e.g. "breaks"; money is never charted."""

    title: str
    labels: tuple[str, ...]
    values: tuple[int, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who stands for a report, as the close says it; times are ISO 8601. Without a reviewer the report is preliminary.

    `withdrawn`: it was signed, and is not any more.
    """

    prepared_by: str = ""
    prepared_at: str = ""
    reviewed_by: str = ""
    reviewed_at: str = ""
    withdrawn: bool = False

    @property
    def state(self) -> str:
        """PRELIMINARY, FINAL or WITHDRAWN."""
        if self.withdrawn:
            return "WITHDRAWN"
        return "FINAL" if self.reviewed_by else "PRELIMINARY"


@dataclass(frozen=True, slots=True)
class Report:
    """A report, laid out by any report export. `facts`: label and value, shown above the tables.

    `charts`: shown beside the tables where the layout can. `inputs`: name and SHA-256 of all that the figures come from.
    `sign_off`: None for a report that nobody signs.
    """

    name: str
    title: str
    day: dt.date
    scope: str
    facts: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]
    charts: tuple[Chart, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    sign_off: SignOff | None = None

    @property
    def file_name(self) -> str:
        """What its files are called, before the suffix."""
        return f"{self.name}-{self.scope}"


class ReportExport(Protocol):
    """exporters/: reports for finance. `kind` is "report"."""

    name: str
    kind: ClassVar[Literal["report"]]
    suffix: str

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the report; the same input gives the same bytes."""
        ...


# ---------------------------------------------------------------------------------------------- delivering


class DeliveryState(StrEnum):
    """States of a submission (design, section 7). UPLOADING and RELEASING are intents, UPLOADED and DELIVERED facts."""

    PREPARED = "PREPARED"
    UPLOADING = "UPLOADING"
    UPLOADED = "UPLOADED"
    RELEASING = "RELEASING"
    DELIVERED = "DELIVERED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    VOIDED = "VOIDED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to deliver. `name` is its final name; `path` a local copy; `size` and `sha256` are of its bytes.

    `payments` and `sum_minor` (minor units of `currency`) are what it holds, for servers that want to be told.
    """

    submission_id: str
    name: str
    path: Path
    size: int
    sha256: str
    payments: int = 0
    sum_minor: int = 0
    currency: str = ""


class DeliveryLog(Protocol):
    """The registry's side of one delivery. Every move is a compare-and-set on (state, attempt), committed when it returns."""

    @property
    def state(self) -> DeliveryState:
        """As last read or moved to."""
        ...

    @property
    def attempt(self) -> int:
        """Attempt this worker holds."""
        ...

    def begin_upload(self) -> int:
        """PREPARED or UPLOADING (or UPLOADED) → UPLOADING with a new attempt, which it returns.

        Raises:
            Conflict: somebody else moved it.
        """
        ...

    def uploaded(self) -> None:
        """UPLOADING → UPLOADED: the temporary is whole. Raises Conflict."""
        ...

    def begin_release(self) -> None:
        """UPLOADED → RELEASING, after cut-off, kill switch and funds were checked again, in the same transaction.

        Raises:
            Conflict: somebody else moved it.
            Withheld: it is kept back; the state stands.
            ReleaseOver: the cut-off was missed; it is void.
        """
        ...

    def recheck(self) -> None:
        """What `begin_release` checks, once more in RELEASING, before a recovery releases. Moves nothing.

        Raises:
            ReleaseOver: it may not happen any more; `withdrawn` follows once nothing of it can be released.
            Withheld: not now (kill switch, funds); call again later.
            Conflict: somebody else moved it.
        """
        ...

    def withdrawn(self, detail: str) -> None:
        """RELEASING → VOIDED: nothing was released, and nothing of this attempt can be any more. Raises Conflict."""
        ...

    def delivered(self, detail: str) -> None:
        """RELEASING, or UNKNOWN after an enquiry → DELIVERED. Raises Conflict."""
        ...

    def unknown(self, detail: str) -> None:
        """RELEASING → UNKNOWN: only enquiry, an acknowledgement or a person resolves it. Raises Conflict."""
        ...

    def now(self) -> dt.datetime:
        """The one clock."""
        ...

    def plan_requests(self, count: int, block: int) -> tuple[RequestBlock, ...]:
        """The submission's requests in blocks of at most `block`, as planned by whoever came first, with what is known.

        Until each of them has its reply, no acknowledgement resolves the submission. Raises Conflict.
        """
        ...

    def begin_requests(self, block: RequestBlock, note: str = "") -> RequestBlock:
        """In RELEASING: the intent to send the open requests of a block, durable when it returns. Raises Conflict."""
        ...

    def answered(self, block: RequestBlock, replies: tuple[Reply, ...], *, certain: bool = False) -> RequestBlock:
        """The block with the replies that came, durable when it returns. Raises Conflict.

        `certain`: nothing of the others arrived, so that they are in no doubt.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file a provider holds for us. `version` changes when its content does (size and modification time).

    `folder`: where it lies, for transports that look into several.
    """

    name: str
    size: int
    version: str
    folder: str = ""


class Remote(Protocol):
    """One open connection to a provider."""

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """Carry the parcel from whatever state the log is in to DELIVERED or UNKNOWN. Safe to call again at any time.

        Raises:
            TransientError: a listed fault before release; call again.
            OutsideError: any other fault before release.
            Conflict: another worker holds the submission.
        """
        ...

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """Ask the provider about an UNKNOWN parcel: DELIVERED where it shows it, else it stays. Sends nothing.

        Raises:
            TransientError, OutsideError: the provider does not say.
            Conflict: somebody resolved it first.
        """
        ...

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:
        """Files the provider offers, in name order. `waiting`: submissions whose status it may be asked for."""
        ...

    def fetch(self, file: RemoteFile) -> bytes:
        """Their bytes."""
        ...

    def archive(self, file: RemoteFile) -> None:
        """Called once the file's bytes are kept: put it aside where the profile says so."""
        ...


class Transport(Protocol):
    """providers/: how to reach who moves the money. `options` is checked when profiles are read."""

    name: str
    options: type[Model]

    def connect(self, options: Any, secret: Any) -> AbstractContextManager[Remote]:
        """Open a connection. `secret(name)` gives a secret's text.

        Raises:
            TransientError: refused, timed out, reset.
            OutsideError: authentication, host key, permission.
        """
        ...


ANSWER_DTYPES: dict[str, Any] = {
    "row": pl.Int64, "line": pl.Int64, "batch": pl.Int64, "batch_id": pl.String, "instruction_id": pl.String,
    "end_to_end_id": pl.String, "amount_text": pl.String, "currency": pl.String, "credit_debit": pl.String,
    "counterparty_name": pl.String, "status": pl.String, "reason": pl.String, "message": pl.String, "remedy": pl.String,
    "milestone": pl.String, "booked": pl.Int64, "corrections": pl.Int64,
}  # fmt: skip

__all__ = [
    "ANSWER_DTYPES", "Account", "Answer", "AnswerExport", "Cancellation", "CancellationFormat", "Chart", "ClientProfile", "Context", "DeliveryLog", "DeliveryState",
    "ExportSummary", "Fallen", "Feedback", "FeedbackFormat", "FileHeader", "FileRule", "FormatFacts", "LastRule", "Model", "Order", "Parcel", "PaymentFormat",
    "ProviderExport", "ProviderProfile", "Rail", "Remote", "RemoteFile", "Reply", "Report", "ReportExport", "RequestBlock",
    "RowRule", "Rule", "Said", "Sent", "Sheet", "SignOff", "Source", "Transport", "Window",
]  # fmt: skip
