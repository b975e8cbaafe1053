"""The pieces of an answer as a page: HTML that needs nothing from outside, with every text escaped.

Sources: HTML Living Standard; WCAG 2.2 (1.3.1 table headings, 1.4.1 use of colour, 1.4.10 reflow, 3.1.1 language).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

from canonical.contracts import Answer
from canonical.counts import count_of
from canonical.money import grouped_minor
from exporters._answer_cases import ROW, Cases, column_of, key_columns
from exporters._answer_causes import Cause
from exporters._answer_words import canonical_of, in_all, reason_words, totals_of, without_sum

STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem 1.25rem 3rem; font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a;
  background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; }
header { border-left: .5rem solid #555; padding: .1rem 1rem; background: #f4f4f4; }
header.good { border-color: #1b6e3c; background: #eef7f0; }
header.mixed { border-color: #8a5a00; background: #fdf6e3; }
header.bad { border-color: #a61b1b; background: #fcefee; }
.next { border: 2px solid #1a1a1a; padding: .5rem 1rem; margin: 1rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: #555; } dd { margin: 0; }
article { border: 1px solid #bbb; border-radius: .3rem; padding: .8rem 1rem; margin: 1rem 0; }
article.warning { border-style: dashed; }
p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0 0; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top; white-space: pre-line; }
th { background: #eef1f5; }
td.number, th.number { text-align: right; }
td.fault { background: #fbdcd6; border: 2px solid #a61b1b; }
td.doubt { background: #fff4d1; border: 2px dashed #8a5a00; }
td.term { overflow-wrap: anywhere; min-width: 6rem; }
table.totals { width: auto; min-width: 60%; } tfoot td, tfoot th { border-top: 2px solid #555; font-weight: 600; }
.scroll { overflow-x: auto; }
table.rows td { overflow-wrap: anywhere; min-width: 6.5rem; }
table.rows td.number, table.rows td.short { overflow-wrap: normal; min-width: 0; }
table.rows { font-size: .82rem; } table.rows td.account { min-width: 12.3rem; }
table.rows td.words { overflow-wrap: break-word; min-width: 10.5rem; }
td .flag { display: block; font-size: .75rem; font-weight: 700; text-transform: uppercase; letter-spacing: .03em; }
.small { font-size: .9rem; color: #444; }
@media (max-width: 44rem) {
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .3rem; }
  table.rows thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table.rows, table.rows tbody, table.rows tr, table.rows td { display: block; width: 100%; }
  table.rows caption { display: block; }
  table.rows tr { border: 2px solid #888; margin: 0 0 .8rem; }
  table.rows td { border-width: 0 0 1px; text-align: left; }
  table.rows td.fault, table.rows td.doubt { border-width: 2px; } table.rows td[class], table.rows td { min-width: 0; }
  table.rows td::before { content: attr(data-head); display: block; font-size: .75rem; color: #555; }
}
@media print {
  html { font-size: 9pt; } body { max-width: none; padding: 0 2px; }
  article { border-width: 0 0 1px; padding: .5rem 0; break-inside: avoid; }
  thead { display: table-header-group; } tr, h3 { break-inside: avoid; } h2, h3 { break-after: avoid; }
  td.fault, td.doubt, header { print-color-adjust: exact; } .scroll { overflow: visible; }
  table.rows td { min-width: 5rem; }
}
@page { size: A4 landscape; margin: 12mm; }
"""
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
"""Characters that HTML cannot hold, and those that turn the direction of what stands around them."""
_CSS: Final = {
    "row": "number", "line": "number", "amount_text": "number", "creditor_account": "account", "debtor_account": "account",
    "currency": "short", "requested_execution_date_text": "short", "message": "words", "remedy": "words",
}  # fmt: skip
"""Column → how it stands: an IBAN on one line, where it is compared by eye; words wide enough to be read."""
_BREAKS: Final = re.compile("([/_])")
"""Where the name of an element or a column may go on in the next line."""


def safe(value: object) -> str:
    """Any text as text of the page."""
    return escape(_CONTROLS.sub("\ufffd", str(value)), quote=True)


def facts_list(facts: Iterable[tuple[str, str]]) -> str:
    """Label and value, as a list of descriptions."""
    return "<dl>" + "".join(f"<dt>{safe(label)}</dt><dd>{safe(value)}</dd>" for label, value in facts) + "</dl>"


def totals_table(answer: Answer) -> str:
    """How many payments of which sum have which status, and all of them."""
    totals = totals_of(answer)
    if totals.is_empty():
        return "<p>No payment could be read.</p>"
    rows = "".join(_total(one["words"], one["payments"], _sums(answer, one)) for one in totals.iter_rows(named=True))
    sums = [text for one in in_all(totals).iter_rows(named=True) for text in _sums(answer, one)]
    foot = _total("in all", int(totals["payments"].sum()), sums)
    head = '<thead><tr><th scope="col">Status</th><th scope="col" class="number">Payments</th><th scope="col" class="number">Sum</th></tr></thead>'
    return (
        f'<table class="totals"><caption>Payments by status</caption>{head}<tbody>{rows}</tbody>'
        f"<tfoot>{foot}</tfoot></table>"
    )


def _total(words: str, payments: int, sums: list[str]) -> str:
    return (
        f'<tr><th scope="row">{safe(words)}</th><td class="number">{payments:,}</td>'
        f'<td class="number">{"<br>".join(safe(text) for text in sums)}</td></tr>'
    )


def _sums(answer: Answer, one: dict[str, Any]) -> list[str]:
    """The sum of one currency, and how many of its amounts are in no sum."""
    currency = one["currency"] or ""
    told = [] if one["unread"] == one["payments"] else [f"{grouped_minor(one['sum_minor'], currency)} {currency}"]
    if one["unread"]:
        where = f" in “{currency}”" if currency and not told else ""
        told.append(f"{'and ' if told else ''}{without_sum(answer, one['unread'], where)}")
    return told


def contents(causes: list[Cause]) -> str:
    """The causes in one table, each with a link to its rows."""
    rows = "".join(
        f'<tr><td class="number">{cause.cases:,}</td><td>{"Warning" if cause.warning else "Fault"}</td>'
        f'<td><a href="#cause-{number}">{safe(title_of(cause))}</a></td><td class="term">{safe(cause.field or _about(cause))}</td></tr>'
        for number, cause in enumerate(causes, 1)
    )
    heads = '<th scope="col" class="number">Found</th><th scope="col">Kind</th><th scope="col">Reason</th><th scope="col">Where</th>'
    return f"<table><caption>Causes</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _about(cause: Cause) -> str:
    return {"file": "the file", "batch": "a batch", "payment": "the payment"}[cause.level]


def title_of(cause: Cause) -> str:
    """Reason code with its words."""
    return reason_words(cause.reason) or "No reason was given"


def cause_article(number: int, cause: Cause, cases: Cases, answer: Answer) -> str:
    """One cause: what is wrong, what to do, and the rows it was found in."""
    kind = "Warning" if cause.warning else "Fault"
    noun = {"file": "place", "batch": "batch", "payment": "payment"}[cause.level]
    parts = [f"<h3>{number}. {kind} in {count_of(cause.cases, noun)}: {safe(title_of(cause))}</h3>"]
    if cause.field:
        parts.append(f"<p><b>Where:</b> {safe(cause.field)}</p>")
    if cause.message:
        parts.append(f"<p><b>What is wrong:</b> {safe(cause.message)}</p>")
    if cause.remedy:
        parts.append(f"<p><b>What to do:</b> {safe(cause.remedy)}</p>")
    if cause.level == "payment":
        parts.append(_rows_table(cause, cases, answer))
    else:
        parts.append(_places(cause))
    if cause.rows.height < cause.cases:
        same = (
            "The others have the same fault and are mended in the same way."
            if cause.message
            else "The others are of the same kind."
        )
        parts.append(f'<p class="small">The first {cause.rows.height:,} of {cause.cases:,} are shown. {same}</p>')
    css = ' class="warning"' if cause.warning else ""
    return f'<article{css} id="cause-{number}">{"".join(parts)}</article>\n'


def _places(cause: Cause) -> str:
    """Findings above payments: where they stand, and what differs from one to the next."""
    told = []
    for one in cause.rows.iter_rows(named=True):
        place = [f"batch {one['batch_id']}"] if one["batch_id"] else []
        place += [f"line {one['line']}"] if one["line"] else []
        said = [one["message"]] if cause.message is None else []
        said += [one["remedy"]] if cause.remedy is None else []
        words = ": ".join(part for part in (", ".join(place), " ".join(word for word in said if word)) if part)
        if words:
            told.append(f"<li>{safe(words[:1].upper() + words[1:])}</li>")
    return f"<ul>{''.join(told)}</ul>" if told else ""


def _rows_table(cause: Cause, cases: Cases, answer: Answer) -> str:
    """The client's own rows, the faulty cell marked."""
    index = {
        (row, None if row else line): place
        for place, (row, line) in enumerate(cases.frame.select("row", "line").iter_rows())
    }
    told = list(cause.rows.iter_rows(named=True))
    found = [index.get((one["row"], None if one["row"] else one["line"])) for one in told]
    records = [cases.frame.row(place, named=True) if place is not None else {} for place in found]
    names = canonical_of(answer.facts.terms)
    columns = _columns(cause, cases, names, records)
    texts = {
        name: head
        for name, head in (("message", "What is wrong"), ("remedy", "What to do"))
        if getattr(cause, name) is None
    }
    texts = {name: head for name, head in texts.items() if any(one[name] for one in told)}
    heads = {ROW: answer.facts.places[0], "line": answer.facts.places[1], **columns, **texts}
    lines = []
    for one, record in zip(told, records, strict=True):
        marked = column_of(cause.column, record.get("credit_debit"), names) if cause.found else None
        if marked == ROW and one[ROW] is None:
            marked = "line"
        values = {**record, **{name: one[name] for name in (ROW, "line", *texts)}}
        lines.append(f'<tr role="row">{"".join(_cells(values, heads, marked, cause))}</tr>')
    head = "".join(
        f'<th scope="col" role="columnheader"{_css(name)}>{_head(title)}</th>' for name, title in heads.items()
    )
    return (
        f'<div class="scroll"><table class="rows" role="table"><caption>Your rows</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )


def _columns(cause: Cause, cases: Cases, names: dict[str, str], records: list[dict[str, Any]]) -> dict[str, str]:
    """What names a payment, and what the cause stands on."""
    directions = {record.get("credit_debit") for record in records}
    wanted = key_columns(directions)
    if cause.column:
        wanted += [column_of(cause.column, direction, names) for direction in sorted(directions, key=str)]
    return {name: cases.columns[name] for name in wanted if name in cases.columns}


def _cells(values: dict[str, Any], heads: dict[str, str], marked: str | None, cause: Cause) -> Iterator[str]:
    for name, head in heads.items():
        value = values.get(name)
        label = f' role="cell" data-head="{safe(head)}"'
        if name == marked:
            kind, flag = ("doubt", "look at this") if cause.warning else ("fault", "wrong")
            css = f"{kind} account" if _CSS.get(name) == "account" else kind
            text = safe(value) if value not in {None, ""} else "(empty)"
            yield f'<td class="{css}"{label}><span class="flag">{flag}:</span> {text}</td>'
        else:
            yield f"<td{_css(name)}{label}>{safe('' if value is None else value)}</td>"


def _head(title: str) -> str:
    return _BREAKS.sub(r"\1<wbr>", safe(title))


def _css(name: str) -> str:
    return f' class="{_CSS[name]}"' if name in _CSS else ""
