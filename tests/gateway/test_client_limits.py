"""What a client may order in a day is spent once, whoever comes first; above its thresholds persons decide."""

from __future__ import annotations

import threading

import pytest
from test_journey import TODAY, receive_one
from world import agree

from canonical.errors import Conflict
from gateway.books.status import status_of
from gateway.composition import Gateway, open_gateway
from gateway.config import Profiles
from gateway.intake.approve import approve, decide
from gateway.intake.parse import parse
from gateway.intake.validate import validate
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.stages import run_journey

HEADER = b"end_to_end_id,execution_date,creditor_name,creditor_account,creditor_agent,amount,currency,remittance\n"
OPEN = {"approval_limit_minor": {"EUR": 10**9}}


def payments(*rows: tuple[str, str], name: str = "Example SARL", account: str = "FR1420041010050500013M02606") -> bytes:
    lines = [f"{e2e},{TODAY},{name},{account},,{amount},EUR,test\n" for e2e, amount in rows]
    return HEADER + "".join(lines).encode()


def state(gateway: Gateway, file_id: str) -> str:
    row = gateway.registry.one(t.FILES, file_id=file_id)
    assert row is not None
    return str(row["state"])


def spent(gateway: Gateway) -> int:
    rows = gateway.registry.rows(t.COUNTERS, t.COUNTERS.c.name.like("limit:%"))
    return sum(row["value"] for row in rows)


def test_a_file_over_what_is_left_of_the_day_is_rejected_with_its_sums(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", limits={"day": {"EUR": 100_00}}, **OPEN)
    first = receive_one(gateway, "cedar", "1.csv", payments(("A", "60.00")))
    run_journey(gateway, first)
    second = receive_one(gateway, "cedar", "2.csv", payments(("B", "40.01")))
    run_journey(gateway, second)
    third = receive_one(gateway, "cedar", "3.csv", payments(("C", "40.00")))
    run_journey(gateway, third)
    assert [state(gateway, file_id) for file_id in (first, second, third)] == ["routed", "rejected", "routed"]
    told = gateway.lake.whole(second, "findings", "validate").filter(rule="limits")
    assert told["reason"].to_list() == ["AM14"]
    assert "40.01 EUR" in told["message"][0]
    assert spent(gateway) == 100_00


def test_only_accepted_payments_count(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", limits={"day": {"EUR": 100_00}}, **OPEN)
    bad = payments(("A", "100.00"), account="FR0020041010050500013M02606").removeprefix(HEADER)
    file_id = receive_one(gateway, "cedar", "1.csv", payments(("B", "100.00")) + bad)
    run_journey(gateway, file_id)
    assert state(gateway, file_id) == "routed"
    assert spent(gateway) == 100_00


def test_a_refused_file_gives_its_share_back_once(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", limits={"day": {"EUR": 100_00}}, approval_limit_minor={})
    file_id = receive_one(gateway, "cedar", "1.csv", payments(("A", "60.00")))
    run_journey(gateway, file_id)
    assert (state(gateway, file_id), spent(gateway)) == ("held", 60_00)
    decide(gateway, file_id, approved=False, by="anna", reason="not ours")
    assert spent(gateway) == 0
    with pytest.raises(Conflict):
        decide(gateway, file_id, approved=False, by="anna", reason="again")
    assert spent(gateway) == 0


def test_two_files_at_once_cannot_spend_one_limit_twice(
    registry_url: str, store_url: str, config_dir, tmp_path, clock
) -> None:
    settings = Settings(home=tmp_path, config_dir=config_dir, registry_url=registry_url, store_url=store_url)
    gateways = [open_gateway(settings, clock) for _ in range(4)]
    for gateway in gateways:
        object.__setattr__(gateway, "profiles", Profiles(gateway.profiles.clients, gateway.profiles.providers))
        agree(gateway, "cedar", complete="renamed", limits={"day": {"EUR": 100_00}}, **OPEN)
    files = [receive_one(gateways[0], "cedar", f"{n}.csv", payments((f"P{n}", "60.00"))) for n in range(4)]
    barrier = threading.Barrier(4)

    def work(gateway: Gateway, file_id: str) -> None:
        parse(gateway, file_id)
        barrier.wait()
        validate(gateway, file_id)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(gateways, files, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(state(gateways[0], file_id) for file_id in files) == ["rejected"] * 3 + ["validated"]
    assert spent(gateways[0]) == 60_00
    for gateway in gateways:
        gateway.registry.engine.dispose()


def test_four_eyes_are_those_of_two_persons(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", four_eyes_limit_minor={"EUR": 50_00}, **OPEN)
    small = receive_one(gateway, "cedar", "1.csv", payments(("A", "50.00")))
    run_journey(gateway, small)
    assert state(gateway, small) == "routed"
    large = receive_one(gateway, "cedar", "2.csv", payments(("B", "50.01")))
    run_journey(gateway, large)
    assert state(gateway, large) == "held"
    assert decide(gateway, large, approved=True, by="anna", reason="invoice seen") == "held"
    with pytest.raises(Conflict, match="another person"):
        decide(gateway, large, approved=True, by="anna", reason="again")
    assert approve(gateway, large) == "held"
    assert status_of(gateway, large).why_it_waits()["why"][0].endswith("anna has approved it, another person must")
    assert decide(gateway, large, approved=True, by="bert", reason="called back") == "approved"


def test_a_vote_on_one_file_is_none_on_another(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", four_eyes_limit_minor={"EUR": 50_00}, **OPEN)
    files = [receive_one(gateway, "cedar", f"{n}.csv", payments((f"B{n}", "50.01"))) for n in range(2)]
    for file_id, by in zip(files, ("anna", "bert"), strict=True):
        run_journey(gateway, file_id)
        assert decide(gateway, file_id, approved=True, by=by, reason="invoice seen") == "held"
    assert decide(gateway, files[0], approved=True, by="bert", reason="called back") == "approved"
    assert state(gateway, files[1]) == "held"


def test_one_refusal_is_enough(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", four_eyes_limit_minor={"EUR": 50_00}, **OPEN)
    file_id = receive_one(gateway, "cedar", "2.csv", payments(("B", "50.01")))
    run_journey(gateway, file_id)
    decide(gateway, file_id, approved=True, by="anna", reason="fine")
    assert decide(gateway, file_id, approved=False, by="bert", reason="not fine") == "refused"


@pytest.mark.parametrize(
    ("agreed", "rows", "flag"),
    [("none", 1, "none"), ("always", 2, "needed"), ("opted_out", 2, "opted_out"), ("opted_out", 1, "needed")],
)
def test_a_single_payment_is_verified_whatever_was_agreed(gateway: Gateway, agreed, rows, flag) -> None:
    agree(gateway, "cedar", complete="renamed", verification_of_payee=agreed, **OPEN)
    file_id = receive_one(gateway, "cedar", "1.csv", payments(*[(f"E{n}", "1.00") for n in range(rows)]))
    run_journey(gateway, file_id)
    assert gateway.registry.one(t.FILES, file_id=file_id)["verification"] == flag
