"""Tables of the registry (SQLAlchemy Core). Alembic migrations in `gateway/migrations` build them; a test holds both equal.

Times are UTC ISO 8601 text with microseconds (SQLite and PostgreSQL then order and compare alike); amounts are minor units.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FILES: Final = Table(
    "files", METADATA,
    Column("file_id", String(20), primary_key=True),
    Column("client_id", String(31), nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("round", Integer, nullable=False),  # 1, or more where the same bytes came again after being wholly rejected
    Column("size_bytes", BigInteger, nullable=False),
    Column("sequence", Integer),  # the client's files in the order in which their keys were committed
    Column("complete", Integer, nullable=False),  # 0: taken after the grace time although nothing closes it
    Column("received_at", String(32), nullable=False),
    Column("received_on", String(10), nullable=False),  # business date in the client's zone
    Column("state", String(12), nullable=False),
    Column("answered", Integer, nullable=False),  # 1: the client was told what validation and approval decided
    Column("news", Integer, nullable=False),  # counts what became known of its payments since
    Column("told", Integer, nullable=False),  # up to which of them the client was told
    Column("format", String(16)),
    Column("version", String(40)),
    Column("message_id", Text),
    Column("created", Text),
    Column("initiating_party", Text),
    Column("due_at", String(32)),  # when what is kept of it for a later day is to be planned; null: nothing is
    Column("verification", String(10)),  # of payee: none, needed, opted_out; null until validated
    UniqueConstraint("client_id", "sha256", "round"),
    UniqueConstraint("client_id", "sequence", name="uq_files_sequence"),
)  # fmt: skip
"""state: received, parsed, validated, held, approved, refused, rejected, routed, cancelled, applied."""

ARRIVALS: Final = Table(
    "arrivals", METADATA,
    Column("arrival_id", String(20), primary_key=True),  # from client, name and object version
    Column("client_id", String(31), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("file_id", String(20), ForeignKey("files.file_id"), nullable=False),
    Column("duplicate", Integer, nullable=False),  # 1: its bytes were known
    Column("answered", Integer, nullable=False),  # 1: the client was told so
    Column("arrived_at", String(32), nullable=False),
)  # fmt: skip

STAGES: Final = Table(
    "stages", METADATA,
    Column("subject", String(64), primary_key=True),  # file_id, feedback_id, or provider of a reconciliation run
    Column("stage", String(40), primary_key=True),
    Column("attempt", String(16), nullable=False),
    Column("committed_at", String(32), nullable=False),
    Column("detail", Text, nullable=False),  # JSON: counts and sums of the stage, asserted when reread
    Column("mentions", Integer),  # how many client files stand in MENTIONS; null: it may speak of any
)  # fmt: skip
"""A row here is what makes a stage's objects count."""

MENTIONS: Final = Table(
    "mentions", METADATA,
    Column("subject", String(64), primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("file_id", String(20), primary_key=True),
)  # fmt: skip
"""Which client files a provider's stage speaks of (`gateway.registry.mentions`)."""

MANIFESTS: Final = Table(
    "manifests", METADATA,
    Column("subject", String(64), primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("dataset", String(20), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sums", Text, nullable=False),  # JSON: minor units by currency
)  # fmt: skip

APPROVALS: Final = Table(
    "approvals", METADATA,
    Column("file_id", String(20), ForeignKey("files.file_id"), primary_key=True),
    Column("decision", String(10), nullable=False),  # automatic, held, approved, refused
    Column("decided_by", Text),
    Column("decided_at", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("needed", Integer, nullable=False, server_default="1"),  # persons who must approve; 2: four eyes
)  # fmt: skip

VOTES: Final = Table(
    "votes", METADATA,
    Column("file_id", String(20), ForeignKey("files.file_id"), primary_key=True),
    Column("voted_by", String(80), primary_key=True),
    Column("voted_at", String(32), nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
"""Who approved a held file. Nobody counts twice."""

RESERVATIONS: Final = Table(
    "reservations", METADATA,
    Column("subject", String(20), primary_key=True),  # the file or submission that holds it
    Column("counter", String(120), ForeignKey("counters.name"), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("reserved_at", String(32), nullable=False),
)  # fmt: skip
"""What a file took of its client's day limit, and a submission of a window's capacity and of its client's funds."""

STOPS: Final = Table(
    "stops", METADATA,
    Column("scope", String(10), primary_key=True),  # all, provider, client
    Column("subject", String(31), primary_key=True),  # its id; empty for all
    Column("stopped", Integer, nullable=False),  # 1: nothing is released
    Column("reason", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", String(32), nullable=False),
    CheckConstraint("scope IN ('all', 'provider', 'client')", name="scope"),
)  # fmt: skip
"""The kill switch. The row of `all` is always there: releases share its lock, whoever stops takes it alone."""

SUBMISSIONS: Final = Table(
    "submissions", METADATA,
    Column("submission_id", String(20), primary_key=True),
    Column("kind", String(8), nullable=False),  # payment or answer
    Column("file_id", String(20), ForeignKey("files.file_id"), nullable=False),
    Column("slot", Text, nullable=False),  # which part of the file's plan, or which answer
    Column("destination", String(31), nullable=False),  # provider_id or client_id
    Column("account", Text),
    Column("rail", String(40)),
    Column("currency", String(3)),
    Column("credit_debit", String(4)),
    Column("payments", BigInteger, nullable=False),
    Column("sum_minor", BigInteger, nullable=False),
    Column("name", Text, nullable=False),  # final name at the destination
    Column("key", Text),  # object with the exported bytes, null until exported
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("business_date", String(10), nullable=False),
    Column("execution_date", String(10)),
    Column("cut_off_at", String(32)),
    Column("sequence_first", BigInteger),
    Column("file_sequence", Integer),
    Column("state", String(12), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("delivered_at", String(32)),
    Column("merged_into", String(20)),  # submission whose file holds its payments; of that one itself; null: its own
    CheckConstraint("kind IN ('payment', 'answer')", name="kind"),
)  # fmt: skip
Index(
    "uq_submissions_live", SUBMISSIONS.c.file_id, SUBMISSIONS.c.kind, SUBMISSIONS.c.slot, unique=True,
    sqlite_where=text("state <> 'VOIDED'"),  # its migration says the same to PostgreSQL, whose dialect is loaded where it is used
)  # fmt: skip
Index("ix_submissions_state", SUBMISSIONS.c.state)
Index("ix_submissions_merged_into", SUBMISSIONS.c.merged_into)

REQUESTS: Final = Table(
    "requests", METADATA,
    Column("submission_id", String(20), ForeignKey("submissions.submission_id"), primary_key=True),
    Column("first", Integer, primary_key=True),  # requests first to last, numbered from 0
    Column("last", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),  # how often they were begun; 0: never
    Column("first_at", String(32)),  # when first: their idempotency keys live from then
    Column("begun_at", String(32)),
    Column("note", Text, nullable=False),  # what an identical repeat needs besides the parcel
    Column("replies", Text),  # object with the replies that came
    Column("open", Integer, nullable=False),  # requests without a reply: not sent, or in doubt
    Column("absent_at", String(32)),  # provider's own time when it was first asked about this try and did not show all
)  # fmt: skip
"""Requests of a submission to a provider's API, in blocks. While any is open, no acknowledgement resolves the submission."""

VERIFICATIONS: Final = Table(
    "verifications", METADATA,
    Column("submission_id", String(20), primary_key=True),  # of the request: its message id
    Column("of_submission", String(20), ForeignKey("submissions.submission_id"), nullable=False, unique=True),
    Column("file_id", String(20), ForeignKey("files.file_id"), nullable=False),
    Column("destination", String(31), nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text),  # object with the request, null where what was verified before covers it
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("cut_off_at", String(32)),  # none: asking moves no money
    Column("state", String(12), nullable=False),  # of the request's delivery, as of a submission
    Column("attempt", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("delivered_at", String(32)),
    Column("answer", Text),  # JSON: code → payments, null until the provider answered
    Column("decision", String(10), nullable=False),  # asked, waiting, automatic, approved, refused
    Column("decided_by", Text),
    Column("reason", Text),
    Column("decided_at", String(32)),
)  # fmt: skip
"""Verification of payee, asked before a submission is released. The first answer stands."""

PROVIDER_HEALTH: Final = Table(
    "provider_health", METADATA,
    Column("provider_id", String(31), primary_key=True),
    Column("failures", Integer, nullable=False),  # deliveries that failed in a row
    Column("failed_at", String(32), nullable=False),
    Column("fault", Text, nullable=False),
)  # fmt: skip
"""Providers whose last delivery failed before its release."""

RESOLUTIONS: Final = Table(
    "resolutions", METADATA,
    Column("submission_id", String(20), ForeignKey("submissions.submission_id"), primary_key=True),
    Column("decided_by", String(80), primary_key=True),
    Column("delivered", Integer, nullable=False),  # 1: the provider has it; 0: it never got it
    Column("reason", Text, nullable=False),
    Column("decided_at", String(32), nullable=False),
)  # fmt: skip
"""What persons found out about a submission whose outcome was unknown."""

COUNTERS: Final = Table(
    "counters", METADATA,
    Column("name", String(120), primary_key=True),
    Column("value", BigInteger, nullable=False),
)  # fmt: skip

REMOTE_FILES: Final = Table(
    "remote_files", METADATA,
    Column("provider_id", String(31), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("version", String(120), primary_key=True),
    Column("feedback_id", String(20), nullable=False),
)  # fmt: skip

FEEDBACK: Final = Table(
    "feedback", METADATA,
    Column("feedback_id", String(20), primary_key=True),  # from provider and SHA-256
    Column("provider_id", String(31), nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("format", String(16), nullable=False),
    Column("received_at", String(32), nullable=False),
    Column("state", String(10), nullable=False),  # archived, applied, unreadable
    Column("note", Text, nullable=False),
)  # fmt: skip

STATEMENTS: Final = Table(
    "statements", METADATA,
    Column("provider_id", String(31), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("statement_id", String(64), primary_key=True),
    Column("feedback_id", String(20), ForeignKey("feedback.feedback_id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("from_date", String(10)),
    Column("to_date", String(10)),
    Column("opening_minor", BigInteger),
    Column("closing_minor", BigInteger),
)  # fmt: skip
"""The first statement of an id books; a repeat is seen as a repeat, also when its bytes differ."""

CLOSES: Final = Table(
    "closes", METADATA,
    Column("day", String(10), primary_key=True),
    Column("provider_id", String(31), primary_key=True),  # or "all"
    Column("revision", Integer, primary_key=True),
    Column("inputs_sha256", String(64), nullable=False),  # empty: what was posted is taken back
    Column("closed_at", String(32), nullable=False),
    Column("reports", Text, nullable=False),  # JSON: report key → object with its bytes
    Column("run", Integer),  # ordinal in the ledger of the scope; null: made before there were journals, does not count
    UniqueConstraint("provider_id", "run"),
)  # fmt: skip

DAYS: Final = Table(
    "days", METADATA,
    Column("day", String(10), primary_key=True),
    Column("state", String(10), nullable=False),  # open, prepared, reviewed, closed
    Column("revision", Integer, nullable=False),  # of the close of "all" that was prepared last, 0 before the first
    Column("prepared_by", Text),
    Column("prepared_at", String(32)),
    Column("reviewed_by", Text),
    Column("reviewed_at", String(32)),
    Column("reason", Text, nullable=False),  # why it was opened again
)  # fmt: skip
"""How far the close of a day is. Who prepared it does not review it."""

JOURNALS: Final = Table(
    "journals", METADATA,
    Column("scope", String(31), primary_key=True),  # provider_id or "all"
    Column("run", Integer, primary_key=True),  # as in closes
    Column("event", String(40), primary_key=True),
    Column("debit_account", String(120), primary_key=True),
    Column("credit_account", String(120), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("postings", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)  # fmt: skip
"""The ledger in short; see `reconciliation.journals`. Rows are added and never changed."""

AUDIT: Final = Table(
    "audit", METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # of this row and of the digest before it
)  # fmt: skip
Index("ix_audit_subject", AUDIT.c.subject)

AUDIT_END: Final = Table(
    "audit_end", METADATA,
    Column("trail", String(10), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)  # fmt: skip
"""The last row of the trail: one row, locked by whoever appends."""

ALERTS: Final = Table(
    "alerts", METADATA,
    Column("alert_id", String(20), primary_key=True),  # from kind, subject and the moment it was raised
    Column("kind", String(30), nullable=False),
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raised_at", String(32), nullable=False),
    Column("over_at", String(32)),  # null while its cause is there
)  # fmt: skip
Index(
    "uq_alerts_open", ALERTS.c.kind, ALERTS.c.subject, unique=True,
    sqlite_where=text("over_at IS NULL"),  # see uq_submissions_live
)  # fmt: skip

BREAKS: Final = Table(
    "breaks", METADATA,
    Column("break_id", String(20), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("side", String(4), nullable=False),
    Column("subject", Text, nullable=False),
    Column("provider_id", String(31)),  # whose terms hold, null where the break is on none
    Column("account", Text),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("credit_debit", String(4), nullable=False),
    Column("since", String(10), nullable=False),
    Column("note", Text, nullable=False),  # what it is, in words, as computed
    Column("standing", Integer, nullable=False),  # 1: its cause is there
    Column("state", String(12), nullable=False),
    Column("owner", String(80)),
    Column("comment", Text),  # what its owner last said of it
    Column("closed_on", String(10)),  # day it was written off or resolved
    Column("asked_by", String(80)),  # who asked to write it off, while a second person must agree
    Column("claim", Text),  # JSON: the suggestion a person accepted, until it is claimed
    Column("revision", Integer, nullable=False),  # number of its last event
    Column("changed_by", Text, nullable=False),
    Column("changed_at", String(32), nullable=False),
    CheckConstraint("state IN ('open', 'assigned', 'explained', 'written_off', 'resolved')", name="state"),
)  # fmt: skip
"""A break as last seen, and what people made of it: what its events add up to."""
Index("ix_breaks_standing", BREAKS.c.standing)

BREAK_EVENTS: Final = Table(
    "break_events", METADATA,
    Column("break_id", String(20), ForeignKey("breaks.break_id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("action", String(20), nullable=False),
    Column("state", String(12), nullable=False),  # after it
    Column("owner", String(80)),  # after it
    Column("happened_at", String(32), nullable=False),
    Column("happened_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", String(64)),  # digest of the workbook's row that brought it: a row counts once
)  # fmt: skip
"""Appended, never changed; each has its row in the audit trail."""

ADJUSTMENTS: Final = Table(
    "adjustments", METADATA,
    Column("adjustment_id", String(20), primary_key=True),
    Column("break_id", String(20), ForeignKey("breaks.break_id"), nullable=False),
    Column("account", String(80), nullable=False),
    Column("relieved", String(80), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("credit_debit", String(4), nullable=False),
    Column("day", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("reverses", String(20), ForeignKey("adjustments.adjustment_id"), unique=True),
    Column("asked_by", String(80)),  # the first of two persons
    Column("made_by", Text, nullable=False),
    Column("made_at", String(32), nullable=False),
    CheckConstraint("amount_minor > 0", name="amount"),
)  # fmt: skip
"""Write-offs and their reversals, as the frame ADJUSTMENTS."""
