"""What Italy's CBI wraps of camt.053 and pain.002: logical messages without a Document, several in one physical one."""

from __future__ import annotations

import pytest

from canonical.contracts import Feedback, Source
from canonical.plugins import discover

STATEMENTS = "CBIBdyBkToCstmrStmtReq"
URN = "urn:CBI:xsd:{}.00.01.02"
DAY = "<L:BookgDt><L:Dt>2026-11-19</L:Dt></L:BookgDt><L:ValDt><L:Dt>2026-11-19</L:Dt></L:ValDt>"


def balance(kind: str, amount: str) -> str:
    kinds = f"<L:Tp><L:CdOrPrtry><L:Cd>{kind}</L:Cd></L:CdOrPrtry></L:Tp>"
    return f'<L:Bal>{kinds}<L:Amt Ccy="EUR">{amount}</L:Amt><L:CdtDbtInd>CRDT</L:CdtDbtInd><L:Dt><L:Dt>2026-11-19</L:Dt></L:Dt></L:Bal>'


def entry(reference: str) -> str:
    details = f"<L:NtryDtls><L:TxDtls><L:Refs><L:EndToEndId>{reference}</L:EndToEndId></L:Refs></L:TxDtls></L:NtryDtls>"
    code = "<L:BkTxCd><L:Prtry><L:Cd>48//</L:Cd><L:Issr>CBI</L:Issr></L:Prtry></L:BkTxCd>"
    return f'<L:Ntry><L:Amt Ccy="EUR">10.00</L:Amt><L:CdtDbtInd>CRDT</L:CdtDbtInd><L:Sts>BOOK</L:Sts>{DAY}{code}{details}</L:Ntry>\n'


def statement(number: int, entries: int) -> str:
    """One logical message with one statement."""
    head = f"<L:GrpHdr><L:MsgId>M{number}</L:MsgId><L:CreDtTm>2026-11-20T02:00:00</L:CreDtTm></L:GrpHdr>"
    account = f"<L:Acct><L:Id><L:Othr><L:Id>ACCOUNT{number}</L:Id></L:Othr></L:Id><L:Ccy>EUR</L:Ccy></L:Acct>"
    balances = balance("OPBD", "100.00") + balance("CLBD", f"{100 + 10 * entries}.00")
    body = f"<L:Stmt><L:Id>S{number}</L:Id><L:CreDtTm>2026-11-20T02:00:00</L:CreDtTm>{account}{balances}"
    rows = "".join(entry(f"E{number}-{at}") for at in range(entries))
    return (
        f"<B:CBIEnvelBkToCstmrStmtReqLogMsg><B:CBIBkToCstmrStmtReqLogMsg><D:CBIDlyStmtReqLogMsg>{head}{body}{rows}</L:Stmt>"
        "</D:CBIDlyStmtReqLogMsg></B:CBIBkToCstmrStmtReqLogMsg></B:CBIEnvelBkToCstmrStmtReqLogMsg>"
    )


def physical(*messages: str) -> bytes:
    spaces = {"B": STATEMENTS, "D": "CBIBkToCstmrStmtReqLogMsg", "L": "CBIDlyStmtReqLogMsg"}
    declared = " ".join(f'xmlns:{prefix}="{URN.format(name)}"' for prefix, name in spaces.items())
    head = f"<B:PhyMsgInf><B:NbOfLogMsg>{len(messages)}</B:NbOfLogMsg></B:PhyMsgInf>"
    return f'<?xml version="1.0"?>\n<B:{STATEMENTS} {declared}>{head}{"".join(messages)}</B:{STATEMENTS}>'.encode()


def read(name: str, data: bytes) -> Feedback:
    found = [item.name for item in discover("parsers", "FORMAT").values() if item.sniff(data[:65536])]
    assert name in found
    form = discover("parsers", "FORMAT")[name]
    return form.read(Source("0" * 20, "cbi.xml", data), form.options())


@pytest.mark.parametrize("entries", [2, 3000])
def test_statements_of_several_logical_messages_are_read_also_at_speed(entries):
    said = read("camt.053", physical(statement(1, entries), statement(2, 1)))
    assert said.findings.is_empty()
    assert said.version == "CBIDlyStmtReqLogMsg.00.01.02"
    assert said.message_id == "M1"
    assert said.statements["account"].to_list() == ["ACCOUNT1", "ACCOUNT2"]
    assert said.statements["credits_minor"].to_list() == [entries * 1000, 1000]
    assert said.entries.filter(account="ACCOUNT2")["end_to_end_id"].to_list() == ["E2-0"]
    assert said.entries["booked"].all()


def report(number: int) -> str:
    """One logical message: a group and a refused collection."""
    head = f"<L:GrpHdr><L:MsgId>R{number}</L:MsgId><L:MsgQual>8</L:MsgQual><L:CreDtTm>2026-11-20T19:16:04</L:CreDtTm></L:GrpHdr>"
    group = (
        f"<L:OrgnlGrpInfAndSts><L:OrgnlMsgId>OURS{number}</L:OrgnlMsgId><L:GrpSts>PART</L:GrpSts></L:OrgnlGrpInfAndSts>"
    )
    amount = '<L:OrgnlTxRef><L:Amt><L:InstdAmt Ccy="EUR">25.40</L:InstdAmt></L:Amt></L:OrgnlTxRef>'
    reason = "<L:StsRsnInf><L:Rsn><L:Cd>MD01</L:Cd></L:Rsn></L:StsRsnInf>"
    payment = f"<L:TxInfAndSts><L:OrgnlEndToEndId>E{number}</L:OrgnlEndToEndId><L:TxSts>RJCT</L:TxSts>{reason}{amount}</L:TxInfAndSts>"
    batch = f"<L:OrgnlPmtInfAndSts><L:OrgnlPmtInfId>B{number}</L:OrgnlPmtInfId>{payment}</L:OrgnlPmtInfAndSts>"
    return f"<CBIEnvelSDDStsRptLogMsg><CBISDDStsRptLogMsg>{head}{group}{batch}</CBISDDStsRptLogMsg></CBIEnvelSDDStsRptLogMsg>"


def test_each_status_belongs_to_the_message_that_its_own_group_names():
    name = "CBIBdySDDStsRpt"
    spaces = f'xmlns="{URN.format(name)}" xmlns:L="{URN.format("CBISDDStsRptLogMsg")}"'
    said = read("pain.002", f"<{name} {spaces}>{report(1)}{report(2)}</{name}>".encode())
    assert said.findings.is_empty()
    payments = said.statuses.filter(level="payment")
    columns = ("original_message_id", "original_batch_id", "original_end_to_end_id", "reason", "amount_minor")
    assert payments.select(columns).rows() == [("OURS1", "B1", "E1", "MD01", 2540), ("OURS2", "B2", "E2", "MD01", 2540)]


def physical_status(status: str, *messages: str) -> bytes:
    name = "CBIBdySDDTechValSts"
    spaces = f'xmlns:B="{URN.format(name)}" xmlns="{URN.format(name)}" xmlns:L="{URN.format("CBISDDStsRptLogMsg")}"'
    reason = "<B:StsRsnInf><B:StsRsn><B:Prtry>XS01</B:Prtry></B:StsRsn><B:AddtlStsRsnInf>XML &amp; schema</B:AddtlStsRsnInf></B:StsRsnInf>"
    of = f"<B:IdE2EMsg>0000123</B:IdE2EMsg><B:PhyMsgTpCd>INC-SDDC-01</B:PhyMsgTpCd><B:Sts>{status}</B:Sts>{reason}"
    head = f"<B:PhyMsgInf><B:PhyMsgTpCd>INC-SDDC-04</B:PhyMsgTpCd><B:OrgnlPhyMsgInfAndSts>{of}</B:OrgnlPhyMsgInfAndSts></B:PhyMsgInf>"
    return f"<B:{name} {spaces}>\n{head}{''.join(messages)}</B:{name}>".encode()


@pytest.mark.parametrize("messages", [(), (report(1),)], ids=["alone", "with a message"])
def test_a_physical_file_that_the_bank_refused_is_told(messages):
    said = read("pain.002", physical_status("RJCT", *messages))
    (finding,) = said.findings.to_dicts()
    assert (finding["rule"], finding["severity"], finding["level"]) == ("pain002-physical", "error", "file")
    assert finding["message"] == "The bank refused the whole physical file INC-SDDC-01 0000123: XS01; XML & schema."
    assert (finding["line"], said.statuses.height) == (2, 2 * len(messages))


def test_a_physical_file_that_was_taken_is_not_told():
    said = read("pain.002", physical_status("ACTC", report(1)))
    assert said.findings.is_empty()
    assert said.statuses.height == 2


def test_such_an_element_outside_the_namespaces_of_cbi_is_no_message():
    said = read("camt.053", physical(statement(1, 1)).replace(b"urn:CBI:xsd:CBIBkTo", b"urn:other:CBIBkTo"))
    assert said.findings["rule"].to_list() == ["iso-message"]
    assert said.statements.is_empty()
