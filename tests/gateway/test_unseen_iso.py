"""ISO 20022 files of kinds that programs and banks really write, made up: what `check` and `read` tell of each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from canonical.contracts import Source
from canonical.profiles import DEFAULT_CLIENT
from gateway.intake.check import check
from gateway.intake.read_file import read_file
from parsers.pain001 import FORMAT

ISO = "urn:iso:std:iso:20022:tech:xsd:"
TODAY = dt.date(2026, 11, 23)
IBAN = "DE75512108001245126199"


def payment(account: str = f"<IBAN>{IBAN}</IBAN>", *, number: int = 1, amount: str = "10.00", rest: str = "") -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>E{number}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt>'
        f"<CdtrAgt><FinInstnId><BIC>COBADEFFXXX</BIC></FinInstnId></CdtrAgt><Cdtr><Nm>Muster GmbH</Nm></Cdtr>"
        f"<CdtrAcct><Id>{account}</Id></CdtrAcct>{rest}</CdtTrfTxInf>"
    )


def transfer(*payments: str, version: str = "001.03", day: str = "<ReqdExctnDt>2026-11-24</ReqdExctnDt>") -> str:
    return (
        f'<Document xmlns="{ISO}pain.001.{version}"><CstmrCdtTrfInitn><GrpHdr><MsgId>M</MsgId>'
        f"<CreDtTm>2026-11-23T08:00:00</CreDtTm><NbOfTxs>{len(payments)}</NbOfTxs><InitgPty><Nm>Wir</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>B</PmtInfId><PmtMtd>TRF</PmtMtd>{day}<Dbtr><Nm>Wir</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><BIC>COBADEFFXXX</BIC></FinInstnId></DbtrAgt>{''.join(payments)}</PmtInf></CstmrCdtTrfInitn></Document>"
    )


def report(*transactions: str, group: str = "", version: str = "001.03") -> str:
    return (
        f'<Document xmlns="{ISO}pain.002.{version}"><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId><CreDtTm>2026-11-23T08:00:00</CreDtTm>'
        f"</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId>{group}"
        f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId>{''.join(transactions)}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )


def status(code: str, number: int = 1) -> str:
    return f"<TxInfAndSts><OrgnlEndToEndId>E{number}</OrgnlEndToEndId><TxSts>{code}</TxSts></TxInfAndSts>"


def enveloped(document: str, named: str, related: str = "") -> str:
    return (
        f'<BizMsgEnvlp><AppHdr xmlns="{ISO}head.001.001.02"><BizMsgIdr>H</BizMsgIdr><MsgDefIdr>{named}</MsgDefIdr>'
        f"<CreDt>2026-11-23T08:00:00Z</CreDt>{related}</AppHdr>{document}</BizMsgEnvlp>"
    )


@pytest.fixture
def checked(tmp_path: Path) -> Any:
    """The findings of `check` of a text: rule, row, field, message."""

    def of(text: str) -> list[tuple[Any, ...]]:
        path = tmp_path / "file.xml"
        path.write_text(text)
        return check(path, DEFAULT_CLIENT, TODAY).findings.select("rule", "row", "field", "message").rows()

    return of


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """What `read` tells of a text."""

    def of(text: str) -> Any:
        path = tmp_path / "file.xml"
        path.write_text(text)
        (found,) = read_file(path, None, {})
        return found

    return of


def test_a_sound_transfer_is_told_nothing(checked):
    assert checked(transfer(payment())) == []


def test_a_missing_day_is_named_by_the_element_that_every_version_has(checked):
    assert checked(transfer(payment(), day="")) == [
        ("execution_date", None, "ReqdExctnDt", "Execution date is missing")
    ]


def test_an_account_of_zeros_is_nobodys(checked):
    assert checked(transfer(payment("<Othr><Id>0000000000</Id></Othr>"))) == [
        ("required", 1, "CdtrAcct/Id", "Creditor account “0000…0000” is nothing but zeros: nobody has it"),
    ]


@pytest.mark.parametrize(("said", "told_of"), [("true", 0), (" 0 ", 0), ("TRUE", 1), ("J", 1)])
def test_a_flag_that_is_none_is_told(checked, said, told_of):
    flag = f"<BtchBookg>{said}</BtchBookg><ReqdExctnDt>2026-11-24</ReqdExctnDt>"
    found = checked(transfer(payment(), day=flag))
    assert [(rule, field) for rule, _, field, _ in found] == [("iso-flag", "BtchBookg")] * told_of


def test_an_account_that_says_there_is_none_is_told_once(checked):
    assert checked(transfer(payment("<Othr><Id>NOTPROVIDED</Id></Othr>").replace("COBADEFFXXX", ""))) == [
        ("required", 1, "CdtrAcct/Id", "Creditor account says NOTPROVIDED: there is none")
    ]


def test_a_bank_that_is_not_provided_is_none():
    both = transfer(payment(), payment(number=2)).replace("COBADEFFXXX", "NOTPROVIDED", 2)
    (window,) = FORMAT.windows(Source("f", "file.xml", both.encode()), FORMAT.options())
    assert window.payments.select("debtor_agent", "creditor_agent").rows() == [(None, None), (None, "COBADEFFXXX")]


def test_an_account_that_is_given_twice_is_told_where_it_may_be_two(checked):
    same, other = "<Othr><Id>0512 108001245126199</Id></Othr>", "<Othr><Id>9876543210</Id></Othr>"
    assert checked(transfer(payment(f"<IBAN>{IBAN}</IBAN>{same.replace('0512 ', '512')}"))) == []
    assert checked(transfer(payment(f"<IBAN>{IBAN}</IBAN>{other}"), payment(number=2))) == [
        (
            "iso-repeated", 1, "CdtrAcct/Id/Othr/Id",
            "The account of the creditor stands there twice, as DE75…6199 and as 9876…3210; the first one is taken.",
        )
    ]  # fmt: skip
    assert checked(transfer(payment(), payment(other, number=2))) == []


def test_an_amount_that_stands_twice_is_told_once(checked):
    twice = payment().replace("</InstdAmt>", '</InstdAmt><InstdAmt Ccy="USD">5.00</InstdAmt>')
    assert [(rule, field) for rule, _, field, _ in checked(transfer(twice))] == [("iso-repeated", "Amt/InstdAmt")]


def test_batches_of_one_id_are_told(checked):
    one, number = transfer(payment()), "<NbOfTxs>1</NbOfTxs>"
    batch = one[one.index("<PmtInf>") : one.index("</PmtInf>") + len("</PmtInf>")]
    two = one.replace(batch, batch + batch.replace("<PmtInfId>B<", "<PmtInfId>C<").replace(">E1<", ">E2<"))
    assert checked(two.replace(number, number.replace("1", "2"))) == []
    assert checked(two.replace(number, number.replace("1", "2")).replace("<PmtInfId>C<", "<PmtInfId>B<")) == [
        (
            "batch_id_unique",
            None,
            "PmtInfId",
            "Batch id “B” stands in batch 1 (line 1) too: who names it may mean either",
        )
    ]


def test_read_tells_every_amount_that_its_sums_do_not_hold(told):
    sound, none = payment(number=1), payment(number=2).replace('<InstdAmt Ccy="EUR">10.00</InstdAmt>', "")
    bare, small = (payment(number=number).replace(' Ccy="EUR"', of) for number, of in ((3, ""), (4, ' Ccy="eur"')))
    found = told(transfer(sound, none, bare, small))
    assert found.sums == {"EUR": {"CRDT": 1000}}
    assert found.findings.select("rule", "row", "field").rows() == [
        ("required", 2, "Amt/InstdAmt"), ("required", 2, "Amt/InstdAmt/@Ccy"), ("required", 3, "Amt/InstdAmt/@Ccy"),
        ("currency", 4, "Amt/InstdAmt/@Ccy"),
    ]  # fmt: skip
    equal = (
        payment()
        .replace("InstdAmt", "Amt")
        .replace("<Amt><Amt", "<Amt><EqvtAmt><Amt")
        .replace("</Amt></Amt>", "</Amt></EqvtAmt></Amt>")
    )
    assert told(transfer(equal)).findings["rule"].to_list() == ["iso-equivalent-amount"]


# ---------------------------------------------------------------------------------------------- the header

OTHER = "says pain.001.001.09, and the Document is a pain.001.001.03; it is read as what it is"


def test_a_header_that_names_another_version_is_told(checked):
    assert checked(enveloped(transfer(payment()), "pain.001.001.03")) == []
    (found,) = checked(enveloped(transfer(payment()), "pain.001.001.09"))
    assert found == ("iso-header", None, "AppHdr/MsgDefIdr", f"The header (AppHdr/MsgDefIdr) {OTHER}.")


@pytest.mark.parametrize("named", ["pain.002.001.03", "  pain.002.001.03\n", "pain.002", ""])
def test_a_header_that_names_its_own_document_is_told_nothing(told, named):
    answered = "<Rltd><MsgDefIdr>pain.001.001.09</MsgDefIdr></Rltd>"
    assert told(enveloped(report(status("ACCP")), named, answered)).findings.is_empty()


def test_a_header_of_feedback_that_names_another_message_is_told(told):
    found = told(enveloped(report(status("ACCP")), "pain.002.001.10"))
    assert found.findings.select("rule", "field").rows() == [("iso-header", "AppHdr/MsgDefIdr")]
    assert "says pain.002.001.10, and the Document is a pain.002.001.03" in found.findings["message"][0]
    assert found.counts["statuses"] == 1


# ---------------------------------------------------------------------------------------------- statuses


def test_a_status_that_nobody_knows_is_told_once(told):
    found = told(report(status("ACCP", 1), status("OKAY", 2), status("OKAY", 3), status("ACPD", 4)))
    assert found.findings["message"].to_list() == [
        "The status OKAY is none that is known here, and is given to a payment (2 times): no payment moves by it."
    ]
    assert found.counts["statuses"] == 4


def test_what_is_no_code_is_told_once(told):
    found = told(report(status("ACCP"), status("rejected", 2)))
    assert messages(found) == [
        "CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/TxSts is not a code of up to four capitals and digits."
    ]


@pytest.mark.parametrize("reference", ["NOTPROVIDED", "-", " notprovided "])
def test_a_reference_that_says_nothing_names_no_payment(told, reference):
    found = told(report(status("RJCT").replace(">E1<", f">{reference}<")))
    assert found.findings["rule"].to_list() == ["pain002-reference"]


def test_a_status_of_parts_is_right_for_a_file_and_no_word_on_a_payment(told):
    group = "<GrpSts>PART</GrpSts>"
    assert told(report(status("ACCP"), group=group)).findings.is_empty()
    assert told(report(status("PART"), group=group)).findings["message"].to_list() == [
        "The status PART says that parts differ, and is given to a payment: no payment moves by it."
    ]


@pytest.mark.parametrize(("code", "told_of"), [("RJCR", 0), ("PDNG", 0), ("XYZW", 1)])
def test_an_answer_to_a_cancellation_that_nobody_knows_is_told(told, code, told_of):
    text = (
        f'<Document xmlns="{ISO}camt.029.001.09"><RsltnOfInvstgtn><Assgnmt><Id>A</Id><CreDtTm>2026-11-23T08:00:00</CreDtTm></Assgnmt>'
        f"<Sts><Conf>{code}</Conf></Sts><CxlDtls><TxInfAndSts><OrgnlEndToEndId>E</OrgnlEndToEndId></TxInfAndSts></CxlDtls>"
        "</RsltnOfInvstgtn></Document>"
    )
    assert told(text).findings.height == told_of


# ---------------------------------------------------------------------------------------------- statements


def statement(*entries: str, closing: str = "30.00", opening: str = "0", summary: str = "") -> str:
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
        for kind, amount in (("OPBD", opening), ("CLBD", closing))
    )
    return (
        f'<Document xmlns="{ISO}camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>S</MsgId><CreDtTm>2026-11-20T18:00:00</CreDtTm>'
        f"</GrpHdr><Stmt><Id>S-1</Id><CreDtTm>2026-11-20T18:00:00</CreDtTm><Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balances}{summary}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    )


def entry(amount: str, side: str = "CRDT", *, status: str = "<Sts><Cd>BOOK</Cd></Sts>", details: str = "") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}<BkTxCd/>'
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(amount: str, charged: str) -> str:
    return (
        f'<TxDtls><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Chrgs><Rcrd><Amt Ccy="EUR">{charged}</Amt>'
        "<CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs></TxDtls>"
    )


def messages(found: Any) -> list[str]:
    said: list[str] = found.findings["message"].to_list()
    return said


def test_charges_of_several_details_explain_their_entry(told):
    charged = statement(entry("205.00", "DBIT", details=detail("100", "2.50") * 2), opening="205", closing="0")
    assert told(charged).findings.is_empty()
    (other,) = messages(told(charged.replace("2.50", "2.00", 1)))
    assert other.startswith("The details (2) sum to 200.00 EUR, the entry is 205.00")


def test_a_balance_that_cannot_be_read_is_told_once(told):
    found = told(statement(entry("30.00"), opening="-5.00"))
    assert found.findings["rule"].to_list() == ["camt-balance-amount"]


def test_a_net_total_that_differs_is_told_where_no_other_total_does(told):
    def net(amount: str, side: str) -> str:
        return f"<TtlNetNtry><Amt>{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd></TtlNetNtry>"

    entries = (entry("10.00"), entry("14.00", "DBIT"))

    def of(summary: str) -> list[str]:
        text = f"<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries>{summary}</TtlNtries></TxsSummry>"
        return messages(told(statement(*entries, opening="4.00", closing="0.00", summary=text)))

    assert of("<Sum>24.00</Sum>" + net("4", "DBIT")) == []
    assert of("<TtlNetNtryAmt>4</TtlNetNtryAmt><CdtDbtInd>DBIT</CdtDbtInd>") == []
    assert of(net("4.00", "CRDT")) == [
        "TtlNetNtry declares 4.00 EUR; credits less debits of the entries are -4.00, of the booked ones -4.00."
    ]
    assert len(of("<Sum>25.00</Sum>" + net("5.00", "DBIT"))) == 1


def test_an_entry_without_a_status_says_what_that_means(told):
    found = told(statement(entry("30.00", status=""), closing="0"))
    assert messages(found) == ["BkToCstmrStmt/Stmt/Ntry/Sts is missing: such an entry is not booked."]
