"""Rows that sum up the payments above them ("Total", an amount, nothing else) are no payments: each is told once, as what it is.

Such a row names no account, and holds nothing but a word for a sum and figures. It never becomes a payment. Where its amount is the
sum of the rows above, or of those since the last such row, that is a warning; where it is not, rows may be missing, and the
row counts as one that could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from canonical.codes import Severity
from canonical.counts import count_of
from parsers._csv_header import Layout
from parsers._csv_payments import Table, Taken, row_findings
from parsers._csv_total import units, units_of, units_said, written
from parsers._csv_values import Cells, name_of

_OF: Final = (
    r"amount|payments?|payroll|salaries|wages|transfers?|invoices?|net(?: pay)?|gross|due|to pay|a pagar|à payer|geral|general"
    r"|général|generale|pagos|pagamentos|transferencias|virements"
)
_WORDS: Final = (
    rf"(?:grand |sub-?|sum )?totals?(?: (?:{_OF}))?|sous-total|totaux|totale|totaal(?:bedrag)?|totalt|i alt"
    r"|sub-?sum|sum|summa|(?:gesamt|zwischen|end)?summe|gesamt(?:betrag)?|somme(?: totale)?|somma|suma|razem|ogółem|celkem|spolu"
    r"|összesen|yhteensä|kokku|kopā|iš viso|skupaj|ukupno|toplam|genel toplam|jumlah|σύνολο|итого|всего|разом|合計|合计|总计|總計|합계"
)
LABEL: Final = rf"^(?i:{_WORDS})(?: \(?[A-Z]{{3}}\)?)? ?[:=]?(?: ?[0-9][0-9.,' ]*)?$"
"""A word for a sum, the currency and the number of what it sums up."""
_FIGURE: Final = r"^[0-9.,' ]+$"
_SHOWN_CHARS_MAX: Final = 60
_ACCOUNTS: Final = ("creditor_account", "debtor_account")
_ID: Final = "end_to_end_id"
_DELETE: Final = "Delete the row: the rows of a table are payments."
_COMPARE: Final = "Compare the rows with your own list: one may be missing, or be there twice. Then delete this row."


@dataclass(frozen=True, slots=True)
class Above:
    """What stands above a row, in units of 10^-5 over all currencies: all of it, and what came since the last sum.

    `unread`: so many amounts above it could not be read.
    """

    all: int = 0
    since: int = 0
    unread: int = 0

    def plus(self, units: int, unread: int) -> Above:
        """With so much more, and so many more that could not be read."""
        return Above(self.all + units, self.since + units, self.unread + unread)


def suspected(taken: Taken, cells: Cells, where: pl.DataFrame, table: Table) -> Taken:
    """`taken` with the rows that sum up. `where`: row and line by row of the cells."""
    layout, frame = table.layout, cells.frame
    accounts = _names(layout, *_ACCOUNTS)
    # What every payment has and no such row: looked for in nulls alone, as long as there are none.
    if not any(names and all(frame[name].null_count() for name in names) for names in (accounts, _names(layout, _ID))):
        return taken
    two = [name_of(place) for place in (layout.pays, layout.collects) if place is not None]
    amounts = two or _names(layout, "amount")
    others = [pl.col(name) for name in frame.columns if name not in {*amounts, *_names(layout, "currency")}]
    labels = [pl.when(other.str.contains(LABEL)).then(other) for other in others]
    strange = pl.any_horizontal(~other.str.contains(f"{LABEL}|{_FIGURE}") for other in others)
    bare = pl.concat([where.select("row", "line"), frame], how="horizontal").filter(
        pl.all_horizontal(pl.col(accounts).is_null() | pl.col(accounts).str.contains(LABEL))
    )
    found = bare.filter(~strange.fill_null(value=False)).select(
        "row", "line", pl.coalesce(labels).alias("label"), pl.coalesce(amounts).alias("text")
    )
    return replace(taken, sums=found.drop_nulls("label"))


def _names(layout: Layout, *ours: str) -> list[str]:
    return [name_of(place) for name in ours if name in layout.cells for place in layout.cells[name].places]


def without_sums(taken: Taken, above: Above, table: Table) -> tuple[Taken, Above]:
    """The rows without those that sum up, which have a finding each instead; and what stands above the next rows."""
    if taken.sums is None or taken.sums.is_empty():
        return taken, above.plus(units_of(taken.payments), taken.payments["amount_minor"].null_count())
    ours = pl.col("row").is_in(taken.sums["row"].implode())
    read = taken.payments.filter(~ours)
    running = _running(read, units().fill_null(0), pl.Int128)
    unread_so_far = _running(read, pl.col("amount_minor").is_null().cast(pl.Int64), pl.Int64)
    places = read["row"].search_sorted(taken.sums["row"])
    told, before, lost = [], 0, 0
    for row, stand, gone in zip(
        taken.sums.iter_rows(named=True), running.gather(places), unread_so_far.gather(places), strict=True
    ):
        above, before, lost = above.plus(stand - before, gone - lost), stand, gone
        told.append(_told(row, above, table))
        above = replace(above, since=0)
    findings = row_findings(pl.DataFrame(told, _TOLD), f"{table.format}-summary", "CH16").with_columns(
        pl.Series("severity", [row["severity"] for row in told])
    )
    unread = taken.unreadable - (taken.sums.height - taken.payments.filter(ours).height)
    kept = pl.concat([taken.findings.filter(~ours.fill_null(value=False)), findings]).sort("row", maintain_order=True)
    wrong = int((findings["severity"] == Severity.ERROR.value).sum())
    return Taken(read, kept, unread + wrong), above.plus(running[-1] - before, unread_so_far[-1] - lost)


def _running(read: pl.DataFrame, what: pl.Expr, dtype: type[pl.DataType]) -> pl.Series:
    """The sum of what stands above each row, and behind the last one."""
    return pl.concat([pl.Series([0], dtype=dtype), read.select(what.cum_sum().cast(dtype)).to_series()])


_TOLD: Final = {
    "row": pl.Int64, "line": pl.Int64, "field": pl.String, "value": pl.String, "message": pl.String, "remedy": pl.String,
    "severity": pl.String,
}  # fmt: skip


def _told(row: dict[str, Any], above: Above, table: Table) -> dict[str, Any]:
    text, said = row["text"], f"The row says “{row['label']}” and names no account: it sums up and is no payment"
    sums_to = None if text is None else units_said(text, table.options)
    shown = None if text is None else text[:_SHOWN_CHARS_MAX]
    known = {"row": row["row"], "line": row["line"], "field": "amount_text", "value": shown}
    if sums_to in {above.all, above.since}:
        message = f"{said}; its {shown} is the sum of the rows above. It was left out"
        return {**known, "message": message, "remedy": _DELETE, "severity": Severity.WARNING.value}
    if above.unread and shown:
        message = f"{said}; {count_of(above.unread, 'amount')} above it could not be read, and its {shown} not be compared. It was left out"
        return {**known, "message": message, "remedy": _DELETE, "severity": Severity.WARNING.value}
    stands = f"it holds {shown}" if shown else "it holds no amount"
    message = f"{said}; {stands}, what was read above gives {written(above.all, table.options)}. It was left out"
    return {**known, "message": message, "remedy": _COMPARE, "severity": Severity.ERROR.value}
