"""What is posted of payments, of the entries that claim them, of entries without a payment, and of write-offs.

Of a credit transfer (a collection has both sides turned):

| event | debit | credit | day |
|---|---|---|---|
| accepted | client funding | client payable | the run's |
| submitted | client payable | provider clearing | submitted_on |
| settled (each claim) | provider clearing, or fx in another currency | bank | value date |
| exchanged | provider clearing | fx, in the payment's currency | value date |
| difference | clearing or the account named | the account named or clearing | value date |
| rejected (by the provider) | provider clearing | client funding | the run's |
| returned (the payment) | provider clearing | returns | value date, or the run's |
| returned (its entry) | bank | provider clearing, or fx | value date |
| exchanged_back, return_difference | as above, the other way round | | value date |
| corrected (an entry and the one that undoes it) | provider clearing | bank | value date |
| fee | fees | bank | value date |
| funded (an entry by which a client paid in; a debit here, so that the credit is turned) | client funding | bank | value date |
| unknown | suspense | bank | value date |
| written_off | the account named | the account that it relieves | the adjustment's |

The bank account moves by what the entries say, the clearing account by what was ordered; what is between them goes to the
account that the match names. Charges that an entry only tells of (Chrgs) are reported and not posted: they moved no money in
that entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import polars as pl

from canonical.errors import FrameBroken
from reconciliation.fees import is_fee
from reconciliation.frames import NOT_SENT

RETURNS: Final = "returns"
SUSPENSE: Final = "suspense"
_OF_PROVIDER: Final = ("fees", "fx")
"""Accounts that a match may name and each provider has its own of."""
BOOKS: Final = ("settlement", "representation")
"""Kinds of matches by which the bank books a payment."""
RULES: Final = 1
"""Number of these rules. Raised where they come to call for other postings, so that a close looks at every payment once more."""
_Event = tuple[str, pl.DataFrame, pl.Expr, pl.Expr, pl.Expr]


def of_payments(states: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """What the STATES call for, but the bank's side of it: one row an event."""
    client, provider = pl.col("client"), pl.col("provider")
    funding, payable = pl.format("client:{}:funding", client), pl.format("client:{}:payable", client)
    clearing, state, run = pl.format("provider:{}:clearing", provider), pl.col("state"), pl.lit(day)
    known = states.filter(pl.col("amount_minor").is_not_null()).with_columns(subject="payment_id")
    accepted = (pl.col("verdict") == "ACCP") & ~state.is_in(["rejected", "cancelled"])
    sent, returned_on = pl.coalesce("submitted_on", run), pl.coalesce("returned_on", run)
    calls: list[_Event] = [
        ("accepted", known.filter(accepted), funding, payable, run),
        ("submitted", known.filter(~state.is_in(NOT_SENT)), payable, clearing, sent),
        ("rejected", known.filter(state == "provider_rejected"), clearing, funding, run),
        ("returned", known.filter(state == "returned"), clearing, pl.lit(RETURNS), returned_on),
    ]
    return _posted(calls, turned=pl.col("credit_debit") == "DBIT")


def of_claims(states: pl.DataFrame, claims: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """What the MATCHES of these payments call for: the bank's side, exchanges and differences."""
    payments = states.select("payment_id", "provider", "account", "credit_debit")
    clearing, bank = pl.format("provider:{}:clearing", "provider"), pl.format("bank:{}", "account")
    rows = with_subject(claims).join(payments, on="payment_id", how="inner").with_columns(_named(pl.col("provider")))
    rows = rows.with_columns(foreign=pl.col("entry_currency") != pl.col("currency"))
    booked, back = rows.filter(pl.col("kind").is_in(BOOKS)), rows.filter(pl.col("kind") == "return")
    day_of = pl.coalesce("value_date", pl.lit(day))
    bank_side = booked.with_columns(amount_minor="entry_minor", currency="entry_currency")
    position = pl.coalesce("difference_account", pl.format("fx:{}", "provider"))
    calls: list[_Event] = [
        ("settled", bank_side, pl.when("foreign").then(position).otherwise(clearing), bank, day_of),
        ("exchanged", booked.filter("foreign"), clearing, position, day_of),
        ("exchanged_back", back.filter("foreign"), position, clearing, day_of),
    ]
    native = ~pl.col("foreign") & pl.col("difference_account").is_not_null()
    both = [
        _differences("difference", booked.filter(native), pl.col("amount_minor") - pl.col("entry_minor"), day),
        _differences("return_difference", back.filter(native), pl.col("entry_minor") - pl.col("amount_minor"), day),
    ]
    return pl.concat([_posted(calls, turned=pl.col("credit_debit") == "DBIT"), *both])


def with_subject(claims: pl.DataFrame) -> pl.DataFrame:
    """MATCHES with the `subject` of their postings: the payment, and its entry where several claims book it."""
    books = pl.col("kind").is_in(BOOKS)
    several = books & pl.when(books).then("payment_id").is_duplicated()
    if not claims.select(several.any()).item():
        return claims.with_columns(subject="payment_id")
    whole = pl.format("{}/{}", "payment_id", "entry_id")
    return claims.with_columns(subject=pl.when(several).then(whole).otherwise("payment_id"))


def calling(entries: pl.DataFrame, claims: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """The ENTRIES that call for postings of their own, or have some; not those that do no more than book payments.

    Args:
        entries: ENTRIES.
        claims: MATCHES of them.
        posted: POSTINGS on them.
    """
    other = claims.filter(~pl.col("kind").is_in(BOOKS))["entry_id"]
    asking = pl.concat([other, posted["subject"].alias("entry_id")]).implode()
    return entries.filter(~pl.col("entry_id").is_in(claims["entry_id"].implode()) | pl.col("entry_id").is_in(asking))


def of_entries(
    booked: pl.DataFrame, claims: pl.DataFrame, fundings: pl.DataFrame, providers: Mapping[str, str], day: dt.date
) -> pl.DataFrame:
    """What the entries call for, but settlements, which are posted claim by claim."""
    named = booked.with_columns(provider=pl.col("account").replace(dict(providers)), subject="entry_id")
    clearing, bank = pl.format("provider:{}:clearing", "provider"), pl.format("bank:{}", "account")
    kinds = claims.group_by("entry_id").agg(
        kind=pl.col("kind").first(), difference_account=pl.col("difference_account").first(),
        foreign=(pl.col("entry_currency") != pl.col("currency")).any(),
    )  # fmt: skip
    paid_in = fundings.select("entry_id", "client")
    rows = named.join(kinds, on="entry_id", how="left").join(paid_in, on="entry_id", how="left").with_columns(
        _named(pl.col("provider"))
    )  # fmt: skip
    kind, free, funded = pl.col("kind"), pl.col("kind").is_null(), pl.col("client").is_not_null()
    position = pl.coalesce("difference_account", pl.format("fx:{}", "provider"))
    of_return = pl.when("foreign").then(position).otherwise(clearing)
    value = pl.coalesce("value_date", "booking_date", pl.lit(day))
    calls: list[_Event] = [
        ("returned", rows.filter(kind == "return"), of_return, bank, value),
        ("corrected", rows.filter(kind == "correction"), clearing, bank, value),
        ("fee", rows.filter(free & is_fee()), pl.format("fees:{}", "provider"), bank, value),
        ("funded", rows.filter(free & funded), pl.format("client:{}:funding", "client"), bank, value),
        ("unknown", rows.filter(free & ~is_fee() & ~funded), pl.lit(SUSPENSE), bank, value),
    ]
    return _posted(calls, turned=pl.col("credit_debit") == "CRDT")


def of_adjustments(adjustments: pl.DataFrame) -> pl.DataFrame:
    """What persons wrote off, from the account that it stood on to the one that takes it."""
    rows = adjustments.with_columns(subject="adjustment_id")
    calls: list[_Event] = [("written_off", rows, pl.col("account"), pl.col("relieved"), pl.col("day"))]
    return _posted(calls, turned=pl.col("credit_debit") == "CRDT")


def _differences(event: str, rows: pl.DataFrame, left: pl.Expr, day: dt.date) -> pl.DataFrame:
    """One posting a payment: what of its order the bank did not move (`left`), or moved besides."""
    by_payment = rows.group_by("payment_id", "provider", "credit_debit", "currency", "difference_account").agg(
        left=left.sum(), day=pl.col("value_date").max()
    )
    twice = by_payment.filter(pl.col("payment_id").is_duplicated())["payment_id"].unique().sort()
    if not twice.is_empty():
        raise FrameBroken(f"differences of one payment go to several accounts: {', '.join(twice.head(5))}")
    rest = by_payment.with_columns(subject="payment_id", amount_minor=pl.col("left").abs())
    clearing, named = pl.format("provider:{}:clearing", "provider"), pl.col("difference_account")
    turned = (pl.col("credit_debit") == "DBIT") != (pl.col("left") < 0)
    return _posted([(event, rest, clearing, named, pl.coalesce("day", pl.lit(day)))], turned=turned)


def _named(provider: pl.Expr) -> pl.Expr:
    name, own = pl.col("difference_account"), pl.format("{}:{}", "difference_account", provider)
    return pl.when(name.is_in(_OF_PROVIDER)).then(own).otherwise(name).alias("difference_account")


def _posted(calls: list[_Event], *, turned: pl.Expr) -> pl.DataFrame:
    """POSTINGS without their order: where `turned`, debit and credit change places. Nothing is posted of nothing."""
    return pl.concat(
        rows.filter(pl.col("amount_minor") > 0).select(
            pl.format("{}:{}", pl.lit(event), "subject").alias("posting_id"),
            pl.lit(event).alias("event"),
            "subject",
            pl.when(turned).then(credit).otherwise(debit).alias("debit_account"),
            pl.when(turned).then(debit).otherwise(credit).alias("credit_account"),
            "amount_minor",
            "currency",
            on.alias("day"),
        )
        for event, rows, debit, credit, on in calls
    )
