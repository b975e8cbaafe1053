"""pain.008 to banks: a golden file, XSD, what is read back, and what a client's own file carries through."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from iso_instances import document
from lxml import etree
from property_examples import examples
from provider_samples import EXECUTION, broken_is_seen, order_for, rows, written
from test_iso_passthrough import SHARED, leaves, valid

from canonical.contracts import Order, Source
from canonical.errors import FrameBroken
from canonical.profiles import Account
from exporters._iso_batches import Batches
from exporters._iso_carrier import Carrier
from exporters._iso_grammar_debit import debit_grammar
from exporters._iso_plain import plain
from exporters._iso_versions import DEBIT
from exporters._iso_whole import Ours, whole
from exporters.pain008 import EXPORT, Options
from parsers.pain008 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "pain008_export"
OURS = Account(account="DE75512108001245126199", currency="EUR", name="Gateway Collections", agent="SOGEDEFFXXX")
COLLECTION: dict[str, Any] = {
    "credit_debit": "DBIT", "amount_minor": 1250, "currency": "EUR", "debtor_name": "Anna Müller",
    "debtor_account": "FR1420041010050500013M02606", "debtor_agent": "BNPAFRPP", "creditor_name": "Northwind Handel",
    "creditor_account": "DE75512108001245126199", "end_to_end_id": "E-1", "mandate_id": "M-1", "sequence_type": "RCUR",
    "mandate_date_text": "2024-02-29", "service_level": "SEPA", "local_instrument": "CORE", "charge_bearer": "SLEV",
    "creditor_scheme_id": "DE98ZZZ09999999999",
}  # fmt: skip
SAME = (
    "end_to_end_id", "uetr", "amount_minor", "currency", "service_level", "local_instrument", "category_purpose", "purpose",
    "charge_bearer", "sequence_type", "debtor_name", "debtor_id", "debtor_lei", "debtor_account", "debtor_account_type", "debtor_agent",
    "debtor_street", "debtor_building", "debtor_post_code", "debtor_town", "debtor_country", "debtor_address_lines",
    "ultimate_debtor_name", "ultimate_creditor_name", "mandate_id", "mandate_date", "mandate_amended", "creditor_scheme_id",
    "remittance", "remittance_reference", "remittance_reference_type",
)  # fmt: skip


def order(account: Account = OURS, **options: Any) -> Order:
    return order_for(EXPORT, account, options, initiating_party="Gateway")


def collections(*given_rows: dict[str, Any]) -> pl.DataFrame:
    frame = rows(*given_rows)
    return frame.with_columns(pl.col("mandate_date_text").str.to_date(strict=False).alias("mandate_date"))


def read(data: bytes, *, encoding: str = "utf-8") -> pl.DataFrame:
    """PAYMENTS of a file with the client's own bytes, as the gateway gives them to the export."""
    found, version = [], ""
    for window in FORMAT.windows(Source("f" * 20, "in.xml", data), FORMAT.options()):
        version = window.header.version if window.header else version
        found.append(window.payments)
    payments = pl.concat(found)

    def cut(start: str, size: str) -> pl.Series:
        return pl.Series(
            [data[at : at + length] for at, length in payments.select(start, size).iter_rows()], dtype=pl.Binary
        )

    return payments.with_columns(
        original=cut("offset", "length"), original_batch=cut("batch_offset", "batch_length"), original_version=pl.lit(version),
        original_encoding=pl.lit(encoding), reference=pl.col("payment_id"),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), execution_date=pl.lit(EXECUTION),
    )  # fmt: skip


def golden_payments() -> pl.DataFrame:
    return collections(
        COLLECTION,
        {**COLLECTION, "end_to_end_id": None, "sequence_type": "FRST", "debtor_agent": None, "amount_minor": 5, "mandate_id": "M & 2"},
        {**COLLECTION, "debtor_town": "Lyon", "debtor_country": "FR", "debtor_street": "Rue <1>", "remittance": "Abo\nNovember",
         "ultimate_debtor_name": "Kind", "ultimate_creditor_name": "Verlag", "uetr": "8a562c67-ca16-48ba-b074-65581be6f001"},
        {**COLLECTION, "creditor_name": "Gateway Collections", "mandate_amended": False, "remittance_reference": "RF18539007547034"},
    )  # fmt: skip


@pytest.mark.parametrize("version", ["08", "02"])
@pytest.mark.parametrize("kind", ["batch", "payment"])
def test_golden(version: str, kind: str, xsd) -> None:
    frame = golden_payments()
    if version == "02":
        frame = frame.with_columns(uetr=pl.lit(None, dtype=pl.String))
    data, summary = written(EXPORT, order(version=version, payment_type_in=kind), frame)
    assert data == (GOLDEN / f"{kind}_{version}.xml").read_bytes()
    assert (summary.payments, summary.sums_minor) == (4, {"EUR": 3755})
    xsd(f"pain.008.001.{version}").assertValid(etree.fromstring(data))
    back = read(data)
    assert back.height == 4
    # Batches stand in the order of their first payment.
    assert sorted(back["mandate_id"]) == ["M & 2", "M-1", "M-1", "M-1"]
    assert set(back["creditor_scheme_id"]) == {"DE98ZZZ09999999999"}
    assert set(back["requested_execution_date"]) == {EXECUTION}
    assert set(back["ultimate_creditor_name"]) == {"Northwind Handel", "Verlag", None}


def test_each_sequence_type_has_a_batch_of_its_own() -> None:
    data, _ = written(EXPORT, order(), golden_payments(), 1)
    tree = etree.fromstring(data)
    told = [
        ("".join(batch.xpath("*[local-name()='PmtInfId']/text()")), batch.xpath("string(.//*[local-name()='SeqTp'])"),
         batch.xpath("string(*[local-name()='NbOfTxs'])"), batch.xpath("string(*[local-name()='CtrlSum'])"))
        for batch in tree.xpath("//*[local-name()='PmtInf']")
    ]  # fmt: skip
    assert told == [("S0123456789abcdef012-1", "RCUR", "3", "37.50"), ("S0123456789abcdef012-2", "FRST", "1", "0.05")]
    assert data == written(EXPORT, order(), golden_payments())[0]


UNFIT = {
    "debtor_name": {"debtor_name": None},
    "debtor_account": {"debtor_account": None},
    "mandate_id": {"mandate_id": "x" * 36},
    "sequence_type": {"sequence_type": "WEEK"},
    "debtor_town": {"debtor_town": "x" * 36},
    "debtor_country": {"debtor_country": "de"},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named_by_its_own_column(field: str) -> None:
    frame = collections(COLLECTION, {**COLLECTION, **UNFIT[field]})
    found = EXPORT.unfit(frame, Options())
    assert found.select("row", "field").rows() == [(2, field)]
    assert "creditor" not in found["message"][0]
    with pytest.raises(FrameBroken, match=field):
        written(EXPORT, order(), frame)


def test_a_credit_transfer_is_refused() -> None:
    with pytest.raises(FrameBroken, match="no direct debit"):
        written(EXPORT, order(), collections({**COLLECTION, "credit_debit": "CRDT"}))


def test_the_profile_gives_a_creditor_identifier_to_those_that_have_none(xsd) -> None:
    frame = collections(
        {**COLLECTION, "creditor_scheme_id": None}, {**COLLECTION, "creditor_scheme_id": "FR72ZZZ123456"}
    )
    data, _ = written(EXPORT, order(creditor_scheme_id="DE98ZZZ09999999999"), frame)
    xsd("pain.008.001.08").assertValid(etree.fromstring(data))
    assert read(data)["creditor_scheme_id"].to_list() == ["DE98ZZZ09999999999", "FR72ZZZ123456"]


def test_a_changed_file_is_seen() -> None:
    data, summary = written(EXPORT, order(), golden_payments())
    first = data[data.index(b"<DrctDbtTxInf>") : data.index(b"</DrctDbtTxInf>") + 15]
    broken_is_seen(
        EXPORT, order(), data, summary,
        data.replace(first, b"", 1), data.replace(first, first * 2, 1), data.replace(b">0.05<", b">0.06<", 1), data[:-20],
        data.replace(b"<NbOfTxs>3<", b"<NbOfTxs>2<"), data.replace(b"FR142004", b"FR142005", 1), data.replace(b"pain.008.001.08", b"pain.008.001.02"),
        data.replace(b"<CtrlSum>37.50<", b"<CtrlSum>37.51<"),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- any payment from columns

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=34,
)
ANY = st.fixed_dictionaries({
    "amount_minor": st.integers(0, 10**12), "debtor_name": TEXT, "end_to_end_id": st.none() | TEXT, "mandate_id": st.none() | TEXT,
    "debtor_agent": st.sampled_from([None, "BNPAFRPP", "12345678"]), "debtor_account": st.sampled_from(["FR1420041010050500013M02606", "12 & 3"]),
    "sequence_type": st.sampled_from([None, "FRST", "RCUR"]), "remittance": st.none() | TEXT, "remittance_reference": st.none() | TEXT,
    "debtor_street": st.none() | TEXT, "debtor_address_lines": st.none() | TEXT, "ultimate_debtor_name": st.none() | TEXT,
    "local_instrument": st.sampled_from([None, "CORE", "B2B", "OTHER THING"]), "mandate_date_text": st.sampled_from([None, "2024-02-29"]),
    "debtor_id": st.none() | TEXT, "charge_bearer": st.sampled_from([None, "SLEV"]), "creditor_scheme_id": st.sampled_from([None, "DE98ZZZ09999999999"]),
})  # fmt: skip


@given(
    given_rows=st.lists(ANY, min_size=1, max_size=6), version=st.sampled_from(["08", "02"]),
    kind=st.sampled_from(["batch", "payment"]), cut=st.integers(1, 4),
)  # fmt: skip
def test_any_payment_is_written_validly_and_read_back(given_rows, version, kind, cut, xsd) -> None:
    frame = collections(*({**COLLECTION, "creditor_name": None, **row} for row in given_rows))
    assert EXPORT.unfit(frame, Options(version=version)).is_empty()
    data, _ = written(EXPORT, order(version=version, payment_type_in=kind), frame, cut)
    assert xsd(f"pain.008.001.{version}").validate(etree.fromstring(data))
    back = read(data).sort("instruction_id")
    wanted = frame.with_columns(
        pl.col("end_to_end_id").fill_null("NOTPROVIDED"), pl.col("debtor_account").str.replace_all(" ", ""),
        pl.when((pl.col("debtor_agent") != "12345678") | ~pl.col("debtor_account").str.starts_with("FR")).then("debtor_agent").alias("debtor_agent"),
        remittance_reference_type=pl.when(pl.col("remittance_reference").is_not_null()).then(pl.lit("SCOR")),
    )  # fmt: skip
    for column in SAME:
        assert back[column].to_list() == wanted[column].to_list(), column


# ---------------------------------------------------------------------------------------------- a client's own file


def payments_of(tree: etree._Element) -> list[etree._Element]:
    return [item for item in tree.iter(etree.Element) if etree.QName(item).localname == "DrctDbtTxInf"]


OWNED = {"PmtId/InstrId", "InstdAmt", "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "ReqdColltnDt", "CdtrAcct/Id/IBAN",
         "CdtrAcct/Id/Othr/Id", "CdtrAcct/Ccy"}  # fmt: skip


def within(payment: etree._Element) -> Counter[tuple[str, str, str]]:
    """Leaves that are the client's."""
    return Counter(leaf for leaf in leaves(payment) if leaf[0] not in OWNED)


def around(payment: etree._Element) -> Counter[tuple[str, str, str]]:
    """Those of its batch, by the path that they have in a payment."""
    batch = payment.getparent()
    assert batch is not None
    holder = etree.Element("holder")
    for child in batch.iterchildren(etree.Element):
        if etree.QName(child).localname != "DrctDbtTxInf":
            holder.append(etree.fromstring(etree.tostring(child, with_tail=False)))
    return Counter(
        (path.replace("CdtrSchmeId", "DrctDbtTx/CdtrSchmeId", 1) if path.startswith("CdtrSchmeId") else path, text, currency)
        for path, text, currency in leaves(holder) if path not in OWNED
    )  # fmt: skip


def lost(source: list[etree._Element], target: list[etree._Element], *, account_is_theirs: bool) -> list[str]:
    """What of each source payment, or of its batch, stands neither in the written payment nor in its batch."""
    assert len(source) == len(target) > 0
    found = []
    for number, (before, after) in enumerate(zip(source, target, strict=True), 1):
        there = within(after) + around(after)
        found += [f"payment {number}: {leaf}" for leaf in within(before) - there]
        if not account_is_theirs:
            continue
        firsts = set(own_elements(before))
        as_creditor = Counter(
            {
                (p.replace("UltmtCdtr", "Cdtr", 1), t, c): n
                for (p, t, c), n in there.items()
                if p.startswith("UltmtCdtr")
            }
        )
        said = [
            leaf
            for leaf in around(before) - (there + as_creditor)
            if not any(f"{leaf[0]}/".startswith(f"{first}/") for first in firsts)
        ]
        found += [f"batch of {number}: {leaf}" for leaf in said]
    return found


def own_elements(payment: etree._Element) -> Iterator[str]:
    """Paths of what the payment says itself, whatever its batch says: also by an element that holds nothing."""
    for child in payment.iterchildren(etree.Element):
        name = etree.QName(child).localname
        inside = [etree.QName(item).localname for item in child.iterchildren(etree.Element)]
        yield from ([f"{name}/{item}" for item in inside] if name in {"PmtTpInf", "DrctDbtTx"} else [name])


def own(payments: pl.DataFrame) -> Account:
    row = payments.row(0, named=True)
    return Account(
        account=row["creditor_account"] or OURS.account, currency=row["currency"], name=row["creditor_name"] or OURS.name,
        agent=row["creditor_agent"] or "",
    )  # fmt: skip


def by_position(payments: pl.DataFrame, tree: etree._Element) -> list[etree._Element]:
    """The written payments in the order of the frame: batches may have parted them."""
    found = {item.xpath("string(.//*[local-name()='InstrId'])"): item for item in payments_of(tree)}
    return [found[reference] for reference in payments["reference"]]


def test_every_corpus_file_comes_out_whole(corpus, xsd) -> None:
    compared = 0
    for file in corpus("pain.008"):
        data = file.path.read_bytes()
        if not valid(data):
            continue
        payments = read(data)
        source = payments_of(etree.fromstring(data))
        for (_, _), batch in payments.group_by("batch", "currency", maintain_order=True):
            assert EXPORT.unfit(batch, Options()).is_empty(), (
                file.key,
                EXPORT.unfit(batch, Options())["message"].to_list(),
            )
            for kind in ("batch", "payment"):
                result, _ = written(EXPORT, order(own(batch), payment_type_in=kind), batch)
                tree = etree.fromstring(result)
                xsd("pain.008.001.08").assertValid(tree)
                after = by_position(batch, tree)
                assert lost([source[row - 1] for row in batch["row"]], after, account_is_theirs=True) == [], (
                    file.key,
                    kind,
                )
                again = read(result)
                for column in SAME:
                    assert Counter(again[column]) == Counter(batch[column]), (file.key, column)
            compared += batch.height
    assert compared >= 15


@pytest.mark.parametrize("target", ["08", "02"])
@pytest.mark.parametrize("source", [f"{number:02d}" for number in range(2, 12)])
@given(
    seed=st.integers(0, 2**32), share=st.sampled_from([0.02, 0.1, 0.3, 0.8]), kind=st.sampled_from(["batch", "payment"])
)
@settings(max_examples=examples(4))
def test_any_payment_of_any_version_is_carried_or_told(source, target, seed, share, kind, xsd) -> None:
    version = f"pain.008.001.{source}"
    data = document(
        SHARED / "xsd" / f"{version}.xsd",
        version,
        random.Random(seed),
        share,
        payment="DrctDbtTxInf",
        root="CstmrDrctDbtInitn",
    )
    tree = etree.fromstring(data)
    assume(xsd(version).validate(tree))
    elements = payments_of(tree)
    payments = read(data).filter(pl.col("amount_minor").is_not_null(), pl.col("creditor_account").is_not_null())
    options = {"version": target, "payment_type_in": kind}
    for _, batch in payments.group_by("batch", "currency", maintain_order=True):
        unfit = EXPORT.unfit(batch, Options.model_validate(options))["row"].unique()
        fit = batch.filter(~pl.col("row").is_in(unfit.implode()))
        if fit.is_empty():
            continue
        for account in (
            own(fit),
            OURS.model_copy(update={"account": "GB33BUKB20201555555555", "currency": fit["currency"][0]}),
        ):
            result = etree.fromstring(written(EXPORT, order(account, **options), fit)[0])
            xsd(f"pain.008.001.{target}").assertValid(result)
            before = [elements[row - 1] for row in fit["row"]]
            assert lost(before, by_position(fit, result), account_is_theirs=account == own(fit)) == []


@given(seed=st.integers(0, 2**32))
@settings(max_examples=examples(20))
def test_columns_alone_write_what_the_elements_would(seed) -> None:
    """Whatever is taken for plain comes out with the very same leaves as the long way."""
    path = SHARED / "xsd" / "pain.008.001.08.xsd"
    if not path.exists():
        pytest.skip("the ISO 20022 schemas are not beside this project")
    data = document(
        path,
        "pain.008.001.08",
        random.Random(seed),
        0.04,
        payments=12,
        plain=True,
        payment="DrctDbtTxInf",
        root="CstmrDrctDbtInitn",
    )
    payments = read(data).filter(pl.col("amount_minor").is_not_null())
    unfit = EXPORT.unfit(payments, Options())["row"].unique()
    payments = payments.filter(~pl.col("row").is_in(unfit.implode()))
    for _, batch in payments.group_by("batch", "currency"):
        carrier = Carrier(debit_grammar("08"))
        turned = DEBIT.turned(batch)
        batches = Batches(carrier, None, DEBIT).of(turned)
        is_plain = plain(turned, batches, DEBIT)
        some = batch.filter(is_plain)
        if some.is_empty():
            continue
        account = OURS.model_copy(update={"currency": some["currency"][0]})
        result = payments_of(etree.fromstring(written(EXPORT, order(account, payment_type_in="payment"), some)[0]))
        fallbacks = {ordinal: found.debtor or None for ordinal, found in batches.items()}
        for short, long in zip(
            result, whole(turned.filter(is_plain), batches, carrier, DEBIT, Ours(fallbacks=fallbacks)), strict=True
        ):
            expected, found = Counter(leaves(etree.fromstring(long.xml))), Counter(leaves(short))
            differ = {leaf for leaf in (expected - found) + (found - expected) if not leaf[0].startswith("UltmtCdtr")}
            assert differ == set()


def test_bytes_of_another_payment_are_refused() -> None:
    data, _ = written(EXPORT, order(), collections({**COLLECTION, "ultimate_debtor_name": "x"}))
    payments = read(data.replace(b"<UltmtDbtr>", b"<UltmtDbtr><!-- not plain -->"))
    for column, value in (("debtor_account", "DE75512108001245126199"), ("amount_minor", 101), ("debtor_name", "Eve")):
        changed = payments.with_columns(pl.lit(value, dtype=payments.schema[column]).alias(column))
        with pytest.raises(FrameBroken, match=column):
            EXPORT.write(order(), iter([changed]), io.BytesIO())
