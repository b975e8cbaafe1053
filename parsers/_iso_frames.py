"""What the readers collected, as canonical frames. Both readers end here, so that they cannot differ in meaning."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, dtypes, empty
from canonical.identifiers import payment_id_of
from canonical.limits import INT64_MAX
from canonical.money import amount_minor
from parsers._iso_paths import AMOUNT, BATCH, BATCH_PATHS, EQUIVALENT, PAYMENT, PAYMENT_PATHS

PLACES: Final = ("row", "line", "offset", "length", "batch")
RAW_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    **dict.fromkeys(PLACES, pl.Int64),
    **dict.fromkeys(PAYMENT_PATHS, pl.String),
}
"""One row a payment as the readers give it: its place, and the text of each path below CdtTrfTxInf."""

_BATCH_PREFIX: Final = "PmtInf/"
_BATCH_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "batch": pl.Int64,
    **{_BATCH_PREFIX + path: pl.String for path in BATCH_PATHS},
    "requested_execution_date": pl.Date,
}
_SUM_DIGITS: Final = 5
_SUM = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,17})?")
_COUNT = re.compile(r"[0-9]{1,15}")
# xs:date and xs:dateTime may carry a time zone; the day is the client's own, the zone does not move it.
_ZONE = r"(?:Z|[+-]\d{2}:\d{2})?"
_DATE = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})(?:T\d{{2}}:\d{{2}}:\d{{2}}(?:\.\d+)?)?{_ZONE}", re.ASCII)


def execution_date(text: str | None) -> dt.date | None:
    """The day of an ISO date or date-time, None where the text is neither."""
    found = _DATE.fullmatch(text.strip(" \t\r\n")) if text else None
    if found is None:
        return None
    try:
        return dt.date.fromisoformat(found.group(1))
    except ValueError:
        return None


def declared_number(measure: str, text: str) -> int | None:
    """A declared total: a count, or a sum in units of 10^-5; None where the text is no such number."""
    text = text.strip(" \t\r\n")
    if measure == "count":
        return int(text) if _COUNT.fullmatch(text) else None
    if not _SUM.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > _SUM_DIGITS:
        return None
    number = int(whole + fraction.ljust(_SUM_DIGITS, "0"))
    return number if number <= INT64_MAX else None


def totals_frame(totals: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """TOTALS of what GrpHdr and PmtInf declare. `found` stays null: the rules count."""
    if not totals:
        return empty(TOTALS)
    rows = [
        {**total, "declared": declared_number(total["measure"], total["declared_text"]), "found": None}
        for total in totals
    ]
    names = dtypes(TOTALS)
    return conform(pl.DataFrame({name: [row[name] for row in rows] for name in names}, schema=names), TOTALS)


def raw_frame(payments: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """RAW_SCHEMA frame of the exact reader's payments."""
    return pl.DataFrame({name: [payment.get(name) for payment in payments] for name in RAW_SCHEMA}, schema=RAW_SCHEMA)


def payments_frame(raw: pl.DataFrame, batches: Mapping[int, Mapping[str, str]], file_id: str) -> pl.DataFrame:
    """PAYMENTS of a RAW_SCHEMA frame, with what the payments' own PmtInf says of them all."""
    if raw.is_empty():
        return empty(PAYMENTS)
    wanted = raw["batch"].unique(maintain_order=True).to_list()
    joined = raw.join(_batches_frame(batches, wanted), on="batch", how="left", maintain_order="left")
    columns = [
        payment_id_of(pl.lit(file_id), pl.col("offset")).alias("payment_id"),
        *(pl.col(name) for name in PLACES),
        pl.lit(CreditDebit.CRDT.value).alias("credit_debit"),
        pl.col("requested_execution_date"),
        pl.lit(value=False).alias("prenote"),
        *(_column(name).alias(name) for name in {**BATCH, **PAYMENT}),
    ]
    shaped = joined.select(columns).with_columns(
        amount_minor(pl.col("amount_text"), pl.col("currency")).alias("amount_minor"),
        _without_blanks("debtor_account"),
        _without_blanks("creditor_account"),
    )
    return conform(shaped, PAYMENTS)


def _batches_frame(batches: Mapping[int, Mapping[str, str]], wanted: Sequence[int]) -> pl.DataFrame:
    data: dict[str, list[Any]] = {"batch": list(wanted)}
    for path in BATCH_PATHS:
        data[_BATCH_PREFIX + path] = [_text_of(batches[batch], path) for batch in wanted]
    dates = BATCH["requested_execution_date_text"]
    data["requested_execution_date"] = [
        execution_date(next((text for path in dates if (text := _text_of(batches[batch], path))), None))
        for batch in wanted
    ]
    return pl.DataFrame(data, schema=_BATCH_SCHEMA)


def _text_of(batch: Mapping[str, str], path: str) -> str | None:
    # An element that may hold children or text (ReqdExctnDt, CtgyPurp) has the blanks between its children as text.
    text = batch.get(path)
    return text if text and (path not in _MIXED or text.strip(" \t\r\n")) else None


_MIXED: Final = frozenset({"ReqdExctnDt", "PmtTpInf/CtgyPurp"})


def _column(name: str) -> pl.Expr:
    texts = [_own(path) for path in PAYMENT.get(name, ())]
    texts += [pl.col(_BATCH_PREFIX + path) for path in BATCH.get(name, ())]
    return pl.coalesce(texts)


def _own(path: str) -> pl.Expr:
    text = pl.col(path)
    return pl.when(text.str.contains(r"[^ \t\r\n]")).then(text) if path in _MIXED else text


def _without_blanks(name: str) -> pl.Expr:
    text = pl.col(name).str.replace_all(r"[ \t\r\n]+", "")
    return pl.when(text != "").then(text).alias(name)


def equivalent_amounts(raw: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS of payments that give an equivalent amount in place of an instructed one."""
    told = raw.get_column(AMOUNT).is_null() & raw.get_column(EQUIVALENT).is_not_null()
    if not told.any():
        return empty(FINDINGS)
    place = payments.filter(told).select("batch", "batch_id", "row", "line", "end_to_end_id")
    return conform(
        place.with_columns(
            raw.filter(told).get_column(EQUIVALENT).str.head(60).alias("value"),
            rule=pl.lit("iso-equivalent-amount"),
            reason=pl.lit("AM12"),
            severity=pl.lit(Severity.ERROR.value),
            level=pl.lit(Level.PAYMENT.value),
            field=pl.lit("Amt/EqvtAmt"),
            message=pl.lit("The payment gives an equivalent amount (EqvtAmt); no rate is applied here."),
            remedy=pl.lit("Give the amount to be paid in InstdAmt, in the currency of the payment."),
        ),
        FINDINGS,
    )
