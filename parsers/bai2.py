"""BAI2, cash management balance reports: balances and transactions of accounts, as American banks send them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Feedback, Model, Source
from canonical.frames import BALANCES, ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, dtypes, empty
from canonical.identifiers import make_id
from canonical.profiles import CurrencyCode
from parsers._bai_details import details, summaries
from parsers._bai_findings import (
    Found,
    account_findings,
    detail_findings,
    file_findings,
    sum_findings,
    total_findings,
)
from parsers._bai_records import MARKS, Place, records, unblocked
from parsers._bai_structure import (
    FILE_FIELDS,
    FINAL,
    GROUP_FIELDS,
    PREVIOUS_DAY,
    VERSIONS,
    account_totals,
    accounts_of,
    day_of,
    headers,
    outer_totals,
    trailers,
)
from parsers._bai_types import CLOSING, FEES, OPENING, RETURNS, REVERSALS, TOTAL_CREDITS, TOTAL_DEBITS
from parsers._nacha_findings import gathered
from parsers._text_lines import Encoding, foreign_finding, lines

_DATE: Final = rb" *[0-9]{6}(?:[0-9]{2})? *"
_SNIFF: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?[\s\x01\x02]*(?:01 *,(?:[^,\r\n]*,[^,\r\n]*," + _DATE + rb",|[^\r\n]{0,200}[\r\n]+ *88 *,)"
    rb"|02 *,[^,\r\n]*,[^,\r\n]*, *[0-9]? *," + _DATE + rb",)"
)
"""A file header, with its creation date or continued before it; or a group header, of a file whose header is missing."""


class BaiOptions(Model):
    """`currency`: where neither account nor group says one. `modifier`: as-of-date modifier of groups that say none."""

    encoding: Encoding = "swift"
    currency: CurrencyCode = "USD"
    modifier: Literal["1", "2", "3", "4"] = "2"


@dataclass(frozen=True, slots=True)
class Bai2:
    """The format. See docs/formats/bai2.md."""

    name: str = "bai2"
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = BaiOptions

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with a file header record, or a group header with its as-of date."""
        return _SNIFF.match(head) is not None

    def read(self, source: Source, options: BaiOptions) -> Feedback:
        """STATEMENTS, one row an account of a group, and ENTRIES, one row a record 16. Never raises for the provider."""
        found, heads, foreign = _found(source, options)
        statements = _statements(found)
        findings = gathered(
            [*file_findings(found, heads), *total_findings(found), *account_findings(found), *detail_findings(found),
             *sum_findings(found, statements), foreign_finding(foreign, options.encoding, self.name)]
        )  # fmt: skip
        fatal = findings["severity"].is_in([Severity.FATAL.value]).any()
        return Feedback(
            self.name, _version(heads), heads["file_id"][0] if heads.height else None, empty(STATUSES),
            empty(STATEMENTS) if fatal else _frame(statements), empty(ENTRIES) if fatal else _entries(found),
            checked(findings, FINDINGS),
            empty(BALANCES) if fatal else _balances(found),
        )  # fmt: skip


def _version(heads: pl.DataFrame) -> str:
    said = heads["version"][0] if heads.height else None
    return VERSIONS.get(said or "", VERSIONS["2"])


def _found(source: Source, options: BaiOptions) -> tuple[Found, pl.DataFrame, pl.DataFrame]:
    """All of the file, its headers (01), and lines with foreign bytes. Windows give records; only details are many."""
    place, kept, rows, stray, foreign = Place(), [], [], [], []
    for window in lines(unblocked(source.data), options.encoding, MARKS):
        part = records(window.frame, place)
        kept.append(part.frame.filter(pl.col("code") != "16"))
        rows.append(details(part.frame))
        stray.append(part.stray)
        foreign.append(window.foreign)
        place = part.after
    outer, details_ = pl.concat(kept), pl.concat(rows)
    heads = headers(outer, "01", FILE_FIELDS)
    starts = headers(outer, "02", GROUP_FIELDS)
    accounts = accounts_of(outer, starts, options.currency, options.modifier)
    told, unread = summaries(accounts)
    sums = pl.concat(
        [
            told.select("account", pl.col("amount_minor").alias("found")),
            details_.select("account", pl.col("signed").alias("found")),
        ]
    )
    accounts = account_totals(
        accounts, trailers(outer, "49"), sums.group_by("account").agg(pl.col("found").cast(pl.Int128).sum())
    )
    unreadable = details_.filter(pl.col("amount_minor").is_null() & pl.col("kind").ne_missing("none"))
    accounts = accounts.with_columns(lost=pl.col("account").is_in(unreadable["account"].unique().implode()))
    groups = outer_totals(starts, trailers(outer, "98"), accounts, "group")
    whole = outer_totals(heads, trailers(outer, "99"), groups, "file")
    accounts = _named(accounts.join(_said(details_), on="account", how="left", maintain_order="left"))
    placed = _placed(details_, accounts)
    return (
        Found(whole, groups, accounts, placed, told, unread, pl.concat(stray), place.physical),
        heads,
        pl.concat(foreign),
    )


def _said(rows: pl.DataFrame) -> pl.DataFrame:
    """account, `said`: all that the details of an account say, to know the same report again."""
    words = ("code", "amount_text", "value", "bank_reference", "customer_reference", "remittance")
    record = pl.concat_str([pl.col(name).fill_null("") for name in words], separator=",")
    return rows.group_by("account").agg(record.str.join("\n").alias("said"))


def _named(accounts: pl.DataFrame) -> pl.DataFrame:
    """`statement_id`: the as-of date; of interim data with time and modifier, of an account's second report with its number."""
    final = pl.col("modifier").is_in(FINAL)
    words = pl.when(final).then(pl.lit("same day")).otherwise(pl.lit("interim"))
    interim = pl.format(" {} {}", pl.col("as_of_time").fill_null("-"), words)
    name = pl.format(
        "{}{}", pl.col("day").cast(pl.String).fill_null("-"), pl.when(final).then(pl.lit("")).otherwise(interim)
    )
    previous = pl.col("modifier").is_in(PREVIOUS_DAY)
    origin = pl.when(previous).then(pl.lit("statement")).otherwise(pl.lit("report"))
    frame = accounts.with_columns(name.alias("statement_id"), (final & previous).alias("final"), origin.alias("origin"))
    again = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("number", "statement_id")
    frame = frame.with_columns(again.alias("again"))
    suffix = pl.when(pl.col("again") > 1).then(pl.format(" no. {}", "again")).otherwise(pl.lit(""))
    return frame.with_columns((pl.col("statement_id") + suffix).alias("statement_id"))


def _placed(rows: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """The details with what their accounts know, `position`, and whether they are entries and booked."""
    known = accounts.select(
        "account",
        "statement_id",
        "number",
        "currency",
        "day",
        "final",
        "origin",
        pl.col("status").alias("group_status"),
    )
    placed = rows.join(known, on="account", how="left", maintain_order="left")
    value = pl.when(pl.col("funds") == "V").then(day_of(pl.col("value")))
    detail = (pl.col("kind").is_in(["detail", "item"]) | pl.col("kind").is_null()) & pl.col(
        "credit_debit"
    ).is_not_null()
    return placed.with_columns(
        pl.when(pl.col("funds") == "0").then("day").otherwise(value).alias("value_date"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account").alias("position"),
        detail.alias("is_entry"),
        (pl.col("final") & (pl.col("group_status") == "1") & pl.col("kind").ne_missing("item")).fill_null(value=False).alias("booked"),
        pl.when(pl.col("account") > 0).then("account").alias("batch"), pl.col("statement_id").alias("batch_id"),
    )  # fmt: skip


def _statements(found: Found) -> pl.DataFrame:
    """One row an account: its balances (010, 015), declared totals (100, 400), and the sums of its booked entries."""
    codes = {
        "opening_minor": OPENING,
        "closing_minor": CLOSING,
        "declared_credits": TOTAL_CREDITS,
        "declared_debits": TOTAL_DEBITS,
    }
    balances = found.summaries.group_by("account").agg(
        *(pl.col("amount_minor").filter(pl.col("code") == code).first().alias(name) for name, code in codes.items()),
        *(pl.col("count").filter(pl.col("code") == code).first().alias(name)
          for name, code in (("number_of_credits", TOTAL_CREDITS), ("number_of_debits", TOTAL_DEBITS))),
    )  # fmt: skip
    entries = found.details.filter("is_entry")
    counted = pl.col("kind").ne_missing("item")
    sums = entries.group_by("account").agg(
        pl.len().cast(pl.Int64).alias("entries"),
        *(pl.col("amount_minor").filter(counted & (pl.col("credit_debit") == side)).sum().alias(f"{name}_minor")
          for name, side in (("credits", "CRDT"), ("debits", "DBIT"))),
    )  # fmt: skip
    joined = found.accounts.join(balances, on="account", how="left", maintain_order="left").join(
        sums, on="account", how="left", maintain_order="left"
    )
    zeros = pl.col("entries", "credits_minor", "debits_minor").fill_null(0)
    return joined.with_columns(zeros, pl.col("account").alias("account_ordinal"))


def _frame(statements: pl.DataFrame) -> pl.DataFrame:
    return conform(
        statements.select(
            "statement_id", pl.col("number").alias("account"), "currency", "origin", "opening_minor", "closing_minor", "entries",
            "credits_minor", "debits_minor", pl.col("day").alias("from_date"), pl.col("day").alias("to_date"),
            pl.concat_str("as_of", "as_of_time", separator=" ", ignore_nulls=True).alias("created"),
            *(pl.when(pl.col(f"declared_{side}") >= 0).then(f"declared_{side}").alias(f"declared_{side}_minor")
              for side in ("credits", "debits")),
            *(pl.col(f"number_of_{side}").alias(f"declared_{side}") for side in ("credits", "debits")),
        ),
        STATEMENTS,
    )  # fmt: skip


def _balances(found: Found) -> pl.DataFrame:
    """BALANCES: what the accounts state, but for totals."""
    known = found.accounts.select("account", "statement_id", "number", "currency", pl.col("day").alias("date"))
    stated = found.summaries.filter((pl.col("kind") == "balance") & pl.col("amount_minor").is_not_null())
    placed = stated.drop("kind").join(known, on="account", how="inner", maintain_order="left")
    position = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account")
    named = placed.select(
        "statement_id", pl.col("number").alias("account"), position.alias("position"), pl.col("code").alias("kind"),
        pl.col("amount_minor").alias("balance_minor"), "currency", "date",
    )  # fmt: skip
    return conform(named, BALANCES)


def _entries(found: Found) -> pl.DataFrame:
    rows = found.details.filter("is_entry")
    ids = [
        make_id("E", account, statement_id, str(position), "0")
        for account, statement_id, position in rows.select("number", "statement_id", "position").iter_rows()
    ]
    told = rows.drop("account", "batch_id").with_columns(
        pl.Series("entry_id", ids, dtype=pl.String), pl.col("number").alias("account"), pl.col("day").alias("booking_date"),
        pl.col("code").alias("proprietary"), pl.col("meaning").alias("additional"),
        pl.col("bank_reference").alias("servicer_reference"), pl.col("customer_reference").alias("instruction_id"),
        entry_amount_minor="amount_minor", detail=pl.lit(0, dtype=pl.Int64), status=pl.when("booked").then(pl.lit("BOOK")), reversal=pl.col("code").is_in(REVERSALS),
        return_reason=pl.when(pl.col("code").is_in(RETURNS)).then(pl.lit("NARR")),
        sub_family=pl.when(pl.col("code").is_in(FEES)).then(pl.lit("FEES")),
    )  # fmt: skip
    return conform(told.select(name for name in dtypes(ENTRIES) if name in told.columns), ENTRIES)


FORMAT: Final = Bai2()
