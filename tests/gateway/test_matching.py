"""Matching through the gateway: undone and made by persons, rehearsed, by two workers at once, and without reading history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, get_ident

import played
import polars as pl
import pytest
from played import TODAY, copy_of, opened
from world import postgres_url

from canonical.errors import BulkrailError, ConfigError, Conflict, NotFound
from gateway.books import reconcile as reconciling
from gateway.books.book import standing_matches
from gateway.books.by_hand import claim_by_hand, unmatch
from gateway.books.open_items import OpenItems, open_items
from gateway.books.position import position
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.composition import Gateway, open_gateway
from gateway.config import read_rules
from gateway.planning.rehearsal import rehearse
from gateway.registry import tables as t

BANK = "euro_bank"


def one_match(gateway: Gateway) -> tuple[str, str]:
    row = standing_matches(gateway, BANK).filter(pl.col("kind") == "settlement").sort("entry_id").row(0, named=True)
    return row["entry_id"], row["payment_id"]


def test_a_match_taken_apart_stays_apart_until_a_person_makes_it_again(salaries_told):
    gateway = salaries_told
    assert reconcile(gateway, BANK).matched == 9
    entry_id, payment_id = one_match(gateway)
    nine = standing_matches(gateway, BANK)["payment_id"].to_list()
    with pytest.raises(Conflict, match="reason"):
        unmatch(gateway, entry_id, "ann", " ")
    assert unmatch(gateway, entry_id, "ann", "paid by another payment") == 9, "one entry books nine payments"
    assert standing_matches(gateway, BANK).is_empty()
    assert reconcile(gateway, BANK).matched == 0
    with pytest.raises(NotFound):
        unmatch(gateway, entry_id, "ann", "again")
    open_now = position(gateway, BANK).states.filter(pl.col("payment_id") == payment_id)["state"].item()
    assert open_now == "outstanding"
    claim_by_hand(gateway, entry_id, nine, "ben", "it was this one after all")
    matches = standing_matches(gateway, BANK)
    assert matches.height == 9
    assert matches["rung"].to_list() == ["by_hand"] * 9
    assert matches["amount_minor"].equals(matches["entry_minor"], check_names=False)
    with pytest.raises(Conflict, match="matched already"):
        claim_by_hand(gateway, entry_id, nine, "ben", "twice")
    told = [(row["actor"], row["action"]) for row in gateway.registry.rows(t.AUDIT) if row["subject"] == entry_id]
    assert told == [("ann", "unmatched"), ("ben", "matched_by_hand")]


def test_the_ledger_takes_back_what_was_taken_apart(salaries_told, clock):
    gateway = salaries_told
    reconcile(gateway, BANK)
    settle(gateway, TODAY.isoformat())
    entry_id, payment_id = one_match(gateway)
    unmatch(gateway, entry_id, "ann", "paid by another payment")
    clock.now += dt.timedelta(days=3)
    later = TODAY + dt.timedelta(days=3)
    settle(gateway, later.isoformat())
    new = gateway.lake.whole(f"close-{BANK}-{later}-1", "postings")
    assert f"reversal:settled:{payment_id}" in new["posting_id"].to_list()


def test_a_claim_by_hand_must_fit(salaries_told):
    gateway = salaries_told
    reconcile(gateway, BANK)
    entry_id, payment_id = one_match(gateway)
    unmatch(gateway, entry_id, "ann", "wrong")
    with pytest.raises(NotFound):
        claim_by_hand(gateway, "nobody", [payment_id], "ben", "x")
    with pytest.raises(NotFound):
        claim_by_hand(gateway, entry_id, ["nobody"], "ben", "x")
    with pytest.raises(Conflict, match="basis points"):
        claim_by_hand(gateway, entry_id, [payment_id], "ben", "one of nine")
    refused = position(gateway, BANK).states.filter(pl.col("state") == "provider_rejected")["payment_id"].to_list()
    assert len(refused) == 1
    with pytest.raises(Conflict, match="basis points"):
        claim_by_hand(gateway, entry_id, refused, "ben", "x")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def two(request, tmp_path, clock, kept_told, monkeypatch) -> Iterator[tuple[Gateway, Gateway]]:
    """Two workers on one registry; neither commits its first run before both have read."""
    if request.param == "postgres":
        one = opened(tmp_path, clock, postgres_url())
        played.salaries_told(one, tmp_path)
    else:
        one = copy_of(kept_told, tmp_path, clock)
    other = open_gateway(one.settings, clock)
    both, whole, waited = Barrier(2, timeout=60), reconciling.open_items, set[int]()

    def read(gateway: Gateway, provider_id: str) -> OpenItems:
        found = whole(gateway, provider_id)
        if get_ident() not in waited:
            waited.add(get_ident())
            both.wait()
        return found

    monkeypatch.setattr(reconciling, "open_items", read)
    yield one, other
    for gateway in (one, other):
        gateway.registry.engine.dispose()


def at_once(*jobs: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def runs_of(gateway: Gateway, provider: str) -> int:
    rows = gateway.registry.rows(t.STAGES, t.STAGES.c.subject == provider, t.STAGES.c.stage.like("reconcile-%"))
    return len(rows)


def test_two_workers_at_once_claim_each_side_once(two):
    one, other = two
    found = at_once(lambda: reconcile(one, BANK).matched, lambda: reconcile(other, BANK).matched)
    assert sorted(found) == [0, 9]
    assert runs_of(one, BANK) == 1, "who came second looked again, and found nothing to claim"
    assert standing_matches(one, BANK)["payment_id"].is_unique().all()


def test_a_run_that_slept_over_a_persons_match_claims_nothing(two, monkeypatch):
    one, other = two
    found = position(other, BANK)
    (entry_id,) = found.matched.matches["entry_id"].unique()
    nine = found.matched.matches["payment_id"].to_list()
    whole = open_items

    def slept(*arguments) -> OpenItems:
        read = whole(*arguments)
        monkeypatch.setattr(reconciling, "open_items", whole)
        claim_by_hand(other, entry_id, nine, "ben", "it is this one")
        return read

    monkeypatch.setattr(reconciling, "open_items", slept)
    assert reconcile(one, BANK).matched == 0
    assert standing_matches(one, BANK)["rung"].to_list() == ["by_hand"] * 9


def rules(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_dry_run_shows_what_would_change_and_changes_nothing(salaries_told, tmp_path):
    gateway = salaries_told
    since = TODAY - dt.timedelta(days=1)
    before = rehearse(gateway, BANK, since)
    assert (before.gained.height, before.lost.height, before.moved.height) == (1, 0, 0)
    reconcile(gateway, BANK)
    same = rehearse(gateway, BANK, since)
    assert (same.gained.height, same.lost.height, same.moved.height) == (0, 0, 0)
    tried = read_rules(rules(tmp_path, "rungs:\n  - rung: end_to_end_id\n    id: by-id\n"))
    other = rehearse(gateway, BANK, since, tried)
    assert other.lost.height == 1
    assert reconcile(gateway, BANK).matched == 0
    assert rehearse(gateway, BANK, TODAY + dt.timedelta(days=1), tried).entries == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rungs:\n  - rung: reference\n  - rung: guess\n", "rules.yaml:3: no rung named 'guess'"),
        ("rungs:\n  - rung: text\n    patterns: ['(']\n", "rules.yaml:3:"),
        ("rungs:\n  - rung: tolerance\n    minor_max: 2\n", "rules.yaml:2:"),
        ("accounts:\n  X:\n    rungs:\n      - rung: nothing\n", "rules.yaml:4: no rung named"),
        ("rung: [", "no YAML"),
    ],
)
def test_faults_of_rules_have_file_and_line(tmp_path, text, fault):
    with pytest.raises(ConfigError) as told:
        read_rules(rules(tmp_path, text))
    assert fault in str(told.value)
    with pytest.raises(BulkrailError):
        read_rules(tmp_path / "nowhere.yaml")


def rows_read(gateway: Gateway, monkeypatch) -> int:
    """Rows of the lake that a run reads."""
    counted = []
    whole = type(gateway.lake)._part

    def part(lake, *arguments):
        frame = whole(lake, *arguments)
        counted.append(frame.height)
        return frame

    monkeypatch.setattr(type(gateway.lake), "_part", part)
    reconcile(gateway, BANK)
    monkeypatch.setattr(type(gateway.lake), "_part", whole)
    return sum(counted)


def test_a_run_reads_what_is_open_and_new_not_history(salaries_told, monkeypatch):
    gateway = salaries_told
    first = rows_read(gateway, monkeypatch)
    assert first > 20, "the first run reads everything"
    assert standing_matches(gateway, BANK).height == 9
    again = rows_read(gateway, monkeypatch)
    left = position(gateway, BANK)
    open_now = left.states.filter(~pl.col("state").is_in(["settled"])).height
    unexplained = left.entries.filter("booked").join(left.matches, on="entry_id", how="anti").height
    assert again <= 3 * (open_now + unexplained), "book, words and entries of what is open"
    assert again < first


def test_open_items_and_everything_match_the_same(salaries_told):
    gateway = salaries_told
    reconcile(gateway, BANK)
    assert position(gateway, BANK).matched.matches.is_empty(), "reading everything finds no more"
    runs = gateway.registry.rows(t.STAGES, t.STAGES.c.subject == BANK, t.STAGES.c.stage.like("reconcile-%"))
    assert len(runs) == 1
    assert "read_sha256" in runs[0]["detail"]
    assert reconcile(gateway, BANK).matched == 0
    after = gateway.registry.rows(t.STAGES, t.STAGES.c.subject == BANK, t.STAGES.c.stage.like("reconcile-%"))
    assert len(after) == 1, "nothing new: no run"
