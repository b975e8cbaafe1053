"""camt.054 for clients: valid in every version, sums against the bookings, read back by our own reader, nothing to tell no byte."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from answer_samples import ANSWER
from lxml import etree

from canonical.contracts import Source
from canonical.frames import BOOKINGS, conform, empty
from canonical.plugins import lookup
from exporters.camt054 import EXPORT, Options

GOLDEN = Path(__file__).parent / "golden" / "camt.054"
VERSIONS = ("camt.054.001.02", "camt.054.001.04", "camt.054.001.08")
IBAN, OTHER = "DE89370400440532013000", "FR1420041010050500013M02606"


def booking(row: int, **given: object) -> dict[str, object]:
    return {
        "row": row, "batch": 1, "batch_id": "B-1", "batch_booking": False, "instruction_id": f"I-{row}",
        "end_to_end_id": f"E-{row}", "uetr": None, "credit_debit": "CRDT", "mandate_id": None,
        "remittance": f"Invoice <{row}> & more\nsecond line", "remittance_reference": None, "ordering_name": "Client & Co",
        "ordering_account": IBAN, "ordering_agent": "COBADEFFXXX", "counterparty_name": f"Payee {row}",
        "counterparty_account": OTHER, "counterparty_agent": "PSSTFRPPXXX", "kind": "settlement",
        "amount_minor": row * 1000, "currency": "EUR", "booking_date": dt.date(2026, 11, 20),
        "value_date": dt.date(2026, 11, 20), "servicer_reference": f"BANK-{row}", "reason": None, "reason_text": None, **given,
    }  # fmt: skip


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), BOOKINGS)


BOOKED = frame(
    booking(1), booking(2, batch=2, batch_id="B-2", batch_booking=True, uetr="8a562c67-ca16-48ba-b074-65581be6f005"),
    booking(3, batch=2, batch_id="B-2", batch_booking=True, remittance=None, remittance_reference="RF18539007547034"),
    booking(4, kind="return", reason="AC04", reason_text="Account closed. " * 12),
    booking(5, kind="return", reason="R01 and more", credit_debit="DBIT", mandate_id="M-5", amount_minor=777),
    booking(6, credit_debit="DBIT", currency="USD", ordering_account="000123456", counterparty_account=None,
            counterparty_agent="091000776", end_to_end_id=None, value_date=None, servicer_reference="x" * 50),
    booking(7, ordering_account=None, ordering_name=None, counterparty_name=None, ordering_agent=None, currency="JPY"),
)  # fmt: skip


def written(bookings: pl.DataFrame = BOOKED, **options: object) -> bytes:
    out = io.BytesIO()
    EXPORT.with_options(Options(**options)).write(replace(ANSWER, milestone="settled", bookings=lambda: bookings), out)
    return out.getvalue()


def test_the_golden_file():
    assert written() == (GOLDEN / "notification.xml").read_bytes()
    assert written(BOOKED.sample(fraction=1, shuffle=True, seed=1).sort("row")) == written()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("entries", ["as_asked", "batch", "single"])
@pytest.mark.parametrize("details", [True, False])
def test_every_version_is_valid_and_sums(xsd, version, entries, details):
    tree = etree.fromstring(written(version=version, entries=entries, details=details))
    xsd(version).assertValid(tree)
    notices = list(tree.iter("{*}Ntfctn"))
    assert len(notices) == 3
    for notice in notices:
        for name, moved in (("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
            own = [item for item in notice.iter("{*}Ntry") if item.findtext("{*}CdtDbtInd") == moved]
            total = notice.find(f"{{*}}TxsSummry/{{*}}{name}")
            assert int(total.findtext("{*}NbOfNtries")) == len(own)
            assert cents(total.findtext("{*}Sum")) == sum(cents(item.findtext("{*}Amt")) for item in own)
    entries_of = {"as_asked": 6, "batch": 6, "single": 7}
    assert len(list(tree.iter("{*}Ntry"))) == entries_of[entries]


def cents(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or "0")


@pytest.mark.parametrize("version", VERSIONS)
def test_our_own_reader_reads_it_back(version):
    found = lookup("parsers", "FORMAT", "camt.054")
    said = found.read(Source("f", "n.xml", written(version=version, entries="single")), found.options())
    assert said.findings.filter(pl.col("severity") != "warning").is_empty()
    told = said.entries.sort("end_to_end_id", "amount_minor", nulls_last=True)
    assert told["amount_minor"].sum() == BOOKED["amount_minor"].sum()
    rows = dict(told.select("end_to_end_id", "credit_debit").drop_nulls().iter_rows())
    assert rows == {"E-1": "DBIT", "E-2": "DBIT", "E-3": "DBIT", "E-4": "CRDT", "E-5": "DBIT", "E-7": "DBIT"}
    back = told.filter(pl.col("end_to_end_id") == "E-4").row(0, named=True)
    assert (back["return_reason"], back["booked"], back["origin"]) == ("AC04", False, "notification")


def test_a_batch_is_one_entry_with_its_payments():
    tree = etree.fromstring(written())
    (batch,) = [item for item in tree.iter("{*}Ntry") if item.find("{*}NtryDtls/{*}Btch") is not None]
    assert (batch.findtext("{*}Amt"), batch.findtext(".//{*}NbOfTxs"), len(list(batch.iter("{*}TxDtls")))) == (
        "50.00",
        "2",
        2,
    )
    short = etree.fromstring(written(details=False))
    assert len(list(short.iter("{*}TxDtls"))) == len(list(tree.iter("{*}TxDtls"))) - 2


def test_nothing_booked_is_nothing_written():
    assert written(empty(BOOKINGS)) == b""
    out = io.BytesIO()
    EXPORT.write(replace(ANSWER, duplicate_of="first.xml", bookings=lambda: BOOKED), out)
    assert out.getvalue() == b""


def test_texts_that_xml_cannot_hold_are_told_all_the_same(xsd):
    odd = frame(
        booking(1, end_to_end_id="\x01 A\ufffe", counterparty_name="N\x02" * 100, remittance="\x03\r\n\nB" + "y" * 400)
    )
    xsd("camt.054.001.08").assertValid(etree.fromstring(written(odd)))


def test_a_million_bookings_would_be_written_in_slices():
    many = pl.concat([frame(booking(1))] * 60_000).with_columns(row=pl.int_range(1, 60_001, dtype=pl.Int64))
    assert written(many, entries="single").count(b"<Ntry>") == 60_000
    assert written(many, entries="batch").count(b"<Ntry>") == 1
