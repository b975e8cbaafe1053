"""Settlement: what became of each submission in money and in time, and what stood on our accounts for it by value date."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.calendars import closing_days
from canonical.money import amount_text
from reconciliation.events import BOOKS
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, NOT_SENT, OPEN

CALENDARS: Final = {"submission_id": pl.String, "calendar": pl.String}
"""Schema: the calendar of the rail that a submission went with; one that is not named counts weekdays."""
_WEEKDAYS: Final = "weekdays"
_KEYS: Final = ("provider", "account", "currency", "credit_debit", "submission_id")


def submissions(states: pl.DataFrame, opening: pl.DataFrame | None) -> pl.DataFrame:
    """What became of each submission, counted and summed in minor units, and whether it is `shown`: it moved or is open.

    Those of parts of the payments are put together by `together`. `opening`: STATES at the last close of these payments;
    none: there was none.
    """
    sent = states.filter(~pl.col("state").is_in(NOT_SENT))
    still = sent.clear() if opening is None else opening
    moved = sent.select("payment_id", "state").join(
        still.select("payment_id", "state", still=pl.lit(value=True)), on=["payment_id", "state"], how="left",
        maintain_order="left",
    )["still"].is_null()  # fmt: skip
    amount, state = pl.col("amount_minor"), pl.col("state")
    return sent.with_columns(moved=moved).group_by(_KEYS).agg(
        payments=pl.len().cast(pl.Int64),
        gross=amount.sum(),
        rejects=amount.filter(state == "provider_rejected").sum(),
        outstanding=amount.filter(state.is_in(OPEN)).sum(),
        settled=amount.filter(state.is_in(BOOKED)).sum(),
        returns=amount.filter(state == "returned").sum(),
        submitted_on=pl.col("submitted_on").min(),
        execution_date=pl.col("execution_date").max(),
        actual_date=pl.col("value_date").max(),
        shown=(pl.col("moved") | state.is_in(OPEN)).any(),
    )  # fmt: skip


def together(parts: pl.DataFrame) -> pl.DataFrame:
    """The rows of `submissions` of several parts of the payments as one row a submission."""
    return parts.group_by(_KEYS).agg(
        pl.sum("payments", "gross", "rejects", "outstanding", "settled", "returns"),
        pl.min("submitted_on"), pl.max("execution_date", "actual_date"), pl.any("shown"),
    )  # fmt: skip


def settlement(
    of_submissions: pl.DataFrame, claimed: pl.DataFrame, entries: pl.DataFrame, matches: pl.DataFrame, day: dt.date,
    calendars: pl.DataFrame,
) -> pl.DataFrame:  # fmt: skip
    """One row a submission that moved in the period or is still open. Amounts in minor units, net signed on our account.

    gross = rejects + outstanding + settled; net is what the account gained: the settled amount less returns, negative
    for credit transfers, less fees (charges that name the submission, and those taken from amounts) and other
    differences. `fx`: what the account moved in its own currency, where that is another. `expected_days` and `actual_days`: business
    days of the rail from submission to settlement (T+n); the expected date is the execution date that routing planned with
    the rail's lead days.

    Args:
        of_submissions: of `submissions`.
        claimed: STATES of the payments that the matches claim, at least.
        entries: ENTRIES.
        matches: MATCHES.
        day: business date of the close.
        calendars: CALENDARS.
    """
    rows, shown = of_submissions.filter("shown").drop("shown"), _shown(claimed, of_submissions)
    told = (
        rows.join(_bank_words(entries, matches, shown), on="submission_id", how="left")
        .join(_charges(entries), on=["account", "currency", "submission_id"], how="left")
        .join(_between(shown, matches), on="submission_id", how="left")
        .join(calendars, on="submission_id", how="left")
    )
    sign = pl.when(pl.col("credit_debit") == "CRDT").then(-1).otherwise(1)
    fees = pl.col("fees").fill_null(0) + pl.col("taken").fill_null(0)
    other = pl.col("other").fill_null(0)
    timed = _timed(told, day)
    return timed.select(
        *_KEYS, "payments", "gross", "rejects", "outstanding", "settled", "returns", fees=fees, differences=other,
        fx="fx", net=sign * (pl.col("settled") - pl.col("returns")) - fees - other, bank_reference="bank_reference",
        submitted_on="submitted_on", expected_date="expected_date", expected_days="expected_days", actual_date="actual_date",
        actual_days="actual_days", late_days="late_days", late="late",
    ).sort("provider", "account", "currency", "expected_date", "submission_id", nulls_last=True)  # fmt: skip


def by_value_date(
    of_submissions: pl.DataFrame, claimed: pl.DataFrame, entries: pl.DataFrame, matches: pl.DataFrame
) -> pl.DataFrame:
    """What the bank booked of the submissions that `settlement` shows: a row an account, currency, value date and submission.

    Amounts are the entries' own, in the account's currency: settled, returned, fees; net signed on our account. The
    arguments are those of `settlement`.
    """
    shown = _shown(claimed, of_submissions)
    of_payment = shown.select("payment_id", "provider", "account", "submission_id", "credit_debit")
    sign = pl.when(pl.col("credit_debit") == "CRDT").then(-1).otherwise(1)
    kind, moved = pl.col("kind"), pl.col("entry_minor")
    claimed = matches.join(of_payment, on="payment_id", how="inner").join(
        entries.select("entry_id", "servicer_reference"), on="entry_id", how="left"
    )
    keys = ["provider", "account", "currency", "value_date", "submission_id"]
    booked = claimed.with_columns(currency="entry_currency").group_by(keys).agg(
        payments=kind.is_in(BOOKS).sum().cast(pl.Int64),
        settled=moved.filter(kind.is_in(BOOKS)).sum(),
        returned=moved.filter(kind == "return").sum(),
        moved=(sign * moved).filter(kind.is_in(BOOKS)).sum() - (sign * moved).filter(kind == "return").sum(),
        bank_reference=_references(),
    )  # fmt: skip
    places = of_submissions.filter("shown").select("provider", "account", "submission_id").unique()
    charges = _charges(entries, "value_date").join(places, on=["account", "submission_id"], how="inner")
    both = booked.join(charges, on=keys, how="full", coalesce=True, nulls_equal=True)
    money = ("payments", "settled", "returned", "moved", "fees")
    filled = both.with_columns(pl.col(money).fill_null(0))
    return filled.select(
        *keys, "payments", "settled", "returned", "fees", net=pl.col("moved") - pl.col("fees"), bank_reference="bank_reference"
    ).sort(keys, nulls_last=True)  # fmt: skip


def _shown(claimed: pl.DataFrame, of_submissions: pl.DataFrame) -> pl.DataFrame:
    """STATES of the payments whose submission is shown."""
    return claimed.join(of_submissions.filter("shown"), on="submission_id", how="semi", maintain_order="left")


def _timed(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """With expected_date, expected_days, actual_days (business days of the rail since submission), late_days and late in words."""
    parts = [
        _with_days(part.with_columns(calendar=pl.lit(name)), str(name), day)
        for (name,), part in rows.with_columns(pl.col("calendar").fill_null(_WEEKDAYS)).group_by("calendar")
    ]
    timed = pl.concat(parts) if parts else _with_days(rows, _WEEKDAYS, day)
    late, is_open = pl.col("late_days") > 0, pl.col("outstanding") > 0
    words = pl.when(late & is_open).then(pl.lit("open and late")).when(late).then(pl.lit("late")).otherwise(pl.lit(""))
    return timed.with_columns(late=words)


def _with_days(rows: pl.DataFrame, calendar: str, day: dt.date) -> pl.DataFrame:
    dates = rows.select(
        pl.concat([pl.col("submitted_on"), pl.col("execution_date"), pl.col("actual_date")])
    ).to_series()
    years = dates.drop_nulls().dt.year().to_list()
    daily = calendar == "every_day"
    closed = [] if daily else sorted(
        date for year in range(min(years, default=day.year), max([*years, day.year]) + 2) for date in closing_days(calendar, year)
    )  # fmt: skip
    mask = [True] * 5 + [daily] * 2

    def since(start: pl.Expr, end: pl.Expr) -> pl.Expr:
        return pl.business_day_count(start, end, week_mask=mask, holidays=closed).cast(pl.Int64)

    expected = pl.col("execution_date").dt.add_business_days(0, week_mask=mask, holidays=closed, roll="forward")
    until = pl.when(pl.col("outstanding") > 0).then(pl.lit(day)).otherwise("actual_date")
    dated = rows.with_columns(expected_date=expected, until=until)
    return dated.with_columns(
        expected_days=since(pl.col("submitted_on"), pl.col("expected_date")),
        actual_days=since(pl.col("submitted_on"), pl.col("actual_date")),
        late_days=since(pl.col("expected_date"), pl.col("until")).clip(0),
    )


def _between(shown: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """submission_id → what stood between payments and entries: `taken` as fees, `other` differences, `fx` in words."""
    rows = matches.join(shown.select("payment_id", "submission_id", "credit_debit"), on="payment_id", how="inner")
    back, turned = pl.col("kind") == "return", pl.col("credit_debit") == "DBIT"
    cost = pl.col("entry_minor") - pl.col("amount_minor")
    cost = pl.when(back != turned).then(-cost).otherwise(cost)
    native = pl.col("entry_currency") == pl.col("currency")
    named, is_fees = pl.col("difference_account"), pl.col("difference_account").str.starts_with("fees")
    foreign = rows.filter(~native & pl.col("kind").is_in(BOOKS)).group_by("submission_id", currency="entry_currency").agg(
        minor=pl.col("entry_minor").sum()
    )  # fmt: skip
    words = pl.format("{} {}", amount_text(pl.col("minor"), pl.col("currency")), "currency")
    fx = foreign.sort("submission_id", "currency").group_by("submission_id").agg(fx=words.str.join(", "))
    own = rows.filter(native & named.is_not_null()).group_by("submission_id").agg(
        taken=cost.filter(is_fees).sum(), other=cost.filter(~is_fees).sum()
    )  # fmt: skip
    return own.join(fx, on="submission_id", how="full", coalesce=True)


def _bank_words(entries: pl.DataFrame, matches: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """submission_id → the bank's reference of the entry that settled it, with how many more there are."""
    claimed = (
        matches.filter(pl.col("kind") == "settlement")
        .join(states.select("payment_id", "submission_id"), on="payment_id")
        .join(entries.select("entry_id", "servicer_reference"), on="entry_id")
    )
    return claimed.group_by("submission_id").agg(bank_reference=_references())


def _references() -> pl.Expr:
    reference = pl.col("servicer_reference")
    first, more = reference.min(), reference.drop_nulls().n_unique()
    return pl.when(more > 1).then(pl.format("{} and {} more", first, more - 1)).otherwise(first)


def _charges(entries: pl.DataFrame, *dated: str) -> pl.DataFrame:
    """What the bank's own charges that name a submission took, by account, currency and submission."""
    signed = pl.when(pl.col("credit_debit") == "DBIT").then("amount_minor").otherwise(-pl.col("amount_minor"))
    named = entries.filter(pl.col("booked") & is_fee()).with_columns(
        submission_id=pl.coalesce("batch_id", "message_id")
    )
    return named.group_by("account", "currency", "submission_id", *dated).agg(fees=signed.sum())
