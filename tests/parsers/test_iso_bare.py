"""Messages that stand without a Document, as Italy's CBI has them: by themselves, in the body of an envelope, two in one."""

from __future__ import annotations

import pytest
from iso_cases import PAIN001, PAIN008, read, source, ties, whole
from polars.testing import assert_frame_equal

from parsers._iso_format import IsoFormat

PAYMENT = "<PmtId><EndToEndId>E</EndToEndId></PmtId>{}<RmtInf><Ustrd>R</Ustrd></RmtInf>"
AMOUNT = '<InstdAmt Ccy="EUR">1.50</InstdAmt>'
CASES = [
    (PAIN001, "CBIPaymentRequest", "CBIBdyPaymentRequest", f"<Amt>{AMOUNT}</Amt>"),
    (PAIN008, "CBISDDReqLogMsg", "CBIBdySDDReq", AMOUNT),
]  # fmt: skip
PLACES = ["offset", "length", "line", "payment_id", "batch_offset", "batch_length"]


def message(form: IsoFormat, amount: str, namespace: str = "") -> str:
    tag = form.message.payment
    payments = f"<{tag}>{PAYMENT.format(amount)}</{tag}>\n" * 2
    return (
        f"<GrpHdr{namespace}><MsgId>M</MsgId><CreDtTm>2026-11-02T10:00:00</CreDtTm><NbOfTxs>2</NbOfTxs></GrpHdr>\n"
        f"<PmtInf{namespace}><PmtInfId>B</PmtInfId><PmtMtd>{form.message.methods[0]}</PmtMtd>"
        f"<CtrlSum>3.00</CtrlSum>\n{payments}</PmtInf>"
    )


def bare(form: IsoFormat, name: str, amount: str) -> bytes:
    return f'<{name} xmlns="urn:CBI:xsd:{name}.00.04.01">{message(form, amount)}</{name}>'.encode()


def enveloped(form: IsoFormat, name: str, body: str, amount: str, messages: int = 1) -> bytes:
    """The message's element in the namespace of the body, what it holds in its own, as CBI's schemas have it."""
    own = message(form, amount, f' xmlns="urn:CBI:xsd:{name}.00.04.01"')
    inside = f"<B:Envel><B:{name}>{own}</B:{name}></B:Envel>" * messages
    return f'<B:{body} xmlns:B="urn:CBI:xsd:{body}.00.04.01"><B:PhyMsgInf/>{inside}</B:{body}>'.encode()


@pytest.mark.parametrize(("form", "name", "body", "amount"), CASES)
def test_reads_as_in_a_document(form: IsoFormat, name: str, body: str, amount: str) -> None:
    inside = f"<{form.message.element}>{message(form, amount)}</{form.message.element}>"
    document = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{form.name}.001.09">{inside}</Document>'.encode()
    expected = whole(read(document, form))
    other = next(case[0] for case in CASES if case[0] is not form)
    for data, version in ((bare(form, name, amount), name), (enveloped(form, name, body, amount), body)):
        assert form.sniff(data)
        assert not other.sniff(data)
        assert form.complete(data)
        assert not form.complete(data[:-90])
        parts = read(data, form)
        found = whole(parts)
        assert parts[0].header
        assert parts[0].header.version == f"{version}.00.04.01"
        assert_frame_equal(found["payments"].drop(PLACES), expected["payments"].drop(PLACES))
        assert found["payments"].height == 2
        assert found["findings"].is_empty()
        again = whole(read(form.excerpt(source(data), found["payments"].head(1), form.options()), form))
        assert again["payments"].height == 1
        assert again["findings"].is_empty()
        assert ties(again)


@pytest.mark.parametrize(("form", "name", "body", "amount"), CASES)
def test_a_second_message_is_refused(form: IsoFormat, name: str, body: str, amount: str) -> None:
    found = whole(read(enveloped(form, name, body, amount, messages=2), form))["findings"]
    assert found["rule"].to_list() == ["iso-message"]
    assert "second one of the file" in found["message"].item()


@pytest.mark.parametrize(("form", "name", "body", "amount"), CASES)
def test_another_namespace_is_no_message(form: IsoFormat, name: str, body: str, amount: str) -> None:
    data = bare(form, name, amount).replace(b"urn:CBI", b"urn:other")
    assert not form.sniff(data)
    assert "iso-message" in whole(read(data, form))["findings"]["rule"]


def test_no_schema_is_held_to(tmp_path) -> None:
    (tmp_path / "CBIPaymentRequest.00.04.01.xsd").write_text("no schema")
    form, name, _, amount = CASES[0]
    options = form.options(xsd="reject", schemas=str(tmp_path))
    findings = whole(list(form.windows(source(bare(form, name, amount)), options)))["findings"]
    assert findings["severity"].to_list() == ["warning"]
