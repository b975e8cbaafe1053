"""A row rule in ten lines: what is broken, in which field, what to tell, what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context
from canonical.frames import FINDINGS, empty
from canonical.limits import MESSAGE_CHARS_MAX
from canonical.masking import shown
from validators._matrix import constant

_REMEMBERED: Final = 1000
"""Most distinct values of a window that are remembered for the next one."""

IBAN_CLAIM: Final = r"^[A-Za-z]{2}[0-9]{2}"
"""Canonical accounts do not say whether they stood in an IBAN element: two letters and two digits claim to be one."""

ROUNDED: Final = r"^[0-9](?:[.,][0-9]+)?[Ee]\+?[0-9]{1,3}$"
"""An account number as a spreadsheet shows long ones: 8.937E+19. Its last digits are lost."""

CLAD: Final = r"(?i)^(?:iban|[^a-z0-9]+)[^a-z0-9]*[a-z]{2}[0-9]{2}[a-z0-9]{11,}"
"""An IBAN with the word before it, or the sign by which a spreadsheet keeps a text."""

_BATCH_FIELDS: Final = frozenset({"batch_id", "requested_execution_date_text", "creditor_scheme_id"})
_ORDERING_FIELDS: Final = frozenset(
    {"name", "id", "lei", "account", "account_type", "agent", "street", "building", "post_code", "town", "country",
     "address_lines"}
)  # fmt: skip

LINE_OF_BATCH: Final = pl.coalesce("batch_line", "line")
"""Where a batch's fault is shown: at its own beginning, else (tables have none) at its first payment concerned."""


def of_batch(field: str, context: Context) -> pl.Expr:
    """Boolean: the field is one that a batch says once for all its payments, and so is told once for it.

    Of the parties it is the client's side: the debtor of credit transfers, the creditor of direct debits.
    """
    party, _, name = field.partition("_")
    if not context.facts.batched:
        return pl.lit(value=False)
    if name in _ORDERING_FIELDS and party in {"debtor", "creditor"}:
        if context.facts.own_parties:
            return pl.lit(value=False)
        return pl.col("credit_debit") == ("CRDT" if party == "debtor" else "DBIT")
    return pl.lit(field in _BATCH_FIELDS)


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


Suspects = Callable[[pl.DataFrame, Context], pl.DataFrame]
"""The payments of a window that are worth a look: all that any check can find broken, in their order."""


@cache
def nothing() -> pl.DataFrame:
    """FINDINGS frame without rows; made once, since most rules find nothing in most windows."""
    return empty(FINDINGS)


def _as_it_is(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
    return payments


def where(*broken: pl.Expr) -> Suspects:
    """Payments for which one of these holds."""

    def suspects(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
        return payments.filter(pl.any_horizontal(broken))

    return suspects


def where_values(*fields: str, broken: Callable[[pl.Expr], pl.Expr]) -> Suspects:
    """Payments with a value in one of the fields that is broken, looking at each distinct value once.

    For fields with few values: `unique` is far cheaper than a pattern on every row, and values met in the window before are
    remembered.
    """

    @lru_cache(maxsize=64)
    def bad_of(values: tuple[str, ...]) -> pl.Series:
        held = pl.DataFrame({"value": values}, {"value": pl.String})
        return held.filter(broken(pl.col("value")))["value"]

    def suspects(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
        held = []
        for field in fields:
            values = distinct(payments[field])
            bad = bad_of(tuple(values)) if len(values) <= _REMEMBERED else bad_of.__wrapped__(tuple(values))
            if bad.len():
                held.append(pl.col(field).is_in(bad.implode()))
        return payments.filter(pl.any_horizontal(held)) if held else payments.clear()

    return suspects


def distinct(texts: pl.Series) -> list[str]:
    """The distinct values, without null; at once where there is one or none."""
    if texts.null_count() == texts.len():
        return []
    if constant(texts):
        return [texts[0]]
    return sorted(texts.unique().drop_nulls().to_list())


def ever(payments: pl.DataFrame, *facts: pl.Expr) -> bool:
    """True where one of the facts holds for one payment."""
    return any(payments.select(fact.any().alias(str(n)) for n, fact in enumerate(facts)).row(0))


@dataclass(frozen=True, slots=True)
class ChecksRule:
    """A row rule made of checks.

    `suspects`, where given, is cheap and keeps every payment that a check can find broken: only those are looked at.
    `prepare` may add columns that the checks read; it keeps the rows and their order.
    """

    id: str
    reason: str
    severity: Severity
    remedy: str
    sources: tuple[str, ...]
    checks: Callable[[Context], tuple[Check, ...]]
    suspects: Suspects | None = None
    prepare: Callable[[pl.DataFrame, Context], pl.DataFrame] = _as_it_is
    level: Level = Level.PAYMENT
    kind: ClassVar[Literal["row"]] = "row"

    def findings(self, payments: pl.DataFrame, context: Context) -> pl.DataFrame:
        """FINDINGS frame of all checks, in row order."""
        if self.suspects is not None:
            payments = self.suspects(payments, context)
        if payments.is_empty() or not (checks := self.checks(context)):
            return nothing()
        prepared = self.prepare(payments, context)
        masks = prepared.select(check.broken.fill_null(False).alias(str(n)) for n, check in enumerate(checks))
        parts = [
            self._told(check, prepared.filter(mask), context)
            for check, mask in zip(checks, masks.iter_columns(), strict=True)
            if mask.any()
        ]
        if not parts:
            return nothing()
        return pl.concat(parts).sort("line", maintain_order=True)

    def _told(self, check: Check, broken: pl.DataFrame, context: Context) -> pl.DataFrame:
        whole = broken.with_columns(of_batch(check.field, context).alias("of_batch"))
        once = (
            pl.when("of_batch").then(pl.struct("batch", "of_batch").is_first_distinct()).otherwise(pl.lit(value=True))
        )
        of_payment = ~pl.col("of_batch")
        level = pl.when("of_batch").then(pl.lit(Level.BATCH.value)).otherwise(pl.lit(self.level.value))
        return whole.filter(once).select(
            pl.lit(self.id).alias("rule"),
            pl.lit(check.reason or self.reason).alias("reason"),
            pl.lit((check.severity or self.severity).value).alias("severity"),
            level.alias("level"),
            "batch",
            "batch_id",
            pl.when(of_payment).then(pl.col("row")).alias("row"),
            pl.when(of_payment).then("line").otherwise(LINE_OF_BATCH).alias("line"),
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


def day_said() -> pl.Expr:
    """Execution date “261113” (2026-11-13): as it stands in the file, and the day it means where that is written otherwise."""
    text, day = "requested_execution_date_text", pl.col("requested_execution_date").cast(pl.String)
    name = (
        pl.when(pl.col("credit_debit") == "DBIT").then(pl.lit("Collection date ")).otherwise(pl.lit("Execution date "))
    )
    meant = pl.when(day != pl.col(text)).then(pl.lit(" (") + day + pl.lit(")")).otherwise(pl.lit(""))
    return name + quoted(text) + meant


def blank(field: str) -> pl.Expr:
    """Null, or nothing but blanks."""
    return pl.col(field).is_null() | (pl.col(field).str.strip_chars() == "")


def maybe_blank(field: str) -> pl.Expr:
    """Boolean: cheap, and true of every value that `blank` may hold of: nothing, or a sign before "!" or beyond ASCII first."""
    return pl.col(field).is_null() | (pl.col(field) < "!") | (pl.col(field) >= "\x80")


def claims_iban(field: str) -> pl.Expr:
    """The account begins as an IBAN does."""
    return pl.col(field).str.contains(IBAN_CLAIM)


def name_of(field: str) -> str:
    """A canonical column in words: end_to_end_id is "End-to-end id"."""
    return field.replace("end_to_end", "end-to-end").replace("_", " ").capitalize()
