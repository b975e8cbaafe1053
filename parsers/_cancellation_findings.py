"""What is wrong with a cancellation request, as columns: requests that cannot be understood, totals that do not fit.

`row` of a finding is the position of the request that it stands on; that request is refused. An error on the file refuses
all of them: where counts and contents differ, something is missing, or was meant otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from canonical.codes import Level, Severity
from canonical.currencies import exponent_of
from canonical.frames import FINDINGS, conform, dtypes, empty
from canonical.limits import AMOUNT_MINOR_MAX
from parsers._cancellation_rows import RequestRows
from parsers._feedback_amounts import why_unread

_COUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_SUM: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{0,17}))?", re.ASCII)
_FRACTION_DIGITS: Final = 5
"""Sums run over all currencies as plain numbers: they are counted in the smallest step that any currency has."""
_SUM_DIGITS: Final = 17
"""Most digits behind the point of a declared sum (ISO 20022 DecimalNumber)."""
_IS_FILE: Final = pl.col("level") == Level.FILE.value
_IS_PAYMENT: Final = pl.col("level") == Level.PAYMENT.value


def findings(rows: pl.DataFrame, gathered: RequestRows) -> pl.DataFrame:
    """FINDINGS of the rows (`RequestRows.rows`) and of the header's totals."""
    of_rows = [_told(rows, check) for check in (*_scope(), *_references(), *_amounts())]
    of_file = [*_nothing(rows, gathered), *_totals(rows, gathered)]
    told = conform(pl.DataFrame(of_file, schema_overrides=dtypes(FINDINGS)), FINDINGS) if of_file else empty(FINDINGS)
    return pl.concat([*of_rows, told])


class _Check(NamedTuple):
    """`broken`: the requests that have the fault; `value`: the column whose text is shown."""

    broken: pl.Expr
    rule: str
    reason: str
    field: str
    value: str
    message: str | pl.Expr
    remedy: str


def _scope() -> Iterator[_Check]:
    """It is not clear what is to be cancelled. Conditions, rule, reason, field, value, message, remedy."""
    rule, reason, field = "cancel-scope", "CH16", "GrpCxl, PmtInfCxl, GrpRvsl, PmtInfRvsl"
    once = "Either say true for all of it and name nothing inside, or name what is meant."
    yield _Check(
        (pl.col("whole") & (pl.col("named_below") > 0)) | pl.col("above_whole"), rule, reason, field, "flag",
        "The request says that all of it is to be cancelled, and names single parts of it as well.", once,
    )  # fmt: skip
    yield _Check(
        pl.col("unclear"), rule, reason, field, "flag",
        "Whether all of it is to be cancelled is said by neither true nor false.", "Write true or false, in small letters.",
    )  # fmt: skip
    yield _Check(
        ~_IS_PAYMENT & ~pl.col("whole") & (pl.col("named_below") == 0) & ~pl.col("unclear"), rule, reason, field, "flag",
        "The request neither says that all of it is to be cancelled, nor names a part of it.", once,
    )  # fmt: skip
    yield _Check(
        pl.col("below_message_id") != pl.col("file_message_id"), rule, reason, "OrgnlGrpInf/OrgnlMsgId", "below_message_id",
        "The request names two original messages.", "Name one original message for each Undrlyg.",
    )  # fmt: skip


def _references() -> Iterator[_Check]:
    rule, reason = "cancel-reference", "CH21"
    yield _Check(
        pl.col("message_id").is_null(), rule, reason, "OrgnlMsgId", "message_id",
        "The request does not name the original message.", "Give the message id of the file that holds the payment.",
    )  # fmt: skip
    yield _Check(
        (pl.col("level") == Level.BATCH.value) & pl.col("batch_id").is_null(), rule, reason, "OrgnlPmtInfId", "batch_id",
        "The request does not name the original batch.", "Give the batch id as it stood in the original file.",
    )  # fmt: skip
    ids = pl.all_horizontal(pl.col("instruction_id", "end_to_end_id", "uetr").is_null())
    yield _Check(
        _IS_PAYMENT & ids, rule, reason, "OrgnlEndToEndId", "end_to_end_id", "The request names no payment.",
        "Give its end-to-end id, its instruction id or its UETR as it stood in the original file.",
    )  # fmt: skip


def _amounts() -> Iterator[_Check]:
    for name, field in (("amount", "OrgnlInstdAmt"), ("reversed", "RvsdInstdAmt")):
        yield _Check(
            pl.col(name).is_not_null() & pl.col(f"{name}_minor").is_null(), "cancel-amount", "AM12", field, name,
            pl.format("The amount {}.", why_unread(pl.col(name), pl.col(f"{name}_currency"), AMOUNT_MINOR_MAX)), "Write it as in the original file, or leave it out.",
        )  # fmt: skip
    differ = (pl.col("amount_minor") != pl.col("reversed_minor")) | (
        pl.col("amount_currency") != pl.col("reversed_currency")
    )
    yield _Check(
        differ, "cancel-part", "AM09", "RvsdInstdAmt", "reversed",
        "Only a part of the payment is to be taken back. A payment that was not sent is cancelled whole or not at all.",
        "Ask for the whole amount, and send a new payment of what is to be paid.",
    )  # fmt: skip


def _told(rows: pl.DataFrame, check: _Check) -> pl.DataFrame:
    texts = {name: getattr(check, name) for name in ("rule", "reason", "field", "remedy")}
    message = pl.lit(check.message) if isinstance(check.message, str) else check.message
    found = rows.filter(pl.col("asked") & check.broken).select(
        "line", "level", "batch", "batch_id", "end_to_end_id", row="position", severity=pl.lit(Severity.ERROR.value),
        value=pl.col(check.value).str.head(60), message=message, **{name: pl.lit(text) for name, text in texts.items()},
    )  # fmt: skip
    return conform(found, FINDINGS)


# ---------------------------------------------------------------------------------------------- the file


def _nothing(rows: pl.DataFrame, gathered: RequestRows) -> Iterator[dict[str, Any]]:
    message = "This part of the request names nothing." if gathered.empty_lines else "The request names nothing."
    lines = gathered.empty_lines or ([1] if rows.is_empty() else [])
    for line in lines:
        remedy = "Name the original message, and in it the batches or payments that are to be cancelled."
        yield _of_file("cancel-scope", "CH21", line, None, None, message, remedy)


def _totals(rows: pl.DataFrame, gathered: RequestRows) -> Iterator[dict[str, Any]]:
    """Declared totals against the payments that are listed.

    A whole batch or message may count payments that are not listed, and what stands on an original counts all of it:
    there the total is too small or it is right.
    """
    listed = rows.filter(_IS_PAYMENT).with_columns(steps=_steps())
    exact = bool(rows.filter("asked").select(_IS_PAYMENT.all()).item())
    exact_sum = exact and not listed["steps"].null_count()
    yield from _compared(gathered.header, _found(listed), gathered.totals_line, exact=exact, exact_sum=exact_sum)
    declared = rows.filter(~_IS_PAYMENT & pl.any_horizontal(pl.col("count", "sum").is_not_null()))
    parts = {
        (level, key[0]): _found(part)
        for level, column in ((Level.FILE.value, "under"), (Level.BATCH.value, "batch"))
        if declared["level"].is_in([level]).any()
        for key, part in listed.partition_by(column, as_dict=True).items()
    }
    for row in declared.iter_rows(named=True):
        key = (row["level"], row["under"] if row["level"] == Level.FILE.value else row["batch"])
        yield from _compared(row, parts.get(key, (0, 0)), row["line"], exact=False, exact_sum=False)


def _found(listed: pl.DataFrame) -> tuple[int, int]:
    return listed.height, int(listed["steps"].cast(pl.Int128).sum())


def _compared(
    said: Mapping[str, Any], found: tuple[int, int], line: int, *, exact: bool, exact_sum: bool
) -> Iterator[dict[str, Any]]:
    count, steps = found
    measures = (
        ("count", "cancel-count", "AM18", "NbOfTxs", "number of payments", _whole, count, str(count), exact),
        (
            "sum",
            "cancel-sum",
            "AM10",
            "CtrlSum",
            "control sum",
            _exact,
            steps * 10 ** (_SUM_DIGITS - _FRACTION_DIGITS),
            _as_text(steps),
            exact_sum,
        ),
    )
    for name, rule, reason, field, what, read, listed, listed_text, must_equal in measures:
        text = said.get(name)
        declared = None if text is None else read(text)
        if text is not None and declared is None:
            message, remedy = f"The {what} {text[:30]!r} is no number.", "Write it in digits."
        elif declared is not None and (declared < listed or (must_equal and declared != listed)):
            message = f"The declared {what} is {text}, and the payments listed come to {listed_text}."
            remedy = "Nothing of this file is used. Compare it with your own list, and send a new request."
        else:
            continue
        yield _of_file(rule, reason, line, field, text, message, remedy)


def _of_file(
    rule: str, reason: str, line: int, field: str | None, value: str | None, message: str, remedy: str
) -> dict[str, Any]:
    return {
        "rule": rule, "reason": reason, "severity": Severity.ERROR.value, "level": Level.FILE.value, "line": line,
        "field": field, "value": value and value[:60], "message": message, "remedy": remedy,
    }  # fmt: skip


def _steps() -> pl.Expr:
    """The payment's amount in hundred-thousandths of its currency's unit; null where it names none."""
    first = pl.col("reversed_minor").is_not_null()
    minor = pl.coalesce("reversed_minor", "amount_minor")
    digits = exponent_of(pl.when(first).then("reversed_currency").otherwise("amount_currency")).cast(pl.Int64)
    powers = [10**power for power in range(_FRACTION_DIGITS, -1, -1)]
    return minor * digits.replace_strict(list(range(_FRACTION_DIGITS + 1)), powers, default=None, return_dtype=pl.Int64)


def _whole(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _exact(text: str) -> int | None:
    """A decimal number, counted in the smallest step that the message allows."""
    found = _SUM.fullmatch(text)
    if found is None:
        return None
    return int(found.group(1) + (found.group(2) or "").ljust(_SUM_DIGITS, "0"))


def _as_text(steps: int) -> str:
    whole, fraction = divmod(steps, 10**_FRACTION_DIGITS)
    return f"{whole}.{fraction:05d}".rstrip("0").rstrip(".")
