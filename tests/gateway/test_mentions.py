"""Who asks for a file reads the feedback and the claims that speak of it, and what nobody could place; not all that a provider ever told."""

from __future__ import annotations

import polars as pl
import pytest
from played import TODAY, bank, deliver, feedback, small
from sqlalchemy import true
from world import NOON, intake, upload

import gateway.books.heard
import gateway.lake
from canonical.frames import STATUSES, conform
from gateway.books.book import book_of, known_of, states_of
from gateway.composition import Gateway
from gateway.feedback.follow import apply
from gateway.registry import tables as t
from gateway.registry.engine import insert_new
from sandbox.day import invoices_csv, salaries_pain001

BANK = "euro_bank"


def files_of(gateway: Gateway) -> dict[str, str]:
    """Client → its file."""
    return {row["client_id"]: row["file_id"] for row in gateway.registry.rows(t.FILES)}


@pytest.fixture
def two_told(tmp_path, clock):
    """Salaries and invoices, each paid by the bank and told of in feedback of its own, and booked in one statement a day."""
    with small(tmp_path, clock) as found:
        for client, name, data in (
            ("alder", "a.xml", salaries_pain001(TODAY)),
            ("cedar", "invoices.csv", invoices_csv(TODAY)),
        ):
            upload(found, client, name, data)
            intake(found)
            deliver(found)
            bank(tmp_path, BANK).tick(NOON)
            feedback(found)
        bank(tmp_path, BANK).close_day(TODAY)
        feedback(found)
        yield found


def objects_read(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Grows with dataset and subject of the objects of statuses and matches that are read."""
    read: set[tuple[str, str]] = set()
    whole = gateway.store.get

    def noting(key: str) -> bytes:
        place = key.split("/")
        if place[0] == "lake" and place[1] in ("statuses", "matches"):
            read.add((place[1], place[2]))
        return whole(key)

    monkeypatch.setattr(type(gateway.store), "get", lambda _, key: noting(key))
    return read


def test_of_a_file_that_is_read_which_speaks_of_it(two_told: Gateway, monkeypatch) -> None:
    subjects = {row["subject"] for row in two_told.registry.rows(t.MANIFESTS, t.MANIFESTS.c.dataset == "statuses")}
    read, seen = objects_read(two_told, monkeypatch), {}
    for client, file_id in files_of(two_told).items():
        read.clear()
        assert "settled" in set(states_of(two_told, [file_id])["state"])
        seen[client] = {subject for dataset, subject in read if dataset == "statuses"}
    assert seen["alder"], "its bank told of it"
    assert seen["cedar"], "its bank told of it"
    assert seen["alder"].isdisjoint(seen["cedar"])
    assert seen["alder"] | seen["cedar"] == subjects


def test_what_nobody_could_place_is_read_for_every_file(two_told: Gateway, monkeypatch) -> None:
    row = {"position": [1], "kind": ["return"], "level": ["payment"], "status": ["RJCT"]}
    unknown = conform(pl.DataFrame({**row, "original_end_to_end_id": ["NOBODY"]}), STATUSES)
    known = two_told.registry.rows(t.FEEDBACK)[0]
    with two_told.registry.transaction() as connection:
        insert_new(connection, t.FEEDBACK, **{**known, "feedback_id": "B" + "0" * 19, "state": "archived"})
    draft = two_told.lake.draft("B" + "0" * 19, "follow")
    draft.write("statuses", unknown)
    draft.commit({"unreadable": False, "note": "", "version": ""})
    assert apply(two_told, "B" + "0" * 19).files == ()
    read = objects_read(two_told, monkeypatch)
    for file_id in files_of(two_told).values():
        read.clear()
        states_of(two_told, [file_id])
        assert ("statuses", "B" + "0" * 19) in read


def test_the_same_is_known_as_by_all_that_was_ever_told(bank_day: Gateway, monkeypatch) -> None:
    def known() -> list[pl.DataFrame]:
        found = []
        for file_id in sorted(files_of(bank_day).values()):
            book = book_of(bank_day, bank_day.registry.rows(t.FILES, t.FILES.c.file_id == file_id))
            told = known_of(bank_day, book)
            found += [told.words.drop("sequence"), told.matches, told.undone]
        return found

    narrow = known()
    assert sum(frame.height for frame in narrow) > 0
    for module in (gateway.books.heard, gateway.lake):
        monkeypatch.setattr(module, "may_speak_of", lambda *_: true())
    for here, everywhere in zip(narrow, known(), strict=True):
        assert here.equals(everywhere)


def test_of_stages_from_before_mentions_were_kept_all_is_read(two_told: Gateway, monkeypatch) -> None:
    (file_id, *_) = files_of(two_told).values()
    before = states_of(two_told, [file_id])
    with two_told.registry.transaction() as connection:
        connection.execute(t.MENTIONS.delete())
        connection.execute(t.STAGES.update().values(mentions=None))
    read = objects_read(two_told, monkeypatch)
    assert states_of(two_told, [file_id]).equals(before)
    assert len([subject for dataset, subject in read if dataset == "statuses"]) > 1
