"""Nothing is lost on the way through: what a client's ISO file says comes out again in the file to the bank."""

from __future__ import annotations

import datetime as dt
import io
import random
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from iso_instances import document, schema_types, type_of
from lxml import etree
from property_examples import examples
from test_pain001_export import OURS, order

from canonical.contracts import Order, Source
from canonical.errors import FrameBroken
from canonical.profiles import Account
from canonical.tally import written_as
from exporters._iso_batches import Batches
from exporters._iso_carrier import Carrier
from exporters._iso_grammar import Grammar
from exporters._iso_grammar_credit import credit_grammar
from exporters._iso_grammar_debit import debit_grammar
from exporters._iso_plain import plain
from exporters._iso_versions import CREDIT
from exporters._iso_whole import Ours, whole
from exporters.pain001 import EXPORT, Options
from parsers.pain001 import FORMAT

SHARED = Path(__file__).resolve().parents[3] / "shared"
GOLDEN = Path(__file__).parent / "golden" / "iso_passthrough"
EXECUTION = dt.date(2026, 11, 23)
XS = "{http://www.w3.org/2001/XMLSchema}"
OWNED = {
    # Ours: the reference, the amount as it was checked, and what a batch tells the gateway and not the bank.
    "PmtId/InstrId", "Amt/InstdAmt", "PmtInfId", "BtchBookg", "NbOfTxs", "CtrlSum", "ReqdExctnDt", "ReqdExctnDt/Dt",
    "ReqdExctnDt/DtTm", "DbtrAcct/Id/IBAN", "DbtrAcct/Id/Othr/Id", "DbtrAcct/Ccy",
}  # fmt: skip
"""Elements of a payment or its batch that are not the client's any more. See docs/exports/pain.001.md."""


# ---------------------------------------------------------------------------------------------- reading a client's file


def windows(data: bytes, encoding: str = "utf-8") -> list[pl.DataFrame]:
    """PAYMENTS of a file as the gateway gives them to an export, with the client's own bytes."""
    found, version, position = [], "", 0
    for window in FORMAT.windows(Source("f" * 20, "in.xml", data), FORMAT.options()):
        version = window.header.version if window.header else version
        payments = window.payments
        found.append(
            payments.with_columns(
                original=_cut(data, payments["offset"], payments["length"]),
                original_batch=_cut(data, payments["batch_offset"], payments["batch_length"]),
                original_version=pl.lit(version),
                original_encoding=pl.lit(encoding),
                reference=pl.col("payment_id"),
                position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + position,
                execution_date=pl.lit(EXECUTION),
            )
        )
        position += payments.height
    return found


def _cut(data: bytes, offsets: pl.Series, lengths: pl.Series) -> pl.Series:
    cuts = [data[start : start + size] for start, size in zip(offsets, lengths, strict=True)]
    return pl.Series(cuts, dtype=pl.Binary)


def read(data: bytes, encoding: str = "utf-8") -> pl.DataFrame:
    return pl.concat(windows(data, encoding))


def own(payments: pl.DataFrame) -> Account:
    """The account that a batch of payments orders from, as the client names it."""
    row = payments.row(0, named=True)
    return Account(
        account=row["debtor_account"] or OURS.account, currency=row["currency"], name=row["debtor_name"] or OURS.name,
        agent=row["debtor_agent"] or "",
    )  # fmt: skip


def write(payments: pl.DataFrame, account: Account, **options: object) -> bytes:
    an_order = with_options(order(account), **options)
    out = io.BytesIO()
    summary = EXPORT.write(an_order, iter([payments]), out)
    assert summary == EXPORT.reread(Source("f", "out.xml", out.getvalue()), an_order) == written_as(payments)
    return out.getvalue()


def with_options(an_order: Order, **options: object) -> Order:
    export = an_order.provider.export.model_copy(update={"options": options})
    provider = an_order.provider.model_copy(update={"export": export})
    return Order(
        an_order.submission_id, provider, an_order.account, an_order.rail, an_order.created, an_order.business_date,
        an_order.sequence_first, an_order.file_sequence, an_order.initiating_party,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- comparing

RENAMED = {
    "BIC": "BICFI", "BICOrBEI": "AnyBIC", "AdmstnZn": "AdmstnZone", "RmtLctnMtd": "Mtd", "RmtLctnElctrncAdr": "ElctrncAdr",
    "RmtLctnPstlAdr": "PstlAdr",
}  # fmt: skip
GROUPS = {"RmtLctnDtls"}
INNER = {
    ("AdrTp", "Cd"),
    ("DscntApldAmt", "Amt"),
    ("TaxAmt", "Amt"),
    ("CtctDtls", "Othr", "Id"),
    ("InstrForDbtrAgt", "InstrInf"),
}
INVENTED = {"CtctDtls/Othr/ChanlTp"}
"""Elements that an older version has no counterpart for, so that they cannot be compared."""


def leaves(element: etree._Element, below: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    """Path in the names of .09, text, and attributes of every leaf."""
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child).localname
        path = below if name in GROUPS else (*below, RENAMED.get(name, name))
        if [item for item in child if isinstance(item.tag, str)]:
            yield from leaves(child, path)
            continue
        for inner in INNER:
            if path[-len(inner) :] == inner:
                path = path[:-1]
        found = "/".join(path)
        text = "".join(child.itertext(etree.Element))
        if text and found not in INVENTED and not any(found.endswith(f"/{item}") for item in INVENTED):
            yield found, text, child.get("Ccy") or ""


def within(element: etree._Element, *names: str) -> Counter[tuple[str, str, str]]:
    """Leaves that are the client's, of the children with these names (all where none is named)."""
    found: Counter[tuple[str, str, str]] = Counter()
    for leaf in leaves(element):
        if leaf[0] not in OWNED and (not names or leaf[0].partition("/")[0] in names):
            found[leaf] += 1
    return found


def payments_of(tree: etree._Element) -> list[etree._Element]:
    return [item for item in tree.iter(etree.Element) if etree.QName(item).localname == "CdtTrfTxInf"]


def of_batch(payment: etree._Element) -> Counter[tuple[str, str, str]]:
    batch = payment.getparent()
    assert batch is not None
    found: Counter[tuple[str, str, str]] = Counter()
    for child in batch.iterchildren(etree.Element):
        name = etree.QName(child).localname
        if name == "CdtTrfTxInf":
            break
        holder = etree.Element("holder")
        holder.append(etree.fromstring(etree.tostring(child, with_tail=False)))
        found += within(holder)
    return found


def compare(source: list[etree._Element], target: list[etree._Element], *, old: bool = False) -> list[str]:
    """What of each source payment, or of its batch, is in neither the written payment nor its PmtInf.

    `old`: of version .02, whose elements have other places, texts alone are compared.
    """
    assert len(source) == len(target)
    lost = []
    for number, (before, after) in enumerate(zip(source, target, strict=True), 1):
        written, around = within(after), of_batch(after)
        if old:
            there = {text for _, text, _ in written | around}
            lost += [f"payment {number}: {leaf}" for leaf in within(before) if leaf[1] not in there]
            continue
        lost += [f"payment {number}: {leaf}" for leaf in within(before) - written]
        said = Counter(dict.fromkeys(of_batch(before), 1))
        anywhere = written | around | Counter(_as_debtor(written))
        lost += [f"batch of {number}: {leaf}" for leaf in said - anywhere if not _payment_says(before, leaf[0])]
    return lost


def _as_debtor(written: Counter[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    """A debtor that is not the account's holder is the ultimate debtor of its payments."""
    return {
        (path.replace("UltmtDbtr", "Dbtr", 1), text, ccy): count
        for (path, text, ccy), count in written.items()
        if path.startswith("UltmtDbtr/")
    }


def _payment_says(payment: etree._Element, path: str) -> bool:
    """True where the payment itself says what its batch says for those that do not."""
    first, _, rest = path.partition("/")
    names = {etree.QName(child).localname: child for child in payment.iterchildren(etree.Element)}
    if first != "PmtTpInf":
        return first in names
    kinds = [etree.QName(kind).localname for kind in names[first]] if first in names else []
    return rest.partition("/")[0] in kinds


# ---------------------------------------------------------------------------------------------- the corpus


@lru_cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def valid(data: bytes) -> bool:
    """True where the file keeps the schema of its namespace."""
    shared = SHARED / "xsd"
    root = etree.fromstring(data)
    namespace = etree.QName(root).namespace or ""
    names = [namespace.rpartition(":")[2], namespace.rpartition("/")[2].removesuffix(".xsd")]
    found = [shared / f"{name}.xsd" for name in names if (shared / f"{name}.xsd").exists()]
    return bool(found) and _schema(found[0]).validate(root)


def test_every_corpus_file_comes_out_whole(corpus, xsd) -> None:
    compared = 0
    for file in corpus("pain.001"):
        data = file.path.read_bytes()
        try:
            if not valid(data):
                continue
        except etree.XMLSyntaxError:
            continue
        encoding = etree.fromstring(data).getroottree().docinfo.encoding or "utf-8"
        payments = read(data, encoding)
        source = payments_of(etree.fromstring(data))
        assert payments.height == len(source), file.key
        payable = payments.filter(pl.col("amount_minor").is_not_null())
        for (_, _), batch in payable.group_by("batch", "currency", maintain_order=True):
            assert EXPORT.unfit(batch).is_empty(), (file.key, EXPORT.unfit(batch)["message"].to_list())
            written = write(batch, own(batch))
            tree = etree.fromstring(written)
            xsd("pain.001.001.09").assertValid(tree)
            assert compare([source[row - 1] for row in batch["row"]], payments_of(tree)) == [], file.key
            compared += batch.height
            again = read(written)
            for column in CANONICAL:
                assert again[column].to_list() == batch[column].to_list(), (file.key, column)
    assert compared > 40


CANONICAL = (
    "end_to_end_id", "uetr", "amount_minor", "currency", "service_level", "local_instrument", "category_purpose", "purpose",
    "charge_bearer", "debtor_name", "debtor_id", "debtor_account", "ultimate_debtor_name", "creditor_name", "creditor_id",
    "creditor_lei", "creditor_account", "creditor_account_type", "creditor_agent", "creditor_street", "creditor_building",
    "creditor_post_code", "creditor_town", "creditor_country", "creditor_address_lines", "ultimate_creditor_name",
    "remittance", "remittance_reference", "remittance_reference_type", "debtor_street", "debtor_building",
    "debtor_post_code", "debtor_town", "debtor_country", "debtor_address_lines", "debtor_lei",
)  # fmt: skip


# ---------------------------------------------------------------------------------------------- a golden file

NORTHWIND = OURS.model_copy(update={"name": "Northwind Handel"})


def golden() -> pl.DataFrame:
    return read((GOLDEN / "client.xml").read_bytes())


@pytest.mark.parametrize("version", ["09", "03"])
def test_golden_file(version, xsd) -> None:
    written = write(golden(), NORTHWIND, version=version)
    assert written == (GOLDEN / f"expected_{version}.xml").read_bytes()
    tree = etree.fromstring(written)
    xsd(f"pain.001.001.{version}").assertValid(tree)
    source = payments_of(etree.parse(GOLDEN / "client.xml").getroot())
    assert compare(source, payments_of(tree)) == []


def test_the_same_payments_in_more_windows_give_the_same_bytes() -> None:
    payments, out = golden(), io.BytesIO()
    EXPORT.write(order(NORTHWIND), iter(payments.iter_slices(1)), out)
    assert out.getvalue() == write(payments, NORTHWIND)


def test_over_an_account_of_ours_the_client_is_the_ultimate_debtor(xsd) -> None:
    account = Account(account="DE02120300000000202051", currency="EUR", name="Gateway Payments", agent="SOGEDEFFXXX")
    tree = etree.fromstring(write(golden(), account))
    xsd("pain.001.001.09").assertValid(tree)
    first, second, third = payments_of(tree)
    assert ("UltmtDbtr/Id/OrgId/AnyBIC", "NORTDEHHXXX", "") in within(first)
    assert ("UltmtDbtr/Nm", "Northwind Tochter", "") in within(second)
    assert ("UltmtDbtr/PstlAdr/TwnNm", "Kiel", "") in within(third)
    # The account is not the client's: neither is what it says of its own.
    assert not [
        leaf for leaf in of_batch(first) if leaf[0].startswith(("ChrgsAcct", "DbtrAgt/BrnchId", "Dbtr/PstlAdr"))
    ]


# ---------------------------------------------------------------------------------------------- what an ERP may write

HEAD = (
    "<{p}PmtInf><{p}PmtInfId>B</{p}PmtInfId><{p}PmtMtd>TRF</{p}PmtMtd>{batch}<{p}ReqdExctnDt><{p}Dt>2026-11-23</{p}Dt>"
    "</{p}ReqdExctnDt><{p}Dbtr><{p}Nm>Gateway Payments</{p}Nm></{p}Dbtr><{p}DbtrAcct><{p}Id><{p}IBAN>"
    "DE75512108001245126199</{p}IBAN></{p}Id></{p}DbtrAcct><{p}DbtrAgt><{p}FinInstnId><{p}BICFI>SOGEDEFFXXX</{p}BICFI>"
    "</{p}FinInstnId></{p}DbtrAgt>{after}"
)
PAYMENT = (
    '<{p}CdtTrfTxInf><{p}PmtId><{p}EndToEndId>E-1</{p}EndToEndId></{p}PmtId><{p}Amt><{p}InstdAmt Ccy="EUR">1.00'
    "</{p}InstdAmt></{p}Amt><{p}Cdtr><{p}Nm>{name}</{p}Nm>{party}</{p}Cdtr><{p}CdtrAcct><{p}Id><{p}IBAN>"
    "FR1420041010050500013M02606</{p}IBAN></{p}Id></{p}CdtrAcct>{more}</{p}CdtTrfTxInf>"
)


def client_file(
    *, name: str = "Anna", party: str = "", more: str = "", batch: str = "", after: str = "", prefix: str = "",
    encoding: str = "utf-8", declared: str = "", batches: int = 1,
) -> bytes:  # fmt: skip
    p, xmlns = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    one = (
        HEAD.format(p=p, batch=batch, after=after)
        + PAYMENT.format(p=p, name=name, party=party, more=more)
        + f"</{p}PmtInf>"
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><{p}Document {xmlns}="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"{declared}>'
        f"<{p}CstmrCdtTrfInitn><{p}GrpHdr><{p}MsgId>M</{p}MsgId><{p}CreDtTm>2026-11-20T08:00:00</{p}CreDtTm>"
        f"<{p}NbOfTxs>{batches}</{p}NbOfTxs><{p}InitgPty/></{p}GrpHdr>{one * batches}</{p}CstmrCdtTrfInitn></{p}Document>"
    )
    return text.encode("utf-16" if encoding == "utf-16" else encoding)


def carried(data: bytes, encoding: str = "utf-8", **options: object) -> etree._Element:
    """The only payment of a client's file as it is written."""
    (found,) = payments_of(etree.fromstring(write(read(data, encoding), OURS, **options)))
    return found


def found_in(payment: etree._Element, path: str) -> list[str]:
    return [text for at, text, _ in leaves(payment) if at == path]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "iso-8859-2", "utf-16", "windows-1250"])
@pytest.mark.parametrize("prefix", ["", "pain"])
def test_every_encoding_and_prefix(encoding, prefix) -> None:
    p = f"{prefix}:" if prefix else ""
    data = client_file(
        name="Bäcker", party=f"<{p}CtctDtls><{p}Nm>Jörg Müller</{p}Nm></{p}CtctDtls>", prefix=prefix, encoding=encoding
    )
    payment = carried(data, encoding)
    assert found_in(payment, "Cdtr/Nm") == ["Bäcker"]
    assert found_in(payment, "Cdtr/CtctDtls/Nm") == ["Jörg Müller"]


def test_comments_and_cdata_stand_in_one_text() -> None:
    party = "<CtctDtls><Nm>a<!-- no -->b<![CDATA[&c]]><?no?>d</Nm></CtctDtls>"
    assert found_in(carried(client_file(party=party)), "Cdtr/CtctDtls/Nm") == ["ab&cd"]


def test_supplementary_data_keeps_its_own_names() -> None:
    note = '<note xmlns="urn:example:note" xmlns:x="urn:example:x" x:kind="a &amp; b">kept <x:b>whole</x:b></note>'
    payment = carried(client_file(more=f"<SplmtryData><PlcAndNm>here</PlcAndNm><Envlp>{note}</Envlp></SplmtryData>"))
    (found,) = payment.iter("{urn:example:note}note")
    assert found.attrib == {"{urn:example:x}kind": "a & b"}
    assert [(item.tag, item.text) for item in found] == [("{urn:example:x}b", "whole")]


def test_a_prefix_from_outside_the_payment_is_told() -> None:
    more = "<SplmtryData><Envlp><x:note>?</x:note></Envlp></SplmtryData>"
    refused(read(client_file(more=more, declared=' xmlns:x="urn:example:x"')), "CdtTrfTxInf")


def test_bytes_that_are_not_in_their_encoding_are_told() -> None:
    data = client_file(party="<CtctDtls><Nm>Müller</Nm></CtctDtls>", encoding="iso-8859-1")
    refused(read(data, "utf-8"), "CdtTrfTxInf")


def test_what_a_batch_says_for_all_stands_in_each_payment() -> None:
    batch = (
        "<PmtTpInf><InstrPrty>HIGH</InstrPrty><SvcLvl><Cd>SEPA</Cd></SvcLvl><SvcLvl><Cd>URGP</Cd></SvcLvl></PmtTpInf>"
    )
    after = "<InstrForDbtrAgt>Call us</InstrForDbtrAgt><UltmtDbtr><Nm>Head</Nm><CtryOfRes>DE</CtryOfRes></UltmtDbtr><ChrgBr>SHAR</ChrgBr>"
    for party in ("", "<CtryOfRes>FR</CtryOfRes>"):  # from columns, and from its own elements
        payment = carried(client_file(batch=batch, after=after, party=party))
        assert found_in(payment, "PmtTpInf/SvcLvl/Cd") == ["SEPA", "URGP"]
        assert found_in(payment, "PmtTpInf/InstrPrty") == ["HIGH"]
        assert found_in(payment, "InstrForDbtrAgt") == ["Call us"]
        assert found_in(payment, "UltmtDbtr/CtryOfRes") == ["DE"]
        assert found_in(payment, "ChrgBr") == ["SHAR"]


def test_what_a_payment_says_itself_stands_above_its_batch() -> None:
    after = "<UltmtDbtr><Nm>Head</Nm><CtryOfRes>DE</CtryOfRes></UltmtDbtr><ChrgBr>SHAR</ChrgBr>"
    data = client_file(after=after).replace(
        b"</Amt>", b"</Amt><ChrgBr>DEBT</ChrgBr><UltmtDbtr><Nm>Leg</Nm></UltmtDbtr>"
    )
    payment = carried(data)
    assert found_in(payment, "ChrgBr") == ["DEBT"]
    assert found_in(payment, "UltmtDbtr/Nm") == ["Leg"]
    assert found_in(payment, "UltmtDbtr/CtryOfRes") == []


def test_words_are_transliterated_and_references_are_not() -> None:
    data = client_file(
        name="Bäcker", party="<Id><OrgId><Othr><Id>Ä-1</Id></Othr></OrgId></Id><CtctDtls><Nm>Θωμάς</Nm></CtctDtls>"
    )
    payment = carried(data, transliterate=True)
    assert found_in(payment, "Cdtr/Nm") == ["Backer"]
    assert found_in(payment, "Cdtr/CtctDtls/Nm") == ["THomas"]
    assert found_in(payment, "Cdtr/Id/OrgId/Othr/Id") == ["Ä-1"]


def test_a_plain_payment_needs_no_encoding() -> None:
    payments = read(client_file(name="Bäcker", encoding="iso-8859-1")).drop("original_encoding")
    (payment,) = payments_of(etree.fromstring(write(payments, OURS)))
    assert found_in(payment, "Cdtr/Nm") == ["Bäcker"]


# ---------------------------------------------------------------------------------------------- what cannot be carried


def refused(payments: pl.DataFrame, *fields: str, **options: str) -> None:
    """`unfit` names these fields, and `write` refuses."""
    found = EXPORT.unfit(payments, Options.model_validate(options))
    assert sorted(set(found["field"])) == sorted(fields), found["message"].to_list()
    assert set(found["rule"]) == {"iso-fit"}
    with pytest.raises(FrameBroken):
        write(payments, own(payments), **options)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("<SplmtryData><Envlp><note xmlns='urn:example'>x</note></Envlp></SplmtryData>", "SplmtryData"),
        ("<RmtInf><Strd><TaxRmt><RefNb>1</RefNb></TaxRmt></Strd></RmtInf>", "RmtInf/Strd/TaxRmt"),
        ("<RltdRmtInf><RmtLctnDtls><Mtd>FAXI</Mtd></RmtLctnDtls><RmtLctnDtls><Mtd>POST</Mtd></RmtLctnDtls></RltdRmtInf>",
         "RltdRmtInf/RmtLctnMtd"),
    ],
)  # fmt: skip
def test_an_older_version_does_not_know_all(more, field) -> None:
    payments = read(client_file(more=more))
    assert EXPORT.unfit(payments).is_empty()
    refused(payments, field, version="03")


def test_a_uetr_has_no_place_in_an_older_version() -> None:
    uetr = b"</EndToEndId><UETR>8a562c67-ca16-48ba-b074-65581be6f001</UETR>"
    payments = read(client_file().replace(b"</EndToEndId>", uetr))
    assert EXPORT.unfit(payments).is_empty()
    refused(payments.drop("original"), "uetr", version="03")
    refused(payments, "uetr", version="03")


def test_a_cheque_is_no_transfer() -> None:
    refused(read(client_file().replace(b">TRF<", b">CHK<")), "PmtInf/PmtMtd")


def test_batches_that_say_different_things_of_one_account_are_told() -> None:
    same = client_file(after="<ChrgsAcct><Id><Othr><Id>1</Id></Othr></Id></ChrgsAcct>", batches=2)
    assert EXPORT.unfit(read(same)).is_empty()
    before, _, last = same.rpartition(b"<Id>1</Id>")
    payments = read(before + b"<Id>2</Id>" + last)
    refused(payments, "PmtInf")
    assert EXPORT.unfit(payments)["row"].to_list() == [2]


def test_two_debtors_and_no_place_for_the_second_are_told() -> None:
    after = "<UltmtDbtr><Nm>Head</Nm></UltmtDbtr>"
    data = client_file(after=after, batches=2)
    named = b"<Nm>Gateway Payments</Nm>"
    first, second, third = data.split(named)
    payments = read(
        first + named + b"<CtryOfRes>DE</CtryOfRes>" + second + named + b"<CtryOfRes>FR</CtryOfRes>" + third
    )
    refused(payments, "PmtInf/Dbtr")
    # Without an ultimate debtor the second one has a place.
    assert EXPORT.unfit(read(payments_without(payments, data, after))).is_empty()


def payments_without(payments: pl.DataFrame, data: bytes, after: str) -> bytes:
    assert payments.height == len(payments_of(etree.fromstring(data)))
    return data.replace(after.encode(), b"")


def test_bytes_of_another_payment_are_refused() -> None:
    payments = read(client_file(party="<CtryOfRes>FR</CtryOfRes>"))
    for column, value in (
        ("creditor_account", "DE75512108001245126199"),
        ("amount_minor", 101),
        ("creditor_name", "Eve"),
    ):
        changed = payments.with_columns(pl.lit(value, dtype=payments.schema[column]).alias(column))
        with pytest.raises(FrameBroken, match=column):
            EXPORT.write(order(), iter([changed]), io.BytesIO())


def test_payments_without_their_batch_are_refused() -> None:
    payments = read(client_file()).with_columns(original_batch=pl.lit(None, dtype=pl.Binary))
    with pytest.raises(FrameBroken):
        write(payments, OURS)


# ---------------------------------------------------------------------------------------------- any payment there can be


def fitting(payments: pl.DataFrame, version: str) -> pl.DataFrame:
    unfit = EXPORT.unfit(payments, Options.model_validate({"version": version}))["row"].unique()
    return payments.filter(~pl.col("row").is_in(unfit.implode()))


@pytest.mark.parametrize("target", ["09", "03"])
@pytest.mark.parametrize("source", [f"{number:02d}" for number in range(2, 14)])
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.02, 0.1, 0.3, 0.8]))
@settings(max_examples=examples(12))
def test_any_payment_of_any_version_is_carried_or_told(source, target, seed, share, xsd) -> None:
    version = f"pain.001.001.{source}"
    schema = SHARED / "xsd" / f"{version}.xsd"
    data = document(schema, version, random.Random(seed), share)
    tree = etree.fromstring(data)
    assume(xsd(version).validate(tree))
    elements = payments_of(tree)
    payments = read(data).filter(pl.col("amount_minor").is_not_null(), pl.col("debtor_account").is_not_null())
    for _, batch in payments.group_by("batch", "currency", maintain_order=True):
        fit = fitting(batch, target)
        if fit.is_empty():
            continue
        for account in (own(fit), OURS.model_copy(update={"account": "GB33BUKB20201555555555"})):
            written = etree.fromstring(write(fit, account, version=target))
            xsd(f"pain.001.001.{target}").assertValid(written)
            lost = compare([elements[row - 1] for row in fit["row"]], payments_of(written), old=source == "02")
            assert not [leaf for leaf in lost if account == own(fit) or leaf.startswith("payment")]


@given(seed=st.integers(0, 2**32))
def test_columns_alone_write_what_the_elements_would(seed) -> None:
    """Whatever is taken for plain comes out with the very same leaves as the long way."""
    data = document(
        SHARED / "xsd" / "pain.001.001.09.xsd", "pain.001.001.09", random.Random(seed), 0.04, payments=12, plain=True
    )
    payments = fitting(read(data).filter(pl.col("amount_minor").is_not_null()), "09")
    for _, batch in payments.group_by("batch", "currency"):
        carrier = Carrier(credit_grammar("09"))
        batches = Batches(carrier, None, CREDIT).of(batch)
        is_plain = plain(batch, batches, CREDIT)
        event(f"plain: {is_plain.sum()} of {is_plain.len()}")
        some = batch.filter(is_plain)
        if some.is_empty():
            continue
        written = payments_of(etree.fromstring(write(some, OURS.model_copy(update={"currency": some["currency"][0]}))))
        fallbacks = {ordinal: found.debtor or None for ordinal, found in batches.items()}
        for short, long in zip(written, whole(some, batches, carrier, CREDIT, Ours(fallbacks=fallbacks)), strict=True):
            expected = Counter(leaves(etree.fromstring(long.xml)))
            found = Counter(leaves(short))
            assert {leaf for leaf in expected - found if not leaf[0].startswith("UltmtDbtr")} == set()
            assert {leaf for leaf in found - expected if not leaf[0].startswith("UltmtDbtr")} == set()


# ---------------------------------------------------------------------------------------------- the grammar


@pytest.mark.parametrize(
    ("message", "grammar"),
    [
        ("pain.001.001.09", credit_grammar("09")), ("pain.001.001.03", credit_grammar("03")),
        ("pain.008.001.08", debit_grammar("08")), ("pain.008.001.02", debit_grammar("02")),
    ],
)  # fmt: skip
def test_the_grammar_is_that_of_the_schema(message, grammar, xsd) -> None:
    xsd(message)
    types = schema_types(SHARED / "xsd" / f"{message}.xsd")
    met: set[tuple[str, str]] = set()
    alike(grammar, "PmtInf", types, type_of(types, "PmtInf"), met)
    assert len(met) > 50


def alike(grammar: Grammar, kind: str, types: dict[str, etree._Element], name: str, met: set[tuple[str, str]]) -> None:
    if (kind, name) in met:
        return
    met.add((kind, name))
    ours, theirs = grammar.types[kind], types[name]
    assert ours.choice == (theirs.find(f".//{XS}choice") is not None), (kind, name)
    elements = list(theirs.iter(f"{XS}element"))
    if theirs.find(f".//{XS}any") is not None:
        assert list(ours.fields) == ["#any"]
        return
    assert list(ours.fields) == [item.get("name") for item in elements], (kind, name)
    for field, item in zip(ours.fields.values(), elements, strict=True):
        inner, most = str(item.get("type")), item.get("maxOccurs", "1")
        assert field.least == (0 if ours.choice else int(item.get("minOccurs", "1"))), (kind, field.name)
        assert field.most == (None if most == "unbounded" else int(most)), (kind, field.name)
        found = types[inner]
        is_leaf = found.tag == f"{XS}simpleType" or found.find(f"{XS}simpleContent") is not None
        assert field.leaf == is_leaf, (kind, field.name)
        if not is_leaf:
            alike(grammar, field.kind, types, inner, met)
            continue
        longest = found.find(f".//{XS}maxLength")
        codes = [str(code.get("value")) for code in found.iter(f"{XS}enumeration")]
        if codes:
            assert sorted(field.kind[1:-1].split("|")) == sorted(codes), (kind, field.name)
        elif longest is not None:
            assert field.kind == longest.get("value"), (kind, field.name)
        else:
            assert not field.kind.isdigit(), (kind, field.name)
