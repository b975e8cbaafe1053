"""What parsers give: payments, requests to cancel, feedback, and what is known of the formats they stand in."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Protocol

import polars as pl

from canonical.frames import BALANCES, empty
from canonical.profiles import Model


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

    `batched`: a batch says its own fields once for all its payments (`own_parties`: but
    for the ordering party, which a payment may say for itself). `required`: canonical columns that a payment cannot
    do without (`required_debit`: of a DBIT, where they differ). `domestic`: accounts follow a national scheme, so that no
    IBAN or BIC is looked for. `fixed_width`: the parser holds every text to its width and character set. `iso`: payments
    are XML elements whose bytes an ISO export can carry on. `currency`: the one that all its amounts are in, where the format
    knows no other; declared sums of debits and credits are in it. `terms`: canonical column → what the client calls it.
    `amount_example`: how 1,234.50 is written; `date_format`: how days are, as strftime has it. `agreed` makes these facts of
    the client's options where they can be agreed (the headings of a table, its decimal sign). `agreed_end`: True when the
    last 4 KiB close the file as agreed, of a format whose end can be agreed; it stands in for `complete`.
    `unread_back`: the excerpt holds the rows too that could not be read.
    `places`: what answers call the ordinal of a payment, and the place in the file that a person looks it up by.
    `rules`: ids of the findings that the parser itself makes, which a client's profile may relax (never fatal ones).
    `covers`: of some of these the canonical columns that stay empty by the very fault: that they are missing is not told beside it.
    `of_cells`: those of `rules` that refuse a row for what stands in one cell: no rule tells of that cell again.
    `hashed`: rules that find bank numbers wrong, of a format whose control records add them up as they do the amounts.
    """

    name: str = ""
    batched: bool = False
    own_parties: bool = False
    required: tuple[str, ...] = ("creditor_name", "creditor_account", "amount_text", "currency")
    required_debit: tuple[str, ...] = ("debtor_name", "debtor_account", "amount_text", "currency")
    domestic: bool = False
    fixed_width: bool = False
    iso: bool = False
    currency: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    amount_example: str = "1234.50"
    date_format: str = "%Y-%m-%d"
    agreed: Callable[[FormatFacts, Any], FormatFacts] | None = None
    agreed_end: Callable[[bytes, Any], bool] | None = None
    unread_back: bool = False
    places: tuple[str, str] = ("Row", "Line")
    rules: tuple[str, ...] = ()
    covers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of_cells: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where another payment stands, to be filled with its ordinal and its place: row {} (line {})."""
        payment, line = (name.lower() for name in self.places)
        return f"{payment} {{}} ({line} {{}})"


ANY_FORMAT: Final = FormatFacts()
"""What holds where nothing is known of the format."""


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
        PAYMENTS, in file order. The payments' own bytes are the client's. A message id gets the suffix `-R`. Where the facts
        say `unread_back`, rows that could not be read are among them, by row, line and rule alone.
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
