"""Routing as data: which rail takes a payment, why no other did, and that no capacity is used twice."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cancel import accepted, salaries, sent, take_in
from test_windows import run

from canonical.calendars import Schedule
from canonical.errors import OutsideError
from canonical.frames import PAYMENTS, conform
from canonical.profiles import ClientProfile, ProviderProfile, Rail
from gateway.books.status import status_by_reference, status_of
from gateway.composition import Gateway
from gateway.config import Profiles
from gateway.delivery.dispatch import due
from gateway.delivery.stops import stop
from gateway.planning.candidates import FITS, REASONS, Candidate, candidates
from gateway.planning.explain import explain_file, explain_payment, rehearse
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.route import current_candidates, route
from gateway.planning.routing import NO_RAIL, Planner
from gateway.registry import tables as t
from gateway.stages import deliver
from sandbox.day import salaries_pain001

TODAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
CLIENT = ClientProfile(client_id="alder", name="Alder", formats=("*",))
_RAIL = {"rail": "sct", "currencies": ["EUR"], "cut_off": "18:00", "time_zone": "UTC", "calendar": "target"}


@pytest.fixture
def gateway(gateway_anywhere: Gateway) -> Gateway:
    return gateway_anywhere


def provider(name: str, *rails: dict[str, object]) -> ProviderProfile:
    return ProviderProfile.model_validate({
        "provider_id": name, "name": name, "export": {"name": "pain.001"},
        "transport": {"name": "folder", "options": {"inbox": "."}},
        "accounts": [{"account": "DE32100100100123456789", "currency": "EUR", "name": "x", "agent": "EUROBANKXXX"}],
        "rails": [{**_RAIL, **rail} for rail in rails],
    })  # fmt: skip


def candidate(**terms: object) -> Candidate:
    rail = Rail.model_validate({**_RAIL, **terms})
    schedule = Schedule(rail.calendar, rail.cut_off, rail.time_zone)
    one = provider("one", terms)
    return Candidate(one, one.accounts[0], rail, schedule, schedule.open_window(NOON))


def planner(*providers: ProviderProfile, client: ClientProfile = CLIENT, **known: object) -> Planner:
    profiles = Profiles({"alder": client}, {item.provider_id: item for item in providers})
    return Planner(candidates(profiles, NOON, **known), client)


def payments(*minor: int, requested: dt.date = TODAY, **columns: object) -> pl.DataFrame:
    rows = [
        {
            "payment_id": f"f-{row}", "row": row, "line": row, "offset": row, "length": 1, "batch": 1,
            "end_to_end_id": f"E{row}", "credit_debit": "CRDT", "amount_text": f"{amount}", "amount_minor": amount,
            "currency": "EUR", "requested_execution_date_text": str(requested), "requested_execution_date": requested,
            "debtor_name": "Alder", "creditor_name": "Muster", "creditor_account": "FR1420041010050500013M02606",
            "prenote": False, **columns,
        }
        for row, amount in enumerate(minor, start=1)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows, infer_schema_length=None), PAYMENTS)


def taken(plan: Planner, frame: pl.DataFrame) -> list[str | None]:
    found = plan.choose(frame)["candidate"]
    return [None if number is None else plan.options[number].provider.provider_id for number in found]


def why(plan: Planner, frame: pl.DataFrame) -> list[list[str]]:
    numbers = plan.choose(frame)["choice"]
    patterns = list(plan.choices)
    return [["taken" if code == FITS else REASONS[code] for code in patterns[number][1:]] for number in numbers]


@pytest.mark.parametrize(
    ("terms", "columns", "reason"),
    [
        ({"currencies": ["EUR"]}, {"currency": "USD"}, "another currency"),
        ({"credit_debit": ["DBIT"]}, {}, "another direction"),
        ({"countries": ["DE"]}, {}, "a country it does not serve"),
        ({"account": "aba"}, {}, "another kind of account"),
        ({"amount_minor_max": 99}, {}, "the amount is too large"),
        ({"amount_minor_min": 101}, {}, "the amount is too small"),
        ({"service_levels": ["URGP"]}, {}, "another service level"),
        ({"clients": ["birch"]}, {}, "not for this client"),
        ({"cost_minor": 9}, {}, "it costs more"),
        ({"cost_minor": 9, "cut_off": "08:00"}, {}, "it misses the date"),
    ],
)
def test_a_rail_loses_for_its_reason(terms, columns, reason) -> None:
    plan = planner(provider("open", {"cost_minor": 5, "rail": "a"}), provider("other", {"rail": "b", **terms}))
    (told,) = why(plan, payments(100, **columns))
    by_provider = dict(zip([option.provider.provider_id for option in plan.options], told, strict=True))
    assert by_provider["other"] == reason
    assert by_provider["open"] == ("another currency" if columns else "taken")


def test_health_goes_before_the_date_and_the_date_before_the_cost() -> None:
    ill = provider("ill", {})
    late = provider("late", {"cost_minor": 5, "cut_off": "08:00"})
    dear = provider("dear", {"cost_minor": 900})
    known = {"trouble": {"ill": "stopped"}}
    assert taken(planner(ill, late, dear, **known), payments(1)) == ["dear"]
    assert taken(planner(ill, late, **known), payments(1)) == ["late"]
    assert taken(planner(ill, **known), payments(1)) == ["ill"], "a provider in trouble is better than none"
    thrifty = CLIENT.model_copy(update={"prefer": "cost"})
    assert taken(planner(late, dear, client=thrifty), payments(1)) == ["late"]


@pytest.mark.parametrize("rails", [(), ({"credit_debit": ["DBIT"]},)])
def test_what_no_rail_takes_is_held_and_says_so(rails: tuple[dict[str, object], ...]) -> None:
    plan = planner(*(provider("other", rail) for rail in rails))
    found = plan.choose(payments(1, 2))
    assert found["placed"].to_list() == [False, False]
    assert found["candidate"].null_count() == found["due_at"].null_count() == 2
    assert [list(plan.notes)[number] for number in found["note"]] == [NO_RAIL] * 2
    assert [list(plan.choices)[number] for number in found["choice"]] == [(-1, *[2] * len(plan.options))] * 2


def test_the_order_of_ties_is_by_name() -> None:
    assert taken(planner(provider("zeta", {}), provider("alpha", {})), payments(1)) == ["alpha"]


def test_what_is_over_a_capacity_goes_to_the_next_or_waits_for_the_window() -> None:
    small = provider("small", {"capacity": {"payments": 2}})
    assert (
        taken(planner(small, provider("wide", {"cost_minor": 9})), payments(1, 1, 1, 1)) == ["small"] * 2 + ["wide"] * 2
    )
    plan = planner(small)
    found = plan.choose(payments(1, 1, 1))
    assert found["placed"].to_list() == [True, True, False]
    assert found["due_at"].to_list() == [None, None, plan.options[0].window.cut_off_at]
    assert "capacity" in list(plan.notes)[found["note"][2]]
    assert plan.choose(payments(1))["placed"].to_list() == [False], "the next part of the file finds it used up"


@given(
    amounts=st.lists(st.integers(1, 100), min_size=1, max_size=30),
    bounds=st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 12)), st.one_of(st.none(), st.integers(1, 400))),
                    min_size=1, max_size=3),
    cut=st.integers(0, 30),
)  # fmt: skip
def test_no_capacity_is_exceeded_and_nobody_is_lost(amounts, bounds, cut) -> None:
    providers = [
        provider(f"p{n}", {"capacity": {"payments": count, "amount_minor": minor}, "amount_minor_max": 60 + 20 * n})
        for n, (count, minor) in enumerate(bounds)
    ]
    plan = planner(*providers)
    frame = payments(*amounts)
    parts = [part for part in (frame.head(cut), frame.slice(cut)) if part.height]
    found = pl.concat(
        [plan.choose(part).select("row", "amount_minor", "candidate", "placed", "due_at", "choice") for part in parts]
    )
    assert found["row"].to_list() == list(range(1, len(amounts) + 1))
    patterns = list(plan.choices)
    for n, option in enumerate(plan.options):
        here = found.filter(pl.col("candidate") == n)
        assert option.payments_left is None or here.height <= option.payments_left
        assert option.minor_left is None or here["amount_minor"].sum() <= option.minor_left
        assert (here["amount_minor"] <= option.rail.amount_minor_max).all()
    for number, choice, due_at in found.select("candidate", "choice", "due_at").iter_rows():
        pattern = patterns[choice]
        assert pattern[0] == (-1 if number is None else number)
        assert [n for n, code in enumerate(pattern[1:]) if code == FITS] == ([] if number is None else [number])
        assert (due_at is not None) == (number is None and 10 in pattern[1:])


# ---------------------------------------------------------------------------------------------- in the gateway


def second_bank(gateway: Gateway, tmp_path: Path, **terms: object) -> None:
    """Another euro bank, dearer, behind a folder of its own."""
    known = gateway.profiles.provider("euro_bank")
    (tmp_path / "second").mkdir(exist_ok=True)
    rail = known.rails[0].model_validate({**known.rails[0].model_dump(), "cost_minor": 50, **terms})
    transport = known.transport.model_copy(update={"options": {"inbox": str(tmp_path / "second")}})
    gateway.profiles.providers["second_bank"] = known.model_copy(
        update={"provider_id": "second_bank", "rails": (rail,), "transport": transport}
    )


def narrow(gateway: Gateway, **capacity: int) -> None:
    known = gateway.profiles.provider("euro_bank")
    rail = known.rails[0].model_validate({**known.rails[0].model_dump(), "capacity": capacity})
    gateway.profiles.providers["euro_bank"] = known.model_copy(update={"rails": (rail,)})


def test_a_choice_is_kept_and_explained(gateway, tmp_path, clock) -> None:
    second_bank(gateway, tmp_path)
    file_id = salaries(gateway)
    told = dict(explain_payment(gateway, file_id, 1))
    assert told["euro_bank/sepa_credit_transfer/DE32100100100123456789"] == "taken"
    assert told["second_bank/sepa_credit_transfer/DE32100100100123456789"] == "it costs more"
    assert told["us_bank/ach_credit/700100200"] == "another currency"
    found = status_of(gateway, file_id, row=1)
    assert dict(found.ways) == told
    (group,) = explain_file(gateway, file_id)
    assert (group["payments"], group["plan"]) == (10, 1)
    placed = live_routes(gateway, file_id)
    back = status_by_reference(gateway, placed["reference"][4])
    assert back.payment["payment_id"] == placed["payment_id"][4]
    assert (back.payment["row"], back.payment["position"]) == (placed["row"][4], 5)


def test_a_file_is_explained_before_it_is_planned_and_nothing_is_committed(gateway) -> None:
    from gateway.intake.parse import parse
    from gateway.intake.validate import validate

    file_id = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    parse(gateway, file_id)
    validate(gateway, file_id)
    (group,) = explain_file(gateway, file_id)
    assert (group["plan"], group["payments"]) == (0, 10)
    assert live_routes(gateway, file_id).is_empty()


def test_two_files_at_once_use_a_capacity_once(gateway, monkeypatch) -> None:
    """Each planner read what was left before the other committed."""
    from gateway.planning import route as routing

    narrow(gateway, payments=13)
    one = take_in(gateway, salaries_pain001(TODAY), "a.xml")
    other = salaries_pain001(TODAY).replace(b"SAL-11", b"SAL-12")
    from world import agree

    agree(gateway, "alder", duplicate_payment="warn")
    two = take_in(gateway, other, "b.xml")
    whole = routing.current_candidates
    barrier = threading.Barrier(2, timeout=20)
    first = {"waited": 0}

    def read(known: Gateway):
        found = whole(known)
        if first["waited"] < 2:
            first["waited"] += 1
            barrier.wait()
        return found

    for file_id in (one, two):
        from gateway.intake.approve import approve
        from gateway.intake.parse import parse
        from gateway.intake.validate import validate

        parse(gateway, file_id)
        validate(gateway, file_id)
        assert approve(gateway, file_id) == "approved"
    monkeypatch.setattr(routing, "current_candidates", read)
    workers = [threading.Thread(target=route, args=(gateway, file_id)) for file_id in (one, two)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(row["payments"] for row in due(gateway)) == 13
    for file_id in (one, two):
        assert status_of(gateway, file_id).tied


def test_what_was_full_goes_with_the_next_window(gateway, tmp_path, clock) -> None:
    narrow(gateway, payments=4)
    file_id = salaries(gateway)
    for _ in range(3):
        run(gateway)
        clock.now = max(clock.now, dt.datetime(2026, 11, 20, 17, 0, tzinfo=dt.UTC))
        run(gateway)
        clock.move(days=1)
    clock.now = dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC)
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert sorted(row["payments"] for row in live_submissions(gateway, file_id)) == [2, 4, 4]


def test_a_voided_plan_gives_its_capacity_back(gateway, clock) -> None:
    from test_cancel import WHOLE, ask

    narrow(gateway, payments=10)
    salaries(gateway)
    assert current_candidates(gateway)[0].payments_left in {0, None}
    ask(gateway, WHOLE)
    left = [item.payments_left for item in current_candidates(gateway) if item.provider.provider_id == "euro_bank"]
    assert left == [10]


def test_a_stopped_providers_payments_go_another_way_before_their_release(gateway, tmp_path) -> None:
    second_bank(gateway, tmp_path)
    file_id = salaries(gateway)
    (planned,) = due(gateway)
    stop(gateway, "provider", "euro_bank", by="anna", reason="its line is down")
    assert deliver(gateway, planned["submission_id"]) == "VOIDED"
    (again,) = due(gateway)
    assert again["destination"] == "second_bank"
    assert deliver(gateway, again["submission_id"]) == "DELIVERED"
    assert sent(tmp_path) == []
    assert len(list((tmp_path / "second").glob("S*"))) == 1
    assert status_of(gateway, file_id).tied


def test_failing_deliveries_move_on_after_as_many_as_agreed_and_never_after_a_release(gateway, tmp_path) -> None:
    second_bank(gateway, tmp_path)
    salaries(gateway)
    (planned,) = due(gateway)
    (tmp_path / "euro/in").rename(tmp_path / "gone")
    for _ in range(2):
        with pytest.raises(OutsideError):
            deliver(gateway, planned["submission_id"])
    assert deliver(gateway, planned["submission_id"]) == "VOIDED"
    (again,) = due(gateway)
    assert again["destination"] == "second_bank"
    (tmp_path / "gone").rename(tmp_path / "euro/in")
    from gateway.delivery.submissions import RegistryLog, submission_row

    log = RegistryLog(gateway, submission_row(gateway, again["submission_id"]))
    log.begin_upload()
    log.uploaded()
    log.begin_release()
    stop(gateway, "provider", "second_bank", by="anna", reason="too late")
    from gateway.planning.failover import fail_over

    assert not fail_over(gateway, again["submission_id"])
    assert submission_row(gateway, again["submission_id"])["state"] == "RELEASING"


def test_without_another_rail_a_stopped_provider_is_waited_for(gateway) -> None:
    salaries(gateway)
    (planned,) = due(gateway)
    stop(gateway, "provider", "euro_bank", by="anna", reason="down")
    assert deliver(gateway, planned["submission_id"]).startswith("withheld")
    assert due(gateway)[0]["submission_id"] == planned["submission_id"]


def test_a_dry_run_says_what_would_go_elsewhere_and_commits_nothing(gateway, tmp_path) -> None:
    import shutil

    file_id = salaries(gateway)
    before = gateway.registry.rows(t.STAGES)
    changed = tmp_path / "changed"
    shutil.copytree(gateway.settings.config_dir, changed)
    path = changed / "providers" / "euro_bank.yaml"
    text = path.read_text(encoding="utf-8")
    (changed / "providers" / "new_bank.yaml").write_text(
        text.replace("euro_bank", "new_bank").replace("cost_minor: 5", "cost_minor: 1, amount_minor_max: 300000"),
        encoding="utf-8",
    )
    moved = rehearse(gateway, changed, TODAY)
    small = live_routes(gateway, file_id).filter(pl.col("amount_minor") <= 300_000)
    assert moved.rows() == [
        ("euro_bank/sepa_credit_transfer", "euro_bank/sepa_credit_transfer", "EUR", 10 - small.height,
         live_routes(gateway, file_id)["amount_minor"].sum() - small["amount_minor"].sum()),
        ("euro_bank/sepa_credit_transfer", "new_bank/sepa_credit_transfer", "EUR", small.height, small["amount_minor"].sum()),
    ]  # fmt: skip
    assert gateway.registry.rows(t.STAGES) == before


def test_the_operator_asks_why(gateway, monkeypatch) -> None:
    from test_cli import run as command

    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    monkeypatch.setenv("BULKRAIL_REGISTRY_URL", gateway.settings.registry_url)
    file_id = salaries(gateway)
    code, told = command("status", file_id, "--payment", "1")
    assert code == 0
    assert "us_bank/ach_credit/700100200: another currency" in told
    reference = live_routes(gateway, file_id)["reference"][0]
    assert f"{file_id}" in command("status", "--reference", reference)[1]
    assert "it costs more" not in command("route", file_id, "--explain")[1]
    code, told = command("route", "--dry-run", "--day", "2026-11-20")
    assert code == 0
    assert "euro_bank/sepa_credit_transfer" in told
    assert command("status", file_id, "--payment", "99")[0] == 3
    assert command("route")[0] == 2
