"""What a feedback file is told to: it reads the files that it names, and no payment that was settled long ago."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from played import TODAY, bank, deliver, small
from world import NOON, Clock, intake, upload

from canonical.frames import STATUSES, conform
from gateway.books.book import attributed, provider_book
from gateway.composition import Gateway
from gateway.feedback.follow import follow
from gateway.feedback.spoken import spoken_of
from gateway.registry import tables as t
from sandbox.day import invoices_csv

BANK = "euro_bank"


@pytest.fixture
def here(tmp_path: Path, clock: Clock, kept_paid: Path):
    """Salaries are paid and told of; invoices are paid, and the bank's word on them is not fetched yet."""
    shutil.copytree(kept_paid, tmp_path, dirs_exist_ok=True)
    with small(tmp_path, clock) as found:
        follow(found, BANK)
        upload(found, "cedar", "invoices.csv", invoices_csv(TODAY))
        intake(found)
        deliver(found)
        bank(tmp_path, BANK).tick(NOON)
        yield found


def files_read(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Grows with the ids of client files of which an object of the lake is read."""
    read: set[str] = set()
    whole = gateway.store.get

    def noting(key: str) -> bytes:
        place = key.split("/")
        if place[0] == "lake" and place[1] in ("payments", "verdicts", "routes"):
            read.add(place[2])
        return whole(key)

    monkeypatch.setattr(type(gateway.store), "get", lambda _, key: noting(key))
    return read


def test_feedback_reads_the_files_that_it_names_and_no_others(here: Gateway, monkeypatch) -> None:
    salaries, invoices = (
        here.registry.rows(t.FILES, t.FILES.c.client_id == client)[0]["file_id"] for client in ("alder", "cedar")
    )
    read = files_read(here, monkeypatch)
    found = follow(here, BANK)
    assert {file for one in found for file in one.files} == {invoices}
    assert read == {invoices}
    named = here.lake.whole(salaries, "routes").head(1).select("payment_id", "reference")
    row = {"position": [1], "kind": ["return"], "level": ["payment"], "status": ["RJCT"]}
    by_id = conform(pl.DataFrame({**row, "original_instruction_id": named["payment_id"].to_list()}), STATUSES)
    read.clear()
    assert spoken_of(here, BANK, by_id).payments["payment_id"].to_list() == named["payment_id"].to_list()
    assert read == {salaries}
    unnamed = conform(pl.DataFrame({**row, "original_end_to_end_id": ["NOBODY"]}), STATUSES)
    spoken = spoken_of(here, BANK, unnamed)
    assert (spoken.payments.height, spoken.whole) == (0, False)
    assert read == {salaries, invoices}, "what names nothing may mean anybody"


def test_of_every_feedback_file_the_same_is_told_as_by_the_whole_book(here: Gateway) -> None:
    follow(here, BANK)
    book = provider_book(here, BANK)
    told = [here.lake.whole(row["feedback_id"], "statuses") for row in here.registry.rows(t.FEEDBACK)]
    assert len(told) > 1
    for statuses in told:
        whole = attributed(here, statuses, book).attributed.join(book, on="payment_id")
        spoken = spoken_of(here, BANK, statuses).payments.sort("payment_id")
        assert spoken.equals(whole.select(spoken.columns).sort("payment_id"))
