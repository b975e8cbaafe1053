"""The close of a day as a state: prepared by one, reviewed by another, opened again for a reason; the ledger follows it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from break_world import bank_statement, entry_line
from played import bank, salaries_paid, small
from typer.testing import CliRunner
from world import Clock, agree, postgres_url

from canonical.errors import ConfigError, Conflict, FrameBroken, NotFound, NotTied
from canonical.profiles import Prices
from gateway.books import by_payment, close_run
from gateway.books import closes as closing
from gateway.books import settle as settling
from gateway.books import sign_off as signing
from gateway.books.by_hand import claim_by_hand, unmatch
from gateway.books.closes import state_of
from gateway.books.journals import close_subject, disagreements, held, runs
from gateway.books.opening import OPENING, closed_with
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle, show
from gateway.books.sign_off import reopen, review
from gateway.cli.app import app
from gateway.composition import Gateway
from gateway.config import check_profiles
from gateway.delivery.funds import fund
from gateway.feedback.alerts import open_alerts
from gateway.feedback.follow import follow
from gateway.feedback.watch import watch
from gateway.registry import tables as t
from gateway.reports import held_reports
from reconciliation.journals import balances

FRIDAY, MONDAY = "2026-11-20", "2026-11-23"
REPORT = "reports/{}/reconciliation-all.txt"
pytestmark = pytest.mark.usefixtures("both_ways")


@pytest.fixture(scope="module")
def kept(kept_paid: Path, tmp_path_factory) -> dict[str, Path]:
    """Folders of Friday: salaries are paid; the statement tells of them and they are matched; the day is prepared of either."""
    folders = {"paid": kept_paid}

    def grown(name: str, start: str, act: Callable[[Gateway], object]) -> None:
        folders[name] = tmp_path_factory.mktemp(name)
        shutil.copytree(folders[start], folders[name], dirs_exist_ok=True)
        with small(folders[name], Clock()) as gateway:
            act(gateway)

    grown("told", "paid", lambda gateway: statement(gateway, FRIDAY))
    grown("prepared", "paid", lambda gateway: settle(gateway, FRIDAY, "anna"))
    grown("told_prepared", "told", lambda gateway: settle(gateway, FRIDAY, "anna"))
    return folders


@pytest.fixture
def here(request, tmp_path: Path, clock: Clock, kept: dict[str, Path]) -> Iterator[Gateway]:
    """A copy of one of these folders, `paid` where no other is named."""
    shutil.copytree(kept[getattr(request, "param", "paid")], tmp_path, dirs_exist_ok=True)
    with small(tmp_path, clock) as found:
        yield found


TOLD, PREPARED, TOLD_PREPARED = (
    pytest.mark.parametrize("here", [name], indirect=True) for name in ("told", "prepared", "told_prepared")
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """Salaries are paid, on either registry."""
    with small(tmp_path, clock, postgres_url() if request.param == "postgres" else "") as found:
        salaries_paid(found, tmp_path)
        yield found


@pytest.fixture
def nothing_sent(tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    with small(tmp_path, clock) as found:
        yield found


def statement(here: Gateway, day: str) -> None:
    bank(here.settings.home.parent, "euro_bank").close_day(dt.date.fromisoformat(day))
    follow(here, "euro_bank")
    reconcile(here, "euro_bank")


def state(here: Gateway, day: str) -> str:
    return state_of(here, dt.date.fromisoformat(day))


def closing_of(here: Gateway) -> dict[tuple[str, str], int]:
    found = balances(held(here)).filter(pl.col("closing") != 0)
    return {row[:2]: row[2] for row in found.select("account", "currency", "closing").iter_rows()}


def text(here: Gateway, day: str) -> str:
    """The report that finance finds, its words one blank apart."""
    return " ".join(here.store.get(REPORT.format(day)).decode().split())


def test_prepared_by_one_reviewed_by_another_opened_again_for_a_reason(anywhere: Gateway) -> None:
    here = anywhere
    statement(here, FRIDAY)
    keys = settle(here, FRIDAY, "anna")
    assert state(here, FRIDAY) == "prepared"
    assert "PRELIMINARY" in text(here, FRIDAY)
    with pytest.raises(Conflict, match="anna prepared"):
        review(here, FRIDAY, by="anna")
    with pytest.raises(Conflict, match="revision 1 stands"):
        review(here, FRIDAY, by="ben", revision=2)
    assert review(here, FRIDAY, by="ben", revision=1) == keys
    assert state(here, FRIDAY) == "closed"
    assert "PRELIMINARY" not in text(here, FRIDAY)
    assert "Reviewed by: ben" in text(here, FRIDAY)
    assert here.registry.rows(t.DAYS)[0]["reviewed_at"] == here.registry.now()
    signed = text(here, FRIDAY)
    assert settle(here, FRIDAY, "carl") == keys, "settling a closed day again changes nothing"
    assert text(here, FRIDAY) == signed
    with pytest.raises(Conflict, match="ben reviewed it"):
        review(here, FRIDAY, by="dora")
    with pytest.raises(Conflict, match="only for a reason"):
        reopen(here, FRIDAY, by="ben", reason=" ")
    before = closing_of(here)
    reopen(here, FRIDAY, by="ben", reason="a fee was missing")
    assert state(here, FRIDAY) == "open"
    assert "WITHDRAWN" in text(here, FRIDAY)
    with pytest.raises(Conflict, match="is open"):
        review(here, FRIDAY, by="dora")
    settle(here, FRIDAY, "anna")
    assert "a fee was missing (ben, 2026" in text(here, FRIDAY)
    review(here, FRIDAY, by="ben")
    assert closing_of(here) == before, "what is the same is not posted twice"
    assert disagreements(here).is_empty()
    told = [row["action"] for row in here.registry.rows(t.AUDIT, t.AUDIT.c.subject == FRIDAY)]
    assert told == ["close_reviewed", "closed", "close_opened_again", "close_reviewed", "closed"]


@PREPARED
def test_what_comes_late_is_told_and_posted_on_the_next_day_or_after_opening_again(here, clock) -> None:
    review(here, FRIDAY, by="ben")
    assert closing_of(here)["provider:euro_bank:clearing", "EUR"] < 0
    assert [alert.kind for alert in watch(here)] == []
    clock.move(days=1)
    statement(here, FRIDAY)
    assert [row["kind"] for row in (watch(here), open_alerts(here))[1]] == ["late_statement"]
    with pytest.raises(Conflict, match="is closed, and what came in since would change it: euro_bank, all"):
        settle(here, FRIDAY, "gateway")
    assert "entries of euro_bank" in show(here, FRIDAY).changed
    clock.move(days=2)
    settle(here, MONDAY, "gateway")
    watch(here)
    assert open_alerts(here) == [], "the next close holds it"
    posted = balances(held(here), account="bank")
    assert posted.height == 1
    assert balances(held(here), at=dt.date.fromisoformat(FRIDAY), account="bank").equals(posted), "by its value date"
    on_monday = closing_of(here)

    reopen(here, FRIDAY, by="ben", reason="the statement belongs to Friday")
    with pytest.raises(Conflict, match=f"{FRIDAY} is open"):
        settle(here, MONDAY, "gateway")
    settle(here, FRIDAY, "anna")
    assert (state(here, FRIDAY), state(here, MONDAY)) == ("prepared", "prepared"), "Monday was prepared again behind it"
    assert closing_of(here) == on_monday
    assert disagreements(here).is_empty()
    assert disagreements(here, "euro_bank").is_empty()
    assert [row["run"] for row in runs(here, "all")] == [1, 2, 3, 4, 5]


@TOLD_PREPARED
def test_days_are_prepared_and_reviewed_in_their_order(here: Gateway, clock) -> None:
    clock.move(days=3)
    settle(here, MONDAY, "anna")
    with pytest.raises(Conflict, match=f"{FRIDAY} is prepared: days are reviewed in their order"):
        review(here, MONDAY, by="ben")
    review(here, FRIDAY, by="ben")
    review(here, MONDAY, by="ben")
    with pytest.raises(Conflict, match="opens with the close of"):
        reopen(here, FRIDAY, by="ben", reason="why not")
    with pytest.raises(Conflict, match="can be prepared only when"):
        settle(here, "2026-11-22", "anna")
    for wrong in (review, reopen):
        with pytest.raises(NotFound, match="never prepared"):
            wrong(here, "2026-11-24", by="ben", **({"reason": "x"} if wrong is reopen else {}))
    with pytest.raises(ConfigError):
        review(here, "yesterday", by="ben")


@PREPARED
def test_a_statement_after_the_preparation_stops_the_review_until_it_is_prepared_again(here, clock) -> None:
    clock.move(hours=1)
    statement(here, FRIDAY)
    with pytest.raises(Conflict, match="came after 2026-11-20 was prepared"):
        review(here, FRIDAY, by="ben")
    clock.move(hours=1)
    settle(here, FRIDAY, "anna")
    assert here.registry.rows(t.DAYS)[0]["revision"] == 2
    review(here, FRIDAY, by="ben")


@PREPARED
def test_of_a_review_and_a_preparation_at_once_one_wins_and_the_other_is_told(here, monkeypatch) -> None:
    whole = signing.write

    def slept(*arguments):
        monkeypatch.setattr(signing, "write", whole)
        statement(here, FRIDAY)
        settle(here, FRIDAY, "anna")
        return whole(*arguments)

    monkeypatch.setattr(signing, "write", slept)
    with pytest.raises(Conflict, match="somebody else decided"):
        review(here, FRIDAY, by="ben")
    assert state(here, FRIDAY) == "prepared"
    assert here.registry.rows(t.DAYS)[0]["revision"] == 2
    assert "PRELIMINARY" in text(here, FRIDAY)


@TOLD
def test_who_sleeps_over_the_close_of_a_later_day_prepares_nothing_behind_it(here, monkeypatch) -> None:
    whole = settling.positions

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(settling, "positions", whole)
        settle(here, MONDAY, "anna")
        review(here, MONDAY, by="ben")
        return found

    monkeypatch.setattr(settling, "positions", slept)
    with pytest.raises(Conflict, match="was reviewed meanwhile"):
        settle(here, FRIDAY, "anna")
    assert (state(here, FRIDAY), state(here, MONDAY)) == ("open", "closed")
    assert {row["day"] for row in runs(here, "all")} == {MONDAY}


@PREPARED
def test_a_review_that_died_before_publishing_is_ended_by_whoever_comes_next(here, monkeypatch) -> None:

    def dies(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(signing, "publish", dies)
    with pytest.raises(KeyboardInterrupt):
        review(here, FRIDAY, by="ben")
    assert state(here, FRIDAY) == "reviewed"
    settle(here, FRIDAY, "gateway")
    assert state(here, FRIDAY) == "closed"
    assert "PRELIMINARY" not in text(here, FRIDAY)


@PREPARED
def test_a_ledger_that_was_tampered_with_stops_the_next_close(here: Gateway, clock) -> None:
    with here.registry.transaction() as connection:
        connection.execute(t.JOURNALS.update().where(t.JOURNALS.c.event == "accepted").values(amount_minor=1))
    assert not disagreements(here).is_empty()
    clock.move(days=3)
    with pytest.raises(FrameBroken, match="do not add up to its journals"):
        settle(here, MONDAY, "gateway")


def test_a_day_whose_book_and_bank_do_not_meet_cannot_close(nothing_sent: Gateway) -> None:
    here = nothing_sent
    bank_statement(here, entry_line(1, 500))
    bank_statement(here, number=2, opening=None)  # tells no balance, and loses 2.00
    bank_statement(here, entry_line(3, 100), number=3, opening=300)
    with pytest.raises(
        NotTied, match=r"bank 4\.00, of our books 6\.00, unexplained -2\.00; itemised: entry not in our"
    ) as apart:
        settle(here, FRIDAY, "anna")
    assert [row.partition(":")[0] for row in apart.value.rows] == ["DE32100100100123456789 EUR"]
    assert here.registry.rows(t.CLOSES) == here.registry.rows(t.DAYS) == here.registry.rows(t.JOURNALS) == []
    assert list(here.store.list("reports")) == []


def test_a_difference_that_breaks_name_does_not_keep_a_day_open(nothing_sent: Gateway) -> None:
    here = nothing_sent
    bank_statement(here, entry_line(1, 500))
    bank_statement(here, entry_line(3, 100), number=3, opening=300)
    settle(here, FRIDAY, "anna")
    found = here.lake.whole(f"close-all-{FRIDAY}-1", "breaks")
    gap = found.filter(pl.col("kind") == "statement_chain")
    assert gap.select("subject", "amount_minor").rows() == [("ST-3/opening", 200)]


@TOLD
def test_the_commands_of_finance(here: Gateway, monkeypatch) -> None:
    monkeypatch.setattr("gateway.cli.finance.opened", lambda: here)

    def run(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(app, list(arguments))
        return found.exit_code, found.output

    assert run("settle", FRIDAY, "--by", "anna")[0] == 0
    assert run("close", "review", FRIDAY, "--by", "anna")[0] == 3
    assert run("close", "review", FRIDAY, "--by", "ben")[0] == 0
    code, output = run("close", "show", FRIDAY)
    assert code == 0
    assert "closed" in output
    assert "reviewed by  ben" in output
    code, output = run("balances", "--verify", "--at", FRIDAY)
    assert code == 0
    assert "journals and postings agree" in output
    assert "client:alder:funding" in output
    assert "no postings" in run("balances", "--account", "nobody")[1]
    assert run("close", "reopen", FRIDAY, "--by", "ben", "--reason", "a mistake")[1].strip() == f"{FRIDAY}  open"


@TOLD
def test_a_bank_that_takes_more_than_its_price_list_and_a_client_that_paid_in(here: Gateway) -> None:
    agree(here, "alder", funding={"kind": "prefunded"})
    fund(here, "alder", "EUR", "100000.00", by="anna")
    price = {"name": "files", "currency": "EUR", "per": "file", "amount_minor": 200}
    provider = here.profiles.providers["euro_bank"]
    agreed = provider.model_copy(update={"prices": Prices.model_validate({"positions": [price]})})
    object.__setattr__(here.profiles, "providers", {**here.profiles.providers, "euro_bank": agreed})
    settle(here, FRIDAY, "anna")
    subject = f"close-all-{FRIDAY}-1"
    stage = here.registry.one(t.STAGES, subject=subject, stage="settle")
    report = held_reports.held_report(here, f"closes/{subject}/{stage['attempt']}", "settlement")
    fees, funding = (
        next(sheet.frame for sheet in report.sheets if sheet.name == name).row(0, named=True)
        for name in ("Fees", "Funding")
    )
    assert fees.items() >= {"verdict": "above price", "expected": 200, "charged": 250, "difference": 50}.items()
    assert funding.items() >= {"client": "alder", "received": 10_000_000}.items()
    found = here.lake.whole(subject, "breaks")
    above = found.filter(pl.col("kind") == "fee_above_price")
    assert above.select("account", "amount_minor", "currency").rows() == [("euro_bank", 50, "EUR")]


def test_faults_of_a_price_list_are_told_with_their_line(config_dir) -> None:
    path = config_dir / "providers" / "euro_bank.yaml"
    text = path.read_text(encoding="utf-8")
    wrong = "prices:\n  charged: day\n  positions:\n    - {name: a, currency: EUR, per: payment, amount_minor: 1}\n    - {name: b, currency: EUR, per: amount}\n"
    path.write_text(text + wrong, encoding="utf-8")
    _, faults = check_profiles(config_dir)
    assert [(fault.line, "basis_points" in fault.message) for fault in faults] == [(len(text.splitlines()) + 5, True)]


@TOLD_PREPARED
def test_what_a_person_takes_apart_and_matches_again_is_reversed_and_posted_anew(here, clock) -> None:
    review(here, FRIDAY, by="ben")
    before = closing_of(here)
    (one, *_) = here.lake.whole("euro_bank", "matches").sort("entry_id").iter_rows(named=True)
    clock.move(days=3)
    undone = unmatch(here, one["entry_id"], "carl", "the wrong salary")
    settle(here, MONDAY, "anna")
    apart = closing_of(here)
    moved = here.lake.whole("euro_bank", "matches").filter(pl.col("entry_id") == one["entry_id"])["amount_minor"].sum()
    assert undone >= 1
    assert apart["provider:euro_bank:clearing", "EUR"] == before.get(("provider:euro_bank:clearing", "EUR"), 0) - moved
    assert apart["suspense", "EUR"] == before.get(("suspense", "EUR"), 0) + moved
    assert "reversal:settled" in held(here).filter(pl.col("run") == 2)["event"].to_list()
    payment_ids = (
        here.lake.whole("euro_bank", "matches").filter(pl.col("entry_id") == one["entry_id"])["payment_id"].to_list()
    )
    claim_by_hand(here, one["entry_id"], payment_ids, "carl", "it was the right one")
    settle(here, MONDAY, "anna")
    assert closing_of(here) == before
    assert disagreements(here).is_empty()


@TOLD
def test_a_day_that_is_looked_at_in_pieces_is_the_same_day(here: Gateway, clock, tmp_path, monkeypatch) -> None:
    shutil.copytree(tmp_path, tmp_path / "other", dirs_exist_ok=True, ignore=shutil.ignore_patterns("other"))
    settle(here, FRIDAY, "anna")
    monkeypatch.setattr(by_payment, "MAPPED_ROWS", 7)
    with small(tmp_path / "other", clock) as other:
        for day in (FRIDAY, MONDAY):
            settle(other, day, "anna")
            settle(here, day, "anna")
        assert len(other.lake.manifests(f"close-all-{FRIDAY}-1", "states")) > 1
        assert held(other).equals(held(here))
        assert disagreements(other).is_empty()
        for scope in ("euro_bank", "all"):
            assert closing.closed_on(other, scope, FRIDAY) == closing.closed_on(here, scope, FRIDAY)
        assert text(other, FRIDAY) == text(here, FRIDAY)


@TOLD_PREPARED
def test_a_close_writes_what_changed_and_stands_on_every_payment(here: Gateway, monkeypatch) -> None:
    """What was played: a close of an older version, a day without news, one with, an earlier day prepared and opened again."""
    found: dict[str, pl.DataFrame] = {}

    def watched(draft, position, *rest):
        found[draft.subject] = position.states
        return close_run_run(draft, position, *rest)

    close_run_run = close_run.run
    monkeypatch.setattr(close_run, "run", watched)
    stages = t.STAGES.c
    first = here.registry.rows(t.STAGES, stages.subject.like("close-%"))
    with here.registry.transaction() as connection:  # the first close, as a version wrote it that knew of no opening
        for row in first:
            detail = {name: value for name, value in json.loads(row["detail"]).items() if name != OPENING}
            told = t.STAGES.update().where(stages.subject == row["subject"])
            connection.execute(told.values(detail=json.dumps(detail)))
    settle(here, MONDAY, "anna")
    review(here, FRIDAY, by="ben")
    reopen(here, FRIDAY, by="ben", reason="the wrong salary")
    matches = here.lake.whole("euro_bank", "matches").sort("entry_id")
    ids = matches.filter(pl.col("entry_id") == matches["entry_id"][0])["payment_id"]
    unmatch(here, matches["entry_id"][0], "carl", "the wrong salary")
    settle(here, FRIDAY, "anna")
    claim_by_hand(here, matches["entry_id"][0], ids.to_list(), "carl", "it was the right one")
    settle(here, MONDAY, "anna")

    rows = {subject: written(here, subject) for subject in found}
    of_bank = {subject: count for subject, count in rows.items() if "euro_bank" in subject}
    salaries = found[f"close-all-{MONDAY}-1"].filter(pl.col("provider") == "euro_bank").height
    assert of_bank == {
        f"close-euro_bank-{MONDAY}-1": 0,
        f"close-euro_bank-{FRIDAY}-2": salaries,
        f"close-euro_bank-{MONDAY}-2": 0,
        f"close-euro_bank-{MONDAY}-3": ids.len(),
    }
    assert rows[f"close-all-{MONDAY}-3"] == ids.len()
    for subject, states in found.items():
        (row,) = (row for row in here.registry.rows(t.CLOSES) if close_subject_of(row) == subject)
        stands = closed_with(here, row["provider_id"], subject).between(("", None))
        assert stands.sort("payment_id").equals(states.sort("payment_id")), subject
    last = [row for row in here.registry.rows(t.CLOSES, t.CLOSES.c.day == MONDAY) if row["provider_id"] == "all"][-1]
    friday = [row for row in here.registry.rows(t.CLOSES, t.CLOSES.c.day == FRIDAY) if row["provider_id"] == "all"][-1]
    detail = here.lake.committed(close_subject_of(last), "settle")
    assert detail is not None
    assert detail[OPENING] == close_subject_of(friday), "a later day opens with the close that stands"


def written(here: Gateway, subject: str) -> int:
    return sum(item.rows for item in here.lake.manifests(subject, "states"))


def close_subject_of(row) -> str:
    return close_subject(row["provider_id"], row["day"], row["revision"])


@PREPARED
def test_a_day_closed_by_a_version_that_digested_otherwise_stands(here: Gateway) -> None:
    keys = review(here, FRIDAY, by="ben")
    closes = here.registry.rows(t.STAGES, t.STAGES.c.subject.like("close-%"))
    with here.registry.transaction() as connection:
        connection.execute(t.CLOSES.update().values(inputs_sha256="0" * 64))
        for row in closes:
            older = row["detail"].replace('"payments": ', '"payment states": ')
            assert older != row["detail"]
            connection.execute(t.STAGES.update().where(t.STAGES.c.subject == row["subject"]).values(detail=older))
    assert settle(here, FRIDAY, "carl") == keys
    assert state(here, FRIDAY) == "closed"
    assert show(here, FRIDAY).changed == (), "what it was closed on cannot be compared, and is not called changed"


@TOLD_PREPARED
def test_an_entry_taken_apart_and_claimed_again_on_two_days_stands_posted_once(here: Gateway) -> None:
    """A later day undoes what an earlier one posted, and is taken back: the earlier posting stands once, under another id."""
    matches = here.lake.whole("euro_bank", "matches").sort("entry_id")
    entry = matches["entry_id"][0]
    ids = matches.filter(pl.col("entry_id") == entry)["payment_id"].to_list()
    settle(here, MONDAY, "anna")
    unmatch(here, entry, "carl", "the wrong salary")
    settle(here, FRIDAY, "anna")
    claim_by_hand(here, entry, ids, "carl", "it was the right one")
    settle(here, MONDAY, "anna")
    settle(here, FRIDAY, "anna")
    review(here, FRIDAY, by="ben")
    reopen(here, FRIDAY, by="ben", reason="looked at once more")
    settle(here, FRIDAY, "anna")
    settle(here, MONDAY, "anna")
    assert state(here, MONDAY) == "prepared"
    assert disagreements(here, "euro_bank").is_empty()
