"""Feedback whose figures are hard to come by: the finding names the cause, once, and what can be known is known."""

from __future__ import annotations

import re

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
        (entry('<Amt Ccy="EUR">3..00</Amt>'), "The amount of the entry (3..00 EUR) is not digits with a decimal point.", "3..00"),
        (entry('<Amt Ccy="EUR">30.005</Amt>'), "The amount of the entry (30.005 EUR) has more decimals than EUR has (2).", "30.005"),
        (entry('<Amt Ccy="EUR">1234567890.005</Amt>'), "The amount of the entry (1234567890.005 EUR) has more decimals than EUR has (2).", "1234567890.005"),
        (entry('<Amt Ccy="JPY">1234567890.5</Amt>'), "The amount of the entry (1234567890.5 JPY) has more decimals than JPY has (0).", "1234567890.5"),
        (entry('<Amt Ccy="EUR">10000000000000.01</Amt>'), "The amount of the entry (10000000000000.01 EUR) is above the largest that is read.", "10000000000000.01"),
        (entry('<Amt Ccy="EUR">-30.00</Amt>'), "The amount of the entry (-30.00 EUR) has a minus: whether it is credited or debited stands beside it.", "-30.00"),
        (entry('<Amt Ccy="EUR">1,234.00</Amt>'), "The amount of the entry (1,234.00 EUR) is not digits with a decimal point.", "1,234.00"),
        (entry('<Amt Ccy="EUX">30.00</Amt>'), "The amount of the entry (30.00 EUX) has a currency that ISO 4217 does not know.", "30.00"),
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


def balance(kind: str, amount: str, currency: str = "EUR", direction: str = "CRDT", date: str = "2026-11-20") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'
        f"<Dt><Dt>{date}</Dt></Dt></Bal>"
    )


def of_balances(*balances: str) -> Feedback:
    return read(
        "camt.053",
        re.sub("(<Bal>.*</Bal>)|(<TxsSummry>.*</TxsSummry>)", "", statement(WHOLE)).replace(
            "</Acct>", "</Acct>" + "".join(balances)
        ),
    )


def test_balances_are_those_of_the_statement_in_its_own_currency():
    said = of_balances(
        balance("OPBD", "3", "USD"), balance("OPBD", "100"), balance("CLBD", "120"), balance("CLBD", "4", "USD")
    )
    assert told(said) == []
    assert said.statements.select("opening_minor", "closing_minor").rows() == [(10000, 12000)]
    assert said.balances["balance_minor"].to_list() == [300, 10000, 12000, 400]


def test_balances_in_another_currency_alone_are_none_of_the_statement():
    said = of_balances(balance("OPBD", "3", "USD"), balance("CLBD", "4", "USD"))
    assert [message for _, message in told(said)] == [
        f"The statement has no {kind} balance in EUR that can be read; its balances are not checked."
        for kind in ("opening (OPBD or PRCD)", "closing (CLBD)")
    ]


@pytest.mark.parametrize(
    ("closing", "cause"),
    [
        (
            balance("CLBD", "120.005"),
            "(120.005 EUR, CRDT) cannot be read: the amount has more decimals than EUR has (2).",
        ),
        (
            balance("CLBD", "-120.00"),
            "(-120.00 EUR, CRDT) cannot be read: the amount has a minus: whether it is credited or debited stands beside it.",
        ),
        (balance("CLBD", "120.00", direction="C"), "(120.00 EUR, C) cannot be read: it says neither CRDT nor DBIT."),
    ],
)
def test_a_balance_that_cannot_be_read_is_told_with_its_cause(closing, cause):
    said = of_balances(balance("OPBD", "100"), closing)
    assert said.findings.filter(rule="camt-balance-amount")["message"].to_list() == [f"The balance CLBD {cause}"]


def test_a_date_of_a_balance_that_is_none_is_told():
    said = of_balances(balance("OPBD", "100", date="2026-02-30"), balance("CLBD", "120", date="20.11.2026"))
    assert said.findings.select("rule", "severity", "field", "value").rows() == [
        ("camt-date", "warning", "Stmt/Bal/Dt", "2026-02-30"),
        ("camt-date", "warning", "Stmt/Bal/Dt", "20.11.2026"),
    ]
    assert said.statements["opening_minor"].to_list() == [10000]


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
        ("pacs004-amount", "The original amount has more decimals than EUR has (2).")
    ]


def report(batch: str, transaction: str, group: str = "") -> str:
    return (
        f'<Document xmlns="{ISO}pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T18:00:00</CreDtTm></GrpHdr>'
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>O</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId>{batch}<TxInfAndSts><OrgnlEndToEndId>E</OrgnlEndToEndId>{transaction}"
        "</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )


def reason(code: str, text: str = "") -> str:
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn>{text and f'<AddtlInf>{text}</AddtlInf>'}</StsRsnInf>"


BATCH = f"<PmtInfSts>RJCT</PmtInfSts>{reason('AC01', 'no such account')}"
GROUP = f"<GrpSts>RJCT</GrpSts>{reason('FF01')}"


@pytest.mark.parametrize(
    ("batch", "transaction", "group", "status"),
    [
        (BATCH, "", "", ("RJCT", "AC01", "no such account")),
        (BATCH, "", GROUP, ("RJCT", "AC01", "no such account")),
        ("", "", GROUP, ("RJCT", "FF01", None)),
        (BATCH, reason("AM04"), "", ("RJCT", "AM04", None)),
        (BATCH, f"<TxSts>RJCT</TxSts>{reason('AM04')}", "", ("RJCT", "AM04", None)),
        (BATCH, "<TxSts>ACSP</TxSts>", "", ("ACSP", None, None)),
    ],
)  # fmt: skip
def test_a_status_from_above_comes_with_its_reason(batch, transaction, group, status):
    said = read("pain.002", report(batch, transaction, group))
    assert said.statuses.filter(level="payment").select("status", "reason", "reason_text").rows() == [status]


# ---------------------------------------------------------------------------------------------- envelopes


@pytest.mark.parametrize("wrap", [lambda text: f"<![CDATA[{text}]]>", lambda text: text.replace("<", "&lt;")])
def test_a_message_that_stands_in_an_envelope_as_text_is_told_as_that(wrap):
    said = read("pacs.004", f"<Envelope><Id>pacs.004.001.02</Id><Body>{wrap(returned(''))}</Body></Envelope>")
    assert [rule for rule, _ in told(said)] == ["iso-message"]
    assert "as text (CDATA, or &lt; for <)" in said.findings["message"][0]
    alone = read("pacs.004", "<Envelope><Id>pacs.004.001.02</Id></Envelope>")
    assert told(alone) == [("iso-message", "The file holds no pacs.004 message.")]


def test_what_stands_behind_the_message_is_told_as_that():
    said = read("camt.029", answer("") + "\x1a")
    assert "behind the end of the message" in said.findings["message"][0]
