"""The answer as a page: whole in itself, every text escaped, readable without colours, one cause told once."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from answer_samples import (
    ANSWER,
    ASK,
    SWAPPED,
    finding,
    findings_of,
    many,
    payment,
    payments_of,
    told_of,
    with_minor,
    written,
)
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from canonical.frames import FINDINGS, PAYMENTS, empty
from exporters._answer_words import facts_of, verdict_of
from exporters.answer_html import EXPORT, HtmlAnswerOptions

GOLDEN = Path(__file__).parent / "golden" / "answer_html"
VOID = {"meta", "br", "wbr"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "h1", "h2", "h3", "p", "b", "dl", "dt",
    "dd", "ul", "li", "div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "a", "span", "br", "wbr",
}  # fmt: skip


class Strict(HTMLParser):
    """Refuses a tag that is not closed in order, and any that the page does not need."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.attributes = []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_who_mends_an_amount_under_control_totals_is_told_to_make_them_anew():
    wrong = replace(ANSWER, findings=findings_of(finding(rule="amount", level="payment", row=1)))
    assert "make them anew" not in page(wrong)
    counted = replace(wrong, facts=replace(ANSWER.facts, currency="USD"))
    assert "The control totals of the file of rejected rows count the amounts as they stand" in page(counted)
    other = findings_of(finding(rule="iban", level="payment", row=1))
    assert "make them anew" not in page(replace(counted, findings=other))
    hashed = replace(counted, facts=replace(counted.facts, hashed=("iban",)))
    assert "count the bank numbers as they stand" in page(replace(hashed, findings=other))
    both = findings_of(finding(rule="iban", level="payment", row=1), finding(rule="amount", level="payment", row=1))
    assert "count the amounts and bank numbers as they stand" in page(replace(hashed, findings=both))


def page(answer=ANSWER, export=EXPORT):
    return written(export, answer).decode()


def tree(answer=ANSWER, export=EXPORT):
    return html.document_fromstring(page(answer, export))


def strict(text):
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def words(element):
    return " ".join(" ".join(element.itertext()).split())


def articles(told):
    return told.findall(".//article")


def test_the_golden_page():
    data = written(EXPORT)
    assert data == (GOLDEN / "answer.html").read_bytes()
    assert written(EXPORT) == data


def test_the_page_is_whole_in_itself():
    text = page()
    attributes = strict(text).attributes
    assert not [name for name, _ in attributes if name.startswith("on") or name in {"src", "style", "action"}]
    assert {value[0] for name, value in attributes if name == "href"} == {"#"}
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_the_page_is_accessible():
    told = tree()
    assert told.get("lang") == "en"
    assert words(told.find(".//title")) == "pay <1>.csv: 3 payments of 5 were refused. 1 row could not be read."
    tables = told.findall(".//table")
    assert tables
    for table in tables:
        assert words(table.find("caption"))
        assert all(head.get("scope") in {"col", "row"} for head in table.findall(".//th"))
    links = [link.get("href")[1:] for link in told.findall(".//a")]
    assert links == [article.get("id") for article in articles(told)]
    marked = told.xpath("//td[starts-with(@class, 'fault') or starts-with(@class, 'doubt')]")
    assert marked
    for cell in marked:
        assert words(cell.find("span")) in {"wrong:", "look at this:"}, "colour is not the only mark"


def test_summary_and_what_to_do_come_first():
    told = tree()
    assert words(told.find(".//h1")) == "3 payments of 5 were refused. 1 row could not be read."
    assert words(told.find(".//section")).startswith("What to do now: Mend the payments listed below")
    assert "refused 3 7,469.00 EUR and 1 amount that cannot be read" in words(told.findall(".//table")[0])


def test_the_sums_of_all_payments_stand_below_those_of_each_status():
    rows = with_minor(
        ANSWER.rows.with_columns(currency=pl.when(pl.col("row") == 1).then(pl.lit("usd")).otherwise("currency"))
    )
    (foot,) = tree(replace(ANSWER, rows=rows)).findall(".//tfoot")
    assert (
        words(foot) == "in all 5 11,703.50 EUR and 1 amount that cannot be read 1 amount in “usd” that cannot be read"
    )


def test_causes_errors_first_the_most_frequent_first():
    titles = [words(article.find("h3")) for article in articles(tree())]
    assert titles == [
        "1. Fault in 2 payments: AC01: Incorrect account number",
        "2. Fault in 1 payment: AM12: Invalid amount",
        "3. Fault in 1 payment: BE22: Creditor name missing",
        "4. Fault in 1 payment: FF02: Syntax error",
        "5. Warning in 1 place: AM10: Sum of instructed amounts does not equal the control sum",
        "6. Warning in 1 payment: RR10: Invalid character set",
    ]


def test_the_clients_rows_stand_below_their_cause_with_the_faulty_cell_marked():
    first = articles(tree())[0]
    said = words(first)
    assert f"What is wrong: {SWAPPED}" in said
    assert f"What to do: {ASK}" in said
    heads = [words(cell) for cell in first.findall(".//th")]
    assert heads == ["Row", "Line", "Reference", "Payee", "Payee account", "Amount", "Currency", "Pay on"]
    rows = [[words(cell) for cell in row.findall("td")] for row in first.findall(".//tbody/tr")]
    assert rows == [
        ["2", "3", "INV-2", "Grün & Söhne", "wrong: FR1420041010050500013M02607", "2234.50", "EUR", "2026-12-01"],
        [
            "3",
            "4",
            "=HYPERLINK(1)",
            "Grün & Söhne",
            "wrong: FR1420041010050500013M02607",
            "12.3456",
            "EUR",
            "2026-12-01",
        ],
    ]


def test_an_empty_cell_is_shown_as_such_and_an_unread_row_has_its_own_mark():
    told = articles(tree())
    assert "wrong: (empty)" in words(told[2])
    assert words(told[3].find(".//td[@class='fault']")) == "wrong: 6"


def test_five_thousand_rows_with_one_cause_are_one_cause():
    told = tree(many(5000))
    (article,) = articles(told)
    assert words(article.find("h3")) == "1. Fault in 5,000 payments: AC01: Incorrect account number"
    assert len(article.findall(".//tbody/tr")) == 50
    assert "The first 50 of 5,000 are shown. The others have the same fault and are mended in the same way." in words(
        article
    )
    assert (
        len(articles(tree(many(5), EXPORT.with_options(HtmlAnswerOptions(rows_per_cause=2))))[0].findall(".//tbody/tr"))
        == 2
    )


def test_messages_that_differ_stand_beside_their_rows():
    found = findings_of(
        finding(2, message="Check digits 76 are wrong."), finding(3, message="Check digits 77 are wrong.")
    )
    (article,) = articles(tree(replace(ANSWER, findings=found)))
    assert [words(row.findall("td")[-1]) for row in article.findall(".//tbody/tr")] == [
        "Check digits 76 are wrong.", "Check digits 77 are wrong.",
    ]  # fmt: skip


def test_many_kinds_of_faults_end_with_a_plain_sentence():
    found = findings_of(*(finding(2, field=f"field {number}") for number in range(120)))
    told = tree(replace(ANSWER, findings=found))
    assert len(articles(told)) == 100
    assert "20 more kinds of faults are not shown here: mend these first." in words(told)


def test_batches_at_fault_are_listed():
    found = findings_of(
        finding(None, level="batch", batch=1, batch_id="B-1", line=3, message="Date is past."),
        finding(None, level="batch", batch=2, batch_id="B-2", line=9, message="Date is far."),
    )
    (article,) = articles(tree(replace(ANSWER, findings=found)))
    assert [words(item) for item in article.findall(".//li")] == [
        "Batch B-1, line 3: Date is past.", "Batch B-2, line 9: Date is far.",
    ]  # fmt: skip


def test_a_copy_says_that_the_original_stands():
    told = tree(replace(ANSWER, duplicate_of="pay.csv received 2026-11-19"))
    assert articles(told) == []
    assert "received before, as pay.csv received 2026-11-19" in words(told)
    assert "Do not cancel the original" in words(told)


def test_an_outcome_shows_what_the_bank_refused():
    later = replace(ANSWER, milestone="acknowledged", findings=empty(FINDINGS))
    titles = [words(article.find("h3")) for article in articles(tree(later))]
    assert titles == [
        "1. Fault in 2 payments: AC01: Incorrect account number", "2. Fault in 1 payment: BE22: Creditor name missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        (("ACCP", "ACCP", "RJCT"), "The other 2 payments were accepted."),
        (("ACCP", "RJCT"), "The other payment was accepted."),
        (("ACSC", "PDNG", "PDNG", "RJCT"), "Of the other 3 payments, 1 was booked by the bank and 2 are waiting."),
        (("ACSP",), "The payment was sent to the bank."),
        (("ACSP", "ACSP"), "All 2 payments were sent to the bank."),
        (("RJCT", "RJCT"), "None of its 2 payments will be made."),
        (("XXXX",), "The payment is in status XXXX."),
    ],
)
def test_what_became_of_the_file_in_words(statuses, meaning):
    rows = told_of(*({"status": status} for status in statuses))
    told = tree(replace(ANSWER, rows=rows, findings=empty(FINDINGS), milestone="acknowledged"))
    assert words(told.find(".//header/p")) == meaning


def test_a_row_that_could_not_be_read_is_told_though_no_payment_was_refused():
    found = findings_of(
        finding(6, field=None, message="The row has 6 columns."), finding(None, level="payment", line=9, field=None)
    )
    told = tree(replace(ANSWER, rows=told_of({}, {}), findings=found, faulty=empty(PAYMENTS).select))
    assert words(told.find(".//h1")) == "2 rows could not be read."
    assert words(told.find(".//header/p")) == "All 2 payments were accepted."
    assert "Mend the payments" in words(told.find(".//section"))
    assert [words(cell) for cell in told.findall(".//td[@class='fault']")] == ["wrong: 6", "wrong: 9"]


ANY = st.text(st.characters(codec="utf-8"), max_size=60)
EVIL = st.sampled_from(
    ["<script>alert(1)</script>", '" onload="x', "</style><img src=x>", "&lt;", "-->", "\x00\u202e", "javascript:x"]
)


@given(
    name=ANY | EVIL, reference=ANY | EVIL, message=ANY | EVIL, remedy=ANY | EVIL, term=ANY | EVIL, file_name=ANY | EVIL,
    reason=ANY | EVIL, batch_id=ANY | EVIL,
)  # fmt: skip
def test_nothing_a_client_sent_becomes_part_of_the_page(  # noqa: PLR0917 - each is one thing that a client may send
    name, reference, message, remedy, term, file_name, reason, batch_id
):
    known = payments_of(payment(2, creditor_name=name, end_to_end_id=reference))
    facts = replace(ANSWER.facts, terms={"creditor_name": term, "end_to_end_id": "Reference"})
    found = findings_of(
        finding(2, message=message, remedy=remedy, field="creditor_name", reason=reason or "AC01"),
        finding(None, level="batch", batch=1, batch_id=batch_id, field=term, message=message),
    )
    answer = replace(ANSWER, faulty=known.select, findings=found, facts=facts, file_name=file_name)
    text = page(answer)
    strict(text)
    told = html.document_fromstring(text)
    if reference.isascii() and reference.isprintable() and reference.strip() == reference != "":
        assert reference in articles(told)[-1].text_content()


@pytest.mark.parametrize(
    ("statuses", "headline", "meaning"),
    [
        (("RJCT", "RJCT"), "Nothing was cancelled.", "2 payments named in the request stand as before"),
        (("CANC", "RJCT"), "1 payment of 2 was cancelled.", "1 payment named in the request stands as before"),
        (("CANC", "CANC"), "What you asked for was cancelled.", "2 payments will not be made"),
    ],
)
def test_a_refused_request_to_cancel_does_not_say_that_payments_will_not_be_made(statuses, headline, meaning):
    rows = told_of(*({"status": status, "reason": None, "message": "x", "remedy": None} for status in statuses))
    told = replace(ANSWER, payments=0, rows=rows, findings=empty(FINDINGS))
    verdict = verdict_of(told)
    assert (verdict.headline, verdict.meaning.startswith(meaning)) == (headline, True)
    assert ("Payments named", "2") in facts_of(told)
    unnamed = replace(told, rows=rows.with_columns(amount_minor=pl.lit(None, dtype=pl.Int64)))
    text = html.document_fromstring(page(unnamed)).text_content()
    assert "named without an amount" in text
    assert "cannot be read" not in text
