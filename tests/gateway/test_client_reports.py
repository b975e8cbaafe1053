"""Client reports over the stages: what a client finds of its files of a day, once, and once more when more is known."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import polars as pl
import pytest
from lxml import etree
from played import TODAY, bank, deliver, feedback, intake
from world import BANK_TERMS, agree, upload

from canonical.errors import ConfigError, NotFound
from gateway.composition import Gateway
from gateway.reports.client_reports import client_reports, write_client_report
from sandbox.banks import Bank
from sandbox.day import salaries_pain001, suppliers_nacha

OUTBOX = "clients/alder/outbox"


def reports_in(gateway: Gateway, client_id: str = "alder") -> list[str]:
    found = [item.key.rpartition("/")[2] for item in gateway.store.list(f"clients/{client_id}/outbox")]
    return [name for name in found if name.startswith("report.")]


def camt054(gateway: Gateway) -> list[str]:
    keys = [item.key for item in gateway.store.list(OUTBOX)]
    return [key for key in keys if ".report-" in key and key.endswith(".camt054.xml")]


def table(gateway: Gateway) -> dict[str, object]:
    data = gateway.store.get(f"reports/{TODAY}/client-alder.parquet")
    (row,) = pl.read_parquet(io.BytesIO(data)).to_dicts()
    return row


def test_the_client_finds_its_report_and_a_further_one_when_more_is_known(gateway: Gateway, tmp_path) -> None:
    agree(gateway, "alder", reports=("report-csv", "report-pdf"))
    upload(gateway, "alder", "salaries.xml", salaries_pain001(TODAY))
    intake(gateway)
    deliver(gateway)
    keys = write_client_report(gateway, "alder", TODAY.isoformat())
    assert f"reports/{TODAY}/client-alder.pdf" in keys
    assert (table(gateway)["under_way_minor"], table(gateway)["settled_minor"]) == (3_136_499, 0)
    assert reports_in(gateway) == [f"report.{TODAY}.1.csv", f"report.{TODAY}.1.pdf"]
    write_client_report(gateway, "alder", TODAY.isoformat())
    assert len(reports_in(gateway)) == 2, "nothing new is known: nothing is sent"

    bank = Bank(BANK_TERMS["euro_bank"], tmp_path / "euro", tmp_path / "euro.sqlite")
    bank.tick(gateway.clock())
    bank.close_day(TODAY)
    feedback(gateway)
    assert client_reports(gateway, TODAY.isoformat()) == keys
    row = table(gateway)
    assert (row["under_way_minor"], row["settled_minor"], row["refused_by_bank_minor"]) == (0, 2_783_043, 353_456)
    assert (row["difference_minor"], row["payments_difference"]) == (0, 0)
    assert len(reports_in(gateway)) == 4
    told = gateway.store.get(f"{OUTBOX}/report.{TODAY}.2.csv")
    assert told == gateway.store.get(f"reports/{TODAY}/client-alder.csv")


def test_bookings_of_the_day_as_camt054_each_once(salaries_told: Gateway, tmp_path, clock) -> None:
    gateway = salaries_told
    options = {"version": "camt.054.001.04", "entries": "single"}
    agree(
        gateway, "alder", reports=("camt.054",), answers=({"name": "camt.054", "at": ["returned"], "options": options},)
    )
    write_client_report(gateway, "alder", TODAY.isoformat())
    assert camt054(gateway) == [], "nothing is matched yet"
    feedback(gateway)
    for _ in range(2):
        write_client_report(gateway, "alder", TODAY.isoformat())
    (first,) = camt054(gateway)
    document = etree.fromstring(gateway.store.get(first))
    assert etree.QName(document).namespace == "urn:iso:std:iso:20022:tech:xsd:camt.054.001.04"
    assert len(document.findall(".//{*}Ntry")) == 9
    clock.move(days=3)
    bank(tmp_path, "euro_bank").close_day(TODAY + dt.timedelta(days=3))
    feedback(gateway)
    write_client_report(gateway, "alder", TODAY.isoformat())
    (second,) = [key for key in camt054(gateway) if "report-2" in key]
    entries = etree.fromstring(gateway.store.get(second)).findall(".//{*}Ntry")
    assert [entry.findtext(".//{*}RtrInf//{*}Cd") for entry in entries] == ["AC04"], "only what came back since"


def test_why_a_payment_was_refused_is_told_as_in_the_answer(gateway: Gateway) -> None:
    """Each batch its own fault, and before a warning on the payment itself."""
    head, first, second = salaries_pain001(TODAY).decode().split("<PmtInf>")
    first = first.replace("<Dt>2026-11-20", "<Dt>2026-11-31").replace("Ada Lindqvist", "Ada Lindqvist ©")
    bad = "<PmtInf>".join([head, first, second.replace("<Dt>2026-11-20", "<Dt>2026-13-01")])
    upload(gateway, "alder", "salaries.xml", bad.encode())
    intake(gateway)
    client_reports(gateway, TODAY.isoformat())
    book = openpyxl.load_workbook(io.BytesIO(gateway.store.get(f"reports/{TODAY}/client-alder.xlsx")))
    told = [" ".join(str(cell) for cell in row) for row in book["Not settled"].values]
    rows = {number: next(line for line in told if f" SAL-11-{number} " in line) for number in ("1001", "2001")}
    assert {number: [day in row for day in ("2026-11-31", "2026-13-01")] for number, row in rows.items()} == {
        "1001": [True, False], "2001": [False, True],
    }  # fmt: skip
    assert rows["1001"].index("With its batch (line") < rows["1001"].index("Warning: ")


def test_a_client_without_agreed_formats_gets_none(gateway: Gateway) -> None:
    upload(gateway, "birch", "suppliers.ach", suppliers_nacha(TODAY))
    intake(gateway)
    assert client_reports(gateway, TODAY.isoformat())
    assert reports_in(gateway, "birch") == []
    assert client_reports(gateway, "2026-11-19") == []


def test_what_is_no_day_or_no_client_is_refused(gateway: Gateway) -> None:
    with pytest.raises(ConfigError, match="not a day"):
        client_reports(gateway, "today")
    with pytest.raises(NotFound):
        write_client_report(gateway, "nobody", TODAY.isoformat())
