"""What banks want otherwise in a pain.001 or pain.008: each option of a profile, and the national variants by their own schemas."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from property_examples import examples
from provider_samples import order_for, rows, written
from pydantic import ValidationError
from test_iso_passthrough import client_file
from test_iso_passthrough import read as client_payments
from test_pain008_export import COLLECTION, collections

from canonical.contracts import Order
from canonical.errors import FrameBroken
from canonical.profiles import Account
from exporters import pain001, pain008

EUR = Account(account="DE75512108001245126199", currency="EUR", name="Gateway Payments", agent="SOGEDEFFXXX")
CHF = Account(account="CH9300762011623852957", currency="CHF", name="Gateway Payments", agent="POFICHBEXXX")
PAYMENT: dict[str, Any] = {
    "amount_minor": 12_50, "currency": "EUR", "creditor_name": "Anna", "creditor_account": "FR1420041010050500013M02606",
    "creditor_agent": "BNPAFRPP", "end_to_end_id": "E-1", "debtor_name": "Gateway Payments",
}  # fmt: skip
SWISS = {
    "version": "03", "namespace": "http://www.six-interbank-clearing.com/de/pain.001.001.03.ch.02.xsd", "transliterate": True,
    "batch_totals": True, "forbidden": ["Cdtr/Id"],
}  # fmt: skip
GERMAN = {
    "version": "03", "namespace": "urn:iso:std:iso:20022:tech:xsd:pain.001.003.03", "transliterate": True,
    "payment_type_in": "batch", "rails": {"any": {"service_level": "SEPA", "charge_bearer": "SLEV"}},
    "left_out": ["Cdtr/PstlAdr/StrtNm", "Cdtr/PstlAdr/BldgNb", "Cdtr/PstlAdr/PstCd", "Cdtr/PstlAdr/TwnNm", "CdtrAcct/Tp"],
}  # fmt: skip


def order(account: Account = EUR, export: Any = pain001.EXPORT, **options: Any) -> Order:
    return order_for(export, account, options, initiating_party="Gateway")


def tree_of(frame: pl.DataFrame, account: Account = EUR, **options: Any) -> etree._Element:
    return etree.fromstring(written(pain001.EXPORT, order(account, **options), frame)[0])


def found(tree: etree._Element, path: str) -> list[str]:
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return [str(text) for text in tree.xpath(f"//{steps}/text()")]


# ---------------------------------------------------------------------------------------------- one option at a time


def test_ids_that_the_bank_gave_us(xsd) -> None:
    initiating = {"id": "1234567", "scheme": "BANK", "issuer": "Example Bank"}
    holder = {"id": "DK-77", "proprietary": "CVR", "private": True}
    tree = tree_of(rows(PAYMENT), initiating_party=initiating, account_holder=holder)
    xsd("pain.001.001.09").assertValid(tree)
    assert found(tree, "InitgPty/Id/OrgId/Othr/Id") == ["1234567"]
    assert found(tree, "InitgPty/Id/OrgId/Othr/SchmeNm/Cd") == ["BANK"]
    assert found(tree, "InitgPty/Id/OrgId/Othr/Issr") == ["Example Bank"]
    assert found(tree, "Dbtr/Id/PrvtId/Othr/SchmeNm/Prtry") == ["CVR"]


def test_references_where_the_bank_wants_them(xsd) -> None:
    frame = rows(PAYMENT, {**PAYMENT, "end_to_end_id": None}, {**PAYMENT, "end_to_end_id": "NOTPROVIDED"})
    ids = frame["payment_id"].to_list()
    assert found(tree_of(frame), "EndToEndId") == ["E-1", "NOTPROVIDED", "NOTPROVIDED"]
    assert found(tree_of(frame, missing_end_to_end_id="reference"), "EndToEndId") == ["E-1", *ids[1:]]
    tree = tree_of(frame, end_to_end_id="reference", instruction_id=False)
    xsd("pain.001.001.09").assertValid(tree)
    assert (found(tree, "EndToEndId"), found(tree, "InstrId")) == (ids, [])


def test_what_a_rail_says_where_the_payment_does_not(xsd) -> None:
    rail = {
        "any": {
            "service_level": "SEPA",
            "local_instrument": "INST",
            "charge_bearer": "SLEV",
            "category_purpose": "SUPP",
        }
    }
    frame = rows(PAYMENT, {**PAYMENT, "service_level": "URGP", "charge_bearer": "SHAR"})
    tree = tree_of(frame, rails=rail)
    xsd("pain.001.001.09").assertValid(tree)
    assert found(tree, "SvcLvl/Cd") == ["SEPA", "URGP"]
    assert found(tree, "ChrgBr") == ["SLEV", "SHAR"]
    assert found(tree, "LclInstrm/Cd") == ["INST", "INST"]
    assert found(tree_of(frame, rails={"another": rail["any"]}), "ChrgBr") == ["SHAR"]


def test_the_payment_type_of_a_batch(xsd) -> None:
    frame = rows(*({**PAYMENT, "service_level": level} for level in ("SEPA", "URGP", "SEPA", None)))
    tree = tree_of(frame, payment_type_in="batch")
    xsd("pain.001.001.09").assertValid(tree)
    assert found(tree, "PmtInf/PmtTpInf/SvcLvl/Cd") == ["SEPA", "URGP"]
    assert found(tree, "CdtTrfTxInf/PmtTpInf/SvcLvl/Cd") == []
    assert found(tree, "PmtInf/NbOfTxs") == ["2", "1", "1"]
    assert found(tree, "PmtInfId") == [f"S0123456789abcdef012-{number}" for number in (1, 2, 3)]


def test_what_stands_in_pmtinf(xsd) -> None:
    tree = tree_of(rows(PAYMENT), batch_booking=False, batch_totals=False)
    assert (found(tree, "BtchBookg"), found(tree, "PmtInf/NbOfTxs"), found(tree, "GrpHdr/NbOfTxs")) == (
        ["false"],
        [],
        ["1"],
    )
    assert found(tree_of(rows(PAYMENT), batch_booking=None), "BtchBookg") == []
    clearing = EUR.model_copy(update={"agent": "51210800"})
    tree = tree_of(rows(PAYMENT), clearing, agent_clearing_system="DEBLZ")
    xsd("pain.001.001.09").assertValid(tree)
    assert found(tree, "DbtrAgt/FinInstnId/ClrSysMmbId/ClrSysId/Cd") == ["DEBLZ"]


def refused(frame: pl.DataFrame, field: str, **options: Any) -> None:
    told = pain001.EXPORT.unfit(frame, pain001.Options.model_validate(options))
    assert told["field"].to_list() == [field], told["message"].to_list()
    with pytest.raises(FrameBroken, match=field):
        written(pain001.EXPORT, order(**options), frame)


def test_what_must_and_may_not_stand() -> None:
    told = {**PAYMENT, "purpose": "SALA", "creditor_town": "Lyon", "creditor_country": "FR"}
    refused(rows(PAYMENT), "purpose", mandatory=["Purp"])
    refused(rows(told), "purpose", forbidden=["Purp"])
    refused(rows({**told, "creditor_town": None}), "creditor_town", address="structured")
    refused(rows({**told, "creditor_address_lines": "a"}), "creditor_address_lines", address="structured")
    refused(rows({**told, "creditor_address_lines": "a\nb\nc"}), "creditor_address_lines", address="hybrid")
    tree_of(rows(told, PAYMENT), address="structured")
    tree_of(rows({**told, "creditor_address_lines": "a\nb"}), address="hybrid")


@pytest.mark.parametrize("party", ["", "<CtryOfRes>FR</CtryOfRes>"])
def test_what_is_left_out_is_left_out_of_columns_and_of_elements(party, xsd) -> None:
    frame = client_payments(
        client_file(party=party, more="<Purp><Cd>SALA</Cd></Purp><RmtInf><Ustrd>x</Ustrd></RmtInf>")
    )
    tree = tree_of(frame, left_out=["Purp"])
    xsd("pain.001.001.09").assertValid(tree)
    assert (found(tree, "Purp/Cd"), found(tree, "Ustrd"), found(tree, "CtryOfRes")) == (
        [],
        ["x"],
        ["FR"] if party else [],
    )


def test_the_rail_speaks_for_a_client_s_elements_too(xsd) -> None:
    for party in ("", "<CtryOfRes>FR</CtryOfRes>"):
        frame = client_payments(client_file(party=party))
        tree = tree_of(
            frame, rails={"any": {"service_level": "SEPA", "charge_bearer": "SLEV"}}, payment_type_in="batch"
        )
        xsd("pain.001.001.09").assertValid(tree)
        assert found(tree, "PmtInf/PmtTpInf/SvcLvl/Cd") == ["SEPA"]
        assert found(tree, "PmtInf/ChrgBr") == ["SLEV"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mandatory": ["Cdtr/Shoe"]}, "no elements of a payment: Cdtr/Shoe"),
        ({"mandatory": ["Purp"], "forbidden": ["Purp"]}, "Purp is mandatory and forbidden"),
        ({"instruction_id": False}, "end_to_end_id: reference"),
        ({"address": "hybrid", "left_out": ["Cdtr/PstlAdr/TwnNm"]}, "cannot be left out"),
        ({"version": "05"}, "version"),
        ({"namespace": "no namespace"}, "namespace"),
        ({"rails": {"any": {"charge_bearer": "OUR"}}}, "charge_bearer"),
        ({"initiating_party": {"id": "x" * 36}}, "initiating_party.id"),
    ],
)
def test_a_dialect_is_checked_when_it_is_read(options, words) -> None:
    with pytest.raises(ValidationError) as raised:
        pain001.Options.model_validate(options)
    told = "; ".join(f"{'.'.join(map(str, item['loc']))} {item['msg']}" for item in raised.value.errors())
    assert words in told


def test_elements_are_named_as_the_message_names_them() -> None:
    pain008.Options.model_validate({"mandatory": ["Dbtr/PstlAdr", "DrctDbtTx/MndtRltdInf", "PmtTpInf/SeqTp"]})
    told = pain008.EXPORT.unfit(
        collections({**COLLECTION, "mandate_id": None}), pain008.Options(mandatory=("DrctDbtTx/MndtRltdInf",))
    )
    assert told["field"].to_list() == ["mandate_id"]
    with pytest.raises(ValidationError, match="Cdtr/PstlAdr"):
        pain008.Options.model_validate({"mandatory": ["Cdtr/PstlAdr"]})


# ---------------------------------------------------------------------------------------------- national variants

NAME = st.text(st.sampled_from("abcÄöé &<>()'/-.Ł"), min_size=1, max_size=70)
ANY = st.fixed_dictionaries({
    "amount_minor": st.integers(1, 10**10), "creditor_name": NAME, "remittance": st.none() | NAME, "end_to_end_id": st.sampled_from([None, "E-1"]),
    "creditor_town": st.none() | st.just("Lyon"), "creditor_street": st.none() | st.just("Rue 1"),
    "category_purpose": st.sampled_from([None, "SALA"]), "purpose": st.sampled_from([None, "SALA"]),
}).map(lambda row: {**row, "creditor_country": "FR" if row["creditor_town"] or row["creditor_street"] else None})  # fmt: skip


@settings(max_examples=examples(25))
@given(given_rows=st.lists(ANY, min_size=1, max_size=4))
def test_swiss_files_keep_the_swiss_schema(given_rows, xsd) -> None:
    frame = rows(*({**PAYMENT, "currency": "CHF", **row} for row in given_rows))
    xsd("pain.001.001.03.ch.02").assertValid(tree_of(frame, CHF, **SWISS))


@settings(max_examples=examples(25))
@given(given_rows=st.lists(ANY, min_size=1, max_size=4))
def test_german_files_keep_the_german_schema(given_rows, xsd) -> None:
    frame = rows(
        *(
            {**PAYMENT, **row, "creditor_town": row["creditor_town"] or (row["creditor_street"] and "Lyon")}
            for row in given_rows
        )
    )
    xsd("pain.001.003.03").assertValid(tree_of(frame, **GERMAN))
