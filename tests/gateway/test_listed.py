"""Objects of several subjects are found by few queries, and are those that a query each finds."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import event

from gateway.answers.rows import answer_of, answer_rows
from gateway.answers.states import happened
from gateway.books.book import book_of
from gateway.books.heard import feedback_entries, feedback_frames
from gateway.composition import Gateway
from gateway.lake import Lake
from gateway.listed import details, listed
from gateway.registry import tables as t

DATASETS = ("payments", "verdicts", "lapsed", "routes", "cancelled", "findings")


def test_they_are_those_that_a_query_each_finds(bank_day: Gateway) -> None:
    ids = [row["file_id"] for row in bank_day.registry.rows(t.FILES)]
    assert len(ids) > 2
    found = listed(bank_day.lake, ids, *DATASETS)
    for file_id in ids:
        for name in DATASETS:
            assert found.whole(file_id, name).equals(bank_day.lake.whole(file_id, name)), name
        (part,) = found.parts(file_id, "payments", columns=("payment_id",))
        assert part.columns == ["payment_id"]
    assert details(bank_day.lake, [*ids, "none"], "parse") == {
        file_id: bank_day.lake.committed(file_id, "parse") for file_id in ids
    }


def test_what_was_not_asked_for_is_not_taken_for_empty(bank_day: Gateway) -> None:
    (file_id, *_) = [row["file_id"] for row in bank_day.registry.rows(t.FILES)]
    with pytest.raises(KeyError):
        listed(bank_day.lake, [file_id], "payments").whole(file_id, "routes")
    with pytest.raises(KeyError):
        listed(bank_day.lake, [], "payments").whole(file_id, "payments")


def test_more_files_are_not_more_queries(bank_day: Gateway) -> None:
    told: list[str] = []
    event.listen(bank_day.registry.engine, "before_cursor_execute", lambda *sent: told.append(sent[2]))

    def queries_of(read, *arguments) -> int:
        told.clear()
        read(*arguments)
        return len(told)

    files = bank_day.registry.rows(t.FILES)
    assert queries_of(book_of, bank_day, files[:1]) == queries_of(book_of, bank_day, files) > 0
    of_bank = t.FEEDBACK.c.provider_id == "euro_bank"
    feedback = [row["feedback_id"] for row in bank_day.registry.rows(t.FEEDBACK, of_bank)]
    assert len(feedback) > 1
    for reading in ((feedback_entries, bank_day, "euro_bank"), (feedback_frames, bank_day, "euro_bank", "statuses")):
        assert queries_of(*reading, feedback[:1]) == queries_of(*reading, feedback) > 0


def test_an_answer_reads_what_came_back_once(bank_day: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """All feedback and claims of a provider are many times what one of its files holds."""
    read = Counter[str]()
    known = Lake._object

    def counted(lake: Lake, manifest, subject: str) -> bytes:
        read[manifest.key] += 1
        return known(lake, manifest, subject)

    monkeypatch.setattr(Lake, "_object", counted)
    entries = []
    for file in bank_day.registry.rows(t.FILES):
        read.clear()
        states = [states for _, states in happened(bank_day, file["file_id"])]
        came_back = {
            key: times for key, times in read.items() if key.split("/")[1] in {"statuses", "matches", "entries"}
        }
        assert set(came_back.values()) <= {1}, came_back
        returned = any((part["state"] == "returned").any() for part in states)
        entries.append((returned, any("/entries/" in key for key in came_back)))
    assert {(True, True), (False, False)} == set(entries), "entries are read for the reasons of what they return"


def test_declared_totals_are_read_by_who_says_them_once(bank_day: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Counter[str]()
    known = Lake._object

    def counted(lake: Lake, manifest, subject: str) -> bytes:
        read[manifest.key.split("/")[1]] += 1
        return known(lake, manifest, subject)

    file = dict(bank_day.registry.rows(t.FILES, t.FILES.c.client_id == "alder")[0])
    monkeypatch.setattr(Lake, "_object", counted)
    with answer_rows(bank_day, file, "outcome") as rows:
        told = answer_of(bank_day, file, "settled", "S" * 20, rows, None)
        assert read["totals"] == 0
        assert told.declared().equals(told.declared())
        assert not told.declared().is_empty()
        assert read["totals"] == 1
