"""What the readers collected, as canonical frames. All readers end here, so that they cannot differ in meaning."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from canonical.frames import PAYMENTS, TOTALS, checked, conform, dtypes, empty
from canonical.identifiers import payment_id_of
from canonical.identifying import NOT_PROVIDED
from canonical.limits import INT64_MAX
from canonical.money import minor_of
from parsers._iso_paths import MIXED, Message, joins, piece

PLACES: Final = ("row", "line", "offset", "length", "batch")
"""A raw frame has one row a payment: these Int64 columns and, as String, the pieces of those captured paths that occur."""

_PAYMENT_TYPES: Final = dtypes(PAYMENTS)
_SUM_DIGITS: Final = 5
_SUM = re.compile(r"\+?(?:[0-9]{1,18}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})")
_COUNT = re.compile(r"[0-9]{1,15}")
# xs:date and xs:dateTime may carry a time zone; the day is the client's own, the zone does not move it.
_DATE_PATTERN: Final = (
    r"^[ \t\r\n]*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?[ \t\r\n]*$"
)
_DATE = re.compile(_DATE_PATTERN)
_TRUE: Final = ("true", "1")
_FALSE: Final = ("false", "0")


def execution_date(text: str | None) -> dt.date | None:
    """The day of an ISO date or date-time, None where the text is neither."""
    found = _DATE.match(text) if text else None
    if found is None:
        return None
    try:
        return dt.date.fromisoformat(found.group(1))
    except ValueError:
        return None


def date_of(text: pl.Expr) -> pl.Expr:
    """The same for a String column."""
    return text.str.extract(_DATE_PATTERN, 1).str.to_date("%Y-%m-%d", strict=False)


def flag(text: str | None) -> bool | None:
    """An xs:boolean, None where the text is none."""
    stripped = (text or "").strip(" \t\r\n")
    return True if stripped in _TRUE else False if stripped in _FALSE else None


def flag_of(text: pl.Expr) -> pl.Expr:
    """The same for a String column."""
    stripped = text.str.strip_chars(" \t\r\n")
    return pl.when(stripped.is_in(_TRUE)).then(True).when(stripped.is_in(_FALSE)).then(False)


def declared_number(measure: str, text: str) -> int | None:
    """A declared total: a count, or a sum in units of 10^-5; None where the text is no such number."""
    text = text.strip(" \t\r\n")
    if measure == "count":
        return int(text) if _COUNT.fullmatch(text) else None
    if not _SUM.fullmatch(text):
        return None
    whole, _, fraction = text.removeprefix("+").partition(".")
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


def raw_frame(payments: Sequence[Mapping[str, Any]], message: Message) -> pl.DataFrame:
    """Raw frame of the exact reader's payments."""
    places = {name: [payment[name] for payment in payments] for name in PLACES}
    found = {path for payment in payments for path in payment}
    texts = {
        piece(path, 0): [payment.get(path) for payment in payments] for path in message.payment_paths if path in found
    }
    types = {**dict.fromkeys(places, pl.Int64), **dict.fromkeys(texts, pl.String)}
    return pl.DataFrame({**places, **texts}, schema=types)


def payments_frame(
    raw: pl.DataFrame, batches: Mapping[int, Mapping[str, Any]], file_id: str, message: Message
) -> pl.DataFrame:
    """PAYMENTS of a raw frame, with what the payments' own PmtInf says of them all.

    Raises:
        FrameBroken: the frame breaks its schema: our bug.
    """
    if raw.is_empty():
        return empty(PAYMENTS)
    pieces = _pieces(raw, message)
    raw = raw.with_columns(_joined(raw, path, names) for path, names in pieces.items() if len(names) > 1)
    wide, shared = _shared(raw, batches, message)
    columns = {name: pl.lit(None, dtype=dtype) for name, dtype in _PAYMENT_TYPES.items()}
    columns |= {name: pl.col(name) for name in PLACES}
    columns |= shared
    for name, paths in message.payment_columns.items():
        texts = [_text(path, pieces[path][0]) for path in paths if path in pieces]
        if name.endswith("_account"):
            texts = [_without_blanks(raw, pieces[path][0]) for path in paths if path in pieces]
        elif name.endswith("_agent"):
            # It has the form of a BIC, and stands for none.
            texts = [pl.when(text != NOT_PROVIDED).then(text) for text in texts]
        columns[name] = _own(texts, shared.get(name))
    if "mandate_date_text" in message.in_payment:
        columns["mandate_date"] = date_of(columns["mandate_date_text"])
        columns["mandate_amended"] = flag_of(columns["mandate_amended"])
    columns["payment_id"] = payment_id_of(pl.lit(file_id), pl.col("offset"))
    columns["credit_debit"] = pl.lit(message.direction.value)
    columns["prenote"] = pl.lit(value=False)
    columns["uncarried"] = _uncarried(pieces, message, shared["uncarried"])
    del columns["amount_minor"]
    shaped = wide.select(expression.alias(name) for name, expression in columns.items())
    shaped = shaped.with_columns(minor_of(shaped["amount_text"], shaped["currency"]).alias("amount_minor"))
    return checked(shaped.select(list(_PAYMENT_TYPES)), PAYMENTS)


def _pieces(raw: pl.DataFrame, message: Message) -> dict[str, list[str]]:
    """Captured path → its columns in the raw frame, in the order in which the element stands in its payment."""
    found: dict[str, list[str]] = {}
    for name in sorted(raw.columns, key=_ordinal):
        found.setdefault(name.rpartition("#")[0], []).append(name)
    return {path: found[path] for path in message.payment_paths if path in found}


def _ordinal(name: str) -> int:
    return int(name.rpartition("#")[2]) if "#" in name else 0


def _joined(raw: pl.DataFrame, path: str, pieces: Sequence[str]) -> pl.Series:
    """What an element that stands several times says: the first text, or all of them joined by line feeds."""
    first = raw.get_column(pieces[0])
    rows = raw.select(pl.any_horizontal(pl.col(pieces[1:]).is_not_null()).arg_true()).to_series()
    if rows.is_empty():
        return first
    several = pl.coalesce(pieces)
    if joins(path):
        several = pl.concat_str(pieces, separator="\n", ignore_nulls=True)
    # Few payments have more than one: only theirs are made anew.
    return first.scatter(rows, raw.select(pl.col(pieces).gather(rows)).select(several).to_series())


def _uncarried(pieces: Mapping[str, Sequence[str]], message: Message, shared: pl.Expr) -> pl.Expr:
    """Names of the elements without a canonical column that a payment or its batch has, null where they have none."""
    told = [
        pl.when(pl.any_horizontal(_text(path, pieces[path][0]).is_not_null() for path in found)).then(pl.lit(element))
        for element, paths in message.uncarried.items()
        if (found := [path for path in paths if path in pieces])
    ]
    if not told:
        return shared
    return pl.concat_str([shared, *told], separator=", ", ignore_nulls=True).replace("", None)


def _own(texts: Sequence[pl.Expr], shared: pl.Expr | None) -> pl.Expr:
    found = [*texts, *([shared] if shared is not None else [])]
    return pl.coalesce(found) if found else pl.lit(None, dtype=pl.String)


def _text(path: str, name: str) -> pl.Expr:
    text = pl.col(name)
    return pl.when(text.str.contains(r"[^ \t\r\n]")).then(text) if path in MIXED else text


def _without_blanks(raw: pl.DataFrame, name: str) -> pl.Expr:
    text = pl.col(name)
    # One long text is searched in half the time of many short ones.
    if not raw.select(text.str.join("").str.contains(r"[ \t\r\n]")).item():
        return text
    text = text.str.replace_all(r"[ \t\r\n]+", "")
    return pl.when(text != "").then(text)


_PREFIX: Final = "PmtInf/"
_SHARED_TYPES: Final[Mapping[str, Any]] = {
    "requested_execution_date": pl.Date,
    "batch_booking": pl.Boolean,
    "batch_line": pl.Int64,
    "batch_offset": pl.Int64,
    "batch_length": pl.Int64,
}


def _shared(
    raw: pl.DataFrame, batches: Mapping[int, Mapping[str, Any]], message: Message
) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
    """What the batches say: the raw frame with it, and the expressions by canonical column."""
    order = raw["batch"].rle_id()
    values = [_batch_values(batches[batch], message) for batch in raw["batch"].unique(maintain_order=True)]
    if len(values) == 1:
        return raw, {name: pl.lit(value, dtype=_SHARED_TYPES.get(name, pl.String)) for name, value in values[0].items()}
    types = {name: _SHARED_TYPES.get(name, pl.String) for name in values[0]}
    said = pl.DataFrame({name: [value[name] for value in values] for name in types}, schema=types)
    wide = said.select(pl.all().gather(order).name.prefix(_PREFIX))
    return raw.hstack(wide.get_columns()), {name: pl.col(_PREFIX + name) for name in types}


def _batch_values(said: Mapping[str, Any], message: Message) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: next((text for path in paths if (text := _text_of(said, path)) and not _is_none(name, text)), None)
        for name, paths in message.in_batch.items()
    }
    accounts = {name: text for name, text in values.items() if name.endswith("_account") and text}
    values |= {name: re.sub(r"[ \t\r\n]+", "", text) or None for name, text in accounts.items()}
    values["requested_execution_date"] = execution_date(values["requested_execution_date_text"])
    values["batch_booking"] = flag(values["batch_booking"])
    values |= {f"batch_{place}": said[place] for place in ("line", "offset", "length")}
    values["uncarried"] = (
        ", ".join(
            f"PmtInf/{element}"
            for element, paths in message.batch_uncarried.items()
            if any(_text_of(said, path) for path in paths)
        )
        or None
    )
    return values


def _is_none(name: str, text: str) -> bool:
    return name.endswith("_agent") and text == NOT_PROVIDED


def _text_of(batch: Mapping[str, Any], path: str) -> str | None:
    # An element that may hold children or text (ReqdExctnDt, CtgyPurp) has the blanks between its children as text.
    text: str | None = batch.get(path)
    return text if text and (path not in MIXED or text.strip(" \t\r\n")) else None
