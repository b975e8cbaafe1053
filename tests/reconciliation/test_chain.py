"""The chain of statements: balances that follow on, gaps, repeats, years, pages; the corpus' own statements."""

from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import DAY, statement, statements

from canonical.frames import FINDINGS, checked
from reconciliation.chain import chain_findings, links


def told(*rows: dict[str, object]) -> list[tuple[str, str]]:
    found = checked(chain_findings(statements(*rows)), FINDINGS)
    return found.select("rule", "batch_id").rows()


def test_statements_that_follow_on_have_no_finding():
    assert told(statement(1, 0, 500), statement(2, 500, 300), statement(3, 300, 300)) == []
    assert told() == []


def test_a_missing_statement_is_told_by_its_number_and_its_money():
    first, third = statement(1, 0, 500), statement(3, 300, 350)
    assert told(first, third) == [("statement-chain", "ST3")]
    (found,) = chain_findings(statements(first, third)).to_dicts()
    assert (
        found["message"]
        == "Statement ST3 opens 2.00 EUR away from the closing balance of ST1 (1 between them are missing)."
    )
    assert told(first, statement(4, 500, 350)) == [("statement-gap", "ST4")]


def test_a_statement_that_comes_twice():
    again = statement(1, 0, 500, statement_id="ST1b")
    assert told(statement(1, 0, 500), again, statement(2, 500, 600)) == [("statement-repeated", "ST1b")]


def test_numbers_begin_again_with_the_year():
    assert told(statement(250, 0, 500), statement(1, 500, 700, to_date=DAY + dt.timedelta(days=300))) == []


def test_pages_share_their_number():
    pages = [
        statement(1, 0, 500, page=1, statement_id="A page 1"),
        statement(1, 500, 700, page=2, statement_id="A page 2"),
    ]
    assert told(*pages) == []
    assert told(*pages, statement(2, 500, 500)) == [("statement-chain", "ST2")]


def test_pages_that_are_not_counted_repeat_nothing_where_they_go_on():
    first, second = (
        statement(1, *minor, statement_id=name) for name, minor in (("A", (0, 500)), ("A from 500", (500, 700)))
    )
    assert told(first, second) == []
    assert told(first, {**second, "opening_minor": 0}) == [("statement-repeated", "A from 500")]


def test_reports_and_other_accounts_are_no_links():
    report = statement(1, 900, 900, origin="report", statement_id="R")
    other = statement(2, 77, 77, account="GB33BUKB20201555555555")
    assert told(statement(1, 0, 500), report, other) == []


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12), st.randoms())
def test_a_chain_holds_in_any_order_and_breaks_where_one_is_taken_out(closings, chance):
    rows = [
        statement(n, before, after) for n, (before, after) in enumerate(zip([0, *closings], closings, strict=False), 1)
    ]
    chance.shuffle(rows)
    assert told(*rows) == []
    linked = links(statements(*rows))
    assert linked["gap_minor"].drop_nulls().sum() == 0
    assert linked["missing"].sum() == 0
    inner = [row for row in rows if 1 < row["sequence"] < len(rows)]
    if inner:
        left = [row for row in rows if row is not inner[0]]
        assert len(told(*left)) == 1


def test_chained_fits_what_was_moved():
    linked = links(statements(statement(1, 0, 500), statement(2, 450, 600)))
    assert linked.select("before_id", "gap_minor").rows() == [(None, None), ("ST1", -50)]
    assert linked.filter(pl.col("repeats")).is_empty()


def test_numbers_of_the_day_miss_nothing_from_day_to_day():
    def numbered(of_day: int, opening: int, closing: int, days: int) -> dict[str, object]:
        day = DAY + dt.timedelta(days=days)
        number = day.timetuple().tm_yday * 100 + of_day
        return statement(number, opening, closing, from_date=day, to_date=day)

    assert (
        told(numbered(1, 0, 500, 0), numbered(1, 500, 700, 1), numbered(2, 700, 800, 1), numbered(1, 800, 900, 4)) == []
    )
    [(rule, _)] = told(numbered(1, 0, 500, 0), numbered(3, 500, 700, 0))
    assert rule == "statement-gap"
    [(rule, _)] = told(numbered(1, 0, 500, 0), numbered(1, 501, 700, 1))
    assert rule == "statement-chain"
    [(rule, _)] = told(statement(17501, 0, 500), statement(17601, 500, 700))
    assert rule == "statement-gap"


def test_a_number_as_long_as_a_date_is_compared_like_any_other():
    first, second = statement(1, 0, 500), statement(2, 500, 700)
    assert told({**first, "sequence": 20261120001}, {**second, "sequence": 20261120002}) == []
