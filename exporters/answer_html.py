"""answer-html: the answer as one page that any browser shows: what became of the file, and what is wrong, cause by cause.

One file without scripts or anything from outside; it can be read on a phone and printed. The rows are the client's own,
unmasked: for its own outbox only. The same answer gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl
from pydantic import Field

from canonical.contracts import Answer, Model
from exporters._answer_cases import cases_of
from exporters._answer_causes import Cause, causes_of, with_others
from exporters._answer_page import STYLE, cause_article, contents, facts_list, safe, totals_table
from exporters._answer_words import facts_of, verdict_of

_CAUSES_MAX: Final = 100


class HtmlAnswerOptions(Model):
    """`rows_per_cause`: how many of the rows with the same fault are shown."""

    rows_per_cause: int = Field(default=50, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class HtmlAnswer:
    """The answer `answer-html`, with the options it was given."""

    name: str = "answer-html"
    options: type[Model] = HtmlAnswerOptions
    chosen: HtmlAnswerOptions = field(default_factory=HtmlAnswerOptions)
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: HtmlAnswerOptions) -> HtmlAnswer:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".html"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the page, UTF-8."""
        out.writelines(part.encode() for part in _page(answer, self.chosen.rows_per_cause))


def _page(answer: Answer, rows_max: int) -> Iterator[str]:
    verdict = verdict_of(answer)
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{safe(answer.file_name)}: {safe(verdict.headline)}</title><style>{STYLE}</style></head><body>\n"
    )
    yield f'<header class="{verdict.tone}"><h1>{safe(verdict.headline)}</h1><p>{safe(verdict.meaning)}</p></header>\n<main>'
    yield f'<section class="next"><b>What to do now:</b> {safe(verdict.next_step)}</section>\n'
    yield f"<section><h2>Your file</h2>{facts_list(facts_of(answer))}</section>\n"
    if answer.duplicate_of is None:
        yield f"<section><h2>Payments</h2>{totals_table(answer)}<p>{with_others(answer)}</p></section>\n"
        yield from _causes(answer, causes_of(answer, rows_max))
    yield "</main></body></html>\n"


def _causes(answer: Answer, causes: list[Cause]) -> Iterator[str]:
    if not causes:
        return
    shown = causes[:_CAUSES_MAX]
    wanted = pl.concat([cause.rows.select("row", "line") for cause in shown]).unique()
    cases = cases_of(answer, wanted.height, wanted)
    yield f"<section><h2>What was found</h2>{contents(shown)}\n"
    for number, cause in enumerate(shown, 1):
        yield cause_article(number, cause, cases, answer)
    if len(causes) > len(shown):
        yield f"<p>{len(causes) - len(shown):,} more kinds of faults are not shown here: mend these first.</p>"
    yield "</section>"


EXPORT: Final = HtmlAnswer()
