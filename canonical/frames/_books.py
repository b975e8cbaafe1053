"""What is claimed of the entries of statements, and the ledger."""

from __future__ import annotations

from typing import Final

import pandera.polars as pa
import polars as pl

from canonical.codes import BreakKind
from canonical.frames._columns import DIRECTIONS, amount, booked_amount, code, integer, schema, text
from canonical.limits import ENTRY_MINOR_MAX

RUNGS: Final = [
    "reference", "end_to_end_id", "text", "batch", "notification", "batch_parts", "several_entries", "fees", "fx",
    "counterparty", "tolerance", "amount_date", "subset_sum", "return", "return_batch", "return_less_charges", "return_fx",
    "correction", "representation", "by_hand",
]  # fmt: skip
"""What a match may name as its rung, strong evidence first."""

MATCHES = schema(
    "matches",
    entry_id=text("the entry's row", required=True),
    payment_id=text("the payment it books", required=True),
    rung=code("which rung of the ladder", RUNGS),
    kind=code(
        "settlement; return; representation: booked again after it came back; correction: one of two entries that undo "
        "each other and move nothing",
        ["settlement", "return", "representation", "correction"],
    ),
    amount_minor=amount("amount this match books of the payment", required=True),
    currency=text("of the amount", required=True),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    entry_minor=booked_amount("amount this match claims of the entry's row", required=True),
    entry_currency=text("of that amount: the account's", required=True),
    difference_account=text(
        "ledger account that takes amount_minor − entry_minor: fees, fx or the one the rule names; null: both are equal"
    ),
    rule=text("id of the provider's rule that found it, null for the built-in order"),
)
"""Claims: each payment is settled once and returned once; what is claimed of an entry's row is the whole of it, once.

Several rows may share an entry (a batch) or a payment (a booking in parts): their amounts add up to the whole.
"""

FUNDINGS = schema(
    "fundings",
    entry_id=text("the entry's row", required=True),
    account=text("ours, that it was paid to", required=True),
    client=text("whose money it is", required=True),
    amount_minor=integer("minor units", required=True, minimum=1, maximum=ENTRY_MINOR_MAX),
    currency=text("of the amount", required=True),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
)
"""Entries by which clients paid in, by the rules of their profiles: each counts once for its client's funds."""

FUNDING_KIND: Final = "funding"
"""Kind of an un-match that takes a funding apart."""

UNMATCHES = schema(
    "unmatches",
    entry_id=text("as in matches", required=True),
    payment_id=text("as in matches; of a funding the client", required=True),
    kind=text("as in matches, or funding", required=True),
    by=text("login of the person", required=True),
    reason=text("why, in the person's words", required=True),
    day=pa.Column(pl.Date, nullable=False, description="business date"),
)
"""Matches and fundings that a person undid. The pair is never matched again by itself, only by hand."""

SUGGESTIONS = schema(
    "suggestions",
    entry_id=text("the entry's row", required=True),
    payment_id=text("the payment it may book", required=True),
    score=integer("0 to 100", required=True, minimum=0, maximum=100),
    reasons=text("what speaks for it, in words", required=True),
)
"""Pairs for a person to decide: none is a claim. Best first, one entry beside one payment."""

BREAKS = schema(
    "breaks",
    break_id=text("from what it stands on", required=True),
    kind=code("what it is", [item.value for item in BreakKind]),
    side=code("book or bank", ["book", "bank"]),
    subject=text("what it is about: entry_id, payment_id, feedback_id/position or rule, statement_id", required=True),
    account=text("bank account or provider"),
    amount_minor=booked_amount("amount", required=True),
    currency=text("its currency", required=True),
    credit_debit=code("direction", DIRECTIONS),
    since=pa.Column(pl.Date, nullable=False, description="value date, or the day the payment was sent"),
    age_days=integer("days since then", required=True, minimum=0),
    note=text("in words", required=True),
)
"""What finance must look at."""

POSTINGS = schema(
    "postings",
    posting_id=text("from journal and ordinal", required=True),
    event=text("accepted, submitted, settled, rejected, returned, fee, unknown", required=True),
    subject=text("payment_id or entry_id", required=True),
    debit_account=text("ledger account", required=True),
    credit_account=text("ledger account", required=True),
    amount_minor=integer("positive, minor units", required=True, minimum=1),
    currency=text("its currency", required=True),
    day=pa.Column(pl.Date, nullable=False, description="business date"),
)
"""Double entry: one positive amount from one account to another, so that it cannot be unbalanced."""

ADJUSTMENTS = schema(
    "adjustments",
    adjustment_id=text("from the break and the ordinal of the event that made it", required=True),
    break_id=text("as in breaks", required=True),
    account=text("ledger account that takes the amount: write_offs", required=True),
    relieved=text("ledger account on which it stood until then: suspense", required=True),
    amount_minor=integer("positive, minor units", required=True, minimum=1, maximum=ENTRY_MINOR_MAX),
    currency=text("its currency", required=True),
    credit_debit=code("how `account` is booked: DBIT a loss, CRDT a gain; `relieved` the other way round", DIRECTIONS),
    day=pa.Column(pl.Date, nullable=False, description="business date: the first day that was not closed"),
    reason=text("in the words of the person who decided", required=True),
)
"""What persons wrote off. Taken back by a second adjustment the other way round, never by a change."""
