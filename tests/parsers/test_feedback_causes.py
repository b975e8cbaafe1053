"""Feedback whose figures are hard to come by: the finding names the cause, once, and what can be known is known."""

from __future__ import annotations

import pytest

from canonical.contracts import Feedback, Source
from canonical.plugins import lookup

ISO = "urn:iso:std:iso:20022:tech:xsd:"


def read(name: str, text: str) -> Feedback:
    found = lookup("parsers", "FORMAT", name)
    return found.read(Source("f", "file.xml", text.encode()), found.options())


def told(said: Feedback) -> list[tuple[str, str]]:
    return [(row["rule"], row["message"]) for row in said.findings.iter_rows(named=True)]


# ---------------------------------------------------------------------------------------------- statements


def entry(amount: str, direction: str = "CRDT") -> str:
    return (
        f"<Ntry>{amount}<CdtDbtInd>{direction}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>"
        "<BkTxCd><Prtry><Cd>1</Cd></Prtry></BkTxCd></Ntry>"
    )


def statement(*entries: str) -> str:
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
        for kind, amount in (("OPBD", "100.00"), ("CLBD", "150.00"))
    )
    totals = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries><TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>50.00</Sum></TtlCdtNtries></TxsSummry>"
    return (
        f'<Document xmlns="{ISO}camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T18:00:00</CreDtTm>'
        "</GrpHdr><Stmt><Id>S-1</Id><CreDtTm>2026-11-20T18:00:00</CreDtTm><Acct><Id><IBAN>DE75512108001245126199</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{balances}{totals}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    )


WHOLE = entry('<Amt Ccy="EUR">20.00</Amt>')


def test_a_sound_statement_is_told_nothing():
    said = read("camt.053", statement(WHOLE, entry('<Amt Ccy="EUR">30.00</Amt>')))
    assert told(said) == []
    assert said.statements["credits_minor"].to_list() == [5000]


@pytest.mark.parametrize(
    ("broken", "message", "value"),
    [
        (entry(""), "The entry has no amount.", None),
        (entry("<Amt>30.00</Amt>"), "The amount of the entry, 30.00, names no currency.", "30.00"),
        (entry('<Amt Ccy="EUR">3..00</Amt>'), "The amount of the entry (3..00 EUR) is no amount of its currency.", "3..00"),
        (entry('<Amt Ccy="EUR">30.005</Amt>'), "The amount of the entry (30.005 EUR) is no amount of its currency.", "30.005"),
    ],
)  # fmt: skip
def test_an_entry_without_an_amount_is_the_one_cause(broken, message, value):
    said = read("camt.053", statement(WHOLE, broken))
    rules = said.findings.filter(rule="camt-amount").select("message", "value", "row").rows()
    assert rules == [(message, value, 2)]
    # The balances and sums cannot be right without it: they are no findings of their own.
    assert not {rule for rule, _ in told(said)} & {"camt-balance", "camt-sum", "camt-count", "camt-currency"}


def test_an_entry_without_a_direction_is_the_one_cause():
    said = read("camt.053", statement(WHOLE, entry('<Amt Ccy="EUR">30.00</Amt>', "PLUS")))
    assert [rule for rule, _ in told(said)] == ["camt-direction"]


def test_balances_that_differ_are_told_where_every_entry_is_readable():
    said = read("camt.053", statement(WHOLE, entry('<Amt Ccy="EUR">31.00</Amt>')))
    assert {rule for rule, _ in told(said)} == {"camt-balance", "camt-sum"}


# ---------------------------------------------------------------------------------------------- statuses


def answer(transaction: str) -> str:
    return (
        f'<Document xmlns="{ISO}camt.029.001.03"><RsltnOfInvstgtn><Assgnmt><Id>A-1</Id><CreDtTm>2026-11-20T18:00:00</CreDtTm>'
        "</Assgnmt><Sts><Conf>RJCR</Conf></Sts><CxlDtls><TxInfAndSts><CxlStsId>C-1</CxlStsId><OrgnlTxId>T-1</OrgnlTxId>"
        f"<TxCxlSts>RJCR</TxCxlSts>{transaction}</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>"
    )


@pytest.mark.parametrize(
    ("transaction", "amount", "currency"),
    [
        ('<OrgnlTxRef><IntrBkSttlmAmt Ccy="EUR">30</IntrBkSttlmAmt></OrgnlTxRef>', 3000, "EUR"),
        ('<OrgnlTxRef><Amt><InstdAmt Ccy="CHF">30.5</InstdAmt></Amt></OrgnlTxRef>', 3050, "CHF"),
        ('<OrgnlIntrBkSttlmAmt Ccy="USD">9</OrgnlIntrBkSttlmAmt><OrgnlTxRef><IntrBkSttlmAmt Ccy="EUR">30</IntrBkSttlmAmt></OrgnlTxRef>',
         900, "USD"),
        ("", None, None),
    ],
)  # fmt: skip
def test_an_answer_to_a_recall_names_the_amount_as_sepa_does(transaction, amount, currency):
    said = read("camt.029", answer(transaction))
    assert told(said) == []
    assert said.statuses.select("amount_minor", "currency").rows() == [(amount, currency)]


def returned(transaction: str) -> str:
    return (
        f'<Document xmlns="{ISO}pacs.004.001.02"><PmtRtr><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T18:00:00</CreDtTm>'
        f"<NbOfTxs>1</NbOfTxs></GrpHdr><TxInf><OrgnlTxId>T-1</OrgnlTxId>{transaction}</TxInf></PmtRtr></Document>"
    )


def test_a_return_names_the_amount_of_the_original_where_it_repeats_it():
    back = '<RtrdIntrBkSttlmAmt Ccy="EUR">28</RtrdIntrBkSttlmAmt>'
    said = read("pacs.004", returned(f'{back}<OrgnlTxRef><IntrBkSttlmAmt Ccy="EUR">30</IntrBkSttlmAmt></OrgnlTxRef>'))
    assert told(said) == []
    assert said.statuses.select("amount_minor", "returned_minor").rows() == [(3000, 2800)]


def test_an_amount_without_a_currency_is_told_as_that():
    said = read(
        "pacs.004", returned("<OrgnlIntrBkSttlmAmt>5</OrgnlIntrBkSttlmAmt><RtrdIntrBkSttlmAmt>5</RtrdIntrBkSttlmAmt>")
    )
    assert told(said) == [
        ("pacs004-amount", "The original amount names no currency."),
        ("pacs004-amount", "The returned amount names no currency."),
    ]
    wrong = (
        '<OrgnlIntrBkSttlmAmt Ccy="EUR">5.001</OrgnlIntrBkSttlmAmt><RtrdIntrBkSttlmAmt Ccy="EUR">5</RtrdIntrBkSttlmAmt>'
    )
    assert told(read("pacs.004", returned(wrong))) == [
        ("pacs004-amount", "The original amount is no amount of its currency.")
    ]
