"""The protocol over requests, against an API that acts, refuses, waits, breaks off, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_world import Bank, bank_api
from delivery_world import Log, S

from canonical.contracts import Parcel
from canonical.errors import Conflict, OutsideError, PartWithheld, ReleaseOver, TransientError, Withheld
from providers._http_calls import Guarded
from providers._http_options import HttpApiOptions
from providers.http_api import TRANSPORT

PAYMENTS = 5


@pytest.fixture
def bank() -> Iterator[Bank]:
    with bank_api(Bank()) as bank:
        yield bank


def options(bank: Bank, **changes: Any) -> HttpApiOptions:
    values: dict[str, Any] = {
        "base_url": bank.url, "per": "payment", "release": {"path": "/payouts"}, "block": 2, "timeout_s": 2,
        "send_window_s": 5, "wait_max_s": 0.05, "idempotency": {"lifetime_s": 86400},
        "meaning": {"status": "status", "statuses": {"pending": "ACSP"}, "reasons": {"account_closed": "AC04"}},
        "enquiry": {
            "get": "/payouts", "items": "data", "match": "metadata.reference",
            "paging": {"parameter": "starting_after", "cursor": "id", "of_last_item": True, "more": "has_more"},
        },
    }  # fmt: skip
    return HttpApiOptions.model_validate(values | changes)


@pytest.fixture
def parcel(tmp_path) -> Parcel:
    lines = [
        {"reference": f"P{n}", "account": "DE1", "amount_minor": 100 + n, "currency": "EUR",
         "body": {"amount": 100 + n, "currency": "eur", "metadata": {"reference": f"P{n}"}}}
        for n in range(PAYMENTS)
    ]  # fmt: skip
    data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    path = tmp_path / "parcel"
    path.write_bytes(data)
    return Parcel("S0123456789abcdef012", "x.jsonl", path, len(data), hashlib.sha256(data).hexdigest())


def deliver(parcel: Parcel, log: Log, agreed: HttpApiOptions) -> None:
    with TRANSPORT.connect(agreed, lambda name: name) as remote:
        remote.deliver(parcel, log)


def blocks(log: Log) -> list[Any]:
    return [reply for block in log.plan_requests(0, 1) for reply in block.replies]


@pytest.fixture
def log(tmp_path) -> Log:
    return Log(tmp_path / "log.db")


def again(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.db")


def test_every_payment_is_one_request_with_a_key_of_its_own(bank, parcel, log) -> None:
    deliver(parcel, log, options(bank, at_once=3))
    assert log.state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]
    assert sorted(headers["Idempotency-Key"] for _, _, headers in bank.requests) == sorted(bank.references())
    assert [(reply.reference, reply.status, reply.amount_minor) for reply in blocks(log)] == [
        (f"P{n}", "ACSP", 100 + n) for n in range(PAYMENTS)
    ]
    assert {reply.trace for reply in blocks(log)} == {item["id"] for item in bank.payments}


def test_a_refused_payment_does_not_stop_the_others(bank, parcel, log) -> None:
    bank.faults = [None, 402]
    deliver(parcel, log, options(bank))
    assert log.detail == "4 accepted, 1 refused"
    (refused,) = [reply for reply in blocks(log) if reply.outcome == "refused"]
    assert (refused.reference, refused.status, refused.reason) == ("P1", "RJCT", "AC04")
    assert refused.reason_text == "the account is closed"


@pytest.mark.parametrize(
    "words", ["no such IBAN DE89 3704 0044 0532 0130 00", "account 021000021-123456789 is closed in 2026"]
)
def test_no_fault_tells_the_account_that_a_provider_names(bank, file, log, words) -> None:
    """Guard: what a provider says is masked before it becomes a fault, which is logged."""
    bank.faults, bank.words = [418], words
    with pytest.raises(OutsideError, match=r"refuses it \(418\): .*…") as refused:
        deliver(file, log, file_options(bank))
    assert not re.search(r"[0-9]{4}[ -]?[0-9]{3}", str(refused.value))
    assert ("in 2026" in str(refused.value)) == ("2026" in words)


@pytest.mark.parametrize("fault", [500, "cut", ("acts", 500), "acts-cut", ("acts", 409), (429, 0), (503, 0)])
def test_within_the_life_of_the_keys_the_same_request_goes_again(bank, parcel, log, fault) -> None:
    bank.faults = [fault, None, fault]
    deliver(parcel, log, options(bank))
    assert log.state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


@pytest.mark.parametrize("fault", [500, 503, "cut", ("acts", 500), "acts-cut"])
def test_without_a_promise_what_is_in_doubt_is_never_sent_again(bank, parcel, log, fault) -> None:
    bank.keys, bank.faults = False, [fault]
    deliver(parcel, log, options(bank, idempotency={"lifetime_s": 0}, enquiry=None))
    assert log.state is S.UNKNOWN
    assert log.detail == "1 request in doubt; 4 accepted"
    assert len(bank.requests) == PAYMENTS
    assert len(set(bank.references())) == len(bank.references())


def test_asking_settles_what_was_done(bank, parcel, log) -> None:
    bank.keys, bank.faults = False, ["acts-cut", None, ("acts", 500)]
    deliver(parcel, log, options(bank, idempotency={"lifetime_s": 0}))
    assert log.state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def test_asking_does_not_settle_what_is_not_shown(bank, parcel, log) -> None:
    agreed = options(bank, idempotency={"lifetime_s": 0})
    bank.keys, bank.faults = False, ["cut"]
    deliver(parcel, log, agreed)
    assert log.state is S.UNKNOWN
    with TRANSPORT.connect(agreed, str) as remote:
        remote.enquire(parcel, log)
        assert log.state is S.UNKNOWN
        bank.payments.append({"id": "late", "status": "pending", "metadata": {"reference": "P0"}})
        remote.enquire(parcel, log)
    assert log.state is S.DELIVERED
    assert len(bank.requests) > PAYMENTS  # it was asked
    assert sum(method == "POST" for method, _, _ in bank.requests) == PAYMENTS


def test_what_may_still_be_on_its_way_is_not_called_undelivered(tmp_path, bank, parcel, log) -> None:
    """Another worker made it UNKNOWN while the first one was about to send."""
    agreed = options(bank, idempotency={"lifetime_s": 0}, enquiry=None)
    bank.keys, bank.faults = False, ["cut"]
    deliver(parcel, log, agreed)
    assert log.state is S.UNKNOWN
    later = Later(tmp_path / "log.db")
    with TRANSPORT.connect(agreed, str) as remote:
        for later.ahead_s in (0.0, agreed.silent_s - 1, -60.0):
            with pytest.raises(TransientError, match="on its way"):
                remote.withdraw(parcel, later)
        later.ahead_s = agreed.silent_s + 1
        remote.withdraw(parcel, later)
    assert (again(tmp_path).state, sent(bank)) == (S.UNKNOWN, PAYMENTS)


class Later(Log):
    """A log whose clock is far ahead."""

    ahead_s = 0.0

    def now(self) -> Any:
        import datetime as dt

        return super().now() + dt.timedelta(seconds=self.ahead_s)


def test_absence_is_proof_only_after_the_promised_time(tmp_path, bank, parcel, log) -> None:
    agreed = options(
        bank, idempotency={"lifetime_s": 0}, enquiry={"get": "/payouts", "items": "data", "match": "metadata.reference", "absent_after_s": 600}
    )  # fmt: skip
    bank.keys, bank.page, bank.faults = False, 100, ["cut"]
    with pytest.raises(TransientError, match="asked again later"):
        deliver(parcel, log, agreed)
    assert log.state is S.RELEASING
    with pytest.raises(TransientError, match="asked again later"):
        deliver(parcel, again(tmp_path), agreed)
    assert "P0" not in bank.references()
    later = Later(tmp_path / "log.db")
    later.ahead_s = bank.ahead_s = 601
    deliver(parcel, later, agreed)
    assert later.state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


@pytest.mark.parametrize(("ours_s", "theirs_s"), [(601, 0), (601, 590), (0, 601)])
def test_a_clock_that_jumps_forward_does_not_end_the_promised_time(
    tmp_path, bank, parcel, log, ours_s, theirs_s
) -> None:
    """The provider acts, and shows it late: sent again, the payment would be made twice."""
    terms = {"get": "/shown", "items": "data", "match": "metadata.reference", "absent_after_s": 600}
    agreed = options(bank, idempotency={"lifetime_s": 0}, enquiry=terms)
    bank.keys, bank.faults = False, ["acts-cut"]
    with pytest.raises(TransientError, match="asked again later"):
        deliver(parcel, log, agreed)
    jumped = Later(tmp_path / "log.db")
    jumped.ahead_s, bank.ahead_s = ours_s, theirs_s
    with pytest.raises(TransientError, match="asked again later"):
        deliver(parcel, jumped, agreed)
    assert (jumped.state, bank.references().count("P0")) == (S.RELEASING, 1)


def test_who_does_not_tell_its_time_promises_nothing_of_absence(bank, parcel, log) -> None:
    terms = {"get": "/shown", "items": "data", "match": "metadata.reference", "absent_after_s": 600}
    bank.keys, bank.faults, bank.ahead_s = False, ["acts-cut"], None
    with pytest.raises(OutsideError, match="do not tell its time"):
        deliver(parcel, log, options(bank, idempotency={"lifetime_s": 0}, enquiry=terms))
    assert bank.references().count("P0") == 1


def test_after_the_life_of_the_keys_nothing_is_repeated(tmp_path, bank, parcel, log) -> None:
    bank.faults = ["cut"] * 3
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, log, options(bank, enquiry=None))
    later = Later(tmp_path / "log.db")
    later.ahead_s = 86400
    deliver(parcel, later, options(bank, enquiry=None))
    assert later.state is S.UNKNOWN
    assert bank.references() == ["P1", "P2", "P3", "P4"]


def test_a_repeat_that_could_arrive_after_the_life_of_the_keys_is_not_sent(tmp_path, bank, parcel, log) -> None:
    agreed = options(bank, tries=1, enquiry=None)
    bank.faults = ["acts-cut"]
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, log, agreed)
    late = Later(tmp_path / "log.db")
    late.ahead_s = agreed.idempotency.lifetime_s - agreed.silent_s
    deliver(parcel, late, agreed)
    assert late.state is S.UNKNOWN
    assert sent(bank) == PAYMENTS


def test_a_clock_that_was_set_back_makes_no_key_live_longer(tmp_path, bank, parcel) -> None:
    bank.faults = ["acts-cut"]
    early = Later(tmp_path / "log.db")
    early.ahead_s = 3600
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, early, options(bank, tries=1, enquiry=None))
    deliver(parcel, again(tmp_path), options(bank, tries=1, enquiry=None))
    assert again(tmp_path).state is S.UNKNOWN
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]
    assert sent(bank) == PAYMENTS


_CHANGES = {
    "place": lambda bank: {"base_url": bank.url.replace("127.0.0.1", "localhost")},
    "path": lambda _: {"release": {"path": "/v2/payouts"}},
    "form": lambda _: {
        "release": {"path": "/payouts", "body": {"amount": 1, "metadata": {"reference": "{reference}"}}}
    },
    "header": lambda _: {"headers": {"Account": "other"}},
    "key": lambda _: {"idempotency": {"header": "Request-Key", "lifetime_s": 86400}},
    "who": lambda _: {"authentication": {"kind": "basic", "username": "new", "secret": "s"}},
}


@pytest.mark.parametrize("change", _CHANGES)
def test_what_the_profile_says_otherwise_since_is_no_repeat(tmp_path, bank, parcel, log, change) -> None:
    """The keys are of what was sent: another place knows none of them, and a refusal of what differs is no word on the first."""
    bank.faults = ["acts-cut"]
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, log, options(bank, tries=1, enquiry=None))
    bank.keys = False
    deliver(parcel, again(tmp_path), options(bank, tries=1, enquiry=None, **_CHANGES[change](bank)))
    assert again(tmp_path).state is S.UNKNOWN
    assert bank.references().count("P0") == 1


def test_what_certainly_did_nothing_goes_by_what_the_profile_says_now(tmp_path, bank, parcel, log) -> None:
    bank.faults = [(429, 0)]
    with pytest.raises(TransientError, match="asks to wait"):
        deliver(parcel, log, options(bank, tries=1))
    now = options(bank, tries=1, release={"path": "/v2/payouts"})
    bank.faults = ["acts-cut"]
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, again(tmp_path), now)
    deliver(parcel, again(tmp_path), now)
    assert again(tmp_path).state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def test_of_keys_whose_age_nobody_knows_none_is_used_again(tmp_path, bank, parcel, log) -> None:
    """Its clock was set back since, and says that they are young."""

    class SetBack(Log):
        def ran_on(self) -> bool:
            return False

    bank.faults = ["acts-cut"]
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, log, options(bank, tries=1, enquiry=None))
    bank.keys = False
    deliver(parcel, SetBack(tmp_path / "log.db"), options(bank, tries=1, enquiry=None))
    assert again(tmp_path).state is S.UNKNOWN
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def test_a_provider_out_of_reach_leaves_no_doubt(tmp_path, bank, parcel, log) -> None:
    agreed = options(bank, idempotency={"lifetime_s": 0}, enquiry=None)
    with pytest.raises(TransientError):
        deliver(parcel, log, agreed.model_copy(update={"base_url": "http://127.0.0.1:1"}))
    assert log.state is S.RELEASING
    deliver(parcel, again(tmp_path), agreed)
    assert again(tmp_path).state is S.DELIVERED
    assert len(bank.payments) == PAYMENTS


def test_a_provider_that_asks_to_wait_is_waited_for_and_has_done_nothing(tmp_path, bank, parcel, log) -> None:
    agreed = options(bank, idempotency={"lifetime_s": 0}, enquiry=None, tries=2)
    bank.faults = [(429, 0), (429, 0), (429, 0), (429, 0)]
    with pytest.raises(TransientError, match="asks to wait"):
        deliver(parcel, log, agreed)
    deliver(parcel, again(tmp_path), agreed)
    assert again(tmp_path).state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def test_a_breaker_stops_after_so_many_faults(bank, parcel, log) -> None:
    bank.faults = [500] * 100
    with pytest.raises(TransientError):
        deliver(parcel, log, options(bank, faults_max=2, tries=5, block=5))
    assert sum(method == "POST" for method, _, _ in bank.requests) == 2


def test_a_try_that_did_nothing_does_not_clear_an_earlier_one_that_may_have(tmp_path, bank, parcel, log) -> None:
    bank.faults = ["acts-cut", (429, 0), (429, 0)]
    with pytest.raises(TransientError):
        deliver(parcel, log, options(bank))
    (first, *_) = again(tmp_path).plan_requests(0, 1)
    assert first.in_doubt
    later = Later(tmp_path / "log.db")
    later.ahead_s = 86400
    deliver(parcel, later, options(bank))
    assert later.state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def _no_way(*_: Any) -> Any:
    raise httpx2.ConnectError("nobody listens there")


@pytest.mark.parametrize("enquiry", [True, False])
@pytest.mark.parametrize("trouble", ["out of reach", "refused for who we are"])
def test_a_run_that_did_nothing_does_not_clear_an_earlier_one_that_may_have(
    tmp_path, bank, parcel, log, trouble, enquiry, monkeypatch
) -> None:
    agreed = options(bank, tries=1) if enquiry else options(bank, tries=1, enquiry=None)
    bank.faults = ["acts-cut"]
    with pytest.raises(TransientError, match="repeated as it was"):
        deliver(parcel, log, agreed)
    with monkeypatch.context() as patched:
        if trouble == "refused for who we are":
            bank.token = "right"
        else:
            patched.setattr(Guarded, "handle_request", _no_way)
        with pytest.raises((TransientError, OutsideError)):
            deliver(parcel, again(tmp_path), agreed)
    bank.token, bank.keys = None, False  # a day later it knows the keys no more
    later = Later(tmp_path / "log.db")
    later.ahead_s = 86400
    deliver(parcel, later, agreed)
    assert later.state is (S.DELIVERED if enquiry else S.UNKNOWN)
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


def test_who_we_are_refused_is_no_success_and_no_doubt(tmp_path, bank, parcel, log) -> None:
    bank.token = "right"
    agreed = options(
        bank, authentication={"kind": "bearer", "secret": "wrong"}, idempotency={"lifetime_s": 0}, enquiry=None
    )
    with pytest.raises(OutsideError, match="refuses us"):
        deliver(parcel, log, agreed)
    deliver(parcel, again(tmp_path), options(bank, authentication={"kind": "bearer", "secret": "right"}))
    assert again(tmp_path).state is S.DELIVERED
    assert len(bank.payments) == PAYMENTS


# ---------------------------------------------------------------------------------------------- what may not go any more


class Over(Log):
    """A log whose window closes after so many looks."""

    looks = 0

    def recheck(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise ReleaseOver("cut-off missed")


def test_nothing_sent_is_withdrawn(tmp_path, bank, parcel) -> None:
    log = Over(tmp_path / "log.db")
    with pytest.raises(ReleaseOver):
        deliver(parcel, log, options(bank))
    assert log.state is S.VOIDED
    assert not bank.payments


def test_what_was_begun_stands_and_the_rest_is_told_as_not_sent(tmp_path, bank, parcel) -> None:
    log = Over(tmp_path / "log.db")
    log.looks = 2
    deliver(parcel, log, options(bank))
    assert log.detail == "4 accepted, 1 not sent"
    (rest,) = [reply for reply in blocks(log) if reply.outcome == "not_sent"]
    assert (rest.reference, rest.status, rest.reason) == ("P4", "RJCT", "TM01")
    assert bank.references() == ["P0", "P1", "P2", "P3"]


class Held(Log):
    """A log of what is kept back after so many looks, as a whole or some parts of it."""

    looks = 0
    fault: type[Withheld] = Withheld

    def recheck(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise self.fault("client alder is stopped")


def sent(bank: Bank) -> int:
    return sum(method == "POST" for method, _, _ in bank.requests)


@pytest.mark.parametrize(("fault", "left"), [(Withheld, S.RELEASING), (PartWithheld, S.VOIDED)])
def test_of_what_is_kept_back_nothing_is_sent(tmp_path, bank, parcel, fault, left) -> None:
    log = Held(tmp_path / "log.db")
    log.fault = fault
    with pytest.raises(ReleaseOver if left is S.VOIDED else Withheld):
        deliver(parcel, log, options(bank))
    assert log.state is left
    assert not bank.payments


@pytest.mark.parametrize("lifetime_s", [0, 86400])
@pytest.mark.parametrize("fault", [Withheld, PartWithheld])
def test_what_was_begun_is_asked_about_while_the_rest_is_kept_back(
    tmp_path, bank, parcel, log, fault, lifetime_s
) -> None:
    terms = {"get": "/payouts", "items": "data", "match": "metadata.reference", "absent_after_s": 600}
    agreed = options(bank, idempotency={"lifetime_s": lifetime_s}, enquiry=terms)
    bank.keys, bank.page, bank.faults = bool(lifetime_s), 100, ["acts-cut"]

    class Killed(Log):
        def answered(self, *_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(parcel, Killed(tmp_path / "log.db"), agreed)
    before = sent(bank)
    held = Held(tmp_path / "log.db")
    held.fault = fault
    with pytest.raises(Withheld):
        deliver(parcel, held, agreed)
    assert (held.state, sent(bank)) == (S.RELEASING, before)
    assert {reply.outcome for reply in blocks(held)} == {"accepted"}, "what the provider shows is known"
    deliver(parcel, again(tmp_path), agreed)
    assert again(tmp_path).state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


@pytest.mark.parametrize("fault", [Withheld, ReleaseOver])
def test_who_is_stopped_after_the_look_and_before_the_block_begins_sends_nothing(tmp_path, bank, parcel, fault) -> None:
    class Stopped(Log):
        def begin_requests(self, block: Any, note: str = "", *, sends: bool = True) -> Any:
            if sends and block.first == 2:
                raise fault("meanwhile")
            return super().begin_requests(block, note, sends=sends)

    log = Stopped(tmp_path / "log.db")
    if fault is Withheld:
        with pytest.raises(Withheld):
            deliver(parcel, log, options(bank))
        assert bank.references() == ["P0", "P1"]
        deliver(parcel, again(tmp_path), options(bank))
        assert again(tmp_path).detail == "5 accepted"
        return
    deliver(parcel, log, options(bank))
    assert log.detail == "2 accepted, 3 not sent"
    assert bank.references() == ["P0", "P1"]


def test_what_was_wholly_sent_is_delivered_though_it_is_kept_back(tmp_path, bank, parcel) -> None:
    agreed = options(bank, idempotency={"lifetime_s": 0})
    log = Held(tmp_path / "log.db")
    log.looks, log.fault = 3, PartWithheld
    bank.keys, bank.faults = False, ["acts-cut", "acts-cut", "acts-cut", "acts-cut", "acts-cut"]
    deliver(parcel, log, agreed)
    assert log.state is S.DELIVERED
    assert sent(bank) == PAYMENTS


@pytest.mark.parametrize("jump_s", [6.0, -6.0])
def test_a_worker_that_slept_sends_nothing(tmp_path, bank, parcel, jump_s) -> None:
    class Sleeps(Later):
        def begin_requests(self, block: Any, note: str = "", **more: Any) -> Any:
            begun = super().begin_requests(block, note, **more)
            self.ahead_s = jump_s
            return begun

    with pytest.raises(TransientError, match="stopped"):
        deliver(parcel, Sleeps(tmp_path / "log.db"), options(bank))
    assert not bank.payments


def test_two_workers_send_nothing_twice(tmp_path, bank, parcel) -> None:
    class Overtaken(Log):
        def begin_requests(self, block: Any, note: str = "", **more: Any) -> Any:
            other = Log(tmp_path / "log.db")
            if other.state is S.RELEASING:
                deliver(parcel, other, agreed)
            return super().begin_requests(block, note, **more)

    agreed = options(bank, idempotency={"lifetime_s": 0}, enquiry=None)
    bank.keys = False
    with pytest.raises(Conflict):
        deliver(parcel, Overtaken(tmp_path / "log.db"), agreed)
    assert again(tmp_path).state is S.DELIVERED
    assert sorted(bank.references()) == [f"P{n}" for n in range(PAYMENTS)]


# ---------------------------------------------------------------------------------------------- a file with its steps


def file_options(bank: Bank, **changes: Any) -> HttpApiOptions:
    values = {
        "per": "file",
        "steps": [
            {"path": "/consents", "body": {"hash": "{sha256_base64}", "count": "{payments}", "sum": "{control_sum}"}, "take": {"consent": "data.consent"}},
            {"path": "/consents/{consent}/file", "send": "file", "content_type": "application/xml"},
        ],
        "release": {"path": "/files", "body": {"consent": "{consent}", "metadata": {"reference": "{submission_id}"}}},
        "feedback": [{"name": "files.json", "get": "/files/{trace}"}],
    }  # fmt: skip
    return options(bank, **(values | changes))


@pytest.fixture
def file(parcel) -> Parcel:
    return replace(parcel, payments=5, sum_minor=123456, currency="EUR")


def test_a_file_goes_by_its_steps_and_is_released_once(bank, file, log) -> None:
    deliver(file, log, file_options(bank))
    assert log.state is S.DELIVERED
    assert bank.files == [file.path.read_bytes()]
    assert bank.payments == [
        {"consent": "C1", "metadata": {"reference": file.submission_id}, "id": "po_1", "status": "pending"}
    ]
    keys = [headers["Idempotency-Key"] for _, _, headers in bank.requests]
    assert keys == [f"{file.submission_id}-1-0", f"{file.submission_id}-1-1", file.submission_id]


@pytest.mark.parametrize("step", [0, 1])
def test_a_step_that_fails_is_done_again_from_the_first(tmp_path, bank, file, log, step) -> None:
    bank.faults = [None] * step + [500] * 3
    with pytest.raises(TransientError, match=f"step {step + 1}"):
        deliver(file, log, file_options(bank))
    assert log.state is S.UPLOADING
    deliver(file, again(tmp_path), file_options(bank))
    assert again(tmp_path).state is S.DELIVERED
    assert len(bank.payments) == 1


def test_a_release_in_doubt_is_repeated_as_it_was(tmp_path, bank, file, log) -> None:
    bank.faults = [None, None, *["acts-cut"] * 3]
    with pytest.raises(TransientError):
        deliver(file, log, file_options(bank))
    deliver(file, again(tmp_path), file_options(bank))
    assert len(bank.payments) == 1
    assert bank.payments[0]["consent"] == "C1"
    assert again(tmp_path).state is S.DELIVERED


def test_a_refused_file_is_told(bank, file, log) -> None:
    bank.faults = [None, None, 422]
    deliver(file, log, file_options(bank))
    (reply,) = blocks(log)
    assert (reply.outcome, reply.status, reply.reference, reply.reason) == (
        "refused",
        "RJCT",
        file.submission_id,
        "AC04",
    )
