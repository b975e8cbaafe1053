"""pacs.008 from bank to bank: golden files, XSD, settlement by dialect, and what a client's pain.001 carries through."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from iso_instances import document, schema_types, type_of
from lxml import etree
from property_examples import examples
from provider_samples import broken_is_seen, order_for, rows, written
from pydantic import ValidationError
from test_iso_passthrough import SHARED, alike, client_file, leaves, payments_of
from test_iso_passthrough import read as client_payments

from canonical.contracts import Order
from canonical.errors import FrameBroken
from canonical.profiles import Account
from exporters._iso_grammar_interbank import interbank_grammar
from exporters.pacs008 import EXPORT, Options

GOLDEN = Path(__file__).parent / "golden" / "pacs008_export"
OURS = Account(account="DE75512108001245126199", currency="EUR", name="Gateway Bank", agent="SOGEDEFFXXX")
CBPR = {
    "instructing_agent": "SOGEDEFFXXX",
    "instructed_agent": "BNPAFRPPXXX",
    "settlement": {"method": "INDA", "account": True},
    "uetr": "required",
}
SEPA = {
    "instructing_agent": "SOGEDEFFXXX", "settlement": {"method": "CLRG", "clearing_system_name": "ST2"}, "agents_in": "group", "date_in": "group",
    "total_amount": True, "rails": {"any": {"service_level": "SEPA", "charge_bearer": "SLEV"}}, "transliterate": True,
}  # fmt: skip
PAYMENT: dict[str, Any] = {
    "amount_minor": 1250, "currency": "EUR", "creditor_name": "Anna Müller", "creditor_account": "FR1420041010050500013M02606",
    "creditor_agent": "BNPAFRPP", "end_to_end_id": "E-1", "debtor_name": "Northwind Handel", "debtor_account": "DE02120300000000202051",
    "debtor_town": "Kiel", "debtor_country": "DE", "uetr": "8a562c67-ca16-48ba-b074-65581be6f001",
}  # fmt: skip


def order(account: Account = OURS, **options: Any) -> Order:
    return order_for(EXPORT, account, {"instructing_agent": "SOGEDEFFXXX", **options})


def golden_payments() -> pl.DataFrame:
    return rows(
        PAYMENT,
        {**PAYMENT, "debtor_name": None, "debtor_account": None, "debtor_town": None, "debtor_country": None, "remittance": "Rechnung <7>\nMai"},
        {**PAYMENT, "ultimate_debtor_name": "Kind", "ultimate_creditor_name": "Verlag", "purpose": "SALA", "remittance_reference": "RF18539007547034",
         "debtor_account": "12345", "creditor_town": "Lyon", "creditor_country": "FR", "charge_bearer": "DEBT"},
    )  # fmt: skip


@pytest.mark.parametrize(("name", "options"), [("cbpr", CBPR), ("sepa", SEPA)])
def test_golden(name, options, xsd) -> None:
    data, summary = written(EXPORT, order(**options), golden_payments())
    assert data == (GOLDEN / f"{name}.xml").read_bytes()
    assert (summary.payments, summary.sums_minor) == (3, {"EUR": 3750})
    xsd("pacs.008.001.08").assertValid(etree.fromstring(data))
    assert written(EXPORT, order(**options), golden_payments(), 1)[0] == data


def test_settlement_stands_where_the_dialect_says(xsd) -> None:
    def told(options: dict[str, Any], path: str) -> list[str]:
        tree = etree.fromstring(written(EXPORT, order(**options), rows(PAYMENT))[0])
        return [
            str(text)
            for text in tree.xpath("//" + "/".join(f"*[local-name()='{step}']" for step in path.split("/")) + "/text()")
        ]

    assert told(CBPR, "CdtTrfTxInf/InstdAgt/FinInstnId/BICFI") == ["BNPAFRPPXXX"]
    assert told(CBPR, "SttlmAcct/Id/IBAN") == [OURS.account]
    assert told(CBPR, "CdtTrfTxInf/IntrBkSttlmDt") == ["2026-11-27"]
    assert told(SEPA, "GrpHdr/IntrBkSttlmDt") == ["2026-11-27"]
    assert told(SEPA, "GrpHdr/TtlIntrBkSttlmAmt") == ["12.50"]
    assert told(SEPA, "GrpHdr/InstgAgt/FinInstnId/BICFI") == ["SOGEDEFFXXX"]
    assert told(SEPA, "SttlmInf/ClrSys/Prtry") == ["ST2"]
    assert (told(SEPA, "ChrgBr"), told(CBPR, "ChrgBr")) == (["SLEV"], ["SHAR"])


UNFIT = {
    "creditor_agent": {"creditor_agent": None},
    "creditor_name": {"creditor_name": None},
    "uetr": {"uetr": None},
    "debtor_town": {"debtor_town": "x" * 36},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named(field) -> None:
    frame = rows(PAYMENT, {**PAYMENT, **UNFIT[field]})
    assert EXPORT.unfit(frame, Options.model_validate(CBPR)).select("row", "field").rows() == [(2, field)]
    with pytest.raises(FrameBroken, match=field):
        written(EXPORT, order(**CBPR), frame)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"settlement": {"method": "CLRG"}}, "clearing system"),
        ({"settlement": {"method": "INDA", "clearing_system": "ST2"}}, "clearing system"),
        ({"instructing_agent": "bank"}, "instructing_agent"),
        ({"batch_booking": False}, "pacs.008 has no batch_booking"),
    ],
)
def test_what_the_banks_agreed_is_checked_when_it_is_read(options, words) -> None:
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({"instructing_agent": "SOGEDEFFXXX", **options})


def test_collections_and_nothing_are_refused() -> None:
    for frame in (rows({**PAYMENT, "credit_debit": "DBIT"}), rows(PAYMENT).clear()):
        with pytest.raises(FrameBroken):
            written(EXPORT, order(), frame)


def test_a_changed_file_is_seen() -> None:
    data, summary = written(EXPORT, order(**SEPA), golden_payments())
    first = data[data.index(b"<CdtTrfTxInf>") : data.index(b"</CdtTrfTxInf>") + 14]
    broken_is_seen(
        EXPORT, order(**SEPA), data, summary,
        data.replace(first, b"", 1), data.replace(first, first * 2, 1), data.replace(b">12.50</IntrBk", b">12.51</IntrBk", 1), data[:-9],
        data.replace(b"<NbOfTxs>3<", b"<NbOfTxs>2<"), data.replace(b"FR142004", b"FR142005", 1), data.replace(b"<CtrlSum>37.50<", b"<CtrlSum>37.51<"),
    )  # fmt: skip


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=34,
)
ANY = st.fixed_dictionaries({
    "amount_minor": st.integers(0, 10**12), "creditor_name": TEXT, "end_to_end_id": st.none() | TEXT, "debtor_name": st.none() | TEXT,
    "creditor_account": st.sampled_from(["FR1420041010050500013M02606", "12 & 3", None]), "remittance": st.none() | TEXT,
    "debtor_street": st.none() | TEXT, "creditor_address_lines": st.none() | TEXT, "debtor_address_lines": st.none() | TEXT,
    "service_level": st.sampled_from([None, "SEPA"]), "purpose": st.sampled_from([None, "SALA"]), "debtor_id": st.none() | TEXT,
    "debtor_account": st.sampled_from([None, "DE02120300000000202051", "1 <2>"]), "ultimate_debtor_name": st.none() | TEXT,
})  # fmt: skip


@given(given_rows=st.lists(ANY, min_size=1, max_size=5), dialect=st.sampled_from([CBPR, SEPA]), cut=st.integers(1, 3))
def test_any_payment_is_written_validly_and_read_back(given_rows, dialect, cut, xsd) -> None:
    frame = rows(*({**PAYMENT, **row} for row in given_rows))
    assert EXPORT.unfit(frame, Options.model_validate(dialect)).is_empty()
    data, _ = written(EXPORT, order(**dialect), frame, cut)
    assert xsd("pacs.008.001.08").validate(etree.fromstring(data)), xsd("pacs.008.001.08").error_log


# ---------------------------------------------------------------------------------------------- a client's own file


def test_the_grammar_is_that_of_the_schema(xsd) -> None:
    xsd("pacs.008.001.08")
    types = schema_types(SHARED / "xsd" / "pacs.008.001.08.xsd")
    met: set[tuple[str, str]] = set()
    for kind in ("GrpHdr", "CdtTrfTxInf"):
        alike(interbank_grammar(), kind, types, type_of(types, kind), met)
    assert len(met) > 50


def test_what_the_client_says_beyond_the_columns_goes_on(xsd) -> None:
    party = "<CtctDtls><Nm>Jörg</Nm></CtctDtls>"
    after = "<UltmtDbtr><Nm>Head</Nm><CtryOfRes>DE</CtryOfRes></UltmtDbtr>"
    more = "<RgltryRptg><Dtls><Inf>x</Inf></Dtls></RgltryRptg>"
    agent = "<CdtrAgt><FinInstnId><BICFI>BNPAFRPP</BICFI></FinInstnId></CdtrAgt><Cdtr>"
    data = client_file(party=party, after=after, more=more).replace(b"<Cdtr>", agent.encode())
    frame = client_payments(data)
    assert EXPORT.unfit(frame, Options(instructing_agent="SOGEDEFFXXX")).is_empty()
    tree = etree.fromstring(written(EXPORT, order(), frame)[0])
    xsd("pacs.008.001.08").assertValid(tree)
    found = {path: text for path, text, _ in leaves(payments_of(tree)[0])}
    assert found["Cdtr/CtctDtls/Nm"] == "Jörg"
    assert found["UltmtDbtr/CtryOfRes"] == "DE"
    assert found["RgltryRptg/Dtls/Inf"] == "x"
    assert found["Dbtr/Nm"] == "Gateway Payments"
    assert found["PmtId/TxId"] == found["PmtId/InstrId"] == frame["payment_id"][0]
    charged = data.replace(b"<UltmtDbtr>", b"<ChrgsAcct><Id><Othr><Id>1</Id></Othr></Id></ChrgsAcct><UltmtDbtr>", 1)
    told = EXPORT.unfit(client_payments(charged), Options(instructing_agent="SOGEDEFFXXX"))
    assert told["field"].to_list() == ["PmtInf/ChrgsAcct"]


@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.02, 0.1, 0.3]))
@settings(max_examples=examples(30))
def test_any_payment_of_a_client_is_carried_or_told(seed, share, xsd) -> None:
    data = document(SHARED / "xsd" / "pain.001.001.09.xsd", "pain.001.001.09", random.Random(seed), share)
    source = etree.fromstring(data)
    assume(xsd("pain.001.001.09").validate(source))
    elements = payments_of(source)
    payments = client_payments(data).filter(pl.col("amount_minor").is_not_null())
    options = Options(instructing_agent="SOGEDEFFXXX")
    for _, batch in payments.group_by("batch", "currency", maintain_order=True):
        refused = EXPORT.unfit(batch, options)["row"].unique()
        fit = batch.filter(~pl.col("row").is_in(refused.implode()))
        if fit.is_empty():
            continue
        tree = etree.fromstring(
            written(EXPORT, order(OURS.model_copy(update={"currency": fit["currency"][0]})), fit)[0]
        )
        xsd("pacs.008.001.08").assertValid(tree)
        for row, after in zip(fit["row"], payments_of(tree), strict=True):
            before = [leaf for leaf in leaves(elements[row - 1]) if leaf[0] not in {"PmtId/InstrId", "Amt/InstdAmt"}]
            there = list(leaves(after))
            assert [leaf for leaf in before if leaf not in there] == []
