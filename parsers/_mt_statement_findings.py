"""What is wrong with MT940 and MT942: fields that are missing or cannot be read, sums that do not add up, pages that break off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from canonical.limits import BEYOND_A_SUM
from canonical.money import amount_text, beyond_a_sum
from parsers._mt_statement_fields import KNOWN, Fields
from parsers._mt_statement_messages import BALANCE, SUM, repeated
from parsers._nacha_findings import Fault

_NAMED: Final = r"[A-Z]{3}"
"""The currency in a balance."""
_OTHER: Final = "The {} balance is in {}, the other one in {}; it is not checked."
_AGAIN: Final = "The provider must send the statement again; nothing of this file is booked."
_ASK: Final = "Ask the provider for a correct statement; until then the difference stands in the reconciliation."
_TOLD: Final = "Tell the provider. The statement is read as far as it goes."
_DECLARE: Final = (
    "Declare in the profile what the provider writes there (prelude, ending), or ask it what the line means."
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Which of the two messages. `interim`: nothing is booked, and there are no balances."""

    name: str
    interim: bool

    @property
    def number(self) -> str:
        """As block 2 names it."""
        return self.name[2:]

    @property
    def origin(self) -> str:
        """As in STATEMENTS."""
        return "report" if self.interim else "statement"

    @property
    def version(self) -> str:
        """As the standard names it."""
        return self.name.upper()

    def fault(self, rule: str, reason: str, severity: Severity, level: Level, field: str) -> Fault:
        """A fault of this format."""
        remedy = {Severity.FATAL: _AGAIN, Severity.ERROR: _ASK, Severity.WARNING: _TOLD}[severity]
        return Fault(f"{self.name}-{rule}", reason, severity, level, field, remedy)


MT940: Final = Kind("mt940", interim=False)
MT942: Final = Kind("mt942", interim=True)
MT950: Final = Kind("mt950", interim=False)


def as_batch(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(batch="message", batch_id="statement_id")


def field_findings(found: Fields, names: pl.DataFrame, kind: Kind, before: int) -> Iterator[pl.DataFrame]:
    """Lines that belong to nothing, fields that the message does not have or has twice, messages of another type."""
    stray = Fault(f"{kind.name}-line", "FF02", Severity.WARNING, Level.FILE, "line", _DECLARE)
    # A run of such lines is one finding.
    runs = found.stray.filter(pl.col("line").diff().fill_null(0) != 1)
    yield stray.on(
        runs,
        "The line belongs to no field of a message; it and those like it below are not read.",
        pl.col("text").str.head(60),
    )
    frame = found.frame.join(names, on="message", how="left", maintain_order="left").with_columns(
        pl.col("message") + before
    )
    frame = as_batch(frame)
    unknown = kind.fault("field", "FF02", Severity.WARNING, Level.BATCH, "tag")
    message = pl.format(f"An {kind.version} has no field {{}}; it is not read.", "tag")
    yield unknown.on(frame.filter(~pl.col("tag").is_in(KNOWN)), message, pl.format(":{}:", "tag"))
    wrapped = found.wrapped.join(names, on="message", how="left", maintain_order="left")
    message = pl.format(
        f"The line begins as a field {{}} would, which an {kind.version} has not; it is read as text of :86:.", "tag"
    )
    shifted = as_batch(wrapped.with_columns(pl.col("message") + before))
    yield unknown.on(shifted, message, pl.format(":{}:", "tag"))
    twice = kind.fault("repeated-field", "FF02", Severity.ERROR, Level.BATCH, "tag")
    message = pl.format("Field {} stands a second time in its message; the first one is read.", "tag")
    yield twice.on(repeated(frame), message, pl.format(":{}:", "tag"))
    other = kind.fault("message", "FF01", Severity.FATAL, Level.FILE, "block 2")
    types = found.types.filter(pl.col("type") != kind.number)
    yield other.on(types, pl.format(f"The file holds an MT{{}}, no {kind.version}.", "type"))


def message_findings(messages: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """What a message lacks, and where its figures contradict each other."""
    frame = as_batch(messages)
    for name, words, fatal in (
        ("reference", "transaction reference (:20:)", False), ("account", "account (:25:)", True),
        ("number", "statement number (:28C:)", False), ("currency", "currency (of a balance, floor limit or sum)", True),
    ):  # fmt: skip
        severity = Severity.FATAL if fatal else Severity.WARNING
        fault = kind.fault("missing", "CH21", severity, Level.BATCH, name)
        yield fault.on(frame.filter(pl.col(name).is_null()), f"The message has no {words}.")
    number = kind.fault("number", "CH16", Severity.WARNING, Level.BATCH, ":28C:")
    odd = frame.filter(pl.col("number").is_not_null() & pl.col("sequence").is_null()).with_columns(line="number_line")
    yield number.on(odd, "The statement number is none.", pl.col("number"))
    yield from _sum_findings(frame, kind) if kind.interim else _balance_findings(frame, kind)


def _balance_findings(frame: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    for name, tag, severity in (("opening", ":60F:", Severity.ERROR), ("closing", ":62F:", Severity.FATAL)):
        fault = kind.fault("balance-missing", "CH21", severity, Level.BATCH, tag)
        words = "; it may not be whole" if severity is Severity.FATAL else "; its balances are not checked"
        yield fault.on(frame.filter(pl.col(name).is_null()), f"The message has no {name} balance ({tag} or M){words}.")
        here = frame.with_columns(line=f"{name}_line")
        fault = kind.fault("balance-unreadable", "CH16", Severity.ERROR, Level.BATCH, tag)
        unread = here.filter(pl.col(name).is_not_null() & pl.col(f"{name}_minor").is_null())
        said = pl.col(name).str.extract(BALANCE, 3)
        other = pl.format(_OTHER, pl.lit(name), said, "currency")
        message = pl.when(said != pl.col("currency")).then(other).otherwise(_unclear(name))
        yield fault.on(unread, message, pl.col(name))
        fault = kind.fault("balance-currency", "AM11", Severity.WARNING, Level.BATCH, tag)
        bare = here.filter(pl.col(f"{name}_minor").is_not_null() & ~pl.col(name).str.contains(_NAMED))
        yield fault.on(bare, f"The {name} balance names no currency; that of the other one is taken.", pl.col(name))
        fault = kind.fault("date", "DT01", Severity.WARNING, Level.BATCH, tag)
        undated = here.filter(pl.col(name).str.contains(BALANCE) & pl.col(f"{name}_date").is_null())
        yield fault.on(undated, f"The date of the {name} balance is no date.", pl.col(name).str.slice(1, 6))
    expected = pl.col("opening_minor") + pl.col("credits_minor") - pl.col("debits_minor")
    wrong = frame.with_columns(expected=expected, line="closing_line").filter(
        (pl.col("expected") != pl.col("closing_minor")) & ~pl.col("partial")
    )
    fault = kind.fault("balance", "AM10", Severity.ERROR, Level.BATCH, ":62F:")
    shown = [_signed(pl.col(name)) for name in ("opening_minor", "credits_minor", "debits_minor", "expected")]
    difference = _signed(pl.col("closing_minor") - pl.col("expected"))
    message = pl.format(
        "Opening {} + credits {} − debits {} = {} {}, but the closing balance is {}: a difference of {}.",
        *shown, "currency", _signed(pl.col("closing_minor")), difference,
    )  # fmt: skip
    yield fault.on(wrong, message)


def _unclear(name: str) -> pl.Expr:
    """What is wrong in a balance, as far as its form tells."""
    text = pl.col(name)
    why = (
        pl.when(text.str.contains("^[CD][0-9]{7}"))
        .then(pl.lit(": its date has more digits than YYMMDD"))
        .when(text.str.contains(r"^[CD][0-9]{6}(?:[A-Z]{3})?[0-9][0-9.' ]*$"))
        .then(pl.lit(": its amount has no decimal comma"))
        .when(text.str.contains(r"^[CD][0-9]{6}(?:[A-Z]{3})?[0-9]{1,3}(?:[.' ][0-9]{3})+,[0-9]*$"))
        .then(pl.lit(": its amount has marks between its thousands"))
        .when(text.str.contains("^[^CD]"))
        .then(pl.lit(": it begins with neither C nor D"))
        .otherwise(pl.lit(""))
    )
    return pl.format(f"The {name} balance cannot be read{{}}; it is not checked.", why)


def _signed(minor: pl.Expr) -> pl.Expr:
    sign = pl.when(minor < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return (sign + amount_text(minor.abs(), pl.col("currency"))).fill_null("none")


def _sum_findings(frame: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """Number and sum of entries that :90D: and :90C: declare. Those below a floor limit are counted and not listed."""
    for side, tag in (("debit", ":90D:"), ("credit", ":90C:")):
        here = frame.with_columns(line=f"{side}s_line")
        fault = kind.fault("sum", "AM10", Severity.WARNING, Level.BATCH, tag)
        unread = here.filter(pl.col(f"{side}s").is_not_null() & pl.col(f"{side}_sum").is_null())
        said = pl.col(f"{side}s").str.extract(SUM, 2)
        other = pl.format(f"The sum in {tag} is in {{}}, the message in {{}}; it is not compared.", said, "currency")
        unclear = pl.lit(f"The sum in {tag} cannot be read.")
        yield fault.on(unread, pl.when(said != pl.col("currency")).then(other).otherwise(unclear), pl.col(f"{side}s"))
        count = pl.col(f"{side}_count") != pl.col(f"{side}s_found")
        differs = here.filter(~pl.col("partial")).filter(count | (pl.col(f"{side}_sum") != pl.col(f"{side}s_minor")))
        message = pl.format(
            f"{tag} declares {{}} of {{}} {{}}; the message lists {{}} of {{}}.",
            count_said(f"{side}_count", f"{side} entry").fill_null(f"no {side} entries"), _signed(pl.col(f"{side}_sum")), "currency", f"{side}s_found", _signed(pl.col(f"{side}s_minor")),
        )  # fmt: skip
        yield fault.on(differs, message)


def file_findings(messages: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """A file without a message, statements that stand twice, pages that do not continue each other."""
    if messages.is_empty():
        fault = kind.fault("message", "FF01", Severity.FATAL, Level.FILE, "file")
        yield fault.at(1, f"The file holds no {kind.version} message.")
        return
    frame = as_batch(messages)
    twice = frame.filter(pl.col("account").is_not_null() & ~pl.struct("account", "statement_id").is_first_distinct())
    fault = kind.fault("repeated", "DU01", Severity.FATAL, Level.BATCH, ":28C:")
    message = pl.format("Statement {} of this account stands more than once in the file.", "statement_id")
    yield fault.on(twice.filter(~harmless()), message)
    fault = kind.fault("repeated", "DU01", Severity.WARNING, Level.BATCH, ":28C:")
    yield fault.on(twice.filter(harmless()), message)
    if not kind.interim:
        yield from _page_findings(frame, kind)


def sum_findings(amounts: pl.Series, kind: Kind) -> Iterator[pl.DataFrame]:
    """Amounts of a file that must not be summed."""
    if beyond_a_sum(amounts):
        yield kind.fault("limit", "AM02", Severity.FATAL, Level.FILE, ":61:").at(1, BEYOND_A_SUM)


def harmless() -> pl.Expr:
    """A statement without entries: to read it once more changes nothing."""
    return (pl.col("entries") == 0) & (pl.col("opening_minor") == pl.col("closing_minor"))


def _page_findings(frame: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """Pages of one statement continue each other. Those of other files are looked at where statements are chained."""
    before = [
        pl.col(name).shift(1).over("account").alias(f"{name}_before") for name in ("closing_minor", "sequence", "page")
    ]
    frame = frame.with_columns(*before, line="opening_line")
    follows = frame.filter(pl.col("continued") & (pl.col("sequence") == pl.col("sequence_before")))
    fault = kind.fault("page", "AM10", Severity.ERROR, Level.BATCH, ":60M:")
    skipped = (pl.col("page") != pl.col("page_before") + 1).fill_null(value=False)
    order = pl.format("Page {} of the statement follows page {}.", "page", "page_before")
    message = pl.format(
        "{}The page opens with {} {}, the page before it closes with {}.",
        pl.when(skipped).then(order + pl.lit(" ")).otherwise(pl.lit("")),
        _signed(pl.col("opening_minor")), "currency", _signed(pl.col("closing_minor_before")),
    )  # fmt: skip
    apart = (pl.col("opening_minor") != pl.col("closing_minor_before")).fill_null(value=False)
    yield fault.on(follows.filter(apart), message)
    yield kind.fault("page", "CH21", Severity.WARNING, Level.BATCH, ":28C:").on(follows.filter(skipped & ~apart), order)
