"""The client's answer as a table: one row a payment, for whoever opens it in a spreadsheet.

Columns: file, line, row, end_to_end_id, amount, currency, status, reason, field, value, message, remedy. The first row is the
file's own, then come the findings about the file and its batches (no row number), then every row of the file in its order.
Several findings of one payment stand in its cells, divided by " | ". UTF-8 with a byte order mark, lines end with CR LF.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.cells import RUNS
from canonical.codes import Level
from canonical.contracts import Answer, Model
from canonical.counts import count_of
from canonical.findings import OF_PAYMENT, WARNS
from canonical.sentences import said_as
from exporters._answer_words import asks

COLUMNS: Final = (
    "file", "line", "row", "end_to_end_id", "amount", "currency", "status", "reason", "field", "value", "message", "remedy",
)  # fmt: skip
_SCHEMA: Final = {name: pl.Int64 if name in {"line", "row"} else pl.String for name in COLUMNS[1:]}
_TOLD: Final = ("reason", "field", "value", "message", "remedy")
_STANDS: Final = (
    "This file was received before as {}. The original stands and is being worked on; this copy is not used, and nothing "
    "is paid twice."
)
_LEAVE_IT: Final = (
    "Nothing. Do not cancel the original and do not send it again; its own answer says how each payment went."
)
_NUMBER: Final = r"^-?[0-9]+([.,][0-9]+)*$"


class CsvAnswerOptions(Model):
    """`delimiter`: a semicolon suits spreadsheets of countries that write a decimal comma."""

    delimiter: Literal[",", ";"] = ","


@dataclass(frozen=True, slots=True)
class CsvAnswer:
    """The answer `answer-csv`, with the options it was given."""

    name: str = "answer-csv"
    options: type[Model] = CsvAnswerOptions
    chosen: CsvAnswerOptions = field(default_factory=CsvAnswerOptions)
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: CsvAnswerOptions) -> CsvAnswer:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".csv"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the table; the same input gives the same bytes."""
        # The rows of a copy have no fate of their own: they are the original's.
        told = replace(answer, findings=_in_terms(answer))
        rows = [_above(told), _payments(told)] if answer.duplicate_of is None else []
        table = pl.concat([_file_row(answer), *rows]).with_columns(pl.lit(answer.file_name).alias("file"))
        safe = table.select(_harmless(name) if table.schema[name] == pl.String else pl.col(name) for name in COLUMNS)
        safe.write_csv(out, include_bom=True, separator=self.chosen.delimiter, line_terminator="\r\n")


def _in_terms(answer: Answer) -> pl.DataFrame:
    """FINDINGS whose `field` is what the client calls it, where its format has a name for it."""
    return answer.findings.with_columns(pl.col("field").cast(pl.String).replace(dict(answer.facts.terms)))


def _harmless(name: str) -> pl.Expr:
    """A cell that a spreadsheet would run gets an apostrophe before it; a plain negative amount runs nothing."""
    cell = pl.col(name)
    runs = cell.str.contains(RUNS)
    if name == "amount":
        runs &= ~cell.str.contains(_NUMBER)
    return pl.when(runs).then(pl.lit("'") + cell).otherwise(cell).alias(name)


def _file_row(answer: Answer) -> pl.DataFrame:
    codes = ", ".join(dict.fromkeys(code for code, _ in answer.reasons))
    message, remedy = _about(answer)
    row = {"status": answer.status, "reason": codes or None, "message": message, "remedy": remedy}
    return pl.DataFrame([row], schema_overrides=_SCHEMA).select(
        *(pl.col(name) if name in row else pl.lit(None, dtype=dtype).alias(name) for name, dtype in _SCHEMA.items())
    )


def _about(answer: Answer) -> tuple[str, str | None]:
    if answer.duplicate_of is not None:
        return _STANDS.format(answer.duplicate_of), _LEAVE_IT
    rejected = answer.rows.filter(pl.col("status") == "RJCT").height
    reasons = " | ".join(text for _, text in answer.reasons if text)
    # A file that asks to cancel holds no payment: its rows are requests.
    held = (answer.rows.height, "request") if asks(answer) else (answer.payments, "payment")
    counted = f"{count_of(*held)}, {rejected:,} of them rejected"
    return f"{counted}: {reasons}" if reasons else counted, None


def _above(answer: Answer) -> pl.DataFrame:
    """Findings about the file and its batches, and about records that have no number as a payment, only a line."""
    above = answer.findings.filter((pl.col("level") != Level.PAYMENT.value) | pl.col("row").is_null())
    return above.select(
        "line",
        pl.lit(None, dtype=pl.Int64).alias("row"),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in ("end_to_end_id", "amount", "currency")),
        pl.when(~WARNS).then(pl.lit("RJCT")).alias("status"),
        "reason",
        "field",
        "value",
        said_as(WARNS).alias("message"),
        "remedy",
    )


def _payments(answer: Answer) -> pl.DataFrame:
    """Every row of the file: payments, and rows that could not be read."""
    joined = [
        pl.col(name).fill_null("").str.join(" | ").alias(f"found_{name}") for name in ("field", "value", "remedy")
    ]
    found = (
        answer.findings.filter(OF_PAYMENT & pl.col("row").is_not_null())
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("line").first().alias("found_line"),
            pl.col("reason").unique(maintain_order=True).str.join(" | ").alias("found_reason"),
            said_as(WARNS).str.join(" | ").alias("found_message"),
            (~WARNS).any().alias("wrong"),
            *joined,
        )
    )
    rows = answer.rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in ("field", "value"))
    both = rows.join(found, on="row", how="full", coalesce=True, maintain_order="left_right").sort("row")
    # What a bank said later stands before what was found on receipt.
    first, second = ("found_{}", "{}") if answer.milestone == "validated" else ("{}", "found_{}")
    # What a payment only was warned of does not say why its batch or file took it along.
    inherits = (pl.col("status") == "RJCT") & ~pl.col("wrong").fill_null(value=True) & pl.col("message").is_not_null()
    # Nor what becomes of one that stands, and why it waits.
    stands = pl.col("status").is_in(["ACCP", "PDNG"]) & pl.col("message").is_not_null()
    told = [
        pl.when(inherits | (stands & (name == "message")))
        .then(name)
        .otherwise(pl.coalesce(first.format(name), second.format(name)))
        .alias(name)
        for name in _TOLD
    ]
    return both.select(
        pl.coalesce("line", "found_line").alias("line"),
        "row",
        "end_to_end_id",
        pl.col("amount_text").alias("amount"),
        "currency",
        # A row that became no payment has findings only; one that is only warned of (it sums up) was to be none.
        pl.coalesce("status", pl.when(pl.col("wrong").fill_null(value=True)).then(pl.lit("RJCT"))),
        *told,
    )


EXPORT = CsvAnswer()
