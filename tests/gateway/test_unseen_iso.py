"""ISO 20022 files of kinds that programs and banks really write, made up: what `check` and `read` tell of each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from canonical.profiles import DEFAULT_CLIENT
from gateway.intake.check import check
from gateway.intake.read_file import read_file

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
        "The status OKAY is none that is known, and is given to a payment (2 times): no payment moves by it."
    ]
    assert found.counts["statuses"] == 4


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
