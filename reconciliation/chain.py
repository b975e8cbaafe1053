"""The chain of an account's statements: the closing balance of one is the opening balance of the next.

Only statements chain: reports and notifications (camt.052, camt.054, MT942) inform within the day. Statements of an account and
currency follow one another by closing date, then sequence, page and id. A sequence may begin again at 1 (banks number by
the year), and the pages of one statement share it. Some banks number by the day: 17501 is the first of the 175th day of the year.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from canonical.frames import FINDINGS, STATEMENTS, checked, conform
from canonical.money import amount_text

_ACCOUNT: Final = ("account", "currency")
_A_DAY: Final = 100
"""Numbers that a bank which numbers by the day has for each."""
_REMEDY: Final = "Ask the provider for what is missing; until then the difference stands in the reconciliation."
_ONCE: Final = "Keep one of them; nothing of a statement is booked twice. Ask the provider which one holds."


def links(statements: pl.DataFrame) -> pl.DataFrame:
    """STATEMENTS in the order of their chain, each with the one before it in its account and currency.

    Adds `before_id`, `before_sequence`, `gap_minor` (opening less the closing before it, null where either is not known),
    `missing` (numbers left out between them, 0 where they follow one another or have none) and `repeats` (the same id, or
    the same number, page and day as the one before without going on where that ended).

    Raises:
        FrameBroken: the frame breaks its schema.
    """
    kept = checked(statements, STATEMENTS).filter(pl.col("origin").is_null() | (pl.col("origin") == "statement"))
    ordered = kept.sort(*_ACCOUNT, "to_date", "sequence", "page", "statement_id")

    def before(name: str) -> pl.Expr:
        return pl.col(name).shift(1).over(_ACCOUNT)

    step = pl.col("sequence") - before("sequence")
    dates = pl.concat_list("from_date", "to_date").list.eval(pl.element().dt.ordinal_day().cast(pl.Int64))
    daily = dates.list.contains(pl.col("sequence") // _A_DAY).fill_null(value=False)
    # The first of its day follows on the last of the day before, whatever its number was.
    new_day = daily & daily.shift(1).over(_ACCOUNT) & (pl.col("sequence") % _A_DAY == 1)
    same_page = pl.col("page").eq_missing(before("page"))
    same_day = pl.col("to_date").eq_missing(before("to_date"))
    # Banks that do not count pages give each the same number: one that goes on from the other does not repeat it.
    opening = pl.col("opening_minor")
    goes_on = (opening == before("closing_minor")) & (opening != before("opening_minor"))
    return ordered.with_columns(
        before_id=before("statement_id"),
        before_sequence=before("sequence"),
        gap_minor=pl.col("opening_minor") - before("closing_minor"),
        missing=pl.when((step > 1) & ~new_day.fill_null(value=False)).then(step - 1).otherwise(0),
        repeats=(
            (pl.col("statement_id") == before("statement_id"))
            | ((step == 0) & (pl.col("sequence") > 0) & same_page & same_day & ~goes_on.fill_null(value=False))
        ).fill_null(value=False),
    )


def chain_findings(statements: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS of a set of statements: gaps in their numbers, balances that do not follow on, statements that come twice.

    | rule | severity | when |
    |---|---|---|
    | statement-repeated | warning | the same number, page and day of an account twice |
    | statement-chain | error | opens with another balance than the one before closed with |
    | statement-gap | warning | numbers are missing, though the balances follow on |
    """
    linked = links(statements)
    shown = amount_text(pl.col("gap_minor").abs(), pl.col("currency"))
    away = (
        pl.when(pl.col("missing") > 0)
        .then(pl.format(" ({} between them are missing)", "missing"))
        .otherwise(pl.lit(""))
    )
    chained = (pl.col("gap_minor") == 0).fill_null(value=True)
    told = (
        (pl.col("repeats"), "statement-repeated", "DU01", Severity.WARNING, _ONCE,
         pl.format("Statement {} of this account comes again as {}.", "before_id", "statement_id")),
        (~pl.col("repeats") & ~chained, "statement-chain", "AM10", Severity.ERROR, _REMEDY,
         pl.format("Statement {} opens {} {} away from the closing balance of {}{}.", "statement_id", shown, "currency", "before_id", away)),
        (~pl.col("repeats") & chained & (pl.col("missing") > 0), "statement-gap", "TD03", Severity.WARNING, _REMEDY,
         pl.format("Missing: {} between {} and {}; the balances follow on.", count_said("missing", "statement"), "before_id", "statement_id")),
    )  # fmt: skip
    parts = [
        linked.filter(broken).select(
            rule=pl.lit(rule), reason=pl.lit(reason), severity=pl.lit(severity.value), level=pl.lit(Level.BATCH.value),
            batch_id="statement_id", field=pl.lit("account"), value=_masked(pl.col("account")), message=message,
            remedy=pl.lit(remedy),
        )
        for broken, rule, reason, severity, remedy, message in told
    ]  # fmt: skip
    return conform(pl.concat(parts), FINDINGS)


def _masked(account: pl.Expr) -> pl.Expr:
    long = account.str.len_chars() > 8  # noqa: PLR2004  four at each end are shown
    return pl.when(long).then(account.str.head(4) + pl.lit("…") + account.str.tail(4)).otherwise(pl.lit("…"))
