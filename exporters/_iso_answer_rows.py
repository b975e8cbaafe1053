"""The transactions of a pain.002 as rows of XML, a slice at a time. A batch opens at its first row and closes at its last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl

from canonical.ahead import worked_ahead
from canonical.contracts import ANSWER_DTYPES, Answer
from canonical.findings import OF_PAYMENT, WARNS
from canonical.frames import FINDINGS, PAYMENTS, dtypes
from canonical.limits import IDENTIFICATION_CHARS_MAX
from canonical.money import amount_text
from canonical.sentences import and_then, said_as
from exporters._iso_answer_batches import batch_openings
from exporters._iso_answer_text import Places, identification, place_said, reason_xml
from exporters._iso_answer_version import Version
from exporters._iso_xml import leaf, node, text, wrap

SLICE_ROWS: Final = 25_000
_THREADS: Final = 2
_EXCEPTIONS: Final = ("RJCT", "CANC", "ACWC")
_AMOUNT: Final = r"^[0-9]{1,13}(\.[0-9]{1,5})?$"
"""Sure to be ActiveOrHistoricCurrencyAndAmount: at most 18 digits, 5 of them decimals."""
_UETR: Final = r"^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$"
_NAME_CHARS_MAX: Final = 140
_PLAIN: Final = r"^[!-%'-;=?-~]([ -%'-;=?-~]*[!-%'-;=?-~])?$"
"""Printable ASCII that needs no escape and has no blank at either end."""
_FIRST_DAY: Final = dt.date(1900, 1, 1)
_SAYS: Final = ("message", "remedy")
_OTHERS: Final = "Payments with no reason of their own: "
_ORIGINAL: Final = ("uetr", "debtor_name", "creditor_name", "requested_execution_date")


def said_by_all(answer: Answer) -> str:
    """StsRsnInf of what all payments without a reason say alike: told once, of the group, and of no payment again."""
    rows = answer.rows.select(pl.col(name).cast(ANSWER_DTYPES[name]) for name in ("reason", *_SAYS))
    plain = rows.lazy().filter(pl.col("reason").is_null())
    words = plain.unique(_SAYS).limit(2).collect()
    if words.height != 1:
        return ""
    alone = rows["reason"].null_count() == rows.height
    return "".join(_said(words, "" if alone else _OTHERS)["reasons"].drop_nulls())


def rows_xml(answer: Answer, version: Version, *, exceptions_only: bool, said_once: bool) -> Iterator[pl.Series]:
    """XML of each row to be written, in order of batch and row, a slice at a time; threads make the next ones meanwhile.

    `said_once`: what rows without a reason say is told elsewhere. A batch of which no row is written, or that has none, stands
    as one row that only opens and closes it.
    """
    rows = answer.rows.select(pl.col(name).cast(dtype) for name, dtype in ANSWER_DTYPES.items()).with_columns(
        pl.col("batch").fill_null(1), version.told(pl.col("status"))
    )
    openings = batch_openings(rows, answer, version)
    places = _places(rows, openings, version, exceptions_only=exceptions_only)
    told, known = _own_findings(answer), _original(answer)
    said = _said(rows.clear() if said_once else rows)

    def made(placed: pl.DataFrame) -> pl.Series:
        part = pl.concat([placed, _at(rows, placed["place"]).drop("batch")], how="horizontal")
        part = part.join(openings, on="batch", how="left", maintain_order="left")
        part = _reasoned(_with_amounts(part), told, said, answer.facts.places)
        part = part.join(_within(known, part), on="row", how="left", maintain_order="left").with_columns(
            opening=pl.when("first").then("opening"), status_id=pl.format(f"{answer.answer_id}-{{}}", "row")
        )
        return _xml(part, version)

    with ThreadPoolExecutor(_THREADS) as pool:
        yield from worked_ahead(pool, made, places.iter_slices(SLICE_ROWS))


def _places(rows: pl.DataFrame, openings: pl.DataFrame, version: Version, *, exceptions_only: bool) -> pl.DataFrame:
    """batch, place (index in `rows`, null for a batch alone), first, last (of its batch): one row for each to be written."""
    kept = pl.lit(value=True)
    if exceptions_only:
        kept = pl.col("status").is_in(_EXCEPTIONS) | pl.col("reason").is_not_null()
    if version.transactions:
        kept &= pl.col("status").is_in(version.transactions)
    index = pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
    written = (
        rows.lazy().select("batch", "row", index, kept=kept).filter("kept").select("batch", "row", "place").collect()
    )
    bare = openings.join(written, on="batch", how="anti").select("batch")
    every = pl.concat([written, bare], how="diagonal").sort("batch", "row", maintain_order=True)
    return every.select(
        "batch",
        "place",
        first=(pl.col("batch") != pl.col("batch").shift(1)).fill_null(value=True),
        last=(pl.col("batch") != pl.col("batch").shift(-1)).fill_null(value=True),
    )


def _at(rows: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """The rows of these indices, none for null. Where they follow one another, as nearly always, nothing is copied."""
    if places.null_count() == 0 and (places.diff().drop_nulls() == 1).all():
        return rows.slice(places[0], places.len())
    return rows[places]


def _with_amounts(part: pl.DataFrame) -> pl.DataFrame:
    """The slice with `amount_text` as ISO writes it: as the client did where that can be told, else as it was read, else null."""
    told = part["amount_text"].str.contains(_AMOUNT).fill_null(value=False)
    others = (~told).arg_true()
    if others.is_empty():
        return part
    read = amount_text(pl.col("amount_minor"), pl.col("currency"))
    written = part[others].select(pl.when(read.str.contains(_AMOUNT)).then(read)).to_series()
    return part.with_columns(part["amount_text"].scatter(others, written))


def _xml(rows: pl.DataFrame, version: Version) -> pl.Series:
    """XML of each row of a slice of ANSWER rows.

    Beside them it has `opening` and `closing` XML of their batches, `reasons` (StsRsnInf), `status_id`, and of PAYMENTS what is
    known of the original payment.
    """
    known = frozenset(name for name in _ORIGINAL if rows[name].null_count() < rows.height)
    closing = pl.when("last").then(pl.lit("</OrgnlPmtInfAndSts>"))
    transaction = _transaction(version, known)
    xml = pl.concat_str(pl.col("opening"), transaction, closing, pl.lit(""), ignore_nulls=True)
    return rows.select(xml.alias("xml")).to_series()


def _transaction(version: Version, known: frozenset[str]) -> pl.Expr:
    """`known`: which columns of `_ORIGINAL` are known of any row; mostly none, and what would become of them is left out."""
    parts = (
        wrap("StsId", pl.col("status_id")),
        _reference("OrgnlInstrId", "instruction_id"),
        _reference("OrgnlEndToEndId", "end_to_end_id"),
        *(
            [leaf("OrgnlUETR", pl.when(pl.col("uetr").str.contains(_UETR)).then("uetr"))]
            if version.choices and "uetr" in known
            else []
        ),
        wrap("TxSts", pl.col("status")),
        pl.col("reasons"),
        _transaction_reference(version, known),
    )
    return pl.when(pl.col("row").is_not_null()).then(node("TxInfAndSts", *parts))


def _reference(name: str, column: str) -> pl.Expr:
    """A client's reference. Those that nothing must be done to, which is nearly all, are written as they stand."""
    value = pl.col(column)
    sound = value.str.contains(_PLAIN) & (value.str.len_bytes() <= IDENTIFICATION_CHARS_MAX)
    other = pl.when(~sound).then(value)
    escaped = pl.when(sound).then(value).otherwise(text(identification(other)))
    return pl.concat_str(pl.lit(f"<{name}>"), escaped, pl.lit(f"</{name}>"))


def _transaction_reference(version: Version, known: frozenset[str]) -> pl.Expr:
    """OrgnlTxRef: amount, requested date and the names of both sides, as far as they are known and can be told."""
    amount = pl.when(pl.col("currency").str.contains("^[A-Z]{3}$")).then(
        pl.format('<Amt><InstdAmt Ccy="{}">{}</InstdAmt></Amt>', "currency", "amount_text")
    )
    if not known:
        return wrap("OrgnlTxRef", amount)
    day = pl.when(pl.col("requested_execution_date") >= _FIRST_DAY).then("requested_execution_date")
    written, collects = day.dt.strftime("%Y-%m-%d"), (pl.col("credit_debit") == "DBIT").fill_null(value=False)
    execution = leaf("Dt", pl.when(~collects).then(written)) if version.choices else pl.when(~collects).then(written)
    return node(
        "OrgnlTxRef",
        amount,
        leaf("ReqdColltnDt", pl.when(collects).then(written)),
        pl.concat_str(pl.lit("<ReqdExctnDt>"), execution, pl.lit("</ReqdExctnDt>")),
        _party("Dbtr", "debtor_name", version),
        _party("Cdtr", "creditor_name", version),
    )


def _party(element: str, column: str, version: Version) -> pl.Expr:
    name = leaf("Nm", identification(pl.col(column), _NAME_CHARS_MAX))
    return node(element, node("Pty", name) if version.choices else name)


# ---------------------------------------------------------------------------------------------- what is known of a row


def _original(answer: Answer) -> pl.DataFrame:
    """Columns of PAYMENTS, `row` first, of the payments that are shown unmasked."""
    types = dtypes(PAYMENTS)
    known = answer.faulty(("row", *_ORIGINAL))
    return known.select(pl.col(name).cast(types[name]) for name in ("row", *_ORIGINAL)).unique("row", keep="first")


def _own_findings(answer: Answer) -> pl.DataFrame:
    """FINDINGS of single payments, errors before warnings; none where the bank's word counts, not ours."""
    findings = answer.findings.select(pl.col(name).cast(dtype) for name, dtype in dtypes(FINDINGS).items())
    if answer.milestone != "validated":
        return findings.clear()
    own = OF_PAYMENT & pl.col("row").is_not_null()
    return findings.filter(own).sort("row", WARNS, maintain_order=True)


def _within(frame: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Those of its rows that can belong to the slice."""
    if frame.is_empty() or part["row"].null_count() == part.height:
        return frame.clear()
    return frame.filter(pl.col("row").is_between(part["row"].min(), part["row"].max()))


def _reasoned(part: pl.DataFrame, findings: pl.DataFrame, said: pl.DataFrame, places: Places) -> pl.DataFrame:
    """The slice with `reasons`: a StsRsnInf for each finding of a payment we rejected, else one for what its row says."""
    plain, silent = pl.col("reason").is_null(), pl.lit(said.is_empty())
    speaking = part.filter(pl.col("row").is_not_null() & ~(plain & silent & (pl.col("status") != "RJCT")))
    if speaking.is_empty():
        return part.with_columns(reasons=pl.lit(None, dtype=pl.String))
    rows = speaking.select("row", "line", "status", "reason", "message", "remedy")
    own = _found(rows.filter(pl.col("status") == "RJCT"), findings, places)
    rest = rows.join(own, on="row", how="anti", maintain_order="left")
    worded = rest.filter(plain).join(said, on=_SAYS, how="inner", nulls_equal=True, maintain_order="left")
    told = pl.concat([own, worded.select("row", "reasons"), _placed(rest.filter(~plain), places)])
    return part.join(told, on="row", how="left", maintain_order="left")


def _words() -> pl.Expr:
    return and_then(pl.col("message"), pl.col("remedy"))


def _words_of_finding() -> pl.Expr:
    return and_then(said_as(WARNS), pl.col("remedy"))


def _found(rejected: pl.DataFrame, findings: pl.DataFrame, places: Places) -> pl.DataFrame:
    """row, reasons of the rejected payments that have findings of their own."""
    near = _within(findings, rejected)
    if near.is_empty():
        return pl.DataFrame(schema={"row": pl.Int64, "reasons": pl.String})
    # Where the reason is the batch's or the file's, the payment's own findings (warnings) do not explain it.
    explained = rejected.join(near, on=["row", "reason"], how="semi").select("row", "line")
    each = near.drop("line").join(explained, on="row", how="inner", maintain_order="left").with_columns(
        info=pl.concat_str(
            pl.when(pl.col("row").is_first_distinct()).then(place_said(places)), _words_of_finding(), ignore_nulls=True
        )
    )  # fmt: skip
    xml = each.with_columns(reasons=reason_xml(pl.col("reason"), pl.col("info")))
    return xml.group_by("row", maintain_order=True).agg(pl.col("reasons").str.join(""))


def _said(rows: pl.DataFrame, before: str = "") -> pl.DataFrame:
    """message, remedy, reasons of what rows without a reason say. Most of a file say the same, which is written once."""
    words = rows.lazy().filter(pl.col("reason").is_null()).select(_SAYS).unique(maintain_order=True).collect()
    written = words.filter(_words() != "")
    return written.with_columns(reasons=reason_xml(pl.lit(None, dtype=pl.String), pl.lit(before) + _words()))


def _placed(rows: pl.DataFrame, places: Places) -> pl.DataFrame:
    """row, reasons of rows with a reason. Telling the place alone would say nothing."""
    if rows.is_empty():
        return pl.DataFrame(schema={"row": pl.Int64, "reasons": pl.String})
    info = pl.when(_words() != "").then(pl.concat_str(place_said(places), _words(), ignore_nulls=True))
    return rows.select("row", reasons=reason_xml(pl.col("reason"), info))
