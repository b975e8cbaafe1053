"""The fold behind control totals: what each batch holds, beside what the file declares of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Window
from canonical.counts import count_of
from canonical.currencies import exponent_of
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, empty
from canonical.money import format_minor
from validators._matrix import constant

UNIT_DIGITS: Final = 5
"""Decimals of the declared measure `sum`: units of 10^-5."""

_MINOR_SUMS: Final = ("debit_sum", "credit_sum")
"""Measures in minor units, of formats that know one currency."""
_SUMS: Final = ("sum", *_MINOR_SUMS)
_COUNTED: Final = ("count", *_SUMS)
_IS_DEBIT: Final = pl.col("credit_debit") == "DBIT"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was met. `found`: what each window's batches hold; `declared`: TOTALS rows; `unreadable`: rows without a payment.

    `broken_off`: reading stopped before the end of the file.
    """

    found: tuple[pl.DataFrame, ...] = ()
    declared: tuple[pl.DataFrame, ...] = ()
    unreadable: int = 0
    broken_off: bool = False


def _units(minor: pl.Expr) -> pl.Expr:
    """Minor units at 10^-5 of the currency unit. Int128: an Int64 sum could wrap at this scale."""
    digits = exponent_of(pl.col("currency")).cast(pl.Int64)
    scales = [10 ** (UNIT_DIGITS - n) for n in range(UNIT_DIGITS + 1)]
    scale = digits.replace_strict(list(range(UNIT_DIGITS + 1)), scales, default=None, return_dtype=pl.Int64)
    return minor.cast(pl.Int128) * scale


def _found(payments: pl.DataFrame) -> pl.DataFrame:
    """One row a batch, currency and direction: batch, currency, debit, count, unread, minor (Int64, sum of minor units)."""
    by = [pl.col("batch"), pl.col("currency"), _IS_DEBIT.alias("debit")]
    figures = [
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("amount_minor").is_null().sum().cast(pl.Int64).alias("unread"),
        pl.col("amount_minor").sum().alias("minor"),  # fits Int64: canonical.limits bounds amount × rows
    ]
    if all(constant(payments[name]) for name in ("batch", "currency", "credit_debit")):
        return payments.select(*(key.first() for key in by), *figures)
    return payments.select(*by, "amount_minor").group_by("batch", "currency", "debit", maintain_order=True).agg(figures)


def _by_batch(parts: pl.DataFrame) -> pl.DataFrame:
    """One row a batch: batch, count, unread (in all, and of each direction), sum, debit_sum, credit_sum."""
    minor, debit = pl.col("minor").cast(pl.Int128), pl.col("debit")
    return parts.group_by("batch", maintain_order=True).agg(
        pl.col("count").sum().cast(pl.Int128),
        pl.col("unread").sum(),
        pl.col("unread").filter(debit).sum().alias("unread_debit"),
        pl.col("unread").filter(~debit).sum().alias("unread_credit"),
        _units(pl.col("minor")).sum().alias("sum"),
        minor.filter(debit).sum().alias("debit_sum"),
        minor.filter(~debit).sum().alias("credit_sum"),
    )


def _compared(tally: Tally, measures: tuple[str, ...]) -> pl.DataFrame:
    """TOTALS rows of the measures, with `was` (what was found) and `unread` (amounts that could not be read)."""
    declared = pl.concat([empty(TOTALS), *tally.declared]).filter(pl.col("measure").is_in(measures))
    batches = _by_batch(pl.concat([_found(empty(PAYMENTS)), *tally.found]))
    parts, figures = batches, pl.exclude("batch").sum()
    file = parts.select(pl.lit(None, dtype=pl.Int64).alias("batch"), figures)
    joined = declared.join(pl.concat([batches, file]), on="batch", how="left", nulls_equal=True, maintain_order="left")
    counted = [pl.when(pl.col("measure") == name).then(pl.col(name).fill_null(0)) for name in _COUNTED]
    was = pl.coalesce(pl.col("found").cast(pl.Int128), *counted)
    measure = pl.col("measure")
    unread = (
        pl.when(measure == "debit_sum").then("unread_debit").when(measure == "credit_sum").then("unread_credit")
    ).otherwise("unread")
    return joined.with_columns(was.alias("was"), unread.fill_null(0).alias("unread"))


@dataclass(frozen=True, slots=True)
class TotalsRule:
    """A file rule over declared totals of some measures. Reasons by level: file, then batch."""

    id: str
    reason: str
    batch_reason: str
    measures: tuple[str, ...]
    remedy: str
    sources: tuple[str, ...]
    severity: Severity = Severity.ERROR
    level: Level = Level.FILE
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> Tally:  # noqa: ARG002  the protocol's
        """Nothing met yet."""
        return Tally()

    def update(self, state: Tally, window: Window, context: Context) -> Tally:  # noqa: ARG002  the protocol's
        """Count one more window."""
        counted = set(self.measures) & set(_COUNTED) and not window.payments.is_empty()
        here = Tally(
            (_found(window.payments),) if counted else (),
            (window.totals,) if window.totals.height else (),
            window.unreadable,
            bool((window.findings["severity"] == Severity.FATAL.value).any()),
        )
        return self.merge(state, here)

    def merge(self, left: Tally, right: Tally) -> Tally:
        """Both parts together."""
        return Tally(
            left.found + right.found,
            left.declared + right.declared,
            left.unreadable + right.unreadable,
            left.broken_off or right.broken_off,
        )

    def finish(self, state: Tally, context: Context) -> pl.DataFrame:
        """FINDINGS: declared totals that are no numbers, that differ, or that could not be checked."""
        totals = _compared(state, self.measures)
        suspect = totals.filter(pl.col("declared").is_null() | (pl.col("was") != pl.col("declared").cast(pl.Int128)))
        currency = context.facts.currency
        told = [self._told(row, state, currency) for row in suspect.iter_rows(named=True)]
        rows = [row for row in told if row is not None]
        return conform(pl.DataFrame(rows, schema_overrides=_PLACE), FINDINGS) if rows else empty(FINDINGS)

    def _told(self, row: dict[str, Any], tally: Tally, currency: str | None) -> dict[str, Any] | None:
        message, severity = _message(row, tally, currency)
        if message is None:
            return None
        return {
            "rule": self.id,
            "reason": self.reason if row["level"] == Level.FILE.value else self.batch_reason,
            "severity": severity.value,
            "level": row["level"],
            "batch": row["batch"],
            "batch_id": row["batch_id"],
            "line": row["line"],
            "field": row["field"],
            "value": row["declared_text"][:60],
            "message": message,
            "remedy": _remedy(row, severity) or self.remedy,
        }


_PLACE: Final = {"batch": pl.Int64, "batch_id": pl.String, "line": pl.Int64}


def _message(row: dict[str, Any], tally: Tally, currency: str | None) -> tuple[str | None, Severity]:
    declared, was, text = row["declared"], row["was"], row["declared_text"][:60]
    if declared is None:
        return f"{row['field']} “{text}” is not a number", Severity.ERROR
    minor = currency is not None and row["measure"] in _MINOR_SUMS
    padded = text.isdigit() and text.startswith("0") and not minor
    said = notation(declared, row, currency) if minor else text
    shown = notation(was, row, currency).zfill(len(text) if padded else 0)
    why = _unverifiable(row, tally)
    if why is not None:
        return (
            f"{row['field']} says {said} and could not be checked: {why}; what was read gives {shown}",
            Severity.WARNING,
        )
    if row["found"] is None and _explained(row, tally):
        return None, Severity.WARNING
    difference = notation(abs(was - declared), row, currency)
    direction = "more" if was > declared else "less"
    return f"{row['field']} says {said}, the file has {shown} ({difference} {direction})", Severity.ERROR


def _remedy(row: dict[str, Any], severity: Severity) -> str | None:
    """What to do about a total that proves nothing; None where it differs."""
    if row["declared"] is None:
        return "Write it as a plain number: digits, and a decimal sign where it is a sum."
    return "Mend what the other findings say; then the total is checked." if severity is Severity.WARNING else None


def _explained(row: dict[str, Any], tally: Tally) -> bool:
    """A file's count is right when it counts the rows that became no payment too."""
    whole = row["level"] == Level.FILE.value and row["measure"] == "count"
    return bool(whole and row["was"] + tally.unreadable == row["declared"])


def _unverifiable(row: dict[str, Any], tally: Tally) -> str | None:
    """Why a difference proves nothing, or None where it does."""
    if row["measure"] in _SUMS and row["unread"]:
        return f"{row['unread']} of its amounts could not be read"
    if row["found"] is not None:
        # The parser counted what stands in the file, payments or not.
        return None
    if tally.broken_off:
        return "the file could not be read to its end"
    whole_count = row["level"] == Level.FILE.value and row["measure"] == "count"
    if tally.unreadable and not whole_count:
        return f"{count_of(tally.unreadable, 'row')} of the file could not be read"
    return None


def notation(number: int, row: dict[str, Any], currency: str | None = None) -> str:
    """The figure as the client writes his: a sum has his decimals and his decimal sign. One of minor units is an amount."""
    text, measure = row["declared_text"].strip(), row["measure"]
    if measure == "sum":
        return _decimal(number, len(text.replace(",", ".").partition(".")[2]), "," if "," in text else ".")
    if measure in _MINOR_SUMS and currency is not None:
        return f"{format_minor(number, currency)} {currency}"
    return str(number)


def _decimal(number: int, shown: int, sign: str) -> str:
    whole, fraction = divmod(number, 10**UNIT_DIGITS)
    kept = f"{fraction:0{UNIT_DIGITS}d}".rstrip("0").ljust(shown, "0")
    return f"{whole}{sign}{kept}" if kept else str(whole)
