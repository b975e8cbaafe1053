"""What a client is told."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from canonical.frames._columns import DIRECTIONS, amount, code, integer, schema, text

OUTCOMES = schema(
    "outcomes",
    position=integer("ordinal of the request in its file", required=True, minimum=1),
    line=integer("line of the request", required=True, minimum=1),
    payment_id=text("the payment concerned, null where none was found"),
    batch_id=text("as in payments"),
    instruction_id=text("as in payments"),
    end_to_end_id=text("as in payments, or as the request names it"),
    amount_text=text("as in payments"),
    currency=text("as in payments"),
    credit_debit=code("as in payments", DIRECTIONS, required=False),
    counterparty_name=text("masked"),
    status=code("CANC or RJCT", ["CANC", "RJCT"]),
    reason=text("ISO reason where it is RJCT"),
    message=text("what became of the request", required=True),
    remedy=text("what the client can do now"),
)
"""What became of a cancellation request: one row a payment it concerns, or a row for one that was not found."""

TOLD = schema(
    "told",
    row=integer("as in payments", required=True, minimum=1),
    milestone=text("at which the payment stood", required=True),
    status=text("as in the answer", required=True),
    reason=text("as in the answer"),
    message=text("as in the answer"),
    booked=integer("bookings of statements told of so far", required=True, minimum=0),
    corrections=integer("corrections told of so far", required=True, minimum=0),
)
"""What a set of answers told the client of each payment of its file."""

BOOKINGS = schema(
    "bookings",
    row=integer("as in payments", required=True, minimum=1),
    batch=integer("as in payments", required=True, minimum=1),
    batch_id=text("as in payments"),
    batch_booking=pa.Column(pl.Boolean, nullable=True, description="as in payments"),
    instruction_id=text("as in payments"),
    end_to_end_id=text("as in payments"),
    uetr=text("as in payments"),
    credit_debit=code("as in payments", DIRECTIONS),
    mandate_id=text("as in payments"),
    remittance=text("as in payments"),
    remittance_reference=text("as in payments"),
    **{
        f"{side}_{name}": text(f"{name} of the {told}")
        for side, told in (("ordering", "client's side"), ("counterparty", "other side"))
        for name in ("name", "account", "agent")
    },
    kind=code("what was booked; as in matches", ["settlement", "return", "representation"]),
    amount_minor=amount("booked of the payment", required=True),
    currency=text("of that amount", required=True),
    booking_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    value_date=pa.Column(pl.Date, nullable=True, description="of the entry"),
    servicer_reference=text("of the entry"),
    reason=text("of a return"),
    reason_text=text("of a return"),
)
"""What statements booked of a file's payments, one row a booking, for the client."""

CORRECTIONS = schema(
    "corrections",
    payment_id=text("the payment it was told of", required=True),
    nth=integer("of the payment's corrections, from 1", required=True, minimum=1),
    code=text("ISO reason, or NACHA change code"),
    reason=text("what is wrong, in words"),
    change_to=text("what stands there from now on"),
    what=text("which data are to be changed, without their values"),
    told_on=pa.Column(pl.Date, nullable=False, description="day the provider told"),
    act_by=pa.Column(pl.Date, nullable=False, description="last business day to act on, by the scheme's rules"),
)
"""What providers told to be wrong about payments that stand."""
