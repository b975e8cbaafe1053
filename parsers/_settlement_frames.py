"""Mapped rows of a settlement CSV become ENTRIES and STATEMENTS, or STATUSES.

A row is one entry on our account at the provider, of the net amount. Where it costs something it has two details: the gross
amount and the fee, which add up to the net.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.frames import ENTRIES, STATEMENTS, STATUSES, conform, dtypes
from canonical.identifiers import make_id
from canonical.limits import BEYOND_A_SUM, ENTRY_MINOR_MAX
from canonical.money import amount_text, beyond_a_sum
from parsers._nacha_findings import Fault
from parsers._settlement_options import RETURNS, SettlementOptions

_NET_HOLDS: Final = "Ask the provider which of the figures is right; until then the net amount and the fees hold."
_AGAIN: Final = "Nothing of the file is used. Ask the provider what changed, or correct the mapping in the profile."
_NARRATIVE: Final = "NARR"
_ABROAD: Final = "The gross amount is in another currency than the account, and the row has no net amount."
KINDS: Final = ("status", "return", "correction")


def _fault(rule: str, reason: str, field: str, severity: Severity = Severity.FATAL) -> Fault:
    return Fault(f"settlement-csv-{rule}", reason, severity, Level.PAYMENT, field, _AGAIN)


def settled(rows: pl.DataFrame, options: SettlementOptions) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows with `means`, net, fee and gross made of one another, `statement` and `position`; and what is wrong.

    Rows whose type is to be ignored are left out.
    """
    texts = {name: pl.String for name in ("type", "statement", "gross_currency") if name not in rows.columns}
    rows = rows.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in texts.items())
    meant = pl.col("type").replace_strict(options.types, default=None, return_dtype=pl.String)
    rows = rows.with_columns(means=meant if options.types else pl.lit("payment"))
    unknown = _fault("type", "CH16", "type").on(
        rows.filter(pl.col("means").is_null()),
        pl.when(pl.col("type").is_null())
        .then(pl.lit("The row has no type."))
        .otherwise(pl.lit("The profile does not say what this type means.")),
        pl.col("type").str.head(60),
    )
    rows = rows.filter(pl.col("means").ne_missing("ignore"))
    abroad = (pl.col("gross_currency").str.to_uppercase() != pl.col("currency")).fill_null(value=False)
    fee = pl.col("fee").fill_null(0)
    net = pl.coalesce("net", pl.when(~abroad).then(pl.col("gross") - fee))
    rows = rows.with_columns(net=net, fee=fee, abroad=abroad)
    local = rows.with_columns(whole=pl.col("net") + pl.col("fee"))
    findings = [unknown, *_wrong(local)]
    named = pl.coalesce("statement", pl.col("booking_date").cast(pl.String).min().over("account", "currency"))
    # A statement is known by its account and id: two currencies of one batch or day are two.
    several = pl.col("currency").n_unique().over("account", "statement") > 1
    by_currency = pl.when(several).then(pl.format("{} {}", "statement", "currency")).otherwise("statement")
    return local.with_columns(named.alias("statement")).with_columns(by_currency.alias("statement")).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account", "currency", "statement").alias("position")
    ), findings


def _wrong(rows: pl.DataFrame) -> list[pl.DataFrame]:
    elsewhere = pl.col("abroad") & pl.col("gross").is_not_null()
    needed = [
        _fault("missing", "CH21", name).on(
            rows.filter(pl.col(name).is_null()),
            f"The row has no {words}."
            if name != "net"
            else pl.when(elsewhere).then(pl.lit(_ABROAD)).otherwise(pl.lit("The row has no amount.")),
        )
        for name, words in (
            ("account", "account"),
            ("currency", "currency"),
            ("booking_date", "date"),
            ("net", "amount"),
        )
    ]
    over = rows.filter((pl.col("net").abs() > ENTRY_MINOR_MAX) | (pl.col("whole").abs() > ENTRY_MINOR_MAX))
    large = _fault("value", "AM12", "net").on(over, "The amounts of the row are too large together.")
    if beyond_a_sum(rows["net"]) or beyond_a_sum(rows["fee"]):
        needed.append(_fault("limit", "AM02", "net").at(1, BEYOND_A_SUM))
    shown = [
        pl.when(minor < 0).then(pl.lit("-")).otherwise(pl.lit("")) + amount_text(minor.abs(), pl.col("currency"))
        for minor in (pl.col("gross"), pl.col("fee"), pl.col("net"))
    ]
    differs = rows.filter(~pl.col("abroad") & (pl.col("gross") != pl.col("whole")))
    message = pl.format(
        "Gross {} − fees {} is not net {} {}.",
        *(item.fill_null("?") for item in shown),
        pl.col("currency").fill_null("?"),
    )
    wrong = replace(_fault("sum", "AM10", "net", Severity.ERROR), remedy=_NET_HOLDS)
    return [*needed, large, wrong.on(differs, message)]


def entries_of(rows: pl.DataFrame, options: SettlementOptions) -> pl.DataFrame:
    """ENTRIES: a row without costs as a whole, one with costs as its gross amount and its fee."""
    has_fee = (pl.col("fee") != 0) & (pl.col("whole") != 0)
    alone = rows.filter(~has_fee).with_columns(detail=pl.lit(0, dtype=pl.Int64), minor="net")
    both = rows.filter(has_fee)
    gross = both.with_columns(detail=pl.lit(1, dtype=pl.Int64), minor="whole")
    fees = both.with_columns(detail=pl.lit(2, dtype=pl.Int64), minor=-pl.col("fee"), means=pl.lit("fee"))
    parts = pl.concat([alone, gross, fees]).sort("row", "detail")
    means = pl.col("means")
    reason = (
        pl.col("type").replace_strict(options.reasons, default=_NARRATIVE, return_dtype=pl.String)
        if options.reasons
        else pl.lit(_NARRATIVE)
    )
    only_fee = (pl.col("detail") == 0) & (pl.col("net") == -pl.col("fee")) & (pl.col("fee") != 0)
    told = parts.with_columns(
        amount_minor=pl.col("minor").abs(), entry_amount_minor=pl.col("net").abs(),
        credit_debit=pl.when(pl.col("minor") < 0).then(pl.lit(CreditDebit.DBIT.value)).otherwise(pl.lit(CreditDebit.CRDT.value)),
        reversal=pl.lit(value=False), booked=pl.lit(value=True),
        sub_family=pl.when((means == "fee") | only_fee).then(pl.lit("FEES")),
        return_reason=pl.when(means.is_in(RETURNS)).then(reason),
        additional=pl.concat_str("means", "type", separator=": ", ignore_nulls=True),
    ).rename({"statement": "statement_id", "reference": "servicer_reference"}, strict=False)  # fmt: skip
    ids = [
        make_id("E", *(str(item) for item in key))
        for key in told.select("account", "statement_id", "currency", "position", "detail").iter_rows()
    ]
    told = told.with_columns(pl.Series("entry_id", ids, dtype=pl.String))
    return conform(told.select(name for name in dtypes(ENTRIES) if name in told.columns), ENTRIES)


def statements_of(rows: pl.DataFrame) -> pl.DataFrame:
    """STATEMENTS: one row an account, currency and batch or payout; a report has no balances."""
    net = pl.col("net")
    grouped = rows.group_by("account", "statement", "currency", maintain_order=True).agg(
        pl.col("booking_date").min().alias("from_date"), pl.col("booking_date").max().alias("to_date"),
        pl.len().cast(pl.Int64).alias("entries"), net.filter(net > 0).sum().alias("credits_minor"),
        (-net.filter(net < 0)).sum().alias("debits_minor"),
    )  # fmt: skip
    return conform(grouped.rename({"statement": "statement_id"}), STATEMENTS)


def stated(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows with `kind`; and what is wrong with them."""
    kind = pl.col("kind").fill_null("status") if "kind" in rows.columns else pl.lit("status")
    rows = rows.with_columns(kind.alias("kind"))
    odd = rows.filter(~pl.col("kind").is_in(KINDS))
    silent = rows.filter(pl.col("status").is_null() & (pl.col("kind") == "status"))
    message = f"The kind is none of {', '.join(KINDS)}."
    return rows, [
        _fault("kind", "CH16", "kind").on(odd, message, pl.col("kind")),
        _fault("missing", "CH21", "status").on(silent, "The row has no status."),
    ]


def statuses_of(rows: pl.DataFrame) -> pl.DataFrame:
    """STATUSES: one a row, at payment level."""
    names = {
        "reference": "trace", "message_id": "original_message_id", "batch_id": "original_batch_id",
        "instruction_id": "original_instruction_id", "end_to_end_id": "original_end_to_end_id",
    }  # fmt: skip
    told = rows.with_columns(
        level=pl.lit(Level.PAYMENT.value), position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        amount_minor=pl.col("amount").abs(),
    ).rename(names, strict=False)  # fmt: skip
    return conform(told.select(name for name in dtypes(STATUSES) if name in told.columns), STATUSES)
