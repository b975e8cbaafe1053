"""A provider that speaks of one batch of several: what it says falls on the payments of that one, found in the file it got."""

from __future__ import annotations

import re
from pathlib import Path

from played import TODAY, deliver
from test_cancel import holds
from world import intake, upload

from gateway.composition import Gateway
from gateway.feedback.follow import follow
from gateway.registry import tables as t
from sandbox.day import salaries_pain001

_ANSWER = """<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr>
<MsgId>A1</MsgId><CreDtTm>2026-11-20T13:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{sent}</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>{sent}-2</OrgnlPmtInfId><PmtInfSts>ACCP</PmtInfSts></OrgnlPmtInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>{sent}-1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>
<StsRsnInf><Rsn><Cd>AM05</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


def test_a_refused_batch_takes_no_other_with_it(gateway: Gateway, tmp_path: Path) -> None:
    bank = gateway.profiles.provider("euro_bank")
    export = bank.export.model_copy(update={"options": {"payment_type_in": "batch"}})
    gateway.profiles.providers["euro_bank"] = bank.model_copy(update={"export": export})
    bonus = b"</PmtId><PmtTpInf><CtgyPurp><Cd>BONU</Cd></CtgyPurp></PmtTpInf>"
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY).replace(b"</PmtId>", bonus, 1))
    intake(gateway)
    deliver(gateway)
    (sent,) = (row["submission_id"] for row in gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment"))
    (file,) = (path for path in (tmp_path / "euro/in").iterdir() if not path.name.startswith("."))
    batches = re.findall(rb"<PmtInfId>(.*?)</PmtInfId>.*?</PmtInf>", file.read_bytes(), re.DOTALL)
    assert batches == [f"{sent}-{number}".encode() for number in (1, 2)]
    (tmp_path / "euro/out/1.pain002.xml").write_text(_ANSWER.format(sent=sent), encoding="ascii")
    follow(gateway, "euro_bank")
    (file_id,) = (row["file_id"] for row in gateway.registry.rows(t.FILES))
    holds(gateway, file_id, provider_rejected=1, outstanding=9)
    assert gateway.registry.one(t.SUBMISSIONS, submission_id=sent)["state"] == "ACKNOWLEDGED"
