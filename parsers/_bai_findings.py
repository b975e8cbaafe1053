"""What is wrong with a BAI2 file: structure, control totals and counts at three levels, types, amounts, balances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.currencies import CURRENCIES
from canonical.limits import BEYOND_A_SUM
from canonical.money import amount_text, beyond_a_sum
from parsers._bai_structure import VERSIONS
from parsers._nacha_findings import Fault

_AGAIN: Final = "The provider must send the file again; nothing of it is booked."
_ASK: Final = "Ask the provider for a correct report; until then the difference stands in the reconciliation."
_TOLD: Final = "Tell the provider. The report is read as far as it goes."
_REMEDIES: Final = {Severity.FATAL: _AGAIN, Severity.ERROR: _ASK, Severity.WARNING: _TOLD}
_NEGATIVE: Final = "The amount is negative: the type code alone says which side it is on."
_NO_AMOUNT: Final = "The amount is no number of minor units."
_CORRECTION, _DELETION, _TEST = "3", "2", "4"


def _fault(rule: str, reason: str, severity: Severity, level: Level, field: str) -> Fault:
    return Fault(f"bai2-{rule}", reason, severity, level, field, _REMEDIES[severity])


@dataclass(frozen=True, slots=True)
class Found:
    """All frames of one file, as `_bai_structure` and `_bai_details` make them."""

    files: pl.DataFrame
    groups: pl.DataFrame
    accounts: pl.DataFrame
    details: pl.DataFrame
    summaries: pl.DataFrame
    unread: pl.DataFrame
    stray: pl.DataFrame
    records: int


def _of_accounts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(batch="account", batch_id="statement_id")


def file_findings(found: Found, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A file that is none, is cut off, is of another version; lines that are no record."""
    whole = _fault("file", "FF01", Severity.FATAL, Level.FILE, "01")
    if headers.is_empty():
        yield whole.at(1, "The file does not begin with a BAI2 file header (01).")
    end = _fault("incomplete", "TD03", Severity.FATAL, Level.FILE, "99")
    cut = found.files.filter(pl.col("end").is_null())
    yield end.on(cut, "The file that begins here has no file trailer (99): it may be cut off.")
    version = _fault("version", "FF01", Severity.FATAL, Level.FILE, "01")
    unsaid = _fault("version", "FF01", Severity.WARNING, Level.FILE, "01")
    silent = headers.filter(pl.col("version").is_null())
    yield unsaid.on(silent, "The file header says no version in its last field; it is read as version 2 (BAI2).")
    other = headers.filter(~pl.col("version").is_in(list(VERSIONS)))
    said = "The file header does not say version 2 (BAI2) or 3 (BTRS) in its last field."
    yield version.on(other, said, pl.col("version"))
    stray = _fault("line", "FF02", Severity.ERROR, Level.FILE, "record")
    yield stray.on(
        found.stray,
        "The line is no record (01, 02, 03, 16, 49, 88, 98, 99); it is not read.",
        pl.col("text").str.head(60),
    )


def sum_findings(found: Found, statements: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Amounts that must not be summed, else balances that the amounts do not lead to."""
    if beyond_a_sum(found.details["amount_minor"]):
        yield _fault("limit", "AM02", Severity.FATAL, Level.FILE, "16").at(1, BEYOND_A_SUM)
    else:
        yield from balance_findings(statements)


def total_findings(found: Found) -> Iterator[pl.DataFrame]:
    """Control totals, numbers of records and of members, at account, group and file."""
    levels = (
        (_of_accounts(found.accounts), Level.BATCH, "49", "account", None),
        (found.groups, Level.FILE, "98", "group", "accounts"),
        (found.files, Level.FILE, "99", "file", "groups"),
    )
    for frame, level, code, name, members in levels:
        if frame is not found.files:
            open_ = _fault("order", "FF02", Severity.FATAL, level, code)
            cut = frame.filter(pl.col("end").is_null())
            yield open_.on(cut, f"The {name} that begins here has no trailer ({code}): it may be cut off.")
        closed = frame.filter(pl.col("end").is_not_null()).with_columns(line="end_line")
        total = _fault("control-total", "AM10", Severity.ERROR, level, code)
        unread = closed.filter(pl.col("total").is_null())
        bare = pl.col("total_text").fill_null("").str.strip_chars() == ""
        blank = _fault("control-total", "AM10", Severity.WARNING, level, code)
        yield blank.on(unread.filter(bare), f"The {name} states no control total; it is not checked.")
        yield total.on(unread.filter(~bare), f"The control total of the {name} is no number.", pl.col("total_text"))
        summed = f"the control totals of its {members} sum" if members else "its amounts sum"
        message = pl.format(f"The control total of the {name} is {{}}; {summed} to {{}}.", "total", "found")
        whole = ~pl.col("lost") if "lost" in closed.columns else pl.lit(value=True)
        yield total.on(closed.filter((pl.col("total") != pl.col("found")) & whole), message, pl.col("total_text"))
        count = _fault("count", "AM19", Severity.ERROR, level, code)
        message = pl.format(
            f"The {name} declares {{}} records; it has {{}}.",
            pl.col("count").cast(pl.String).fill_null("no"),
            "counted",
        )
        yield count.on(closed.filter(pl.col("count").ne_missing(pl.col("counted"))), message)
        if members:
            message = pl.format(
                f"The {name} declares {{}} {members}; it has {{}}.",
                pl.col("members").cast(pl.String).fill_null("no"),
                "found_members",
            )
            yield count.on(closed.filter(pl.col("members").ne_missing(pl.col("found_members"))), message)


def account_findings(found: Found) -> Iterator[pl.DataFrame]:
    """What an account lacks, what its group says of it, summaries that cannot be read."""
    accounts = _of_accounts(found.accounts)
    fault = _fault("account", "CH21", Severity.FATAL, Level.BATCH, "03")
    yield fault.on(accounts.filter(pl.col("number").is_null()), "The record has no account number.")
    fault = _fault("currency", "AM11", Severity.FATAL, Level.BATCH, "03")
    unknown = accounts.filter(~pl.col("currency").is_in(list(CURRENCIES)))
    yield fault.on(unknown, "The currency is no ISO 4217 code.", pl.col("currency"))
    fault = _fault("repeated", "DU01", Severity.FATAL, Level.BATCH, "03")
    same = pl.struct("number", "day", "currency", "modifier", "summary", "said")
    again = accounts.filter(pl.col("final") & pl.col("said").is_not_null() & ~same.is_first_distinct())
    yield fault.on(again, "The report stands more than once in the file, word for word.", pl.col("number"))
    fault = _fault("order", "FF02", Severity.FATAL, Level.BATCH, "03")
    yield fault.on(accounts.filter(pl.col("group") == 0), "The account stands in no group (02).")
    fault = _fault("date", "DT01", Severity.FATAL, Level.BATCH, "02")
    undated = accounts.filter((pl.col("group") > 0) & pl.col("day").is_null())
    yield fault.on(undated, "The group of the account has no as-of date that is a day.", pl.col("as_of"))
    fault = _fault("modifier", "CH16", Severity.ERROR, Level.BATCH, "02")
    odd = accounts.filter(~pl.col("modifier").is_in(["1", "2", "3", "4"]))
    yield fault.on(
        odd, "The as-of-date modifier is none of 1 to 4; nothing of the account is booked.", pl.col("modifier")
    )
    fault = _fault("group-status", "NARR", Severity.ERROR, Level.BATCH, "02")
    taken = {
        _DELETION: "deletes what was sent before",
        _CORRECTION: "corrects what was sent before",
        _TEST: "is a test",
    }
    words = pl.col("status").replace_strict(
        taken, default="has a status that BAI2 does not know", return_dtype=pl.String
    )
    yield fault.on(
        accounts.filter(pl.col("status") != "1"),
        pl.format("The group {}; a person must see to it.", words),
        pl.col("status"),
    )
    fault = _fault("summary", "CH16", Severity.ERROR, Level.BATCH, "03")
    names = accounts.select("account", "batch", "batch_id")
    yield fault.on(found.unread.join(names, on="account", how="left", maintain_order="left"),
        "The balances and totals are not all written as type, amount, count and funds type; those that are were read.",
    )  # fmt: skip


def detail_findings(found: Found) -> Iterator[pl.DataFrame]:
    """Details that nobody can book are fatal; details of a type that is no detail's are told and left out."""
    details = found.details.with_columns(row="position")
    fault = _fault("order", "FF02", Severity.FATAL, Level.PAYMENT, "16")
    yield fault.on(details.filter(pl.col("account") == 0), "The detail stands in no account (03).")
    fault = _fault("amount", "AM12", Severity.FATAL, Level.PAYMENT, "16")
    unread = details.filter(pl.col("amount_minor").is_null() & pl.col("kind").ne_missing("none"))
    large = pl.col("amount_text").str.contains(r"^\+?[0-9]+$")
    negative = pl.col("amount_text").str.contains(r"^-[0-9]+$")
    least = pl.when(negative).then(pl.lit(_NEGATIVE)).otherwise(pl.lit(_NO_AMOUNT))
    said = pl.when(large).then(pl.lit("The amount is above the largest that is read.")).otherwise(least)
    yield fault.on(unread, said, pl.col("amount_text"))
    fault = _fault("type", "CH16", Severity.ERROR, Level.PAYMENT, "16")
    odd = details.filter(
        pl.col("kind").is_in(["balance", "summary"])
        | pl.col("code").is_null()
        | (pl.col("kind").is_null() & pl.col("credit_debit").is_null())
    )
    yield fault.on(odd, "The type code is none of a transaction detail; the record is no entry.", pl.col("code"))
    fault = _fault("type", "CH16", Severity.WARNING, Level.PAYMENT, "16")
    own = details.filter(pl.col("kind").is_null() & pl.col("credit_debit").is_not_null())
    message = pl.format("The type code is in no table; by its range it is a {}.", pl.col("credit_debit"))
    yield fault.on(own, message, pl.col("code"))
    fault = _fault("funds", "CH16", Severity.WARNING, Level.PAYMENT, "16")
    yield fault.on(
        details.filter(pl.col("funds").is_null()),
        "The funds type is none of 0, 1, 2, S, V, D, Z; references and text may be misplaced.",
    )
    yield fault.on(
        details.filter("unspread"),
        "The funds type (S or D) is not followed by its numbers; references and text may be misplaced.",
    )
    fault = _fault("date", "DT01", Severity.WARNING, Level.PAYMENT, "16")
    undated = details.filter(pl.col("value").is_not_null() & pl.col("value_date").is_null())
    yield fault.on(undated, "The value date is no date.", pl.col("value"))


def balance_findings(statements: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Opening and closing ledger against the totals the account declares, and these against its details."""
    frame = statements.filter(~pl.col("lost")).with_columns(batch="account_ordinal", batch_id="statement_id")
    came, went = (pl.coalesce(f"declared_{side}", f"{side}_minor") for side in ("credits", "debits"))
    expected = pl.col("opening_minor") + came - went
    frame = frame.with_columns(expected=expected, credits_used=came, debits_used=went)
    fault = _fault("balance", "AM10", Severity.ERROR, Level.BATCH, "015")
    told = pl.col("entries").gt(0) | (
        pl.col("declared_credits").is_not_null() & pl.col("declared_debits").is_not_null()
    )
    shown = [_signed(name) for name in ("opening_minor", "credits_used", "debits_used", "expected")]
    message = pl.format(
        "Opening ledger {} + credits {} − debits {} = {} {}, but the closing ledger is {}.",
        *shown,
        "currency",
        _signed("closing_minor"),
    )
    yield fault.on(frame.filter(told & (pl.col("expected") != pl.col("closing_minor"))), message)
    fault = _fault("sum", "AM10", Severity.WARNING, Level.BATCH, "03")
    for side, code in (("credits", "100"), ("debits", "400")):
        differs = frame.filter((pl.col("entries") > 0) & (pl.col(f"declared_{side}") != pl.col(f"{side}_minor")))
        message = pl.format(
            f"Total {side} ({code}) are {{}} {{}}; the details sum to {{}}. The provider may not detail all of them.",
            _signed(f"declared_{side}"), "currency", _signed(f"{side}_minor"),
        )  # fmt: skip
        yield fault.on(differs, message)


def _signed(name: str) -> pl.Expr:
    minor = pl.col(name)
    sign = pl.when(minor < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.coalesce(sign + amount_text(minor.abs(), pl.col("currency")), minor.cast(pl.String), pl.lit("none"))
