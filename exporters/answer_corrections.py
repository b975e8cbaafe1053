"""answer-corrections: what the client must change in its own records, as CSV: one row a correction, nothing where there is none.

Corrections are NACHA notifications of change and Bacs advices (ADDACS, AUDDIS, AWACS). docs/exports/answer-corrections.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.cells import harmless
from canonical.contracts import Answer, Model
from canonical.profiles import NoOptions

_COLUMNS: Final = (
    "row", "line", "end_to_end_id", "mandate_id", "account", "code", "reason", "change_to", "told_on", "act_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CorrectionsAnswer:
    """The answer `answer-corrections`. It has no options."""

    name: str = "answer-corrections"
    options: type[Model] = NoOptions
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: NoOptions) -> CorrectionsAnswer:  # noqa: ARG002 - the contract's signature
        """The same export."""
        return self

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".corrections.csv"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the corrections that the client was not told of yet; nothing where there are none, or for a copy of a file."""
        if answer.duplicate_of is not None:
            return
        told = answer.corrections()
        if told.is_empty():
            return
        rows = told.rename({"counterparty_account": "account"}).select(_COLUMNS)
        texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
        rows.with_columns(harmless(pl.col(name)).alias(name) for name in texts).write_csv(
            out, include_bom=True, line_terminator="\r\n"
        )


EXPORT: Final = CorrectionsAnswer()
