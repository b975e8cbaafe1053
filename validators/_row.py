"""A row rule in ten lines: what is broken, in which field, what to tell, what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context
from canonical.frames import FINDINGS, conform, empty
from canonical.limits import MESSAGE_CHARS_MAX
from canonical.masking import shown

IBAN_CLAIM: Final = r"^[A-Za-z]{2}[0-9]{2}"
"""Canonical accounts do not say whether they stood in an IBAN element: two letters and two digits claim to be one."""

BATCH_FIELDS: Final = frozenset(
    {"batch_id", "debtor_name", "debtor_id", "debtor_account", "debtor_agent", "requested_execution_date_text"}
)
"""What pain.001 (PmtInf) and NACHA (batch header) say once for a whole batch, and so is told once for it."""
BATCH_FORMATS: Final = frozenset({"pain.001", "nacha"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong with a payment.

    `broken`: Boolean expression, null counts as sound. `message` and `remedy` may be expressions on the same row; a
    reason, severity or remedy left out is the rule's own.
    """

    field: str
    broken: pl.Expr
    message: pl.Expr | str
    reason: str | None = None
    severity: Severity | None = None
    remedy: pl.Expr | str | None = None


def _as_it_is(payments: pl.DataFrame) -> pl.DataFrame:
    return payments


@dataclass(frozen=True, slots=True)
class ChecksRule:
    """A row rule made of checks.

    `suspects`, where given, is cheap and true of every row that a check can find broken: only those are looked at.
    `prepare` may add columns that the checks read; it keeps the rows and their order.
    """

    id: str
    reason: str
    severity: Severity
    remedy: str
    sources: tuple[str, ...]
    checks: Callable[[Context], tuple[Check, ...]]
    suspects: pl.Expr | None = None
    prepare: Callable[[pl.DataFrame], pl.DataFrame] = _as_it_is
    level: Level = Level.PAYMENT
    kind: ClassVar[Literal["row"]] = "row"

    def findings(self, payments: pl.DataFrame, context: Context) -> pl.DataFrame:
        """FINDINGS frame of all checks, in row order."""
        checks = self.checks(context)
        if self.suspects is not None:
            payments = payments.filter(self.suspects)
        if not checks or payments.is_empty():
            return empty(FINDINGS)
        prepared = self.prepare(payments)
        masks = prepared.select(check.broken.fill_null(False).alias(str(n)) for n, check in enumerate(checks))
        parts = [
            self._told(check, prepared.filter(mask), context)
            for check, mask in zip(checks, masks.iter_columns(), strict=True)
            if mask.any()
        ]
        if not parts:
            return empty(FINDINGS)
        return conform(pl.concat(parts).sort("line", maintain_order=True), FINDINGS)

    def _told(self, check: Check, broken: pl.DataFrame, context: Context) -> pl.DataFrame:
        whole_batch = check.field in BATCH_FIELDS and context.format in BATCH_FORMATS
        level = Level.BATCH if whole_batch else self.level
        if whole_batch:
            broken = broken.unique("batch", keep="first", maintain_order=True)
        of_payment = pl.lit(not whole_batch)
        return broken.select(
            pl.lit(self.id).alias("rule"),
            pl.lit(check.reason or self.reason).alias("reason"),
            pl.lit((check.severity or self.severity).value).alias("severity"),
            pl.lit(level.value).alias("level"),
            "batch",
            "batch_id",
            pl.when(of_payment).then(pl.col("row")).alias("row"),
            "line",
            pl.when(of_payment).then(pl.col("end_to_end_id")).alias("end_to_end_id"),
            pl.lit(check.field).alias("field"),
            shown(check.field, pl.col(check.field).cast(pl.String)).alias("value"),
            said(check.message).str.head(MESSAGE_CHARS_MAX).alias("message"),
            said(self.remedy if check.remedy is None else check.remedy).alias("remedy"),
        )


def said(text: pl.Expr | str) -> pl.Expr:
    """Text or an expression, as an expression."""
    return pl.lit(text) if isinstance(text, str) else text


def quoted(field: str) -> pl.Expr:
    """The value of a field between quotes, masked where it is an account or a name; "(empty)" where there is none."""
    return pl.lit("“") + shown(field, pl.col(field).cast(pl.String)).fill_null("(empty)") + pl.lit("”")


def blank(field: str) -> pl.Expr:
    """Null, or nothing but blanks."""
    return pl.col(field).is_null() | (pl.col(field).str.strip_chars() == "")


def claims_iban(field: str) -> pl.Expr:
    """The account begins as an IBAN does."""
    return pl.col(field).str.contains(IBAN_CLAIM)


def name_of(field: str) -> str:
    """A canonical column in words: end_to_end_id is "End-to-end id"."""
    return field.replace("end_to_end", "end-to-end").replace("_", " ").capitalize()
