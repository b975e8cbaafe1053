"""What several clients send the same way goes in one file, where the profile says so: each payment once, each client on its own."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from crash_runs import booked, copy, opened, opened_at, points_of, run
from hypothesis import given
from hypothesis import strategies as st
from played import bank
from test_cancel import FIRST, ONE, accepted, asked, outcomes, sent, take_in, told
from test_passthrough import SCHEMAS, rich
from test_routing import second_bank
from workers import sample
from world import Clock, agree, lay_registry, upload

from canonical.contracts import Source
from canonical.errors import Conflict, Withheld
from canonical.profiles import FileLimits
from gateway.answers.answer import files_with_news
from gateway.books.reconcile import reconcile
from gateway.books.status import status_by_reference, status_of
from gateway.composition import Gateway, open_gateway
from gateway.delivery import merging
from gateway.delivery.dispatch import _write, dispatch, due, submission_payments
from gateway.delivery.funds import fund
from gateway.delivery.parts import dissolve, parts_of
from gateway.delivery.resolve import resolve
from gateway.delivery.stops import resume, stop
from gateway.delivery.submissions import RegistryLog, submission_row
from gateway.intake.receive import receive
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.splitting import packs
from gateway.registry import tables as t
from gateway.registry.engine import move
from gateway.settings import Settings
from gateway.stages import deliver, follow, outcome_answer, run_journey
from parsers.pain001 import FORMAT
from providers.folder import _FolderPlace
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

TODAY = dt.date(2026, 11, 20)
AFTERNOON = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
"""Two hours before the cut-off at 18:00 in Berlin."""
OTHERS = salaries_pain001(TODAY).replace(b"ALDER-", b"DOGWOOD-").replace(b"ALD", b"DOG").replace(b"SAL-", b"DOG-")
TERMS = "file_limits: {merge_minutes: 120}\n"


def second_client(config_dir: Path) -> None:
    """A second client like the first one."""
    alder = (
        (config_dir / "clients/alder.yaml").read_text(encoding="utf-8").replace("[pain.001]", "[pain.001, camt.055]")
    )
    for name in ("alder", "dogwood"):
        text = alder.replace("alder", name).replace("Alder", name.capitalize())
        (config_dir / f"clients/{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def config_dir(config_dir: Path) -> Path:
    """Two clients, and a bank that takes their payments in one file."""
    second_client(config_dir)
    euro = config_dir / "providers/euro_bank.yaml"
    told = euro.read_text(encoding="utf-8").replace("euro/out}", "euro/out, temporaries_cleared: false}")
    euro.write_text(told + TERMS, encoding="utf-8")
    return config_dir


@pytest.fixture
def gateway(tmp_path: Path, config_dir: Path, clock: Clock) -> Iterator[Gateway]:
    """On SQLite, with these profiles."""
    lay_registry(tmp_path / "home/registry.sqlite")
    found = open_gateway(Settings(home=tmp_path / "home", config_dir=config_dir), clock)
    yield found
    found.registry.engine.dispose()


def both(gateway: Gateway) -> tuple[str, str]:
    """A planned file of each of two clients."""
    found = (take_in(gateway, salaries_pain001(TODAY), "a.xml"), take_in(gateway, OTHERS, "d.xml", "dogwood"))
    for file_id in found:
        run_journey(gateway, file_id)
    return found


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """The next merge has looked at its parts; before it goes on, somebody does this."""
    whole = merging._alike

    def slept(*arguments):
        found = whole(*arguments)
        monkeypatch.setattr(merging, "_alike", whole)
        act()
        return found

    monkeypatch.setattr(merging, "_alike", slept)


def run_due(gateway: Gateway) -> list[str]:
    return [deliver(gateway, row["submission_id"]) for row in due(gateway)]


def state_of(gateway: Gateway, file_id: str) -> dict[str, int]:
    found = status_of(gateway, file_id)
    assert found.tied
    return dict(found.payments["state"].value_counts().rows())


def merged(gateway: Gateway) -> dict:
    (whole,) = gateway.registry.rows(
        t.SUBMISSIONS, t.SUBMISSIONS.c.merged_into == t.SUBMISSIONS.c.submission_id, t.SUBMISSIONS.c.state != "VOIDED"
    )
    return dict(whole)


def merge_all(gateway: Gateway, *, to: str = "UPLOADED") -> dict:
    """Merged, and as far on its way."""
    merging.merge(gateway, due(gateway)[0])
    log = RegistryLog(gateway, merged(gateway) if to == "PREPARED" else _write(gateway, merged(gateway)))
    if to != "PREPARED":
        log.begin_upload()
        log.uploaded()
    if to in {"RELEASING", "UNKNOWN"}:
        log.begin_release()
    if to == "UNKNOWN":
        log.unknown("the line broke")
    return merged(gateway)


_OTHER_WAYS = {
    "kind": "answer", "destination": "us_bank", "account": "DE02", "rail": "instant", "currency": "CHF",
    "credit_debit": "DBIT", "business_date": "2026-11-23", "execution_date": "2026-11-23", "cut_off_at": "2026-11-20T16:00:00+00:00",
    "state": "UPLOADING", "merged_into": "S" + "0" * 19, "file_sequence": 7,
}  # fmt: skip


def test_only_what_goes_the_same_way_on_the_same_day_and_waits_goes_in_one_file(gateway) -> None:
    """One date and one direction stand in a file once: another payment's would be executed by the first one's."""
    both(gateway)
    first, second = due(gateway)
    assert merging._alike(gateway, first, ()) == [first, second]
    assert {*merging._COMMON, "state", "merged_into", "file_sequence"} == set(_OTHER_WAYS)
    of_second = {"submission_id": second["submission_id"]}
    for column, value in _OTHER_WAYS.items():
        with gateway.registry.transaction() as connection:
            move(connection, t.SUBMISSIONS, of_second, **{column: value})
        assert merging._alike(gateway, first, ()) == [first], column
        with gateway.registry.transaction() as connection:
            move(connection, t.SUBMISSIONS, of_second, **{column: second[column]})
    assert merging._alike(gateway, first, ()) == [first, second]


# ---------------------------------------------------------------------------------------------- as few files as the limits allow


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 90)), min_size=1, max_size=40),
    st.none() | st.integers(9, 20),
    st.none() | st.integers(90, 200),
)
def test_each_submission_is_in_one_pack_and_every_pack_keeps_the_limits(sizes, payments, minor) -> None:
    rows = [{"id": n, "payments": count, "sum_minor": total} for n, (count, total) in enumerate(sizes)]
    found = list(packs(rows, FileLimits(payments=payments, amount_minor=minor)))
    assert [row for pack in found for row in pack] == rows
    for pack, following in zip(found, [*found[1:], None], strict=True):
        count, total = (sum(row[what] for row in pack) for what in ("payments", "sum_minor"))
        assert payments is None or count <= payments
        assert minor is None or total <= minor
        if following:
            assert (payments and count + following[0]["payments"] > payments) or (
                minor and total + following[0]["sum_minor"] > minor
            )


def test_batches_of_several_files_are_never_alike() -> None:
    with pytest.raises(ValueError, match="never alike"):
        FileLimits(merge_minutes=30, apart=("batch",))


# ---------------------------------------------------------------------------------------------- two clients, one file


def test_two_clients_are_one_file_with_lineage_both_ways_and_each_is_answered(
    gateway_anywhere, tmp_path, clock
) -> None:
    gateway = gateway_anywhere
    files = both(gateway)
    assert [row["payments"] for row in due(gateway)] == [10, 10]
    assert all(state.startswith("withheld: is merged") for state in run_due(gateway))
    assert (
        "merged with what goes the same way at 2026-11-20 15:00"
        in status_of(gateway, files[0]).why_it_waits()["why"][0]
    )
    clock.now = AFTERNOON
    assert run_due(gateway) == ["DELIVERED", "DELIVERED"]
    assert due(gateway) == []
    whole = merged(gateway)
    assert (whole["payments"], whole["sum_minor"]) == (
        20,
        sum(row["sum_minor"] for file in files for row in live_submissions(gateway, file)),
    )
    (path,) = (tmp_path / "euro/in").glob("S*")
    rows = pl.concat(
        window.payments for window in FORMAT.windows(Source("0" * 20, "x", path.read_bytes()), FORMAT.options())
    )
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))
    for file_id in files:
        assert state_of(gateway, file_id) == {"rejected": 2, "outstanding": 10}
        for payment in live_routes(gateway, file_id)[[0, -1]].iter_rows(named=True):
            found = status_by_reference(gateway, payment["reference"])
            assert (found.file["file_id"], found.payment["row"]) == (file_id, payment["row"])
            assert found.payment["file_name"] == path.name
            row = rows.row(found.payment["position"] - 1, named=True)
            assert (row["instruction_id"], row["amount_minor"]) == (payment["reference"], payment["amount_minor"])
    assert answered(gateway, tmp_path) == {"alder", "dogwood"}
    for file_id in files:
        assert set(state_of(gateway, file_id)) == {"rejected", "provider_rejected", "settled"}


def answered(gateway: Gateway, tmp_path: Path) -> set[str]:
    """The bank works on the file and states it; who is told of it."""
    told_before = {row["name"] for row in gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "answer")}
    euro = bank(tmp_path, "euro_bank")
    euro.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    euro.close_day(TODAY)
    follow(gateway, "euro_bank")
    assert merged(gateway)["state"] == "ACKNOWLEDGED"
    reconcile(gateway, "euro_bank")
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)
    rows = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "answer")
    return {row["destination"] for row in rows if row["name"] not in told_before}


def test_what_does_not_fit_in_one_file_goes_in_several(gateway, tmp_path, clock) -> None:
    known = gateway.profiles.provider("euro_bank")
    limits = FileLimits(merge_minutes=120, payments=8, apart=("debtor_account",), a_day=4)
    gateway.profiles.providers["euro_bank"] = known.model_copy(update={"file_limits": limits})
    files = both(gateway)
    clock.now = AFTERNOON
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))
    sizes = [row["payments"] for row in gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.slot.like("merged/%"))]
    assert sum(sizes) == 20
    assert max(sizes) <= 8
    assert len(sizes) == len(list((tmp_path / "euro/in").glob("S*"))) <= 4


def test_who_merges_the_last_merges_what_goes_with_it_and_only_once(gateway, clock) -> None:
    known = gateway.profiles.provider("euro_bank")
    limits = FileLimits(merge_minutes=120, payments=10)
    gateway.profiles.providers["euro_bank"] = known.model_copy(update={"file_limits": limits})
    both(gateway)
    clock.now = AFTERNOON
    first, last = due(gateway)
    merging.merge(gateway, last)
    whole = merged(gateway)
    with gateway.registry.transaction() as connection:
        assert [part["submission_id"] for part in parts_of(connection, whole)] == [last["submission_id"]]
    with pytest.raises(Conflict, match="took it meanwhile"):
        merging.merge(gateway, last)
    assert submission_row(gateway, first["submission_id"])["merged_into"] is None


def test_files_of_several_formats_and_what_only_one_of_them_carries(gateway, tmp_path, clock) -> None:
    if not SCHEMAS.exists():
        pytest.skip("the ISO 20022 schemas are not beside this project")
    agree(gateway, "alder", format_options={"pain.001": {"xsd": "reject", "schemas": str(SCHEMAS)}})
    files = [
        take_in(gateway, rich(salaries_pain001(TODAY)), "a.xml"),
        take_in(gateway, invoices_csv(TODAY), "c.csv", "cedar"),
    ]
    files.append(take_in(gateway, OTHERS, "d.xml", "dogwood"))
    for file_id in files:
        run_journey(gateway, file_id)
    clock.now = AFTERNOON
    run_due(gateway)
    (path,) = (tmp_path / "euro/in").glob("S*")
    assert path.read_bytes().count(b"<Cd>0104</Cd>") == 1
    assert merged(gateway)["payments"] == len(sent(tmp_path)) > 20


def test_trace_numbers_ascend_in_a_merged_nacha_file(gateway, tmp_path, clock) -> None:
    known = gateway.profiles.provider("us_bank")
    gateway.profiles.providers["us_bank"] = known.model_copy(update={"file_limits": FileLimits(merge_minutes=600)})
    data = suppliers_nacha(TODAY)
    for name, content in (("a.ach", data), ("b.ach", data.replace(b"INV-", b"BIL-"))):
        run_journey(gateway, take_in(gateway, content, name, "birch"))
    states = run_due(gateway)
    (path,) = (tmp_path / "us/in").glob("S*")
    traces = [line[79:94] for line in path.read_text(encoding="ascii").splitlines() if line.startswith("6")]
    assert set(states) == {"DELIVERED"}
    assert traces == sorted(set(traces))
    assert len(traces) == merged(gateway)["payments"] > 4


def test_two_workers_merge_once(gateway_anywhere, tmp_path, clock, monkeypatch) -> None:
    gateway = gateway_anywhere
    files = both(gateway)
    clock.now = AFTERNOON
    first, second = due(gateway)
    seen = list[str]()
    meanwhile(monkeypatch, lambda: seen.append(dispatch(gateway, second["submission_id"])))
    assert dispatch(gateway, first["submission_id"]) == "DELIVERED"
    assert seen == ["DELIVERED"]
    assert merged(gateway)["payments"] == 20
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


@pytest.mark.parametrize("stands", ["PREPARED", "UPLOADED"])
def test_a_worker_that_holds_a_part_delivers_the_whole_and_only_once(gateway, tmp_path, clock, stands) -> None:
    """It looked before the others merged it."""
    files = both(gateway)
    clock.now = AFTERNOON
    parts = [row["submission_id"] for row in due(gateway)]
    merge_all(gateway, to=stands)
    assert [dispatch(gateway, part) for part in parts] == ["DELIVERED", "DELIVERED"]
    assert merged(gateway)["state"] == "DELIVERED"
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_who_comes_second_to_a_merge_makes_no_other_of_the_same_parts(gateway, clock, monkeypatch) -> None:
    """The first has merged them, and written and sent nothing yet."""
    both(gateway)
    clock.now = AFTERNOON
    first, second = due(gateway)
    meanwhile(monkeypatch, lambda: merging.merge(gateway, second))
    with pytest.raises(Conflict):
        merging.merge(gateway, first)
    assert merged(gateway)["payments"] == 20


@pytest.mark.parametrize("became", ["VOIDED", "UPLOADING"])
def test_what_moved_on_before_the_merge_is_committed_is_not_merged(
    gateway, tmp_path, clock, monkeypatch, became
) -> None:
    """Its payments are planned anew, or on the way already."""
    both(gateway)
    clock.now = AFTERNOON
    first, second = due(gateway)

    def moves_on() -> None:
        with gateway.registry.transaction() as connection:
            assert move(connection, t.SUBMISSIONS, {"submission_id": second["submission_id"]}, state=became)

    meanwhile(monkeypatch, moves_on)
    with pytest.raises(Conflict):
        merging.merge(gateway, first)
    assert submission_row(gateway, second["submission_id"])["merged_into"] is None
    assert submission_row(gateway, first["submission_id"])["merged_into"] is None, "all or nothing"
    assert sent(tmp_path) == []


def test_one_alone_goes_alone(gateway, tmp_path, clock) -> None:
    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    run_journey(gateway, file_id)
    clock.now = AFTERNOON
    assert run_due(gateway) == ["DELIVERED"]
    assert sent(tmp_path) == accepted(gateway, file_id)


# ---------------------------------------------------------------------------------------------- each client on its own


@pytest.mark.parametrize("stands", ["PREPARED", "UPLOADED"])
def test_a_cancelled_payment_takes_no_stranger_back(gateway_anywhere, tmp_path, clock, stands) -> None:
    gateway = gateway_anywhere
    files = both(gateway)
    clock.now = AFTERNOON
    before = merge_all(gateway, to=stands)
    request_id = asked(gateway, ONE)
    assert told(outcomes(gateway, request_id)) == [("CANC", None)]
    assert submission_row(gateway, before["submission_id"])["state"] == "VOIDED"
    assert [row["state"] for file in files for row in live_submissions(gateway, file)] == ["PREPARED"] * 2
    assert set(run_due(gateway)) == {"DELIVERED"}
    assert merged(gateway)["payments"] == 19
    rest = [item for item in accepted(gateway, files[0]) if item != FIRST]
    assert sent(tmp_path) == sorted(rest + accepted(gateway, files[1]))
    assert state_of(gateway, files[0]) == {"rejected": 2, "cancelled": 1, "outstanding": 9}


def test_too_late_for_one_is_too_late_for_its_payments_only(gateway, clock) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    merge_all(gateway, to="RELEASING")
    assert told(outcomes(gateway, asked(gateway, ONE))) == [("RJCT", "TM01")]
    assert merged(gateway)["state"] == "RELEASING"
    assert [row["state"] for file in files for row in live_submissions(gateway, file)] == ["RELEASING"] * 2


def test_what_began_to_be_released_meanwhile_is_not_dissolved(gateway, clock) -> None:
    """Who looked before would plan its parts anew, and they would be paid twice."""
    files = both(gateway)
    clock.now = AFTERNOON
    whole = merge_all(gateway, to="RELEASING")
    with pytest.raises(Conflict, match="being released"), gateway.registry.transaction() as connection:
        dissolve(gateway, connection, whole["submission_id"], "cancelled in part")
    assert [row["state"] for file in files for row in live_submissions(gateway, file)] == ["RELEASING"] * 2


@pytest.mark.parametrize("stands", ["none yet", "UPLOADED"])
def test_a_stopped_client_stops_nobody_else(gateway, tmp_path, clock, stands) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    if stands == "UPLOADED":
        merge_all(gateway)
    stop(gateway, "client", "alder", by="anna", reason="fraud alarm")
    run_due(gateway)
    assert sent(tmp_path) == accepted(gateway, files[1])
    assert state_of(gateway, files[0]) == {"rejected": 2, "waiting": 10}
    assert "fraud alarm" in status_of(gateway, files[0]).why_it_waits()["why"][0]
    resume(gateway, "client", "alder", by="anna", reason="false alarm")
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_everybody_stopped_leaves_the_merged_file_as_it_is(gateway, clock) -> None:
    both(gateway)
    clock.now = AFTERNOON
    before = merge_all(gateway)
    stop(gateway, "all", "", by="anna", reason="now")
    with pytest.raises(Withheld):
        dispatch(gateway, before["submission_id"])
    assert merged(gateway) == before


def euro(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def test_two_files_of_a_client_that_has_cover_for_one(gateway, tmp_path, clock) -> None:
    agree(gateway, "alder", funding={"kind": "prefunded"})
    files = (*both(gateway), take_in(gateway, OTHERS.replace(b"DOG", b"NOV"), "n.xml"))
    run_journey(gateway, files[2])
    (first,), (second,) = (live_submissions(gateway, file) for file in (files[0], files[2]))
    fund(gateway, "alder", "EUR", euro(first["sum_minor"]), by="anna")
    clock.now = AFTERNOON
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))
    assert submission_row(gateway, second["submission_id"])["state"] == "PREPARED"
    assert "waits for funds" in status_of(gateway, files[2]).why_it_waits()["why"][0]
    fund(gateway, "alder", "EUR", euro(second["sum_minor"]), by="anna")
    run_due(gateway)
    assert len(sent(tmp_path)) == len(set(sent(tmp_path))) == 30


def killed_in_the_release(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *, acts: bool) -> dict:
    """Merged, uploaded, and dead in the middle of the release: before its rename, or after it."""
    (row, *_) = due(gateway)
    rename = _FolderPlace.rename

    def dies(*arguments) -> None:
        if acts:
            rename(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_FolderPlace, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver(gateway, row["submission_id"])
    assert merged(gateway)["state"] == "RELEASING"
    return merged(gateway)


def test_a_stopped_client_keeps_no_other_back_in_a_release_that_did_not_happen(
    gateway_anywhere, tmp_path, clock, monkeypatch
) -> None:
    gateway = gateway_anywhere
    files = both(gateway)
    clock.now = AFTERNOON
    before = killed_in_the_release(gateway, monkeypatch, acts=False)
    sleeper = RegistryLog(gateway, before)
    stop(gateway, "client", "alder", by="anna", reason="fraud alarm")
    assert run_due(gateway) == ["VOIDED"]
    assert sent(tmp_path) == []
    assert submission_row(gateway, before["submission_id"])["state"] == "VOIDED"
    with pytest.raises(Conflict):
        sleeper.delivered("a sleeper")
    run_due(gateway)
    assert sent(tmp_path) == accepted(gateway, files[1])
    assert state_of(gateway, files[0]) == {"rejected": 2, "waiting": 10}
    resume(gateway, "client", "alder", by="anna", reason="false alarm")
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_a_release_that_did_happen_is_known_though_a_client_is_stopped(gateway, tmp_path, clock, monkeypatch) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    killed_in_the_release(gateway, monkeypatch, acts=True)
    stop(gateway, "client", "alder", by="anna", reason="fraud alarm")
    assert run_due(gateway) == ["DELIVERED"]
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_a_release_of_which_everybody_is_stopped_waits(gateway, tmp_path, clock, monkeypatch) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    before = killed_in_the_release(gateway, monkeypatch, acts=False)
    stop(gateway, "all", "", by="anna", reason="now")
    assert run_due(gateway)[0].startswith("withheld: all releases are stopped")
    assert merged(gateway) == before
    resume(gateway, "all", "", by="anna", reason="on")
    assert run_due(gateway) == ["DELIVERED"]
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


# ---------------------------------------------------------------------------------------------- what happens to the file


def test_a_missed_cut_off_plans_every_client_anew(gateway, tmp_path, clock) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    before = merge_all(gateway)
    clock.move(hours=3)
    assert run_due(gateway) == ["VOIDED"]
    assert submission_row(gateway, before["submission_id"])["state"] == "VOIDED"
    for file_id in files:
        (again,) = live_submissions(gateway, file_id)
        assert again["execution_date"] == "2026-11-23"
    clock.now = AFTERNOON + dt.timedelta(days=3)
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_a_bank_in_trouble_loses_the_whole_file_to_another(gateway, tmp_path, clock) -> None:
    second_bank(gateway, tmp_path)
    files = both(gateway)
    clock.now = AFTERNOON
    merge_all(gateway)
    stop(gateway, "provider", "euro_bank", by="anna", reason="its line is down")
    assert run_due(gateway) == ["VOIDED"]
    assert {row["destination"] for file in files for row in live_submissions(gateway, file)} == {"second_bank"}
    assert run_due(gateway) == ["DELIVERED", "DELIVERED"]
    assert [state_of(gateway, file_id)["outstanding"] for file_id in files] == [10, 10]


@pytest.mark.parametrize("delivered", [True, False])
def test_a_person_says_what_became_of_it_once_for_all_parts(gateway, clock, delivered) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    merge_all(gateway, to="UNKNOWN")
    assert [state_of(gateway, file_id) for file_id in files] == [{"rejected": 2, "submitted_unknown": 10}] * 2
    (part,) = live_submissions(gateway, files[1])
    state = resolve(gateway, part["submission_id"], delivered=delivered, by="olga", reason="called the bank")
    assert state == ("DELIVERED" if delivered else "VOIDED")
    expected = {"outstanding": 10} if delivered else {"waiting": 10}
    assert [state_of(gateway, file_id) for file_id in files] == [{"rejected": 2, **expected}] * 2


def test_a_sleeper_on_a_dissolved_file_touches_nothing(gateway, tmp_path, clock) -> None:
    files = both(gateway)
    clock.now = AFTERNOON
    log = RegistryLog(gateway, merge_all(gateway))
    stop(gateway, "client", "alder", by="anna", reason="now")
    run_due(gateway)
    resume(gateway, "client", "alder", by="anna", reason="on")
    with pytest.raises(Exception, match="another worker moved"):
        log.begin_release()
    run_due(gateway)
    assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))


def test_positions_go_on_from_part_to_part(gateway, clock) -> None:
    both(gateway)
    clock.now = AFTERNOON
    whole = merge_all(gateway)
    found = pl.concat([part.select("position", "reference") for part in submission_payments(gateway, whole)])
    assert found["position"].to_list() == list(range(1, 21))
    assert found["reference"].is_unique().all()
    with gateway.registry.transaction() as connection:
        assert len(parts_of(connection, whole)) == 2


# ---------------------------------------------------------------------------------------------- kills


@pytest.fixture
def planned_root(tmp_path: Path, config_dir: Path) -> Path:
    """Two planned files that are due to be merged. Copied for every point."""
    root = tmp_path / "root"
    root.mkdir()
    found = opened_at(root, config_dir, tmp_path)
    upload(found, "alder", "a.xml", salaries_pain001(TODAY))
    upload(found, "dogwood", "d.xml", OTHERS)
    for item in receive(found):
        run_journey(found, str(item.file_id))
    found.registry.engine.dispose()
    (root / "minutes").write_text("200", encoding="ascii")
    return root


def _left(root: Path) -> dict[str, object]:
    found = opened(root)
    rows = found.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment")
    left = {
        "submissions": sorted(
            (row["state"], row["payments"], row["sum_minor"]) for row in rows if row["state"] != "VOIDED"
        ),
        "tied": [status_of(found, row["file_id"]).tied for row in found.registry.rows(t.FILES)],
    }
    found.registry.engine.dispose()
    return left


@pytest.mark.crash
def test_a_merged_file_survives_a_kill_at_every_point(planned_root: Path, tmp_path: Path) -> None:
    whole = copy(planned_root, tmp_path / "whole")
    points = points_of(whole, "deliver")
    expected, paid = _left(whole), booked(whole)
    assert [row[:2] for row in expected["submissions"]] == [("DELIVERED", 10), ("DELIVERED", 10), ("DELIVERED", 20)]
    assert len({row[1] for row in paid}) == len(paid) == 20
    for at in sample(list(range(points)), 4):
        root = copy(planned_root, tmp_path / f"at-{at}")
        assert run(root, "deliver", at) == -signal.SIGKILL
        assert run(root, "deliver") == 0
        assert _left(root) == expected, f"after a kill at point {at} of {points}"
        assert booked(root) == paid
        shutil.rmtree(root)
