"""The client's own payments that something is to be told of, each with its faulty cells: what pages and sheets show.

Bounded: Python touches the shown payments one by one, so at most `limit` of them are taken: the refused first, in file order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.contracts import ANSWER_DTYPES, Answer
from canonical.findings import OF_PAYMENT, WARNS
from canonical.frames import FINDINGS, PAYMENTS, conform, dtypes, empty
from canonical.sentences import and_then
from exporters._answer_words import REFUSED, STATUS_WORDS, canonical_of, heading_of

ROW: Final = "row"
"""Column that is marked where a fault stands on no single field."""
_HIDDEN: Final = frozenset(
    {"payment_id", "row", "line", "offset", "length", "batch", "batch_line", "batch_offset", "batch_length", "amount_minor",
     "requested_execution_date", "mandate_date", "prenote"}
)  # fmt: skip
_SHOWN_AS: Final = {
    "amount_minor": "amount_text", "amount": "amount_text", "requested_execution_date": "requested_execution_date_text",
    "mandate_date": "mandate_date_text",
}  # fmt: skip
KEYS: Final = (
    "end_to_end_id",
    "{}_name",
    "{}_account",
    "amount_text",
    "currency",
    "requested_execution_date_text",
)
"""What names a payment to a reader, `{}` being the other side."""
_FIRST: Final = (
    "end_to_end_id", "creditor_name", "creditor_account", "creditor_agent", "debtor_name", "debtor_account",
    "debtor_agent", "amount_text", "currency", "requested_execution_date_text",
)  # fmt: skip
_TEXTS: Final = ("reason", "message", "remedy")
_PAYMENTS: Final = tuple(dtypes(PAYMENTS))
_SHOWABLE: Final = tuple(name for name in _PAYMENTS if name not in _HIDDEN)


@dataclass(frozen=True, slots=True)
class Mark:
    """One fault of one cell. `severity`: error or warning; `text`: what is wrong and what to do about it."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class Cases:
    """The payments to be shown.

    `frame`: row, line, status (in words), refused, the columns of PAYMENTS, reason, message, remedy.
    `columns`: shown PAYMENTS column → the client's name for it. `marks`: (index in `frame`, column) → its faults.
    `left_out`: payments that there was no room for.
    """

    frame: pl.DataFrame
    columns: dict[str, str]
    marks: dict[tuple[int, str], list[Mark]]
    left_out: int


def _payment_findings(answer: Answer) -> pl.DataFrame:
    """FINDINGS of single payments and rows, errors first."""
    findings = conform(answer.findings, FINDINGS)
    return findings.filter(OF_PAYMENT).sort(WARNS, maintain_order=True)


def cases_of(answer: Answer, limit: int, only: pl.DataFrame | None = None) -> Cases:
    """The payments with findings, those a bank or a person refused, and the rows that could become no payment.

    `only`: row and line of those that are wanted; a row that became no payment has none and is known by its line.
    """
    if answer.duplicate_of is not None:
        # The rows of a copy have no fate of their own: they are the original's.
        return Cases(_nothing(), {}, {}, 0)
    findings = _payment_findings(answer)
    told = _told(answer, findings)
    if only is not None:
        lines = only.filter(pl.col("row").is_null())["line"].implode()
        unnumbered = pl.col("row").is_null() & pl.col("line").is_in(lines)
        told = told.filter(pl.col("row").is_in(only["row"].drop_nulls().implode()) | unnumbered)
    shown = told.head(limit)
    known = conform(answer.faulty(tuple(PAYMENTS.columns)), PAYMENTS)
    frame = _with_payments(shown, known).with_row_index("index")
    marks = _marks(frame, findings, answer)
    columns = _columns(frame, {column for _, column in marks}, answer)
    return Cases(frame.drop("index"), columns, marks, told.height - shown.height)


def _nothing() -> pl.DataFrame:
    return _with_payments(pl.DataFrame(schema={**ANSWER_DTYPES, "refused": pl.Boolean}), empty(PAYMENTS))


def _told(answer: Answer, findings: pl.DataFrame) -> pl.DataFrame:
    """ANSWER columns of the payments to be shown, the refused first, `status` in words, and whether it is `refused`."""
    rows = answer.rows.select(pl.col(name).cast(dtype) for name, dtype in ANSWER_DTYPES.items())
    worded = findings.with_columns(
        message=pl.when(WARNS).then(pl.lit("Warning: ")).otherwise(pl.lit("")) + pl.col("message"), faulty=~WARNS
    )
    of_row = pl.col("row").is_not_null()
    own = worded.filter(of_row).group_by("row", maintain_order=True).agg(_joined())
    known = _known(rows.join(own, on="row", how="left", suffix="_found", maintain_order="left"), answer.milestone)
    unread = pl.concat([own.join(rows, on="row", how="anti"), worded.filter(~of_row).select(own.columns)])
    lost = unread.filter("faulty").with_columns(pl.lit("RJCT").alias("status"))
    # What must be mended stands first, and is what there is room for first.
    kept = ~pl.col("status").is_in(REFUSED)
    every = pl.concat([known, lost], how="diagonal").sort(kept, "line", "row", nulls_last=True, maintain_order=True)
    only_warned = ~pl.col("faulty") & (pl.col("status") == "ACCP")
    words = (
        pl.when(only_warned).then(pl.lit("accepted, with a warning")).otherwise(pl.col("status").replace(STATUS_WORDS))
    )
    return every.select(*ANSWER_DTYPES, refused=pl.col("status").is_in(REFUSED)).with_columns(
        every.select(words.alias("status"))["status"]
    )


def _joined() -> list[pl.Expr]:
    """Several findings of one payment in its cells, one a line."""
    return [
        *(pl.col(name).first() for name in ("line", "end_to_end_id")),
        pl.col("reason").unique(maintain_order=True).str.join(", "),
        *(pl.col(name).unique(maintain_order=True).str.join("\n") for name in _TEXTS[1:]),
        pl.col("faulty").any(),
    ]


def _known(both: pl.DataFrame, milestone: str) -> pl.DataFrame:
    """The payments of which something is to be told, ANSWER columns and `faulty` (null without findings).

    A payment refused with its batch or file is not among them: nothing has to be mended in it.
    """
    on_receipt = milestone == "validated"
    refused = pl.col("status").is_in(["CANC", "ACWC"] if on_receipt else ["RJCT", "CANC", "ACWC"])
    # What a bank said later stands before what was found on receipt.
    first, second = ("{}_found", "{}") if on_receipt else ("{}", "{}_found")
    texts = [pl.coalesce(first.format(name), second.format(name)).alias(name) for name in _TEXTS]
    return both.filter(refused | pl.col("faulty").is_not_null()).with_columns(texts).select(*ANSWER_DTYPES, "faulty")


def _with_payments(told: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The payments with every column of PAYMENTS; where a payment is not at hand, what the answer says of it (names masked)."""
    collects = (pl.col("credit_debit") == "DBIT").fill_null(value=False)
    named = told.with_columns(
        creditor_name=pl.when(~collects).then("counterparty_name"),
        debtor_name=pl.when(collects).then("counterparty_name"),
    )
    kept = known.drop("line", "batch").unique("row", keep="first").join(named.select("row"), on="row", how="semi")
    both = named.join(kept, on="row", how="left", suffix="_known", maintain_order="left")
    at_hand = pl.col("payment_id").is_not_null()
    return both.select(
        "row",
        "line",
        "status",
        "refused",
        *(
            pl.when(at_hand).then(f"{name}_known").otherwise(name).alias(name)
            if f"{name}_known" in both.columns
            else pl.col(name)
            for name in _PAYMENTS
            if name not in {"row", "line", "batch"}
        ),
        "reason",
        "message",
        "remedy",
    )


def _marks(frame: pl.DataFrame, findings: pl.DataFrame, answer: Answer) -> dict[tuple[int, str], list[Mark]]:
    names = canonical_of(answer.facts.terms)
    of_row = pl.col("row").is_not_null()
    places = frame.select("index", "row", "line", "credit_debit")
    by_row = findings.filter(of_row).join(places.select("index", "row", "credit_debit"), on="row", how="inner")
    by_line = findings.filter(~of_row).join(
        places.filter(~of_row).select("index", "line", "credit_debit").unique("line", keep="first"),
        on="line",
        how="inner",
    )
    marks: dict[tuple[int, str], list[Mark]] = defaultdict(list)
    every = pl.concat([by_row, by_line], how="diagonal").sort("index", WARNS, maintain_order=True)
    columns: dict[tuple[str | None, str | None], str] = {}
    for index, field, direction, severity, words in every.select(
        "index", "field", "credit_debit", "severity", words=and_then(pl.col("message"), pl.col("remedy"))
    ).iter_rows():
        if (field, direction) not in columns:
            columns[field, direction] = column_of(field, direction, names)
        marks[index, columns[field, direction]].append(Mark(severity, words.strip()))
    return dict(marks)


def key_columns(directions: Iterable[str | None]) -> list[str]:
    """`KEYS` of payments of these directions."""
    known = set(directions)
    parties = [party for party, code in (("creditor", "CRDT"), ("debtor", "DBIT")) if code in known] or ["creditor"]
    return list(dict.fromkeys(key.format(party) for key in KEYS for party in parties))


def column_of(field: str | None, direction: str | None, names: dict[str, str]) -> str:
    """The shown column that a finding's field stands in; `ROW` where it stands in none."""
    column = names.get(field or "", field or "")
    if column.startswith("counterparty_"):
        column = column.replace("counterparty", "debtor" if direction == "DBIT" else "creditor", 1)
    column = _SHOWN_AS.get(column, column)
    return column if column in _SHOWABLE else ROW


def _columns(frame: pl.DataFrame, marked: set[str], answer: Answer) -> dict[str, str]:
    """Columns that hold something or are marked: those the client's format has first, in its order."""
    terms = answer.facts.terms
    filled = {name for name in _SHOWABLE if frame[name].null_count() < frame.height}
    order = dict.fromkeys(name for name in (*terms, *_FIRST, *_SHOWABLE) if name in filled | marked)
    return {name: heading_of(name, terms) for name in order if name in _SHOWABLE}
